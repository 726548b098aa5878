/* test_front_door.c - is what the gateway says of a client read exactly, and nothing else taken for it? */
#include "front_door.h"

#include <stdio.h>

#include "test.h"

#define GOOD "gw1?clean=0&keepAlive=60&peer=127.0.0.1%3A43210&user=1&cert=none"
#define NAME "twinsim.azure-devices.test/dev/?api-version=2021-04-12"

/* Read an exact copy; on failure out stays as it was. */
static enum rc read_text(const char *text, struct front_door *out)
{
    struct front_door before;
    char *copy = copy_exact(text, strlen(text));
    enum rc rc;

    memset(out, 0xA5, sizeof *out);
    memcpy(&before, out, sizeof before);
    rc = front_door_read(str_of(copy, strlen(text)), out);
    if (rc)
        assert_memory_equal(out, &before, sizeof before);
    free(copy);
    return rc;
}

static void assert_text(struct str got, const char *want)
{
    assert_true(str_eq(got, str_from(want)));
}

static void a_client_is_described_and_its_own_name_follows_the_first_blank(void **state)
{
    struct front_door door;

    (void)state;
    assert_int_equal(front_door_read(STR(GOOD " " NAME " with blanks "), &door), RC_OK);
    assert_false(door.is_self || door.is_clean || door.has_will);
    assert_true(door.has_user_name);
    assert_int_equal(door.keep_alive_s, 60);
    assert_text(door.peer, "127.0.0.1%3A43210");
    assert_text(door.user_name, NAME " with blanks ");
    assert_int_equal(front_door_read(STR("gw1?user=1&keepAlive=65535&clean=1 x"), &door), RC_OK);
    assert_true(door.is_clean);
    assert_int_equal(door.keep_alive_s, 65535);
    assert_int_equal(door.peer.len, 0);
    assert_text(door.user_name, "x");
    assert_int_equal(front_door_read(STR("gw1?clean=0&keepAlive=0&user=0 "), &door), RC_OK);
    assert_false(door.has_user_name);
    assert_int_equal(door.user_name.len, 0);
    assert_int_equal(front_door_read(STR("gw1?clean=0&keepAlive=0&user=1 "), &door),
                     RC_OK); /* an empty one is one, too */
    assert_true(door.has_user_name);
}

static void a_will_is_announced_with_its_topic_as_it_is_encoded(void **state)
{
    struct front_door door;

    (void)state;
    assert_int_equal(front_door_read(STR("gw1?clean=1&keepAlive=5&user=1&willTopic=devices%2Fdev%2Fmessages%2Fevents%"
                                         "2Fa%253Db&willQos=2&willRetain=1 x"),
                                     &door),
                     RC_OK);
    assert_true(door.has_will);
    assert_int_equal(door.will_qos, 2);
    assert_text(door.will_topic, "devices%2Fdev%2Fmessages%2Fevents%2Fa%253Db");
    assert_int_equal(front_door_read(STR("gw1?clean=1&keepAlive=5&user=1&willTopic=&willQos=0&willRetain=0 x"), &door),
                     RC_OK);
    assert_true(door.has_will); /* topics are not judged here */
}

static void the_gateway_itself_needs_to_say_no_more(void **state)
{
    struct front_door door;

    (void)state;
    assert_int_equal(front_door_read(STR("gw1?self=1 "), &door), RC_OK);
    assert_true(door.is_self);
    assert_int_equal(read_text("gw1?self=0 ", &door), RC_SYNTAX);
    assert_int_equal(read_text("gw1?self=yes ", &door), RC_SYNTAX);
}

