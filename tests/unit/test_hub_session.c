/* test_hub_session.c - sessions that stand, last wills, and what the hub tells the gateway. */
#include "hub_world.h"

#define RES    "$iothub/twin/res/#"
#define EVENTS "devices/dev1/messages/events/"

static const struct login clean = {.is_clean = true, .has_gateway = true}, kept = {.has_gateway = true};

/* Log in; the first thing that leaves is the hello. Was a session there? */
static bool session_present(struct world *w, struct conn *conn, const struct login *login)
{
    const struct out *hello;

    assert_int_equal(world_login(w, conn, "dev1", login), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_HELLO), 1);
    hello = world_out(w, OUT_HELLO, 0);
    assert_string_equal(hello->to, "dev1");
    assert_int_equal(hello->conn, conn->no);
    for (const struct out *o = w->out.at; o < hello; o++)
        assert_int_not_equal(o->kind, OUT_PUBLISH);
    return hello->session_present;
}

/* facts M-10 */
static void a_session_with_clean_0_stands_from_its_first_connect_on(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_false(session_present(w, &dev, &kept));
    world_end(w, &dev, ENDED_CLIENT);
    assert_true(session_present(w, &dev, &kept)); /* without any subscription, too */
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 0);
    assert_int_equal(world_subscribe(w, &dev, RES, 1), HUB_ACCEPT);
    assert_true(session_present(w, &dev, &kept)); /* taken over */
    world_restart(w);                             /* kill -9, and started again on the same store */
    assert_true(session_present(w, &dev, &kept));
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", "$iothub/twin/res/200/?$rid=1");
}

/* facts M-11 */
static void a_clean_session_is_never_present_and_leaves_none(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_false(session_present(w, &dev, &clean));
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 0); /* nothing was there */
    assert_false(session_present(w, &dev, &kept));
    world_end(w, &dev, ENDED_CLIENT);
    assert_false(session_present(w, &dev, &clean)); /* ends the one that stood */
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 1);
    assert_int_equal(world_subscribe(w, &dev, RES, 1), HUB_ACCEPT);
    world_end(w, &dev, ENDED_CLIENT);
    assert_false(session_present(w, &dev, &kept)); /* what the clean one subscribed to was its own */
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_true(session_present(w, &dev, &kept));
}

/* Killed while a clean session was connected: nobody takes up what it had subscribed to. */
static void a_clean_session_does_not_outlive_the_hub(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_false(session_present(w, &dev, &clean));
    assert_int_equal(world_subscribe(w, &dev, RES, 0), HUB_ACCEPT);
    world_restart(w);
    assert_false(session_present(w, &dev, &kept));
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
}

/* A device and its module, and an identity made again, have sessions of their own. */
static void a_session_goes_with_its_identity(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    assert_false(session_present(w, &dev, &kept));
    assert_int_equal(world_login(w, &mod, "dev1/m", &kept), HUB_ACCEPT);
    assert_false(world_out(w, OUT_HELLO, 0)->session_present);
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    world_create(w, "dev1");
    assert_false(session_present(w, &dev, &kept));
}

static void the_hello_stands_before_whatever_waits_for_the_client(void **state)
{
    struct world *w = *state;
    struct request call = {.kind = REQUEST_COMMAND, .conn = &w->owner, .ticket = 77};
    struct conn dev;

    world_create(w, "dev1");
    assert_false(session_present(w, &dev, &kept));
    assert_int_equal(world_subscribe(w, &dev, "$iothub/methods/POST/#", 0), HUB_ACCEPT);
    world_end(w, &dev, ENDED_LOST);
    call.command =
        world_json(w, "{'command':'method.invoke','deviceId':'dev1','methodName':'m','connectTimeoutInSeconds':60}");
    (void)world_turn(w, &call);
    assert_true(call.is_later);
    assert_true(session_present(w, &dev, &kept));
    (void)assert_sent(w, "dev1", "$iothub/methods/POST/m/?$rid=1");
}

