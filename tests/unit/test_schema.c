/* JSON Schema: what fits (data/schema_cases.json, which the JavaScript checker is held to as well), what is told of a misfit, and what is
 * told of a schema that is itself wrong. */
#include "fail_alloc.h"
#include "test.h"

#include "schema.h"
#include "schema_pattern.h"
#include "utf8.h"

#include <stdio.h>

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static cJSON *cases_read(char **text)
{
    FILE *file = fopen(TEST_DATA "/schema_cases.json", "re");
    size_t room = 256 * 1024;
    size_t n;

    assert_non_null(file);
    *text = malloc(room);
    assert_non_null(*text);
    n = fread(*text, 1, room - 1, file);
    assert_int_equal(fclose(file), 0);
    (*text)[n] = '\0';
    return json(*text);
}

static unsigned problems_of(const cJSON *schema, const char *text)
{
    struct source source = {"schema.json", str_from(text)};
    struct problems problems;
    unsigned count;

    problems_init(&problems);
    schema_examine(schema, &source, &problems);
    count = problems.count;
    problems_done(&problems);
    return count;
}

/* With and without a reason: the answer is the same, and a reason is given for a misfit alone. */
static void check_all(const cJSON *one, const char *which, enum rc wanted)
{
    const cJSON *schema = json_get(one, "schema"), *value;

    cJSON_ArrayForEach(value, json_get(one, which))
    {
        struct buf why;
        enum rc rc;

        buf_init(&why, SCHEMA_WHY_MAX);
        rc = schema_check(schema, value, &why);
        if (rc != wanted) {
            char *text = json_text(value);

            print_message("%s: %s gives %s: %s\n", json_get_text(one, "about"), text, rc_text(rc),
                          why.len ? why.at : "");
            free(text);
        }
        assert_int_equal(rc, wanted);
        assert_int_equal(schema_check(schema, value, NULL), wanted);
        assert_int_equal(why.len > 0, wanted != RC_OK);
        buf_done(&why);
    }
}

static void every_keyword_means_what_the_standard_says(void **state)
{
    char *text;
    cJSON *cases = cases_read(&text);
    const cJSON *one;

    (void)state;
    cJSON_ArrayForEach(one, cases)
    {
        bool is_usable = !json_get(one, "unusable");

        if ((problems_of(json_get(one, "schema"), text) == 0) != is_usable)
            fail_msg("%s: the schema is %s", json_get_text(one, "about"), is_usable ? "refused" : "accepted");
        check_all(one, "fits", RC_OK);
        check_all(one, "misfits", RC_REFUSED);
    }
    cJSON_Delete(cases);
    free(text);
}

