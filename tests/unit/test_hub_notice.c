/* test_hub_notice.c - events in the real service's own shape: which there are, what they hold, and that nobody pays who does not read. */
#include <stdio.h>

#include "hub_world.h"

#define ROOT "$twinsim/hub-events/v1/"

/* The only notice of the last turn with that topic. */
static cJSON *notice(struct world *w, const char *topic)
{
    const char *body = NULL;

    for (size_t n = 0; n < world_count(w, OUT_EVENT); n++) {
        const struct out *o = world_out(w, OUT_EVENT, n);

        if (strcmp(o->topic, topic) != 0)
            continue;
        assert_null(body);
        body = o->body;
    }
    if (!body)
        fail_msg("no notice on %s", topic);
    return world_read(w, body);
}

static size_t count_notices(const struct world *w)
{
    size_t notices = 0;

    for (size_t n = 0; n < world_count(w, OUT_EVENT); n++)
        notices += str_starts(str_from(world_out(w, OUT_EVENT, n)->topic), STR(HUB_EVENTS_ROOT));
    return notices;
}

static struct world *reading(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/mod1");
    hub_set_readers(w->hub, true);
    return w;
}

/* The hub's life begins. */
static void is_ready(struct world *w)
{
    world_begin(w);
    hub_announce(w->hub, "hub-ready", w->now, &w->out);
    assert_true(world_commit(w));
}

static void a_reported_change_is_an_update_with_metadata_of_what_it_names(void **state) /* facts T-30, T-33 */
{
    struct world *w = reading(state);
    struct conn dev;
    cJSON *n;

    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'keep':{'it':1},'gone':2}", 204);
    world_report(w, &dev, "{'keep':{'new':'x'},'gone':null}", 204);
    n = notice(w, ROOT "dev1/twinChangeEvents");
    assert_json(
        w, n, "properties",
        "{'hubName':'twinsim','deviceId':'dev1','opType':'updateTwin','iothub-message-schema':'twinChangeNotification',"
        "'operationTimestamp':'2030-01-01T00:00:00Z'}");
    assert_json(w, n, "systemProperties.iothub-message-source", "'twinChangeEvents'");
    assert_json(w, n, "systemProperties.iothub-connection-device-id", "'dev1'");
    assert_json(w, n, "systemProperties.iothub-connection-module-id", NULL);
    assert_json(w, n, "systemProperties.content-type", "'application/json'");
    assert_json(w, n, "systemProperties.content-encoding", "'utf-8'");
    assert_json(w, n, "systemProperties.user-id", "'twinsim'");
    assert_json(w, n, "systemProperties.iothub-enqueuedtime", "'2030-01-01T00:00:00Z'");
    assert_int_equal(strlen(json_word(n, "systemProperties.correlation-id")), 36);
    assert_json(w, n, "body",
                "{'version':4,'properties':{'reported':{'keep':{'new':'x'},'gone':null,'$metadata':{"
                "'$lastUpdated':'2030-01-01T00:00:00Z','keep':{'$lastUpdated':'2030-01-01T00:00:00Z','new':{"
                "'$lastUpdated':'2030-01-01T00:00:00Z'}}},'$version':3}}}");
}

static void a_service_write_is_one_update_of_what_it_touched(void **state) /* facts T-30 */
{
    struct world *w = reading(state);
    cJSON *n;

    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','moduleId':'mod1','patch':{'tags':{'tag1':'new value'},"
                    "'properties':{'desired':{'property1':'new value'}}}");
    n = notice(w, ROOT "dev1/mod1/twinChangeEvents");
    assert_json(w, n, "properties.moduleId", "'mod1'");
    assert_json(w, n, "systemProperties.iothub-connection-module-id", "'mod1'");
    assert_json(
        w, n, "body",
        "{'version':3,'tags':{'tag1':'new value'},'properties':{'desired':{'property1':'new value','$metadata':{"
        "'$lastUpdated':'2030-01-01T00:00:00Z','$lastUpdatedVersion':2,'property1':{"
        "'$lastUpdated':'2030-01-01T00:00:00Z','$lastUpdatedVersion':2}},'$version':2}}}");
    world_tag(w, "{'only':1}");
    n = notice(w, ROOT "dev1/twinChangeEvents");
    assert_json(w, n, "body", "{'version':3,'tags':{'only':1}}");
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':null}}");
    n = notice(w, ROOT "dev1/twinChangeEvents");
    assert_json(w, n, "body.properties.desired.$version", "2");
    assert_json(w, n, "body.tags", NULL);
}

