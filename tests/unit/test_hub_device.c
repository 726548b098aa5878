/* test_hub_device.c - what a connected device or module may do, and what it is answered. */
#include <stdio.h>

#include "hub_world.h"

#define GET       "$iothub/twin/GET/?$rid="
#define PATCH     "$iothub/twin/PATCH/properties/reported/?$rid="
#define RES       "$iothub/twin/res/"
#define TELEMETRY "devices/dev1/messages/events/"

static void assert_violation(struct world *w, enum hub_answer answer, const char *topic, const char *reason)
{
    cJSON *event;

    assert_int_equal(answer, HUB_CLOSE);
    assert_int_equal(w->out.len, 1);
    event = world_event(w, "violation");
    assert_string_equal(json_word(event, "topic"), topic);
    if (strcmp(json_word(event, "reason"), reason) != 0)
        print_error("%s\n", json_word(event, "reason"));
    assert_string_equal(json_word(event, "reason"), reason);
    assert_string_equal(w->why, reason);
}

/* --- subscriptions ------------------------------------------------------------------------------------------------ */

/* facts M-13, M-14 */
static void an_identity_subscribes_to_its_own_filters_and_to_no_others(void **state)
{
    static const struct {
        const char *id, *filter;
        bool ok;
    } rows[] = {
        {"dev1", "devices/dev1/messages/devicebound/#", true},
        {"dev1", "devices/+/messages/devicebound/#", true},
        {"dev1", "$iothub/twin/res/#", true},
        {"dev1", "$iothub/twin/PATCH/properties/desired/#", true},
        {"dev1", "$iothub/methods/POST/#", true},
        {"dev1", "$iothub/methods/POST/reboot/#", true},
        {"dev1/m", "devices/dev1/modules/m/#", true},
        {"dev1/m", "devices/dev1/modules/m/inputs/#", true},
        {"dev1/m", "devices/dev1/modules/m/messages/devicebound/#", true},
        {"dev1/m", "$iothub/twin/res/#", true},
        {"dev1", "#", false},
        {"dev1", "+/#", false},
        {"dev1", "$iothub/#", false},
        {"dev1", "$iothub/twin/res/200/#", false},
        {"dev1", "$iothub/twin/RES/#", false},
        {"dev1", "devices/dev2/messages/devicebound/#", false},
        {"dev1", "devices/dev1/messages/deviceBound/#", false},
        {"dev1", "devices/dev1/messages/events/#", false},
        {"dev1", "devices/+/messages/events/#", false},
        {"dev1", "devices/dev1/modules/m/#", false},
        {"dev1/m", "devices/dev1/messages/devicebound/#", false},
        {"dev1/m", "devices/+/messages/devicebound/#", false},
        {"dev1/m", "devices/dev1/modules/n/#", false},
        {"dev1", "$twinsim/v1/#", false},
        {"dev1", "$CONTROL/twinsim/v1/response", false},
        {"dev1", "$SYS/#", false},
        {"dev1", "", false},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;
        enum hub_answer answer;

        print_message("  %s: %s\n", rows[n].id, rows[n].filter);
        world_connect(w, &dev, rows[n].id);
        answer = world_subscribe(w, &dev, rows[n].filter, 1);
        if (rows[n].ok) {
            assert_int_equal(answer, HUB_ACCEPT);
            assert_string_equal(json_word(world_event(w, "subscribed"), "filter"), rows[n].filter);
        } else {
            assert_violation(w, answer, rows[n].filter, "not a filter this identity may subscribe to");
        }
    }
}

/* facts M-14 */
static void a_forbidden_filter_is_denied_instead_when_that_is_asked_for(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    w->options.forbidden_filter_is_0x80 = true;
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_subscribe(w, &dev, "#", 0), HUB_DENY);
    assert_int_equal(world_count_events(w, "violation"), 1);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
}

