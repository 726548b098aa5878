/* test_hub_connect.c - who comes in, who does not and why, and what happens to those who were there. */
#include <stdio.h>

#include "hub_world.h"

#define API  "?api-version=2021-04-12"
#define NOW  WORLD_NOW_S
#define HOUR (NOW + 3600)

/* facts M-03, M-06 */
static void a_device_connects_with_a_token_of_its_own_key(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    world_create(w, "dev1");
    assert_json(w, world_twin(w, "dev1"), "connectionState", "'Disconnected'");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.query = API "&DeviceClientType=py%2F2&x=y"}),
                     HUB_ACCEPT);
    event = world_event(w, "connected");
    assert_json(w, event, "clean", "false");
    assert_json(w, event, "keepAlive", "240");
    assert_json(w, event, "apiVersion", "'2021-04-12'");
    assert_json(w, event, "clientType", "'py%2F2'");
    assert_json(w, event, "modelId", NULL);
    assert_json(w, event, "cause", NULL);
    assert_int_equal(json_number(event, "conn"), dev.no);
    assert_int_equal(world_count(w, OUT_STORE), 0); /* nothing of it is stored but that a session stands (facts M-10) */
    assert_string_equal(dev.id, "dev1");
    assert_true(str_eq(dev.who.device, STR("dev1")));
    assert_int_equal(dev.who.module.len, 0);
    assert_false(dev.is_service);
    assert_json(w, world_twin(w, "dev1"), "connectionState", "'Connected'");
    assert_json(w, world_ask(w, "device.show", "'deviceId':'dev1'"), "connectionState", "'Connected'");
    assert_json(w, world_status(w), "connected", "1");
}

/* facts M-03, M-04, C-02 */
static void user_names_of_all_clients_connect(void **state)
{
    static const char *const names[] = {
        WORLD_HOST "/dev1/?api-version=2021-04-12&DeviceClientType=x",
        WORLD_HOST "/dev1/?DeviceClientType=x&api-version=2018-06-30&model-id=",
        WORLD_HOST "/dev1/api-version=2020-09-30",
        WORLD_HOST "/dev1/api-version=2020-09-30&DeviceClientType=azure-iot%2f1.0",
        WORLD_HOST "/dev1/?api-version=",
        WORLD_HOST "/dev1",
        "TwinSim.Azure-Devices.TEST/dev1/" API,
        "127.0.0.9/dev1/" API,
        WORLD_HOST ":8883/dev1/" API, /* Node, told HostName=name:port */
        "127.0.0.9:1/dev1/" API,
    };
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(names); n++) {
        struct conn dev;

        print_message("  %s\n", names[n]);
        assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.user_name = names[n]}), HUB_ACCEPT);
    }
}

static void without_api_version_is_refused_when_that_is_asked_for(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    w->options.require_api_version = true;
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_login_refused(w, world_login(w, &dev, "dev1", &(struct login){.user_name = WORLD_HOST "/dev1"}), &dev,
                         "the user name has no api-version");
}

