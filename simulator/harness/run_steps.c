/* run_steps.c - the steps of a scenario, one after the other; those of a parallel group in lanes side by side.
 *
 * A step is done at once, or looks (run_check.c) and may be pending: then it looks again whenever anything happened. So one
 * loop, which waits in one place (run_turn), serves all lanes. Steps that change something are short and hold up the others.
 */
#include "run_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vars.h"

enum verdict run_pending(struct run *r)
{
    r->lane->is_pending = true;
    return VERDICT_PASSED;
}

bool run_look(struct run *r, const char *limit, int64_t otherwise_us)
{
    struct look *l = &r->lane->look;

    if (l->has_begun)
        return true;
    if (!run_duration(r, limit, otherwise_us, &l->within_us))
        return false;
    l->has_begun = true;
    l->until_us = run_deadline(r, l->within_us);
    l->begin = l->from = r->lane->cursor;
    return true;
}

/* start, stop, kill, restart: of the hub, or of an agent. */
static enum verdict step_process(struct run *r)
{
    enum step_type type = r->lane->step->type;
    const char *target = json_get_text(r->lane->node, r->lane->step->name);
    bool is_hub = target && strcmp(target, "hub") == 0, starts = type == STEP_START || type == STEP_RESTART;
    struct agent *a = target ? run_agent_find(r, target) : NULL;
    enum verdict v = VERDICT_PASSED;

    if (!is_hub && !a)
        return run_error(r, "no agent is called '%s'", target ? target : "");
    if (!is_hub) {
        run_agent_turn(r, a);
        v = run_agent_judge(r, a); /* what follows would hide how it ended */
    }
    if (!v && !is_hub) /* the hub's is recorded where it goes and comes */
        v = record_process(r, target, r->lane->step->name, NULL);
    if (v)
        return v;
    if (type != STEP_START)
        v = is_hub ? run_hub_down(r, type == STEP_KILL) : run_agent_stop(r, a, type == STEP_KILL);
    if (!v && starts)
        v = is_hub ? run_hub_start(r) : run_agent_start(r, a);
    return v;
}

static enum verdict step_wait(struct run *r)
{
    struct look *l = &r->lane->look;

    if (!run_look(r, "wait", 0))
        return VERDICT_ERROR;
    if (run_now_us() < l->until_us)
        return run_pending(r);
    return l->until_us >= r->deadline_us ? run_failed(r, "the time limit of the whole scenario is over")
                                         : VERDICT_PASSED;
}

static enum verdict step_parallel(struct run *r);

static enum verdict run_step(struct run *r)
{
    switch (r->lane->step->type) {
    case STEP_WAIT:
        return step_wait(r);
    case STEP_START:
    case STEP_STOP:
    case STEP_KILL:
    case STEP_RESTART:
        return step_process(r);
    case STEP_PARALLEL:
        return step_parallel(r);
    case STEP_EXEC:
        return run_exec(r);
    case STEP_METHOD:
        return run_method(r);
    case STEP_EXPECT:
    case STEP_NEVER:
    case STEP_TWIN:
    case STEP_EXIT:
    case STEP_LOG:
    case STEP_USAGE:
        return run_check(r);
    default:
        return run_inject(r);
    }
}

/* {"text","line"} of a step, and its verdict and time when it is over. NULL: no memory */
static cJSON *describe_step(const struct run *r, const struct step *step)
{
    struct source source = scenario_source(r->s);
    cJSON *node = cJSON_CreateObject();
    unsigned line, column;
    struct buf text;
    bool good;

    buf_init(&text, 0);
    step_print(&text, step);
    json_position(source.text, json_offset(step->at), &line, &column);
    good = node && json_set(node, "text", json_str(buf_view(&text))) == RC_OK &&
           json_set(node, "line", json_i64(line)) == RC_OK;
    buf_done(&text);
    if (!good) {
        cJSON_Delete(node);
        return NULL;
    }
    return node;
}

void run_tell(const struct run *r, const char *what, const cJSON *value)
{
    struct buf line;
    struct str rest;

    buf_init(&line, (size_t)256 << 20);
    buf_addf(&line, "{\"%s\":", what);
    json_print(&line, value);
    buf_add(&line, STR("}\n"));
    rest = buf_ok(&line) ? buf_view(&line) : str_of("", 0);
    while (rest.len) {
        ssize_t n = write(r->progress_fd, rest.at, rest.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        rest = str_skip(rest, (size_t)n);
    }
    buf_done(&line);
}

/* What a variable put into a pattern must be good where it stands, as lint saw to it with the rest. */
static enum verdict check_filled(struct run *r)
{
    static const char *const patterns[] = {"match", "event", "exit", "log", "usage"}; /* the first two are objects */
    const struct source nowhere = {.file = "",
                                   .text = STR("")}; /* values come from several files; the step's place is told */
    enum verdict v = VERDICT_PASSED;
    struct problems problems;

    problems_init(&problems);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const cJSON *pattern = json_get(r->lane->node, patterns[i]);

        if (pattern && i < 2 && !cJSON_IsObject(pattern))
            problems_at(&problems, &nowhere, pattern, "'%s' is an object", patterns[i]);
        else if (pattern)
            match_check(pattern, &nowhere, &problems);
    }
    if (r->lane->step->type == STEP_TWIN)
        match_check(json_get(r->lane->node, "twin"), &nowhere, &problems);
    if (problems.count) {
        struct str lines = buf_view(&problems.lines), first = str_cut(&lines, '\n');

        (void)str_cut(&first, ' '); /* ":1:1:" */
        v = run_error(r, "with its variables filled in this step is wrong: %.*s", STR_FMT(first));
    }
    problems_done(&problems);
    return v;
}

