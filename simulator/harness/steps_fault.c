/* steps_fault.c - the step `fault`: which types there are, where each may strike, and what each takes: with places and suggestions.
 * The last word has the hub's own reader (fault.h).
 */
#include "scenario_internal.h"

#include "fault.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POINTS_MAX   6u
#define MEMBERS_MAX  20u
#define NUMBER_MAX   2147483647.0 /* as the hub */
#define SHIFT_MAX    1000000000.0

/* ---- values ---- */

static void check_number(struct reading *r, const cJSON *value, double least, double most, const char *what)
{
    if (!is_filled_later(value) && !value_is_whole(value, least, most))
        problems_at(r->problems, &r->source, value, "'%s' is %s", value->string, what);
}

static void check_from_0(struct reading *r, const cJSON *value)
{
    check_number(r, value, 0, NUMBER_MAX, "a whole number from 0");
}

static void check_from_1(struct reading *r, const cJSON *value)
{
    check_number(r, value, 1, NUMBER_MAX, "a whole number from 1");
}

static void check_copies(struct reading *r, const cJSON *value)
{
    check_number(r, value, 1, FAULT_COPIES_MAX, "a whole number from 1 to 100");
}

static void check_http_status(struct reading *r, const cJSON *value)
{
    check_number(r, value, 200, 599, "a status such as 429");
}

static void check_shift(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && (!value_is_whole(value, -SHIFT_MAX, SHIFT_MAX) || value->valuedouble == 0))
        problems_at(r->problems, &r->source, value, "'%s' is a whole number, as 1 or -1, but not 0", value->string);
}

static void check_probability(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && (!cJSON_IsNumber(value) || value->valuedouble < 0 || value->valuedouble > 1))
        problems_at(r->problems, &r->source, value, "'%s' is a number from 0 to 1", value->string);
}

static void check_rate(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) &&
        (!cJSON_IsNumber(value) || value->valuedouble <= 0 || value->valuedouble > FAULT_RATE_MAX))
        problems_at(r->problems, &r->source, value, "'%s' is a number above 0: requests a second, a million at most",
                    value->string);
}

static void check_tier(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"F1", "B1", "B2", "B3", "S1", "S2", "S3"};

    if (!is_filled_later(value))
        check_name(r, value, "tier", names, COUNT(names));
}

static void check_how_rid(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"wrong", "missing"};

    if (!is_filled_later(value))
        check_name(r, value, "way to spoil a rid", names, COUNT(names));
}

static void check_how_malformed(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"truncated", "array", "empty", "duplicate-member", "not-json", "metadata"};

    if (!is_filled_later(value))
        check_name(r, value, "way to malform", names, COUNT(names));
}

static void check_reason(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"bad-token", "expired", "disabled", "deleted", "unknown",
                                        "no-token",  "scope",   "policy",   "host"};

    if (!is_filled_later(value))
        check_name(r, value, "reason to refuse", names, COUNT(names));
}

static void check_fault_body(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsString(value) && !cJSON_IsObject(value))
        problems_at(r->problems, &r->source, value,
                    "'body' is \"json\", \"empty\", an object, or any other text to send as it is");
}

static void check_scope(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsString(value) || !strchr(value->valuestring, '*'))
        check_id(r, value);
}

/* ---- types ---- */

static const struct member of_all[] = {
    {"fault", check_nothing, true}, {"operation", check_nothing, false},
    {"on", check_scope, false},     {"after", check_from_0, false},
    {"every", check_from_1, false}, {"times", check_from_0, false},
    {"seed", check_from_0, false},  {"probability", check_probability, false},
    {"topic", check_text, false},   {"for", check_duration, false},
    {"at", check_duration, false},
};

