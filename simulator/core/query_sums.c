/* query_sums.c - aggregates and groups of a query. */
#include <math.h>
#include <stdlib.h>

#include "json_write.h"
#include "query_internal.h"

struct sum {
    int64_t n; /* numbers counted in */
    double total, least, most;
};

struct group {
    char *
        key; /* the grouped values as JSON: [1,"x",] of an array with holes where there is none; equal ones are the same group */
    size_t key_len;
    cJSON *values; /* [[1],["x"],[]]: as they come back */
    int64_t rows;
    struct sum *sums; /* one a column */
};

struct query_sums {
    const struct query *q;
    struct group *groups;
    size_t n, cap, bytes;
};

struct query_sums *query_sums_new(const struct query *q)
{
    struct query_sums *s = calloc(1, sizeof *s);

    assert(query_has_sums(q));
    if (s)
        s->q = q;
    return s;
}

void query_sums_free(struct query_sums *s)
{
    if (!s)
        return;
    for (size_t k = 0; k < s->n; k++) {
        free(s->groups[k].key);
        cJSON_Delete(s->groups[k].values);
        free(s->groups[k].sums);
    }
    free(s->groups);
    free(s);
}

static bool has_sum(const struct query_column *c)
{
    return c->aggregate && c->property;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* The group with that key, or a new one with no values yet. NULL with *rc written. */
static struct group *group_of(struct query_sums *s, struct str key, enum rc *rc)
{
    size_t cost = key.len + 16; /* about what it takes when saved */
    struct group *g;

    for (size_t c = 0; c < s->q->n_columns; c++)
        cost += has_sum(&s->q->columns[c]) ? 64 : 0;
    for (size_t k = 0; k < s->n; k++)
        if (str_eq(str_of(s->groups[k].key, s->groups[k].key_len), key))
            return &s->groups[k];
    *rc = RC_LIMIT;
    if (s->bytes + cost > QUERY_GROUPS_MAX)
        return NULL;
    *rc = RC_NOMEM;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;

        g = realloc(s->groups, cap * sizeof *g);
        if (!g)
            return NULL;
        s->groups = g;
        s->cap = cap;
    }
    assert(s->q->n_columns); /* the parser refuses GROUP BY without columns */
    g = &s->groups[s->n];
    *g = (struct group){.key = str_dup(key), .key_len = key.len};
    g->sums = calloc(s->q->n_columns, sizeof *g->sums);
    if (!g->key || !g->sums) {
        free(g->key);
        free(g->sums);
        return NULL;
    }
    s->n++;
    s->bytes += cost;
    *rc = RC_OK;
    return g;
}

/* What stands in a key for a value: 1.0 and 1 are one number. */
static void add_key(struct buf *key, const cJSON *value)
{
    if (cJSON_IsNumber(value))
        query_print_number(key, value->valuedouble);
    else if (value)
        json_print(key, value);
    buf_add_char(key, ',');
}

static struct group *group_of_values(struct query_sums *s, cJSON *values, enum rc *rc)
{
    struct group *g = NULL;
    const cJSON *one;
    struct buf key;

    buf_init(&key, 0);
    cJSON_ArrayForEach(one, values) add_key(&key, one->child);
    *rc = key.rc;
    if (!*rc)
        g = group_of(s, buf_view(&key), rc);
    buf_done(&key);
    if (g && !g->values) {
        g->values = values;
        return g;
    }
    cJSON_Delete(values);
    return g;
}

/* [[1],["x"],[]] of an identity. */
static enum rc read_values(const struct query *q, const struct identity *i, cJSON **out)
{
    struct query_value v;
    struct buf text;
    enum rc rc;