/* facts M-13: QoS 2 is granted 1; answers come with what was granted */
static void answers_come_with_the_quality_that_was_granted(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (int qos = 0; qos <= 2; qos++) {
        world_connect(w, &dev, "dev1");
        assert_int_equal(world_subscribe(w, &dev, "$iothub/twin/res/#", qos), HUB_ACCEPT);
        assert_int_equal(json_number(world_event(w, "subscribed"), "qos"), qos > 0);
        assert_int_equal(world_count(w, OUT_SUBSCRIBED), qos < 2); /* written when it is new */
        assert_int_equal(world_subscribe(w, &dev, "$iothub/twin/PATCH/properties/desired/#", qos), HUB_ACCEPT);
        assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW);
        (void)assert_sent(w, "dev1", RES "200/?$rid=1");
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->qos, qos > 0);
        (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'a':%d}}}", qos);
        for (size_t n = 0; n < world_count(w, OUT_PUBLISH); n++)
            if (strcmp(world_out(w, OUT_PUBLISH, n)->to, "dev1") == 0)
                assert_int_equal(world_out(w, OUT_PUBLISH, n)->qos, qos > 0);
    }
}

/* facts M-35, C-01 */
static void subscriptions_last_over_reconnects_and_restarts_until_they_are_given_up(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", RES "200/?$rid=1");
    assert_int_equal(world_unsubscribe(w, &dev, "$iothub/twin/res/#"), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 1);
    assert_json(w, world_event(w, "unsubscribed"), "filter", "'$iothub/twin/res/#'");
    assert_int_equal(world_unsubscribe(w, &dev, "$iothub/twin/res/#"), HUB_ACCEPT); /* UNSUBACK always */
    assert_int_equal(w->out.len, 0);                                                /* and nothing to store or tell */
    assert_int_equal(world_unsubscribe(w, &dev, "what/ever"), HUB_ACCEPT);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'a':1}}}");
    (void)assert_sent(w, "dev1", "$iothub/twin/PATCH/properties/desired/?$version=2"); /* the other one is left */
}

static void a_deleted_identity_takes_its_subscriptions_with_it(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
}

static void a_connection_holds_so_many_filters_and_no_more(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char filter[64];

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    for (unsigned n = 0; n < HUB_FILTERS_MAX; n++) {
        (void)snprintf(filter, sizeof filter, "$iothub/methods/POST/m%u/#", n);
        assert_int_equal(world_subscribe(w, &dev, filter, 0), HUB_ACCEPT);
    }
    assert_violation(w, world_subscribe(w, &dev, "$iothub/methods/POST/x/#", 0), "$iothub/methods/POST/x/#",
                     "too many subscriptions on one connection");
    world_connect(w, &dev, "dev1"); /* a new connection begins anew, */
    for (unsigned n = 0; n < 3 * HUB_FILTERS_MAX; n++) {
        assert_int_equal(world_subscribe(w, &dev, "$iothub/twin/res/#", 0), HUB_ACCEPT);
        assert_int_equal(world_unsubscribe(w, &dev, "$iothub/twin/res/#"),
                         HUB_ACCEPT); /* and what is given up is free */
    }
}

/* The broker keeps each of them; what is given up may never have been held. */
static void methods_by_name_are_counted_whatever_is_given_up(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char filter[64];

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    for (unsigned n = 0; n < HUB_FILTERS_MAX; n++) {
        (void)snprintf(filter, sizeof filter, "$iothub/methods/POST/m%u/#", n);
        assert_int_equal(world_subscribe(w, &dev, filter, 0), HUB_ACCEPT);
        assert_int_equal(world_unsubscribe(w, &dev, n % 2 ? "$iothub/methods/POST/other/#" : "$iothub/methods/POST/#"),
                         HUB_ACCEPT);
    }
    assert_violation(w, world_subscribe(w, &dev, "$iothub/methods/POST/x/#", 0), "$iothub/methods/POST/x/#",
                     "too many subscriptions on one connection");
    world_connect(w, &dev, "dev1");
    for (unsigned n = 0; n < 3 * HUB_FILTERS_MAX; n++) { /* there is one alone for all methods */
        assert_int_equal(world_subscribe(w, &dev, "$iothub/methods/POST/#", 0), HUB_ACCEPT);
        assert_int_equal(world_unsubscribe(w, &dev, "$iothub/methods/POST/#"), HUB_ACCEPT);
    }
}

