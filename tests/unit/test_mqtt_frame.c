/* test_mqtt_frame.c - do mqtt_frame.h, mqtt_connect.h, marker.h, inflight.h and tell.h keep their promises? */
#include "fail_alloc.h"
#include "feed.h"
#include "frames.h"
#include "inflight.h"
#include "json.h"
#include "marker.h"
#include "tell.h"
#include "test.h"

#define BYTES(literal) STR(literal)

/* A client's life: CONNECT with all there is, SUBSCRIBE, PUBLISH at both QoS, PUBACK, PINGREQ, DISCONNECT; one packet of 300 bytes, whose length
 * takes two bytes. */
static struct str life(struct buf *b)
{
    char body[300];
    const struct mqtt_connect connect = {.protocol = STR("MQTT"),
                                         .level = 4,
                                         .keep_alive_s = 60,
                                         .client_id = STR("dev1"),
                                         .has_will = true,
                                         .will_qos = 1,
                                         .will_topic = STR("devices/dev1/messages/events/"),
                                         .will_payload = STR("gone"),
                                         .has_user_name = true,
                                         .user_name = STR("hub/dev1/?api-version=2021-04-12"),
                                         .has_password = true,
                                         .password = STR("secret")};

    memset(body, 'x', sizeof body);
    buf_init(b, 0);
    mqtt_connect_write(b, &connect);
    buf_add(b, BYTES("\x82\x08\0\1\0\3a/#\1"));
    mqtt_publish_write(b, &(struct mqtt_publish){.topic = STR("a/b"), .payload = str_of(body, sizeof body)});
    mqtt_publish_write(
        b, &(struct mqtt_publish){.qos = 1, .id = 7, .is_dup = true, .topic = STR("a"), .payload = STR("")});
    buf_add(b, BYTES("\x40\2\x80\0\xc0\0\xe0\0"));
    assert_true(buf_ok(b));
    return buf_view(b);
}

static void a_stream_cut_anywhere_is_the_same_packets(void **state)
{
    struct buf b;
    struct str stream = life(&b);
    struct frames whole, cut;

    (void)state;
    frames_of(&whole, stream, MQTT_PACKET_MAX, stream.len, 1);
    assert_int_equal(whole.packets, 7);
    for (size_t first = 0; first <= stream.len; first++) {
        frames_of(&cut, stream, MQTT_PACKET_MAX, first, stream.len);
        assert_frames_equal(&whole, &cut);
        frames_done(&cut);
    }
    for (size_t n = 1; n <= 12; n++) {
        frames_of(&cut, stream, MQTT_PACKET_MAX, 0, n);
        assert_frames_equal(&whole, &cut);
        frames_done(&cut);
    }
    frames_done(&whole);
    buf_done(&b);
}

/* Whatever is fed: the same however it is cut, and no byte beyond it is read. */
static void slices_agree(struct str stream)
{
    struct frames whole, single, pairs;

    frames_of(&whole, stream, 4096, stream.len, 1);
    frames_of(&single, stream, 4096, 0, 1);
    frames_of(&pairs, stream, 4096, 1, 3);
    assert_frames_equal(&whole, &single);
    assert_frames_equal(&whole, &pairs);
    frames_done(&whole);
    frames_done(&single);
    frames_done(&pairs);
}

static void mutated_streams_are_the_same_however_they_are_cut(void **state)
{
    struct buf b;
    struct str stream = life(&b);

    (void)state;
    feed_prefixes(stream, slices_agree);
    feed_mutations(stream, slices_agree);
    buf_done(&b);
}

