/* hub_telemetry.c - what devices tell: telemetry and wills. The broker routes it; the hub checks, stamps and announces it. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "bag.h"
#include "hub_internal.h"

#define SECURITY_INTERFACE "urn:azureiot:Security:SecurityAgent:1" /* facts S-13 */

void hub_violation(struct hub *h, struct request *r, const struct identity *i, const char *reason, struct outbox *out)
{
    struct buf *b = event_begin(h, "violation", i, r->conn->no, r->now);

    json_put_text(b, "topic", r->topic);
    json_put_text(b, "reason", str_from(reason));
    event_send(h, out);
    r->why = reason;
}

/* Real clients end their JSON with NULs (facts C-05): cut them. */
struct str without_trailing_nuls(struct str payload)
{
    while (payload.len && payload.at[payload.len - 1] == '\0')
        payload.len--;
    return payload;
}

void put_body(struct buf *b, struct str payload)
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

/* How the connection was authenticated, a JSON text (facts T-32): by a policy of the hub, or by a key of the module or device. */
static struct str auth_method(const struct identity *i)
{
    if (i->by_policy)
        return STR("{\"scope\":\"hub\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
    return ident_is_module(identity_ident(i)) ? STR("{\"scope\":\"module\",\"type\":\"sas\",\"issuer\":\"iothub\"}")
                                              : STR("{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
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
        rc = json_set(system, "iothub-connection-auth-method", json_str(auth_method(i)));
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

/* A message's size as the hub counts it (facts L-20): body, values of system properties, names and values of the application's. */
static size_t size_of(struct str payload, const cJSON *system, const cJSON *properties)
{
    size_t size = payload.len;

    for (const cJSON *p = system->child; p; p = p->next)
        size += cJSON_IsString(p) ? strlen(p->valuestring) : 0;
    for (const cJSON *p = properties->child; p; p = p->next)
        size += strlen(p->string) + (cJSON_IsString(p) ? strlen(p->valuestring) : 0);
    return size;
}

static bool is_security(const cJSON *system)
{
    const char *interface = json_get_text(system, "iothub-interface-id");

    return interface && strcmp(interface, SECURITY_INTERFACE) == 0;
}

/* returns false with *why when the message is one the hub closes on. */
static bool take_telemetry(struct hub *h, const struct identity *i, const struct request *r, const char **why,
                           struct outbox *out)
{
    cJSON *system = NULL, *properties = NULL;
    struct buf *b;
    enum rc rc = bag_read(r->read.bag, &system, &properties);

    if (rc == RC_SYNTAX) {
        *why = "the property bag is malformed";
        return false;
    }
    if (!rc && size_of(r->payload, system, properties) > HUB_TELEMETRY_MAX) {
        cJSON_Delete(system);
        cJSON_Delete(properties);
        *why = "a message may hold 256 KB with its properties";
        return false;
    }
    b = event_begin(h, "telemetry", i, r->kind == REQUEST_WILL ? 0 : r->conn->no, r->now);
    if (!rc && (!b->rc || h->has_readers))
        rc = stamp(system, properties, i, r);
    if (rc)
        out->rc = RC_NOMEM;
    if (!b->rc && !rc) {
        json_put_node(b, "system", system);
        json_put_node(b, "properties", properties);
        json_put_bool(b, "security", is_security(system));
        put_body(b, r->payload);
    }
    event_send(h, out);
    if (!out->rc && !rc && !is_security(system)) /* those go to the security service alone (facts S-13, T-35) */
        notice_telemetry(h, i, system, properties, r->payload, out);
    cJSON_Delete(system);
    cJSON_Delete(properties);
    return true;
}

void hub_telemetry_late(struct hub *h, const struct identity *i, struct waiting *w, struct now now, struct outbox *out)
{
    struct conn conn = {.no = i->conn};
    struct request r = {.kind = REQUEST_PUBLISH, .conn = &conn, .now = now, .retain = w->retain};
    const char *why;
    struct out *o;

    r.topic = str_from(w->message.topic);
    r.payload = str_of(w->message.body, w->message.body_len);
    if (topic_read(identity_ident(i), r.topic, &r.read) || !take_telemetry(h, i, &r, &why, out))
        return; /* it was malformed */
    o = outbox_push(out, OUT_EVENT);
    o->topic = w->message.topic;
    o->body = w->message.body;
    o->body_len = w->message.body_len;
    w->message.topic = w->message.body = NULL;
    w->message.body_len = 0;
}

/* Can its bag be read? A message that has to wait is acknowledged, so it is judged before. */
static bool is_well_formed(const struct request *r)
{
    cJSON *system = NULL, *properties = NULL;
    enum rc rc = bag_read(r->read.bag, &system, &properties);

    cJSON_Delete(system);
    cJSON_Delete(properties);
    return rc != RC_SYNTAX && r->payload.len <= HUB_TELEMETRY_MAX;
}

/* What faults make of it. returns false when it goes on as if nothing were */
static bool meets_fault(struct hub *h, struct identity *i, const struct request *r, enum hub_answer *answer,
                        struct outbox *out)
{
    struct fault *f = hub_fault_pick(h, FAULTS_THAT_END | FAULT_BIT(QUOTA) | FAULT_BIT(LOSE), FAULT_TELEMETRY, i,
                                     r->topic, r->now, out);

    *answer = HUB_SWALLOW;
    if (f && f->type != FAULT_TYPE_LOSE) {
        hub_note_end(h, i, hub_fault_ended(f->type), r->now, out);
        *answer = HUB_CLOSE;
    }
    if (f)
        return true;
    f = hub_waiting_has_room(h) ? hub_fault_pick(h, FAULT_BIT(THROTTLE), FAULT_TELEMETRY, i, r->topic, r->now, out)
                                : NULL;
    if (!f || !is_well_formed(r))
        return false;
    hub_waiting_telemetry(h, f, fault_backlog_us(f), i, r, out);
    return true;
}

/* The tier's throttle and its day. returns true with *answer when that is the end of it: MQTT 3.1.1 knows no 429 and no 403, so what
 * is too much ends the connection. */
static bool meets_throttle(struct hub *h, const struct identity *i, struct request *r, enum hub_answer *answer,
                           struct outbox *out)
{
    int64_t wait_us;
    enum throttle_verdict v = hub_throttle(h, THROTTLE_TELEMETRY, 1, r->now, &wait_us);

    *answer = HUB_CLOSE;
    if (v == THROTTLE_REFUSES) {
        hub_violation(h, r, i, "throttled: more messages than a hub of this tier takes (429001)", out);
        return true;
    }
    if (!throttle_count(&h->throttle, r->payload.len + r->read.bag.len, r->now.us)) {
        hub_violation(h, r, i, "the hub's daily quota of messages is used up (403002)", out);
        return true;
    }
    if (v == THROTTLE_PASSES || !is_well_formed(r))
        return false;
    hub_waiting_telemetry(h, NULL, wait_us, i, r, out);
    *answer = HUB_SWALLOW;
    return true;
}

enum hub_answer hub_telemetry(struct hub *h, struct identity *i, struct request *r, struct outbox *out)
{
    enum hub_answer answer;
    const char *why = NULL;

    if (h->options.fault_messages && hub_fault_of_sdk(h, i, r, &answer, out))
        return answer;
    if (h->faults && meets_fault(h, i, r, &answer, out))
        return answer;
    if (h->throttle.profile.tier && meets_throttle(h, i, r, &answer, out))
        return answer;
    if (take_telemetry(h, i, r, &why, out))
        return HUB_ACCEPT; /* the broker routes it, to service clients only */
    hub_violation(h, r, i, why, out);
    return HUB_CLOSE;
}

void hub_will(struct hub *h, struct request *r, struct outbox *out)
{
    const struct identity *i = r->conn->is_service ? NULL : hub_find(h, str_from(r->conn->id));

    if (i)
        hub_tell_will(h, i, r, out);
}

void hub_tell_will(struct hub *h, const struct identity *i, struct request *r, struct outbox *out)
{
    const char *why = NOT_A_WILL;
    struct out *o;

    if (r->read_rc || r->read.kind != TOPIC_TELEMETRY || !take_telemetry(h, i, r, &why, out)) {
        hub_violation(h, r, i, why, out);
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
