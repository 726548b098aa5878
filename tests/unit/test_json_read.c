/* test_json_read.c - does json_read take all JSON, and nothing else? */
#include "feed.h"
#include "json.h"
#include "test.h"

struct row {
    const char *text;
    enum rc rc;
    size_t offset; /* where it went wrong */
};

static void assert_refused(const struct row *row, enum rc (*read)(struct str, cJSON **, struct json_error *))
{
    size_t len = strlen(row->text);
    char *exact = copy_exact(row->text, len);
    struct json_error err = {0, NULL};
    cJSON *node = NULL;
    enum rc rc = read(str_of(exact, len), &node, &err);

    if (rc != row->rc || err.offset != row->offset)
        print_error("%s: %s at %zu (%s)\n", row->text, rc_text(rc), err.offset, err.what);
    assert_int_equal(rc, row->rc);
    assert_null(node); /* written on success only */
    assert_int_equal(err.offset, row->offset);
    assert_non_null(err.what);
    free(exact);
}

/* What cJSON's own parser takes, or takes wrongly, is among them: facts B-01 */
static void what_is_not_json_is_refused_where_it_goes_wrong(void **state)
{
    static const struct row rows[] = {
        {"", RC_SYNTAX, 0},
        {"  ", RC_SYNTAX, 2},
        {"{", RC_SYNTAX, 1},
        {"{\"a\"}", RC_SYNTAX, 4},
        {"{\"a\":}", RC_SYNTAX, 5},
        {"{\"a\":1,}", RC_SYNTAX, 7},
        {"{\"a\":1 \"b\":2}", RC_SYNTAX, 7},
        {"{a:1}", RC_SYNTAX, 1},
        {"{,}", RC_SYNTAX, 1},
        {"[1,]", RC_SYNTAX, 3},
        {"[1 2]", RC_SYNTAX, 3},
        {"[1}", RC_SYNTAX, 2},
        {"{}x", RC_SYNTAX, 2},
        {"{} {}", RC_SYNTAX, 3},
        {"1 2", RC_SYNTAX, 2},
        {"'a'", RC_SYNTAX, 0},
        {"tru", RC_SYNTAX, 0},
        {"nul", RC_SYNTAX, 0},
        {"True", RC_SYNTAX, 0},
        {"NaN", RC_SYNTAX, 0},
        {"-Infinity", RC_SYNTAX, 1},
        {"\xEF\xBB\xBF{}", RC_SYNTAX, 0}, /* a byte order mark */
        {"01", RC_SYNTAX, 1},
        {"-", RC_SYNTAX, 1},
        {"-01", RC_SYNTAX, 2},
        {"+1", RC_SYNTAX, 0},
        {".5", RC_SYNTAX, 0},
        {"1.", RC_SYNTAX, 2},
        {"1.e3", RC_SYNTAX, 2},
        {"1e", RC_SYNTAX, 2},
        {"1e+", RC_SYNTAX, 3},
        {"0x10", RC_SYNTAX, 1},
        {"1e999", RC_LIMIT, 0},
        {"[-1e999]", RC_LIMIT, 1},
        {"\"a", RC_SYNTAX, 2},
        {"\"a\\", RC_SYNTAX, 3},
        {"\"a\nb\"", RC_SYNTAX, 2}, /* a raw line break */
        {"\"\x01\"", RC_SYNTAX, 1},
        {"\"\\x41\"", RC_SYNTAX, 1},
        {"\"\\\xC3\xA9\"", RC_SYNTAX, 1},
        {"\"\\u12\"", RC_SYNTAX, 3},
        {"\"\\u12G4\"", RC_SYNTAX, 3},
        {"\"a\\u0000b\"", RC_SYNTAX, 4},
        {"{\"a\\u0000b\":1}", RC_SYNTAX, 5},
        {"\"\\ud800\"", RC_SYNTAX, 3},
        {"\"\\udc00\"", RC_SYNTAX, 3},
        {"\"\\ud800\\u0041\"", RC_SYNTAX, 3},
        {"\"\\ud800\\ud800\"", RC_SYNTAX, 3},
        {"\"\xFF\"", RC_SYNTAX, 1},
        {"\"a\xC3\"", RC_SYNTAX, 2},
        {"\"\xC0\x80\"", RC_SYNTAX, 1},         /* NUL, longer than needed */
        {"\"\xE0\x9F\xBF\"", RC_SYNTAX, 1},     /* longer than needed */
        {"\"\xED\xA0\x80\"", RC_SYNTAX, 1},     /* a surrogate */
        {"\"\xF4\x90\x80\x80\"", RC_SYNTAX, 1}, /* beyond U+10FFFF */
        {"\"\xF0\x8F\xBF\xBF\"", RC_SYNTAX, 1},
        {"[\x0B]", RC_SYNTAX, 1}, /* no JSON blank */
        {"{} // comment", RC_SYNTAX, 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(&rows[i], json_read);
}

static void nul_bytes_are_refused_not_taken_for_the_end(void **state)
{
    struct json_error err;
    cJSON *node = NULL;

    (void)state;
    assert_int_equal(json_read(str_of("{}\0", 3), &node, &err), RC_SYNTAX);
    assert_int_equal(err.offset, 2);
    assert_int_equal(json_read(str_of("\"a\0b\"", 5), &node, &err), RC_SYNTAX);
    assert_int_equal(err.offset, 2);
    assert_int_equal(json_read(str_of("\"a\\\0b\"", 6), &node, &err), RC_SYNTAX);
    assert_int_equal(json_read(str_of(NULL, 0), &node, NULL), RC_SYNTAX);
    assert_null(node);
}

static void blanks_are_fine_wherever_json_has_them(void **state)
{
    cJSON *node = NULL;
    char *text;

    (void)state;
    assert_int_equal(json_read(STR(" \t\r\n{ \"a\" : [ 1 , 2 ] ,\n\"b\" : { } } \n"), &node, NULL), RC_OK);
    text = json_text(node);
    assert_string_equal(text, "{\"a\":[1,2],\"b\":{}}");
    free(text);
    cJSON_Delete(node);
}

static void numbers_have_their_value_and_their_text(void **state)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {{"0", 0},
                {"-1", -1},
                {"999999999999999", 999999999999999.0},
                {"-999999999999999", -999999999999999.0},
                {"1234567890123456789", 1234567890123456789.0},
                {"0.1", 0.1},
                {"1e308", 1e308},
                {"5e-324", 5e-324},
                {"1e-999", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *node = NULL;

        assert_int_equal(json_read(str_from(rows[i].text), &node, NULL), RC_OK);
        assert_true(cJSON_IsNumber(node));
        assert_memory_equal(&node->valuedouble, &rows[i].want, sizeof(double));
        assert_string_equal(node->valuestring, rows[i].text);
        cJSON_Delete(node);
    }
}

/* n opening brackets, and as many closing ones */
static enum rc read_nested(size_t n, char open, char close)
{
    struct buf text;
    cJSON *node = NULL;
    enum rc rc;

    buf_init(&text, 0);
    for (size_t i = 0; i < n; i++) {
        buf_add_char(&text, open);
        if (open == '{' && i + 1 < n)
            buf_add(&text, STR("\"a\":"));
    }
    for (size_t i = 0; i < n; i++)
        buf_add_char(&text, close);
    rc = json_read(buf_view(&text), &node, NULL);
    cJSON_Delete(node);
    buf_done(&text);
    return rc;
}

static void nesting_ends_at_the_limit(void **state)
{
    (void)state;
    assert_int_equal(read_nested(JSON_DEPTH_MAX, '[', ']'), RC_OK);
    assert_int_equal(read_nested(JSON_DEPTH_MAX, '{', '}'), RC_OK);
    assert_int_equal(read_nested(JSON_DEPTH_MAX + 1, '[', ']'), RC_LIMIT);
    assert_int_equal(read_nested(JSON_DEPTH_MAX + 1, '{', '}'), RC_LIMIT);
    assert_int_equal(read_nested(200000, '[', ']'), RC_LIMIT); /* and no stack overflows */
}

static void of_members_given_twice_the_last_wins_in_the_first_place(void **state)
{
    struct buf text, want;
    cJSON *node = NULL;
    char *got;

    (void)state;
    assert_int_equal(json_read(STR("{\"a\":1,\"b\":2,\"a\":3,\"A\":4,\"a\":5}"), &node, NULL), RC_OK);
    got = json_text(node);
    assert_string_equal(got, "{\"a\":5,\"b\":2,\"A\":4}");
    free(got);
    cJSON_Delete(node);

    /* the same in a wide one, where they are found by an index */
    buf_init(&text, 0);
    buf_init(&want, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            buf_addf(&text, "%s\"k%d\":%d", text.len ? "," : "{", i, round);
            if (round == 2)
                buf_addf(&want, "%s\"k%d\":%d", want.len ? "," : "{", i, round);
        }
    }
    buf_add_char(&text, '}');
    buf_add_char(&want, '}');
    assert_int_equal(json_read(buf_view(&text), &node, NULL), RC_OK);
    got = json_text(node);
    assert_string_equal(got, want.at);
    free(got);
    cJSON_Delete(node);
    buf_done(&text);
    buf_done(&want);
}

static void comments_and_trailing_commas_are_for_files_people_write(void **state)
{
    static const char text[] =
        "// first\n{ \"a\": [1, 2, /* two */ ], \"b\": \"// no comment, */\\\"/*\", // last\n}\n/**/";
    struct json_error err;
    cJSON *node = NULL;
    char *got;

    (void)state;
    assert_int_equal(json_read_commented(STR(text), &node, &err), RC_OK);
    got = json_text(node);
    assert_string_equal(got, "{\"a\":[1,2],\"b\":\"// no comment, */\\\"/*\"}");
    assert_int_equal(json_offset(json_get(node, "a")), strchr(text, '[') - text); /* as given */
    free(got);
    cJSON_Delete(node);
    node = NULL;
    assert_int_equal(json_read(STR(text), &node, NULL), RC_SYNTAX);
}

static void comments_excuse_nothing_else(void **state)
{
    static const struct row rows[] = {{"{} /* open", RC_SYNTAX, 3},
                                      {"{\"a\":/*x*/,}", RC_SYNTAX, 10},
                                      {"[,]", RC_SYNTAX, 1},
                                      {"{,}", RC_SYNTAX, 1},
                                      {"[1,,]", RC_SYNTAX, 3},
                                      {"[1,/**/,]", RC_SYNTAX, 7},
                                      {"/", RC_SYNTAX, 0},
                                      {"[1/2]", RC_SYNTAX, 2},
                                      {"1,", RC_SYNTAX, 1},
                                      {"\"\\", RC_SYNTAX, 2},
                                      {"//", RC_SYNTAX, 2},
                                      {"/*/", RC_SYNTAX, 0},
                                      {"{\"a\":1,//\n", RC_SYNTAX, 10},
                                      {"x\xEF\xBB\xBF{}", RC_SYNTAX, 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(&rows[i], json_read_commented);
}

static void in_a_file_of_a_person_a_member_given_twice_is_a_mistake_at_its_second_key(void **state)
{
    static const struct row rows[] = {{"{\"a\":1,\"b\":2, \"a\" /* a: */ : 3}", RC_SYNTAX, 14},
                                      {"[{\"a\":{\"x\":1,\"x\":1}},{\"a\":1}]", RC_SYNTAX, 13},
                                      {"{\"\\\"\\\\\":1,\"\\u0022\\\\\":1}", RC_SYNTAX, 10},
                                      {"{\"\":1,\"\":1}", RC_SYNTAX, 6}};
    struct buf wide;
    cJSON *node = NULL;
    struct json_error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(&rows[i], json_read_commented);
    buf_init(&wide, 0);
    buf_add(&wide, STR("{"));
    for (int i = 0; i < 100; i++)
        buf_addf(&wide, "\"k%03d\":0,", i);
    buf_add(&wide, STR("\"k055\":1}"));
    assert_int_equal(json_read_commented(buf_view(&wide), &node, &err), RC_SYNTAX);
    assert_int_equal(err.offset, 901);
    buf_done(&wide);
    assert_int_equal(json_read_commented(STR("{\"a\":1,\"A\":2,\"b\":{\"a\":1}}"), &node, NULL), RC_OK);
    cJSON_Delete(node);
}

static void a_byte_order_mark_is_for_files_people_write(void **state)
{
    static const char text[] = "\xEF\xBB\xBF{\"a\":1}";
    cJSON *node = NULL;

    (void)state;
    assert_int_equal(json_read_commented(STR(text), &node, NULL), RC_OK);
    assert_int_equal(json_offset(json_get(node, "a")), 8); /* as given */
    cJSON_Delete(node);
    node = NULL;
    assert_int_equal(json_read(STR(text), &node, NULL), RC_SYNTAX);
}

/* Whatever comes: no crash, no byte too far; and what is taken prints as a text that is taken again, and prints the same. */
static void read_and_judge(struct str text)
{
    struct json_error err = {0, NULL};
    cJSON *node = NULL, *again = NULL;
    enum rc rc = json_read(text, &node, &err);
    char *first, *second;

    if (rc) {
        assert_null(node);
        assert_true(err.offset <= text.len);
        assert_non_null(err.what);
    } else {
        first = json_text(node);
        assert_int_equal(json_read(str_from(first), &again, NULL), RC_OK);
        assert_true(json_eq(node, again));
        second = json_text(again);
        assert_string_equal(first, second);
        free(first);
        free(second);
        cJSON_Delete(node);
        cJSON_Delete(again);
    }
    node = NULL;
    if (json_read_commented(text, &node, &err) == RC_OK)
        cJSON_Delete(node);
    else
        assert_true(rc != RC_OK ||
                    strcmp(err.what, "this member is given twice") == 0); /* all other JSON is commented JSON */
}

static const char sample[] =
    "{\"a\":[1,-2.5e3,true,false,null],\"b\\u00e9\xC3\xA9\":{\"c\":\"\\ud83d\\ude00\\n\",\"a\":{}},"
    "\"a\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\"}";

static void every_prefix_of_a_text_is_judged_safely(void **state)
{
    cJSON *node = NULL;

    (void)state;
    feed_prefixes(STR(sample), read_and_judge);
    for (size_t n = 0; n < sizeof sample - 1; n++) /* an object is not there before its last byte */
        assert_int_equal(json_read(str_of(sample, n), &node, NULL), RC_SYNTAX);
}

static void mutated_texts_are_judged_safely(void **state)
{
    (void)state;
    feed_mutations(STR(sample), read_and_judge);
    feed_mutations(STR("/*x*/[1,\"//\\\\\",[],]//y\n"), read_and_judge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_json_is_refused_where_it_goes_wrong),
        cmocka_unit_test(nul_bytes_are_refused_not_taken_for_the_end),
        cmocka_unit_test(blanks_are_fine_wherever_json_has_them),
        cmocka_unit_test(numbers_have_their_value_and_their_text),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(of_members_given_twice_the_last_wins_in_the_first_place),
        cmocka_unit_test(comments_and_trailing_commas_are_for_files_people_write),
        cmocka_unit_test(comments_excuse_nothing_else),
        cmocka_unit_test(in_a_file_of_a_person_a_member_given_twice_is_a_mistake_at_its_second_key),
        cmocka_unit_test(a_byte_order_mark_is_for_files_people_write),
        cmocka_unit_test(every_prefix_of_a_text_is_judged_safely),
        cmocka_unit_test(mutated_texts_are_judged_safely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
