/* Explore: models, what must be reported at the end of a history, which histories can be judged, and how they are printed. */
#include "explore_world.h"

#include <stdio.h>

#include "explore.h"

/* ---- models ---- */

static void a_model_tells_where_each_property_lives(void **state)
{
    struct model *m = model_of(small_model);

    (void)state;
    assert_int_equal(m->count, 3);
    assert_string_equal(m->as, "edge-1/m");
    assert_string_equal(m->at[0].set, "s.a");
    assert_string_equal(m->at[0].remove, "s.a");
    assert_string_equal(m->at[0].reported, "s.a");
    assert_string_equal(m->at[2].reported, "told.c");
    assert_float_equal(m->at[0].otherwise->valuedouble, 0, 0);
    assert_null(m->at[2].otherwise);
    assert_string_equal(m->at[1].equal, "$nocase");
    assert_int_equal(m->idle_cpu_ms, 100);
    model_free(m);
}

static void a_property_may_live_elsewhere_than_the_others(void **state)
{
    struct model *m = model_of(
        "{\"set\":\"x.*\",\"remove\":\"y.*\",\"reported\":\"z\",\"aliases\":{\"x.*\":\"p.*.v\",\"y.*\":\"p.*\"},"
        "\"properties\":{\"a\":{\"values\":[1]},\"b\":{\"values\":[1],\"set\":\"plain\"},"
        "\"c\":{\"values\":[1],\"remove\":\"y.other\",\"reported\":\"r.*\"}}}");

    (void)state;
    assert_string_equal(m->at[0].set, "x.a");
    assert_string_equal(m->at[0].remove, "y.a");
    assert_string_equal(m->at[0].reported, "z");
    assert_string_equal(m->at[1].set, "plain");
    assert_string_equal(m->at[1].remove, "plain");
    assert_string_equal(m->at[1].reported, "plain");
    assert_string_equal(m->at[2].set, "x.c");
    assert_string_equal(m->at[2].remove, "y.other");
    assert_string_equal(m->at[2].reported, "r.c");
    assert_null(m->at[0].applied);
    model_free(m);
}

static void a_model_may_tell_where_the_applied_version_is_shown(void **state)
{
    struct model *one = model_of("{\"applied\":\"av\",\"properties\":{\"a\":{\"values\":[1]},\"b\":{\"values\":[1]}}}");
    struct model *each = model_of("{\"applied\":\"*.av\",\"properties\":{\"a\":{\"values\":[1]},"
                                  "\"b\":{\"values\":[1],\"applied\":\"other\"}}}");

    (void)state;
    assert_string_equal(one->at[0].applied, "av");
    assert_string_equal(one->at[1].applied, "av");
    assert_true(one->has_one_version);
    assert_string_equal(each->at[0].applied, "a.av");
    assert_string_equal(each->at[1].applied, "other");
    assert_false(each->has_one_version);
    model_free(each);
    model_free(one);
}

static void a_wrong_model_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{", "m.json:1:2: "},
        {"[]", "m.json:1:1: a model is an object"},
        {"{}", "'properties' is an object, name to property"},
        {"{\"properties\":{}}", "m.json:1:15: 'properties' is an object"},
        {"{\"propertys\":{}}", "m.json:1:2: a model has no member 'propertys'; did you mean 'properties'?"},
        {"{\"properties\":{\"a\":1}}", "m.json:1:20: a property is an object with 'values'"},
        {"{\"properties\":{\"a\":{}}}", "m.json:1:16: the property 'a' has no 'values'"},
        {"{\"properties\":{\"a\":{\"values\":[]}}}", "'values' is a list, not empty"},
        {"{\"properties\":{\"a\":{\"values\":[null]}}}", "null removes a property; it is no value"},
        {"{\"properties\":{\"a\":{\"values\":[1],\"invalid\":[1]}}}", "valid or invalid, not both"},
        {"{\"properties\":{\"a\":{\"values\":[1],\"equal\":\"like\"}}}", "'equal' is $duration or $nocase, not 'like'"},
        {"{\"properties\":{\"a\":{\"values\":[1],\"set\":\"p.a\"}}}", "m.json:1:16: 'p.a' is no alias"},
        {"{\"aliases\":{\"*\":\"a..b\"},\"properties\":{\"a\":{\"values\":[1]}}}", "m.json:1:17: a name and its place"},
        {"{\"as\":\"a/b/c\",\"properties\":{\"a\":{\"values\":[1]}}}", "m.json:1:7: 'a/b/c' is no identity"},
        {"{\"within\":\"soon\",\"properties\":{\"a\":{\"values\":[1]}}}", "m.json:1:11: 'within' is a duration"},
        {"{\"quiet\":3,\"properties\":{\"a\":{\"values\":[1]}}}", "'quiet' is a text"},
        {"{\"idleCpuMs\":3,\"properties\":{\"a\":{\"values\":[1]}}}", "measured during 'quiet', which is missing"},
        {"{\"faults\":[1],\"properties\":{\"a\":{\"values\":[1]}}}", "m.json:1:12: a fault is a step"},
        {"{\"agent\":{\"as\":\"x\"},\"properties\":{\"a\":{\"values\":[1]}}}", "but not its 'as'"},
        {"{\"applied\":1,\"properties\":{\"a\":{\"values\":[1]}}}", "'applied' is a text"},
        {"{\"objects\":[1],\"properties\":{\"a\":{\"values\":[1]}}}", "'objects' is a list of names"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct problems problems;
        struct model *m = NULL;

        problems_init(&problems);
        assert_int_equal(model_read("m.json", str_from(rows[i].text), &problems, &m), RC_SYNTAX);
        if (!strstr(problems.lines.at, rows[i].says))
            fail_msg("%s: '%s' says: %s", rows[i].text, rows[i].says, problems.lines.at);
        assert_null(m);
        problems_done(&problems);
    }
}

