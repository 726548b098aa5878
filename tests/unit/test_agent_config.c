/* Does the agent judge a configuration as the documents say: as a whole, without converting types? facts S-02..S-06 */
#include "buf.h"
#include "config.h"
#include "fail_alloc.h"
#include "mode.h"
#include "test.h"

static cJSON *json_of(const char *text)
{
    cJSON *out = NULL;

    assert_int_equal(json_parse(str_from(text), &out), RC_OK);
    return out;
}

static enum rc read_text(const char *text, struct config *c, struct config_mismatch *m)
{
    cJSON *object = json_of(text);
    enum rc rc = config_read(object, c, m);

    cJSON_Delete(object);
    return rc;
}

static char *report_of(const struct config *c)
{
    cJSON *json = config_to_json(c);
    char *text;

    assert_non_null(json);
    text = json_print(json);
    cJSON_Delete(json);
    assert_non_null(text);
    return text;
}

/* The published default document, and null for what it does not name. facts S-03 */
static const char default_report[] =
    "{\"highPriorityMessageFrequency\":{\"value\":\"PT7M\"},\"lowPriorityMessageFrequency\":{\"value\":\"PT5H\"},"
    "\"snapshotFrequency\":{\"value\":\"PT13H\"},\"maxLocalCacheSizeInBytes\":{\"value\":2560000},"
    "\"maxMessageSizeInBytes\":{\"value\":204800},\"hubResourceId\":null,"
    "\"eventPriorityProcessCreate\":{\"value\":\"Low\"},\"eventPriorityProcessTerminate\":{\"value\":\"Low\"},"
    "\"eventPriorityListeningPorts\":{\"value\":\"High\"},\"eventPrioritySystemInformation\":{\"value\":\"Low\"},"
    "\"eventPriorityLocalUsers\":{\"value\":\"High\"},\"eventPriorityLogin\":{\"value\":\"High\"},"
    "\"eventPriorityConnectionCreate\":{\"value\":\"Low\"},\"eventPriorityFirewallConfiguration\":{\"value\":\"Low\"},"
    "\"eventPriorityOSBaseline\":{\"value\":\"Low\"},\"eventPriorityConnectedHardware\":{\"value\":\"Low\"},"
    "\"eventPriorityDiagnostic\":{\"value\":\"Low\"},\"eventPriorityConfigurationError\":{\"value\":\"Low\"},"
    "\"eventPriorityDroppedEventsStatistics\":{\"value\":\"Low\"},\"eventPriorityMessageStatistics\":{\"value\":"
    "\"Low\"},"
    "\"aggregationEnabledProcessCreate\":{\"value\":true},\"aggregationIntervalProcessCreate\":{\"value\":\"PT1H\"},"
    "\"aggregationEnabledConnectionCreate\":{\"value\":true},\"aggregationIntervalConnectionCreate\":{\"value\":"
    "\"PT1H\"},"
    "\"aggregationEnabledProcessTerminate\":{\"value\":true},\"aggregationIntervalProcessTerminate\":{\"value\":"
    "\"PT1H\"},"
    "\"baselineCustomChecksEnabled\":{\"value\":false},\"baselineCustomChecksFilePath\":null,"
    "\"baselineCustomChecksFileHash\":null}";

static void an_empty_twin_means_the_documented_defaults(void **state)
{
    static const char *const empty[] = {"{}", "null", "{\"unknown\":{\"value\":1},\"snapshotFrequency\":null}"};

    (void)state;
    for (size_t i = 0; i < COUNT(empty); i++) {
        struct config c = {0};
        struct config_mismatch m;
        char *report;
        assert_int_equal(read_text(empty[i], &c, &m), RC_OK);
        report = report_of(&c);
        assert_string_equal(report, default_report);
        free(report);
        config_done(&c);
    }
}

static void what_was_reported_reads_back_as_the_same(void **state)
{
    static const char custom[] =
        "{\"highPriorityMessageFrequency\":{\"value\":\"PT90M\"},\"snapshotFrequency\":{\"value\":\"P1W\"},"
        "\"maxMessageSizeInBytes\":{\"value\":8192},\"eventPriorityLogin\":{\"value\":\"oFF\"},"
        "\"hubResourceId\":{\"value\":\"/subscriptions/0\"},\"baselineCustomChecksEnabled\":{\"value\":true},"
        "\"maxLocalCacheSizeInBytes\":{\"value\":8192.0}}";
    struct config first = {0}, second = {0};
    struct config_mismatch m;
    char *one, *two;

    (void)state;
    assert_int_equal(read_text(custom, &first, &m), RC_OK);
    assert_int_equal(config_number(&first, CONFIG_HIGH_FREQUENCY), 5400000);
    assert_int_equal(config_priority(&first, CONFIG_LOGIN), PRIORITY_OFF);
    one = report_of(&first);
    assert_non_null(strstr(one, "\"snapshotFrequency\":{\"value\":\"P1W\"}"));
    assert_non_null(strstr(one, "\"eventPriorityLogin\":{\"value\":\"Off\"}"));
    assert_int_equal(read_text(one, &second, &m), RC_OK);
    two = report_of(&second);
    assert_string_equal(one, two);
    free(one);
    free(two);
    config_done(&first);
    config_done(&second);
}

