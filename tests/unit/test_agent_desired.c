/* Does the agent know the desired properties, in whatever order documents and patches arrive? facts S-07 */
#include <stdio.h>

#include "desired.h"
#include "fail_alloc.h"
#include "test.h"

/* Hand over a body without a byte to spare. */
static enum rc answer(struct desired *d, const char *body, struct desired_outcome *o)
{
    char *copy = copy_exact(body, strlen(body));
    enum rc rc = desired_take_answer(d, str_of(copy, strlen(body)), o);

    free(copy);
    return rc;
}

static enum rc patch(struct desired *d, const char *body, struct desired_outcome *o)
{
    char *copy = copy_exact(body, strlen(body));
    enum rc rc = desired_take_patch(d, str_of(copy, strlen(body)), o);

    free(copy);
    return rc;
}

static void document_is(const struct desired *d, int64_t version, const char *expected)
{
    char *text = json_print(d->document);

    assert_string_equal(text, expected);
    assert_int_equal(d->version, version);
    free(text);
}

/* One word a step: "ask", "lost", "A<version> <json>" an answer, "P<version> <json>" a patch. */
struct step {
    const char *does;
    const char *outcome; /* "taken", "again", "taken again", "" */
};

static void step_run(struct desired *d, const struct step *step)
{
    struct desired_outcome o = {0};
    char body[512], said[16];
    char *json;
    long version;
    enum rc rc;

    if (strcmp(step->does, "ask") == 0) {
        desired_asked(d);
        return;
    }
    if (strcmp(step->does, "lost") == 0) {
        desired_forget(d);
        return;
    }
    version = strtol(step->does + 1, &json, 10);
    assert_int_equal(*json++, ' ');
    if (step->does[0] == 'A') {
        (void)snprintf(body, sizeof body, "{\"desired\":{%s%s\"$version\":%ld},\"reported\":{\"$version\":1}}", json,
                       *json ? "," : "", version);
        rc = answer(d, body, &o);
    } else {
        (void)snprintf(body, sizeof body, "{%s%s\"$version\":%ld}", json, *json ? "," : "", version);
        rc = patch(d, body, &o);
    }
    assert_int_equal(rc, RC_OK);
    (void)snprintf(said, sizeof said, "%s%s%s", o.is_taken ? "taken" : "", o.is_taken && o.read_again ? " " : "",
                   o.read_again ? "again" : "");
    if (strcmp(said, step->outcome) != 0)
        fail_msg("%s: '%s' instead of '%s'", step->does, said, step->outcome);
}

static void run(const struct step *steps, int64_t version, const char *expected)
{
    struct desired d;

    desired_init(&d);
    for (; steps->does; steps++)
        step_run(&d, steps);
    document_is(&d, version, expected);
    desired_done(&d);
}

static void patches_merge_and_null_removes(void **state)
{
    const struct step steps[] = {{"ask", ""},
                                 {"A4 \"a\":{\"x\":1,\"y\":2},\"b\":[1]", "taken"},
                                 {"P5 \"a\":{\"x\":null,\"z\":3}", "taken"},
                                 {"P6 \"b\":{\"n\":null,\"k\":1}", "taken"},
                                 {"P7 \"c\":true", "taken"},
                                 {NULL, NULL}};

    (void)state;
    run(steps, 7, "{\"a\":{\"y\":2,\"z\":3},\"b\":{\"k\":1},\"c\":true}");
}

static void old_and_repeated_patches_are_ignored(void **state)
{
    const struct step steps[] = {{"ask", ""},        {"A4 \"a\":4", "taken"}, {"P4 \"a\":0", ""},
                                 {"P2 \"a\":0", ""}, {"P5 \"a\":5", "taken"}, {"P5 \"a\":0", ""},
                                 {NULL, NULL}};

    (void)state;
    run(steps, 5, "{\"a\":5}");
}

static void a_gap_asks_again_and_holds_what_came_early(void **state)
{
    const struct step healed_by_patch[] = {
        {"ask", ""}, {"A4 ", "taken"}, {"P6 \"a\":6", "again"}, {"P7 \"b\":7", "again"}, {"P5 \"a\":5", "taken"},
        {NULL, NULL}};
    const struct step healed_by_answer[] = {{"ask", ""},
                                            {"A4 ", "taken"},
                                            {"P6 \"a\":6", "again"},
                                            {"ask", ""},
                                            {"A6 \"a\":6,\"q\":5", "taken"},
                                            {"P7 \"b\":7", "taken"},
                                            {NULL, NULL}};

    (void)state;
    run(healed_by_patch, 7, "{\"a\":6,\"b\":7}");
    run(healed_by_answer, 7, "{\"a\":6,\"q\":5,\"b\":7}");
}

