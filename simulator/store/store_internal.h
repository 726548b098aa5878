/* store_internal.h - how the store's parts share one database. Private to this folder and to its tests.
 *
 *   identity      one row each: its document and subscriptions, always current
 *   snapshot      its twin, as it stood after journal row `upto`
 *   journal       every change, by a number that only grows: appending touches the last page and nothing else
 *   journal_index which rows an identity has, with their versions. It is behind: rows are entered in batches when idle
 *   message       what waits for an identity: from the cloud, until it is acknowledged or its time is over
 *   feedback      what became of messages, until a service fetches it
 *   dead          deleted identities whose rows are still to be removed
 *   hub           one row: how many identities, and up to which row the index reaches
 *
 *                 indexed             next_id
 *   journal ---------|-------------------|
 *           index     tail: in memory, a chain per identity (store_tail.c); read again at open
 *
 * Measured: with an ordinary index each small row costs 5 us at 50 rows a commit, because every row touches a page of its own;
 * without one it costs 1 us. The tail buys exactly that, and is bounded: store_is_pressed asks for upkeep when it grows.
 */
#ifndef TWINSIM_STORE_INTERNAL_H
#define TWINSIM_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store.h"

#define STORE_FILE         "twinsim.db"
#define STORE_LOCK         "store.lock"
#define STORE_APPLICATION  0x7477736d /* "twsm" */
#define STORE_FORMAT       2
#define STORE_CHECK_MAX    (16u * 1024 * 1024) /* bytes; larger files are not read through at open */
#define STORE_LONG_ROWS    10000u              /* memory: rows after which the long transaction is committed */
#define STORE_IDS_MAX      16384u              /* cached id -> row; then forgotten and begun anew */
#define STORE_HEADS_MAX    65536u              /* heads kept without need */
#define STORE_FORGET_MAX   256u                /* records of feedback that are forgotten at once */
#define STORE_TAIL_LAZY    256u                /* rows the index may lag behind without anybody caring */
#define STORE_TAIL_PRESSED 4096u
#define STORE_WAL_LAZY     256u /* pages of 4 KB: 1 MB */
#define STORE_WAL_PRESSED  1024u
#define STORE_UNTRIMMED    262144 /* rows; then old ones go even under load */
#define STORE_OVERDUE      16u    /* times fold_rows */
#define STORE_ROW_BYTES    4096u  /* a larger row counts as several towards fold_rows */

