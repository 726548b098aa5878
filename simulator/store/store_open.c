/* store_open.c - the directory's lock, the file's first look, and a store's beginning and end.
 *
 * A file that is not ours, or not whole, is never written to: it may be the only copy of somebody's work. So it is looked at before
 * SQLite opens it, and until the check is over the connection may not checkpoint. A new file is made under another name
 * first; a twinsim.db that is empty or cut short is therefore damage, never a birth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_internal.h"

#define HEADER_BYTES 100u /* of an SQLite file */
#define MEND                                                                                                           \
    "It was left untouched: move it away to start empty, or restore it from what `twinsim export` wrote; `twinsim "    \
    "fsck` tells more."

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE hub(identities INTEGER NOT NULL, indexed INTEGER NOT NULL);"
    "INSERT INTO hub VALUES(0, 0);"
    /* AUTOINCREMENT: the number of a deleted identity is never given again, so its rows are nobody's. */
    "CREATE TABLE identity(row INTEGER PRIMARY KEY AUTOINCREMENT, is_module INTEGER NOT NULL,"
    " device TEXT NOT NULL, module TEXT NOT NULL, doc TEXT NOT NULL, subscribed BLOB);"
    "CREATE UNIQUE INDEX identity_id ON identity(is_module, device, module);"
    "CREATE TABLE snapshot(identity INTEGER PRIMARY KEY, upto INTEGER NOT NULL, twin TEXT NOT NULL);"
    "CREATE TABLE journal(id INTEGER PRIMARY KEY, identity INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " at INTEGER NOT NULL, version INTEGER NOT NULL, desired INTEGER NOT NULL, reported INTEGER NOT NULL,"
    " body TEXT NOT NULL);"
    "CREATE TABLE journal_index(identity INTEGER, id INTEGER, version INTEGER NOT NULL,"
    " PRIMARY KEY(identity, id)) WITHOUT ROWID;"
    "CREATE TABLE dead(identity INTEGER PRIMARY KEY);";

/* Where the reason goes, for a person. */
struct why {
    char *text;
    size_t size;
};

static enum rc say(struct why why, enum rc rc, const char *fmt, ...) PRINTF_LIKE(3, 4);
static enum rc say(struct why why, enum rc rc, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why.text, why.size, fmt, args);
    va_end(args);
    return rc;
}

static char *path_of(const char *dir, const char *name)
{
    struct buf b;

    buf_init(&b, 0);
    buf_addf(&b, "%s/%s", dir, name);
    return buf_take(&b, NULL);
}

/* --- the lock ------------------------------------------------------------------------------------------------- */

/* Hold the directory for as long as the descriptor is open; the file says who holds it. */
static enum rc lock_directory(struct store *s, const char *dir, struct why why)
{
    char *path = path_of(dir, STORE_LOCK);
    char pid[24] = "";
    ssize_t n;
    int len;
    enum rc rc = RC_OK;

    if (!path)
        return say(why, RC_NOMEM, "out of memory");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        rc = say(why, RC_IO, "cannot open %s: %s", path, strerror(errno));
        goto done;
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK) {
            rc = say(why, RC_IO, "cannot lock %s: %s", path, strerror(errno));
            goto done;
        }
        n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
        if (n > 0)
            pid[strcspn(pid, "\n")] = '\0';
        rc = say(why, RC_BUSY, "%s is in use by another hub%s%s: stop that one, or choose another data directory", dir,
                 *pid ? ", process " : "", pid);
        goto done;
    }
    len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) || pwrite(s->lock_fd, pid, (size_t)len, 0) != len)
        rc = say(why, RC_IO, "cannot write %s: %s", path, strerror(errno));
done:
    free(path);
    return rc;
}

/* --- the first look ------------------------------------------------------------------------------------------- */

static uint32_t be32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static enum rc check_header(const unsigned char *h, off_t size, bool has_wal, const char *path, struct why why)
{
    uint32_t page = (uint32_t)h[16] << 8 | h[17], version = be32(h + 60);

    if (memcmp(h, "SQLite format 3", 16) != 0)
        return say(why, RC_CORRUPT, "%s is no database. " MEND, path);
    if (be32(h + 68) != STORE_APPLICATION)
        return say(why, RC_CORRUPT, "%s is a database, but not one of twinsim's. " MEND, path);
    if (version > STORE_FORMAT)
        return say(why, RC_CORRUPT, "%s was written by a newer twinsim (format %u, this one knows %d). " MEND, path,
                   (unsigned)version, STORE_FORMAT);
    if (version == 0)
        return say(why, RC_CORRUPT, "%s has no known format. " MEND, path);
    page = page == 1 ? 65536 : page;
    if (page < 512 || (page & (page - 1)))
        return say(why, RC_CORRUPT, "%s is damaged (page size). " MEND, path);
    /* The size in the header is right when two counters agree, and when no write-ahead log has a later word. */
    if (!has_wal && (size % page || (be32(h + 24) == be32(h + 92) && (uint64_t)size < (uint64_t)be32(h + 28) * page)))
        return say(why, RC_CORRUPT, "%s is cut short. " MEND, path);
    return RC_OK;
}

