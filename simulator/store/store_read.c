/* store_read.c - identities, twins, lists and history, read back. See store.h and store_internal.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_internal.h"

/* Damage, not a mistake of anybody's. */
enum rc damaged(struct store *s, enum rc rc, const char *what)
{
    if (rc == RC_NOMEM)
        return rc;
    (void)snprintf(s->error, sizeof s->error, "%s is damaged", what);
    return RC_CORRUPT;
}

enum rc read_find(struct store *s, struct str id, int64_t *row)
{
    int64_t known = ids_find(s, id);
    struct ident who;
    enum rc rc;

    if (known) {
        *row = known;
        return RC_OK;
    }
    if (ident_read(id, &who))
        return RC_NOT_FOUND;
    sql_i64(s, SQL_FIND, 1, ident_is_module(who));
    sql_text(s, SQL_FIND, 2, who.device);
    sql_text(s, SQL_FIND, 3, who.module);
    rc = sql_row(s, SQL_FIND);
    if (rc)
        return rc;
    *row = sqlite3_column_int64(s->sql[SQL_FIND], 0);
    sql_end(s, SQL_FIND);
    ids_put(s, id, *row);
    return RC_OK;
}

static enum rc read_document(struct store *s, struct identity **out)
{
    struct str device = sql_column(s, SQL_LOAD, 0), module = sql_column(s, SQL_LOAD, 1);
    struct str subscribed = sql_column(s, SQL_LOAD, 3);
    struct identity *i = NULL;
    struct refusal why;
    cJSON *doc = NULL;
    enum rc rc = json_read(sql_column(s, SQL_LOAD, 2), &doc, NULL);

    if (!rc)
        rc = identity_read(doc, INSTANT_NONE, &i, &why);
    cJSON_Delete(doc);
    if (rc)
        return damaged(s, rc, "an identity's document");
    if (!ident_eq(identity_ident(i), (struct ident){device, module})) {
        identity_free(i);
        return damaged(s, RC_CORRUPT, "an identity's name");
    }
    if (subscribed.len > sizeof i->subscribed)
        subscribed.len = sizeof i->subscribed;
    if (subscribed.len)
        memcpy(i->subscribed, subscribed.at, subscribed.len);
    i->messages.count = (size_t)sqlite3_column_int64(s->sql[SQL_LOAD], 4);
    *out = i;
    return RC_OK;
}

enum rc read_identity(struct store *s, int64_t row, struct identity **out)
{
    enum rc rc;

    sql_i64(s, SQL_LOAD, 1, row);
    rc = sql_row(s, SQL_LOAD);
    if (rc)
        return rc;
    rc = read_document(s, out);
    sql_end(s, SQL_LOAD);
    if (!rc)
        (*out)->row = row;
    return rc;
}

enum rc read_snapshot(struct store *s, int64_t row, struct twin **out, int64_t *upto)
{
    struct refusal why;
    cJSON *doc = NULL;
    enum rc rc;

    sql_i64(s, SQL_SNAPSHOT_READ, 1, row);
    rc = sql_row(s, SQL_SNAPSHOT_READ);
    if (rc == RC_NOT_FOUND)
        return damaged(s, rc, "a twin (it has no snapshot)");
    if (rc)
        return rc;
    *upto = sqlite3_column_int64(s->sql[SQL_SNAPSHOT_READ], 0);
    rc = json_read(sql_column(s, SQL_SNAPSHOT_READ, 1), &doc, NULL);
    if (!rc)
        rc = twin_read(doc, INSTANT_NONE, out, &why);
    cJSON_Delete(doc);
    sql_end(s, SQL_SNAPSHOT_READ);
    return rc ? damaged(s, rc, "a twin's snapshot") : RC_OK;
}

enum rc read_rows_after(struct store *s, int64_t row, int64_t after, struct id_list *out)
{
    const struct head *h = head_find(s, row);
    const struct tail_row *at;
    size_t from;
    enum rc rc;

    if (after + 1 < s->tail.first) {
        sql_i64(s, SQL_INDEX_AFTER, 1, row);
        sql_i64(s, SQL_INDEX_AFTER, 2, after);
        while ((rc = sql_row(s, SQL_INDEX_AFTER)) == RC_OK) {
            rc = id_list_add(out, sqlite3_column_int64(s->sql[SQL_INDEX_AFTER], 0));
            if (rc) {
                sql_end(s, SQL_INDEX_AFTER);
                return rc;
            }
        }
        if (rc != RC_NOT_FOUND)
            return rc;
    }
    from = out->len; /* the chain runs from new to old; turn it round */
    for (int64_t id = h ? h->last : 0; id > after && (at = tail_at(s, id)); id = at->prev) {
        rc = id_list_add(out, id);
        if (rc)
            return rc;
    }
    for (size_t a = from, b = out->len; a + 1 < b; a++) {
        int64_t id = out->at[a];

        out->at[a] = out->at[--b];
        out->at[b] = id;
    }
    return RC_OK;
}

