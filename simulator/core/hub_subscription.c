/* hub_subscription.c - who may listen to what. The table of subscriptions is the hub's own, and stored: it sends by that alone. */
#include "hub_internal.h"

static enum hub_answer subscribe_service(const struct request *r)
{
    bool is_telemetry = str_eq(r->topic, STR("devices/+/messages/events/#")) ||
                        str_eq(r->topic, STR("devices/+/modules/+/messages/events/#"));
    bool is_event = str_starts(r->topic, STR(EVENTS_ROOT)) || str_starts(r->topic, STR(HUB_EVENTS_ROOT));

    if (str_eq(r->topic, STR(CONTROL_TOPIC "/response")))
        return HUB_ACCEPT;
    /* What devices say is for who may ServiceConnect; a registry policy sees identities only. */
    return (is_telemetry || is_event) && r->conn->rights & RIGHT_SERVICE_CONNECT ? HUB_ACCEPT : HUB_DENY;
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
    const struct fault *f;

    if (r->conn->is_service)
        return subscribe_service(r);
    i = hub_live(h, r);
    if (!i)
        return HUB_CLOSE;
    f = h->faults ? hub_fault_pick(h, FAULTS_THAT_END, FAULT_SUBSCRIBE, i, r->topic, r->now, out) : NULL;
    if (f) {
        hub_note_end(h, i, hub_fault_ended(f->type), r->now, out);
        return HUB_CLOSE;
    }
    if (filter_read(r->conn->who, r->topic, &class)) {
        hub_violation(h, r, i, "not a filter this identity may subscribe to", out);
        return h->options.forbidden_filter_is_0x80 || HUB_IS_EDGE(h) ? HUB_DENY : HUB_CLOSE;
    }
    if (++r->conn->filters > HUB_FILTERS_MAX) {
        hub_violation(h, r, i, "too many subscriptions on one connection", out);
        return HUB_CLOSE;
    }
    if (class == FILTER_METHODS && !str_eq(r->topic, STR("$iothub/methods/POST/#")))
        r->conn->has_named_methods = true;
    if (i->subscribed[class] != wanted) {
        i->subscribed[class] = wanted;
        i->subscribed[FILTER_SESSION] = r->conn->is_clean ? SESSION_CLEAN : SESSION_KEPT;
        hub_store_subscriptions(i, out);
    }
    announce_filter(h, "subscribed", i, r, out);
    hub_method_online(h, i, r->now, out);
    hub_message_deliver(h, i, r->now, out);
    return HUB_ACCEPT;
}

enum hub_answer hub_unsubscribe(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i;
    enum filter_class class;

    if (r->conn->is_service)
        return HUB_ACCEPT;
    i = hub_live(h, r);
    if (!i)
        return HUB_CLOSE;
    /* The UNSUBACK is sent in any case; what was not held changes nothing, however many filters a packet names. */
    if (filter_read(r->conn->who, r->topic, &class) || !i->subscribed[class])
        return HUB_ACCEPT;
    i->subscribed[class] = 0;
    /* 0: subscribed by an earlier connection. Of methods by name there are any number, and which of them the broker holds is not known here. */
    if (r->conn->filters && !(class == FILTER_METHODS && r->conn->has_named_methods))
        r->conn->filters--;
    hub_store_subscriptions(i, out);
    announce_filter(h, "unsubscribed", i, r, out);
    return HUB_ACCEPT;
}
