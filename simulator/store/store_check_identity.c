/* store_check_identity.c - is each identity what its rows make of it? See store_check.h.
 *
 *     CREATED  row  row  row   UPDATED  row        the rows of one identity, oldest first; old ones may have been trimmed
 *        |      a twin is made of the first, and folded on          |
 *        |---------------------|                                    |
 *                           snapshot: the same twin?                |
 *                              |------------------------------------|  folded on from there, as the hub does
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_check_internal.h"

/* The rows of the journal that the index has not reached: few, whoever's they are, by identity and number. */
struct late_rows {
    struct row_name *at;
    size_t len, cap;
    int64_t first; /* no row of the index is that new */
};

struct counters {
    int64_t version, desired, reported;
};

/* One identity on the way through its rows. */
struct walk {
    int64_t identity;
    struct identity so_far; /* holds a twin and nothing else: what the rows gave so far; NULL: that cannot be known */
    struct twin *snapshot;  /* NULL: cannot be read, or was met */
    int64_t upto;           /* the row behind which the snapshot stands */
    bool is_met;            /* that row was there */
    bool has_before;
    struct counters before; /* behind the row before */
};

static struct counters counters_of(const struct twin *t)
{
    return (struct counters){t->version, t->desired_version, t->reported_version};
}

static bool counters_eq(struct counters a, struct counters b)
{
    return a.version == b.version && a.desired == b.desired && a.reported == b.reported;
}

/* --- one row -------------------------------------------------------------------------------------------------- */

/* A change raises a counter by one, or leaves it: more than that was another row's. */
static bool follows(struct counters before, struct counters now)
{
    return (now.version == before.version || now.version == before.version + 1) &&
           (now.desired == before.desired || now.desired == before.desired + 1) &&
           (now.reported == before.reported || now.reported == before.reported + 1);
}

static void forget_twin(struct walk *w)
{
    twin_free(w->so_far.twin);
    w->so_far.twin = NULL;
}

/* Begin with the twin that the identity was created with. */
static enum rc take_created(struct check *k, struct walk *w, int64_t id, const cJSON *body)
{
    struct identity *made = NULL;
    struct refusal why;
    enum rc rc;

    if (w->has_before) {
        check_say(k, "journal", id, "it creates an identity that is there");
        forget_twin(w);
        return RC_OK;
    }
    rc = identity_read(body, INSTANT_NONE, &made, &why);
    if (rc == RC_NOMEM)
        return rc;
    if (rc) {
        check_say(k, "journal", id, "the identity it creates cannot be read: %s", why.message);
        return RC_OK;
    }
    if (!made->twin)
        check_say(k, "journal", id, "it creates an identity without a twin");
    w->so_far.twin = made->twin;
    made->twin = NULL;
    identity_free(made);
    return RC_OK;
}

/* Fold a change on. What cannot be is told, and nothing is folded behind it. */
static enum rc take_change(struct check *k, struct walk *w, int64_t id, enum change_kind kind, int64_t at_us,
                           const cJSON *body, struct counters now)
{
    const struct twin *t = w->so_far.twin;
    struct counters before = w->before;
    enum rc rc;

    if (w->has_before && !follows(before, now)) {
        check_say(k, "journal", id,
                  "version %" PRId64 " (desired %" PRId64 ", reported %" PRId64 ") cannot follow version %" PRId64
                  " (%" PRId64 ", %" PRId64 ")",
                  now.version, now.desired, now.reported, before.version, before.desired, before.reported);
        forget_twin(w);
        return RC_OK;
    }
    rc = t ? identity_fold(&w->so_far, kind, at_us, body) : RC_OK;
    if (rc == RC_NOMEM)
        return rc;
    if (!rc && (!t || counters_eq(counters_of(t), now)))
        return RC_OK;
    check_say(k, "journal", id, "the change cannot be applied to the twin, or not with version %" PRId64 " as its end",
              now.version);
    forget_twin(w);
    return RC_OK;
}