/* facts M-05, M-06, M-01 */
static void what_is_no_identity_of_this_hub_is_refused_and_the_reason_told(void **state)
{
    static const char not_a_name[] = "the user name is not {host}/{device}[/{module}]/?api-version=..";
    static const char other_id[] = "the client id is not the identity of the user name";
    static const char other_hub[] = "the user name names another hub";
    static const char nobody[] = "the hub has no such identity";
    static const char level[] = "only MQTT 3.1.1 is served (protocol level 4)";
    static const struct {
        const char *id, *reason;
        struct login login;
    } rows[] = {
        {"dev1", not_a_name, {.user_name = "dev1"}},
        {"dev1", not_a_name, {.user_name = ""}},
        {"dev1", not_a_name, {.user_name = "/dev1/" API}},
        {"dev1", not_a_name, {.user_name = WORLD_HOST "//" API}},
        {"dev1", not_a_name, {.user_name = WORLD_HOST "/dev1/mod1/more/" API}},
        {"dev1", not_a_name, {.user_name = WORLD_HOST "/dev one/" API}},
        {"dev1", level, {.protocol = 3}},
        {"dev1", level, {.protocol = 5}},
        {"dev1", other_id, {.client_id = "dev2"}},
        {"dev1", other_id, {.client_id = "Dev1"}},
        {"dev1", other_id, {.client_id = ""}},
        {"dev1", other_id, {.client_id = "dev1/mod1"}},
        {"dev1", other_id, {.client_id = "dev1/"}},
        {"dev1/mod1", other_id, {.client_id = "dev1"}},
        {"dev1/mod1", other_id, {.client_id = "dev1/MOD1"}},
        {"dev1", other_hub, {.user_name = "other.azure-devices.net/dev1/" API}},
        {"dev1", other_hub, {.user_name = WORLD_HOST ".net/dev1/" API}},
        {"dev1", other_hub, {.user_name = "twinsim/dev1/" API}},
        {"dev1", other_hub, {.user_name = "other:8883/dev1/" API}},
        {"dev1", other_hub, {.user_name = WORLD_HOST ":/dev1/" API}},
        {"dev1", other_hub, {.user_name = WORLD_HOST ":99999/dev1/" API}},
        {"dev1", other_hub, {.user_name = WORLD_HOST ":x/dev1/" API}},
        {"DEV1", nobody, {.client_id = NULL}},
        {"dev10", nobody, {.client_id = NULL}},
        {"dev1/nomod", nobody, {.client_id = NULL}},
        {"nodev/mod1", nobody, {.client_id = NULL}},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/mod1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        print_message("  %s: %s\n", rows[n].id, rows[n].reason);
        assert_login_refused(w, world_login(w, &dev, rows[n].id, &rows[n].login), &dev, rows[n].reason);
    }
    assert_json(w, world_status(w), "connected", "0");
}

/* A refusal stands with the identity where there is one, else with the hub; what the client said is in it, the token is not. */
static void a_refusal_names_who_tried(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    (void)world_login(w, &dev, "dev1", &(struct login){.password = "SharedAccessSignature sr=x&sig=y&se=1"});
    assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, "$twinsim/v1/events/dev1/refused");
    assert_json(w, world_event(w, "refused"), "clientId", "'dev1'");
    assert_json(w, world_event(w, "refused"), "userName", "'" WORLD_HOST "/dev1/" API "'");
    (void)world_login(w, &dev, "nobody", NULL);
    assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, "$twinsim/v1/hub/refused");
}

/* facts M-07 */
static void a_device_and_its_modules_are_connected_side_by_side(void **state)
{
    struct world *w = *state;
    struct conn dev, one, two;

    world_create(w, "dev1");
    world_create(w, "dev1/one");
    world_create(w, "dev1/two");
    world_connect(w, &dev, "dev1");
    world_connect(w, &one, "dev1/one");
    assert_json(w, world_event(w, "connected"), "module", "'one'");
    world_connect(w, &two, "dev1/two");
    assert_true(str_eq(two.who.device, STR("dev1")) && str_eq(two.who.module, STR("two")));
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_true(hub_is_live(w->hub, STR("dev1/one"), one.no));
    assert_json(w, world_status(w), "connected", "3");
    world_end(w, &dev, ENDED_CLIENT);
    assert_true(hub_is_live(w->hub, STR("dev1/one"), one.no));
    assert_json(w, world_status(w), "connected", "2");
}

