/* test_plugin_failure.c - turns that cannot be stored, and memory that is not there: what leaves then is true. */
#include <signal.h>
#include <sys/resource.h>

#include "fail_alloc.h"
#include "plugin_world.h"
#include "store_internal.h"

/* What was decided is not stored, so the gateway hears no hello: the CONNACK that waits for it never comes, the end does. */
static void a_connect_of_a_turn_that_cannot_be_committed_is_not_confirmed(void **state)
{
    struct world *w = *state;
    struct mosquitto c = world_through(w, PREFIX " " NAME);

    world_start(w);
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_null(broker_sent("dev", "", 0));
    broker_tick();
    assert_true(broker.n_kicked > 0);
    assert_string_equal(broker.kicked[0], "dev");
    broker_disconnect(&c);
    broker_tick();
    broker_stop();
}

/* Let writes of this process fail beyond so many bytes of a file. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A turn that cannot be stored: every answer is a 500, nothing else leaves, memory agrees with the disk again. */
static void a_turn_that_cannot_be_committed_is_refused_as_a_whole(void **state)
{
    struct world *w = *state;
    const char *answer;

    w->device.clean = false;
    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    (void)world_patch(w, "1", "{\"kept\":1}");
    broker_tick();
    broker_forget();
    limit_files(1);
    (void)world_patch(w, "2&$version=2", "{\"lost\":2}");
    (void)world_get(w);
    assert_int_equal(
        broker_publish(&w->service, CONTROL_TOPIC,
                       "{\"commands\":[{\"command\":\"device.create\",\"deviceId\":\"x\",\"correlationData\":7}]}",
                       NULL),
        MOSQ_ERR_SUCCESS);
    broker_tick();
    limit_files(RLIM_INFINITY);
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "500/?$rid=2");
    assert_string_equal(broker_sent("dev", RES, 1)->topic, RES "500/?$rid=g");
    assert_non_null(strstr(broker_sent("dev", RES, 0)->body, "\"errorCode\":500001"));
    answer = broker_sent("service//1", CONTROL_TOPIC, 0)->body;
    assert_non_null(strstr(
        answer, "{\"command\":\"device.create\",\"correlationData\":7,\"status\":500,\"body\":{\"errorCode\":500001"));
    assert_null(broker_sent(NULL, "", 0));
    assert_null(hub_find(world_plugin()->hub, STR("dev")));
    broker_tick();
    assert_string_equal(broker.kicked[0], "dev"); /* it connects again and reads what is true */
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)world_get(w);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->body,
                        "{\"desired\":{\"$version\":1},\"reported\":{\"kept\":1,\"$version\":2}}");
    assert_non_null(strstr(world_command(w, "{\"command\":\"device.show\",\"deviceId\":\"x\"}"), "404001"));
    broker_stop();
}

static void spoil(const struct world *w, const char *sql)
{
    char path[128];
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Clients give up behind a CONNACK 5; that the hub cannot do it now is no reason to. */
static void who_cannot_be_let_in_now_is_not_told_that_it_never_may(void **state)
{
    struct world *w = *state;

    world_start(w);
    broker_disconnect(&w->device);
    turn_fail(world_plugin(), RC_IO, NULL);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_CONN_LOST);
    broker_tick();
    broker_stop();
    spoil(w, "UPDATE identity SET doc = '{'");
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_CONN_LOST);
    assert_non_null(strstr(broker.log, "cannot be read"));
    broker_stop();
}

static void a_message_that_cannot_be_read_is_set_aside_and_keeps_nobody_out(void **state)
{
    struct world *w = *state;
    char text[128];

    world_start(w);
    broker_disconnect(&w->device);
    for (int n = 1; n <= 3; n++) {
        (void)snprintf(text, sizeof text, "{\"command\":\"message.send\",\"deviceId\":\"dev\",\"body\":\"%d\"}", n);
        assert_non_null(strstr(world_command(w, text), "\"status\":200"));
    }
    broker_stop();
    spoil(w, "UPDATE message SET doc = '{\"ack\":\"loud\"}' WHERE id = 2");
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, "devices/dev/messages/devicebound/#", 0), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_non_null(strstr(broker.log, "message 2 of dev"));
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/message-settled", 0)->body,
                           "\"sequenceNumber\":2,\"result\":\"damaged\""));
    assert_string_equal(broker_sent("dev", "devices/", 0)->body, "1");
    assert_string_equal(broker_sent("dev", "devices/", 1)->body, "3");
    assert_null(broker_sent("dev", "devices/", 2));
    broker_stop();
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS); /* it is said once */
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_null(strstr(broker.log, "message 2"));
    broker_stop();
}

