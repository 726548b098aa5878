/* query_expr.c - expressions of a query: operators by how tightly they bind, calls, properties, literals. */
#include <stdio.h>

#include "query_internal.h"
#include "utf8.h"

bool query_is_word(const struct query_token *t, const char *word)
{
    return t->kind == TOKEN_NAME && str_eq_nocase(t->text, str_from(word));
}

bool query_is_sign(const struct query_token *t, const char *sign)
{
    return t->kind == TOKEN_SIGN && str_eq(t->text, str_from(sign));
}

bool query_take_word(struct query_reader *r, const char *word)
{
    bool is_it = query_is_word(query_now(r), word);

    r->at += is_it;
    return is_it;
}

bool query_take_sign(struct query_reader *r, const char *sign)
{
    bool is_it = query_is_sign(query_now(r), sign);

    r->at += is_it;
    return is_it;
}

enum rc query_expected(struct query_reader *r, const char *what)
{
    const struct query_token *t = query_now(r);

    if (t->kind == TOKEN_END)
        return query_refuse(r, t->at, "expected %s, not the end of the query", what);
    return query_refuse(r, t->at, "expected %s, not '%.*s'", what, STR_FMT(utf8_first(t->source, 40)));
}

/* The words of the documented grammar. */
bool query_is_reserved(struct str name)
{
    static const char *const words[] = {"SELECT", "FROM", "WHERE", "GROUP", "BY",   "AS",    "AND",  "OR",
                                        "NOT",    "IN",   "NIN",   "TOP",   "TRUE", "FALSE", "NULL", "UNDEFINED"};

    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (str_eq_nocase(name, str_from(words[k])))
            return true;
    return false;
}

/* There are more nodes than tokens in no query: query_read made room. */
static struct query_node *node_new(struct query_reader *r, enum query_op op, size_t at)
{
    struct query_node *n = &r->q->nodes[r->q->n_nodes++];

    assert(r->q->n_nodes <= r->n_tokens);
    n->op = op;
    n->at = at;
    n->depth = 1;
    return n;
}

static enum rc add_child(struct query_reader *r, struct query_node *parent, struct query_node *child)
{
    struct query_node **last = &parent->child;

    assert(child);
    while (*last)
        last = &(*last)->next;
    *last = child;
    if (child->depth >= parent->depth)
        parent->depth = child->depth + 1;
    if (parent->depth > QUERY_DEPTH_MAX)
        return query_refuse(r, child->at, "more than %u operators within each other", QUERY_DEPTH_MAX);
    return RC_OK;
}

/* --- properties --------------------------------------------------------------------------------------------------- */

static struct query_name *add_name(struct query_reader *r, struct query_node *n, struct str text)
{
    struct query_name *name = &r->q->names[r->q->n_names++];

    assert(r->q->n_names <= r->n_tokens);
    if (!n->names)
        n->names = name;
    n->n_names++;
    *name = (struct query_name){.text = text};
    return name;
}

enum rc query_read_name(struct query_reader *r, struct str *out)
{
    const struct query_token *t = query_now(r);

    if (t->kind == TOKEN_NAME && query_is_reserved(t->text))
        return query_refuse(r, t->at, "'%.*s' is a word of the language; as a name it is written [[%.*s]]",
                            STR_FMT(t->text), STR_FMT(t->text));
    if (t->kind != TOKEN_NAME && t->kind != TOKEN_QUOTED)
        return query_expected(r, "a name");
    *out = t->text;
    r->at++;
    return RC_OK;
}

static enum rc take_name(struct query_reader *r, struct query_node *n)
{
    struct str text;
    enum rc rc = query_read_name(r, &text);

    if (!rc)
        (void)add_name(r, n, text);
    return rc;
}

/* What stands in [ ]. */
static enum rc take_index(struct query_reader *r, struct query_node *n)
{
    const struct query_token *t = query_now(r);
    struct query_name *name;
    uint64_t index = 0;