static void a_model_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof small_model - 1; n++) {
        char *cut = copy_exact(small_model, n);
        struct problems problems;
        struct model *m;

        problems_init(&problems);
        assert_int_equal(model_read("m.json", str_of(cut, n), &problems, &m), RC_SYNTAX);
        problems_done(&problems);
        free(cut);
    }
}

/* ---- what must be reported ---- */

static void what_is_reported_is_what_is_desired_and_defaults_for_the_rest(void **state)
{
    static const struct {
        const char *start, *steps, *want;
    } rows[] = {
        {"{}", "[]", "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"$absent\":true}}"},
        {"{\"s.a\":2,\"s.c\":true}", "[]", "{\"s.a\":2,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":true}"},
        {"{}", "[{\"desired\":{\"s.a\":1}},{\"desired\":{\"s.b\":\"on\"}}]",
         "{\"s.a\":1,\"s.b\":{\"$nocase\":\"on\"},\"told.c\":{\"$absent\":true}}"},
        {"{\"s.a\":1}", "[{\"desired\":{\"s.a\":null}}]",
         "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"$absent\":true}}"},
        {"{\"s.a\":1,\"s.b\":\"off\"}", "[{\"desired\":{\"settings\":null}}]",
         "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"$absent\":true}}"},
        {"{\"s.a\":1}", "[{\"desired\":{\"settings\":{}}}]",
         "{\"s.a\":1,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"$absent\":true}}"},
        {"{\"s.a\":1,\"s.b\":\"off\"}", "[{\"replace\":{\"desired\":{\"s.c\":true}}}]",
         "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":true}"},
        {"{\"s.c\":{\"deep\":[1],\"more\":2}}", "[{\"desired\":{\"s.c\":{\"deep\":[1],\"more\":null}}}]",
         "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"deep\":[1]}}"},
        {"{}", "[{\"desired\":{\"else\":1,\"s.unknown\":{}}},{\"stop\":\"agent\"},{\"fault\":\"disconnect\"}]",
         "{\"s.a\":0,\"s.b\":{\"$nocase\":\"auto\"},\"told.c\":{\"$absent\":true}}"},
    };
    struct model *m = model_of(small_model);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct history h = history_of(rows[i].start, rows[i].steps);
        cJSON *want = json(rows[i].want), *got = NULL;

        assert_int_equal(history_expects(m, &h, 100, &got), RC_OK);
        if (!json_eq(want, got))
            fail_msg("row %zu: %s", i, json_text(got));
        cJSON_Delete(got);
        cJSON_Delete(want);
        history_done(&h);
    }
    model_free(m);
}

static void a_check_looks_at_what_was_written_before_it_and_at_what_is_watched(void **state)
{
    struct model *m = model_of(small_model);
    struct history h =
        history_of("{}", "[{\"desired\":{\"s.a\":1}},{\"check\":\"converged\"},{\"desired\":{\"s.a\":2}}]");
    cJSON *got = NULL;

    (void)state;
    h.watched = json("[\"a\"]");
    assert_int_equal(history_expects(m, &h, 1, &got), RC_OK);
    assert_int_equal(cJSON_GetArraySize(got), 1);
    assert_float_equal(json_get(got, "s.a")->valuedouble, 1, 0);
    cJSON_Delete(got);
    history_done(&h);
    model_free(m);
}