/* facts S-04 */
static void one_wrong_property_keeps_the_whole_previous_configuration(void **state)
{
    static const struct {
        const char *object;
        enum config_id culprit;
    } rows[] = {
        {"{\"snapshotFrequency\":\"PT1H\"}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"val\":\"PT1H\"}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"Value\":\"PT1H\"}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"value\":null}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":[]}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"value\":3600}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"value\":\"7 minutes\"}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"value\":\"PT0S\"}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"snapshotFrequency\":{\"value\":\"PT0.099S\"}}", CONFIG_SNAPSHOT_FREQUENCY},
        {"{\"maxMessageSizeInBytes\":{\"value\":\"204800\"}}", CONFIG_MESSAGE_BYTES},
        {"{\"maxMessageSizeInBytes\":{\"value\":8191}}", CONFIG_MESSAGE_BYTES},
        {"{\"maxMessageSizeInBytes\":{\"value\":262145}}", CONFIG_MESSAGE_BYTES},
        {"{\"maxMessageSizeInBytes\":{\"value\":8192.9}}", CONFIG_MESSAGE_BYTES},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":-1}}", CONFIG_CACHE_BYTES},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":0}}", CONFIG_CACHE_BYTES},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":8191}}", CONFIG_CACHE_BYTES},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":2147483648}}", CONFIG_CACHE_BYTES},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":1e300}}", CONFIG_CACHE_BYTES},
        {"{\"eventPriorityLogin\":{\"value\":\"Medium\"}}", CONFIG_LOGIN},
        {"{\"eventPriorityLogin\":{\"value\":\"\"}}", CONFIG_LOGIN},
        {"{\"eventPriorityLogin\":{\"value\":true}}", CONFIG_LOGIN},
        {"{\"eventPriorityLogin\":{}}", CONFIG_LOGIN},
        {"{\"aggregationEnabledProcessCreate\":{\"value\":\"true\"}}", CONFIG_PROCESS_CREATE_AGGREGATED},
        {"{\"aggregationEnabledProcessCreate\":{\"value\":1}}", CONFIG_PROCESS_CREATE_AGGREGATED},
        {"{\"baselineCustomChecksFilePath\":{\"value\":17}}", CONFIG_BASELINE_PATH},
        {"{\"lowPriorityMessageFrequency\":{\"value\":\"PT1H\"},\"hubResourceId\":{\"value\":false}}",
         CONFIG_HUB_RESOURCE_ID},
    };
    struct config c = {0};
    struct config_mismatch m;
    char *before, *after;

    (void)state;
    assert_int_equal(read_text("{\"snapshotFrequency\":{\"value\":\"PT2H\"}}", &c, &m), RC_OK);
    before = report_of(&c);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (read_text(rows[i].object, &c, &m) != RC_INVALID || m.is_object_wrong || m.count != 1 ||
            m.property[0] != rows[i].culprit)
            fail_msg("%s: not refused for its culprit", rows[i].object);
        after = report_of(&c);
        assert_string_equal(before, after);
        free(after);
    }
    free(before);
    config_done(&c);
}

static void every_wrong_property_is_named_with_the_value_that_stays_in_use(void **state)
{
    struct config c = {0};
    struct config_mismatch m;
    cJSON *payload;
    char *text;

    (void)state;
    assert_int_equal(config_init(&c, &mode_documented), RC_OK);
    assert_int_equal(
        read_text("{\"maxMessageSizeInBytes\":{\"value\":\"x\"},\"eventPriorityLogin\":{\"value\":1}}", &c, &m),
        RC_INVALID);
    payload = config_errors_from_mismatch(&c, &m, "object");
    text = json_print(payload);
    assert_string_equal(
        text,
        "[{\"ConfigurationName\":\"maxMessageSizeInBytes\",\"ErrorType\":\"TypeMismatch\",\"UsedConfiguration\":"
        "\"204800\",\"Message\":\"the desired value is of the wrong type or out of bounds; the whole update was "
        "refused\"},{\"ConfigurationName\":\"eventPriorityLogin\",\"ErrorType\":\"TypeMismatch\","
        "\"UsedConfiguration\":\"High\",\"Message\":\"the desired value is of the wrong type or out of bounds; the "
        "whole update was refused\"}]");
    free(text);
    cJSON_Delete(payload);

    assert_int_equal(read_text("\"x\"", &c, &m), RC_INVALID);
    assert_true(m.is_object_wrong);
    payload = config_errors_from_mismatch(&c, &m, "object");
    assert_int_equal(cJSON_GetArraySize(payload), 1);
    assert_string_equal(json_text(cJSON_GetArrayItem(payload, 0), "ConfigurationName"), "object");
    assert_string_equal(json_text(cJSON_GetArrayItem(payload, 0), "UsedConfiguration"), default_report);
    cJSON_Delete(payload);
    config_done(&c);
}

