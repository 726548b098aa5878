/* store_check.c - what is wrong with the file as a whole, and with rows that nobody or the wrong one has. See store_check.h. */
#include <stdarg.h>
#include <stdio.h>

#include "store_check_internal.h"

#define PAGES_TOLD 100 /* findings of SQLite; behind them come more of the same */

void check_say(struct check *k, const char *table, int64_t row, const char *fmt, ...)
{
    char what[256];
    struct store_problem problem = {k->id, table, row, what};
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    k->census.problems++;
    k->each(k->arg, &problem);
}

enum rc check_sql(struct check *k, const char *text, sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v2(k->s->db, text, -1, out, NULL);

    return code ? sql_fault(k->s, code) : RC_OK;
}

enum rc check_step(struct check *k, sqlite3_stmt *q)
{
    int code = sqlite3_step(q);

    return code == SQLITE_ROW ? RC_OK : code == SQLITE_DONE ? RC_NOT_FOUND : sql_fault(k->s, code);
}

struct str check_column(sqlite3_stmt *q, int n)
{
    const void *at = sqlite3_column_blob(q, n);

    return str_of(at, (size_t)sqlite3_column_bytes(q, n));
}

/* A name that cannot be is not printed either: it may hold anything. */
void check_whom(struct check *k, struct str device, struct str module)
{
    struct ident id = {device, module};

    *k->id = '\0';
    if (ident_part_is_valid(device) && (!module.len || ident_part_is_valid(module)))
        (void)ident_print(id, k->id);
}

/* --- the file ------------------------------------------------------------------------------------------------- */

static enum rc check_pages(struct check *k)
{
    char text[64];
    sqlite3_stmt *q = NULL;
    enum rc rc;

    (void)snprintf(text, sizeof text, "PRAGMA integrity_check(%d)", PAGES_TOLD);
    rc = check_sql(k, text, &q);
    while (!rc && (rc = check_step(k, q)) == RC_OK) {
        struct str found = check_column(q, 0);

        while (found.at && !str_eq(found, STR("ok"))) {
            struct str line = str_cut(&found, '\n');

            if (line.len && !str_starts(line, STR("***"))) /* a headline */
                check_say(k, "", 0, "%.*s", STR_FMT(line));
        }
    }
    (void)sqlite3_finalize(q); /* repeats the error just seen */
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* --- rows that do not fit together ---------------------------------------------------------------------------- */

/* Each query yields the rows that are wrong: number, and the device and module concerned or NULL. */
static const struct {
    const char *table, *what, *query;
} crossings[] = {
    {"hub", "its count of identities is wrong",
     "SELECT 0, NULL, NULL FROM hub WHERE identities <> (SELECT count(*) FROM identity)"},
    {"identity", "its device is not there",
     "SELECT m.row, m.device, m.module FROM identity m WHERE m.is_module = 1 AND NOT EXISTS "
     "(SELECT 1 FROM identity d WHERE d.is_module = 0 AND d.device = m.device AND d.module = '')"},
    {"dead", "it is to be removed, and still there",
     "SELECT d.identity, i.device, i.module FROM dead d JOIN identity i ON i.row = d.identity"},
    {"snapshot", "it is nobody's",
     "SELECT identity, NULL, NULL FROM snapshot s WHERE NOT EXISTS (SELECT 1 FROM identity WHERE row = s.identity)"},
    {"journal", "it is nobody's",
     "SELECT id, NULL, NULL FROM journal j WHERE NOT EXISTS (SELECT 1 FROM identity WHERE row = j.identity)"
     " AND NOT EXISTS (SELECT 1 FROM dead WHERE identity = j.identity)"},
    {"journal", "a row before it is missing: no hub starts",
     "SELECT j.id, i.device, i.module FROM journal j JOIN hub LEFT JOIN identity i ON i.row = j.identity "
     "WHERE j.id - 1 > hub.indexed AND NOT EXISTS (SELECT 1 FROM journal WHERE id = j.id - 1)"},
    {"journal", "the index does not know it",
     "SELECT j.id, i.device, i.module FROM journal j JOIN hub LEFT JOIN identity i ON i.row = j.identity "
     "WHERE j.id <= hub.indexed AND NOT EXISTS (SELECT 1 FROM journal_index x "
     "WHERE x.identity = j.identity AND x.id = j.id AND x.version = j.version)"},
    {"journal_index", "the journal has no such row",
     "SELECT x.id, i.device, i.module FROM journal_index x LEFT JOIN identity i ON i.row = x.identity "
     "WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.id = x.id AND j.identity = x.identity)"},
    {"journal_index", "it is ahead of what the index is said to reach",
     "SELECT x.id, i.device, i.module FROM journal_index x JOIN hub LEFT JOIN identity i ON i.row = x.identity "
     "WHERE x.id > hub.indexed"},
    {"message", "it is nobody's",
     "SELECT id, NULL, NULL FROM message m WHERE NOT EXISTS (SELECT 1 FROM identity WHERE row = abs(m.identity))"},
    {"message", "it could not be read, and is set aside",
     "SELECT m.id, i.device, i.module FROM message m JOIN identity i ON i.row = -m.identity"},
    {"feedback", "it is nobody's",
     "SELECT id, NULL, NULL FROM feedback f WHERE NOT EXISTS (SELECT 1 FROM identity WHERE row = f.identity)"},
};

static enum rc check_crossing(struct check *k, size_t n)
{
    sqlite3_stmt *q = NULL;
    enum rc rc = check_sql(k, crossings[n].query, &q);