static void what_is_no_prefix_is_refused_and_touches_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        NAME,
        GOOD,                                    /* no blank */
        "gw1? " NAME,                            /* nothing said */
        "gw2?clean=0&keepAlive=60&user=1 " NAME, /* another version */
        "GW1?clean=0&keepAlive=60&user=1 " NAME, /* letter case */
        " " GOOD " " NAME,                       /* not at the beginning */
        "x" GOOD " " NAME,
        "gw1?keepAlive=60&user=1 " NAME,  /* no clean */
        "gw1?clean=0&user=1 " NAME,       /* no keepAlive */
        "gw1?clean=0&keepAlive=60 " NAME, /* no user */
        "gw1?clean=2&keepAlive=60&user=1 " NAME,
        "gw1?clean=&keepAlive=60&user=1 " NAME,
        "gw1?clean&keepAlive=60&user=1 " NAME,
        "gw1?clean=0&clean=1&keepAlive=60&user=1 " NAME, /* twice */
        "gw1?clean=0&keepAlive=60&user=1&user=1 " NAME,
        "gw1?clean=0&keepAlive=65536&user=1 " NAME,
        "gw1?clean=0&keepAlive=-1&user=1 " NAME,
        "gw1?clean=0&keepAlive=+1&user=1 " NAME,
        "gw1?clean=0&keepAlive=0x10&user=1 " NAME,
        "gw1?clean=0&keepAlive=99999999999999999999&user=1 " NAME,
        "gw1?clean=0&keepAlive=60&user=0 " NAME, /* says that there is none */
        "gw1?clean=0&keepAlive=60&user=2 " NAME,
        "gw1?clean=0&keepAlive=60&user=1& " NAME,          /* an empty pair */
        "gw1?clean=0&keepAlive=60&user=1&willQos=1 " NAME, /* a will without a topic */
        "gw1?clean=0&keepAlive=60&user=1&willRetain=1 " NAME,
        "gw1?clean=0&keepAlive=60&user=1&willTopic=a " NAME, /* a topic without the rest */
        "gw1?clean=0&keepAlive=60&user=1&willTopic=a&willQos=1 " NAME,
        "gw1?clean=0&keepAlive=60&user=1&willTopic=a&willQos=3&willRetain=0 " NAME,
        "gw1?clean=0&keepAlive=60&user=1&willTopic=a&willQos=1&willRetain=2 " NAME,
        "gw1?clean=0&keepAlive=60&user=1&willTopic=a&willTopic=b&willQos=1&willRetain=0 " NAME,
    };
    struct front_door door;

    (void)state;
    for (size_t n = 0; n < COUNT(bad); n++)
        if (read_text(bad[n], &door) != RC_SYNTAX)
            fail_msg("taken for a prefix: %s", bad[n]);
}

/* Cut at every byte: as long as the blank is missing it is nothing. */
static void no_part_of_a_prefix_is_one(void **state)
{
    static const char good[] = GOOD "&willTopic=a%2Fb&willQos=1&willRetain=0 ";
    struct front_door door;

    (void)state;
    for (size_t n = 0; n < sizeof good - 1; n++) {
        char *cut = copy_exact(good, n);

        assert_int_equal(front_door_read(str_of(cut, n), &door), RC_SYNTAX);
        free(cut);
    }
    assert_int_equal(front_door_read(STR(good), &door), RC_OK);
}

/* --- reports --- */

static enum rc report(const char *text, struct report *out)
{
    char *copy = copy_exact(text, strlen(text));
    enum rc rc = report_read(str_of(copy, strlen(text)), out);

    free(copy); /* nothing points into it */
    return rc;
}

static void each_report_is_read_with_all_it_says(void **state)
{
    struct report r;
    uint64_t tag = 0;

    (void)state;
    assert_int_equal(
        report("{\"will\":{\"topic\":\"devices/dev/messages/events/\",\"qos\":1,\"retain\":true,\"payload\":\"AP9h\"}}",
               &r),
        RC_OK);
    assert_int_equal(r.kind, REPORT_WILL);
    assert_text(r.topic, "devices/dev/messages/events/");
    assert_true(r.qos == 1 && r.retain);
    assert_true(str_eq(buf_view(&r.payload), STR("\0\xff\x61")));
    report_done(&r);
    assert_int_equal(report("{\"will\":{\"topic\":\"t\",\"qos\":0,\"retain\":false,\"payload\":\"\"}}", &r), RC_OK);
    assert_int_equal(r.payload.len, 0);
    report_done(&r);

    assert_int_equal(report("{\"puback\":\"1f\"}", &r), RC_OK);
    assert_int_equal(r.kind, REPORT_PUBACK);
    assert_true(report_next_tag(&r, &tag) && tag == 0x1f && !report_next_tag(&r, &tag));
    report_done(&r);
    assert_int_equal(report("{\"puback\":[\"1\",\"ffffffffffffffff\"]}", &r), RC_OK);
    assert_true(report_next_tag(&r, &tag) && tag == 1 && report_next_tag(&r, &tag) && tag == UINT64_MAX &&
                !report_next_tag(&r, &tag));
    report_done(&r);
    assert_int_equal(report("{\"puback\":[]}", &r), RC_OK);
    assert_false(report_next_tag(&r, &tag));
    report_done(&r);

    assert_int_equal(report("{\"end\":\"keep-alive\"}", &r), RC_OK);
    assert_true(r.kind == REPORT_END && r.why == ENDED_KEEP_ALIVE && r.detail.len == 0);
    report_done(&r);
    assert_int_equal(report("{\"end\":\"protocol\",\"detail\":\"a second CONNECT\"}", &r), RC_OK);
    assert_int_equal(r.why, ENDED_PROTOCOL);
    assert_text(r.detail, "a second CONNECT");
    report_done(&r);

    assert_int_equal(report("{\"refused\":{\"peer\":\"127.0.0.1:5\",\"reason\":\"tls\",\"detail\":\"no\"}}", &r),
                     RC_OK);
    assert_true(r.kind == REPORT_REFUSED && r.why == ENDED_TLS);
    assert_text(r.peer, "127.0.0.1:5");
    assert_text(r.detail, "no");
    report_done(&r);
}