static void a_replacement_is_told_as_the_whole_twin(void **state) /* facts T-30, T-33 */
{
    struct world *w = reading(state);
    cJSON *n, *twin;

    (void)world_desire(w, "{'old':1}");
    (void)world_ask(w, "twin.replace", "'deviceId':'dev1','twin':{'tags':{'t':1},'properties':{'desired':{'new':2}}}");
    n = notice(w, ROOT "dev1/twinChangeEvents");
    assert_json(w, n, "properties.opType", "'replaceTwin'");
    twin = world_twin(w, "dev1");
    assert_true(json_eq(json_at_path(n, STR("body.properties")), json_get(twin, "properties")));
    assert_true(json_eq(json_at_path(n, STR("body.tags")), json_get(twin, "tags")));
    assert_true(json_eq(json_at_path(n, STR("body.etag")), json_get(twin, "etag")));
    assert_json(w, n, "body.version", "4");
    assert_json(w, n, "body.deviceId", "'dev1'");
    assert_json(w, n, "body.status", NULL);
}

static void a_refused_write_and_an_empty_patch_are_told_to_nobody(void **state)
{
    struct world *w = reading(state);
    struct conn dev;

    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'$bad':1}", 400);
    assert_int_equal(count_notices(w), 0);
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{}}}");
    assert_int_equal(count_notices(w), 0);
}

static void an_identity_is_told_with_its_twin_when_it_is_made_and_when_it_goes(void **state) /* facts T-33 */
{
    struct world *w = reading(state);
    cJSON *n;

    (void)world_ask(w, "device.create", "'deviceId':'a#b','twin':{'properties':{'desired':{'x':1}}}");
    n = notice(w, ROOT "a%23b/deviceLifecycleEvents");
    assert_json(w, n, "properties.opType", "'createDeviceIdentity'");
    assert_json(w, n, "properties.iothub-message-schema", "'deviceLifecycleNotification'");
    assert_json(w, n, "body.deviceId", "'a#b'");
    assert_json(w, n, "body.etag", "'AAAAAAAAAAE='");
    assert_json(w, n, "body.version", "2");
    assert_json(w, n, "body.properties.desired.x", "1");
    assert_json(w, n, "body.authentication", NULL);
    (void)world_ask(w, "device.delete", "'deviceId':'a#b'");
    n = notice(w, ROOT "a%23b/deviceLifecycleEvents");
    assert_json(w, n, "properties.opType", "'deleteDeviceIdentity'");
    assert_json(w, n, "body.properties.desired.x", "1");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    n = notice(w, ROOT "dev1/mod1/deviceLifecycleEvents"); /* it goes with its device */
    assert_json(w, n, "properties.opType", "'deleteDeviceIdentity'");
    assert_json(w, n, "body.moduleId", "'mod1'");
    assert_int_equal(count_notices(w), 2);
}

static void connections_are_told_with_a_number_that_only_rises(void **state) /* facts T-34 */
{
    struct world *w = reading(state);
    char last[65] = "";
    struct conn dev;
    cJSON *n;

    is_ready(w);
    for (int round = 0; round < 20; round++) {
        const char *number;

        if (round % 2)
            world_end(w, &dev, ENDED_CLIENT);
        else
            world_connect(w, &dev, "dev1/mod1");
        n = notice(w, ROOT "dev1/mod1/deviceConnectionStateEvents");
        assert_json(w, n, "properties.opType", round % 2 ? "'deviceDisconnected'" : "'deviceConnected'");
        assert_json(w, n, "properties.moduleId", "'mod1'");
        number = json_word(n, "body.sequenceNumber");
        assert_int_equal(strlen(number), 64);
        assert_int_equal(strspn(number, "0123456789ABCDEF"), 64);
        assert_true(strcmp(number, last) > 0);
        (void)snprintf(last, sizeof last, "%s", number);
    }
    /* A hub that begins anew counts from its beginning, which is later. */
    world_pass(w, 1);
    world_restart(w);
    hub_set_readers(w->hub, true);
    is_ready(w);
    world_connect(w, &dev, "dev1/mod1");
    assert_true(
        strcmp(json_word(notice(w, ROOT "dev1/mod1/deviceConnectionStateEvents"), "body.sequenceNumber"), last) > 0);
    world_end(w, &dev, ENDED_CLIENT);
    /* Whoever takes a connection over ends the older one. */
    world_connect(w, &dev, "dev1/mod1");
    world_connect(w, &dev, "dev1/mod1");
    assert_int_equal(count_notices(w), 2);
}