/* ---- which can be judged ---- */

static void a_history_is_judged_only_where_an_agent_can_know_what_is_desired(void **state)
{
    static const struct {
        const char *steps;
        bool is_valid;
    } rows[] = {
        {"[{\"check\":\"converged\"}]", true},
        {"[]", false}, /* nothing to look at */
        {"[{\"desired\":{\"s.a\":1}}]", false},
        {"[{\"stop\":\"agent\"},{\"check\":\"converged\"}]", false},
        {"[{\"kill\":\"agent\"},{\"start\":\"agent\"},{\"check\":\"converged\"}]", true},
        {"[{\"start\":\"agent\"},{\"check\":\"converged\"}]", false}, /* it runs already */
        {"[{\"stop\":\"agent\"},{\"restart\":\"agent\"},{\"check\":\"converged\"}]", true},
        {"[{\"restart\":\"hub\"},{\"check\":\"converged\"}]", true},
        {"[{\"stop\":\"hub\"},{\"check\":\"converged\"}]", false},
        {"[{\"desired\":{\"s.a\":\"x\"}},{\"check\":\"converged\"}]", false}, /* no agent takes that */
        {"[{\"desired\":{\"s.a\":\"x\"}},{\"desired\":{\"s.a\":1}},{\"check\":\"converged\"}]", true},
        {"[{\"desired\":{\"s.a\":\"x\"}},{\"desired\":{\"s.a\":null}},{\"check\":\"converged\"}]", true},
        {"[{\"desired\":{\"s.a\":7}},{\"check\":\"converged\"}]", false}, /* nobody knows whether it would */
        {"[{\"fault\":\"duplicate\"},{\"check\":\"converged\"}]", true},
        {"[{\"fault\":\"duplicate\"},{\"check\":\"versions\"}]", true}, /* that is when it matters */
        {"[{\"fault\":\"duplicate\"},{\"check\":\"calm\"}]", false},    /* it may tell the agent something still */
        {"[{\"fault\":\"duplicate\"},{\"clear\":\"faults\"},{\"check\":\"quiet\"}]", true},
        {"[{\"fault\":\"duplicate\"},{\"restart\":\"hub\"},{\"check\":\"idle\"}]", true},
        {"[{\"fault\":\"disconnect\"},{\"check\":\"calm\"}]", true},
        {"[{\"fault\":\"lose\"},{\"check\":\"converged\"}]", false},
        {"[{\"fault\":\"lose\",\"operation\":\"reported\"},{\"check\":\"converged\"}]", true},
        {"[{\"fault\":\"lose\"},{\"clear\":\"faults\"},{\"check\":\"converged\"}]", false},
        {"[{\"fault\":\"lose\"},{\"restart\":\"agent\"},{\"check\":\"converged\"}]",
         false}, /* the next may be lost still */
        {"[{\"fault\":\"lose\"},{\"clear\":\"faults\"},{\"restart\":\"agent\"},{\"check\":\"converged\"}]", true},
        {"[{\"fault\":\"reorder\"},{\"clear\":\"faults\"},{\"fault\":\"disconnect\"},{\"check\":\"converged\"}]", true},
        {"[{\"fault\":\"lose\"},{\"clear\":\"faults\"},{\"fault\":\"disconnect\",\"operation\":\"desired\"},"
         "{\"check\":\"converged\"}]",
         false}, /* nobody knows when */
    };
    struct model *m = model_of(small_model);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct history h = history_of("{}", rows[i].steps);

        if (history_is_valid(m, &h) != rows[i].is_valid)
            fail_msg("%s", rows[i].steps);
        history_done(&h);
    }
    model_free(m);
}

/* ---- as a scenario ---- */

