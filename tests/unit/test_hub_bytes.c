/* test_hub_bytes.c - whatever bytes come, the hub lives, gives one answer to each request, and tells why it refused. */
#include <stdio.h>

#include "feed.h"
#include "hub_world.h"

/* The feeder hands over bytes and nothing else. */
static struct world world;
static struct conn dev, mod;
static size_t n_built;
static enum request_kind kind;
static struct request pattern; /* what the bytes are put into */
static struct str *slot;

static int build(void **state)
{
    struct world *w = &world;

    (void)state;
    world_init(w);
    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_twin_client(w, &dev, "dev1");
    world_twin_client(w, &mod, "dev1/m");
    world_report(w, &dev, "{'r':{'x':1}}", 204);
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','patch':{'tags':{'t':1},'properties':{'desired':{'a':{'b':1}}}}");
    n_built = w->n_records;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_check(&world);
    world_done(&world);
    return 0;
}

/* Back to the beginning, now and then, lest the journal grows without end. */
static void tidy(void)
{
    struct world *w = &world;

    world_forget(w);
    if (w->n_records < n_built + 20)
        return;
    world_check(w);
    w->n_committed = n_built;
    world_fail(w);
    world_restart(w);
}

static void come_back(void)
{
    if (!hub_is_live(world.hub, STR("dev1"), dev.no))
        world_connect(&world, &dev, "dev1");
    if (!hub_is_live(world.hub, STR("dev1/m"), mod.no))
        world_connect(&world, &mod, "dev1/m");
}

/* --- commands --------------------------------------------------------------------------------------------------------- */

static const char *const commands[] = {
    "{'command':'hub.status','correlationData':'c'}",
    "{'command':'device.create','deviceId':'new','status':'disabled','statusReason':'r','iotEdge':true,"
    "'primaryKey':'MDEyMzQ1Njc4OWFiY2RlZg==','secondaryKey':'MDEyMzQ1Njc4OWFiY2RlZg==','twin':{'etag':'AAAAAAAAAAk=',"
    "'version':9,'tags':{'t':1},'properties':{'desired':{'a':[1],'$metadata':{'$lastUpdated':'2030-01-01T00:00:00Z'},"
    "'$version':3},'reported':{'b':'x'}}}}",
    "{'command':'device.show','deviceId':'dev1'}",
    "{'command':'device.list','top':1,'after':'a'}",
    "{'command':'device.update','deviceId':'dev1','status':'enabled','statusReason':null,'iotEdge':false}",
    "{'command':'device.renew-key','deviceId':'dev1','moduleId':'m','keyType':'swap'}",
    "{'command':'module.create','deviceId':'dev1','moduleId':'n','twin':{'tags':{}}}",
    "{'command':'module.list','deviceId':'dev1'}",
    "{'command':'module.delete','deviceId':'dev1','moduleId':'m'}",
    "{'command':'device.delete','deviceId':'dev1'}",
    "{'command':'twin.show','deviceId':'dev1','moduleId':'m'}",
    "{'command':'twin.update','deviceId':'dev1','etag':'*','patch':{'tags':{'t':{'u':1}},'properties':{'desired':{'a':{"
    "'b':null,"
    "'c':[1,{'d':2}]},'$version':1},'reported':{}}}}",
    "{'command':'twin.replace','deviceId':'dev1','etag':'*','twin':{'tags':{'t':1},'properties':{'desired':{'a':1}}}}",
    "{'command':'twin.history','deviceId':'dev1','top':2,'before':4}",
    "{'command':'identity.export','deviceId':'dev1'}",
    ("{'command':'identity.import','replace':true,'identity':{'deviceId':'dev1','moduleId':'m','generationId':'1','"
     "etag'"
     ":'Nw==',"
     "'status':'disabled','statusReason':'r','statusUpdatedTime':'2030-01-01T00:00:00Z','modelId':'x','keyTurn':1,"
     "'authentication':{'symmetricKey':{'primaryKey':'MDEyMzQ1Njc4OWFiY2RlZg==','secondaryKey':'MDEyMzQ1Njc4OWFiY2RlZg="
     "="
     "'},"
     "'type':'sas'},'capabilities':{'iotEdge':true},'twin':{'desired':{'a':1}}}}"),
    "{'command':'fault.add','deviceId':'dev1','type':'disconnect'}",
    ("{'command':'fault.add','on':'d*/m','type':'status','status':500,'body':{'a':1},'operation':'twin-get','after':1,"
     "'every':2,'times':3,'probability':0.5,'seed':7,'topic':'a/+/#','at':'1s','for':'PT1M'}"),
    "{'command':'fault.add','type':'malform','how':'metadata'}",
    "{'command':'fault.add','type':'throttle','tier':'S1'}",
    "{'command':'fault.add','type':'clock-skew','by':'-2h','reason':'x'}",
    "{'command':'fault.list'}",
    "{'command':'fault.clear','id':1}",
    "{'command':'clock.advance','by':'-1h'}",
};