static void a_service_client_subscribes_to_events_telemetry_and_its_answers(void **state)
{
    static const struct {
        const char *filter;
        bool ok;
    } rows[] = {
        {"$twinsim/v1/#", true},
        {"$twinsim/v1/events/dev1/#", true},
        {"$twinsim/v1/events/+/reported", true},
        {"$CONTROL/twinsim/v1/response", true},
        {"devices/+/messages/events/#", true},
        {"devices/+/modules/+/messages/events/#", true},
        {"#", false},
        {"$twinsim/#", false},
        {"$CONTROL/#", false},
        {"$CONTROL/twinsim/v1", false},
        {"$iothub/twin/res/#", false},
        {"devices/+/messages/devicebound/#", false},
        {"$SYS/#", false},
    };
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(rows); n++) {
        assert_int_equal(world_subscribe(w, &w->owner, rows[n].filter, 0), rows[n].ok ? HUB_ACCEPT : HUB_DENY);
        assert_int_equal(w->out.len, 0);
        assert_int_equal(world_unsubscribe(w, &w->owner, rows[n].filter), HUB_ACCEPT);
    }
}

/* facts A-15: what devices say is for who may ServiceConnect. */
static void a_registry_policy_subscribes_to_its_answers_alone(void **state)
{
    static const char *const policies[] = {"registryRead", "registryReadWrite"};
    static const char *const filters[] = {"$twinsim/v1/#", "$twinsim/v1/events/+/telemetry",
                                          "devices/+/messages/events/#", "devices/+/modules/+/messages/events/#"};
    struct world *w = *state;
    struct conn service;

    for (size_t p = 0; p < COUNT(policies); p++) {
        world_service(w, &service, policies[p]);
        for (size_t n = 0; n < COUNT(filters); n++)
            assert_int_equal(world_subscribe(w, &service, filters[n], 0), HUB_DENY);
        assert_int_equal(world_subscribe(w, &service, "$CONTROL/twinsim/v1/response", 1), HUB_ACCEPT);
    }
    world_service(w, &service, "service");
    for (size_t n = 0; n < COUNT(filters); n++)
        assert_int_equal(world_subscribe(w, &service, filters[n], 0), HUB_ACCEPT);
}

/* --- what may be published ---------------------------------------------------------------------------------------- */

/* facts M-15, C-09 */
static void a_publish_to_anything_but_its_own_topics_closes_the_connection(void **state)
{
    static const char not_own[] = "not a topic this identity may publish to";
    static const char bad[] = "malformed: a twin request needs $rid, $version a whole number, a method answer a status";
    static const struct {
        const char *id, *topic, *reason;
    } rows[] = {
        {"dev1", "foo", not_own},
        {"dev1", "", not_own},
        {"dev1", "devices/dev2/messages/events/", not_own},
        {"dev1", "devices/DEV1/messages/events/", not_own},
        {"dev1", "devices/dev1/messages/eventsx", not_own},
        {"dev1", "devices/dev1/messages/devicebound/", not_own},
        {"dev1", "devices/dev1/modules/m/messages/events/", not_own},
        {"dev1/m", "devices/dev1/messages/events/", not_own},
        {"dev1/m", "devices/dev1/modules/n/messages/events/", not_own},
        {"dev1", "$iothub/twin/get/?$rid=1", not_own},
        {"dev1", "$iothub/twin/PATCH/properties/desired/?$rid=1", not_own},
        {"dev1", "$iothub/twin/PATCH/properties/reported/foo/?$rid=1", not_own},
        {"dev1", "$iothub/twin/res/200/?$rid=1", not_own},
        {"dev1", "$twinsim/v1/events/dev1/reported", not_own},
        {"dev1", CONTROL_TOPIC, not_own},
        {"dev1", "$iothub/twin/GET/", bad},
        {"dev1", "$iothub/twin/GET/?$rid=", bad},
        {"dev1", "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x", bad},
        {"dev1", "$iothub/methods/res/200/", bad},
        {"dev1", "$iothub/methods/res/ok/?$rid=1", bad},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        print_message("  %s: %s\n", rows[n].id, rows[n].topic);
        world_connect(w, &dev, rows[n].id);
        assert_violation(w, world_publish(w, &dev, rows[n].topic, "{}"), rows[n].topic, rows[n].reason);
        world_end(w, &dev, ENDED_ERROR); /* the broker closes it then */
        assert_json(w, world_event(w, "disconnected"), "reason", "'error'");
    }
}

