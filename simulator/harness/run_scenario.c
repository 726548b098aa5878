/* run_scenario.c - one scenario from its first step to its last. How it ends is in run_end.c. */
#include "run_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "vars.h"

const char *verdict_text(enum verdict v)
{
#define VERDICT_TEXT(name, text) text,
    static const char *const texts[] = {VERDICT_LIST(VERDICT_TEXT)};
#undef VERDICT_TEXT

    return texts[v];
}

/* ---- set-up ---- */

static bool set_var(struct run *r, const char *name, struct str text)
{
    return json_set(r->vars, name, json_str(text)) == RC_OK;
}

/* A folder of our own: hub/ is the hub's, work/ the agent's. */
static enum verdict make_folders(struct run *r)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(r->dir, sizeof r->dir, "%s/twinsim-run-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");

    if (n < 0 || (size_t)n >= sizeof r->dir || !mkdtemp(r->dir)) {
        r->dir[0] = '\0';
        return run_error(r, "no folder can be made in %s: %s", tmp ? tmp : "/tmp", strerror(errno));
    }
    if (path_join(r->work, r->dir, "work") || dir_make(r->work))
        return run_error(r, "%s/work cannot be made: %s", r->dir, strerror(errno));
    return VERDICT_PASSED;
}

static enum verdict set_vars(struct run *r)
{
    const char *as = json_get_text(r->s->agent, "as");
    const struct hub_file *hub = hub_process_file(r->hub);
    struct ident id = {.device = STR("")};
    char port[16];
    const cJSON *var;

    if (as && ident_read(str_from(as), &id))
        return run_error(r, "'%s' is no identity; the agent's is known before any variable is", as);
    (void)snprintf(port, sizeof port, "%d", hub->mqtts_port);
    cJSON_ArrayForEach(var, r->s->vars)
    {
        if (json_set(r->vars, var->string, cJSON_Duplicate(var, true)))
            return run_no_memory(r);
    }
    if (!set_var(r, "work", str_from(r->work)) || !set_var(r, "dir", str_from(r->s->dir)) ||
        !set_var(r, "seed", str_from(r->options->seed ? r->options->seed : "1")) ||
        !set_var(r, "host", str_from(hub->host)) || !set_var(r, "hostName", str_from(hub->hostname)) ||
        !set_var(r, "port", str_from(port)) || !set_var(r, "caFile", str_from(hub->ca_file)) ||
        !set_var(r, "id", str_from(as ? as : "")) || !set_var(r, "deviceId", id.device) ||
        !set_var(r, "moduleId", id.module) || !set_var(r, "connectionString", STR("")) || !set_var(r, "key", STR("")))
        return run_no_memory(r);
    return VERDICT_PASSED;
}

static enum verdict set_up(struct run *r)
{
    const char *start = json_get_text(r->s->agent, "start");
    enum verdict v = make_folders(r);

    if (!v)
        v = run_hub_start(r);
    if (!v)
        v = set_vars(r);
    r->about = r->s->identities;
    if (!v)
        v = run_identities(r);
    if (!v)
        run_read_twins(r, "before");
    if (!v)
        v = record_begin(r);
    r->first_step_us = run_now_us();
    r->timeline.cursor = r->timeline.count; /* what setting up caused is not the scenario's */
    r->about = r->s->agent;
    if (!v && r->s->agent && (!start || strcmp(start, "auto") == 0)) {
        record_process(r, "agent", "start", NULL);
        v = run_agent_start(r);
    }
    r->about = NULL;
    return v;
}

/* ---- steps ---- */

static bool is_hub(const struct run *r)
{
    const char *target = json_get_text(r->node, r->step->name);

    return target && strcmp(target, "hub") == 0;
}

static enum verdict step_restart(struct run *r)
{
    enum verdict v = is_hub(r) ? run_hub_down(r, false) : run_agent_stop(r, false);

    if (v)
        return v;
    return is_hub(r) ? run_hub_start(r) : run_agent_start(r);
}

static enum verdict step_wait(struct run *r)
{
    int64_t wait_us, until_us;
    enum verdict v = VERDICT_PASSED;

