/* explore_generate.c - random lives of a twin. See explore_history.h.
 *
 * Each history draws a few properties and the weights of what happens, and then does that: whoever does everything a little meets
 * nothing twice. All chance comes from one number, so a history can be made again.
 */
#include "explore_internal.h"

#include <assert.h>
#include <stdio.h>

#define FOCUS_MAX 4u /* properties that a history is about */
#define BURST_MAX 12u

enum action {
    SET_ONE,
    SET_SOME,
    REMOVE_ONE,
    REMOVE_OBJECT,
    EMPTY_OBJECT,
    REPLACE,
    IGNORED,
    INVALID,
    BURST,
    DISCONNECT,
    DISCONNECT_THEN_CHANGE,
    RESTART_AGENT,
    CHANGE_WHILE_AWAY,
    RESTART_HUB,
    FAULT,
    CHECK,
    ACTIONS
};

/* How often of each, when it is drawn at all. */
static const unsigned weights[ACTIONS] = {
    [SET_ONE] = 24,
    [SET_SOME] = 10,
    [REMOVE_ONE] = 20,
    [REMOVE_OBJECT] = 4,
    [EMPTY_OBJECT] = 4,
    [REPLACE] = 5,
    [IGNORED] = 5,
    [INVALID] = 4,
    [BURST] = 4,
    [DISCONNECT] = 5,
    [DISCONNECT_THEN_CHANGE] = 8,
    [RESTART_AGENT] = 2,
    [CHANGE_WHILE_AWAY] = 6,
    [RESTART_HUB] = 3,
    [FAULT] = 12,
    [CHECK] = 14,
};

struct maker {
    const struct model *m;
    uint64_t state;
    cJSON *steps;
    struct walk walk;
    size_t focus[FOCUS_MAX], n_focus;
    unsigned weight[ACTIONS], total;
    bool is_late; /* a message may still be under way by a fault */
    enum rc rc;
};

/* splitmix64: good from the first number on, whatever the seed. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t below(struct maker *k, size_t limit)
{
    assert(limit > 0);
    return (size_t)(next_random(&k->state) >> 33) % limit;
}

static const cJSON *any_of(struct maker *k, const cJSON *list)
{
    return cJSON_GetArrayItem(list, (int)below(k, (size_t)cJSON_GetArraySize(list)));
}

/* ---- steps ---- */

/* Take a step over and do it. */
static void add(struct maker *k, cJSON *step)
{
    if (!step || k->rc || !cJSON_AddItemToArray(k->steps, step)) {
        cJSON_Delete(step);
        k->rc = RC_NOMEM;
        return;
    }
    (void)walk_step(&k->walk, step);
    k->rc = k->walk.rc;
}

static cJSON *step_of(const char *kind, cJSON *value)
{
    cJSON *step = cJSON_CreateObject();

    if (step && json_set(step, kind, value) == RC_OK)
        return step;
    if (!step)
        cJSON_Delete(value);
    cJSON_Delete(step);
    return NULL;
}

static void add_word(struct maker *k, const char *kind, const char *word)
{
    add(k, step_of(kind, json_str(str_from(word))));
}

static const struct model_property *any_property(struct maker *k)
{
    return &k->m->at[k->focus[below(k, k->n_focus)]];
}

static void put(struct maker *k, cJSON *names, const char *name, const cJSON *value)
{
    if (!names || json_set(names, name, value ? cJSON_Duplicate(value, true) : cJSON_CreateNull()))
        k->rc = RC_NOMEM;
}

static void put_any_value(struct maker *k, cJSON *names)
{
    const struct model_property *p = any_property(k);

    put(k, names, p->set, any_of(k, p->values));
}

static void set_some(struct maker *k, size_t count)
{
    cJSON *names = cJSON_CreateObject();

    while (count--)
        put_any_value(k, names);
    add(k, step_of("desired", names));
}

/* Would it be another value than what counts now, however spelled? */
static bool is_other(const struct maker *k, const struct model_property *p, const cJSON *value)
{
    const cJSON *now = model_find(k->m, k->walk.desired, p->set);

    now = now ? now : p->otherwise;
    if (cJSON_IsString(now) && cJSON_IsString(value))
        return !str_eq_nocase(str_from(now->valuestring), str_from(value->valuestring));
    return !json_eq(now, value);
}