/* The snapshot stands behind this row: it must be the twin that was folded. From here on it is the twin. */
static enum rc meet_snapshot(struct check *k, struct walk *w, int64_t id)
{
    bool was_folded = w->so_far.twin != NULL;
    struct buf folded, kept;
    enum rc rc;

    w->is_met = true;
    if (!w->snapshot)
        return RC_OK;
    buf_init(&folded, 0);
    buf_init(&kept, 0);
    if (was_folded) {
        twin_print(&folded, w->so_far.twin);
        twin_print(&kept, w->snapshot);
    }
    rc = folded.rc ? folded.rc : kept.rc;
    if (!rc && was_folded && !str_eq(buf_view(&folded), buf_view(&kept)))
        check_say(k, "snapshot", w->identity, "it is not the twin that the rows up to journal row %" PRId64 " give",
                  id);
    else if (!rc && w->has_before && !counters_eq(w->before, counters_of(w->snapshot)))
        check_say(k, "snapshot", w->identity,
                  "its version is %" PRId64 ", but that of journal row %" PRId64 ", its last, is %" PRId64,
                  w->snapshot->version, id, w->before.version);
    forget_twin(w);
    w->so_far.twin = w->snapshot;
    w->snapshot = NULL;
    buf_done(&folded);
    buf_done(&kept);
    return rc;
}

static enum rc check_row(struct check *k, struct walk *w, int64_t id)
{
    struct store *s = k->s;
    struct counters now;
    cJSON *body = NULL;
    int64_t kind, at_us;
    enum rc rc;

    sql_i64(s, SQL_ROW, 1, id);
    rc = sql_row(s, SQL_ROW);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc; /* told where the index was held against the journal */
    kind = sqlite3_column_int64(s->sql[SQL_ROW], 0);
    at_us = sqlite3_column_int64(s->sql[SQL_ROW], 1);
    now = (struct counters){sqlite3_column_int64(s->sql[SQL_ROW], 2), sqlite3_column_int64(s->sql[SQL_ROW], 3),
                            sqlite3_column_int64(s->sql[SQL_ROW], 4)};
    rc = json_read(sql_column(s, SQL_ROW, 5), &body, NULL);
    sql_end(s, SQL_ROW);
    if (rc == RC_NOMEM)
        return rc;
    if (rc || kind < CHANGE_CREATED || kind >= CHANGE_DELETED) {
        check_say(k, "journal", id, rc ? "its text is no JSON" : "it is of no kind that can be (%" PRId64 ")", kind);
        forget_twin(w);
        rc = RC_OK;
    } else if (kind == CHANGE_CREATED) {
        rc = take_created(k, w, id, body);
    } else if (kind != CHANGE_UPDATED) {
        rc = take_change(k, w, id, (enum change_kind)kind, at_us, body, now);
    }
    cJSON_Delete(body);
    if (kind != CHANGE_UPDATED) { /* that one changes no twin; it may not even know its version */
        w->before = now;
        w->has_before = true;
    }
    return !rc && id == w->upto ? meet_snapshot(k, w, id) : rc;
}

/* --- one identity --------------------------------------------------------------------------------------------- */

/* Its rows, oldest first: those of the index, then those behind it. */
static enum rc list_rows(struct check *k, const struct late_rows *late, int64_t identity, struct id_list *out)
{
    struct store *s = k->s;
    size_t low = 0, high = late->len;
    enum rc rc;

    sql_i64(s, SQL_INDEX_AFTER, 1, identity);
    sql_i64(s, SQL_INDEX_AFTER, 2, INT64_MIN);
    while ((rc = sql_row(s, SQL_INDEX_AFTER)) == RC_OK) {
        int64_t id = sqlite3_column_int64(s->sql[SQL_INDEX_AFTER], 0);

        rc = id < late->first ? id_list_add(out, id) : RC_OK;
        if (rc) {
            sql_end(s, SQL_INDEX_AFTER);
            return rc;
        }
    }
    if (rc != RC_NOT_FOUND)
        return rc;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (late->at[middle].identity < identity)
            low = middle + 1;
        else
            high = middle;
    }
    for (rc = RC_OK; !rc && low < late->len && late->at[low].identity == identity; low++)
        rc = id_list_add(out, late->at[low].id);
    return rc;
}