    if (!run_duration(r, "wait", 0, &wait_us))
        return VERDICT_ERROR;
    until_us = run_deadline(r, wait_us);
    while (!v && run_now_us() < until_us)
        v = run_turn(r, until_us);
    if (!v && until_us >= r->deadline_us)
        v = run_failed(r, "the time limit of the whole scenario is over");
    return v;
}

/* The words of an exec step. */
static enum verdict exec_words(struct run *r, struct words *out)
{
    const cJSON *value = r->step->value, *word; /* unfilled: words first, variables afterwards */
    enum rc rc = RC_OK;

    if (cJSON_IsString(value))
        rc = words_split(str_from(value->valuestring), out);
    cJSON_ArrayForEach(word, value)
    {
        if (!rc)
            rc = words_add(out, str_from(word->valuestring));
    }
    if (rc || out->count == 0)
        return run_error(r, "'exec' holds no words: %s", rc_text(rc));
    return run_fill_words(r, out, r->s->dir);
}

static enum verdict step_exec(struct run *r)
{
    const cJSON *wanted = json_get(r->node, "exit");
    struct words words = {0};
    struct tail output = {0};
    int64_t within_us;
    int code = 0;
    enum verdict v = exec_words(r, &words);
    cJSON *got = NULL;

    if (!v && tail_init(&output))
        v = run_no_memory(r);
    if (!v && !run_duration(r, "within", EXEC_WITHIN_US, &within_us))
        v = VERDICT_ERROR;
    if (!v)
        record_process(r, "exec", "exec", r->step->value);
    if (!v)
        v = run_exec(r, words.at, within_us, &output, &code);
    if (!v && !(got = json_i64(code)))
        v = run_no_memory(r);
    if (!v && (wanted ? !match_fits(wanted, got, NULL, NULL) : code != 0))
        v = run_failed(r, "'%s' ended with exit code %d; its last output:\n%.*s", words.at[0], code,
                       STR_FMT(tail_lines(&output, 1000)));
    cJSON_Delete(got);
    tail_done(&output);
    words_done(&words);
    return v;
}

static enum verdict run_step(struct run *r)
{
    bool is_process = r->step->type == STEP_START || r->step->type == STEP_STOP || r->step->type == STEP_KILL ||
                      r->step->type == STEP_RESTART;

    if (is_process)
        record_process(r, json_get_text(r->node, r->step->name), r->step->name, NULL);
    switch (r->step->type) {
    case STEP_WAIT:
        return step_wait(r);
    case STEP_START:
        return is_hub(r) ? run_hub_start(r) : run_agent_start(r);
    case STEP_STOP:
        return is_hub(r) ? run_hub_down(r, false) : run_agent_stop(r, false);
    case STEP_KILL:
        return is_hub(r) ? run_hub_down(r, true) : run_agent_stop(r, true);
    case STEP_RESTART:
        return step_restart(r);
    case STEP_EXEC:
        return step_exec(r);
    case STEP_EXPECT:
    case STEP_NEVER:
    case STEP_TWIN:
    case STEP_EXIT:
    case STEP_LOG:
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

/* One line of JSON to the parent: {"step":..} or {"result":..}. The parent always reads. */
static void tell(const struct run *r, const char *what, const cJSON *value)
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
    static const char *const patterns[] = {"match", "event", "exit", "log"}; /* the first two are objects */
    const struct source nowhere = {.file = "",
                                   .text = STR("")}; /* values come from several files; the step's place is told */
    enum verdict v = VERDICT_PASSED;
    struct problems problems;

    problems_init(&problems);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const cJSON *pattern = json_get(r->node, patterns[i]);

        if (pattern && i < 2 && !cJSON_IsObject(pattern))
            problems_at(&problems, &nowhere, pattern, "'%s' is an object", patterns[i]);
        else if (pattern)
            match_check(pattern, &nowhere, &problems);
    }
    if (r->step->type == STEP_TWIN)
        match_check(json_get(r->node, "twin"), &nowhere, &problems);
    if (problems.count) {
        struct str lines = buf_view(&problems.lines), first = str_cut(&lines, '\n');

        (void)str_cut(&first, ' '); /* ":1:1:" */
        v = run_error(r, "with its variables filled in this step is wrong: %.*s", STR_FMT(first));
    }
    problems_done(&problems);
    return v;
}

