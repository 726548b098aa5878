/* store_sql.c - the statements: prepared once, one place that knows SQLite's result codes. See store_internal.h. */
#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include "store_internal.h"

static const char *const texts[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = (text),
    SQL_LIST(SQL_TEXT)
#undef SQL_TEXT
};

enum rc sql_fault(struct store *s, int code)
{
    (void)snprintf(s->error, sizeof s->error, "%s (sqlite %d)", sqlite3_errstr(code & 0xff), code);
    if (code == SQLITE_IOERR_NOMEM)
        return RC_NOMEM;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return RC_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        s->is_healthy = false;
        return RC_CORRUPT;
    case SQLITE_IOERR: /* what reached the disk is not known any more */
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        s->is_healthy = false;
        return RC_IO;
    default: /* a full disk among them: better once there is room */
        return RC_IO;
    }
}

enum rc sql_prepare(struct store *s)
{
    for (int q = 0; q < SQL_COUNT; q++) {
        int code = sqlite3_prepare_v3(s->db, texts[q], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[q], NULL);

        if (code == SQLITE_ERROR) { /* a table or column is missing */
            (void)snprintf(s->error, sizeof s->error, "%s", sqlite3_errmsg(s->db));
            return RC_CORRUPT;
        }
        if (code)
            return sql_fault(s, code);
    }
    return RC_OK;
}

void sql_finalize(struct store *s)
{
    for (int q = 0; q < SQL_COUNT; q++) {
        (void)sqlite3_finalize(s->sql[q]); /* repeats the last error of the statement */
        s->sql[q] = NULL;
    }
}

void sql_i64(struct store *s, enum sql q, int n, int64_t value)
{
    int code = sqlite3_bind_int64(s->sql[q], n, value);

    assert(code == SQLITE_OK); /* only a wrong n, or a statement in use */
    (void)code;
}

void sql_text(struct store *s, enum sql q, int n, struct str value)
{
    /* One beyond SQLite's limit of 10^9 bytes leaves NULL there, which NOT NULL refuses. */
    (void)sqlite3_bind_text64(s->sql[q], n, value.at ? value.at : "", value.len, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_blob(struct store *s, enum sql q, int n, struct str value)
{
    (void)sqlite3_bind_blob64(s->sql[q], n, value.at ? value.at : "", value.len, SQLITE_STATIC);
}

enum rc sql_row(struct store *s, enum sql q)
{
    enum rc rc = turn_undo(s); /* else a failed turn would be seen, or written on */
    int code;

    if (rc)
        return rc;
    code = sqlite3_step(s->sql[q]);
    if (code == SQLITE_ROW)
        return RC_OK;
    (void)sqlite3_reset(s->sql[q]); /* repeats the error just seen */
    return code == SQLITE_DONE ? RC_NOT_FOUND : sql_fault(s, code);
}

void sql_end(struct store *s, enum sql q)
{
    (void)sqlite3_reset(s->sql[q]);
}

enum rc sql_run(struct store *s, enum sql q)
{
    enum rc rc = sql_row(s, q);

    assert(rc != RC_OK); /* a row where none was expected */
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

struct str sql_column(struct store *s, enum sql q, int n)
{
    const void *at = sqlite3_column_blob(s->sql[q], n); /* stored as UTF-8: the same bytes, without a NUL added */

    return str_of(at, (size_t)sqlite3_column_bytes(s->sql[q], n));
}
