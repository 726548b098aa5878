/* hub_device.c - what a connected device or module may do: subscribe, read its twin, report, send telemetry. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bag.h"
#include "hub_internal.h"

#define SECURITY_INTERFACE "urn:azureiot:Security:SecurityAgent:1" /* facts S-13 */

static void violation(struct hub *h, struct request *r, const struct identity *i, const char *reason,
                      struct outbox *out)
{
    struct buf *b = event_begin(h, "violation", i, r->conn->no, r->now);

    json_put_text(b, "topic", r->topic);
    json_put_text(b, "reason", str_from(reason));
    event_send(h, out);
    r->why = reason;
}

/* The identity behind a connection, if that connection is still its live one. */
static struct identity *live_identity(const struct hub *h, const struct request *r)
{
    struct identity *i = hub_find(h, str_from(r->conn->id));

    return i && i->conn == r->conn->no ? i : NULL;
}

/* --- subscriptions -------------------------------------------------------------------------------------------- */

static enum hub_answer subscribe_service(const struct request *r)
{
    bool is_telemetry = str_eq(r->topic, STR("devices/+/messages/events/#")) ||
                        str_eq(r->topic, STR("devices/+/modules/+/messages/events/#"));

    if (str_eq(r->topic, STR(CONTROL_TOPIC "/response")))
        return HUB_ACCEPT;
    /* What devices say is for who may ServiceConnect; a registry policy sees identities only. */
    return (is_telemetry || str_starts(r->topic, STR(EVENTS_ROOT))) && r->conn->rights & RIGHT_SERVICE_CONNECT
               ? HUB_ACCEPT
               : HUB_DENY;
}

static void announce_filter(struct hub *h, const char *kind, const struct identity *i, const struct request *r,
                            struct outbox *out)
{
    struct buf *b = event_begin(h, kind, i, r->conn->no, r->now);

    json_put_text(b, "filter", r->topic);
    if (r->kind == REQUEST_SUBSCRIBE)
        json_put_i64(b, "qos", r->qos > 0); /* what is granted */
    event_send(h, out);
}

enum hub_answer hub_subscribe(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i;
    enum filter_class class;
    unsigned char wanted = r->qos > 0 ? 2 : 1; /* QoS 2 is granted 1 (facts M-13) */

    if (r->conn->is_service)
        return subscribe_service(r);
    i = live_identity(h, r);
    if (!i)
        return HUB_CLOSE;
    if (filter_read(r->conn->who, r->topic, &class)) {
        violation(h, r, i, "not a filter this identity may subscribe to", out);
        return h->options.forbidden_filter_is_0x80 ? HUB_DENY : HUB_CLOSE;
    }
    if (++r->conn->filters > HUB_FILTERS_MAX) {
        violation(h, r, i, "too many subscriptions on one connection", out);
        return HUB_CLOSE;
    }
    if (i->subscribed[class] != wanted) {
        i->subscribed[class] = wanted;
        hub_store_subscriptions(i, out);
    }
    announce_filter(h, "subscribed", i, r, out);
    return HUB_ACCEPT;
}

enum hub_answer hub_unsubscribe(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i;
    enum filter_class class;

    if (r->conn->is_service)
        return HUB_ACCEPT;
    i = live_identity(h, r);
    if (!i)
        return HUB_CLOSE;
    /* The UNSUBACK is sent in any case; what was not held changes nothing, however many filters a packet names. */
    if (filter_read(r->conn->who, r->topic, &class) || !i->subscribed[class])
        return HUB_ACCEPT;
    i->subscribed[class] = 0;
    if (r->conn->filters) /* 0: subscribed by an earlier connection */
        r->conn->filters--;
    hub_store_subscriptions(i, out);
    announce_filter(h, "unsubscribed", i, r, out);
    return HUB_ACCEPT;
}

/* --- twins ---------------------------------------------------------------------------------------------------- */

/* Answer on $iothub/twin/res. Without that subscription the operation has happened all the same (facts M-35). Takes body over. */
static void answer(const struct identity *i, const struct request *r, int status, int64_t version, char *body,
                   size_t len, struct outbox *out)
{
    unsigned char granted = i->subscribed[FILTER_TWIN_RES];
    struct buf topic;
    struct out *o;

    if (!granted || r->read.rid.len == 0) {
        free(body);
        return;
    }
    buf_init(&topic, 0);
    topic_twin_answer(&topic, status, r->read.rid, version);
    o = outbox_push(out, OUT_PUBLISH);
    memcpy(o->to, i->id, i->id_len + 1);
    o->conn = i->conn;
    o->is_answer = true;
    o->qos = granted - 1;
    o->body = body;
    o->body_len = len;
    o->topic = buf_take(&topic, NULL);
    if (!o->topic)
        out->rc = RC_NOMEM;
}

