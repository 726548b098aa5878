/* test_twin_check.c - are exactly those writes refused that the hub refuses, with its code and text, and without a trace? */
#include "twin_feed.h"

/* Check a reported patch against a twin; say why not. */
static bool takes(struct twin *t, const char *patch, struct refusal *why)
{
    cJSON *tree = twin_tree(patch);
    char *before = twin_text(t), *after;
    bool is_taken;

    memset(why, 0, sizeof *why);
    is_taken = twin_check_reported(t, tree, why);
    after = twin_text(t);
    assert_string_equal(before, after); /* facts T-20 */
    if (!is_taken)
        assert_true(why->status >= 400 && why->code >= 400000 && why->message[0]);
    free(before);
    free(after);
    cJSON_Delete(tree);
    return is_taken;
}

static void assert_taken(const char *patch)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    struct refusal why;

    if (!takes(t, patch, &why))
        fail_msg("%.200s: %s", patch, why.message);
    twin_free(t);
}

static void assert_refused(const char *patch, int status, int code, const char *message)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    struct refusal why;

    if (takes(t, patch, &why))
        fail_msg("%.200s was taken", patch);
    assert_int_equal(why.status, status);
    assert_int_equal(why.code, code);
    assert_string_equal(why.message, message);
    twin_free(t);
}

static char *repeat(const char *head, const char *body, size_t times, const char *tail)
{
    struct buf text;

    buf_init(&text, 0);
    buf_add(&text, str_from(head));
    while (times--)
        buf_add(&text, str_from(body));
    buf_add(&text, str_from(tail));
    return buf_take(&text, NULL);
}

/* Check one text built by repeat() against an expectation; message NULL: taken. */
static void judge(char *patch, int status, int code, const char *message)
{
    if (message)
        assert_refused(patch, status, code, message);
    else
        assert_taken(patch);
    free(patch);
}

static void a_patch_must_be_an_object(void **state)
{
    static const char *const texts[] = {"[1]", "\"x\"", "1", "null", "true"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) /* facts M-30 */
        assert_refused(
            texts[i], 400, 400004,
            "Provided json is not a valid 'tags' or 'properties' object: 'properties.reported' must be a JSON object.");
}

