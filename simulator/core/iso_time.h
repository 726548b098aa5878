/* iso_time.h - instants and durations as the hub writes them.
 *
 * An instant is microseconds since 1970-01-01T00:00:00Z, UTC, in an int64_t named ..._us. INSTANT_NONE is the hub's
 * "never": 0001-01-01T00:00:00Z (facts T-01). Nobody here asks the time.
 */
#ifndef TWINSIM_ISO_TIME_H
#define TWINSIM_ISO_TIME_H

#include "str.h"

#define INSTANT_NONE INT64_MIN
#define ISO_TIME_MAX 32 /* bytes, NUL included */

/* Write "2030-01-01T00:01:00.123456Z": up to 7 fraction digits, trailing zeros trimmed as .NET does, none for whole seconds.
 * returns the length without the NUL. Instants outside year 1..9999 are clamped. */
size_t iso_time_print(int64_t at_us, char out[ISO_TIME_MAX]);

/* Read what iso_time_print writes, and RFC 3339 in general ("Z" or "+01:00", any number of fraction digits, the rest cut).
 * 0001-01-01T00:00:00Z reads as INSTANT_NONE. returns RC_OK or RC_SYNTAX (also for what its zone moves out of year 1..9999) */
MUST_USE enum rc iso_time_read(struct str text, int64_t *at_us);

/* Read an ISO 8601 duration ("PT7M", "P1DT12H", "PT1.5S", "P1W") or a plain one ("30s", "5m", "250ms", "1h", "2d") as microseconds.
 * A month is 30 days and a year 365, as the security agents count. Whole value must lie below 2^53 us.
 * returns RC_OK, RC_SYNTAX (empty parts, no parts, signs), RC_LIMIT */
MUST_USE enum rc duration_read(struct str text, int64_t *out_us);

#endif
