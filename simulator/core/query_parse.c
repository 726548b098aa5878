/* query_parse.c - a query's clauses. */
#include <stdio.h>
#include <stdlib.h>

#include "query_internal.h"
#include "utf8.h"

/* --- clauses ------------------------------------------------------------------------------------------------------ */

static enum rc read_top(struct query_reader *r)
{
    const struct query_token *t = query_now(r);
    uint64_t top;

    if (t->kind != TOKEN_NUMBER || str_to_u64(t->text, INT32_MAX, &top) || top == 0)
        return query_expected(r, "a whole number from 1");
    r->q->top = (int64_t)top;
    r->at++;
    return RC_OK;
}

static enum rc read_column(struct query_reader *r)
{
    struct query_column *c = &r->q->columns[r->q->n_columns];
    enum rc rc = RC_OK;

    if (r->q->n_columns == QUERY_COLUMNS_MAX)
        return query_refuse(r, query_now(r)->at, "more than %u columns", QUERY_COLUMNS_MAX);
    r->q->n_columns++;
    c->aggregate = query_aggregate_of(r);
    if (c->aggregate)
        r->at += 2;
    else if (query_now(r)->kind == TOKEN_NAME && query_is_sign(query_now(r) + 1, "("))
        return query_refuse(r, query_now(r)->at, "a column is a property, or COUNT, AVG, SUM, MIN or MAX");
    if (c->aggregate != AGGREGATE_COUNT)
        rc = query_property(r, &c->property);
    if (!rc && c->aggregate && !query_take_sign(r, ")"))
        rc = query_expected(r, "')'");
    if (!rc && query_take_word(r, "AS"))
        rc = query_read_name(r, &c->alias);
    return rc;
}

static enum rc read_select(struct query_reader *r)
{
    enum rc rc = RC_OK;

    if (!query_take_word(r, "SELECT"))
        return query_expected(r, "SELECT");
    if (query_take_word(r, "TOP"))
        rc = read_top(r);
    if (rc || query_take_sign(r, "*"))
        return rc;
    if (query_is_word(query_now(r), "DISTINCT") && query_now(r)[1].kind == TOKEN_NAME &&
        !query_is_word(query_now(r) + 1, "FROM") && !query_is_word(query_now(r) + 1, "AS"))
        return query_refuse(r, query_now(r)->at, "queries over twins have no DISTINCT; GROUP BY tells groups apart");
    do
        rc = read_column(r);
    while (!rc && query_take_sign(r, ","));
    return rc;
}

static enum rc read_source(struct query_reader *r)
{
    struct query *q = r->q;

    if (!query_take_word(r, "FROM"))
        return query_expected(r, q->n_columns ? "',' or FROM" : "FROM");
    if (!query_take_word(r, "devices"))
        return query_expected(r, "devices, devices.modules or devices.jobs");
    q->source = QUERY_DEVICES;
    if (query_take_sign(r, ".")) {
        if (query_take_word(r, "modules"))
            q->source = QUERY_MODULES;
        else if (query_take_word(r, "jobs"))
            q->source = QUERY_JOBS;
        else
            return query_expected(r, "modules or jobs");
    }
    return query_take_word(r, "AS") ? query_read_name(r, &q->alias) : RC_OK;
}

static enum rc read_groups(struct query_reader *r)
{
    enum rc rc;

    if (!query_take_word(r, "BY"))
        return query_expected(r, "BY");
    do {
        if (r->q->n_groups == QUERY_COLUMNS_MAX)
            return query_refuse(r, query_now(r)->at, "more than %u properties to group by", QUERY_COLUMNS_MAX);
        rc = query_property(r, &r->q->groups[r->q->n_groups]);
        if (!rc)
            r->q->n_groups++;
    } while (!rc && query_take_sign(r, ","));
    return rc;
}