static void patches_before_the_answer_come_on_top_of_it(void **state)
{
    const struct step late_answer[] = {
        {"ask", ""}, {"P3 \"c\":3", ""}, {"P2 \"b\":2", ""}, {"A1 \"a\":1", "taken"}, {NULL, NULL}};
    const struct step answer_has_them[] = {{"ask", ""}, {"P2 \"a\":0", ""}, {"A2 \"a\":2", "taken"}, {NULL, NULL}};
    const struct step answer_is_far_behind[] = {{"ask", ""}, {"P5 \"a\":5", ""},      {"A1 ", "taken again"},
                                                {"ask", ""}, {"A5 \"a\":5", "taken"}, {NULL, NULL}};

    (void)state;
    run(late_answer, 3, "{\"a\":1,\"b\":2,\"c\":3}");
    run(answer_has_them, 2, "{\"a\":2}");
    run(answer_is_far_behind, 5, "{\"a\":5}");
}

static void a_stale_answer_does_not_undo_patches(void **state)
{
    const struct step steps[] = {{"ask", ""},
                                 {"A4 \"a\":4", "taken"},
                                 {"P6 \"a\":6", "again"},
                                 {"ask", ""},
                                 {"P5 \"b\":5", "taken"},
                                 {"P7 \"c\":7", "taken"},
                                 {"A6 \"a\":0", ""},
                                 {NULL, NULL}};

    (void)state;
    run(steps, 7, "{\"b\":5,\"a\":6,\"c\":7}");
}

static void the_answer_has_the_last_word_on_what_was_seen_before_it_was_asked_for(void **state)
{
    /* The hub spoke of version 90 and takes it back: no endless asking. */
    const struct step steps[] = {{"ask", ""}, {"A4 \"a\":4", "taken"}, {"P90 \"a\":90", "again"},
                                 {"ask", ""}, {"A4 \"a\":4", "taken"}, {"P5 \"a\":5", "taken"},
                                 {NULL, NULL}};

    (void)state;
    run(steps, 5, "{\"a\":5}");
}

static void a_twin_that_was_made_anew_is_taken_on_the_next_connection(void **state)
{
    const struct step steps[] = {{"ask", ""},        {"A40 \"a\":40", "taken"}, {"lost", ""}, {"ask", ""},
                                 {"P2 \"b\":2", ""}, {"A1 ", "taken"},          {NULL, NULL}};

    (void)state;
    run(steps, 2, "{\"b\":2}");
}

static void more_patches_than_are_held_are_read_again(void **state)
{
    struct desired d;
    struct desired_outcome o;
    char body[64];

    (void)state;
    desired_init(&d);
    desired_asked(&d);
    for (int i = 2; i < 2 + (int)DESIRED_HELD_MAX + 5; i++) {
        (void)snprintf(body, sizeof body, "{\"a\":%d,\"$version\":%d}", i, i);
        assert_int_equal(patch(&d, body, &o), RC_OK);
        assert_false(o.is_taken || o.read_again);
    }
    assert_int_equal(d.held_count, DESIRED_HELD_MAX);
    assert_int_equal(answer(&d, "{\"desired\":{\"$version\":1}}", &o), RC_OK);
    assert_true(o.is_taken && o.read_again);
    desired_done(&d);
}