#define SQL_LIST(X)                                                                                                    \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(TURN, "SAVEPOINT turn")                                                                                          \
    X(TURN_KEEP, "RELEASE turn")                                                                                       \
    X(TURN_UNDO, "ROLLBACK TO turn")                                                                                   \
    X(HUB_READ, "SELECT identities, indexed FROM hub")                                                                 \
    X(HUB_WRITE, "UPDATE hub SET identities = ?1, indexed = ?2")                                                       \
    X(FIND, "SELECT row FROM identity WHERE is_module = ?1 AND device = ?2 AND module = ?3")                           \
    X(LOAD, "SELECT device, module, doc, subscribed, (SELECT count(*) FROM message WHERE identity = ?1) "              \
            "FROM identity WHERE row = ?1")                                                                            \
    X(ALL_MODULES, "SELECT device, module FROM identity WHERE is_module = 1 AND (device, module) > (?1, ?2) "          \
                   "ORDER BY device, module LIMIT ?3")                                                                 \
    X(MODULES, "SELECT device, module FROM identity WHERE is_module = 1 AND device = ?1 AND module > ?2 "              \
               "ORDER BY module LIMIT ?3")                                                                             \
    X(DEVICES, "SELECT device, module FROM identity WHERE is_module = 0 AND device > ?1 ORDER BY device LIMIT ?2")     \
    X(CREATE, "INSERT INTO identity(is_module, device, module, doc) VALUES(?1, ?2, ?3, ?4)")                           \
    X(DOCUMENT, "UPDATE identity SET doc = ?2 WHERE row = ?1")                                                         \
    X(SUBSCRIBE, "UPDATE identity SET subscribed = ?2 WHERE row = ?1")                                                 \
    X(REMOVE, "DELETE FROM identity WHERE row = ?1")                                                                   \
    X(SNAPSHOT_READ, "SELECT upto, twin FROM snapshot WHERE identity = ?1")                                            \
    X(SNAPSHOT_WRITE, "INSERT OR REPLACE INTO snapshot VALUES(?1, ?2, ?3)")                                            \
    X(SNAPSHOT_REMOVE, "DELETE FROM snapshot WHERE identity = ?1")                                                     \
    X(APPEND, "INSERT INTO journal VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                            \
    X(ROW, "SELECT kind, at, version, desired, reported, body FROM journal WHERE id = ?1")                             \
    X(NEWEST, "SELECT j.id, j.version, j.desired, j.reported, i.device, i.module FROM journal j "                      \
              "JOIN identity i ON i.row = j.identity WHERE j.id = "                                                    \
              "max(?2, coalesce((SELECT max(id) FROM journal_index WHERE identity = ?1), 0))")                         \
    X(ROW_REMOVE, "DELETE FROM journal WHERE id = ?1")                                                                 \
    X(LAST, "SELECT max(id) FROM journal")                                                                             \
    X(TAIL, "SELECT id, identity, version FROM journal WHERE id > ?1 ORDER BY id")                                     \
    X(INDEX, "INSERT INTO journal_index VALUES(?1, ?2, ?3)")                                                           \
    X(INDEX_REMOVE, "DELETE FROM journal_index WHERE identity = ?1 AND id <= ?2")                                      \
    X(INDEX_AFTER, "SELECT id FROM journal_index WHERE identity = ?1 AND id > ?2 ORDER BY id")                         \
    X(INDEX_NEWEST, "SELECT id FROM journal_index WHERE identity = ?1 ORDER BY id DESC")                               \
    X(INDEX_COUNT, "SELECT count(*) FROM journal_index WHERE identity = ?1 AND id <= ?2")                              \
    X(INDEX_OLDEST, "SELECT id, version FROM journal_index WHERE identity = ?1 AND id > ?2 AND id <= ?3 ORDER BY id")  \
    X(MESSAGE_PUT, "INSERT INTO message VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                               \
    X(MESSAGE_REMOVE, "DELETE FROM message WHERE id = ?1")                                                             \
    X(MESSAGES, "SELECT id, enqueued, expires, doc, body FROM message WHERE identity = ?1 ORDER BY id")                \
    X(MESSAGES_REMOVE, "DELETE FROM message WHERE identity IN (?1, -?1)")                                              \
    X(MESSAGE_ASIDE, "UPDATE message SET identity = -identity, expires = 9223372036854775807 WHERE id = ?1")           \
    X(DUE, "SELECT i.device, i.module, m.expires, m.id FROM message m JOIN identity i ON i.row = m.identity "          \
           "WHERE (m.expires, m.id) > (?1, ?2) AND m.expires <= ?3 ORDER BY m.expires, m.id")                          \
    X(NEXT_EXPIRY, "SELECT min(expires) FROM message WHERE expires > ?1")                                              \
    X(FEEDBACK_PUT, "INSERT INTO feedback VALUES(?1, ?2, ?3, ?4)")                                                     \
    X(FEEDBACK_READ, "SELECT id, at, doc FROM feedback ORDER BY id LIMIT ?1")                                          \
    X(FEEDBACK_TAKE, "DELETE FROM feedback WHERE id <= ?1")                                                            \
    X(FEEDBACK_FORGET, "DELETE FROM feedback WHERE id IN "                                                             \
                       "(SELECT id FROM feedback WHERE at <= ?1 ORDER BY at LIMIT ?2)")                                \
    X(FEEDBACK_REMOVE, "DELETE FROM feedback WHERE identity = ?1")                                                     \
    X(FEEDBACK_STATE, "SELECT (SELECT count(*) FROM feedback), (SELECT min(at) FROM feedback)")                        \
    X(NUMBERS, "SELECT max(seq) FROM sqlite_sequence WHERE name IN ('message', 'feedback')")                           \
    X(DEAD_ADD, "INSERT INTO dead VALUES(?1)")                                                                         \
    X(DEAD_NEXT, "SELECT identity FROM dead LIMIT 1")                                                                  \
    X(DEAD_REMOVE, "DELETE FROM dead WHERE identity = ?1")

#define SQL_ENUM(name, text) SQL_##name,
enum sql { SQL_LIST(SQL_ENUM) SQL_COUNT };
#undef SQL_ENUM

enum queue { QUEUE_FOLD, QUEUE_TRIM, QUEUES };

/* What is known in memory about an identity's rows. */
struct head {
    int64_t identity;
    int64_t last;       /* id of its newest row in the tail; below tail.first: none there */
    uint32_t weight;    /* rows since its snapshot, large ones counted several times. A hint, rather too high */
    int64_t trim_to;    /* rows up to this version may go ... */
    int64_t excess;     /* ... and so many of the oldest, whatever their version ... */
    int64_t trim_upto;  /* ... but none behind this id: they came after the snapshot */
    int64_t trim_after; /* rows up to this id have been gathered */
    bool is_queued[QUEUES];
    struct head *queue_next[QUEUES], *hash_next;
};

struct tail_row {
    int64_t identity;
    int64_t prev; /* the identity's row before it; below tail.first: none in the tail */
    int64_t version;
    uint32_t weight;
};

/* Rows not in the index yet: at[k] is the row with id first + k. */
struct tail {
    struct tail_row *at;
    size_t len, cap;
    int64_t first;
};

struct heads {
    struct head **bucket;
    size_t n_buckets, len; /* n_buckets: 0 or a power of two */
    struct head *first[QUEUES], *last[QUEUES];
    size_t n_overdue;
    size_t forget_at; /* when there are so many, those not needed go */
};

struct id_entry {
    struct id_entry *next;
    int64_t row;
    uint64_t hash;
    size_t len;
    char text[];
};

/* id -> row of identities lately used: an append needs no query. Always safe to forget. */
struct ids {
    struct id_entry **bucket; /* STORE_IDS_BUCKETS of them, or NULL */
    size_t len;
};

struct id_list { /* of journal rows */
    int64_t *at;
    size_t len, cap;
};

/* A snapshot in the making, over as many slices as it takes. */
struct folding {
    struct identity *i; /* NULL: none */
    struct id_list rows;
    size_t next;
    int64_t upto;
};

struct row_name {
    int64_t identity, id, version;
};

/* Old rows about to go; removed from `next` on once gathering is over, in order of id. */
struct trimming {
    struct row_name *at;
    size_t len, next;
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *sql[SQL_COUNT];
    char *path;
    char *stray_log; /* an empty log, made by looking, to be removed with the connection; NULL: none */
    int lock_fd;
    enum durability durability;
    unsigned history, fold_rows;
    const struct twin *(*twin_of)(void *arg, struct str id);
    void *arg;
    bool is_healthy;
    bool is_refusing; /* the last turn that wrote could not be stored */
    char error[160];  /* the last failure, for a log */

    bool in_transaction;     /* SQLite's; in `memory` it spans many turns */
    int64_t lasting_changes; /* memory: turns acknowledged inside the open transaction */
    bool is_open;            /* a turn has begun */
    bool has_savepoint;
    bool has_failed;
    bool needs_undo; /* a failed turn is still in the open transaction */

    int64_t next_id, count, indexed;
    int64_t turn_next_id, turn_count, turn_indexed; /* as they were when the turn began */
    bool has_dead;
    unsigned wal_pages;
    int64_t untrimmed; /* rows appended since all that was old had gone */

    struct tail tail;
    struct heads heads;
    struct ids ids;
    struct folding folding;
    struct trimming trimming;
};

/* --- store_open.c ------------------------------------------------------------------------------------------------- */

/* Lock the directory and open its database to look at it: nothing is made, checked, read or brought to a newer format, and nothing may be
 * written. returns RC_OK (*out is for close_as_it_was), RC_NOT_FOUND (there is none), RC_BUSY, RC_CORRUPT, RC_IO, RC_NOMEM */
MUST_USE enum rc open_as_it_is(const char *dir, struct store **out, char *why, size_t why_size);
void close_as_it_was(struct store *s);

/* --- store_sql.c: statements ---------------------------------------------------------------------------------- */

/* Remember why SQLite said no, and whether anything can be written from now on. returns RC_CORRUPT, RC_NOMEM or RC_IO */
MUST_USE enum rc sql_fault(struct store *s, int code);
MUST_USE enum rc sql_prepare(struct store *s);
void sql_finalize(struct store *s);
void sql_i64(struct store *s, enum sql q, int n, int64_t value);
/* The bytes must stay until the statement has run. */
void sql_text(struct store *s, enum sql q, int n, struct str value);
void sql_blob(struct store *s, enum sql q, int n, struct str value);
/* Step to the next row. returns RC_OK, RC_NOT_FOUND behind the last one, or a fault; in both of these it is reset */
MUST_USE enum rc sql_row(struct store *s, enum sql q);
/* Done with it before its last row. */
void sql_end(struct store *s, enum sql q);
/* Run one that has no rows. */
MUST_USE enum rc sql_run(struct store *s, enum sql q);
struct str sql_column(struct store *s, enum sql q, int n);

/* --- store_tail.c: what is known in memory -------------------------------------------------------------------- */

/* Read the rows behind the index again. returns RC_OK, RC_CORRUPT (a hole in the numbers), RC_IO, RC_NOMEM */
MUST_USE enum rc tail_load(struct store *s);
/* Note the row with id tail.first + tail.len. returns RC_OK, RC_NOMEM */
MUST_USE enum rc tail_push(struct store *s, int64_t identity, int64_t version, size_t body_len);
/* Forget rows from that id on: they were rolled back. */
void tail_cut(struct store *s, int64_t from_id);
/* Forget the first n rows: the index has them. */
void tail_drop(struct store *s, size_t n);
/* The row's entry, or NULL when the index has it. Lends. */
const struct tail_row *tail_at(const struct store *s, int64_t id);
void tail_forget(struct store *s);

struct head *head_find(const struct store *s, int64_t identity);
/* NULL: out of memory. */
struct head *head_get(struct store *s, int64_t identity);
/* Also queues it when it is due for a snapshot. */
void head_set_weight(struct store *s, struct head *h, uint32_t weight);
void head_queue(struct store *s, enum queue q, struct head *h);
/* Take the first one out, s->heads.first[q]. There must be one. */
void head_dequeue(struct store *s, enum queue q);

/* returns 0 when it is not cached */
int64_t ids_find(const struct store *s, struct str id);
void ids_put(struct store *s, struct str id, int64_t row);
void ids_remove(struct store *s, struct str id);
void ids_clear(struct store *s);

MUST_USE enum rc id_list_add(struct id_list *l, int64_t id);
void id_list_done(struct id_list *l);

/* --- store_journal.c: a turn ---------------------------------------------------------------------------------- */

MUST_USE enum rc turn_begin(struct store *s);
/* Make it last, or undo it. */
MUST_USE enum rc turn_commit(struct store *s);
/* Bring the database back to where the failed turn began, if that is still to do. Lack of memory may prevent it: then again later. */
MUST_USE enum rc turn_undo(struct store *s);
/* memory: make everything up to now last. */
MUST_USE enum rc turn_flush(struct store *s);

/* --- store_message.c ---------------------------------------------------------------------------------------------- */

/* The tables of format 2. */
extern const char message_schema[];
/* Write an entry about a message or its feedback. row: of its identity. */
MUST_USE enum rc message_write(struct store *s, const struct out *e, int64_t row);
/* Up to a number: all of them. Up to an instant: the oldest STORE_FORGET_MAX, the others by the next such entry. */
MUST_USE enum rc feedback_forget(struct store *s, const struct out *e);
/* All of a deleted identity. */
MUST_USE enum rc message_bury(struct store *s, int64_t row);

/* --- store_read.c --------------------------------------------------------------------------------------------- */

/* returns RC_OK, RC_NOT_FOUND, or a fault */
MUST_USE enum rc read_find(struct store *s, struct str id, int64_t *row);
MUST_USE enum rc read_identity(struct store *s, int64_t row, struct identity **out);
/* Remember what in the database is not as we write it. returns rc when that is RC_NOMEM, else RC_CORRUPT */
MUST_USE enum rc damaged(struct store *s, enum rc rc, const char *what);
/* The twin as it stands in the snapshot. */
MUST_USE enum rc read_snapshot(struct store *s, int64_t row, struct twin **out, int64_t *upto);
/* Add the ids of an identity's rows behind `after`, oldest first. */
MUST_USE enum rc read_rows_after(struct store *s, int64_t row, int64_t after, struct id_list *out);
/* Fold one row into an identity whose twin is in memory. */
MUST_USE enum rc read_fold(struct store *s, struct identity *i, int64_t id);

/* --- upkeep: store_idle.c, store_fold.c, store_trim.c --------------------------------------------------------- */

/* A clock that never jumps; it only measures slices. */
int64_t mono_us(void);
/* For qsort: names of rows by identity, then id. */
int by_identity(const void *a, const void *b);
/* Make the next snapshot, or part of it. */
MUST_USE enum rc step_fold(struct store *s, int64_t until_us);
/* Forget a half made snapshot. */
void folding_drop(struct store *s);
bool trim_is_due(const struct store *s);
/* Gather or remove old rows. */
MUST_USE enum rc step_trim(struct store *s, int64_t until_us);
/* Forget which rows were gathered: gather them again. */
void trimming_drop(struct store *s);
/* Remove some rows of a deleted identity. The index must have caught up: rows it lacks would stay for ever. */
MUST_USE enum rc step_dead(struct store *s);

#endif