static void without_the_gateway_there_is_no_hello(void **state)
{
    struct world *w = *state;
    struct conn dev, service;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_count(w, OUT_HELLO), 0);
    world_service(w, &service, "service");
    assert_int_equal(world_count(w, OUT_HELLO), 0);
}

static void where_a_client_comes_from_is_told(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.peer = "127.0.0.1:4711"}), HUB_ACCEPT);
    assert_json(w, world_event(w, "connected"), "peer", "'127.0.0.1:4711'");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.peer = "127.0.0.1:4712", .password = "x"}),
                     HUB_CLOSE);
    assert_json(w, world_event(w, "refused"), "peer", "'127.0.0.1:4712'");
}

static void what_the_gateway_turned_away_is_told_by_the_hub(void **state)
{
    struct world *w = *state;
    struct request r = {.kind = REQUEST_TURNED_AWAY,
                        .ended = ENDED_CONNECT_TIMEOUT,
                        .detail = STR("60 s"),
                        .peer = STR("127.0.0.1:4711")};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    assert_json(w, world_event(w, "refused"), "reason", "'connect-timeout'");
    assert_json(w, world_event(w, "refused"), "detail", "'60 s'");
    assert_json(w, world_event(w, "refused"), "peer", "'127.0.0.1:4711'");
    assert_json(w, world_event(w, "refused"), "device", NULL);
    assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, "$twinsim/v1/hub/refused");
}

static void a_hub_that_stops_has_ended_all_connections(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    assert_int_equal(world_login(w, &mod, "dev1/m", &kept), HUB_ACCEPT);
    world_connect_with_will(w, &dev, "dev1", EVENTS, "1");
    world_begin(w);
    hub_end_all(w->hub, w->now, &w->out);
    assert_true(world_commit(w));
    assert_int_equal(world_count_events(w, "disconnected"), 2);
    assert_int_equal(world_count_events(w, "telemetry"), 1);
    assert_int_equal(world_count(w, OUT_CLOSE), 0); /* the broker is about to do it */
    assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_int_equal(world_publish(w, &dev, EVENTS, "{}"), HUB_CLOSE);
}

/* --- wills (facts M-20) --- */

static cJSON *assert_will_told(struct world *w, const char *body)
{
    cJSON *told = world_event(w, "telemetry");

    assert_json(w, told, "properties.iothub-MessageType", "'Will'");
    assert_json(w, told, "body", body);
    return told;
}

static void a_will_is_told_at_every_end_but_a_farewell(void **state)
{
    static const struct {
        enum ended ended;
        bool is_told;
    } rows[] = {
        {ENDED_CLIENT, false},   {ENDED_LOST, true},  {ENDED_KEEP_ALIVE, true}, {ENDED_PROTOCOL, true},
        {ENDED_TOO_LARGE, true}, {ENDED_SLOW, true},  {ENDED_SHUTDOWN, true},   {ENDED_UNACKNOWLEDGED, true},
        {ENDED_TLS, true},       {ENDED_ERROR, true}, {ENDED_UNKNOWN, true},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        world_connect_with_will(w, &dev, "dev1", EVENTS "a=b", "{'gone':1}");
        world_end(w, &dev, rows[n].ended);
        assert_int_equal(world_count_events(w, "telemetry"), rows[n].is_told);
        assert_int_equal(world_count_events(w, "disconnected"), 1);
        world_end(w, &dev, ENDED_LOST); /* the broker's word comes late */
        assert_int_equal(world_count_events(w, "telemetry"), 0);
    }
}

