/* explore_history.c - the oracle: walk through a history, and say what an agent must report. See explore_history.h. */
#include "explore_internal.h"

#include "alias.h"

void history_done(struct history *h)
{
    cJSON_Delete(h->start);
    cJSON_Delete(h->steps);
    cJSON_Delete(h->watched);
    *h = (struct history){NULL, NULL, NULL};
}

enum rc history_copy(const struct history *h, struct history *out)
{
    out->start = cJSON_Duplicate(h->start, true);
    out->steps = cJSON_Duplicate(h->steps, true);
    out->watched = h->watched ? cJSON_Duplicate(h->watched, true) : NULL;
    if (out->start && out->steps && (out->watched || !h->watched))
        return RC_OK;
    history_done(out);
    return RC_NOMEM;
}

const char *step_kind(const cJSON *step)
{
    return step && step->child && step->child->string ? step->child->string : "";
}

static bool is_kind(const cJSON *step, const char *kind)
{
    return strcmp(step_kind(step), kind) == 0;
}

bool step_is_check(const cJSON *step)
{
    return is_kind(step, "check");
}

/* ---- walking ---- */

/* Merge what is written by the model's names into the desired properties. */
static void walk_merge(struct walk *w, const cJSON *written)
{
    cJSON *patch = NULL;
    const cJSON *clash;
    enum rc rc;

    if (w->rc)
        return;
    rc = alias_expand(written, w->model->aliases, &patch, &clash);
    if (!rc)
        rc = json_merge(w->desired, patch);
    else if (rc == RC_EXISTS) /* never made; a hub would refuse it */
        rc = RC_OK;
    cJSON_Delete(patch);
    w->rc = rc;
}

void walk_begin(struct walk *w, const struct model *m, const cJSON *start)
{
    *w = (struct walk){.model = m, .desired = cJSON_CreateObject(), .agent_runs = true};
    w->rc = w->desired ? RC_OK : RC_NOMEM;
    walk_merge(w, start);
}

void walk_end(struct walk *w)
{
    cJSON_Delete(w->desired);
    w->desired = NULL;
}

/* A fault after which an agent cannot know all that it was to be told. */
static bool holds_back(const cJSON *step)
{
    static const struct {
        const char *type;
        bool is_notification; /* unless it says otherwise */
    } rows[] = {{"lose", true},  {"reorder", true},  {"delay", false},
                {"hold", false}, {"malform", false}, {"version", true}};
    const char *type = json_get_text(step, "fault"), *operation = json_get_text(step, "operation");

    for (size_t i = 0; type && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(type, rows[i].type) == 0)
            return operation ? strcmp(operation, "desired") == 0 : rows[i].is_notification;
    return false;
}

/* The agent connects anew, and so reads its twin, if it does what everybody should. */
static void reconnects(struct walk *w)
{
    if (w->notifications == NOTIFY_GAP)
        w->notifications = NOTIFY_ALL;
}

static bool walk_fault(struct walk *w, const cJSON *step)
{
    const char *type = json_get_text(step, "fault");

    bool is_cut = type && strcmp(type, "disconnect") == 0 && !json_get(step, "operation");

    w->is_armed = w->is_armed || !is_cut;
    if (holds_back(step))
        w->notifications = NOTIFY_SOME;
    else if (is_cut)
        reconnects(w);
    return true;
}

/* start, stop, kill and restart of the agent or the hub. */
static bool walk_process(struct walk *w, const cJSON *step)
{
    bool is_hub = strcmp(step->child->valuestring, "hub") == 0, starts = is_kind(step, "start");

    if (is_hub) {
        w->is_armed = false; /* it forgets all faults */
        reconnects(w);
        return is_kind(step, "restart"); /* while it is down nothing could be written */
    }
    if (starts && w->agent_runs)
        return false;
    w->agent_runs = starts || is_kind(step, "restart");
    if (w->agent_runs)
        reconnects(w);
    return true;
}

/* May this check stand here? */
static bool walk_can_check(const struct walk *w, const cJSON *check)
{
    const char *word = check->child->valuestring;
    bool is_about_calm = strcmp(word, "quiet") == 0 || strcmp(word, "idle") == 0 || strcmp(word, "calm") == 0;

    return !w->rc && w->agent_runs && w->notifications == NOTIFY_ALL && walk_values_are_valid(w) &&
           !(is_about_calm && w->is_armed);
}

