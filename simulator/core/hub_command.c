/* hub_command.c - the control commands as one table, and those about the hub itself. See docs/reference/control.md, section 1. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

#define READS  RIGHT_REGISTRY_READ
#define WRITES RIGHT_REGISTRY_WRITE
#define TWINS  RIGHT_SERVICE_CONNECT

static command_fn hub_status;

static const struct command commands[] = {
    /* name             rights  target          twin   modules list   history members */
    {"hub.status", 0, TARGET_NONE, false, false, false, false, "", hub_status},
    {"device.create", WRITES, TARGET_DEVICE, true, false, false, false,
     "status statusReason primaryKey secondaryKey iotEdge twin", device_create},
    {"device.show", READS, TARGET_DEVICE, false, false, false, false, "", device_show},
    {"device.list", READS, TARGET_NONE, false, false, true, false, "top after", device_list},
    {"device.update", WRITES, TARGET_DEVICE, false, true, false, false,
     "status statusReason primaryKey secondaryKey iotEdge", device_update},
    {"device.delete", WRITES, TARGET_DEVICE, false, true, false, false, "", device_delete},
    {"device.renew-key", WRITES, TARGET_EITHER, false, false, false, false, "keyType", device_renew_key},
    {"module.create", WRITES, TARGET_MODULE, true, true, false, false, "primaryKey secondaryKey twin", device_create},
    {"module.show", READS, TARGET_MODULE, false, false, false, false, "", device_show},
    {"module.list", READS, TARGET_DEVICE, false, true, false, false, "", device_list},
    {"module.delete", WRITES, TARGET_MODULE, false, false, false, false, "", device_delete},
    {"twin.show", TWINS, TARGET_EITHER, true, false, false, false, "", twin_show},
    {"twin.update", TWINS, TARGET_EITHER, true, false, false, false, "patch etag", twin_update},
    {"twin.replace", TWINS, TARGET_EITHER, true, false, false, false, "twin etag", twin_replace},
    {"twin.history", TWINS, TARGET_EITHER, false, false, false, true, "top before", twin_history},
    {"method.invoke", TWINS, TARGET_EITHER, false, false, false, false,
     "methodName payload responseTimeoutInSeconds connectTimeoutInSeconds", method_invoke},
    {"message.send", TWINS, TARGET_EITHER, false, false, false, false,
     "body bodyBase64 messageId correlationId userId contentType contentEncoding ack properties expiryTimeUtc "
     "timeToLive "
     "inputName",
     message_send},
    {"message.list", TWINS, TARGET_EITHER, false, false, false, false, "", message_list},
    {"message.purge", TWINS, TARGET_EITHER, false, false, false, false, "", message_purge},
    {"feedback.receive", TWINS, TARGET_NONE, false, false, false, false, "", feedback_receive},
    {"identity.export", RIGHT_OWNER, TARGET_EITHER, true, false, false, false, "", identity_export},
    {"identity.import", RIGHT_OWNER, TARGET_INSIDE, true, true, false, false, "identity replace", identity_import},
    {"query", TWINS, TARGET_NONE, false, false, false, false, "query top continuation", hub_query},
    {"fault.add", RIGHT_OWNER, TARGET_ANYBODY, false, false, false, false,
     "type on operation after every probability seed at topic times for status body delay copies how by rate tier "
     "messages reason",
     fault_add},
    {"fault.list", RIGHT_OWNER, TARGET_NONE, false, false, false, false, "", fault_list},
    {"fault.clear", RIGHT_OWNER, TARGET_NONE, false, false, false, false, "id", fault_clear},
    {"clock.show", 0, TARGET_NONE, false, false, false, false, "", clock_show},
    {"clock.advance", RIGHT_OWNER, TARGET_NONE, false, false, false, false, "by", clock_advance},
    {"clock.freeze", RIGHT_OWNER, TARGET_NONE, false, false, false, false, "", clock_freeze},
    {"clock.resume", RIGHT_OWNER, TARGET_NONE, false, false, false, false, "", clock_resume},
};

/* --- parse ---------------------------------------------------------------------------------------------------- */

static unsigned page_size(const cJSON *command)
{
    int64_t top;

    if (json_get_i64(command, "top", &top) || top < 1 || top > HUB_PAGE_MAX)
        return HUB_PAGE_MAX;
    return (unsigned)top;
}

void command_read(struct request *r)
{
    const char *name = json_get_text(r->command, "command");
    const cJSON *ids = r->command;

    r->verb = NULL;
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            r->verb = &commands[i];
    if (r->verb && r->verb->run == hub_query)
        hub_query_read(r);
    if (!r->verb || r->verb->target == TARGET_NONE)
        return;
    if (r->verb->target == TARGET_INSIDE)
        ids = json_get(r->command, "identity");
    if (r->verb->target == TARGET_ANYBODY && !json_get(ids, "deviceId") && !json_get(ids, "moduleId"))
        return;
    r->target.device = str_from(json_get_text(ids, "deviceId"));
    r->target.module = str_from(json_get_text(ids, "moduleId"));
    if (!ident_part_is_valid(r->target.device) || (json_get(ids, "moduleId") && !ident_part_is_valid(r->target.module)))
        r->read_rc = RC_SYNTAX;
    else if (r->verb->target == TARGET_DEVICE && ident_is_module(r->target))
        r->read_rc = RC_SYNTAX;
    else if (r->verb->target == TARGET_MODULE && !ident_is_module(r->target))
        r->read_rc = RC_SYNTAX;
}

