/* bridge.c - see bridge.h. */
#include "bridge.h"

#include "json.h"
#include "marker.h"

#define STAGE_KEEP                                                                                                     \
    (256u * 1024) /* memory that stays with the stage between two turns; the stage leaves early at this size */
#define NO_MEMORY       "the gateway is out of memory"
#define CLOSE_REASONS   "\x20\x02\0\x01"   /* CONNACK 1: unacceptable protocol level */
#define CONNACK_NO_ID   "\x20\x02\0\x02"   /* CONNACK 2: the client id is rejected */
#define CONNACK_NO_ID_5 "\x20\x03\0\x85\0" /* the same in MQTT 5 */

void bridge_should_end(struct conn *c, enum ended end, const char *detail)
{
    if (c->should_end)
        return;
    c->should_end = true;
    c->end = end;
    c->end_detail = detail;
}

/* --- to the broker ---------------------------------------------------------------------------------------------------------- */

static void put_broker(struct conn *c, struct str bytes)
{
    if (wire_put(&c->broker, bytes))
        bridge_should_end(c, ENDED_SHUTDOWN, NO_MEMORY);
}

/* Take what was made in a buffer, or its failure. */
static void put_broker_buf(struct conn *c, struct buf *b)
{
    if (buf_ok(b))
        put_broker(c, buf_view(b));
    else
        bridge_should_end(c, b->rc == RC_LIMIT ? ENDED_TOO_LARGE : ENDED_SHUTDOWN,
                          b->rc == RC_LIMIT ? "what the CONNECT says does not fit" : NO_MEMORY);
    buf_done(b);
}

/* Tell of the PUBACKs so far, before anything that came behind them. */
static void tell_acked(struct conn *c)
{
    struct gateway *gw = c->gw;
    struct buf packet;

    if (gw->n_acked == 0)
        return;
    buf_init(&packet, 0);
    tell_pubacks(&packet, gw->acked, gw->n_acked);
    gw->n_acked = 0;
    put_broker_buf(c, &packet);
}

static void pass_on(struct conn *c, const struct mqtt_packet *p)
{
    tell_acked(c);
    put_broker(c, p->whole);
}

/* 1.5 times the keep-alive, and never longer than the hub's own limit (facts M-13). */
static int64_t idle_limit(const struct conn *c, uint16_t keep_alive_s)
{
    int64_t own = (int64_t)keep_alive_s * 1500000, longest = c->gw->options->max_idle_us;

    return own && own < longest ? own : longest;
}

/* The first packet: everything that the hub is told about the connection. */
static void connect_from_device(struct conn *c, const struct mqtt_packet *p)
{
    struct mqtt_connect connect;
    const char *why = NULL;
    struct buf packet;
    enum rc rc;

    if (p->type != MQTT_CONNECT) {
        bridge_should_end(c, ENDED_PROTOCOL, "the first packet is no CONNECT");
        return;
    }
    rc = mqtt_connect_read(p, &connect, &why);
    if (rc) {
        if (rc == RC_REFUSED)
            buf_add(&c->gw->stage, STR(CLOSE_REASONS));
        bridge_should_end(c, ENDED_PROTOCOL, why);
        return;
    }
    if (connect.client_id.len == 0) { /* the broker would refuse it without a word to the hub (facts B-24) */
        buf_add(&c->gw->stage, connect.level == 5 ? STR(CONNACK_NO_ID_5) : STR(CONNACK_NO_ID));
        bridge_should_end(c, ENDED_PROTOCOL, "an empty client id");
        return;
    }
    buf_init(&packet, 0);
    if (mqtt_connect_rewrite(&packet, &connect, str_from(c->peer)) == RC_OK && connect.has_will)
        tell_will(&packet, &connect);
    put_broker_buf(c, &packet);
    if (c->should_end)
        return;
    c->idle_us = idle_limit(c, connect.keep_alive_s);
    c->is_unchecked = connect.level == 5;
    conn_allow(c, c->gw->options->max_packet);
    c->state = CONN_OPEN;
}

static void publish_from_device(struct conn *c, const struct mqtt_packet *p)
{
    struct mqtt_publish publish;

    if (mqtt_publish_read(p, &publish) == RC_OK && str_starts(publish.topic, STR(REPORTS_ROOT)))
        bridge_should_end(c, ENDED_PROTOCOL, "a PUBLISH to a topic of the gateway's own");
    else
        pass_on(c, p);
}

