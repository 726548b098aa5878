/* agent.c - the parts of the agent, told what they need to know of each other. */
#include "agent.h"

#include "mode.h"

/* Tell what the log is told, if it is loud enough. */
static void diagnose(void *context, enum severity severity, const char *line)
{
    struct agent *a = context;

    if (a->is_diagnosing || severity < (enum severity)a->settings->diagnostic_severity)
        return;
    a->is_diagnosing = true;
    telemetry_diagnose(&a->telemetry, severity, line, a->now);
    a->is_diagnosing = false;
}

enum rc agent_init(struct agent *a, const struct settings *settings, const struct collect_roots *roots,
                   const struct wire *wire, const struct log *log, struct instant now)
{
    enum rc rc;

    *a = (struct agent){.settings = settings, .log = *log, .now = now, .state = AGENT_STARTING};
    a->log.tap = diagnose;
    a->log.context = a;
    session_init(&a->session, settings, wire, &a->log);
    rc = twin_init(&a->twin, settings, wire, &a->log);
    telemetry_init(&a->telemetry, settings, &a->twin.config, roots, wire, &a->log);
    a->session.deadline = now.mono_ms;
    a->deadline = now.mono_ms + settings->connection_timeout_ms;
    return rc;
}

void agent_done(struct agent *a)
{
    telemetry_done(&a->telemetry);
    twin_done(&a->twin);
}

static bool is_ready(const struct agent *a)
{
    return a->session.state == SESSION_READY;
}

/* Tell the others when the connection became ready, or stopped being so. */
static void settle(struct agent *a, bool was_ready, struct instant now)
{
    if (is_ready(a) == was_ready)
        return;
    if (was_ready) {
        twin_on_lost(&a->twin);
        return;
    }
    twin_on_ready(&a->twin, now);
    telemetry_on_ready(&a->telemetry, now);
}

/* Name the reason why there is no configuration in time. source: facts S-08, S-28 */
static void start_late(struct agent *a)
{
    const struct mode *mode = a->settings->mode;

    switch (a->session.problem) {
    case PROBLEM_REFUSED:
        failure_set(&a->failure, FAILURE_AUTHENTICATION, mode->refused_subcode, "the hub refuses this identity");
        break;
    case PROBLEM_NETWORK:
        failure_set(&a->failure, mode->no_network_is_timeout ? FAILURE_REMOTE : FAILURE_AUTHENTICATION,
                    mode->no_network_is_timeout ? FAILED_TIMEOUT : FAILED_OTHER, "the hub cannot be reached");
        break;
    case PROBLEM_NONE:
        failure_set(&a->failure, FAILURE_REMOTE, FAILED_TIMEOUT, "the twin did not come in time");
        break;
    }
    a->has_failed = true;
    a->state = AGENT_OVER;
}

static void leave(struct agent *a, struct instant now)
{
    a->state = AGENT_LEAVING;
    a->deadline = now.mono_ms + 2 * SESSION_CLOSING_MS;
    session_close(&a->session, now);
}

static bool is_late(const struct agent *a, struct instant now)
{
    return now.mono_ms >= a->deadline;
}

/* Move on from a state whose time or purpose is over. */
static void life_check(struct agent *a, struct instant now)
{
    if (a->state == AGENT_STARTING && is_late(a, now))
        start_late(a);
    if (a->state == AGENT_FLUSHING && (is_late(a, now) || !is_ready(a) || telemetry_is_flushed(&a->telemetry)))
        leave(a, now); /* sets a deadline of its own */
    if (a->state == AGENT_LEAVING && (is_late(a, now) || a->session.state == SESSION_DOWN))
        a->state = AGENT_OVER;
}

/* End a start for which the twin is not good enough. source: facts S-28 */
static void start_refuse(struct agent *a, enum twin_defect defect, struct instant now)
{
    if (defect == DEFECT_MISMATCH)
        failure_set(&a->failure, FAILURE_REMOTE, FAILED_CANT_PARSE, "the configuration is not valid");
    else
        failure_set(&a->failure, FAILURE_OTHER, FAILED_OTHER, "unexpected: the twin cannot be used");
    a->has_failed = true;
    leave(a, now);
}

