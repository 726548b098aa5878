/* session.c - connecting, and connecting again. */
#include "session.h"

#include <inttypes.h>
#include <sys/utsname.h>

#include "mode.h"
#include "random.h"
#include "sas.h"

#define PASSWORD_MAX 4096u

void session_init(struct session *s, const struct settings *settings, const struct wire *wire, const struct log *log)
{
    *s = (struct session){.settings = settings,
                          .wire = wire,
                          .log = log,
                          .state = SESSION_DOWN,
                          .ready_since = TIME_NEVER,
                          .is_listening = !settings->mode->subscribes_late};
    backoff_init(&s->backoff, settings->backoff_base_ms, settings->backoff_max_ms);
}

int64_t session_due(const struct session *s)
{
    return s->deadline;
}

/* "{host}/{device}/{module}/?api-version=...&DeviceClientType=..." (facts M-07) */
static void print_user_name(const struct settings *settings, struct buf *out)
{
    struct utsname name = {0};

    (void)uname(&name); /* without it the parentheses are empty */
    buf_format(out, "%s/%s/%s/?api-version=" SESSION_API_VERSION "&DeviceClientType=", settings->host_name,
               settings->device_id, settings->module_id);
    buf_percent(out, str_from("security-agent/" SECURITY_AGENT_VERSION " ("));
    buf_percent(out, str_from(name.sysname));
    buf_percent(out, str_from("; "));
    buf_percent(out, str_from(name.machine));
    buf_percent(out, str_from(")"));
}

static void wait_before_retry(struct session *s, struct instant now)
{
    s->state = SESSION_DOWN;
    s->pause_ms = backoff_next(&s->backoff, random_32());
    s->deadline = now.mono_ms + s->pause_ms;
    log_line(s->log, SEVERITY_INFO, "retry in_ms=%" PRId64, s->pause_ms);
}

/* Connect with a token made for this very connection. */
static void connect_now(struct session *s, struct instant now)
{
    const struct settings *set = s->settings;
    int64_t expiry_s = (now.wall_ms + set->token_lifetime_ms) / 1000;
    struct buf user, password;
    enum rc rc;

    buf_init(&user, PASSWORD_MAX);
    buf_init(&password, PASSWORD_MAX);
    print_user_name(set, &user);
    rc = user.rc;
    if (!rc)
        rc = sas_token(str_from(set->host_name), str_from(set->device_id), str_from(set->module_id), str_from(set->key),
                       expiry_s, &password);
    log_line(s->log, SEVERITY_INFO, "connect host=%s port=%" PRId64 " device=%s module=%s", settings_target(set),
             set->port, set->device_id, set->module_id);
    if (!rc)
        rc = s->wire->connect(s->wire->link, user.at, password.at);
    if (rc) {
        log_line(s->log, SEVERITY_WARNING, "connect_failed detail=\"%s\"", rc_text(rc));
        s->problem = PROBLEM_NETWORK;
        wait_before_retry(s, now);
    } else {
        s->state = SESSION_CONNECTING;
        s->is_refused = false;
        s->deadline = now.mono_ms + set->connection_timeout_ms;
    }
    buf_done(&password);
    buf_done(&user);
}

void session_tick(struct session *s, struct instant now)
{
    if (now.mono_ms < s->deadline)
        return;
    switch (s->state) {
    case SESSION_DOWN:
        connect_now(s, now);
        break;
    case SESSION_CONNECTING:
    case SESSION_SUBSCRIBING:
        if (s->state == SESSION_CONNECTING)
            s->problem = PROBLEM_NETWORK;
        session_give_up(s, "no answer to CONNECT or SUBSCRIBE", now);
        break;
    case SESSION_READY:
        log_line(s->log, SEVERITY_INFO, "renew_token");
        s->is_renewing = true;
        s->state = SESSION_CLOSING;
        s->deadline = now.mono_ms + SESSION_CLOSING_MS;
        s->wire->disconnect(s->wire->link);
        break;
    case SESSION_CLOSING:
        session_give_up(s, "DISCONNECT takes too long", now);
        break;
    }
}