static void what_is_no_packet_is_told_at_its_first_wrong_byte(void **state)
{
    static const struct {
        struct str bytes;
        enum frame_step last;
        size_t at; /* the byte at which it is known */
    } rows[] = {
        {BYTES("\x00"), FRAME_MALFORMED, 1},                     /* type 0 */
        {BYTES("\xf0"), FRAME_MALFORMED, 1},                     /* type 15 */
        {BYTES("GET / HTTP"), FRAME_MALFORMED, 1},               /* PUBACK with flags */
        {BYTES("\x11"), FRAME_MALFORMED, 1},                     /* CONNECT with a reserved bit */
        {BYTES("\x80"), FRAME_MALFORMED, 1},                     /* SUBSCRIBE without its bit */
        {BYTES("\x60"), FRAME_MALFORMED, 1},                     /* PUBREL without its bit */
        {BYTES("\xa0"), FRAME_MALFORMED, 1},                     /* UNSUBSCRIBE without its bit */
        {BYTES("\xc2"), FRAME_MALFORMED, 1},                     /* PINGREQ with one */
        {BYTES("\xe1"), FRAME_MALFORMED, 1},                     /* DISCONNECT with one */
        {BYTES("\x30\xff\xff\xff\xff\x01"), FRAME_MALFORMED, 5}, /* a length of five bytes */
        {BYTES("\x30\x80\x80\x80\x80"), FRAME_MALFORMED, 5},     /* the same, of zeros */
        {BYTES("\x30\xff\xff\xff\x7f"), FRAME_TOO_LARGE, 5},     /* 256 MB */
        {BYTES("\x30\x63"), FRAME_TOO_LARGE, 2},                 /* 101 bytes, one more than the limit */
        {BYTES("\x30\x62"), FRAME_MORE, 3},                      /* 100 bytes */
        {BYTES("\xe0\0\x0f"), FRAME_MALFORMED, 3},               /* behind a good one */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct frames f;
        size_t at;

        frames_init(&f, 100);
        for (at = 0; at < rows[i].bytes.len && f.last == FRAME_MORE; at++)
            frames_feed(&f, str_of(rows[i].bytes.at + at, 1));
        assert_int_equal(f.last, rows[i].last);
        assert_int_equal(rows[i].last == FRAME_MORE ? at + 1 : at, rows[i].at);
        frames_done(&f);
    }
}

static void a_framer_keeps_what_arrived_not_what_is_announced(void **state)
{
    struct frames f;

    (void)state;
    frames_init(&f, MQTT_PACKET_MAX);
    frames_feed(&f, BYTES("\x30\xff\xff\xff\x7f\0\1a"));
    assert_int_equal(f.last, FRAME_MORE);
    assert_true(framer_kept(&f.framer) <= 64);
    frames_done(&f);
}

static void a_limit_may_change_between_two_packets(void **state)
{
    struct frames f;

    (void)state;
    frames_init(&f, 10);
    frames_feed(&f, BYTES("\xe0\0"));
    f.framer.max = 1000;
    frames_feed(&f, BYTES("\x30\x14"));
    assert_int_equal(f.last, FRAME_MORE);
    frames_done(&f);
}

/* --- single packets --------------------------------------------------------------------------------------------------------- */

/* The one packet that these bytes are, in exact memory; the caller frees what *copy is. */
static struct mqtt_packet packet_of(struct str bytes, char **copy)
{
    struct framer f;
    struct mqtt_packet p;
    const char *why;

    *copy = copy_exact(bytes.at, bytes.len);
    framer_init(&f, MQTT_PACKET_MAX);
    framer_feed(&f, str_of(*copy, bytes.len));
    assert_int_equal(framer_next(&f, &p, &why), FRAME_PACKET);
    assert_int_equal(p.whole.len, bytes.len);
    framer_done(&f);
    return p;
}

