/* The timeline: what fits whom, how far the cursor may look, and which miss was the nearest. */
#include "test.h"

#include "timeline.h"

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static void add(struct timeline *t, const char *text)
{
    cJSON *event = json(text);

    assert_int_equal(timeline_add(t, event, (int64_t)t->count * 1000), RC_OK);
    cJSON_Delete(event); /* it keeps a copy */
}

static void an_event_fits_by_kind_identity_content_and_itself(void **state)
{
    static const struct {
        const char *kind, *who, *match, *event, *got;
        bool fits;
    } rows[] = {
        {"reported", "d/m", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"module\":\"m\"}", true},
        {"reported", "d", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"module\":\"m\"}", false},
        {"reported", "d/m", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\"}", false},
        {"reported", "d", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\"}", true},
        {"reported", "d", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"D\"}", false},
        {"reported", "d", NULL, NULL, "{\"kind\":\"desired\",\"device\":\"d\"}", false},
        {"refused", "d", NULL, NULL, "{\"kind\":\"refused\",\"clientId\":\"x\"}", true}, /* it concerns nobody known */
        {"reported", NULL, NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\"}", true},
        {"reported", "d", "{\"a\":1}", NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":1}}", true},
        {"reported", "d", "{\"a\":2}", NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":1}}", false},
        {"telemetry", "d", "{\"a\":1}", NULL, "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":{\"a\":1}}", true},
        {"connected", "d", "{\"clean\":true}", NULL, "{\"kind\":\"connected\",\"device\":\"d\",\"clean\":true}", true},
        {"reported", "d", "{\"a\":1}", "{\"version\":3}",
         "{\"kind\":\"reported\",\"device\":\"d\",\"version\":3,\"patch\":{\"a\":1}}", true},
        {"reported", "d", "{\"a\":1}", "{\"version\":4}",
         "{\"kind\":\"reported\",\"device\":\"d\",\"version\":3,\"patch\":{\"a\":1}}", false},
        /* a refused request is not what it asked for, unless the refusal is asked for */
        {"reported", "d", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"status\":400,\"patch\":{}}", false},
        {"reported", "d", NULL, "{\"status\":400}", "{\"kind\":\"reported\",\"device\":\"d\",\"status\":400}", true},
        {"reported", "d", NULL, NULL, "{\"kind\":\"reported\",\"device\":\"d\",\"status\":204}", true},
        {"twin-get", "d", NULL, NULL, "{\"kind\":\"twin-get\",\"device\":\"d\",\"status\":429}", false},
        {"connected", "d", NULL, NULL, "{\"kind\":\"connected\",\"device\":\"d\",\"status\":400}", true},
        {"connected", "d", NULL, NULL, "{\"device\":\"d\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *match = rows[i].match ? json(rows[i].match) : NULL, *event = rows[i].event ? json(rows[i].event) : NULL;
        cJSON *got = json(rows[i].got);
        struct wanted w = {.kind = rows[i].kind, .who = rows[i].who, .match = match, .event = event};

        if (wanted_fits(&w, got, NULL) != rows[i].fits)
            fail_msg("row %zu: %s", i, rows[i].got);
        cJSON_Delete(got);
        cJSON_Delete(event);
        cJSON_Delete(match);
    }
}

static void a_search_begins_where_it_is_told_and_takes_the_first(void **state)
{
    struct wanted w = {.kind = "tags", .who = "d"};
    struct timeline t;

    (void)state;
    timeline_init(&t);
    assert_int_equal(timeline_find(&t, &w, 0), TIMELINE_NONE);
    add(&t, "{\"kind\":\"tags\",\"device\":\"d\"}");
    add(&t, "{\"kind\":\"desired\",\"device\":\"d\"}");
    add(&t, "{\"kind\":\"tags\",\"device\":\"d\"}");
    assert_int_equal(timeline_find(&t, &w, 0), 0);
    assert_int_equal(timeline_find(&t, &w, 1), 2);
    assert_int_equal(timeline_find(&t, &w, 3), TIMELINE_NONE);
    timeline_done(&t);
}

static void an_injection_is_found_by_its_cause_and_kind(void **state)
{
    static const char *const kinds[] = {"desired", "tags", NULL};
    struct timeline t;

    (void)state;
    timeline_init(&t);
    add(&t, "{\"kind\":\"desired\",\"cause\":\"run-1\"}");
    add(&t, "{\"kind\":\"disconnected\",\"cause\":\"run-2\"}");
    add(&t, "{\"kind\":\"tags\",\"cause\":\"run-2\"}");
    add(&t, "{\"kind\":\"tags\"}");
    assert_int_equal(timeline_find_own(&t, "run-1", kinds, 0), 0);
    assert_int_equal(timeline_find_own(&t, "run-1", kinds, 1), TIMELINE_NONE);
    assert_int_equal(timeline_find_own(&t, "run-2", kinds, 0), 2);
    assert_int_equal(timeline_find_own(&t, "run-20", kinds, 0), TIMELINE_NONE);
    timeline_done(&t);
}

static void the_nearest_is_the_last_of_those_with_most_leaves_fitting(void **state)
{
    cJSON *match = json("{\"a\":1,\"b\":2,\"c\":3}");
    struct wanted w = {.kind = "reported", .who = "d", .match = match};
    struct match_report report;
    struct timeline t;
    size_t akin = 99;

    (void)state;
    timeline_init(&t);
    match_report_init(&report);
    assert_int_equal(timeline_nearest(&t, &w, 0, &report, &akin), TIMELINE_NONE);
    assert_int_equal(akin, 0);
    add(&t, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":1,\"b\":9}}");
    add(&t, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":1,\"b\":2}}");
    add(&t, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"b\":2,\"c\":3}}");
    add(&t, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"c\":3}}");
    add(&t, "{\"kind\":\"reported\",\"device\":\"e\",\"patch\":{\"a\":1,\"b\":2,\"c\":3}}");
    assert_int_equal(timeline_nearest(&t, &w, 0, &report, &akin), 2);
    assert_int_equal(akin, 4);
    assert_string_equal(report.differences.at, "a: expected 1, got nothing\n");
    match_report_done(&report);
    timeline_done(&t);
    cJSON_Delete(match);
}

static void a_scenario_may_not_cause_events_without_end(void **state)
{
    cJSON *event = json("{\"kind\":\"telemetry\"}");
    struct timeline t;

    (void)state;
    timeline_init(&t);
    t.bytes = TIMELINE_BYTES_MAX - 10;
    assert_int_equal(timeline_add(&t, event, 0), RC_LIMIT);
    assert_int_equal(t.count, 0);
    timeline_done(&t);
    cJSON_Delete(event);
}

static void an_identity_is_connected_until_an_event_says_otherwise(void **state)
{
    struct timeline t;

    (void)state;
    timeline_init(&t);
    assert_false(timeline_is_connected(&t, "d"));
    add(&t, "{\"kind\":\"connected\",\"device\":\"d\"}");
    add(&t, "{\"kind\":\"reported\",\"device\":\"d\"}");
    add(&t, "{\"kind\":\"disconnected\",\"device\":\"d\",\"module\":\"m\",\"reason\":\"client\"}");
    assert_true(timeline_is_connected(&t, "d"));
    assert_false(timeline_is_connected(&t, "d/m"));
    add(&t, "{\"kind\":\"disconnected\",\"device\":\"d\",\"reason\":\"takeover\"}"); /* the new one is there */
    assert_true(timeline_is_connected(&t, "d"));
    add(&t, "{\"kind\":\"disconnected\",\"device\":\"d\",\"reason\":\"client\"}");
    assert_false(timeline_is_connected(&t, "d"));
    timeline_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_is_connected_until_an_event_says_otherwise),
        cmocka_unit_test(an_event_fits_by_kind_identity_content_and_itself),
        cmocka_unit_test(a_search_begins_where_it_is_told_and_takes_the_first),
        cmocka_unit_test(an_injection_is_found_by_its_cause_and_kind),
        cmocka_unit_test(the_nearest_is_the_last_of_those_with_most_leaves_fitting),
        cmocka_unit_test(a_scenario_may_not_cause_events_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
