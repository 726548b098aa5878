/* duration.h - ISO 8601 durations such as PT7M, P1W or PT1.5S, as lengths of time. Pure. */
#ifndef AGENT_DURATION_H
#define AGENT_DURATION_H

#include "str.h"

#define DURATION_MAX_MS (INT64_C(100) * 365 * 86400 * 1000) /* a hundred years; our own cap */

/* Read a duration: P, then years, months, weeks, days, then perhaps T and hours, minutes, seconds, each once and in
 * this order, capital letters only. The last number may have a fraction, after a point or a comma. A year has 365
 * days, a month 30.
 *
 * text     any bytes; no NUL needed
 * ms       written on RC_OK: length in milliseconds, 1..DURATION_MAX_MS; what is finer is cut off
 * returns  RC_OK
 *          RC_SYNTAX   anything else: a sign, an empty part (P, PT, P1DT), small letters, wrong order
 *          RC_INVALID  zero, or shorter than a millisecond
 *          RC_LIMIT    longer than DURATION_MAX_MS
 * source   facts S-02
 */
MUST_USE enum rc duration_parse(struct str text, int64_t *ms);

#endif