static enum rc check_twin(struct check *k, const struct late_rows *late, int64_t identity)
{
    struct walk w = {.identity = identity};
    struct id_list rows = {0};
    enum rc rc = read_snapshot(k->s, identity, &w.snapshot, &w.upto);

    if (rc == RC_CORRUPT) {
        check_say(k, "snapshot", identity, "%s", k->s->error);
        w.is_met = true; /* one problem is enough */
        rc = RC_OK;
    }
    if (!rc)
        rc = list_rows(k, late, identity, &rows);
    for (size_t n = 0; !rc && n < rows.len; n++)
        rc = check_row(k, &w, rows.at[n]);
    if (!rc && !w.is_met)
        check_say(k, "snapshot", identity, "it stands behind journal row %" PRId64 ", which is not one of its rows",
                  w.upto);
    id_list_done(&rows);
    twin_free(w.snapshot);
    forget_twin(&w);
    return rc;
}

static enum rc check_messages(struct check *k, int64_t identity)
{
    struct store *s = k->s;
    enum rc rc;

    sql_i64(s, SQL_MESSAGES, 1, identity);
    while ((rc = sql_row(s, SQL_MESSAGES)) == RC_OK) {
        struct message *m = NULL;

        rc = message_load(sql_column(s, SQL_MESSAGES, 3), sql_column(s, SQL_MESSAGES, 4), &m);
        message_free(m);
        if (rc == RC_NOMEM) {
            sql_end(s, SQL_MESSAGES);
            return rc;
        }
        if (rc)
            check_say(k, "message", sqlite3_column_int64(s->sql[SQL_MESSAGES], 0), "it cannot be read");
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc check_one(struct check *k, const struct late_rows *late, int64_t identity)
{
    struct identity *i = NULL;
    enum rc rc = read_identity(k->s, identity, &i);

    identity_free(i);
    if (rc == RC_CORRUPT)
        check_say(k, "identity", identity, "%s", k->s->error);
    if (!rc || rc == RC_CORRUPT)
        rc = check_twin(k, late, identity);
    return rc ? rc : check_messages(k, identity);
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

static enum rc read_late(struct check *k, struct late_rows *out)
{
    sqlite3_stmt *q = NULL;
    enum rc rc =
        check_sql(k, "SELECT identity, id FROM journal WHERE id > (SELECT max(indexed) FROM hub) ORDER BY id", &q);

    out->first = INT64_MAX;
    while (!rc && (rc = check_step(k, q)) == RC_OK) {
        if (out->len == out->cap) {
            size_t cap = out->cap ? out->cap * 2 : 1024;
            struct row_name *grown = realloc(out->at, cap * sizeof *grown);

            if (!grown) {
                rc = RC_NOMEM;
                break;
            }
            out->at = grown;
            out->cap = cap;
        }
        out->at[out->len] = (struct row_name){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), 0};
        if (!out->len++)
            out->first = out->at[0].id;
    }
    (void)sqlite3_finalize(q);
    if (rc != RC_NOT_FOUND)
        return rc;
    if (out->len)
        qsort(out->at, out->len, sizeof *out->at, by_identity);
    return RC_OK;
}

enum rc check_identities(struct check *k)
{
    struct late_rows late = {0};
    sqlite3_stmt *q = NULL;
    enum rc rc = read_late(k, &late);

    if (!rc)
        rc = check_sql(k, "SELECT row, device, module FROM identity ORDER BY row", &q);
    while (!rc && (rc = check_step(k, q)) == RC_OK) {
        check_whom(k, check_column(q, 1), check_column(q, 2));
        rc = check_one(k, &late, sqlite3_column_int64(q, 0));
        if (rc == RC_CORRUPT) { /* the others may be whole */
            check_say(k, "identity", sqlite3_column_int64(q, 0), "its rows cannot be read: %s", k->s->error);
            rc = RC_OK;
        }
    }
    *k->id = '\0';
    (void)sqlite3_finalize(q);
    free(late.at);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
