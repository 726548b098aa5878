/* explore_print.c - a history as a scenario file, as a person would have written it: a line a step. See explore_history.h. */
#include "explore_internal.h"

#include <stdio.h>

#include "alias.h"

#define SETTLE   "200ms" /* what was under way when a twin became right may still end */
#define A_MOMENT "300ms"
#define LATE     "500ms" /* what a fault keeps back for a while has come by then */

/* ---- JSON as people write it: { "a": 1, "b": [1, 2] } ---- */

static void print_value(struct buf *out, const cJSON *node);

static void print_members(struct buf *out, const cJSON *node)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, node)
    {
        if (member != node->child)
            buf_add(out, STR(", "));
        if (cJSON_IsObject(node)) {
            json_print_string(out, str_from(member->string));
            buf_add(out, STR(": "));
        }
        print_value(out, member);
    }
}

static void print_value(struct buf *out, const cJSON *node)
{
    bool is_object = cJSON_IsObject(node);

    if (!is_object && !cJSON_IsArray(node)) {
        json_print(out, node);
        return;
    }
    if (!node->child) {
        buf_add(out, is_object ? STR("{}") : STR("[]"));
        return;
    }
    buf_add(out, is_object ? STR("{ ") : STR("["));
    print_members(out, node);
    buf_add(out, is_object ? STR(" }") : STR("]"));
}

/* ---- checks ---- */

/* Add a step of one or two members: {name: value, with: text}. Takes value over. */
static enum rc add_step(cJSON *into, const char *name, cJSON *value, const char *with, const char *text)
{
    cJSON *step = cJSON_CreateObject();

    if (!step || json_set(step, name, value) || (with && json_set(step, with, json_str(str_from(text)))) ||
        !cJSON_AddItemToArray(into, step)) {
        cJSON_Delete(step);
        return RC_NOMEM;
    }
    return RC_OK;
}

static enum rc add_text_step(cJSON *into, const char *name, const char *value, const char *with, const char *text)
{
    return add_step(into, name, json_str(str_from(value)), with, text);
}

static cJSON *object_of(const char *name, cJSON *value)
{
    cJSON *object = cJSON_CreateObject();

    if (object && json_set(object, name, value) == RC_OK)
        return object;
    if (!object)
        cJSON_Delete(value);
    cJSON_Delete(object);
    return NULL;
}

static enum rc add_converged(const struct model *m, const struct history *h, size_t at, cJSON *into)
{
    cJSON *pattern = NULL, *twin;
    enum rc rc = history_expects(m, h, at, &pattern);

    if (rc)
        return rc;
    twin = object_of("reported", pattern);
    return twin ? add_step(into, "twin", twin, "within", m->within) : RC_NOMEM;
}

/* Tags are no business of a device: writing one only puts the cursor here, so that `never` looks at what comes now. */
static enum rc add_mark(cJSON *into)
{
    cJSON *tags = object_of("now", json_i64(1));

    return tags ? add_step(into, "tags", tags, NULL, NULL) : RC_NOMEM;
}

/* The twin is right and tells a version; what comes from now on may tell no older one. */
static enum rc add_versions(const struct model *m, const struct history *h, size_t at, cJSON *into)
{
    cJSON *places = NULL, *save = cJSON_CreateObject(), *twin_step, *reported;
    const cJSON *place;
    unsigned n = 0;
    enum rc rc = history_versions(m, h, at, &places);

    if (!rc)
        rc = add_converged(m, h, at, into);
    twin_step = cJSON_GetArrayItem(into, cJSON_GetArraySize(into) - 1);
    reported = rc ? NULL : json_get(json_get(twin_step, "twin"), "reported");
    cJSON_ArrayForEach(place, places)
    {
        char name[16];
        struct buf path;

        (void)snprintf(name, sizeof name, "v%u", ++n);
        buf_init(&path, 0);
        buf_add(&path, STR("$.properties.reported."));
        model_place(m, place->valuestring, &path);
        if (!rc)
            rc = json_set(reported, place->valuestring, object_of("$gte", json_i64(1)));
        if (!rc)
            rc = json_set(save, name, buf_ok(&path) ? json_str(buf_view(&path)) : NULL);
        buf_done(&path);
    }
    if (!rc && n) {
        rc = json_set(twin_step, "save", save);
        save = NULL;
    }
    if (!rc && n)
        rc = add_mark(into);
    n = 0;
    cJSON_ArrayForEach(place, places)
    {
        char name[16];
        cJSON *older;

        (void)snprintf(name, sizeof name, "${v%u}", ++n);
        older = object_of("never", json_str(STR("reported")));
        if (rc || !older ||
            json_set(older, "match", object_of(place->valuestring, object_of("$lt", json_str(str_from(name))))) ||
            json_set(older, "for", json_str(n == 1 ? STR(LATE) : STR("1ms"))) || !cJSON_AddItemToArray(into, older)) {
            cJSON_Delete(older);
            rc = rc ? rc : RC_NOMEM;
        }
    }
    cJSON_Delete(save);
    cJSON_Delete(places);
    return rc;
}

static enum rc add_idle(const struct model *m, cJSON *into)
{
    cJSON *limit = object_of("cpuMs", object_of("$lt", json_i64(m->idle_cpu_ms)));

    return limit ? add_step(into, "usage", limit, "over", m->quiet) : RC_NOMEM;
}

/* The scenario's steps that a step of a history stands for. */
static enum rc add_expanded(const struct model *m, const struct history *h, const cJSON *step, size_t at, cJSON *into)
{
    const char *word = step_is_check(step) ? step->child->valuestring : "";
    bool is_calm = strcmp(word, "calm") == 0, is_idle = is_calm || strcmp(word, "idle") == 0,
         is_quiet = is_calm || strcmp(word, "quiet") == 0;
    cJSON *copy;
    enum rc rc = RC_OK;

