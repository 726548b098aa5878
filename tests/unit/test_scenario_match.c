/* Patterns and matchers: what fits, how near a miss is, and how the difference reads. */
#include "test.h"

#include "match.h"

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static void a_pattern_is_a_subset_with_matchers_in_it(void **state)
{
    static const struct {
        const char *want, *got; /* got NULL: not there */
        bool fits;
    } rows[] = {
        {"{}", "{\"a\":1}", true},
        {"{}", "1", false},
        {"{}", NULL, false},
        {"1", "1.0", true},
        {"1", "\"1\"", false},
        {"null", "null", true},
        {"null", NULL, false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2}}", true},
        {"{\"a.b\":1}", "{\"a\":{\"b\":1}}", true},
        {"{\"a.b\":1}", "{\"a.b\":1}", true}, /* a key as it stands comes first */
        {"{\"a\":{\"b.c\":1}}", "{\"a\":{\"b\":{\"c\":1}}}", true},
        {"[1,2]", "[1,2]", true},
        {"[1,2]", "[1,2,3]", false},
        {"[1,2]", "[2,1]", false},
        {"[{\"a\":1}]", "[{\"a\":1,\"b\":2}]", true},
        {"[]", "[]", true},
        {"{\"$gt\":1}", "2", true},
        {"{\"$gt\":1}", "1", false},
        {"{\"$gt\":1}", "\"2\"", false},
        {"{\"$gt\":1}", NULL, false},
        {"{\"$gte\":1}", "1", true},
        {"{\"$lt\":1}", "0.5", true},
        {"{\"$lt\":1}", "1", false},
        {"{\"$lte\":1}", "1", true},
        {"{\"$gt\":1,\"$lt\":3}", "2", true},
        {"{\"$gt\":1,\"$lt\":3}", "3", false},
        {"{\"$gt\":\"2026-01-01\"}", "\"2026-11-01\"", true},
        {"{\"$ne\":1}", "2", true},
        {"{\"$ne\":1}", "1", false},
        {"{\"$ne\":1}", NULL, false},
        {"{\"$ne\":{\"a\":1}}", "{\"a\":2}", true},
        {"{\"$regex\":\"^a+$\"}", "\"aaa\"", true},
        {"{\"$regex\":\"^a+$\"}", "\"aab\"", false},
        {"{\"$regex\":\"^1$\"}", "1", false},
        {"{\"$nocase\":\"High\"}", "\"hIGH\"", true},
        {"{\"$nocase\":\"High\"}", "\"higher\"", false},
        {"{\"$duration\":\"PT2M\"}", "\"PT120S\"", true},
        {"{\"$duration\":\"P7D\"}", "\"P1W\"", true},
        {"{\"$duration\":\"PT2M\"}", "\"PT3M\"", false},
        {"{\"$duration\":\"PT2M\"}", "\"soon\"", false},
        {"{\"$duration\":\"PT2M\"}", "120", false},
        {"{\"$type\":\"number\"}", "1.5", true},
        {"{\"$type\":\"integer\"}", "1.5", false},
        {"{\"$type\":\"integer\"}", "2", true},
        {"{\"$type\":\"string\"}", "\"\"", true},
        {"{\"$type\":\"boolean\"}", "false", true},
        {"{\"$type\":\"object\"}", "{}", true},
        {"{\"$type\":\"array\"}", "[]", true},
        {"{\"$type\":\"null\"}", "null", true},
        {"{\"$type\":\"null\"}", NULL, false},
        {"{\"$type\":\"string\"}", "1", false},
        {"{\"a\":{\"$absent\":true}}", "{}", true},
        {"{\"a\":{\"$absent\":true}}", "{\"a\":null}", false},
        {"{\"a\":{\"b\":{\"$absent\":true}}}", "{}", true},
        {"{\"a.b\":{\"$absent\":true}}", "{\"a\":{}}", true},
        {"{\"a\":{\"$present\":true}}", "{\"a\":null}", true},
        {"{\"a\":{\"$present\":true}}", "{}", false},
        {"{\"$any\":[1,{\"$gt\":10}]}", "11", true},
        {"{\"$any\":[1,{\"$gt\":10}]}", "5", false},
        {"{\"$all\":[{\"n\":1},{\"n\":2}]}", "[{\"n\":2},{\"n\":3},{\"n\":1}]", true},
        {"{\"$all\":[{\"n\":1},{\"n\":4}]}", "[{\"n\":2},{\"n\":3},{\"n\":1}]", false},
        {"{\"$all\":[1]}", "1", false},
        {"{\"$version\":3}", "{\"$version\":3,\"a\":1}", true}, /* a key of twins, no matcher */
        {"{\"$.ct\":\"x\"}", "{\"$.ct\":\"x\"}", true},         /* a system property */
        {"{\"$nosuch\":1}", "1", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *want = json(rows[i].want), *got = rows[i].got ? json(rows[i].got) : NULL;
        struct match_report report;

        match_report_init(&report);
        if (match_fits(want, got, NULL, NULL) != rows[i].fits || match_fits(want, got, NULL, &report) != rows[i].fits)
            fail_msg("%s against %s", rows[i].want, rows[i].got ? rows[i].got : "nothing");
        assert_int_equal(report.fitting == report.leaves, rows[i].fits);
        assert_int_equal(report.differences.len == 0, rows[i].fits);
        match_report_done(&report);
        cJSON_Delete(got);
        cJSON_Delete(want);
    }
}

