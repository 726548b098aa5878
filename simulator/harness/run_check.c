/* run_check.c - steps that look: expect, never, twin, exit, log. */
#include "run_internal.h"

#include <stdio.h>

static struct wanted wanted_of(const struct run *r)
{
    return (struct wanted){.kind = json_get_text(r->lane->node, r->lane->step->name),
                           .who = run_who(r),
                           .match = json_get(r->lane->node, "match"),
                           .event = json_get(r->lane->node, "event"),
                           .aliases = r->s->aliases};
}

const cJSON *run_value_at(const struct run *r, const cJSON *event, const cJSON *content, const char *place)
{
    struct str path = str_from(place);

    return str_starts(path, STR("$.")) ? json_at_path(event, str_skip(path, 2))
                                       : match_member(content, place, r->s->aliases);
}

enum verdict run_save(struct run *r, const cJSON *event, const cJSON *content)
{
    const cJSON *place;

    cJSON_ArrayForEach(place, json_get(r->lane->node, "save"))
    {
        const cJSON *value = run_value_at(r, event, content, place->valuestring);

        if (!value)
            return run_failed(r, "there is nothing at '%s' to save as '%s'", place->valuestring, place->string);
        if (json_set(r->vars, place->string, cJSON_Duplicate(value, true)))
            return run_no_memory(r);
    }
    return VERDICT_PASSED;
}

/* The scenario's own limit is a reason of its own. */
static const char *limit_text(const struct run *r, const char *otherwise)
{
    return run_now_us() >= r->deadline_us ? "; this is the time limit of the whole scenario" : otherwise;
}

static void print_seconds(int64_t us, char out[32])
{
    if (us % US_PER_S == 0)
        (void)snprintf(out, 32, "%lld s", (long long)(us / US_PER_S));
    else
        (void)snprintf(out, 32, "%.3f s", (double)us / (double)US_PER_S);
}

/* How many events an expect waits for. 0: explained */
static unsigned wanted_count(struct run *r)
{
    const cJSON *count = json_get(r->lane->node, "count");

    if (count && !step_count_is_good(count)) {
        (void)run_error(r, "'count' is a number from 1 to %d", STEP_COUNT_MAX);
        return 0;
    }
    return count ? (unsigned)count->valuedouble : 1;
}

/* Nothing came, or not enough. */
static enum verdict tell_missing(struct run *r, const struct wanted *w)
{
    const struct look *l = &r->lane->look;
    const char *what = l->seen ? "other" : "such event";
    char seconds[32], so_far[64] = "";
    enum verdict v;

    print_seconds(l->within_us, seconds);
    if (json_get(r->lane->node, "count"))
        (void)snprintf(so_far, sizeof so_far, "only %u of %u such events came; ", l->seen, l->wanted);
    if (run_now_us() < l->until_us)
        v = run_failed(r, "%sno %s will come: the agent has ended by itself", so_far, what);
    else
        v = run_failed(r, "%sno %s within %s%s", so_far, what, seconds, limit_text(r, ""));
    run_explain_events(r, w, l->begin);
    return v;
}

static enum verdict check_expect(struct run *r)
{
    struct look *l = &r->lane->look;
    struct wanted w = wanted_of(r);
    enum verdict v;
    size_t found;

    if (!run_look(r, "within", WITHIN_US) || (!l->wanted && !(l->wanted = wanted_count(r))))
        return VERDICT_ERROR;
    while ((found = timeline_find(&r->timeline, &w, l->from)) != TIMELINE_NONE) {
        if (++l->seen == l->wanted) {
            v = run_judge_series(r, &w, l->wanted);
            if (v)
                return v;
            r->lane->cursor = found + 1;
            return run_save(r, r->timeline.at[found].event, event_content(r->timeline.at[found].event));
        }
        l->begin = l->from = found + 1;
    }
    l->from = r->timeline.count;
    if (run_now_us() < l->until_us && !run_agents_are_over(r))
        return run_pending(r);
    return tell_missing(r, &w);
}

