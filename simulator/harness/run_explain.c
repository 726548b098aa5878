/* run_explain.c - what a step says when it is red: what was wrong, what came nearest, what differs, what else was seen. */
#include "run_internal.h"

#include <stdarg.h>
#include <stdio.h>

#define EVENT_SHORT 600u
#define KINDS_MAX   32u

/* Where in the file the step in hand begins. */
static void place_of(const struct run *r, unsigned *line, unsigned *column)
{
    struct source source = scenario_source(r->s);

    const cJSON *at = r->lane->step ? r->lane->step->at : r->about;

    *line = *column = 1;
    if (at)
        json_position(source.text, json_offset(at), line, column);
}

static bool add_text(cJSON *object, const char *key, struct str text)
{
    return json_set(object, key, json_str(text)) == RC_OK;
}

static void note_failure(struct run *r, const char *message)
{
    unsigned line, column;
    struct buf step;

    if (r->failure) /* the first reason stands */
        return;
    place_of(r, &line, &column);
    buf_init(&step, 0);
    if (r->lane->step)
        step_print(&step, r->lane->step);
    r->failure = cJSON_CreateObject();
    if (!r->failure || json_set(r->failure, "line", json_i64(line)) ||
        json_set(r->failure, "column", json_i64(column)) ||
        (r->lane->step && !add_text(r->failure, "step", buf_view(&step))) ||
        (r->options->events && json_set(r->failure, "cursor", json_i64((int64_t)r->lane->cursor))) ||
        !add_text(r->failure, "message", str_from(message))) {
        cJSON_Delete(r->failure); /* a verdict without its reason is still one */
        r->failure = NULL;
    }
    buf_done(&step);
}

enum verdict run_failed(struct run *r, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    note_failure(r, text);
    return VERDICT_FAILED;
}

enum verdict run_error(struct run *r, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    note_failure(r, text);
    return VERDICT_ERROR;
}

enum verdict run_no_memory(struct run *r)
{
    return run_error(r, "%s", rc_text(RC_NOMEM));
}

/* Append a text to the array object[key], which is made when missing. */
static void append_text(cJSON *object, const char *key, struct str text)
{
    cJSON *list = json_get(object, key), *node;

    if (!object)
        return;
    if (!list) {
        if (json_set(object, key, cJSON_CreateArray()))
            return;
        list = json_get(object, key);
    }
    node = json_str(text);
    if (!node || !cJSON_AddItemToArray(list, node))
        cJSON_Delete(node);
}

void run_note(struct run *r, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    cJSON *node;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    node = cJSON_CreateString(text);
    if (!node || !cJSON_AddItemToArray(r->notes, node))
        cJSON_Delete(node);
}

void run_hint(struct run *r, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    append_text(r->failure, "hints", str_from(text));
}

void run_differences(struct run *r, const char *prefix, const struct match_report *report)
{
    struct str rest = buf_view(&report->differences);

    while (rest.len) {
        struct str line = str_cut(&rest, '\n');
        bool is_whole = str_starts(line, STR("expected ")); /* the section itself, nothing in it */
        struct buf text;

        buf_init(&text, 0);
        buf_addf(&text, "%s%s%.*s", prefix, prefix[0] == '\0' ? "" : is_whole ? ": " : ".", STR_FMT(line));
        append_text(r->failure, "differences", buf_view(&text));
        buf_done(&text);
    }
}

void run_print_moment(const struct run *r, size_t index, struct buf *out)
{
    const struct moment *m = &r->timeline.at[index];
    double s = (double)(m->at_us - r->first_step_us) / (double)US_PER_S;

    buf_addf(out, "%s #%zu, ", json_get_text(m->event, "kind") ? json_get_text(m->event, "kind") : "event", index + 1);
    if (s < 0)
        buf_addf(out, "%.3f s before the first step", -s);
    else
        buf_addf(out, "%.3f s after the first step began", s);
}

/* ---- hints ---- */

/* "since then: connected, 2 x telemetry" */
static void hint_kinds(struct run *r, const struct wanted *w, size_t from)
{
    struct {
        const char *kind;
        unsigned count;
    } seen[KINDS_MAX];
    size_t n = 0;
    struct buf text;

    for (size_t i = from; i < r->timeline.count; i++) {
        const cJSON *event = r->timeline.at[i].event;
        const char *kind = json_get_text(event, "kind");
        size_t k = 0;

        if (!kind || (w->who && json_get(event, "device") && !event_is_about(event, w->who)))
            continue;
        while (k < n && strcmp(seen[k].kind, kind) != 0)
            k++;
        if (k == n && n < KINDS_MAX) {
            seen[n].kind = kind;
            seen[n++].count = 0;
        }
        if (k < n)
            seen[k].count++;
    }
    buf_init(&text, 0);
    for (size_t k = 0; k < n; k++) {
        buf_add(&text, k ? STR(", ") : STR(""));
        if (seen[k].count > 1)
            buf_addf(&text, "%u x ", seen[k].count);
        buf_add(&text, str_from(seen[k].kind));
    }
    run_hint(r, "seen since the step before%s%s: %.*s", w->who ? " of " : "", w->who ? w->who : "",
             STR_FMT(n ? buf_view(&text) : STR("nothing")));
    buf_done(&text);
}

