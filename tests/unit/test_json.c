/* test_json.c - does json.h keep its promises? Reading is in test_json_read.c. */
#include "json.h"
#include "test.h"

#include <math.h>
#include <stdio.h>

static cJSON *tree(const char *text)
{
    cJSON *node = NULL;

    assert_int_equal(json_read(str_from(text), &node, NULL), RC_OK);
    return node;
}

static void assert_prints(const cJSON *node, const char *want)
{
    char *text = json_text(node);

    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

/* Read, print, and compare with what went in. */
static void assert_keeps(const char *text)
{
    cJSON *node = tree(text);

    assert_prints(node, text);
    cJSON_Delete(node);
}

static void what_is_read_prints_as_it_came(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "\"\"",
        "[[],{},[{}]]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"\":\"empty key\"}",
        /* numbers keep their text: facts B-01 */
        "[0,-0,1.0,1.10,1e3,1E+3,-2.5e-7,0.1,123456789012345678901234567890,4503599627370495,9007199254740993]",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f /\x7f\"",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_keeps(texts[i]);
}

static void escapes_come_out_in_their_shortest_form(void **state)
{
    cJSON *node = tree("\"\\u0041\\/\\u000A\\u001F\\u00e9\\uD83D\\uDE00\"");

    (void)state;
    assert_string_equal(node->valuestring, "A/\n\x1F\xC3\xA9\xF0\x9F\x98\x80");
    assert_prints(node, "\"A/\\n\\u001f\xC3\xA9\xF0\x9F\x98\x80\"");
    cJSON_Delete(node);
}

static void any_bytes_may_be_shown_as_a_string(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } rows[] = {
        {"", 0, "\"\""},
        {"a\0b", 3,
         "\"a\xef\xbf\xbd"
         "b\""},
        {"\xFF", 1, "\"\xEF\xBF\xBD\""},
        {"\xC3", 1, "\"\xEF\xBF\xBD\""},                                   /* cut */
        {"\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                   /* longer than needed */
        {"\xED\xA0\x80x", 4, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\""}, /* a surrogate */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *exact = copy_exact(rows[i].bytes, rows[i].len);
        struct buf out;

        buf_init(&out, 0);
        json_print_string(&out, str_of(exact, rows[i].len));
        assert_true(buf_ok(&out));
        assert_string_equal(out.at, rows[i].want);
        buf_done(&out);
        free(exact);
    }
}

static void printing_for_people_indents_by_two(void **state)
{
    cJSON *node = tree("{\"a\":[1,{}],\"b\":{\"c\":[]}}");
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    json_print_pretty(&out, node);
    assert_string_equal(out.at, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": []\n  }\n}");
    buf_done(&out);
    cJSON_Delete(node);
}

static void numbers_made_by_hand_print_as_short_as_they_read_back(void **state)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {{0, "0"},          {-7, "-7"},
                {0.1, "0.1"},      {1.5e300, "1.5e+300"},
                {1e15, "1e+15"},   {1.0 / 3, "0.3333333333333333"},
                {HUGE_VAL, "null"}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *node = cJSON_CreateNumber(rows[i].value);

        assert_prints(node, rows[i].want);
        assert_int_equal(json_offset(node), 0);
        cJSON_Delete(node);
    }
}

static void a_printer_stops_at_the_ceiling_of_its_buffer(void **state)
{
    cJSON *node = tree("[\"0123456789\",\"0123456789\"]");
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    json_print(&out, node);
    assert_int_equal(out.rc, RC_LIMIT);
    buf_done(&out);
    cJSON_Delete(node);
}

static void a_node_knows_where_it_began_and_its_copy_too(void **state)
{
    static const char text[] = "{ \"a\" : 12,\n  \"b\": [ true, \"x\" ] }";
    cJSON *node = tree(text), *copy = cJSON_Duplicate(node, true);
    unsigned line, column;

    (void)state;
    assert_int_equal(json_offset(node), 0);
    assert_int_equal(json_offset(json_get(copy, "a")), 8);
    assert_int_equal(json_offset(json_get(copy, "b")), 19);
    assert_int_equal(json_offset(json_get(copy, "b")->child->next), 27);
    json_position(STR(text), 27, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 16);
    json_position(STR(text), 0, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 1);
    json_position(STR(text), 1000, &line, &column); /* beyond: the end */
    assert_int_equal(line, 2);
    cJSON_Delete(copy);
    cJSON_Delete(node);
}

