/* test_hub_message_queue.c - messages that wait: how many, how long, who looks at them, who throws them away, and what their sender hears. */
#include <stdio.h>

#include "hub_world.h"

#define BOUND "devices/dev1/messages/devicebound/#"

static const struct login through_the_gateway = {.has_gateway = true};

static uint64_t send(struct world *w, const char *members)
{
    return (uint64_t)json_number(world_ask(w, "message.send", "'deviceId':'dev1',%s", members), "sequenceNumber");
}

static void listen(struct world *w, struct conn *dev)
{
    assert_int_equal(world_login(w, dev, "dev1", &through_the_gateway), HUB_ACCEPT);
    assert_int_equal(world_subscribe(w, dev, BOUND, 1), HUB_ACCEPT);
}

static int64_t waiting(struct world *w)
{
    return json_number(world_ask(w, "device.show", "'deviceId':'dev1'"), "cloudToDeviceMessageCount");
}

static cJSON *feedback(struct world *w)
{
    return json_get(world_ask(w, "feedback.receive", "'correlationData':1"), "items");
}

/* facts M-22 */
static void the_51st_message_is_refused_and_the_50_stay(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t first;

    world_create(w, "dev1");
    first = send(w, "'body':1");
    for (int n = 1; n < 50; n++)
        (void)send(w, "'body':1");
    (void)world_refused(w, 403, 403004, "message.send", "'deviceId':'dev1','body':1");
    assert_int_equal(waiting(w), 50);
    listen(w, &dev);
    (void)world_refused(w, 403, 403004, "message.send", "'deviceId':'dev1','body':1"); /* on its way is waiting, too */
    world_puback(w, &dev, first);
    (void)send(w, "'body':1");
    assert_int_equal(waiting(w), 50);
}

static void a_message_whose_time_is_over_takes_no_place_even_if_nobody_has_looked_yet(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    for (int n = 0; n < 50; n++)
        (void)send(w, "'timeToLive':'60s'");
    world_restart(w); /* none of them is in memory */
    world_pass(w, 60);
    (void)send(w, "'body':1");
    assert_int_equal(world_count_events(w, "message-settled"), 50);
    assert_int_equal(waiting(w), 1);
}

static void nobody_s_messages_are_read_for_whoever_does_not_know_a_key(void **state)
{
    struct world *w = *state;
    const struct identity *i;
    struct sas_key key = world_key("dev2", 1, false);
    struct conn dev;
    struct login stranger = {.has_gateway = true};

    world_create(w, "dev1");
    listen(w, &dev);
    world_end(w, &dev, ENDED_CLIENT);
    (void)send(w, "'body':1");
    w->options.cache_bytes = 1 << 20; /* so that we see what was read */
    world_restart(w);
    stranger.password = world_token(w, WORLD_HOST "/devices/dev1", &key, NULL, WORLD_NOW_S + 60);
    assert_int_equal(world_login(w, &dev, "dev1", &stranger), HUB_CLOSE);
    i = hub_find(w->hub, STR("dev1"));
    assert_int_equal(i->messages.count, 1);
    assert_int_equal(i->messages.n, 0);
    assert_int_equal(world_login(w, &dev, "dev1", &through_the_gateway), HUB_ACCEPT); /* its session listens still */
    assert_int_equal(hub_find(w->hub, STR("dev1"))->messages.n, 1);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
}

static void each_identity_has_a_queue_of_its_own(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    for (int n = 0; n < 50; n++)
        (void)send(w, "'body':1");
    (void)world_ask(w, "message.send", "'deviceId':'dev1','moduleId':'m'");
    assert_json(w, world_twin(w, "dev1"), "cloudToDeviceMessageCount", "50");
    assert_json(w, world_twin(w, "dev1/m"), "cloudToDeviceMessageCount", "1");
    assert_json(w, world_ask(w, "query", "'query':'SELECT deviceId FROM devices WHERE cloudToDeviceMessageCount = 50'"),
                "items", "[{'deviceId':'dev1'}]");
}

/* facts L-03 */
static void a_message_waits_an_hour_of_the_hubs_time_when_nobody_says(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    (void)send(w, "'messageId':'m'");
    world_pass(w, 3599);
    (void)world_tick(w);
    assert_int_equal(waiting(w), 1);
    (void)world_ask(w, "clock.advance", "'by':'1s'");
    (void)world_tick(w);
    assert_json(w, world_event(w, "message-settled"), "result", "'expired'");
    assert_json(w, world_event(w, "message-settled"), "messageId", "'m'");
    assert_int_equal(waiting(w), 0);
}