/* ---- lanes ---- */

/* Take the next step in hand, and tell that it begins. */
static enum verdict begin_step(struct run *r)
{
    struct lane *lane = r->lane;
    const struct step *step = &lane->steps[lane->next++];
    cJSON *told = describe_step(r, step);
    enum rc rc;

    if (!told || (lane->number && json_set(told, "lane", json_i64(lane->number))) ||
        !cJSON_AddItemToArray(r->steps, told)) {
        cJSON_Delete(told);
        return run_no_memory(r);
    }
    lane->step = step;
    lane->told = told;
    lane->begun_us = run_now_us();
    lane->begun_at = lane->cursor;
    lane->look = (struct look){0};
    run_tell(r, "step", told);
    if (lane->begun_us >= r->deadline_us)
        return run_failed(r, "the time limit of the whole scenario is over");
    rc = vars_fill(step->node, r->vars, &lane->node);
    if (rc)
        return run_error(r, "the variables of this step cannot be filled in: %s", rc_text(rc));
    return check_filled(r);
}

/* Where a step stands among the events, when the options want it. */
static bool place_step(const struct run *r)
{
    const struct lane *lane = r->lane;

    if (!r->options->events)
        return true;
    return json_set(lane->told, "us", json_i64(lane->begun_us - r->first_step_us)) == RC_OK &&
           (lane->cursor == lane->begun_at || json_set(lane->told, "event", json_i64((int64_t)lane->cursor)) == RC_OK);
}

/* Tell how the step in hand ended, and put it away. */
static enum verdict end_step(struct run *r, enum verdict v)
{
    struct lane *lane = r->lane;
    cJSON *told = lane->told;

    cJSON_Delete(lane->node);
    lane->node = NULL;
    if (!lane->step)
        return v;
    lane->step = NULL;
    if (json_set(told, "verdict", json_str(str_from(verdict_text(v)))) ||
        json_set(told, "ms", json_i64((run_now_us() - lane->begun_us) / 1000)) || !place_step(r))
        return v ? v : run_no_memory(r);
    run_tell(r, "step", told);
    return v;
}

/* Do the steps of the lane in hand until one is pending, none is left, or one is red. */
static enum verdict serve(struct run *r, struct lane *lane)
{
    enum verdict v = VERDICT_PASSED;

    r->lane = lane;
    while (!v && (lane->step || lane->next < lane->n_steps)) {
        if (!lane->step)
            v = begin_step(r);
        lane->is_pending = false;
        if (!v)
            v = run_step(r);
        if (!v && lane->is_pending)
            return VERDICT_PASSED;
        v = end_step(r, v);
    }
    return v;
}

/* Do the steps of several lanes, until all are done or one is red. */
static enum verdict serve_all(struct run *r, struct lane *lanes, size_t count)
{
    enum verdict v = VERDICT_PASSED;

    for (;;) {
        int64_t until_us = r->deadline_us;
        uint64_t happened = r->happened;
        struct lane *pending = NULL;

        for (size_t i = 0; i < count && !v; i++) {
            v = serve(r, &lanes[i]);
            if (lanes[i].step && !v) {
                pending = &lanes[i];
                if (pending->look.until_us < until_us)
                    until_us = pending->look.until_us;
            }
        }
        if (v || !pending)
            break;
        r->lane = pending; /* where it is explained */
        v = run_turn(r,
                     r->happened == happened ? until_us : 0); /* a later lane may have met what an earlier one awaits */
        if (v) {
            v = end_step(r, v);
            break;
        }
    }
    for (size_t i = 0; i < count; i++) { /* those that were not to blame */
        r->lane = &lanes[i];
        run_exec_abandon(&lanes[i]);
        if (lanes[i].step)
            (void)end_step(r, VERDICT_SKIPPED);
    }
    return v;
}

/* Lanes begin where the cursor stands; it goes on where the furthest of them came to. */
static enum verdict step_parallel(struct run *r)
{
    struct lane *outer = r->lane;
    const struct step *group = outer->step;
    enum verdict v;

    r->group = calloc(group->n_lanes, sizeof *r->group);
    if (!r->group)
        return run_no_memory(r);
    r->n_group = group->n_lanes;
    for (size_t i = 0; i < r->n_group; i++) {
        r->group[i] = (struct lane){.steps = group->lanes[i].at, .n_steps = group->lanes[i].count};
        r->group[i].number = (unsigned)i + 1;
        r->group[i].cursor = outer->cursor;
        agent_process_init(&r->group[i].exec);
    }
    v = serve_all(r, r->group, r->n_group);
    r->lane = outer;
    for (size_t i = 0; i < r->n_group; i++)
        if (r->group[i].cursor > outer->cursor)
            outer->cursor = r->group[i].cursor;
    free(r->group);
    r->group = NULL;
    r->n_group = 0;
    return v;
}

enum verdict run_steps(struct run *r)
{
    return serve_all(r, &r->main, 1);
}