/* Pass on what became of the twin. */
static void news_take(struct agent *a, struct twin_news *news, struct instant now)
{
    if (news->is_answered)
        session_listen(&a->session);
    if (news->defect && a->state == AGENT_STARTING && a->settings->mode->must_start_clean) {
        start_refuse(a, news->defect, now);
        cJSON_Delete(news->errors); /* there is nobody yet who could tell them */
        return;
    }
    if (news->errors && a->settings->mode->tells_latest) {
        telemetry_note(&a->telemetry, news->errors, now);
        news->errors = NULL;
    }
    if (news->is_judged) {
        telemetry_configured(&a->telemetry, now);
        if (a->state == AGENT_STARTING) {
            a->state = AGENT_RUNNING;
            a->deadline = TIME_NEVER;
            log_line(&a->log, SEVERITY_INFO, "start detail=\"security agent initialized\"");
        }
    }
    if (news->is_unhappy)
        log_line(&a->log, SEVERITY_ERROR, "twin_report_failed detail=\"the hub did not take the reported properties\"");
    if (news->errors)
        telemetry_raise(&a->telemetry, news->errors, now);
}

void agent_tick(struct agent *a, struct instant now)
{
    bool was_ready = is_ready(a);
    struct twin_news news;

    a->now = now;
    if (is_ready(a) && telemetry_is_stuck(&a->telemetry, now))
        session_give_up(&a->session, "a message was not acknowledged in time", now);
    session_tick(&a->session, now);
    settle(a, was_ready, now);
    if (is_ready(a)) {
        twin_tick(&a->twin, now, &news);
        news_take(a, &news, now);
    }
    telemetry_tick(&a->telemetry, is_ready(a), now);
    life_check(a, now);
}

int64_t agent_due(const struct agent *a)
{
    const int64_t times[] = {a->deadline, session_due(&a->session), twin_due(&a->twin), telemetry_due(&a->telemetry),
                             is_ready(a) ? telemetry_stuck_at(&a->telemetry) : TIME_NEVER};
    int64_t due = TIME_NEVER;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] < due)
            due = times[i];
    return due;
}

void agent_on_connack(struct agent *a, int code, struct instant now)
{
    bool (*ends)(int) = a->settings->mode->refusal_ends;

    a->now = now;
    session_on_connack(&a->session, code, now);
    if (code == 0 || a->state != AGENT_STARTING || !ends || !ends(code))
        return;
    failure_set(&a->failure, FAILURE_AUTHENTICATION, FAILED_UNAUTHORIZED, "the hub refuses this identity");
    a->has_failed = true;
    a->state = AGENT_OVER;
}

void agent_on_suback(struct agent *a, const int *granted, size_t n, struct instant now)
{
    bool was_ready = is_ready(a), is_granted = n == session_awaits(&a->session);

    a->now = now;
    for (size_t i = 0; i < n; i++)
        is_granted = is_granted && granted[i] < 128;
    session_on_suback(&a->session, is_granted, now);
    settle(a, was_ready, now);
}

void agent_on_message(struct agent *a, struct str topic, struct str body, struct instant now)
{
    struct twin_news news;

    a->now = now;
    twin_on_message(&a->twin, topic, body, now, &news);
    news_take(a, &news, now);
}

void agent_on_puback(struct agent *a, int mid)
{
    telemetry_on_puback(&a->telemetry, mid);
}

void agent_on_lost(struct agent *a, const char *reason, struct instant now)
{
    bool was_ready = is_ready(a);

    a->now = now;
    session_on_lost(&a->session, reason, now);
    settle(a, was_ready, now);
}

void agent_stop(struct agent *a, struct instant now)
{
    a->now = now;
    log_line(&a->log, SEVERITY_INFO, "stop");
    if (a->state == AGENT_FLUSHING || a->state == AGENT_LEAVING) {
        a->deadline = now.mono_ms;
        return;
    }
    a->state = AGENT_FLUSHING;
    a->deadline = now.mono_ms + AGENT_FLUSH_MS;
    telemetry_flush(&a->telemetry);
}

bool agent_ended_well(const struct agent *a)
{
    return !a->has_failed || (a->settings->mode->ends_well && a->failure.code != FAILURE_OTHER);
}

bool agent_is_over(const struct agent *a)
{
    return a->state == AGENT_OVER;
}
