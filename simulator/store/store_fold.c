/* store_fold.c - upkeep: a twin with many rows gets a new snapshot, so that loading it stays short.
 *
 * The hub's own twin is taken when it is in memory (store_options.twin_of); else the rows are folded, over as many slices as it takes.
 */
#include "store_internal.h"

void folding_drop(struct store *s)
{
    struct folding *f = &s->folding;

    identity_free(f->i);
    id_list_done(&f->rows);
    memset(f, 0, sizeof *f);
}

/* Begin with the snapshot there is. RC_NOT_FOUND: the identity is gone. */
static enum rc folding_begin(struct store *s, int64_t row)
{
    struct folding *f = &s->folding;
    enum rc rc = read_identity(s, row, &f->i);

    return rc ? rc : read_snapshot(s, row, &f->i->twin, &f->upto);
}

/* Fold until the rows or the time run out. returns RC_TIMEOUT in the latter case */
static enum rc folding_go_on(struct store *s, int64_t until_us)
{
    struct folding *f = &s->folding;
    enum rc rc = RC_OK;

    while (!rc) {
        if (f->next == f->rows.len) { /* rows may have come since the last slice */
            f->rows.len = f->next = 0;
            rc = read_rows_after(s, f->i->row, f->upto, &f->rows);
            if (rc || !f->rows.len)
                return rc;
        }
        if (mono_us() >= until_us)
            return RC_TIMEOUT;
        rc = read_fold(s, f->i, f->rows.at[f->next]);
        if (!rc)
            f->upto = f->rows.at[f->next++];
    }
    return rc;
}

static enum rc write_snapshot(struct store *s, int64_t row, const struct twin *t, int64_t upto)
{
    struct buf text;
    enum rc rc = turn_begin(s);

    buf_init(&text, 0);
    twin_print(&text, t);
    if (!rc)
        rc = text.rc;
    if (!rc) {
        sql_i64(s, SQL_SNAPSHOT_WRITE, 1, row);
        sql_i64(s, SQL_SNAPSHOT_WRITE, 2, upto);
        sql_text(s, SQL_SNAPSHOT_WRITE, 3, buf_view(&text));
        rc = sql_run(s, SQL_SNAPSHOT_WRITE);
    }
    if (rc)
        s->has_failed = true;
    rc = turn_commit(s);
    buf_done(&text);
    return rc;
}

/* The twin the hub has in memory, if it is where the identity's newest row left it. NULL otherwise: then fold. */
static const struct twin *lent_twin(struct store *s, const struct head *h, int64_t *upto)
{
    char text[IDENT_TEXT_MAX];
    const struct twin *t;
    struct ident id;
    bool is_same;

    if (!s->twin_of)
        return NULL;
    sql_i64(s, SQL_NEWEST, 1, h->identity);
    sql_i64(s, SQL_NEWEST, 2, h->last); /* in the tail, or an older one: then the index knows better */
    if (sql_row(s, SQL_NEWEST))
        return NULL;
    *upto = sqlite3_column_int64(s->sql[SQL_NEWEST], 0);
    id = (struct ident){sql_column(s, SQL_NEWEST, 4), sql_column(s, SQL_NEWEST, 5)};
    t = ident_part_is_valid(id.device) ? s->twin_of(s->arg, str_of(text, ident_print(id, text))) : NULL;
    is_same = t && t->version == sqlite3_column_int64(s->sql[SQL_NEWEST], 1) &&
              t->desired_version == sqlite3_column_int64(s->sql[SQL_NEWEST], 2) &&
              t->reported_version == sqlite3_column_int64(s->sql[SQL_NEWEST], 3);
    sql_end(s, SQL_NEWEST);
    return is_same ? t : NULL;
}

/* A new snapshot of a twin that nobody lends, from its rows. *version, *upto: the twin's and its last row's, when it is done. */
static enum rc fold_snapshot(struct store *s, const struct head *h, int64_t until_us, int64_t *version, int64_t *upto)
{
    struct folding *f = &s->folding;
    enum rc rc = RC_OK;

    if (!f->i)
        rc = folding_begin(s, h->identity);
    if (!rc)
        rc = folding_go_on(s, until_us);
    if (rc == RC_TIMEOUT)
        return rc; /* goes on where it stopped */
    if (!rc) {
        *version = f->i->twin->version;
        *upto = f->upto;
        rc = write_snapshot(s, h->identity, f->i->twin, f->upto);
    }
    folding_drop(s);
    return rc;
}

/* A new snapshot for the first in the queue. */
enum rc step_fold(struct store *s, int64_t until_us)
{
    struct head *h = s->heads.first[QUEUE_FOLD];
    int64_t upto = 0, version = 0;
    const struct twin *lent = s->folding.i ? NULL : lent_twin(s, h, &upto);
    enum rc rc;

    if (lent) {
        version = lent->version;
        rc = write_snapshot(s, h->identity, lent, upto);
    } else {
        rc = fold_snapshot(s, h, until_us, &version, &upto);
    }
    if (rc == RC_TIMEOUT)
        return RC_OK;
    /* When it failed, or the identity is gone, nothing is tried before it has as many rows once more. */
    head_dequeue(s, QUEUE_FOLD);
    head_set_weight(s, h, 0);
    if (!rc) {
        h->trim_to = version - s->history;
        h->trim_upto = upto;
        h->trim_after = 0;
        head_queue(s, QUEUE_TRIM, h);
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
