/* scenario.c - see scenario.h. What may stand in a file, member by member; the steps are in steps.c, checks of values in checks.c. */
#include "scenario_internal.h"

#include "alias.h"
#include "files.h"
#include "ident.h"
#include "iso_time.h"
#include "vars.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

static void check_aliases(struct reading *r, const cJSON *value)
{
    (void)r;
    (void)value; /* read first of all: read_aliases */
}

/* ---- identities ---- */

static const struct member identity_members[] = {
    {"twin", check_twin_given, false}, {"desired", check_written, false}, {"tags", check_written, false},
    {"status", check_status, false},   {"keys", check_keys, false},
};

static void check_identities(struct reading *r, const cJSON *value)
{
    const cJSON *identity;

    check_object(r, value);
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

    check_object(r, value);
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

    check_object(r, value);
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

static const struct member agent_members[] = {
    {"as", check_id, true},        {"command", check_command, false},   {"args", check_texts, false},
    {"env", check_env, false},     {"files", check_agent_files, false}, {"cwd", check_text, false},
    {"start", check_start, false},
};

static void check_agent(struct reading *r, const cJSON *value)
{
    check_members(r, value, "the agent", agent_members, COUNT(agent_members));
    check_vars(r, value);
}

/* ---- the hub, and the rest ---- */

static void check_durability(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"memory", "process", "power"};

    check_name(r, value, "durability", names, COUNT(names));
}

static const struct member hub_members[] = {
    {"durability", check_durability, false},
    {"tokenSkew", check_duration, false},
};

static void check_hub(struct reading *r, const cJSON *value)
{
    check_members(r, value, "the hub", hub_members, COUNT(hub_members));
}

static void check_var_names(struct reading *r, const cJSON *value)
{
    const cJSON *member;

    check_object(r, value);
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
    {"agent", check_agent, false},      {"vars", check_var_names, false},
    {"aliases", check_aliases, false},  {"steps", check_steps, true},
    {"timeout", check_duration, false}, {"hub", check_hub, false},
};

/* ---- reading ---- */

/* Read a JSON file that a scenario names. returns NULL after telling what is wrong. `at` is where it is named. */
static cJSON *read_named_file(struct reading *r, const cJSON *at, const char *name)
{
    char path[PATH_MAX];
    struct buf text;
    struct json_error err;
    cJSON *tree = NULL;

    buf_init(&text, SCENARIO_FILE_MAX);
    if (name[0] == '/' ? snprintf(path, sizeof path, "%s", name) >= PATH_MAX
                       : path_join(path, r->s->dir, name) != RC_OK) {
        problems_at(r->problems, &r->source, at, "the name of a file is too long");
    } else if (file_read(path, &text)) {
        problems_at(r->problems, &r->source, at, "cannot read %s: %s", name,
                    text.rc ? rc_text(text.rc) : strerror(errno));
    } else if (json_read_commented(buf_view(&text), &tree, &err)) {
        struct source named = {.file = path, .text = buf_view(&text)};

        problems_add(r->problems, &named, err.offset, "%s", err.what);
    } else if (!cJSON_IsObject(tree)) {
        problems_at(r->problems, &r->source, at, "%s holds no JSON object", name);
        cJSON_Delete(tree);
        tree = NULL;
    }
    buf_done(&text);
    return tree;
}

const cJSON *scenario_value(const struct scenario *s, const cJSON *value)
{
    return cJSON_IsString(value) ? json_get(s->files, value->valuestring) : value;
}

void check_twin_given(struct reading *r, const cJSON *value)
{
    cJSON *tree;

    if (cJSON_IsObject(value))
        return;
    if (!cJSON_IsString(value) || value->valuestring[0] == '\0') {
        problems_at(r->problems, &r->source, value, "a twin is an object, or the name of a file that holds one");
        return;
    }
    if (json_get(r->s->files, value->valuestring))
        return;
    tree = read_named_file(r, value, value->valuestring);
    if (tree && json_set(r->s->files, value->valuestring, tree))
        problems_at(r->problems, &r->source, value, "%s", rc_text(RC_NOMEM));
}

/* Aliases first, since steps are expanded with them. */
static void read_aliases(struct reading *r)
{
    const cJSON *given = json_get(r->s->tree, "aliases"), *alias;
    const char *what;
    unsigned before = r->problems->count;

    if (!given)
        return;
    if (cJSON_IsString(given)) {
        check_twin_given(r, given);
        given = scenario_value(r->s, given);
        if (!given)
            return;
    }
    if (!cJSON_IsObject(given)) {
        problems_at(r->problems, &r->source, given, "the aliases are an object, or the name of a file that holds one");
        return;
    }
    cJSON_ArrayForEach(alias, given)
    {
        const cJSON *at = given == json_get(r->s->tree, "aliases") ? alias : json_get(r->s->tree, "aliases");

        if (!cJSON_IsString(alias))
            problems_at(r->problems, &r->source, at, "the alias '%s' stands for a path, which is a text",
                        alias->string);
        else if (!alias_is_valid(str_from(alias->string), str_from(alias->valuestring), &what))
            problems_at(r->problems, &r->source, at, "the alias '%s': %s", alias->string, what);
    }
    if (r->problems->count == before)
        r->s->aliases = given;
}