/* facts B-24, M-14 */
static void each_mistake_of_a_packet_is_told(void **state)
{
    static const struct {
        struct str bytes;
        const char *says; /* NULL: it is well made */
    } rows[] = {
        {BYTES("\x10\0"), "a second CONNECT"},
        {BYTES("\x20\2\0\0"), "only a server"},
        {BYTES("\x90\3\0\1\0"), "only a server"},
        {BYTES("\xb0\2\0\1"), "only a server"},
        {BYTES("\xd0\0"), "only a server"},
        {BYTES("\x30\3\0\1a"), NULL},
        {BYTES("\x30\1\0"), "cut short"},
        {BYTES("\x30\2\0\2"), "cut short"},
        {BYTES("\x30\2\0\0"), "no topic"},
        {BYTES("\x32\3\0\1a"), "cut short"},
        {BYTES("\x32\5\0\1a\0\1"), NULL},
        {BYTES("\x32\5\0\1a\0\0"), "packet id 0"},
        {BYTES("\x34\5\0\1a\0\1"), "QoS 2"},
        {BYTES("\x36\5\0\1a\0\1"), "QoS 3"},
        {BYTES("\x30\3\0\1#"), "wildcard"},
        {BYTES("\x30\5\0\3a/+"), "wildcard"},
        {BYTES("\x30\4\0\2a\0"), "control character"},
        {BYTES("\x30\4\0\2a\x7f"), "control character"},
        {BYTES("\x30\4\0\2\xc2\x85"), "control character"},
        {BYTES("\x30\4\0\2\xc2\xa0"), NULL},
        {BYTES("\x30\4\0\2\xc3\x28"), "UTF-8"},
        {BYTES("\x30\5\0\3\xed\xa0\x80"), "UTF-8"}, /* a surrogate */
        {BYTES("\x30\5\0\3\xef\xbb\xbf"), NULL},    /* U+FEFF is a character like any other */
        {BYTES("\x30\5\0\3\xef\xbf\xbd"), NULL},    /* and so is U+FFFD */
        {BYTES("\x30\5\0\3\xef\xbf\xbe"), "UTF-8"}, /* noncharacters: U+FFFE */
        {BYTES("\x30\5\0\3\xef\xbf\xbf"), "UTF-8"},
        {BYTES("\x30\5\0\3\xef\xb7\x8f"), NULL},
        {BYTES("\x30\5\0\3\xef\xb7\x90"), "UTF-8"}, /* U+FDD0 */
        {BYTES("\x30\5\0\3\xef\xb7\xaf"), "UTF-8"},
        {BYTES("\x30\5\0\3\xef\xb7\xb0"), NULL},
        {BYTES("\x30\6\0\4\xf0\x9f\xbf\xbd"), NULL},
        {BYTES("\x30\6\0\4\xf0\x9f\xbf\xbe"), "UTF-8"}, /* U+1FFFE */
        {BYTES("\x30\6\0\4\xf4\x8f\xbf\xbf"), "UTF-8"}, /* U+10FFFF */
        {BYTES("\x30\6\0\4\xf0\x9e\xbf\xbf"), NULL},
        {BYTES("\x30\6\0\4$SYS"), "broker's own"},
        {BYTES("\x30\x0a\0\x08$share/a"), "broker's own"},
        {BYTES("\x30\6\0\4$sys"), NULL},
        {BYTES("\x40\2\0\1"), NULL},
        {BYTES("\x40\2\0\0"), "no packet id"},
        {BYTES("\x40\1\0"), "no packet id"},
        {BYTES("\x40\3\0\1\0"), "no packet id"},
        {BYTES("\x62\2\0\1"), NULL},
        {BYTES("\x82\6\0\1\0\1a\1"), NULL},
        {BYTES("\x82\6\0\1\0\1a\3"), "more than 2"},
        {BYTES("\x82\5\0\1\0\1a"), "cut short"},
        {BYTES("\x82\2\0\1"), "no filter"},
        {BYTES("\x82\6\0\0\0\1a\1"), "no packet id"},
        {BYTES("\x82\5\0\1\0\0\1"), "filter is empty"},
        {BYTES("\x82\6\0\1\0\1\x01\1"), "control character"},
        {BYTES("\x82\x0a\0\1\0\5a/+/#\1"), NULL},
        {BYTES("\x82\6\0\1\0\1#\1"), NULL},
        {BYTES("\x82\x0a\0\1\0\5a/#/b\1"), "wildcard"},
        {BYTES("\x82\7\0\1\0\2a#\1"), "wildcard"},
        {BYTES("\x82\7\0\1\0\2+b\1"), "wildcard"},
        {BYTES("\x82\7\0\1\0\2##\1"), "wildcard"},
        {BYTES("\xa2\5\0\1\0\1a"), NULL},
        {BYTES("\xa2\6\0\1\0\2+#"), "wildcard"},
        {BYTES("\xa2\4\0\1\0\1"), "cut short"},
        {BYTES("\xa2\1\0"), "no packet id"},
        {BYTES("\xc0\0"), NULL},
        {BYTES("\xc0\1\0"), "has a body"},
        {BYTES("\xe0\0"), NULL},
        {BYTES("\xe0\1\0"), "has a body"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *copy;
        struct mqtt_packet p = packet_of(rows[i].bytes, &copy);
        const char *says = mqtt_mistake(&p);

        print_message("  %zu: %s\n", i, says ? says : "fine");
        assert_int_equal(says == NULL, rows[i].says == NULL);
        if (says)
            assert_non_null(strstr(says, rows[i].says));
        free(copy);
    }
}

static void a_publish_that_is_written_reads_the_same(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 16; flags++) {
        const struct mqtt_publish out = {.qos = flags >> 1 & 3u,
                                         .is_dup = flags & 8u,
                                         .is_retained = flags & 1u,
                                         .id = flags & 6u ? 0x1234 : 0,
                                         .topic = STR("a/b"),
                                         .payload = STR("body\0with a NUL")};
        struct mqtt_publish in;
        struct mqtt_packet p;
        struct buf b;
        char *copy;

        buf_init(&b, 0);
        mqtt_publish_write(&b, &out);
        p = packet_of(buf_view(&b), &copy);
        assert_int_equal(mqtt_publish_read(&p, &in), RC_OK);
        assert_true(in.qos == out.qos && in.is_dup == out.is_dup && in.is_retained == out.is_retained &&
                    in.id == out.id);
        assert_true(str_eq(in.topic, out.topic) && str_eq(in.payload, out.payload));
        free(copy);
        buf_done(&b);
    }
}

