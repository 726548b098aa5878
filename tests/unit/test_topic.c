/* test_topic.c - does topic.h keep its promises? */
#include <stdio.h>

#include "feed.h"
#include "test.h"
#include "topic.h"

static const struct ident DEVICE = {{"dev1", 4}, {NULL, 0}};
static const struct ident MODULE = {{"dev1", 4}, {"mod1", 4}};

static enum rc read_exact(struct ident who, const char *text, struct topic *out, char **copy)
{
    *copy = copy_exact(text, strlen(text));
    return topic_read(who, str_of(*copy, strlen(text)), out);
}

/* facts M-15, M-19, C-08; section 6: with and without slash, leading '?', bags with slashes and blanks */
static void telemetry_is_everything_behind_messages_events(void **state)
{
    static const struct {
        const char *tail, *bag;
    } rows[] = {
        {"", ""},
        {"/", ""},
        {"/a=b", "a=b"},
        {"/a=b/", "a=b"},
        {"/?a=b", "a=b"},
        {"/?a=b/", "a=b"},
        {"/?", ""},
        {"/?/", ""},
        {"//", ""},
        {"/a=b//", "a=b/"}, /* one '/' only */
        {"/??a", "?a"},
        {"/colour=light blue&%24.mid=msg-1&%24.ct=application/json&%24.ce=utf-8",
         "colour=light blue&%24.mid=msg-1&%24.ct=application/json&%24.ce=utf-8"},
        {"/%24.ce=application%2fjson&%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1",
         "%24.ce=application%2fjson&%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool is_module = i % 2;
        struct topic t;
        char text[256], *copy;

        (void)snprintf(text, sizeof text, "devices/dev1/%smessages/events%s", is_module ? "modules/mod1/" : "",
                       rows[i / 2].tail);
        print_message("  %s\n", text);
        assert_int_equal(read_exact(is_module ? MODULE : DEVICE, text, &t, &copy), RC_OK);
        assert_int_equal(t.kind, TOPIC_TELEMETRY);
        assert_true(str_eq(t.bag, str_from(rows[i / 2].bag)));
        assert_int_equal(t.rid.len, 0);
        free(copy);
        assert_int_equal(read_exact(is_module ? DEVICE : MODULE, text, &t, &copy), RC_NOT_OURS);
        free(copy);
    }
}

/* facts M-26, M-27, M-28; section 10.2 of the MQTT facts */
static void twin_and_method_topics_give_rid_version_and_status(void **state)
{
    static const struct {
        const char *text;
        enum topic_kind kind;
        const char *rid;
        int64_t if_version, status;
    } rows[] = {
        {"$iothub/twin/GET/?$rid=1", TOPIC_TWIN_GET, "1", -1, 0},
        {"$iothub/twin/GET/?$rid=305f81b3-5d7c-4977-9949-2adcd44cdc6c", TOPIC_TWIN_GET,
         "305f81b3-5d7c-4977-9949-2adcd44cdc6c", -1, 0},
        {"$iothub/twin/GET/?$rid=get_twin", TOPIC_TWIN_GET, "get_twin", -1, 0},
        {"$iothub/twin/GET/?$rid=%41 b=c?/\xC3\xA9", TOPIC_TWIN_GET, "%41 b=c?/\xC3\xA9", -1,
         0}, /* any text, untouched */
        {"$iothub/twin/GET/?x=1&$rid=7&$version=nonsense&y", TOPIC_TWIN_GET, "7", -1, 0},
        {"$iothub/twin/GET/?$rid=7&$rid=8", TOPIC_TWIN_GET, "7", -1, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=patch-0", TOPIC_TWIN_PATCH_REPORTED, "patch-0", -1, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=3&$version=1", TOPIC_TWIN_PATCH_REPORTED, "3", 1, 0},
        {"$iothub/twin/PATCH/properties/reported/?$version=0&$rid=3", TOPIC_TWIN_PATCH_REPORTED, "3", 0, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=3&$version=9223372036854775807", TOPIC_TWIN_PATCH_REPORTED, "3",
         INT64_MAX, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=3&$version=5&$version=x", TOPIC_TWIN_PATCH_REPORTED, "3", 5, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=3&version=5&$Version=6", TOPIC_TWIN_PATCH_REPORTED, "3", -1, 0},
        {"$iothub/twin/PATCH/properties/reported/?$version=4", TOPIC_TWIN_PATCH_REPORTED, "", 4, 0},
        {"$iothub/twin/PATCH/properties/reported/?$rid=", TOPIC_TWIN_PATCH_REPORTED, "", -1, 0},
        {"$iothub/twin/PATCH/properties/reported/?", TOPIC_TWIN_PATCH_REPORTED, "", -1, 0},
        {"$iothub/twin/PATCH/properties/reported/", TOPIC_TWIN_PATCH_REPORTED, "", -1, 0},
        {"$iothub/methods/res/200/?$rid=1", TOPIC_METHOD_ANSWER, "1", -1, 200},
        {"$iothub/methods/res/0/?$rid=a&x=y", TOPIC_METHOD_ANSWER, "a", -1, 0},
        {"$iothub/methods/res/-1/?$rid=a", TOPIC_METHOD_ANSWER, "a", -1, -1},
        {"$iothub/methods/res/2147483647/?$rid=a", TOPIC_METHOD_ANSWER, "a", -1, INT32_MAX},
        {"$iothub/methods/res/-2147483648/?$rid=a", TOPIC_METHOD_ANSWER, "a", -1, INT32_MIN},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct topic t;
        char *copy;

        print_message("  %s\n", rows[i / 2].text);
        assert_int_equal(read_exact(i % 2 ? MODULE : DEVICE, rows[i / 2].text, &t, &copy), RC_OK);
        assert_int_equal(t.kind, rows[i / 2].kind);
        assert_true(str_eq(t.rid, str_from(rows[i / 2].rid)));
        assert_true(t.if_version == rows[i / 2].if_version);
        assert_true(t.status == rows[i / 2].status);
        assert_int_equal(t.bag.len, 0);
        free(copy);
    }
}

static void what_an_identity_may_not_say_is_refused_and_touches_nothing(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_NOT_OURS},
        {"foo", RC_NOT_OURS},
        {"devices/dev1", RC_NOT_OURS},
        {"devices/dev1/messages", RC_NOT_OURS},
        {"devices/dev1/messages/event", RC_NOT_OURS},
        {"devices/dev1/messages/eventsX", RC_NOT_OURS},
        {"devices/dev1/messages/devicebound/", RC_NOT_OURS},
        {"devices/dev1/messages/Events/", RC_NOT_OURS}, /* letter case counts */
        {"Devices/dev1/messages/events/", RC_NOT_OURS},
        {"devices/DEV1/messages/events/", RC_NOT_OURS},
        {"devices/dev10/messages/events/", RC_NOT_OURS},
        {"devices/dev/messages/events/", RC_NOT_OURS},
        {"devices/dev2/messages/events/", RC_NOT_OURS},
        {"devices//messages/events/", RC_NOT_OURS},
        {"devices/dev1/modules/mod2/messages/events/", RC_NOT_OURS},
        {"devices/dev1/modules/mod1/inputs/x", RC_NOT_OURS},
        {"/devices/dev1/messages/events/", RC_NOT_OURS},
        {"x/devices/dev1/messages/events/", RC_NOT_OURS},
        {"$iothub", RC_NOT_OURS},
        {"$iothub/twin/GET", RC_NOT_OURS},
        {"$iothub/twin/GET?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/get/?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/GET/x/?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/GET//?$rid=1", RC_NOT_OURS},
        {"x$iothub/twin/GET/?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/res/200/?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/PATCH/properties/desired/?$rid=1", RC_NOT_OURS},
        {"$iothub/twin/PATCH/properties/reported", RC_NOT_OURS},
        {"$iothub/twin/PATCH/properties/reported/foo/?$rid=1", RC_NOT_OURS},
        {"$iothub/methods/POST/x/?$rid=1", RC_NOT_OURS},
        {"$iothub/methods/res/200/x/?$rid=1", RC_NOT_OURS},
        {"$dps/registrations/PUT/iotdps-register/?$rid=1", RC_NOT_OURS},
        {"$SYS/x", RC_NOT_OURS},
        {"$CONTROL/twinsim/v1", RC_NOT_OURS},
        {"$iothub/twin/GET/", RC_SYNTAX},
        {"$iothub/twin/GET/?", RC_SYNTAX},
        {"$iothub/twin/GET/?$rid", RC_SYNTAX},
        {"$iothub/twin/GET/?$rid=", RC_SYNTAX},
        {"$iothub/twin/GET/?rid=1", RC_SYNTAX},
        {"$iothub/twin/GET/?$RID=1", RC_SYNTAX},
        {"$iothub/twin/GET/?$rid=&$rid=1", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version=", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version=-1", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version=1.0", RC_SYNTAX},
        {"$iothub/twin/PATCH/properties/reported/?$rid=1&$version=9223372036854775808", RC_SYNTAX},
        {"$iothub/methods/res/", RC_SYNTAX},
        {"$iothub/methods/res/200", RC_SYNTAX},
        {"$iothub/methods/res/200/", RC_SYNTAX},
        {"$iothub/methods/res/200/?$rid=", RC_SYNTAX},
        {"$iothub/methods/res//?$rid=1", RC_SYNTAX},
        {"$iothub/methods/res/ok/?$rid=1", RC_SYNTAX},
        {"$iothub/methods/res/2e2/?$rid=1", RC_SYNTAX},
        {"$iothub/methods/res/--2/?$rid=1", RC_SYNTAX},
        {"$iothub/methods/res/2147483648/?$rid=1", RC_SYNTAX},
    };
    struct topic t, before;

    (void)state;
    memset(&before, 0xA5, sizeof before);
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        char *copy;

        print_message("  %s\n", rows[i / 2].text);
        memcpy(&t, &before, sizeof t);
        assert_int_equal(read_exact(i % 2 ? MODULE : DEVICE, rows[i / 2].text, &t, &copy), rows[i / 2].rc);
        assert_memory_equal(&t, &before, sizeof t);
        free(copy);
    }
}

