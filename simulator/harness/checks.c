/* checks.c - is a member of a scenario what it must be? One function a kind of value. */
#include "scenario_internal.h"

#include "alias.h"
#include "bag.h"
#include "base64.h"
#include "ident.h"
#include "iso_time.h"
#include "match.h"
#include "sas.h"
#include "suggest.h"
#include "vars.h"
#include "words.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAMES_MAX    64u

bool is_filled_later(const cJSON *value)
{
    return cJSON_IsString(value) && vars_used(str_from(value->valuestring));
}

void check_members(struct reading *r, const cJSON *object, const char *what, const struct member *members, size_t count)
{
    const char *names[NAMES_MAX];
    char meant[SUGGEST_TEXT_MAX];
    const cJSON *value;

    if (!cJSON_IsObject(object)) {
        problems_at(r->problems, &r->source, object, "%s is an object", what);
        return;
    }
    for (size_t i = 0; i < count && i < NAMES_MAX; i++)
        names[i] = members[i].name;
    cJSON_ArrayForEach(value, object)
    {
        size_t i = 0;

        while (i < count && strcmp(members[i].name, value->string) != 0)
            i++;
        if (i == count)
            problems_at_key(r->problems, &r->source, value, "%s has no '%s'%s", what, value->string,
                            suggest_text(str_from(value->string), names, count, meant));
        else
            members[i].check(r, value);
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].is_required && !json_get(object, members[i].name))
            problems_at(r->problems, &r->source, object, "%s needs '%s'", what, members[i].name);
}

void check_name(struct reading *r, const cJSON *value, const char *what, const char *const *names, size_t count)
{
    char meant[SUGGEST_TEXT_MAX];
    struct buf list;

    for (size_t i = 0; cJSON_IsString(value) && i < count; i++)
        if (strcmp(names[i], value->valuestring) == 0)
            return;
    buf_init(&list, 0);
    for (size_t i = 0; i < count; i++)
        buf_addf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    if (cJSON_IsString(value))
        problems_at(r->problems, &r->source, value, "'%s' is no %s (%.*s)%s", value->valuestring, what,
                    STR_FMT(buf_view(&list)), suggest_text(str_from(value->valuestring), names, count, meant));
    else
        problems_at(r->problems, &r->source, value, "%s %s is a text: %.*s", strchr("aeiou", what[0]) ? "an" : "a",
                    what, STR_FMT(buf_view(&list)));
    buf_done(&list);
}

void check_text(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsString(value) || value->valuestring[0] == '\0')
        problems_at(r->problems, &r->source, value, "'%s' is a text, not empty", value->string);
}

void check_texts(struct reading *r, const cJSON *value)
{
    const cJSON *text;

    if (!cJSON_IsArray(value))
        problems_at(r->problems, &r->source, value, "'%s' is a list of texts", value->string);
    cJSON_ArrayForEach(text, value)
    {
        if (!cJSON_IsString(text))
            problems_at(r->problems, &r->source, text, "'%s' is a list of texts", value->string);
    }
}

bool check_object(struct reading *r, const cJSON *value)
{
    if (cJSON_IsObject(value))
        return true;
    problems_at(r->problems, &r->source, value, "'%s' is an object", value->string);
    return false;
}

void check_duration(struct reading *r, const cJSON *value)
{
    int64_t us;

    if (is_filled_later(value))
        return;
    if (!cJSON_IsString(value) || duration_read(str_from(value->valuestring), &us))
        problems_at(r->problems, &r->source, value, "'%s' is a duration such as \"5s\", \"250ms\", \"2m\" or \"PT5S\"",
                    value->string);
}

void check_signed_duration(struct reading *r, const cJSON *value)
{
    struct str text = str_from(cJSON_IsString(value) ? value->valuestring : "");
    int64_t us;

    if (!is_filled_later(value) && duration_read(str_starts(text, STR("-")) ? str_skip(text, 1) : text, &us))
        problems_at(r->problems, &r->source, value, "'%s' is a duration such as \"1h\", or \"-1h\" for backwards",
                    value->string);
}

bool value_is_whole(const cJSON *value, double least, double most)
{
    return cJSON_IsNumber(value) && value->valuedouble >= least && value->valuedouble <= most &&
           value->valuedouble == (double)(int64_t)value->valuedouble;
}

void check_id(struct reading *r, const cJSON *value)
{
    struct ident id;

    if (is_filled_later(value))
        return;
    if (!cJSON_IsString(value) || ident_read(str_from(value->valuestring), &id))
        problems_at(r->problems, &r->source, value, "'%s' is an identity, \"device\" or \"device/module\"",
                    value->string);
}

void check_device_id(struct reading *r, const cJSON *value)
{
    struct ident id;

    if (is_filled_later(value))
        return;
    if (!cJSON_IsString(value) || ident_read(str_from(value->valuestring), &id) || ident_is_module(id))
        problems_at(r->problems, &r->source, value, "'%s' is a device; a module has no status of its own",
                    value->string);
}