static void a_will_says_what_telemetry_would_say_and_goes_where_it_would_go(void **state)
{
    struct world *w = *state;
    const struct out *routed;
    struct conn mod;
    cJSON *told;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_connect_with_will(w, &mod, "dev1/m", "devices/dev1/modules/m/messages/events/a=b&%24.ct=text/", "\"over\"");
    world_end(w, &mod, ENDED_LOST);
    told = assert_will_told(w, "'over'");
    assert_json(w, told, "properties.a", "'b'");
    assert_json(w, told, "system.content-type", "'text'");
    assert_json(w, told, "system.iothub-connection-module-id", "'m'");
    assert_json(w, told, "conn", NULL);
    routed = world_out(w, OUT_EVENT, 2); /* behind the two events: for who reads telemetry */
    assert_string_equal(routed->topic, "devices/dev1/modules/m/messages/events/a=b&%24.ct=text/");
    assert_string_equal(routed->body, "\"over\"");
}

/* The hub's own ends count, too: taken over, token over, disabled, deleted, cut by a fault. */
static void a_will_is_told_when_the_hub_ends_the_connection(void **state)
{
    struct world *w = *state;
    struct login short_lived = {.has_gateway = true, .will_topic = EVENTS, .token_seconds = 60};
    struct request keep = {.kind = REQUEST_KEEP_WILL, .topic = STR(EVENTS), .payload = STR("5")};
    struct conn dev, newer;

    world_create(w, "dev1");
    world_connect_with_will(w, &dev, "dev1", EVENTS, "1");
    assert_int_equal(world_login(w, &newer, "dev1", &kept), HUB_ACCEPT);
    assert_will_told(w, "1");
    world_end(w, &newer, ENDED_LOST);
    assert_int_equal(world_count_events(w, "telemetry"), 0); /* it had none */

    world_connect_with_will(w, &dev, "dev1", EVENTS, "2");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'disabled'");
    assert_will_told(w, "2");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'enabled'");

    world_connect_with_will(w, &dev, "dev1", EVENTS, "3");
    (void)world_ask(w, "fault.add", "'deviceId':'dev1','type':'disconnect'");
    assert_will_told(w, "3");

    world_connect_with_will(w, &dev, "dev1", EVENTS, "4");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    assert_will_told(w, "4");
    world_create(w, "dev1");

    assert_int_equal(world_login(w, &dev, "dev1", &short_lived), HUB_ACCEPT);
    keep.conn = &dev;
    assert_int_equal(world_turn(w, &keep), HUB_SWALLOW);
    world_pass(w, 61);
    (void)world_tick(w);
    assert_will_told(w, "5");
}

static void a_will_belongs_to_one_connection(void **state)
{
    struct world *w = *state;
    struct request late = {.kind = REQUEST_KEEP_WILL, .topic = STR(EVENTS), .payload = STR("late")};
    struct conn dev, newer;

    world_create(w, "dev1");
    world_connect_with_will(w, &dev, "dev1", EVENTS, "1");
    world_end(w, &dev, ENDED_CLIENT);
    assert_int_equal(world_login(w, &newer, "dev1", &kept), HUB_ACCEPT);
    late.conn = &dev; /* of the older connection */
    assert_int_equal(world_turn(w, &late), HUB_SWALLOW);
    world_end(w, &newer, ENDED_LOST);
    assert_int_equal(world_count_events(w, "telemetry"), 0);
}

static void the_will_of_a_connection_may_be_said_anew(void **state)
{
    struct world *w = *state;
    struct request again = {.kind = REQUEST_KEEP_WILL, .topic = STR(EVENTS), .payload = STR("\"newer\"")};
    struct conn dev;

    world_create(w, "dev1");
    world_connect_with_will(w, &dev, "dev1", EVENTS, "\"older\"");
    again.conn = &dev;
    (void)world_turn(w, &again);
    world_end(w, &dev, ENDED_LOST);
    assert_will_told(w, "'newer'");
}

