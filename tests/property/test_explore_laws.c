/* test_explore_laws.c - do explore's histories and its shrinking keep their laws, for seeds that nobody chose?
 *
 * Seeded (seed.h); a seed is that of all histories, whose numbers are the rounds.
 */
#include "explore_world.h"

#include <stdio.h>

#include "explore_shrink.h"
#include "seed.h"

/* Histories of that one seed. */
static uint64_t rounds(void)
{
    return seed_number("TWINSIM_ROUNDS", 300);
}

static uint64_t the_seed(void)
{
    return seed_number("TWINSIM_SEED", SEED_USUAL);
}

static char *text_of(const struct model *m, const struct history *h)
{
    struct buf out;

    buf_init(&out, 0);
    history_print(m, h, "n", NULL, &out);
    assert_true(buf_ok(&out));
    return buf_take(&out, NULL);
}

static void every_history_is_valid_and_of_about_the_length_asked_for(void **state)
{
    struct model *m = model_of(small_model);

    (void)state;
    (void)seed_first();
    for (uint64_t i = 0; i < rounds(); i++) {
        unsigned steps = 1 + (unsigned)(i % 40);
        struct history h;

        assert_int_equal(history_make(m, the_seed(), i, steps, &h), RC_OK);
        if (!history_is_valid(m, &h))
            fail_msg("history %llu of seed %llu", (unsigned long long)i, (unsigned long long)the_seed());
        assert_in_range(cJSON_GetArraySize(h.steps), steps, steps + 40);
        history_done(&h);
    }
    model_free(m);
}

static void the_same_seed_makes_the_same_histories_and_another_makes_others(void **state)
{
    struct model *m = model_of(small_model), *again = model_of(small_model);
    uint64_t seed = the_seed(), equal = 0;

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        struct history a, b, other, next;
        char *text_a, *text_b, *text_other, *text_next;

        assert_int_equal(history_make(m, seed, i, 20, &a), RC_OK);
        assert_int_equal(history_make(again, seed, i, 20, &b), RC_OK);
        assert_int_equal(history_make(m, seed + 1, i, 20, &other), RC_OK);
        assert_int_equal(history_make(m, seed, i + 1, 20, &next), RC_OK);
        text_a = text_of(m, &a);
        text_b = text_of(again, &b);
        text_other = text_of(m, &other);
        text_next = text_of(m, &next);
        assert_string_equal(text_a, text_b);
        equal += strcmp(text_a, text_other) == 0;
        equal += strcmp(text_a, text_next) == 0;
        free(text_a);
        free(text_b);
        free(text_other);
        free(text_next);
        history_done(&a);
        history_done(&b);
        history_done(&other);
        history_done(&next);
    }
    assert_int_equal(equal, 0);
    model_free(again);
    model_free(m);
}

/* ---- a naive model of the small twin: three values, by name ---- */

struct naive {
    cJSON *value[3];
};

static void naive_set(struct naive *n, const char *name, const cJSON *value)
{
    size_t i = (size_t)(name[2] - 'a');

    if (strncmp(name, "s.", 2) != 0 || strlen(name) != 3 || i > 2)
        return;
    if (i == 2 && cJSON_IsObject(value) &&
        cJSON_IsObject(n->value[2])) /* the one value that is an object never differs */
        return;
    cJSON_Delete(n->value[i]);
    n->value[i] = cJSON_IsNull(value) ? NULL : cJSON_Duplicate(value, true);
}

static void naive_clear(struct naive *n)
{
    for (size_t i = 0; i < 3; i++) {
        cJSON_Delete(n->value[i]);
        n->value[i] = NULL;
    }
}

static void naive_write(struct naive *n, const cJSON *names)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, names)
    {
        if (strcmp(member->string, "settings") == 0 && cJSON_IsNull(member))
            naive_clear(n);
        else
            naive_set(n, member->string, member);
    }
}

static void naive_compare(const struct naive *n, const cJSON *pattern)
{
    const cJSON *a = json_get(pattern, "s.a"), *b = json_get(json_get(pattern, "s.b"), "$nocase"),
                *c = json_get(pattern, "told.c");
    bool c_is_absent = cJSON_IsTrue(json_get(c, "$absent"));

    assert_true(n->value[0] ? json_eq(a, n->value[0]) : cJSON_IsNumber(a) && a->valuedouble <= 0);
    assert_true(n->value[1] ? json_eq(b, n->value[1]) : strcmp(b->valuestring, "auto") == 0);
    assert_true(n->value[2] ? json_eq(c, n->value[2]) : c_is_absent);
}

