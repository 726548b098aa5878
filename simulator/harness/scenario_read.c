/* scenario_read.c - see scenario.h. A file is read: first what others need (aliases, variables, included files), then all the rest. */
#include "scenario_internal.h"

#include "alias.h"
#include "files.h"
#include "iso_time.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

cJSON *read_named_file(struct reading *r, const cJSON *at, const char *name, struct buf *text, char path[PATH_MAX])
{
    struct json_error err;
    cJSON *tree = NULL;

    if (name[0] == '/' ? snprintf(path, (size_t)PATH_MAX, "%s", name) >= PATH_MAX
                       : path_join(path, r->s->dir, name) != RC_OK) {
        problems_at(r->problems, &r->source, at, "the name of a file is too long");
    } else if (file_read(path, text)) {
        problems_at(r->problems, &r->source, at, "cannot read %s: %s", name,
                    text->rc ? rc_text(text->rc) : strerror(errno));
    } else if (json_read_commented(buf_view(text), &tree, &err)) {
        struct source named = {.file = path, .text = buf_view(text)};

        problems_add(r->problems, &named, err.offset, "%s", err.what);
    } else if (!cJSON_IsObject(tree)) {
        problems_at(r->problems, &r->source, at, "%s holds no JSON object", name);
        cJSON_Delete(tree);
        tree = NULL;
    }
    return tree;
}

const cJSON *scenario_value(const struct scenario *s, const cJSON *value)
{
    return cJSON_IsString(value) ? json_get(s->files, value->valuestring) : value;
}

void check_twin_given(struct reading *r, const cJSON *value)
{
    char path[PATH_MAX];
    struct buf text;
    cJSON *tree;

    if (cJSON_IsObject(value))
        return;
    if (!cJSON_IsString(value) || value->valuestring[0] == '\0') {
        problems_at(r->problems, &r->source, value, "a twin is an object, or the name of a file that holds one");
        return;
    }
    if (json_get(r->s->files, value->valuestring))
        return;
    buf_init(&text, SCENARIO_FILE_MAX);
    tree = read_named_file(r, value, value->valuestring, &text, path);
    buf_done(&text);
    if (tree && json_set(r->s->files, value->valuestring, tree))
        problems_at(r->problems, &r->source, value, "%s", rc_text(RC_NOMEM));
}

void check_alias_members(struct reading *r, const cJSON *aliases, const cJSON *at)
{
    const cJSON *alias;
    const char *what;

    cJSON_ArrayForEach(alias, aliases)
    {
        if (!cJSON_IsString(alias))
            problems_at(r->problems, &r->source, at ? at : alias, "the alias '%s' stands for a path, which is a text",
                        alias->string);
        else if (!alias_is_valid(str_from(alias->string), str_from(alias->valuestring), &what))
            problems_at(r->problems, &r->source, at ? at : alias, "the alias '%s': %s", alias->string, what);
    }
}

enum rc add_missing(cJSON *object, const cJSON *from)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, from)
    {
        if (!json_get(object, member->string) && json_set(object, member->string, cJSON_Duplicate(member, true)))
            return RC_NOMEM;
    }
    return RC_OK;
}

/* Aliases first, since steps are expanded with them. */
static enum rc read_aliases(struct reading *r)
{
    const cJSON *written = json_get(r->s->tree, "aliases"), *given = written;
    unsigned before = r->problems->count;

    if (cJSON_IsString(given)) {
        check_twin_given(r, given);
        given = scenario_value(r->s, given);
    }
    if (!given)
        return RC_OK;
    if (!cJSON_IsObject(given)) {
        problems_at(r->problems, &r->source, given, "the aliases are an object, or the name of a file that holds one");
        return RC_OK;
    }
    check_alias_members(r, given, given == written ? NULL : written);
    return r->problems->count == before ? add_missing(r->s->aliases, given) : RC_OK;
}

/* The list of steps that is being read. */
struct list {
    struct step_list *into;
    const cJSON *from; /* the `do` that brings them in; NULL: none */
    bool is_lane;
};

static enum rc read_list(struct reading *r, const cJSON *nodes, struct list list);

static enum rc append(struct step_list *list, struct step step)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        struct step *grown = realloc(list->at, cap * sizeof *grown);

        if (!grown)
            return RC_NOMEM;
        list->at = grown;
        list->cap = cap;
    }
    list->at[list->count++] = step;
    return RC_OK;
}

/* The steps of a block in place of the step that names it; they stand in the file that has the block. */
static enum rc read_block(struct reading *r, const cJSON *node, struct list list)
{
    struct source outer = r->source;
    const struct include *in;
    const cJSON *block = includes_block(r->s, json_get_text(node, "do"), &in);
    enum rc rc;

    if (list.from)
        problems_at(r->problems, &r->source, node, "a block does not do another");
    if (!block || list.from)
        return RC_OK; /* told */
    r->source = (struct source){.file = in->file, .text = buf_view(&in->text)};
    list.from = node;
    rc = read_list(r, block, list);
    r->source = outer;
    return rc;
}

static void steps_free(struct step_list *list);