static void answer_refusal(struct hub *h, const struct identity *i, const struct request *r, const struct refusal *why,
                           struct outbox *out)
{
    struct buf body;
    size_t len = 0;
    char *text;

    buf_init(&body, 0);
    error_print(h, &body, why->code, why->message, r->now);
    text = buf_take(&body, &len);
    if (!text)
        out->rc = RC_NOMEM;
    answer(i, r, why->status, -1, text, len, out);
}

static void handle_get(struct hub *h, struct identity *i, const struct request *r, struct outbox *out)
{
    struct str view = twin_device_view(i->twin);
    char *body = str_dup(view);
    struct buf *b;

    hub_account(h, i); /* the view is kept */
    if (view.len == 0 || !body) {
        free(body);
        out->rc = RC_NOMEM;
        return;
    }
    answer(i, r, 200, -1, body, view.len, out);
    b = event_begin(h, "twin-get", i, r->conn->no, r->now);
    json_put_text(b, "rid", r->read.rid);
    json_put_i64(b, "status", 200);
    event_send(h, out);
}

static void announce_reported(struct hub *h, const struct identity *i, const struct request *r, int status,
                              struct str patch, const struct refusal *why, struct outbox *out)
{
    struct buf *b = event_begin(h, "reported", i, r->conn->no, r->now);

    json_put_text(b, "rid", r->read.rid);
    json_put_i64(b, "status", status);
    if (why) {
        json_put_text(b, "error", str_from(why->message));
    } else {
        json_put_i64(b, "version", i->twin->reported_version);
        json_put_raw(b, "patch", patch);
    }
    event_send(h, out);
}

/* One journal row for a change the twin has just taken. body is copied. */
static void store_reported(const struct identity *i, struct now now, struct str body, struct outbox *out)
{
    struct out *o = outbox_push(out, OUT_STORE);

    memcpy(o->to, i->id, i->id_len + 1);
    o->change = CHANGE_REPORTED;
    o->at_us = now.us;
    o->version = i->twin->version;
    o->desired_version = i->twin->desired_version;
    o->reported_version = i->twin->reported_version;
    o->body = str_dup(body);
    o->body_len = body.len;
    if (!o->body)
        out->rc = RC_NOMEM;
}

/* Real clients end their JSON with NULs (facts C-05): cut them. */
static struct str without_trailing_nuls(struct str payload)
{
    while (payload.len && payload.at[payload.len - 1] == '\0')
        payload.len--;
    return payload;
}

static bool check_patch(struct identity *i, const struct request *r, struct str text, cJSON **patch,
                        struct refusal *why)
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
    if (r->read.if_version >= 0 && r->read.if_version != i->twin->reported_version) {
        refuse(why, 412, 412001, "Precondition failed: reported properties are at version %lld, not %lld",
               (long long)i->twin->reported_version, (long long)r->read.if_version);
        return false;
    }
    return true;
}

static void handle_patch(struct hub *h, struct identity *i, const struct request *r, struct outbox *out)
{
    struct str text = without_trailing_nuls(r->payload);
    struct refusal why;
    cJSON *patch = NULL;

    if (!check_patch(i, r, text, &patch, &why)) {
        answer_refusal(h, i, r, &why, out);
        announce_reported(h, i, r, why.status, STR(""), &why, out);
    } else if (twin_write_reported(i->twin, patch, r->now.us)) {
        out->rc = RC_NOMEM; /* the turn fails: the twin is dropped and read again from what is stored */
    } else {
        hub_account(h, i);
        store_reported(i, r->now, text, out);
        answer(i, r, 204, i->twin->reported_version, NULL, 0, out);
        announce_reported(h, i, r, 204, text, NULL, out);
    }
    cJSON_Delete(patch);
}

/* --- telemetry ------------------------------------------------------------------------------------------------ */

static void put_body(struct buf *b, struct str payload)
{
    struct str text = without_trailing_nuls(payload);
    cJSON *tree = NULL;
    enum rc rc = json_read(text, &tree, NULL);

    cJSON_Delete(tree);
    if (rc == RC_NOMEM)
        b->rc = rc;
    if (rc == RC_OK)
        json_put_raw(b, "body", text);
    if (rc == RC_OK || rc == RC_NOMEM)
        return;
    json_key(b, "bodyBase64");
    buf_add_char(b, '"');
    for (size_t at = 0; at < payload.len; at += 57) {
        char chunk[80];
        size_t n = payload.len - at < 57 ? payload.len - at : 57;
        int len = EVP_EncodeBlock((unsigned char *)chunk, (const unsigned char *)payload.at + at, (int)n);

        buf_add(b, str_of(chunk, (size_t)len));
    }
    buf_add_char(b, '"');
}