void session_on_connack(struct session *s, int code, struct instant now)
{
    if (s->state != SESSION_CONNECTING)
        return;
    if (code) {
        /* The link is lost next; that is where the pause begins. */
        s->problem = PROBLEM_REFUSED;
        s->is_refused = true;
        log_line(s->log, SEVERITY_ERROR, "connect_refused connack=%d code=\"%s\" subcode=\"%s\"", code,
                 failure_code_text(FAILURE_AUTHENTICATION), failure_subcode_text(FAILED_UNAUTHORIZED));
        return;
    }
    log_line(s->log, SEVERITY_INFO, "connected");
    s->problem = PROBLEM_NONE;
    s->state = SESSION_SUBSCRIBING;
    s->deadline = now.mono_ms + s->settings->connection_timeout_ms;
    if (s->wire->subscribe(s->wire->link, s->is_listening ? WIRE_ANSWERS | WIRE_DESIRED : WIRE_ANSWERS))
        session_give_up(s, "SUBSCRIBE cannot be sent", now);
}

void session_listen(struct session *s)
{
    if (s->is_listening)
        return;
    s->is_listening = true;
    if (s->wire->subscribe(s->wire->link, WIRE_DESIRED))
        log_line(s->log, SEVERITY_WARNING, "subscribe_failed");
}

size_t session_awaits(const struct session *s)
{
    return s->is_listening ? WIRE_SUBSCRIPTIONS : 1;
}

void session_on_suback(struct session *s, bool is_granted, struct instant now)
{
    if (s->state != SESSION_SUBSCRIBING)
        return;
    if (!is_granted) {
        session_give_up(s, "the hub refuses a subscription", now);
        return;
    }
    log_line(s->log, SEVERITY_INFO, "subscribed");
    s->state = SESSION_READY;
    s->ready_since = now.mono_ms;
    s->deadline = now.mono_ms + s->settings->token_lifetime_ms * s->settings->renewal_percent / 100;
}

void session_on_lost(struct session *s, const char *reason, struct instant now)
{
    int64_t age = s->ready_since == TIME_NEVER ? 0 : now.mono_ms - s->ready_since;
    bool was_connecting = s->state == SESSION_CONNECTING;

    if (s->state == SESSION_DOWN)
        return;
    s->ready_since = TIME_NEVER;
    if (age >= SESSION_STABLE_MS && age >= 4 * s->pause_ms)
        backoff_reset(&s->backoff);
    if (s->is_final || s->is_renewing) {
        log_line(s->log, SEVERITY_INFO, "disconnected");
        s->state = SESSION_DOWN;
        s->deadline = s->is_final ? TIME_NEVER : now.mono_ms;
        s->is_renewing = false;
        return;
    }
    if (was_connecting && !s->is_refused)
        s->problem = PROBLEM_NETWORK;
    log_line(s->log, SEVERITY_WARNING, "connection_lost detail=\"%s\"", reason);
    wait_before_retry(s, now);
}

void session_give_up(struct session *s, const char *reason, struct instant now)
{
    if (s->state == SESSION_DOWN)
        return;
    s->wire->drop(s->wire->link);
    session_on_lost(s, reason, now);
}

void session_close(struct session *s, struct instant now)
{
    s->is_final = true;
    if (s->state == SESSION_DOWN) {
        s->deadline = TIME_NEVER;
    } else if (s->state == SESSION_READY || s->state == SESSION_SUBSCRIBING) {
        s->state = SESSION_CLOSING;
        s->deadline = now.mono_ms + SESSION_CLOSING_MS;
        s->wire->disconnect(s->wire->link);
    } else if (s->state == SESSION_CONNECTING) {
        session_give_up(s, "stopped", now);
    }
}
