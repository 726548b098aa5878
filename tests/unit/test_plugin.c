/* test_plugin.c - does the adapter do what the broker's facts demand, whatever comes when? */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "plugin_world.h"

static void a_broker_that_refuses_an_event_stops_the_start(void **state)
{
    static const int events[] = {MOSQ_EVT_BASIC_AUTH, MOSQ_EVT_ACL_CHECK, MOSQ_EVT_MESSAGE, MOSQ_EVT_CONTROL,
                                 MOSQ_EVT_DISCONNECT, MOSQ_EVT_RELOAD,    MOSQ_EVT_TICK};
    struct world *w = *state;

    for (size_t i = 0; i < COUNT(events); i++) {
        broker.refuse_event = events[i];
        assert_int_not_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        assert_null(broker.plugin);
        assert_non_null(strstr(broker.log, "refuses the event"));
        broker_forget();
    }
    broker.refuse_event = 0;
    world_start(w);
    broker_stop();
}

static void only_plugin_interface_5_is_spoken(void **state)
{
    static const int old[] = {2, 3, 4};

    (void)state;
    assert_int_equal(mosquitto_plugin_version(COUNT(old), old), -1);
}

/* facts B-11: nothing leaves before the tick that commits it. */
static void an_answer_leaves_in_the_tick_and_not_before(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_int_equal(world_patch(w, "1", "{\"a\":1}"), MOSQ_ERR_ACL_DENIED); /* swallowed, with its PUBACK */
    assert_int_equal(broker.n_out, 0);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "204/?$rid=1&$version=2");
    broker_stop();
}

/* What a SUBACK says is stored before it leaves (facts C-01): a hub killed at once still knows. */
static void a_subscription_is_stored_when_it_is_granted(void **state)
{
    struct world *w = *state;
    pid_t child;
    int status;

    w->device.clean = false;
    child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        world_start(w);
        (void)broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1);
        _exit(0); /* no tick, no cleanup */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)world_command(
        w, "{\"command\":\"twin.update\",\"deviceId\":\"dev\",\"patch\":{\"properties\":{\"desired\":{\"a\":1}}}}");
    assert_int_equal(broker_sent("dev", "$iothub/twin/PATCH/properties/desired/", 0)->qos, 1);
    broker_stop();
}

