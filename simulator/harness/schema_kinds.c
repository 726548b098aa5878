/* schema_kinds.c - the keywords about objects, arrays, numbers and texts: one function each. A value of another kind fits. */
#include "schema_checking.h"

#include "iso_time.h"
#include "schema_pattern.h"

#include <arpa/inet.h>

/* --- objects --- */

static bool check_required(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *name;
    bool fits = true;

    (void)c;
    if (!cJSON_IsObject(value))
        return true;
    cJSON_ArrayForEach(name, arg)
    {
        if (cJSON_IsString(name) && !json_get(value, name->valuestring))
            fits = schema_complain(at, "the member '%s' is missing", name->valuestring);
    }
    return fits;
}

/* returns -1 when the pattern cannot be used */
static int is_found(struct checking *c, const char *pattern, const char *text)
{
    regex_t regex;
    const char *what = "";
    enum rc rc = schema_pattern(pattern, &regex, &what);
    int found;

    if (rc) {
        schema_fail(c, rc, "the schema's pattern '%s' cannot be used: %s", pattern, what);
        return -1;
    }
    found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool check_properties(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *schema;
    bool fits = true;

    cJSON_ArrayForEach(schema, arg)
    {
        const cJSON *member = json_get(value, schema->string);
        struct place here = {.outer = at->place, .key = schema->string, .depth = at->place->depth + 1};

        if (member && !schema_fits(c, schema, member, &here, at->told))
            fits = false;
    }
    return fits;
}

static bool check_pattern_properties(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *schema, *member;
    bool fits = true;

    if (!cJSON_IsObject(value))
        return true;
    cJSON_ArrayForEach(member, value)
    {
        struct place here = {.outer = at->place, .key = member->string, .depth = at->place->depth + 1};

        cJSON_ArrayForEach(schema, arg)
        {
            if (is_found(c, schema->string, member->string) > 0 && !schema_fits(c, schema, member, &here, at->told))
                fits = false;
        }
    }
    return fits && !c->rc;
}

/* Do "properties" or "patternProperties" say something about that member? */
static bool is_named(struct checking *c, const cJSON *schema, const char *key)
{
    const cJSON *pattern;

    if (json_get(json_get(schema, "properties"), key))
        return true;
    cJSON_ArrayForEach(pattern, json_get(schema, "patternProperties"))
    {
        if (is_found(c, pattern->string, key))
            return true;
    }
    return false;
}

static bool check_additional_properties(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *member;
    bool fits = true;

    if (!cJSON_IsObject(value))
        return true;
    cJSON_ArrayForEach(member, value)
    {
        struct place here = {.outer = at->place, .key = member->string, .depth = at->place->depth + 1};

        if (is_named(c, at->schema, member->string))
            continue;
        if (cJSON_IsFalse(arg))
            fits = schema_complain(at, "there must be no member '%s'", member->string);
        else if (!schema_fits(c, arg, member, &here, at->told))
            fits = false;
    }
    return fits;
}

static bool check_property_names(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *member;
    bool fits = true;

    if (!cJSON_IsObject(value))
        return true;
    cJSON_ArrayForEach(member, value)
    {
        cJSON *name = json_str(str_from(member->string));

        if (!name)
            schema_fail(c, RC_NOMEM, "out of memory");
        else if (!schema_fits(c, arg, name, at->place, NULL))
            fits = schema_complain(at, "no member may be called '%s'", member->string);
        cJSON_Delete(name);
    }
    return fits;
}

/* At least (or at most) so many members, elements or characters. */
static bool check_count(const struct at *at, const cJSON *arg, double count, bool at_most, const char *what)
{
    double limit = arg->valuedouble;

    if (at_most ? count <= limit : count >= limit)
        return true;
    return schema_complain(at, "expected at %s %.0f %s, got %.0f", at_most ? "most" : "least", limit, what, count);
}

static bool check_min_properties(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsObject(value) || check_count(at, arg, cJSON_GetArraySize(value), false, "members");
}

static bool check_max_properties(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsObject(value) || check_count(at, arg, cJSON_GetArraySize(value), true, "members");
}

/* --- arrays --- */

static bool check_items(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *element, *schema = cJSON_IsArray(arg) ? arg->child : arg;
    const cJSON *further = cJSON_IsArray(arg) ? json_get(at->schema, "additionalItems") : NULL;
    struct place here = {.outer = at->place, .depth = at->place->depth + 1};
    bool fits = true;

    if (!cJSON_IsArray(value))
        return true;
    cJSON_ArrayForEach(element, value)
    {
        const cJSON *judge = schema ? schema : further;

        if (judge && !schema_fits(c, judge, element, &here, at->told))
            fits = false;
        if (schema && cJSON_IsArray(arg))
            schema = schema->next;
        here.index++;
    }
    return fits;
}

static bool check_contains(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *element;

    if (!cJSON_IsArray(value))
        return true;
    cJSON_ArrayForEach(element, value)
    {
        if (schema_fits(c, arg, element, at->place, NULL))
            return true;
    }
    return schema_complain(at, "no element is what one of them must be");
}

static bool check_min_items(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsArray(value) || check_count(at, arg, cJSON_GetArraySize(value), false, "elements");
}

static bool check_max_items(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsArray(value) || check_count(at, arg, cJSON_GetArraySize(value), true, "elements");
}

static bool check_unique_items(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    const cJSON *a, *b;

    if (!cJSON_IsArray(value) || !cJSON_IsTrue(arg))
        return true;
    cJSON_ArrayForEach(a, value)
    {
        for (b = a->next; b; b = b->next) {
            if (++c->steps > SCHEMA_STEPS_MAX) {
                schema_fail(c, RC_LIMIT, "the value is too large for this schema");
                return false;
            }
            if (json_eq(a, b))
                return schema_expected(at, "no element twice", NULL, a);
        }
    }
    return true;
}

/* --- numbers and texts --- */

static bool check_minimum(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsNumber(value) || value->valuedouble >= arg->valuedouble ||
           schema_expected(at, "at least ", arg, value);
}

static bool check_maximum(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsNumber(value) || value->valuedouble <= arg->valuedouble ||
           schema_expected(at, "at most ", arg, value);
}

static bool check_exclusive_minimum(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsNumber(value) || value->valuedouble > arg->valuedouble ||
           schema_expected(at, "more than ", arg, value);
}

static bool check_exclusive_maximum(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsNumber(value) || value->valuedouble < arg->valuedouble ||
           schema_expected(at, "less than ", arg, value);
}

static size_t characters_in(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80; /* of each character the first byte */
    return n;
}

static bool check_min_length(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsString(value) ||
           check_count(at, arg, (double)characters_in(value->valuestring), false, "characters");
}

static bool check_max_length(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    (void)c;
    return !cJSON_IsString(value) ||
           check_count(at, arg, (double)characters_in(value->valuestring), true, "characters");
}

static bool check_pattern(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    if (!cJSON_IsString(value))
        return true;
    if (!cJSON_IsString(arg)) {
        schema_fail(c, RC_SYNTAX, "a pattern of the schema is no text");
        return false;
    }
    return is_found(c, arg->valuestring, value->valuestring) > 0 || schema_expected(at, "a text like ", arg, value);
}

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t i;

    for (i = 0; text[i] && form[i]; i++) {
        if (form[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    }
    return text[i] == form[i];
}

static bool check_format(struct checking *c, const struct at *at, const cJSON *arg, const cJSON *value)
{
    unsigned char address[sizeof(struct in6_addr)];
    int64_t us;

    if (!cJSON_IsString(value))
        return true;
    switch (cJSON_IsString(arg) ? schema_format(arg->valuestring) : SCHEMA_FORMAT_UNKNOWN) {
    case SCHEMA_DATE_TIME:
        return iso_time_read(str_from(value->valuestring), &us) == RC_OK ||
               schema_expected(at, "a date and time as in RFC 3339", NULL, value);
    case SCHEMA_UUID:
        return is_uuid(value->valuestring) || schema_expected(at, "a UUID", NULL, value);
    case SCHEMA_IPV4:
        return inet_pton(AF_INET, value->valuestring, address) == 1 ||
               schema_expected(at, "an IPv4 address", NULL, value);
    case SCHEMA_IPV6:
        return inet_pton(AF_INET6, value->valuestring, address) == 1 ||
               schema_expected(at, "an IPv6 address", NULL, value);
    case SCHEMA_FORMAT_UNKNOWN:
    default:
        schema_fail(c, RC_SYNTAX, "the schema uses a format that is not known");
        return false;
    }
}

static schema_fn *const of_kind[SCHEMA_KEYWORD_COUNT] = {
    [SCHEMA_REQUIRED] = check_required,
    [SCHEMA_PROPERTIES] = check_properties,
    [SCHEMA_PATTERN_PROPERTIES] = check_pattern_properties,
    [SCHEMA_ADDITIONAL_PROPERTIES] = check_additional_properties,
    [SCHEMA_PROPERTY_NAMES] = check_property_names,
    [SCHEMA_MIN_PROPERTIES] = check_min_properties,
    [SCHEMA_MAX_PROPERTIES] = check_max_properties,
    [SCHEMA_ITEMS] = check_items,
    [SCHEMA_CONTAINS] = check_contains,
    [SCHEMA_MIN_ITEMS] = check_min_items,
    [SCHEMA_MAX_ITEMS] = check_max_items,
    [SCHEMA_UNIQUE_ITEMS] = check_unique_items,
    [SCHEMA_MINIMUM] = check_minimum,
    [SCHEMA_MAXIMUM] = check_maximum,
    [SCHEMA_EXCLUSIVE_MINIMUM] = check_exclusive_minimum,
    [SCHEMA_EXCLUSIVE_MAXIMUM] = check_exclusive_maximum,
    [SCHEMA_MIN_LENGTH] = check_min_length,
    [SCHEMA_MAX_LENGTH] = check_max_length,
    [SCHEMA_PATTERN] = check_pattern,
    [SCHEMA_FORMAT] = check_format,
};

schema_fn *schema_kind_function(enum schema_keyword k)
{
    return of_kind[k];
}