/* facts M-08 */
static void a_second_connection_takes_over_and_the_first_is_dead(void **state)
{
    struct world *w = *state;
    struct conn old, new;

    world_create(w, "dev1");
    world_twin_client(w, &old, "dev1");
    world_connect(w, &new, "dev1");
    assert_int_equal(w->out.len, 2); /* no close: the broker, which sees the same client id, closes the first itself */
    assert_json(w, world_event(w, "disconnected"), "reason", "'takeover'");
    assert_int_equal(json_number(world_event(w, "disconnected"), "conn"), old.no);
    assert_string_equal(w->out.at[0].topic, "$twinsim/v1/events/dev1/disconnected"); /* in that order */
    assert_int_equal(json_number(world_event(w, "connected"), "conn"), new.no);
    assert_false(hub_is_live(w->hub, STR("dev1"), old.no));

    assert_int_equal(world_publish(w, &old, "$iothub/twin/PATCH/properties/reported/?$rid=1", "{'a':1}"), HUB_CLOSE);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_publish(w, &old, "devices/dev1/messages/events/", "x"), HUB_CLOSE);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_subscribe(w, &old, "$iothub/methods/POST/#", 0), HUB_CLOSE);
    assert_int_equal(world_unsubscribe(w, &old, "$iothub/twin/res/#"), HUB_CLOSE);
    assert_int_equal(w->out.len, 0);
    world_end(w, &old, ENDED_UNKNOWN);
    assert_int_equal(w->out.len, 0); /* it was told at the takeover */
    assert_true(hub_is_live(w->hub, STR("dev1"), new.no));
    assert_json(w, world_status(w), "connected", "1");
    world_report(w, &new, "{'b':1}", 204); /* and what the first subscribed to lives on */
    assert_json(w, world_twin(w, "dev1"), "properties.reported.a", NULL);
}

static void a_refused_second_connection_leaves_the_first_alone(void **state)
{
    struct world *w = *state;
    struct conn dev, bad;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    assert_int_equal(world_login(w, &bad, "dev1", &(struct login){.password = "no"}), HUB_CLOSE);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    world_report(w, &dev, "{'a':1}", 204);
}

/* facts M-11, C-01 */
static void a_clean_session_forgets_what_was_subscribed_and_any_other_keeps_it(void **state)
{
    static const char get[] = "$iothub/twin/GET/?$rid=1";
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_end(w, &dev, ENDED_CLIENT);
    world_restart(w);
    world_connect(w, &dev, "dev1"); /* Node and Python never subscribe again */
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 0);
    assert_int_equal(world_publish(w, &dev, get, ""), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", "$iothub/twin/res/200/?$rid=1");

    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.is_clean = true}), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 1); /* written, so that it is forgotten for good */
    assert_json(w, world_event(w, "connected"), "clean", "true");
    assert_int_equal(world_publish(w, &dev, get, ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    world_restart(w);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, get, ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.is_clean = true}), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 1); /* the session with clean 0 that has stood since */
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.is_clean = true}), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_SUBSCRIBED), 0); /* nothing to forget */
}

/* facts M-09 */
static void a_model_id_is_decoded_and_kept_with_the_twin(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_json(w, world_twin(w, "dev1"), "modelId", "''");
    assert_int_equal(
        world_login(w, &dev, "dev1", &(struct login){.query = API "&model-id=dtmi%3Acom%3aexample%3AThermostat%3B1"}),
        HUB_ACCEPT);
    assert_json(w, world_event(w, "connected"), "modelId", "'dtmi:com:example:Thermostat;1'");
    assert_int_equal(world_count(w, OUT_STORE), 1);
    assert_json(w, world_twin(w, "dev1"), "modelId", "'dtmi:com:example:Thermostat;1'");
    assert_json(w, world_twin(w, "dev1"), "version", "2");
    assert_json(w, world_twin(w, "dev1"), "etag", "'AAAAAAAAAAE='");
    /* Node sends it raw (facts C-02). The same once more is no change. */
    assert_int_equal(
        world_login(w, &dev, "dev1", &(struct login){.query = API "&model-id=dtmi:com:example:Thermostat;1"}),
        HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_STORE), 0);
    world_restart(w);
    assert_json(w, world_twin(w, "dev1"), "modelId", "'dtmi:com:example:Thermostat;1'");
    world_connect(w, &dev, "dev1"); /* none announced: the last one stays */
    assert_json(w, world_twin(w, "dev1"), "modelId", "'dtmi:com:example:Thermostat;1'");
    assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.query = API "&model-id=dtmi:x;2"}), HUB_ACCEPT);
    assert_json(w, world_twin(w, "dev1"), "modelId", "'dtmi:x;2'");
}

