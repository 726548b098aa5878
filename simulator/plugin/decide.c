/* decide.c - one request on its way through the hub: read, load, decide, record, and one line in the log. */
#include "plugin.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"

void turn_fail(struct plugin *pl, enum rc rc, const struct request *r)
{
    if (pl->turn_rc)
        return;
    pl->turn_rc = rc;
    if (r && r->conn && r->conn->id[0])
        memcpy(pl->suspects[0], r->conn->id, sizeof pl->suspects[0]);
    if (r && r->target.device.len)
        (void)ident_print(r->target, pl->suspects[1]);
    mosquitto_log_printf(MOSQ_LOG_ERR,
                         "twinsim: this turn's changes cannot be stored (%s%s%s); all of them are refused", rc_text(rc),
                         rc == RC_NOMEM ? "" : ": ", rc == RC_NOMEM ? "" : store_error(pl->store));
}

void turn_record(struct plugin *pl)
{
    if (pl->out.rc) /* an entry may be half made */
        turn_fail(pl, pl->out.rc, NULL);
    for (; pl->recorded < pl->out.len && !pl->turn_rc; pl->recorded++) {
        const struct out *o = &pl->out.at[pl->recorded];
        enum rc rc = RC_OK;

        if (out_lasts(o))
            rc = store_append(pl->store, o);
        if (rc)
            turn_fail(pl, rc, NULL);
    }
}

/* --- the log -------------------------------------------------------------------------------------------------- */

static const char *op_of(const struct request *r)
{
    switch (r->kind) {
    case REQUEST_CONNECT:
        return "connect";
    case REQUEST_END:
        return "end";
    case REQUEST_SUBSCRIBE:
        return "subscribe";
    case REQUEST_UNSUBSCRIBE:
        return "unsubscribe";
    case REQUEST_WILL:
        return "will";
    case REQUEST_KEEP_WILL:
        return "keep_will";
    case REQUEST_PUBACK:
        return "puback";
    case REQUEST_TURNED_AWAY:
        return "turned_away";
    case REQUEST_EXPIRE:
        return "expire";
    case REQUEST_COMMAND: {
        const char *command = json_get_text(r->command, "command");

        return command ? command : "command";
    }
    case REQUEST_PUBLISH:
        if (r->read_rc)
            return "publish";
        switch (r->read.kind) {
        case TOPIC_TELEMETRY:
            return "telemetry";
        case TOPIC_TWIN_GET:
            return "twin_get";
        case TOPIC_TWIN_PATCH_REPORTED:
            return "twin_patch";
        case TOPIC_METHOD_ANSWER:
            return "method_answer";
        }
    }
    return "?";
}

static const char *answer_name(enum request_kind kind, enum hub_answer answer)
{
    switch (answer) {
    case HUB_ACCEPT:
        return "accepted";
    case HUB_SWALLOW:
        return "done";
    case HUB_DENY:
        return "denied";
    case HUB_CLOSE:
        return kind == REQUEST_CONNECT ? "refused" : "closed";
    case HUB_CUT:
        return "cut";
    }
    return "?";
}

/* The answer a device gets, among the entries from `from`: "$iothub/twin/res/204/?$rid=7&$version=3". */
static struct str answer_topic(const struct plugin *pl, size_t from)
{
    static const char root[] = "$iothub/twin/res/";

    for (size_t i = from; i < pl->out.len; i++) {
        const struct out *o = &pl->out.at[i];

        if (o->kind == OUT_PUBLISH && o->is_answer && o->topic && str_starts(str_from(o->topic), STR(root)))
            return str_skip(str_from(o->topic), sizeof root - 1);
    }
    return (struct str){NULL, 0};
}

/* op=twin_patch device=dev-1 rid=7 status=204 version=3 us=41: one line a request. Never a key, a token, or a body. */
static void log_request(const struct plugin *pl, const struct request *r, enum hub_answer answer, size_t from)
{
    struct str topic = answer_topic(pl, from);
    struct str status = str_first(topic, str_find(topic, '/'));
    struct str version = {NULL, 0};
    size_t tail = topic.len;
    char target[IDENT_TEXT_MAX] = "";
    int64_t us = clock_now().mono_us - r->now.mono_us;
    bool is_refusal = answer == HUB_CLOSE || answer == HUB_DENY;
    struct buf line;

    while (tail && topic.at[tail - 1] != '&')
        tail--;
    if (tail && str_starts(str_skip(topic, tail), STR("$version=")))
        version = str_skip(topic, tail + sizeof "$version=" - 1);
    if (r->target.device.len)
        (void)ident_print(r->target, target);
    buf_init(&line, 4096);
    buf_addf(&line, "op=%s device=%s", op_of(r), target[0] ? target : "-");
    if (r->conn && r->conn->no)
        buf_addf(&line, " conn=%" PRIu64, r->conn->no);
    if (r->kind == REQUEST_PUBLISH && r->read.rid.len)
        buf_addf(&line, " rid=%.*s", STR_FMT(str_first(r->read.rid, 128)));
    if (status.len)
        buf_addf(&line, " status=%.*s", STR_FMT(status));
    else
        buf_addf(&line, " answer=%s", answer_name(r->kind, answer));
    if (version.len)
        buf_addf(&line, " version=%.*s", STR_FMT(version));
    if (is_refusal && (r->kind == REQUEST_SUBSCRIBE || r->kind == REQUEST_PUBLISH))
        buf_addf(&line, " topic=%.*s", STR_FMT(str_first(r->topic, 200)));
    if (is_refusal && r->kind == REQUEST_CONNECT)
        buf_addf(&line, " client=%.*s user=%.*s", STR_FMT(str_first(sas_without_secret(r->client_id), 200)),
                 STR_FMT(str_first(sas_without_secret(r->user_name), 200)));
    if (is_refusal && r->why)
        buf_addf(&line, " reason=\"%s\"", r->why);
    buf_addf(&line, " us=%" PRId64, us);
    if (buf_ok(&line))
        mosquitto_log_printf(is_refusal ? MOSQ_LOG_NOTICE : MOSQ_LOG_DEBUG, "%s", line.at);
    buf_done(&line);
}

struct now turn_now(const struct plugin *pl)
{
    return hub_now(pl->hub, clock_now());
}

/* --- the request ---------------------------------------------------------------------------------------------- */

/* The hub cannot do it now. Behind a CONNACK 5 a client would not try again; it does when its connection is lost. */
static enum hub_answer not_now(const struct request *r)
{
    return r->kind == REQUEST_CONNECT ? HUB_CUT : HUB_CLOSE;
}

enum hub_answer decide(struct plugin *pl, struct request *r)
{
    size_t from = pl->out.len;
    struct needs needs;
    enum hub_answer answer;
    enum rc rc;

    r->now = turn_now(pl);
    r->why = NULL;
    pl->is_busy = true;
    if (pl->turn_rc && r->kind != REQUEST_END)
        return not_now(r); /* nothing more of this turn will be stored; the ends of connections are not */
    request_read(r);
    hub_needs(pl->hub, r, &needs);
    rc = load_needed(pl, &needs, r);
    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: op=%s: what it needs cannot be read: %s", op_of(r), rc_text(rc));
        load_done(r);
        return not_now(r);
    }
    answer = hub_handle(pl->hub, r, &pl->out);
    load_done(r);
    if (pl->out.rc)
        turn_fail(pl, pl->out.rc, r);
    turn_record(pl);
    if (pl->options.log_requests || answer == HUB_CLOSE || answer == HUB_DENY)
        log_request(pl, r, answer, from);
    return answer;
}