    if (t->kind != TOKEN_TEXT && (t->kind != TOKEN_NUMBER || str_to_u64(t->text, 1000000, &index)))
        return query_expected(r, "a name in quotes or a whole number");
    name = add_name(r, n, t->text);
    name->is_index = t->kind == TOKEN_NUMBER;
    name->index = (size_t)index;
    r->at++;
    return query_take_sign(r, "]") ? RC_OK : query_expected(r, "']'");
}

enum rc query_property(struct query_reader *r, struct query_node **out)
{
    struct query_node *n = node_new(r, OP_PROPERTY, query_now(r)->at);
    enum rc rc = take_name(r, n);

    while (!rc) {
        if (query_take_sign(r, "."))
            rc = take_name(r, n);
        else if (query_take_sign(r, "["))
            rc = take_index(r, n);
        else
            break;
    }
    *out = n;
    return rc;
}

/* --- operands ----------------------------------------------------------------------------------------------------- */

static enum rc expression(struct query_reader *r, int bind, struct query_node **out);

enum query_aggregate query_aggregate_of(const struct query_reader *r)
{
    const struct query_token *t = query_now(r);

    if (t->kind == TOKEN_NAME && query_is_sign(t + 1, "("))
        for (int a = AGGREGATE_COUNT; a <= AGGREGATE_MAX; a++)
            if (query_is_word(t, query_aggregate_name((enum query_aggregate)a)))
                return (enum query_aggregate)a;
    return AGGREGATE_NONE;
}

static enum rc call(struct query_reader *r, struct query_node **out)
{
    const struct query_token *t = query_now(r);
    bool is_defined = query_is_word(t, "IS_DEFINED");
    struct query_node *n, *argument = NULL;
    enum rc rc;

    if (query_aggregate_of(r))
        return query_refuse(r, t->at, "%.*s() stands behind SELECT only", STR_FMT(utf8_first(t->text, 40)));
    if (!is_defined && !query_is_word(t, "STARTSWITH"))
        return query_refuse(r, t->at, "queries over twins have no function %.*s; they have IS_DEFINED and STARTSWITH",
                            STR_FMT(utf8_first(t->text, 40)));
    n = node_new(r, is_defined ? OP_IS_DEFINED : OP_STARTSWITH, t->at);
    r->at += 2;
    rc = is_defined ? query_property(r, &argument) : expression(r, BIND_OR, &argument);
    if (!rc)
        rc = add_child(r, n, argument);
    if (!rc && !is_defined) {
        rc = query_take_sign(r, ",") ? expression(r, BIND_OR, &argument) : query_expected(r, "','");
        if (!rc)
            rc = add_child(r, n, argument);
    }
    if (!rc && !query_take_sign(r, ")"))
        rc = query_expected(r, "')'");
    *out = n;
    return rc;
}

/* Behind '['. */
static enum rc array(struct query_reader *r, struct query_node **out)
{
    struct query_node *n = node_new(r, OP_ARRAY, query_now(r)->at), *item = NULL;
    struct query_node **last = &n->child;
    enum rc rc = RC_OK;

    *out = n;
    if (query_take_sign(r, "]"))
        return RC_OK;
    do {
        rc = expression(r, BIND_ADD, &item);
        if (rc)
            return rc;
        *last = item; /* not add_child: an array of many is walked from its end */
        last = &item->next;
        if (item->depth >= n->depth)
            n->depth = item->depth + 1;
    } while (query_take_sign(r, ","));
    return query_take_sign(r, "]") ? RC_OK : query_expected(r, "',' or ']'");
}

static enum rc literal(struct query_reader *r, enum query_op op, struct query_node **out)
{
    const struct query_token *t = query_now(r);
    struct query_node *n = node_new(r, op, t->at);

    n->text = t->text;
    n->source = t->source;
    n->number = t->number;
    r->at++;
    *out = n;
    return RC_OK;
}

static enum rc prefixed(struct query_reader *r, enum query_op op, struct query_node **out)
{
    struct query_node *n = node_new(r, op, query_now(r)->at), *operand = NULL;
    enum rc rc;

    r->at++;
    rc = expression(r, query_op_bind(op), &operand);
    *out = n;
    return rc ? rc : add_child(r, n, operand);
}

static enum rc closed(struct query_reader *r, struct query_node **out)
{
    enum rc rc;

