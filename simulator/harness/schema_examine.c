/* schema_examine.c - is the schema itself in order? Every place in it that is a schema is visited once, by the table of keywords. */
#include "schema_internal.h"

#include "schema_pattern.h"
#include "suggest.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KEYWORD_ROW(name, text, argument) [SCHEMA_##name] = {text, ARGUMENT_##argument},
static const struct schema_keyword_row schema_keywords[SCHEMA_KEYWORD_COUNT] = {SCHEMA_KEYWORDS(KEYWORD_ROW)};
#undef KEYWORD_ROW

struct examining {
    const cJSON *root;
    const struct source *source;
    struct problems *problems;
};

bool schema_has_type(const cJSON *value, const char *type, bool *is_known)
{
    static const char *const names[] = {"object", "array", "string", "number", "integer", "boolean", "null"};
    bool has[] = {cJSON_IsObject(value),
                  cJSON_IsArray(value),
                  cJSON_IsString(value),
                  cJSON_IsNumber(value),
                  cJSON_IsNumber(value) && trunc(value->valuedouble) == value->valuedouble,
                  cJSON_IsBool(value),
                  cJSON_IsNull(value)};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (strcmp(type, names[i]) == 0) {
            if (is_known)
                *is_known = true;
            return has[i];
        }
    }
    if (is_known)
        *is_known = false;
    return false;
}

enum schema_format schema_format(const char *name)
{
    static const char *const names[] = {
        [SCHEMA_DATE_TIME] = "date-time", [SCHEMA_UUID] = "uuid", [SCHEMA_IPV4] = "ipv4", [SCHEMA_IPV6] = "ipv6"};
    unsigned i = 0;

    while (i < COUNT(names) && strcmp(name, names[i]) != 0)
        i++;
    return (enum schema_format)i;
}

/* Is key the token of a JSON pointer, in which ~1 is '/' and ~0 is '~'? */
static bool is_token(struct str token, const char *key)
{
    while (token.len && *key) {
        char c = token.at[0];
        size_t n = 1;

        if (c == '~' && token.len > 1 && (token.at[1] == '0' || token.at[1] == '1')) {
            c = token.at[1] == '0' ? '~' : '/';
            n = 2;
        }
        if (c != *key)
            return false;
        token = str_skip(token, n);
        key++;
    }
    return token.len == 0 && *key == '\0';
}

const cJSON *schema_find(const cJSON *root, const char *ref)
{
    struct str rest = str_from(ref);
    const cJSON *node = root;

    if (rest.len == 0 || rest.at[0] != '#' || (rest.len > 1 && rest.at[1] != '/'))
        return NULL;
    rest = str_skip(rest, rest.len > 1 ? 2 : 1);
    if (rest.len == 0)
        return strcmp(ref, "#") == 0 ? root : NULL;
    while (rest.at && node) {
        struct str token = str_cut(&rest, '/');
        const cJSON *child = cJSON_IsObject(node) || cJSON_IsArray(node) ? node->child : NULL;
        uint64_t index;

        if (cJSON_IsArray(node)) {
            if (str_to_u64(token, INT32_MAX, &index))
                return NULL;
            for (; child && index; index--)
                child = child->next;
        } else {
            while (child && !is_token(token, child->string))
                child = child->next;
        }
        node = child;
    }
    return node;
}

static bool is_schema(const cJSON *node)
{
    return cJSON_IsObject(node) || cJSON_IsBool(node);
}

static bool is_count(const cJSON *node)
{
    return schema_has_type(node, "integer", NULL) && node->valuedouble >= 0;
}

enum schema_keyword schema_keyword(const char *name)
{
    unsigned k = 0;

    while (k < SCHEMA_KEYWORD_COUNT && strcmp(schema_keywords[k].name, name) != 0)
        k++;
    return (enum schema_keyword)k;
}

/* Is `place` one of the schemas that stand at or below `schema`? A $ref to anything else would be read as what it is not. */
static bool holds_schema(const cJSON *schema, const cJSON *place)
{
    const cJSON *member, *inner;

    if (schema == place)
        return true; /* and if it is none, that is told there */
    if (!cJSON_IsObject(schema))
        return false;
    cJSON_ArrayForEach(member, schema)
    {
        enum schema_keyword k = schema_keyword(member->string);
        enum schema_argument argument = k < SCHEMA_KEYWORD_COUNT ? schema_keywords[k].argument : ARGUMENT_ANY;

        switch (argument) {
        case ARGUMENT_SCHEMA:
        case ARGUMENT_SCHEMA_OR_LIST:
            if (holds_schema(member, place))
                return true;
            if (!cJSON_IsArray(member))
                break;
            /* fall through */
        case ARGUMENT_SCHEMA_LIST:
        case ARGUMENT_SCHEMA_MAP:
        case ARGUMENT_PATTERN_MAP:
            cJSON_ArrayForEach(inner, member)
            {
                if (holds_schema(inner, place))
                    return true;
            }
            break;
        default:
            break;
        }
    }
    return false;
}

static void examine(const struct examining *x, const cJSON *schema);

static void tell(const struct examining *x, const cJSON *argument, const char *must_be)
{
    problems_at(x->problems, x->source, argument, "'%s' is %s", argument->string, must_be);
}

