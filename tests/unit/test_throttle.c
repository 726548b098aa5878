/* test_throttle.c - which hub is played, and how fast it may be asked: words, rates, and the shape of what is too much. */
#include "throttle.h"

#include <math.h>

#include "test.h"

#define SECOND INT64_C(1000000)

static struct profile profile_of(const char *text)
{
    struct profile p;

    assert_int_equal(profile_read(str_from(text), &p), RC_OK);
    return p;
}

static void a_profile_is_a_personality_a_tier_with_units_or_both(void **state)
{
    static const struct {
        const char *text;
        enum personality personality;
        enum tier tier;
        unsigned units;
        const char *printed;
    } rows[] = {
        {"gw-v2", PROFILE_GW_V2, TIER_NONE, 0, "gw-v2"},
        {"gw-v1", PROFILE_GW_V1, TIER_NONE, 0, "gw-v1"},
        {"edge-hub", PROFILE_EDGE_HUB, TIER_NONE, 0, "edge-hub"},
        {"S1", PROFILE_GW_V2, TIER_S1, 1, "gw-v2,S1"},
        {"F1", PROFILE_GW_V2, TIER_F1, 1, "gw-v2,F1"},
        {"S2x3", PROFILE_GW_V2, TIER_S2, 3, "gw-v2,S2x3"},
        {"gw-v1,S1x200", PROFILE_GW_V1, TIER_S1, 200, "gw-v1,S1x200"},
        {"B3x10,edge-hub", PROFILE_EDGE_HUB, TIER_B3, 10, "edge-hub,B3x10"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        char *text = copy_exact(rows[n].text, strlen(rows[n].text));
        char printed[PROFILE_TEXT_MAX];
        struct profile p;

        assert_int_equal(profile_read(str_of(text, strlen(rows[n].text)), &p), RC_OK);
        assert_int_equal(p.personality, rows[n].personality);
        assert_int_equal(p.tier, rows[n].tier);
        assert_int_equal(p.units, rows[n].units);
        profile_print(&p, printed);
        assert_string_equal(printed, rows[n].printed);
        free(text);
    }
}

static void any_other_text_is_no_profile_and_leaves_it_alone(void **state)
{
    static const char *const rows[] = {"",      ",",      "gw-v3", "gw-v1,", "gw-v1,gw-v2",
                                       "S1,S2", "S4",     "s1",    "S1x",    "S1x0",
                                       "S1 ",   "S1x1x1", "S1x-1", " S1",    "gw-v1 S1",
                                       "x2",    "S1x201", "S3x11", "F1x2",   "S1x99999999999999999999"};

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct profile p = {PROFILE_GW_V1, TIER_S3, 7};

        assert_int_not_equal(profile_read(str_from(rows[n]), &p), RC_OK);
        assert_int_equal(p.units, 7);
    }
}

/* Each number of the documents' table. Twin reads and updates of S1 are the hub's, whatever its units (facts L-15). */
static void rates_are_those_of_the_documents_for_each_tier_and_its_units(void **state)
{
    static const char *const profiles[] = {"S1", "S1x20", "S2", "S2x20", "S3", "S3x10"};
    static const struct {
        enum throttle_kind kind;
        double rates[COUNT(profiles)];
    } rows[] = {
        {THROTTLE_CONNECT, {100, 240, 120, 2400, 6000, 60000}},
        {THROTTLE_TELEMETRY, {100, 240, 120, 2400, 6000, 60000}},
        {THROTTLE_MESSAGE, {1.6666667, 33.333333, 1.6666667, 33.333333, 83.333333, 833.33333}},
        {THROTTLE_METHOD, {163840, 3276800, 491520, 9830400, 25165824, 251658240}},
        {THROTTLE_TWIN_READ, {100, 100, 100, 200, 500, 5000}},
        {THROTTLE_TWIN_UPDATE, {50, 50, 50, 100, 250, 2500}},
        {THROTTLE_QUERY, {0.33333333, 6.6666667, 0.33333333, 6.6666667, 16.666667, 166.66667}},
        {THROTTLE_REGISTRY, {1.6666667, 33.333333, 1.6666667, 33.333333, 83.333333, 833.33333}},
    };

    (void)state;
    assert_int_equal(COUNT(rows), THROTTLES);
    for (size_t n = 0; n < COUNT(rows); n++)
        for (size_t k = 0; k < COUNT(profiles); k++) {
            struct profile p = profile_of(profiles[k]);
            double rate = throttle_rate(rows[n].kind, p.tier, p.units), want = rows[n].rates[k];

            if (rate < want * 0.9999999 || rate > want * 1.0000001)
                fail_msg("%s of %s: %.9g, not %.9g", throttle_name(rows[n].kind), profiles[k], rate, want);
        }
}

