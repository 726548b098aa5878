/* Does each mode collect, pack and time its messages as its original does? facts S-10, S-30, S-31, S-32 */
#include <stdio.h>

#include "agent_machine.h"
#include "agent_world.h"

#define TWIN(members)    "{\"desired\":{\"" OBJECT "\":{" members "},\"$version\":1}}"
#define SET(name, value) "\"" name "\":{\"value\":" value "}"
#define DAY_MS           INT64_C(86400000)

static struct world *start(const char *mode, const char *answer, const char *const *more)
{
    struct world *w = world_new(mode, more);

    connect_with(w, strcmp(mode, "legacy-c") == 0 ? 1 : 2);
    hub_answers(w, 200, answer);
    assert_int_equal(w->agent.state, AGENT_RUNNING);
    w->said[0] = '\0';
    w->is_obliging = true;
    return w;
}

/* How often a text stands in another one. */
static int count(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static size_t waiting(const struct world *w, enum queue_id id)
{
    return w->agent.telemetry.queues.queue[id].count;
}

/* C# collects and sends in runs. */

static void the_first_run_comes_after_an_interval_and_sends_what_waits(void **state)
{
    struct world *w = start("legacy-cs", TWIN(SET("hubResourceId", "\"/a b\"")), NULL);

    (void)state;
    pass(w, 59000);
    assert_int_equal(w->agent.telemetry.queues.waiting, 0);
    said_is(w, "");
    pass(w, 1000);
    said_is(w, "MESSAGE;"); /* both priorities in one: the high queue leads, and seven minutes are nowhere near */
    assert_string_equal(w->topic, "devices/d/modules/m/messages/events/MessagePriority=High&HubResourceId=%2Fa%20b&"
                                  "%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1/");
    assert_non_null(strstr(w->message, "\"AgentVersion\":\"0.0.5.0\""));
    assert_non_null(strstr(w->message, "\"TimestampUTC\":\"2021-02-15T09:31:03\""));
    assert_int_equal(count(w->message, "\"Queue\":"), 3);
    assert_int_equal(count(w->message, "\"LocalUsers\""), 1);
    assert_int_equal(count(w->message, "\"SystemInformation\""), 1);
    assert_int_equal(count(w->message, "\"ConnectedHardware\""), 0);
    pass(w, 2400000);
    said_is(w, ""); /* no snapshot is due */
    world_free(w);
}

static void its_periods_are_kept_from_run_to_run(void **state)
{
    static const char *const more[] = {"SECURITY_AGENT_CONSUMER_INTERVAL=PT1S", NULL};
    struct world *w =
        start("legacy-cs",
              TWIN(SET("snapshotFrequency", "\"PT1M\"") "," SET("highPriorityMessageFrequency", "\"PT90S\"") "," SET(
                  "lowPriorityMessageFrequency", "\"PT9H\"")),
              more);

    (void)state;
    pass(w, 59000);
    said_is(w, "");
    pass(w, 60000); /* snapshots at 60 s and 120 s; at 1 s everything was due, but nothing there */
    said_is(w, "MESSAGE;");
    assert_int_equal(count(w->message, "\"LocalUsers\""), 1); /* at 91 s */
    pass(w, 90000);
    said_is(w, "MESSAGE;");
    assert_int_equal(count(w->message, "\"LocalUsers\""), 2); /* at 181 s, those of 120 s and 180 s */
    assert_int_equal(count(w->message, "\"MessagesSent\":1,"), 1);
    world_free(w);
}

static void its_operational_events_heed_no_priority_and_any_event_may_be_one(void **state)
{
    struct world *w =
        start("legacy-cs",
              TWIN(SET("eventPriorityMessageStatistics", "\"Off\"") "," SET(
                  "eventPriorityLocalUsers",
                  "\"Operational\"") "," SET("eventPriorityListeningPorts",
                                             "\"Off\"") "," SET("eventPrioritySystemInformation",
                                                                "0") "," SET("eventPriorityFirewallConfiguration",
                                                                             "\"Off\"")),
              NULL);

    (void)state;
    pass(w, 120000);
    said_is(w, ""); /* they lead no message */
    assert_int_equal(waiting(w, QUEUE_HIGH) + waiting(w, QUEUE_LOW), 0);
    assert_int_equal(waiting(w, QUEUE_OPERATIONAL), 3);
    world_free(w);
}

/* Clocks. */

static void a_clock_put_forward_fires_once(void **state)
{
    static const char *const modes[] = {"legacy-c", "legacy-cs"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct world *w = start(modes[i], TWIN(""), NULL);
        pass(w, 500000);
        w->said[0] = '\0';
        w->now.wall_ms += DAY_MS;
        pass(w, 120000);
        assert_string_equal(w->said, "MESSAGE;");
        pass(w, 120000);
        said_is(w, "MESSAGE;");
        world_free(w);
    }
}

static void a_clock_put_back_makes_all_due_for_c_and_nothing_for_cs(void **state)
{
    struct world *w = start("legacy-c", TWIN(""), NULL);

    (void)state;
    pass(w, 10000);
    w->now.wall_ms -= DAY_MS;
    pass(w, 2000);
    said_is(w, "MESSAGE;");
    assert_int_equal(count(w->message, "\"LocalUsers\""), 2); /* of the start, and of now */
    pass(w, 300000);
    said_is(w, "");
    world_free(w);

    w = start("legacy-cs",
              TWIN(SET("snapshotFrequency", "\"PT1M\"") "," SET("highPriorityMessageFrequency", "\"PT1M\"")), NULL);
    pass(w, 60000);
    said_is(w, "MESSAGE;");
    w->now.wall_ms -= 1800000;
    pass(w, 1800000);
    said_is(w, "");
    pass(w, 61000); /* it has caught up */
    said_is(w, "MESSAGE;");
    world_free(w);
}

/* C. */

static void c_sends_one_message_when_more_than_the_period_is_over(void **state)
{
    struct world *w = start("legacy-c", TWIN(SET("snapshotFrequency", "\"PT1M\"")), NULL);

    (void)state;
    pass(w, 420000);
    said_is(w, "");
    pass(w, 1000);
    assert_int_equal(w->agent.telemetry.sent, 1); /* when handed over, and not again when acknowledged */
    said_is(w, "MESSAGE;");
    assert_string_equal(w->topic, "devices/d/modules/m/messages/events/%24.ce=application%2fjson&"
                                  "%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1");
    assert_non_null(strstr(w->message, "\"AgentVersion\":\"0.0.5\""));
    assert_int_equal(count(w->message, "\"Queue\":"), 14); /* two of the start, and of six snapshots more */
    pass(w, 300000);
    said_is(w, "");
    world_free(w);
}

static void c_drains_a_backlog_one_message_a_period(void **state)
{
    struct world *w =
        start("legacy-c",
              TWIN(SET("maxMessageSizeInBytes", "600") "," SET("highPriorityMessageFrequency", "\"PT10S\"") "," SET(
                  "eventPriorityOperational", "\"Off\"")),
              NULL);

    (void)state;
    /* Two small high events and two low ones wait, more than one message holds, so memory makes the high queue due
     * each second; and of each message the sum stays below 600 bytes. */
    pass(w, 1000);
    said_is(w, "MESSAGE;");
    assert_int_equal(count(w->message, "\"Category\""), 2);
    pass(w, 60000);
    said_is(w, ""); /* what is left is low, and leads nothing: facts S-31 */
    assert_true(waiting(w, QUEUE_LOW) > 0);
    world_free(w);
}

static void an_event_too_large_blocks_c_and_is_dropped_elsewhere(void **state)
{
    static const char *const modes[] = {"legacy-c", "legacy-cs"};

    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct world *w =
            start(modes[i],
                  TWIN(SET("maxMessageSizeInBytes", "64") "," SET("highPriorityMessageFrequency", "\"PT1S\"")), NULL);
        pass(w, 125000);
        said_is(w, "");
        if (i == 0)
            assert_true(waiting(w, QUEUE_HIGH) > 0);
        else
            assert_int_equal(waiting(w, QUEUE_HIGH), 0);
        world_free(w);
    }
}

