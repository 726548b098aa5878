/* world_store.c - see world_store.h. Small limits, so that little is enough to make it fold. */
#include "world_store.h"

#include <stdio.h>

#include "store.h"
#include "test.h"

struct world_store {
    struct store_options options;
    struct store *store;
    char dir[256];
};

static void open_it(struct world_store *s)
{
    char why[256];
    enum rc rc = store_open(&s->options, &s->store, why, sizeof why);

    if (rc)
        print_error("%s: %s\n", s->dir, why);
    assert_int_equal(rc, RC_OK);
}

struct world_store *world_store_open(const char *dir, const struct twin *(*twin_of)(void *arg, struct str id),
                                     void *arg)
{
    struct world_store *s = calloc(1, sizeof *s);

    assert_non_null(s);
    assert_true((size_t)snprintf(s->dir, sizeof s->dir, "%s", dir) < sizeof s->dir);
    s->options = (struct store_options){
        .dir = s->dir, .durability = DURABILITY_MEMORY, .history = 4, .fold_rows = 3, .twin_of = twin_of, .arg = arg};
    open_it(s);
    return s;
}

void world_store_close(struct world_store *s)
{
    if (s)
        store_close(s->store);
    free(s);
}

void world_store_reopen(struct world_store *s)
{
    store_close(s->store);
    s->store = NULL;
    open_it(s);
}

void world_store_append(struct world_store *s, const struct out *o)
{
    assert_int_equal(store_append(s->store, o), RC_OK);
}

void world_store_commit(struct world_store *s)
{
    assert_int_equal(store_commit(s->store), RC_OK);
}

void world_store_rollback(struct world_store *s)
{
    store_rollback(s->store);
    assert_true(store_is_healthy(s->store));
}

void world_store_idle(struct world_store *s)
{
    (void)store_idle(s->store);
    assert_true(store_is_healthy(s->store));
}

struct identity *world_store_load(struct world_store *s, struct str id, bool with_twin)
{
    struct identity *i = NULL;
    enum rc rc = store_load(s->store, id, with_twin, &i);

    assert_true(rc == RC_OK || rc == RC_NOT_FOUND);
    return rc ? NULL : i;
}

void world_store_messages(struct world_store *s, struct str id, struct messages *out)
{
    struct unreadable bad;

    assert_int_equal(store_load_messages(s->store, id, out, &bad), RC_OK);
    assert_int_equal(bad.n, 0);
}

struct page {
    char (*at)[IDENT_TEXT_MAX];
    size_t n, max;
};

static void page_add(void *arg, struct str id)
{
    struct page *page = arg;

    assert_true(page->n < page->max && id.len < IDENT_TEXT_MAX);
    memcpy(page->at[page->n], id.at, id.len);
    page->at[page->n++][id.len] = '\0';
}

size_t world_store_list(struct world_store *s, const struct needs *needs, size_t max, char (*out)[IDENT_TEXT_MAX])
{
    struct page page = {.at = out, .max = max};
    enum rc rc;

    if (needs->list_modules)
        rc = store_list_modules(s->store, needs->list_after, (unsigned)max, page_add, &page);
    else if (needs->list_device.len)
        rc = store_modules(s->store, needs->list_device, page_add, &page);
    else
        rc = store_list(s->store, needs->list_device, needs->list_after, (unsigned)max, page_add, &page);
    assert_int_equal(rc, RC_OK);
    return page.n;
}

void world_store_history(struct world_store *s, struct str id, const struct needs *needs, struct request *r)
{
    enum rc rc = store_history(s->store, id, needs->history_before, needs->history_top + 1, &r->rows, &r->n_rows);

    assert_true(rc == RC_OK || rc == RC_NOT_FOUND);
    if (r->n_rows > needs->history_top) {
        r->list_has_more = true;
        free(r->rows[--r->n_rows].body);
    }
}

void world_store_state(struct world_store *s, struct message_state *out)
{
    assert_int_equal(store_message_state(s->store, out), RC_OK);
}

static bool due_add(void *arg, struct str id, struct due_place at)
{
    (void)at;
    page_add(arg, id);
    return true;
}

size_t world_store_due(struct world_store *s, int64_t now_us, int64_t *next_us, size_t max, char (*out)[IDENT_TEXT_MAX])
{
    struct page page = {.at = out, .max = max};

    assert_int_equal(store_due(s->store, (struct due_place){INT64_MIN, 0}, now_us, due_add, &page), RC_OK);
    assert_int_equal(store_next_expiry(s->store, now_us, next_us), RC_OK);
    return page.n;
}

void world_store_feedback(struct world_store *s, struct request *r)
{
    assert_int_equal(store_feedback(s->store, FEEDBACK_BATCH, &r->feedback, &r->n_feedback), RC_OK);
}

void world_store_feedback_done(struct request *r)
{
    store_feedback_free(r->feedback, r->n_feedback);
}