static void a_topic_that_is_too_long_cannot_be_written(void **state)
{
    char topic[MQTT_TEXT_MAX + 1];
    struct buf b;

    (void)state;
    memset(topic, 'a', sizeof topic);
    buf_init(&b, 0);
    mqtt_publish_write(&b, &(struct mqtt_publish){.topic = str_of(topic, sizeof topic)});
    assert_int_equal(b.rc, RC_LIMIT);
    buf_done(&b);
}

/* --- CONNECT ---------------------------------------------------------------------------------------------------------------- */

static enum rc connect_of(struct str bytes, const char **why)
{
    struct mqtt_connect c, before;
    struct mqtt_packet p;
    char *copy;
    enum rc rc;

    memset(&before, 0xA5, sizeof before);
    memcpy(&c, &before, sizeof c);
    p = packet_of(bytes, &copy);
    rc = mqtt_connect_read(&p, &c, why);
    if (rc)
        assert_memory_equal(&c, &before, sizeof c);
    free(copy);
    return rc;
}

/* The broker closes for a topic that is deeper, and says nothing. */
static void a_topic_has_201_levels_at_most(void **state)
{
    char slashes[201];

    (void)state;
    memset(slashes, '/', sizeof slashes);
    for (size_t n = 200; n <= 201; n++) {
        struct str topic = str_of(slashes, n);
        struct mqtt_packet p;
        struct buf publish, subscribe;
        char *copy;

        buf_init(&publish, 0);
        buf_init(&subscribe, 0);
        mqtt_publish_write(&publish, &(struct mqtt_publish){.topic = topic});
        p = packet_of(buf_view(&publish), &copy);
        assert_int_equal(mqtt_mistake(&p) == NULL, n == 200);
        free(copy);
        mqtt_header_write(&subscribe, MQTT_SUBSCRIBE, 2, 2 + 2 + n + 1);
        buf_add(&subscribe, STR("\0\1"));
        mqtt_text_write(&subscribe, topic);
        buf_add_char(&subscribe, 1);
        p = packet_of(buf_view(&subscribe), &copy);
        assert_int_equal(mqtt_mistake(&p) == NULL, n == 200);
        free(copy);
        buf_done(&publish);
        buf_done(&subscribe);
    }
}