static void every_reason_of_the_gateway_is_known_and_none_of_the_hub_s_own_is_taken_from_it(void **state)
{
    static const char *const words[] = {"client",   "lost",      "keep-alive", "connect-timeout",
                                        "protocol", "too-large", "slow",       "unacknowledged",
                                        "tls",      "shutdown"};
    static const char *const others[] = {"takeover", "error", "identity", "token", "fault", "unknown", "", "LOST"};
    struct report r;
    char text[64];

    (void)state;
    for (size_t n = 0; n < COUNT(words); n++) {
        (void)snprintf(text, sizeof text, "{\"end\":\"%s\"}", words[n]);
        assert_int_equal(report(text, &r), RC_OK);
        assert_string_equal(ended_name(r.why), words[n]);
        report_done(&r);
    }
    for (size_t n = 0; n < COUNT(others); n++) {
        (void)snprintf(text, sizeof text, "{\"end\":\"%s\"}", others[n]);
        assert_int_equal(report(text, &r), RC_SYNTAX);
    }
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "[]",
                                      "{}",
                                      "1",
                                      "null",
                                      "{\"what\":1}",
                                      "{\"end\":1}",
                                      "{\"end\":null}",
                                      "{\"puback\":1}",
                                      "{\"puback\":\"\"}",
                                      "{\"puback\":\"1F\"}",
                                      "{\"puback\":\"g\"}",
                                      "{\"puback\":\"-1\"}",
                                      "{\"puback\":\"12345678901234567\"}",
                                      "{\"puback\":[\"1\",2]}",
                                      "{\"puback\":[\"1\",\"x\"]}",
                                      "{\"puback\":{}}",
                                      "{\"puback\":\"1\",\"end\":\"lost\"}",
                                      "{\"will\":{}}",
                                      "{\"will\":1}",
                                      "{\"will\":{\"topic\":\"t\",\"qos\":0,\"retain\":false}}",
                                      "{\"will\":{\"topic\":\"t\",\"qos\":3,\"retain\":false,\"payload\":\"\"}}",
                                      "{\"will\":{\"topic\":\"t\",\"qos\":0,\"retain\":false,\"payload\":\"a\"}}",
                                      "{\"will\":{\"qos\":0,\"retain\":false,\"payload\":\"\"}}",
                                      "{\"will\":{\"topic\":\"t\",\"retain\":false,\"payload\":\"\"}}",
                                      "{\"refused\":{}}",
                                      "{\"refused\":\"tls\"}",
                                      "{\"refused\":{\"reason\":\"identity\"}}"};
    struct report r;

    (void)state;
    for (size_t n = 0; n < COUNT(bad); n++)
        if (report(bad[n], &r) != RC_SYNTAX)
            fail_msg("taken for a report: %s", bad[n]);
}

static void the_mark_says_qos_dup_and_tag_before_the_topic(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    front_door_mark(&b, 0, false, 0, STR("$iothub/twin/res/200/?$rid=1"));
    assert_string_equal(b.at, "$gw/0/0/$iothub/twin/res/200/?$rid=1");
    buf_reset(&b);
    front_door_mark(&b, 1, true, 0xabc, STR("/a"));
    assert_string_equal(b.at, "$gw/1d/abc//a");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_described_and_its_own_name_follows_the_first_blank),
        cmocka_unit_test(a_will_is_announced_with_its_topic_as_it_is_encoded),
        cmocka_unit_test(the_gateway_itself_needs_to_say_no_more),
        cmocka_unit_test(what_is_no_prefix_is_refused_and_touches_nothing),
        cmocka_unit_test(no_part_of_a_prefix_is_one),
        cmocka_unit_test(each_report_is_read_with_all_it_says),
        cmocka_unit_test(every_reason_of_the_gateway_is_known_and_none_of_the_hub_s_own_is_taken_from_it),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(the_mark_says_qos_dup_and_tag_before_the_topic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
