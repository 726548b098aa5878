/* run_agents.c - the life of the agents: each is started, watched, stopped, and killed when it does not stop. */
#include "run_internal.h"

#include <errno.h>
#include <signal.h>

#include "descendants.h"
#include "files.h"
#include "vars.h"

/* The first agent's folder is ${work} itself; each other has one of its own in it. */
enum verdict run_agents_init(struct run *r)
{
    r->n_agents = r->s->n_agents;
    for (size_t i = 0; i < r->n_agents; i++) {
        struct agent *a = &r->agents[i];
        enum rc rc = RC_OK;

        *a = (struct agent){.name = r->s->agents[i].name, .node = r->s->agents[i].node};
        agent_process_init(&a->process);
        if (i == 0)
            memcpy(a->work, r->work, sizeof a->work);
        else
            rc = path_join(a->work, r->work, a->name);
        if (!rc && i > 0)
            rc = dir_make(a->work);
        if (rc)
            return run_error(r, "%s/%s cannot be made: %s", r->work, a->name, strerror(errno));
        if (tail_init(&a->output))
            return run_no_memory(r);
    }
    return VERDICT_PASSED;
}

void run_agents_done(struct run *r)
{
    for (size_t i = 0; i < r->n_agents; i++) {
        agent_process_done(&r->agents[i].process);
        tail_done(&r->agents[i].output);
    }
}

struct agent *run_agent_find(struct run *r, const char *name)
{
    for (size_t i = 0; i < r->n_agents; i++)
        if (!name || strcmp(r->agents[i].name, name) == 0)
            return &r->agents[i];
    return NULL;
}

void run_agent_print(const struct run *r, const struct agent *a, struct buf *out)
{
    if (r->n_agents == 1)
        buf_add(out, STR("the agent"));
    else
        buf_addf(out, "the agent '%s'", a->name);
}

bool run_agent_is_running(const struct agent *a)
{
    return a->was_started && !a->ended_us;
}

void run_agent_turn(struct run *r, struct agent *a)
{
    agent_process_read(&a->process);
    if (!run_agent_is_running(a) || !agent_process_has_ended(&a->process))
        return;
    a->ended_us = run_now_us();
    run_tell_process(r, a);
    if (!a->told_to_end)
        record_ended(r, a->name, json_get_text(a->node, "as"), agent_process_exit_code(&a->process));
}

unsigned run_agents_left_behind(const struct run *r)
{
    pid_t hub[HUB_PROCESS_PIDS];

    return descendants_signal(hub, hub_process_pids(r->hub, hub), 0);
}

int64_t run_agents_over_us(const struct run *r)
{
    int64_t last_us = 0;

    for (size_t i = 0; i < r->n_agents; i++) {
        const struct agent *a = &r->agents[i];

        if (!a->ended_us || a->told_to_end || a->end_expected || a->process.out >= 0)
            return 0;
        if (a->ended_us > last_us)
            last_us = a->ended_us;
    }
    return last_us && !r->group && !r->n_devices ? last_us + LATE_US : 0;
}

bool run_agents_are_over(const struct run *r)
{
    int64_t over_us = run_agents_over_us(r);

    return over_us && run_now_us() >= over_us && run_agents_left_behind(r) == 0;
}

enum verdict run_agent_judge(struct run *r, const struct agent *a)
{
    struct buf text;
    enum verdict v;

    if (r->replay) /* ends are compared with those that were recorded */
        return VERDICT_PASSED;
    if (!a->ended_us || a->told_to_end || a->end_expected || agent_process_exit_code(&a->process) == 0)
        return VERDICT_PASSED;
    buf_init(&text, 0);
    run_agent_print(r, a, &text);
    buf_add(&text, STR(" ended by itself: "));
    agent_process_print_end(&a->process, &text);
    v = run_failed(r, "%.*s", STR_FMT(buf_view(&text)));
    buf_done(&text);
    return v;
}

static enum verdict start(struct run *r, struct agent *a)
{
    const char *given = json_get_text(a->node, "cwd");
    struct words command = {0}, env = {0};
    struct agent_process_options o = {.tail = &a->output};
    char why[WHY_MAX] = "";
    struct buf cwd;
    enum verdict v = run_agent_command(r, a, &command);

    buf_init(&cwd, PATH_MAX);
    if (!v)
        v = run_agent_env(r, a, &env);
    if (!v)
        v = run_agent_files(r, a);
    if (!v && vars_fill_text(&cwd, str_from(given ? given : "${work}"), r->vars))
        v = run_error(r, "the agent's cwd cannot be filled in");
    o.argv = command.at;
    o.env = env.at;
    o.cwd = cwd.at;
    if (!v) {
        agent_process_done(&a->process);
        if (agent_process_start(&o, &a->process, why, sizeof why))
            v = run_error(r, "%s", why);
    }
    buf_done(&cwd);
    words_done(&env);
    words_done(&command);
    return v;
}

enum verdict run_agent_start(struct run *r, struct agent *a)
{
    enum verdict v, back;

    if (run_agent_is_running(a))
        return run_error(r, "the agent is running already");
    v = run_agent_vars(r, a);
    if (!v)
        v = start(r, a);
    back = run_agent_vars(r, run_agent_find(r, NULL));
    if (v || back)
        return v ? v : back;
    a->was_started = true;
    a->told_to_end = a->end_expected = false;
    a->ended_us = 0;
    run_tell_process(r, a);
    return VERDICT_PASSED;
}

/* Wait until it has ended. returns PASSED when it has or the time is over */
static enum verdict wait_end(struct run *r, const struct agent *a, int64_t until_us)
{
    enum verdict v = VERDICT_PASSED;

    while (!v && run_agent_is_running(a) && run_now_us() < until_us)
        v = run_turn(r, until_us);
    return v;
}

static enum verdict too_slow(struct run *r, const struct agent *a)
{
    struct buf text;
    enum verdict v;

    buf_init(&text, 0);
    run_agent_print(r, a, &text);
    v = run_failed(r, "%.*s did not end within %d s of SIGTERM; it was killed", STR_FMT(buf_view(&text)),
                   (int)(STOP_US / US_PER_S));
    buf_done(&text);
    return v;
}

#define NOTICED_US (US_PER_S / 2) /* a hub hears of the end of a process at once; one behind a fault may not */

/* The process is gone: wait until the hub has noticed, too, so that what a step does next finds it gone. */
static enum verdict wait_noticed(struct run *r, const struct agent *a)
{
    const char *as = json_get_text(a->node, "as");
    int64_t until_us = run_now_us() + NOTICED_US;
    enum verdict v = VERDICT_PASSED;

    while (!v && r->service && timeline_is_connected(&r->timeline, as) && run_now_us() < until_us)
        v = run_turn(r, until_us);
    return v;
}

enum verdict run_agent_stop(struct run *r, struct agent *a, bool kill)
{
    enum verdict v;

    if (!run_agent_is_running(a))
        return VERDICT_PASSED;
    a->told_to_end = true;
    agent_process_signal(&a->process, kill ? SIGKILL : SIGTERM);
    v = wait_end(r, a, run_now_us() + STOP_US);
    if (run_agent_is_running(a) && !kill) {
        agent_process_signal(&a->process, SIGKILL);
        if (!v)
            v = wait_end(r, a, run_now_us() + STOP_US);
        if (!v)
            v = too_slow(r, a);
    }
    if (!v && r->lane->step)
        v = wait_noticed(r, a);
    return v;
}