static void each_mistake_of_a_connect_is_told(void **state)
{
    static const struct {
        struct str bytes;
        enum rc rc;
        const char *says;
    } rows[] = {
        {BYTES("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1a"), RC_OK, NULL},
        {BYTES("\x10\x0f\0\6MQIsdp\3\2\0\x3c\0\1a"), RC_OK, NULL},
        {BYTES("\x10\x0e\0\4MQTT\5\2\0\x3c\0\0\1a"), RC_OK, NULL},
        {BYTES("\x10\x10\0\4MQTT\5\2\0\x3c\2\x21\1\0\1a"), RC_OK, NULL}, /* properties */
        {BYTES("\x10\x0d\0\4MQTT\6\2\0\x3c\0\1a"), RC_REFUSED, "level"},
        {BYTES("\x10\x0d\0\4MQTT\x84\2\0\x3c\0\1a"), RC_REFUSED, "level"}, /* a bridge */
        {BYTES("\x10\x0d\0\4MQTT\3\2\0\x3c\0\1a"), RC_REFUSED, "level"},
        {BYTES("\x10\x0f\0\6MQIsdp\4\2\0\x3c\0\1a"), RC_REFUSED, "level"},
        {BYTES("\x10\x0d\0\4MQTs\4\2\0\x3c\0\1a"), RC_SYNTAX, "not MQTT"},
        {BYTES("\x10\x0d\0\4mqtt\4\2\0\x3c\0\1a"), RC_SYNTAX, "not MQTT"},
        {BYTES("\x10\x0d\0\4MQTT\4\3\0\x3c\0\1a"), RC_SYNTAX, "reserved"},
        {BYTES("\x10\x0d\0\4MQTT\4\x0a\0\x3c\0\1a"), RC_SYNTAX, "no will"},
        {BYTES("\x10\x0d\0\4MQTT\4\x22\0\x3c\0\1a"), RC_SYNTAX, "no will"},
        {BYTES("\x10\x13\0\4MQTT\4\x1e\0\x3c\0\1a\0\1w\0\1p"), RC_SYNTAX, "QoS 3"},
        {BYTES("\x10\x13\0\4MQTT\4\x16\0\x3c\0\1a\0\1w\0\1p"), RC_OK, NULL}, /* the hub judges QoS 2 */
        {BYTES("\x10\x12\0\4MQTT\4\6\0\x3c\0\1a\0\0\0\1p"), RC_SYNTAX, "the will has no topic"},
        {BYTES("\x10\x15\0\4MQTT\4\6\0\x3c\0\1a\0\3w/#\0\1p"), RC_SYNTAX, "will's topic holds a wildcard"},
        {BYTES("\x10\x15\0\4MQTT\4\6\0\x3c\0\1a\0\3w/+\0\1p"), RC_SYNTAX, "will's topic holds a wildcard"},
        {BYTES("\x10\x17\0\4MQTT\5\6\0\x3c\0\0\1a\0\0\3w/+\0\1p"), RC_SYNTAX, "will's topic holds a wildcard"},
        {BYTES("\x10\x10\0\4MQTT\4\x42\0\x3c\0\1a\0\1p"), RC_SYNTAX, "password"},
        {BYTES("\x10\x11\0\4MQTT\5\x42\0\x3c\0\0\1a\0\1p"), RC_OK, NULL}, /* which MQTT 5 allows */
        {BYTES("\x10\x0e\0\4MQTT\4\2\0\x3c\0\1ab"), RC_SYNTAX, "too many"},
        {BYTES("\x10\x0c\0\4MQTT\4\2\0\x3c\0\1"), RC_SYNTAX, "cut short"},
        {BYTES("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1\0"), RC_SYNTAX, "UTF-8"},
        {BYTES("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1\xff"), RC_SYNTAX, "UTF-8"},
        {BYTES("\x10\x10\0\4MQTT\4\x82\0\x3c\0\1a\0\1\x1f"), RC_SYNTAX, "UTF-8"},
        {BYTES("\x10\x0d\0\4MQTT\5\2\0\x3c\xff\xff\xff"), RC_SYNTAX, "cut short"},
        {BYTES("\x10\x0c\0\4MQTT\4\2\0\x3c\0\0"), RC_OK, NULL}, /* an empty client id has an answer of its own */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *why = NULL;

        assert_int_equal(connect_of(rows[i].bytes, &why), rows[i].rc);
        if (rows[i].rc)
            assert_non_null(strstr(why, rows[i].says));
    }
}

static void a_connect_that_is_cut_inside_is_refused(void **state)
{
    struct mqtt_packet p;
    struct buf b;
    char *copy;

    (void)state;
    (void)life(&b);
    p = packet_of(str_first(buf_view(&b), 2 + (unsigned char)b.at[1]), &copy);
    for (size_t n = 0; n < p.body.len; n++) {
        struct mqtt_packet cut = p;
        const char *why = NULL;
        struct mqtt_connect c;
        char *exact = copy_exact(p.body.at, n);

        cut.body = str_of(exact, n);
        assert_int_equal(mqtt_connect_read(&cut, &c, &why), RC_SYNTAX);
        assert_non_null(why);
        free(exact);
    }
    free(copy);
    buf_done(&b);
}

