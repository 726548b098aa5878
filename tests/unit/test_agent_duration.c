/* Does the agent read the durations that the documents allow, and no others? */
#include "duration.h"
#include "test.h"

static enum rc parse_exact(const char *text, int64_t *ms)
{
    size_t n = strlen(text);
    char *copy = copy_exact(text, n);
    enum rc rc = duration_parse(str_of(copy, n), ms);

    free(copy);
    return rc;
}

static void durations_have_their_length(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"PT1S", 1000},
        {"PT7M", 420000},
        {"PT90M", 5400000},
        {"PT36H", 129600000},
        {"P7D", 604800000},
        {"P1W", 604800000},
        {"P1W2DT3H", 788400000},
        {"P1M", INT64_C(2592000000)},
        {"P1Y", INT64_C(31536000000)},
        {"P1YT1H", INT64_C(31539600000)},
        {"P50D", INT64_C(4320000000)},
        {"PT1.5S", 1500},
        {"PT0,25S", 250},
        {"P0.5D", 43200000},
        {"PT0.0010000009S", 1},
        {"PT0H5M", 300000},
        {"P1Y1M1W1DT1H1M1S", INT64_C(34822861000)},
        {"P100Y", DURATION_MAX_MS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 0;
        if (parse_exact(rows[i].text, &ms) != RC_OK || ms != rows[i].ms)
            fail_msg("%s: %lld ms", rows[i].text, (long long)ms);
    }
}

static void what_is_no_duration_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_SYNTAX},         {"P", RC_SYNTAX},          {"PT", RC_SYNTAX},    {"P1DT", RC_SYNTAX},
        {"PT5m", RC_SYNTAX},     {"pt5m", RC_SYNTAX},       {"-PT5M", RC_SYNTAX}, {"PT-5M", RC_SYNTAX},
        {"+PT5M", RC_SYNTAX},    {"PT+5M", RC_SYNTAX},      {"PT 5M", RC_SYNTAX}, {"5M", RC_SYNTAX},
        {"PT2H30", RC_SYNTAX},   {"PT30M2H", RC_SYNTAX},    {"P1D1W", RC_SYNTAX}, {"PT1H1H", RC_SYNTAX},
        {"PTT1H", RC_SYNTAX},    {"PT1HT1M", RC_SYNTAX},    {"P1H", RC_SYNTAX},   {"PT1D", RC_SYNTAX},
        {"00:07:00", RC_SYNTAX}, {"7 minutes", RC_SYNTAX},  {"PT1.S", RC_SYNTAX}, {"PT.5S", RC_SYNTAX},
        {"PT1.5M3S", RC_SYNTAX}, {"P0.5DT1H", RC_SYNTAX},   {"PT1S ", RC_SYNTAX}, {"PT0S", RC_INVALID},
        {"P0D", RC_INVALID},     {"PT0.0001S", RC_INVALID}, {"P101Y", RC_LIMIT},  {"PT99999999999999999999S", RC_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 77;
        if (parse_exact(rows[i].text, &ms) != rows[i].rc || ms != 77)
            fail_msg("'%s' was not refused as it should be", rows[i].text);
    }
}

/* Cut a long duration at every byte: every cut is either a shorter duration or refused, and none reads past its end. */
static void every_prefix_is_read_within_its_bounds(void **state)
{
    static const char whole[] = "P1Y2M3W4DT5H6M7.25S";

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        char *cut = copy_exact(whole, n);
        int64_t ms = 0;
        if (duration_parse(str_of(cut, n), &ms) == RC_OK)
            assert_true(n && strchr("YMWDHS", whole[n - 1]));
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_their_length),
        cmocka_unit_test(what_is_no_duration_is_refused_and_changes_nothing),
        cmocka_unit_test(every_prefix_is_read_within_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