/* Look at the file without SQLite. returns RC_OK (*bytes: what SQLite would have to read), RC_NOT_FOUND, RC_CORRUPT, RC_IO */
static enum rc look(const char *path, const char *wal_path, uint64_t *bytes, bool *has_wal_file, struct why why)
{
    unsigned char header[HEADER_BYTES];
    struct stat st = {0}, wal = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC), refused = errno;
    bool has_wal;
    ssize_t n;
    enum rc rc;

    *has_wal_file = stat(wal_path, &wal) == 0;
    has_wal = *has_wal_file && wal.st_size > 0;
    if (fd < 0 && refused == ENOENT) {
        if (has_wal) /* SQLite would delete it, and the changes in it */
            return say(why, RC_CORRUPT, "%s stands there without its database %s. Put that back, or move the log away.",
                       wal_path, path);
        return RC_NOT_FOUND;
    }
    if (fd < 0) /* a new one would take the place of what is there */
        return say(why, RC_IO, "cannot open %s: %s", path, strerror(refused));
    n = pread(fd, header, sizeof header, 0);
    if (n < 0 || fstat(fd, &st))
        rc = say(why, RC_IO, "cannot read %s: %s", path, strerror(errno));
    else if ((size_t)n < sizeof header)
        rc = say(why, RC_CORRUPT, "%s is %s. " MEND, path, n ? "cut short" : "empty");
    else
        rc = check_header(header, st.st_size, has_wal, path, why);
    (void)close(fd); /* read only */
    *bytes = (uint64_t)st.st_size + (uint64_t)wal.st_size;
    return rc;
}

/* --- making a new one ----------------------------------------------------------------------------------------- */