static void a_queue_with_a_message_that_cannot_be_read_can_be_listed_purged_and_expires(void **state)
{
    static const struct {
        const char *command, *answer;
    } rows[] = {{"{\"command\":\"message.purge\",\"deviceId\":\"dev\"}", "\"totalMessagesPurged\":1"},
                {"{\"command\":\"message.list\",\"deviceId\":\"dev\"}", "\"items\":[{\"sequenceNumber\":4,"},
                {"{\"command\":\"clock.advance\",\"by\":\"2h\"}", "\"status\":200"}};
    struct world *w = *state;

    world_start(w);
    broker_disconnect(&w->device);
    for (size_t k = 0; k < COUNT(rows); k++) {
        char sql[128];

        (void)world_command(w, "{\"command\":\"message.send\",\"deviceId\":\"dev\"}");
        (void)world_command(w, "{\"command\":\"message.send\",\"deviceId\":\"dev\"}");
        broker_stop();
        (void)snprintf(sql, sizeof sql, "UPDATE message SET doc = '{' WHERE id = %d", (int)(2 * k + 1));
        spoil(w, sql);
        assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
        assert_non_null(strstr(world_command(w, rows[k].command), rows[k].answer));
        broker_tick();
        broker_tick();
        (void)snprintf(sql, sizeof sql, "message %d of dev", (int)(2 * k + 1));
        assert_non_null(strstr(broker.log, sql));
        broker_forget();
        (void)world_command(w, "{\"command\":\"message.purge\",\"deviceId\":\"dev\"}");
    }
    broker_stop();
}

/* Stored is stored: what a SUBSCRIBE stored with it leaves, although nothing behind it in its turn can be stored. */
static void what_a_subscription_stored_with_it_leaves_even_if_the_turn_fails(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_int_equal(world_patch(w, "good", "{\"a\":1}"), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[{\"command\":\"hub.status\"}]}", NULL),
                     MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1), MOSQ_ERR_SUCCESS);
    assert_null(broker_sent("dev", "", 0));
    assert_int_equal(world_patch(w, "bad", "{\"a\":2}"), MOSQ_ERR_ACL_DENIED);
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "204/?$rid=good&$version=2");
    assert_string_equal(broker_sent("dev", RES, 1)->topic, RES "500/?$rid=bad");
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "\"status\":200"));
    broker_stop();
}

/* The outbox is full, and all in it stored: what has no room in it leaves no trace there. */
static void a_subscription_that_has_no_room_among_what_is_stored_is_not_granted(void **state)
{
    struct world *w = *state;
    bool is_through = false, was_without_trace = false;

    for (long n = 0; !is_through; n++) {
        struct plugin *pl;
        int rc;

        if (n == 0)
            world_start(w);
        else
            assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        if (n > 0)
            assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
        pl = world_plugin();
        do
            (void)outbox_push(&pl->out, OUT_PUBLISH); /* to nobody */
        while (pl->out.len < pl->out.cap);
        assert_true(turn_store(pl));
        fail_alloc_only(n);
        rc = broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1);
        is_through = fail_alloc_left >= 0;
        fail_alloc_never();
        assert_true(rc != MOSQ_ERR_SUCCESS || !pl->turn_rc);
        was_without_trace = was_without_trace || (pl->turn_rc && pl->out.len == pl->stored);
        broker_disconnect(&w->device);
        broker_tick();
        broker_stop();
    }
    assert_true(was_without_trace);
}