/* What is no text is no model: a device is not kept out for it, and what is stored prints as it is. */
static void a_model_id_that_is_no_text_is_passed_over(void **state)
{
    static const char *const bad[] = {"%ff%fe", "a%00b", "%00", ""};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(bad); n++) {
        char query[64];

        (void)snprintf(query, sizeof query, API "&model-id=%s", bad[n]);
        assert_int_equal(world_login(w, &dev, "dev1", &(struct login){.query = query}), HUB_ACCEPT);
        assert_int_equal(world_count(w, OUT_STORE), 0);
        assert_json(w, world_event(w, "connected"), "modelId", NULL);
    }
}

/* facts A-11, M-06, L-14 */
static void a_disabled_device_is_out_with_its_modules_until_it_is_enabled(void **state)
{
    struct world *w = *state;
    struct conn dev, mod, other, again;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_create(w, "dev2");
    world_connect(w, &dev, "dev1");
    world_connect(w, &mod, "dev1/m");
    world_connect(w, &other, "dev2");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'disabled'");
    assert_int_equal(world_count_events(w, "disconnected"), 2);
    assert_int_equal(world_count(w, OUT_CLOSE), 2);
    for (size_t n = 0; n < 2; n++) {
        const struct out *o = world_out(w, OUT_CLOSE, n);

        assert_int_equal(o->ended, ENDED_IDENTITY);
        assert_int_equal(o->conn, strcmp(o->to, "dev1") == 0 ? dev.no : mod.no);
    }
    assert_json(w, world_event(w, "updated"), "status", "'disabled'");
    assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_false(hub_is_live(w->hub, STR("dev1/m"), mod.no));
    assert_true(hub_is_live(w->hub, STR("dev2"), other.no));
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events/", "x"), HUB_CLOSE);
    assert_login_refused(w, world_login(w, &again, "dev1", NULL), &again, "the device is disabled");
    assert_login_refused(w, world_login(w, &again, "dev1/m", NULL), &again, "the device is disabled");
    world_restart(w);
    assert_login_refused(w, world_login(w, &again, "dev1/m", NULL), &again, "the device is disabled");
    (void)world_ask(w, "device.update", "'deviceId':'dev1','status':'enabled'");
    world_connect(w, &again, "dev1");
    world_connect(w, &again, "dev1/m");
}

/* facts A-11: identities that do not authenticate with a token */
static void an_identity_of_another_kind_does_not_come_in_with_a_token(void **state)
{
    static const char *const types[] = {"selfSigned", "certificateAuthority", "none"};
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(types); n++) {
        struct conn dev;

        (void)world_ask(w, "identity.import", "'identity':{'deviceId':'dev%zu','authentication':{'type':'%s'}}", n,
                        types[n]);
        assert_login_refused(w, world_login(w, &dev, json_word(world_event(w, "created"), "device"), NULL), &dev,
                             "the identity does not authenticate with a token");
    }
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void an_end_is_told_once_with_its_reason(void **state)
{
    static const struct {
        enum ended ended;
        const char *told;
    } rows[] = {
        {ENDED_CLIENT, "'client'"},     {ENDED_ERROR, "'error'"},       {ENDED_UNKNOWN, "'unknown'"},
        {ENDED_SHUTDOWN, "'shutdown'"}, {ENDED_IDENTITY, "'identity'"}, {ENDED_TOKEN, "'token'"},
        {ENDED_FAULT, "'fault'"},
    };
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        world_connect(w, &dev, "dev1");
        world_pass(w, 60);
        world_end(w, &dev, rows[n].ended);
        assert_int_equal(w->out.len, 1); /* the broker has closed it: nothing is left to close */
        assert_json(w, world_event(w, "disconnected"), "reason", rows[n].told);
        world_end(w, &dev, rows[n].ended);
        assert_int_equal(w->out.len, 0);
        assert_json(w, world_twin(w, "dev1"), "connectionState", "'Disconnected'");
    }
}