static void a_request_id_holds_up_to_1024_bytes(void **state)
{
    static const char *const heads[] = {
        "$iothub/twin/GET/?$rid=", "$iothub/twin/PATCH/properties/reported/?$rid=", "$iothub/methods/res/200/?$rid="};

    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        for (size_t len = TOPIC_RID_MAX; len <= TOPIC_RID_MAX + 1; len++) {
            struct buf text;
            struct topic t;

            buf_init(&text, 0);
            buf_add(&text, str_from(heads[i]));
            for (size_t n = 0; n < len; n++)
                buf_add_char(&text, 'r');
            assert_int_equal(topic_read(DEVICE, buf_view(&text), &t), len > TOPIC_RID_MAX ? RC_LIMIT : RC_OK);
            buf_done(&text);
        }
    }
}

/* facts L-13: an id may hold what topics and queries use, too */
static void odd_ids_are_matched_byte_for_byte(void **state)
{
    const struct ident who = {STR("?a=b"), STR("$m%2F")};
    struct topic t;

    (void)state;
    assert_int_equal(topic_read(who, STR("devices/?a=b/modules/$m%2F/messages/events/x=y"), &t), RC_OK);
    assert_true(str_eq(t.bag, STR("x=y")));
    assert_int_equal(topic_read(who, STR("devices/?a=b/modules/$m%2f/messages/events/x=y"), &t), RC_NOT_OURS);
    assert_int_equal(topic_read(who, STR("devices/?a=b/modules/$m//messages/events/x=y"), &t), RC_NOT_OURS);
}