static void what_cannot_be_read_changes_nothing_but_is_not_forgotten(void **state)
{
    static const char *const broken[] = {"",
                                         "[]",
                                         "{\"a\":",
                                         "{\"a\":1,\"a\":2,\"$version\":5}",
                                         "{\"a\":1}",
                                         "{\"$version\":\"5\"}",
                                         "{\"$version\":5} x",
                                         "{\"a\":\"\\u0000\",\"$version\":5}"};
    static const char *const no_twin[] = {"",
                                          "[]",
                                          "{\"desired\":",
                                          "{\"Message\":\"throttled\"}",
                                          "{\"desired\":{}}",
                                          "{\"desired\":[{\"$version\":1}]}",
                                          "{\"Desired\":{\"$version\":9}}"};
    struct desired_outcome o;
    struct desired d;

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        desired_init(&d);
        desired_asked(&d);
        assert_int_equal(answer(&d, "{\"desired\":{\"a\":4,\"$version\":4}}", &o), RC_OK);
        desired_asked(&d);
        assert_int_equal(patch(&d, broken[i], &o), RC_SYNTAX);
        document_is(&d, 4, "{\"a\":4}");
        /* That answer may have left before the change: it is not the last word. */
        assert_int_equal(answer(&d, "{\"desired\":{\"a\":4,\"$version\":4}}", &o), RC_OK);
        assert_true(o.read_again);
        desired_asked(&d);
        assert_int_equal(answer(&d, "{\"desired\":{\"a\":5,\"$version\":5}}", &o), RC_OK);
        assert_false(o.read_again);
        desired_done(&d);
    }
    desired_init(&d);
    desired_asked(&d);
    for (size_t i = 0; i < COUNT(no_twin); i++)
        assert_int_equal(answer(&d, no_twin[i], &o), RC_SYNTAX);
    assert_null(d.document);
    desired_done(&d);
}

/* All 120 orders of five patches end in the same document. */
static void the_order_of_arrival_does_not_matter(void **state)
{
    static const char *const bodies[] = {"{\"a\":2,\"$version\":2}", "{\"b\":3,\"a\":3,\"$version\":3}",
                                         "{\"b\":null,\"$version\":4}", "{\"c\":{\"x\":5},\"$version\":5}",
                                         "{\"c\":{\"y\":6},\"$version\":6}"};
    struct desired_outcome o;
    struct desired d;

    (void)state;
    for (int order = 0; order < 120; order++) {
        int left[] = {0, 1, 2, 3, 4}, code = order;
        desired_init(&d);
        desired_asked(&d);
        assert_int_equal(answer(&d, "{\"desired\":{\"$version\":1}}", &o), RC_OK);
        for (int n = 5; n > 0; n--) {
            int at = code % n;
            code /= n;
            assert_int_equal(patch(&d, bodies[left[at]], &o), RC_OK);
            left[at] = left[n - 1];
        }
        document_is(&d, 6, "{\"a\":3,\"c\":{\"x\":5,\"y\":6}}");
        assert_false(o.read_again);
        desired_done(&d);
    }
}

static void a_lack_of_memory_neither_leaks_nor_lies(void **state)
{
    enum rc rc = RC_NOMEM;
    long n = 0;

    (void)state;
    fail_alloc_cjson();
    for (; rc != RC_OK; n++) {
        struct desired_outcome o;
        struct desired d;
        desired_init(&d);
        desired_asked(&d);
        assert_int_equal(answer(&d, "{\"desired\":{\"a\":1,\"$version\":1}}", &o), RC_OK);
        fail_alloc_after(n);
        rc = desired_take_patch(&d, str_from("{\"b\":{\"c\":2},\"$version\":2}"), &o);
        fail_alloc_never();
        assert_true(rc == RC_OK || rc == RC_NOMEM || rc == RC_SYNTAX);
        if (rc == RC_OK)
            document_is(&d, 2, "{\"a\":1,\"b\":{\"c\":2}}");
        desired_done(&d);
    }
    assert_true(n > 8);
    cJSON_InitHooks(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_merge_and_null_removes),
        cmocka_unit_test(old_and_repeated_patches_are_ignored),
        cmocka_unit_test(a_gap_asks_again_and_holds_what_came_early),
        cmocka_unit_test(patches_before_the_answer_come_on_top_of_it),
        cmocka_unit_test(a_stale_answer_does_not_undo_patches),
        cmocka_unit_test(the_answer_has_the_last_word_on_what_was_seen_before_it_was_asked_for),
        cmocka_unit_test(a_twin_that_was_made_anew_is_taken_on_the_next_connection),
        cmocka_unit_test(more_patches_than_are_held_are_read_again),
        cmocka_unit_test(what_cannot_be_read_changes_nothing_but_is_not_forgotten),
        cmocka_unit_test(the_order_of_arrival_does_not_matter),
        cmocka_unit_test(a_lack_of_memory_neither_leaks_nor_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
