/* test_plugin.c - does the adapter do what the broker's facts demand, whatever comes when, and whatever fails? */
#include "plugin.h"

#include <ftw.h>
#include <mosquitto.h>
#include <mosquitto_plugin.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "fake_broker.h"
#include "store_internal.h"

#define HOST    "twinsim.azure-devices.test"
#define SEED    "twinsim-development-keys"
#define RES     "$iothub/twin/res/"
#define GATEWAY "/a/hub/gateway.sock"
#define PREFIX  "gw1?clean=0&keepAlive=77&peer=127.0.0.1%3A4711&user=1&cert=none"
#define WILL    "&willTopic=devices%2Fdev%2Fmessages%2Fevents%2F&willQos=1&willRetain=0"
#define NAME    HOST "/dev/?api-version=2021-04-12"

struct world {
    char dir[64], config[128];
    char password[1024], service_password[1024];
    struct mosquitto device, service;
};

static void token(char out[1024], const struct ident *id, const struct sas_key *key, struct str policy)
{
    struct buf b;

    buf_init(&b, 0);
    sas_token_make(&b, STR(HOST), id, policy, key, 4102444800);
    assert_true(buf_ok(&b) && b.len < 1024);
    memcpy(out, b.at, b.len + 1);
    buf_done(&b);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct ident dev = {STR("dev"), {NULL, 0}};
    struct sas_key key, other;
    FILE *f;

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/twinsim-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->config, sizeof w->config, "%s/plugin.json", w->dir);
    f = fopen(w->config, "w");
    assert_non_null(f);
    (void)fprintf(
        f, "{\"dataDir\":\"%s\",\"hosts\":[\"" HOST "\"],\"keySeed\":\"" SEED "\",\"gatewaySocket\":\"" GATEWAY "\"}",
        w->dir);
    assert_int_equal(fclose(f), 0);
    hub_identity_keys(STR(SEED), dev, 0, &key, &other);
    token(w->password, &dev, &key, STR(""));
    assert_int_equal(hub_policy_key(STR(SEED), STR("iothubowner"), &key), RC_OK);
    token(w->service_password, NULL, &key, STR("iothubowner"));
    w->device = (struct mosquitto){.id = "dev",
                                   .username = HOST "/dev/?api-version=2021-04-12",
                                   .password = w->password,
                                   .clean = true,
                                   .protocol = 4};
    w->service = (struct mosquitto){.id = "service//1",
                                    .username = "iothubowner@sas.root.twinsim",
                                    .password = w->service_password,
                                    .clean = true,
                                    .protocol = 4};
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    struct world *w = *state;

    (void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

static struct plugin *plugin(void)
{
    return broker.plugin;
}

/* Send a command and turn the clock until its answer is there; returns its text, valid until broker_forget. */
static const char *command(struct world *w, const char *text)
{
    const struct published *p;
    char message[1024];
    size_t before = 0;

    while (broker_sent("service//1", CONTROL_TOPIC, before))
        before++;
    (void)snprintf(message, sizeof message, "{\"commands\":[%s]}", text);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, message, NULL), MOSQ_ERR_SUCCESS);
    for (int i = 0; i < 100 && !broker_sent("service//1", CONTROL_TOPIC, before); i++)
        broker_tick();
    p = broker_sent("service//1", CONTROL_TOPIC, before);
    assert_non_null(p);
    return p->body;
}

/* A hub with a device that is connected and hears answers, and a service client. */
static void start(struct world *w)
{
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    (void)command(w, "{\"command\":\"device.create\",\"deviceId\":\"dev\"}");
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, RES "#", 0), MOSQ_ERR_SUCCESS);
    broker_tick();
    broker_forget();
}

static int patch(struct world *w, const char *rid, const char *body)
{
    char topic[128];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%s", rid);
    return broker_publish(&w->device, topic, body, NULL);
}

