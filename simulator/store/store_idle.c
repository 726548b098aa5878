/* store_idle.c - upkeep, in steps of a millisecond or so: what comes first, the index, the write-ahead log.
 *
 * Every step is a turn of its own: what fails is undone, and tried again some other time. Under load only what cannot wait is done.
 */
#include <stdlib.h>
#include <time.h>

#include "store_internal.h"

#define SLICE_US    1000 /* no further step begins after that long */
#define INDEX_ROWS  1024u
#define INDEX_PAGES 256u

int64_t mono_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- the index ------------------------------------------------------------------------------------------------ */

/* The first n rows of the tail in order of identity: those of one twin land on one page. returns how many twins there are */
static size_t sort_tail(const struct store *s, size_t n, struct row_name *rows)
{
    size_t identities = 0;

    for (size_t k = 0; k < n; k++)
        rows[k] = (struct row_name){s->tail.at[k].identity, s->tail.first + (int64_t)k, s->tail.at[k].version};
    qsort(rows, n, sizeof *rows, by_identity);
    for (size_t k = 0; k < n; k++)
        identities += k == 0 || rows[k].identity != rows[k - 1].identity;
    return identities;
}

/* Enter the oldest rows of the tail: as many as few pages take. */
static enum rc step_index(struct store *s)
{
    struct row_name rows[INDEX_ROWS];
    size_t n = s->tail.len < INDEX_ROWS ? s->tail.len : INDEX_ROWS;
    enum rc rc;

    while (sort_tail(s, n, rows) > INDEX_PAGES && n > INDEX_PAGES)
        n /= 2;
    rc = turn_begin(s);
    for (size_t k = 0; !rc && k < n; k++) {
        sql_i64(s, SQL_INDEX, 1, rows[k].identity);
        sql_i64(s, SQL_INDEX, 2, rows[k].id);
        sql_i64(s, SQL_INDEX, 3, rows[k].version);
        rc = sql_run(s, SQL_INDEX);
    }
    if (rc)
        s->has_failed = true;
    else
        s->indexed = s->tail.first + (int64_t)n - 1;
    rc = turn_commit(s);
    if (!rc)
        tail_drop(s, n);
    return rc;
}

/* --- the write-ahead log -------------------------------------------------------------------------------------- */

static enum rc step_checkpoint(struct store *s)
{
    int pages = 0, copied = 0, code;
    enum rc rc = turn_flush(s);

    if (rc)
        return rc;
    code = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
    if (code)
        return sql_fault(s, code);
    s->wal_pages = 0; /* the next writer begins at its start */
    return RC_OK;
}

/* --- store.h -------------------------------------------------------------------------------------------------- */

static bool has_queue(const struct store *s)
{
    return s->heads.first[QUEUE_FOLD] || trim_is_due(s);
}

static bool index_is_due(const struct store *s)
{
    return s->tail.len >= STORE_TAIL_LAZY ||
           (s->tail.len && (has_queue(s) || s->has_dead)); /* only indexed rows can go */
}

static bool upkeep_is_due(const struct store *s)
{
    return s->wal_pages >= STORE_WAL_LAZY || index_is_due(s) || has_queue(s) || s->has_dead;
}

static bool trim_is_pressed(const struct store *s)
{
    return s->untrimmed >= STORE_UNTRIMMED && trim_is_due(s);
}

bool store_is_pressed(const struct store *s)
{
    return s->wal_pages >= STORE_WAL_PRESSED || s->tail.len >= STORE_TAIL_PRESSED || s->heads.n_overdue ||
           trim_is_pressed(s);
}

/* Under load: what cannot wait, and no more. */
static enum rc step_pressed(struct store *s, int64_t until_us)
{
    if (s->wal_pages >= STORE_WAL_PRESSED)
        return step_checkpoint(s);
    if (s->tail.len >= STORE_TAIL_PRESSED)
        return step_index(s);
    return s->heads.n_overdue ? step_fold(s, until_us) : step_trim(s, until_us);
}

static enum rc step_idle(struct store *s, int64_t until_us)
{
    if (index_is_due(s))
        return step_index(s);
    if (s->heads.first[QUEUE_FOLD])
        return step_fold(s, until_us);
    if (trim_is_due(s))
        return step_trim(s, until_us);
    if (s->has_dead)
        return step_dead(s);
    return step_checkpoint(s);
}

bool store_idle(struct store *s)
{
    bool is_pressed = store_is_pressed(s);
    int64_t until_us;
    enum rc rc;

    if (s->is_open || !s->is_healthy || !upkeep_is_due(s))
        return false;
    until_us = mono_us() + SLICE_US;
    do
        rc = is_pressed ? step_pressed(s, until_us) : step_idle(s, until_us);
    while (!rc && (is_pressed ? store_is_pressed(s) : upkeep_is_due(s)) && mono_us() < until_us);
    return !rc && upkeep_is_due(s);
}