static void keys_are_checked_at_every_level(void **state)
{
    static const struct {
        const char *patch, *message;
    } rows[] = {
        /* facts T-14, M-29 */
        {"{\"$version\":1}", "Property name $version contains invalid character '$'"},
        {"{\"$metadata\":{}}", "Property name $metadata contains invalid character '$'"},
        {"{\"a$\":null}", "Property name a$ contains invalid character '$'"},
        {"{\"a.b\":1}", "Property name a.b contains invalid character '.'"},
        {"{\"a b\":1}", "Property name a b contains invalid character ' '"},
        {"{\"a\\tb\":1}", "Property name a\tb contains invalid character '\t'"},
        {"{\"\\u001f\":1}", "Property name \x1f contains invalid character '\x1f'"},
        {"{\"\\u007f\":1}", "Property name \x7f contains invalid character '\x7f'"},
        {"{\"\\u0085\":1}", "Property name \xC2\x85 contains invalid character '\xC2\x85'"},
        {"{\"a\":{\"b\":{\"c.d\":1}}}", "Property name c.d contains invalid character '.'"},
        {"{\"a\":[[{\"c.d\":1}]]}", "Property name c.d contains invalid character '.'"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(rows[i].patch, 400, 400004, rows[i].message);
    assert_taken("{\"\":1,\"#\":1,\"a-b_c:d/e\":1,\"\xC3\xA9\\u00a0\xE2\x82\xAC\":1,\"A\":1,\"a\":2}");
}

/* facts T-13: bytes count, not characters */
static void keys_end_at_1024_bytes(void **state)
{
    (void)state;
    judge(repeat("{\"", "k", 1024, "\":1}"), 0, 0, NULL);
    judge(repeat("{\"", "\xC3\xA9", 512, "\":1}"), 0, 0, NULL);
    judge(repeat("{\"", "k", 1025, "\":1}"), 400, 400004,
          "Length of property name kkkkkkkkkk.. exceeds maximum length of 1024");
    judge(repeat("{\"x", "\xC3\xA9", 512, "\":1}"), 400, 400004,
          "Length of property name x\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9.. exceeds maximum length of 1024");
}

/* facts T-15 */
static void strings_end_at_4096_bytes(void **state)
{
    static const char message[] =
        "Value associated with property name a has length 4097 that exceeds maximum length of 4096";

    (void)state;
    judge(repeat("{\"a\":\"", "v", 4096, "\"}"), 0, 0, NULL);
    judge(repeat("{\"a\":\"", "v", 4097, "\"}"), 400, 400004, message);
    judge(repeat("{\"a\":\"v", "\xC3\xA9", 2048, "\"}"), 400, 400004, message);
    judge(repeat("{\"a\":[\"", "v", 4097, "\"]}"), 400, 400004, message);
    judge(repeat("{\"a\":0.", "1", 4095, "}"), 400, 400004, message);
}

/* facts T-16 */
static void integers_have_53_bits(void **state)
{
    static const char message[] =
        "Property a has an out of bound value. Valid values are between -4503599627370496 and 4503599627370495";

    (void)state;
    assert_taken("{\"a\":4503599627370495,\"b\":-4503599627370496}");
    assert_refused("{\"a\":4503599627370496}", 400, 400004, message);
    assert_refused("{\"a\":-4503599627370497}", 400, 400004, message);
    assert_refused("{\"a\":[9223372036854775808]}", 400, 400004, message);
    judge(repeat("{\"a\":", "9", 300, "}"), 400, 400004, message);
    assert_taken("{\"a\":4503599627370496.0,\"b\":1e300,\"c\":-0.5E-9}"); /* floats are free */
}

/* facts T-11, T-12 */
static void ten_levels_may_be_nested(void **state)
{
    static const char message[] = "Nested depth of twin property exceeds 10";

    (void)state;
    judge(repeat("", "{\"a\":", 11, "1}}}}}}}}}}}"), 0, 0,
          NULL); /* the section, ten objects in it, a value at level 11 */
    judge(repeat("", "{\"a\":", 11, "{}}}}}}}}}}}}"), 400, 400004, message);
    judge(repeat("", "{\"a\":", 11, "[]}}}}}}}}}}}"), 400, 400004, message);
    judge(repeat("", "{\"a\":", 10, "[1]}}}}}}}}}}"), 0, 0, NULL);
    judge(repeat("", "{\"a\":", 10, "[[1]]}}}}}}}}}}"), 400, 400004, message);
    judge(repeat("", "{\"a\":", 10, "[{}]}}}}}}}}}}"), 400, 400004, message);
}

/* facts T-19 */
static void arrays_hold_no_nulls(void **state)
{
    (void)state;
    assert_taken("{\"a\":[1,\"x\",true,1.5,{},[],{\"b\":[{\"c\":1}]}],\"n\":null,\"o\":{\"n\":null}}");
    assert_refused("{\"a\":[1,null]}", 400, 400004, "Arrays cannot contain 'null' as value");
    assert_refused("{\"a\":{\"b\":[[null]]}}", 400, 400004, "Arrays cannot contain 'null' as value");
    assert_refused("{\"a\":[{\"b\":null}]}", 400, 400004, "Property b of an object in an array cannot be 'null'");
    assert_refused("{\"a\":[{\"b\":{\"c\":null}}]}", 400, 400004,
                   "Property c of an object in an array cannot be 'null'");
}

/* {"k0":"vvv...","k1":... }: `total` computed bytes in all, in strings of up to 4,000 */
static char *sized(size_t total)
{
    struct buf text;

    buf_init(&text, 0);
    for (unsigned i = 0; total > 0; i++) {
        size_t take = total > 4002 ? 4002 : total;

        assert_true(take > 2 && i < 10);
        buf_addf(&text, "%s\"k%u\":\"", i ? "," : "{", i);
        for (size_t n = 2; n < take; n++)
            buf_add_char(&text, 'v');
        buf_add_char(&text, '"');
        total -= take;
    }
    buf_add_char(&text, '}');
    return buf_take(&text, NULL);
}

/* facts T-17, T-18 */
static void a_section_stays_below_its_size(void **state)
{
    static const char message[] = "'Properties.Reported' size should be less than 32768 bytes.";

    (void)state;
    judge(sized(32767), 0, 0, NULL);
    judge(sized(32768), 403, 403100, message);
}

static void the_size_that_would_result_counts(void **state)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    char *almost = sized(32700), *full = sized(32767);
    struct refusal why;

    (void)state;
    twin_reported(t, almost, 1);
    assert_true(
        takes(t, "{\"x\":{\"n\":1,\"b\":true,\"s\":\"\\u0001\\u0085\xC3\xA9\"}}", &why)); /* 1+ 1+8 1+4 1+2 = 18 */
    assert_true(takes(t, full, &why)); /* what is replaced does not count twice */
    assert_true(takes(
        t, "{\"k8\":null,\"y\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}", &why));
    twin_reported(t, "{\"x\":{\"n\":1,\"b\":true,\"s\":\"\\u0001\\u0085\xC3\xA9\"}}", 2);
    assert_int_equal(t->computed[TWIN_REPORTED], 32718);
    assert_true(takes(t, "{\"z\":[1,2,3,4,5,6]}", &why)); /* 49: 32767 */
    assert_false(takes(t, "{\"zz\":[1,2,3,4,5,6]}", &why));
    assert_int_equal(why.code, 403100);
    assert_true(takes(t, "{\"zz\":[1,2,3,4,5,6],\"x\":{\"b\":null}}", &why));
    assert_true(takes(t, "{\"x\":[1,2,3,4,5,6,\"0123456789012345\"]}", &why)); /* 32718 - 17 + 64 = 32765 */
    assert_false(takes(t, "{\"x\":[1,2,3,4,5,6,\"0123456789012345678\"]}", &why));
    free(almost);
    free(full);
    twin_free(t);
}

static void service_writes_are_checked_section_by_section(void **state)
{
    static const struct {
        const char *tags, *desired;
        bool replace;
        const char *message; /* NULL: taken */
    } rows[] = {
        {NULL, NULL, false, NULL},
        {"null", "null", false, NULL},
        {"null", "null", true, NULL},
        {"{\"a\":null}", "{\"a\":{\"b\":null}}", true, NULL}, /* null in a PUT: absent */
        {"[]", NULL, false,
         "Provided json is not a valid 'tags' or 'properties' object: 'tags' must be a JSON object."},
        {NULL, "1", true,
         "Provided json is not a valid 'tags' or 'properties' object: 'properties.desired' must be a JSON object."},
        {"{\"a.b\":1}", "{}", false, "Property name a.b contains invalid character '.'"},
        {"{}", "{\"$x\":1}", true, "Property name $x contains invalid character '$'"},
        {NULL, "{\"a\":[null]}", true, "Arrays cannot contain 'null' as value"},
    };
    struct twin *t = twin_new(TWIN_DAY_US);
    char *big_tags = sized(8192), *tags = sized(8191), *big_desired = sized(32768), *desired = sized(32767);
    struct refusal why;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *tags_tree = twin_tree(rows[i].tags), *desired_tree = twin_tree(rows[i].desired);
        bool is_taken = twin_check_service(t, tags_tree, desired_tree, rows[i].replace, &why);

        assert_int_equal(is_taken, rows[i].message == NULL);
        if (!is_taken) {
            assert_string_equal(why.message, rows[i].message);
            assert_int_equal(why.code, 400004);
        }
        cJSON_Delete(tags_tree);
        cJSON_Delete(desired_tree);
    }

    twin_service(t, tags, desired, false, 1);
    twin_service(t, tags, desired, true, 2); /* a PUT is measured alone */
    for (int replace = 0; replace < 2; replace++) {
        cJSON *tags_tree = twin_tree(big_tags), *desired_tree = twin_tree(big_desired);

        assert_false(twin_check_service(t, tags_tree, NULL, replace, &why));
        assert_string_equal(why.message, "'Tags' size should be less than 8192 bytes.");
        assert_int_equal(why.code, 403100);
        assert_false(twin_check_service(t, NULL, desired_tree, replace, &why));
        assert_string_equal(why.message, "'Properties.Desired' size should be less than 32768 bytes.");
        assert_int_equal(why.status, 403);
        cJSON_Delete(tags_tree);
        cJSON_Delete(desired_tree);
    }
    free(tags);
    free(big_tags);
    free(desired);
    free(big_desired);
    twin_free(t);
}

