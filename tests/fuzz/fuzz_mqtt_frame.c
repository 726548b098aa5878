/* fuzz_mqtt_frame.c - packets of a client as the gateway meets them. Input: the bytes of the stream, as they are.
 *
 * However the stream is sliced, the same packets come out, and the same mistake behind them. What is read from a packet, written anew, reads the
 * same; what the broker gets for a CONNECT is what the hub reads back (core/front_door.h); the hub's marker goes on and comes off.
 */
#include "frames.h"
#include "front_door.h"
#include "fuzz.h"
#include "marker.h"
#include "tell.h"

#define PACKET_MAX 4096u

static void check_slices(struct str stream)
{
    static const size_t steps[] = {1, 2, 3, 7};
    struct frames whole, cut;

    frames_of(&whole, stream, PACKET_MAX, stream.len, 1);
    for (size_t i = 0; i < COUNT(steps); i++) {
        frames_of(&cut, stream, PACKET_MAX, 0, steps[i]);
        assert_frames_equal(&whole, &cut);
        frames_done(&cut);
    }
    for (size_t first = 1; first < stream.len && first <= 64; first++) {
        frames_of(&cut, stream, PACKET_MAX, first, stream.len);
        assert_frames_equal(&whole, &cut);
        frames_done(&cut);
    }
    frames_done(&whole);
}

/* The one packet of these bytes. */
static struct mqtt_packet only_packet(struct str bytes)
{
    struct framer f;
    struct mqtt_packet p;
    const char *why;

    framer_init(&f, MQTT_PACKET_MAX);
    framer_feed(&f, bytes);
    assert_int_equal(framer_next(&f, &p, &why), FRAME_PACKET);
    assert_int_equal(p.whole.len, bytes.len);
    framer_done(&f);
    return p;
}

static struct mqtt_connect read_connect(struct str bytes)
{
    struct mqtt_packet p = only_packet(bytes);
    struct mqtt_connect c;
    const char *why;

    assert_int_equal(p.type, MQTT_CONNECT);
    assert_int_equal(mqtt_connect_read(&p, &c, &why), RC_OK);
    return c;
}

/* The same but for what stands in a CONNECT for the broker, and for the properties of level 5. */
static void assert_same_client(const struct mqtt_connect *a, const struct mqtt_connect *b)
{
    assert_true(str_eq(a->protocol, b->protocol) && a->level == b->level);
    assert_true(str_eq(a->client_id, b->client_id));
    assert_true(a->has_password == b->has_password && str_eq(a->password, b->password));
}

/* What the hub makes of the rewritten user name is what the client said. */
static void check_prefix(const struct mqtt_connect *c, struct str user_name)
{
    struct front_door d;
    struct buf b;

    assert_int_equal(front_door_read(user_name, &d), RC_OK);
    assert_true(!d.is_self && d.is_clean == c->is_clean && d.keep_alive_s == c->keep_alive_s);
    assert_true(d.has_user_name == c->has_user_name && str_eq(d.user_name, c->user_name));
    assert_int_equal(d.has_will, c->has_will);
    if (c->has_will) {
        assert_int_equal(d.will_qos, c->will_qos);
        buf_init(&b, 0);
        buf_add_percent(&b, c->will_topic, STR(""));
        assert_true(str_eq(d.will_topic, buf_view(&b)));
        buf_done(&b);
    }
}

/* The hub reads the will as it was. */
static void check_will(const struct mqtt_connect *c)
{
    struct mqtt_publish publish;
    struct report report;
    struct mqtt_packet p;
    struct buf b;

    buf_init(&b, 0);
    tell_will(&b, c);
    p = only_packet(buf_view(&b));
    assert_null(mqtt_mistake(&p));
    assert_int_equal(mqtt_publish_read(&p, &publish), RC_OK);
    assert_true(str_eq(publish.topic, STR(FRONT_DOOR_REPORTS)));
    assert_int_equal(report_read(publish.payload, &report), RC_OK);
    assert_int_equal(report.kind, REPORT_WILL);
    assert_true(str_eq(report.topic, c->will_topic) && str_eq(buf_view(&report.payload), c->will_payload));
    assert_true(report.qos == c->will_qos && report.retain == c->is_will_retained);
    report_done(&report);
    buf_done(&b);
}

