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
    const struct hub_file *hub = hub_process_file(r->hub);
    char port[16];
    const cJSON *var;

    (void)snprintf(port, sizeof port, "%d", hub->mqtts_port);
    cJSON_ArrayForEach(var, r->s->vars)
    {
        if (json_set(r->vars, var->string, cJSON_Duplicate(var, true)))
            return run_no_memory(r);
    }
    if (!set_var(r, "dir", str_from(r->s->dir)) ||
        !set_var(r, "seed", str_from(r->options->seed ? r->options->seed : "1")) ||
        !set_var(r, "host", str_from(hub->host)) || !set_var(r, "hostName", str_from(hub->hostname)) ||
        !set_var(r, "port", str_from(port)) || !set_var(r, "caFile", str_from(hub->ca_file)))
        return run_no_memory(r);
    return run_agent_vars(r, run_agent_find(r, NULL));
}

/* Start the agents that wait for no step. */
static enum verdict start_agents(struct run *r)
{
    enum verdict v = VERDICT_PASSED;

    for (size_t i = 0; i < r->n_agents && !v; i++) {
        const char *start = json_get_text(r->agents[i].node, "start");

        if (start && strcmp(start, "auto") != 0)
            continue;
        r->about = r->agents[i].node;
        v = record_process(r, r->agents[i].name, "start", NULL);
        if (!v)
            v = run_agent_start(r, &r->agents[i]);
    }
    r->about = NULL;
    return v;
}

static enum verdict set_up(struct run *r)
{
    enum verdict v = make_folders(r);

    if (!v)
        v = run_agents_init(r);
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
    r->lane->cursor = r->timeline.count; /* what setting up caused is not the scenario's */
    r->about = NULL;
    if (!v)
        v = start_agents(r);
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
    r->main = (struct lane){.steps = s->steps.at, .n_steps = s->steps.count};
    agent_process_init(&r->main.exec);
    r->lane = &r->main;
    r->started_us = r->first_step_us = r->last_step_us = run_now_us();
    r->deadline_us = r->started_us + (options->timeout_us ? options->timeout_us : s->timeout_us);
    timeline_init(&r->timeline);
    recorder_init(&r->recorder);
    masks_init(&r->masks);
    r->vars = cJSON_CreateObject();
    r->keys = cJSON_CreateObject();
    r->notes = cJSON_CreateArray();
    r->steps = cJSON_CreateArray();
    return r->vars && r->keys && r->notes && r->steps;
}

static void run_done(struct run *r)
{
    cJSON_Delete(r->vars);
    cJSON_Delete(r->keys);
    cJSON_Delete(r->notes);
    cJSON_Delete(r->steps);
    cJSON_Delete(r->failure);
    cJSON_Delete(r->twins);
    cJSON_Delete(r->processes);
    masks_done(&r->masks);
    timeline_done(&r->timeline);
    recorder_done(&r->recorder);
    run_agents_done(r);
}

cJSON *run_scenario(const struct run_options *options, const struct scenario *s, int progress_fd, int signal_fd)
{
    struct run *r = malloc(sizeof *r);
    cJSON *result = NULL;
    enum verdict v;

    if (!r)
        return NULL;
    if (run_init(r, options, s, progress_fd, signal_fd)) {
        v = set_up(r);
        if (!v)
            v = r->options->replay ? run_replay(r) : run_steps(r);
        if (!v)
            v = record_settle(r);
        r->last_step_us = run_now_us();
        v = run_end(r, v);
        result = run_result(r, v);
        if (result)
            run_tell(r, "result", result);
    }
    run_done(r);
    free(r);
    return result;
}
