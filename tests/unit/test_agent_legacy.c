/* Does the agent in mode legacy-c do with each delivery what the real C agent was seen to do? data/legacy_c.json holds what it was
 * given and what came of it; the hub is played here. facts S-18, S-20, S-21, S-22, S-23
 */
#include <stdio.h>

#include "agent_world.h"
#include "duration_c.h"

/* Bring the agent up on a twin. */
static struct world *start(const char *answer)
{
    struct world *w = world_new("legacy-c", NULL);

    connect_with(w, 1);
    hub_answers(w, 200, answer);
    w->said[0] = '\0';
    return w;
}

#define SNAPSHOT(period) "{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"" period "\"}},\"$version\":2}"
#define TWIN(desired)    "{\"desired\":" desired "}"

/* The recorded cases. */

static cJSON *data_read(void)
{
    char text[65536];
    FILE *file = fopen(TEST_DATA "/legacy_c.json", "re");
    size_t n;
    cJSON *data;

    assert_non_null(file);
    n = fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    text[n] = '\0';
    data = cJSON_Parse(text);
    assert_non_null(data);
    return data;
}

/* Replace "@name" anywhere by the twin of that name. */
static void twins_fill(cJSON *item, const cJSON *twins)
{
    for (cJSON *child = item->child, *next; child; child = next) {
        next = child->next;
        if (cJSON_IsString(child) && child->valuestring[0] == '@')
            assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
                item, child->string,
                cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(twins, child->valuestring + 1), true)));
        else
            twins_fill(child, twins);
    }
}

/* The PATCH that is expected, to the byte: the data's report with some values changed. The C agent writes / as \/. */
static void report_expect(const cJSON *data, const cJSON *changes, char *out, size_t room)
{
    const cJSON *row, *rows = cJSON_GetObjectItemCaseSensitive(data, "report");
    size_t n = (size_t)snprintf(out, room, "{\"" OBJECT "\":{");
    bool is_first = true;

    cJSON_ArrayForEach(row, rows)
    {
        const char *name = row->child->valuestring;
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(changes, name);
        char *text;
        value = value ? value : row->child->next;
        if (cJSON_IsNull(value))
            continue;
        text = cJSON_PrintUnformatted(value);
        n += (size_t)snprintf(out + n, room - n, "%s\"%s\":{\"value\":", is_first ? "" : ",", name);
        for (const char *p = text; *p; p++)
            n += (size_t)snprintf(out + n, room - n, *p == '/' ? "\\%c" : "%c", *p);
        n += (size_t)snprintf(out + n, room - n, "}");
        cJSON_free(text);
        is_first = false;
    }
    (void)snprintf(out + n, room - n, "}}");
}

static void errors_are(const char *name, const cJSON *found, const cJSON *expected)
{
    const cJSON *row, *entry = found ? found->child : NULL;

    assert_non_null(found);
    if (cJSON_GetArraySize(found) != cJSON_GetArraySize(expected))
        fail_msg("%s: %d errors", name, cJSON_GetArraySize(found));
    cJSON_ArrayForEach(row, expected)
    {
        const cJSON *used = row->child->next->next;
        assert_string_equal(json_text(entry, "ConfigurationName"), row->child->valuestring);
        assert_string_equal(json_text(entry, "ErrorType"), row->child->next->valuestring);
        if (used)
            assert_string_equal(json_text(entry, "UsedConfiguration"), used->valuestring);
        assert_non_null(json_text(entry, "Message"));
        entry = entry->next;
    }
}