/* facts M-13, M-14; section 5 of the MQTT facts, and each client's own filters (C-09) */
static void each_side_may_ask_for_its_own_filters_only(void **state)
{
    static const struct {
        const char *text;
        int device, module; /* the class, or -1 */
    } rows[] = {
        {"$iothub/twin/res/#", FILTER_TWIN_RES, FILTER_TWIN_RES},
        {"$iothub/twin/PATCH/properties/desired/#", FILTER_TWIN_DESIRED, FILTER_TWIN_DESIRED},
        {"$iothub/methods/POST/#", FILTER_METHODS, FILTER_METHODS},
        {"$iothub/methods/POST/getStatus/#", FILTER_METHODS, FILTER_METHODS},
        {"$iothub/methods/POST/a-b.c*'/#", FILTER_METHODS, FILTER_METHODS},
        {"devices/dev1/messages/devicebound/#", FILTER_C2D, -1},
        {"devices/+/messages/devicebound/#", FILTER_C2D, -1},
        {"devices/dev1/modules/mod1/messages/devicebound/#", -1, FILTER_C2D},
        {"devices/dev1/modules/mod1/inputs/#", -1, FILTER_INPUTS},
        {"devices/dev1/modules/mod1/#", -1, FILTER_MODULE_ALL},

        {"", -1, -1},
        {"#", -1, -1},
        {"+", -1, -1},
        {"+/+/messages/devicebound/#", -1, -1},
        {"$iothub/#", -1, -1},
        {"$iothub/twin/#", -1, -1},
        {"$iothub/twin/res", -1, -1},
        {"$iothub/twin/res/", -1, -1},
        {"$iothub/twin/res/+/#", -1, -1},
        {"$iothub/twin/res/200/#", -1, -1},
        {"$iothub/twin/RES/#", -1, -1},
        {"$iothub/twin/GET/#", -1, -1},
        {"$iothub/twin/PATCH/#", -1, -1},
        {"$iothub/twin/PATCH/properties/reported/#", -1, -1},
        {"$iothub/methods/#", -1, -1},
        {"$iothub/methods/post/#", -1, -1},
        {"$iothub/methods/POST/x", -1, -1},
        {"$iothub/methods/POST//#", -1, -1},
        {"$iothub/methods/POST/+/#", -1, -1},
        {"$iothub/methods/POST/x/y/#", -1, -1},
        {"$iothub/methods/POST/##", -1, -1},
        {"$iothub/methods/POST/#/#", -1, -1},
        {"$iothub/methods/res/#", -1, -1},
        {"devices/#", -1, -1},
        {"devices/dev1/#", -1, -1},
        {"devices/dev1/inputs/#", -1, -1},
        {"devices/dev1/messages/#", -1, -1},
        {"devices/dev1/messages/events/#", -1, -1},
        {"devices/dev1/messages/devicebound", -1, -1},
        {"devices/dev1/messages/devicebound/+", -1, -1},
        {"devices/dev1/messages/deviceBound/#", -1, -1},
        {"devices/dev2/messages/devicebound/#", -1, -1},
        {"devices/dev10/messages/devicebound/#", -1, -1},
        {"devices/DEV1/messages/devicebound/#", -1, -1},
        {"devices/+/messages/events/#", -1, -1},
        {"devices/+/modules/+/#", -1, -1},
        {"devices/dev1/modules/+/#", -1, -1},
        {"devices/dev1/modules/mod2/#", -1, -1},
        {"devices/dev1/modules/mod1", -1, -1},
        {"devices/dev1/modules/mod1/messages/#", -1, -1},
        {"devices/dev1/modules/mod1/inputs/x", -1, -1},
        {"$share/g/$iothub/twin/res/#", -1, -1},
        {"$SYS/#", -1, -1},
        {"$twinsim/v1/events/#", -1, -1},
        {"$CONTROL/twinsim/v1/response", -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        int want = i % 2 ? rows[i / 2].module : rows[i / 2].device;
        char *copy = copy_exact(rows[i / 2].text, strlen(rows[i / 2].text));
        enum filter_class got = FILTER_CLASSES;

        print_message("  %s\n", rows[i / 2].text);
        assert_int_equal(filter_read(i % 2 ? MODULE : DEVICE, str_of(copy, strlen(rows[i / 2].text)), &got),
                         want < 0 ? RC_REFUSED : RC_OK);
        assert_int_equal(got, want < 0 ? FILTER_CLASSES : (enum filter_class)want);
        free(copy);
    }
}

/* The broker keeps the filter as long as the connection lives. */
static void a_filter_of_one_method_is_as_long_as_a_methods_name_may_be(void **state)
{
    (void)state;
    for (size_t len = METHOD_NAME_MAX; len <= METHOD_NAME_MAX + 1; len++) {
        enum filter_class got;
        struct buf b;

        buf_init(&b, 0);
        buf_add(&b, STR("$iothub/methods/POST/"));
        for (size_t i = 0; i < len; i++)
            buf_add_char(&b, 'm');
        buf_add(&b, STR("/#"));
        assert_int_equal(filter_read(DEVICE, buf_view(&b), &got), len == METHOD_NAME_MAX ? RC_OK : RC_REFUSED);
        buf_done(&b);
    }
}

/* The store keeps these names: they may never change. */
/* facts M-26, M-27, M-31: $rid first, $version behind it, the status a segment of its own */
static void the_hubs_topics_are_spelled_as_the_sdks_read_them(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    topic_twin_answer(&out, 200, STR("1"), -1);
    assert_string_equal(out.at, "$iothub/twin/res/200/?$rid=1");
    buf_reset(&out);
    topic_twin_answer(&out, 204, STR("305f81b3-5d7c%20"), 2);
    assert_string_equal(out.at, "$iothub/twin/res/204/?$rid=305f81b3-5d7c%20&$version=2");
    buf_reset(&out);
    topic_desired(&out, 17);
    assert_string_equal(out.at, "$iothub/twin/PATCH/properties/desired/?$version=17");
    buf_done(&out);
}

static void read_any(struct str text)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ident who = i ? MODULE : DEVICE;
        enum filter_class class = FILTER_CLASSES;
        struct topic t, before;
        enum rc rc;

        memset(&before, 0xA5, sizeof before);
        memcpy(&t, &before, sizeof t);
        rc = filter_read(who, text, &class);
        assert_true(rc == RC_REFUSED ? class == FILTER_CLASSES : class < FILTER_CLASSES);
        if (topic_read(who, text, &t)) {
            assert_memory_equal(&t, &before, sizeof t);
            continue;
        }
        assert_true(feed_is_inside(t.rid, text) && feed_is_inside(t.bag, text));
        assert_true(t.rid.len <= TOPIC_RID_MAX && t.if_version >= -1);
        assert_true(t.kind == TOPIC_TELEMETRY || t.kind == TOPIC_TWIN_PATCH_REPORTED || t.rid.len > 0);
        assert_true(t.kind != TOPIC_TELEMETRY || str_starts(text, STR("devices/dev1/")));
        assert_true(t.kind == TOPIC_TELEMETRY || str_starts(text, STR("$iothub/")));
    }
}