static void members_are_found_by_their_exact_key(void **state)
{
    cJSON *node = tree("{\"Key\":1,\"key\":\"two\",\"\":3,\"o\":{\"p\":{\"q\":4}},\"l\":[{}]}");

    (void)state;
    assert_int_equal(json_get(node, "Key")->valuedouble, 1);
    assert_null(json_get(node, "KEY"));
    assert_null(json_get(node, "k"));
    assert_null(json_get(NULL, "k"));
    assert_null(json_get(json_get(node, "l"), "k")); /* an array has no members */
    assert_int_equal(json_get(node, "")->valuedouble, 3);
    assert_string_equal(json_get_text(node, "key"), "two");
    assert_null(json_get_text(node, "Key"));
    assert_prints(json_at_path(node, STR("o.p")), "{\"q\":4}");
    assert_prints(json_at_path(node, STR("o.p.q")), "4");
    assert_ptr_equal(json_at_path(node, STR("")), node);
    assert_null(json_at_path(node, STR("o.p.q.r")));
    assert_null(json_at_path(node, STR("o..p")));
    assert_null(json_at_path(node, STR("o.x.q")));
    assert_null(json_at_path(node, STR("l.0")));
    assert_null(json_at_path(NULL, STR("a")));
    cJSON_Delete(node);
}

static void whole_numbers_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        int64_t want;
    } rows[] = {
        {"0", RC_OK, 0},
        {"-0", RC_OK, 0},
        {"9007199254740993", RC_OK, INT64_C(9007199254740993)}, /* a double would lose the 3 */
        {"9223372036854775807", RC_OK, INT64_MAX},
        {"-9223372036854775808", RC_OK, INT64_MIN},
        {"9223372036854775808", RC_SYNTAX, 0},
        {"-9223372036854775809", RC_SYNTAX, 0},
        {"1e3", RC_OK, 1000},
        {"-2.0", RC_OK, -2},
        {"1.5", RC_SYNTAX, 0},
        {"1e300", RC_SYNTAX, 0},
        {"\"1\"", RC_SYNTAX, 0},
        {"null", RC_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *object = cJSON_CreateObject();
        int64_t got = 77;

        assert_int_equal(json_set(object, "n", tree(rows[i].text)), RC_OK);
        assert_int_equal(json_get_i64(object, "n", &got), rows[i].rc);
        assert_true(got == (rows[i].rc ? 77 : rows[i].want));
        assert_int_equal(json_get_i64(object, "m", &got), RC_NOT_FOUND);
        cJSON_Delete(object);
    }
}

static void integers_and_strings_made_by_hand_print_in_full(void **state)
{
    static const int64_t values[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    static const char *const texts[] = {"0", "1", "-1", "9223372036854775807", "-9223372036854775808"};
    cJSON *node;

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        node = json_i64(values[i]);
        assert_prints(node, texts[i]);
        assert_int_equal(json_offset(node), 0);
        cJSON_Delete(node);
    }
    node = json_str(str_of("abc", 2));
    assert_prints(node, "\"ab\"");
    cJSON_Delete(node);
}

static void setting_replaces_in_place_and_removing_forgets(void **state)
{
    cJSON *node = tree("{\"a\":1,\"b\":2,\"c\":3}");

    (void)state;
    assert_int_equal(json_set(node, "b", json_str(STR("two"))), RC_OK);
    assert_prints(node, "{\"a\":1,\"b\":\"two\",\"c\":3}");
    assert_int_equal(json_set(node, "a", json_i64(9)), RC_OK);
    assert_int_equal(json_set(node, "c", json_i64(8)), RC_OK);
    assert_int_equal(json_set(node, "we ird.\"$\n", cJSON_CreateNull()), RC_OK);
    assert_prints(node, "{\"a\":9,\"b\":\"two\",\"c\":8,\"we ird.\\\"$\\n\":null}");
    assert_int_equal(json_set(node, json_get(node, "b")->string, json_i64(2)), RC_OK); /* its own key, soon freed */
    assert_int_equal(json_set(node, "x", NULL), RC_NOMEM);
    json_remove(node, "a");
    json_remove(node, "none");
    assert_prints(node, "{\"b\":2,\"c\":8,\"we ird.\\\"$\\n\":null}");
    json_remove(node, "we ird.\"$\n");
    json_remove(node, "c");
    assert_int_equal(json_set(node, "d", json_i64(4)), RC_OK);
    assert_prints(node, "{\"b\":2,\"d\":4}");
    cJSON_Delete(node);
}

static void equality_is_by_value(void **state)
{
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,{}]}", "{\"b\":[1,{}],\"a\":1.0}", true},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":null}", "{}", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,1]", false},
        {"1", "1e0", true},
        {"0", "-0", true},
        {"9007199254740993", "9007199254740992", false},
        {"\"1\"", "1", false},
        {"true", "false", false},
        {"null", "null", true},
        {"\"\\u00e9\"", "\"\xC3\xA9\"", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *a = tree(rows[i].a), *b = tree(rows[i].b);

        assert_int_equal(json_eq(a, b), rows[i].want);
        assert_int_equal(json_eq(b, a), rows[i].want);
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
    assert_true(json_eq(NULL, NULL));
}

