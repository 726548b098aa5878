/* test_plugin_gateway.c - who comes through the gateway, what it is told, and whose reports are believed. */
#include "fail_alloc.h"
#include "plugin_world.h"

static const char *event(const char *kind, size_t n)
{
    char topic[128];
    const struct published *p;

    (void)snprintf(topic, sizeof topic, "$twinsim/v1/events/dev/%s", kind);
    p = broker_sent(NULL, topic, n);
    return p ? p->body : NULL;
}

static void who_comes_through_the_gateway_is_who_the_gateway_says(void **state)
{
    struct world *w = *state;
    struct mosquitto c = world_through(w, PREFIX " " NAME);
    const char *connected;

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    broker_tick();
    connected = event("connected", 0);
    assert_non_null(strstr(connected, "\"clean\":false,\"keepAlive\":77,"));
    assert_non_null(strstr(connected, "\"peer\":\"127.0.0.1:4711\""));
    broker_stop();
}

/* facts B-22: a prefix is believed on one listener alone, and there it must stand. */
static void nobody_else_is_taken_for_the_gateway(void **state)
{
    static const char *const forged[] = {PREFIX " " NAME, PREFIX, "gw1?self=1 ", "gw1?self=1 " NAME,
                                         "gw1?clean=0&keepAlive=1&user=1 iothubowner@sas.root.twinsim"};
    static const char *const bare[] = {
        NAME, "", NULL, "gw2?clean=0&keepAlive=77&user=1 " NAME, PREFIX, "iothubowner@sas.root.twinsim"};
    struct world *w = *state;
    struct mosquitto c = w->device,
                     self = {.id = "gateway//1", .username = "gw1?self=1 ", .clean = true, .protocol = 4};

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    for (size_t n = 0; n < COUNT(forged); n++) {
        static const char *const addresses[] = {
            NULL, "127.0.0.9", "/a/hub/broker.sock", "/a/hub/gateway.sock2", "/a/hub/gateway.soc", ""};

        for (size_t a = 0; a < COUNT(addresses); a++) {
            c.username = forged[n];
            c.address = self.address = addresses[a];
            assert_int_equal(broker_connect(&c), MOSQ_ERR_AUTH);
            assert_int_equal(broker_connect(&self), MOSQ_ERR_AUTH);
        }
    }
    broker_tick();
    broker_forget();
    for (size_t n = 0; n < COUNT(bare); n++) {
        c = world_through(w, bare[n]);
        assert_int_equal(broker_connect(&c), MOSQ_ERR_AUTH);
    }
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/hub/refused", COUNT(bare) - 1)->body, "only the gateway"));
    self.address = GATEWAY;
    self.id = "dev"; /* its session has an id that no identity can have */
    assert_int_equal(broker_connect(&self), MOSQ_ERR_AUTH);
    broker_stop();
}

static void a_report_from_anybody_else_ends_the_connection(void **state)
{
    struct world *w = *state;

    world_start(w);
    assert_int_equal(world_report(&w->device, "{\"end\":\"client\"}"), MOSQ_ERR_AUTH);
    assert_int_equal(world_report(&w->service, "{\"end\":\"client\"}"), MOSQ_ERR_AUTH);
    broker_stop();
}

/* The hello first, and in the tick that stored what it promises; all else by QoS 0 and marked. */
static void the_gateway_is_greeted_first_and_gets_all_else_marked(void **state)
{
    struct world *w = *state;
    struct mosquitto c = world_through(w, PREFIX " " NAME);
    const struct published *p;

    world_start(w);
    broker_disconnect(&w->device);
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    assert_null(broker_sent("dev", "", 0));
    broker_tick();
    p = broker_sent("dev", "", 0);
    assert_string_equal(p->topic, "$gw/hello");
    assert_string_equal(p->body, "{\"sessionPresent\":0,\"maxPacket\":393216}");
    assert_int_equal(p->qos, 0);
    assert_int_equal(broker_subscribe(&c, RES "#", 1), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&c, "$iothub/twin/GET/?$rid=7", "", NULL), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    p = broker_sent("dev", "", 1);
    assert_string_equal(p->topic, "$gw/1/0/" RES "200/?$rid=7");
    assert_int_equal(p->qos, 0); /* so that nothing is ever in flight in the broker */
    broker_disconnect(&c);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_string_equal(broker_sent("dev", "$gw/hello", 0)->body, "{\"sessionPresent\":1,\"maxPacket\":393216}");
    broker_stop();
}