/* A change that is one: what is reported after it tells that the agent is there. */
static void set_another(struct maker *k)
{
    const struct model_property *p = any_property(k);
    const cJSON *value = any_of(k, p->values);
    cJSON *names = cJSON_CreateObject();

    for (int tries = 0; tries < 16 && !is_other(k, p, value); tries++) {
        p = any_property(k);
        value = any_of(k, p->values);
    }
    put(k, names, p->set, value);
    add(k, step_of("desired", names));
}

static void remove_one(struct maker *k)
{
    const struct model_property *p = any_property(k);
    cJSON *names = cJSON_CreateObject();

    for (int tries = 0; tries < 4 && !model_find(k->m, k->walk.desired, p->set); tries++)
        p = any_property(k); /* better one that is there */
    put(k, names, p->remove, NULL);
    add(k, step_of("desired", names));
}

static void write_object(struct maker *k, bool is_removed)
{
    const cJSON *object;
    cJSON *names = cJSON_CreateObject(), *empty = is_removed ? NULL : cJSON_CreateObject();

    object = any_of(k, k->m->objects);
    put(k, names, object->valuestring, empty);
    cJSON_Delete(empty);
    add(k, step_of("desired", names));
}

static void replace(struct maker *k)
{
    cJSON *names = cJSON_CreateObject();

    for (size_t count = below(k, k->n_focus + 1); count; count--)
        put_any_value(k, names);
    add(k, step_of("replace", step_of("desired", names)));
}

static void write_ignored(struct maker *k)
{
    static const char *const values[] = {"1", "true", "null", "\"text\"", "{}", "{\"deep\":{\"er\":[1,2]}}"};
    cJSON *names = cJSON_CreateObject(), *value = NULL;

    if (json_read(str_from(values[below(k, sizeof values / sizeof values[0])]), &value, NULL))
        k->rc = RC_NOMEM;
    else
        put(k, names, any_of(k, k->m->ignored)->valuestring, value);
    cJSON_Delete(value);
    if (below(k, 2))
        put_any_value(k, names);
    add(k, step_of("desired", names));
}

static void set_invalid(struct maker *k)
{
    for (size_t i = 0; i < k->n_focus; i++) {
        const struct model_property *p = &k->m->at[k->focus[i]];
        cJSON *names;

        if (!p->invalid)
            continue;
        names = cJSON_CreateObject();
        put(k, names, p->set, any_of(k, p->invalid));
        if (below(k, 2))
            put_any_value(k, names);
        add(k, step_of("desired", names));
        return;
    }
    set_some(k, 1);
}

static void change(struct maker *k)
{
    if (below(k, 3))
        set_some(k, 1 + below(k, 2));
    else
        remove_one(k);
}

/* ---- checks ---- */

/* What no agent takes is set right, so that there is something to agree on. */
static void repair(struct maker *k)
{
    cJSON *names = cJSON_CreateObject();

    if (walk_values_are_valid(&k->walk)) {
        cJSON_Delete(names);
        return;
    }
    for (size_t i = 0; i < k->m->count; i++) {
        const struct model_property *p = &k->m->at[i];
        const cJSON *value = model_find(k->m, k->walk.desired, p->set), *one;
        bool is_good = !value;

        cJSON_ArrayForEach(one, p->values)
        {
            is_good = is_good || json_eq(one, value);
        }
        if (!is_good)
            put(k, names, p->set, any_of(k, p->values));
    }
    add(k, step_of("desired", names));
}

/* The agent gets its chance to know everything. */
static void make_known(struct maker *k)
{
    if (k->walk.notifications == NOTIFY_SOME)
        add_word(k, "clear", "faults");
    if (k->walk.notifications == NOTIFY_GAP)
        add_word(k, "restart", "agent");
    if (k->is_late)
        add_word(k, "wait", "300ms");
    k->is_late = false;
}

static void check(struct maker *k, const char *word)
{
    repair(k);
    make_known(k);
    add_word(k, "check", word);
}

/* ---- what happens ---- */

/* A connection is cut only while there is one: when an agent that was right reports a change, it is there. */
static void disconnect(struct maker *k)
{
    check(k, "converged");
    set_another(k);
    check(k, "converged");
    add_word(k, "fault", "disconnect");
}

static void change_while_away(struct maker *k)
{
    add_word(k, below(k, 2) ? "stop" : "kill", "agent");
    for (size_t count = 1 + below(k, 3); count; count--)
        change(k);
    add_word(k, "start", "agent");
}