/* The last that fits before the cursor, from `from` on; TIMELINE_NONE: none. */
static size_t last_before_cursor(const struct run *r, const struct wanted *w, size_t from)
{
    size_t last = TIMELINE_NONE, next;

    while ((next = timeline_find(&r->timeline, w, from)) != TIMELINE_NONE && next < r->lane->cursor) {
        last = next;
        from = next + 1;
    }
    return last;
}

/* Did one fit that the cursor had already passed? */
static void hint_earlier(struct run *r, const struct wanted *w)
{
    size_t found = timeline_find(&r->timeline, w, 0), last;
    const char *cause;
    struct buf text;

    if (found == TIMELINE_NONE || found >= r->lane->cursor)
        return;
    last = last_before_cursor(r, w, found);
    cause = json_get_text(r->timeline.at[last].event, "cause");
    buf_init(&text, 0);
    if (last + 1 == r->lane->cursor && cause && str_starts(str_from(cause), STR("run-"))) {
        run_print_moment(r, last, &text);
        run_hint(r, "one that fits is the own event of a step before, and the cursor stands behind it: %.*s",
                 STR_FMT(buf_view(&text)));
        buf_done(&text);
        return;
    }
    run_print_moment(r, found, &text);
    run_hint(r, "one that fits came too early, before the step before this one was done: %.*s",
             STR_FMT(buf_view(&text)));
    buf_done(&text);
}

/* Did somebody else do it? */
static void hint_elsewhere(struct run *r, const struct wanted *w, size_t from)
{
    struct wanted anybody = *w;
    size_t found;

    anybody.who = NULL;
    found = timeline_find(&r->timeline, &anybody, from);
    if (found != TIMELINE_NONE && w->who && !event_is_about(r->timeline.at[found].event, w->who)) {
        const char *device = json_get_text(r->timeline.at[found].event, "device");
        const char *module = json_get_text(r->timeline.at[found].event, "module");

        run_hint(r, "one that fits is about %s%s%s; add \"on\" if you mean that", device ? device : "nobody",
                 module ? "/" : "", module ? module : "");
    }
}

static void explain_agent(struct run *r, const struct agent *a)
{
    const char *as = json_get_text(a->node, "as");
    struct wanted connected = {.kind = "connected", .who = as}, refused = {.kind = "refused", .who = as};
    size_t ignored, last;
    struct match_report report;
    struct buf name, text;

    buf_init(&name, 0);
    buf_init(&text, 0);
    match_report_init(&report);
    run_agent_print(r, a, &name);
    if (!a->was_started)
        run_hint(r, "%.*s was not started; say {\"start\":\"%s\"}", STR_FMT(buf_view(&name)), a->name);
    if (a->ended_us) {
        agent_process_print_end(&a->process, &text);
        run_hint(r, "%.*s has ended: %.*s", STR_FMT(buf_view(&name)), STR_FMT(buf_view(&text)));
    }
    if (a->was_started && timeline_find(&r->timeline, &connected, 0) == TIMELINE_NONE)
        run_hint(r, "%.*s has never connected as %s%s", STR_FMT(buf_view(&name)), as,
                 a->ended_us ? "" : "; it is running");
    last = a->was_started ? timeline_nearest(&r->timeline, &refused, 0, &report, &ignored) : TIMELINE_NONE;
    if (last != TIMELINE_NONE) {
        const char *reason = json_get_text(r->timeline.at[last].event, "reason");

        run_hint(r, "the hub refused a connection: %s", reason ? reason : "no reason given");
    }
    match_report_done(&report);
    buf_done(&text);
    buf_done(&name);
}

void run_explain_agents(struct run *r)
{
    for (size_t i = 0; i < r->n_agents; i++)
        explain_agent(r, &r->agents[i]);
}

/* Put an event into the failure, as the one that matters. */
static void show_event(struct run *r, size_t index, const char *more)
{
    struct buf text;

    buf_init(&text, 0);
    run_print_moment(r, index, &text);
    buf_add(&text, str_from(more));
    (void)add_text(r->failure, "nearest", buf_view(&text));
    if (r->options->events && json_set(r->failure, "nearestEvent", json_i64((int64_t)index + 1)))
        run_note(r, "the picture does not mark the nearest event: %s", rc_text(RC_NOMEM));
    buf_reset(&text);
    match_print_short(&text, event_content(r->timeline.at[index].event), EVENT_SHORT);
    (void)add_text(r->failure, "nearestContent", buf_view(&text));
    buf_done(&text);
}

void run_explain_event(struct run *r, size_t index)
{
    if (r->failure)
        show_event(r, index, "");
}

void run_explain_events(struct run *r, const struct wanted *w, size_t from)
{
    struct match_report report;
    size_t akin = 0, nearest;
    char more[64] = "";

    if (!r->failure)
        return;
    match_report_init(&report);
    nearest = timeline_nearest(&r->timeline, w, from, &report, &akin);
    if (akin > 1)
        (void)snprintf(more, sizeof more, " (the nearest of %zu)", akin);
    if (nearest != TIMELINE_NONE) {
        run_differences(r, "", &report);
        show_event(r, nearest, more);
    }
    match_report_done(&report);
    hint_kinds(r, w, r->lane->cursor);
    hint_earlier(r, w);
    hint_elsewhere(r, w, from);
    run_explain_agents(r);
}
