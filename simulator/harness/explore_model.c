/* explore_model.c - see explore_model.h. */
#include "explore_model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "alias.h"
#include "files.h"
#include "ident.h"
#include "iso_time.h"
#include "suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
    struct model *m;
    struct source source;
    struct problems *problems;
};

/* ---- members ---- */

static void check_known(struct reading *r, const cJSON *object, const char *what, const char *const *names,
                        size_t count)
{
    char meant[SUGGEST_TEXT_MAX];
    const cJSON *member;

    cJSON_ArrayForEach(member, object)
    {
        size_t i = 0;

        while (i < count && strcmp(names[i], member->string) != 0)
            i++;
        if (i == count)
            problems_at_key(r->problems, &r->source, member, "%s has no member '%s'%s", what, member->string,
                            suggest_text(str_from(member->string), names, count, meant));
    }
}

/* A text member; fallback when it is not there. */
static const char *take_text(struct reading *r, const cJSON *object, const char *name, const char *fallback)
{
    const cJSON *node = json_get(object, name);

    if (!node)
        return fallback;
    if (!cJSON_IsString(node) || node->valuestring[0] == '\0') {
        problems_at(r->problems, &r->source, node, "'%s' is a text, not empty", name);
        return fallback;
    }
    return node->valuestring;
}

static const cJSON *take_array(struct reading *r, const cJSON *object, const char *name)
{
    const cJSON *node = json_get(object, name);

    if (node && (!cJSON_IsArray(node) || !node->child)) {
        problems_at(r->problems, &r->source, node, "'%s' is a list, not empty", name);
        return NULL;
    }
    return node;
}

static const cJSON *take_names(struct reading *r, const cJSON *object, const char *name)
{
    const cJSON *list = take_array(r, object, name), *one;

    cJSON_ArrayForEach(one, list)
    {
        if (!cJSON_IsString(one) || one->valuestring[0] == '\0')
            problems_at(r->problems, &r->source, one, "'%s' is a list of names", name);
    }
    return list;
}

static const char *take_duration(struct reading *r, const cJSON *object, const char *name, const char *fallback)
{
    const char *text = take_text(r, object, name, fallback);
    int64_t us;

    if (text && (duration_read(str_from(text), &us) || us == 0))
        problems_at(r->problems, &r->source, json_get(object, name), "'%s' is a duration such as 3s", name);
    return text;
}

static void check_aliases(struct reading *r, const cJSON *aliases)
{
    const cJSON *one;
    const char *what;

    if (aliases && !cJSON_IsObject(aliases))
        problems_at(r->problems, &r->source, aliases, "'aliases' is an object: name to place");
    cJSON_ArrayForEach(one, aliases)
    {
        if (!cJSON_IsString(one))
            problems_at(r->problems, &r->source, one, "an alias stands for a place, a text");
        else if (!alias_is_valid(str_from(one->string), str_from(one->valuestring), &what))
            problems_at(r->problems, &r->source, one, "%s", what);
    }
}

/* ---- properties ---- */

/* The template with the property's name in the place of its '*'. NULL: no memory */
static char *name_of(const char *template, const char *name)
{
    struct str rest = str_from(template), before = str_cut(&rest, '*');
    struct buf out;

    buf_init(&out, 0);
    buf_add(&out, before);
    if (rest.at) {
        buf_add(&out, str_from(name));
        buf_add(&out, rest);
    }
    return buf_take(&out, NULL);
}

/* The property's own word counts before the model's; what is not said is where it is written. */
static enum rc take_place(struct reading *r, const cJSON *node, const char *which, const char *property, char **out)
{
    const char *written = take_text(r, r->m->tree, "set", "*");
    const char *template = take_text(r, r->m->tree, which, written);

    template = take_text(r, node, which, take_text(r, node, "set", template));
    *out = name_of(template, property);
    return *out ? RC_OK : RC_NOMEM;
}

/* The place of the version: nobody's, unless the model or the property says one. */
static enum rc take_applied(struct reading *r, const cJSON *node, struct model_property *p)
{
    const char *template = take_text(r, node, "applied", take_text(r, r->m->tree, "applied", NULL));

    if (template)
        p->applied = name_of(template, p->name);
    return template && !p->applied ? RC_NOMEM : RC_OK;
}

