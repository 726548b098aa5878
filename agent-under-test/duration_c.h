/* duration_c.h - durations as the real C agent reads and writes them. Pure. */
#ifndef AGENT_DURATION_C_H
#define AGENT_DURATION_C_H

#include "str.h"

/* Read a duration as the C agent does: P, then whole numbers of years, months, weeks, days, then perhaps T and hours,
 * minutes, seconds, in this order, capital letters only. Years count for nothing, a month has 30 days. Blanks and a
 * plus sign may stand before a number: an accident of its scanning.
 *
 * ms       written on RC_OK: 1 s to 4294967 s, in milliseconds
 * returns  RC_OK
 *          RC_SYNTAX   a fraction, a minus sign, an empty part, an unknown letter, the wrong order
 *          RC_LIMIT    zero, or more than 4294967 s, as a whole or in one number
 * source   facts S-21
 */
MUST_USE enum rc duration_c_parse(struct str text, int64_t *ms);

/* Write a length of whole seconds as the C agent reports it: months of 30 days, weeks, days, then the time.
 *
 * out   gets at most room bytes, NUL included; 64 always do
 */
void duration_c_print(int64_t ms, char *out, size_t room);

#endif