/* As documented. */

static void everything_that_is_due_leaves_in_as_many_messages_as_it_takes(void **state)
{
    struct world *w =
        start("documented",
              TWIN(SET("maxMessageSizeInBytes", "8192") "," SET("snapshotFrequency", "\"PT10S\"") "," SET(
                  "highPriorityMessageFrequency", "\"PT5M\"") "," SET("eventPriorityDiagnostic", "\"Off\"")),
              NULL);

    (void)state;
    pass(w, 299000);
    assert_non_null(strstr(w->said, "MESSAGE;MESSAGE;")); /* more than one message holds: at once, and again */
    w->said[0] = '\0';
    pass(w, 1000);
    assert_int_equal(waiting(w, QUEUE_HIGH), 0);
    world_free(w);
}

static void loud_lines_of_the_log_become_diagnostic_events(void **state)
{
    static const struct {
        const char *variable, *priority;
        size_t events;
        enum queue_id queue;
    } rows[] = {
        {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=3", "\"Low\"", 1, QUEUE_LOW},
        {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=3", "\"High\"", 1, QUEUE_HIGH},
        {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=2", "\"Low\"", 2, QUEUE_LOW},
        {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=4", "\"Low\"", 0, QUEUE_LOW},
        {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=2", "\"Off\"", 0, QUEUE_LOW},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *const more[] = {rows[i].variable, NULL};
        char twin[256];
        struct world *w;
        size_t before;
        (void)snprintf(twin, sizeof twin, TWIN(SET("eventPriorityDiagnostic", "%s")), rows[i].priority);
        w = start("documented", twin, more);
        before = waiting(w, rows[i].queue);
        agent_on_lost(&w->agent, "test", w->now); /* a warning */
        pass(w, 100);
        agent_on_connack(&w->agent, 5, w->now); /* an error */
        assert_int_equal(waiting(w, rows[i].queue), before + rows[i].events);
        if (rows[i].events)
            assert_non_null(strstr(w->agent.telemetry.queues.queue[rows[i].queue].last->text,
                                   "\"EventType\":\"Diagnostic\",\"Name\":\"Diagnostic\""));
        world_free(w);
    }
}

