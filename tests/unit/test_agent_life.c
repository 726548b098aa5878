/* The agent's whole life against a wire and a clock that the test plays: no socket, no waiting. */
#include <stdio.h>

#include "agent.h"
#include "test.h"

#define OBJECT "o"
#define KEY    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

/* One agent, and all that it said to its wire, as text. */
struct world {
    struct settings settings;
    struct log log;
    struct wire wire;
    struct collect_roots roots;
    struct agent agent;
    struct instant now;
    char said[16384];
    char last_body[8192];
    char last_password[512];
    int next_mid;
    bool is_unreachable;
};

static void say(struct world *w, const char *what)
{
    size_t n = strlen(w->said);

    (void)snprintf(w->said + n, sizeof w->said - n, "%s;", what);
}

static enum rc fake_connect(void *link, const char *user_name, const char *password)
{
    struct world *w = link;

    assert_non_null(strstr(user_name, "hub/d/m/?api-version="));
    (void)snprintf(w->last_password, sizeof w->last_password, "%s", password);
    say(w, w->is_unreachable ? "CONNECT failed" : "CONNECT");
    return w->is_unreachable ? RC_NET : RC_OK;
}

static enum rc fake_subscribe(void *link, unsigned topics)
{
    assert_int_equal(topics, WIRE_ANSWERS | WIRE_DESIRED);
    say(link, "SUBSCRIBE");
    return RC_OK;
}

static enum rc fake_publish(void *link, const char *topic, struct str body, int qos, int *mid)
{
    struct world *w = link;

    (void)snprintf(w->last_body, sizeof w->last_body, "%.*s", STR_ARG(body));
    if (qos == 1) { /* facts S-13 */
        *mid = ++w->next_mid;
        assert_non_null(strstr(topic, "devices/d/modules/m/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8&"
                                      "%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1"));
        say(w, "TELEMETRY");
    } else if (strstr(topic, "$iothub/twin/GET/?$rid=")) {
        say(w, topic + strlen("$iothub/twin/"));
    } else {
        say(w, topic + strlen("$iothub/twin/PATCH/properties/"));
    }
    return RC_OK;
}

static void fake_disconnect(void *link)
{
    say(link, "DISCONNECT");
}

static void fake_drop(void *link)
{
    say(link, "DROP");
}

static int world_make(void **state)
{
    static const char *const environment[] = {
        "IOTHUB_DEVICE_CONNECTION_STRING=HostName=hub;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY,
        "SECURITY_AGENT_OBJECT_NAME=" OBJECT, "SECURITY_AGENT_TRIGGER_INTERVAL=PT1H", NULL};
    const struct settings_source source = {.environment = environment};
    struct world *w = calloc(1, sizeof *w);
    struct failure failure;

    if (!w || !settings_load(&source, &w->settings, &failure))
        return -1;
    w->wire = (struct wire){w, fake_connect, fake_subscribe, fake_publish, fake_disconnect, fake_drop};
    w->roots = (struct collect_roots){.root = "/no/such"};
    w->now = (struct instant){.mono_ms = 1000000, .wall_ms = INT64_C(1613381402000)};
    if (agent_init(&w->agent, &w->settings, &w->roots, &w->wire, &w->log, w->now))
        return -1;
    *state = w;
    return 0;
}

static int world_free(void **state)
{
    struct world *w = *state;

    agent_done(&w->agent);
    settings_done(&w->settings);
    free(w);
    return 0;
}

/* Compare what was said since the last time. */
static void said_is(struct world *w, const char *expected)
{
    assert_string_equal(w->said, expected);
    w->said[0] = '\0';
}

/* Let time pass, waking the agent whenever it wants to be woken. */
static void pass(struct world *w, int64_t ms)
{
    int64_t end = w->now.mono_ms + ms;

    for (;;) {
        int64_t due = agent_due(&w->agent);
        if (due > end)
            break;
        if (due > w->now.mono_ms) {
            w->now.wall_ms += due - w->now.mono_ms;
            w->now.mono_ms = due;
        }
        agent_tick(&w->agent, w->now);
        assert_true(agent_is_over(&w->agent) || agent_due(&w->agent) > w->now.mono_ms); /* else the loop would spin */
        if (agent_is_over(&w->agent))
            return;
    }
    w->now.wall_ms += end - w->now.mono_ms;
    w->now.mono_ms = end;
}