    buf_init(&text, 0);
    buf_add_char(&text, '[');
    for (size_t k = 0; k < q->n_groups; k++) {
        query_property_value(q->groups[k], i, &v);
        buf_add(&text, k ? STR(",[") : STR("["));
        if (v.type != VALUE_UNDEFINED)
            query_print_value(&text, &v);
        buf_add_char(&text, ']');
    }
    buf_add_char(&text, ']');
    rc = text.rc ? text.rc : json_read(buf_view(&text), out, NULL);
    buf_done(&text);
    return rc;
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

static void sum_add(struct sum *sum, double number)
{
    if (!sum->n || number < sum->least)
        sum->least = number;
    if (!sum->n || number > sum->most)
        sum->most = number;
    sum->total += number;
    sum->n++;
}

enum rc query_sums_add(struct query_sums *s, const struct identity *i)
{
    cJSON *values = NULL;
    enum rc rc = read_values(s->q, i, &values);
    struct group *g = rc ? NULL : group_of_values(s, values, &rc);
    struct query_value v;

    if (!g)
        return rc;
    g->rows++;
    for (size_t k = 0; k < s->q->n_columns; k++) {
        if (!has_sum(&s->q->columns[k]))
            continue;
        query_property_value(s->q->columns[k].property, i, &v);
        if (v.type == VALUE_NUMBER)
            sum_add(&g->sums[k], v.number);
    }
    return RC_OK;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static const cJSON *value_of(const struct query_sums *s, const struct group *g, const struct query_node *property)
{
    const cJSON *one = g->values->child;

    for (size_t k = 0; k < s->q->n_groups; k++, one = one->next)
        if (query_is_same_property(s->q->groups[k], property))
            return one->child;
    return NULL;
}

static void print_key(struct buf *out, struct str name)
{
    json_comma(out);
    json_print_string(out, name);
    buf_add_char(out, ':');
}

static void print_sum(struct buf *out, const struct query_column *c, const struct group *g, const struct sum *sum)
{
    double number = 0;

    switch (c->aggregate) {
    case AGGREGATE_COUNT:
        print_key(out, c->name);
        buf_add_i64(out, g ? g->rows : 0);
        return;
    case AGGREGATE_SUM:
        number = sum ? sum->total : 0;
        break;
    case AGGREGATE_AVG:
        number = sum && sum->n ? sum->total / (double)sum->n : NAN;
        break;
    case AGGREGATE_MIN:
        number = sum && sum->n ? sum->least : NAN;
        break;
    case AGGREGATE_MAX:
        number = sum && sum->n ? sum->most : NAN;
        break;
    case AGGREGATE_NONE:
        return;
    }
    if (!isfinite(number))
        return; /* of nothing, or beyond what a number can hold */
    print_key(out, c->name);
    query_print_number(out, number);
}

/* g NULL: the one item of a query without groups that counted nothing. */
static void print_group(struct buf *out, const struct query_sums *s, const struct group *g)
{
    buf_add_char(out, '{');
    for (size_t k = 0; k < s->q->n_columns; k++) {
        const struct query_column *c = &s->q->columns[k];
        const cJSON *value = c->aggregate || !g ? NULL : value_of(s, g, c->property);

        if (value) {
            print_key(out, c->name);
            json_print(out, value);
        }
        print_sum(out, c, g, g ? &g->sums[k] : NULL);
    }
    buf_add_char(out, '}');
}

void query_sums_print(struct buf *out, const struct query_sums *s)
{
    if (!s->n && !s->q->n_groups)
        print_group(out, s, NULL);
    for (size_t k = 0; k < s->n && (!s->q->top || k < (size_t)s->q->top); k++) {
        if (k)
            buf_add_char(out, ',');
        print_group(out, s, &s->groups[k]);
    }
}

/* --- from page to page -------------------------------------------------------------------------------------------- */

static void save_sum(struct buf *out, const struct sum *sum)
{
    const double parts[] = {(double)sum->n, sum->total, sum->least, sum->most};

    for (size_t p = 0; p < 4; p++) {
        buf_add(out, p ? STR(",") : STR(",["));
        if (isfinite(parts[p]))
            query_print_number(out, parts[p]);
        else
            buf_add(out, isnan(parts[p]) ? STR("null") : parts[p] < 0 ? STR("\"-\"") : STR("\"+\""));
    }
    buf_add_char(out, ']');
}

/* A group is [values, rows, [n,total,least,most], ...], with one sum for each column that has one. */
void query_sums_save(struct buf *out, const struct query_sums *s)
{
    buf_add_char(out, '[');
    for (size_t k = 0; k < s->n; k++) {
        const struct group *g = &s->groups[k];

        buf_add(out, k ? STR(",[") : STR("["));
        json_print(out, g->values);
        buf_addf(out, ",%lld", (long long)g->rows);
        for (size_t c = 0; c < s->q->n_columns; c++)
            if (has_sum(&s->q->columns[c]))
                save_sum(out, &g->sums[c]);
        buf_add_char(out, ']');
    }
    buf_add_char(out, ']');
}

static bool load_part(const cJSON *node, double *out)
{
    const char *text = cJSON_IsString(node) ? node->valuestring : NULL;

    if (cJSON_IsNumber(node))
        *out = node->valuedouble;
    else if (cJSON_IsNull(node))
        *out = NAN;
    else if (text && strcmp(text, "+") == 0)
        *out = INFINITY;
    else if (text && strcmp(text, "-") == 0)
        *out = -INFINITY;
    else
        return false;
    return true;
}

static bool load_count(double number, int64_t *out)
{
    if (!(number >= 0 && number < 9e15))
        return false;
    *out = (int64_t)number;
    return true;
}

static bool load_sum(const cJSON *node, struct sum *out)
{
    double parts[4] = {0};
    size_t p = 0;
    const cJSON *one;

    if (!cJSON_IsArray(node) || cJSON_GetArraySize(node) != 4)
        return false;
    cJSON_ArrayForEach(one, node) if (!load_part(one, &parts[p++])) return false;
    out->total = parts[1];
    out->least = parts[2];
    out->most = parts[3];
    return load_count(parts[0], &out->n);
}

static bool are_values(const struct query *q, const cJSON *values)
{
    const cJSON *one;

    if (!cJSON_IsArray(values) || (size_t)cJSON_GetArraySize(values) != q->n_groups)
        return false;
    cJSON_ArrayForEach(one, values) if (!cJSON_IsArray(one) || cJSON_GetArraySize(one) > 1) return false;
    return true;
}

static enum rc load_group(struct query_sums *s, const cJSON *saved)
{
    const cJSON *values = cJSON_IsArray(saved) ? saved->child : NULL, *rows = values ? values->next : NULL;
    size_t before = s->n;
    enum rc rc = RC_NOMEM;
    struct group *g;
    cJSON *copy;

