/* hub_method.c - direct methods: a service calls, a device or module answers, and until then the call is under way here.
 *
 *   invoke --> the device listens: sent --------------------> its answer, or 504101 when the response time-out is over
 *         \--> it does not: waits for it (connect time-out) --> sent as above, or 404103
 *
 * The end of the device's connection is the end of the calls that were sent on it; those not sent yet wait on. Time-outs count by the
 * clock that never jumps; moving the hub's clock leaves them alone. The command's answer leaves when the call is over (hub_command.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

#define SECOND_US INT64_C(1000000)

/* A call under way. */
struct call {
    struct call *next;
    char target[IDENT_TEXT_MAX];
    char *name;
    uint64_t rid;        /* 0: not sent yet */
    struct buf payload;  /* what it is sent with; empty: none. Freed when sent */
    int64_t response_us; /* how long its answer may take */
    int64_t due_us;      /* mono: when somebody gives up */
    /* Who asked, and where. */
    char to[IDENT_TEXT_MAX];
    uint64_t to_conn, ticket;
    cJSON *correlation;
};

static void call_free(struct call *c)
{
    if (!c)
        return;
    buf_done(&c->payload);
    cJSON_Delete(c->correlation);
    free(c->name);
    free(c);
}

void hub_methods_free(struct hub *h)
{
    while (h->calls) {
        struct call *c = h->calls;

        h->calls = c->next;
        call_free(c);
    }
    h->n_calls = h->call_bytes = 0;
}

bool hub_methods_are_valid(const struct hub *h)
{
    size_t n = 0, bytes = 0;

    for (const struct call *c = h->calls; c; c = c->next) {
        n++;
        bytes += c->payload.len;
        if (c->rid > h->last_rid || (c->rid && c->payload.len))
            return false;
    }
    return n == h->n_calls && n <= HUB_CALLS_MAX && bytes == h->call_bytes;
}

bool hub_method_waits_for(const struct hub *h, const struct identity *i)
{
    const struct call *c = h->calls;

    while (c && !str_eq(str_from(c->target), identity_id(i)))
        c = c->next;
    return c != NULL;
}

static bool is_listening(const struct identity *i)
{
    return i->conn && i->subscribed[FILTER_METHODS];
}

/* --- the end of a call ---------------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t mixed(uint64_t n)
{
    n *= 0x9e3779b97f4a7c15u;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

/* A small hexadecimal number (facts M-23); an edge hub's are GUIDs (facts M-48). */
static void print_rid(const struct hub *h, uint64_t rid, char out[GUID_MAX])
{
    if (HUB_IS_EDGE(h))
        guid_print((mixed(2 * rid) & ~UINT64_C(0xf000)) | 0x4000, mixed(2 * rid + 1) >> 2 | UINT64_C(1) << 63, out);
    else
        (void)snprintf(out, GUID_MAX, "%" PRIx64, rid);
}

/* i may be NULL: it is gone. conn 0: not by a message of the device. Add what is the answer, then event_send. */
static struct buf *begin_answer(struct hub *h, const struct call *c, const struct identity *i, uint64_t conn,
                                struct now now)
{
    struct buf *b = event_begin(h, "method-answer", i, conn, now);
    char rid[GUID_MAX];

    print_rid(h, c->rid, rid);
    if (c->rid)
        json_put_text(b, "rid", str_from(rid));
    json_put_text(b, "name", str_from(c->name));
    return b;
}

static void tell_failure(struct hub *h, const struct call *c, const struct identity *i, uint64_t conn,
                         const struct refusal *why, struct now now, struct outbox *out)
{
    struct buf *b = begin_answer(h, c, i, conn, now);

    json_put_i64(b, "errorCode", why->code);
    json_put_text(b, "error", str_from(why->message));
    event_send(h, out);
}

static void remove_call(struct hub *h, struct call **at)
{
    struct call *c = *at;

    *at = c->next;
    h->n_calls--;
    h->call_bytes -= c->payload.len;
    call_free(c);
}