static void hub_says(struct world *w, const char *topic, const char *body)
{
    agent_on_message(&w->agent, str_from(topic), str_from(body), w->now);
    agent_tick(&w->agent, w->now);
}

/* Answer the GET that is awaited. */
static void hub_answers(struct world *w, int status, const char *body)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/%d/?$rid=%u", status, w->agent.twin.get.rid);
    hub_says(w, topic, body);
}

static void hub_accepts_connection(struct world *w)
{
    static const int granted[] = {1, 1};

    agent_on_connack(&w->agent, 0, w->now);
    agent_on_suback(&w->agent, granted, COUNT(granted), w->now);
}

/* Bring the agent up on a twin. */
static void start(struct world *w, const char *answer)
{
    pass(w, 0);
    hub_accepts_connection(w);
    hub_answers(w, 200, answer);
    w->said[0] = '\0';
}

#define EMPTY_TWIN "{\"desired\":{\"$version\":1},\"reported\":{\"$version\":1}}"

static void it_subscribes_then_reads_then_reports(void **state)
{
    static const int granted[] = {1, 0};
    struct world *w = *state;

    pass(w, 0);
    said_is(w, "CONNECT;");
    agent_on_connack(&w->agent, 0, w->now);
    said_is(w, "SUBSCRIBE;");
    pass(w, 1000);
    said_is(w, "");
    agent_on_suback(&w->agent, granted, COUNT(granted), w->now);
    said_is(w, "GET/?$rid=1;");
    hub_answers(w, 200, EMPTY_TWIN);
    said_is(w, "reported/?$rid=2;");
    assert_non_null(strstr(w->last_body, "{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT7M\"}"));
    assert_int_equal(w->agent.state, AGENT_RUNNING);
}

static void a_refused_subscription_is_no_connection(void **state)
{
    static const int granted[] = {1, 128};
    struct world *w = *state;

    pass(w, 0);
    agent_on_connack(&w->agent, 0, w->now);
    agent_on_suback(&w->agent, granted, COUNT(granted), w->now);
    said_is(w, "CONNECT;SUBSCRIBE;DROP;");
    pass(w, 100);
    said_is(w, "CONNECT;");
}

static void an_error_answer_is_asked_again_more_and_more_slowly(void **state)
{
    struct world *w = *state;

    pass(w, 0);
    hub_accepts_connection(w);
    w->said[0] = '\0';
    hub_answers(w, 429, "");
    pass(w, 74);
    said_is(w, "");
    pass(w, 26);
    said_is(w, "GET/?$rid=2;");
    hub_answers(w, 500, "{\"errorCode\":500001}");
    pass(w, 149);
    said_is(w, "");
    pass(w, 51);
    said_is(w, "GET/?$rid=3;");
    hub_answers(w, 200, "{\"desired\":{");
    pass(w, 400);
    said_is(w, "GET/?$rid=4;");
    hub_says(w, "$iothub/twin/res/200/?$rid=3", EMPTY_TWIN); /* nobody waits for that one any more */
    hub_says(w, "$iothub/twin/res/200/?$rid=99", EMPTY_TWIN);
    said_is(w, "");
    hub_answers(w, 200, EMPTY_TWIN);
    said_is(w, "reported/?$rid=5;");
}

static void a_report_is_repeated_when_throttled_and_only_the_newest(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN); /* report 2 */
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=2",
             "{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"PT2H\"}},\"$version\":2}");
    said_is(w, "reported/?$rid=3;");
    hub_says(w, "$iothub/twin/res/429/?$rid=2", "");
    pass(w, 1000);
    said_is(w, "");
    hub_says(w, "$iothub/twin/res/503/?$rid=3", "");
    pass(w, 100);
    said_is(w, "reported/?$rid=4;");
    assert_non_null(strstr(w->last_body, "PT2H"));
    hub_says(w, "$iothub/twin/res/400/?$rid=4", "");
    pass(w, 20000);
    said_is(w, "");
}