static int make_tables(sqlite3 *db, bool lasts)
{
    char first[256];
    int code;

    (void)snprintf(first, sizeof first,
                   "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = %s; PRAGMA page_size = 4096;"
                   "PRAGMA journal_mode = MEMORY; PRAGMA application_id = %d; PRAGMA user_version = %d;",
                   lasts ? "FULL" : "OFF", STORE_APPLICATION, STORE_FORMAT);
    code = sqlite3_exec(db, first, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(db, schema, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(db, message_schema, NULL, NULL, NULL);
    return code ? code : sqlite3_exec(db, "COMMIT; PRAGMA journal_mode = WAL;", NULL, NULL, NULL);
}

static enum rc make(const char *dir, const char *path, bool lasts, struct why why)
{
    char *next = path_of(dir, STORE_FILE ".new"), *next_wal = path_of(dir, STORE_FILE ".new-wal");
    sqlite3 *db = NULL;
    int fd = -1, code = SQLITE_OK;
    enum rc rc = RC_IO;

    if (!next || !next_wal) {
        rc = say(why, RC_NOMEM, "out of memory");
        goto done;
    }
    (void)unlink(next); /* left behind by a birth that was cut short */
    (void)unlink(next_wal);
    fd = open(next, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* keys are in it; the log inherits the mode */
    if (fd < 0) {
        (void)say(why, rc, "cannot make %s: %s", next, strerror(errno));
        goto done;
    }
    (void)close(fd);
    code = sqlite3_open_v2(next, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!code)
        code = make_tables(db, lasts);
    if (code)
        (void)say(why, rc, "cannot make %s: %s", next, sqlite3_errmsg(db));
    (void)sqlite3_close(db); /* the log is gone with it */
    if (code)
        goto done;
    if (rename(next, path)) {
        (void)say(why, rc, "cannot make %s: %s", path, strerror(errno));
        goto done;
    }
    fd = lasts ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (lasts && (fd < 0 || fsync(fd)))
        (void)say(why, rc, "cannot sync %s: %s", dir, strerror(errno));
    else
        rc = RC_OK;
    if (fd >= 0)
        (void)close(fd);
done:
    if (rc && next)
        (void)unlink(next);
    free(next);
    free(next_wal);
    return rc;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct store *s = arg;

    (void)db;
    (void)name;
    s->wal_pages = (unsigned)pages;
    return SQLITE_OK;
}

/* How SQLite is used: nobody else on the file (its index of the log stays in memory), no checkpoint but ours. */
static int configure(struct store *s)
{
    static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                                  "PRAGMA wal_autocheckpoint = 0;"
                                  "PRAGMA journal_size_limit = 16777216;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA mmap_size = 0;"
                                  "PRAGMA cache_size = -16384;";
    int code = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

    if (!code)
        code = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(
            s->db, s->durability == DURABILITY_POWER ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF", NULL,
            NULL, NULL);
    return code;
}

static enum rc check_pages(struct store *s, struct why why)
{
    sqlite3_stmt *check = NULL;
    enum rc rc = RC_CORRUPT;
    int code = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL);
    const char *found;

    if (!code)
        code = sqlite3_step(check);
    found = code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : sqlite3_errmsg(s->db);
    if (found && strncmp(found, "***", 3) == 0 && strchr(found, '\n'))
        found = strchr(found, '\n') + 1; /* a headline */
    if (found && strcmp(found, "ok") == 0)
        rc = RC_OK;
    else if (code == SQLITE_BUSY)
        rc = say(why, RC_BUSY, "%s is open in another program: close it there", s->path);
    else
        (void)say(why, rc, "%s is damaged: %s. " MEND, s->path, found ? found : "out of memory");
    (void)sqlite3_finalize(check);
    return rc;
}

/* From here on the log is part of the database. */
static void keep_log(struct store *s)
{
    free(s->stray_log);
    s->stray_log = NULL;
}

/* A file of an older format gets what it lacks, as a whole or not at all. Format 1 knew no messages. */
static int migrate(struct store *s)
{
    sqlite3_stmt *format = NULL;
    char last[64];
    int version = 0, code = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &format, NULL);

    if (!code)
        code = sqlite3_step(format);
    if (code == SQLITE_ROW) {
        version = sqlite3_column_int(format, 0); /* the header may be older than the log */
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(format); /* repeats the error just seen */
    if (code || version == STORE_FORMAT)
        return code;
    (void)snprintf(last, sizeof last, "PRAGMA user_version = %d; COMMIT;", STORE_FORMAT);
    code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(s->db, message_schema, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(s->db, last, NULL, NULL, NULL);
    if (code) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* or SQLite has done so */
        return code;
    }
    keep_log(s); /* after a checkpoint that fails half-way, it alone is whole */
    /* Now, since an older twinsim looks at the header alone. */
    return sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Read what is kept in memory. Nothing is written. */
static enum rc read_in(struct store *s)
{
    enum rc rc = sql_prepare(s);

    if (!rc)
        rc = sql_row(s, SQL_HUB_READ);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_CORRUPT : rc;
    s->count = sqlite3_column_int64(s->sql[SQL_HUB_READ], 0);
    s->indexed = sqlite3_column_int64(s->sql[SQL_HUB_READ], 1);
    sql_end(s, SQL_HUB_READ);
    rc = sql_row(s, SQL_LAST);
    if (rc)
        return rc;
    s->next_id = sqlite3_column_int64(s->sql[SQL_LAST], 0) + 1;
    sql_end(s, SQL_LAST);
    if (s->next_id <= s->indexed) /* the newest rows were removed; their numbers are not used again */
        s->next_id = s->indexed + 1;
    s->has_dead = true; /* until upkeep has looked */
    return tail_load(s);
}

/* Open the file for reading; nothing is decided yet about writing. */
static enum rc connect_to(struct store *s, struct why why)
{
    int code = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum rc rc;

    if (!code)
        code = configure(s);
    if (code && s->db && (code & 0xff) != SQLITE_NOMEM) {
        rc = sql_fault(s, code);
        return say(why, rc, "cannot open %s: %s%s", s->path, sqlite3_errmsg(s->db), rc == RC_CORRUPT ? ". " MEND : "");
    }
    if (code)
        return say(why, RC_NOMEM, "out of memory");
    (void)sqlite3_extended_result_codes(s->db, 1);
    return RC_OK;
}

static enum rc open_database(struct store *s, uint64_t bytes, struct why why)
{
    enum rc rc = connect_to(s, why);
    int code;

    if (!rc && bytes <= STORE_CHECK_MAX)
        rc = check_pages(s, why);
    if (rc)
        return rc;
    code = migrate(s);
    if (code) {
        rc = sql_fault(s, code);
        return say(why, rc, "cannot bring %s to this twinsim's format: %s%s", s->path, sqlite3_errmsg(s->db),
                   rc == RC_CORRUPT ? ". " MEND : "");
    }
    rc = read_in(s);
    if (rc == RC_CORRUPT)
        return say(why, rc, "%s is damaged: %s. " MEND, s->path, *s->error ? s->error : "the journal has a hole");
    if (rc)
        return say(why, rc, "cannot read %s: %s", s->path, *s->error ? s->error : rc_text(rc));
    (void)sqlite3_wal_hook(s->db, on_commit, s);
    code = sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL); /* it is ours, and whole */
    return code ? say(why, sql_fault(s, code), "cannot open %s: %s", s->path, s->error) : RC_OK;
}

/* Close and unlock, whatever there is of it. */
static void let_go(struct store *s)
{
    if (!s)
        return;
    folding_drop(s);
    sql_finalize(s);
    (void)sqlite3_close(s->db); /* statements are finalized: it cannot be busy */
    if (s->stray_log)
        (void)unlink(s->stray_log);
    tail_forget(s);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    free(s->stray_log);
    free(s->path);
    free(s);
}

/* A store of that directory, not open yet. NULL: out of memory. */
static struct store *store_of(const char *dir)
{
    struct store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->lock_fd = -1;
    s->is_healthy = true;
    s->path = path_of(dir, STORE_FILE);
    if (s->path)
        return s;
    let_go(s);
    return NULL;
}

/* As look(); a log that is not there yet is ours to remove until the database was found whole. */
static enum rc look_at(struct store *s, const char *dir, uint64_t *bytes, struct why why)
{
    char *log = path_of(dir, STORE_FILE "-wal");
    bool has_log = false;
    enum rc rc = log ? look(s->path, log, bytes, &has_log, why) : say(why, RC_NOMEM, "out of memory");

    if (rc || has_log)
        free(log);
    else
        s->stray_log = log;
    return rc;
}

enum rc store_open(const struct store_options *options, struct store **out, char *why_text, size_t why_size)
{
    struct store *s = store_of(options->dir);
    struct why why = {why_text, why_size};
    uint64_t bytes = 0;
    enum rc rc;

    if (!s)
        return say(why, RC_NOMEM, "out of memory");
    s->durability = options->durability;
    s->history = options->history ? options->history : 1000;
    s->fold_rows = options->fold_rows ? options->fold_rows : 64;
    s->twin_of = options->twin_of;
    s->arg = options->arg;
    rc = lock_directory(s, options->dir, why);
    if (!rc)
        rc = look_at(s, options->dir, &bytes, why);
    if (rc == RC_NOT_FOUND)
        rc = make(options->dir, s->path, s->durability == DURABILITY_POWER, why);
    if (!rc)
        rc = open_database(s, bytes, why);
    if (rc) {
        let_go(s);
        return rc;
    }
    keep_log(s);
    *out = s;
    return RC_OK;
}

/* Neither a database nor its log. What cannot be reached is no proof. */
static bool has_nothing(const char *dir, const char *path)
{
    char *log = path_of(dir, STORE_FILE "-wal");
    bool nothing = log && access(path, F_OK) && errno == ENOENT && access(log, F_OK) && errno == ENOENT;

    free(log);
    return nothing;
}

enum rc open_as_it_is(const char *dir, struct store **out, char *why_text, size_t why_size)
{
    struct store *s = store_of(dir);
    struct why why = {why_text, why_size};
    uint64_t bytes = 0;
    enum rc rc;

    if (!s)
        return say(why, RC_NOMEM, "out of memory");
    rc = has_nothing(dir, s->path) ? RC_NOT_FOUND : lock_directory(s, dir, why); /* where no hub was, nothing is made */
    if (!rc)
        rc = look_at(s, dir, &bytes, why); /* what a running hub has there is none of ours */
    if (!rc)
        rc = connect_to(s, why);
    if (rc == RC_NOT_FOUND)
        (void)say(why, rc, "there is no %s in %s: no hub has run on it yet", STORE_FILE, dir);
    if (rc) {
        let_go(s);
        return rc;
    }
    *out = s;
    return RC_OK;
}

void close_as_it_was(struct store *s)
{
    let_go(s);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (turn_commit(s) || turn_flush(s))
        s->is_healthy = false; /* nobody is left to tell */
    let_go(s);
}

bool store_is_healthy(const struct store *s)
{
    return s->is_healthy;
}

bool store_takes_changes(const struct store *s)
{
    return s->is_healthy && !s->is_refusing;
}

const char *store_error(const struct store *s)
{
    return s->error;
}