static void a_request_id_may_be_long_but_not_endless(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char topic[TOPIC_RID_MAX + 64], want[TOPIC_RID_MAX + 64];

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    (void)snprintf(topic, sizeof topic, GET "%0*d", (int)TOPIC_RID_MAX, 7);
    (void)snprintf(want, sizeof want, RES "200/?$rid=%0*d", (int)TOPIC_RID_MAX, 7);
    assert_int_equal(world_publish(w, &dev, topic, ""), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", want);
    (void)snprintf(topic, sizeof topic, GET "%0*d", (int)TOPIC_RID_MAX + 1, 7);
    assert_violation(w, world_publish(w, &dev, topic, ""), topic, "the request id is too long");
}

/* facts T-40 */
static void what_a_device_publishes_shows_when_it_was_last_active(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_json(w, world_twin(w, "dev1"), "lastActivityTime", "'0001-01-01T00:00:00Z'");
    world_connect(w, &dev, "dev1");
    assert_json(w, world_twin(w, "dev1"), "lastActivityTime", "'2030-01-01T00:00:00Z'");
    world_pass(w, 90);
    assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_ACCEPT);
    assert_json(w, world_twin(w, "dev1"), "lastActivityTime", "'2030-01-01T00:01:30Z'");
}

/* --- telemetry -------------------------------------------------------------------------------------------------------- */

/* facts M-18, M-19, C-08 */
static void a_property_bag_is_told_decoded_however_it_was_written(void **state)
{
    static const struct {
        const char *bag, *system, *properties;
    } rows[] = {
        {"%24.ct=application%2Fjson&%24.ce=utf-8&a%20b=c",
         "{'content-type':'application/json','content-encoding':'utf-8'}", "{'a b':'c'}"},
        {"$.ct=application/json&$.ce=utf-8&a b=c", "{'content-type':'application/json','content-encoding':'utf-8'}",
         "{'a b':'c'}"},
        {"%24.mid=1&a=1+1/", "{'message-id':'1'}", "{'a':'1+1'}"},
        {"?a=b", "{}", "{'a':'b'}"},
        {"k=&flag", "{}", "{'k':'','flag':null}"},
        {"", "{}", "{}"},
        {"/", "{}", "{}"},
        {"%24.cdid=other&%24.cmid=x&n=1", "{}", "{'n':'1'}"},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char topic[256];
        cJSON *event, *system;

        (void)snprintf(topic, sizeof topic, TELEMETRY "%s", rows[n].bag);
        print_message("  %s\n", topic);
        assert_int_equal(world_publish(w, &dev, topic, "x"), HUB_ACCEPT);
        event = world_event(w, "telemetry");
        assert_json(w, event, "properties", rows[n].properties);
        system = world_json(w, rows[n].system);
        for (const cJSON *m = system->child; m; m = m->next)
            assert_true(json_eq(m, json_get(json_get(event, "system"), m->string)));
        assert_json(w, event, "system.iothub-connection-device-id", "'dev1'");
    }
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events", "x"), HUB_ACCEPT);
    assert_violation(w, world_publish(w, &dev, TELEMETRY "a=1&&b=2", "x"), TELEMETRY "a=1&&b=2",
                     "the property bag is malformed"); /* facts C-11 */
}