/* What follows a fault is about one property, so that it matters which of two messages comes last. */
static void fault(struct maker *k)
{
    const cJSON *step = any_of(k, k->m->faults);
    size_t n_focus = k->n_focus, at = below(k, n_focus), first = k->focus[0];

    add(k, cJSON_Duplicate(step, true));
    k->focus[0] = k->focus[at];
    k->focus[at] = first;
    k->n_focus = 1;
    for (size_t count = 1 + below(k, 3); count; count--) {
        if (below(k, 3))
            set_another(k);
        else
            remove_one(k);
    }
    k->n_focus = n_focus;
    k->is_late = true;
}

static void act(struct maker *k, enum action action)
{
    switch (action) {
    case SET_ONE:
        set_some(k, 1);
        break;
    case SET_SOME:
        set_some(k, 2 + below(k, 4));
        break;
    case REMOVE_ONE:
        remove_one(k);
        break;
    case REMOVE_OBJECT:
    case EMPTY_OBJECT:
        write_object(k, action == REMOVE_OBJECT);
        break;
    case REPLACE:
        replace(k);
        break;
    case IGNORED:
        write_ignored(k);
        break;
    case INVALID:
        set_invalid(k);
        break;
    case BURST:
        for (size_t count = 3 + below(k, BURST_MAX - 3); count; count--)
            change(k);
        break;
    case DISCONNECT:
        disconnect(k);
        break;
    case DISCONNECT_THEN_CHANGE:
        disconnect(k);
        change(k);
        break;
    case RESTART_AGENT:
        add_word(k, "restart", "agent");
        break;
    case CHANGE_WHILE_AWAY:
        change_while_away(k);
        break;
    case RESTART_HUB:
        add_word(k, "restart", "hub");
        break;
    case FAULT:
        fault(k);
        break;
    case CHECK:
    case ACTIONS:
        check(k, "converged");
        break;
    }
}

/* ---- a whole history ---- */

/* Half of all kinds of things happen in it; a change and a check always do. */
static void draw_weights(struct maker *k)
{
    for (size_t i = 0; i < ACTIONS; i++) {
        bool can = !((i == REMOVE_OBJECT || i == EMPTY_OBJECT) && !k->m->objects) &&
                   !(i == IGNORED && !k->m->ignored) && !(i == FAULT && !k->m->faults);
        bool must = i == SET_ONE || i == CHECK;

        k->weight[i] = can && (below(k, 2) || must) ? weights[i] : 0;
        k->total += k->weight[i];
    }
}

static enum action draw_action(struct maker *k)
{
    size_t at = below(k, k->total), i = 0;

    while (at >= k->weight[i])
        at -= k->weight[i++];
    return (enum action)i;
}

static void draw_focus(struct maker *k)
{
    k->n_focus = 1 + below(k, FOCUS_MAX);
    for (size_t i = 0; i < k->n_focus; i++)
        k->focus[i] = below(k, k->m->count);
}

/* Half of them begin with nothing. */
static void draw_start(struct maker *k, cJSON *start)
{
    if (below(k, 2) == 0)
        return;
    for (size_t i = 0; i < k->n_focus; i++)
        put_any_value(k, start);
}

enum rc history_make(const struct model *m, uint64_t seed, uint64_t index, unsigned max_steps, struct history *out)
{
    struct maker k = {.m = m, .state = seed};
    struct history h = {.start = cJSON_CreateObject(), .steps = cJSON_CreateArray()};

    k.state = next_random(&k.state) + index; /* neighbours of one seed are far from those of the next */
    (void)next_random(&k.state);
    k.steps = h.steps;
    k.rc = h.start && h.steps ? RC_OK : RC_NOMEM;
    draw_focus(&k);
    draw_weights(&k);
    draw_start(&k, h.start);
    walk_begin(&k.walk, m, h.start);
    if (!k.rc)
        check(&k, "converged");
    while (!k.rc && (unsigned)cJSON_GetArraySize(h.steps) < max_steps)
        act(&k, draw_action(&k));
    check(&k, "converged");
    if (m->quiet && k.walk.is_armed)
        add_word(&k, "clear", "faults");
    if (m->quiet) { /* a change that is reported tells that the agent is connected and has nothing left to do */
        set_another(&k);
        check(&k, "converged");
        check(&k, "calm");
        check(&k, "converged");
    }
    walk_end(&k.walk);
    if (k.rc)
        history_done(&h);
    else
        *out = h;
    return k.rc;
}
