/* test_hub_profile.c - whose manners the hub has: today's, an older hub's, an edge hub's. */
#include <ctype.h>
#include <stdio.h>

#include "hub_world.h"

#define DESIRED "$iothub/twin/PATCH/properties/desired/#"
#define NOTE    "$iothub/twin/PATCH/properties/desired/?$version="

static struct world *begin(void **state, const char *profile)
{
    struct world *w = *state;

    assert_int_equal(profile_read(str_from(profile), &w->options.profile), RC_OK);
    world_restart(w);
    world_create(w, "dev1");
    return w;
}

/* --- gw-v1 ------------------------------------------------------------------------------------------------------ */

/* dev1 was there, subscribed, and left; its session is kept. */
static void visit(struct world *w, struct conn *dev)
{
    world_twin_client(w, dev, "dev1");
    world_end(w, dev, ENDED_CLIENT);
}

static void an_older_hub_delivers_what_a_kept_session_missed_one_by_one(void **state) /* facts M-47 */
{
    struct world *w = begin(state, "gw-v1");
    struct conn dev;

    visit(w, &dev);
    (void)world_desire(w, "{'a':1,'b':{'c':2}}");
    assert_json(w, world_event(w, "desired"), "delivered", "false");
    (void)world_desire(w, "{'a':null}");
    world_tag(w, "{'t':1}");
    (void)world_ask(w, "twin.replace", "'deviceId':'dev1','twin':{'properties':{'desired':{'d':3}}}");
    assert_nothing_sent(w);
    world_restart(w); /* it lasts as the changes do */
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_count(w, OUT_PUBLISH), 3);
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, NOTE "2");
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->body, "{\"a\":1,\"b\":{\"c\":2},\"$version\":2}");
    assert_string_equal(world_out(w, OUT_PUBLISH, 1)->body, "{\"a\":null,\"$version\":3}");
    assert_string_equal(world_out(w, OUT_PUBLISH, 2)->body, "{\"b\":null,\"d\":3,\"$version\":4}");
    assert_int_equal(world_count_events(w, "desired"), 3);
    /* And once. */
    world_end(w, &dev, ENDED_CLIENT);
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
    (void)world_desire(w, "{'e':5}");
    (void)assert_sent(w, "dev1", NOTE "5");
    world_check(w);
}

static void a_clean_session_missed_nothing(void **state) /* facts M-11, M-47 */
{
    struct world *w = begin(state, "gw-v1");
    struct conn dev;

    visit(w, &dev);
    (void)world_desire(w, "{'a':1}");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.is_clean = true}), HUB_ACCEPT);
    assert_nothing_sent(w);
    assert_int_equal(world_subscribe(w, &dev, DESIRED, 0), HUB_ACCEPT);
    world_end(w, &dev, ENDED_CLIENT); /* that session ends with its connection */
    (void)world_desire(w, "{'a':2}");
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
    world_check(w);
}

static void who_never_subscribed_misses_nothing_and_only_so_much_is_kept(void **state)
{
    struct world *w = begin(state, "gw-v1");
    struct conn dev;
    char note[64];

    world_connect(w, &dev, "dev1");
    world_end(w, &dev, ENDED_CLIENT);
    (void)world_desire(w, "{'a':1}");
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
    assert_int_equal(world_subscribe(w, &dev, DESIRED, 1), HUB_ACCEPT);
    world_end(w, &dev, ENDED_CLIENT);
    for (int n = 0; n < HUB_MISSED_MAX + 2; n++)
        (void)world_desire(w, "{'a':2}");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_count(w, OUT_PUBLISH), HUB_MISSED_MAX);
    (void)snprintf(note, sizeof note, NOTE "%d", 2 + 1 + 2); /* the two oldest are gone */
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, note);
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->qos, 1);
}

static void the_hub_of_today_and_an_edge_hub_deliver_nothing_late(void **state) /* facts M-33 */
{
    static const char *const profiles[] = {"gw-v2", "edge-hub"};

    for (size_t n = 0; n < COUNT(profiles); n++) {
        struct world *w = *state;
        struct conn dev;

        assert_int_equal(profile_read(str_from(profiles[n]), &w->options.profile), RC_OK);
        world_restart(w);
        if (n == 0)
            world_create(w, "dev1");
        visit(w, &dev);
        (void)world_desire(w, "{'a':1}");
        world_connect(w, &dev, "dev1");
        assert_nothing_sent(w);
        world_end(w, &dev, ENDED_CLIENT);
    }
}

static void what_was_kept_is_forgotten_when_the_hub_becomes_a_newer_one(void **state)
{
    struct world *w = begin(state, "gw-v1");
    struct conn dev;

    visit(w, &dev);
    (void)world_desire(w, "{'a':1}");
    w->options.profile = (struct profile){PROFILE_GW_V2, TIER_NONE, 0};
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
    w->options.profile = (struct profile){PROFILE_GW_V1, TIER_NONE, 0};
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w);
}

/* --- edge-hub --------------------------------------------------------------------------------------------------- */