static int get(struct world *w)
{
    return broker_publish(&w->device, "$iothub/twin/GET/?$rid=g", "", NULL);
}

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
    start(w);
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

    start(w);
    assert_int_equal(patch(w, "1", "{\"a\":1}"), MOSQ_ERR_ACL_DENIED); /* swallowed, with its PUBACK */
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
        start(w);
        (void)broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1);
        _exit(0); /* no tick, no cleanup */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)command(
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
    start(w);
    newer = w->device;
    (void)patch(w, "old", "{\"a\":1}");
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

    start(w);
    (void)command(w, close_dev);
    assert_int_equal(broker.n_kicked, 0);
    assert_int_equal(get(w), MOSQ_ERR_AUTH); /* what it still sends closes it */
    broker_tick();
    assert_int_equal(broker.n_kicked, 1);
    assert_string_equal(broker.kicked[0], "dev");
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();

    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)command(w, close_dev);
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

    start(w);
    broker_disconnect(&w->device);
    w->device.clean = false;
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, filter, 1), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker.stored = &w->device;
    broker.stored_filter = filter;
    broker.stored_answer = -1;
    (void)command(w, "{\"command\":\"fault.add\",\"deviceId\":\"dev\",\"type\":\"disconnect\"}");
    broker_tick();
    assert_int_equal(broker.n_kicked, 1);
    assert_int_equal(broker.stored_answer, MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    assert_null(broker_sent(NULL, "$twinsim/v1/events/dev/subscribed", 0));
    assert_null(broker_sent(NULL, "$twinsim/v1/events/dev/violation", 0));
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(get(w), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(broker_sent("dev", RES "200", 0));
    broker_stop();
}

/* facts B-08: a WRITE behind the end is a will; so is one that never becomes a message, at the broker's end. */
static void a_will_is_telemetry(void **state)
{
    static const char topic[] = "devices/dev/messages/events/";
    struct world *w = *state;

    start(w);
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
    pending_settle(plugin());
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 1)->body, "shutdown"));
    /* There are as many as the broker had clients: each but the last is known by the next (facts B-23). */
    assert_int_equal(broker_write(&w->device, topic, "\"first\""), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_write(&w->device, topic, "\"last\""), MOSQ_ERR_SUCCESS);
    pending_settle(plugin());
    broker_tick();
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 2)->body, "\"body\":\"first\""));
    assert_non_null(strstr(broker_sent(NULL, "$twinsim/v1/events/dev/telemetry", 3)->body, "\"body\":\"last\""));
    broker_stop();
}

/* --- through the gateway -------------------------------------------------------------------------------------- */

/* The device again, through the gateway: with a will or without. */
static struct mosquitto through(const struct world *w, const char *username)
{
    struct mosquitto c = w->device;

    c.username = username;
    c.address = GATEWAY;
    return c;
}

static int report(struct mosquitto *c, const char *text)
{
    return broker_publish(c, FRONT_DOOR_REPORTS, text, NULL);
}

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
    struct mosquitto c = through(w, PREFIX " " NAME);
    const char *connected;

    start(w);
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

    start(w);
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
        c = through(w, bare[n]);
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

    start(w);
    assert_int_equal(report(&w->device, "{\"end\":\"client\"}"), MOSQ_ERR_AUTH);
    assert_int_equal(report(&w->service, "{\"end\":\"client\"}"), MOSQ_ERR_AUTH);
    broker_stop();
}