void command_needs(const struct request *r, struct needs *out)
{
    if (!r->verb || r->read_rc || !(r->conn->rights & r->verb->rights || r->verb->rights == 0))
        return;
    if (r->target.device.len) {
        out->ids[out->n_ids++] = r->target;
        if (ident_is_module(r->target))
            out->ids[out->n_ids++] = (struct ident){r->target.device, {NULL, 0}};
    }
    out->twins = r->verb->twin;
    out->modules = r->verb->modules;
    out->list = r->verb->list;
    if (out->list)
        out->list_after = str_from(json_get_text(r->command, "after"));
    out->list_top = page_size(r->command);
    out->history = r->verb->history;
    out->history_top = page_size(r->command);
    if (json_get_i64(r->command, "before", &out->history_before))
        out->history_before = 0;
    if (r->verb->run == hub_query)
        hub_query_needs(r, out);
}

/* --- decide --------------------------------------------------------------------------------------------------- */

void reply_refuse(struct reply *reply, int status, int code, const char *fmt, ...)
{
    va_list args;

    reply->status = reply->why.status = status;
    reply->why.code = code;
    reply->why.where[0] = '\0';
    va_start(args, fmt);
    refusal_print(&reply->why, 0, fmt, args);
    va_end(args);
}

void reply_with(struct reply *reply, const struct refusal *why)
{
    reply->status = why->status;
    reply->why = *why;
}

void reply_unread(struct reply *reply, enum rc rc, const struct refusal *why, struct outbox *out)
{
    if (rc == RC_SYNTAX)
        reply_with(reply, why);
    else
        out->rc = rc;
}

/* Is `name` one of the blank-separated words? */
bool is_word_of(const char *words, const char *name)
{
    struct str rest = str_from(words);

    while (rest.at && rest.len)
        if (str_eq(str_cut(&rest, ' '), str_from(name)))
            return true;
    return false;
}

static const char *unknown_member(const struct request *r)
{
    bool has_ids = r->verb->target != TARGET_NONE && r->verb->target != TARGET_INSIDE;

    for (const cJSON *m = r->command->child; m; m = m->next) {
        if (is_word_of("command correlationData", m->string) || is_word_of(r->verb->members, m->string))
            continue;
        if (has_ids && (strcmp(m->string, "deviceId") == 0 ||
                        (strcmp(m->string, "moduleId") == 0 && r->verb->target != TARGET_DEVICE)))
            continue;
        return m->string;
    }
    return NULL;
}

/* What each member must be whose reader would otherwise pass a wrong one over in silence. */
static const char *wrong_member(const struct request *r)
{
    const cJSON *command = r->command;
    static const char *const texts[] = {"after", "etag", "keyType", "query", "continuation"};
    int64_t number;

    if (r->verb->run == fault_add)
        return NULL; /* it judges its members itself */
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++)
        if (json_get(command, texts[n]) && !json_get_text(command, texts[n]))
            return texts[n];
    if (json_get(command, "replace") && !cJSON_IsBool(json_get(command, "replace")))
        return "replace";
    if (json_get(command, "top") && (json_get_i64(command, "top", &number) || number < 1 || number > HUB_PAGE_MAX))
        return "top";
    if (json_get(command, "before") && (json_get_i64(command, "before", &number) || number < 1))
        return "before";
    return NULL;
}

static void run(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const char *name = json_get_text(r->command, "command");
    const char *unknown, *wrong;

    if (!r->verb) {
        reply_refuse(reply, 400, 400004, name ? "unknown command '%s'" : "a command needs a member \"command\"",
                     name ? name : "");
        return;
    }
    if (r->verb->rights && !(r->conn->rights & r->verb->rights)) {
        reply_refuse(reply, 401, 401003, "Authorization rule does not allow '%s'", name);
        return;
    }
    unknown = unknown_member(r);
    wrong = wrong_member(r);
    if (unknown)
        reply_refuse(reply, 400, 400004, "'%s' has no member '%s'", name, unknown);
    else if (wrong)
        reply_refuse(reply, 400, 400004, "'%s' of '%s' has the wrong type, or is out of range", wrong, name);
    else if (r->read_rc == RC_NOMEM)
        out->rc = RC_NOMEM;
    else if (r->read_rc)
        reply_refuse(reply, 400, 400004, "'%s' needs a valid %s", name,
                     r->verb->target == TARGET_MODULE ? "deviceId and moduleId" : "deviceId");
    else
        r->verb->run(h, r, reply, out);
}

