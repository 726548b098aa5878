/* test_iso_time.c - does iso_time.h keep its promises? */
#include "feed.h"
#include "iso_time.h"
#include "test.h"

#define S INT64_C(1000000)

/* Both ways: facts T-01 for the first, the dates by GNU date. */
static const struct {
    const char *text;
    int64_t at_us;
} instants[] = {
    {"0001-01-01T00:00:00Z", INSTANT_NONE},
    {"0001-01-01T00:00:00.000001Z", INT64_C(-62135596800) * S + 1},
    {"1970-01-01T00:00:00Z", 0},
    {"1969-12-31T23:59:59.5Z", -S / 2},
    {"2000-02-29T12:00:00Z", INT64_C(951825600) * S},
    {"2030-01-01T00:01:00.123456Z", INT64_C(1893456060) * S + 123456},
    {"2030-01-01T00:01:00.1Z", INT64_C(1893456060) * S + 100000},
    {"2030-01-01T00:01:00.00012Z", INT64_C(1893456060) * S + 120},
    {"2100-03-01T00:00:00Z", INT64_C(4107542400) * S},
    {"1600-12-31T23:59:59Z", INT64_C(-11644473601) * S},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300800) * S - 1},
};

static void instants_are_written_and_read_back(void **state)
{
    char text[ISO_TIME_MAX];
    int64_t at_us;

    (void)state;
    for (size_t i = 0; i < COUNT(instants); i++) {
        assert_int_equal(iso_time_print(instants[i].at_us, text), strlen(instants[i].text));
        assert_string_equal(text, instants[i].text);
        assert_int_equal(iso_time_read(str_from(text), &at_us), RC_OK);
        assert_true(at_us == instants[i].at_us);
    }
}

static void days_of_ten_thousand_years_come_back(void **state)
{
    char text[ISO_TIME_MAX], before[ISO_TIME_MAX] = "";

    (void)state;
    for (int64_t day = -719162 + 1; day < 2932897; day += 5) {
        int64_t at_us = day * 86400 * S + (day & 0xFFFF) * S / 1000, got;

        (void)iso_time_print(at_us, text);
        assert_int_equal(iso_time_read(str_from(text), &got), RC_OK);
        assert_true(got == at_us);
        assert_true(strcmp(before, text) < 0); /* and the text sorts like the time */
        memcpy(before, text, sizeof before);
    }
}

static void instants_out_of_the_calendar_are_clamped(void **state)
{
    char text[ISO_TIME_MAX];

    (void)state;
    (void)iso_time_print(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    (void)iso_time_print(INT64_MIN + 1, text);
    assert_string_equal(text, "0001-01-01T00:00:00Z");
}

static void other_forms_of_rfc_3339_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t at_us;
    } rows[] = {
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T16:30:00-07:30", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.1234567Z", 123456}, /* seven digits, as .NET writes them; the rest is cut */
        {"1970-01-01T00:00:00.9999999999999999999999Z", 999999},
        {"1970-01-01T00:00:00.0Z", 0},
        {"1972-06-30T23:59:60Z", INT64_C(78796800) * S}, /* a leap second */
        {"0001-01-01T01:00:00+01:00", INSTANT_NONE},
    };
    int64_t at_us;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(iso_time_read(str_from(rows[i].text), &at_us), RC_OK);
        assert_true(at_us == rows[i].at_us);
    }
}

static void what_is_no_instant_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "2030",
                                        "2030-01-01",
                                        "2030-01-01T00:00:00",
                                        "2030-01-01 00:00:00Z",
                                        "2030-01-01T00:00Z",
                                        "2030-01-01T00:00:00.Z",
                                        "2030-01-01T00:00:00,5Z",
                                        "2030-01-01T00:00:00Zx",
                                        " 2030-01-01T00:00:00Z",
                                        "0000-01-01T00:00:00Z",
                                        "2030-00-01T00:00:00Z",
                                        "2030-13-01T00:00:00Z",
                                        "2030-02-29T00:00:00Z",
                                        "2100-02-29T00:00:00Z",
                                        "2030-04-31T00:00:00Z",
                                        "2030-01-00T00:00:00Z",
                                        "2030-01-01T24:00:00Z",
                                        "2030-01-01T00:60:00Z",
                                        "2030-01-01T00:00:61Z",
                                        "2030-01-01T00:00:00+0100",
                                        "2030-01-01T00:00:00+24:00",
                                        "2030-01-01T00:00:00+01:60",
                                        "0001-01-01T00:01:14+01:00",
                                        "0001-01-01T00:59:59+01:00",
                                        "9999-12-31T23:00:00-01:00",
                                        "9999-12-31T23:59:60Z",
                                        "-030-01-01T00:00:00Z",
                                        "2030-+1-01T00:00:00Z"};
    int64_t at_us = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(iso_time_read(str_from(texts[i]), &at_us), RC_SYNTAX);
        assert_true(at_us == 77);
    }
}