static void case_play(const cJSON *data, const cJSON *deliveries, const char *name, const char *outcome,
                      const cJSON *reported, const cJSON *errors)
{
    struct world *w = world_new("legacy-c", NULL);
    char expected[16384];
    const cJSON *row;

    connect_with(w, 1);
    cJSON_ArrayForEach(row, deliveries)
    {
        const cJSON *body = row->child->next;
        char *text = cJSON_IsString(body) ? strdup(body->valuestring) : cJSON_PrintUnformatted(body);
        pass(w, 2000); /* every delivery in a second of its own */
        w->said[0] = w->report[0] = '\0';
        cJSON_Delete(w->agent.telemetry.latest); /* what was told of the delivery before */
        w->agent.telemetry.latest = NULL;
        if (strcmp(row->child->valuestring, "get") == 0)
            hub_answers(w, 200, text);
        else
            hub_patches(w, text);
        pass(w, PERIOD);
        free(text);
    }
    if (strcmp(outcome, "dropped") == 0) {
        if (strstr(w->said, "REPORT"))
            fail_msg("%s: reported", name);
    } else {
        report_expect(data, reported, expected, sizeof expected);
        if (strcmp(w->report, expected) != 0)
            fail_msg("%s:\nreported %s\nexpected %s", name, w->report, expected);
    }
    if (cJSON_GetArraySize(deliveries) == 1) { /* the first is told at once */
        const struct event *e = w->agent.telemetry.queues.queue[QUEUE_OPERATIONAL].first;
        cJSON *event;
        while (e && !strstr(e->text, "ConfigurationError"))
            e = e->next;
        if (!e) {
            assert_string_equal(outcome, "applied");
            assert_int_equal(config_priority(&w->agent.twin.config, CONFIG_OPERATIONAL) == PRIORITY_OFF ||
                                 config_number(&w->agent.twin.config, CONFIG_CACHE_BYTES) < 4096,
                             true);
        } else {
            event = cJSON_Parse(e->text);
            errors_are(name, cJSON_GetObjectItemCaseSensitive(event, "Payload"), errors);
            cJSON_Delete(event);
        }
    } else {
        errors_are(name, w->agent.telemetry.latest, errors);
    }
    world_free(w);
}

static void it_answers_every_recorded_delivery_like_the_c_agent(void **state)
{
    cJSON *data = data_read(), *row, *none = cJSON_CreateArray();

    (void)state;
    twins_fill(cJSON_GetObjectItemCaseSensitive(data, "cases"), cJSON_GetObjectItemCaseSensitive(data, "twins"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(data, "cases")), 33);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(data, "cases"))
    {
        const cJSON *errors = cJSON_GetObjectItemCaseSensitive(row, "errors");
        case_play(data, json_find(row, "deliveries"), json_text(row, "name"), json_text(row, "outcome"),
                  json_find(row, "reported"), errors ? errors : none);
    }
    cJSON_Delete(none);
    cJSON_Delete(data);
}

static void it_reads_and_writes_durations_like_the_c_agent(void **state)
{
    cJSON *data = data_read(), *row;
    cJSON *mistake = cJSON_Parse("[[\"TwinConfiguration\",\"TypeMismatch\"]]"), *none = cJSON_CreateArray();

    (void)state;
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(data, "durations")), 29);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(data, "durations"))
    {
        cJSON *deliveries = cJSON_Parse("[[\"get\",{\"desired\":{\"" OBJECT "\":{\"snapshotFrequency\":{}}}}]]");
        cJSON *desired = deliveries->child->child->next->child, *reported = cJSON_CreateObject();
        bool is_taken = cJSON_IsString(row);
        cJSON_AddStringToObject(desired->child->child, "value", row->string);
        if (is_taken)
            cJSON_AddStringToObject(reported, "snapshotFrequency", row->valuestring);
        case_play(data, deliveries, row->string, is_taken ? "applied" : "refused", reported, is_taken ? none : mistake);
        cJSON_Delete(deliveries);
        cJSON_Delete(reported);
    }
    cJSON_Delete(mistake);
    cJSON_Delete(none);
    cJSON_Delete(data);
}