static void a_rewritten_connect_holds_the_prefix_and_what_the_client_said(void **state)
{
    static const char prefix[] =
        "gw1?clean=0&keepAlive=60&peer=127.0.0.1%3A4711&user=1&willTopic=devices%2Fdev1%2Fmessages%2Fevents%2F"
        "&willQos=1&willRetain=0&cert=none hub/dev1/?api-version=2021-04-12";
    struct mqtt_connect c, again;
    struct mqtt_packet p;
    struct buf b, out;
    const char *why;
    char *copy, *copy_again;

    (void)state;
    (void)life(&b);
    p = packet_of(str_first(buf_view(&b), 2 + (unsigned char)b.at[1]), &copy);
    assert_int_equal(mqtt_connect_read(&p, &c, &why), RC_OK);
    buf_init(&out, 0);
    assert_int_equal(mqtt_connect_rewrite(&out, &c, STR("127.0.0.1:4711")), RC_OK);
    p = packet_of(buf_view(&out), &copy_again);
    assert_int_equal(mqtt_connect_read(&p, &again, &why), RC_OK);
    assert_true(again.is_clean && !again.has_will && again.keep_alive_s == 0 && again.level == 4);
    assert_true(str_eq(again.client_id, c.client_id) && str_eq(again.password, c.password));
    assert_true(str_eq(again.user_name, STR(prefix)));
    free(copy);
    free(copy_again);
    buf_done(&b);
    buf_done(&out);
}

/* The broker closes for some of them before it asks anybody. */
static void a_rewritten_connect_of_mqtt_5_has_no_properties(void **state)
{
    struct mqtt_connect c, again;
    struct mqtt_packet p;
    struct buf out;
    const char *why;
    char *copy, *copy_again;

    (void)state;
    p = packet_of(BYTES("\x10\x14\0\4MQTT\5\2\0\x3c\6\x15\0\3abc\0\1a"), &copy);
    assert_int_equal(mqtt_connect_read(&p, &c, &why), RC_OK);
    assert_int_equal(c.properties.len, 7);
    buf_init(&out, 0);
    assert_int_equal(mqtt_connect_rewrite(&out, &c, STR("127.0.0.1:4711")), RC_OK);
    p = packet_of(buf_view(&out), &copy_again);
    assert_int_equal(mqtt_connect_read(&p, &again, &why), RC_OK);
    assert_true(str_eq(again.properties, STR("\0")) && again.level == 5 && str_eq(again.client_id, STR("a")));
    free(copy);
    free(copy_again);
    buf_done(&out);
}

static void a_user_name_that_does_not_fit_is_not_cut(void **state)
{
    char name[MQTT_TEXT_MAX];
    struct mqtt_connect c = {.protocol = STR("MQTT"), .level = 4, .client_id = STR("a"), .has_user_name = true};
    size_t fits = 0;

    (void)state;
    memset(name, 'u', sizeof name);
    for (size_t len = sizeof name - 100; len <= sizeof name; len++) {
        struct buf out;
        enum rc rc;

        c.user_name = str_of(name, len);
        buf_init(&out, 0);
        rc = mqtt_connect_rewrite(&out, &c, STR("127.0.0.1:1"));
        if (rc == RC_OK)
            fits = len;
        else
            assert_int_equal(out.len, 0);
        assert_int_equal(rc, len <= fits ? RC_OK : RC_LIMIT);
        assert_int_equal(out.rc, rc);
        buf_done(&out);
    }
    assert_int_equal(fits, MQTT_TEXT_MAX - strlen("gw1?clean=0&keepAlive=0&peer=127.0.0.1%3A1&user=1&cert=none "));
}

/* --- markers, ids, reports -------------------------------------------------------------------------------------------------- */