static void an_alias_is_a_path_in_the_outermost_object(void **state)
{
    cJSON *aliases = json("{\"config.*\":\"urn:Config.*.value\"}");
    cJSON *got = json("{\"urn:Config\":{\"a\":{\"value\":1}}}"), *want = json("{\"config.a\":1}");
    cJSON *either = json("{\"$any\":[{\"config.a\":2},{\"config.a\":1}]}");

    (void)state;
    assert_true(match_fits(want, got, aliases, NULL));
    assert_false(match_fits(want, got, NULL, NULL));
    assert_true(match_fits(either, got, aliases, NULL));
    assert_int_equal(match_member(got, "config.a", aliases)->valuedouble, 1);
    assert_null(match_member(got, "config.b", aliases));
    cJSON_Delete(either);
    cJSON_Delete(want);
    cJSON_Delete(got);
    cJSON_Delete(aliases);
}

static void a_miss_counts_what_fits_and_says_each_difference(void **state)
{
    cJSON *want = json("{\"a\":1,\"b\":{\"c\":\"x\",\"d\":{\"$gt\":5}},\"e\":[1,2],\"f\":{\"g\":true}}");
    cJSON *got = json("{\"a\":1,\"b\":{\"c\":\"y\",\"d\":4},\"e\":[1,3]}");
    struct match_report report;

    (void)state;
    match_report_init(&report);
    assert_false(match_fits(want, got, NULL, &report));
    assert_int_equal(report.leaves, 6);
    assert_int_equal(report.fitting, 2);
    assert_string_equal(report.differences.at, "b.c: expected \"x\", got \"y\"\n"
                                               "b.d: expected {\"$gt\":5}, got 4\n"
                                               "e[1]: expected 2, got 3\n"
                                               "f.g: expected true, got nothing\n");
    match_report_done(&report);
    cJSON_Delete(got);
    cJSON_Delete(want);
}

static void a_long_value_is_cut_between_characters(void **state)
{
    cJSON *value = json("\"a\xC3\xA9\xC3\xA9\"");
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    match_print_short(&out, value, 100);
    assert_string_equal(out.at, "\"a\xC3\xA9\xC3\xA9\"");
    buf_reset(&out);
    match_print_short(&out, value, 3); /* would end within the first accented letter */
    assert_string_equal(out.at, "\"a...");
    buf_reset(&out);
    match_print_short(&out, NULL, 3);
    assert_string_equal(out.at, "nothing");
    buf_done(&out);
    cJSON_Delete(value);
}

static void a_wrong_matcher_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: fine */
    } rows[] = {
        {"{\"a\":{\"$gt\":1}}", NULL},
        {"{\"a\":{\"$gt\":\"${n}\"}}", NULL},
        {"{\"a\":{\"$duration\":\"${n}\"}}", NULL},
        {"{\"$version\":1,\"$metadata\":{}}", NULL},
        {"{\"a\":{\"$gte\":true}}", "f:1:14: $gte wants a number or a text\n"},
        {"{\"a\":{\"$regx\":\"x\"}}", "f:1:7: no matcher is called '$regx'; did you mean '$regex'?\n"},
        {"{\"a\":{\"$regex\":\"(\"}}", "f:1:16: $regex wants an extended regular expression (POSIX)\n"},
        {"{\"a\":{\"$type\":\"text\"}}",
         "f:1:15: $type wants \"string\", \"number\", \"integer\", \"boolean\", \"object\", \"array\" or \"null\"\n"},
        {"{\"a\":{\"$absent\":1}}", "f:1:17: $absent wants true\n"},
        {"{\"a\":{\"$any\":[]}}", "f:1:14: $any wants a list of patterns, not empty\n"},
        {"{\"a\":{\"$any\":[{\"$x\":1}]}}", "f:1:16: no matcher is called '$x'\n"},
        {"{\"a\":{\"$duration\":\"5\"}}", "f:1:19: $duration wants a duration such as \"PT2M\" or \"2m\"\n"},
        {"{\"a\":{\"$nocase\":1}}", "f:1:17: $nocase wants a text\n"},
        {"{\"\":1}", "f:1:2: an empty key names nothing\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *want = json(rows[i].text);
        struct source source = {"f", str_from(rows[i].text)};
        struct problems problems;

        problems_init(&problems);
        match_check(want, &source, &problems);
        assert_int_equal(problems.count, rows[i].want ? 1 : 0);
        if (rows[i].want)
            assert_string_equal(problems.lines.at, rows[i].want);
        problems_done(&problems);
        cJSON_Delete(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_a_subset_with_matchers_in_it),
        cmocka_unit_test(an_alias_is_a_path_in_the_outermost_object),
        cmocka_unit_test(a_miss_counts_what_fits_and_says_each_difference),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(a_wrong_matcher_is_told_with_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