static void any_bytes_are_refused_or_well_formed(void **state)
{
    static const char *const good[] = {
        "devices/dev1/messages/events/?a=b&c/",
        "devices/dev1/modules/mod1/messages/events/",
        "$iothub/twin/GET/?$rid=1",
        "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=3",
        "$iothub/methods/res/-200/?$rid=1",
        "$iothub/methods/POST/x/#",
        "devices/+/messages/devicebound/#",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        feed_prefixes(str_from(good[i]), read_any);
        feed_mutations(str_from(good[i]), read_any);
    }
}

static void a_filter_fits_what_mqtt_says_it_does(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool fits;
    } rows[] = {
        {"#", "a", true},        {"#", "$iothub/a", true}, {"a/#", "a/b/c", true},   {"a/#", "a", true},
        {"a/#", "ab", false},    {"a/+", "a/b", true},     {"a/+", "a/b/c", false},  {"a/+", "a", false},
        {"+/b", "a/b", true},    {"a/+/c", "a/b/c", true}, {"a/+/c", "a//c", true},  {"a", "a", true},
        {"a", "a/", false},      {"a/", "a", false},       {"a/b", "a", false},      {"a", "A", false},
        {"+", "a/b", false},     {"/+", "/a", true},       {"a/#/b", "a/#/b", true}, {"a/#/b", "a/x/b", false},
        {"a/b#", "a/bc", false},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s: %s\n", rows[n].filter, rows[n].topic);
        assert_int_equal(filter_fits(str_from(rows[n].filter), str_from(rows[n].topic)), rows[n].fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(telemetry_is_everything_behind_messages_events),
        cmocka_unit_test(twin_and_method_topics_give_rid_version_and_status),
        cmocka_unit_test(what_an_identity_may_not_say_is_refused_and_touches_nothing),
        cmocka_unit_test(a_request_id_holds_up_to_1024_bytes),
        cmocka_unit_test(odd_ids_are_matched_byte_for_byte),
        cmocka_unit_test(each_side_may_ask_for_its_own_filters_only),
        cmocka_unit_test(a_filter_of_one_method_is_as_long_as_a_methods_name_may_be),
        cmocka_unit_test(the_hubs_topics_are_spelled_as_the_sdks_read_them),
        cmocka_unit_test(a_filter_fits_what_mqtt_says_it_does),
        cmocka_unit_test(any_bytes_are_refused_or_well_formed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