/* What no recording holds, and the source tells. facts S-21 */
static void durations_have_the_edges_of_32_bits(void **state)
{
    static const struct {
        const char *text, *reported;
    } rows[] = {
        {"PT4294967S", "P1M2W5DT17H2M47S"},
        {"PT4294968S", NULL},
        {"PT71582M", "P1M2W5DT17H2M"},
        {"PT71583M", NULL},
        {"P7W", "P1M2W5D"},
        {"P1M", "P1M"},
        {"P1M3W", NULL}, /* each alone would do */
        {"PT+5M", "PT5M"},
        {"PT 5M", "PT5M"},
        {"P 1 D", NULL},
        {"PT99999999999S", NULL},
        {"P1YT", NULL},
        {"PTT1S", NULL},
        {"PT1ST", NULL},
        {"P0DT1S", "PT1S"},
        {"PT1S ", NULL},
        {"P1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64] = "";
        int64_t ms;
        enum rc rc = duration_c_parse(str_from(rows[i].text), &ms);
        if ((rc == RC_OK) != (rows[i].reported != NULL))
            fail_msg("%s: %s", rows[i].text, rc_text(rc));
        if (rc)
            continue;
        duration_c_print(ms, out, sizeof out);
        assert_string_equal(out, rows[i].reported);
    }
}

static void sizes_are_cut_to_32_bits(void **state)
{
    static const struct {
        const char *text;
        int64_t used;
        const char *reported;
    } rows[] = {
        {"-1", INT64_C(4294967295), "{\"value\":-1}"},
        {"2147483647.5", INT64_C(2147483647), "{\"value\":2147483647}"},
        {"2147483648", INT64_C(2147483648), "{\"value\":-2147483648}"},
        {"1e300", INT64_C(2147483648), "{\"value\":-2147483648}"},
        {"-1e300", INT64_C(2147483648), "{\"value\":-2147483648}"},
        {"-0.5", 0, "{\"value\":0}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config c = {.mode = &mode_legacy_c};
        struct config_mismatch m;
        char text[128], *report;
        cJSON *object, *json;
        (void)snprintf(text, sizeof text, "{\"maxLocalCacheSizeInBytes\":{\"value\":%s}}", rows[i].text);
        object = cJSON_Parse(text);
        assert_int_equal(config_read(object, &c, &m), RC_OK);
        assert_int_equal(config_number(&c, CONFIG_CACHE_BYTES), rows[i].used);
        json = config_to_json(&c);
        report = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(json, "maxLocalCacheSizeInBytes"));
        assert_string_equal(report, rows[i].reported);
        cJSON_free(report);
        cJSON_Delete(json);
        cJSON_Delete(object);
        config_done(&c);
    }
}

/* All of the base is looked at; behind it the first mistake ends the search. facts S-22 */
static void it_does_not_look_further_than_the_first_mistake(void **state)
{
    cJSON *object = cJSON_Parse("{\"snapshotFrequency\":1,\"maxMessageSizeInBytes\":1,\"eventPriorityLogin\":1}");
    cJSON *later = cJSON_Parse("{\"eventPriorityLogin\":1,\"eventPriorityDiagnostic\":1}");
    struct config c = {.mode = &mode_legacy_c};
    struct config_mismatch m;

    (void)state;
    assert_int_equal(config_read(object, &c, &m), RC_INVALID);
    assert_int_equal(m.count, 2);
    assert_int_equal(config_read(later, &c, &m), RC_INVALID);
    assert_int_equal(m.count, 1);
    assert_int_equal(m.property[0], CONFIG_DIAGNOSTIC);
    cJSON_Delete(object);
    cJSON_Delete(later);
}

/* The conversation. facts S-23 */

static void it_listens_for_changes_only_after_the_first_twin(void **state)
{
    struct world *w = world_new("legacy-c", NULL);

    (void)state;
    connect_with(w, 1);
    said_is(w, "CONNECT;SUBSCRIBE answers;GET;");
    hub_patches(w, SNAPSHOT("PT2H"));
    pass(w, 5 * PERIOD);
    said_is(w, ""); /* nobody heard it */
    hub_answers(w, 200, TWIN("{}"));
    said_is(w, "SUBSCRIBE desired;REPORT;");
    agent_on_lost(&w->agent, "test", w->now);
    connect_with(w, 2);
    said_is(w, "CONNECT;SUBSCRIBE both;GET;");
    hub_answers(w, 200, TWIN("{}"));
    pass(w, PERIOD);
    said_is(w, "REPORT;"); /* once more, though nothing changed */
    world_free(w);
}

static void it_takes_one_delivery_a_period(void **state)
{
    struct world *w = start(TWIN("{}"));

    (void)state;
    for (int i = 0; i < 3; i++)
        hub_patches(w, SNAPSHOT("PT2H"));
    said_is(w, "");
    pass(w, PERIOD - 1);
    said_is(w, "");
    pass(w, 1);
    said_is(w, "REPORT;");
    pass(w, PERIOD);
    said_is(w, "REPORT;");
    pass(w, 5 * PERIOD);
    said_is(w, "REPORT;");
    pass(w, PERIOD / 2); /* the beat goes on while nothing waits */
    hub_patches(w, SNAPSHOT("PT2H"));
    pass(w, PERIOD / 2 - 1);
    said_is(w, "");
    pass(w, 1);
    said_is(w, "REPORT;");
    world_free(w);
}

static void it_looks_at_no_version(void **state)
{
    struct world *w = start(TWIN("{\"$version\":9}"));

    (void)state;
    hub_patches(w, SNAPSHOT("PT2H")); /* version 2 after version 9 */
    pass(w, PERIOD);
    said_is(w, "REPORT;");
    assert_non_null(strstr(w->report, "PT2H"));
    hub_patches(w, SNAPSHOT("PT2H")); /* and the same again */
    pass(w, PERIOD);
    said_is(w, "REPORT;");
    hub_patches(w, "{\"" OBJECT "\":{}}"); /* and none at all */
    pass(w, PERIOD);
    said_is(w, "REPORT;");
    assert_null(strstr(w->report, "PT2H"));
    world_free(w);
}

static void it_takes_an_error_for_a_twin(void **state)
{
    struct world *w = world_new("legacy-c", NULL);

    (void)state;
    connect_with(w, 1);
    w->said[0] = '\0';
    hub_answers(w, 429, "{\"Message\":\"throttled\"}");
    said_is(w, "SUBSCRIBE desired;REPORT;");
    assert_int_equal(w->agent.state, AGENT_RUNNING);
    world_free(w);

    w = world_new("legacy-c", NULL);
    connect_with(w, 1);
    hub_answers(w, 429, "");
    pass(w, 28999);
    assert_int_equal(w->agent.state, AGENT_STARTING); /* it never asks again */
    said_is(w, "CONNECT;SUBSCRIBE answers;GET;SUBSCRIBE desired;");
    world_free(w);
}

static void it_never_repeats_a_refused_report(void **state)
{
    struct world *w = start(TWIN("{}"));
    char topic[64];

    (void)state;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/429/?$rid=%u", w->agent.twin.report.rid);
    hub_says(w, topic, "");
    pass(w, 60000);
    said_is(w, "");
    world_free(w);
}

/* What the hub says after every good report is an error to it. facts S-19 */
static void it_takes_204_for_a_failure(void **state)
{
    struct world *w = start(TWIN("{}"));
    const struct queue *low = &w->agent.telemetry.queues.queue[QUEUE_LOW];
    size_t before = low->count;
    char topic[64];

    (void)state;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/204/?$rid=%u", w->agent.twin.report.rid);
    hub_says(w, topic, "");
    assert_int_equal(low->count, before + 1);
    assert_non_null(strstr(low->last->text, "\"EventType\":\"Diagnostic\",\"Name\":\"Diagnostic\""));
    assert_non_null(strstr(low->last->text, "\"Severity\":\"Error\""));

    hub_patches(w, "{\"" OBJECT "\":{}}");
    pass(w, PERIOD);
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/200/?$rid=%u", w->agent.twin.report.rid);
    hub_says(w, topic, "");
    assert_int_equal(low->count, before + 1); /* 200 would do */

    hub_patches(w, "{\"" OBJECT "\":{\"eventPriorityDiagnostic\":{\"value\":\"Off\"}}}");
    pass(w, PERIOD);
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/204/?$rid=%u", w->agent.twin.report.rid);
    hub_says(w, topic, "");
    assert_int_equal(low->count, before + 1); /* nobody wants to know */
    world_free(w);
}

static void a_cache_without_room_locks_it_out(void **state)
{
    struct world *w = start(TWIN("{}"));

    (void)state;
    hub_patches(w, "{\"" OBJECT "\":{\"maxLocalCacheSizeInBytes\":{\"value\":0}}}");
    pass(w, PERIOD);
    said_is(w, "REPORT;");
    hub_patches(w, "{\"" OBJECT "\":null}");
    pass(w, 5 * PERIOD);
    said_is(w, "");
    world_free(w);
}

/* Find the only ConfigurationError that waits, and whether it is empty. */
static void told_is(struct world *w, int count, bool is_empty)
{
    int n = 0;

    for (const struct event *e = w->agent.telemetry.queues.queue[QUEUE_OPERATIONAL].first; e; e = e->next) {
        if (!strstr(e->text, "\"ConfigurationError\""))
            continue;
        n++;
        if (n == count)
            assert_int_equal(strstr(e->text, "\"IsEmpty\":true") != NULL, is_empty);
    }
    assert_int_equal(n, count);
}

/* facts S-22 */
static void it_tells_only_of_the_latest_delivery_and_even_of_good_ones(void **state)
{
    struct world *w = start(TWIN("{}"));

    (void)state;
    told_is(w, 1, true);
    hub_patches(w, SNAPSHOT("bad"));
    pass(w, 2000);
    hub_patches(w, SNAPSHOT("worse"));
    pass(w, 2000);
    told_is(w, 1, true); /* not before it looks around */
    pass(w, 60000);
    told_is(w, 2, false);
    pass(w, 60000);
    told_is(w, 2, false); /* nothing new */
    hub_patches(w, SNAPSHOT("bad"));
    pass(w, 2000);
    hub_patches(w, SNAPSHOT("PT100H"));
    pass(w, 60000);
    told_is(w, 3, true);
    world_free(w);
}

/* It compares whole seconds, so a second delivery in the same one is never told. facts S-22 */
static void it_misses_what_happens_within_one_second(void **state)
{
    struct world *w = start(TWIN("{}"));

    (void)state;
    told_is(w, 1, true);
    hub_patches(w, SNAPSHOT("bad"));
    pass(w, 60000);
    told_is(w, 1, true);
    world_free(w);
}

static void operational_events_have_one_switch(void **state)
{
    struct world *w = start(TWIN("{\"" OBJECT "\":{\"eventPriorityOperational\":{\"value\":\"Off\"}}}"));

    (void)state;
    assert_int_equal(w->agent.telemetry.queues.queue[QUEUE_OPERATIONAL].count, 0);
    world_free(w);
}

static void a_mode_that_nobody_has_is_refused(void **state)
{
    const char *const environment[] = {
        "IOTHUB_DEVICE_CONNECTION_STRING=HostName=hub;DeviceId=d;ModuleId=m;SharedAccessKey="
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "SECURITY_AGENT_MODE=legacy", NULL};
    const struct settings_source source = {.environment = environment};
    struct settings s;
    struct failure failure;

    (void)state;
    assert_false(settings_load(&source, &s, &failure));
    assert_int_equal(failure.code, FAILURE_LOCAL);
    assert_int_equal(failure.subcode, FAILED_CANT_PARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_every_recorded_delivery_like_the_c_agent),
        cmocka_unit_test(it_reads_and_writes_durations_like_the_c_agent),
        cmocka_unit_test(durations_have_the_edges_of_32_bits),
        cmocka_unit_test(sizes_are_cut_to_32_bits),
        cmocka_unit_test(it_does_not_look_further_than_the_first_mistake),
        cmocka_unit_test(it_listens_for_changes_only_after_the_first_twin),
        cmocka_unit_test(it_takes_one_delivery_a_period),
        cmocka_unit_test(it_looks_at_no_version),
        cmocka_unit_test(it_takes_an_error_for_a_twin),
        cmocka_unit_test(it_never_repeats_a_refused_report),
        cmocka_unit_test(it_takes_204_for_a_failure),
        cmocka_unit_test(a_cache_without_room_locks_it_out),
        cmocka_unit_test(it_tells_only_of_the_latest_delivery_and_even_of_good_ones),
        cmocka_unit_test(it_misses_what_happens_within_one_second),
        cmocka_unit_test(operational_events_have_one_switch),
        cmocka_unit_test(a_mode_that_nobody_has_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