/* facts L-15 */
static void the_higher_of_the_hubs_rate_and_its_units_counts(void **state)
{
    static const struct {
        const char *profile;
        enum throttle_kind kind;
        double rate;
    } rows[] = {
        {"S1x8", THROTTLE_CONNECT, 100},    {"S1x9", THROTTLE_CONNECT, 108}, /* the documents' own example */
        {"S1x8", THROTTLE_TELEMETRY, 100},  {"S1x9", THROTTLE_TELEMETRY, 108},   {"S2x10", THROTTLE_TWIN_READ, 100},
        {"S2x11", THROTTLE_TWIN_READ, 110}, {"S2x10", THROTTLE_TWIN_UPDATE, 50}, {"S2x11", THROTTLE_TWIN_UPDATE, 55},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct profile p = profile_of(rows[n].profile);

        assert_true(fabs(throttle_rate(rows[n].kind, p.tier, p.units) - rows[n].rate) < 1e-6);
    }
}

/* F1 and B1 are as fast as S1, B2 as S2, B3 as S3 (facts L-15). */
static void tiers_of_a_size_are_as_fast_as_each_other(void **state)
{
    static const enum tier pairs[][2] = {
        {TIER_F1, TIER_S1}, {TIER_B1, TIER_S1}, {TIER_B2, TIER_S2}, {TIER_B3, TIER_S3}};

    (void)state;
    for (size_t n = 0; n < COUNT(pairs); n++)
        for (enum throttle_kind kind = 0; kind < THROTTLES; kind++)
            assert_true(fabs(throttle_rate(kind, pairs[n][0], 1) - throttle_rate(kind, pairs[n][1], 1)) < 1e-6);
}

/* The shape: a minute's worth at once, then one after the other at the rate, then no more. */
static void too_much_passes_at_once_then_waits_in_line_then_is_refused(void **state) /* facts L-02, L-15, L-19 */
{
    struct profile p = profile_of("S1x3"); /* a query a second */
    struct throttle t;
    int64_t wait = 0;

    (void)state;
    throttle_init(&t, &p, 5 * SECOND);
    for (int n = 0; n < 60; n++)
        assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 5 * SECOND, &wait), THROTTLE_PASSES);
    for (int n = 1; n <= 10; n++) {
        assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 5 * SECOND, &wait), THROTTLE_WAITS);
        assert_int_equal(wait, n * SECOND);
    }
    for (int n = 0; n < 3; n++)
        assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 5 * SECOND, &wait), THROTTLE_REFUSES);
    /* A second later there is room for one more in the line, not for two. */
    assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 6 * SECOND, &wait), THROTTLE_WAITS);
    assert_int_equal(wait, 10 * SECOND);
    assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 6 * SECOND, &wait), THROTTLE_REFUSES);
    /* Other kinds have buckets of their own. */
    assert_int_equal(throttle_ask(&t, THROTTLE_REGISTRY, 1, 6 * SECOND, &wait), THROTTLE_PASSES);
    /* And a quiet time fills it again, to the brim and no further. */
    for (int n = 0; n < 60; n++)
        assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 1000 * SECOND, &wait), THROTTLE_PASSES);
    assert_int_equal(throttle_ask(&t, THROTTLE_QUERY, 1, 1000 * SECOND, &wait), THROTTLE_WAITS);
}

static void methods_count_by_their_bytes(void **state)
{
    struct profile p = profile_of("S1");
    struct throttle t;
    int64_t wait = 0;

    (void)state;
    throttle_init(&t, &p, 0);
    for (int n = 0; n < 60 * 160 / 128; n++)
        assert_int_equal(throttle_ask(&t, THROTTLE_METHOD, 128 * 1024, 0, &wait), THROTTLE_PASSES);
    assert_int_equal(throttle_ask(&t, THROTTLE_METHOD, THROTTLE_METER, 0, &wait), THROTTLE_WAITS);
    assert_int_equal(wait, SECOND * 4 / 160);
}

