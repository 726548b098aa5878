/* test_outbox.c - does outbox.h keep its promises: entries in order, owned, a failure remembered, a ceiling? */
#include "fail_alloc.h"
#include "outbox.h"
#include "test.h"

static char *text(const char *s)
{
    return copy_exact(s, strlen(s) + 1);
}

static void entries_stand_in_order_zeroed_and_are_freed_with_all_they_own(void **state)
{
    struct outbox ob;

    (void)state;
    outbox_init(&ob);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 100; n++) {
            static const struct out zero;
            struct out *o = outbox_push(&ob, (enum out_kind)(n % 5));

            assert_int_equal(o->kind, n % 5);
            o->kind = zero.kind;
            assert_memory_equal(o, &zero, sizeof zero);
            o->kind = (enum out_kind)(n % 5);
            o->version = (int64_t)n;
            o->topic = text("topic");
            o->body = n % 2 ? text("body") : NULL;
            o->doc = text("doc");
            o->twin = text("twin");
            assert_int_equal(ob.len, n + 1);
        }
        for (size_t n = 0; n < 100; n++)
            assert_int_equal(ob.at[n].version, n);
        outbox_clear(&ob);
        assert_int_equal(ob.len, 0);
        assert_int_equal(ob.rc, RC_OK);
    }
    outbox_done(&ob);
    outbox_done(&ob);
}

static void a_failed_push_is_remembered_and_lends_an_entry_nobody_acts_on(void **state)
{
    struct outbox ob;
    struct out *o;
    size_t len;

    (void)state;
    outbox_init(&ob);
    outbox_push(&ob, OUT_EVENT)->topic = text("kept");
    fail_alloc_after(0);
    while (!ob.rc)
        (void)outbox_push(&ob, OUT_EVENT);
    fail_alloc_never();
    len = ob.len;
    assert_int_equal(ob.rc, RC_NOMEM);
    for (int n = 0; n < 3; n++) {
        o = outbox_push(&ob, OUT_STORE); /* memory is back, the failure stays */
        assert_ptr_equal(o, &ob.scratch);
        assert_null(o->body);
        o->body = text("lost");
        o->topic = text("lost");
    }
    assert_int_equal(ob.len, len);
    assert_int_equal(ob.rc, RC_NOMEM);
    outbox_clear(&ob);
    assert_int_equal(ob.rc, RC_OK);
    assert_ptr_not_equal(outbox_push(&ob, OUT_STORE), &ob.scratch);
    outbox_done(&ob);
}

static void a_turn_has_so_many_entries_and_no_more(void **state)
{
    struct outbox ob;

    (void)state;
    outbox_init(&ob);
    for (size_t n = 0; n < OUTBOX_MAX; n++)
        assert_ptr_not_equal(outbox_push(&ob, OUT_EVENT), &ob.scratch);
    assert_int_equal(ob.rc, RC_OK);
    assert_ptr_equal(outbox_push(&ob, OUT_EVENT), &ob.scratch);
    assert_int_equal(ob.rc, RC_LIMIT);
    assert_int_equal(ob.len, OUTBOX_MAX);
    outbox_done(&ob);
}

static void an_entry_taken_out_is_its_takers_and_the_others_move_up(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct outbox ob;
    struct out taken;

    (void)state;
    outbox_init(&ob);
    for (size_t n = 0; n < COUNT(names); n++)
        outbox_push(&ob, OUT_PUBLISH)->topic = text(names[n]);
    outbox_take(&ob, 1, &taken);
    assert_string_equal(taken.topic, "b");
    assert_int_equal(ob.len, 2);
    assert_string_equal(ob.at[0].topic, "a");
    assert_string_equal(ob.at[1].topic, "c");
    assert_null(outbox_push(&ob, OUT_EVENT)->topic); /* zeroed, as ever */
    out_done(&taken);
    assert_null(taken.topic);
    outbox_done(&ob);
}

static void every_end_has_its_word(void **state)
{
    static const char *const words[] = {
        "client",     "takeover",        "error",    "identity",  "token", "fault",          "shutdown", "lost",
        "keep-alive", "connect-timeout", "protocol", "too-large", "slow",  "unacknowledged", "tls",      "unknown"};

    (void)state;
    for (size_t n = 0; n < COUNT(words); n++)
        assert_string_equal(ended_name((enum ended)n), words[n]);
    assert_int_equal(ENDED_UNKNOWN + 1, COUNT(words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_stand_in_order_zeroed_and_are_freed_with_all_they_own),
        cmocka_unit_test(a_failed_push_is_remembered_and_lends_an_entry_nobody_acts_on),
        cmocka_unit_test(a_turn_has_so_many_entries_and_no_more),
        cmocka_unit_test(an_entry_taken_out_is_its_takers_and_the_others_move_up),
        cmocka_unit_test(every_end_has_its_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
