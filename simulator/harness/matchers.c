/* matchers.c - one row a matcher: how it decides, and what its argument must be. */
#include "match_internal.h"

#include "iso_time.h"
#include "suggest.h"
#include "vars.h"

#include <math.h>
#include <regex.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef bool fits_fn(const cJSON *arg, const cJSON *got, const cJSON *aliases);
/* returns NULL when the argument is good, else what it must be. */
typedef const char *check_fn(const cJSON *arg);

/* Compare numbers, or texts. returns false when the two cannot be compared. */
static bool compare(const cJSON *arg, const cJSON *got, int *order)
{
    if (cJSON_IsNumber(arg) && cJSON_IsNumber(got))
        *order = got->valuedouble < arg->valuedouble ? -1 : got->valuedouble > arg->valuedouble;
    else if (cJSON_IsString(arg) && cJSON_IsString(got))
        *order = strcmp(got->valuestring, arg->valuestring);
    else
        return false;
    return true;
}

static bool fits_gt(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    int order;

    (void)aliases;
    return compare(arg, got, &order) && order > 0;
}

static bool fits_gte(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    int order;

    (void)aliases;
    return compare(arg, got, &order) && order >= 0;
}

static bool fits_lt(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    int order;

    (void)aliases;
    return compare(arg, got, &order) && order < 0;
}

static bool fits_lte(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    int order;

    (void)aliases;
    return compare(arg, got, &order) && order <= 0;
}

static bool fits_ne(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    (void)aliases;
    return got && !json_eq(arg, got);
}

