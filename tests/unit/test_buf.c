/* test_buf.c - does buf.h keep its promises? */
#include "buf.h"
#include "fail_alloc.h"
#include "test.h"

static void what_is_added_stands_there_in_order_with_a_nul_behind(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_add(&b, STR("ab"));
    buf_add(&b, str_of(NULL, 0));
    buf_add_char(&b, 'c');
    buf_addf(&b, "-%d-%s", 7, "x");
    assert_true(buf_ok(&b));
    assert_true(str_eq(buf_view(&b), STR("abc-7-x")));
    assert_int_equal(b.at[b.len], '\0');
    buf_done(&b);
    assert_int_equal(b.len, 0);
    assert_null(b.at);
    assert_int_equal(b.max, BUF_MAX_DEFAULT);
}

static void integers_print_in_full_at_both_ends(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_add_i64(&b, 0);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_i64(&b, INT64_MIN);
    assert_string_equal(b.at, "0 9223372036854775807 -9223372036854775808");
    buf_done(&b);
}

static void percent_keeps_the_unreserved_and_what_it_is_told_to_keep(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_add_percent(&b, STR("azAZ09-._~ /%+\xC3\xA9"), STR(""));
    assert_string_equal(b.at, "azAZ09-._~%20%2F%25%2B%C3%A9");
    buf_reset(&b);
    buf_add_percent(&b, STR("a/b c$"), STR("/$"));
    assert_string_equal(b.at, "a/b%20c$");
    buf_reset(&b);
    buf_add_percent(&b, str_of("\0", 1), str_of(NULL, 0));
    assert_string_equal(b.at, "%00");
    buf_done(&b);
}

static void the_ceiling_is_exact_and_remembered(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_add(&b, STR("abcde"));
    assert_true(buf_ok(&b));
    buf_add_char(&b, 'f');
    assert_int_equal(b.rc, RC_LIMIT);
    buf_addf(&b, "%s", ""); /* a no-op now, and so are all others */
    buf_add_i64(&b, 1);
    buf_add_percent(&b, STR("x"), STR(""));
    assert_true(str_eq(buf_view(&b), STR("abcde")));
    assert_int_equal(b.rc, RC_LIMIT);
    assert_null(buf_take(&b, NULL)); /* a torn text is never handed out */
    assert_int_equal(b.len, 0);
    assert_int_equal(b.rc, RC_OK);
}

static void an_add_that_does_not_fit_adds_nothing_of_itself(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_add(&b, STR("abc"));
    buf_addf(&b, "%s", "def");
    assert_int_equal(b.rc, RC_LIMIT);
    assert_string_equal(b.at, "abc");
    buf_reset(&b);
    assert_true(buf_ok(&b));
    assert_string_equal(b.at, "");
    buf_add(&b, STR("fresh"));
    assert_string_equal(b.at, "fresh");
    buf_done(&b);
}

static void growing_keeps_what_was_there(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    for (unsigned i = 0; i < 100000; i++)
        buf_add_char(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.at[i], 'a' + i % 26);
    buf_done(&b);
}

static void take_moves_the_bytes_and_empties_the_buffer(void **state)
{
    struct buf b;
    size_t len = 9;
    char *text;

    (void)state;
    buf_init(&b, 100);
    text = buf_take(&b, &len); /* an empty text is a text */
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    free(text);
    buf_add(&b, str_of("a\0b", 3));
    text = buf_take(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
    assert_null(b.at);
    assert_int_equal(b.max, 100);
    buf_done(&b);
}

static void running_out_of_memory_is_remembered_and_loses_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_add(&b, STR("kept"));
    fail_alloc_after(0);
    for (unsigned i = 0; i < 100; i++)
        buf_add(&b, STR("0123456789"));
    fail_alloc_never();
    assert_int_equal(b.rc, RC_NOMEM);
    assert_true(str_starts(buf_view(&b), STR("kept")));
    buf_add(&b, STR("late"));
    assert_false(str_ends(buf_view(&b), STR("late")));
    assert_null(buf_take(&b, NULL));

    fail_alloc_after(0);
    buf_add_char(&b, 'x');
    fail_alloc_never();
    assert_int_equal(b.rc, RC_NOMEM);
    assert_int_equal(b.len, 0);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_stands_there_in_order_with_a_nul_behind),
        cmocka_unit_test(integers_print_in_full_at_both_ends),
        cmocka_unit_test(percent_keeps_the_unreserved_and_what_it_is_told_to_keep),
        cmocka_unit_test(the_ceiling_is_exact_and_remembered),
        cmocka_unit_test(an_add_that_does_not_fit_adds_nothing_of_itself),
        cmocka_unit_test(growing_keeps_what_was_there),
        cmocka_unit_test(take_moves_the_bytes_and_empties_the_buffer),
        cmocka_unit_test(running_out_of_memory_is_remembered_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
