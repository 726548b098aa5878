/* run_replay.c - a recording happens again: its actions are the steps of a scenario, each in its turn; the agent is watched. */
#include "run_internal.h"

#define QUIET_US   (US_PER_S * 5)     /* so long nothing new, and more than the recording ever took: it will not come */
#define LINGER_US  (US_PER_S * 2 / 5) /* for what explains a difference */
#define SETTLED_US (US_PER_S * 2 / 5) /* so long nothing new at the end */

/* When it is clear that nothing more will come. */
static int64_t quiet_end(const struct replay *rp, int64_t since_us)
{
    int64_t from_us = rp->changed_us > since_us ? rp->changed_us : since_us;

    return from_us + QUIET_US + rp->gap_us;
}

/* Wait until a time, or a difference. */
static enum verdict wait_until(struct run *r, int64_t until_us)
{
    enum verdict v = VERDICT_PASSED;

    while (!v && !r->replay->group && run_now_us() < until_us)
        v = run_turn(r, until_us);
    return v;
}

/* Say what the first difference is. */
static enum verdict tell_difference(struct run *r)
{
    struct replay *rp = r->replay;
    int64_t until_us = rp->found_us + LINGER_US;
    enum verdict v = VERDICT_PASSED;
    cJSON *told;

    while (!v && run_now_us() < until_us)
        v = run_turn(r, until_us);
    told = replay_explain(rp);
    if (!told)
        return run_no_memory(r);
    cJSON_Delete(r->failure); /* what else was said follows from it */
    r->failure = NULL;
    v = run_failed(r, "%s, entry %zu: %s", rp->group, rp->index + 1, json_get_text(told, "meaning"));
    if (!r->failure || json_set(r->failure, "replay", told)) {
        if (!r->failure)
            cJSON_Delete(told);
        return run_no_memory(r);
    }
    return v;
}

/* Wait until everything has been seen that was recorded before an item. */
static enum verdict wait_level(struct run *r, size_t item)
{
    struct replay *rp = r->replay;
    int64_t since_us = run_now_us();
    enum verdict v = VERDICT_PASSED;

    if (replay_pass(rp, item))
        return run_no_memory(r);
    while (!v && !rp->group && !replay_is_level(rp)) {
        int64_t until_us = quiet_end(rp, since_us);

        if (until_us > r->deadline_us)
            until_us = r->deadline_us;
        if (run_now_us() < until_us)
            v = run_turn(r, until_us);
        else if (replay_conclude(rp, run_now_us()))
            return run_no_memory(r);
        else if (!rp->group)
            return run_failed(r, "the time limit is over");
    }
    return v;
}

static enum verdict do_steps(struct run *r, const struct replay_plan *plan)
{
    size_t count = r->main.n_steps;
    int64_t begin_us = run_now_us();
    enum verdict v = VERDICT_PASSED;

    for (size_t i = 0; i < count && !v && !r->replay->group; i++) {
        size_t item = plan->items[i];

        if (item != SIZE_MAX) {
            v = wait_level(r, item);
            if (!v && plan->keeps_pace)
                v = wait_until(r, begin_us + plan->recording->items[item].offset_us);
        }
        if (v || r->replay->group)
            break;
        r->main.n_steps = i + 1;
        v = run_steps(r);
    }
    return v;
}

/* Behind the last action: what was recorded comes, and then nothing new. */
static enum verdict wait_end(struct run *r)
{
    struct replay *rp = r->replay;
    int64_t last_us = run_now_us();
    enum verdict v = wait_level(r, rp->rec->count);

    rp->horizon_us = last_us + rp->tail_us; /* a later one was not recorded either */
    while (!v && !rp->group) {
        int64_t until_us = rp->changed_us + SETTLED_US;

        if (until_us > rp->horizon_us)
            until_us = rp->horizon_us;
        if (run_now_us() >= until_us)
            break;
        v = run_turn(r, until_us);
    }
    if (!v && replay_conclude(rp, run_now_us()))
        return run_no_memory(r);
    return v;
}

enum verdict run_replay(struct run *r)
{
    struct replay rp;
    enum verdict v;

    if (replay_init(&rp, r->options->replay->recording))
        return run_no_memory(r);
    rp.changed_us = run_now_us();
    r->replay = &rp;
    v = do_steps(r, r->options->replay);
    if (!v && !rp.group)
        v = wait_end(r);
    if (r->replay_rc)
        v = run_no_memory(r);
    if (v != VERDICT_ERROR && rp.group)
        v = tell_difference(r);
    for (size_t i = 0; i < r->n_agents; i++)
        r->agents[i].end_expected = true; /* how they ended was compared */
    r->replay = NULL;
    replay_done(&rp);
    return v;
}
