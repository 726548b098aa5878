/* test_twin.c - does a twin change, count and show itself as the hub's do? Refusals are in test_twin_check.c. */
#include "twin_feed.h"

static struct twin *fresh(void)
{
    struct twin *t = twin_new(TWIN_DAY_US);

    assert_non_null(t);
    assert_true(twin_is_valid(t));
    return t;
}

static void assert_text(const struct twin *t, const char *want)
{
    char *text = twin_text(t);

    assert_string_equal(text, want);
    free(text);
}

static void assert_device_sees(struct twin *t, const char *want)
{
    struct str view = twin_device_view(t);

    assert_non_null(view.at);
    assert_string_equal(view.at, want);
    assert_int_equal(view.len, strlen(want));
}

static void a_fresh_twin_is_the_one_of_the_captures(void **state)
{
    struct twin *t = fresh();

    (void)state;
    assert_text(t, "{\"etag\":1,\"version\":2," /* facts T-01 */
                   "\"desired\":{\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:00Z\"},\"$version\":1},"
                   "\"reported\":{\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:00Z\"},\"$version\":1}}");
    assert_section(t, TWIN_TAGS, "{}");
    assert_device_sees(t, "{\"desired\":{\"$version\":1},\"reported\":{\"$version\":1}}"); /* facts M-26 */
    twin_free(t);
    twin_free(NULL);
}

static void etags_are_the_counter_in_base64(void **state)
{
    char text[16];

    (void)state;
    twin_etag_print(1, text);
    assert_string_equal(text, "AAAAAAAAAAE="); /* facts T-01 */
    twin_etag_print(2, text);
    assert_string_equal(text, "AAAAAAAAAAI=");
    twin_etag_print(INT64_C(0x0123456789ABCDEF), text);
    assert_string_equal(text, "ASNFZ4mrze8=");
    twin_etag_print(INT64_MAX, text);
    assert_string_equal(text, "f/////////8=");
}

static void each_write_counts_what_it_should(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_reported(t, "{\"a\":1}", 1);
    assert_counters(t, 1, 3, 1, 2); /* facts T-02 */
    twin_service(t, NULL, "{\"a\":1}", false, 2);
    assert_counters(t, 2, 4, 2, 2); /* facts T-03 */
    twin_service(t, "{\"a\":1}", NULL, false, 3);
    assert_counters(t, 3, 5, 2, 2); /* facts T-04 */
    twin_service(t, "{\"a\":2}", "{\"a\":2}", false, 4);
    assert_counters(t, 4, 6, 3, 2); /* facts T-05 */
    twin_service(t, "{}", "{\"a\":2}", false, 5);
    assert_counters(t, 5, 7, 4, 2); /* the same value again counts all the same */
    twin_service(t, "{}", "{}", false, 6);
    assert_counters(t, 5, 7, 4, 2); /* {} touches nothing */
    twin_service(t, NULL, "{\"x\":null}", false, 7);
    assert_counters(t, 6, 8, 5, 2);
    twin_service(t, NULL, NULL, true, 8);
    assert_counters(t, 7, 9, 6, 2); /* facts T-22: a PUT goes on counting */
    twin_reported(t, "{}", 9);
    assert_counters(t, 7, 10, 6, 3);
    twin_free(t);
}

