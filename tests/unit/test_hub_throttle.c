/* test_hub_throttle.c - a hub of some tier: what it does at once, what waits, what it refuses, and how each is told. */
#include <stdio.h>

#include "hub_world.h"

#define TELEMETRY "devices/dev1/messages/events/"
#define GET       "$iothub/twin/GET/?$rid="
#define REPORT    "$iothub/twin/PATCH/properties/reported/?$rid="

/* A hub of that profile, with dev1. */
static struct world *begin(void **state, const char *profile)
{
    struct world *w = *state;

    assert_int_equal(profile_read(str_from(profile), &w->options.profile), RC_OK);
    world_restart(w);
    world_create(w, "dev1");
    return w;
}

/* Publish, and count the answers of that turn. */
static size_t answers(struct world *w, struct conn *dev, const char *topic, const char *body)
{
    assert_int_equal(world_publish(w, dev, topic, body), HUB_SWALLOW);
    return world_count(w, OUT_PUBLISH);
}

static void twin_requests_are_answered_at_once_then_later_then_with_429(void **state) /* facts L-02, L-15, L-19 */
{
    struct world *w = begin(state, "S1");
    struct conn dev;

    world_twin_client(w, &dev, "dev1");
    for (int n = 0; n < 50 * 60; n++)
        world_report(w, &dev, "[]", 400); /* it counts, and leaves no trace in the journal */
    for (int n = 1; n <= 50 * 10; n++) {
        assert_int_equal(answers(w, &dev, REPORT "late", n == 1 ? "{\"n\":2}" : "[]"), 0);
        if (n == 1) /* carried out, though its answer waits */
            assert_json(w, world_twin(w, "dev1"), "properties.reported.n", "2");
    }
    world_report(w, &dev, "{'n':3}", 429);
    assert_json(w, world_event(w, "reported"), "status", "429");
    assert_non_null(strstr(world_out(w, OUT_PUBLISH, 0)->body, "429001"));
    assert_json(w, world_twin(w, "dev1"), "properties.reported.n", "2");
    /* They leave one by one, 20 ms apart, in order. */
    w->now.mono_us += 20001;
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, "$iothub/twin/res/204/?$rid=late&$version=2");
    assert_true(world_out(w, OUT_PUBLISH, 0)->is_late);
    world_pass(w, 1);
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_PUBLISH), 50);
    world_pass(w, 10);
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_PUBLISH), 449);
    assert_string_equal(world_out(w, OUT_PUBLISH, 448)->topic, "$iothub/twin/res/400/?$rid=late");
    /* Reads have a bucket of their own; and a minute later all is as it was. */
    assert_int_equal(answers(w, &dev, GET "1", ""), 1);
    world_pass(w, 60);
    world_report(w, &dev, "{'n':4}", 204);
}

static void what_waits_for_a_connection_goes_with_it(void **state)
{
    struct world *w = begin(state, "F1");
    struct conn dev;

    world_twin_client(w, &dev, "dev1");
    for (int n = 0; n < 50 * 60; n++)
        world_report(w, &dev, "[]", 400); /* it counts, and leaves no trace in the journal */
    assert_int_equal(answers(w, &dev, REPORT "x", "{}"), 0);
    world_end(w, &dev, ENDED_CLIENT);
    world_twin_client(w, &dev, "dev1");
    world_pass(w, 5);
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_PUBLISH), 0);
}

static void messages_pass_then_wait_then_end_the_connection(void **state) /* facts L-15, L-19 */
{
    struct world *w = begin(state, "S1");
    struct conn dev;

    world_connect(w, &dev, "dev1");
    for (int n = 0; n < 100 * 60; n++) {
        assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_ACCEPT);
        assert_int_equal(world_count_events(w, "telemetry"), 1);
    }
    assert_int_equal(world_publish(w, &dev, TELEMETRY "a=1&&b=2", "x"), HUB_CLOSE); /* it waits for nothing */
    for (int n = 1; n < 100 * 10; n++) {
        assert_int_equal(world_publish(w, &dev, TELEMETRY "n=late", "x"), HUB_SWALLOW);
        assert_int_equal(world_count_events(w, "telemetry"), 0);
    }
    assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_CLOSE);
    assert_non_null(strstr(json_word(world_event(w, "violation"), "reason"), "429001"));
    w->now.mono_us += 1000001;
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "telemetry"), 99);
    world_end(w, &dev, ENDED_ERROR); /* the rest was acknowledged: it is not lost with the connection */
    assert_int_equal(world_count_events(w, "telemetry"), 900);
}