static enum verdict check_never(struct run *r)
{
    struct look *l = &r->lane->look;
    struct wanted w = wanted_of(r);
    size_t found;
    struct buf text;
    enum verdict v;

    if (!run_look(r, "for", US_PER_S))
        return VERDICT_ERROR;
    found = timeline_find(&r->timeline, &w, l->from);
    l->from = r->timeline.count;
    if (found != TIMELINE_NONE) {
        buf_init(&text, 0);
        run_print_moment(r, found, &text);
        v = run_failed(r, "there was one: %.*s", STR_FMT(buf_view(&text)));
        buf_done(&text);
        run_explain_event(r, found);
        return v;
    }
    if (run_now_us() < l->until_us)
        return run_pending(r);
    return l->until_us >= r->deadline_us ? run_failed(r, "the time limit of the whole scenario is over")
                                         : VERDICT_PASSED;
}

/* ---- twin ---- */

/* Ask for the twin of the step's identity. */
static enum verdict show_twin(struct run *r, cJSON **twin)
{
    const char *who = run_who(r);
    cJSON *command = cJSON_CreateObject();
    struct ident id;
    int status = 0;
    enum verdict v;

    if (!who || ident_read(str_from(who), &id)) {
        cJSON_Delete(command);
        return run_error(r, "'%s' is no identity", who ? who : "");
    }
    if (!command || json_set(command, "command", json_str(STR("twin.show"))) ||
        json_set(command, "deviceId", json_str(id.device)) ||
        (ident_is_module(id) && json_set(command, "moduleId", json_str(id.module)))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    v = run_command(r, command, &status, twin);
    if (!v && status >= 300) {
        v = run_failed(r, "the hub has no twin for %s: status %d", who, status);
        cJSON_Delete(*twin);
        *twin = NULL;
    }
    return v;
}

/* Does each section named by the step fit the twin's? reports may be NULL. */
static bool twin_fits(const struct run *r, const cJSON *twin, struct run *explain)
{
    const cJSON *section, *properties = json_get(twin, "properties");
    bool fits = true;

    cJSON_ArrayForEach(section, json_get(r->lane->node, "twin"))
    {
        bool is_tags = strcmp(section->string, "tags") == 0;
        const cJSON *got = json_get(is_tags ? twin : properties, section->string);
        struct match_report report;

        match_report_init(&report);
        if (!match_fits(section, got, r->s->aliases, explain ? &report : NULL)) {
            fits = false;
            if (explain)
                run_differences(explain, section->string, &report);
        }
        match_report_done(&report);
    }
    return fits;
}

static enum verdict tell_twin(struct run *r, const cJSON *twin)
{
    char seconds[32];
    enum verdict v;

    print_seconds(r->lane->look.within_us, seconds);
    v = run_failed(r, "the twin of %s was not so within %s%s", run_who(r), seconds, limit_text(r, ""));
    (void)twin_fits(r, twin, r);
    run_explain_agents(r);
    return v;
}

/* Look at the twin, and again whenever something happened. */
static enum verdict check_twin(struct run *r)
{
    struct look *l = &r->lane->look;
    bool is_new = !l->has_begun, is_last;
    cJSON *twin = NULL;
    enum verdict v;

    if (!run_look(r, "within", WITHIN_US))
        return VERDICT_ERROR;
    is_last = run_now_us() >= l->until_us || run_agents_are_over(r);
    if (!is_new && !is_last && l->from == r->timeline.count)
        return run_pending(r);
    l->from = r->timeline.count;
    v = show_twin(r, &twin);
    if (!v && twin_fits(r, twin, NULL))
        v = run_save(r, twin, json_get(twin, "properties"));
    else if (!v && is_last)
        v = tell_twin(r, twin);
    else if (!v)
        v = run_pending(r);
    cJSON_Delete(twin);
    return v;
}

/* ---- an agent's end and words ---- */

/* The agent that the step is about: its "of", else the first. NULL: explained */
static struct agent *agent_of(struct run *r)
{
    struct agent *a = run_agent_find(r, json_get_text(r->lane->node, "of"));