/* Judged at CONNECT: somebody else's topic, none of telemetry, a bag that cannot be read, QoS 2. */
static void a_will_that_the_hub_could_not_send_refuses_the_connect(void **state)
{
    static const struct {
        const char *topic;
        int qos;
    } rows[] = {
        {"devices/dev2/messages/events/", 0},
        {"devices/dev1/modules/m/messages/events/", 0},
        {"foo", 0},
        {"", 0},
        {"$iothub/twin/GET/?$rid=1", 0},
        {"$CONTROL/twinsim/v1", 0},
        {"devices/dev1/messages/devicebound/", 0},
        {EVENTS "a=1&&b=2", 0},
        {EVENTS, 2},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct login login = {.has_gateway = true, .will_topic = rows[n].topic, .will_qos = rows[n].qos};

        assert_login_refused(w, world_login(w, &dev, "dev1", &login), &dev,
                             rows[n].qos == 2 ? "a will must have QoS 0 or 1"
                                              : "a will must be telemetry of its own identity");
    }
    for (int qos = 0; qos <= 1; qos++)
        assert_int_equal(
            world_login(w, &dev, "dev1", &(struct login){.has_gateway = true, .will_topic = EVENTS, .will_qos = qos}),
            HUB_ACCEPT);
}

static void where_a_wrong_will_is_to_be_dropped_it_is_and_the_event_stream_says_so(void **state)
{
    struct world *w = *state;
    struct login login = {.has_gateway = true, .will_topic = "foo"};
    struct request keep = {.kind = REQUEST_KEEP_WILL, .topic = STR("foo"), .payload = STR("x")};
    struct conn dev;

    w->options.forbidden_will_is_dropped = true;
    world_restart(w);
    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &login), HUB_ACCEPT);
    keep.conn = &dev;
    assert_int_equal(world_turn(w, &keep), HUB_SWALLOW);
    assert_json(w, world_event(w, "violation"), "topic", "'foo'");
    world_end(w, &dev, ENDED_LOST);
    assert_int_equal(world_count_events(w, "telemetry"), 0);
}

static void a_will_counts_in_the_memory_that_identities_take(void **state)
{
    struct world *w = *state;
    struct identity *i;
    struct conn dev;
    size_t before;

    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &kept), HUB_ACCEPT);
    i = hub_find(w->hub, STR("dev1"));
    before = identity_bytes(i);
    world_end(w, &dev, ENDED_CLIENT);
    world_connect_with_will(w, &dev, "dev1", EVENTS, "0123456789");
    i = hub_find(w->hub, STR("dev1"));
    assert_true(identity_bytes(i) >= before + 10);
    world_end(w, &dev, ENDED_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_session_with_clean_0_stands_from_its_first_connect_on),
        WORLD_TEST(a_clean_session_is_never_present_and_leaves_none),
        WORLD_TEST(a_clean_session_does_not_outlive_the_hub),
        WORLD_TEST(a_session_goes_with_its_identity),
        WORLD_TEST(the_hello_stands_before_whatever_waits_for_the_client),
        WORLD_TEST(without_the_gateway_there_is_no_hello),
        WORLD_TEST(where_a_client_comes_from_is_told),
        WORLD_TEST(what_the_gateway_turned_away_is_told_by_the_hub),
        WORLD_TEST(a_hub_that_stops_has_ended_all_connections),
        WORLD_TEST(a_will_is_told_at_every_end_but_a_farewell),
        WORLD_TEST(a_will_says_what_telemetry_would_say_and_goes_where_it_would_go),
        WORLD_TEST(a_will_is_told_when_the_hub_ends_the_connection),
        WORLD_TEST(a_will_belongs_to_one_connection),
        WORLD_TEST(the_will_of_a_connection_may_be_said_anew),
        WORLD_TEST(a_will_that_the_hub_could_not_send_refuses_the_connect),
        WORLD_TEST(where_a_wrong_will_is_to_be_dropped_it_is_and_the_event_stream_says_so),
        WORLD_TEST(a_will_counts_in_the_memory_that_identities_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
