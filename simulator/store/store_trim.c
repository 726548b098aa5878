/* store_trim.c - upkeep: rows older than the history goes, and rows of deleted identities.
 *
 * A page of the journal holds rows of many identities. So what may go is first gathered from many of them, then removed in
 * order of id: some forty rows for one page written, instead of one.
 */
#include <assert.h>
#include <stdlib.h>

#include "store_internal.h"

/* Few rows of one identity, then the next one's turn: the old rows of all of them lie together. */
#define GATHER_STEP 16u
#define GATHER_MAX  2048u /* rows gathered before removing begins */
#define REMOVE_STEP 256u
#define DEAD_STEP   64u

#define TRIM_ROWS 4 /* times history: how many rows of all kinds an identity may keep */

int by_identity(const void *a, const void *b)
{
    const struct row_name *x = a, *y = b;

    if (x->identity != y->identity)
        return x->identity < y->identity ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_id(const void *a, const void *b)
{
    const struct row_name *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

void trimming_drop(struct store *s)
{
    s->trimming.len = s->trimming.next = 0;
    for (struct head *h = s->heads.first[QUEUE_TRIM]; h; h = h->queue_next[QUEUE_TRIM])
        h->trim_after = 0;
}

/* Remove rows, and the entries of the index for them: of each identity they are the oldest it has. */
static enum rc remove_rows(struct store *s, struct row_name *rows, size_t n)
{
    enum rc rc = RC_OK;

    for (size_t k = 0; !rc && k < n; k++) {
        sql_i64(s, SQL_ROW_REMOVE, 1, rows[k].id);
        rc = sql_run(s, SQL_ROW_REMOVE);
    }
    qsort(rows, n, sizeof *rows, by_identity);
    for (size_t k = 0; !rc && k < n; k++) {
        if (k + 1 < n && rows[k + 1].identity == rows[k].identity)
            continue; /* the last one stands for all before it */
        sql_i64(s, SQL_INDEX_REMOVE, 1, rows[k].identity);
        sql_i64(s, SQL_INDEX_REMOVE, 2, rows[k].id);
        rc = sql_run(s, SQL_INDEX_REMOVE);
    }
    return rc;
}

/* --- old rows ------------------------------------------------------------------------------------------------- */

/* How many rows the identity has beyond what any history needs: document changes raise no version, and must not pile up. */
static enum rc read_excess(struct store *s, int64_t identity, int64_t upto, int64_t *excess)
{
    enum rc rc;

    sql_i64(s, SQL_INDEX_COUNT, 1, identity);
    sql_i64(s, SQL_INDEX_COUNT, 2, upto);
    rc = sql_row(s, SQL_INDEX_COUNT);
    if (rc)
        return rc;
    *excess = sqlite3_column_int64(s->sql[SQL_INDEX_COUNT], 0) - (int64_t)s->history * TRIM_ROWS;
    sql_end(s, SQL_INDEX_COUNT);
    return RC_OK;
}

/* Gather some old rows of one identity, behind those gathered before. *is_all: there are no more. */
static enum rc gather(struct store *s, struct head *h, bool *is_all)
{
    struct trimming *t = &s->trimming;
    unsigned n = 0;
    enum rc rc = RC_OK;

    *is_all = true;
    if (!h->trim_after) /* counted once, not for every step */
        rc = read_excess(s, h->identity, h->trim_upto, &h->excess);
    if (rc)
        return rc;
    sql_i64(s, SQL_INDEX_OLDEST, 1, h->identity);
    sql_i64(s, SQL_INDEX_OLDEST, 2, h->trim_after);
    sql_i64(s, SQL_INDEX_OLDEST, 3, h->trim_upto);
    while ((rc = sql_row(s, SQL_INDEX_OLDEST)) == RC_OK) {
        int64_t id = sqlite3_column_int64(s->sql[SQL_INDEX_OLDEST], 0);
        bool is_old = sqlite3_column_int64(s->sql[SQL_INDEX_OLDEST], 1) <= h->trim_to || h->excess > 0;

        if (!is_old || n == GATHER_STEP || t->len == GATHER_MAX) {
            *is_all = !is_old;
            sql_end(s, SQL_INDEX_OLDEST);
            return RC_OK;
        }
        t->at[t->len++] = (struct row_name){h->identity, id, 0};
        h->trim_after = id;
        h->excess--;
        n++;
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Remove the next of the gathered rows. */
static enum rc remove_gathered(struct store *s)
{
    struct trimming *t = &s->trimming;
    size_t n = t->len - t->next < REMOVE_STEP ? t->len - t->next : REMOVE_STEP;
    enum rc rc = turn_begin(s);

    if (!rc)
        rc = remove_rows(s, t->at + t->next, n);
    if (rc)
        s->has_failed = true;
    rc = turn_commit(s);
    if (rc)
        return rc; /* and nothing is gathered any more */
    t->next += n;
    if (t->next == t->len)
        t->len = t->next = 0;
    return RC_OK;
}

bool trim_is_due(const struct store *s)
{
    return s->heads.first[QUEUE_TRIM] || s->trimming.len;
}

enum rc step_trim(struct store *s, int64_t until_us)
{
    struct trimming *t = &s->trimming;
    struct head *h = s->heads.first[QUEUE_TRIM];
    bool is_all = false;
    enum rc rc = RC_OK;

    if (!t->at && !(t->at = malloc(GATHER_MAX * sizeof *t->at)))
        return RC_NOMEM;
    if (t->next)
        return remove_gathered(s);
    while (!rc && h && t->len < GATHER_MAX) {
        if (mono_us() >= until_us)
            return RC_OK; /* goes on gathering */
        rc = gather(s, h, &is_all);
        head_dequeue(s, QUEUE_TRIM);
        if (!rc && !is_all)
            head_queue(s, QUEUE_TRIM, h);
        h = s->heads.first[QUEUE_TRIM];
    }
    if (rc)
        return rc;
    if (!h)
        s->untrimmed = 0;
    qsort(t->at, t->len, sizeof *t->at, by_id);
    return t->len ? remove_gathered(s) : RC_OK;
}

/* --- deleted identities --------------------------------------------------------------------------------------- */

static enum rc next_dead(struct store *s, int64_t *identity)
{
    enum rc rc;

    rc = sql_row(s, SQL_DEAD_NEXT);
    if (rc)
        return rc;
    *identity = sqlite3_column_int64(s->sql[SQL_DEAD_NEXT], 0);
    sql_end(s, SQL_DEAD_NEXT);
    return RC_OK;
}

static enum rc oldest_rows(struct store *s, int64_t identity, struct row_name rows[DEAD_STEP], size_t *n)
{
    enum rc rc;

    *n = 0;
    sql_i64(s, SQL_INDEX_AFTER, 1, identity);
    sql_i64(s, SQL_INDEX_AFTER, 2, 0);
    while (*n < DEAD_STEP && (rc = sql_row(s, SQL_INDEX_AFTER)) == RC_OK)
        rows[(*n)++] = (struct row_name){identity, sqlite3_column_int64(s->sql[SQL_INDEX_AFTER], 0), 0};
    if (*n == DEAD_STEP) {
        sql_end(s, SQL_INDEX_AFTER);
        return RC_OK;
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc step_dead(struct store *s)
{
    struct row_name rows[DEAD_STEP];
    int64_t identity;
    size_t n;
    enum rc rc;

    assert(!s->tail.len);
    rc = next_dead(s, &identity);

    if (rc == RC_NOT_FOUND) {
        s->has_dead = false;
        return RC_OK;
    }
    if (!rc)
        rc = oldest_rows(s, identity, rows, &n);
    if (!rc)
        rc = turn_begin(s);
    if (!rc)
        rc = remove_rows(s, rows, n);
    if (!rc && n < DEAD_STEP) {
        sql_i64(s, SQL_DEAD_REMOVE, 1, identity);
        rc = sql_run(s, SQL_DEAD_REMOVE);
    }
    if (rc)
        s->has_failed = true;
    return turn_commit(s);
}
