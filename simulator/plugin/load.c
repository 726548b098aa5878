/* load.c - what a decision needs comes from the store into the hub's memory, before it is made. */
#include "plugin.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <stdlib.h>

#define LOAD_TWINS_US 500 /* how long loading the twins of one page may take, but for the last one */

/* The identity, with its twin if wanted. Not there: RC_OK and *out NULL. */
static enum rc load_one(struct plugin *pl, struct str id, bool with_twin, struct identity **out)
{
    struct identity *i = hub_find(pl->hub, id);
    enum rc rc;

    *out = i;
    if (i && (i->twin || !with_twin))
        return RC_OK;
    /* A cached identity without its twin is loaded whole: hub_put keeps the cached record and takes only the twin. */
    rc = store_load(pl->store, id, with_twin, &i);
    if (rc == RC_OK)
        *out = hub_put(pl->hub, i);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

struct page {
    struct plugin *pl;
    struct buf ids; /* each with a NUL behind */
    size_t n;
};

static void page_add(void *arg, struct str id)
{
    struct page *page = arg;

    buf_add(&page->ids, id);
    buf_add_char(&page->ids, '\0');
    page->n++;
}

/* Load the records of a page of ids into r->listed, at most `top` of them; with their twins (enough_bytes not 0) only as long as that may take, and
 * no more of them than the page looks at. */
static enum rc page_load(struct plugin *pl, const struct page *page, size_t top, size_t enough_bytes, struct request *r)
{
    bool with_twins = enough_bytes > 0;
    int64_t until = with_twins ? clock_now().mono_us + LOAD_TWINS_US : INT64_MAX;
    struct str rest = buf_view(&page->ids);
    enum rc rc = page->ids.rc;
    size_t bytes = 0;

    r->n_listed = 0;
    while (!rc && rest.len && r->n_listed < top && r->n_listed < HUB_PAGE_MAX) {
        struct str id = str_cut(&rest, '\0');
        struct identity *i;

        rc = load_one(pl, id, with_twins, &i);
        if (!rc && i) {
            r->listed[r->n_listed++] = i;
            bytes += identity_bytes(i);
        }
        if (with_twins && (bytes >= enough_bytes || clock_now().mono_us >= until))
            break;
    }
    return rc;
}

static enum rc load_page(struct plugin *pl, const struct needs *needs, struct request *r)
{
    struct page page = {.pl = pl};
    unsigned top = needs->list_top < HUB_PAGE_MAX ? needs->list_top : HUB_PAGE_MAX;
    enum rc rc;

    buf_init(&page.ids, 0);
    /* One more than asked for tells whether there is more. */
    rc = needs->list_modules ? store_list_modules(pl->store, needs->list_after, top + 1, page_add, &page)
                             : store_list(pl->store, needs->list_device, needs->list_after, top + 1, page_add, &page);
    if (!rc)
        rc = page_load(pl, &page, top, needs->list_twins ? needs->list_bytes : 0, r);
    r->list_has_more = page.n > r->n_listed;
    buf_done(&page.ids);
    return rc;
}

static enum rc load_modules(struct plugin *pl, struct str device, struct request *r)
{
    struct page page = {.pl = pl};
    enum rc rc;

    buf_init(&page.ids, 0);
    rc = store_modules(pl->store, device, page_add, &page);
    if (!rc)
        rc = page_load(pl, &page, HUB_PAGE_MAX, 0, r);
    buf_done(&page.ids);
    return rc;
}

static enum rc load_history(struct plugin *pl, struct str id, const struct needs *needs, struct request *r)
{
    unsigned top = needs->history_top;
    enum rc rc = store_history(pl->store, id, needs->history_before, top + 1, &r->rows, &r->n_rows);

    if (!rc && r->n_rows > top) {
        r->list_has_more = true;
        free(r->rows[--r->n_rows].body);
    }
    return rc;
}

static enum rc load_messages(struct plugin *pl, const struct request *r, struct identity *i)
{
    struct unreadable damaged;
    struct messages q;
    enum rc rc;

    if (messages_are_here(&i->messages) || !hub_needs_messages(pl->hub, r, i))
        return RC_OK;
    rc = store_load_messages(pl->store, identity_id(i), &q, &damaged);
    if (rc)
        return rc;
    hub_put_messages(pl->hub, i, &q);
    for (size_t n = 0; n < damaged.n; n++) {
        mosquitto_log_printf(MOSQ_LOG_ERR,
                             "twinsim: message %" PRIu64 " of %s is damaged; its row (table message, id %" PRIu64
                             ") is set aside",
                             damaged.number[n], i->id, damaged.number[n]);
        hub_message_damaged(pl->hub, i, damaged.number[n], r->now, &pl->out);
    }
    return RC_OK;
}

enum rc load_needed(struct plugin *pl, const struct needs *needs, struct request *r)
{
    enum rc rc = RC_OK;

    for (size_t k = 0; k < needs->n_ids && !rc; k++) {
        char id[IDENT_TEXT_MAX];
        size_t len = ident_print(needs->ids[k], id);
        struct identity *i;

        rc = load_one(pl, str_of(id, len), needs->twins, &i);
        if (!rc && k == 0 && i && needs->messages)
            rc = load_messages(pl, r, i);
        if (!rc && k == 0 && i && needs->history)
            rc = load_history(pl, str_of(id, len), needs, r);
    }
    if (!rc && needs->feedback)
        rc = store_feedback(pl->store, FEEDBACK_BATCH, &r->feedback, &r->n_feedback);
    if (!rc && needs->modules && needs->n_ids)
        rc = load_modules(pl, needs->ids[0].device, r);
    if (!rc && needs->list)
        rc = load_page(pl, needs, r);
    return rc;
}

void load_done(struct request *r)
{
    store_rows_free(r->rows, r->n_rows);
    r->rows = NULL;
    r->n_rows = 0;
    store_feedback_free(r->feedback, r->n_feedback);
    r->feedback = NULL;
    r->n_feedback = 0;
}
