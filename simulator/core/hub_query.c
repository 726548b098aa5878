/* hub_query.c - the command that asks a query, a page at a time.
 *
 * A page looks at a bounded number of identities in the order of their ids, so it may hold fewer items than asked for, or none: the
 * continuation says where to go on. It is all there is between two pages: the hub remembers nothing, and what was summed up so far
 * travels in it too. So nobody waits for a long query but who asked it, and one that is given up leaves nothing behind.
 *
 *   "1 {hash of the query} {rows left, or -} {last id looked at} {sums}"
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"
#include "query.h"

/* Of twins in memory that one page looks at, at least one: printed or not, it takes well under a millisecond. The page is the step in which
 * the adapter shares its thread with devices. */
#define PAGE_BYTES (256u * 1024)

struct position {
    uint64_t query;   /* hash */
    int64_t left;     /* rows; -1: no limit */
    struct str after; /* id text; empty: from the start */
    struct str sums;  /* JSON; empty: none */
};

static uint64_t hash_of(const struct query *q, enum rc *rc)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    struct buf text;

    buf_init(&text, 0);
    query_print(&text, q);
    *rc = text.rc;
    for (size_t k = 0; k < text.len; k++)
        hash = (hash ^ (unsigned char)text.at[k]) * 1099511628211u;
    buf_done(&text);
    return hash & (UINT64_MAX >> 1);
}

static bool read_position(struct str text, struct position *out)
{
    struct str version = str_cut(&text, ' '), query = str_cut(&text, ' '), left = str_cut(&text, ' ');
    uint64_t number = 0;
    struct ident id;

    *out = (struct position){.left = -1};
    out->after = str_cut(&text, ' ');
    out->sums = text;
    if (!str_eq(version, STR("1")) || str_to_u64(query, UINT64_MAX >> 1, &out->query))
        return false;
    if (!str_eq(left, STR("-"))) {
        if (str_to_u64(left, INT32_MAX, &number) || number == 0)
            return false;
        out->left = (int64_t)number;
    }
    return ident_read(out->after, &id) == RC_OK;
}

/* --- needs -------------------------------------------------------------------------------------------------------- */

void hub_query_read(struct request *r)
{
    struct query *q = NULL;
    struct refusal why;
    enum rc rc = query_read(str_from(json_get_text(r->command, "query")), &q, &why);

    r->asks = ASKS_NOBODY;
    if (!rc && query_source(q) != QUERY_JOBS)
        r->asks = query_source(q) == QUERY_DEVICES ? ASKS_DEVICES : ASKS_MODULES;
    if (rc == RC_NOMEM)
        r->read_rc = rc;
    query_free(q);
}

void hub_query_needs(const struct request *r, struct needs *out)
{
    struct str after = str_from(json_get_text(r->command, "continuation"));
    struct position position;

    if (r->asks == ASKS_NOBODY || (after.at && !read_position(after, &position)))
        return; /* it is refused when it is decided, or has nobody to look at */
    out->list = out->list_twins = true;
    out->list_modules = r->asks == ASKS_MODULES;
    out->list_after = after.at ? position.after : after;
    out->list_top = HUB_PAGE_MAX;
    out->list_bytes = PAGE_BYTES;
}

/* --- a page ------------------------------------------------------------------------------------------------------- */

struct page {
    const struct query *q;
    struct position at;
    int64_t room; /* items that still fit */
    struct query_sums *sums;
    struct buf *body;
};

/* Where the query goes on; refuses what is no continuation of it. */
static enum rc open_page(struct request *r, struct page *p, struct reply *reply)
{
    const char *continuation = json_get_text(r->command, "continuation");
    enum rc rc;
    uint64_t hash = hash_of(p->q, &rc);
    cJSON *saved = NULL;