/* The service hears which property is meant; a device hears what the real hub says, no more. */
static void print_refusal(struct hub *h, struct buf *b, const struct refusal *why, struct now now)
{
    char text[sizeof why->message + sizeof why->where + 16];

    (void)snprintf(text, sizeof text, "%s%s%s%s", why->message, why->where[0] ? " (at " : "", why->where,
                   why->where[0] ? ")" : "");
    error_print(h, b, why->code, text, now);
}

void command_answer(struct hub *h, const struct asker *asker, const char *name, const struct reply *reply,
                    struct now now, struct outbox *out)
{
    struct buf b;
    struct out *o;

    buf_init(&b, 0);
    buf_add_char(&b, '{');
    json_put_text(&b, "command", str_from(name));
    if (asker->correlation)
        json_put_node(&b, "correlationData", asker->correlation);
    json_put_i64(&b, "status", reply->status);
    json_key(&b, "body");
    if (reply->status >= 300)
        print_refusal(h, &b, &reply->why, now);
    else
        buf_add(&b, reply->body.len ? buf_view(&reply->body) : STR("{}"));
    buf_add_char(&b, '}');
    if (reply->body.rc)
        b.rc = reply->body.rc;
    o = outbox_push(out, OUT_PUBLISH);
    (void)snprintf(o->to, sizeof o->to, "%s", asker->to);
    o->conn = asker->conn;
    o->ticket = asker->ticket;
    o->status = reply->status;
    o->code = reply->why.code;
    o->is_answer = true;
    o->qos = 1;
    o->topic = str_dup(STR(CONTROL_TOPIC "/response"));
    o->body = buf_take(&b, &o->body_len);
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
}

/* It comes back with the answer, and stands in each event that the command causes. */
static bool correlation_is_fit(const cJSON *correlation)
{
    struct buf text;
    bool is_fit;

    if (cJSON_IsString(correlation))
        return strlen(correlation->valuestring) <= CORRELATION_MAX;
    buf_init(&text, CORRELATION_MAX);
    if (correlation)
        json_print(&text, correlation);
    is_fit = text.rc != RC_LIMIT;
    buf_done(&text);
    return is_fit;
}

void hub_command(struct hub *h, struct request *r, struct outbox *out)
{
    const char *name = json_get_text(r->command, "command");
    struct asker asker = {r->conn->id, r->conn->no, r->ticket, json_get(r->command, "correlationData")};
    struct reply reply = {.status = 200};
    int64_t wait_us = 0;
    size_t from;

    buf_init(&reply.body, 0);
    if (!correlation_is_fit(asker.correlation)) {
        asker.correlation = NULL;
        reply_refuse(&reply, 400, 400004, "correlationData may have %d bytes", CORRELATION_MAX);
    } else {
        h->cause = json_get_text(r->command, "correlationData");
        wait_us = hub_throttle_command(h, r, &reply);
        if (wait_us >= 0)
            run(h, r, &reply, out);
        h->cause = NULL;
    }
    r->is_later = reply.is_later;
    from = out->len;
    if (!reply.is_later)
        command_answer(h, &asker, name ? name : "", &reply, r->now, out);
    if (!reply.is_later && wait_us > 0)
        r->is_later = hub_throttle_hold(h, from, r->now.mono_us + wait_us, out);
    buf_done(&reply.body);
}

struct identity *command_target(struct hub *h, struct request *r, struct reply *reply)
{
    char id[IDENT_TEXT_MAX];
    struct identity *i = hub_find(h, str_of(id, ident_print(r->target, id)));

    if (i && (i->twin || !r->verb->twin))
        return i;
    if (i)
        reply_refuse(reply, 500, 500001, "the twin of %s could not be read from the store", id);
    else if (!hub_find(h, r->target.device))
        reply_refuse(reply, 404, 404001, "Device %.*s not registered", STR_FMT(r->target.device)); /* facts T-25 */
    else
        reply_refuse(reply, 404, 404010, "Module %s not registered", id);
    return NULL;
}

/* --- the hub itself -------------------------------------------------------------------------------------------------- */

static void hub_status(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;
    char profile[PROFILE_TEXT_MAX];

    (void)out;
    profile_print(&h->options.profile, profile);
    buf_add_char(b, '{');
    json_put_text(b, "hostname", h->options.hosts[0]);
    json_put_text(b, "version", STR(TWINSIM_VERSION));
    json_put_text(b, "profile", str_from(profile));
    json_put_i64(b, "uptimeSeconds", (r->now.mono_us - h->started_mono_us) / 1000000);
    json_put_i64(b, "connected", (int64_t)h->connected);
    json_put_bool(b, "listeners", h->has_listeners);
    json_put_i64(b, "seq", (int64_t)h->seq);
    if (r->status_members.len) {
        json_comma(b);
        buf_add(b, r->status_members);
    }
    buf_add_char(b, '}');
}