static const struct type {
    const char *name;
    const char *points[POINTS_MAX + 1]; /* the operations at which it may strike */
    struct member members[3];
} types[] = {
    {"status", {"twin-get", "reported"}, {{"status", check_http_status, true}, {"body", check_fault_body, false}}},
    {"lose", {"twin-get", "reported", "desired", "telemetry", "message"}, {{0}}},
    {"delay", {"twin-get", "reported", "desired", "message"}, {{"delay", check_duration, true}}},
    {"hold", {"twin-get", "reported", "desired", "message"}, {{0}}},
    {"duplicate",
     {"twin-get", "reported", "desired", "message"},
     {{"copies", check_copies, false}, {"delay", check_duration, false}}},
    {"reorder", {"twin-get", "reported", "desired", "message"}, {{0}}},
    {"rid", {"twin-get", "reported"}, {{"how", check_how_rid, true}}},
    {"version", {"twin-get", "reported", "desired"}, {{"by", check_shift, true}}},
    {"malform", {"twin-get", "desired"}, {{"how", check_how_malformed, true}}},
    {"throttle", {"twin-get", "reported", "telemetry"}, {{"rate", check_rate, false}, {"tier", check_tier, false}}},
    {"quota", {"telemetry"}, {{"messages", check_from_0, true}}},
    {"disconnect", {"connect", "subscribe", "twin-get", "reported", "desired", "telemetry"}, {{0}}},
    {"refuse", {"connect"}, {{"reason", check_reason, false}}},
    {"clock-skew", {"connect"}, {{"by", check_signed_duration, true}}},
    {"expire", {"subscribe", "twin-get", "reported", "desired", "telemetry"}, {{0}}},
    {"takeover", {"subscribe", "twin-get", "reported", "desired", "telemetry"}, {{0}}},
};

static const struct type *type_find(const char *name)
{
    for (size_t i = 0; name && i < COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

bool fault_takes(const char *member)
{
    for (size_t i = 0; i < COUNT(of_all); i++)
        if (strcmp(of_all[i].name, member) == 0)
            return true;
    for (size_t i = 0; i < COUNT(types); i++)
        for (const struct member *m = types[i].members; m < types[i].members + 3 && m->name; m++)
            if (strcmp(m->name, member) == 0)
                return true;
    return false;
}

static void check_point(struct reading *r, const cJSON *value, const struct type *type)
{
    size_t count = 0;
    char what[64];

    while (type->points[count])
        count++;
    (void)snprintf(what, sizeof what, "operation for '%s'", type->name);
    if (value && !is_filled_later(value))
        check_name(r, value, what, type->points, count);
}

static bool has_variables(const cJSON *value)
{
    const cJSON *child;

    if (is_filled_later(value))
        return true;
    cJSON_ArrayForEach(child, value)
    {
        if (has_variables(child))
            return true;
    }
    return false;
}

/* What the hub would say to it. */
static void ask_the_hub(struct reading *r, const cJSON *node)
{
    cJSON *spec = cJSON_Duplicate(node, true), *type = cJSON_DetachItemViaPointer(spec, json_get(spec, "fault"));
    struct fault *fault = NULL;
    struct refusal why = {0};
    enum rc rc = json_set(spec, "type", type);

    if (!rc)
        rc = fault_read(spec, 0, &fault, &why);
    if (rc == RC_SYNTAX)
        problems_at(r->problems, &r->source, node, "%s", why.message);
    else if (rc)
        problems_at(r->problems, &r->source, node, "%s", rc_text(rc));
    fault_free(fault);
    cJSON_Delete(spec);
}

void check_fault(struct reading *r, const cJSON *node)
{
    unsigned before = r->problems->count;
    const cJSON *name = json_get(node, "fault");
    const struct type *type = type_find(cJSON_IsString(name) ? name->valuestring : NULL);
    struct member members[MEMBERS_MAX];
    const char *names[COUNT(types)];
    size_t count = COUNT(of_all);
    char what[64];

    if (is_filled_later(name))
        return; /* the hub judges it when it is known */
    if (!type) {
        for (size_t i = 0; i < COUNT(types); i++)
            names[i] = types[i].name;
        check_name(r, name, "fault", names, COUNT(types));
        return;
    }
    memcpy(members, of_all, sizeof of_all);
    for (const struct member *m = type->members; m < type->members + 3 && m->name; m++)
        members[count++] = *m;
    (void)snprintf(what, sizeof what, "the fault '%s'", type->name);
    check_members(r, node, what, members, count);
    check_point(r, json_get(node, "operation"), type);
    if (strcmp(type->name, "throttle") == 0 && !json_get(node, "rate") == !json_get(node, "tier"))
        problems_at(r->problems, &r->source, node, "the fault 'throttle' needs 'rate' or 'tier', one of them");
    if (r->problems->count == before && !has_variables(node))
        ask_the_hub(r, node);
}