static void the_day_s_quota_ends_the_connection_until_midnight(void **state) /* facts L-09, L-18 */
{
    struct world *w = begin(state, "F1");
    char big[4097];
    struct conn dev;

    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    world_connect(w, &dev, "dev1");
    for (int n = 0; n < 1000; n++) /* 8 messages of half a KB each */
        assert_int_equal(world_publish(w, &dev, TELEMETRY, big), HUB_ACCEPT);
    assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_CLOSE);
    assert_non_null(strstr(json_word(world_event(w, "violation"), "reason"), "403002"));
    world_end(w, &dev, ENDED_ERROR);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_CLOSE);
    world_end(w, &dev, ENDED_ERROR);
    world_pass(w, 86400);
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, TELEMETRY, "x"), HUB_ACCEPT);
}

static void connections_over_the_rate_are_closed_without_a_connack(void **state) /* facts L-15 */
{
    struct world *w = begin(state, "S1");
    struct conn dev;

    for (int n = 0; n < 100 * 70; n++)
        world_connect(w, &dev, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CUT);
    assert_non_null(strstr(json_word(world_event(w, "refused"), "reason"), "throttled"));
    world_pass(w, 1);
    world_connect(w, &dev, "dev1");
}

/* Send a command with that ticket. returns whether its answer comes later */
static bool send(struct world *w, const char *text, uint64_t ticket)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner, .ticket = ticket, .command = world_json(w, text)};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    return r.is_later;
}

static void a_service_s_answers_wait_and_then_are_refusals(void **state) /* facts L-02, L-19 */
{
    static const char query[] = "{'command':'query','query':'SELECT * FROM devices'}";
    struct world *w = begin(state, "S1"); /* 20 queries a minute */

    for (uint64_t n = 1; n <= 20; n++)
        assert_false(send(w, query, n));
    for (uint64_t n = 21; n <= 23; n++) {
        assert_true(send(w, query, n));
        assert_int_equal(world_count(w, OUT_PUBLISH), 0);
    }
    (void)world_refused(w, 429, 429001, "query", "'query':'SELECT * FROM devices'");
    w->now.mono_us += 3000001;
    assert_true(world_tick(w) > w->now.mono_us);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->ticket, 21);
    assert_non_null(strstr(world_out(w, OUT_PUBLISH, 0)->body, "\"status\":200"));
    hub_abandon(w->hub, 22); /* its turn could not be stored, and its sender knows */
    w->now.mono_us += 6000001;
    (void)world_tick(w);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->ticket, 23);
    assert_json(w, world_ask(w, "hub.status", "%s", "'correlationData':1"), "connected", "0"); /* counts as nothing */
}

/* Every command of a kind draws from the same bucket, devices' requests too (facts L-15). */
static void reads_updates_and_registry_operations_have_a_bucket_each_for_all_that_count(void **state)
{
    static const struct {
        const char *command, *members, *drain; /* drain: what empties the bucket */
        int n;                                 /* of it pass or wait */
    } rows[] = {
        {"device.create", "'deviceId':'new'", NULL, 116},
        {"device.list", "", NULL, 116},
        {"device.update", "'deviceId':'dev1'", NULL, 116},
        {"device.renew-key", "'deviceId':'dev1','keyType':'both'", NULL, 116},
        {"module.create", "'deviceId':'dev1','moduleId':'m'", NULL, 116},
        {"module.list", "'deviceId':'dev1'", NULL, 116},
        {"twin.show", "'deviceId':'dev1'", GET "1", 7000},
        {"twin.update", "'deviceId':'dev1','patch':{}", REPORT "1", 3500},
        {"twin.replace", "'deviceId':'dev1','twin':{}", REPORT "1", 3500},
        {"device.delete", "'deviceId':'dev1'", NULL, 116},
    };
    struct world *w = begin(state, "S1");

    for (size_t k = 0; k < COUNT(rows); k++) {
        struct conn dev;

        world_restart(w); /* full buckets */
        world_twin_client(w, &dev, "dev1");
        for (int n = 0; n < rows[k].n; n++) {
            if (rows[k].drain)
                (void)answers(w, &dev, rows[k].drain, "[]");
            else
                (void)send(w, "{'command':'device.show','deviceId':'dev1'}", 1);
        }
        (void)world_refused(w, 429, 429001, rows[k].command, "%s", rows[k].members);
        world_pass(w, 70);
        (void)world_tick(w);
        (void)world_ask(w, rows[k].command, "%s", rows[k].members);
    }
}