/* What is published goes to whoever has the client id when the broker's next turn begins (facts B-03). A SUBSCRIBE of anybody is stored at once, in
 * the middle of a turn; what it stores with it for an older connection must not reach one that comes behind it. */
static void what_an_older_connection_was_promised_never_reaches_the_newer_one(void **state)
{
    struct world *w = *state;
    struct mosquitto older = world_through(w, PREFIX " " NAME), newer, other = w->service;
    char clean[512];

    world_start(w);
    broker_disconnect(&w->device);
    assert_int_equal(broker_connect(&older), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&older, RES "#", 1), MOSQ_ERR_SUCCESS);
    broker_disconnect(&older);
    other.id = "service//2";
    assert_int_equal(broker_connect(&other), MOSQ_ERR_SUCCESS);
    broker_tick();
    broker_forget();

    (void)snprintf(clean, sizeof clean, "%s", PREFIX " " NAME);
    assert_non_null(strstr(clean, "clean=0"));
    *(strstr(clean, "clean=0") + strlen("clean=")) = '1';
    newer = world_through(w, clean);
    assert_int_equal(broker_connect(&older), MOSQ_ERR_SUCCESS); /* its session is there */
    assert_int_equal(broker_publish(&older, "$iothub/twin/GET/?$rid=old", "", NULL), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_subscribe(&other, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&newer), MOSQ_ERR_SUCCESS); /* it wants none */
    broker_disconnect(&older);
    broker_tick();
    assert_string_equal(broker_sent("dev", "", 0)->body, "{\"sessionPresent\":0,\"maxPacket\":393216}");
    assert_null(broker_sent("dev", "", 1));
    broker_stop();
}

static void a_service_client_comes_through_the_gateway_like_anybody(void **state)
{
    struct world *w = *state;
    struct mosquitto c = w->service;
    const struct published *p;

    world_start(w);
    c.id = "service//2";
    c.username = PREFIX " iothubowner@sas.root.twinsim";
    c.address = GATEWAY;
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_string_equal(broker_sent("service//2", "$gw/hello", 0)->body,
                        "{\"sessionPresent\":0,\"maxPacket\":4194304}");
    assert_int_equal(broker_publish(&c, CONTROL_TOPIC, "{\"commands\":[{\"command\":\"hub.status\"}]}", NULL),
                     MOSQ_ERR_SUCCESS);
    broker_tick();
    p = broker_sent("service//2", "", 1);
    assert_string_equal(p->topic, "$gw/0/0/" CONTROL_TOPIC "/response");
    /* It said clean 0, but the broker keeps nothing of it: nobody listens until it subscribes. */
    assert_non_null(strstr(p->body, "\"listeners\":false"));
    broker_stop();
}

/* facts M-20 */
static void the_gateway_tells_of_the_will_and_of_the_end(void **state)
{
    static const struct {
        const char *report, *reason;
        bool is_told;
    } rows[] = {
        {"{\"end\":\"client\"}", "\"reason\":\"client\"}", false},
        {"{\"end\":\"lost\"}", "\"reason\":\"lost\"}", true},
        {"{\"end\":\"protocol\",\"detail\":\"QoS 3\"}", "\"reason\":\"protocol\",\"detail\":\"QoS 3\"}", true},
        {NULL, "\"reason\":\"error\"}", true}, /* the broker closed it without a word of the gateway */
        {"no report at all", "\"reason\":\"error\"}", true},
    };
    struct world *w = *state;
    struct mosquitto c = world_through(w, PREFIX WILL " " NAME);

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    for (size_t n = 0; n < COUNT(rows); n++) {
        broker_forget();
        assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
        assert_int_equal(world_report(&c, "{\"will\":{\"topic\":\"devices/dev/messages/events/"
                                          "\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}"),
                         MOSQ_ERR_SUCCESS);
        broker_tick();
        assert_null(event("telemetry", 0));
        if (rows[n].report)
            assert_int_equal(world_report(&c, rows[n].report), MOSQ_ERR_SUCCESS);
        broker_tick();
        broker_disconnect(&c);
        broker_tick();
        assert_non_null(strstr(event("disconnected", 0), rows[n].reason));
        assert_null(event("disconnected", 1));
        assert_int_equal(event("telemetry", 0) != NULL, rows[n].is_told);
        assert_null(event("telemetry", 1));
    }
    broker_stop();
}

