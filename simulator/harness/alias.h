/* alias.h - short names for long places in a twin.
 *
 *   "config.*": "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.*.value"
 * A pattern and its place are dotted paths. One '*' stands for one key (no dots) and means the same in both; a pattern without
 * it is one exact name. The first alias that fits is used. Where values are written (desired, tags) only a key that fits an
 * alias is a path, every other key is literal; where they are looked at (match) every dotted key is a path.
 */
#ifndef TWINSIM_ALIAS_H
#define TWINSIM_ALIAS_H

#include "json.h"

/* Is this a well-formed pair: no empty keys, at most one '*' (a whole key or a part of it) in the pattern, and one in the
 * place only if the pattern has it? what says what is wrong otherwise. */
bool alias_is_valid(struct str pattern, struct str place, const char **what);

/* Append the place that a name stands for. aliases: an object of valid pairs, or NULL.
 * returns true if an alias fits; otherwise nothing is appended */
bool alias_place(const cJSON *aliases, struct str name, struct buf *out);

/* Expand an object that is to be written: {"config.a":1,"x":2} -> {"ms_iotn..":{"a":{"value":1}},"x":2}. Objects that meet
 * are put together, nulls stay. names is only read.
 * returns RC_OK (*out for cJSON_Delete), RC_EXISTS (two names for one place: *clash is the second), RC_NOMEM */
MUST_USE enum rc alias_expand(const cJSON *names, const cJSON *aliases, cJSON **out, const cJSON **clash);

#endif