static void the_hub_can_be_told_how_long(void **state)
{
    struct world *w = *state;

    w->options.message_ttl_us = 60 * WORLD_SECOND;
    world_restart(w);
    world_create(w, "dev1");
    (void)send(w, "'body':1");
    assert_json(w, world_event(w, "message-queued"), "expiryTimeUtc", "'2030-01-01T00:01:00Z'");
}

static void the_sender_can_say_how_long_and_a_time_that_is_over_is_over_at_once(void **state)
{
    struct world *w = *state;
    int64_t next;

    world_create(w, "dev1");
    (void)send(w, "'timeToLive':'10s'");
    (void)send(w, "'timeToLive':'5s'");
    (void)send(w, "'expiryTimeUtc':'2031-01-01T00:00:00Z'");
    next = world_tick(w);
    assert_int_equal(next, w->now.mono_us + 5 * WORLD_SECOND); /* it wants to be called then */
    world_pass(w, 5);
    next = world_tick(w);
    assert_int_equal(world_count_events(w, "message-settled"), 1);
    assert_int_equal(next, w->now.mono_us + 5 * WORLD_SECOND);
    world_pass(w, 5);
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "message-settled"), 1);
    assert_int_equal(waiting(w), 1);
    (void)send(w, "'expiryTimeUtc':'2029-01-01T00:00:00Z','ack':'negative'");
    (void)world_tick(w);
    assert_json(w, world_event(w, "message-settled"), "result", "'expired'");
    assert_int_equal(waiting(w), 1);
}

static void a_time_that_is_over_is_over_for_who_is_connected_too_and_the_answer_shows_it(void **state)
{
    struct world *w = *state;
    struct conn dev;
    const cJSON *answer;

    world_create(w, "dev1");
    listen(w, &dev);
    answer = world_ask(w, "message.send", "'deviceId':'dev1','ack':'full','expiryTimeUtc':'2029-12-31T23:59:59Z'");
    assert_string_equal(json_word(answer, "enqueuedTimeUtc"), "2030-01-01T00:00:00Z");
    assert_string_equal(json_word(answer, "expiryTimeUtc"), "2029-12-31T23:59:59Z");
    assert_int_equal(world_count_events(w, "message-queued"), 1);
    assert_json(w, world_event(w, "message-settled"), "result", "'expired'"); /* in the same turn */
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, CONTROL_TOPIC "/response");
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    world_pass(w, 15);
    assert_string_equal(json_word(cJSON_GetArrayItem(feedback(w), 0), "statusCode"), "Expired");
}

static void an_expired_message_is_not_delivered_even_if_nobody_has_looked_yet(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    listen(w, &dev);
    world_end(w, &dev, ENDED_CLIENT);
    (void)send(w, "'timeToLive':'10s','body':'old'");
    (void)send(w, "'body':'new'");
    world_pass(w, 10);
    assert_int_equal(world_login(w, &dev, "dev1", &through_the_gateway), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->body, "new");
    assert_json(w, world_event(w, "message-settled"), "result", "'expired'");
}

static void what_is_on_its_way_expires_only_when_it_is_back_in_the_queue(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    listen(w, &dev);
    (void)send(w, "'timeToLive':'10s'");
    world_pass(w, 60);
    assert_int_equal(world_tick(w),
                     w->now.mono_us + 3540 * WORLD_SECOND + 1); /* nothing to wait for but the token's end */
    assert_int_equal(world_count_events(w, "message-settled"), 0);
    world_end(w, &dev, ENDED_CLIENT);
    (void)world_tick(w);
    assert_json(w, world_event(w, "message-settled"), "result", "'expired'");
    assert_int_equal(waiting(w), 0);
}

static void messages_survive_a_restart_and_so_does_their_time(void **state)
{
    struct world *w = *state;
    uint64_t last;

    world_create(w, "dev1");
    (void)send(w, "'timeToLive':'10s'");
    last = send(w, "'body':1");
    world_restart(w);
    assert_int_equal(waiting(w), 2);
    world_pass(w, 10);
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "message-settled"), 1);
    assert_true(send(w, "'body':2") > last); /* no number comes twice */
    assert_int_equal(waiting(w), 2);
}

static void a_frozen_clock_lets_nothing_expire(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    (void)send(w, "'timeToLive':'10s'");
    (void)world_ask(w, "clock.freeze", "'correlationData':1");
    world_pass(w, 100);
    assert_int_equal(world_tick(w), INT64_MAX);
    assert_int_equal(waiting(w), 1);
    (void)world_ask(w, "clock.advance", "'by':'10s'");
    (void)world_tick(w);
    assert_int_equal(waiting(w), 0);
}

