/* run_usage.c - the step `usage`: what an agent uses of the machine. */
#include "run_internal.h"

#include "usage.h"

static enum verdict look(struct run *r, const struct agent *a, struct usage *out)
{
    if (!run_agent_is_running(a))
        return run_failed(r, "it does not run, so it uses nothing");
    return usage_read(a->process.pid, out) ? run_error(r, "/proc cannot be read") : VERDICT_PASSED;
}

/* {"cpuMs":..,"peakKb":..,"processes":..}. NULL: no memory */
static cJSON *describe(const struct usage *u)
{
    cJSON *node = cJSON_CreateObject();

    if (node && json_set(node, "cpuMs", json_i64(u->cpu_ms)) == RC_OK &&
        json_set(node, "peakKb", json_i64(u->peak_kb)) == RC_OK &&
        json_set(node, "processes", json_i64(u->processes)) == RC_OK)
        return node;
    cJSON_Delete(node);
    return NULL;
}

static enum verdict judge(struct run *r, const struct usage *u)
{
    cJSON *got = describe(u);
    struct match_report report;
    enum verdict v = VERDICT_PASSED;

    if (!got)
        return run_no_memory(r);
    match_report_init(&report);
    if (!match_fits(json_get(r->lane->node, "usage"), got, NULL, &report)) {
        v = run_failed(r, "the agent uses more or less than it should");
        run_differences(r, "", &report);
    }
    match_report_done(&report);
    cJSON_Delete(got);
    return v;
}

/* With "over" the time of the processor is counted from the step's beginning, else from the agent's. */
enum verdict run_check_usage(struct run *r, const struct agent *a)
{
    struct look *l = &r->lane->look;
    bool is_new = !l->has_begun;
    struct usage now = {0};
    enum verdict v;

    if (!run_look(r, "over", 0))
        return VERDICT_ERROR;
    if (is_new && l->within_us > 0) {
        v = look(r, a, &now);
        l->cpu_ms = now.cpu_ms;
        if (v)
            return v;
    }
    if (run_now_us() < l->until_us)
        return run_pending(r);
    v = look(r, a, &now);
    now.cpu_ms = now.cpu_ms > l->cpu_ms ? now.cpu_ms - l->cpu_ms : 0;
    return v ? v : judge(r, &now);
}