static void examine_types(const struct examining *x, const cJSON *argument)
{
    const cJSON *one = cJSON_IsArray(argument) ? argument->child : argument;
    bool is_known = false;

    assert(argument);
    for (; one; one = cJSON_IsArray(argument) ? one->next : NULL) {
        is_known = false;
        if (cJSON_IsString(one))
            (void)schema_has_type(one, one->valuestring, &is_known);
        if (!is_known)
            break;
    }
    if (!is_known)
        tell(x, argument, "object, array, string, number, integer, boolean or null, or a list of them");
}

static void examine_pattern(const struct examining *x, const cJSON *at, const char *pattern)
{
    regex_t regex;
    const char *what = "there was no memory for it";

    if (schema_pattern(pattern, &regex, &what) == RC_OK)
        regfree(&regex);
    else
        problems_at(x->problems, x->source, at, "the pattern '%s' cannot be used: %s", pattern, what);
}

static void examine_ref(const struct examining *x, const cJSON *argument)
{
    const cJSON *found = cJSON_IsString(argument) ? schema_find(x->root, argument->valuestring) : NULL;

    if (!found)
        tell(x, argument, "a place in the same file that is there, like \"#/$defs/name\"");
    else if (!holds_schema(x->root, found))
        tell(x, argument, "the place of a schema; that one is none");
}

static void examine_each(const struct examining *x, const cJSON *argument, bool are_patterns)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, argument)
    {
        if (are_patterns)
            examine_pattern(x, one, one->string);
        examine(x, one);
    }
}

static void examine_names(const struct examining *x, const cJSON *argument)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, argument)
    {
        if (!cJSON_IsString(one)) {
            tell(x, argument, "a list of texts");
            return;
        }
    }
}

/* What an argument must be when its shape alone can be wrong. NULL: it is that. */
static const char *shape_wanted(enum schema_argument argument, const cJSON *node)
{
    bool is_list = cJSON_IsArray(node) && node->child;

    switch (argument) {
    case ARGUMENT_BOOLEAN:
        return cJSON_IsBool(node) ? NULL : "true or false";
    case ARGUMENT_COUNT:
        return is_count(node) ? NULL : "a whole number, not negative";
    case ARGUMENT_FORMAT:
        return cJSON_IsString(node) && schema_format(node->valuestring) != SCHEMA_FORMAT_UNKNOWN
                   ? NULL
                   : "date-time, uuid, ipv4 or ipv6";
    case ARGUMENT_LIST:
        return is_list ? NULL : "a list, not empty";
    case ARGUMENT_NAMES:
        return cJSON_IsArray(node) ? NULL : "a list of texts";
    case ARGUMENT_NUMBER:
        return cJSON_IsNumber(node) ? NULL : "a number";
    case ARGUMENT_PATTERN:
    case ARGUMENT_TEXT:
        return cJSON_IsString(node) ? NULL : "a text";
    case ARGUMENT_SCHEMA_LIST:
        return is_list ? NULL : "a list of schemas, not empty";
    case ARGUMENT_SCHEMA_MAP:
    case ARGUMENT_PATTERN_MAP:
        return cJSON_IsObject(node) ? NULL : "an object of schemas";
    default:
        return NULL;
    }
}

static void examine_argument(const struct examining *x, enum schema_keyword k, const cJSON *argument)
{
    const char *wanted = shape_wanted(schema_keywords[k].argument, argument);

    if (wanted) {
        tell(x, argument, wanted);
        return;
    }
    switch (schema_keywords[k].argument) {
    case ARGUMENT_TYPES:
        examine_types(x, argument);
        break;
    case ARGUMENT_PATTERN:
        examine_pattern(x, argument, argument->valuestring);
        break;
    case ARGUMENT_REF:
        examine_ref(x, argument);
        break;
    case ARGUMENT_NAMES:
        examine_names(x, argument);
        break;
    case ARGUMENT_SCHEMA:
        examine(x, argument);
        break;
    case ARGUMENT_SCHEMA_OR_LIST:
        if (cJSON_IsArray(argument))
            examine_each(x, argument, false);
        else
            examine(x, argument);
        break;
    case ARGUMENT_SCHEMA_LIST:
    case ARGUMENT_SCHEMA_MAP:
        examine_each(x, argument, false);
        break;
    case ARGUMENT_PATTERN_MAP:
        examine_each(x, argument, true);
        break;
    default:
        break;
    }
}

static void examine(const struct examining *x, const cJSON *schema)
{
    const char *names[SCHEMA_KEYWORD_COUNT];
    const cJSON *member;

    if (!is_schema(schema)) {
        problems_at(x->problems, x->source, schema, "a schema is an object, true or false");
        return;
    }
    for (unsigned k = 0; k < SCHEMA_KEYWORD_COUNT; k++)
        names[k] = schema_keywords[k].name;
    if (cJSON_IsBool(schema))
        return;
    cJSON_ArrayForEach(member, schema)
    {
        enum schema_keyword k = schema_keyword(member->string);
        char meant[SUGGEST_TEXT_MAX];

        if (k < SCHEMA_KEYWORD_COUNT)
            examine_argument(x, k, member);
        else
            problems_at_key(x->problems, x->source, member, "no keyword is called '%s' here%s", member->string,
                            suggest_text(str_from(member->string), names, SCHEMA_KEYWORD_COUNT, meant));
    }
}

void schema_examine(const cJSON *schema, const struct source *source, struct problems *problems)
{
    struct examining x = {schema, source, problems};

    assert(schema && source && problems);
    examine(&x, schema);
}
