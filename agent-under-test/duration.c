/* duration.c - reading ISO 8601 durations. */
#include "duration.h"

#define SECOND_MS       INT64_C(1000)
#define DAY_MS          (86400 * SECOND_MS)
#define FRACTION_DIGITS 6 /* further digits are read and have no weight */

struct unit {
    char letter;
    int64_t ms;
};

static const struct unit date_units[] = {{'Y', 365 * DAY_MS}, {'M', 30 * DAY_MS}, {'W', 7 * DAY_MS}, {'D', DAY_MS}};
static const struct unit time_units[] = {{'H', 3600 * SECOND_MS}, {'M', 60 * SECOND_MS}, {'S', SECOND_MS}};

/* One number as written: whole, and millionths after the point. */
struct number {
    int64_t whole;
    int64_t millionths;
    bool has_fraction;
};

static bool is_digit(struct str s)
{
    return s.len && s.at[0] >= '0' && s.at[0] <= '9';
}

static struct str rest(struct str s)
{
    return str_of(s.at + 1, s.len - 1);
}

static enum rc number_read(struct str *text, struct number *out)
{
    struct str s = *text;
    int64_t weight = 1;

    *out = (struct number){0};
    if (!is_digit(s))
        return RC_SYNTAX;
    for (; is_digit(s); s = rest(s)) {
        out->whole = out->whole * 10 + (s.at[0] - '0');
        if (out->whole > DURATION_MAX_MS)
            return RC_LIMIT;
    }
    if (s.len && (s.at[0] == '.' || s.at[0] == ',')) {
        out->has_fraction = true;
        s = rest(s);
        if (!is_digit(s))
            return RC_SYNTAX;
        for (int i = 0; is_digit(s); s = rest(s), i++) {
            if (i >= FRACTION_DIGITS)
                continue;
            out->millionths = out->millionths * 10 + (s.at[0] - '0');
            weight *= 10;
        }
        out->millionths *= 1000000 / weight;
    }
    *text = s;
    return RC_OK;
}

/* Read numbers with units until the end or a T; each unit at most once, in order. */
static enum rc part_read(struct str *text, const struct unit *units, size_t n, int64_t *total, bool *ended)
{
    size_t next = 0, parts = 0;
    struct number number;
    enum rc rc;

    for (; text->len && text->at[0] != 'T'; parts++) {
        if (*ended)
            return RC_SYNTAX; /* only the last number may have a fraction */
        rc = number_read(text, &number);
        if (rc)
            return rc;
        if (!text->len)
            return RC_SYNTAX;
        while (next < n && units[next].letter != text->at[0])
            next++;
        if (next == n)
            return RC_SYNTAX;
        if (number.whole > DURATION_MAX_MS / units[next].ms)
            return RC_LIMIT;
        *total += number.whole * units[next].ms + number.millionths * units[next].ms / 1000000;
        if (*total > DURATION_MAX_MS)
            return RC_LIMIT;
        *ended = number.has_fraction;
        next++;
        *text = rest(*text);
    }
    return parts ? RC_OK : RC_NOT_FOUND;
}

enum rc duration_parse(struct str text, int64_t *ms)
{
    int64_t total = 0;
    bool ended = false;
    enum rc rc;

    if (!str_skip(&text, "P"))
        return RC_SYNTAX;
    rc = part_read(&text, date_units, sizeof date_units / sizeof *date_units, &total, &ended);
    if (rc == RC_NOT_FOUND && !text.len)
        return RC_SYNTAX;
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    if (str_skip(&text, "T")) {
        rc = part_read(&text, time_units, sizeof time_units / sizeof *time_units, &total, &ended);
        if (rc && rc != RC_NOT_FOUND)
            return rc;
        if (rc || text.len)
            return RC_SYNTAX;
    }
    if (total == 0)
        return RC_INVALID;
    *ms = total;
    return RC_OK;
}