/* Answer who asked, and that was it. */
static void finish(struct hub *h, struct call **at, struct reply *reply, struct now now, struct outbox *out)
{
    const struct call *c = *at;
    struct asker asker = {.to = c->to, .conn = c->to_conn, .ticket = c->ticket, .correlation = c->correlation};

    command_answer(h, &asker, "method.invoke", reply, now, out);
    remove_call(h, at);
}

static void fail(struct hub *h, struct call **at, uint64_t conn, const struct refusal *why, struct now now,
                 struct outbox *out)
{
    struct reply reply = {.status = 200};

    reply_with(&reply, why);
    tell_failure(h, *at, hub_find(h, str_from((*at)->target)), conn, why, now, out);
    finish(h, at, &reply, now, out);
}

static void refuse_offline(struct refusal *why)
{
    refuse(why, 404, 404103, "Timed out waiting for device to connect."); /* facts M-25 */
}

/* --- sending it ----------------------------------------------------------------------------------------------- */

/* rid 0: nobody was there to hear it. It may be a while since the command that caused it. */
static void tell_call(struct hub *h, const struct call *c, const struct identity *i, struct now now, struct outbox *out)
{
    const char *cause = h->cause;
    struct buf *b;
    char rid[GUID_MAX];

    h->cause = cJSON_GetStringValue(c->correlation);
    b = event_begin(h, "method", i, c->rid ? i->conn : 0, now);
    h->cause = cause;
    print_rid(h, c->rid, rid);
    if (c->rid)
        json_put_text(b, "rid", str_from(rid));
    json_put_text(b, "name", str_from(c->name));
    if (c->payload.len)
        json_put_raw(b, "payload", buf_view(&c->payload));
    json_put_bool(b, "delivered", c->rid != 0);
    event_send(h, out);
}

/* The device is there and listens. At QoS 0 whatever was granted (facts M-23). */
static void send_call(struct hub *h, struct call *c, const struct identity *i, struct now now, struct outbox *out)
{
    struct buf topic;
    struct out *o;
    char rid[GUID_MAX];

    c->rid = ++h->last_rid;
    c->due_us = now.mono_us + c->response_us;
    tell_call(h, c, i, now, out);
    print_rid(h, c->rid, rid);
    buf_init(&topic, 0);
    topic_method(&topic, str_from(c->name), str_from(rid));
    o = hub_push_packet(out, i, &topic, 0);
    h->call_bytes -= c->payload.len;
    if (c->payload.len) {
        o->body = buf_take(&c->payload, &o->body_len);
        if (!o->body)
            out->rc = RC_NOMEM;
    }
}

void hub_method_online(struct hub *h, const struct identity *i, struct now now, struct outbox *out)
{
    if (!h->calls || !is_listening(i))
        return;
    for (struct call *c = h->calls; c; c = c->next) {
        if (!c->rid && str_eq(str_from(c->target), identity_id(i)))
            send_call(h, c, i, now, out);
    }
}

/* --- the command ---------------------------------------------------------------------------------------------- */

/* A number of seconds between these, or the usual one when it is not given. */
static bool read_seconds(const cJSON *command, const char *member, int64_t usual_s, int64_t least_s, int64_t most_s,
                         int64_t *us, struct reply *reply)
{
    int64_t seconds = usual_s;

    if (json_get(command, member) &&
        (json_get_i64(command, member, &seconds) || seconds < least_s || seconds > most_s)) {
        reply_refuse(reply, 400, 400004, "'%s' is a number of seconds from %" PRId64 " to %" PRId64, member, least_s,
                     most_s);
        return false;
    }
    *us = seconds * SECOND_US;
    return true;
}