static void an_edge_hub_answers_with_bare_statuses(void **state) /* facts M-48 */
{
    static const struct {
        const char *topic, *body, *answer;
    } rows[] = {
        {"?$rid=1", "{\"a\":1}", "$iothub/twin/res/204/?$rid=1"},             /* no $version */
        {"?$rid=2&$version=77", "{\"a\":1}", "$iothub/twin/res/204/?$rid=2"}, /* nor is it looked at */
        {"?$rid=3", "[1]", "$iothub/twin/res/400/?$rid=3"},
        {"?$rid=4", "{\"$version\":1}", "$iothub/twin/res/400/?$rid=4"},
        {"?$rid=5", "{\"o\":{\"a#b\":1}}", "$iothub/twin/res/400/?$rid=5"},
        {"?$rid=6", "{\"a.b\":1}", "$iothub/twin/res/400/?$rid=6"},
        {"?$rid=7", "{\"o\":[{\"x\":{\"#\":1}}]}", "$iothub/twin/res/400/?$rid=7"},
    };
    struct world *w = begin(state, "edge-hub");
    struct conn dev;

    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char topic[128];

        (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/%s", rows[n].topic);
        assert_int_equal(world_publish_bytes(w, &dev, str_from(topic), str_from(rows[n].body)), HUB_SWALLOW);
        (void)assert_sent(w, "dev1", rows[n].answer);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->body_len, 0);
    }
    (void)world_publish(w, &dev, "$iothub/twin/PATCH/properties/reported/", "{'silent':1}");
    assert_nothing_sent(w);
    assert_json(w, world_twin(w, "dev1"), "properties.reported.silent", "1");
    (void)world_publish(w, &dev, "$iothub/twin/GET/?$rid=8", "");
    assert_non_null(strstr(assert_sent(w, "dev1", "$iothub/twin/res/200/?$rid=8"), "\"silent\":1"));
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/", ""), HUB_CLOSE);
}

static void an_edge_hub_counts_the_text_of_a_patch(void **state) /* facts M-48 */
{
    struct world *w = begin(state, "edge-hub");
    struct conn dev;
    struct buf patch;

    world_twin_client(w, &dev, "dev1");
    buf_init(&patch, 0);
    buf_add(&patch, STR("{\"a\":1"));
    while (patch.len < TWIN_SECTION_MAX)
        buf_add_char(&patch, ' '); /* which no section holds */
    buf_add_char(&patch, '}');
    (void)world_publish_bytes(w, &dev, STR("$iothub/twin/PATCH/properties/reported/?$rid=1"), buf_view(&patch));
    (void)assert_sent(w, "dev1", "$iothub/twin/res/400/?$rid=1");
    buf_done(&patch);
}

static void an_edge_hub_wants_an_api_version_and_refuses_filters_one_by_one(void **state) /* facts M-48 */
{
    struct world *w = begin(state, "edge-hub");
    struct conn dev;

    assert_login_refused(w, world_login(w, &dev, "dev1", &(struct login){.query = "?DeviceClientType=x"}), &dev,
                         "the user name has no api-version");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_subscribe(w, &dev, "devices/other/messages/devicebound/#", 0), HUB_DENY);
    assert_int_equal(world_subscribe(w, &dev, DESIRED, 0), HUB_ACCEPT);
}

static void an_edge_hub_s_methods_have_guids(void **state) /* facts M-48 */
{
    struct world *w = begin(state, "edge-hub");
    struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner};
    char topic[128], last[64] = "";
    struct conn dev;

    world_connect(w, &dev, "dev1");
    assert_int_equal(world_subscribe(w, &dev, "$iothub/methods/POST/#", 0), HUB_ACCEPT);
    for (uint64_t n = 1; n < 50; n++) {
        const char *rid;

        r.command = world_json(w, "{'command':'method.invoke','deviceId':'dev1','methodName':'m'}");
        r.ticket = n;
        assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
        rid = world_out(w, OUT_PUBLISH, 0)->topic + strlen("$iothub/methods/POST/m/?$rid=");
        assert_int_equal(strlen(rid), 36);
        for (size_t at = 0; at < 36; at++)
            assert_true(at == 8 || at == 13 || at == 18 || at == 23 ? rid[at] == '-'
                                                                    : isxdigit((unsigned char)rid[at]));
        assert_int_equal(rid[14], '4');
        assert_string_not_equal(rid, last);
        (void)snprintf(last, sizeof last, "%s", rid);
        (void)snprintf(topic, sizeof topic, "$iothub/methods/res/200/?$rid=%s", rid);
        assert_int_equal(world_publish(w, &dev, topic, "{}"), HUB_SWALLOW);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->ticket, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_older_hub_delivers_what_a_kept_session_missed_one_by_one),
        WORLD_TEST(a_clean_session_missed_nothing),
        WORLD_TEST(who_never_subscribed_misses_nothing_and_only_so_much_is_kept),
        WORLD_TEST(the_hub_of_today_and_an_edge_hub_deliver_nothing_late),
        WORLD_TEST(what_was_kept_is_forgotten_when_the_hub_becomes_a_newer_one),
        WORLD_TEST(an_edge_hub_answers_with_bare_statuses),
        WORLD_TEST(an_edge_hub_counts_the_text_of_a_patch),
        WORLD_TEST(an_edge_hub_wants_an_api_version_and_refuses_filters_one_by_one),
        WORLD_TEST(an_edge_hub_s_methods_have_guids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
