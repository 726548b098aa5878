/* test_str.c - does str.h keep its promises? */
#include "str.h"
#include "test.h"
#include "utf8.h"

static void equality_is_by_bytes_and_an_empty_view_needs_no_pointer(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("aB")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(str_of(NULL, 0), STR("")));
    assert_true(str_eq(str_from(NULL), STR("")));
    assert_true(str_eq(str_of("a\0b", 3), str_of("a\0b", 3)));
    assert_false(str_eq(str_of("a\0b", 3), str_of("a\0c", 3)));
}

static void letter_case_counts_for_nothing_in_ascii_only(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("MyHub.azure-DEVICES.net"), STR("myhub.AZURE-devices.NET")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_false(str_eq_nocase(STR("@"), STR("`"))); /* one bit apart, as 'A' and 'a' are */
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
    assert_true(str_eq_nocase(str_of(NULL, 0), STR("")));
}

static void starts_and_ends_look_at_the_whole_affix(void **state)
{
    (void)state;
    assert_true(str_starts(STR("devices/d"), STR("devices/")));
    assert_true(str_starts(STR("x"), STR("")));
    assert_true(str_starts(str_of(NULL, 0), STR("")));
    assert_false(str_starts(STR("dev"), STR("devices")));
    assert_false(str_starts(STR("Devices"), STR("dev")));
    assert_true(str_ends(STR("a/#"), STR("/#")));
    assert_true(str_ends(STR("a"), STR("")));
    assert_true(str_ends(str_of(NULL, 0), STR("")));
    assert_false(str_ends(STR("#"), STR("/#")));
    assert_false(str_ends(STR("a/#b"), STR("/#")));
}

static void skip_and_first_stop_at_the_end(void **state)
{
    struct str end = str_skip(STR("abc"), 7);

    (void)state;
    assert_true(str_eq(str_skip(STR("abc"), 1), STR("bc")));
    assert_int_equal(end.len, 0);
    assert_non_null(end.at);
    assert_null(str_skip(str_of(NULL, 0), 3).at);
    assert_true(str_eq(str_first(STR("abc"), 2), STR("ab")));
    assert_true(str_eq(str_first(STR("abc"), 9), STR("abc")));
}

static void cut_walks_every_piece_empty_ones_too(void **state)
{
    static const char *const pieces[] = {"a", "", "b", ""};
    struct str rest = STR("a//b/");
    size_t n = 0;

    (void)state;
    while (rest.at) {
        assert_true(n < COUNT(pieces));
        assert_true(str_eq(str_cut(&rest, '/'), str_from(pieces[n])));
        n++;
    }
    assert_int_equal(n, COUNT(pieces));
    rest = str_of(NULL, 0);
    assert_int_equal(str_cut(&rest, '/').len, 0);
    assert_null(rest.at);
}

static void find_gives_the_first_place_or_the_length(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR("abc"), '='), 3);
    assert_int_equal(str_find(str_of("a\0", 2), '\0'), 1);
    assert_int_equal(str_find(str_of(NULL, 0), 'a'), 0);
}

static void a_number_fills_its_view_and_keeps_its_limit(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        enum rc rc;
        uint64_t value;
    } rows[] = {
        {"0", 0, RC_OK, 0},
        {"7", 7, RC_OK, 7},
        {"007", 7, RC_OK, 7},
        {"8", 7, RC_LIMIT, 0},
        {"70", 7, RC_LIMIT, 0},
        {"10", 9, RC_LIMIT, 0},
        {"5", 3, RC_LIMIT, 0},
        {"", 9, RC_SYNTAX, 0},
        {"-1", 9, RC_SYNTAX, 0},
        {"+1", 9, RC_SYNTAX, 0},
        {" 1", 9, RC_SYNTAX, 0},
        {"1 ", 9, RC_SYNTAX, 0},
        {"1.0", 9, RC_SYNTAX, 0},
        {"0x1", 9, RC_SYNTAX, 0},
        {"99999999999999999999999999x", 9, RC_SYNTAX, 0},
        {"18446744073709551615", UINT64_MAX, RC_OK, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, RC_LIMIT, 0},
        {"99999999999999999999", UINT64_MAX, RC_LIMIT, 0},
        {"9223372036854775807", INT64_MAX, RC_OK, INT64_MAX},
        {"9223372036854775808", INT64_MAX, RC_LIMIT, 0},
        {"2147483647", INT32_MAX, RC_OK, INT32_MAX},
        {"2147483648", INT32_MAX, RC_LIMIT, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = copy_exact(rows[i].text, strlen(rows[i].text));
        uint64_t value = 42;

        print_message("  %s <= %llu\n", rows[i].text, (unsigned long long)rows[i].max);
        assert_int_equal(str_to_u64(str_of(text, strlen(rows[i].text)), rows[i].max, &value), rows[i].rc);
        assert_true(value == (rows[i].rc ? 42 : rows[i].value));
        free(text);
    }
}

/* Every small number against every small limit: the overflow guard has no blind spot. */
static void a_number_is_refused_exactly_above_its_limit(void **state)
{
    (void)state;
    for (unsigned max = 0; max < 130; max++) {
        for (unsigned n = 0; n < 1200; n++) {
            char text[8];
            uint64_t value = 0;
            size_t len = 0;

            for (unsigned rest = n, unit = 1000; unit; rest %= unit, unit /= 10)
                if (n >= unit || unit == 1)
                    text[len++] = (char)('0' + rest / unit);
            assert_int_equal(str_to_u64(str_of(text, len), max, &value), n > max ? RC_LIMIT : RC_OK);
            assert_true(n > max || value == n);
        }
    }
}

static void dup_gives_a_c_string_of_its_own(void **state)
{
    char *copy = str_dup(STR("abc"));
    char *empty = str_dup(str_of(NULL, 0));

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

static void a_text_is_cut_between_characters(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";     /* 1, 2, 3 and 4 bytes, and one more */
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11}; /* of so many bytes, by the limit */

    (void)state;
    for (size_t max = 0; max < COUNT(kept); max++) {
        char *exact = copy_exact(text, sizeof text - 1);

        assert_int_equal(utf8_first(str_of(exact, sizeof text - 1), max).len, kept[max]);
        free(exact);
    }
    assert_int_equal(utf8_first(str_of(NULL, 0), 5).len, 0);
}

static void what_a_terminal_obeys_is_known(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {{"", 0},         {"a", 0},        {"\x1b[2J", 1},  {"\n", 1},   {"\x7f", 1},    {"\xC2\x80", 2},
                {"\xC2\x9B", 2}, {"\xC2\x9F", 2}, {"\xC2\xA0", 0}, {"\xC2", 0}, {"\xC3\x9B", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *exact = copy_exact(rows[i].text, strlen(rows[i].text));

        assert_int_equal(utf8_control_len(str_of(exact, strlen(rows[i].text))), rows[i].len);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_by_bytes_and_an_empty_view_needs_no_pointer),
        cmocka_unit_test(letter_case_counts_for_nothing_in_ascii_only),
        cmocka_unit_test(starts_and_ends_look_at_the_whole_affix),
        cmocka_unit_test(skip_and_first_stop_at_the_end),
        cmocka_unit_test(cut_walks_every_piece_empty_ones_too),
        cmocka_unit_test(find_gives_the_first_place_or_the_length),
        cmocka_unit_test(a_number_fills_its_view_and_keeps_its_limit),
        cmocka_unit_test(a_number_is_refused_exactly_above_its_limit),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(what_a_terminal_obeys_is_known),
        cmocka_unit_test(dup_gives_a_c_string_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