/* A call that began before such a turn goes on; one that began in it was never made, and the device hears nothing of it. */
static void a_call_of_a_turn_that_cannot_be_committed_was_never_made(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_int_equal(broker_subscribe(&w->device, "$iothub/methods/POST/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("early") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_string_equal(broker_sent("dev", "$iothub/methods", 0)->topic, "$iothub/methods/POST/early/?$rid=1");
    broker_forget();
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("lost") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_null(broker_sent("dev", "$iothub/methods", 0));
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "\"errorCode\":500001"));
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 1));
    broker_forget();
    assert_int_equal(broker_publish(&w->device, "$iothub/methods/res/200/?$rid=2", "2", NULL), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 0));
    assert_int_equal(broker_publish(&w->device, "$iothub/methods/res/200/?$rid=1", "1", NULL), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "{\"status\":200,\"payload\":1}"));
    broker_stop();
}

/* An answer whose turn cannot be stored is a 500 for the service, once. */
static void an_answer_of_a_turn_that_cannot_be_committed_is_a_failure(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_int_equal(broker_subscribe(&w->device, "$iothub/methods/POST/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("m") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_publish(&w->device, "$iothub/methods/res/200/?$rid=1", "1", NULL), MOSQ_ERR_ACL_DENIED);
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "\"errorCode\":500001"));
    broker_forget();
    broker_tick();
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 0));
    broker_stop();
}

static void push_late(const struct identity *i)
{
    struct out *o = outbox_push(&world_plugin()->out, OUT_PUBLISH);

    (void)snprintf(o->to, sizeof o->to, "%s", i->id);
    o->conn = i->conn;
    o->is_late = true;
    o->topic = strdup(RES "204/?$rid=late&$version=2");
    assert_non_null(o->topic);
}

/* An answer that the throttle held back is of a turn that is stored; whom the failed turn concerns is closed anyway. */
static void an_answer_that_came_late_leaves_even_if_that_turn_cannot_be_committed(void **state)
{
    struct world *w = *state;

    world_start(w);
    push_late(hub_find(world_plugin()->hub, STR("dev")));
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "204/?$rid=late&$version=2");
    assert_null(broker_sent("dev", RES, 1));
    broker_forget();
    (void)world_patch(w, "1", "{\"lost\":1}");
    push_late(hub_find(world_plugin()->hub, STR("dev")));
    turn_fail(world_plugin(), RC_IO, NULL);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "500/?$rid=1");
    assert_null(broker_sent("dev", RES, 1));
    broker_stop();
}

/* Whatever fails in a turn: who leaves in it has left. */
static void a_connection_that_ends_in_a_failed_turn_has_ended(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_non_null(strstr(world_command(w, "{\"command\":\"hub.status\"}"), "\"connected\":1"));
    turn_fail(world_plugin(), RC_NOMEM, NULL);
    broker_disconnect(&w->device);
    broker_tick();
    assert_non_null(strstr(world_command(w, "{\"command\":\"hub.status\"}"), "\"connected\":0"));
    assert_non_null(strstr(world_command(w, "{\"command\":\"device.show\",\"deviceId\":\"dev\"}"), "\"Disconnected\""));
    broker_stop();
}

