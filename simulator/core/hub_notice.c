/* hub_notice.c - events in the real service's own shape, as its routes and its built-in endpoint give them: docs/reference/events.md.
 *
 * They stand beside the hub's event stream (hub_event.c), on a tree of their own, and are built only while somebody reads that.
 */
#include <inttypes.h>
#include <stdio.h>

#include "hub_internal.h"

#define FILETIME_1970_US (INT64_C(11644473600) * 1000000) /* from 1601 to 1970 */

/* Begin a notice; false when nobody reads them. What follows is its body. */
static bool begin(struct hub *h, const struct identity *i, const char *source, const char *schema,
                  const char *operation, struct now now, struct buf *b)
{
    struct ident id = identity_ident(i);
    uint64_t high, low;
    char correlation[GUID_MAX];

    if (!h->has_readers)
        return false;
    high = hub_random(h);
    low = hub_random(h);
    guid_print(high, low, correlation);
    buf_init(b, 0);
    buf_add(b, STR("{\"systemProperties\":{\"content-type\":\"application/json\",\"content-encoding\":\"utf-8\""));
    json_put_text(b, "correlation-id", str_from(correlation));
    json_put_text(b, "user-id", str_from(h->name));
    json_put_text(b, "iothub-connection-device-id", id.device);
    if (ident_is_module(id))
        json_put_text(b, "iothub-connection-module-id", id.module);
    json_put_time(b, "iothub-enqueuedtime", now.us);
    json_put_text(b, "iothub-message-source", str_from(source));
    buf_add(b, STR("},\"properties\":{"));
    json_put_text(b, "hubName", str_from(h->name));
    json_put_text(b, "deviceId", id.device);
    if (ident_is_module(id))
        json_put_text(b, "moduleId", id.module);
    json_put_text(b, "opType", str_from(operation));
    json_put_text(b, "iothub-message-schema", str_from(schema));
    json_put_time(b, "operationTimestamp", now.us);
    buf_add(b, STR("},\"body\":{"));
    return true;
}

/* Send what was begun, to $twinsim/hub-events/v1/{device}[/{module}]/{source}. */
static void send(const struct identity *i, const char *source, struct buf *b, struct outbox *out)
{
    struct ident id = identity_ident(i);
    struct out *o = outbox_push(out, OUT_EVENT);
    struct buf topic;

    buf_init(&topic, 0);
    buf_add(&topic, STR(HUB_EVENTS_ROOT));
    buf_add_percent(&topic, id.device, STR(""));
    buf_add_char(&topic, '/');
    if (ident_is_module(id)) {
        buf_add_percent(&topic, id.module, STR(""));
        buf_add_char(&topic, '/');
    }
    buf_add(&topic, str_from(source));
    o->topic = buf_take(&topic, NULL);
    o->body = buf_take(b, &o->body_len);
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
}

void notice_connection(struct hub *h, const struct identity *i, bool is_connected, struct now now, struct outbox *out)
{
    const char *operation = is_connected ? "deviceConnected" : "deviceDisconnected";
    struct buf b;

    if (!begin(h, i, "deviceConnectionStateEvents", "deviceConnectionStateNotification", operation, now, &b))
        return;
    /* As captures show it (facts T-34): when the hub's life began, in units of 100 ns since 1601, then a count. */
    json_key(&b, "sequenceNumber");
    buf_addf(&b, "\"%016X%016" PRIX64 "%08X%024" PRIX64 "\"", 0, (uint64_t)(h->started_us + FILETIME_1970_US) * 10, 2,
             ++h->states);
    buf_add(&b, STR("}}"));
    send(i, "deviceConnectionStateEvents", &b, out);
}

/* All of a twin, without what belongs to the identity. */
static void put_twin(struct buf *b, const struct identity *i)
{
    struct ident id = identity_ident(i);
    char etag[16];

    json_put_text(b, "deviceId", id.device);
    if (ident_is_module(id))
        json_put_text(b, "moduleId", id.module);
    if (!i->twin)
        return; /* a module that goes with its device, and is not in memory */
    twin_etag_print(i->twin->etag, etag);
    json_put_text(b, "etag", str_from(etag));
    json_put_i64(b, "version", i->twin->version);
    if (i->twin->tags)
        json_put_node(b, "tags", i->twin->tags);
    json_key(b, "properties");
    twin_print_sections(b, i->twin);
}

void notice_lifecycle(struct hub *h, const struct identity *i, bool is_created, struct now now, struct outbox *out)
{
    const char *operation = is_created ? "createDeviceIdentity" : "deleteDeviceIdentity";
    struct buf b;

    if (!begin(h, i, "deviceLifecycleEvents", "deviceLifecycleNotification", operation, now, &b))
        return;
    put_twin(&b, i);
    buf_add(&b, STR("}}"));
    send(i, "deviceLifecycleEvents", &b, out);
}

void notice_twin(struct hub *h, const struct identity *i, const struct twin_change *change, struct now now,
                 struct outbox *out)
{
    struct buf b;

    if (!begin(h, i, "twinChangeEvents", "twinChangeNotification", change->replace ? "replaceTwin" : "updateTwin", now,
               &b))
        return;
    if (change->replace) {
        put_twin(&b, i);
        buf_add(&b, STR("}}"));
        send(i, "twinChangeEvents", &b, out);
        return;
    }
    json_put_i64(&b, "version", i->twin->version);
    if (change->tags)
        json_put_node(&b, "tags", change->tags);
    if (change->desired || change->reported) {
        json_key(&b, "properties");
        buf_add_char(&b, '{');
        if (change->desired) {
            json_key(&b, "desired");
            twin_print_change(&b, i->twin, TWIN_DESIRED, change->desired);
        }
        if (change->reported) {
            json_key(&b, "reported");
            twin_print_change(&b, i->twin, TWIN_REPORTED, change->reported);
        }
        buf_add_char(&b, '}');
    }
    buf_add(&b, STR("}}"));
    send(i, "twinChangeEvents", &b, out);
}

void notice_telemetry(struct hub *h, const struct identity *i, const cJSON *system, const cJSON *properties,
                      struct str payload, struct outbox *out)
{
    struct buf b;

    if (!h->has_readers)
        return;
    buf_init(&b, 0);
    buf_add_char(&b, '{');
    json_put_node(&b, "systemProperties", system);
    json_put_node(&b, "properties", properties);
    put_body(&b, payload);
    buf_add_char(&b, '}');
    send(i, "Telemetry", &b, out);
}

/* --- who reads them ------------------------------------------------------------------------------------------------- */

void hub_set_readers(struct hub *h, bool any)
{
    h->has_readers = any;
}