static void puback_from_device(struct conn *c, const struct mqtt_packet *p)
{
    struct gateway *gw = c->gw;
    uint64_t tag;

    if (!inflight_take(&c->inflight, mqtt_packet_id(p), &tag)) {
        pass_on(c, p); /* of a message that the broker itself sent */
        return;
    }
    if (tag == 0)
        return;
    if (gw->n_acked == ACKED_MAX)
        tell_acked(c);
    gw->acked[gw->n_acked++] = tag;
}

static void packet_from_device(struct conn *c, const struct mqtt_packet *p)
{
    const char *mistake;

    c->last_packet_us = c->gw->now_us;
    if (c->state == CONN_FIRST) {
        connect_from_device(c, p);
        return;
    }
    mistake = c->is_unchecked ? NULL : mqtt_mistake(p);
    if (mistake)
        bridge_should_end(c, ENDED_PROTOCOL, mistake);
    else if (p->type == MQTT_PUBLISH)
        publish_from_device(c, p);
    else if (p->type == MQTT_PUBACK)
        puback_from_device(c, p);
    else if (p->type == MQTT_DISCONNECT)
        bridge_should_end(c, ENDED_CLIENT, NULL);
    else
        pass_on(c, p);
}

void bridge_from_device(struct conn *c, struct str bytes)
{
    enum frame_step step = FRAME_PACKET;
    const char *why = NULL;
    struct mqtt_packet p;

    framer_feed(&c->from_device, bytes);
    while (!c->should_end && (step = framer_next(&c->from_device, &p, &why)) == FRAME_PACKET)
        packet_from_device(c, &p);
    if (step == FRAME_MALFORMED)
        bridge_should_end(c, ENDED_PROTOCOL, why);
    else if (step == FRAME_TOO_LARGE)
        bridge_should_end(c, ENDED_TOO_LARGE, why);
}

/* --- to the client ---------------------------------------------------------------------------------------------------------- */

/* Hand what is staged to TLS. */
static void leave_stage(struct conn *c)
{
    struct buf *stage = &c->gw->stage;

    if (!buf_ok(stage))
        bridge_should_end(c, ENDED_SHUTDOWN, NO_MEMORY);
    if (stage->len && c->ssl && !c->is_tls_broken && c->device.fd >= 0) {
        if (tls_write(c->ssl, buf_view(stage))) {
            c->is_tls_broken = true;
            bridge_should_end(c, ENDED_SHUTDOWN, NO_MEMORY);
        }
        wire_flush(&c->device);
    }
    if (stage->cap > 2 * STAGE_KEEP)
        buf_done(stage);
    else
        buf_reset(stage);
}

/* Does more wait for the client than may? One packet always may, however large it is. */
static bool is_slow(const struct conn *c)
{
    return wire_queued(&c->device) + c->gw->stage.len + c->held.len > BOUND_TO_CLIENT + c->largest;
}

static void note_largest(struct conn *c, size_t bytes)
{
    if (c->gw->stage.len > STAGE_KEEP)
        leave_stage(c);
    if (wire_queued(&c->device) + c->gw->stage.len + c->held.len == 0)
        c->largest = 0;
    if (bytes > c->largest)
        c->largest = bytes;
}

static struct buf *to_device(struct conn *c)
{
    return c->is_answered ? &c->gw->stage : &c->held;
}

/* CONNACK 0 leaves when the hub has said what to say of the session; what was held behind it follows. */
static void release(struct conn *c)
{
    if (!c->session_at || !c->is_greeted)
        return;
    c->held.at[c->session_at] = c->is_present;
    buf_add(&c->gw->stage, buf_view(&c->held));
    buf_done(&c->held);
    c->session_at = 0;
    c->is_answered = true;
}

static void connack_from_broker(struct conn *c, const struct mqtt_packet *p)
{
    if (p->body.len < 2 || c->is_answered || c->session_at)
        return;
    if (p->body.at[1]) {
        buf_add(&c->gw->stage, p->whole);
        c->is_answered = true;
        return;
    }
    c->session_at = c->held.len + (size_t)(p->body.at - p->whole.at);
    buf_add(&c->held, p->whole);
    if (!buf_ok(&c->held)) {
        c->session_at = 0;
        bridge_should_end(c, ENDED_SHUTDOWN, NO_MEMORY);
    }
    release(c);
}