/* A day in the life of a hub, with the n-th allocation failing (and all later ones, or just that), for every n. */
static void one_day(struct world *w)
{
    static const char update[] =
        "{\"commands\":[{\"command\":\"twin.update\",\"deviceId\":\"dev\",\"patch\":{\"tags\":{\"t\":1},\"properties\":"
        "{\"desired\":{\"d\":1}}}},"
        "{\"command\":\"module.create\",\"deviceId\":\"dev\",\"moduleId\":\"m\"},{\"command\":\"device.list\"},"
        "{\"command\":\"twin.history\",\"deviceId\":\"dev\"},{\"command\":\"module.delete\",\"deviceId\":\"dev\","
        "\"moduleId\":\"m\"}," INVOKE("day") "]}";
    struct mosquitto c = world_through(w, PREFIX WILL " " NAME);

    (void)broker_subscribe(&w->service, "$twinsim/v1/#", 0);
    (void)broker_connect(&w->device);
    (void)broker_subscribe(&w->device, RES "#", 1);
    (void)broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1);
    (void)broker_subscribe(&w->device, "$iothub/methods/POST/#", 1);
    (void)world_patch(w, "day", "{\"day\":{\"deep\":[1,2.5,\"x\"]}}");
    (void)world_get(w);
    (void)broker_publish(&w->device, "devices/dev/messages/events/a=b", "{\"t\":1}", NULL);
    (void)broker_publish(&w->service, CONTROL_TOPIC, update, NULL);
    broker_tick();
    (void)broker_publish(&w->device, "$iothub/methods/res/200/?$rid=1", "{\"done\":[]}", NULL);
    broker_tick();
    broker_disconnect(&w->device);
    (void)broker_write(&w->device, "devices/dev/messages/events/", "will");
    broker_tick();
    (void)broker_connect(&c);
    (void)world_report(
        &c, "{\"will\":{\"topic\":\"devices/dev/messages/events/\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}");
    (void)broker_publish(&c, "$iothub/twin/GET/?$rid=gw", "", NULL);
    broker_tick();
    (void)world_report(&c, "{\"puback\":[\"1\",\"2\"]}");
    (void)world_report(&c, "{\"end\":\"lost\"}");
    broker_disconnect(&c);
    broker_tick();
}

static void fail_each(struct world *w, void (*fail_at)(long n))
{
    bool is_through = false;

    fail_alloc_cjson();
    for (long n = 0; !is_through; n += n < 300 ? 1 : 7) {
        const struct published *p;
        bool is_acknowledged;

        assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
        (void)world_command(w, "{\"command\":\"device.delete\",\"deviceId\":\"dev\"}");
        (void)world_command(w, "{\"command\":\"device.create\",\"deviceId\":\"dev\"}");
        broker_forget();
        fail_at(n);
        one_day(w);
        is_through = fail_alloc_left > 0;
        fail_alloc_never();
        broker_tick();
        broker_tick();
        assert_true(hub_is_valid(world_plugin()->hub));
        is_acknowledged = broker_sent("dev", RES "204/?$rid=day", 0) != NULL;
        p = broker_sent("dev", RES "200/?$rid=g", 0);
        if (p && strstr(p->body, "\"day\""))
            is_acknowledged = true; /* somebody has read it */
        broker_stop();

        assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
        if (is_acknowledged)
            assert_non_null(strstr(world_command(w, "{\"command\":\"twin.show\",\"deviceId\":\"dev\"}"),
                                   "\"day\":{\"deep\":[1,2.5,\"x\"]}"));
        broker_stop();
    }
}

static void no_lack_of_memory_loses_what_was_acknowledged_or_says_what_is_not_true(void **state)
{
    fail_each(*state, fail_alloc_after);
}

static void no_single_failed_allocation_loses_what_was_acknowledged_or_says_what_is_not_true(void **state)
{
    fail_each(*state, fail_alloc_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_connect_of_a_turn_that_cannot_be_committed_is_not_confirmed),
        WORLD_TEST(a_turn_that_cannot_be_committed_is_refused_as_a_whole),
        WORLD_TEST(who_cannot_be_let_in_now_is_not_told_that_it_never_may),
        WORLD_TEST(a_message_that_cannot_be_read_is_set_aside_and_keeps_nobody_out),
        WORLD_TEST(a_queue_with_a_message_that_cannot_be_read_can_be_listed_purged_and_expires),
        WORLD_TEST(what_a_subscription_stored_with_it_leaves_even_if_the_turn_fails),
        WORLD_TEST(a_subscription_that_has_no_room_among_what_is_stored_is_not_granted),
        WORLD_TEST(a_call_of_a_turn_that_cannot_be_committed_was_never_made),
        WORLD_TEST(an_answer_of_a_turn_that_cannot_be_committed_is_a_failure),
        WORLD_TEST(an_answer_that_came_late_leaves_even_if_that_turn_cannot_be_committed),
        WORLD_TEST(a_connection_that_ends_in_a_failed_turn_has_ended),
        WORLD_TEST(no_lack_of_memory_loses_what_was_acknowledged_or_says_what_is_not_true),
        WORLD_TEST(no_single_failed_allocation_loses_what_was_acknowledged_or_says_what_is_not_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