static void a_refused_update_reports_what_stays_in_force_and_raises_one_error(void **state)
{
    struct world *w = *state;
    const char *bad = "{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":5},\"lowPriorityMessageFrequency\":"
                      "{\"value\":\"PT1H\"}},\"$version\":2}";

    start(w, EMPTY_TWIN);
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=2", bad);
    said_is(w, "reported/?$rid=3;");
    assert_non_null(strstr(w->last_body, "\"snapshotFrequency\":{\"value\":\"PT13H\"}"));
    assert_non_null(strstr(w->last_body, "\"lowPriorityMessageFrequency\":{\"value\":\"PT5H\"}"));
    assert_int_equal(w->agent.telemetry.queues.queue[QUEUE_OPERATIONAL].count, 3); /* two statistics, one error */

    /* The same again after a reconnect: reported, but not raised twice. */
    agent_on_lost(&w->agent, "test", w->now);
    pass(w, 100);
    hub_accepts_connection(w);
    hub_answers(w, 200,
                "{\"desired\":{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":5},\"lowPriorityMessageFrequency\":"
                "{\"value\":\"PT1H\"}},\"$version\":2}}");
    said_is(w, "CONNECT;SUBSCRIBE;GET/?$rid=4;reported/?$rid=5;");
    assert_int_equal(w->agent.telemetry.queues.queue[QUEUE_OPERATIONAL].count, 3);

    /* The one bad value corrected: the good one beside it counts now. */
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=3",
             "{\"" OBJECT "\":{\"snapshotFrequency\":null},\"$version\":3}");
    assert_non_null(strstr(w->last_body, "\"lowPriorityMessageFrequency\":{\"value\":\"PT1H\"}"));
}

static void patches_that_come_before_the_suback_are_not_lost(void **state)
{
    static const int granted[] = {1, 1};
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    agent_on_lost(&w->agent, "test", w->now);
    pass(w, 100);
    agent_on_connack(&w->agent, 0, w->now);
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=3",
             "{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"PT3H\"}},\"$version\":3}");
    said_is(w, "CONNECT;SUBSCRIBE;");
    agent_on_suback(&w->agent, granted, COUNT(granted), w->now);
    hub_answers(w, 200, "{\"desired\":{\"$version\":2}}");
    said_is(w, "GET/?$rid=3;reported/?$rid=4;");
    assert_non_null(strstr(w->last_body, "PT3H"));
}

static void what_cannot_be_read_before_the_suback_wakes_nobody(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    agent_on_lost(&w->agent, "test", w->now);
    pass(w, 100);
    agent_on_connack(&w->agent, 0, w->now);
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=3", "{\"broken");
    pass(w, 5000); /* looks for the loop that would spin */
    said_is(w, "CONNECT;SUBSCRIBE;");
}

static void a_start_that_fails_names_its_reason(void **state)
{
    struct world *w = *state;

    /* refused */
    for (int i = 0; i < 20 && !agent_is_over(&w->agent); i++) {
        pass(w, 3000);
        if (w->agent.session.state != SESSION_CONNECTING)
            continue;
        agent_on_connack(&w->agent, 5, w->now);
        agent_on_lost(&w->agent, "test", w->now);
    }
    assert_true(agent_is_over(&w->agent) && w->agent.has_failed);
    assert_int_equal(w->agent.failure.code, FAILURE_AUTHENTICATION);
    assert_int_equal(w->agent.failure.subcode, FAILED_UNAUTHORIZED);
}