static enum rc read_steps(struct reading *r)
{
    const cJSON *list = json_get(r->s->tree, "steps"), *node;

    if (!cJSON_IsArray(list) || !list->child)
        return RC_OK;
    r->s->steps = calloc((size_t)cJSON_GetArraySize(list), sizeof *r->s->steps);
    if (!r->s->steps)
        return RC_NOMEM;
    cJSON_ArrayForEach(node, list)
    {
        enum rc rc = step_read(r, node, &r->s->steps[r->s->n_steps]);

        if (rc == RC_NOMEM)
            return rc;
        if (rc == RC_OK)
            r->s->n_steps++;
    }
    return RC_OK;
}

/* Is there somebody that a step without "on" acts on? */
static void check_has_subject(struct reading *r)
{
    for (size_t i = 0; i < r->s->n_steps && !r->s->agent; i++) {
        const struct step *step = &r->s->steps[i];
        bool wants_subject = step->type <= STEP_REPLACE || step->type == STEP_TWIN || step->type == STEP_FAULT;
        bool wants_agent = step->type == STEP_EXIT || step->type == STEP_LOG ||
                           (step->type >= STEP_START && step->type <= STEP_RESTART && cJSON_IsString(step->value) &&
                            strcmp(step->value->valuestring, "agent") == 0);

        if (wants_agent)
            problems_at(r->problems, &r->source, step->node, "this scenario has no agent");
        else if (wants_subject && !json_get(step->node, "on"))
            problems_at(r->problems, &r->source, step->node,
                        "whom does this act on? Without an agent, say \"on\": \"device/module\"");
    }
}

static enum rc read_members(struct reading *r)
{
    struct scenario *s = r->s;
    const cJSON *timeout, *var;
    enum rc rc;

    read_aliases(r);
    cJSON_ArrayForEach(var, json_get(s->tree, "vars"))
    {
        if (json_set(r->known, var->string, cJSON_CreateTrue()))
            return RC_NOMEM;
    }
    check_members(r, s->tree, "a scenario", scenario_members, COUNT(scenario_members));
    check_vars(r, json_get(s->tree, "identities"));
    s->name = json_get_text(s->tree, "name");
    s->identities = json_get(s->tree, "identities");
    s->agent = json_get(s->tree, "agent");
    s->vars = json_get(s->tree, "vars");
    s->hub = json_get(s->tree, "hub");
    timeout = json_get(s->tree, "timeout");
    if (!cJSON_IsString(timeout) || duration_read(str_from(timeout->valuestring), &s->timeout_us))
        s->timeout_us = SCENARIO_TIMEOUT_US;
    rc = read_steps(r);
    if (!rc)
        check_has_subject(r);
    return rc;
}

/* The absolute folder of a file. */
static char *folder_of(const char *file)
{
    char *real = realpath(file, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (slash)
        slash[slash == real ? 1 : 0] = '\0';
    return real;
}

static enum rc read_file(struct reading *r)
{
    struct json_error err;
    struct scenario *s = r->s;
    enum rc rc = file_read(s->file, &s->text);

    if (rc == RC_NOMEM)
        return rc;
    if (rc) {
        problems_add(r->problems, &r->source, 0, "cannot be read: %s",
                     rc == RC_LIMIT ? rc_text(rc) : strerror(errno ? errno : EIO));
        return RC_SYNTAX;
    }
    r->source.text = buf_view(&s->text);
    rc = json_read_commented(r->source.text, &s->tree, &err);
    if (rc == RC_NOMEM)
        return rc;
    if (rc) {
        problems_add(r->problems, &r->source, err.offset, "%s", err.what);
        return RC_SYNTAX;
    }
    if (!cJSON_IsObject(s->tree)) {
        problems_at(r->problems, &r->source, s->tree, "a scenario is an object: {\"name\":..., \"steps\":[...]}");
        return RC_SYNTAX;
    }
    s->dir = folder_of(s->file);
    return s->dir ? RC_OK : RC_NOMEM;
}

enum rc scenario_read(const char *file, struct problems *problems, struct scenario **out)
{
    struct reading r = {.problems = problems, .source = {.file = file}};
    unsigned before = problems->count;
    enum rc rc = RC_NOMEM;

    r.s = calloc(1, sizeof *r.s);
    if (!r.s)
        return RC_NOMEM;
    buf_init(&r.s->text, SCENARIO_FILE_MAX);
    r.s->file = str_dup(str_from(file));
    r.s->files = cJSON_CreateObject();
    r.known = cJSON_CreateObject();
    if (!r.s->file || !r.s->files || !r.known)
        goto done;
    rc = read_file(&r);
    if (!rc)
        rc = read_members(&r);
    if (!rc && problems->count != before)
        rc = RC_SYNTAX;

done:
    cJSON_Delete(r.known);
    if (rc)
        scenario_free(r.s);
    else
        *out = r.s;
    return rc;
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    free(s->file);
    free(s->dir);
    buf_done(&s->text);
    cJSON_Delete(s->tree);
    cJSON_Delete(s->files);
    free(s->steps);
    free(s);
}

struct source scenario_source(const struct scenario *s)
{
    return (struct source){.file = s->file, .text = buf_view(&s->text)};
}
