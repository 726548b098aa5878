/* Does the agent in mode legacy-cs do what was read of the real C# agent? facts S-24..S-28 */
#include <stdio.h>

#include "agent_world.h"
#include "duration_cs.h"

#define TWIN(desired)    "{\"desired\":" desired "}"
#define ONE(name, value) "{\"" OBJECT "\":{\"" name "\":{\"value\":" value "}},\"$version\":2}"

static struct world *start(const char *answer)
{
    struct world *w = world_new("legacy-cs", NULL);

    connect_with(w, 2);
    hub_answers(w, 200, answer);
    return w;
}

/* facts S-24 */
static void it_reads_and_writes_durations_of_xml_schema(void **state)
{
    static const struct {
        const char *text, *reported, *clock;
    } rows[] = {
        {"PT7M", "PT7M", "00:07:00"},
        {"P7D", "P7D", "7.00:00:00"},
        {"PT36H", "P1DT12H", "1.12:00:00"},
        {"PT90M", "PT1H30M", "01:30:00"},
        {"P1Y", "P365D", "365.00:00:00"},
        {"P1M", "P30D", "30.00:00:00"},
        {"PT1.5S", "PT1.5S", "00:00:01.5000000"},
        {"PT1.0005S", "PT1S", "00:00:01"},
        {"PT0S", "PT0S", "00:00:00"},
        {"P0D", "PT0S", "00:00:00"},
        {"-PT5M", "-PT5M", "-00:05:00"},
        {"-P1DT1S", "-P1DT1S", "-1.00:00:01"},
        {"P50D", "P50D", "50.00:00:00"},
        {"PT60S", "PT1M", "00:01:00"},
        {"P1W", NULL, NULL},
        {"P", NULL, NULL},
        {"PT", NULL, NULL},
        {"P1DT", NULL, NULL},
        {"-P", NULL, NULL},
        {"", NULL, NULL},
        {"PT+5M", NULL, NULL},
        {"PT 5M", NULL, NULL},
        {"pt5m", NULL, NULL},
        {"PT5M3H", NULL, NULL},
        {"PT5M5M", NULL, NULL},
        {"PT1.5M", NULL, NULL},
        {"PT1.S", NULL, NULL},
        {"PT1ST", NULL, NULL},
        {"PT1S ", NULL, NULL},
        {"P1", NULL, NULL},
        {"7 minutes", NULL, NULL},
        {"P30000Y", NULL, NULL},
        {"PT99999999999S", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[64] = "", clock[64] = "";
        int64_t ms = 0;
        enum rc rc = duration_cs_parse(str_from(rows[i].text), &ms);
        if ((rc == RC_OK) != (rows[i].reported != NULL))
            fail_msg("%s: %s", rows[i].text, rc_text(rc));
        if (rc)
            continue;
        duration_cs_print(ms, out, sizeof out);
        assert_string_equal(out, rows[i].reported);
        duration_cs_clock(ms, clock, sizeof clock);
        assert_string_equal(clock, rows[i].clock);
    }
}

/* Cut a good duration at every byte: no cut may read past its end. */
static void a_cut_duration_is_read_within_its_bounds(void **state)
{
    static const char good[] = "-P1Y2M3DT4H5M6.789S";
    int64_t ms;

    (void)state;
    for (size_t n = 0; n < sizeof good; n++) {
        char *cut = copy_exact(good, n);
        enum rc rc = duration_cs_parse(str_of(cut, n), &ms);
        assert_true(rc == RC_OK || rc == RC_SYNTAX);
        free(cut);
    }
    assert_int_equal(ms, 0 - (INT64_C(365) + 60 + 3) * 86400000 - 4 * 3600000 - 5 * 60000 - 6789);
}

/* facts S-25 */
static void it_converts_what_looks_like_the_right_type(void **state)
{
    static const struct {
        const char *name, *value, *reported; /* reported: NULL when it is refused */
    } rows[] = {
        {"maxMessageSizeInBytes", "\"8192\"", "8192"},
        {"maxMessageSizeInBytes", "8192.4", "8192"},
        {"maxMessageSizeInBytes", "8192.5", "8192"},
        {"maxMessageSizeInBytes", "8193.5", "8194"},
        {"maxMessageSizeInBytes", "0", "0"},
        {"maxMessageSizeInBytes", "4294967295", "4294967295"},
        {"maxMessageSizeInBytes", "4294967296", NULL},
        {"maxMessageSizeInBytes", "-1", NULL},
        {"maxMessageSizeInBytes", "\"-1\"", NULL},
        {"maxMessageSizeInBytes", "\"much\"", NULL},
        {"maxMessageSizeInBytes", "true", NULL},
        {"maxMessageSizeInBytes", "null", NULL},
        {"aggregationEnabledProcessCreate", "\"False\"", "false"},
        {"aggregationEnabledProcessCreate", "\"true\"", "true"},
        {"aggregationEnabledProcessCreate", "\"yes\"", NULL},
        {"aggregationEnabledProcessCreate", "[]", NULL},
        {"eventPriorityLogin", "0", "\"Off\""},
        {"eventPriorityLogin", "3", "\"Operational\""},
        {"eventPriorityLogin", "4", NULL},
        {"eventPriorityLogin", "\"oPERATIONAL\"", "\"Operational\""},
        {"eventPriorityLogin", "\"Urgent\"", NULL},
        {"eventPriorityConfigurationError", "\"high\"", "\"High\""},
        {"snapshotFrequency", "5", "\"PT0S\""},
        {"snapshotFrequency", "\"PT0S\"", "\"PT0S\""},
        {"snapshotFrequency", "\"7 minutes\"", NULL},
        {"snapshotFrequency", "true", NULL},
        {"hubResourceId", "\"/a/b\"", "\"/a/b\""},
        {"hubResourceId", "1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config c = {.mode = &mode_legacy_cs};
        struct config_mismatch m;
        char text[256], expected[256], *report;
        cJSON *object, *json;
        enum rc rc;
        (void)snprintf(text, sizeof text, "{\"%s\":{\"value\":%s}}", rows[i].name, rows[i].value);
        object = cJSON_Parse(text);
        assert_non_null(object);
        rc = config_read(object, &c, &m);
        cJSON_Delete(object);
        if ((rc == RC_OK) != (rows[i].reported != NULL))
            fail_msg("%s %s: %s", rows[i].name, rows[i].value, rc_text(rc));
        if (rc)
            continue;
        json = config_to_json(&c);
        report = json_print(json_find(json, rows[i].name));
        (void)snprintf(expected, sizeof expected, "{\"value\":%s}", rows[i].reported);
        assert_string_equal(report, expected);
        free(report);
        cJSON_Delete(json);
        config_done(&c);
    }
}

/* facts S-26 */
static void it_reports_every_property_it_knows_and_no_unset_text(void **state)
{
    struct world *w = start(TWIN("{\"$version\":1}"));
    cJSON *root = cJSON_Parse(w->report);
    const cJSON *object = json_find(root, OBJECT);

    (void)state;
    said_is(w, "CONNECT;SUBSCRIBE both;GET;REPORT;");
    assert_int_equal(cJSON_GetArraySize(object), 27); /* of 29: two texts are null */
    assert_null(json_find(object, "baselineCustomChecksFilePath"));
    assert_null(json_find(object, "eventPriorityOperational"));
    assert_string_equal(json_text(json_find(object, "hubResourceId"), "value"), "");
    assert_string_equal(json_text(json_find(object, "eventPriorityLogin"), "value"), "High");
    assert_string_equal(json_text(json_find(object, "eventPriorityDiagnostic"), "value"), "Low");
    assert_int_equal(json_find(json_find(object, "maxLocalCacheSizeInBytes"), "value")->valueint, 2560000);
    cJSON_Delete(root);
    world_free(w);
}

/* facts S-18, S-28 */
static void a_patch_is_the_whole_configuration_and_is_taken_at_once(void **state)
{
    struct world *w = start(TWIN("{\"" OBJECT "\":{\"lowPriorityMessageFrequency\":{\"value\":\"PT9H\"}}}"));

    (void)state;
    assert_non_null(strstr(w->report, "PT9H"));
    w->said[0] = '\0';
    for (int i = 0; i < 3; i++)
        hub_patches(w, ONE("snapshotFrequency", "\"PT2H\"")); /* each of version 2 */
    said_is(w, "REPORT;REPORT;REPORT;");
    assert_non_null(strstr(w->report, "PT2H"));
    assert_non_null(strstr(w->report, "\"lowPriorityMessageFrequency\":{\"value\":\"PT5H\"}"));
    hub_patches(w, "{\"x\":1,\"$version\":3}");
    said_is(w, "REPORT;");
    assert_null(strstr(w->report, "PT2H"));
    world_free(w);
}

/* facts S-28 */
static void it_reads_its_twin_once_in_its_life(void **state)
{
    struct world *w = start(TWIN("{}"));

    (void)state;
    w->said[0] = '\0';
    agent_on_lost(&w->agent, "test", w->now);
    connect_with(w, 2);
    pass(w, 60000);
    assert_null(strstr(w->said, "GET"));
    assert_null(strstr(w->said, "REPORT"));
    hub_patches(w, ONE("snapshotFrequency", "\"PT2H\""));
    assert_non_null(strstr(w->report, "PT2H"));
    world_free(w);
}

/* facts S-28 */
static void a_refused_update_is_not_reported(void **state)
{
    static const char *const bad[] = {
        ONE("snapshotFrequency", "\"P1W\""),   "{\"" OBJECT "\":\"x\"}", "{\"a\":", "[]", "",
        "{\"$metadata\":{},\"" OBJECT "\":{}}"};
    struct world *w = start(TWIN("{\"" OBJECT "\":{\"lowPriorityMessageFrequency\":{\"value\":\"PT9H\"}}}"));

    (void)state;
    w->said[0] = '\0';
    for (size_t i = 0; i < COUNT(bad); i++)
        hub_patches(w, bad[i]);
    said_is(w, "");
    assert_int_equal(config_number(&w->agent.twin.config, CONFIG_LOW_FREQUENCY), 9 * 3600000);
    assert_false(agent_is_over(&w->agent));
    world_free(w);
}

/* facts S-27 */
static void findings_are_told_in_its_order_and_words(void **state)
{
    static const char *const expected[][3] = {
        {"maxMessageSizeInBytes", "NotOptimal", "10000"},
        {"maxLocalCacheSizeInBytes", "Conflict", "9000"},
        {"highPriorityMessageFrequency", "Conflict", "1.12:00:00"},
    };
    struct world *w = start(TWIN("{}"));
    const cJSON *entry;

    (void)state;
    assert_null(w->agent.telemetry.latest); /* clean: nothing to tell */
    hub_patches(w,
                "{\"" OBJECT "\":{\"maxMessageSizeInBytes\":{\"value\":10000},\"maxLocalCacheSizeInBytes\":{\"value\":"
                "9000},\"highPriorityMessageFrequency\":{\"value\":\"PT36H\"}}}");
    assert_int_equal(cJSON_GetArraySize(w->agent.telemetry.latest), COUNT(expected));
    entry = w->agent.telemetry.latest->child;
    for (size_t i = 0; i < COUNT(expected); i++, entry = entry->next) {
        assert_string_equal(json_text(entry, "ConfigurationName"), expected[i][0]);
        assert_string_equal(json_text(entry, "ErrorType"), expected[i][1]);
        assert_string_equal(json_text(entry, "UsedConfiguration"), expected[i][2]);
    }
    hub_patches(w, ONE("snapshotFrequency", "\"P1W\"")); /* takes the place of what nobody was told yet */
    assert_int_equal(cJSON_GetArraySize(w->agent.telemetry.latest), 1);
    entry = w->agent.telemetry.latest->child;
    assert_string_equal(json_text(entry, "ConfigurationName"), "RemoteConfiguration");
    assert_string_equal(json_text(entry, "ErrorType"), "TypeMismatch");
    assert_string_equal(json_text(entry, "UsedConfiguration"),
                        "{\"HighPriorityMessageFrequency\":\"1.12:00:00\",\"LowPriorityMessageFrequency\":\"05:00:00\","
                        "\"SnapshotFrequency\":\"13:00:00\",\"MaxLocalCacheSizeInBytes\":9000,"
                        "\"MaxMessageSizeInBytes\":10000}");
    world_free(w);
}

/* facts S-28 */
static void without_a_good_twin_it_ends(void **state)
{
    static const struct {
        int status;
        const char *answer;
        enum failure_code code;
        enum failure_subcode subcode;
        bool ends_well;
    } rows[] = {
        {200, TWIN("{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"P1W\"}}}"), FAILURE_REMOTE, FAILED_CANT_PARSE,
         true},
        {200, TWIN("{\"" OBJECT "\":5}"), FAILURE_REMOTE, FAILED_CANT_PARSE, true},
        {200, TWIN("{\"$metadata\":{},\"" OBJECT "\":{}}"), FAILURE_OTHER, FAILED_OTHER, false},
        {200, "{\"desired\":{", FAILURE_OTHER, FAILED_OTHER, false},
        {200, "{}", FAILURE_OTHER, FAILED_OTHER, false},
        {429, "", FAILURE_OTHER, FAILED_OTHER, false},
        {500, "{\"errorCode\":500001}", FAILURE_OTHER, FAILED_OTHER, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world *w = world_new("legacy-cs", NULL);
        connect_with(w, 2);
        hub_answers(w, rows[i].status, rows[i].answer);
        said_is(w, "CONNECT;SUBSCRIBE both;GET;END;"); /* a goodbye, and no report */
        agent_on_lost(&w->agent, "closed", w->now);
        agent_tick(&w->agent, w->now);
        assert_true(agent_is_over(&w->agent));
        assert_int_equal(w->agent.failure.code, rows[i].code);
        assert_int_equal(w->agent.failure.subcode, rows[i].subcode);
        assert_int_equal(agent_ended_well(&w->agent), rows[i].ends_well);
        world_free(w);
    }
}

/* facts S-28 */
static void at_the_start_any_refusal_ends_it_and_later_none(void **state)
{
    struct world *w = world_new("legacy-cs", NULL);

    (void)state;
    pass(w, 0);
    agent_on_connack(&w->agent, 5, w->now);
    assert_true(agent_is_over(&w->agent));
    assert_int_equal(w->agent.failure.code, FAILURE_AUTHENTICATION);
    assert_int_equal(w->agent.failure.subcode, FAILED_UNAUTHORIZED);
    assert_true(agent_ended_well(&w->agent));
    world_free(w);

    w = start(TWIN("{}"));
    agent_on_lost(&w->agent, "test", w->now);
    for (int i = 0; i < 20; i++) {
        pass(w, 40000);
        agent_on_connack(&w->agent, 5, w->now);
        agent_on_lost(&w->agent, "refused", w->now);
    }
    assert_false(agent_is_over(&w->agent));
    connect_with(w, 2);
    assert_false(agent_is_over(&w->agent));
    world_free(w);
}

static void a_twin_that_does_not_come_is_a_timeout(void **state)
{
    struct world *w = world_new("legacy-cs", NULL);

    (void)state;
    connect_with(w, 2);
    pass(w, 31000);
    assert_true(agent_is_over(&w->agent));
    assert_int_equal(w->agent.failure.code, FAILURE_REMOTE);
    assert_int_equal(w->agent.failure.subcode, FAILED_TIMEOUT);
    assert_true(agent_ended_well(&w->agent));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_and_writes_durations_of_xml_schema),
        cmocka_unit_test(a_cut_duration_is_read_within_its_bounds),
        cmocka_unit_test(it_converts_what_looks_like_the_right_type),
        cmocka_unit_test(it_reports_every_property_it_knows_and_no_unset_text),
        cmocka_unit_test(a_patch_is_the_whole_configuration_and_is_taken_at_once),
        cmocka_unit_test(it_reads_its_twin_once_in_its_life),
        cmocka_unit_test(a_refused_update_is_not_reported),
        cmocka_unit_test(findings_are_told_in_its_order_and_words),
        cmocka_unit_test(without_a_good_twin_it_ends),
        cmocka_unit_test(at_the_start_any_refusal_ends_it_and_later_none),
        cmocka_unit_test(a_twin_that_does_not_come_is_a_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