    if (!step_is_check(step)) {
        copy = cJSON_Duplicate(step, true);
        if (copy && cJSON_AddItemToArray(into, copy))
            return RC_OK;
        cJSON_Delete(copy);
        return RC_NOMEM;
    }
    if (strcmp(word, "converged") == 0)
        return add_converged(m, h, at, into);
    if (strcmp(word, "versions") == 0)
        return add_versions(m, h, at, into);
    is_idle = is_idle && m->idle_cpu_ms;
    if (!m->quiet || (!is_idle && !is_quiet))
        return add_text_step(into, "wait", A_MOMENT, NULL, NULL);
    rc = add_text_step(into, "wait", SETTLE, NULL, NULL);
    if (!rc && is_quiet)
        rc = add_mark(into);
    if (!rc && is_idle)
        rc = add_idle(m, into);
    if (!rc && is_quiet)
        rc = add_text_step(into, "never", "reported", "for", is_idle ? "1ms" : m->quiet);
    return rc;
}

/* All steps as the scenario has them. NULL: no memory. step_of, if not NULL: the step of the history that number `upto` belongs to; nothing behind it is made */
static cJSON *expand(const struct model *m, const struct history *h, size_t upto, size_t *step_of)
{
    cJSON *steps = cJSON_CreateArray();
    const cJSON *step;
    size_t i = 0;
    enum rc rc = steps ? RC_OK : RC_NOMEM;

    cJSON_ArrayForEach(step, h->steps)
    {
        if (!rc)
            rc = add_expanded(m, h, step, i, steps);
        if (step_of && !rc && (size_t)cJSON_GetArraySize(steps) > upto) {
            *step_of = i;
            break;
        }
        i++;
    }
    if (!rc)
        return steps;
    cJSON_Delete(steps);
    return NULL;
}

size_t history_step_of(const struct model *m, const struct history *h, size_t step)
{
    size_t found = (size_t)cJSON_GetArraySize(h->steps);
    cJSON *steps = expand(m, h, step, &found);

    cJSON_Delete(steps);
    return found;
}

/* ---- aliases: only those that are used ---- */

/* Mark the alias that a name is written through, if it is. */
static void use_alias(const cJSON *aliases, const char *name, cJSON *used)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, aliases)
    {
        cJSON *alone = object_of(one->string, cJSON_Duplicate(one, true));
        struct buf place;
        bool fits;

        buf_init(&place, 0);
        fits = alone && alias_place(alone, str_from(name), &place);
        buf_done(&place);
        if (!fits) {
            cJSON_Delete(alone);
            continue;
        }
        if (!json_get(used, one->string))
            (void)!json_set(used, one->string, cJSON_Duplicate(one, true)); /* without memory the print fails, too */
        cJSON_Delete(alone);
        return;
    }
}

static void use_aliases(const cJSON *aliases, const cJSON *names, cJSON *used)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, names)
    {
        if (member->string)
            use_alias(aliases, member->string, used);
    }
}

/* NULL: no memory */
static cJSON *used_aliases(const struct model *m, const struct history *h, const cJSON *steps)
{
    cJSON *used = cJSON_CreateObject();
    const cJSON *step;

    use_aliases(m->aliases, h->start, used);
    cJSON_ArrayForEach(step, steps)
    {
        use_aliases(m->aliases, json_get(step, "desired"), used);
        use_aliases(m->aliases, json_get(json_get(step, "replace"), "desired"), used);
        use_aliases(m->aliases, json_get(json_get(step, "twin"), "reported"), used);
        use_aliases(m->aliases, json_get(step, "match"), used);
    }
    return used;
}

/* ---- the file ---- */

static void print_identity(const struct model *m, const struct history *h, struct buf *out)
{
    buf_add(out, STR("  \"identities\": { "));
    json_print_string(out, str_from(m->as));
    buf_add(out, STR(": {"));
    if (h->start->child) {
        buf_add(out, STR(" \"desired\": "));
        print_value(out, h->start);
        buf_add_char(out, ' ');
    }
    buf_add(out, STR("} },\n  \"agent\": { \"as\": "));
    json_print_string(out, str_from(m->as));
    if (m->agent && m->agent->child) {
        buf_add(out, STR(", "));
        print_members(out, m->agent);
    }
    buf_add(out, STR(" },\n"));
}

void history_print(const struct model *m, const struct history *h, const char *name, const char *comment,
                   struct buf *out)
{
    cJSON *steps = expand(m, h, 0, NULL), *aliases = used_aliases(m, h, steps);
    struct str rest = str_from(comment);
    const cJSON *step;

    while (rest.at) {
        struct str line = str_cut(&rest, '\n');

        buf_addf(out, "// %.*s\n", STR_FMT(line));
    }
    buf_add(out, STR("{ \"name\": "));
    json_print_string(out, str_from(name));
    buf_add(out, STR(",\n"));
    print_identity(m, h, out);
    buf_add(out, STR("  \"steps\": ["));
    cJSON_ArrayForEach(step, steps)
    {
        buf_add(out, step == steps->child ? STR("\n    ") : STR(",\n    "));
        print_value(out, step);
    }
    buf_add(out, STR(" ]"));
    if (aliases && aliases->child) {
        buf_add(out, STR(",\n  \"aliases\": "));
        print_value(out, aliases);
    }
    buf_add(out, STR(" }\n"));
    if ((!steps || !aliases) && buf_ok(out))
        out->rc = RC_NOMEM;
    cJSON_Delete(aliases);
    cJSON_Delete(steps);
}