static void long_names_are_cut_in_messages(void **state)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    char *patch = repeat("{\"", "\xE2\x82\xAC", 341, ".\":1}");
    struct refusal why;

    (void)state;
    assert_false(takes(t, patch, &why));
    assert_non_null(strstr(why.message, "\xE2\x82\xAC.. contains invalid character '.'"));
    assert_true(strlen(why.message) < 128);
    free(patch);
    twin_free(t);
}

/* The message is the hub's own; the path is for whoever looks at more than that. */
static void a_refusal_names_the_property(void **state)
{
    static const struct {
        const char *patch, *where;
    } rows[] = {
        {"{\"a.b\":1}", "properties.reported.a.b"},
        {"{\"a\":{\"b\":{\"c d\":1}}}", "properties.reported.a.b.c d"},
        {"{\"a\":[1,[2,null]]}", "properties.reported.a[1][1]"},
        {"{\"a\":[{\"b\":1},{\"b\":{\"c\":4503599627370496}}]}", "properties.reported.a[1].b.c"},
        {"{\"a\":[{\"b\":null}]}", "properties.reported.a[0].b"},
        {"{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"11\":{}}}}}}}}}}}}",
         "properties.reported.1.2.3.4.5.6.7.8.9.10.11"},
        {"[]", ""},
    };
    struct refusal why;
    cJSON *tree;

    (void)state;
    for (size_t k = 0; k < COUNT(rows); k++) {
        struct twin *t = twin_new(TWIN_DAY_US);

        assert_false(takes(t, rows[k].patch, &why));
        assert_string_equal(why.where, rows[k].where);
        twin_free(t);
    }
    tree = twin_tree("{\"a\":{\"b.\":1}}");
    for (int replace = 0; replace < 2; replace++) {
        struct twin *t = twin_new(TWIN_DAY_US);

        assert_false(twin_check_service(t, tree, NULL, replace, &why));
        assert_string_equal(why.where, "tags.a.b.");
        assert_false(twin_check_service(t, NULL, tree, replace, &why));
        assert_string_equal(why.where, "properties.desired.a.b.");
        twin_free(t);
    }
    cJSON_Delete(tree);
}