static void without_a_tier_everything_passes_for_ever(void **state) /* facts L-01 */
{
    struct profile p = profile_of("edge-hub");
    struct throttle t;
    int64_t wait = 0;

    (void)state;
    throttle_init(&t, &p, 0);
    for (enum throttle_kind kind = 0; kind < THROTTLES; kind++)
        for (int n = 0; n < 100000; n++)
            assert_int_equal(throttle_ask(&t, kind, 1, 0, &wait), THROTTLE_PASSES);
    for (int n = 0; n < 100000; n++)
        assert_true(throttle_count(&t, 256 * 1024, 0));
}

/* facts L-18 */
static void each_tier_has_its_messages_a_day_and_the_size_of_one(void **state)
{
    static const struct {
        const char *profile;
        uint64_t messages;
        size_t size;
    } rows[] = {{"F1", 8000, 512},    {"B1", 400000, 4096},  {"B2", 6000000, 4096},   {"B3", 300000000, 4096},
                {"S1", 400000, 4096}, {"S2", 6000000, 4096}, {"S3", 300000000, 4096}, {"S1x3", 1200000, 4096}};

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct profile p = profile_of(rows[n].profile);
        struct throttle t;

        throttle_init(&t, &p, 0);
        assert_int_equal(throttle_quota(&p), rows[n].messages);
        t.messages = rows[n].messages - 1; /* one is left */
        assert_false(throttle_count(&t, rows[n].size + 1, 0));
        assert_true(throttle_count(&t, rows[n].size, 0));
        assert_false(throttle_count(&t, 0, 0));
    }
}

static void a_day_holds_so_many_messages_by_their_size_and_ends_at_midnight(void **state) /* facts L-09, L-18 */
{
    const int64_t day = 86400 * SECOND;
    struct profile p = profile_of("F1");
    struct throttle t;

    (void)state;
    throttle_init(&t, &p, 0);
    assert_int_equal(throttle_quota(&p), 8000);
    for (int n = 0; n < 7998; n++)
        assert_true(throttle_count(&t, (size_t)n % 513, 10 * day));
    assert_false(throttle_count(&t, 1025, 10 * day)); /* it would be three of them */
    assert_true(throttle_count(&t, 1024, 11 * day - 1));
    assert_false(throttle_count(&t, 0, 11 * day - 1));
    assert_true(throttle_count(&t, 0, 11 * day));
    p = profile_of("S2x2");
    assert_int_equal(throttle_quota(&p), 12000000);
    p = profile_of("gw-v1");
    assert_int_equal(throttle_quota(&p), 0);
}

/* Whatever comes when: in any time no more leaves than the burst and the rate allow, and what waits leaves in order. */
static void no_more_leaves_than_burst_and_rate_allow(void **state)
{
    uint64_t seed = 20301;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct bucket_shape shape = {0.5 + (double)(round % 7), 1 + round % 20, round % 5};
        struct bucket b;
        int64_t now = 0, last = 0, wait;
        double left = 0;

        bucket_fill(&b, &shape, 0);
        for (int n = 0; n < 300; n++) {
            enum throttle_verdict v;

            seed = seed * 6364136223846793005u + 1442695040888963407u;
            now += (int64_t)(seed >> 44) % SECOND;
            v = bucket_take(&b, &shape, 1, now, &wait);
            if (v == THROTTLE_REFUSES)
                continue;
            if (v == THROTTLE_PASSES)
                wait = 0;
            left++;
            assert_true(wait >= 0 && (double)wait <= shape.backlog / shape.rate * 1e6 + 1);
            assert_true(now + wait + 1 >= last);
            last = now + wait;
            assert_true(left <= shape.burst + shape.rate * (double)last / 1e6 + 1e-3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_a_personality_a_tier_with_units_or_both),
        cmocka_unit_test(any_other_text_is_no_profile_and_leaves_it_alone),
        cmocka_unit_test(rates_are_those_of_the_documents_for_each_tier_and_its_units),
        cmocka_unit_test(the_higher_of_the_hubs_rate_and_its_units_counts),
        cmocka_unit_test(tiers_of_a_size_are_as_fast_as_each_other),
        cmocka_unit_test(too_much_passes_at_once_then_waits_in_line_then_is_refused),
        cmocka_unit_test(methods_count_by_their_bytes),
        cmocka_unit_test(without_a_tier_everything_passes_for_ever),
        cmocka_unit_test(each_tier_has_its_messages_a_day_and_the_size_of_one),
        cmocka_unit_test(a_day_holds_so_many_messages_by_their_size_and_ends_at_midnight),
        cmocka_unit_test(no_more_leaves_than_burst_and_rate_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