static void telemetry_is_told_as_its_reader_at_an_endpoint_gets_it(void **state) /* facts T-32 */
{
    struct world *w = reading(state);
    struct conn dev;
    cJSON *n;

    world_listen(w, false); /* one stream does not need the other */
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events/%24.ct=application%2Fjson&a=b", "plain"),
                     HUB_ACCEPT);
    n = notice(w, ROOT "dev1/Telemetry");
    assert_json(w, n, "systemProperties.content-type", "'application/json'");
    assert_json(w, n, "systemProperties.iothub-connection-device-id", "'dev1'");
    assert_json(w, n, "systemProperties.iothub-message-source", "'Telemetry'");
    assert_json(w, n, "properties", "{'a':'b'}");
    assert_json(w, n, "body", NULL); /* it is no JSON */
    assert_string_equal(json_word(n, "bodyBase64"), "cGxhaW4=");
    (void)world_publish(w, &dev, "devices/dev1/messages/events", "{\"t\":1.50}");
    assert_json(w, notice(w, ROOT "dev1/Telemetry"), "body", "{'t':1.50}");
}

static void a_security_message_is_told_to_no_endpoint(void **state) /* facts S-13, T-35 */
{
    struct world *w = reading(state);
    struct conn dev;

    world_connect(w, &dev, "dev1/mod1");
    (void)world_publish(
        w, &dev, "devices/dev1/modules/mod1/messages/events/%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1",
        "{}");
    assert_int_equal(count_notices(w), 0);
    assert_json(w, world_event(w, "telemetry"), "security", "true");
}

static void nothing_is_built_while_nobody_reads(void **state)
{
    struct world *w = reading(state);
    struct conn dev;

    hub_set_readers(w->hub, false);
    world_twin_client(w, &dev, "dev1");
    assert_int_equal(count_notices(w), 0);
    world_report(w, &dev, "{'a':1}", 204);
    (void)world_publish(w, &dev, "devices/dev1/messages/events", "x");
    assert_int_equal(count_notices(w), 0);
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    assert_int_equal(count_notices(w), 0);
}

static void only_who_may_service_connect_reads_them(void **state)
{
    struct world *w = *state;
    struct conn service, registry, dev;

    world_create(w, "dev1");
    world_service(w, &service, "service");
    world_service(w, &registry, "registryRead");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_subscribe(w, &service, ROOT "#", 0), HUB_ACCEPT);
    assert_true(hub_may_read(&service, STR(ROOT "dev1/Telemetry")));
    assert_int_equal(world_subscribe(w, &registry, ROOT "#", 0), HUB_DENY);
    assert_false(hub_may_read(&registry, STR(ROOT "dev1/Telemetry")));
    assert_int_equal(world_subscribe(w, &service, "$twinsim/#", 0), HUB_DENY);
    assert_int_equal(world_subscribe(w, &dev, ROOT "#", 0), HUB_CLOSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reported_change_is_an_update_with_metadata_of_what_it_names),
        WORLD_TEST(a_service_write_is_one_update_of_what_it_touched),
        WORLD_TEST(a_replacement_is_told_as_the_whole_twin),
        WORLD_TEST(a_refused_write_and_an_empty_patch_are_told_to_nobody),
        WORLD_TEST(an_identity_is_told_with_its_twin_when_it_is_made_and_when_it_goes),
        WORLD_TEST(connections_are_told_with_a_number_that_only_rises),
        WORLD_TEST(telemetry_is_told_as_its_reader_at_an_endpoint_gets_it),
        WORLD_TEST(a_security_message_is_told_to_no_endpoint),
        WORLD_TEST(nothing_is_built_while_nobody_reads),
        WORLD_TEST(only_who_may_service_connect_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
