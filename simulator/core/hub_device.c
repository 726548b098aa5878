/* hub_device.c - what a connected device or module publishes: its twin read, its reports. Telemetry: hub_telemetry.c; answers to methods: hub_method.c. */
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"
#include "utf8.h"

/* --- twins ---------------------------------------------------------------------------------------------------- */

static enum fault_operation operation_of(const struct request *r)
{
    return r->read.kind == TOPIC_TWIN_GET ? FAULT_TWIN_GET : FAULT_REPORTED;
}

/* Answer on $iothub/twin/res. Without that subscription the operation has happened all the same (facts M-35). Takes body over. */
static void answer(struct hub *h, const struct identity *i, const struct request *r, int status, int64_t version,
                   char *body, size_t len, struct outbox *out)
{
    unsigned char granted = i->subscribed[FILTER_TWIN_RES];
    struct buf topic;
    struct out *o;

    if (!granted || r->read.rid.len == 0) {
        free(body);
        return;
    }
    buf_init(&topic, 0);
    topic_twin_answer(&topic, status, r->read.rid, HUB_IS_EDGE(h) ? -1 : version);
    o = hub_push_packet(out, i, &topic, granted - 1);
    o->is_answer = true;
    o->body = body;
    o->body_len = len;
    hub_fault_message(h, i, operation_of(r), r->topic, r->now, out);
}

static void answer_refusal(struct hub *h, const struct identity *i, const struct request *r, const struct refusal *why,
                           struct outbox *out)
{
    struct buf body;
    size_t len = 0;
    char *text;

    if (HUB_IS_EDGE(h)) { /* facts M-48: no body, and only two statuses, but for those that faults want */
        answer(h, i, r, why->status, -1, NULL, 0, out);
        return;
    }
    buf_init(&body, 0);
    error_print(h, &body, why->code, why->message, r->now);
    text = buf_take(&body, &len);
    if (!text)
        out->rc = RC_NOMEM;
    answer(h, i, r, why->status, -1, text, len, out);
}

/* An answer's body is what the fault wants it to be, unless that is what it is. Takes body over, gives the new one. */
static char *body_by_fault(const struct fault *f, char *body, size_t *len, struct outbox *out)
{
    if (!f || f->body_kind == FAULT_BODY_JSON)
        return body;
    free(body);
    body = f->body_kind == FAULT_BODY_GIVEN ? str_dup(str_from(f->body)) : NULL;
    *len = body ? strlen(body) : 0;
    if (f->body_kind == FAULT_BODY_GIVEN && !body)
        out->rc = RC_NOMEM;
    return body;
}

static void announce_get(struct hub *h, const struct identity *i, const struct request *r, int status,
                         const struct refusal *why, struct outbox *out)
{
    struct buf *b = event_begin(h, "twin-get", i, r->conn->no, r->now);

    json_put_text(b, "rid", r->read.rid);
    json_put_i64(b, "status", status);
    if (why)
        json_put_text(b, "error", str_from(why->message));
    event_send(h, out);
}

/* f: a fault that gives the answer another status, or NULL. */
static void handle_get(struct hub *h, struct identity *i, const struct request *r, const struct fault *f,
                       struct outbox *out)
{
    int status = f ? f->status : 200;
    struct str view = twin_device_view(i->twin);
    size_t len = view.len;
    char *body = str_dup(view);

    hub_account(h, i); /* the view is kept */
    if (view.len == 0 || !body) {
        free(body);
        out->rc = RC_NOMEM;
        return;
    }
    body = body_by_fault(f, body, &len, out);
    answer(h, i, r, status, -1, body, len, out);
    announce_get(h, i, r, status, NULL, out);
}

static void announce_reported(struct hub *h, const struct identity *i, const struct request *r, int status,
                              struct str patch, const struct refusal *why, struct outbox *out)
{
    struct buf *b = event_begin(h, "reported", i, r->conn->no, r->now);

    json_put_text(b, "rid", r->read.rid);
    json_put_i64(b, "status", status);
    if (why) {
        json_put_text(b, "error", str_from(why->message));
        if (why->where[0])
            json_put_text(b, "property", str_from(why->where));
    } else {
        json_put_i64(b, "version", i->twin->reported_version);
        json_put_raw(b, "patch", patch);
    }
    event_send(h, out);
}

/* One journal row for a change the twin has just taken. body is copied. */
static void store_reported(const struct identity *i, struct now now, struct str body, struct outbox *out)
{
    struct out *o = hub_push_row(out, i, CHANGE_REPORTED, now);

    o->body = str_dup(body);
    o->body_len = body.len;
    if (!o->body)
        out->rc = RC_NOMEM;
}