    r->at++;
    rc = expression(r, BIND_OR, out);
    if (rc)
        return rc;
    (*out)->is_closed = true;
    return query_take_sign(r, ")") ? RC_OK : query_expected(r, "an operator or ')'");
}

static enum rc operand(struct query_reader *r, int bind, struct query_node **out)
{
    static const struct {
        const char *word;
        enum query_op op;
    } constants[] = {{"TRUE", OP_TRUE}, {"FALSE", OP_FALSE}, {"NULL", OP_NULL}, {"UNDEFINED", OP_UNDEFINED}};
    const struct query_token *t = query_now(r);

    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++)
        if (query_is_word(t, constants[k].word))
            return literal(r, constants[k].op, out);
    if (query_is_word(t, "NOT")) {
        if (bind > BIND_NOT)
            return query_refuse(r, t->at, "NOT needs parentheses around it here");
        return prefixed(r, OP_NOT, out);
    }
    if (query_is_sign(t, "-"))
        return prefixed(r, OP_MINUS, out);
    if (query_is_sign(t, "("))
        return closed(r, out);
    if (query_take_sign(r, "["))
        return array(r, out);
    if (t->kind == TOKEN_NUMBER || t->kind == TOKEN_TEXT)
        return literal(r, t->kind == TOKEN_NUMBER ? OP_NUMBER : OP_TEXT, out);
    if (t->kind == TOKEN_NAME && query_is_sign(t + 1, "("))
        return query_is_reserved(t->text) ? query_expected(r, "a value") : call(r, out);
    if ((t->kind == TOKEN_NAME && !query_is_reserved(t->text)) || t->kind == TOKEN_QUOTED)
        return query_property(r, out);
    return query_expected(r, "a value");
}

/* --- operators ---------------------------------------------------------------------------------------------------- */

static bool binary_of(const struct query_token *t, enum query_op *out)
{
    for (int op = 0; op < OP_BINARY_END; op++) {
        const char *text = query_op_text((enum query_op)op);

        if (query_is_sign(t, text) || query_is_word(t, text) || (op == OP_NE && query_is_sign(t, "<>"))) {
            *out = (enum query_op)op;
            return true;
        }
    }
    return false;
}

static enum rc right_of(struct query_reader *r, enum query_op op, struct query_node **out)
{
    if (op != OP_IN && op != OP_NIN)
        return expression(r, query_op_bind(op) + 1, out);
    return query_take_sign(r, "[") ? array(r, out) : query_expected(r, "an array, as in ['a','b']");
}

/* `left op right`; a AND b AND c is one node. */
static enum rc join(struct query_reader *r, enum query_op op, size_t at, struct query_node *right,
                    struct query_node **left)
{
    bool goes_on = (op == OP_AND || op == OP_OR) && (*left)->op == op && !(*left)->is_closed;
    struct query_node *n = goes_on ? *left : node_new(r, op, at);
    enum rc rc = goes_on ? RC_OK : add_child(r, n, *left);

    *left = n;
    return rc ? rc : add_child(r, n, right);
}

/* An expression whose operators bind at least so tightly. */
static enum rc expression(struct query_reader *r, int bind, struct query_node **out)
{
    bool was_comparison = false;
    enum query_op op;
    enum rc rc;

    if (++r->depth > QUERY_DEPTH_MAX)
        return query_refuse(r, query_now(r)->at, "more than %u operators within each other", QUERY_DEPTH_MAX);
    rc = operand(r, bind, out);
    while (!rc && binary_of(query_now(r), &op) && query_op_bind(op) >= bind) {
        const struct query_token *sign = query_now(r);
        struct query_node *right = NULL;

        if (was_comparison && query_op_bind(op) == BIND_COMPARE)
            return query_refuse(r, sign->at, "comparisons do not follow each other; join them by AND");
        was_comparison = query_op_bind(op) == BIND_COMPARE;
        r->at++;
        rc = right_of(r, op, &right);
        if (!rc)
            rc = join(r, op, sign->at, right, out);
    }
    r->depth--;
    return rc;
}

enum rc query_expression(struct query_reader *r, struct query_node **out)
{
    return expression(r, BIND_OR, out);
}