bool walk_step(struct walk *w, const cJSON *step)
{
    if (is_kind(step, "desired")) {
        walk_merge(w, step->child);
    } else if (is_kind(step, "replace")) {
        cJSON_Delete(w->desired);
        w->desired = cJSON_CreateObject();
        w->rc = w->rc ? w->rc : w->desired ? RC_OK : RC_NOMEM;
        walk_merge(w, json_get(step->child, "desired"));
    } else if (is_kind(step, "fault")) {
        return walk_fault(w, step);
    } else if (is_kind(step, "clear")) {
        w->is_armed = false;
        if (w->notifications == NOTIFY_SOME)
            w->notifications = NOTIFY_GAP;
    } else if (is_kind(step, "start") || is_kind(step, "stop") || is_kind(step, "kill") || is_kind(step, "restart")) {
        return walk_process(w, step);
    } else if (step_is_check(step)) {
        return walk_can_check(w, step);
    }
    return true;
}

/* What a property holds; NULL: nothing, so its default counts. */
static const cJSON *held(const struct walk *w, const struct model_property *p)
{
    const cJSON *value = model_find(w->model, w->desired, p->set);

    return cJSON_IsNull(value) ? NULL : value;
}

bool walk_values_are_valid(const struct walk *w)
{
    for (size_t i = 0; i < w->model->count; i++) {
        const struct model_property *p = &w->model->at[i];
        const cJSON *value = held(w, p), *one;
        bool is_good = !value;

        cJSON_ArrayForEach(one, p->values)
        {
            is_good = is_good || json_eq(one, value);
        }
        if (!is_good)
            return false;
    }
    return true;
}

bool history_is_valid(const struct model *m, const struct history *h)
{
    const cJSON *step;
    bool is_valid = true, has_check = false;
    struct walk w;

    walk_begin(&w, m, h->start);
    cJSON_ArrayForEach(step, h->steps)
    {
        is_valid = is_valid && walk_step(&w, step);
        has_check = has_check || step_is_check(step);
    }
    is_valid = is_valid && has_check && !w.rc;
    walk_end(&w);
    return is_valid;
}

/* ---- what must be reported ---- */

/* A value as a pattern: itself, or a matcher that takes every spelling of it. NULL: no memory */
static cJSON *pattern_of(const struct model_property *p, const cJSON *value)
{
    cJSON *pattern;

    if (value && !p->equal)
        return cJSON_Duplicate(value, true);
    pattern = cJSON_CreateObject();
    if (!pattern ||
        json_set(pattern, value ? p->equal : "$absent", value ? cJSON_Duplicate(value, true) : cJSON_CreateTrue())) {
        cJSON_Delete(pattern);
        return NULL;
    }
    return pattern;
}

static bool holds_text(const cJSON *list, const char *text)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, list)
    {
        if (strcmp(one->valuestring, text) == 0)
            return true;
    }
    return false;
}

static bool is_watched(const struct history *h, const char *name)
{
    return !h->watched || holds_text(h->watched, name);
}

/* The twin as it stands before step number `end`. */
static void walk_to(struct walk *w, const struct model *m, const struct history *h, size_t end)
{
    const cJSON *step = h->steps->child;

    walk_begin(w, m, h->start);
    for (size_t i = 0; i < end && step; i++, step = step->next)
        (void)walk_step(w, step);
}

enum rc history_expects(const struct model *m, const struct history *h, size_t end, cJSON **out)
{
    cJSON *pattern = cJSON_CreateObject();
    struct walk w;
    enum rc rc;

    walk_to(&w, m, h, end);
    rc = w.rc ? w.rc : pattern ? RC_OK : RC_NOMEM;
    for (size_t i = 0; i < m->count && !rc; i++) {
        const struct model_property *p = &m->at[i];
        const cJSON *value = held(&w, p);

        if (is_watched(h, p->name))
            rc = json_set(pattern, p->reported, pattern_of(p, value ? value : p->otherwise));
    }
    walk_end(&w);
    if (rc)
        cJSON_Delete(pattern);
    else
        *out = pattern;
    return rc;
}

enum rc history_versions(const struct model *m, const struct history *h, size_t end, cJSON **out)
{
    cJSON *places = cJSON_CreateArray();
    struct walk w;
    enum rc rc;

    walk_to(&w, m, h, end);
    rc = w.rc ? w.rc : places ? RC_OK : RC_NOMEM;
    for (size_t i = 0; i < m->count && !rc; i++) {
        const struct model_property *p = &m->at[i];
        cJSON *one;

        if (!p->applied || !is_watched(h, p->name) || holds_text(places, p->applied) ||
            (!m->has_one_version && !held(&w, p)))
            continue;
        one = json_str(str_from(p->applied));
        if (!one || !cJSON_AddItemToArray(places, one)) {
            cJSON_Delete(one);
            rc = RC_NOMEM;
        }
    }
    walk_end(&w);
    if (rc)
        cJSON_Delete(places);
    else
        *out = places;
    return rc;
}