/* Stamp what the hub adds to every message (facts T-32: the connection's identity). */
static enum rc stamp(cJSON *system, cJSON *properties, const struct identity *i, const struct request *r)
{
    struct ident id = identity_ident(i);
    char time[ISO_TIME_MAX];
    enum rc rc = json_set(system, "iothub-connection-device-id", json_str(id.device));

    if (!rc && ident_is_module(id))
        rc = json_set(system, "iothub-connection-module-id", json_str(id.module));
    if (!rc)
        rc = json_set(system, "iothub-connection-auth-method",
                      json_str(ident_is_module(id)
                                   ? STR("{\"scope\":\"module\",\"type\":\"sas\",\"issuer\":\"iothub\"}")
                                   : STR("{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\"}")));
    if (!rc)
        rc = json_set(system, "iothub-connection-auth-generation-id", json_str(str_from(i->generation)));
    if (!rc)
        rc = json_set(system, "iothub-enqueuedtime", json_str(str_of(time, iso_time_print(r->now.us, time))));
    if (!rc)
        rc = json_set(system, "iothub-message-source", json_str(STR("Telemetry")));
    if (!rc && i->model_id)
        rc = json_set(system, "dt-dataschema", json_str(str_from(i->model_id)));
    if (!rc && r->retain) /* facts M-16 */
        rc = json_set(properties, "mqtt-retain", json_str(STR("true")));
    if (!rc && r->kind == REQUEST_WILL) /* facts M-20 */
        rc = json_set(properties, "iothub-MessageType", json_str(STR("Will")));
    return rc;
}

/* returns false with *why when the message is one the hub closes on. */
static bool take_telemetry(struct hub *h, struct identity *i, const struct request *r, const char **why,
                           struct outbox *out)
{
    cJSON *system = NULL, *properties = NULL;
    const char *interface;
    struct buf *b;
    enum rc rc;

    if (r->payload.len + r->read.bag.len > HUB_TELEMETRY_MAX) {
        *why = "a message may hold 256 KB with its properties";
        return false;
    }
    rc = bag_read(r->read.bag, &system, &properties);
    if (rc == RC_SYNTAX) {
        *why = "the property bag is malformed";
        return false;
    }
    b = event_begin(h, "telemetry", i, r->kind == REQUEST_WILL ? 0 : r->conn->no, r->now);
    if (!rc && !b->rc)
        rc = stamp(system, properties, i, r);
    if (rc)
        out->rc = RC_NOMEM;
    if (!b->rc && !rc) {
        interface = json_get_text(system, "iothub-interface-id");
        json_put_node(b, "system", system);
        json_put_node(b, "properties", properties);
        json_put_bool(b, "security", interface && strcmp(interface, SECURITY_INTERFACE) == 0);
        put_body(b, r->payload);
    }
    event_send(h, out);
    cJSON_Delete(system);
    cJSON_Delete(properties);
    return true;
}

void hub_will(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i = r->conn->is_service ? NULL : hub_find(h, str_from(r->conn->id));
    const char *why = "a will must be telemetry of its own identity";
    struct out *o;

    if (!i)
        return;
    if (r->read_rc || r->read.kind != TOPIC_TELEMETRY || !take_telemetry(h, i, r, &why, out)) {
        violation(h, r, i, why, out);
        return;
    }
    /* Where the device would have written it, since the broker routes no wills. Who reads that is no listener to events. */
    o = outbox_push(out, OUT_EVENT);
    o->topic = str_dup(r->topic);
    o->body = str_dup(r->payload);
    o->body_len = r->payload.len;
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
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
    struct identity *i = live_identity(h, r);
    const char *why = NULL;

    if (!i)
        return HUB_CLOSE; /* the identity went away, or was taken over */
    i->last_activity_us = r->now.us;
    if (r->read_rc) {
        violation(h, r, i, why_unreadable(r->read_rc), out);
        return HUB_CLOSE;
    }
    switch (r->read.kind) {
    case TOPIC_TELEMETRY:
        if (take_telemetry(h, i, r, &why, out))
            return HUB_ACCEPT; /* the broker routes it, to service clients only */
        violation(h, r, i, why, out);
        return HUB_CLOSE;
    case TOPIC_TWIN_GET:
    case TOPIC_TWIN_PATCH_REPORTED:
        if (!i->twin) /* could not be loaded; the adapter has said why */
            return HUB_CLOSE;
        if (r->read.kind == TOPIC_TWIN_GET)
            handle_get(h, i, r, out);
        else
            handle_patch(h, i, r, out);
        return HUB_SWALLOW;
    case TOPIC_METHOD_ANSWER:
        return HUB_SWALLOW; /* nobody waits for it (facts M-25) */
    }
    return HUB_CLOSE;
}