    if (a && a->was_started)
        return a;
    (void)run_error(r, "the agent was never started");
    return NULL;
}

static enum verdict check_exit(struct run *r)
{
    const cJSON *wanted = json_get(r->lane->node, "exit");
    struct agent *a = agent_of(r);
    enum verdict v = VERDICT_PASSED;
    cJSON *code;
    struct buf text;

    if (!a || !run_look(r, "within", WITHIN_US))
        return VERDICT_ERROR;
    if (run_agent_is_running(a) && run_now_us() < r->lane->look.until_us)
        return run_pending(r);
    if (run_agent_is_running(a))
        return run_failed(r, "the agent is still running%s", limit_text(r, ""));
    a->end_expected = true;
    code = json_i64(agent_process_exit_code(&a->process));
    if (!code)
        return run_no_memory(r);
    if (!match_fits(wanted, code, NULL, NULL)) {
        buf_init(&text, 0);
        agent_process_print_end(&a->process, &text);
        buf_add(&text, STR("; expected "));
        match_print_short(&text, wanted, 100);
        v = run_failed(r, "the agent ended with %.*s", STR_FMT(buf_view(&text)));
        buf_done(&text);
    }
    cJSON_Delete(code);
    return v;
}

/* Does a line fit: as a part of it, or as a matcher says? */
static bool line_fits(const cJSON *wanted, struct str line)
{
    cJSON *text;
    bool fits;

    if (cJSON_IsString(wanted))
        return memmem(line.at, line.len, wanted->valuestring, strlen(wanted->valuestring)) != NULL;
    text = json_str(line);
    fits = text && match_fits(wanted, text, NULL, NULL);
    cJSON_Delete(text);
    return fits;
}

/* Look through the lines that are complete (all, when the agent has ended), and read on behind the one that fits. */
static bool find_line(struct agent *a, const cJSON *wanted, uint64_t *from)
{
    struct str rest = tail_from(&a->output, from);

    while (rest.len) {
        size_t end = str_find(rest, '\n');
        struct str line = str_first(rest, end);

        if (end == rest.len && run_agent_is_running(a))
            return false; /* not whole yet */
        if (memchr(line.at, '\0', line.len) == NULL && line_fits(wanted, line)) {
            *from += end + 1;
            a->output_read = *from;
            return true;
        }
        rest = str_skip(rest, end + 1);
        *from += end + 1;
    }
    return false;
}

static enum verdict check_log(struct run *r)
{
    struct look *l = &r->lane->look;
    struct agent *a = agent_of(r);
    bool has_begun = l->has_begun;
    enum verdict v;

    if (!a || !run_look(r, "within", WITHIN_US))
        return VERDICT_ERROR;
    if (!has_begun)
        l->byte = a->output_read;
    if (find_line(a, json_get(r->lane->node, "log"), &l->byte))
        return VERDICT_PASSED;
    if (run_now_us() < l->until_us && (run_agent_is_running(a) || a->process.out >= 0))
        return run_pending(r);
    v = run_failed(r, "the agent wrote no such line%s", limit_text(r, ""));
    run_explain_agents(r);
    return v;
}

static enum verdict check_usage(struct run *r)
{
    const struct agent *a = agent_of(r);

    return a ? run_check_usage(r, a) : VERDICT_ERROR;
}

enum verdict run_check(struct run *r)
{
    switch (r->lane->step->type) {
    case STEP_EXPECT:
        return check_expect(r);
    case STEP_NEVER:
        return check_never(r);
    case STEP_TWIN:
        return check_twin(r);
    case STEP_EXIT:
        return check_exit(r);
    case STEP_LOG:
        return check_log(r);
    case STEP_USAGE:
        return check_usage(r);
    default:
        return run_error(r, "'%s' checks nothing", r->lane->step->name);
    }
}