    if (!are_values(s->q, values) || !rows || !cJSON_IsNumber(rows))
        return RC_SYNTAX;
    copy = cJSON_Duplicate(values, true);
    g = copy ? group_of_values(s, copy, &rc) : NULL;
    if (!g)
        return rc;
    if (s->n == before || !load_count(rows->valuedouble, &g->rows))
        return RC_SYNTAX; /* twice the same group */
    rows = rows->next;
    for (size_t c = 0; c < s->q->n_columns; c++) {
        if (!has_sum(&s->q->columns[c]))
            continue;
        if (!rows || !load_sum(rows, &g->sums[c]))
            return RC_SYNTAX;
        rows = rows->next;
    }
    return rows ? RC_SYNTAX : RC_OK;
}

enum rc query_sums_load(const struct query *q, const cJSON *saved, struct query_sums **out)
{
    struct query_sums *s;
    const cJSON *one;
    enum rc rc = RC_OK;

    if (!cJSON_IsArray(saved))
        return RC_SYNTAX;
    s = query_sums_new(q);
    if (!s)
        return RC_NOMEM;
    cJSON_ArrayForEach(one, saved)
    {
        rc = load_group(s, one);
        if (rc)
            break;
    }
    if (rc)
        query_sums_free(s);
    else
        *out = s;
    return rc;
}