/* Everything a call is made of. returns false with the refusal written; *c is then the caller's all the same. */
static bool read_call(const struct request *r, struct call *c, int64_t *connect_us, struct reply *reply)
{
    const char *name = json_get_text(r->command, "methodName");
    const cJSON *payload = json_get(r->command, "payload");
    const cJSON *correlation = json_get(r->command, "correlationData");

    if (!name || !method_name_is_valid(str_from(name))) {
        reply_refuse(reply, 400, 400004,
                     "'methodName' is a text of printable ASCII without blanks and without $()<>@,;:\\\"/[]?={}+#");
        return false;
    }
    if (!read_seconds(r->command, "responseTimeoutInSeconds", METHOD_RESPONSE_USUAL_S, METHOD_RESPONSE_MIN_S,
                      METHOD_RESPONSE_MAX_S, &c->response_us, reply) ||
        !read_seconds(r->command, "connectTimeoutInSeconds", 0, 0, METHOD_CONNECT_MAX_S, connect_us, reply))
        return false;
    if (payload && !cJSON_IsNull(payload)) /* none arrives as an empty body (facts R-13) */
        json_print(&c->payload, payload);
    if (c->payload.len > HUB_METHOD_MAX || c->payload.rc == RC_LIMIT) {
        reply_refuse(reply, 413, 413001, "A method's payload may be %u bytes.", HUB_METHOD_MAX); /* facts L-04 */
        return false;
    }
    c->name = str_dup(str_from(name));
    c->correlation = correlation ? cJSON_Duplicate(correlation, true) : NULL;
    if (c->name && buf_ok(&c->payload) && (c->correlation || !correlation))
        return true;
    reply_refuse(reply, 500, 500001, "out of memory");
    return false;
}

static void enter(struct hub *h, struct call *c)
{
    struct call **at = &h->calls;

    while (*at) /* in the order of the calls: so they are sent */
        at = &(*at)->next;
    *at = c;
    h->n_calls++;
    h->call_bytes += c->payload.len;
}

void method_invoke(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    struct call *c = i ? calloc(1, sizeof *c) : NULL;
    int64_t connect_us;

    if (!i)
        return;
    if (!c) {
        reply_refuse(reply, 500, 500001, "out of memory");
        return;
    }
    buf_init(&c->payload, 0);
    if (!read_call(r, c, &connect_us, reply))
        goto refused;
    if (h->n_calls >= HUB_CALLS_MAX || h->call_bytes + c->payload.len > HUB_CALLS_BYTES) {
        reply_refuse(reply, 429, 429001, "%zu calls of methods are under way", h->n_calls);
        goto refused;
    }
    if (!is_listening(i) && connect_us == 0) {
        struct refusal why;

        refuse_offline(&why);
        tell_call(h, c, i, r->now, out);
        tell_failure(h, c, i, 0, &why, r->now, out);
        reply_with(reply, &why);
        goto refused;
    }
    memcpy(c->target, i->id, i->id_len + 1);
    memcpy(c->to, r->conn->id, sizeof c->to);
    c->to_conn = r->conn->no;
    c->ticket = r->ticket;
    c->due_us = r->now.mono_us + connect_us;
    enter(h, c);
    if (is_listening(i))
        send_call(h, c, i, r->now, out);
    reply->is_later = true;
    return;

refused:
    call_free(c);
}

/* --- the device's answer -------------------------------------------------------------------------------------- */

/* The call that this answer is for. The letter case of hex digits does not matter (as for edge). */
static struct call **find_call(struct hub *h, const struct identity *i, struct str rid)
{
    struct call **at = &h->calls;
    char text[GUID_MAX];

    for (; *at; at = &(*at)->next) {
        print_rid(h, (*at)->rid, text);
        if ((*at)->rid && str_eq_nocase(rid, str_from(text)) && str_eq(str_from((*at)->target), identity_id(i)))
            return at;
    }
    return NULL;
}

/* An answer that nobody waits for: unknown, too late, or the second one. The device hears nothing of it (facts M-36). */
static void tell_unwanted(struct hub *h, const struct identity *i, const struct request *r, struct outbox *out)
{
    struct buf *b = event_begin(h, "method-answer", i, r->conn->no, r->now);

    json_put_text(b, "rid", r->read.rid);
    json_put_i64(b, "status", r->read.status);
    json_put_bool(b, "waited", false);
    event_send(h, out);
}

