/* iso_time.c - see iso_time.h. The calendar is the proleptic Gregorian one, as .NET's. */
#include "iso_time.h"

#define US_PER_S     INT64_C(1000000)
#define S_PER_DAY    INT64_C(86400)
#define YEAR_1_S     INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define YEAR_10000_S INT64_C(253402300800)
#define DURATION_END (INT64_C(1) << 53) /* us; a double still counts them one by one */

/* Days from 1970-01-01 to a date. Years are counted from March, so that the leap day is a year's last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year; /* 0 or later here */
    int64_t era = y / 400, year_of_era = y % 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* And back, for days of the years 1..9999. */
static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097, day_of_era = z % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int64_t clamp(int64_t at_us)
{
    if (at_us < YEAR_1_S * US_PER_S) /* INSTANT_NONE is one of them */
        return YEAR_1_S * US_PER_S;
    if (at_us >= YEAR_10000_S * US_PER_S)
        return YEAR_10000_S * US_PER_S - 1;
    return at_us;
}

/* Write the last `width` decimal digits of a value. returns behind them */
static char *put_digits(char *to, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

size_t iso_time_print(int64_t at_us, char out[ISO_TIME_MAX])
{
    int64_t since_year_1 = clamp(at_us) - YEAR_1_S * US_PER_S; /* never negative, so / and % do what one thinks */
    int64_t us = since_year_1 % US_PER_S, s = since_year_1 / US_PER_S % S_PER_DAY;
    char *to = out;
    int year, month, day;

    date_from_days(since_year_1 / US_PER_S / S_PER_DAY + YEAR_1_S / S_PER_DAY, &year, &month, &day);
    to = put_digits(to, year, 4);
    *to++ = '-';
    to = put_digits(to, month, 2);
    *to++ = '-';
    to = put_digits(to, day, 2);
    *to++ = 'T';
    to = put_digits(to, s / 3600, 2);
    *to++ = ':';
    to = put_digits(to, s / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, s % 60, 2);
    if (us) {
        *to++ = '.';
        to = put_digits(to, us, 6);
        while (to[-1] == '0')
            to--;
    }
    *to++ = 'Z';
    *to = '\0';
    return (size_t)(to - out);
}

/* Take exactly `width` digits (at most 4) from the front of a view. */
static bool take_digits(struct str *s, size_t width, int *value)
{
    uint64_t number;

    if (str_to_u64(str_first(*s, width), 9999, &number) || s->len < width)
        return false;
    *s = str_skip(*s, width);
    *value = (int)number;
    return true;
}

static bool take_char(struct str *s, char upper)
{
    if (s->len == 0 || (s->at[0] != upper && !(upper >= 'A' && upper <= 'Z' && s->at[0] == upper - 'A' + 'a')))
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool is_digit(struct str s)
{
    return s.len > 0 && s.at[0] >= '0' && s.at[0] <= '9';
}

/* Take digits behind a point as a whole number of millionths; what is finer is cut off. At least one digit. */
static bool take_fraction(struct str *s, int64_t *millionths)
{
    int64_t unit = 100000;

    *millionths = 0;
    if (!is_digit(*s))
        return false;
    for (; is_digit(*s); *s = str_skip(*s, 1)) {
        *millionths += unit * (s->at[0] - '0');
        unit /= 10;
    }
    return true;
}

/* Take "Z" or "+01:00" as the seconds that local time is ahead of UTC. */
static bool take_zone(struct str *s, int64_t *ahead_s)
{
    bool is_behind;
    int hours, minutes;

    *ahead_s = 0;
    if (take_char(s, 'Z'))
        return true;
    is_behind = take_char(s, '-');
    if (!is_behind && !take_char(s, '+'))
        return false;
    if (!take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ahead_s = (hours * 3600 + minutes * 60) * (is_behind ? -1 : 1);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

enum rc iso_time_read(struct str text, int64_t *at_us)
{
    int year, month, day, hour, minute, second;
    int64_t us = 0, ahead_s, at_s;

    if (!take_digits(&text, 4, &year) || !take_char(&text, '-') || !take_digits(&text, 2, &month) ||
        !take_char(&text, '-') || !take_digits(&text, 2, &day) || !take_char(&text, 'T') ||
        !take_digits(&text, 2, &hour) || !take_char(&text, ':') || !take_digits(&text, 2, &minute) ||
        !take_char(&text, ':') || !take_digits(&text, 2, &second))
        return RC_SYNTAX;
    if (take_char(&text, '.') && !take_fraction(&text, &us))
        return RC_SYNTAX;
    if (!take_zone(&text, &ahead_s) || text.len)
        return RC_SYNTAX;
    /* A leap second (60) is the first second of the next minute, as everywhere in POSIX. */
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return RC_SYNTAX;
    at_s = days_from_date(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 + second - ahead_s;
    if (at_s < YEAR_1_S || at_s >= YEAR_10000_S) /* by its zone */
        return RC_SYNTAX;
    *at_us = at_s == YEAR_1_S && us == 0 ? INSTANT_NONE : at_s * US_PER_S + us;
    return RC_OK;
}

struct unit {
    struct str name;
    int64_t us;
};

#define DAY_US (S_PER_DAY * US_PER_S)

/* What may stand in front of a T, and behind it, in this order. */
static const struct unit date_units[] = {
    {{"Y", 1}, 365 * DAY_US}, {{"M", 1}, 30 * DAY_US}, {{"W", 1}, 7 * DAY_US}, {{"D", 1}, DAY_US}};
static const struct unit time_units[] = {{{"H", 1}, 3600 * US_PER_S}, {{"M", 1}, 60 * US_PER_S}, {{"S", 1}, US_PER_S}};
static const struct unit plain_units[] = {{{"ms", 2}, 1000},
                                          {{"s", 1}, US_PER_S},
                                          {{"m", 1}, 60 * US_PER_S},
                                          {{"h", 1}, 3600 * US_PER_S},
                                          {{"d", 1}, DAY_US}};

/* A number in front of a unit: whole * 10^6 + millionths, capped where every unit is beyond the limit. */
struct amount {
    int64_t whole, millionths;
    bool has_fraction;
};

static bool take_amount(struct str *s, struct amount *a)
{
    a->whole = a->millionths = 0;
    if (!is_digit(*s))
        return false;
    for (; is_digit(*s); *s = str_skip(*s, 1))
        if (a->whole < DURATION_END)
            a->whole = a->whole * 10 + (s->at[0] - '0');
    a->has_fraction = take_char(s, '.');
    return !a->has_fraction || take_fraction(s, &a->millionths);
}

/* Add amount x unit to a total; a total at DURATION_END stays there. */
static void add_amount(int64_t *total_us, struct amount a, int64_t unit_us)
{
    if (a.whole >= DURATION_END / unit_us + 1 || *total_us >= DURATION_END) {
        *total_us = DURATION_END;
        return;
    }
    /* whole < 2^53 / unit + 1, so the sum stays far below 2^63; fractions come with units of a day at most */
    *total_us += a.whole * unit_us + a.millionths * unit_us / US_PER_S;
    if (*total_us > DURATION_END)
        *total_us = DURATION_END;
}

/* Take "1Y2M", "3H" and the like: amounts with units in their order. returns false unless there is at least one and all
 * that stands there is one */
static bool take_parts(struct str *s, const struct unit *units, size_t count, int64_t *total_us)
{
    size_t next = 0;

    while (is_digit(*s)) {
        struct amount a;

        if (!take_amount(s, &a))
            return false;
        while (next < count && !str_starts(*s, units[next].name))
            next++;
        if (next == count || (a.has_fraction && units[next].us != US_PER_S)) /* as in XML Schema */
            return false;
        add_amount(total_us, a, units[next].us);
        *s = str_skip(*s, units[next].name.len);
        next++;
    }
    return next > 0;
}

/* What stands behind a 'P'. */
static bool read_iso_duration(struct str s, int64_t *total_us)
{
    bool has_date = take_parts(&s, date_units, sizeof date_units / sizeof date_units[0], total_us);

    if (str_starts(s, STR("T"))) {
        s = str_skip(s, 1);
        return take_parts(&s, time_units, sizeof time_units / sizeof time_units[0], total_us) && s.len == 0;
    }
    return has_date && s.len == 0;
}

static bool read_plain_duration(struct str s, int64_t *total_us)
{
    struct amount a;

    if (!take_amount(&s, &a))
        return false;
    for (size_t i = 0; i < sizeof plain_units / sizeof plain_units[0]; i++) {
        if (str_eq(s, plain_units[i].name)) {
            add_amount(total_us, a, plain_units[i].us);
            return true;
        }
    }
    return false;
}

enum rc duration_read(struct str text, int64_t *out_us)
{
    int64_t total_us = 0;
    bool is_well_formed = str_starts(text, STR("P")) ? read_iso_duration(str_skip(text, 1), &total_us)
                                                     : read_plain_duration(text, &total_us);

    if (!is_well_formed)
        return RC_SYNTAX;
    if (total_us >= DURATION_END)
        return RC_LIMIT;
    *out_us = total_us;
    return RC_OK;
}