/* The world asserts that there is one response, its shape, and every law of a turn. */
static void run_command(const cJSON *command)
{
    cJSON *response = world_ask_tree(&world, &world.owner, command);
    int64_t status = json_number(response, "status");

    if (status != 200 && (status < 400 || status >= 500))
        print_error("%s\n", json_text(command));
    assert_true(status == 200 || (status >= 400 && status < 500)); /* never our fault */
    if (status != 200)
        assert_int_equal(world_count(&world, OUT_STORE), 0);
}

static void feed_command(struct str text)
{
    cJSON *command = NULL;

    if (json_read(text, &command, NULL) == RC_OK) {
        run_command(command);
        cJSON_Delete(command);
    }
    tidy();
}

static struct str quoted(const char *text)
{
    static char copy[4096];

    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy; *at; at++)
        if (*at == '\'')
            *at = '"';
    return str_from(copy);
}

static void any_bytes_that_are_json_get_one_answer(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT(commands); n++) {
        struct str text = quoted(commands[n]);

        feed_prefixes(text, feed_command);
        feed_mutations(text, feed_command);
    }
}

static const char *const strangers[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-1",
                                        "5",
                                        "1.5",
                                        "1e300",
                                        "9223372036854775807",
                                        "''",
                                        "'x'",
                                        "'*'",
                                        "'dev1'",
                                        "'\\u00e9\\n'",
                                        "'a b'",
                                        "[]",
                                        "[null]",
                                        "{}",
                                        "{'a':{}}",
                                        "{'$version':1}",
                                        "{'a b':1}",
                                        "{'deviceId':'dev1'}",
                                        "[[[[[[[[[[[[1]]]]]]]]]]]]",
                                        "{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{}}}}}}}}}}}}"};

/* Put a stranger in the place of each node below, one after the other, and run the whole. */
static void replace_each(cJSON *root, cJSON *node)
{
    char stranger[] = "stranger";

    for (cJSON *child = node->child; child; child = child->next) {
        cJSON kept = *child;

        for (size_t n = 0; n <= COUNT(strangers); n++) {
            cJSON *other = NULL;

            if (n < COUNT(strangers)) {
                assert_int_equal(json_read(quoted(strangers[n]), &other, NULL), RC_OK);
                child->type = other->type;
                child->valuestring = other->valuestring;
                child->valuedouble = other->valuedouble;
                child->child = other->child;
            } else if (child->string) { /* a member nobody knows */
                child->string = stranger;
            }
            run_command(root);
            child->string = kept.string;
            child->type = kept.type;
            child->valuestring = kept.valuestring;
            child->valuedouble = kept.valuedouble;
            child->child = kept.child;
            cJSON_Delete(other);
            tidy();
        }
        replace_each(root, child);
    }
}

static void any_value_in_the_place_of_any_other_gets_one_answer(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT(commands); n++) {
        cJSON *command = NULL;

        assert_int_equal(json_read(quoted(commands[n]), &command, NULL), RC_OK);
        replace_each(command, command);
        cJSON_Delete(command);
    }
}

/* --- devices ------------------------------------------------------------------------------------------------------------ */

/* One request with the bytes in its slot: an answer, and when it is a refusal, one event that says why, and nothing else. */
static void feed_request(struct str text)
{
    struct world *w = &world;
    struct conn fresh = {.no = 0};
    enum hub_answer answer;

    come_back();
    pattern.kind = kind;
    pattern.conn = kind == REQUEST_CONNECT ? &fresh : pattern.conn;
    fresh.no = ++w->last_conn;
    *slot = text;
    answer = world_turn(w, &pattern);
    if (kind == REQUEST_CONNECT ? answer != HUB_ACCEPT : answer == HUB_CLOSE) {
        assert_int_equal(answer, HUB_CLOSE);
        assert_non_null(w->why);
        assert_int_equal(w->out.len, 1);
        assert_string_equal(json_word(world_event(w, kind == REQUEST_CONNECT ? "refused" : "violation"), "reason"),
                            w->why);
        assert_string_equal(fresh.id, "");
    }
    tidy();
}