static void a_path_of_ten_long_names_has_room(void **state)
{
    struct twin *t = twin_new(TWIN_DAY_US);
    struct refusal why;
    struct buf b;
    cJSON *tree;

    (void)state;
    buf_init(&b, 0);
    for (int k = 0; k < 10; k++)
        buf_addf(&b, "{\"%0*d\":", TWIN_KEY_MAX, k);
    buf_add(&b, STR("{\".\":1}}}}}}}}}}}"));
    assert_int_equal(json_read(buf_view(&b), &tree, NULL), RC_OK);
    assert_false(twin_check_service(t, NULL, tree, true, &why));
    assert_true(str_starts(str_from(why.where), STR("properties.desired.000")));
    assert_true(str_ends(str_from(why.where), STR("0..."
                                                  ".")));
    cJSON_Delete(tree);
    buf_done(&b);
    twin_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_patch_must_be_an_object),
        cmocka_unit_test(keys_are_checked_at_every_level),
        cmocka_unit_test(keys_end_at_1024_bytes),
        cmocka_unit_test(strings_end_at_4096_bytes),
        cmocka_unit_test(integers_have_53_bits),
        cmocka_unit_test(ten_levels_may_be_nested),
        cmocka_unit_test(arrays_hold_no_nulls),
        cmocka_unit_test(a_section_stays_below_its_size),
        cmocka_unit_test(the_size_that_would_result_counts),
        cmocka_unit_test(service_writes_are_checked_section_by_section),
        cmocka_unit_test(long_names_are_cut_in_messages),
        cmocka_unit_test(a_refusal_names_the_property),
        cmocka_unit_test(a_path_of_ten_long_names_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