    if (rc)
        return rc;
    p->at = (struct position){.query = hash, .left = query_top(p->q) ? query_top(p->q) : -1};
    if (continuation && (!read_position(str_from(continuation), &p->at) || p->at.query != hash ||
                         (p->at.sums.len > 0) != query_has_sums(p->q)))
        rc = RC_SYNTAX;
    if (!rc && p->at.sums.len) {
        rc = json_read(p->at.sums, &saved, NULL);
        if (!rc)
            rc = query_sums_load(p->q, saved, &p->sums);
        cJSON_Delete(saved);
    } else if (!rc && query_has_sums(p->q)) {
        p->sums = query_sums_new(p->q);
        rc = p->sums ? RC_OK : RC_NOMEM;
    }
    if (rc == RC_SYNTAX || rc == RC_LIMIT) {
        reply_refuse(reply, 400, 400004, "the continuation is none of this query's");
        rc = RC_REFUSED;
    }
    return rc;
}

static enum rc take(struct page *p, const struct identity *i)
{
    if (!query_matches(p->q, i))
        return RC_OK;
    if (p->sums)
        return query_sums_add(p->sums, i);
    json_comma(p->body);
    query_print_item(p->body, p->q, i);
    p->room--;
    if (p->at.left > 0)
        p->at.left--;
    return p->body->rc;
}

/* Look at what was loaded, as far as the page goes. *is_last: there is nothing behind it. */
static enum rc look(struct request *r, struct page *p, bool *is_last)
{
    size_t n = 0, bytes = 0;
    enum rc rc = RC_OK;

    while (!rc && n < r->n_listed && p->room > 0 && p->at.left != 0 && bytes < PAGE_BYTES) {
        const struct identity *i = r->listed[n++];

        bytes += identity_bytes(i);
        p->at.after = identity_id(i);
        rc = take(p, i);
    }
    *is_last = p->at.left == 0 || (n == r->n_listed && !r->list_has_more);
    return rc;
}

static void print_continuation(struct buf *body, const struct page *p)
{
    struct buf text;

    buf_init(&text, 0);
    buf_addf(&text, "1 %" PRIu64 " ", p->at.query);
    if (p->at.left < 0)
        buf_add_char(&text, '-');
    else
        buf_add_i64(&text, p->at.left);
    buf_addf(&text, " %.*s ", STR_FMT(p->at.after));
    if (p->sums)
        query_sums_save(&text, p->sums);
    json_put_text(body, "continuation", buf_view(&text));
    if (text.rc)
        body->rc = text.rc;
    buf_done(&text);
}

static enum rc print_page(struct request *r, struct page *p)
{
    static const char *const stars[] = {"Twin", "Twin", "DeviceJob"};
    const char *type = query_is_star(p->q) ? stars[query_source(p->q)] : "Raw";
    bool is_last = true;
    enum rc rc;

    buf_add_char(p->body, '{');
    json_put_text(p->body, "type", str_from(type)); /* facts R-14 */
    json_key(p->body, "items");
    buf_add_char(p->body, '[');
    rc = look(r, p, &is_last);
    if (p->sums && is_last)
        query_sums_print(p->body, p->sums);
    buf_add_char(p->body, ']');
    if (!is_last)
        print_continuation(p->body, p);
    buf_add_char(p->body, '}');
    return rc ? rc : p->body->rc;
}

void hub_query(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const char *text = json_get_text(r->command, "query");
    struct page p = {.room = HUB_PAGE_MAX, .body = &reply->body};
    struct query *q = NULL;
    struct refusal why;
    enum rc rc;

    (void)h;
    if (!text) {
        reply_refuse(reply, 400, 400004, "'query' needs a text \"query\"");
        return;
    }
    if (json_get_i64(r->command, "top", &p.room))
        p.room = HUB_PAGE_MAX;
    rc = query_read(str_from(text), &q, &why);
    if (rc == RC_REFUSED)
        reply_with(reply, &why);
    p.q = q;
    if (!rc)
        rc = open_page(r, &p, reply);
    if (!rc)
        rc = print_page(r, &p);
    if (rc == RC_LIMIT)
        reply_refuse(reply, 400, 400004, "the query has more groups than %u bytes hold", QUERY_GROUPS_MAX);
    else if (rc && rc != RC_REFUSED)
        out->rc = rc;
    query_sums_free(p.sums);
    query_free(q);
}