/* An update is an object: a place that is written must be one that an alias or a key without dots names. */
static void check_place(struct reading *r, const cJSON *node, const char *place)
{
    struct buf out;

    buf_init(&out, 0);
    if (!alias_place(r->m->aliases, str_from(place), &out) && strchr(place, '.'))
        problems_at_key(r->problems, &r->source, node, "'%s' is no alias, and so no place that can be written", place);
    buf_done(&out);
}

static bool is_among(const cJSON *list, const cJSON *value)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, list)
    {
        if (json_eq(one, value))
            return true;
    }
    return false;
}

static void check_values(struct reading *r, const struct model_property *p)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, p->values)
    {
        if (cJSON_IsNull(one))
            problems_at(r->problems, &r->source, one, "null removes a property; it is no value");
        if (is_among(p->invalid, one))
            problems_at(r->problems, &r->source, one, "a value is valid or invalid, not both");
    }
    if (p->equal && strcmp(p->equal, "$duration") != 0 && strcmp(p->equal, "$nocase") != 0)
        problems_add(r->problems, &r->source, 0, "'equal' is $duration or $nocase, not '%s'", p->equal);
}

static enum rc read_property(struct reading *r, const cJSON *node)
{
    static const char *const names[] = {"set",    "remove",  "reported", "applied",
                                        "values", "invalid", "default",  "equal"};
    struct model_property *p = &r->m->at[r->m->count];

    if (!cJSON_IsObject(node)) {
        problems_at(r->problems, &r->source, node, "a property is an object with 'values'");
        return RC_OK;
    }
    r->m->count++; /* from here on model_free sees to it */
    check_known(r, node, "a property", names, COUNT(names));
    p->name = node->string;
    p->values = take_array(r, node, "values");
    p->invalid = take_array(r, node, "invalid");
    p->otherwise = json_get(node, "default");
    if (cJSON_IsNull(p->otherwise))
        p->otherwise = NULL;
    p->equal = take_text(r, node, "equal", NULL);
    if (!p->values && !json_get(node, "values"))
        problems_at_key(r->problems, &r->source, node, "the property '%s' has no 'values'", p->name);
    check_values(r, p);
    if (take_place(r, node, "set", p->name, &p->set) || take_place(r, node, "remove", p->name, &p->remove) ||
        take_place(r, node, "reported", p->name, &p->reported) || take_applied(r, node, p))
        return RC_NOMEM;
    check_place(r, node, p->set);
    check_place(r, node, p->remove);
    return RC_OK;
}

static enum rc read_properties(struct reading *r)
{
    const cJSON *properties = json_get(r->m->tree, "properties"), *node;
    int count = cJSON_GetArraySize(properties);
    enum rc rc = RC_OK;

    if (!cJSON_IsObject(properties) || count < 1 || count > (int)MODEL_PROPERTIES_MAX) {
        problems_at(r->problems, &r->source, properties, "'properties' is an object, name to property, 1 to %u of them",
                    MODEL_PROPERTIES_MAX);
        return RC_OK;
    }
    r->m->at = calloc((size_t)count, sizeof *r->m->at);
    if (!r->m->at)
        return RC_NOMEM;
    cJSON_ArrayForEach(node, properties)
    {
        if (!rc)
            rc = read_property(r, node);
    }
    return rc;
}

/* ---- all of it ---- */

static void check_faults(struct reading *r, const cJSON *faults)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, faults)
    {
        if (!cJSON_IsString(json_get(one, "fault")))
            problems_at(r->problems, &r->source, one, "a fault is a step: {\"fault\":\"duplicate\",...}");
    }
}

static enum rc read_members(struct reading *r)
{
    static const char *const names[] = {"$schema",  "name",      "as",         "aliases", "set",   "remove",
                                        "reported", "objects",   "ignored",    "faults",  "agent", "within",
                                        "quiet",    "idleCpuMs", "properties", "applied"};
    struct model *m = r->m;
    const cJSON *node;
    struct ident id;