static void a_misfit_is_told_with_its_place_in_a_sentence(void **state)
{
    static const struct {
        const char *schema, *value, *why;
    } rows[] = {
        {"{\"type\":\"string\"}", "5", "expected the type \"string\", got 5\n"},
        {"{\"type\":[\"string\",\"null\"]}", "[1]", "expected the type [\"string\",\"null\"], got [1]\n"},
        {"{\"const\":\"1.0\"}", "\"1.1\"", "expected \"1.0\", got \"1.1\"\n"},
        {"{\"enum\":[\"High\",\"Low\"]}", "\"Off\"", "expected one of [\"High\",\"Low\"], got \"Off\"\n"},
        {"{\"required\":[\"a\",\"b\"]}", "{}", "the member 'a' is missing\nthe member 'b' is missing\n"},
        {"{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{\"type\":\"null\"}}}}}}", "{\"a\":[{},{\"b\":1}]}",
         "a[1].b: expected the type \"null\", got 1\n"},
        {"{\"items\":{\"items\":false}}", "[[],[7]]", "[1][0]: expected nothing here, got 7\n"},
        {"{\"properties\":{\"a\":{\"additionalProperties\":false}}}", "{\"a\":{\"x\":1}}",
         "a: there must be no member 'x'\n"},
        {"{\"patternProperties\":{\"^x\":{\"minimum\":3}}}", "{\"xy\":2}", "xy: expected at least 3, got 2\n"},
        {"{\"additionalProperties\":{\"maximum\":3}}", "{\"xy\":4}", "xy: expected at most 3, got 4\n"},
        {"{\"propertyNames\":{\"maxLength\":1}}", "{\"xy\":4}", "no member may be called 'xy'\n"},
        {"{\"minItems\":2}", "[1]", "expected at least 2 elements, got 1\n"},
        {"{\"maxLength\":2}", "\"\xc3\xa9\xc3\xa9\xc3\xa9\"", "expected at most 2 characters, got 3\n"},
        {"{\"maxProperties\":0}", "{\"a\":1}", "expected at most 0 members, got 1\n"},
        {"{\"contains\":{\"const\":1}}", "[2]", "no element is what one of them must be\n"},
        {"{\"uniqueItems\":true}", "[2,3,2]", "expected no element twice, got 2\n"},
        {"{\"pattern\":\"^a+$\"}", "\"b\"", "expected a text like \"^a+$\", got \"b\"\n"},
        {"{\"format\":\"uuid\"}", "\"b\"", "expected a UUID, got \"b\"\n"},
        {"{\"format\":\"ipv4\"}", "\"b\"", "expected an IPv4 address, got \"b\"\n"},
        {"{\"format\":\"ipv6\"}", "\"b\"", "expected an IPv6 address, got \"b\"\n"},
        {"{\"additionalProperties\":{\"type\":\"null\"}}", "{\"a\\nb\":1}",
         "a\\nb: expected the type \"null\", got 1\n"},
        {"{\"format\":\"date-time\"}", "\"b\"", "expected a date and time as in RFC 3339, got \"b\"\n"},
        {"{\"not\":{\"const\":1}}", "1", "expected anything else, got 1\n"},
        {"{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
         "expected one of the 2 forms of the schema, got 1\n"},
        /* the form that got furthest is the one that was meant */
        {"{\"oneOf\":[{\"type\":\"string\"},{\"properties\":{\"a\":{\"type\":\"null\"}}}]}", "{\"a\":1}",
         "a: expected the type \"null\", got 1\n"},
        {"{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"},{\"type\":\"null\"}]}", "1",
         "fits 2 of the 3 forms of the schema, not one\n"},
        {"{\"if\":{\"type\":\"object\"},\"then\":{\"required\":[\"a\"]}}", "{}", "the member 'a' is missing\n"},
        {"{\"allOf\":[{\"minimum\":3},{\"type\":\"string\"}]}", "1",
         "expected at least 3, got 1\nexpected the type \"string\", got 1\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *schema = json(rows[i].schema), *value = json(rows[i].value);
        struct buf why;

        buf_init(&why, SCHEMA_WHY_MAX);
        assert_int_equal(schema_check(schema, value, &why), RC_REFUSED);
        assert_string_equal(why.at, rows[i].why);
        buf_done(&why);
        cJSON_Delete(schema);
        cJSON_Delete(value);
    }
}

static void of_many_misfits_the_first_ten_are_told(void **state)
{
    cJSON *schema = json("{\"items\":{\"type\":\"null\"}}");
    cJSON *value = json("[0,1,2,3,4,5,6,7,8,9,10,11,12]");
    struct buf why;
    unsigned lines = 0;

    (void)state;
    buf_init(&why, SCHEMA_WHY_MAX);
    assert_int_equal(schema_check(schema, value, &why), RC_REFUSED);
    for (size_t i = 0; i < why.len; i++)
        lines += why.at[i] == '\n';
    assert_int_equal(lines, SCHEMA_WHY_LINES);
    buf_done(&why);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

static void a_mistake_of_a_schema_is_told_with_its_place(void **state)
{
    static const struct {
        const char *schema, *want;
    } rows[] = {
        {"{\"type\":\"text\"}",
         "s.json:1:9: 'type' is object, array, string, number, integer, boolean or null, or a list of them\n"},
        {"{\"type\":[]}",
         "s.json:1:9: 'type' is object, array, string, number, integer, boolean or null, or a list of them\n"},
        {"{\n \"requird\":[\"a\"]}", "s.json:2:2: no keyword is called 'requird' here; did you mean 'required'?\n"},
        {"{\"properties\":{\"a\":{\"unit\":\"s\"}}}", "s.json:1:21: no keyword is called 'unit' here\n"},
        {"{\"$defs\":{\"unused\":{\"minimun\":1}}}",
         "s.json:1:21: no keyword is called 'minimun' here; did you mean 'minimum'?\n"},
        {"{\"items\":[{\"type\":1}]}",
         "s.json:1:19: 'type' is object, array, string, number, integer, boolean or null, or a list of them\n"},
        {"{\"properties\":[]}", "s.json:1:15: 'properties' is an object of schemas\n"},
        {"{\"properties\":{\"a\":\"string\"}}", "s.json:1:20: a schema is an object, true or false\n"},
        {"[]", "s.json:1:1: a schema is an object, true or false\n"},
        {"{\"anyOf\":[]}", "s.json:1:10: 'anyOf' is a list of schemas, not empty\n"},
        {"{\"enum\":\"a\"}", "s.json:1:9: 'enum' is a list, not empty\n"},
        {"{\"required\":\"a\"}", "s.json:1:13: 'required' is a list of texts\n"},
        {"{\"required\":[\"a\",1]}", "s.json:1:13: 'required' is a list of texts\n"},
        {"{\"minLength\":-1}", "s.json:1:14: 'minLength' is a whole number, not negative\n"},
        {"{\"minLength\":1.5}", "s.json:1:14: 'minLength' is a whole number, not negative\n"},
        {"{\"minimum\":\"1\"}", "s.json:1:12: 'minimum' is a number\n"},
        {"{\"uniqueItems\":1}", "s.json:1:16: 'uniqueItems' is true or false\n"},
        {"{\"title\":1}", "s.json:1:10: 'title' is a text\n"},
        {"{\"format\":\"email\"}", "s.json:1:11: 'format' is date-time, uuid, ipv4 or ipv6\n"},
        {"{\"pattern\":\"(a\"}", "s.json:1:12: the pattern '(a' cannot be used: a '(' is not closed\n"},
        {"{\"pattern\":1}", "s.json:1:12: 'pattern' is a text\n"},
        {"{\"patternProperties\":{\"a**\":true}}",
         "s.json:1:29: the pattern 'a**' cannot be used: a repetition has nothing to repeat\n"},
        {"{\"$ref\":\"#/$defs/a\"}",
         "s.json:1:9: '$ref' is a place in the same file that is there, like \"#/$defs/name\"\n"},
        {"{\"$ref\":\"other.json\"}",
         "s.json:1:9: '$ref' is a place in the same file that is there, like \"#/$defs/name\"\n"},
        {"{\"$ref\":1}", "s.json:1:9: '$ref' is a place in the same file that is there, like \"#/$defs/name\"\n"},
        {"{\"$ref\":\"#/$defs\",\"$defs\":{}}", "s.json:1:9: '$ref' is the place of a schema; that one is none\n"},
        {"{\"items\":{\"$ref\":\"#/enum/0\"},\"enum\":[{}]}",
         "s.json:1:18: '$ref' is the place of a schema; that one is none\n"},
        {"{\"not\":{\"if\":1}}", "s.json:1:14: a schema is an object, true or false\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *schema = json(rows[i].schema);
        struct source source = {"s.json", str_from(rows[i].schema)};
        struct problems problems;

        problems_init(&problems);
        schema_examine(schema, &source, &problems);
        assert_int_equal(problems.count, 1);
        assert_string_equal(problems.lines.at, rows[i].want);
        problems_done(&problems);
        cJSON_Delete(schema);
    }
}

/* Whoever does not examine a schema is told when the mistake is met, and never gets a verdict by it. */
/* Found by tests/fuzz: the room for a reason ended within a character. */
static void a_long_reason_is_cut_between_two_characters(void **state)
{
    struct buf text, why;
    cJSON *schema;

    (void)state;
    for (size_t extra = 0; extra < 3; extra++) {
        buf_init(&text, 0);
        buf_init(&why, 0);
        buf_add(&text, STR("{\"pattern\":\"("));
        buf_add(&text, str_first(STR("xx"), extra));
        for (int n = 0; n < 500; n++)
            buf_add(&text, STR("\xe2\x82\xac"));
        buf_add(&text, STR("\"}"));
        schema = json(text.at);
        assert_int_equal(schema_check(schema, schema->child, &why), RC_SYNTAX);
        assert_true(why.len && utf8_is_valid(buf_view(&why)));
        cJSON_Delete(schema);
        buf_done(&why);
        buf_done(&text);
    }
}

static void a_wrong_schema_gives_no_verdict(void **state)
{
    static const struct {
        const char *schema, *why;
        enum rc rc;
    } rows[] = {
        {"{\"patern\":\"a\"}", "the schema uses 'patern', which is no keyword\n", RC_SYNTAX},
        {"{\"not\":{\"patern\":\"a\"}}", "the schema uses 'patern', which is no keyword\n", RC_SYNTAX},
        {"{\"anyOf\":[{\"x\":1},true]}", "the schema uses 'x', which is no keyword\n", RC_SYNTAX},
        {"{\"pattern\":\"[\"}", "the schema's pattern '[' cannot be used: a class is not closed\n", RC_SYNTAX},
        {"{\"format\":\"email\"}", "the schema uses a format that is not known\n", RC_SYNTAX},
        {"{\"$ref\":\"#/x\"}", "a $ref of the schema leads nowhere\n", RC_SYNTAX},
        {"{\"properties\":[true]}", "the schema's 'properties' is no object\n", RC_SYNTAX},
        {"{\"additionalProperties\":true,\"patternProperties\":[true]}",
         "the schema's 'patternProperties' is no object\n", RC_SYNTAX},
        {"{\"allOf\":[5]}", "a schema is an object, true or false\n", RC_SYNTAX},
        {"{\"$ref\":\"#\"}", "the schema turns in a circle, or asks for too much work\n", RC_LIMIT},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "the schema turns in a circle, or asks for too much work\n",
         RC_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *schema = json(rows[i].schema), *value = json("\"text\"");
        struct buf why;

        buf_init(&why, SCHEMA_WHY_MAX);
        assert_int_equal(schema_check(schema, value, &why), rows[i].rc);
        assert_string_equal(why.at, rows[i].why);
        buf_done(&why);
        cJSON_Delete(schema);
        cJSON_Delete(value);
    }
}

/* Each level asks the next one twice: without a bound this would take until the sun is cold. */
static void a_schema_that_asks_for_too_much_work_is_stopped(void **state)
{
    struct buf text;
    cJSON *schema, *value = json("1");

    (void)state;
    buf_init(&text, 0);
    buf_add(&text, STR("{\"$ref\":\"#/$defs/d0\",\"$defs\":{"));
    for (int i = 0; i < 64; i++)
        buf_addf(&text, "\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]},", i, i + 1,
                 i + 1);
    buf_add(&text, STR("\"d64\":{\"const\":2}}}"));
    schema = json(text.at);
    assert_int_equal(schema_check(schema, value, NULL), RC_LIMIT);
    buf_done(&text);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

static void a_pattern_without_a_counterpart_is_refused_by_name(void **state)
{
    static const struct {
        const char *pattern, *what;
    } rows[] = {
        {"(?=a)", "'(?' begins what POSIX expressions have not"},
        {"(?<name>a)", "'(?' begins what POSIX expressions have not"},
        {"a\\b", "it holds an escape that POSIX expressions have not"},
        {"\\u0041", "it holds an escape that POSIX expressions have not"},
        {"(a)\\1", "it holds an escape that POSIX expressions have not"},
        {"a\\", "it holds an escape that POSIX expressions have not"},
        {"[\\b]", "a class has no such escape"},
        {"[\\", "a class has no such escape"},
        {"[\xc3\xa9]", "a class holds ASCII characters only; write others as alternatives"},
        {"[]", "a class is empty"},
        {"[^]", "a class is empty"},
        {"[a", "a class is not closed"},
        {"[a-", "a class is not closed"},
        {"[z-a]", "a range of a class goes from one character up to another"},
        {"[\\d-z]", "a range of a class goes from one character up to another"},
        {"[a-\\d]", "a range of a class goes from one character up to another"},
        {"(a", "a '(' is not closed"},
        {"a)", "a ')' closes nothing"},
        {"*a", "a repetition has nothing to repeat"},
        {"(+a)", "a repetition has nothing to repeat"},
        {"a|?", "a repetition has nothing to repeat"},
        {"a++", "a repetition has nothing to repeat"},
        {"^*", "a repetition has nothing to repeat"},
        {"a{", "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{"},
        {"a{x}", "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{"},
        {"a{2,1}", "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{"},
        {"a{1001}", "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{"},
        {"a{99999999999999999999}", "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *pattern = copy_exact(rows[i].pattern, strlen(rows[i].pattern) + 1);
        const char *what = NULL;
        regex_t regex;

        assert_int_equal(schema_pattern(pattern, &regex, &what), RC_SYNTAX);
        assert_string_equal(what, rows[i].what);
        free(pattern);
    }
}

/* Whichever of our allocations fails: no verdict, or the right one, and nothing leaks. */
static void a_lack_of_memory_is_no_verdict(void **state)
{
    cJSON *schema =
        json("{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"},\"properties\":{\"a\":{\"anyOf\":[{\"pattern\":\"^x\"},"
             "{\"type\":\"null\"}]}}}");
    cJSON *value = json("{\"a\":\"y\"}");
    bool is_enough = false;

    (void)state;
    fail_alloc_cjson();
    for (long n = 0; !is_enough; n++) {
        struct buf why;
        enum rc rc;

        buf_init(&why, SCHEMA_WHY_MAX);
        fail_alloc_after(n);
        rc = schema_check(schema, value, &why);
        is_enough = fail_alloc_left > 0;
        fail_alloc_never();
        assert_true(rc == RC_NOMEM || rc == RC_REFUSED);
        if (is_enough)
            assert_int_equal(rc, RC_REFUSED);
        buf_done(&why);
        assert_true(n < 1000);
    }
    cJSON_InitHooks(NULL);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_keyword_means_what_the_standard_says),
        cmocka_unit_test(a_misfit_is_told_with_its_place_in_a_sentence),
        cmocka_unit_test(of_many_misfits_the_first_ten_are_told),
        cmocka_unit_test(a_mistake_of_a_schema_is_told_with_its_place),
        cmocka_unit_test(a_wrong_schema_gives_no_verdict),
        cmocka_unit_test(a_long_reason_is_cut_between_two_characters),
        cmocka_unit_test(a_schema_that_asks_for_too_much_work_is_stopped),
        cmocka_unit_test(a_pattern_without_a_counterpart_is_refused_by_name),
        cmocka_unit_test(a_lack_of_memory_is_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