static void a_document_says_when_somebody_came_or_went(void **state)
{
    struct world *w = *state;
    struct conn dev, other;

    w->options.cache_bytes = 0; /* it is stored with the next document only */
    world_restart(w);
    world_create(w, "dev1");
    world_create(w, "dev2");
    world_connect(w, &other, "dev2");
    world_pass(w, 1);
    world_connect(w, &dev, "dev1");
    assert_json(w, world_ask(w, "device.show", "'deviceId':'dev1'"), "connectionStateUpdatedTime",
                "'2030-01-01T00:00:01Z'");
    world_pass(w, 1);
    world_end(w, &dev, ENDED_CLIENT);
    assert_json(w, world_ask(w, "device.show", "'deviceId':'dev1'"), "connectionStateUpdatedTime",
                "'2030-01-01T00:00:02Z'");
    assert_json(w, world_ask(w, "device.show", "'deviceId':'dev2'"), "connectionStateUpdatedTime",
                "'2030-01-01T00:00:00Z'");
    assert_false(hub_is_live(w->hub, STR("dev1"), 0));
}

/* --- service clients -------------------------------------------------------------------------------------------------- */

static enum hub_answer service_login(struct world *w, struct conn *conn, const char *client_id, const char *user_name,
                                     const char *password)
{
    return world_login(
        w, conn, "x",
        &(struct login){.client_id = client_id, .user_name = user_name, .password = password, .is_clean = true});
}

static void a_service_client_is_refused_with_a_reason(void **state)
{
    static const char bad_id[] = "a service client's id is service//{anything unique}";
    struct world *w = *state;
    struct sas_key owner = world_policy_key("iothubowner"), device = world_policy_key("device");
    struct sas_key dev1 = world_key("dev1", 0, false);
    const char *good = world_token(w, WORLD_HOST, &owner, "iothubowner", HOUR);
    const char *name = "iothubowner@sas.root.twinsim";
    const struct {
        const char *client_id, *user_name, *password, *reason;
    } rows[] = {
        {"dev1", name, good, bad_id},
        {"service/x", name, good, bad_id},
        {"", name, good, bad_id},
        {"service//1", "iothubowner@sas.root.other", good, "the user name is of another hub"},
        {"service//1", "nopolicy@sas.root.twinsim", good, "the hub has no such policy"},
        {"service//1", "IotHubOwner@sas.root.twinsim", good, "the hub has no such policy"},
        {"service//1", name, "", "the password is no SAS token"},
        {"service//1", name, "secret", "the password is no SAS token"},
        {"service//1", name, world_token(w, WORLD_HOST, &owner, "iothubowner", NOW - 1), "the token has expired"},
        {"service//1", "service@sas.root.twinsim", good, "the token (skn) is of another policy than the user name"},
        {"service//1", name, world_token(w, WORLD_HOST, &owner, NULL, HOUR),
         "the token (skn) is of another policy than the user name"},
        {"service//1", name, world_token(w, WORLD_HOST "/devices/dev1", &owner, "iothubowner", HOUR),
         "the token's scope (sr) is not this hub"},
        {"service//1", name, world_token(w, "other", &owner, "iothubowner", HOUR),
         "the token's scope (sr) is not this hub"},
        {"service//1", name, world_token(w, WORLD_HOST, &dev1, "iothubowner", HOUR),
         "the token's signature does not match the policy's key"},
        {"service//1", "device@sas.root.twinsim", world_token(w, WORLD_HOST, &device, "device", HOUR),
         "the token's policy may not do this"},
    };
    char long_id[IDENT_TEXT_MAX + 16];
    struct conn conn;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        print_message("  %s %s: %s\n", rows[n].client_id, rows[n].user_name, rows[n].reason);
        assert_login_refused(w, service_login(w, &conn, rows[n].client_id, rows[n].user_name, rows[n].password), &conn,
                             rows[n].reason);
    }
    (void)snprintf(long_id, sizeof long_id, "service//%0*d", (int)(IDENT_TEXT_MAX - 9), 1);
    assert_login_refused(w, service_login(w, &conn, long_id, name, good), &conn, bad_id);
    long_id[IDENT_TEXT_MAX - 1] = '\0';
    assert_int_equal(service_login(w, &conn, long_id, name, good), HUB_ACCEPT);
    assert_string_equal(conn.id, long_id);
}

