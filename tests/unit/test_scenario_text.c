/* Words, variables and suggestions: the texts that people write in scenarios and on command lines. */
#include "test.h"

#include "base64.h"
#include "suggest.h"
#include "vars.h"
#include "words.h"

static void words_are_split_as_a_person_means_them(void **state)
{
    static const struct {
        const char *line;
        const char *want[5]; /* NULL ends */
    } rows[] = {
        {"", {NULL}},
        {"  \t\n ", {NULL}},
        {"./agent", {"./agent", NULL}},
        {" a  b\tc\n", {"a", "b", "c", NULL}},
        {"'a b' \"c d\" e\\ f", {"a b", "c d", "e f", NULL}},
        {"a'b'\"c\"d", {"abcd", NULL}},
        {"'' \"\"", {"", "", NULL}},
        {"'a\\'", {"a\\", NULL}},
        {"\"a\\\"b\"", {"a\"b", NULL}},
        {"$(x) `y` *? | >z", {"$(x)", "`y`", "*?", "|", NULL}},
        {"--as=${connectionString}", {"--as=${connectionString}", NULL}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].line);
        char *line = copy_exact(rows[i].line, len);
        struct words w = {0};
        size_t n = 0;

        assert_int_equal(words_split(str_of(line, len), &w), RC_OK);
        for (; n < 4 && rows[i].want[n]; n++)
            assert_string_equal(w.at[n], rows[i].want[n]);
        if (n < 4)
            assert_int_equal(w.count, n);
        assert_true(w.count == 0 || w.at[w.count] == NULL);
        words_done(&w);
        free(line);
    }
}

static void words_refuse_what_is_not_finished(void **state)
{
    static const char *const lines[] = {"'a", "\"a", "a\\", "'a\"", "\"a\\\""};
    struct words before = {.count = 7}, w = before;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(words_split(str_from(lines[i]), &w), RC_SYNTAX);
        assert_memory_equal(&w, &before, sizeof w);
    }
    assert_int_equal(words_split(STR("a\0b"), &w), RC_SYNTAX);
}

static void words_have_a_ceiling(void **state)
{
    char line[2 * WORDS_MAX + 3];
    struct words w = {0};

    (void)state;
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = i % 2 ? ' ' : 'a';
    assert_int_equal(words_split(str_of(line, 2 * WORDS_MAX), &w), RC_OK);
    assert_int_equal(w.count, WORDS_MAX);
    words_done(&w);
    assert_int_equal(words_split(str_of(line, sizeof line), &w), RC_LIMIT);
}

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static void variables_are_filled_in_their_own_type_when_they_stand_alone(void **state)
{
    static const char vars_text[] = "{\"a\":\"x\",\"n\":5,\"o\":{\"k\":[1]},\"t\":\"${a}\"}";
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"\"${a}\"", "\"x\""},
        {"\"${n}\"", "5"},
        {"\"${o}\"", "{\"k\":[1]}"},
        {"\"<${a}${n}>\"", "\"<x5>\""},
        {"\"${o}!\"", "\"{\\\"k\\\":[1]}!\""},
        {"\"$${a}\"", "\"${a}\""},
        {"\"$ {a} $a $\"", "\"$ {a} $a $\""},
        {"\"${t}\"", "\"${a}\""},
        {"{\"k\":[\"${n}\",{\"m\":\"${a}\"}],\"${a}\":1}", "{\"k\":[5,{\"m\":\"x\"}],\"${a}\":1}"},
        {"[1,true,null,\"plain\"]", "[1,true,null,\"plain\"]"},
    };
    cJSON *vars = json(vars_text);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *value = json(rows[i].value), *filled = NULL;
        char *text;

        assert_int_equal(vars_fill(value, vars, &filled), RC_OK);
        text = json_text(filled);
        assert_string_equal(text, rows[i].want);
        free(text);
        cJSON_Delete(filled);
        cJSON_Delete(value);
    }
    cJSON_Delete(vars);
}

static void filled_values_keep_their_place_in_the_file(void **state)
{
    cJSON *value = json("  {\"k\": \"a ${a}\"}"), *vars = json("{\"a\":\"x\"}"), *filled = NULL;

    (void)state;
    assert_int_equal(vars_fill(value, vars, &filled), RC_OK);
    assert_int_equal(json_offset(filled), 2);
    assert_int_equal(json_offset(json_get(filled, "k")), 8);
    cJSON_Delete(filled);
    cJSON_Delete(vars);
    cJSON_Delete(value);
}

