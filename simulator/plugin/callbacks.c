/* callbacks.c - the broker calls; each callback makes a request, and turns the hub's answer into a return code.
 *
 * What return codes do (facts B-29): MOSQ_ERR_AUTH closes the connection (at CONNECT: CONNACK 5), MOSQ_ERR_ACL_DENIED swallows a
 * publish with its PUBACK, gives SUBACK 0x80, and keeps a subscriber from reading; any other error at CONNECT closes without a CONNACK, and is returned nowhere else.
 */
#include "plugin.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <mosquitto_plugin.h>
#include <stdlib.h>

static void set_listeners(struct plugin *pl)
{
    hub_set_listeners(pl->hub, pl->connections.listeners > 0);
    hub_set_readers(pl->hub, pl->connections.readers > 0);
}

/* --- CONNECT -------------------------------------------------------------------------------------------------- */

/* SIGHUP makes the broker ask again about everybody it knows: answer from the state as it is, change none (facts B-07). */
static int check_again(const struct plugin *pl, const struct connection *c)
{
    const struct identity *i;

    if (!c || c->is_closed || c->is_superseded || c->conn.is_service || c->is_gateway)
        return MOSQ_ERR_SUCCESS; /* a stored session off-line, or nobody who has an identity */
    i = hub_find(pl->hub, str_from(c->conn.id));
    return i && i->is_enabled && i->conn == c->conn.no ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
}

/* returns what BASIC_AUTH is to return; c is the table's when that is success, and else the caller's */
static int let_in(struct plugin *pl, struct connection *c, const struct mosquitto *client, struct request *r)
{
    enum hub_answer answer;

    c->conn.no = ++pl->last_conn;
    answer = decide(pl, r);
    if (answer != HUB_ACCEPT)
        return answer == HUB_CUT ? MOSQ_ERR_CONN_LOST : MOSQ_ERR_AUTH;
    if (connections_add(&pl->connections, c, client)) {
        turn_fail(pl, RC_NOMEM, r);
        return MOSQ_ERR_CONN_LOST;
    }
    if (c->conn.is_service && !c->conn.is_clean)
        connections_count_listener(&pl->connections, c); /* a stored session may hold filters we do not see */
    set_listeners(pl);
    return MOSQ_ERR_SUCCESS;
}

int on_basic_auth(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_basic_auth *ev = event_data;
    struct plugin *pl = userdata;
    struct str id = str_from(mosquitto_client_id(ev->client));
    struct connection *c = connections_of(&pl->connections, ev->client);
    struct request r = {.kind = REQUEST_CONNECT};
    struct entrance en;
    int rc = MOSQ_ERR_AUTH;

    (void)event;
    if (pl->is_reloading || (c && !c->is_closed && str_eq(str_from(c->conn.id), id)))
        return check_again(pl, c);

    c = connection_new(0);
    if (!c)
        return MOSQ_ERR_AUTH;
    r.conn = &c->conn;
    r.client_id = id;
    r.password = str_from(ev->password);
    r.protocol = mosquitto_client_protocol_version(ev->client);
    if (entrance_read(pl, ev->client, str_from(ev->username), c, &r, &en))
        rc = en.door.is_self ? entrance_of_gateway(pl, c, ev->client) : let_in(pl, c, ev->client, &r);
    entrance_done(&en);
    if (rc)
        connection_free(c);
    return rc;
}

int on_reload(int event, void *event_data, void *userdata)
{
    struct plugin *pl = userdata;

    (void)event;
    (void)event_data;
    pl->is_reloading = true;
    return MOSQ_ERR_PLUGIN_DEFER; /* so that other plugins hear of it too */
}

int on_disconnect(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_disconnect *ev = event_data;
    struct plugin *pl = userdata;
    struct connection *c = connections_of(&pl->connections, ev->client);
    struct request r = {.kind = REQUEST_END};

    (void)event;
    if (!c || c->is_closed)
        return MOSQ_ERR_SUCCESS; /* never accepted, or told already (facts B-06) */
    connections_close(&pl->connections, c);
    pl->is_busy = true;
    if (c->is_gateway)
        return MOSQ_ERR_SUCCESS;
    r.conn = &c->conn;
    r.ended = c->is_superseded ? ENDED_TAKEOVER : c->ended;
    (void)decide(pl, &r);
    set_listeners(pl);
    return MOSQ_ERR_SUCCESS;
}

/* --- SUBSCRIBE, UNSUBSCRIBE ----------------------------------------------------------------------------------- */

static int close_with(struct connection *c)
{
    c->ended = ENDED_ERROR;
    return MOSQ_ERR_AUTH;
}

/* The SUBACK leaves as soon as we return, and some clients never subscribe again (facts C-01): what it says must be stored by then. What had no
 * room in the outbox is not in its length. */