static void a_service_write_says_what_it_touched(void **state)
{
    static const struct {
        const char *tags, *desired;
        bool replace, want_tags, want_desired;
    } rows[] = {
        {NULL, NULL, false, false, false},       {"{}", "{}", false, false, false},
        {"{\"a\":1}", NULL, false, true, false}, {NULL, "{\"a\":1}", false, false, true},
        {"null", "null", false, true, true},     {NULL, NULL, true, true, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct twin *t = fresh();
        cJSON *tags = twin_tree(rows[i].tags), *desired = twin_tree(rows[i].desired);
        bool touched_tags, touched_desired;

        assert_int_equal(twin_write_service(t, tags, desired, rows[i].replace, 0, &touched_tags, &touched_desired),
                         RC_OK);
        assert_int_equal(touched_tags, rows[i].want_tags);
        assert_int_equal(touched_desired, rows[i].want_desired);
        cJSON_Delete(tags);
        cJSON_Delete(desired);
        twin_free(t);
    }
}

#define AT(s)    "\"$lastUpdated\":\"2030-01-01T00:00:0" #s "Z\""
#define BY(s, v) AT(s) ",\"$lastUpdatedVersion\":" #v

/* facts T-21 */
static void a_write_stamps_what_it_writes_and_all_above_it(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_service(t, NULL, "{\"cfg\":{\"rate\":5,\"mode\":\"x\"},\"z\":[1,{\"k\":2}]}", false, 1);
    twin_service(t, NULL, "{\"cfg\":{\"rate\":5}}", false, 2);
    assert_section(t, TWIN_DESIRED,
                   "{\"cfg\":{\"rate\":5,\"mode\":\"x\"},\"z\":[1,{\"k\":2}],"
                   "\"$metadata\":{" BY(2, 3) ",\"cfg\":{" BY(2, 3) ",\"rate\":{" BY(2, 3) "},\"mode\":{" BY(
                       1, 2) "}},"
                             "\"z\":{" BY(1, 2) "}},\"$version\":3}"); /* an array is a leaf */
    twin_reported(t, "{\"fw\":{\"v\":\"1.2\"}}", 3);
    twin_reported(t, "{\"n\":1}", 4);
    assert_section(t, TWIN_REPORTED,
                   "{\"fw\":{\"v\":\"1.2\"},\"n\":1,"
                   "\"$metadata\":{" AT(4) ",\"fw\":{" AT(3) ",\"v\":{" AT(3) "}},\"n\":{" AT(4) "}},\"$version\":3}");
    twin_free(t);
}

static void a_replaced_value_takes_its_metadata_along(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_reported(t, "{\"a\":{\"b\":1,\"c\":2},\"d\":1}", 1);
    twin_reported(t, "{\"a\":5,\"d\":{\"e\":{}}}", 2); /* facts T-08: object to value, value to object */
    assert_section(t, TWIN_REPORTED,
                   "{\"a\":5,\"d\":{\"e\":{}},\"$metadata\":{" AT(2) ",\"a\":{" AT(2) "},\"d\":{" AT(2) ",\"e\":{" AT(
                       2) "}}},\"$version\":3}");
    twin_reported(t, "{\"a\":null,\"d\":{\"e\":null,\"x\":null}}", 3); /* facts T-06, T-10 */
    assert_section(t, TWIN_REPORTED, "{\"d\":{},\"$metadata\":{" AT(3) ",\"d\":{" AT(3) "}},\"$version\":4}");
    twin_reported(t, "{\"p\":{\"q\":null}}", 4); /* facts T-07 */
    assert_section(t, TWIN_REPORTED,
                   "{\"d\":{},\"p\":{},\"$metadata\":{" AT(4) ",\"d\":{" AT(3) "},\"p\":{" AT(4) "}},\"$version\":5}");
    twin_free(t);
}

static void merging_goes_key_by_key(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_service(t, "{\"a\":{\"b\":1}}", NULL, false, 1);
    twin_service(t, "{\"a\":{\"c\":2}}", NULL, false, 2); /* facts T-08 */
    assert_section(t, TWIN_TAGS, "{\"a\":{\"b\":1,\"c\":2}}");
    twin_service(t, "{\"a\":[1,2]}", NULL, false, 3);
    twin_service(t, "{\"a\":[3]}", NULL, false, 4); /* facts T-09 */
    assert_section(t, TWIN_TAGS, "{\"a\":[3]}");
    twin_service(t, "{\"a\":{\"d\":1.50}}", NULL, false, 5);
    assert_section(t, TWIN_TAGS, "{\"a\":{\"d\":1.50}}");
    assert_counters(t, 6, 7, 1, 1);
    twin_free(t);
}

/* facts T-22 */
static void a_put_replaces_both_sections(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_service(t, NULL, "{\"a\":1,\"b\":{\"c\":2}}", true, 1);
    assert_section(t, TWIN_TAGS, "{}");
    assert_null(t->tags);                                                             /* never set */
    twin_service(t, "{\"t\":1}", "{\"b\":{\"d\":3,\"e\":null},\"a\":null}", true, 2); /* null: absent */
    assert_section(t, TWIN_TAGS, "{\"t\":1}");
    assert_section(
        t, TWIN_DESIRED,
        "{\"b\":{\"d\":3},\"$metadata\":{" BY(2, 3) ",\"b\":{" BY(2, 3) ",\"d\":{" BY(2, 3) "}}},\"$version\":3}");
    twin_service(t, NULL, NULL, true, 3);
    assert_section(t, TWIN_TAGS, "{}");
    assert_section(t, TWIN_DESIRED, "{\"$metadata\":{" BY(3, 4) "},\"$version\":4}");
    twin_free(t);
}

static void a_null_section_in_a_patch_clears_it(void **state)
{
    struct twin *t = fresh();

    (void)state;
    twin_service(t, "{\"t\":1}", "{\"a\":1}", false, 1);
    twin_service(t, "null", "null", false, 2);
    assert_section(t, TWIN_TAGS, "{}");
    assert_section(t, TWIN_DESIRED, "{\"$metadata\":{" BY(2, 3) "},\"$version\":3}");
    assert_counters(t, 3, 4, 3, 1);
    twin_free(t);
}

static void the_device_view_follows_every_write(void **state)
{
    struct twin *t = fresh();
    size_t bytes;

    (void)state;
    twin_service(t, "{\"hidden\":1}", "{\"cfg\":{\"rate\":5}}", false, 1);
    twin_reported(t, "{\"fw\":\"1.2\"}", 2);
    assert_device_sees(
        t, "{\"desired\":{\"cfg\":{\"rate\":5},\"$version\":2},\"reported\":{\"fw\":\"1.2\",\"$version\":2}}");
    bytes = t->bytes;
    assert_ptr_equal(twin_device_view(t).at, twin_device_view(t).at); /* cached */
    assert_int_equal(t->bytes, bytes);
    twin_reported(t, "{\"fw\":\"1.3\"}", 3);
    assert_device_sees(
        t, "{\"desired\":{\"cfg\":{\"rate\":5},\"$version\":2},\"reported\":{\"fw\":\"1.3\",\"$version\":3}}");
    twin_service(t, NULL, "{\"cfg\":null}", false, 4);
    assert_device_sees(t, "{\"desired\":{\"$version\":3},\"reported\":{\"fw\":\"1.3\",\"$version\":3}}");
    twin_free(t);
}

static void the_device_hears_the_patch_or_the_difference(void **state)
{
    static const struct {
        const char *before, *desired;
        bool replace;
        const char *want;
    } rows[] = {
        /* facts M-31 */
        {"{\"a\":1}", "{\"a\":null}", false, "{\"a\":null,\"$version\":7}"},
        {"{\"a\":1}", "{\"a\":1,\"b\":{\"c\":null}}", false, "{\"a\":1,\"b\":{\"c\":null},\"$version\":7}"},
        {"{\"a\":1,\"b\":2}", "null", false, "{\"a\":null,\"b\":null,\"$version\":7}"},
        /* facts M-32: by existence, not by value */
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":100}", true, "{\"a\":1,\"b\":null,\"c\":100,\"$version\":7}"},
        {"{\"a\":{\"b\":1,\"c\":{\"d\":1}}}", "{\"a\":{\"c\":{},\"e\":2}}", true,
         "{\"a\":{\"b\":null,\"c\":{\"d\":null},\"e\":2},\"$version\":7}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":5}", true, "{\"a\":5,\"$version\":7}"},
        {"{\"a\":5}", "{\"a\":{\"b\":{\"c\":null,\"d\":1}}}", true, "{\"a\":{\"b\":{\"d\":1}},\"$version\":7}"},
        {"{\"a\":[1]}", "{\"a\":[1]}", true, "{\"a\":[1],\"$version\":7}"},
        {"{\"a\":1}", "{\"a\":null,\"x\":null}", true, "{\"a\":null,\"$version\":7}"},
        {"{\"a\":1}", NULL, true, "{\"a\":null,\"$version\":7}"},
        {"{\"a\":1}", "null", true, "{\"a\":null,\"$version\":7}"},
        {"{}", NULL, true, "{\"$version\":7}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct twin *t = fresh();
        cJSON *desired = twin_tree(rows[i].desired);
        struct buf out;

        twin_service(t, NULL, rows[i].before, false, 1);
        buf_init(&out, 0);
        twin_print_note(&out, t, desired, rows[i].replace, 7);
        assert_string_equal(out.at, rows[i].want);
        buf_done(&out);
        cJSON_Delete(desired);
        twin_free(t);
    }
}

static void a_round_tripped_document_loses_its_service_fields(void **state)
{
    cJSON *node =
        twin_tree("{\"a\":{\"$version\":1,\"b\":[{\"$metadata\":{}}],\"$metadata\":{\"x\":{}}},\"$metadata\":{},"
                  "\"$version\":4,\"$other\":1}");
    char *text;

    (void)state;
    twin_strip_service_fields(node); /* facts T-28 */
    text = json_text(node);
    assert_string_equal(text, "{\"a\":{\"b\":[{}]},\"$other\":1}");
    free(text);
    cJSON_Delete(node);
    twin_strip_service_fields(NULL);
}

/* A patch of `count` members "k0".."k{count-1}", all with this value. */
static char *wide_patch(unsigned count, const char *value)
{
    struct buf text;

    buf_init(&text, 0);
    for (unsigned i = 0; i < count; i++)
        buf_addf(&text, "%s\"k%u\":%s", i ? "," : "{", i, value);
    buf_add_char(&text, '}');
    return buf_take(&text, NULL);
}

static void wide_sections_come_and_go(void **state)
{
    struct twin *t = fresh();
    char *set = wide_patch(2000, "1"), *half = wide_patch(1000, "null"), *all = wide_patch(2000, "null");
    size_t bytes;

    (void)state;
    twin_reported(t, "{\"stays\":true}", 1);
    bytes = t->bytes;
    twin_reported(t, set, 1);
    assert_int_equal(t->computed[TWIN_REPORTED], 9 + 2000 * 8 + 10 * 2 + 90 * 3 + 900 * 4 + 1000 * 5); /* facts T-18 */
    twin_reported(t, half, 1);
    assert_int_equal(cJSON_GetArraySize(t->reported), 1001);
    twin_reported(t, all, 1);
    assert_int_equal(t->computed[TWIN_REPORTED], 9);
    assert_int_equal(t->bytes, bytes); /* nothing drifts */
    free(set);
    free(half);
    free(all);
    twin_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_twin_is_the_one_of_the_captures),
        cmocka_unit_test(etags_are_the_counter_in_base64),
        cmocka_unit_test(each_write_counts_what_it_should),
        cmocka_unit_test(a_service_write_says_what_it_touched),
        cmocka_unit_test(a_write_stamps_what_it_writes_and_all_above_it),
        cmocka_unit_test(a_replaced_value_takes_its_metadata_along),
        cmocka_unit_test(merging_goes_key_by_key),
        cmocka_unit_test(a_put_replaces_both_sections),
        cmocka_unit_test(a_null_section_in_a_patch_clears_it),
        cmocka_unit_test(the_device_view_follows_every_write),
        cmocka_unit_test(the_device_hears_the_patch_or_the_difference),
        cmocka_unit_test(a_round_tripped_document_loses_its_service_fields),
        cmocka_unit_test(wide_sections_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