/* The hello first, and in the tick that stored what it promises; all else by QoS 0 and marked. */
static void the_gateway_is_greeted_first_and_gets_all_else_marked(void **state)
{
    struct world *w = *state;
    struct mosquitto c = through(w, PREFIX " " NAME);
    const struct published *p;

    start(w);
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

static void a_service_client_comes_through_the_gateway_like_anybody(void **state)
{
    struct world *w = *state;
    struct mosquitto c = w->service;
    const struct published *p;

    start(w);
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

/* What was decided is not stored, so the gateway hears no hello: the CONNACK that waits for it never comes, the end does. */
static void a_connect_of_a_turn_that_cannot_be_committed_is_not_confirmed(void **state)
{
    struct world *w = *state;
    struct mosquitto c = through(w, PREFIX " " NAME);

    start(w);
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    turn_fail(plugin(), RC_IO, NULL);
    broker_tick();
    assert_null(broker_sent("dev", "", 0));
    broker_tick();
    assert_true(broker.n_kicked > 0);
    assert_string_equal(broker.kicked[0], "dev");
    broker_disconnect(&c);
    broker_tick();
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
    struct mosquitto c = through(w, PREFIX WILL " " NAME);

    start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    for (size_t n = 0; n < COUNT(rows); n++) {
        broker_forget();
        assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
        assert_int_equal(report(&c, "{\"will\":{\"topic\":\"devices/dev/messages/events/"
                                    "\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}"),
                         MOSQ_ERR_SUCCESS);
        broker_tick();
        assert_null(event("telemetry", 0));
        if (rows[n].report)
            assert_int_equal(report(&c, rows[n].report), MOSQ_ERR_SUCCESS);
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
    struct mosquitto c = through(w, PREFIX WILL " " NAME), newer = through(w, PREFIX " " NAME);

    start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&c), MOSQ_ERR_SUCCESS);
    assert_int_equal(
        report(
            &c,
            "{\"will\":{\"topic\":\"devices/dev/messages/events/\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}"),
        MOSQ_ERR_SUCCESS);
    assert_int_equal(report(&c, "{\"end\":\"client\"}"), MOSQ_ERR_SUCCESS);
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

    start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&self), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_null(broker_sent("gateway//1", "", 0)); /* its CONNACK says all */
    assert_int_equal(
        report(&self, "{\"refused\":{\"peer\":\"127.0.0.1:9\",\"reason\":\"tls\",\"detail\":\"no certificate\"}}"),
        MOSQ_ERR_SUCCESS);
    assert_int_equal(report(&self, "{\"end\":\"lost\"}"), MOSQ_ERR_SUCCESS); /* of nobody */
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

/* facts B-07 */
static void sighup_asks_again_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct mosquitto stored;

    start(w);
    stored = w->device; /* an off-line session of that id, which the broker asks about too */
    stored.password = NULL;
    broker_reload();
    w->device.password = "not looked at";
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&stored), MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_int_equal(get(w), MOSQ_ERR_ACL_DENIED);
    broker_tick();
    assert_non_null(broker_sent("dev", RES "200", 0));
    assert_int_equal(broker_connect(&stored), MOSQ_ERR_AUTH); /* the turn is over: this is a CONNECT */
    (void)command(w, "{\"command\":\"device.update\",\"deviceId\":\"dev\",\"status\":\"disabled\"}");
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

    start(w);
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

    start(w);
    for (unsigned i = 0; i < SLOW_READER_MAX + 50; i++)
        assert_int_equal(get(w), MOSQ_ERR_ACL_DENIED);
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

    start(w);
    (void)get(w);
    broker.refuse_publish = true;
    broker_tick();
    assert_non_null(strstr(broker.log, "does not publish"));
    broker.refuse_publish = false;
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
    start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    (void)patch(w, "1", "{\"kept\":1}");
    broker_tick();
    broker_forget();
    limit_files(1);
    (void)patch(w, "2&$version=2", "{\"lost\":2}");
    (void)get(w);
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
    assert_null(hub_find(plugin()->hub, STR("dev")));
    broker_tick();
    assert_string_equal(broker.kicked[0], "dev"); /* it connects again and reads what is true */
    broker_disconnect(&w->device);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    (void)get(w);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->body,
                        "{\"desired\":{\"$version\":1},\"reported\":{\"kept\":1,\"$version\":2}}");
    assert_non_null(strstr(command(w, "{\"command\":\"device.show\",\"deviceId\":\"x\"}"), "404001"));
    broker_stop();
}

static void spoil_messages(const struct world *w)
{
    char path[128];
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE message SET doc = '{\"ack\":\"loud\"}'", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Clients give up behind a CONNACK 5; that the hub cannot do it now is no reason to. */
static void who_cannot_be_let_in_now_is_not_told_that_it_never_may(void **state)
{
    struct world *w = *state;

    start(w);
    broker_disconnect(&w->device);
    assert_non_null(strstr(command(w, "{\"command\":\"message.send\",\"deviceId\":\"dev\"}"), "\"status\":200"));
    turn_fail(plugin(), RC_IO, NULL);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_CONN_LOST);
    broker_tick();
    broker_stop();
    spoil_messages(w);
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_CONN_LOST);
    assert_non_null(strstr(broker.log, "cannot be read"));
    broker_stop();
}

#define INVOKE(name) "{\"command\":\"method.invoke\",\"deviceId\":\"dev\",\"methodName\":\"" name "\"}"