static void a_debug_threshold_does_not_feed_on_itself(void **state)
{
    static const char *const more[] = {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=0", NULL};
    struct world *w = start("documented", TWIN(SET("maxLocalCacheSizeInBytes", "8192")), more);

    (void)state;
    for (int i = 0; i < 100; i++) /* each is told, until the cache is full; then each drop is logged, too */
        hub_says(w, "$iothub/twin/res/204/?$rid=99", "");
    assert_in_range(w->agent.telemetry.queues.waiting, 4096, 8192);
    assert_true(w->agent.telemetry.queues.queue[QUEUE_LOW].dropped > 0);
    world_free(w);
}

static void a_message_about_each_message_is_not_sent(void **state)
{
    static const char *const more[] = {"SECURITY_AGENT_DIAGNOSTIC_SEVERITY=1", NULL};
    struct world *w = start(
        "documented",
        TWIN(SET("highPriorityMessageFrequency", "\"PT1M\"") "," SET("lowPriorityMessageFrequency", "\"PT1M\"")), more);

    (void)state;
    pass(w, 61000);
    said_is(w, "MESSAGE;");
    assert_int_equal(count(w->message, "telemetry leading="), 0);
    world_free(w);
}

/* Let processes of one kind start, and the agent look. */
static void start_equal(struct world *w, int first_pid, int n)
{
    for (int i = 0; i < n; i++)
        machine_process(first_pid + i, 1, 1000 + first_pid + i, "same");
    pass(w, 61000);
}

/* In each mode: counted while the interval runs, told when it is over, and at once when counting is switched off. */
static void equal_processes_are_told_as_one_when_their_interval_is_over(void **state)
{
    static const char *const modes[] = {"documented", "legacy-c", "legacy-cs"};
    static const char *const hits[] = {"\"HitCount\":\"3\"", "\"HitCount\":3", "\"HitCount\":\"3\""};

    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        const int pid = 1000 * ((int)m + 1);
        struct world *w = world_new(modes[m], NULL);
        const struct queue *low = &w->agent.telemetry.queues.queue[QUEUE_LOW];
        w->agent.telemetry.roots.root = machine_path;
        w->is_obliging = true;
        connect_with(w, m == 1 ? 1 : 2);
        hub_answers(w, 200,
                    TWIN(SET("aggregationIntervalProcessCreate", "\"PT150S\"") "," SET(
                        "highPriorityMessageFrequency",
                        "\"PT5H\"") "," SET("eventPriorityLocalUsers", "\"Off\"") "," SET("eventPriorityListeningPorts",
                                                                                          "\"Off\"")));
        pass(w, 1000);
        start_equal(w, pid, 3);
        assert_true(!low->last || !strstr(low->last->text, "ProcessCreate"));
        pass(w, 130000);
        assert_non_null(strstr(low->last->text, "\"Category\":\"Aggregated\""));
        assert_non_null(strstr(low->last->text, hits[m]));
        assert_non_null(strstr(low->last->text, "\"ProcessId\":0,"));

        start_equal(w, pid + 100, 2);
        assert_int_equal(w->agent.telemetry.process_kinds.count, 1);
        hub_patches(w, "{\"" OBJECT "\":{" SET("aggregationEnabledProcessCreate", "false") "},\"$version\":2}");
        start_equal(w, pid + 200, 1);
        assert_int_equal(w->agent.telemetry.process_kinds.count, 0);
        assert_non_null(strstr(low->last->text, "\"Category\":\"Aggregated\"")); /* what had been counted */
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_run_comes_after_an_interval_and_sends_what_waits),
        cmocka_unit_test(its_periods_are_kept_from_run_to_run),
        cmocka_unit_test(its_operational_events_heed_no_priority_and_any_event_may_be_one),
        cmocka_unit_test(a_clock_put_forward_fires_once),
        cmocka_unit_test(a_clock_put_back_makes_all_due_for_c_and_nothing_for_cs),
        cmocka_unit_test(c_sends_one_message_when_more_than_the_period_is_over),
        cmocka_unit_test(c_drains_a_backlog_one_message_a_period),
        cmocka_unit_test(an_event_too_large_blocks_c_and_is_dropped_elsewhere),
        cmocka_unit_test(everything_that_is_due_leaves_in_as_many_messages_as_it_takes),
        cmocka_unit_test(loud_lines_of_the_log_become_diagnostic_events),
        cmocka_unit_test(equal_processes_are_told_as_one_when_their_interval_is_over),
        cmocka_unit_test(a_debug_threshold_does_not_feed_on_itself),
        cmocka_unit_test(a_message_about_each_message_is_not_sent),
    };

    return cmocka_run_group_tests(tests, machine_make, machine_remove);
}
