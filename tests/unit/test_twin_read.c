/* test_twin_read.c - does a twin come back from a document as it was, or as it should be? */
#include "fail_alloc.h"
#include "twin_feed.h"

static struct twin *read_twin(const char *text)
{
    cJSON *doc = twin_tree(text);
    struct refusal why = {0, 0, "", ""};
    struct twin *t = NULL;

    if (twin_read(doc, twin_second(9), &t, &why) != RC_OK)
        fail_msg("%s", why.message);
    assert_true(twin_is_valid(t));
    cJSON_Delete(doc);
    return t;
}

static void assert_comes_back(const struct twin *t)
{
    char *text = twin_text(t), *again;
    struct twin *other = read_twin(text);

    again = twin_text(other);
    assert_string_equal(again, text);
    assert_memory_equal(other->computed, t->computed, sizeof t->computed);
    free(text);
    free(again);
    twin_free(other);
}

static void a_snapshot_comes_back_byte_by_byte(void **state)
{
    struct twin *t = twin_new(TWIN_DAY_US);

    (void)state;
    assert_comes_back(t);
    twin_service(t, "{\"site\":\"A\",\"n\":1.50}", NULL, false, 1);
    assert_comes_back(t);
    twin_service(t, NULL, "{\"a\":{\"b\":{}},\"c\":[1,{\"d\":2}],\"\":1}", false, 2);
    twin_reported(t, "{\"fw\":{\"v\":\"1\\u00b7\\n\"},\"x\":null}", 3);
    assert_comes_back(t);
    twin_service(t, "{}", "{\"a\":null}", true, 4);
    assert_comes_back(t);
    twin_free(t);
}

static void a_snapshot_goes_on_where_it_ended(void **state)
{
    struct twin *t = twin_new(TWIN_DAY_US), *back;
    char *text, *here, *there;

    (void)state;
    twin_service(t, NULL, "{\"a\":{\"b\":1}}", false, 1);
    text = twin_text(t);
    back = read_twin(text);
    twin_service(t, "{\"t\":1}", "{\"a\":{\"c\":2}}", false, 2);
    twin_service(back, "{\"t\":1}", "{\"a\":{\"c\":2}}", false, 2);
    twin_reported(t, "{\"r\":{\"s\":1}}", 3);
    twin_reported(back, "{\"r\":{\"s\":1}}", 3);
    here = twin_text(t);
    there = twin_text(back);
    assert_string_equal(here, there);
    free(text);
    free(here);
    free(there);
    twin_free(t);
    twin_free(back);
}

/* The example of a service's GET: counters, seven fraction digits, and what else stands in such a document. */
static void a_twin_as_the_service_shows_it_is_read(void **state)
{
    struct twin *t = read_twin(
        "{\"deviceId\":\"dev1\",\"etag\":\"AAAAAAAAAAM=\",\"deviceEtag\":\"MTIzNDU2Nzg5\",\"status\":\"enabled\","
        "\"cloudToDeviceMessageCount\":0,\"modelId\":\"\",\"version\":5,\"tags\":{\"site\":\"A\"},\"properties\":{"
        "\"desired\":{\"cfg\":{\"rate\":5},\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\","
        "\"$lastUpdatedVersion\":2,\"cfg\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\",\"$lastUpdatedVersion\":"
        "2,"
        "\"rate\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\",\"$lastUpdatedVersion\":2,\"$lastUpdatedBy\":"
        "\"adm\"}}},"
        "\"$version\":2},\"reported\":{\"fw\":\"1.2\",\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:02:00.2222222Z\","
        "\"fw\":{\"$lastUpdated\":\"2030-01-01T00:02:00.2222222Z\"}},\"$version\":2}},\"capabilities\":{\"iotEdge\":"
        "false}}");

    (void)state;
    assert_counters(t, 3, 5, 2, 2);
    assert_section(t, TWIN_TAGS, "{\"site\":\"A\"}");
    assert_section(t, TWIN_DESIRED,
                   "{\"cfg\":{\"rate\":5},\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\","
                   "\"$lastUpdatedVersion\":2,\"cfg\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\",\"$"
                   "lastUpdatedVersion\":2,"
                   "\"rate\":{\"$lastUpdated\":\"2030-01-01T00:01:00.1111111Z\",\"$lastUpdatedVersion\":2,"
                   "\"$lastUpdatedBy\":\"adm\"}}},\"$version\":2}");
    assert_comes_back(t);
    twin_service(t, NULL, "{\"cfg\":{\"rate\":6}}", false, 5);
    assert_section(
        t, TWIN_DESIRED, /* who wrote it last is no configuration any more */
        "{\"cfg\":{\"rate\":6},\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:05Z\",\"$lastUpdatedVersion\":3,"
        "\"cfg\":{\"$lastUpdated\":\"2030-01-01T00:00:05Z\",\"$lastUpdatedVersion\":3,"
        "\"rate\":{\"$lastUpdated\":\"2030-01-01T00:00:05Z\",\"$lastUpdatedVersion\":3}}},\"$version\":3}");
    twin_free(t);
}

