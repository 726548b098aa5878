/* test_hub_event.c - the event stream: numbered without a gap, built for listeners only, and without secrets.
 *
 * What must hold for every event (number, topic, no key or token in it) is asserted by the world in every turn of every test.
 */
#include <stdio.h>

#include "hub_world.h"

/* A turn of each kind, events and all. */
static void live_a_little(struct world *w)
{
    struct conn dev, mod, bad;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'a':1}", 204);
    world_report(w, &dev, "[1]", 400);
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""), HUB_SWALLOW);
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events/", "{'t':1}"), HUB_ACCEPT);
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'tags':{'t':1},'properties':{'desired':{'a':1}}}");
    (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'both'");
    assert_int_equal(world_login(w, &bad, "dev1", &(struct login){.password = "no"}), HUB_CLOSE);
    world_connect(w, &mod, "dev1/m");
    assert_int_equal(world_publish(w, &mod, "foo", ""), HUB_CLOSE);
    world_end(w, &mod, ENDED_ERROR);
    (void)world_ask(w, "fault.add", "'deviceId':'dev1','type':'disconnect'");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
}

static void numbers_go_on_whether_anybody_listens_or_not(void **state)
{
    struct world *w = *state;
    uint64_t first, second;
    struct conn dev;

    live_a_little(w);
    first = hub_seq(w->hub);
    assert_true(first > 15);
    world_listen(w, false);
    live_a_little(w);
    second = hub_seq(w->hub);
    assert_int_equal(second, 2 * first);
    world_listen(w, true);
    world_create(w, "dev1");
    assert_int_equal(json_number(world_event(w, "created"), "seq"), second + 1);
    world_connect(w, &dev, "dev1");
    assert_int_equal(json_number(world_event(w, "connected"), "seq"), second + 2);
    assert_int_equal(json_number(world_status(w), "seq"), second + 2);
}

static void nobody_listening_gets_no_event_and_everything_else_happens(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_listen(w, false);
    world_create(w, "dev1");
    assert_int_equal(world_count(w, OUT_EVENT), 0);
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'a':1}", 204);
    assert_int_equal(w->out.len, 2); /* row and answer */
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events/a=b", "x"), HUB_ACCEPT);
    assert_int_equal(w->out.len, 0);
    assert_int_equal(world_publish(w, &dev, "devices/dev1/messages/events/a=1&&", "x"), HUB_CLOSE);
    assert_int_equal(w->out.len, 0);
    assert_string_equal(w->why, "the property bag is malformed"); /* the log may still say why */
    (void)world_ask(w, "twin.update", "'deviceId':'dev1','patch':{'properties':{'desired':{'a':1}}}");
    assert_int_equal(w->out.len, 3); /* row, note, answer */
}

static void an_event_says_when_who_and_why(void **state)
{
    struct world *w = *state;
    struct conn mod;
    cJSON *event;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    w->now.us = INT64_C(1900000000123456); /* the hub's clock may be moved; the other one never jumps */
    w->now.mono_us += 7;
    world_connect(w, &mod, "dev1/m");
    event = world_event(w, "connected");
    assert_json(w, event, "time", "'2030-03-17T17:46:40.123456Z'");
    assert_int_equal(json_number(event, "mono_us"), w->now.mono_us);
    assert_json(w, event, "kind", "'connected'");
    assert_json(w, event, "device", "'dev1'");
    assert_json(w, event, "module", "'m'");
    assert_int_equal(json_number(event, "conn"), mod.no);
    w->now.us = INT64_C(1000000000000000);
    (void)world_ask(w, "device.update", "'deviceId':'dev1','statusReason':'x'");
    event = world_event(w, "updated");
    assert_json(w, event, "time", "'2001-09-09T01:46:40Z'");
    assert_json(w, event, "cause", "'c-device.update'");
    assert_json(w, event, "conn", NULL);
    assert_json(w, event, "module", NULL);
}

static void ids_are_percent_encoded_in_topics_and_plain_in_objects(void **state)
{
    static const struct {
        const char *id, *topic;
    } rows[] = {
        {"a#b+c", "$twinsim/v1/events/a%23b%2Bc/created"},
        {"50%", "$twinsim/v1/events/50%25/created"},
        {"it's(x)*!", "$twinsim/v1/events/it%27s%28x%29%2A%21/created"},
        {"a=b;c,d:e@f?g$h", "$twinsim/v1/events/a%3Db%3Bc%2Cd%3Ae%40f%3Fg%24h/created"},
        {"A-b.c_d", "$twinsim/v1/events/A-b.c_d/created"},
        {"50%/#", "$twinsim/v1/events/50%25/%23/created"},
    };
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(rows); n++) {
        world_create(w, rows[n].id);
        assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, rows[n].topic);
    }
}

static void a_device_can_not_write_into_the_stream(void **state)
{
    static const char patch[] = "{'seq':1,'kind':'created','device':'x','a':'\\\",\\\"seq\\\":9'}";
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, patch, 204);
    event = world_event(w, "reported");
    assert_json(w, event, "kind", "'reported'");
    assert_json(w, event, "patch", patch);
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=\"},{\n\x01\xff", ""), HUB_SWALLOW);
    assert_non_null(strstr(json_word(world_event(w, "twin-get"), "rid"), "\"},{\n\x01\xef\xbf\xbd"));
}

static void the_hub_announces_itself(void **state)
{
    static const char *const kinds[] = {"hub-ready", "hub-stopping"};
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(kinds); n++) {
        char topic[64];

        world_begin(w);
        hub_announce(w->hub, kinds[n], w->now, &w->out);
        assert_true(world_commit(w));
        (void)snprintf(topic, sizeof topic, "$twinsim/v1/hub/%s", kinds[n]);
        assert_string_equal(world_out(w, OUT_EVENT, 0)->topic, topic);
        assert_json(w, world_event(w, kinds[n]), "device", NULL);
    }
}

/* facts C-15 */
static void errors_are_objects_with_the_members_of_the_real_ones(void **state)
{
    struct world *w = *state;
    struct buf b;
    cJSON *error;

    buf_init(&b, 0);
    hub_print_failure(w->hub, w->now, &b);
    error = world_read(w, b.at);
    assert_json(w, error, "errorCode", "500001");
    assert_json(w, error, "timestampUtc", "'2030-01-01T00:00:00Z'");
    assert_non_null(strstr(json_word(error, "trackingId"), "-G:1-TimeStamp:01/01/2030 00:00:00"));
    buf_reset(&b);
    hub_print_error(w->hub, 400004, "a \"quoted\"\nmessage", w->now, &b);
    assert_string_equal(json_word(world_read(w, b.at), "message"), "a \"quoted\"\nmessage");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(numbers_go_on_whether_anybody_listens_or_not),
        WORLD_TEST(nobody_listening_gets_no_event_and_everything_else_happens),
        WORLD_TEST(an_event_says_when_who_and_why),
        WORLD_TEST(ids_are_percent_encoded_in_topics_and_plain_in_objects),
        WORLD_TEST(a_device_can_not_write_into_the_stream),
        WORLD_TEST(the_hub_announces_itself),
        WORLD_TEST(errors_are_objects_with_the_members_of_the_real_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