static void lanes_free(struct step *step)
{
    for (size_t i = 0; i < step->n_lanes; i++)
        steps_free(&step->lanes[i]);
    free(step->lanes);
}

static void steps_free(struct step_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        lanes_free(&list->at[i]);
    free(list->at);
}

/* The lanes of a parallel step, which is already known to be a list of lists. */
static enum rc read_lanes(struct reading *r, struct step *step, struct list list)
{
    const cJSON *lane;
    enum rc rc = RC_OK;

    if (list.is_lane)
        problems_at(r->problems, &r->source, step->node, "there are no lanes within lanes");
    if (list.is_lane || !cJSON_IsArray(step->value) || !step->value->child)
        return RC_OK; /* told */
    step->lanes = calloc((size_t)cJSON_GetArraySize(step->value), sizeof *step->lanes);
    if (!step->lanes)
        return RC_NOMEM;
    list.is_lane = true;
    cJSON_ArrayForEach(lane, step->value)
    {
        list.into = &step->lanes[step->n_lanes++];
        if (!rc)
            rc = read_list(r, lane, list);
    }
    return rc;
}

static enum rc read_list(struct reading *r, const cJSON *nodes, struct list list)
{
    const cJSON *node;

    if (!cJSON_IsArray(nodes))
        return RC_OK; /* told */
    cJSON_ArrayForEach(node, nodes)
    {
        struct step step;
        enum rc rc = step_read(r, node, &step);

        if (rc == RC_OK && step.type == STEP_DO) {
            rc = read_block(r, node, list);
        } else if (rc == RC_OK) {
            step.at = list.from ? list.from : node;
            step.block = list.from ? json_get_text(list.from, "do") : NULL;
            if (step.type == STEP_PARALLEL)
                rc = read_lanes(r, &step, list);
            if (append(list.into, step)) {
                lanes_free(&step);
                rc = RC_NOMEM;
            }
        }
        if (rc == RC_NOMEM)
            return rc;
    }
    return RC_OK;
}

static void add_agent(struct scenario *s, const char *name, const cJSON *node)
{
    if (node && s->n_agents < AGENTS_MAX)
        s->agents[s->n_agents++] = (struct scenario_agent){name, node};
}

/* "agent" is the one called so; it stands before those of "agents". */
static void read_agents(struct scenario *s)
{
    const cJSON *agents = json_get(s->tree, "agents"), *agent;

    add_agent(s, "agent", json_get(s->tree, "agent"));
    if (cJSON_IsObject(agents))
        cJSON_ArrayForEach(agent, agents)
        {
            add_agent(s, agent->string, agent);
        }
    s->agent = s->n_agents ? s->agents[0].node : NULL;
}

static enum rc read_members(struct reading *r, size_t row)
{
    struct scenario *s = r->s;
    const cJSON *timeout, *var;
    enum rc rc;

    rc = each_read(r, row); /* its variables stand before all others */
    if (!rc)
        rc = read_aliases(r);
    if (!rc && cJSON_IsObject(json_get(s->tree, "vars")))
        rc = add_missing(s->vars, json_get(s->tree, "vars"));
    if (!rc)
        rc = includes_read(r);
    if (rc)
        return rc;
    cJSON_ArrayForEach(var, s->vars)
    {
        if (json_set(r->known, var->string, cJSON_CreateTrue()))
            return RC_NOMEM;
    }
    check_scenario(r);
    s->identities = json_get(s->tree, "identities");
    read_agents(s);
    s->hub = json_get(s->tree, "hub");
    timeout = json_get(s->tree, "timeout");
    if (!cJSON_IsString(timeout) || duration_read(str_from(timeout->valuestring), &s->timeout_us))
        s->timeout_us = SCENARIO_TIMEOUT_US;
    rc = read_list(r, json_get(s->tree, "steps"), (struct list){.into = &s->steps});
    return rc ? rc : check_subjects(r);
}

/* The absolute folder of a file; of what has none, such as /dev/stdin at the end of a pipe, the folder we are in. */
static char *folder_of(const char *file)
{
    char *real = realpath(file, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (!real && errno != ENOMEM)
        return getcwd(NULL, 0);

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

enum rc scenario_read(const char *file, size_t row, struct problems *problems, struct scenario **out)
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
    r.s->aliases = cJSON_CreateObject();
    r.s->vars = cJSON_CreateObject();
    r.known = cJSON_CreateObject();
    if (!r.s->file || !r.s->files || !r.s->aliases || !r.s->vars || !r.known)
        goto done;
    rc = read_file(&r);
    if (!rc)
        rc = read_members(&r, row);
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
    free(s->name);
    buf_done(&s->text);
    cJSON_Delete(s->tree);
    cJSON_Delete(s->files);
    cJSON_Delete(s->aliases);
    cJSON_Delete(s->vars);
    for (size_t i = 0; i < s->n_includes; i++) {
        free(s->includes[i].file);
        buf_done(&s->includes[i].text);
        cJSON_Delete(s->includes[i].tree);
    }
    free(s->includes);
    steps_free(&s->steps);
    free(s);
}

struct source scenario_source(const struct scenario *s)
{
    return (struct source){.file = s->file, .text = buf_view(&s->text)};
}