static enum rc read_end(struct query_reader *r)
{
    static const char *const others[] = {"ORDER", "JOIN", "HAVING", "LIMIT", "OFFSET", "UNION", "DISTINCT", "LIKE"};
    const struct query_token *t = query_now(r);

    if (t->kind == TOKEN_END)
        return RC_OK;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
        if (query_is_word(t, others[k]))
            return query_refuse(r, t->at, "queries over twins have no %s", others[k]);
    return query_expected(r, r->q->n_groups ? "',' or the end" : "an operator, WHERE, GROUP BY or the end");
}

static enum rc read_clauses(struct query_reader *r)
{
    enum rc rc = read_select(r);

    if (!rc)
        rc = read_source(r);
    if (!rc && query_take_word(r, "WHERE"))
        rc = query_expression(r, &r->q->where);
    if (!rc && query_take_word(r, "GROUP"))
        rc = read_groups(r);
    return rc ? rc : read_end(r);
}

/* --- what the clauses mean together ------------------------------------------------------------------------------- */

static bool is_name(const struct query_name *n, const char *name)
{
    return !n->is_index && str_eq_nocase(n->text, str_from(name));
}

/* Take the collection's name off a path: devices.x, devices.modules.x, or its alias (facts Q-17). */
static enum rc resolve(struct query_reader *r, struct query_node *n)
{
    const struct query *q = r->q;
    size_t skip = 0;

    if (q->alias.at && !n->names[0].is_index && str_eq_nocase(n->names[0].text, q->alias)) {
        skip = 1;
    } else if (is_name(&n->names[0], "devices")) {
        skip = 1;
        if (n->n_names > 1 && q->source != QUERY_DEVICES)
            skip += is_name(&n->names[1], q->source == QUERY_MODULES ? "modules" : "jobs");
    }
    if (skip == n->n_names || n->names[skip].is_index)
        return query_refuse(r, n->at, "a collection is named here, not a property");
    n->names += skip;
    n->n_names -= skip;
    n->field = query_field_find(n->names[0].text);
    if (q->source == QUERY_JOBS && (is_name(&n->names[0], "tags") || is_name(&n->names[0], "properties")))
        return query_refuse(r, n->at, "a job has no '%.*s'", STR_FMT(utf8_first(n->names[0].text, 40)));
    return RC_OK;
}

bool query_is_same_property(const struct query_node *a, const struct query_node *b)
{
    assert(a && b);
    if (a->n_names != b->n_names)
        return false;
    if (a->field ? !query_field_is_same(a->field, b->field) : !str_eq_nocase(a->names[0].text, b->names[0].text))
        return false;
    for (size_t k = 1; k < a->n_names; k++)
        if (a->names[k].is_index != b->names[k].is_index || a->names[k].index != b->names[k].index ||
            (!a->names[k].is_index && !str_eq(a->names[k].text, b->names[k].text)))
            return false;
    return true;
}

/* The key a column comes back under (facts ). */
static void name_column(struct query_column *c, size_t *n_unnamed)
{
    const struct query_node *p = c->property;
    const struct query_name *last = p ? &p->names[p->n_names - 1] : NULL;

    if (c->alias.at) {
        c->name = c->alias;
    } else if (c->aggregate || !last || last->is_index) {
        (void)snprintf(c->room, sizeof c->room, "$%zu", ++*n_unnamed);
        c->name = str_from(c->room);
    } else {
        c->name = p->n_names == 1 && p->field ? str_from(query_field_name(p->field)) : last->text;
    }
}

static bool has_aggregates(const struct query *q)
{
    for (size_t k = 0; k < q->n_columns; k++)
        if (q->columns[k].aggregate)
            return true;
    return false;
}

static enum rc check_column(struct query_reader *r, size_t n)
{
    const struct query *q = r->q;
    const struct query_column *c = &q->columns[n];
    size_t at = c->property ? c->property->at : 0;
    bool is_grouped = false;