/* facts M-44: nothing that happens over MQTT counts as a delivery */
static void a_list_shows_all_that_waits_in_order(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *items;

    world_create(w, "dev1");
    assert_json(w, world_ask(w, "message.list", "'deviceId':'dev1'"), "items", "[]");
    listen(w, &dev);
    (void)send(w, "'messageId':'one','body':{'a':1},'properties':{'k':'v'},'ack':'full','timeToLive':'1m'");
    assert_int_equal(world_unsubscribe(w, &dev, BOUND), HUB_ACCEPT);
    (void)send(w, "'bodyBase64':'/w=='");
    items = json_get(world_ask(w, "message.list", "'deviceId':'dev1'"), "items");
    assert_int_equal(cJSON_GetArraySize(items), 2);
    assert_json(w, items->child, "",
                "{'sequenceNumber':1,'enqueuedTimeUtc':'2030-01-01T00:00:00Z','expiryTimeUtc':'2030-01-01T00:01:00Z',"
                "'ack':'full','inFlight':true,'deliveryCount':0,'system':{'message-id':'one',"
                "'to':'/devices/dev1/messages/deviceBound','absolute-expiry-time':'2030-01-01T00:01:00Z'},"
                "'properties':{'k':'v'},'body':{'a':1}}");
    assert_json(w, items->child->next, "inFlight", "false");
    assert_json(w, items->child->next, "bodyBase64", "'/w=='");
}

static void a_purge_ends_all_of_them_even_those_on_their_way(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t a;

    world_create(w, "dev1");
    assert_json(w, world_ask(w, "message.purge", "'deviceId':'dev1'"), "",
                "{'totalMessagesPurged':0,'deviceId':'dev1','moduleId':null}");
    listen(w, &dev);
    a = send(w, "'body':1");
    (void)send(w, "'body':2");
    assert_json(w, world_ask(w, "message.purge", "'deviceId':'dev1'"), "totalMessagesPurged", "2");
    assert_int_equal(world_count_events(w, "message-settled"), 2);
    assert_int_equal(waiting(w), 0);
    world_puback(w, &dev, a); /* it ended by the purge, and once */
    assert_int_equal(world_count(w, OUT_MESSAGE_GONE), 0);
}

static void with_its_identity_a_queue_vanishes(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    (void)send(w, "'ack':'full','timeToLive':'5s'");
    (void)send(w, "'ack':'full'");
    world_pass(w, 5);
    (void)world_tick(w);
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    assert_int_equal(world_count_events(w, "message-settled"), 0);
    world_create(w, "dev1");
    assert_int_equal(waiting(w), 0);
    world_pass(w, 7200);
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "message-settled"), 0);
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 0); /* its feedback, too */
}

/* facts M-42 */
static void feedback_tells_the_sender_in_the_hubs_own_words(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *items, *event;
    uint64_t number;
    const char *generation;

    world_create(w, "dev1");
    generation = json_word(world_ask(w, "device.show", "'deviceId':'dev1'"), "generationId");
    listen(w, &dev);
    number = send(w, "'messageId':'m-1','ack':'full'");
    (void)send(w, "'messageId':'m-2','ack':'positive'");
    world_pass(w, 1);
    world_puback(w, &dev, number);
    (void)world_ask(w, "message.purge", "'deviceId':'dev1'"); /* m-2 was to be told of when it succeeds */
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 0);     /* not yet */
    world_pass(w, 14);
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "feedback"), 0);
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 0);
    world_pass(w, 1);
    (void)world_tick(w);
    event = world_event(w, "feedback");
    assert_json(w, event, "records", "1");
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "feedback"), 0); /* told once */
    items = feedback(w);
    assert_int_equal(cJSON_GetArraySize(items), 1);
    assert_string_equal(json_word(items->child, "deviceGenerationId"), generation);
    json_remove(items->child, "deviceGenerationId");
    assert_json(w, items->child, "",
                "{'originalMessageId':'m-1','enqueuedTimeUtc':'2030-01-01T00:00:01Z','statusCode':'Success',"
                "'description':'Success','deviceId':'dev1'}");
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 0); /* it is handed out once */
}