/* The answer to an older connection never reaches the newer one, which has the same client id. */
static void an_answer_to_a_connection_that_was_taken_over_is_dropped(void **state)
{
    struct world *w = *state;
    struct mosquitto newer;

    w->device.clean = false;
    world_start(w);
    newer = w->device;
    (void)world_patch(w, "old", "{\"a\":1}");
    assert_int_equal(broker_connect(&newer), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    assert_null(broker_sent("dev", RES, 0));
    assert_int_equal(broker_publish(&newer, "$iothub/twin/GET/?$rid=new", "", NULL), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "200/?$rid=new");
    assert_string_equal(broker_sent("dev", RES, 0)->body,
                        "{\"desired\":{\"$version\":1},\"reported\":{\"a\":1,\"$version\":2}}");
    broker_disconnect(&w->device); /* told twice, with the old pointer (facts B-06) */
    assert_int_equal(broker_publish(&newer, "$iothub/twin/GET/?$rid=still", "", NULL), MOSQ_ERR_ACL_DENIED);
    broker_stop();
}

/* facts B-03, B-11: the last message first, the kick a turn later; and only if it is still that connection. */
static void a_kick_comes_a_turn_after_the_last_message(void **state)
{
    static const char close_dev[] = "{\"command\":\"fault.add\",\"deviceId\":\"dev\",\"type\":\"disconnect\"}";
    struct world *w = *state;
    struct mosquitto newer;

    world_start(w);
    (void)world_command(w, close_dev);
    assert_int_equal(broker.n_kicked, 0);
    assert_int_equal(world_get(w), MOSQ_ERR_AUTH); /* what it still sends closes it */
    broker_tick();
    assert_int_equal(broker.n_kicked, 1);
    assert_string_equal(broker.kicked[0], "dev");
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();

    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)world_command(w, close_dev);
    newer = w->device;
    assert_int_equal(broker_connect(&newer), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    broker_tick();
    assert_int_equal(broker.n_kicked, 0);
    broker_stop();
}

/* facts B-28: what the broker asks about a stored session while it is kicked is no SUBSCRIBE. */
static void a_kick_leaves_stored_subscriptions_as_they_are(void **state)
{
    static const char filter[] = RES "#";
    struct world *w = *state;

    world_start(w);
    broker_disconnect(&w->device);
    w->device.clean = false;
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, filter, 1), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker.stored = &w->device;
    broker.stored_filter = filter;
    broker.stored_answer = -1;
    (void)world_command(w, "{\"command\":\"fault.add\",\"deviceId\":\"dev\",\"type\":\"disconnect\"}");
    broker_tick();
    assert_int_equal(broker.n_kicked, 1);
    assert_int_equal(broker.stored_answer, MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    assert_null(broker_sent(NULL, "$twinsim/v1/events/dev/subscribed", 0));
    assert_null(broker_sent(NULL, "$twinsim/v1/events/dev/violation", 0));
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(world_get(w), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(broker_sent("dev", RES "200", 0));
    broker_stop();
}

/* facts B-08: a WRITE behind the end is a will; so is one that never becomes a message, at the broker's end. */
static void a_will_is_telemetry(void **state)
{
    static const char topic[] = "devices/dev/messages/events/";
    struct world *w = *state;

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    assert_int_equal(broker_write(&w->device, topic, "{\"gone\":1}"), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(
        strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 0)->body, "\"iothub-MessageType\":\"Will\""));
    assert_int_equal(broker_write(&w->device, topic, "x"), MOSQ_ERR_ACL_DENIED); /* long gone: nobody's */
    broker_tick();
    assert_null(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 1));

    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_int_equal(broker_write(&w->device, topic, "{\"at\":\"shutdown\"}"), MOSQ_ERR_SUCCESS);
    pending_settle(world_plugin());
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 1)->body, "shutdown"));
    /* There are as many as the broker had clients: each but the last is known by the next (facts B-23). */
    assert_int_equal(broker_write(&w->device, topic, "\"first\""), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_write(&w->device, topic, "\"last\""), MOSQ_ERR_SUCCESS);
    pending_settle(world_plugin());
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 2)->body, "\"body\":\"first\""));
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 3)->body, "\"body\":\"last\""));
    broker_stop();
}

/* facts B-07 */
static void sighup_asks_again_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct mosquitto stored;

    world_start(w);
    stored = w->device; /* an off-line session of that id, which the broker asks about too */
    stored.password = NULL;
    broker_reload();
    w->device.password = "not looked at";
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&stored), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_int_equal(world_get(w), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(broker_sent("dev", RES "200", 0));
    assert_int_equal(broker_connect(&stored), MOSQ_ERR_AUTH); /* the turn is over: this is a CONNECT */
    (void)world_command(w, "{\"command\":\"device.update\",\"deviceId\":\"dev\",\"status\":\"disabled\"}");
    broker_reload();
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_AUTH);
    w->device.password = w->password;
    broker_stop();
}

/* facts B-29: a READ check says yes or no, nothing else. */
static void telemetry_is_routed_to_services_only_and_never_kept(void **state)
{
    struct world *w = *state;
    bool retain = true;

    world_start(w);
    assert_int_equal(broker_publish(&w->device, "devices/dev/messages/events/", "{}", &retain), MOSQ_ERR_SUCCESS);
    assert_false(retain);
    assert_int_equal(broker_read(&w->service, "devices/dev/messages/events/"), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_read(&w->service, "$iothub/twin/res/200/?$rid=1"), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_read(&w->device, "devices/dev/messages/events/"), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_read(&w->device, "$iothub/twin/res/200/?$rid=1"),
                     MOSQ_ERR_ACL_DENIED); /* what it missed is gone */
    broker_disconnect(&w->device);
    assert_int_equal(broker_read(&w->device, "x"), MOSQ_ERR_ACL_DENIED);
    broker_stop();
}