static void durations_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"PT7M", 420 * S},
        {"PT5H", 18000 * S},
        {"P1DT12H", 129600 * S},
        {"PT36H", 129600 * S},
        {"P1W", 604800 * S},
        {"P7D", 604800 * S},
        {"P1M", 30 * 86400 * S},
        {"P1Y2M3W4DT5H6M7S", (365 + 60 + 21 + 4) * 86400 * S + 18367 * S},
        {"PT1.5S", 3 * S / 2},
        {"PT0.0000019S", 1},
        {"PT0S", 0},
        {"P0D", 0},
        {"PT1M", 60 * S},
        {"P1MT1M", 30 * 86400 * S + 60 * S},
        {"PT9007199254S", 9007199254 * S},
        {"30s", 30 * S},
        {"5m", 300 * S},
        {"250ms", S / 4},
        {"1h", 3600 * S},
        {"2d", 172800 * S},
        {"1.5s", 3 * S / 2},
        {"0.5d", 43200 * S},
        {"0s", 0},
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(duration_read(str_from(rows[i].text), &us), RC_OK);
        assert_true(us == rows[i].us);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
    } rows[] = {
        {"", RC_SYNTAX},
        {"P", RC_SYNTAX},
        {"PT", RC_SYNTAX},
        {"P1DT", RC_SYNTAX},
        {"P1", RC_SYNTAX},
        {"PT1", RC_SYNTAX},
        {"T1M", RC_SYNTAX},
        {"PT1D", RC_SYNTAX},
        {"P1H", RC_SYNTAX},
        {"P1D2M", RC_SYNTAX},
        {"PT1S1M", RC_SYNTAX},
        {"PT1M1M", RC_SYNTAX},
        {"-PT5M", RC_SYNTAX},
        {"+PT5M", RC_SYNTAX},
        {"PT-5M", RC_SYNTAX},
        {"PT+5M", RC_SYNTAX},
        {"PT 5M", RC_SYNTAX},
        {"pt5m", RC_SYNTAX},
        {"PT5m", RC_SYNTAX},
        {"P1.5D", RC_SYNTAX},
        {"PT1.5M", RC_SYNTAX},
        {"PT1.S", RC_SYNTAX},
        {"PT.5S", RC_SYNTAX},
        {"PT1,5S", RC_SYNTAX},
        {"PT1S ", RC_SYNTAX},
        {"PTT1S", RC_SYNTAX},
        {"P1DT1HT1M", RC_SYNTAX},
        {"7 minutes", RC_SYNTAX},
        {"5", RC_SYNTAX},
        {"s", RC_SYNTAX},
        {"5M", RC_SYNTAX},
        {"5 s", RC_SYNTAX},
        {"1h30m", RC_SYNTAX},
        {"-5s", RC_SYNTAX},
        {"1w", RC_SYNTAX},
        {"PT9007199255S", RC_LIMIT},
        {"P300Y", RC_LIMIT},
        {"P99999999999999999999999999D", RC_LIMIT},
        {"9007199254741ms", RC_LIMIT},
        {"99999999999999999999999999s", RC_LIMIT},
        {"P285YT99999999999S", RC_LIMIT},
    };
    int64_t us = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(duration_read(str_from(rows[i].text), &us), rows[i].rc);
        assert_true(us == 77);
    }
}

/* Any bytes: nothing read past the end, and what is read lies where the header says. */
static void read_and_judge(struct str text)
{
    char again[ISO_TIME_MAX];
    int64_t at_us, back_us, us;

    if (iso_time_read(text, &at_us) == RC_OK && at_us >= INT64_C(-62135596800) * S &&
        at_us < INT64_C(253402300800) * S) {
        (void)iso_time_print(at_us, again);
        assert_int_equal(iso_time_read(str_from(again), &back_us), RC_OK);
        assert_true(back_us == at_us);
    }
    if (duration_read(text, &us) == RC_OK)
        assert_true(us >= 0 && us < INT64_C(1) << 53);
}

static void any_bytes_are_judged_safely(void **state)
{
    (void)state;
    feed_prefixes(STR("2030-01-01T00:01:00.123456+01:00"), read_and_judge);
    feed_prefixes(STR("P1Y2M3W4DT5H6M7.8S"), read_and_judge);
    feed_mutations(STR("2030-01-01T00:01:00.123456+01:00"), read_and_judge);
    feed_mutations(STR("P1Y2M3W4DT5H6M7.8S"), read_and_judge);
    feed_mutations(STR("250ms"), read_and_judge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_written_and_read_back),
        cmocka_unit_test(days_of_ten_thousand_years_come_back),
        cmocka_unit_test(instants_out_of_the_calendar_are_clamped),
        cmocka_unit_test(other_forms_of_rfc_3339_are_read),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(any_bytes_are_judged_safely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