    for (size_t k = 0; k < n; k++)
        if (str_eq(q->columns[k].name, c->name))
            return query_refuse(r, at, "two columns are called '%.*s'; give one another name with AS",
                                STR_FMT(utf8_first(c->name, 60)));
    if (c->aggregate || !query_has_sums(q))
        return RC_OK;
    for (size_t k = 0; k < q->n_groups; k++)
        is_grouped = is_grouped || query_is_same_property(q->groups[k], c->property);
    return is_grouped ? RC_OK : query_refuse(r, at, "beside an aggregate, a column is a property of GROUP BY");
}

static enum rc check(struct query_reader *r)
{
    struct query *q = r->q;
    size_t n_unnamed = 0;
    enum rc rc = RC_OK;

    if (q->source == QUERY_JOBS && (q->n_columns || q->n_groups))
        return query_refuse(r, 0, "devices.jobs can only be asked SELECT * (with WHERE)"); /* facts Q-09 */
    if (q->n_groups && !q->n_columns)
        return query_refuse(r, q->groups[0]->at, "GROUP BY needs columns, not *");
    for (size_t k = 0; k < q->n_nodes && !rc; k++)
        if (q->nodes[k].op == OP_PROPERTY)
            rc = resolve(r, &q->nodes[k]);
    for (size_t k = 0; k < q->n_columns && !rc; k++) {
        name_column(&q->columns[k], &n_unnamed);
        rc = check_column(r, k);
    }
    return rc;
}

/* --- query.h ------------------------------------------------------------------------------------------------------ */

static bool is_too_long(struct str text)
{
    size_t characters = 0;

    for (size_t k = 0; k < text.len; k++)
        characters += ((unsigned char)text.at[k] & 0xC0) != 0x80;
    return characters > QUERY_TEXT_MAX;
}

static enum rc read_text(struct query_reader *r, struct str text)
{
    struct query *q = r->q;
    enum rc rc;

    q->text = str_dup(text);
    q->pool = malloc(text.len + 1); /* a name takes its length and a NUL, and stands between two other characters */
    if (!q->text || !q->pool)
        return RC_NOMEM;
    q->text_len = text.len;
    rc = query_lex(r);
    if (rc)
        return rc;
    q->nodes = calloc(r->n_tokens, sizeof *q->nodes);
    q->names = calloc(r->n_tokens, sizeof *q->names);
    q->columns = calloc(QUERY_COLUMNS_MAX, sizeof *q->columns);
    q->groups = calloc(QUERY_COLUMNS_MAX, sizeof(struct query_node *));
    if (!q->nodes || !q->names || !q->columns || !q->groups)
        return RC_NOMEM;
    rc = read_clauses(r);
    return rc ? rc : check(r);
}

enum rc query_read(struct str text, struct query **out, struct refusal *why)
{
    struct query_reader r = {.why = why};
    enum rc rc;

    if (is_too_long(text)) {
        refuse(why, 400, 400004, "a query has at most %u characters", QUERY_TEXT_MAX);
        return RC_REFUSED;
    }
    if (!utf8_is_valid(text) || (text.len && memchr(text.at, '\0', text.len))) {
        refuse(why, 400, 400004, "a query is UTF-8 text without NUL");
        return RC_REFUSED;
    }
    r.q = calloc(1, sizeof *r.q);
    if (!r.q)
        return RC_NOMEM;
    rc = read_text(&r, text);
    free(r.tokens);
    if (rc)
        query_free(r.q);
    else
        *out = r.q;
    return rc;
}

void query_free(struct query *q)
{
    if (!q)
        return;
    free(q->text);
    free(q->pool);
    free(q->nodes);
    free(q->names);
    free(q->columns);
    free(q->groups);
    free(q);
}

enum query_source query_source(const struct query *q)
{
    return q->source;
}

int64_t query_top(const struct query *q)
{
    return q->top;
}

bool query_is_star(const struct query *q)
{
    return q->n_columns == 0;
}

bool query_has_sums(const struct query *q)
{
    return q->n_groups || has_aggregates(q);
}