static int make_last(struct plugin *pl, struct connection *c)
{
    bool is_stored = !pl->turn_rc && (pl->out.len == pl->stored || turn_store(pl));

    return is_stored ? MOSQ_ERR_SUCCESS : close_with(c);
}

static int check_subscribe(struct plugin *pl, const struct mosquitto_evt_acl_check *ev, struct connection *c)
{
    struct request r = {.kind = REQUEST_SUBSCRIBE, .conn = &c->conn, .topic = str_from(ev->topic), .qos = ev->qos};
    bool is_event_filter = c->conn.is_service && str_starts(r.topic, STR("$twinsim/"));

    if (pl->is_kicking)
        return MOSQ_ERR_SUCCESS;
    switch (decide(pl, &r)) {
    case HUB_ACCEPT:
        if (is_event_filter && connections_listen(&pl->connections, c, r.topic)) {
            mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: %s subscribes to too much; it is closed", c->conn.id);
            return close_with(c);
        }
        set_listeners(pl);
        return make_last(pl, c);
    case HUB_DENY:
    case HUB_SWALLOW:
        return MOSQ_ERR_ACL_DENIED;
    case HUB_CLOSE:
    case HUB_CUT:
        break;
    }
    return close_with(c);
}

static int check_unsubscribe(struct plugin *pl, const struct mosquitto_evt_acl_check *ev, struct connection *c)
{
    struct request r = {.kind = REQUEST_UNSUBSCRIBE, .conn = &c->conn, .topic = str_from(ev->topic)};

    if (decide(pl, &r) == HUB_CLOSE)
        return close_with(c);
    connections_unlisten(&pl->connections, c, r.topic);
    set_listeners(pl);
    return make_last(pl, c);
}

/* --- PUBLISH -------------------------------------------------------------------------------------------------- */

static void take_will(struct plugin *pl, struct connection *c, struct str topic, struct str payload, int qos,
                      bool retain)
{
    struct request r = {
        .kind = REQUEST_WILL, .conn = &c->conn, .topic = topic, .payload = payload, .qos = qos, .retain = retain};

    (void)decide(pl, &r);
}

void pending_settle(struct plugin *pl)
{
    struct connection *from = pl->pending.from;

    pl->pending.from = NULL;
    if (from && buf_ok(&pl->pending.topic) && buf_ok(&pl->pending.payload))
        take_will(pl, from, buf_view(&pl->pending.topic), buf_view(&pl->pending.payload), pl->pending.qos,
                  pl->pending.retain);
}

static void pending_set(struct plugin *pl, struct connection *c, const struct mosquitto_evt_acl_check *ev)
{
    pl->pending.from = c;
    pl->pending.qos = ev->qos;
    pl->pending.retain = ev->retain;
    buf_reset(&pl->pending.topic);
    buf_add(&pl->pending.topic, str_from(ev->topic));
    buf_reset(&pl->pending.payload);
    buf_add(&pl->pending.payload, str_of(ev->payload, ev->payloadlen));
}

static enum hub_answer decide_publish(struct plugin *pl, struct connection *c, struct str topic, struct str payload,
                                      int qos, bool retain)
{
    struct request r = {
        .kind = REQUEST_PUBLISH, .conn = &c->conn, .topic = topic, .payload = payload, .qos = qos, .retain = retain};

    return decide(pl, &r);
}

/* Asked before MESSAGE or CONTROL; for a will it is all there is (facts B-08). */
static int check_write(struct plugin *pl, const struct mosquitto_evt_acl_check *ev, struct connection *c)
{
    struct str topic = str_from(ev->topic);
    struct str payload = str_of(ev->payload, ev->payloadlen);

    pending_settle(pl);
    if (c->is_closed || c->is_superseded) {
        if (!c->conn.has_gateway) /* its will is the hub's */
            take_will(pl, c, topic, payload, ev->qos, ev->retain);
        return MOSQ_ERR_ACL_DENIED;
    }
    if (str_starts(topic, STR("$CONTROL/"))) { /* never becomes a MESSAGE */
        if ((c->conn.is_service && str_eq(topic, STR(CONTROL_TOPIC))) ||
            (c->conn.has_gateway && str_eq(topic, STR(FRONT_DOOR_REPORTS))))
            return MOSQ_ERR_SUCCESS;
        (void)decide_publish(pl, c, topic, payload, ev->qos, ev->retain); /* tells of the violation */
        return close_with(c);
    }
    if (!c->conn.has_gateway)
        pending_set(pl, c, ev);
    return MOSQ_ERR_SUCCESS;
}