/* Between the report and the broker's own word somebody else comes: the end was what the client made it. */
static void an_end_that_was_told_is_no_takeover(void **state)
{
    struct world *w = *state;
    struct mosquitto c = world_through(w, PREFIX WILL " " NAME), newer = world_through(w, PREFIX " " NAME);

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    assert_int_equal(
        world_report(
            &c,
            "{\"will\":{\"topic\":\"devices/dev/messages/events/\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}"),
        MOSQ_ERR_SUCCESS);
    assert_int_equal(world_report(&c, "{\"end\":\"client\"}"), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&newer), MOSQ_ERR_SUCCESS);
    broker_disconnect(&c);
    broker_tick();
    assert_non_null(strstr(event("disconnected", 0), "\"client\""));
    assert_null(event("disconnected", 1));
    assert_null(event("telemetry", 0));
    assert_int_equal(broker_publish(&newer, "$iothub/twin/GET/?$rid=7", "", NULL), MOSQ_ERR_ACL_DENIED);
    broker_stop();
}

static void the_gateway_s_own_session_only_reports(void **state)
{
    struct world *w = *state;
    struct mosquitto self = {
        .id = "gateway//1", .username = "gw1?self=1 ", .clean = true, .protocol = 4, .address = GATEWAY};

    world_start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&self), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_null(broker_sent("gateway//1", "", 0)); /* its CONNACK says all */
    assert_int_equal(
        world_report(&self,
                     "{\"refused\":{\"peer\":\"127.0.0.1:9\",\"reason\":\"tls\",\"detail\":\"no certificate\"}}"),
        MOSQ_ERR_SUCCESS);
    assert_int_equal(world_report(&self, "{\"end\":\"lost\"}"), MOSQ_ERR_SUCCESS); /* of nobody */
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/hub/refused", 0)->body,
                           "\"reason\":\"tls\",\"detail\":\"no certificate\",\"peer\":\"127.0.0.1:9\"}"));
    assert_int_equal(broker_subscribe(&self, "#", 0), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_publish(&self, CONTROL_TOPIC, "{}", NULL), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_publish(&self, "devices/dev/messages/events/", "{}", NULL), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(broker_read(&self, "devices/dev/messages/events/"), MOSQ_ERR_ACL_DENIED);
    broker_reload();
    assert_int_equal(broker_connect(&self), MOSQ_ERR_SUCCESS); /* facts B-07 */
    broker_tick();
    broker_disconnect(&self);
    broker_tick();
    assert_null(broker_sent(NULL, "$twinsim/v1/hub/disconnected", 0));
    broker_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_comes_through_the_gateway_is_who_the_gateway_says),
        WORLD_TEST(nobody_else_is_taken_for_the_gateway),
        WORLD_TEST(a_report_from_anybody_else_ends_the_connection),
        WORLD_TEST(the_gateway_is_greeted_first_and_gets_all_else_marked),
        WORLD_TEST(what_an_older_connection_was_promised_never_reaches_the_newer_one),
        WORLD_TEST(a_service_client_comes_through_the_gateway_like_anybody),
        WORLD_TEST(the_gateway_tells_of_the_will_and_of_the_end),
        WORLD_TEST(an_end_that_was_told_is_no_takeover),
        WORLD_TEST(the_gateway_s_own_session_only_reports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