static void what_is_missing_is_a_fresh_twins(void **state)
{
    static const struct {
        const char *text;
        int64_t etag, version, desired, reported;
    } rows[] = {
        {"{}", 1, 2, 1, 1},
        {"{\"desired\":{\"a\":1}}", 1, 2, 1, 1},
        {"{\"properties\":{\"desired\":null,\"reported\":{\"a\":1}},\"tags\":null,\"etag\":null}", 1, 2, 1, 1},
        {"{\"desired\":{\"$version\":4}}", 4, 5, 4, 1},
        {"{\"desired\":{\"$version\":4},\"reported\":{\"$version\":7}}", 4, 11, 4,
         7}, /* a capture: facts T-01 to T-05 */
        {"{\"version\":11,\"desired\":{\"$version\":3},\"reported\":{\"$version\":7}}", 4, 11, 3, 7},
        {"{\"etag\":\"AAAAAAAAAAU=\",\"reported\":{\"$version\":48}}", 5, 53, 1, 48},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct twin *t = read_twin(rows[i].text);

        assert_counters(t, rows[i].etag, rows[i].version, rows[i].desired, rows[i].reported);
        assert_comes_back(t);
        twin_free(t);
    }
}

static void metadata_that_does_not_fit_is_mended(void **state)
{
    struct twin *t = read_twin("{\"desired\":{\"a\":{\"b\":1},\"c\":2,\"n\":null,\"$version\":3,\"$metadata\":{"
                               "\"gone\":{\"$lastUpdated\":\"2029-01-01T00:00:00Z\"},"
                               "\"c\":{\"$lastUpdated\":\"2029-01-01T01:00:00.00000000000000000001+01:00\"},"
                               "\"a\":{\"$lastUpdated\":\"yesterday\",\"$lastUpdatedVersion\":2,\"b\":7}}}}");

    (void)state;
    assert_section(t, TWIN_DESIRED,
                   "{\"a\":{\"b\":1},\"c\":2,\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:09Z\","
                   "\"a\":{\"$lastUpdated\":\"2030-01-01T00:00:09Z\",\"$lastUpdatedVersion\":2,"
                   "\"b\":{\"$lastUpdated\":\"2030-01-01T00:00:09Z\",\"$lastUpdatedVersion\":3}},"
                   "\"c\":{\"$lastUpdated\":\"2029-01-01T00:00:00Z\"}},\"$version\":3}");
    assert_comes_back(t);
    twin_service(t, NULL, "{\"a\":null,\"c\":3,\"d\":4}", false, 10); /* and gets its versions when written */
    assert_section(
        t, TWIN_DESIRED,
        "{\"c\":3,\"d\":4,\"$metadata\":{\"$lastUpdated\":\"2030-01-01T00:00:10Z\",\"$lastUpdatedVersion\":4,"
        "\"c\":{\"$lastUpdated\":\"2030-01-01T00:00:10Z\",\"$lastUpdatedVersion\":4},"
        "\"d\":{\"$lastUpdated\":\"2030-01-01T00:00:10Z\",\"$lastUpdatedVersion\":4}},\"$version\":4}");
    twin_free(t);
}