/* Does a name hold '#', or white space beyond ASCII's as .NET knows it? NULL: neither; else where. */
static const char *edge_minds(const char *name)
{
    static const char *const texts[] = {"#",      "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                        "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                        "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
    const char *at = NULL;

    for (size_t n = 0; n < sizeof texts / sizeof texts[0] && !at; n++)
        at = strstr(name, texts[n]);
    return at;
}

/* What an edge hub minds beyond the hub's own rules (facts M-48): the patch's length as text, and '#' and more blanks in names. */
static bool check_for_edge(struct str text, const cJSON *node, struct refusal *why)
{
    if (text.len > TWIN_SECTION_MAX) {
        refuse(why, 400, 400004, "A reported patch is %zu bytes; it may be %u.", text.len, TWIN_SECTION_MAX);
        return false;
    }
    for (const cJSON *member = node->child; member; member = member->next) {
        const char *at = member->string ? edge_minds(member->string) : NULL;

        if (at) {
            struct str name = utf8_first(str_from(member->string), 64); /* what is wrong comes behind it */

            refuse(why, 400, 400004, "Property name %.*s contains invalid character '%.*s'", STR_FMT(name),
                   (int)utf8_char_len(str_from(at)), at);
            return false;
        }
        if (!check_for_edge(STR(""), member, why))
            return false;
    }
    return true;
}

static bool check_patch(const struct hub *h, struct identity *i, const struct request *r, struct str text,
                        cJSON **patch, struct refusal *why)
{
    struct json_error error;
    enum rc rc;

    if (text.len > HUB_REPORTED_MAX) { /* before it is read: that takes a hundred milliseconds for a few megabytes */
        refuse(why, 403, 403100, "A reported patch is %zu bytes; it may be %u.", text.len, HUB_REPORTED_MAX);
        return false;
    }
    rc = json_read(text, patch, &error);
    if (rc == RC_NOMEM) {
        refuse(why, 500, 500001, "out of memory");
        return false;
    }
    if (rc) {
        refuse(why, 400, 400004, "Provided json is not a valid 'tags' or 'properties' object: %s at byte %zu",
               error.what, error.offset);
        return false;
    }
    if (!twin_check_reported(i->twin, *patch, why))
        return false;
    if (HUB_IS_EDGE(h)) /* which does not look at $version */
        return check_for_edge(text, *patch, why);
    if (r->read.if_version >= 0 && r->read.if_version != i->twin->reported_version) {
        refuse(why, 412, 412001, "Precondition failed: reported properties are at version %lld, not %lld",
               (long long)i->twin->reported_version, (long long)r->read.if_version);
        return false;
    }
    return true;
}

static void handle_patch(struct hub *h, struct identity *i, const struct request *r, const struct fault *f,
                         struct outbox *out)
{
    int status = f ? f->status : 204;
    size_t len = 0;
    char *body;
    struct str text = without_trailing_nuls(r->payload);
    struct refusal why;
    cJSON *patch = NULL;

    if (!check_patch(h, i, r, text, &patch, &why)) {
        if (HUB_IS_EDGE(h))
            why.status = why.status < 500 ? 400 : 500;
        answer_refusal(h, i, r, &why, out);
        announce_reported(h, i, r, why.status, STR(""), &why, out);
    } else if (twin_write_reported(i->twin, patch, r->now.us)) {
        out->rc = RC_NOMEM; /* the turn fails: the twin is dropped and read again from what is stored */
    } else {
        hub_account(h, i);
        store_reported(i, r->now, text, out);
        body = body_by_fault(f, NULL, &len, out);
        answer(h, i, r, status, i->twin->reported_version, body, len, out);
        announce_reported(h, i, r, status, text, NULL, out);
        notice_twin(h, i, &(struct twin_change){.reported = patch}, r->now, out);
    }
    cJSON_Delete(patch);
}

/* --- twin requests, and what faults make of them --------------------------------------------------------------- */

/* What the hub would say with that status (facts L-02, L-09, M-28). */
static void refusal_of(int status, struct refusal *why)
{
    static const struct {
        int status, code;
        const char *message;
    } known[] = {
        {400, 400004, "The request is malformed"},
        {401, 401003, "The connection's authorization does not allow this"},
        {403, 403002, "The hub's daily quota of messages is used up"},
        {404, 404001, "The identity is not registered"},
        {409, 409002, "Another change of the twin is under way; retry"},
        {412, 412001, "Precondition failed"},
        {413, 413001, "The request is too large"},
        {429, 429001, "More requests than the hub allows; retry later"},
        {500, 500001, "The hub failed; retry"},
        {503, 503001, "The service is unavailable; retry"},
        {504, 504101, "The hub did not answer in time"},
    };

    refuse(why, status, status * 1000 + 1, "The hub answered %d", status);
    for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
        if (known[n].status == status)
            refuse(why, status, known[n].code, "%s", known[n].message);
}

static void announce_refused(struct hub *h, const struct identity *i, const struct request *r,
                             const struct refusal *why, struct outbox *out)
{
    if (r->read.kind == TOPIC_TWIN_GET)
        announce_get(h, i, r, why->status, why, out);
    else
        announce_reported(h, i, r, why->status, STR(""), why, out);
}

/* Not carried out, and answered so. */
static void refuse_by_fault(struct hub *h, const struct identity *i, const struct request *r, const struct fault *f,
                            struct outbox *out)
{
    struct refusal why;
    size_t len = 0;
    char *body;

    refusal_of(f->type == FAULT_TYPE_THROTTLE ? 429 : f->status, &why);
    if (f->body_kind == FAULT_BODY_JSON) {
        answer_refusal(h, i, r, &why, out);
    } else {
        body = body_by_fault(f, NULL, &len, out);
        answer(h, i, r, why.status, -1, body, len, out);
    }
    announce_refused(h, i, r, &why, out);
}

/* More than the tier takes (facts L-02): not carried out. */
static void refuse_by_throttle(struct hub *h, const struct identity *i, const struct request *r, struct outbox *out)
{
    struct refusal why;

    refusal_of(429, &why);
    answer_refusal(h, i, r, &why, out);
    announce_refused(h, i, r, &why, out);
}

static enum hub_answer handle_twin(struct hub *h, struct identity *i, const struct request *r, struct outbox *out)
{
    enum throttle_kind kind = r->read.kind == TOPIC_TWIN_GET ? THROTTLE_TWIN_READ : THROTTLE_TWIN_UPDATE;
    enum throttle_verdict throttled;
    size_t from = out->len;
    int64_t wait_us = 0;
    unsigned types = FAULTS_THAT_END | FAULT_BIT(STATUS) | FAULT_BIT(THROTTLE);
    const struct fault *f = hub_fault_pick(h, types, operation_of(r), i, r->topic, r->now, out);

    if (f && FAULTS_THAT_END & 1u << f->type) {
        hub_note_end(h, i, hub_fault_ended(f->type), r->now, out);
        return HUB_CLOSE;
    }
    throttled = hub_throttle(h, kind, 1, r->now, &wait_us);
    if (throttled == THROTTLE_REFUSES)
        refuse_by_throttle(h, i, r, out);
    else if (f && (f->type == FAULT_TYPE_THROTTLE || f->status >= 300))
        refuse_by_fault(h, i, r, f, out);
    else if (r->read.kind == TOPIC_TWIN_GET)
        handle_get(h, i, r, f, out);
    else
        handle_patch(h, i, r, f, out);
    if (throttled == THROTTLE_WAITS)
        (void)hub_throttle_hold(h, from, r->now.mono_us + wait_us, out);
    return HUB_SWALLOW;
}

/* --- publish -------------------------------------------------------------------------------------------------- */

static const char *why_unreadable(enum rc rc)
{
    switch (rc) {
    case RC_NOT_OURS:
        return "not a topic this identity may publish to";
    case RC_LIMIT:
        return "the request id is too long";
    default:
        return "malformed: a twin request needs $rid, $version a whole number, a method answer a status";
    }
}

enum hub_answer hub_publish(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i = hub_live(h, r);

    if (!i)
        return HUB_CLOSE; /* the identity went away, or was taken over */
    i->last_activity_us = r->now.us;
    if (r->read_rc) {
        hub_violation(h, r, i, why_unreadable(r->read_rc), out);
        return HUB_CLOSE;
    }
    switch (r->read.kind) {
    case TOPIC_TELEMETRY:
        return hub_telemetry(h, i, r, out);
    case TOPIC_TWIN_GET:
    case TOPIC_TWIN_PATCH_REPORTED:
        if (!i->twin) /* could not be loaded; the adapter has said why */
            return HUB_CLOSE;
        return handle_twin(h, i, r, out);
    case TOPIC_METHOD_ANSWER:
        hub_method_answer(h, i, r, out);
        return HUB_SWALLOW;
    }
    return HUB_CLOSE;
}