/* facts T-32, M-16, S-12 */
static void the_hub_stamps_every_message(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;
    cJSON *event;
    struct request r = {
        .kind = REQUEST_PUBLISH, .conn = &dev, .topic = STR(TELEMETRY "a=b"), .payload = STR("x"), .retain = true};

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_pass(w, 1);
    assert_int_equal(
        world_login(w, &dev, "dev1", &(struct login){.query = "?api-version=2021-04-12&model-id=dtmi:x;1"}),
        HUB_ACCEPT);
    assert_int_equal(world_turn(w, &r), HUB_ACCEPT);
    event = world_event(w, "telemetry");
    assert_json(w, event, "properties", "{'a':'b','mqtt-retain':'true'}");
    assert_json(w, event, "system.iothub-connection-module-id", NULL);
    assert_json(w, event, "system.iothub-message-source", "'Telemetry'");
    assert_json(w, event, "system.dt-dataschema", "'dtmi:x;1'");
    assert_json(w, event, "system.iothub-enqueuedtime", "'2030-01-01T00:00:01Z'");
    assert_string_equal(json_word(event, "system.iothub-connection-auth-method"),
                        "{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
    assert_string_equal(json_word(event, "system.iothub-connection-auth-generation-id"),
                        json_word(world_ask(w, "device.show", "'deviceId':'dev1'"), "generationId"));
    assert_json(w, event, "security", "false");

    world_connect(w, &mod, "dev1/m");
    assert_int_equal(
        world_publish(w, &mod,
                      "devices/dev1/modules/m/messages/events/%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1",
                      "x"),
        HUB_ACCEPT);
    event = world_event(w, "telemetry");
    assert_json(w, event, "module", "'m'");
    assert_json(w, event, "security", "true");
    assert_json(w, event, "system.iothub-connection-device-id", "'dev1'");
    assert_json(w, event, "system.iothub-connection-module-id", "'m'");
    assert_string_equal(json_word(event, "system.iothub-connection-auth-method"),
                        "{\"scope\":\"module\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
}

/* facts C-05 */
static void a_body_is_told_as_json_or_else_as_base64(void **state)
{
    static const struct {
        const char *payload;
        size_t len;
        const char *member, *value;
    } rows[] = {
        {"{\"t\":22.00}", 11, "body", "{'t':22}"},
        {"[1,null]", 8, "body", "[1,null]"},
        {"\"x\"\0\0", 5, "body", "'x'"},
        {" 1 ", 3, "body", "1"},
        {"", 0, "bodyBase64", "''"},
        {"x", 1, "bodyBase64", "'eA=='"},
        {"\0\1\2\3", 4, "bodyBase64", "'AAECAw=='"},
        {"\xff", 1, "bodyBase64", "'/w=='"},
        {"{\"t\":", 5, "bodyBase64", "'eyJ0Ijo='"},
        {"012345678901234567890123456789012345678901234567890123456789", 60, "bodyBase64",
         "'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5'"},
    };
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char *exact = copy_exact(rows[n].payload, rows[n].len);
        cJSON *event;

        assert_int_equal(world_publish_bytes(w, &dev, STR(TELEMETRY), str_of(exact, rows[n].len)), HUB_ACCEPT);
        event = world_event(w, "telemetry");
        assert_json(w, event, rows[n].member, rows[n].value);
        assert_true(!json_get(event, "body") != !json_get(event, "bodyBase64"));
        free(exact);
    }
}

/* facts M-17, L-08, L-20: values of system properties count, names and values of the application's, decoded; nothing else */
static void a_message_holds_256_kb_with_its_properties(void **state)
{
    static const struct {
        const char *bag;
        size_t counts;
    } rows[] = {
        {"", 0},
        {"a=b", 2},
        {"a%20b=c%26", 5},
        {"flag&empty=", 9},
        {"%24.ct=application%2Fjson&%24.mid=12", 18},
        {"%24.cdid=somebody&%24.cmid=else", 0}, /* which the hub does not hear */
        {"twice=1&twice=22", 7},
    };
    struct world *w = *state;
    char *body = malloc(HUB_TELEMETRY_MAX + 1);
    struct conn dev;

    assert_non_null(body);
    memset(body, 'x', HUB_TELEMETRY_MAX + 1);
    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        size_t room = HUB_TELEMETRY_MAX - rows[n].counts;
        char topic[256];

        (void)snprintf(topic, sizeof topic, TELEMETRY "%s", rows[n].bag);
        assert_int_equal(world_publish_bytes(w, &dev, str_from(topic), str_of(body, room)), HUB_ACCEPT);
        assert_violation(w, world_publish_bytes(w, &dev, str_from(topic), str_of(body, room + 1)), topic,
                         "a message may hold 256 KB with its properties");
    }
    free(body);
}

/* facts T-32 */
static void who_comes_with_a_policy_s_token_is_of_the_hub_s_scope(void **state)
{
    struct world *w = *state;
    struct sas_key key = world_policy_key("device");
    struct conn dev;
    const char *token = world_token(w, WORLD_HOST "%2Fdevices", &key, "device", WORLD_NOW_S + 3600);

    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.password = token}), HUB_ACCEPT);
    (void)world_publish(w, &dev, TELEMETRY, "x");
    assert_string_equal(json_word(world_event(w, "telemetry"), "system.iothub-connection-auth-method"),
                        "{\"scope\":\"hub\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
    world_connect(w, &dev, "dev1");
    (void)world_publish(w, &dev, TELEMETRY, "x");
    assert_string_equal(json_word(world_event(w, "telemetry"), "system.iothub-connection-auth-method"),
                        "{\"scope\":\"device\",\"type\":\"sas\",\"issuer\":\"iothub\"}");
}

/* --- wills ------------------------------------------------------------------------------------------------------------- */