static void an_unknown_or_unclosed_variable_is_refused(void **state)
{
    static const struct {
        const char *value;
        enum rc want;
    } rows[] = {{"\"${b}\"", RC_NOT_FOUND}, {"\"x${b}\"", RC_NOT_FOUND}, {"\"${a\"", RC_SYNTAX},
                {"\"x ${\"", RC_SYNTAX},    {"\"${}\"", RC_NOT_FOUND},   {"[\"${a}\",\"${b}\"]", RC_NOT_FOUND}};
    cJSON *vars = json("{\"a\":\"x\"}");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *value = json(rows[i].value), *filled = NULL;

        assert_int_equal(vars_fill(value, vars, &filled), rows[i].want);
        assert_null(filled);
        cJSON_Delete(value);
    }
    cJSON_Delete(vars);
}

static void variable_names_are_words(void **state)
{
    (void)state;
    assert_true(vars_name_is_valid(STR("a")));
    assert_true(vars_name_is_valid(STR("_A9")));
    assert_false(vars_name_is_valid(STR("")));
    assert_false(vars_name_is_valid(STR("9a")));
    assert_false(vars_name_is_valid(STR("a-b")));
    assert_false(vars_name_is_valid(STR("a.b")));
}

static void a_slip_is_answered_with_what_was_meant_and_nonsense_with_nothing(void **state)
{
    static const char *const names[] = {"expect", "never", "desired", "exit", "on"};
    char meant[SUGGEST_TEXT_MAX];

    (void)state;
    assert_string_equal(suggest(STR("expct"), names, COUNT(names)), "expect");
    assert_string_equal(suggest(STR("EXPECT"), names, COUNT(names)), "expect");
    assert_string_equal(suggest(STR("epxect"), names, COUNT(names)), "expect");
    assert_string_equal(suggest(STR("dsired"), names, COUNT(names)), "desired");
    assert_null(suggest(STR("telemetry"), names, COUNT(names)));
    assert_null(suggest(STR(""), names, COUNT(names)));
    assert_null(suggest(STR("xy"), names, COUNT(names))); /* "on" would be two slips of two letters */
    assert_string_equal(suggest_text(STR("nevr"), names, COUNT(names), meant), "; did you mean 'never'?");
    assert_string_equal(suggest_text(STR("zzzzzz"), names, COUNT(names), meant), "");
}

static void base64_stands_for_bytes(void **state)
{
    static const struct {
        const char *text, *bytes;
        size_t len;
    } rows[] = {{"", "", 0},        {"AA==", "\0", 1},           {"Zm8=", "fo", 2},
                {"Zm9v", "foo", 3}, {"+/+/", "\373\377\277", 3}, {"Zm9vYmFyIQ==", "foobar!", 7}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf got;

        buf_init(&got, 0);
        assert_true(base64_is_valid(str_from(rows[i].text)));
        base64_decode(&got, str_from(rows[i].text));
        assert_int_equal(got.len, rows[i].len);
        assert_memory_equal(got.len ? got.at : "", rows[i].bytes, rows[i].len);
        buf_done(&got);
    }
}

static void base64_is_refused_when_it_is_none(void **state)
{
    static const char *const bad[] = {"A", "AA", "AAA", "A===", "====", "AA=A", "AA-_", "AA\n=", " AA=", "AAAA="};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(base64_is_valid(str_from(bad[i])));
    assert_false(base64_is_valid(STR("AA\0A")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_stands_for_bytes),
        cmocka_unit_test(base64_is_refused_when_it_is_none),
        cmocka_unit_test(words_are_split_as_a_person_means_them),
        cmocka_unit_test(words_refuse_what_is_not_finished),
        cmocka_unit_test(words_have_a_ceiling),
        cmocka_unit_test(variables_are_filled_in_their_own_type_when_they_stand_alone),
        cmocka_unit_test(filled_values_keep_their_place_in_the_file),
        cmocka_unit_test(an_unknown_or_unclosed_variable_is_refused),
        cmocka_unit_test(variable_names_are_words),
        cmocka_unit_test(a_slip_is_answered_with_what_was_meant_and_nonsense_with_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
