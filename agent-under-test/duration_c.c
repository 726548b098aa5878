/* duration_c.c - the C agent's durations: seconds in 32 bits of milliseconds. */
#include "duration_c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_S INT64_C(4294967) /* milliseconds must fit 32 bits */

struct unit {
    char letter;
    int64_t seconds;
};

static const struct unit date_units[] = {{'Y', 0}, {'M', 30 * 86400}, {'W', 7 * 86400}, {'D', 86400}};
static const struct unit time_units[] = {{'H', 3600}, {'M', 60}, {'S', 1}};

#define UNITS(table) (table), sizeof(table) / sizeof *(table)

/* Take a number off the front, and whatever scanf would skip before it. */
static enum rc number_take(struct str *s, int64_t *out)
{
    size_t digits = 0;
    enum rc rc;

    while (s->len && strchr(" \t\n\v\f\r", s->at[0]))
        *s = str_of(s->at + 1, s->len - 1);
    (void)str_skip(s, "+");
    while (digits < s->len && s->at[digits] >= '0' && s->at[digits] <= '9')
        digits++;
    rc = str_to_number(str_of(s->at, digits), UINT32_MAX, out);
    *s = str_of(s->at + digits, s->len - digits);
    return rc;
}

/* Read one part up to its end or a T; at least one number must stand there. */
static enum rc part_take(struct str *s, const struct unit *units, size_t n, int64_t *total)
{
    size_t next = 0;
    int64_t number;
    enum rc rc;

    if (!s->len || s->at[0] == 'T')
        return RC_SYNTAX;
    for (; s->len && s->at[0] != 'T'; *s = str_of(s->at + 1, s->len - 1), next++) {
        rc = number_take(s, &number);
        if (rc)
            return rc;
        while (next < n && (!s->len || units[next].letter != s->at[0]))
            next++;
        if (next == n)
            return RC_SYNTAX;
        if (units[next].seconds && number > MOST_S / units[next].seconds)
            return RC_LIMIT;
        *total += number * units[next].seconds;
    }
    return RC_OK;
}

enum rc duration_c_parse(struct str text, int64_t *ms)
{
    int64_t total = 0;
    enum rc rc = RC_OK;

    if (!str_skip(&text, "P") || !text.len)
        return RC_SYNTAX;
    if (text.at[0] != 'T')
        rc = part_take(&text, UNITS(date_units), &total);
    if (!rc && str_skip(&text, "T")) {
        rc = part_take(&text, UNITS(time_units), &total);
        if (!rc && text.len)
            rc = RC_SYNTAX; /* a second T */
    }
    if (rc)
        return rc;
    if (total < 1 || total > MOST_S)
        return RC_LIMIT;
    *ms = total * 1000;
    return RC_OK;
}

static void units_print(const struct unit *units, size_t n, int64_t *seconds, char *out, size_t room)
{
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(out);
        if (!units[i].seconds || *seconds < units[i].seconds)
            continue;
        (void)snprintf(out + used, room - used, "%" PRId64 "%c", *seconds / units[i].seconds, units[i].letter);
        *seconds %= units[i].seconds;
    }
}

void duration_c_print(int64_t ms, char *out, size_t room)
{
    int64_t seconds = ms / 1000;
    size_t used;

    (void)snprintf(out, room, "P");
    units_print(UNITS(date_units), &seconds, out, room);
    used = strlen(out);
    if (seconds)
        (void)snprintf(out + used, room - used, "T");
    units_print(UNITS(time_units), &seconds, out, room);
}