static void will(struct world *w, struct conn *conn, const char *topic, const char *payload)
{
    struct request r = {.kind = REQUEST_WILL, .conn = conn, .topic = str_from(topic), .payload = str_from(payload)};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
}

/* facts M-20 */
static void a_will_becomes_telemetry_and_says_so(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;
    cJSON *event;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_connect(w, &dev, "dev1");
    world_end(w, &dev, ENDED_UNKNOWN);
    will(w, &dev, TELEMETRY "a=b", "gone");
    event = world_event(w, "telemetry");
    assert_json(w, event, "properties", "{'a':'b','iothub-MessageType':'Will'}");
    assert_json(w, event, "bodyBase64", "'Z29uZQ=='");
    assert_json(w, event, "conn", NULL);
    assert_int_equal(world_count(w, OUT_EVENT), 2);
    assert_string_equal(world_out(w, OUT_EVENT, 1)->topic,
                        TELEMETRY "a=b"); /* and where the device would have written it */
    assert_string_equal(world_out(w, OUT_EVENT, 1)->body, "gone");
    assert_int_equal(world_out(w, OUT_EVENT, 1)->body_len, 4);

    world_connect(w, &mod, "dev1/m"); /* a will may come while somebody else took over */
    will(w, &dev, TELEMETRY, "");
    assert_int_equal(world_count_events(w, "telemetry"), 1);
}

/* Who only reads devices/+/messages/events/# is no listener to events, and gets a will all the same. */
static void a_will_reaches_readers_of_telemetry_when_nobody_listens_to_events(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    world_listen(w, false);
    world_end(w, &dev, ENDED_UNKNOWN);
    will(w, &dev, TELEMETRY, "gone");
    assert_int_equal(w->out.len, 1);
    assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, TELEMETRY);
}

/* facts M-20 */
static void a_will_on_another_topic_is_dropped_and_told(void **state)
{
    static const char *const topics[] = {"devices/dev2/messages/events/",
                                         "foo",
                                         "$iothub/twin/GET/?$rid=1",
                                         "$iothub/twin/PATCH/properties/reported/?$rid=1",
                                         CONTROL_TOPIC,
                                         ""};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_end(w, &dev, ENDED_UNKNOWN);
    for (size_t n = 0; n < COUNT(topics); n++) {
        will(w, &dev, topics[n], "{\"a\":1}");
        assert_int_equal(w->out.len, 1);
        assert_json(w, world_event(w, "violation"), "reason", "'a will must be telemetry of its own identity'");
    }
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    will(w, &dev, TELEMETRY, "x"); /* of one who is no more */
    assert_int_equal(w->out.len, 0);
    will(w, &w->owner, TELEMETRY, "x");
    assert_int_equal(w->out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_identity_subscribes_to_its_own_filters_and_to_no_others),
        WORLD_TEST(a_forbidden_filter_is_denied_instead_when_that_is_asked_for),
        WORLD_TEST(answers_come_with_the_quality_that_was_granted),
        WORLD_TEST(subscriptions_last_over_reconnects_and_restarts_until_they_are_given_up),
        WORLD_TEST(a_deleted_identity_takes_its_subscriptions_with_it),
        WORLD_TEST(a_connection_holds_so_many_filters_and_no_more),
        WORLD_TEST(methods_by_name_are_counted_whatever_is_given_up),
        WORLD_TEST(a_service_client_subscribes_to_events_telemetry_and_its_answers),
        WORLD_TEST(a_registry_policy_subscribes_to_its_answers_alone),
        WORLD_TEST(a_publish_to_anything_but_its_own_topics_closes_the_connection),
        WORLD_TEST(a_request_id_may_be_long_but_not_endless),
        WORLD_TEST(what_a_device_publishes_shows_when_it_was_last_active),
        WORLD_TEST(a_property_bag_is_told_decoded_however_it_was_written),
        WORLD_TEST(the_hub_stamps_every_message),
        WORLD_TEST(a_body_is_told_as_json_or_else_as_base64),
        WORLD_TEST(a_message_holds_256_kb_with_its_properties),
        WORLD_TEST(who_comes_with_a_policy_s_token_is_of_the_hub_s_scope),
        WORLD_TEST(a_will_becomes_telemetry_and_says_so),
        WORLD_TEST(a_will_reaches_readers_of_telemetry_when_nobody_listens_to_events),
        WORLD_TEST(a_will_on_another_topic_is_dropped_and_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
