/* query_print.c - a query as text again; and how its operators are called. */
#include <stdio.h>

#include "query_internal.h"

static const struct {
    const char *text;
    int bind;
} operators[] = {
    [OP_OR] = {"OR", BIND_OR},
    [OP_AND] = {"AND", BIND_AND},
    [OP_EQ] = {"=", BIND_COMPARE},
    [OP_NE] = {"!=", BIND_COMPARE},
    [OP_LT] = {"<", BIND_COMPARE},
    [OP_GT] = {">", BIND_COMPARE},
    [OP_LE] = {"<=", BIND_COMPARE},
    [OP_GE] = {">=", BIND_COMPARE},
    [OP_IN] = {"IN", BIND_COMPARE},
    [OP_NIN] = {"NIN", BIND_COMPARE},
    [OP_ADD] = {"+", BIND_ADD},
    [OP_SUBTRACT] = {"-", BIND_ADD},
    [OP_MULTIPLY] = {"*", BIND_MULTIPLY},
    [OP_DIVIDE] = {"/", BIND_MULTIPLY},
    [OP_REMAINDER] = {"%", BIND_MULTIPLY},
    [OP_NOT] = {"NOT", BIND_NOT},
    [OP_MINUS] = {"-", BIND_MINUS},
    [OP_IS_DEFINED] = {"IS_DEFINED", BIND_TOP},
    [OP_STARTSWITH] = {"STARTSWITH", BIND_TOP},
    [OP_ARRAY] = {"[", BIND_TOP},
    [OP_PROPERTY] = {"", BIND_TOP},
    [OP_NULL] = {"null", BIND_TOP},
    [OP_UNDEFINED] = {"undefined", BIND_TOP},
    [OP_TRUE] = {"true", BIND_TOP},
    [OP_FALSE] = {"false", BIND_TOP},
    [OP_NUMBER] = {"", BIND_TOP},
    [OP_TEXT] = {"", BIND_TOP},
};

int query_op_bind(enum query_op op)
{
    return operators[op].bind;
}

const char *query_op_text(enum query_op op)
{
    return operators[op].text;
}

const char *query_aggregate_name(enum query_aggregate a)
{
    static const char *const names[] = {"", "COUNT", "AVG", "SUM", "MIN", "MAX"};

    return names[a];
}

static void print_name(struct buf *out, struct str name)
{
    bool is_plain = name.len && !(name.at[0] >= '0' && name.at[0] <= '9') && !query_is_reserved(name);

    for (size_t k = 0; k < name.len && is_plain; k++) {
        char c = name.at[k];

        is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
                   (unsigned char)c >= 0x80;
    }
    if (!is_plain)
        buf_add(out, STR("[["));
    buf_add(out, name);
    if (!is_plain)
        buf_add(out, STR("]]"));
}

/* Can it not be written [[name]]? */
static bool holds_end(struct str name)
{
    for (size_t k = 0; k + 1 < name.len; k++)
        if (name.at[k] == ']' && name.at[k + 1] == ']')
            return true;
    return !name.len || name.at[name.len - 1] == ']';
}

static void print_text(struct buf *out, struct str text)
{
    buf_add_char(out, '\'');
    for (size_t k = 0; k < text.len; k++) {
        char c = text.at[k];

        if (c == '\'' || c == '\\')
            buf_add_char(out, '\\');
        if ((unsigned char)c < 0x20)
            buf_addf(out, "\\u%04x", (unsigned)c);
        else
            buf_add_char(out, c);
    }
    buf_add_char(out, '\'');
}

static void print_property(struct buf *out, const struct query_node *property)
{
    struct str first = property->names[0].text;
    bool is_named =
        holds_end(first) || str_eq_nocase(first, STR("devices")); /* it needs the collection's name before it */

    if (is_named)
        buf_add(out, STR("devices"));
    for (size_t k = 0; k < property->n_names; k++) {
        const struct query_name *n = &property->names[k];

        if (n->is_index) {
            buf_addf(out, "[%zu]", n->index);
        } else if (holds_end(n->text)) { /* such a name was written ['name'] */
            buf_add_char(out, '[');
            print_text(out, n->text);
            buf_add_char(out, ']');
        } else {
            if (k || is_named)
                buf_add_char(out, '.');
            print_name(out, n->text);
        }
    }
}

static void print_node(struct buf *out, const struct query_node *n);

static void print_list(struct buf *out, const struct query_node *first)
{
    for (const struct query_node *n = first; n; n = n->next) {
        if (n != first)
            buf_add(out, STR(", "));
        print_node(out, n);
    }
}

static void print_open(struct buf *out, const struct query_node *n)
{
    const char *text = query_op_text(n->op);

    switch (n->op) {
    case OP_PROPERTY:
        print_property(out, n);
        break;
    case OP_NUMBER:
        buf_add(out, n->source);
        break;
    case OP_TEXT:
        print_text(out, n->text);
        break;
    case OP_IS_DEFINED:
    case OP_STARTSWITH:
        buf_addf(out, "%s(", text);
        print_list(out, n->child);
        buf_add_char(out, ')');
        break;
    case OP_ARRAY:
        buf_add_char(out, '[');
        print_list(out, n->child);
        buf_add_char(out, ']');
        break;
    case OP_NOT:
        buf_add(out, STR("NOT "));
        print_node(out, n->child);
        break;
    case OP_MINUS:
        buf_add_char(out, '-');
        print_node(out, n->child);
        break;
    case OP_NULL:
    case OP_UNDEFINED:
    case OP_TRUE:
    case OP_FALSE:
        buf_addf(out, "%s", text);
        break;
    default:
        for (const struct query_node *k = n->child; k; k = k->next) {
            if (k != n->child)
                buf_addf(out, " %s ", text);
            print_node(out, k);
        }
    }
}

static void print_node(struct buf *out, const struct query_node *n)
{
    /* Those of one word do not need them. */
    bool is_closed = n->is_closed && query_op_bind(n->op) < BIND_TOP;

    if (is_closed)
        buf_add_char(out, '(');
    print_open(out, n);
    if (is_closed)
        buf_add_char(out, ')');
}

static void print_columns(struct buf *out, const struct query *q)
{
    for (size_t k = 0; k < q->n_columns; k++) {
        const struct query_column *c = &q->columns[k];

        buf_add(out, k ? STR(", ") : STR(" "));
        if (c->aggregate)
            buf_addf(out, "%s(", query_aggregate_name(c->aggregate));
        if (c->property)
            print_property(out, c->property);
        if (c->aggregate)
            buf_add_char(out, ')');
        if (c->alias.at) {
            buf_add(out, STR(" AS "));
            print_name(out, c->alias);
        }
    }
    if (!q->n_columns)
        buf_add(out, STR(" *"));
}

void query_print(struct buf *out, const struct query *q)
{
    static const char *const sources[] = {"devices", "devices.modules", "devices.jobs"};

    buf_add(out, STR("SELECT"));
    if (q->top)
        buf_addf(out, " TOP %lld", (long long)q->top);
    print_columns(out, q);
    buf_addf(out, " FROM %s", sources[q->source]);
    if (q->where) {
        buf_add(out, STR(" WHERE "));
        print_node(out, q->where);
    }
    for (size_t k = 0; k < q->n_groups; k++) {
        buf_add(out, k ? STR(", ") : STR(" GROUP BY "));
        print_property(out, q->groups[k]);
    }
}