int on_acl_check(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_acl_check *ev = event_data;
    struct plugin *pl = userdata;
    struct connection *c = connections_of(&pl->connections, ev->client);

    (void)event;
    if (!c)
        return MOSQ_ERR_ACL_DENIED;
    if (c->is_gateway)
        return ev->access == MOSQ_ACL_WRITE && str_eq(str_from(ev->topic), STR(FRONT_DOOR_REPORTS))
                   ? MOSQ_ERR_SUCCESS
                   : MOSQ_ERR_ACL_DENIED;
    switch (ev->access) {
    case MOSQ_ACL_READ: /* anything but these two codes would hit the sender, not the reader (facts B-29) */
        return !c->is_closed && hub_may_read(&c->conn, str_from(ev->topic)) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
    case MOSQ_ACL_WRITE:
        return check_write(pl, ev, c);
    case MOSQ_ACL_SUBSCRIBE:
        return check_subscribe(pl, ev, c);
    case MOSQ_ACL_UNSUBSCRIBE:
        return check_unsubscribe(pl, ev, c);
    default:
        return MOSQ_ERR_ACL_DENIED;
    }
}

int on_message(int event, void *event_data, void *userdata)
{
    struct mosquitto_evt_message *ev = event_data;
    struct plugin *pl = userdata;
    struct connection *c = connections_of(&pl->connections, ev->client);

    (void)event;
    pl->pending.from = NULL;
    if (!c || c->is_closed || c->is_superseded)
        return MOSQ_ERR_ACL_DENIED;
    switch (decide_publish(pl, c, str_from(ev->topic), str_of(ev->payload, ev->payloadlen), ev->qos, ev->retain)) {
    case HUB_ACCEPT:
        ev->retain = false; /* the hub keeps nothing for later readers (facts M-16) */
        return MOSQ_ERR_SUCCESS;
    case HUB_SWALLOW:
    case HUB_DENY:
        return MOSQ_ERR_ACL_DENIED;
    case HUB_CLOSE:
    case HUB_CUT:
        break;
    }
    return close_with(c);
}

/* Only success may be returned here, all else would close the connection behind its PUBACK (facts B-13). */
int on_control(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_control *ev = event_data;
    struct plugin *pl = userdata;
    struct connection *c = connections_of(&pl->connections, ev->client);

    (void)event;
    pl->pending.from = NULL;
    pl->is_busy = true;
    if (!c || c->is_closed || c->is_superseded || !c->conn.is_service)
        return MOSQ_ERR_SUCCESS;
    if (control_take(pl, &c->conn, str_of(ev->payload, ev->payloadlen))) {
        control_run(pl);
    } else {
        mosquitto_log_printf(MOSQ_LOG_WARNING, "twinsim: too many control messages wait; %s is closed", c->conn.id);
        kick_later(pl, c->conn.id, c->conn.no, ENDED_ERROR);
    }
    return MOSQ_ERR_SUCCESS;
}

/* --- TICK ----------------------------------------------------------------------------------------------------- */

static void first_tick(struct plugin *pl)
{
    stop_hook(&pl->stop);
    hub_announce(pl->hub, "hub-ready", turn_now(pl), &pl->out);
}

/* When nothing happened, when the store asks for it, and now and then: a slice of upkeep. returns true when there is more to do. */
static bool upkeep(struct plugin *pl, int64_t now_mono_us)
{
    if (pl->is_busy && !store_is_pressed(pl->store) && now_mono_us < pl->last_idle_us + IDLE_EVERY_US)
        return false;
    pl->last_idle_us = now_mono_us;
    return store_idle(pl->store);
}

int on_tick(int event, void *event_data, void *userdata)
{
    struct plugin *pl = userdata;
    struct now now = turn_now(pl);
    int64_t next_us, wake_us = INT64_MAX;

    (void)event;
    (void)event_data;
    if (pl->turn == 0)
        first_tick(pl);
    pl->pending.from = NULL; /* its MESSAGE did not come and we are not at the end: the broker dropped it */
    pl->is_reloading = false;
    if (stop_pass_on(&pl->stop))
        return MOSQ_ERR_SUCCESS;
    if (stop_is_asked(&pl->stop)) {
        hub_announce(pl->hub, "hub-stopping", now, &pl->out);
        hub_end_all(pl->hub, now, &pl->out);
        wake_us = now.mono_us;
    }
    kick_due(pl);
    if (control_is_waiting(&pl->control))
        control_run(pl);
    messages_expire_due(pl, now);
    next_us = hub_tick(pl->hub, now, &pl->out);
    if (pl->is_busy || pl->out.len) {
        turn_end(pl);
        connections_sweep(&pl->connections);
        hub_trim(pl->hub);
    }
    if (upkeep(pl, now.mono_us) || pl->n_kicks || control_is_waiting(&pl->control))
        wake_us = now.mono_us;
    else if (next_us < wake_us)
        wake_us = next_us;
    wake_at(&pl->wake, now.mono_us, wake_us);
    pl->is_busy = false;
    pl->turn++;
    control_turn_begin(&pl->control);
    return MOSQ_ERR_SUCCESS;
}