static void what_must_be_reported_is_what_a_naive_model_says(void **state)
{
    struct model *m = model_of(small_model);

    (void)state;
    for (uint64_t i = 0; i < rounds(); i++) {
        struct naive n = {{NULL, NULL, NULL}};
        struct history h;
        const cJSON *step;
        size_t at = 0;

        assert_int_equal(history_make(m, the_seed(), i, 30, &h), RC_OK);
        naive_write(&n, h.start);
        cJSON_ArrayForEach(step, h.steps)
        {
            cJSON *pattern = NULL;

            if (json_get(step, "replace"))
                naive_clear(&n);
            naive_write(&n, json_get(step, "desired"));
            naive_write(&n, json_get(json_get(step, "replace"), "desired"));
            at++;
            if (!json_get(step, "check"))
                continue;
            assert_int_equal(history_expects(m, &h, at, &pattern), RC_OK);
            naive_compare(&n, pattern);
            cJSON_Delete(pattern);
        }
        naive_clear(&n);
        history_done(&h);
    }
    model_free(m);
}

/* ---- shrinking ---- */

/* An agent that forgets null deletes: does a check see it? */
static bool forgets_nulls(const struct history *h)
{
    struct naive right = {{NULL, NULL, NULL}}, wrong = {{NULL, NULL, NULL}};
    const cJSON *step, *member;
    bool is_seen = false;

    naive_write(&right, h->start);
    naive_write(&wrong, h->start);
    cJSON_ArrayForEach(step, h->steps)
    {
        const cJSON *names = json_get(step, "desired");

        if (json_get(step, "replace")) {
            naive_clear(&right);
            naive_clear(&wrong);
            names = json_get(json_get(step, "replace"), "desired");
        }
        naive_write(&right, names);
        cJSON_ArrayForEach(member, names)
        {
            if (!cJSON_IsNull(member))
                naive_set(&wrong, member->string, member);
        }
        for (size_t i = 0; i < 3 && json_get(step, "check"); i++)
            is_seen = is_seen || !right.value[i] != !wrong.value[i] ||
                      (right.value[i] && !json_eq(right.value[i], wrong.value[i]));
    }
    naive_clear(&right);
    naive_clear(&wrong);
    return is_seen;
}

struct trial {
    const struct model *m;
    unsigned tried, limit;
};

static size_t try_forgetting(void *arg, const struct history *candidates, size_t count)
{
    struct trial *t = arg;

    for (size_t i = 0; i < count; i++) {
        if (t->tried++ >= t->limit)
            return SHRINK_STOP;
        assert_true(history_is_valid(t->m, &candidates[i]));
        if (forgets_nulls(&candidates[i]))
            return i;
    }
    return SHRINK_NONE;
}

static void a_failing_history_shrinks_to_the_few_steps_that_matter(void **state)
{
    struct model *m = model_of(small_model);
    unsigned shrunk = 0, most = 0;

    (void)state;
    for (uint64_t i = 0; i < rounds(); i++) {
        struct trial t = {.m = m, .limit = 100000};
        struct history h;

        assert_int_equal(history_make(m, the_seed(), i, 30, &h), RC_OK);
        if (forgets_nulls(&h)) {
            assert_int_equal(history_shrink(m, &h, NULL, try_forgetting, &t), RC_OK);
            assert_true(history_is_valid(m, &h));
            assert_true(forgets_nulls(&h));
            /* set (or there from the start), removed, looked at */
            if (cJSON_GetArraySize(h.steps) > 3)
                fail_msg("history %llu: %s", (unsigned long long)i, json_text(h.steps));
            shrunk++;
            most = t.tried > most ? t.tried : most;
        }
        history_done(&h);
    }
    print_message("%u histories made small, at most %u candidates\n", shrunk, most);
    assert_true(shrunk > rounds() / 20);
    assert_in_range(most, 1, 150); /* each costs a run */
    model_free(m);
}

static void a_shrinking_that_is_stopped_leaves_the_smallest_by_then(void **state)
{
    struct model *m = model_of(small_model);

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        struct trial t = {.m = m, .limit = (unsigned)(i % 12)};
        struct history h;
        int before;

        assert_int_equal(history_make(m, the_seed(), i, 30, &h), RC_OK);
        before = cJSON_GetArraySize(h.steps);
        if (forgets_nulls(&h)) {
            assert_int_equal(history_shrink(m, &h, "a", try_forgetting, &t), RC_OK);
            assert_true(forgets_nulls(&h));
            assert_true(cJSON_GetArraySize(h.steps) <= before);
        }
        history_done(&h);
    }
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_history_is_valid_and_of_about_the_length_asked_for),
        cmocka_unit_test(the_same_seed_makes_the_same_histories_and_another_makes_others),
        cmocka_unit_test(what_must_be_reported_is_what_a_naive_model_says),
        cmocka_unit_test(a_failing_history_shrinks_to_the_few_steps_that_matter),
        cmocka_unit_test(a_shrinking_that_is_stopped_leaves_the_smallest_by_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