static void markers_are_read(void **state)
{
    static const struct {
        const char *topic;
        enum rc rc;
        struct marker is;
    } rows[] = {
        {"$gw/0/0/$iothub/twin/res/200/?$rid=1", RC_OK, {0, false, 0, STR("$iothub/twin/res/200/?$rid=1")}},
        {"$gw/1/2a/a//b", RC_OK, {1, false, 0x2a, STR("a//b")}},
        {"$gw/1d/ffffffffffffffff/a", RC_OK, {1, true, UINT64_MAX, STR("a")}},
        {"$gw/1/0//", RC_OK, {1, false, 0, STR("/")}},
        {"devices/d/messages/devicebound/$gw/1/1/x", RC_NOT_OURS, {0}},
        {"$gw", RC_NOT_OURS, {0}},
        {"$gwx/0/0/a", RC_NOT_OURS, {0}},
        {"$gw/", RC_SYNTAX, {0}},
        {"$gw/0/0/", RC_SYNTAX, {0}},
        {"$gw/0/0", RC_SYNTAX, {0}},
        {"$gw/0d/0/a", RC_SYNTAX, {0}},
        {"$gw/2/0/a", RC_SYNTAX, {0}},
        {"$gw//0/a", RC_SYNTAX, {0}},
        {"$gw/0//a", RC_SYNTAX, {0}},
        {"$gw/0/1x/a", RC_SYNTAX, {0}},
        {"$gw/0/A/a", RC_SYNTAX, {0}},
        {"$gw/0/00000000000000001/a", RC_SYNTAX, {0}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *copy = copy_exact(rows[i].topic, strlen(rows[i].topic));
        struct marker m;

        assert_int_equal(marker_read(str_of(copy, strlen(rows[i].topic)), &m), rows[i].rc);
        if (!rows[i].rc) {
            assert_true(m.qos == rows[i].is.qos && m.is_dup == rows[i].is.is_dup && m.tag == rows[i].is.tag);
            assert_true(str_eq(m.topic, rows[i].is.topic));
        }
        free(copy);
    }
}

static void ids_are_the_gateways_own_and_none_is_open_twice(void **state)
{
    static uint16_t open[INFLIGHT_MAX];
    struct inflight f = {0};
    uint64_t tag;
    uint16_t id;

    (void)state;
    assert_false(inflight_take(&f, INFLIGHT_FIRST_ID, &tag)); /* nothing is open, nor is there memory */
    for (size_t i = 0; i < INFLIGHT_MAX; i++) {
        assert_int_equal(inflight_add(&f, i + 1, &open[i]), RC_OK);
        assert_true(open[i] >= INFLIGHT_FIRST_ID);
    }
    assert_int_equal(inflight_add(&f, 1, &id), RC_LIMIT);
    assert_false(inflight_take(&f, 1, &tag)); /* the broker's */
    /* The oldest stays open for ever; ids go round past it. */
    for (size_t round = 0; round < 70000; round++) {
        size_t i = 1 + round % (INFLIGHT_MAX - 1);

        assert_true(inflight_take(&f, open[i], &tag));
        assert_false(inflight_take(&f, open[i], &tag)); /* once */
        assert_int_equal(inflight_add(&f, round, &open[i]), RC_OK);
        assert_true(open[i] != open[0] && open[i] >= INFLIGHT_FIRST_ID);
    }
    assert_true(inflight_take(&f, open[0], &tag));
    assert_int_equal(tag, 1);
    for (size_t i = INFLIGHT_MAX - 1; i > 0; i--) /* newest first */
        assert_true(inflight_take(&f, open[i], &tag));
    assert_int_equal(f.len, 0);
    inflight_done(&f);
}

/* The JSON of the one report in b, which it empties. */
static char *report_of(struct buf *b)
{
    struct mqtt_publish publish;
    struct mqtt_packet p;
    char *copy, *text;

    p = packet_of(buf_view(b), &copy);
    assert_int_equal(mqtt_publish_read(&p, &publish), RC_OK);
    assert_int_equal(publish.qos, 0);
    assert_true(str_eq(publish.topic, STR(FRONT_DOOR_REPORTS)));
    text = str_dup(publish.payload);
    assert_non_null(text);
    free(copy);
    buf_reset(b);
    return text;
}

#define EXPECT_REPORT(b, json)                                                                                         \
    do {                                                                                                               \
        char *text_ = report_of(b);                                                                                    \
        assert_string_equal(text_, json);                                                                              \
        free(text_);                                                                                                   \
    } while (0)

static void reports_are_what_the_hub_reads(void **state)
{
    const struct mqtt_connect c = {.has_will = true,
                                   .will_qos = 1,
                                   .is_will_retained = true,
                                   .will_topic = STR("a\"b\\c"),
                                   .will_payload = STR("\0\xff\1")};
    const uint64_t tags[] = {0x2a, UINT64_MAX};
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    tell_will(&b, &c);
    EXPECT_REPORT(&b, "{\"will\":{\"topic\":\"a\\\"b\\\\c\",\"qos\":1,\"retain\":true,\"payload\":\"AP8B\"}}");
    tell_pubacks(&b, tags, 1);
    EXPECT_REPORT(&b, "{\"puback\":\"2a\"}");
    tell_pubacks(&b, tags, 2);
    EXPECT_REPORT(&b, "{\"puback\":[\"2a\",\"ffffffffffffffff\"]}");
    tell_end(&b, ENDED_KEEP_ALIVE, NULL);
    EXPECT_REPORT(&b, "{\"end\":\"keep-alive\"}");
    tell_end(&b, ENDED_PROTOCOL, "a \"quoted\" word");
    EXPECT_REPORT(&b, "{\"end\":\"protocol\",\"detail\":\"a \\\"quoted\\\" word\"}");
    tell_refused(&b, "127.0.0.1:1", ENDED_TLS, "unknown ca");
    EXPECT_REPORT(&b, "{\"refused\":{\"peer\":\"127.0.0.1:1\",\"reason\":\"tls\",\"detail\":\"unknown ca\"}}");
    buf_done(&b);
}

/* --- memory ----------------------------------------------------------------------------------------------------------------- */

static void each_allocation_may_fail(void **state)
{
    struct mqtt_connect c = {.protocol = STR("MQTT"),
                             .level = 4,
                             .client_id = STR("a"),
                             .has_will = true,
                             .will_topic =
                                 STR("a topic that is longer than what a buffer begins with, so that it must grow")};
    const uint64_t tag = 1;
    bool all_done = false;

    (void)state;
    for (long n = 0; !all_done; n++) {
        struct inflight ids = {0};
        struct framer f;
        struct mqtt_packet p;
        struct buf out;
        const char *why;
        enum rc rewritten, shown, added;
        enum frame_step step;
        uint16_t id;

        assert_true(n < 50);
        buf_init(&out, 0);
        framer_init(&f, MQTT_PACKET_MAX);
        fail_alloc_only(n);
        rewritten = mqtt_connect_rewrite(&out, &c, STR("127.0.0.1:1"));
        shown = out.rc;
        tell_will(&out, &c);
        tell_pubacks(&out, &tag, 1);
        tell_end(&out, ENDED_LOST, "detail");
        tell_refused(&out, "127.0.0.1:1", ENDED_TLS, "detail");
        added = inflight_add(&ids, 1, &id);
        framer_feed(&f, BYTES("\x30\x0a\0\1a"));
        step = framer_next(&f, &p, &why);
        all_done = fail_alloc_left >= 0; /* nothing failed */
        fail_alloc_never();
        assert_true(rewritten == RC_OK || rewritten == RC_NOMEM);
        assert_int_equal(shown, rewritten);
        assert_true(added == RC_OK || added == RC_NOMEM);
        assert_int_equal(ids.len, added ? 0 : 1);
        assert_true(step == FRAME_MORE || step == FRAME_TOO_LARGE);
        assert_int_equal(all_done, buf_ok(&out) && !rewritten && !added && step == FRAME_MORE);
        inflight_done(&ids);
        framer_done(&f);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_cut_anywhere_is_the_same_packets),
        cmocka_unit_test(mutated_streams_are_the_same_however_they_are_cut),
        cmocka_unit_test(what_is_no_packet_is_told_at_its_first_wrong_byte),
        cmocka_unit_test(a_framer_keeps_what_arrived_not_what_is_announced),
        cmocka_unit_test(a_limit_may_change_between_two_packets),
        cmocka_unit_test(each_mistake_of_a_packet_is_told),
        cmocka_unit_test(a_publish_that_is_written_reads_the_same),
        cmocka_unit_test(a_topic_that_is_too_long_cannot_be_written),
        cmocka_unit_test(a_topic_has_201_levels_at_most),
        cmocka_unit_test(each_mistake_of_a_connect_is_told),
        cmocka_unit_test(a_connect_that_is_cut_inside_is_refused),
        cmocka_unit_test(a_rewritten_connect_holds_the_prefix_and_what_the_client_said),
        cmocka_unit_test(a_rewritten_connect_of_mqtt_5_has_no_properties),
        cmocka_unit_test(a_user_name_that_does_not_fit_is_not_cut),
        cmocka_unit_test(markers_are_read),
        cmocka_unit_test(ids_are_the_gateways_own_and_none_is_open_twice),
        cmocka_unit_test(reports_are_what_the_hub_reads),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
