/* schema.c - values against schemas: what is told, the keywords about any value, and all together. Those about objects, arrays, numbers and
 * texts are in schema_kinds.c. */
#include "schema_checking.h"

#include "match.h"

#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

#define VALUE_SHORT 120u /* bytes shown of a value */

/* --- telling --- */

void schema_fail(struct checking *c, enum rc rc, const char *fmt, ...)
{
    struct buf text;
    va_list args;

    if (c->rc)
        return;
    c->rc = rc;
    buf_init(&text, 0);
    va_start(args, fmt);
    line_addv(&text, fmt, args);
    va_end(args);
    (void)snprintf(c->problem, sizeof c->problem, "%.*s", STR_FMT(utf8_first(buf_view(&text), sizeof c->problem - 1)));
    buf_done(&text);
}

static void add_line(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add_line(struct buf *out, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_addv(out, fmt, args);
    va_end(args);
}

static void print_place(struct buf *out, const struct place *place)
{
    if (!place->outer)
        return;
    print_place(out, place->outer);
    if (place->key)
        add_line(out, "%s%s", place->depth > 1 ? "." : "", place->key);
    else
        buf_addf(out, "[%zu]", place->index);
}

bool schema_complain(const struct at *at, const char *fmt, ...)
{
    struct complaints *told = at->told;
    va_list args;

    if (!told)
        return false;
    if (at->place->depth > told->depth)
        told->depth = at->place->depth;
    if (told->count++ >= SCHEMA_WHY_LINES)
        return false;
    print_place(&told->lines, at->place);
    if (at->place->outer)
        buf_add(&told->lines, STR(": "));
    va_start(args, fmt);
    line_addv(&told->lines, fmt, args);
    va_end(args);
    buf_add_char(&told->lines, '\n');
    return false;
}

bool schema_expected(const struct at *at, const char *what, const cJSON *wanted, const cJSON *got)
{
    struct buf text;
    bool fits;

    if (!at->told)
        return false;
    buf_init(&text, 0);
    buf_addf(&text, "expected %s", what);
    if (wanted)
        match_print_short(&text, wanted, VALUE_SHORT);
    buf_add(&text, STR(", got "));
    match_print_short(&text, got, VALUE_SHORT);
    fits = schema_complain(at, "%s", buf_ok(&text) ? text.at : what);
    buf_done(&text);
    return fits;
}

static struct complaints complaints_none(void)
{
    struct complaints told = {.count = 0};

    buf_init(&told.lines, SCHEMA_WHY_MAX);
    return told;
}

/* --- keywords about any value --- */

static bool check_type(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *one = cJSON_IsArray(arg) ? arg->child : arg;

    (void)c;
    for (; one; one = cJSON_IsArray(arg) ? one->next : NULL) {
        if (cJSON_IsString(one) && schema_has_type(value, one->valuestring, NULL))
            return true;
    }
    return schema_expected(at, "the type ", arg, value);
}

static bool check_const(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return json_eq(arg, value) || schema_expected(at, "", arg, value);
}

static bool check_enum(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *one;

    (void)c;
    cJSON_ArrayForEach(one, arg)
    {
        if (json_eq(one, value))
            return true;
    }
    return schema_expected(at, "one of ", arg, value);
}

static bool check_ref(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *schema = cJSON_IsString(arg) ? schema_find(c->root, arg->valuestring) : NULL;

    if (!schema) {
        schema_fail(c, RC_SYNTAX, "a $ref of the schema leads nowhere");
        return false;
    }
    return schema_fits(c, schema, value, at->place, at->told);
}

static bool check_all_of(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *one;
    bool fits = true;

    cJSON_ArrayForEach(one, arg)
    {
        if (!schema_fits(c, one, value, at->place, at->told))
            fits = false;
    }
    return fits;
}

/* How many of the forms fit? When none does, *nearest holds what is wrong with the one that got furthest. */
static unsigned forms_fitting(struct checking *c, const struct at *at, const cJSON *forms, const cJSON *value,
                              bool one_is_enough, struct complaints *nearest)
{
    const cJSON *one;
    unsigned fitting = 0;

    cJSON_ArrayForEach(one, forms)
    {
        struct complaints told = complaints_none();

        if (schema_fits(c, one, value, at->place, at->told ? &told : NULL))
            fitting++;
        if (told.depth > nearest->depth || nearest->count == 0) {
            struct complaints swap = *nearest;

            *nearest = told;
            told = swap;
        }
        buf_done(&told.lines);
        if (fitting && one_is_enough)
            break;
    }
    return fitting;
}

/* None of the forms fits: say what is wrong with the nearest, when it came further than this place, or is alone. */
static bool complain_of_forms(const struct at *at, const cJSON *forms, const cJSON *value, struct complaints *nearest)
{
    struct complaints *told = at->told;

    if (!told)
        return false;
    if (nearest->depth <= at->place->depth || told->count >= SCHEMA_WHY_LINES) {
        char what[64];

        (void)snprintf(what, sizeof what, "one of the %d forms of the schema", cJSON_GetArraySize(forms));
        return schema_expected(at, what, NULL, value);
    }
    told->count += nearest->count;
    if (nearest->depth > told->depth)
        told->depth = nearest->depth;
    buf_add(&told->lines, buf_view(&nearest->lines));
    return false;
}

static bool check_any_of(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    struct complaints nearest = complaints_none();
    bool fits = forms_fitting(c, at, arg, value, true, &nearest) > 0 || complain_of_forms(at, arg, value, &nearest);

    buf_done(&nearest.lines);
    return fits;
}

static bool check_one_of(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    struct complaints nearest = complaints_none();
    unsigned fitting = forms_fitting(c, at, arg, value, false, &nearest);
    bool fits = fitting == 1;

    if (fitting == 0)
        (void)complain_of_forms(at, arg, value, &nearest);
    else if (!fits)
        (void)schema_complain(at, "fits %u of the %d forms of the schema, not one", fitting, cJSON_GetArraySize(arg));
    buf_done(&nearest.lines);
    return fits;
}

static bool check_not(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    return !schema_fits(c, arg, value, at->place, NULL) || schema_expected(at, "anything else", NULL, value);
}

static bool check_if(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *branch = json_get(at->schema, schema_fits(c, arg, value, at->place, NULL) ? "then" : "else");

    return !branch || schema_fits(c, branch, value, at->place, at->told);
}

/* --- all together --- */

/* Keywords without a function here or there say nothing by themselves: they belong to others, or to people. */
static schema_fn *const any_value[SCHEMA_KEYWORD_COUNT] = {
    [SCHEMA_TYPE] = check_type,     [SCHEMA_CONST] = check_const,   [SCHEMA_ENUM] = check_enum,
    [SCHEMA_REF] = check_ref,       [SCHEMA_ALL_OF] = check_all_of, [SCHEMA_ANY_OF] = check_any_of,
    [SCHEMA_ONE_OF] = check_one_of, [SCHEMA_NOT] = check_not,       [SCHEMA_IF] = check_if,
};

/* The members of these have names, which more than one keyword asks for. */
static bool has_named_members(struct checking *c, const cJSON *schema)
{
    static const char *const keywords[] = {"properties", "patternProperties"};

    for (size_t n = 0; n < sizeof keywords / sizeof keywords[0]; n++) {
        const cJSON *arg = json_get(schema, keywords[n]);

        if (arg && !cJSON_IsObject(arg)) {
            schema_fail(c, RC_SYNTAX, "the schema's '%s' is no object", keywords[n]);
            return false;
        }
    }
    return true;
}

static bool check_object(struct checking *c, const struct at *at, const cJSON *value)
{
    const cJSON *keyword;
    bool fits = true;

    if (!has_named_members(c, at->schema))
        return false;
    cJSON_ArrayForEach(keyword, at->schema)
    {
        enum schema_keyword k = schema_keyword(keyword->string);
        schema_fn *function = k == SCHEMA_KEYWORD_COUNT ? NULL : any_value[k] ? any_value[k] : schema_kind_function(k);

        if (k == SCHEMA_KEYWORD_COUNT)
            schema_fail(c, RC_SYNTAX, "the schema uses '%s', which is no keyword", keyword->string);
        else if (function && !function(c, at, keyword, value))
            fits = false;
        if (c->rc || (!fits && !at->told))
            return false;
    }
    return fits;
}

bool schema_fits(struct checking *c, const cJSON *schema, const cJSON *value, const struct place *place,
                 struct complaints *told)
{
    struct at at = {place, schema, told};
    bool fits = false;

    if (c->rc)
        return false;
    if (++c->steps > SCHEMA_STEPS_MAX || c->depth >= SCHEMA_DEPTH_MAX) {
        schema_fail(c, RC_LIMIT, "the schema turns in a circle, or asks for too much work");
        return false;
    }
    c->depth++;
    if (cJSON_IsObject(schema))
        fits = check_object(c, &at, value);
    else if (cJSON_IsBool(schema))
        fits = cJSON_IsTrue(schema) || schema_expected(&at, "nothing here", NULL, value);
    else
        schema_fail(c, RC_SYNTAX, "a schema is an object, true or false");
    c->depth--;
    return fits;
}

enum rc schema_check(const cJSON *schema, const cJSON *value, struct buf *why)
{
    static const struct place outermost = {.outer = NULL};
    struct checking c = {.root = schema};
    struct complaints told = complaints_none();
    bool fits;

    assert(schema && value);
    fits = schema_fits(&c, schema, value, &outermost, why ? &told : NULL);
    if (!c.rc && told.lines.rc == RC_NOMEM)
        c.rc = RC_NOMEM;
    if (why && c.rc)
        buf_addf(why, "%s\n", c.rc == RC_NOMEM ? rc_text(RC_NOMEM) : c.problem);
    else if (why && !fits)
        buf_add(why, buf_view(&told.lines));
    buf_done(&told.lines);
    if (c.rc)
        return c.rc;
    return fits ? RC_OK : RC_REFUSED;
}
