/* gateway.c - who came through the gateway, and what it reports. See core/front_door.h.
 *
 * The gateway has a listener of its own, and the broker says by which one a client came; what stands in a user name is believed on that listener
 * alone, and there it must stand (facts B-22).
 */
#include "plugin.h"

#include <mosquitto.h>
#include <mosquitto_plugin.h>

/* --- CONNECT -------------------------------------------------------------------------------------------------- */

static bool is_through_gateway(const struct plugin *pl, struct str address)
{
    return pl->options.gateway_socket && str_eq(address, str_from(pl->options.gateway_socket));
}

static void as_the_broker_says(const struct mosquitto *client, struct str user_name, struct str address,
                               struct request *r)
{
    r->user_name = user_name;
    r->is_clean = mosquitto_client_clean_session(client);
    r->keep_alive_s = mosquitto_client_keepalive(client);
    if (!str_starts(address, STR("/"))) /* a Unix socket's path tells nothing about the peer */
        r->peer = address;
}

static bool as_the_gateway_says(struct entrance *en, struct request *r)
{
    const struct front_door *door = &en->door;
    size_t peer_len;

    if (percent_decode(door->peer, &en->texts))
        return false;
    peer_len = en->texts.len;
    if (percent_decode(door->will_topic, &en->texts))
        return false;
    r->user_name = door->user_name;
    r->is_clean = door->is_clean;
    r->keep_alive_s = door->keep_alive_s;
    r->peer = str_first(buf_view(&en->texts), peer_len);
    r->has_will = door->has_will;
    r->will_topic = str_skip(buf_view(&en->texts), peer_len);
    r->will_qos = door->will_qos;
    return true;
}

bool entrance_read(struct plugin *pl, const struct mosquitto *client, struct str user_name, struct connection *c,
                   struct request *r, struct entrance *en)
{
    struct str address = str_from(mosquitto_client_address(client));
    struct request away = {.kind = REQUEST_TURNED_AWAY, .ended = ENDED_PROTOCOL};

    memset(&en->door, 0, sizeof en->door);
    buf_init(&en->texts, 0);
    if (!is_through_gateway(pl, address)) {
        as_the_broker_says(client, user_name, address, r);
        return true;
    }
    c->conn.has_gateway = true;
    c->ended = ENDED_ERROR; /* when the broker ends it by itself, it does so because of what came */
    if (!front_door_read(user_name, &en->door))
        return en->door.is_self || as_the_gateway_says(en, r);
    away.detail = STR("only the gateway may use its socket");
    mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: %.*s", STR_FMT(away.detail));
    (void)decide(pl, &away);
    return false;
}

void entrance_done(struct entrance *en)
{
    buf_done(&en->texts);
}

int entrance_of_gateway(struct plugin *pl, struct connection *c, const struct mosquitto *client)
{
    struct str id = str_from(mosquitto_client_id(client));

    if (!str_starts(id, STR(FRONT_DOOR_CLIENT)) || id.len >= sizeof c->conn.id)
        return MOSQ_ERR_AUTH;
    memcpy(c->conn.id, id.at, id.len);
    c->is_gateway = true;
    return connections_add(&pl->connections, c, client) ? MOSQ_ERR_AUTH : MOSQ_ERR_SUCCESS;
}

/* --- reports -------------------------------------------------------------------------------------------------- */

static void report_puback(struct plugin *pl, struct connection *c, struct report *report)
{
    struct request r = {.kind = REQUEST_PUBACK, .conn = &c->conn};

    while (report_next_tag(report, &r.tag))
        (void)decide(pl, &r); /* in a turn that fails: the message comes again */
}

static void report_from_client(struct plugin *pl, struct connection *c, struct report *report)
{
    struct request r = {.kind = REQUEST_END, .conn = &c->conn, .ended = report->why, .detail = report->detail};

    switch (report->kind) {
    case REPORT_WILL:
        r.kind = REQUEST_KEEP_WILL;
        r.topic = report->topic;
        r.payload = buf_view(&report->payload);
        r.qos = report->qos;
        r.retain = report->retain;
        if (decide(pl, &r) == HUB_CLOSE)
            kick_later(pl, c->conn.id, c->conn.no, ENDED_ERROR); /* it would count on a will that nobody has */
        break;
    case REPORT_PUBACK:
        report_puback(pl, c, report);
        break;
    case REPORT_END: /* for the hub it is over now: what comes between this and the broker's word concerns others */
        (void)decide(pl, &r);
        break;
    case REPORT_REFUSED:
        break;
    }
}

/* Only success may be returned here (facts B-13). */
int on_report(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_control *ev = event_data;
    struct plugin *pl = userdata;
    struct connection *c = connections_of(&pl->connections, ev->client);
    struct report report;
    enum rc rc;

    (void)event;
    if (!c || c->is_closed || c->is_superseded || (!c->is_gateway && !c->conn.has_gateway))
        return MOSQ_ERR_SUCCESS;
    pl->is_busy = true;
    rc = report_read(str_of(ev->payload, ev->payloadlen), &report);
    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: a report of the gateway about %s is %s", c->conn.id, rc_text(rc));
        return MOSQ_ERR_SUCCESS;
    }
    if (c->is_gateway && report.kind == REPORT_REFUSED) {
        struct request r = {
            .kind = REQUEST_TURNED_AWAY, .ended = report.why, .detail = report.detail, .peer = report.peer};

        (void)decide(pl, &r);
    } else if (!c->is_gateway) {
        report_from_client(pl, c, &report);
    }
    report_done(&report);
    return MOSQ_ERR_SUCCESS;
}