static void answers_that_wait_leave_when_the_hub_stops(void **state)
{
    static const char show[] = "{'command':'device.show','deviceId':'dev1'}";
    struct world *w = begin(state, "S1");
    uint64_t ticket = 1;

    while (!send(w, show, ticket))
        ticket++;
    world_begin(w);
    hub_announce(w->hub, "hub-stopping", w->now, &w->out);
    assert_true(world_commit(w));
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->ticket, ticket);
}

static void methods_count_by_their_payload_in_steps_of_4_kb(void **state) /* facts L-15 */
{
    static const char call[] = "{'command':'method.invoke','deviceId':'dev1','methodName':'m'}";
    struct world *w = begin(state, "S1");
    char large[8192 + 256], text[8192 + 512];
    int small = 60 * 40 - 2 - 10 * 40; /* what two large ones and the backlog leave */

    memset(large, 'x', 8192);
    large[8192] = '\0'; /* with its quotes more than two steps */
    (void)snprintf(text, sizeof text, "{'command':'method.invoke','deviceId':'dev1','methodName':'m','payload':'%s'}",
                   large);
    for (int n = 0; n < 70 * 40 - 3; n++) {
        assert_false(send(w, call, 1));
        if (strstr(world_out(w, OUT_PUBLISH, 0)->body, "429001"))
            fail_msg("refused after %d, %d", n, small);
    }
    assert_false(send(w, text, 1)); /* exactly what is left */
    assert_null(strstr(world_out(w, OUT_PUBLISH, 0)->body, "429001"));
    assert_false(send(w, call, 1));
    assert_non_null(strstr(world_out(w, OUT_PUBLISH, 0)->body, "429001"));
}

static void messages_to_devices_have_a_rate_and_count_in_the_day(void **state) /* facts L-09, L-15, L-18 */
{
    struct world *w = begin(state, "F1"); /* 100 a minute, 8,000 half KBs a day */
    char id[16], body[16 * 1024 + 1];

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (int n = 2; n <= 5; n++) {
        (void)snprintf(id, sizeof id, "dev%d", n);
        world_create(w, id);
    }
    for (int n = 0; n < 250; n++) { /* 32 half KBs each */
        if (n == 100)
            world_pass(w, 60);
        if (n == 200)
            world_pass(w, 60);
        (void)world_ask(w, "message.send", "'deviceId':'dev%d','body':'%s'", n / 50 + 1, body);
    }
    (void)world_refused(w, 403, 403002, "message.send", "'deviceId':'dev1','body':'x'");
    world_pass(w, 86400);
    (void)world_ask(w, "message.purge", "'deviceId':'dev1'");
    for (int n = 0; n < 50; n++)
        (void)world_ask(w, "message.send", "'deviceId':'dev1','body':'x'");
    (void)world_ask(w, "message.purge", "'deviceId':'dev1'");
    for (int n = 0; n < 50; n++)
        (void)world_ask(w, "message.send", "'deviceId':'dev1','body':'x'");
    (void)world_ask(w, "message.purge", "'deviceId':'dev1'");
    for (uint64_t n = 1; n <= 16; n++)
        assert_true(send(w, "{'command':'message.send','deviceId':'dev1','body':'x'}", n));
    (void)world_refused(w, 429, 429001, "message.send", "'deviceId':'dev1','body':'x'");
}

static void without_a_tier_nothing_is_ever_throttled(void **state) /* facts L-01 */
{
    struct world *w = begin(state, "gw-v2");
    struct conn dev;

    world_twin_client(w, &dev, "dev1");
    for (int n = 0; n < 4000; n++)
        world_report(w, &dev, "[]", 400);
    for (int n = 0; n < 200; n++)
        assert_false(send(w, "{'command':'query','query':'SELECT deviceId FROM devices'}", 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(twin_requests_are_answered_at_once_then_later_then_with_429),
        WORLD_TEST(what_waits_for_a_connection_goes_with_it),
        WORLD_TEST(messages_pass_then_wait_then_end_the_connection),
        WORLD_TEST(the_day_s_quota_ends_the_connection_until_midnight),
        WORLD_TEST(connections_over_the_rate_are_closed_without_a_connack),
        WORLD_TEST(a_service_s_answers_wait_and_then_are_refusals),
        WORLD_TEST(reads_updates_and_registry_operations_have_a_bucket_each_for_all_that_count),
        WORLD_TEST(answers_that_wait_leave_when_the_hub_stops),
        WORLD_TEST(methods_count_by_their_payload_in_steps_of_4_kb),
        WORLD_TEST(messages_to_devices_have_a_rate_and_count_in_the_day),
        WORLD_TEST(without_a_tier_nothing_is_ever_throttled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