static bool fits_regex(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    regex_t regex;
    bool found;

    (void)aliases;
    if (!cJSON_IsString(got) || regcomp(&regex, arg->valuestring, REG_EXTENDED | REG_NOSUB))
        return false;
    found = regexec(&regex, got->valuestring, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool fits_nocase(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    (void)aliases;
    return cJSON_IsString(got) && str_eq_nocase(str_from(arg->valuestring), str_from(got->valuestring));
}

static bool fits_duration(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    int64_t want_us, got_us;

    (void)aliases;
    return cJSON_IsString(got) && duration_read(str_from(arg->valuestring), &want_us) == RC_OK &&
           duration_read(str_from(got->valuestring), &got_us) == RC_OK && want_us == got_us;
}

static const char *const type_names[] = {"string", "number", "integer", "boolean", "object", "array", "null"};

static bool fits_type(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    const char *name = arg->valuestring;

    (void)aliases;
    if (cJSON_IsNumber(got))
        return strcmp(name, "number") == 0 ||
               (strcmp(name, "integer") == 0 && floor(got->valuedouble) == got->valuedouble);
    return (cJSON_IsString(got) && strcmp(name, "string") == 0) ||
           (cJSON_IsBool(got) && strcmp(name, "boolean") == 0) ||
           (cJSON_IsObject(got) && strcmp(name, "object") == 0) || (cJSON_IsArray(got) && strcmp(name, "array") == 0) ||
           (cJSON_IsNull(got) && strcmp(name, "null") == 0);
}

static bool fits_absent(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    (void)arg;
    (void)aliases;
    return !got;
}

static bool fits_present(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    (void)arg;
    (void)aliases;
    return got != NULL;
}

static bool fits_any(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    const cJSON *want;

    cJSON_ArrayForEach(want, arg)
    {
        if (match_fits(want, got, aliases, NULL))
            return true;
    }
    return false;
}

static bool fits_all(const cJSON *arg, const cJSON *got, const cJSON *aliases)
{
    const cJSON *want, *element;

    (void)aliases;
    if (!cJSON_IsArray(got))
        return false;
    cJSON_ArrayForEach(want, arg)
    {
        bool found = false;

        cJSON_ArrayForEach(element, got)
        {
            found = found || match_fits(want, element, NULL, NULL);
        }
        if (!found)
            return false;
    }
    return true;
}

static bool is_filled_later(const cJSON *arg)
{
    return cJSON_IsString(arg) && vars_used(str_from(arg->valuestring));
}

static const char *check_ordered(const cJSON *arg)
{
    return cJSON_IsNumber(arg) || cJSON_IsString(arg) ? NULL : "a number or a text";
}

static const char *check_anything(const cJSON *arg)
{
    (void)arg;
    return NULL;
}

static const char *check_regex(const cJSON *arg)
{
    regex_t regex;

    if (!cJSON_IsString(arg) || regcomp(&regex, arg->valuestring, REG_EXTENDED | REG_NOSUB))
        return "an extended regular expression (POSIX)";
    regfree(&regex);
    return NULL;
}

static const char *check_text(const cJSON *arg)
{
    return cJSON_IsString(arg) ? NULL : "a text";
}

static const char *check_duration(const cJSON *arg)
{
    int64_t us;

    return cJSON_IsString(arg) && duration_read(str_from(arg->valuestring), &us) == RC_OK
               ? NULL
               : "a duration such as \"PT2M\" or \"2m\"";
}

static const char *check_type(const cJSON *arg)
{
    if (cJSON_IsString(arg))
        for (size_t i = 0; i < COUNT(type_names); i++)
            if (strcmp(arg->valuestring, type_names[i]) == 0)
                return NULL;
    return "\"string\", \"number\", \"integer\", \"boolean\", \"object\", \"array\" or \"null\"";
}

static const char *check_true(const cJSON *arg)
{
    return cJSON_IsTrue(arg) ? NULL : "true";
}

static const char *check_list(const cJSON *arg)
{
    return cJSON_IsArray(arg) && arg->child ? NULL : "a list of patterns, not empty";
}

static const struct matcher {
    const char *name;
    fits_fn *fits;
    check_fn *check;
} matchers[] = {
    {"$gt", fits_gt, check_ordered},        {"$gte", fits_gte, check_ordered},
    {"$lt", fits_lt, check_ordered},        {"$lte", fits_lte, check_ordered},
    {"$ne", fits_ne, check_anything},       {"$regex", fits_regex, check_regex},
    {"$nocase", fits_nocase, check_text},   {"$duration", fits_duration, check_duration},
    {"$type", fits_type, check_type},       {"$absent", fits_absent, check_true},
    {"$present", fits_present, check_true}, {"$any", fits_any, check_list},
    {"$all", fits_all, check_list},
};

static const struct matcher *matcher_find(const char *name)
{
    for (size_t i = 0; i < COUNT(matchers); i++)
        if (strcmp(matchers[i].name, name) == 0)
            return &matchers[i];
    return NULL;
}

bool matchers_fit(const cJSON *object, const cJSON *got, const cJSON *aliases)
{
    const cJSON *arg;

    cJSON_ArrayForEach(arg, object)
    {
        const struct matcher *m = matcher_find(arg->string);

        if (!m || m->check(arg) || !m->fits(arg, got, aliases))
            return false;
    }
    return true;
}

static void check_matcher(const cJSON *arg, const struct source *source, struct problems *problems)
{
    const struct matcher *m = matcher_find(arg->string);
    const char *must_be;

    if (!m) {
        const char *names[COUNT(matchers)];
        char meant[SUGGEST_TEXT_MAX];

        for (size_t i = 0; i < COUNT(matchers); i++)
            names[i] = matchers[i].name;
        problems_at_key(problems, source, arg, "no matcher is called '%s'%s", arg->string,
                        suggest_text(str_from(arg->string), names, COUNT(names), meant));
        return;
    }
    must_be = is_filled_later(arg) ? NULL : m->check(arg);
    if (must_be)
        problems_at(problems, source, arg, "%s wants %s", m->name, must_be);
    else if (m->check == check_list)
        match_check(arg, source, problems);
}

void match_check(const cJSON *want, const struct source *source, struct problems *problems)
{
    const cJSON *child;

    if (match_is_matcher(want)) {
        cJSON_ArrayForEach(child, want)
        {
            check_matcher(child, source, problems);
        }
        return;
    }
    cJSON_ArrayForEach(child, want)
    {
        if (child->string && child->string[0] == '\0')
            problems_at_key(problems, source, child, "an empty key names nothing");
        match_check(child, source, problems);
    }
}