    while (!rc && (rc = check_step(k, q)) == RC_OK) {
        check_whom(k, check_column(q, 1), check_column(q, 2));
        check_say(k, crossings[n].table, sqlite3_column_int64(q, 0), "%s", crossings[n].what);
    }
    (void)sqlite3_finalize(q);
    *k->id = '\0';
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* --- feedback, and the counts --------------------------------------------------------------------------------- */

static enum rc check_feedback(struct check *k)
{
    sqlite3_stmt *q = NULL;
    enum rc rc = check_sql(k,
                           "SELECT f.id, i.device, i.module, f.doc FROM feedback f "
                           "JOIN identity i ON i.row = f.identity ORDER BY f.id",
                           &q);

    while (!rc && (rc = check_step(k, q)) == RC_OK) {
        cJSON *doc = NULL;

        rc = json_read(check_column(q, 3), &doc, NULL);
        if (rc == RC_NOMEM)
            break;
        check_whom(k, check_column(q, 1), check_column(q, 2));
        if (rc || !cJSON_IsObject(doc))
            check_say(k, "feedback", sqlite3_column_int64(q, 0), "it cannot be read");
        cJSON_Delete(doc);
        rc = RC_OK;
    }
    (void)sqlite3_finalize(q);
    *k->id = '\0';
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc count(struct check *k)
{
    sqlite3_stmt *q = NULL;
    enum rc rc =
        check_sql(k,
                  "SELECT (SELECT count(*) FROM identity), (SELECT count(*) FROM journal), "
                  "(SELECT count(*) FROM message), (SELECT count(*) FROM feedback), (SELECT count(*) FROM hub)",
                  &q);

    if (!rc)
        rc = check_step(k, q);
    if (!rc) {
        k->census.identities = sqlite3_column_int64(q, 0);
        k->census.rows = sqlite3_column_int64(q, 1);
        k->census.messages = sqlite3_column_int64(q, 2);
        k->census.feedback = sqlite3_column_int64(q, 3);
        if (sqlite3_column_int64(q, 4) != 1)
            check_say(k, "hub", 0, "there is one row, not %lld", (long long)sqlite3_column_int64(q, 4));
    }
    (void)sqlite3_finalize(q);
    return rc;
}

/* --- store_check.h -------------------------------------------------------------------------------------------- */

/* What a fault of the database leaves unlooked at is a problem of its own: the rest may still tell something. */
static enum rc survive(struct check *k, enum rc rc, const char *table)
{
    if (rc != RC_CORRUPT)
        return rc;
    check_say(k, table, 0, "it cannot be read to its end: %s", k->s->error);
    *k->id = '\0';
    return RC_OK;
}

static enum rc check_all(struct check *k)
{
    enum rc rc = survive(k, check_pages(k), "");

    for (size_t n = 0; !rc && n < sizeof crossings / sizeof *crossings; n++)
        rc = survive(k, check_crossing(k, n), crossings[n].table);
    if (!rc)
        rc = survive(k, check_identities(k), "identity");
    if (!rc)
        rc = survive(k, check_feedback(k), "feedback");
    return rc ? rc : survive(k, count(k), "hub");
}

/* An older file lacks tables: it gets them in a transaction that never ends well, so nothing of it is written. */
static enum rc complete(struct store *s)
{
    sqlite3_stmt *format = NULL;
    int code = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &format, NULL), version = STORE_FORMAT;

    if (!code && (code = sqlite3_step(format)) == SQLITE_ROW) {
        version = sqlite3_column_int(format, 0);
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(format); /* repeats the error just seen */
    if (!code && version < STORE_FORMAT) {
        code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (!code)
            code = sqlite3_exec(s->db, message_schema, NULL, NULL, NULL);
    }
    return code ? sql_fault(s, code) : sql_prepare(s);
}

enum rc store_check(const char *dir, void (*each)(void *arg, const struct store_problem *problem), void *arg,
                    struct store_census *out, char *why, size_t why_size)
{
    struct check k = {.each = each, .arg = arg};
    enum rc rc = open_as_it_is(dir, &k.s, why, why_size);

    if (rc)
        return rc;
    rc = complete(k.s);
    if (!rc)
        rc = check_all(&k);
    if (rc)
        (void)snprintf(why, why_size, "%s cannot be read%s: %s", k.s->path, rc == RC_CORRUPT ? ", it is damaged" : "",
                       *k.s->error ? k.s->error : rc_text(rc));
    else
        *out = k.census;
    close_as_it_was(k.s);
    return rc;
}