/* A call that began before such a turn goes on; one that began in it was never made, and the device hears nothing of it. */
static void a_call_of_a_turn_that_cannot_be_committed_was_never_made(void **state)
{
    struct world *w = *state;

    start(w);
    assert_int_equal(broker_subscribe(&w->device, "$iothub/methods/POST/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("early") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    broker_tick();
    assert_string_equal(broker_sent("dev", "$iothub/methods", 0)->topic, "$iothub/methods/POST/early/?$rid=1");
    broker_forget();
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("lost") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    turn_fail(plugin(), RC_IO, NULL);
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

    start(w);
    assert_int_equal(broker_subscribe(&w->device, "$iothub/methods/POST/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, "{\"commands\":[" INVOKE("m") "]}", NULL),
                     MOSQ_ERR_SUCCESS);
    broker_tick();
    broker_forget();
    assert_int_equal(broker_publish(&w->device, "$iothub/methods/res/200/?$rid=1", "1", NULL), MOSQ_ERR_ACL_DENIED);
    turn_fail(plugin(), RC_IO, NULL);
    broker_tick();
    assert_non_null(strstr(broker_sent("service//1", CONTROL_TOPIC, 0)->body, "\"errorCode\":500001"));
    broker_forget();
    broker_tick();
    assert_null(broker_sent("service//1", CONTROL_TOPIC, 0));
    broker_stop();
}

static void push_late(const struct identity *i)
{
    struct out *o = outbox_push(&plugin()->out, OUT_PUBLISH);

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

    start(w);
    push_late(hub_find(plugin()->hub, STR("dev")));
    turn_fail(plugin(), RC_IO, NULL);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "204/?$rid=late&$version=2");
    assert_null(broker_sent("dev", RES, 1));
    broker_forget();
    (void)patch(w, "1", "{\"lost\":1}");
    push_late(hub_find(plugin()->hub, STR("dev")));
    turn_fail(plugin(), RC_IO, NULL);
    broker_tick();
    assert_string_equal(broker_sent("dev", RES, 0)->topic, RES "500/?$rid=1");
    assert_null(broker_sent("dev", RES, 1));
    broker_stop();
}

/* Whatever fails in a turn: who leaves in it has left. */
static void a_connection_that_ends_in_a_failed_turn_has_ended(void **state)
{
    struct world *w = *state;

    start(w);
    assert_non_null(strstr(command(w, "{\"command\":\"hub.status\"}"), "\"connected\":1"));
    turn_fail(plugin(), RC_NOMEM, NULL);
    broker_disconnect(&w->device);
    broker_tick();
    assert_non_null(strstr(command(w, "{\"command\":\"hub.status\"}"), "\"connected\":0"));
    assert_non_null(strstr(command(w, "{\"command\":\"device.show\",\"deviceId\":\"dev\"}"), "\"Disconnected\""));
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
    struct mosquitto c = through(w, PREFIX WILL " " NAME);

    (void)broker_subscribe(&w->service, "$twinsim/v1/#", 0);
    (void)broker_connect(&w->device);
    (void)broker_subscribe(&w->device, RES "#", 1);
    (void)broker_subscribe(&w->device, "$iothub/twin/PATCH/properties/desired/#", 1);
    (void)broker_subscribe(&w->device, "$iothub/methods/POST/#", 1);
    (void)patch(w, "day", "{\"day\":{\"deep\":[1,2.5,\"x\"]}}");
    (void)get(w);
    (void)broker_publish(&w->device, "devices/dev/messages/events/a=b", "{\"t\":1}", NULL);
    (void)broker_publish(&w->service, CONTROL_TOPIC, update, NULL);
    broker_tick();
    (void)broker_publish(&w->device, "$iothub/methods/res/200/?$rid=1", "{\"done\":[]}", NULL);
    broker_tick();
    broker_disconnect(&w->device);
    (void)broker_write(&w->device, "devices/dev/messages/events/", "will");
    broker_tick();
    (void)broker_connect(&c);
    (void)report(
        &c, "{\"will\":{\"topic\":\"devices/dev/messages/events/\",\"qos\":1,\"retain\":false,\"payload\":\"e30=\"}}");
    (void)broker_publish(&c, "$iothub/twin/GET/?$rid=gw", "", NULL);
    broker_tick();
    (void)report(&c, "{\"puback\":[\"1\",\"2\"]}");
    (void)report(&c, "{\"end\":\"lost\"}");
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
        (void)command(w, "{\"command\":\"device.delete\",\"deviceId\":\"dev\"}");
        (void)command(w, "{\"command\":\"device.create\",\"deviceId\":\"dev\"}");
        broker_forget();
        fail_at(n);
        one_day(w);
        is_through = fail_alloc_left > 0;
        fail_alloc_never();
        broker_tick();
        broker_tick();
        assert_true(hub_is_valid(plugin()->hub));
        is_acknowledged = broker_sent("dev", RES "204/?$rid=day", 0) != NULL;
        p = broker_sent("dev", RES "200/?$rid=g", 0);
        if (p && strstr(p->body, "\"day\""))
            is_acknowledged = true; /* somebody has read it */
        broker_stop();

        assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
        assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
        if (is_acknowledged)
            assert_non_null(strstr(command(w, "{\"command\":\"twin.show\",\"deviceId\":\"dev\"}"),
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

static void commands_beyond_a_slice_wait_for_the_next_turn(void **state)
{
    struct world *w = *state;
    struct buf b;
    int turns = 0;

    start(w);
    buf_init(&b, 0);
    buf_add(&b, STR("{\"commands\":["));
    for (int i = 0; i < 3000; i++)
        buf_addf(&b, "%s{\"command\":\"device.create\",\"deviceId\":\"many-%d\"}", i ? "," : "", i);
    buf_add(&b, STR("]}"));
    assert_true(buf_ok(&b));
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, b.at, NULL), MOSQ_ERR_SUCCESS);
    for (; !broker_sent("service//1", CONTROL_TOPIC, 0); turns++) {
        assert_true(control_is_waiting(&plugin()->control) || turns == 0);
        broker_tick();
    }
    assert_true(turns > 3);
    assert_int_equal(store_count(plugin()->store), 3001);
    buf_done(&b);
    broker_stop();
}

static void a_signal_is_said_aloud_before_the_broker_hears_it(void **state)
{
    struct world *w = *state;
    struct sigaction before;

    assert_int_equal(sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, &before), 0);
    start(w);
    assert_int_equal(broker_subscribe(&w->service, "$twinsim/v1/#", 0), MOSQ_ERR_SUCCESS);
    assert_int_equal(raise(SIGTERM), 0);
    broker_tick();
    assert_non_null(broker_sent(NULL, "$twinsim/v1/hub/hub-stopping", 0));
    assert_true(plugin()->stop.is_hooked);
    broker_tick(); /* passes it on, to SIG_IGN here */
    assert_false(plugin()->stop.is_hooked);
    broker_stop();
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

int main(void)
{
#define WITH_HUB(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_HUB(a_broker_that_refuses_an_event_stops_the_start),
        WITH_HUB(only_plugin_interface_5_is_spoken),
        WITH_HUB(an_answer_leaves_in_the_tick_and_not_before),
        WITH_HUB(a_subscription_is_stored_when_it_is_granted),
        WITH_HUB(an_answer_to_a_connection_that_was_taken_over_is_dropped),
        WITH_HUB(a_kick_comes_a_turn_after_the_last_message),
        WITH_HUB(a_kick_leaves_stored_subscriptions_as_they_are),
        WITH_HUB(a_will_is_telemetry),
        WITH_HUB(who_comes_through_the_gateway_is_who_the_gateway_says),
        WITH_HUB(nobody_else_is_taken_for_the_gateway),
        WITH_HUB(a_report_from_anybody_else_ends_the_connection),
        WITH_HUB(the_gateway_is_greeted_first_and_gets_all_else_marked),
        WITH_HUB(a_service_client_comes_through_the_gateway_like_anybody),
        WITH_HUB(a_connect_of_a_turn_that_cannot_be_committed_is_not_confirmed),
        WITH_HUB(the_gateway_tells_of_the_will_and_of_the_end),
        WITH_HUB(an_end_that_was_told_is_no_takeover),
        WITH_HUB(the_gateway_s_own_session_only_reports),
        WITH_HUB(sighup_asks_again_and_changes_nothing),
        WITH_HUB(telemetry_is_routed_to_services_only_and_never_kept),
        WITH_HUB(who_is_sent_too_much_at_once_is_closed),
        WITH_HUB(what_the_broker_does_not_take_is_freed),
        WITH_HUB(a_turn_that_cannot_be_committed_is_refused_as_a_whole),
        WITH_HUB(who_cannot_be_let_in_now_is_not_told_that_it_never_may),
        WITH_HUB(a_call_of_a_turn_that_cannot_be_committed_was_never_made),
        WITH_HUB(an_answer_of_a_turn_that_cannot_be_committed_is_a_failure),
        WITH_HUB(an_answer_that_came_late_leaves_even_if_that_turn_cannot_be_committed),
        WITH_HUB(a_connection_that_ends_in_a_failed_turn_has_ended),
        WITH_HUB(no_lack_of_memory_loses_what_was_acknowledged_or_says_what_is_not_true),
        WITH_HUB(no_single_failed_allocation_loses_what_was_acknowledged_or_says_what_is_not_true),
        WITH_HUB(commands_beyond_a_slice_wait_for_the_next_turn),
        WITH_HUB(a_signal_is_said_aloud_before_the_broker_hears_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