static void an_unreachable_hub_is_a_network_failure(void **state)
{
    struct world *w = *state;

    w->is_unreachable = true;
    pass(w, 30000);
    assert_true(agent_is_over(&w->agent));
    assert_int_equal(w->agent.failure.subcode, FAILED_OTHER);
    said_is(w, "CONNECT failed;CONNECT failed;CONNECT failed;CONNECT failed;CONNECT failed;CONNECT failed;"
               "CONNECT failed;CONNECT failed;CONNECT failed;");
}

static void a_twin_that_never_comes_is_a_timeout(void **state)
{
    struct world *w = *state;

    pass(w, 0);
    hub_accepts_connection(w);
    pass(w, 30000);
    assert_true(agent_is_over(&w->agent));
    assert_int_equal(w->agent.failure.code, FAILURE_REMOTE);
    assert_int_equal(w->agent.failure.subcode, FAILED_TIMEOUT);
}

static void pauses_grow_while_connections_do_not_last(void **state)
{
    struct world *w = *state;
    int64_t pause = 0;

    start(w, EMPTY_TWIN);
    for (int i = 0; i < 9; i++) {
        agent_on_lost(&w->agent, "taken over", w->now);
        assert_true(w->agent.session.pause_ms > pause);
        pause = w->agent.session.pause_ms;
        pass(w, pause);
        hub_accepts_connection(w);
        hub_answers(w, 200, EMPTY_TWIN);
    }
    assert_true(pause > 15000);
    pass(w, 4 * pause);
    agent_on_lost(&w->agent, "a good while later", w->now);
    assert_true(w->agent.session.pause_ms <= 100);
}

static void the_token_is_renewed_in_time_and_nothing_under_way_is_lost(void **state)
{
    struct world *w = *state;
    char first[512];

    start(w, "{\"desired\":{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT30M\"}},\"$version\":1}}");
    memcpy(first, w->last_password, sizeof first);
    w->settings.ack_timeout_ms = 86400000;
    pass(w, 1800000);
    said_is(w, "TELEMETRY;");
    pass(w, 1080000 - 1);
    said_is(w, "");
    pass(w, 1);
    said_is(w, "DISCONNECT;");
    agent_on_lost(&w->agent, "closed", w->now);
    pass(w, 0);
    said_is(w, "CONNECT;"); /* a planned loss needs no pause */
    assert_string_not_equal(first, w->last_password);
    hub_accepts_connection(w);
    assert_int_equal(w->agent.telemetry.under_way, 1);
    agent_on_puback(&w->agent, 1);
    assert_int_equal(w->agent.telemetry.under_way, 0);
    assert_int_equal(w->agent.telemetry.queues.under_way, 0);
    assert_int_equal(w->agent.telemetry.sent, 1);
}

static void a_message_nobody_acknowledges_costs_the_connection(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    pass(w, 420000);
    said_is(w, "TELEMETRY;");
    pass(w, 60000 - 1);
    said_is(w, "");
    pass(w, 1);
    said_is(w, "DROP;");
    assert_int_equal(w->agent.telemetry.failed, 1);
    pass(w, 100);
    said_is(w, "CONNECT;");
}

static void a_refused_identity_never_becomes_a_storm(void **state)
{
    struct world *w = *state;
    int attempts = 0;

    start(w, EMPTY_TWIN);
    agent_on_lost(&w->agent, "disabled", w->now);
    for (int64_t end = w->now.mono_ms + 600000; w->now.mono_ms < end;) {
        pass(w, 50);
        if (w->agent.session.state != SESSION_CONNECTING)
            continue;
        attempts++;
        agent_on_connack(&w->agent, 5, w->now);
        agent_on_lost(&w->agent, "refused", w->now);
    }
    assert_in_range(attempts, 20, 40);
    assert_false(agent_is_over(&w->agent)); /* it goes on for ever */
}