static void what_is_no_twin_is_refused(void **state)
{
    static const char *const texts[] = {
        "[]",
        "null",
        "{\"properties\":[]}",
        "{\"tags\":[]}",
        "{\"tags\":{\"a.b\":1}}",
        "{\"desired\":1}",
        "{\"desired\":{\"$version\":0}}",
        "{\"desired\":{\"$version\":-1}}",
        "{\"desired\":{\"$version\":1.5}}",
        "{\"desired\":{\"$version\":\"1\"}}",
        "{\"desired\":{\"$metadata\":1}}",
        "{\"desired\":{\"$other\":1}}",
        "{\"desired\":{\"a\":{\"$version\":1}}}",
        "{\"reported\":{\"a\":[null]}}",
        "{\"version\":0}",
        "{\"version\":\"2\"}",
        "{\"etag\":0}",
        "{\"etag\":\"\"}",
        "{\"etag\":\"*\"}",
        "{\"etag\":\"AAAAAAAAAAA=\"}",
        "{\"etag\":\"AAAAAAAAAAE\"}",
        "{\"etag\":\"AAAAAA AAAE=\"}",
        "{\"etag\":\"//////////8=\"}",
        "{\"etag\":[]}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        cJSON *doc = twin_tree(texts[i]);
        struct refusal why = {0, 0, "", ""};
        struct twin *t = NULL;

        if (twin_read(doc, 0, &t, &why) != RC_SYNTAX)
            fail_msg("%s was read", texts[i]);
        assert_null(t);
        assert_true(why.message[0]);
        assert_int_equal(why.status, 400);
        cJSON_Delete(doc);
    }
}

/* Fail each allocation in turn: nothing leaks, nothing crashes, and in the end it works. */
static void without_memory_it_says_so(void **state)
{
    static const char text[] =
        "{\"tags\":{\"t\":[1]},\"desired\":{\"a\":{\"b\":\"c\"},\"$metadata\":{\"$lastUpdatedBy\":\"x\"}},"
        "\"reported\":{\"r\":null,\"s\":1}}";
    cJSON *doc = twin_tree(text), *patch = twin_tree("{\"a\":{\"b\":null,\"c\":{\"d\":[1]}},\"e\":1}");
    enum rc rc = RC_NOMEM;

    (void)state;
    for (long n = 0; rc; n++) {
        struct twin *t = NULL;
        struct refusal why;
        bool tags, desired;

        fail_alloc_after(n);
        rc = twin_read(doc, TWIN_DAY_US, &t, &why);
        if (!rc)
            rc = twin_write_service(t, patch, patch, false, TWIN_DAY_US, &tags, &desired);
        if (!rc)
            rc = twin_write_service(t, patch, patch, true, TWIN_DAY_US, &tags, &desired);
        if (!rc)
            rc = twin_write_reported(t, patch, TWIN_DAY_US);
        if (!rc && twin_device_view(t).len == 0)
            rc = RC_NOMEM;
        fail_alloc_never();
        assert_true(rc == RC_OK || rc == RC_NOMEM);
        assert_true(n < 1000);
        twin_free(t);
    }
    cJSON_Delete(doc);
    cJSON_Delete(patch);
}

/* The same for a text on its way in: json_read and json_merge. */
static void without_memory_json_says_so(void **state)
{
    static const char text[] = "/**/{\"a\":{\"b\":[1,\"\\u0041\",true],\"c\":1}}";
    enum rc rc = RC_NOMEM;

    (void)state;
    for (long n = 0; rc; n++) {
        struct json_error err = {0, NULL};
        cJSON *node = NULL, *target = NULL;
        char *printed;

        fail_alloc_after(n);
        rc = json_read_commented(STR(text), &node, &err);
        if (rc)
            assert_non_null(err.what);
        else if (!(target = cJSON_CreateObject()))
            rc = RC_NOMEM;
        if (!rc)
            rc = json_merge(target, node);
        if (!rc)
            rc = json_set(target, "n", json_i64(1));
        if (!rc)
            rc = json_set(target, "s", json_str(STR("s")));
        printed = rc ? NULL : json_text(target);
        if (!rc && !printed)
            rc = RC_NOMEM;
        fail_alloc_never();
        assert_true(rc == RC_OK || rc == RC_NOMEM);
        assert_true(n < 1000);
        if (!rc)
            assert_string_equal(printed, "{\"a\":{\"b\":[1,\"A\",true],\"c\":1},\"n\":1,\"s\":\"s\"}");
        free(printed);
        cJSON_Delete(node);
        cJSON_Delete(target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_comes_back_byte_by_byte),
        cmocka_unit_test(a_snapshot_goes_on_where_it_ended),
        cmocka_unit_test(a_twin_as_the_service_shows_it_is_read),
        cmocka_unit_test(what_is_missing_is_a_fresh_twins),
        cmocka_unit_test(metadata_that_does_not_fit_is_mended),
        cmocka_unit_test(what_is_no_twin_is_refused),
        cmocka_unit_test(without_memory_it_says_so),
        cmocka_unit_test(without_memory_json_says_so),
    };

    fail_alloc_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