/* facts T-06 to T-10, and the appendix of RFC 7396 where the hub agrees with it */
static void merging_follows_the_hub(void **state)
{
    static const struct {
        const char *target, *patch, *want;
    } rows[] = {
        {"{\"a\":1}", "{\"a\":null}", "{}"},
        {"{\"a\":1}", "{\"b\":null}", "{\"a\":1}"},
        {"{}", "{\"p\":{\"q\":null}}", "{\"p\":{}}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}"},
        {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":5}", "{\"a\":5}"},
        {"{\"a\":5}", "{\"a\":{\"d\":1}}", "{\"a\":{\"d\":1}}"},
        {"{\"a\":[1,2,3]}", "{\"a\":[9]}", "{\"a\":[9]}"},
        {"{\"a\":[1]}", "{\"a\":{\"b\":{\"c\":null,\"d\":1}}}", "{\"a\":{\"b\":{\"d\":1}}}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
        {"{}", "{\"p\":{}}", "{\"p\":{}}"},
        {"{\"a\":\"b\"}", "{\"A\":\"c\"}", "{\"a\":\"b\",\"A\":\"c\"}"},
        {"{\"e\":1.50}", "{\"f\":2.50}", "{\"e\":1.50,\"f\":2.50}"},
        {"{\"x\":1,\"y\":2,\"z\":3}", "{\"y\":\"in place\",\"x\":null}", "{\"y\":\"in place\",\"z\":3}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *target = tree(rows[i].target), *patch = tree(rows[i].patch);

        assert_int_equal(json_merge(target, patch), RC_OK);
        assert_prints(target, rows[i].want);
        assert_prints(patch, rows[i].patch); /* only read */
        cJSON_Delete(target);
        cJSON_Delete(patch);
    }
}

/* {"k0":0,...} with every step-th key, from first on; values are value + the key's number. */
static cJSON *wide(unsigned first, unsigned count, unsigned step, unsigned value)
{
    struct buf text;
    cJSON *node = NULL;

    buf_init(&text, 0);
    for (unsigned i = first; i < count; i += step)
        buf_addf(&text, "%s\"k%u\":%u", text.len ? "," : "{", i, value + i);
    buf_add_char(&text, '}');
    assert_int_equal(json_read(buf_view(&text), &node, NULL), RC_OK);
    buf_done(&text);
    return node;
}

static void wide_objects_are_indexed_and_merged_like_narrow_ones(void **state)
{
    cJSON *object = wide(0, 10000, 1, 0), *patch = wide(1, 20000, 3, 50000), *nulls = cJSON_CreateObject();
    struct json_index *ix = json_index_new(object);
    char key[16];

    (void)state;
    assert_non_null(ix);
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(json_index_get(ix, key)->valuedouble, i);
    }
    assert_null(json_index_get(ix, "k10000"));
    assert_null(json_index_get(ix, "K1"));
    assert_null(json_index_get(ix, ""));
    json_index_free(ix);

    assert_int_equal(json_merge(object, patch), RC_OK);
    for (const cJSON *member = object->child; member; member = member->next) {
        unsigned i = (unsigned)strtoul(member->string + 1, NULL, 10);

        assert_int_equal(member->valuedouble, i % 3 == 1 ? 50000 + i : i);
        if (i % 3 == 1 || i >= 10000)
            cJSON_AddItemToObject(nulls, member->string, cJSON_CreateNull());
    }
    assert_int_equal(cJSON_GetArraySize(object), 10000 + 3334);
    assert_int_equal(json_merge(object, nulls), RC_OK);
    assert_int_equal(cJSON_GetArraySize(object), 6667);
    assert_int_equal(json_merge(object, patch), RC_OK);
    assert_int_equal(json_merge(object, nulls), RC_OK);
    cJSON_Delete(patch);
    patch = wide(0, 10000, 1, 0);
    assert_int_equal(json_merge(object, patch), RC_OK);
    assert_true(json_eq(object, patch)); /* in another order */
    cJSON_Delete(object);
    cJSON_Delete(patch);
    cJSON_Delete(nulls);
}

static void an_index_over_nothing_finds_nothing(void **state)
{
    cJSON *empty = cJSON_CreateObject();
    struct json_index *ix = json_index_new(empty);

    (void)state;
    assert_non_null(ix);
    assert_null(json_index_get(ix, ""));
    assert_null(json_index_get(ix, "a"));
    json_index_free(ix);
    json_index_free(NULL);
    cJSON_Delete(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_prints_as_it_came),
        cmocka_unit_test(escapes_come_out_in_their_shortest_form),
        cmocka_unit_test(any_bytes_may_be_shown_as_a_string),
        cmocka_unit_test(printing_for_people_indents_by_two),
        cmocka_unit_test(numbers_made_by_hand_print_as_short_as_they_read_back),
        cmocka_unit_test(a_printer_stops_at_the_ceiling_of_its_buffer),
        cmocka_unit_test(a_node_knows_where_it_began_and_its_copy_too),
        cmocka_unit_test(members_are_found_by_their_exact_key),
        cmocka_unit_test(whole_numbers_are_read_exactly),
        cmocka_unit_test(integers_and_strings_made_by_hand_print_in_full),
        cmocka_unit_test(setting_replaces_in_place_and_removing_forgets),
        cmocka_unit_test(equality_is_by_value),
        cmocka_unit_test(merging_follows_the_hub),
        cmocka_unit_test(wide_objects_are_indexed_and_merged_like_narrow_ones),
        cmocka_unit_test(an_index_over_nothing_finds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