static void a_history_prints_as_the_scenario_that_a_person_would_write(void **state)
{
    static const char want[] = "// first\n// second\n"
                               "{ \"name\": \"n\",\n"
                               "  \"identities\": { \"edge-1/m\": { \"desired\": { \"s.a\": 1 } } },\n"
                               "  \"agent\": { \"as\": \"edge-1/m\", \"env\": { \"A\": \"1\" } },\n"
                               "  \"steps\": [\n"
                               "    { \"desired\": { \"s.a\": null, \"else\": { \"deep\": [1, {}] } } },\n"
                               "    { \"twin\": { \"reported\": { \"s.a\": 0 } }, \"within\": \"2s\" },\n"
                               "    { \"wait\": \"200ms\" },\n"
                               "    { \"tags\": { \"now\": 1 } },\n"
                               "    { \"usage\": { \"cpuMs\": { \"$lt\": 100 } }, \"over\": \"300ms\" },\n"
                               "    { \"never\": \"reported\", \"for\": \"1ms\" },\n"
                               "    { \"wait\": \"300ms\" } ],\n"
                               "  \"aliases\": { \"s.*\": \"settings.*\" } }\n";
    struct model *m = model_of(small_model);
    struct history h =
        history_of("{\"s.a\":1}", "[{\"desired\":{\"s.a\":null,\"else\":{\"deep\":[1,{}]}}},{\"check\":\"converged\"},"
                                  "{\"check\":\"calm\"},{\"check\":\"alive\"}]");
    struct buf out;

    (void)state;
    h.watched = json("[\"a\"]");
    buf_init(&out, 0);
    history_print(m, &h, "n", "first\nsecond", &out);
    assert_string_equal(out.at, want);
    assert_int_equal(history_step_of(m, &h, 0), 0);
    assert_int_equal(history_step_of(m, &h, 1), 1);
    for (size_t i = 2; i < 6; i++)
        assert_int_equal(history_step_of(m, &h, i), 2);
    assert_int_equal(history_step_of(m, &h, 6), 3);
    buf_done(&out);
    history_done(&h);
    model_free(m);
}

static void a_check_of_versions_prints_as_what_is_told_now_and_never_an_older_one(void **state)
{
    static const char want[] =
        "{ \"name\": \"n\",\n"
        "  \"identities\": { \"edge-1/agent\": {} },\n"
        "  \"agent\": { \"as\": \"edge-1/agent\" },\n"
        "  \"steps\": [\n"
        "    { \"desired\": { \"a\": 1 } },\n"
        "    { \"twin\": { \"reported\": { \"a\": 1, \"b\": { \"$absent\": true }, \"told.a\": { \"$gte\": 1 } } }, "
        "\"within\": \"3s\", \"save\": { \"v1\": \"$.properties.reported.state.a.av\" } },\n"
        "    { \"tags\": { \"now\": 1 } },\n"
        "    { \"never\": \"reported\", \"match\": { \"told.a\": { \"$lt\": \"${v1}\" } }, \"for\": \"500ms\" } ],\n"
        "  \"aliases\": { \"told.*\": \"state.*.av\" } }\n";
    struct model *m = model_of("{\"aliases\":{\"told.*\":\"state.*.av\"},\"applied\":\"told.*\","
                               "\"properties\":{\"a\":{\"values\":[1]},\"b\":{\"values\":[1]}}}");
    struct history h = history_of("{}", "[{\"desired\":{\"a\":1}},{\"check\":\"versions\"}]");
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    history_print(m, &h, "n", NULL, &out);
    assert_string_equal(out.at, want);
    assert_int_equal(history_step_of(m, &h, 3), 1);
    buf_done(&out);
    history_done(&h);
    model_free(m);
}

/* ---- laws ---- */

static void a_result_tells_which_law_was_broken(void **state)
{
    static const struct {
        const char *result;
        enum law law;
        const char *suspect;
    } rows[] = {
        {"{\"verdict\":\"passed\",\"steps\":[]}", LAW_NONE, NULL},
        {"{\"verdict\":\"error\",\"steps\":[{\"text\":\"twin {}\",\"verdict\":\"error\"}]}", LAW_NONE, NULL},
        {"{\"verdict\":\"skipped\"}", LAW_NONE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"twin "
         "{}\",\"verdict\":\"failed\"}],\"failure\":{\"message\":\"m\","
         "\"differences\":[\"reported.else: x\",\"reported.told.c: expected true, got nothing\"]}}",
         LAW_CONVERGES, "c"},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"never reported for 1s\",\"verdict\":\"failed\"}]}", LAW_QUIET,
         NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"usage {}\",\"verdict\":\"failed\"}]}", LAW_IDLE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"fault disconnect\",\"verdict\":\"failed\"}]}", LAW_NONE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"wait 1s\",\"verdict\":\"passed\"}],"
         "\"failure\":{\"message\":\"the agent ended by itself: exit code 4\"}}",
         LAW_ALIVE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"twin {}\",\"verdict\":\"failed\"}],"
         "\"failure\":{\"message\":\"m\",\"hints\":[\"the agent has ended: signal 11\"]}}",
         LAW_ALIVE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"restart agent\",\"verdict\":\"failed\"}],"
         "\"failure\":{\"message\":\"the agent ended by itself: signal 11\"}}",
         LAW_ALIVE, NULL},
        {"{\"verdict\":\"failed\",\"steps\":[{\"text\":\"stop agent\",\"verdict\":\"failed\"}],"
         "\"failure\":{\"message\":\"the agent did not end within 3 s of SIGTERM; it was killed\"}}",
         LAW_ENDS, NULL},
    };
    struct model *m = model_of(small_model);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *result = json(rows[i].result);
        const char *suspect = NULL;

        if (law_of_result(m, result, &suspect) != rows[i].law)
            fail_msg("row %zu", i);
        assert_true(rows[i].suspect ? suspect && strcmp(suspect, rows[i].suspect) == 0 : !suspect);
        cJSON_Delete(result);
    }
    model_free(m);
}