    if (!cJSON_IsObject(m->tree)) {
        problems_at(r->problems, &r->source, m->tree, "a model is an object");
        return RC_OK;
    }
    check_known(r, m->tree, "a model", names, COUNT(names));
    (void)take_text(r, m->tree, "name", NULL);
    m->as = take_text(r, m->tree, "as", "edge-1/agent");
    if (ident_read(str_from(m->as), &id))
        problems_at(r->problems, &r->source, json_get(m->tree, "as"), "'%s' is no identity", m->as);
    m->aliases = json_get(m->tree, "aliases");
    check_aliases(r, m->aliases);
    m->objects = take_names(r, m->tree, "objects");
    m->ignored = take_names(r, m->tree, "ignored");
    m->faults = take_array(r, m->tree, "faults");
    check_faults(r, m->faults);
    m->agent = json_get(m->tree, "agent");
    if (m->agent && (!cJSON_IsObject(m->agent) || json_get(m->agent, "as")))
        problems_at(r->problems, &r->source, m->agent, "'agent' holds members of a scenario's agent, but not its 'as'");
    m->has_one_version = !strchr(take_text(r, m->tree, "applied", "*"), '*');
    m->within = take_duration(r, m->tree, "within", "3s");
    m->quiet = take_duration(r, m->tree, "quiet", NULL);
    node = json_get(m->tree, "idleCpuMs");
    if (node && (!cJSON_IsNumber(node) || node->valuedouble < 1 || node->valuedouble > 1e6))
        problems_at(r->problems, &r->source, node, "'idleCpuMs' is a number of milliseconds");
    else if (node)
        m->idle_cpu_ms = (long)node->valuedouble;
    if (m->idle_cpu_ms && !m->quiet)
        problems_at(r->problems, &r->source, node, "'idleCpuMs' is measured during 'quiet', which is missing");
    return r->problems->count ? RC_OK : read_properties(r);
}

enum rc model_read(const char *file, struct str text, struct problems *problems, struct model **out)
{
    struct model *m = calloc(1, sizeof *m);
    struct reading r = {.m = m, .problems = problems};
    struct json_error error;
    unsigned before = problems->count;
    enum rc rc;

    if (!m)
        return RC_NOMEM;
    buf_init(&m->text, MODEL_FILE_MAX);
    buf_add(&m->text, text);
    m->file = str_dup(str_from(file));
    rc = !m->file || !buf_ok(&m->text) ? RC_NOMEM : RC_OK;
    r.source = (struct source){.file = file, .text = buf_view(&m->text)};
    if (!rc)
        rc = json_read_commented(r.source.text, &m->tree, &error);
    if (rc == RC_SYNTAX || rc == RC_LIMIT) {
        problems_add(problems, &r.source, error.offset, "%s", error.what);
        rc = RC_SYNTAX;
    }
    if (!rc)
        rc = read_members(&r);
    if (!rc && problems->count > before)
        rc = RC_SYNTAX;
    if (rc)
        model_free(m);
    else
        *out = m;
    return rc;
}

enum rc model_read_file(const char *file, struct problems *problems, struct model **out)
{
    struct source nothing = {.file = file, .text = STR("")};
    struct buf text;
    enum rc rc;

    buf_init(&text, MODEL_FILE_MAX);
    rc = file_read(file, &text);
    if (rc == RC_OK)
        rc = model_read(file, buf_view(&text), problems, out);
    else if (rc != RC_NOMEM) {
        problems_add(problems, &nothing, 0, "cannot be read: %s", rc == RC_IO ? strerror(errno) : rc_text(rc));
        rc = RC_SYNTAX;
    }
    buf_done(&text);
    return rc;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++) {
        free(m->at[i].set);
        free(m->at[i].remove);
        free(m->at[i].reported);
        free(m->at[i].applied);
    }
    free(m->at);
    cJSON_Delete(m->tree);
    buf_done(&m->text);
    free(m->file);
    free(m);
}

void model_place(const struct model *m, const char *name, struct buf *out)
{
    if (!alias_place(m->aliases, str_from(name), out))
        buf_add(out, str_from(name));
}

const cJSON *model_find(const struct model *m, const cJSON *section, const char *name)
{
    const cJSON *found = NULL;
    struct buf place;

    buf_init(&place, 0);
    model_place(m, name, &place);
    if (buf_ok(&place))
        found = json_at_path(section, buf_view(&place));
    buf_done(&place);
    return found;
}
