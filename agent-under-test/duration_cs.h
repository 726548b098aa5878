/* duration_cs.h - durations as the real C# agent reads and writes them: those of XML Schema. Pure. */
#ifndef AGENT_DURATION_CS_H
#define AGENT_DURATION_CS_H

#include "str.h"

#define DURATION_CS_MAX_MS INT64_C(922337203685477) /* what a .NET TimeSpan holds */

/* Read a duration: perhaps a minus, P, then whole numbers of years, months, days, then perhaps T and hours, minutes,
 * seconds, each once and in this order, capital letters only; the seconds may have a fraction. A year has 365 days, a
 * month 30. There are no weeks.
 *
 * ms       written on RC_OK: zero and less included; what is finer is cut off
 * returns  RC_OK
 *          RC_SYNTAX  anything else: an empty part, a plus sign, a blank, weeks
 *          RC_LIMIT   beyond DURATION_CS_MAX_MS, or one number beyond 32 bits
 * source   facts S-24
 */
MUST_USE enum rc duration_cs_parse(struct str text, int64_t *ms);

/* Write a length as the C# agent reports it: days, then the time, PT0S for none. room: 64 always do. */
void duration_cs_print(int64_t ms, char *out, size_t room);

/* Write a length as .NET prints a TimeSpan: [-][days.]hh:mm:ss[.fraction]. room: 64 always do. source: facts S-27 */
void duration_cs_clock(int64_t ms, char *out, size_t room);

#endif