/* What the service hears, as JSON text: none is null (facts M-37). returns false with *why: it is none */
static bool read_payload(struct str body, struct str *payload, struct refusal *why)
{
    struct json_error error;
    cJSON *tree = NULL;
    enum rc rc;

    *payload = STR("null");
    if (body.len > HUB_METHOD_MAX) {
        refuse(why, 413, 413001, "The device's answer is %zu bytes; it may be %u.", body.len, HUB_METHOD_MAX);
        return false;
    }
    if (body.len == 0)
        return true;
    rc = json_read(body, &tree, &error);
    cJSON_Delete(tree);
    if (rc == RC_NOMEM)
        refuse(why, 500, 500001, "out of memory");
    else if (rc)
        refuse(why, 502, 502000, "The device's answer is no JSON: %s at byte %zu", error.what, error.offset);
    *payload = body;
    return rc == RC_OK;
}

void hub_method_answer(struct hub *h, const struct identity *i, const struct request *r, struct outbox *out)
{
    struct call **at = find_call(h, i, r->read.rid);
    struct reply reply = {.status = 200};
    struct refusal why;
    struct str payload;
    struct buf *b;

    if (!at) {
        tell_unwanted(h, i, r, out);
        return;
    }
    if (!read_payload(without_trailing_nuls(r->payload), &payload, &why)) {
        fail(h, at, r->conn->no, &why, r->now, out);
        return;
    }
    b = begin_answer(h, *at, i, r->conn->no, r->now);
    json_put_i64(b, "status", r->read.status);
    json_put_raw(b, "payload", payload);
    event_send(h, out);
    buf_init(&reply.body, 0);
    buf_add_char(&reply.body, '{');
    json_put_i64(&reply.body, "status", r->read.status); /* 200 for the caller, whatever it is (facts M-24) */
    json_put_raw(&reply.body, "payload", payload);
    buf_add_char(&reply.body, '}');
    finish(h, at, &reply, r->now, out);
    buf_done(&reply.body);
}

/* --- time, and other ends ------------------------------------------------------------------------------------- */

void hub_abandon(struct hub *h, uint64_t ticket)
{
    struct call **at = &h->calls;

    while (*at && (*at)->ticket != ticket)
        at = &(*at)->next;
    if (*at)
        remove_call(h, at);
    hub_waiting_answers(h, ticket, (struct now){0, 0}, NULL);
}

int64_t hub_method_tick(struct hub *h, struct now now, struct outbox *out)
{
    int64_t next = INT64_MAX;
    struct call **at = &h->calls;

    while (*at) {
        struct call *c = *at;
        struct refusal why;

        if (c->due_us > now.mono_us) {
            next = c->due_us < next ? c->due_us : next;
            at = &c->next;
            continue;
        }
        if (c->rid) {
            refuse(&why, 504, 504101, "Timed out waiting for the response from device."); /* facts M-25 */
        } else {
            refuse_offline(&why);
            tell_call(h, c, hub_find(h, str_from(c->target)), now, out);
        }
        fail(h, at, 0, &why, now, out);
    }
    return next;
}

void hub_method_lost(struct hub *h, const struct identity *i, struct now now, struct outbox *out)
{
    struct call **at = &h->calls;
    struct refusal why;

    refuse(&why, 404, 404104, "The connection to the device was closed before it answered."); /* facts M-40 */
    while (*at)
        if ((*at)->rid && str_eq(str_from((*at)->target), identity_id(i)))
            fail(h, at, 0, &why, now, out);
        else
            at = &(*at)->next;
}

void hub_method_end(struct hub *h, const struct identity *i, const struct refusal *why, struct now now,
                    struct outbox *out)
{
    struct call **at = &h->calls;

    while (*at)
        if (!i || str_eq(str_from((*at)->target), identity_id(i)))
            fail(h, at, 0, why, now, out);
        else
            at = &(*at)->next;
}