/* Feed one part of a request: where points into pattern. */
static void feed_part(struct str *where, const char *good)
{
    struct str was = *where;

    slot = where;
    feed_prefixes(str_from(good), feed_request);
    feed_mutations(str_from(good), feed_request);
    *where = was;
}

static void any_topic_and_any_payload_get_one_answer(void **state)
{
    static const char *const topics[] = {
        "$iothub/twin/GET/?$rid=1", "$iothub/twin/PATCH/properties/reported/?$rid=7&$version=3",
        "$iothub/methods/res/200/?$rid=1", "devices/dev1/messages/events/%24.ct=a%2Fb&x=y&flag"};
    static const char *const payloads[] = {
        "{\"a\":{\"b\":[1,{\"c\":\"\\u00e9\"}],\"d\":null},\"e\":-1.50e3}", "{}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":[[1]]}}}}}}}}}}"};

    (void)state;
    kind = REQUEST_PUBLISH;
    pattern = (struct request){.conn = &dev, .payload = STR("{\"a\":1}")};
    for (size_t n = 0; n < COUNT(topics); n++)
        feed_part(&pattern.topic, topics[n]);
    pattern.conn = &mod;
    feed_part(&pattern.topic, "devices/dev1/modules/m/messages/events/a=b");
    pattern.topic = str_from("$iothub/twin/PATCH/properties/reported/?$rid=1");
    for (size_t n = 0; n < COUNT(payloads); n++)
        feed_part(&pattern.payload, payloads[n]);
    pattern.topic = str_from("devices/dev1/modules/m/messages/events/");
    feed_part(&pattern.payload, payloads[0]);
}

static void any_filter_gets_one_answer(void **state)
{
    static const char *const filters[] = {"$iothub/twin/res/#", "$iothub/methods/POST/reboot/#",
                                          "devices/+/messages/devicebound/#"};

    (void)state;
    kind = REQUEST_SUBSCRIBE;
    for (size_t n = 0; n < COUNT(filters); n++) {
        pattern = (struct request){.conn = &dev, .qos = (int)n};
        dev.filters = 0;
        slot = &pattern.topic;
        feed_prefixes(str_from(filters[n]), feed_request);
    }
}

static void any_connect_gets_one_answer(void **state)
{
    struct sas_key key = world_key("dev1", 0, false);
    char password[512];

    (void)state;
    (void)snprintf(password, sizeof password, "%s",
                   world_token(&world, WORLD_HOST "%2Fdevices%2Fdev1", &key, "device", WORLD_NOW_S + 60));
    kind = REQUEST_CONNECT;
    pattern = (struct request){.protocol = 4,
                               .client_id = STR("dev1"),
                               .user_name = STR(WORLD_HOST "/dev1/?api-version=2021-04-12&model-id=dtmi%3Ax"),
                               .password = str_from(password)};
    feed_part(&pattern.client_id, "dev1/m");
    feed_part(&pattern.password, password);
    pattern.client_id = STR("dev1/m");
    feed_part(&pattern.user_name,
              WORLD_HOST ":8883/dev1/m/?api-version=2021-04-12&model-id=dtmi%3Ax&DeviceClientType=x");
    pattern.client_id = STR("service//1");
    feed_part(&pattern.user_name, "iothubowner@sas.root.twinsim");
    pattern.user_name = STR("iothubowner@sas.root.twinsim");
    feed_part(&pattern.client_id, "service//1");
}

#define BYTES_TEST(fn) cmocka_unit_test_setup_teardown(fn, build, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BYTES_TEST(any_bytes_that_are_json_get_one_answer),
        BYTES_TEST(any_value_in_the_place_of_any_other_gets_one_answer),
        BYTES_TEST(any_topic_and_any_payload_get_one_answer),
        BYTES_TEST(any_filter_gets_one_answer),
        BYTES_TEST(any_connect_gets_one_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