/* facts S-05 */
static void what_is_unwise_is_found_in_the_documented_order(void **state)
{
    static const struct {
        const char *object;
        const char *found; /* names and kinds, in order */
    } rows[] = {
        {"{}", ""},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":8192},\"maxMessageSizeInBytes\":{\"value\":16384}}",
         "maxLocalCacheSizeInBytes Conflict;"},
        {"{\"maxMessageSizeInBytes\":{\"value\":10000}}", "maxMessageSizeInBytes NotOptimal;"},
        {"{\"highPriorityMessageFrequency\":{\"value\":\"PT6H\"}}", "highPriorityMessageFrequency Conflict;"},
        {"{\"highPriorityMessageFrequency\":{\"value\":\"PT300M\"}}", ""},
        {"{\"maxLocalCacheSizeInBytes\":{\"value\":8192},\"maxMessageSizeInBytes\":{\"value\":10000},"
         "\"highPriorityMessageFrequency\":{\"value\":\"P1D\"},\"lowPriorityMessageFrequency\":{\"value\":\"PT1H\"}}",
         "maxLocalCacheSizeInBytes Conflict;maxMessageSizeInBytes NotOptimal;highPriorityMessageFrequency Conflict;"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config c = {0};
        struct config_mismatch m;
        struct config_finding found[CONFIG_FINDINGS_MAX];
        struct buf text;
        size_t n;
        cJSON *payload;
        assert_int_equal(read_text(rows[i].object, &c, &m), RC_OK);
        buf_init(&text, 256);
        buf_text(&text, "");
        n = config_findings(&c, found);
        for (size_t k = 0; k < n; k++)
            buf_format(&text, "%s %s;", config_name(found[k].property), found[k].error_type);
        assert_string_equal(text.at, rows[i].found);
        buf_done(&text);
        payload = config_errors_from_findings(&c, found, n);
        assert_int_equal(cJSON_GetArraySize(payload), n);
        cJSON_Delete(payload);
        config_done(&c);
    }
}

/* Let only so many allocations succeed, one more each time: nothing leaks, and the old configuration stays whole. */
static void a_lack_of_memory_changes_nothing(void **state)
{
    cJSON *object = json_of("{\"snapshotFrequency\":{\"value\":\"PT2H\"},\"hubResourceId\":{\"value\":\"x\"}}");
    struct config c = {0};
    struct config_mismatch m;
    enum rc rc = RC_NOMEM;
    long n = 0;

    (void)state;
    assert_int_equal(config_init(&c, &mode_documented), RC_OK);
    for (; rc != RC_OK; n++) {
        fail_alloc_after(n);
        rc = config_read(object, &c, &m);
        fail_alloc_never();
        assert_true(rc == RC_OK || rc == RC_NOMEM);
        assert_int_equal(config_number(&c, CONFIG_SNAPSHOT_FREQUENCY), rc ? 13 * 3600000 : 2 * 3600000);
    }
    assert_true(n > 5);
    cJSON_Delete(object);
    config_done(&c);
}

static void a_report_is_whole_or_there_is_none(void **state)
{
    struct config c = {0};
    cJSON *json = NULL;
    char *text;
    long n = 0;

    (void)state;
    assert_int_equal(config_init(&c, &mode_documented), RC_OK);
    fail_alloc_cjson();
    for (; !json; n++) {
        fail_alloc_after(n);
        json = config_to_json(&c);
        fail_alloc_never();
    }
    assert_true(n > CONFIG_COUNT);
    text = json_print(json);
    assert_string_equal(text, default_report);
    free(text);
    cJSON_Delete(json);
    cJSON_InitHooks(NULL);
    config_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_twin_means_the_documented_defaults),
        cmocka_unit_test(what_was_reported_reads_back_as_the_same),
        cmocka_unit_test(one_wrong_property_keeps_the_whole_previous_configuration),
        cmocka_unit_test(every_wrong_property_is_named_with_the_value_that_stays_in_use),
        cmocka_unit_test(what_is_unwise_is_found_in_the_documented_order),
        cmocka_unit_test(a_lack_of_memory_changes_nothing),
        cmocka_unit_test(a_report_is_whole_or_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