static int64_t row_number(struct store *s, int column)
{
    return sqlite3_column_int64(s->sql[SQL_ROW], column);
}

enum rc read_fold(struct store *s, struct identity *i, int64_t id)
{
    const struct twin *t = i->twin;
    enum change_kind kind;
    cJSON *body = NULL;
    enum rc rc;

    sql_i64(s, SQL_ROW, 1, id);
    rc = sql_row(s, SQL_ROW);
    if (rc == RC_NOT_FOUND)
        return damaged(s, rc, "the journal (a row is missing)");
    if (rc)
        return rc;
    kind = (enum change_kind)row_number(s, 0);
    if (kind == CHANGE_REPORTED || kind == CHANGE_PATCHED || kind == CHANGE_REPLACED) {
        rc = json_read(sql_column(s, SQL_ROW, 5), &body, NULL);
        if (!rc)
            rc = identity_fold(i, kind, row_number(s, 1), body);
        cJSON_Delete(body);
        if (!rc && (t->version != row_number(s, 2) || t->desired_version != row_number(s, 3) ||
                    t->reported_version != row_number(s, 4)))
            rc = RC_CORRUPT;             /* a row is missing, or one too many */
    } else if (kind != CHANGE_UPDATED) { /* the document holds that already */
        rc = RC_CORRUPT;
    }
    sql_end(s, SQL_ROW);
    return rc ? damaged(s, rc, "a row of the journal") : RC_OK;
}

/* --- store.h -------------------------------------------------------------------------------------------------- */

static enum rc load_twin(struct store *s, struct identity *i)
{
    struct id_list rows = {0};
    int64_t upto;
    enum rc rc = read_snapshot(s, i->row, &i->twin, &upto);

    if (rc)
        return rc;
    rc = read_rows_after(s, i->row, upto, &rows);
    for (size_t k = 0; !rc && k < rows.len; k++)
        rc = read_fold(s, i, rows.at[k]);
    if (!rc && rows.len) {
        struct head *h = head_get(s, i->row);

        if (h && h->weight < rows.len)
            head_set_weight(s, h, (uint32_t)rows.len);
    }
    id_list_done(&rows);
    if (rc) {
        twin_free(i->twin);
        i->twin = NULL;
    }
    return rc;
}

enum rc store_load(struct store *s, struct str id, bool with_twin, struct identity **out)
{
    struct identity *i = NULL;
    int64_t row;
    enum rc rc = read_find(s, id, &row);

    if (!rc)
        rc = read_identity(s, row, &i);
    if (!rc && with_twin)
        rc = load_twin(s, i);
    if (rc) {
        identity_free(i);
        return rc;
    }
    *out = i;
    return RC_OK;
}

/* Hand out the ids a prepared list yields. */
static enum rc list(struct store *s, enum sql q, void (*each)(void *arg, struct str id), void *arg)
{
    char text[IDENT_TEXT_MAX];
    enum rc rc;