/* facts B-04: what the broker cannot queue it leaks, so nobody is sent that much at once. */
static void who_is_sent_too_much_at_once_is_closed(void **state)
{
    struct world *w = *state;
    size_t n = 0;

    world_start(w);
    for (unsigned i = 0; i < SLOW_READER_MAX + 50; i++)
        assert_int_equal(world_get(w), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    while (broker_sent("dev", RES, n))
        n++;
    assert_int_equal(n, SLOW_READER_MAX);
    broker_tick();
    assert_int_equal(broker.n_kicked, 1);
    broker_stop();
}

/* facts B-30 */
static void what_the_broker_does_not_take_is_freed(void **state)
{
    struct world *w = *state;

    world_start(w);
    (void)world_get(w);
    broker.refuse_publish = true;
    broker_tick();
    assert_non_null(strstr(broker.log, "does not publish"));
    broker.refuse_publish = false;
    broker_stop();
}

static void commands_beyond_a_slice_wait_for_the_next_turn(void **state)
{
    struct world *w = *state;
    struct buf b;
    int turns = 0;

    world_start(w);
    buf_init(&b, 0);
    buf_add(&b, STR("{\"commands\":["));
    for (int i = 0; i < 3000; i++)
        buf_addf(&b, "%s{\"command\":\"device.create\",\"deviceId\":\"many-%d\"}", i ? "," : "", i);
    buf_add(&b, STR("]}"));
    assert_true(buf_ok(&b));
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
    for (; !broker_sent("service//1", CONTROL_TOPIC, 0); turns++) {
        assert_true(control_is_waiting(&world_plugin()->control) || turns == 0);
        broker_tick();
    }
    assert_true(turns > 3);
    assert_int_equal(store_count(world_plugin()->store), 3001);
    buf_done(&b);
    broker_stop();
}

static void many_messages_of_one_turn_share_one_slice(void **state)
{
    struct world *w = *state;
    size_t decided;
    struct buf b;

    world_start(w);
    buf_init(&b, 0);
    buf_add(&b, STR("{\"commands\":["));
    for (int i = 0; i < 3000; i++)
        buf_addf(&b, "%s{\"command\":\"device.create\",\"deviceId\":\"many-%d\"}", i ? "," : "", i);
    buf_add(&b, STR("]}"));
    assert_true(buf_ok(&b));
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
    assert_true(control_is_waiting(&world_plugin()->control)); /* the slice is over */
    decided = world_plugin()->out.len;
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
    assert_int_equal(world_plugin()->out.len, decided);
    broker_tick();
    while (!broker_sent("service//1", CONTROL_TOPIC, 1))
        broker_tick();
    assert_int_equal(store_count(world_plugin()->store), 3001);
    buf_done(&b);
    broker_stop();
}

static void publish_ones(struct world *w, size_t n)
{
    struct buf b;

    buf_init(&b, 0);
    buf_add(&b, STR("{\"commands\":[1"));
    for (size_t i = 1; i < n; i++)
        buf_add(&b, STR(",1"));
    buf_add(&b, STR("]}"));
    assert_true(buf_ok(&b));
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
    buf_done(&b);
}

/* Half a million values take many times the slice to read, though none becomes a command. */
static void reading_a_message_takes_of_the_slice_and_those_behind_it_wait_unread(void **state)
{
    static const char create[] = "{\"commands\":[{\"command\":\"device.create\",\"deviceId\":\"x\"}]}";
    static const char show[] = "{\"commands\":[{\"command\":\"device.show\",\"deviceId\":\"x\"}]}";
    struct world *w = *state;

    world_start(w);
    publish_ones(w, 500000);
    publish_ones(w, 500000);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, create, NULL), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, show, NULL), MOSQ_ERR_SUCCESS);
    assert_true(control_is_waiting(&world_plugin()->control));
    broker_tick();
    assert_non_null(broker_sent("service//1", CONTROL_TOPIC, 0));
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "10000 commands"));
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 1));
    broker_tick();
    assert_non_null(broker_sent("service//1", CONTROL_TOPIC, 1));
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 1)->body, "10000 commands"));
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 2));
    for (int i = 0; i < 100 && !broker_sent("service//1", CONTROL_TOPIC, 3); i++)
        broker_tick();
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 2)->body, "device.create"));
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 3)->body, "\"status\":200"));
    assert_false(control_is_waiting(&world_plugin()->control));
    publish_ones(w, 500000);
    publish_ones(w, 10); /* nobody reads it any more */
    broker_stop();
}