static void service_clients_come_in_by_any_name_of_the_hub_and_are_no_identities(void **state)
{
    static const char *const names[] = {"iothubowner@sas.root.twinsim", "iothubowner@sas.root.TwinSim",
                                        ("iothubowner@sas.root." WORLD_HOST), "iothubowner@sas.root.127.0.0.9"};
    struct world *w = *state;
    struct sas_key owner = world_policy_key("iothubowner");
    struct conn conn;

    for (size_t n = 0; n < COUNT(names); n++) {
        assert_int_equal(
            service_login(w, &conn, "service//1", names[n], world_token(w, WORLD_HOST, &owner, "iothubowner", HOUR)),
            HUB_ACCEPT);
        assert_int_equal(w->out.len, 0);
        assert_true(conn.is_service);
    }
    assert_int_equal(service_login(w, &conn, "service//1", names[0],
                                   world_token(w, WORLD_HOST "%3A8883", &owner, "iothub%6Fwner", HOUR)),
                     HUB_ACCEPT);
    assert_json(w, world_status(w), "connected", "0");
    world_end(w, &conn, ENDED_CLIENT);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_publish(w, &conn, "devices/dev1/messages/events/", "x"), HUB_CLOSE);
    assert_int_equal(world_publish(w, &conn, "$iothub/twin/GET/?$rid=1", ""), HUB_CLOSE);
}

/* Telemetry and events are for service clients. What a device hears is sent to it by id, never routed (facts C-09). */
static void only_service_clients_may_read_what_is_routed(void **state)
{
    static const char *const topics[] = {"$twinsim/v1/events/dev1/reported", "$twinsim/v1/hub/hub-ready",
                                         "devices/dev1/messages/events/", "devices/dev1/modules/m/messages/events/a=b"};
    struct world *w = *state;
    struct conn dev, read;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    world_service(w, &read, "service");
    for (size_t n = 0; n < COUNT(topics); n++) {
        assert_true(hub_may_read(&read, str_from(topics[n])));
        assert_false(hub_may_read(&dev, str_from(topics[n])));
    }
    world_service(w, &read, "registryReadWrite"); /* sees identities, not what they say */
    for (size_t n = 0; n < COUNT(topics); n++)
        assert_false(hub_may_read(&read, str_from(topics[n])));
    world_service(w, &read, "service");
    assert_false(hub_may_read(&read, STR("$SYS/broker/uptime")));
    assert_false(hub_may_read(&read, STR("$iothub/twin/res/200/?$rid=1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_device_connects_with_a_token_of_its_own_key),
        WORLD_TEST(user_names_of_all_clients_connect),
        WORLD_TEST(without_api_version_is_refused_when_that_is_asked_for),
        WORLD_TEST(what_is_no_identity_of_this_hub_is_refused_and_the_reason_told),
        WORLD_TEST(a_refusal_names_who_tried),
        WORLD_TEST(a_device_and_its_modules_are_connected_side_by_side),
        WORLD_TEST(a_second_connection_takes_over_and_the_first_is_dead),
        WORLD_TEST(a_refused_second_connection_leaves_the_first_alone),
        WORLD_TEST(a_clean_session_forgets_what_was_subscribed_and_any_other_keeps_it),
        WORLD_TEST(a_model_id_is_decoded_and_kept_with_the_twin),
        WORLD_TEST(a_model_id_that_is_no_text_is_passed_over),
        WORLD_TEST(a_disabled_device_is_out_with_its_modules_until_it_is_enabled),
        WORLD_TEST(an_identity_of_another_kind_does_not_come_in_with_a_token),
        WORLD_TEST(an_end_is_told_once_with_its_reason),
        WORLD_TEST(a_document_says_when_somebody_came_or_went),
        WORLD_TEST(a_service_client_is_refused_with_a_reason),
        WORLD_TEST(service_clients_come_in_by_any_name_of_the_hub_and_are_no_identities),
        WORLD_TEST(only_service_clients_may_read_what_is_routed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