static void check_connect(const struct mqtt_packet *p)
{
    struct mqtt_connect c, again;
    const char *why = NULL;
    struct buf b;
    enum rc rc;

    rc = mqtt_connect_read(p, &c, &why);
    if (rc) {
        assert_true(rc == RC_SYNTAX || rc == RC_REFUSED);
        assert_non_null(why);
        return;
    }
    buf_init(&b, 0);
    mqtt_connect_write(&b, &c);
    again = read_connect(buf_view(&b));
    assert_same_client(&c, &again);
    assert_true(again.is_clean == c.is_clean && again.keep_alive_s == c.keep_alive_s && again.has_will == c.has_will);
    assert_true(str_eq(again.will_topic, c.will_topic) && str_eq(again.will_payload, c.will_payload));
    assert_true(str_eq(again.user_name, c.user_name) && str_eq(again.properties, c.properties));
    buf_reset(&b);
    assert_int_equal(mqtt_connect_rewrite(&b, &c, STR("[::1]:65535")), RC_OK); /* the stream is too short for more */
    again = read_connect(buf_view(&b));
    assert_same_client(&c, &again);
    assert_true(again.is_clean && again.keep_alive_s == 0 && !again.has_will && again.has_user_name);
    assert_int_equal(again.properties.len, c.level == 5);
    check_prefix(&c, again.user_name);
    buf_done(&b);
    if (c.has_will)
        check_will(&c);
}

static void check_publish(const struct mqtt_packet *p)
{
    struct mqtt_publish read, again;
    struct mqtt_packet anew;
    struct buf b;

    if (mqtt_publish_read(p, &read))
        return;
    buf_init(&b, 0);
    mqtt_publish_write(&b, &read);
    anew = only_packet(buf_view(&b));
    assert_true(str_eq(anew.body, p->body) && anew.flags == p->flags);
    assert_int_equal(mqtt_publish_read(&anew, &again), RC_OK);
    assert_true(str_eq(again.payload, read.payload) && again.id == read.id && again.qos == read.qos);
    buf_done(&b);
}

/* Any topic may be marked; what is marked comes off again. */
static void check_marker(struct str topic)
{
    struct marker m, again;
    struct buf b;

    if (topic.len == 0)
        return;
    buf_init(&b, 0);
    front_door_mark(&b, 1, topic.len & 1u, topic.len * 0x9e3779b97f4a7c15u, topic);
    assert_int_equal(marker_read(buf_view(&b), &m), RC_OK);
    assert_true(m.qos == 1 && m.is_dup == (topic.len & 1u) && m.tag == topic.len * 0x9e3779b97f4a7c15u);
    assert_true(str_eq(m.topic, topic));
    if (marker_read(topic, &m) == RC_OK) {
        assert_true(feed_is_inside(m.topic, topic) && m.topic.len);
        buf_reset(&b);
        front_door_mark(&b, m.qos, m.is_dup, m.tag, m.topic);
        assert_int_equal(marker_read(buf_view(&b), &again), RC_OK);
        assert_true(again.qos == m.qos && again.is_dup == m.is_dup && again.tag == m.tag &&
                    str_eq(again.topic, m.topic));
    }
    buf_done(&b);
}

static void check_packet(const struct mqtt_packet *p)
{
    struct mqtt_publish publish;
    const char *mistake = mqtt_mistake(p);

    assert_true(!mistake || *mistake);
    if (p->type == MQTT_CONNECT)
        check_connect(p);
    if (p->type != MQTT_PUBLISH)
        return;
    check_publish(p);
    if (mqtt_publish_read(p, &publish) == RC_OK)
        check_marker(publish.topic);
    if (!mistake)
        assert_true(mqtt_text_is_fit(publish.topic) && publish.topic.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str stream = fuzz_text(data, size);
    struct mqtt_packet p;
    struct framer f;
    const char *why;

    check_slices(stream);
    framer_init(&f, PACKET_MAX);
    framer_feed(&f, stream);
    while (framer_next(&f, &p, &why) == FRAME_PACKET)
        check_packet(&p);
    framer_done(&f);
    return 0;
}