static void feedback_of_64_leaves_without_waiting(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    for (int n = 0; n < 70; n++) {
        (void)send(w, "'ack':'negative'");
        if (n % 35 == 34)
            (void)world_ask(w, "message.purge", "'deviceId':'dev1'");
    }
    (void)world_tick(w);
    assert_json(w, world_event(w, "feedback"), "records", "70");
    world_restart(w);
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 64);
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 0); /* six wait for more, or for their time */
    world_pass(w, 15);
    (void)world_tick(w);
    assert_json(w, world_event(w, "feedback"), "records", "6");
    assert_string_equal(json_word(feedback(w)->child, "statusCode"), "Purged");
}

static void feedback_that_nobody_fetches_is_forgotten_after_an_hour(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    (void)send(w, "'ack':'full','timeToLive':'1s'");
    world_pass(w, 1);
    (void)world_tick(w);
    (void)send(w, "'ack':'full','timeToLive':'600s'");
    world_pass(w, 600);
    (void)world_tick(w);
    world_pass(w, 3000);
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_FEEDBACK_GONE), 1);
    assert_int_equal(world_count_events(w, "feedback"), 0);
    (void)world_tick(w);
    assert_json(w, world_event(w, "feedback"), "records", "1"); /* the younger, which nobody was told of */
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "feedback"), 0);
    assert_int_equal(cJSON_GetArraySize(feedback(w)), 1);
}

static void no_more_feedback_is_written_than_the_hub_keeps(void **state)
{
    struct world *w = *state;
    struct message_state full = {.last_number = 9000,
                                 .next_expiry_us = INT64_MAX,
                                 .feedback = FEEDBACK_MAX - 1,
                                 .oldest_feedback_us = hub_now(w->hub, w->now).us};

    world_create(w, "dev1");
    hub_set_message_state(w->hub, &full);
    for (int n = 0; n < 3; n++)
        (void)send(w, "'ack':'full'");
    assert_json(w, world_ask(w, "message.purge", "'deviceId':'dev1'"), "totalMessagesPurged", "3");
    assert_int_equal(world_count(w, OUT_MESSAGE_GONE), 3);
    assert_int_equal(world_count(w, OUT_FEEDBACK), 1);
}

static void who_is_not_there_is_sent_nothing(void **state)
{
    static const char *const names[] = {"message.send", "message.list", "message.purge"};
    struct world *w = *state;
    struct conn reader;

    for (size_t n = 0; n < COUNT(names); n++)
        (void)world_refused(w, 404, 404001, names[n], "'deviceId':'nobody'");
    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(names); n++)
        (void)world_refused(w, 404, 404010, names[n], "'deviceId':'dev1','moduleId':'nobody'");
    (void)world_refused(w, 400, 400004, "message.send", "'deviceId':'dev1','colour':'red'");
    world_service(w, &reader, "registryRead");
    assert_json(w, world_ask_as(w, &reader, "message.send", "'deviceId':'dev1'"), "status", "401");
    assert_json(w, world_ask_as(w, &reader, "feedback.receive", "'correlationData':1"), "status", "401");
    assert_int_equal(waiting(w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_51st_message_is_refused_and_the_50_stay),
        WORLD_TEST(a_message_whose_time_is_over_takes_no_place_even_if_nobody_has_looked_yet),
        WORLD_TEST(nobody_s_messages_are_read_for_whoever_does_not_know_a_key),
        WORLD_TEST(each_identity_has_a_queue_of_its_own),
        WORLD_TEST(a_message_waits_an_hour_of_the_hubs_time_when_nobody_says),
        WORLD_TEST(the_hub_can_be_told_how_long),
        WORLD_TEST(the_sender_can_say_how_long_and_a_time_that_is_over_is_over_at_once),
        WORLD_TEST(a_time_that_is_over_is_over_for_who_is_connected_too_and_the_answer_shows_it),
        WORLD_TEST(an_expired_message_is_not_delivered_even_if_nobody_has_looked_yet),
        WORLD_TEST(what_is_on_its_way_expires_only_when_it_is_back_in_the_queue),
        WORLD_TEST(messages_survive_a_restart_and_so_does_their_time),
        WORLD_TEST(a_frozen_clock_lets_nothing_expire),
        WORLD_TEST(a_list_shows_all_that_waits_in_order),
        WORLD_TEST(a_purge_ends_all_of_them_even_those_on_their_way),
        WORLD_TEST(with_its_identity_a_queue_vanishes),
        WORLD_TEST(feedback_tells_the_sender_in_the_hubs_own_words),
        WORLD_TEST(feedback_of_64_leaves_without_waiting),
        WORLD_TEST(feedback_that_nobody_fetches_is_forgotten_after_an_hour),
        WORLD_TEST(no_more_feedback_is_written_than_the_hub_keeps),
        WORLD_TEST(who_is_not_there_is_sent_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