/* {"sessionPresent":1,"maxPacket":393216}; the size may be left out. */
static void hello_from_hub(struct conn *c, struct str payload)
{
    int64_t present = 0, max_packet = (int64_t)c->gw->options->max_packet;
    cJSON *json = NULL;
    enum rc rc;

    rc = json_read(payload, &json, NULL);
    if (!rc)
        rc = json_get_i64(json, "sessionPresent", &present);
    if (!rc && json_get(json, "maxPacket"))
        rc = json_get_i64(json, "maxPacket", &max_packet);
    cJSON_Delete(json);
    if (rc || max_packet < MQTT_HEADER_MAX || max_packet > MQTT_PACKET_MAX)
        log_line("a hello of the hub cannot be read: %.*s", STR_FMT(str_first(payload, 64)));
    else
        conn_allow(c, (size_t)max_packet);
    c->is_present = present != 0;
    c->is_greeted = true;
    release(c);
}

/* A message of the hub: its marker says at which QoS it goes out, and who waits for its PUBACK. */
static void marked_from_hub(struct conn *c, const struct marker *m, const struct mqtt_publish *p)
{
    struct mqtt_publish out = {.qos = m->qos, .is_dup = m->is_dup, .topic = m->topic, .payload = p->payload};
    enum rc rc = m->qos ? inflight_add(&c->inflight, m->tag, &out.id) : RC_OK;

    if (rc) {
        bridge_should_end(c, rc == RC_LIMIT ? ENDED_UNACKNOWLEDGED : ENDED_SHUTDOWN, rc == RC_LIMIT ? NULL : NO_MEMORY);
        return;
    }
    mqtt_publish_write(to_device(c), &out);
}

static void publish_from_broker(struct conn *c, const struct mqtt_packet *p)
{
    struct mqtt_publish publish;
    struct marker m;
    enum rc rc;

    if (mqtt_publish_read(p, &publish)) {
        log_line("the broker sent a PUBLISH that cannot be read");
        return;
    }
    if (str_eq(publish.topic, STR(FRONT_DOOR_HELLO))) {
        hello_from_hub(c, publish.payload);
        return;
    }
    rc = marker_read(publish.topic, &m);
    if (rc == RC_OK)
        marked_from_hub(c, &m, &publish);
    else if (rc == RC_NOT_OURS)
        buf_add(to_device(c), p->whole);
    else
        log_line("a message of the hub has a topic that cannot be read: %.*s", STR_FMT(str_first(publish.topic, 64)));
}

static void packet_from_broker(struct conn *c, const struct mqtt_packet *p)
{
    note_largest(c, p->whole.len);
    if (is_slow(c)) {
        bridge_should_end(c, ENDED_SLOW, NULL);
        return;
    }
    if (p->type == MQTT_CONNACK)
        connack_from_broker(c, p);
    else if (p->type == MQTT_PUBLISH)
        publish_from_broker(c, p);
    else
        buf_add(to_device(c), p->whole);
}

void bridge_from_broker(struct conn *c, struct str bytes)
{
    enum frame_step step = FRAME_PACKET;
    const char *why = NULL;
    struct mqtt_packet p;

    framer_feed(&c->from_broker, bytes);
    while (!c->should_end && (step = framer_next(&c->from_broker, &p, &why)) == FRAME_PACKET)
        packet_from_broker(c, &p);
    if (step == FRAME_MALFORMED || step == FRAME_TOO_LARGE) {
        log_line("the broker sent what cannot be passed on: %s", why);
        bridge_should_end(c, ENDED_SHUTDOWN, why);
    }
}

/* --- the end of the turn ---------------------------------------------------------------------------------------------------- */

void bridge_finish(struct conn *c)
{
    tell_acked(c);
    leave_stage(c);
    wire_flush(&c->device);
    if (c->state == CONN_OPEN && c->broker.fd < 0 && !c->is_dialling)
        conn_open_broker(c);
    wire_flush(&c->broker);
    if (is_slow(c)) /* TLS has something to say, too */
        bridge_should_end(c, ENDED_SLOW, NULL);
    if (c->should_end) {
        conn_end(c, c->end, c->end_detail);
        return;
    }
    conn_pace(c);
}