void check_written(struct reading *r, const cJSON *value)
{
    const cJSON *clash = NULL;
    cJSON *expanded = NULL;

    if (is_filled_later(value))
        return;
    if (!cJSON_IsObject(value)) {
        problems_at(r->problems, &r->source, value, "'%s' is an object", value->string);
        return;
    }
    if (alias_expand(value, r->s->aliases, &expanded, &clash) && clash)
        problems_at_key(r->problems, &r->source, clash, "'%s' stands for a place that was given already",
                        clash->string);
    cJSON_Delete(expanded);
}

void check_status(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"enabled", "disabled"};

    check_name(r, value, "status", names, COUNT(names));
}

static void check_key(struct reading *r, const cJSON *value)
{
    struct sas_key key;

    if (!cJSON_IsString(value) || sas_key_read(str_from(value->valuestring), &key))
        problems_at(r->problems, &r->source, value, "a key is base64 of 16 to 64 bytes");
}

static const struct member key_members[] = {{"primary", check_key, false}, {"secondary", check_key, false}};

void check_keys(struct reading *r, const cJSON *value)
{
    check_members(r, value, "the pair of keys", key_members, COUNT(key_members));
}

void check_match(struct reading *r, const cJSON *value)
{
    if (is_filled_later(value))
        return;
    if (check_object(r, value))
        match_check(value, &r->source, r->problems);
}

void check_command(struct reading *r, const cJSON *value)
{
    struct words words = {0};
    enum rc rc = cJSON_IsString(value) ? words_split(str_from(value->valuestring), &words) : RC_SYNTAX;

    if (rc || words.count == 0)
        problems_at(r->problems, &r->source, value,
                    "'%s' is a program and its arguments in one text; quotes must be closed, no shell reads it",
                    value->string);
    words_done(&words);
}

void check_body(struct reading *r, const cJSON *value)
{
    const cJSON *base64 = json_get(value, "base64");

    if (cJSON_IsObject(value) && base64 && !value->child->next && !is_filled_later(base64) &&
        (!cJSON_IsString(base64) || !base64_is_valid(str_from(base64->valuestring))))
        problems_at(r->problems, &r->source, base64, "'base64' is base64, with its padding");
}

void check_properties(struct reading *r, const cJSON *value)
{
    const cJSON *one;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(one, value)
    {
        if (one->string[0] == '\0')
            problems_at_key(r->problems, &r->source, one, "a property has a name");
        if (!cJSON_IsString(one) && !cJSON_IsNull(one))
            problems_at(r->problems, &r->source, one, "a property is a text, or null for a name alone");
    }
}

void check_system(struct reading *r, const cJSON *value)
{
    static const char *const usual[] = {"message-id",          "correlation-id",      "user-id",
                                        "content-type",        "content-encoding",    "iothub-creation-time-utc",
                                        "iothub-interface-id", "absolute-expiry-time"};
    char meant[SUGGEST_TEXT_MAX];
    const cJSON *one;

    check_properties(r, value);
    if (!cJSON_IsObject(value))
        return; /* told */
    cJSON_ArrayForEach(one, value)
    {
        struct str name = str_from(one->string);

        if (name.len && !bag_wire_key(name) && !str_starts(name, STR("$.")))
            problems_at_key(r->problems, &r->source, one,
                            "'%s' is no system property: \"content-type\", as the service names it, or \"$.ct\"%s",
                            one->string, suggest_text(name, usual, COUNT(usual), meant));
    }
}

/* Tell the unknown variables of one text. */
static void check_vars_of(struct reading *r, const cJSON *value)
{
    struct str rest = str_from(value->valuestring), name;
    char text[128], meant[SUGGEST_TEXT_MAX];

    while (vars_next(&rest, &name)) {
        const char *names[NAMES_MAX];
        size_t count = 0;
        const cJSON *known;
        const char *given;

        if (name.len == 0 || name.len >= sizeof text) {
            problems_at(r->problems, &r->source, value, "a variable is written ${name}; for a plain ${ write $${");
            continue;
        }
        memcpy(text, name.at, name.len);
        text[name.len] = '\0';
        if (scenario_var_is_built_in(text) || json_get(r->known, text))
            continue;
        for (size_t i = 0; (given = scenario_var_built_in(i)) != NULL && count < NAMES_MAX; i++)
            names[count++] = given;
        cJSON_ArrayForEach(known, r->known)
        {
            if (count < NAMES_MAX)
                names[count++] = known->string;
        }
        problems_at(r->problems, &r->source, value, "no variable is called '%s' at this point%s", text,
                    suggest_text(name, names, count, meant));
    }
}

void check_vars(struct reading *r, const cJSON *value)
{
    const cJSON *child;

    if (cJSON_IsString(value))
        check_vars_of(r, value);
    if (!value)
        return;
    cJSON_ArrayForEach(child, value)
    {
        check_vars(r, child);
    }
}
