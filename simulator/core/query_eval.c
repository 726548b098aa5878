/* query_eval.c - a query asked of one identity: its condition, its item. */
#include <math.h>
#include <stdio.h>

#include "json_write.h"
#include "query_internal.h"

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* '2030-01-01', '2030-01-01T00:00', with seconds, a fraction, a zone; without a zone it is UTC. */
static bool read_instant(struct str text, int64_t *us)
{
    char whole[80];
    bool has_zone = false;

    for (size_t k = 10; k < text.len; k++)
        has_zone = has_zone || text.at[k] == 'Z' || text.at[k] == '+' || text.at[k] == '-';
    if (text.len > 40)
        return false;
    (void)snprintf(whole, sizeof whole, "%.*s%s%s", STR_FMT(text),
                   text.len == 10   ? "T00:00:00"
                   : text.len == 16 ? ":00"
                                    : "",
                   has_zone ? "" : "Z");
    return iso_time_read(str_from(whole), us) == RC_OK;
}

static int sign_of(bool is_less, bool is_more)
{
    return is_more - is_less;
}

static int compare_texts(const struct query_value *a, const struct query_value *b)
{
    size_t both = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = both ? memcmp(a->text.at, b->text.at, both) : 0;
    int64_t a_us, b_us;

    /* Instants of the hub's have a fraction or none, so their texts do not sort. */
    if ((a->is_time || b->is_time) && read_instant(a->text, &a_us) && read_instant(b->text, &b_us))
        return sign_of(a_us<b_us, a_us> b_us);
    return order ? order : sign_of(a->text.len<b->text.len, a->text.len> b->text.len);
}

/* -1, 0, 1 into *order. False: these two have no order, not even equality. */
static bool compare(const struct query_value *a, const struct query_value *b, int *order)
{
    if (a->type != b->type)
        return false; /* facts Q-05 */
    switch (a->type) {
    case VALUE_NULL:
        *order = 0;
        return true;
    case VALUE_BOOL:
        *order = sign_of(a->truth<b->truth, a->truth> b->truth);
        return true;
    case VALUE_NUMBER:
        *order = sign_of(a->number<b->number, a->number> b->number);
        return true;
    case VALUE_TEXT:
        *order = compare_texts(a, b);
        return true;
    default:
        return false;
    }
}

/* --- operators ---------------------------------------------------------------------------------------------------- */

static void eval(const struct query_node *n, const struct identity *i, struct query_value *out);

static void set_truth(struct query_value *out, bool truth)
{
    out->type = VALUE_BOOL;
    out->truth = truth;
}

/* One that decides is enough, whatever the others are: false AND undefined is false. */
static void eval_joined(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    bool decides = n->op == OP_OR, is_undefined = false;

    for (const struct query_node *k = n->child; k; k = k->next) {
        eval(k, i, out);
        if (out->type == VALUE_BOOL && out->truth == decides)
            return;
        is_undefined = is_undefined || out->type != VALUE_BOOL;
    }
    set_truth(out, !decides);
    if (is_undefined)
        out->type = VALUE_UNDEFINED;
}

static bool holds(enum query_op op, int order)
{
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LT:
        return order < 0;
    case OP_GT:
        return order > 0;
    case OP_LE:
        return order <= 0;
    default:
        return order >= 0;
    }
}

static void eval_comparison(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    struct query_value a, b;
    int order = 0;

    eval(n->child, i, &a);
    eval(n->child->next, i, &b);
    out->type = VALUE_UNDEFINED;
    if (compare(&a, &b, &order))
        set_truth(out, holds(n->op, order));
}

/* x IN [a, b] is x = a OR x = b, and NIN its contrary; but an item of another type is just another one. */
static void eval_in(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    struct query_value a, b;
    bool is_in = false;
    int order = 0;

    eval(n->child, i, &a);
    for (const struct query_node *k = n->child->next->child; k && !is_in; k = k->next) {
        eval(k, i, &b);
        is_in = compare(&a, &b, &order) && order == 0;
    }
    out->type = VALUE_UNDEFINED;
    if (a.type == VALUE_NULL || a.type == VALUE_BOOL || a.type == VALUE_NUMBER || a.type == VALUE_TEXT)
        set_truth(out, is_in == (n->op == OP_IN));
}