    while ((rc = sql_row(s, q)) == RC_OK) {
        struct ident id = {sql_column(s, q, 0), sql_column(s, q, 1)};

        if (!ident_part_is_valid(id.device) || (id.module.len && !ident_part_is_valid(id.module))) {
            sql_end(s, q);
            return damaged(s, RC_CORRUPT, "an identity's name");
        }
        each(arg, str_of(text, ident_print(id, text)));
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc list_modules(struct store *s, struct str device, struct str after_module, int64_t top,
                            void (*each)(void *arg, struct str id), void *arg)
{
    sql_text(s, SQL_MODULES, 1, device);
    sql_text(s, SQL_MODULES, 2, after_module);
    sql_i64(s, SQL_MODULES, 3, top);
    return list(s, SQL_MODULES, each, arg);
}

enum rc store_modules(struct store *s, struct str device, void (*each)(void *arg, struct str id), void *arg)
{
    return list_modules(s, device, STR(""), -1, each, arg);
}

enum rc store_list(struct store *s, struct str device, struct str after, unsigned top,
                   void (*each)(void *arg, struct str id), void *arg)
{
    char prefix[IDENT_TEXT_MAX];
    struct str head;
    size_t both;
    int order;

    if (!device.len) {
        sql_text(s, SQL_DEVICES, 1, after);
        sql_i64(s, SQL_DEVICES, 2, top);
        return list(s, SQL_DEVICES, each, arg);
    }
    if (device.len > IDENT_PART_MAX)
        return RC_OK;
    memcpy(prefix, device.at, device.len);
    prefix[device.len] = '/';
    head = str_of(prefix, device.len + 1);
    if (str_starts(after, head))
        return list_modules(s, device, str_skip(after, head.len), top, each, arg);
    both = after.len < head.len ? after.len : head.len;
    order = both ? memcmp(after.at, head.at, both) : 0;
    /* Every id of a module begins with the prefix: all of them stand behind `after`, or none. */
    return order > 0 ? RC_OK : list_modules(s, device, STR(""), top, each, arg);
}

enum rc store_list_modules(struct store *s, struct str after, unsigned top, void (*each)(void *arg, struct str id),
                           void *arg)
{
    struct str module = after, device = str_cut(&module, '/');

    sql_text(s, SQL_ALL_MODULES, 1, device);
    sql_text(s, SQL_ALL_MODULES, 2, module);
    sql_i64(s, SQL_ALL_MODULES, 3, top);
    return list(s, SQL_ALL_MODULES, each, arg);
}

/* --- history -------------------------------------------------------------------------------------------------- */

struct history {
    struct journal_row *at;
    size_t len;
    int64_t before;
    unsigned top;
};

/* Take one row if it is asked for. A change of keys or status is none of the twin's versions, so a page could not end behind it. */
static enum rc history_add(struct store *s, struct history *h, int64_t id)
{
    struct journal_row *row = &h->at[h->len];
    int64_t kind;
    enum rc rc;

    sql_i64(s, SQL_ROW, 1, id);
    rc = sql_row(s, SQL_ROW);
    if (rc == RC_NOT_FOUND)
        return damaged(s, rc, "the journal (a row is missing)");
    if (rc)
        return rc;
    kind = row_number(s, 0);
    if (kind < CHANGE_CREATED || kind > CHANGE_DELETED) {
        rc = damaged(s, RC_CORRUPT, "a row of the journal");
    } else if (kind != CHANGE_UPDATED && (!h->before || row_number(s, 2) < h->before)) {
        *row = (struct journal_row){(enum change_kind)kind, row_number(s, 1), row_number(s, 2),
                                    row_number(s, 3),       row_number(s, 4), str_dup(sql_column(s, SQL_ROW, 5))};
        rc = row->body ? RC_OK : RC_NOMEM;
        h->len += !rc;
    }
    sql_end(s, SQL_ROW);
    return rc;
}

static enum rc history_read(struct store *s, int64_t row, struct history *h)
{
    const struct head *known = head_find(s, row);
    const struct tail_row *at;
    enum rc rc = RC_OK;

    for (int64_t id = known ? known->last : 0; !rc && h->len < h->top && (at = tail_at(s, id)); id = at->prev)
        rc = history_add(s, h, id);
    if (rc || h->len == h->top)
        return rc;
    sql_i64(s, SQL_INDEX_NEWEST, 1, row);
    while (h->len < h->top && (rc = sql_row(s, SQL_INDEX_NEWEST)) == RC_OK) {
        rc = history_add(s, h, sqlite3_column_int64(s->sql[SQL_INDEX_NEWEST], 0));
        if (rc)
            break;
    }
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    sql_end(s, SQL_INDEX_NEWEST);
    return rc;
}

enum rc store_history(struct store *s, struct str id, int64_t before, unsigned top, struct journal_row **rows,
                      size_t *n_rows)
{
    struct history h = {.before = before, .top = top};
    int64_t row;
    enum rc rc = read_find(s, id, &row);

    if (rc)
        return rc;
    h.at = calloc(top ? top : 1, sizeof *h.at);
    if (!h.at)
        return RC_NOMEM;
    rc = history_read(s, row, &h);
    if (rc) {
        store_rows_free(h.at, h.len);
        return rc;
    }
    *rows = h.at;
    *n_rows = h.len;
    return RC_OK;
}

void store_rows_free(struct journal_row *rows, size_t n_rows)
{
    for (size_t k = 0; rows && k < n_rows; k++)
        free(rows[k].body);
    free(rows);
}

int64_t store_count(const struct store *s)
{
    return s->count;
}