/* Reading a large twin takes milliseconds: none is read that the page does not look at. */
static void a_page_reads_no_more_twins_than_it_looks_at(void **state)
{
    struct world *w = *state;
    char text[128];
    struct buf b;

    world_start(w);
    broker_disconnect(&w->device);
    for (int i = 0; i < 8; i++) {
        buf_init(&b, 0);
        buf_addf(&b,
                 "{\"commands\":[{\"command\":\"device.create\",\"deviceId\":\"e%02d\",\"twin\":{\"properties\":{"
                 "\"reported\":{",
                 i);
        for (int k = 0; k < 400; k++)
            buf_addf(&b, "%s\"k%d\":true", k ? "," : "", k);
        buf_add(&b, STR("}}}}]}"));
        assert_true(buf_ok(&b));
        assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
        broker_tick();
        buf_done(&b);
    }
    broker_stop();
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    for (int i = 0; i < 4; i++) { /* those that are in memory take no time */
        (void)snprintf(text, sizeof text, "{\"command\":\"twin.show\",\"deviceId\":\"e%02d\"}", i);
        (void)world_command(w, text);
    }
    broker_forget();
    assert_non_null(
        strstr(world_command(w, "{\"command\":\"query\",\"query\":\"SELECT * FROM devices\"}"), "continuation"));
    assert_null(hub_find(world_plugin()->hub, STR("e04")));
    broker_stop();
}

static void a_signal_is_said_aloud_before_the_broker_hears_it(void **state)
{
    struct world *w = *state;
    struct sigaction before;

    assert_int_equal(sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, &before), 0);
    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(raise(SIGTERM), 0);
    broker_tick();
    assert_non_null(broker_sent(NULL, "$twinsim/v1/hub/hub-stopping", 0));
    assert_true(world_plugin()->stop.is_hooked);
    broker_tick(); /* passes it on, to SIG_IGN here */
    assert_false(world_plugin()->stop.is_hooked);
    broker_stop();
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_broker_that_refuses_an_event_stops_the_start),
        WORLD_TEST(only_plugin_interface_5_is_spoken),
        WORLD_TEST(an_answer_leaves_in_the_tick_and_not_before),
        WORLD_TEST(a_subscription_is_stored_when_it_is_granted),
        WORLD_TEST(an_answer_to_a_connection_that_was_taken_over_is_dropped),
        WORLD_TEST(a_kick_comes_a_turn_after_the_last_message),
        WORLD_TEST(a_kick_leaves_stored_subscriptions_as_they_are),
        WORLD_TEST(a_will_is_telemetry),
        WORLD_TEST(sighup_asks_again_and_changes_nothing),
        WORLD_TEST(telemetry_is_routed_to_services_only_and_never_kept),
        WORLD_TEST(who_is_sent_too_much_at_once_is_closed),
        WORLD_TEST(what_the_broker_does_not_take_is_freed),
        WORLD_TEST(commands_beyond_a_slice_wait_for_the_next_turn),
        WORLD_TEST(many_messages_of_one_turn_share_one_slice),
        WORLD_TEST(reading_a_message_takes_of_the_slice_and_those_behind_it_wait_unread),
        WORLD_TEST(a_page_reads_no_more_twins_than_it_looks_at),
        WORLD_TEST(a_signal_is_said_aloud_before_the_broker_hears_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