static enum verdict fill_and_run(struct run *r)
{
    enum rc rc = vars_fill(r->step->node, r->vars, &r->node);
    enum verdict v;

    if (rc)
        return run_error(r, "the variables of this step cannot be filled in: %s", rc_text(rc));
    v = check_filled(r);
    if (!v)
        v = run_step(r);
    cJSON_Delete(r->node);
    r->node = NULL;
    return v;
}

/* Where a step stands among the events, when the options want it. */
static bool place_step(const struct run *r, cJSON *node, int64_t begin_us, size_t cursor)
{
    if (!r->options->events)
        return true;
    return json_set(node, "us", json_i64(begin_us - r->first_step_us)) == RC_OK &&
           (r->timeline.cursor == cursor || json_set(node, "event", json_i64((int64_t)r->timeline.cursor)) == RC_OK);
}

static enum verdict run_steps(struct run *r, cJSON *told)
{
    enum verdict v = VERDICT_PASSED;

    for (size_t i = 0; i < r->s->n_steps && !v; i++) {
        int64_t begin_us = run_now_us();
        size_t cursor = r->timeline.cursor;
        cJSON *node;

        r->step = &r->s->steps[i];
        node = describe_step(r, r->step);
        if (!node)
            return run_no_memory(r);
        tell(r, "step", node);
        v = begin_us >= r->deadline_us ? run_failed(r, "the time limit of the whole scenario is over")
                                       : fill_and_run(r);
        if (!cJSON_AddItemToArray(told, node) || json_set(node, "verdict", json_str(str_from(verdict_text(v)))) ||
            json_set(node, "ms", json_i64((run_now_us() - begin_us) / 1000)) || !place_step(r, node, begin_us, cursor))
            return v ? v : run_no_memory(r);
        tell(r, "step", node);
    }
    r->step = NULL;
    return v;
}

static bool run_init(struct run *r, const struct run_options *options, const struct scenario *s, int progress_fd,
                     int signal_fd)
{
    memset(r, 0, sizeof *r);
    r->options = options;
    r->s = s;
    r->progress_fd = progress_fd;
    r->signal_fd = signal_fd;
    r->host_lock = -1;
    r->agent.out = r->agent.pidfd = r->exec.out = r->exec.pidfd = -1;
    r->started_us = r->first_step_us = r->last_step_us = run_now_us();
    r->deadline_us = r->started_us + (options->timeout_us ? options->timeout_us : s->timeout_us);
    timeline_init(&r->timeline);
    recorder_init(&r->recorder);
    masks_init(&r->masks);
    r->vars = cJSON_CreateObject();
    r->keys = cJSON_CreateObject();
    r->notes = cJSON_CreateArray();
    return r->vars && r->keys && r->notes && tail_init(&r->output) == RC_OK;
}

static void run_done(struct run *r)
{
    cJSON_Delete(r->vars);
    cJSON_Delete(r->keys);
    cJSON_Delete(r->notes);
    cJSON_Delete(r->failure);
    cJSON_Delete(r->twins);
    masks_done(&r->masks);
    timeline_done(&r->timeline);
    recorder_done(&r->recorder);
    tail_done(&r->output);
}

cJSON *run_scenario(const struct run_options *options, const struct scenario *s, int progress_fd, int signal_fd)
{
    struct run *r = malloc(sizeof *r);
    cJSON *steps = cJSON_CreateArray(), *result = NULL;
    enum verdict v;

    if (!r || !run_init(r, options, s, progress_fd, signal_fd) || !steps) {
        cJSON_Delete(steps);
        if (r)
            run_done(r);
        free(r);
        return NULL;
    }
    v = set_up(r);
    if (!v)
        v = run_steps(r, steps);
    if (!v)
        v = record_settle(r);
    r->last_step_us = run_now_us();
    r->step = NULL;
    v = run_end(r, v);
    result = run_result(r, v, steps);
    if (result)
        tell(r, "result", result);
    run_done(r);
    free(r);
    return result;
}
