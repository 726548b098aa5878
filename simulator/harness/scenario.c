/* scenario.c - see scenario.h. What may stand in a file, member by member; it is read in scenario_read.c, the steps are in
 * steps.c, checks of values in checks.c. */
#include "scenario_internal.h"

#include "ident.h"
#include "profile.h"
#include "vars.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const built_in_vars[] = {"connectionString", "caFile",   "hostName", "host", "port", "id",
                                            "deviceId",         "moduleId", "key",      "work", "dir",  "seed"};

const char *scenario_var_built_in(size_t i)
{
    return i < COUNT(built_in_vars) ? built_in_vars[i] : NULL;
}

bool scenario_var_is_built_in(const char *name)
{
    for (size_t i = 0; i < COUNT(built_in_vars); i++)
        if (strcmp(built_in_vars[i], name) == 0)
            return true;
    return false;
}

void check_nothing(struct reading *r, const cJSON *value)
{
    (void)r;
    (void)value; /* read first of all: each_read, read_aliases, includes_read */
}

/* ---- identities ---- */

static const struct member identity_members[] = {
    {"twin", check_twin_given, false}, {"desired", check_written, false}, {"tags", check_written, false},
    {"status", check_status, false},   {"keys", check_keys, false},
};

static void check_identities(struct reading *r, const cJSON *value)
{
    const cJSON *identity;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(identity, value)
    {
        struct ident id;

        if (ident_read(str_from(identity->string), &id))
            problems_at_key(r->problems, &r->source, identity,
                            "'%s' is no identity: \"device\" or \"device/module\", 1..128 characters each",
                            identity->string);
        else if (ident_is_module(id) && json_get(identity, "status"))
            problems_at_key(r->problems, &r->source, json_get(identity, "status"),
                            "a module has no status of its own; give it to the device");
        check_members(r, identity, "an identity", identity_members, COUNT(identity_members));
    }
}

/* ---- the agent ---- */

static void check_env(struct reading *r, const cJSON *value)
{
    const cJSON *member;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(member, value)
    {
        if (member->string[0] == '\0' || strchr(member->string, '='))
            problems_at_key(r->problems, &r->source, member, "'%s' is no name of an environment variable",
                            member->string);
        if (!cJSON_IsString(member) && !cJSON_IsNull(member))
            problems_at(r->problems, &r->source, member, "an environment variable is a text, or null to remove it");
    }
}

/* A name below ${work}: relative, and never upwards. */
static bool stays_below(struct str path)
{
    if (path.len == 0 || path.at[0] == '/')
        return false;
    while (path.at) {
        struct str part = str_cut(&path, '/');

        if (part.len == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
            return false;
    }
    return true;
}

static void check_agent_files(struct reading *r, const cJSON *value)
{
    const cJSON *member;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(member, value)
    {
        if (!stays_below(str_from(member->string)))
            problems_at_key(r->problems, &r->source, member,
                            "'%s' does not stay in ${work}: a file is named from there, without '..'", member->string);
        if (!cJSON_IsString(member) && !cJSON_IsObject(member) && !cJSON_IsArray(member))
            problems_at(r->problems, &r->source, member, "a file's content is a text, or JSON as an object or list");
    }
}

static void check_start(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"auto", "manual"};

    check_name(r, value, "way to start", names, COUNT(names));
}

/* No variable: whose key an agent gets is known before any variable is. */
static void check_as(struct reading *r, const cJSON *value)
{
    if (is_filled_later(value))
        problems_at(r->problems, &r->source, value,
                    "'as' is an identity, spelt out: it is needed before any variable is known");
    else
        check_id(r, value);
}

static const struct member agent_members[] = {
    {"as", check_as, true},        {"command", check_command, false},   {"args", check_texts, false},
    {"env", check_env, false},     {"files", check_agent_files, false}, {"cwd", check_text, false},
    {"start", check_start, false},
};

static void check_agent(struct reading *r, const cJSON *value)
{
    check_members(r, value, "the agent", agent_members, COUNT(agent_members));
    check_vars(r, value);
}

static void check_agents(struct reading *r, const cJSON *value)
{
    const cJSON *agent;

    check_object(r, value);
    if (cJSON_IsObject(value) && !value->child)
        problems_at(r->problems, &r->source, value, "'agents' names one agent at least");
    if (cJSON_GetArraySize(value) + (json_get(r->s->tree, "agent") ? 1 : 0) > (int)AGENTS_MAX)
        problems_at(r->problems, &r->source, value, "more than %u agents", AGENTS_MAX);
    if (cJSON_IsObject(value))
        cJSON_ArrayForEach(agent, value)
        {
            bool is_taken = strcmp(agent->string, "agent") == 0 && json_get(r->s->tree, "agent");

            if (!vars_name_is_valid(str_from(agent->string)) || strcmp(agent->string, "hub") == 0 || is_taken)
                problems_at_key(
                    r->problems, &r->source, agent,
                    "'%s' is no name for an agent: letters, digits and _, no digit first; not 'hub', and no name twice",
                    agent->string);
            check_agent(r, agent);
        }
}

/* ---- the hub, and the rest ---- */

static void check_durability(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"memory", "process", "power"};

    check_name(r, value, "durability", names, COUNT(names));
}

static void check_profile(struct reading *r, const cJSON *value)
{
    struct profile profile;

    if (profile_read(str_from(cJSON_GetStringValue(value)), &profile))
        problems_at(r->problems, &r->source, value, "the profile is " PROFILE_WORDS);
}

static void check_flag(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsBool(value))
        problems_at(r->problems, &r->source, value, "'%s' is true or false", value->string);
}

static const struct member hub_members[] = {
    {"durability", check_durability, false}, {"tokenSkew", check_duration, false},
    {"messageTtl", check_duration, false},   {"faultMessages", check_flag, false},
    {"profile", check_profile, false},       {"gateway", check_flag, false},
    {"maxIdle", check_duration, false},      {"connectTimeout", check_duration, false},
};

static void check_hub(struct reading *r, const cJSON *value)
{
    check_members(r, value, "the hub", hub_members, COUNT(hub_members));
}

void check_var_names(struct reading *r, const cJSON *value)
{
    const cJSON *member;

    if (!check_object(r, value))
        return;
    cJSON_ArrayForEach(member, value)
    {
        if (!vars_name_is_valid(str_from(member->string)))
            problems_at_key(r->problems, &r->source, member, "'%s' is no name: letters, digits and _, no digit first",
                            member->string);
        else if (scenario_var_is_built_in(member->string))
            problems_at_key(r->problems, &r->source, member, "'%s' is given by the runner; take another name",
                            member->string);
    }
}

static void check_steps(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsArray(value))
        problems_at(r->problems, &r->source, value, "the steps are a list");
    else if (!value->child)
        problems_at(r->problems, &r->source, value, "there is no step; a scenario without one proves nothing");
}

static const struct member scenario_members[] = {
    {"$schema", check_text, false},     {"name", check_text, true},
    {"description", check_text, false}, {"identities", check_identities, false},
    {"agent", check_agent, false},      {"agents", check_agents, false},
    {"vars", check_var_names, false},   {"include", check_nothing, false},
    {"each", check_nothing, false},     {"aliases", check_nothing, false},
    {"steps", check_steps, true},       {"timeout", check_duration, false},
    {"hub", check_hub, false},
};

void check_scenario(struct reading *r)
{
    check_members(r, r->s->tree, "a scenario", scenario_members, COUNT(scenario_members));
    check_vars(r, json_get(r->s->tree, "identities"));
}