static double calculate(enum query_op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return a / b;
    default:
        return fmod(a, b);
    }
}

/* What is not finite is undefined: a division by zero, for one. */
static void set_number(struct query_value *out, double number)
{
    out->type = isfinite(number) ? VALUE_NUMBER : VALUE_UNDEFINED;
    out->number = number;
}

static void eval_arithmetic(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    struct query_value a, b;

    eval(n->child, i, &a);
    eval(n->child->next, i, &b);
    out->type = VALUE_UNDEFINED;
    if (a.type != VALUE_NUMBER || b.type != VALUE_NUMBER)
        return;
    if ((n->op == OP_DIVIDE || n->op == OP_REMAINDER) && fpclassify(b.number) == FP_ZERO)
        return; /* asked before, since the sanitizer calls a division by zero a mistake */
    set_number(out, calculate(n->op, a.number, b.number));
}

static void eval_starts(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    struct query_value text, prefix;

    eval(n->child, i, &text);
    eval(n->child->next, i, &prefix);
    out->type = VALUE_UNDEFINED;
    if (text.type == VALUE_TEXT && prefix.type == VALUE_TEXT)
        set_truth(out, str_starts(text.text, prefix.text));
}

static void eval_prefixed(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    eval(n->child, i, out);
    if (n->op == OP_NOT && out->type == VALUE_BOOL)
        out->truth = !out->truth;
    else if (n->op == OP_MINUS && out->type == VALUE_NUMBER)
        set_number(out, -out->number);
    else
        out->type = VALUE_UNDEFINED;
}

static void eval(const struct query_node *n, const struct identity *i, struct query_value *out)
{
    out->type = VALUE_UNDEFINED;
    out->is_time = false;
    switch (n->op) {
    case OP_OR:
    case OP_AND:
        eval_joined(n, i, out);
        break;
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_GT:
    case OP_LE:
    case OP_GE:
        eval_comparison(n, i, out);
        break;
    case OP_IN:
    case OP_NIN:
        eval_in(n, i, out);
        break;
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_REMAINDER:
        eval_arithmetic(n, i, out);
        break;
    case OP_NOT:
    case OP_MINUS:
        eval_prefixed(n, i, out);
        break;
    case OP_IS_DEFINED:
        query_property_value(n->child, i, out);
        set_truth(out, out->type != VALUE_UNDEFINED);
        break;
    case OP_STARTSWITH:
        eval_starts(n, i, out);
        break;
    case OP_PROPERTY:
        query_property_value(n, i, out);
        break;
    case OP_ARRAY:
        out->type = VALUE_ARRAY;
        break;
    case OP_NULL:
        out->type = VALUE_NULL;
        break;
    case OP_UNDEFINED:
        break;
    case OP_TRUE:
    case OP_FALSE:
        set_truth(out, n->op == OP_TRUE);
        break;
    case OP_NUMBER:
        set_number(out, n->number);
        break;
    case OP_TEXT:
        out->type = VALUE_TEXT;
        out->text = n->text;
        break;
    }
}

/* --- query.h ------------------------------------------------------------------------------------------------------ */

bool query_matches(const struct query *q, const struct identity *i)
{
    struct query_value v;

    assert(i->twin);
    if (!q->where)
        return true;
    eval(q->where, i, &v);
    return v.type == VALUE_BOOL && v.truth;
}

void query_print_item(struct buf *out, const struct query *q, const struct identity *i)
{
    struct query_value v;

    assert(i->twin && !query_has_sums(q));
    if (!q->n_columns) {
        identity_print_twin(out, i);
        return;
    }
    buf_add_char(out, '{');
    for (size_t k = 0; k < q->n_columns; k++) {
        query_property_value(q->columns[k].property, i, &v);
        if (v.type == VALUE_UNDEFINED)
            continue;
        json_comma(out);
        json_print_string(out, q->columns[k].name);
        buf_add_char(out, ':');
        query_print_value(out, &v);
    }
    buf_add_char(out, '}');
}