static void high_and_low_messages_leave_at_their_own_pace(void **state)
{
    struct world *w = *state;

    start(w, "{\"desired\":{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT2S\"},"
             "\"lowPriorityMessageFrequency\":{\"value\":\"PT3S\"},\"eventPriorityListeningPorts\":{\"value\":\"Off\"},"
             "\"eventPriorityLocalUsers\":{\"value\":\"Off\"}},\"$version\":1}}");
    pass(w, 2999);
    said_is(w, ""); /* nothing leads the high message */
    pass(w, 1);
    said_is(w, "TELEMETRY;");
    assert_non_null(strstr(w->last_body, "SystemInformation"));
    assert_non_null(strstr(w->last_body, "DroppedEventsStatistics"));
    assert_null(strstr(w->last_body, "LocalUsers"));
    agent_on_puback(&w->agent, 1);
    pass(w, 10000);
    said_is(w, "");
}

static void a_changed_period_counts_from_the_last_message(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    pass(w, 100000);
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=2",
             "{\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"PT1M\"}},\"$version\":2}");
    said_is(w, "reported/?$rid=3;TELEMETRY;");
}

static void the_wall_clock_may_jump(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    w->now.wall_ms += 86400000;
    pass(w, 1000);
    w->now.wall_ms -= 2 * INT64_C(86400000);
    pass(w, 1000);
    said_is(w, "");
    assert_int_equal(w->agent.telemetry.queues.queue[QUEUE_HIGH].count, 2);
}

static void a_stop_sends_what_waits_and_says_goodbye(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    agent_stop(&w->agent, w->now);
    agent_tick(&w->agent, w->now);
    said_is(w, "TELEMETRY;");
    agent_on_puback(&w->agent, 1);
    agent_tick(&w->agent, w->now);
    said_is(w, "DISCONNECT;");
    agent_on_lost(&w->agent, "closed", w->now);
    agent_tick(&w->agent, w->now);
    assert_true(agent_is_over(&w->agent));
    assert_false(w->agent.has_failed);
}

static void a_stop_does_not_wait_for_a_silent_hub(void **state)
{
    struct world *w = *state;

    start(w, EMPTY_TWIN);
    agent_stop(&w->agent, w->now);
    agent_tick(&w->agent, w->now);
    pass(w, AGENT_FLUSH_MS - 1);
    said_is(w, "TELEMETRY;");
    pass(w, 1 + 2 * SESSION_CLOSING_MS);
    said_is(w, "DISCONNECT;DROP;");
    assert_true(agent_is_over(&w->agent));
}

static void a_stop_before_any_connection_is_at_once(void **state)
{
    struct world *w = *state;

    pass(w, 0);
    agent_stop(&w->agent, w->now);
    agent_tick(&w->agent, w->now);
    assert_true(agent_is_over(&w->agent));
    assert_false(w->agent.has_failed);
}

#define LIFE(test) cmocka_unit_test_setup_teardown(test, world_make, world_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE(it_subscribes_then_reads_then_reports),
        LIFE(a_refused_subscription_is_no_connection),
        LIFE(an_error_answer_is_asked_again_more_and_more_slowly),
        LIFE(a_report_is_repeated_when_throttled_and_only_the_newest),
        LIFE(a_refused_update_reports_what_stays_in_force_and_raises_one_error),
        LIFE(patches_that_come_before_the_suback_are_not_lost),
        LIFE(what_cannot_be_read_before_the_suback_wakes_nobody),
        LIFE(a_start_that_fails_names_its_reason),
        LIFE(an_unreachable_hub_is_a_network_failure),
        LIFE(a_twin_that_never_comes_is_a_timeout),
        LIFE(pauses_grow_while_connections_do_not_last),
        LIFE(the_token_is_renewed_in_time_and_nothing_under_way_is_lost),
        LIFE(a_message_nobody_acknowledges_costs_the_connection),
        LIFE(a_refused_identity_never_becomes_a_storm),
        LIFE(high_and_low_messages_leave_at_their_own_pace),
        LIFE(a_changed_period_counts_from_the_last_message),
        LIFE(the_wall_clock_may_jump),
        LIFE(a_stop_sends_what_waits_and_says_goodbye),
        LIFE(a_stop_does_not_wait_for_a_silent_hub),
        LIFE(a_stop_before_any_connection_is_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
