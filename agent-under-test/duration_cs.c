/* duration_cs.c - XML Schema durations in milliseconds. */
#include "duration_cs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct unit {
    char letter;
    int64_t ms;
};

static const struct unit date_units[] = {{'Y', 365 * DAY_MS}, {'M', 30 * DAY_MS}, {'D', DAY_MS}};
static const struct unit time_units[] = {{'H', HOUR_MS}, {'M', MINUTE_MS}, {'S', SECOND_MS}};

/* Take digits off the front. */
static struct str digits_take(struct str *s)
{
    struct str digits = {.at = s->at};

    while (digits.len < s->len && s->at[digits.len] >= '0' && s->at[digits.len] <= '9')
        digits.len++;
    *s = str_of(s->at + digits.len, s->len - digits.len);
    return digits;
}

/* Read what stands behind the point: thousandths, and digits that have no weight. */
static enum rc fraction_take(struct str *s, int64_t *ms)
{
    struct str digits = digits_take(s);
    int64_t weight = 100;

    if (!digits.len)
        return RC_SYNTAX;
    *ms = 0;
    for (size_t i = 0; i < digits.len && weight; i++, weight /= 10)
        *ms += weight * (digits.at[i] - '0');
    return RC_OK;
}

/* Read numbers with units up to the end or a T; each unit at most once, in order, and at least one. */
static enum rc part_take(struct str *s, const struct unit units[3], int64_t *total)
{
    size_t next = 0, parts = 0;

    for (; s->len && s->at[0] != 'T'; parts++, next++) {
        int64_t number, fraction = -1;
        enum rc rc = str_to_number(digits_take(s), INT32_MAX, &number);
        if (!rc && str_skip(s, "."))
            rc = fraction_take(s, &fraction);
        if (rc)
            return rc;
        while (next < 3 && (!s->len || units[next].letter != s->at[0]))
            next++;
        if (next == 3 || (fraction >= 0 && units[next].letter != 'S'))
            return RC_SYNTAX;
        *s = str_of(s->at + 1, s->len - 1);
        if (number > DURATION_CS_MAX_MS / units[next].ms)
            return RC_LIMIT;
        *total += number * units[next].ms + (fraction > 0 ? fraction : 0);
        if (*total > DURATION_CS_MAX_MS)
            return RC_LIMIT;
    }
    return parts ? RC_OK : RC_SYNTAX;
}

enum rc duration_cs_parse(struct str text, int64_t *ms)
{
    bool is_negative = str_skip(&text, "-");
    int64_t total = 0;
    enum rc rc = RC_OK;

    if (!str_skip(&text, "P") || !text.len)
        return RC_SYNTAX;
    if (text.at[0] != 'T')
        rc = part_take(&text, date_units, &total);
    if (!rc && str_skip(&text, "T")) {
        rc = part_take(&text, time_units, &total);
        if (!rc && text.len)
            rc = RC_SYNTAX; /* a second T */
    }
    if (rc)
        return rc;
    *ms = is_negative ? -total : total;
    return RC_OK;
}

/* Append one number with its unit, if there is any of it. */
static void unit_print(int64_t number, char letter, char *out, size_t room)
{
    size_t used = strlen(out);

    if (number)
        (void)snprintf(out + used, room - used, "%" PRId64 "%c", number, letter);
}

void duration_cs_print(int64_t ms, char *out, size_t room)
{
    int64_t length = ms < 0 ? -ms : ms, rest = length % DAY_MS, seconds = rest % MINUTE_MS;
    size_t used;

    (void)snprintf(out, room, "%sP", ms < 0 ? "-" : "");
    unit_print(length / DAY_MS, 'D', out, room);
    used = strlen(out);
    if (rest || !length)
        (void)snprintf(out + used, room - used, "T");
    unit_print(rest / HOUR_MS, 'H', out, room);
    unit_print(rest % HOUR_MS / MINUTE_MS, 'M', out, room);
    used = strlen(out);
    if (!seconds && length)
        return;
    used +=
        (size_t)snprintf(out + used, room - used, "%" PRId64 ".%03" PRId64, seconds / SECOND_MS, seconds % SECOND_MS);
    while (out[used - 1] == '0')
        used--;
    if (out[used - 1] == '.')
        used--;
    (void)snprintf(out + used, room - used, "S");
}

void duration_cs_clock(int64_t ms, char *out, size_t room)
{
    int64_t length = ms < 0 ? -ms : ms;
    int used = snprintf(out, room, "%s", ms < 0 ? "-" : "");

    if (length >= DAY_MS)
        used += snprintf(out + used, room - (size_t)used, "%" PRId64 ".", length / DAY_MS);
    used += snprintf(out + used, room - (size_t)used, "%02" PRId64 ":%02" PRId64 ":%02" PRId64,
                     length % DAY_MS / HOUR_MS, length % HOUR_MS / MINUTE_MS, length % MINUTE_MS / SECOND_MS);
    if (length % SECOND_MS)
        (void)snprintf(out + used, room - (size_t)used, ".%03" PRId64 "0000", length % SECOND_MS);
}