/* Events in short: who, what (d: desired, r: reported, x: a refused report), the version, what the agent says it has applied. */
static cJSON *run_of(const char *verdict, const char *events)
{
    struct str rest = str_from(events);
    cJSON *result = json("{\"events\":[]}"), *list = json_get(result, "events");

    assert_int_equal(json_set(result, "verdict", json_str(str_from(verdict))), RC_OK);
    while (rest.len) {
        struct str one = str_cut(&rest, ' ');
        const char *kind = one.at[1] == 'd' ? "desired" : "reported", *member = one.at[1] == 'x' ? "error" : "version";
        int version = 0, applied = 0;
        char text[200];

        assert_in_range(sscanf(one.at + 2, "%d,%d", &version, &applied), 1, 2);
        (void)snprintf(text, sizeof text, "{\"kind\":\"%s\",\"device\":\"%c\",\"%s\":%d,\"patch\":{\"av\":%d}}", kind,
                       one.at[0], member, version, applied);
        assert_true(cJSON_AddItemToArray(list, json(text)));
    }
    return result;
}

static void versions_that_go_back_are_found_in_the_events_of_a_run_that_passed_too(void **state)
{
    static const struct {
        const char *events, *why; /* NULL: they do not */
    } rows[] = {
        {"", NULL},
        {"ad2 ad3 ar2,2 ar3,3", NULL},
        {"ar2,2 ar3,2", NULL}, /* the same version may be told again */
        {"ar2,3 ar3,2", "av: 2 after 3"},
        {"ar2,3 br2,2", NULL},         /* another's is nobody's business */
        {"ar2,3 ax400,2 ar3,3", NULL}, /* what is refused was not said */
        {"ad2 bd2 ad3", NULL},
        {"ad3 ad2", "a desired version: 2 after 3"},
        {"ad3 ad3", "a desired version: 3 after 3"},
        {"br5,0 br4,0", "b reported version: 4 after 5"},
    };
    struct model *m =
        model_of("{\"as\":\"a\",\"applied\":\"av\",\"properties\":{\"x\":{\"values\":[1]},\"y\":{\"values\":[1]}}}");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *passed = run_of("passed", rows[i].events), *error = run_of("error", rows[i].events);
        struct buf why;

        buf_init(&why, 0);
        if (law_versions_go_back(m, passed, &why) != (rows[i].why != NULL))
            fail_msg("%s", rows[i].events);
        if (rows[i].why)
            assert_string_equal(why.at, rows[i].why);
        assert_int_equal(law_of_result(m, passed, NULL), rows[i].why ? LAW_VERSIONS : LAW_NONE);
        assert_int_equal(law_of_result(m, error, NULL), LAW_NONE);
        buf_done(&why);
        cJSON_Delete(error);
        cJSON_Delete(passed);
    }
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_tells_where_each_property_lives),
        cmocka_unit_test(a_property_may_live_elsewhere_than_the_others),
        cmocka_unit_test(a_model_may_tell_where_the_applied_version_is_shown),
        cmocka_unit_test(a_wrong_model_is_told_with_its_place),
        cmocka_unit_test(a_model_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_reported_is_what_is_desired_and_defaults_for_the_rest),
        cmocka_unit_test(a_check_looks_at_what_was_written_before_it_and_at_what_is_watched),
        cmocka_unit_test(a_history_is_judged_only_where_an_agent_can_know_what_is_desired),
        cmocka_unit_test(a_history_prints_as_the_scenario_that_a_person_would_write),
        cmocka_unit_test(a_check_of_versions_prints_as_what_is_told_now_and_never_an_older_one),
        cmocka_unit_test(a_result_tells_which_law_was_broken),
        cmocka_unit_test(versions_that_go_back_are_found_in_the_events_of_a_run_that_passed_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
