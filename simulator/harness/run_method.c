/* run_method.c - the step `method`: a direct method is called, and answered. Others go on meanwhile: who answers may be in a lane beside it. */
#include "run_internal.h"

#include <stdio.h>

#define RESPONSE_MIN_S 5 /* what the hub takes as a response time-out (facts L-06) */
#define RESPONSE_MAX_S 300
#define SPARE_US       (2 * US_PER_S) /* for the hub to say that the time is over */

static int64_t response_seconds(const struct look *l)
{
    int64_t s = (l->within_us + US_PER_S - 1) / US_PER_S;

    return s < RESPONSE_MIN_S ? RESPONSE_MIN_S : s > RESPONSE_MAX_S ? RESPONSE_MAX_S : s;
}

static void print_cause(const struct run *r, char out[32])
{
    (void)snprintf(out, 32, "run-%u", r->lane->look.command);
}

/* {"command":"method.invoke",..}. NULL: explained */
static cJSON *make_command(struct run *r, int64_t response_s)
{
    cJSON *command = run_command_new(r, "method.invoke", run_who(r));
    const cJSON *name = json_get(r->lane->node, "method"), *payload = json_get(r->lane->node, "payload");
    char cause[32];

    print_cause(r, cause);
    if (!command)
        return NULL;
    if (json_set(command, "methodName", cJSON_Duplicate(name, true)) == RC_OK &&
        (!payload || json_set(command, "payload", cJSON_Duplicate(payload, true)) == RC_OK) &&
        json_set(command, "responseTimeoutInSeconds", json_i64(response_s)) == RC_OK &&
        json_set(command, "correlationData", json_str(str_from(cause))) == RC_OK)
        return command;
    cJSON_Delete(command);
    (void)run_no_memory(r);
    return NULL;
}

static enum verdict begin(struct run *r)
{
    struct look *l = &r->lane->look;
    int64_t response_s;
    cJSON *command;
    enum rc rc;

    if (!r->service)
        return run_error(r, "the hub is not running; start it first: {\"start\":\"hub\"}");
    if (!run_look(r, "within", WITHIN_US))
        return VERDICT_ERROR;
    l->from = r->timeline.count;
    l->command = ++r->commands;
    response_s = response_seconds(l);
    if (json_get(r->lane->node, "refused") || l->within_us >= response_s * US_PER_S)
        l->until_us = run_deadline(r, response_s * US_PER_S + SPARE_US); /* the hub says how it ended */
    command = make_command(r, response_s);
    if (!command)
        return VERDICT_ERROR;
    record_command(r, command);
    rc = service_post(r->service, command);
    return rc ? run_error(r, "the hub cannot be asked: %s", rc_text(rc)) : VERDICT_PASSED;
}

/* As other injections do: the cursor goes behind the step's own event. */
static void follow_own_event(struct run *r, const char *cause)
{
    static const char *const method[] = {"method", NULL};
    struct look *l = &r->lane->look;
    size_t own = l->seen ? TIMELINE_NONE : timeline_find_own(&r->timeline, cause, method, l->from);

    if (own != TIMELINE_NONE) {
        r->lane->cursor = own + 1;
        l->seen = 1;
    }
}

/* What the device said. */
static enum verdict judge_answer(struct run *r, const cJSON *body)
{
    const cJSON *wanted = json_get(r->lane->node, "status"), *match = json_get(r->lane->node, "match");
    const cJSON *status = json_get(body, "status"), *payload = json_get(body, "payload");
    struct match_report report;
    struct buf text;
    enum verdict v = VERDICT_PASSED;

    if (wanted && !json_eq(wanted, status)) {
        buf_init(&text, 0);
        match_print_short(&text, status, 16);
        buf_add(&text, STR(" "));
        match_print_short(&text, payload, 200);
        v = run_failed(r, "the method was answered with %.*s; status %.0f was expected", STR_FMT(buf_view(&text)),
                       wanted->valuedouble);
        buf_done(&text);
        return v;
    }
    match_report_init(&report);
    if (match && !match_fits(match, payload, NULL, &report)) {
        v = run_failed(r, "the method was answered with another payload");
        run_differences(r, "payload", &report);
    }
    match_report_done(&report);
    return v ? v : run_save(r, body, payload);
}

static enum verdict judge(struct run *r, const char *cause, int status, const cJSON *body)
{
    int64_t code = 0;
    enum verdict v;

    record_answer(r, cause, status);
    if (status >= 300 && json_get_i64(body, "errorCode", &code))
        code = 0;
    v = run_judge_status(r, status, code, json_get_text(body, "message"));
    return v || status >= 300 ? v : judge_answer(r, body);
}

enum verdict run_method(struct run *r)
{
    struct look *l = &r->lane->look;
    enum verdict v = l->has_begun ? VERDICT_PASSED : begin(r);
    cJSON *body = NULL;
    char cause[32];
    int status;

    if (v)
        return v;
    print_cause(r, cause);
    follow_own_event(r, cause);
    if (r->service && service_take(r->service, cause, &status, &body)) {
        v = judge(r, cause, status, body);
        cJSON_Delete(body);
        return v;
    }
    if (run_now_us() < l->until_us)
        return run_pending(r);
    v = run_failed(r, "the method was not answered in time");
    run_explain_agents(r);
    return v;
}
