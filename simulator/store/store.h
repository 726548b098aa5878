/* store.h - identities and twins on disk: a journal first. The only place that knows SQL.
 *
 * Every accepted change is one journal row; a twin is the fold of its rows over its last snapshot (identity_fold), so durability,
 * history and recovery are one mechanism. Identity documents (keys, status) are small and always current in their own column.
 * Calls between two commits belong to one transaction: append what a turn of the broker's loop decided, commit, then let answers out.
 * One thread, one store, one process: a second one on the same directory is refused.
 */
#ifndef TWINSIM_STORE_H
#define TWINSIM_STORE_H

#include "hub.h"

enum durability {
    DURABILITY_MEMORY,  /* an acknowledged change survives a clean stop only */
    DURABILITY_PROCESS, /* ... kill -9 of the broker */
    DURABILITY_POWER,   /* ... a power cut */
};

struct store_options {
    const char *dir; /* the data directory; must exist */
    enum durability durability;
    unsigned history;   /* versions of each twin that twin.history keeps; 0: 1000 */
    unsigned fold_rows; /* rows after which a twin gets a new snapshot when idle; 0: 64 */
    /* May be NULL. Lends the twin of an identity in memory, exactly as last committed, or NULL: a snapshot then needs no folding.
     * Called by store_idle only; must not call the store. */
    const struct twin *(*twin_of)(void *arg, struct str id);
    void *arg;
};

struct store;

/* Open or make DIR/twinsim.db and lock the directory.
 *
 * why      at least 256 bytes: on failure what was wrong and what to do, for a person
 * returns  RC_OK
 *          RC_BUSY     another process holds the directory
 *          RC_CORRUPT  the file is damaged or not ours; it is left untouched
 *          RC_IO, RC_NOMEM
 */
MUST_USE enum rc store_open(const struct store_options *options, struct store **out, char *why, size_t why_size);
/* Commit what is open, fold nothing, close, unlock. NULL is fine. */
void store_close(struct store *s);

/* Load one identity with its subscriptions; with_twin: its twin as well. Not connected, whatever was before.
 * returns RC_OK (*out is the caller's), RC_NOT_FOUND, RC_CORRUPT, RC_IO, RC_NOMEM */
MUST_USE enum rc store_load(struct store *s, struct str id, bool with_twin, struct identity **out);
/* Ids of a device's modules, in order. each() copies what it wants. returns RC_OK, RC_IO */
MUST_USE enum rc store_modules(struct store *s, struct str device, void (*each)(void *arg, struct str id), void *arg);
/* Ids behind `after` in byte order, at most top: devices, or with `device` its modules. */
MUST_USE enum rc store_list(struct store *s, struct str device, struct str after, unsigned top,
                            void (*each)(void *arg, struct str id), void *arg);
/* Modules of every device behind `after` ("device/module", or empty), in byte order of the device's and then the module's id, at most
 * top. */
MUST_USE enum rc store_list_modules(struct store *s, struct str after, unsigned top,
                                    void (*each)(void *arg, struct str id), void *arg);
/* The newest rows that made or changed the twin (all but UPDATED) with version < before (0: all), newest first; no two have the
 * same version. *rows is the caller's (store_rows_free). */
MUST_USE enum rc store_history(struct store *s, struct str id, int64_t before, unsigned top, struct journal_row **rows,
                               size_t *n_rows);
void store_rows_free(struct journal_row *rows, size_t n_rows);
/* Numbers of messages whose rows are damaged: no more than may wait are looked for at a time. */
struct unreadable {
    uint64_t number[MESSAGE_QUEUE_MAX];
    size_t n;
};
/* The messages that wait for an identity, with their bodies, in order; *out is the caller's (messages_drop). What cannot be read is none of
 * them, and is named in *bad: hub_message_damaged sets it aside.
 * returns RC_OK, RC_NOT_FOUND (no such identity), RC_IO, RC_NOMEM */
MUST_USE enum rc store_load_messages(struct store *s, struct str id, struct messages *out, struct unreadable *bad);
/* What the hub wants to know of all messages and feedback, without reading them. */
MUST_USE enum rc store_message_state(struct store *s, struct message_state *out);
/* A place in the order in which messages expire: behind all that expire earlier, or at that instant with no higher number. */
struct due_place {
    int64_t expires_us;
    uint64_t number;
};
/* Whose messages expire behind that place and no later than to_us, in that order; an identity may come several times. each() returns false
 * to be told no more. */
MUST_USE enum rc store_due(struct store *s, struct due_place from, int64_t to_us,
                           bool (*each)(void *arg, struct str id, struct due_place at), void *arg);
/* When the first message after that instant expires; INT64_MAX: none does. */
MUST_USE enum rc store_next_expiry(struct store *s, int64_t after_us, int64_t *out);
/* The oldest records of feedback, at most top; *rows is the caller's (store_feedback_free). */
MUST_USE enum rc store_feedback(struct store *s, unsigned top, struct feedback_row **rows, size_t *n_rows);
void store_feedback_free(struct feedback_row *rows, size_t n_rows);
/* How many identities are registered: kept, not counted. */
int64_t store_count(const struct store *s);

/* Write one entry that lasts (out_lasts) into the open transaction (opened if none is).
 * After a failure the transaction is rolled back by store_commit, which then fails too. */
MUST_USE enum rc store_append(struct store *s, const struct out *entry);
/* Make everything since the last commit last, as the durability says. Cheap when nothing is open.
 * returns RC_OK, or RC_IO: nothing of it happened (rolled back) */
MUST_USE enum rc store_commit(struct store *s);
/* Undo everything since the last commit, because the turn failed elsewhere. Nothing when nothing is open. */
void store_rollback(struct store *s);
/* One slice of upkeep, under 5 ms, for a turn in which nothing else happened: snapshots of twins with many rows, trimming of history,
 * a WAL checkpoint. returns true when there is more to do. */
bool store_idle(struct store *s);
/* True when upkeep cannot wait for a turn in which nothing happens (a constant load): call store_idle now, once the answers have left. */
bool store_is_pressed(const struct store *s);
/* True while the database answers; false after an error that only a restart mends. */
bool store_is_healthy(const struct store *s);
/* False while the store cannot be relied on for the next change: unhealthy, or the last one could not be stored, as on a full disk. */
bool store_takes_changes(const struct store *s);
/* Why something last failed, in a few words for a log; never a key or a body. Empty when nothing has. */
const char *store_error(const struct store *s);

#endif
