/* json.h - cJSON with its habits stopped at the door.
 *
 * cJSON looks names up without letter case, cuts strings at \u0000, keeps duplicate members and goes on after the root
 * value. Everything in this program parses and looks up through here; building and freeing use cJSON's own calls.
 */
#ifndef AGENT_JSON_H
#define AGENT_JSON_H

#include <cjson/cJSON.h>

#include "str.h"

#define JSON_TEXT_MAX (1024u * 1024u) /* bytes of one document; a twin has at most some 64 KB */

/* Parse one whole document.
 *
 * text     any bytes; no NUL needed
 * out      written on RC_OK; the caller frees it with cJSON_Delete
 * returns  RC_OK
 *          RC_SYNTAX  not JSON, bytes after the root value, a duplicate member, a NUL, written out or as \u0000
 *          RC_LIMIT   longer than JSON_TEXT_MAX
 *          RC_NOMEM
 */
MUST_USE enum rc json_parse(struct str text, cJSON **out);

/* Parse the document at the front, as the real C agent's parser does: whatever follows the root value is left aside.
 * Results as of json_parse. source: facts S-20 */
MUST_USE enum rc json_parse_front(struct str text, cJSON **out);

/* Find a member by its exact name; NULL when it is not there or object is not an object (NULL included). Lends. */
const cJSON *json_find(const cJSON *object, const char *name);

/* The text of a string member, or NULL when it is missing or no string. Lends. */
const char *json_text(const cJSON *object, const char *name);

/* Read a number without a fraction, between min and max.
 *
 * returns  RC_OK, RC_INVALID (no number, or with a fraction), RC_LIMIT (out of bounds)
 */
MUST_USE enum rc json_integer(const cJSON *item, int64_t min, int64_t max, int64_t *out);

/* Lay a JSON merge patch over *target, which may become another value. null removes, objects merge, all else replaces.
 *
 * returns  RC_OK, RC_NOMEM (*target may then hold a part of the patch; throw it away)
 * source   facts M-31 (what a desired patch means)
 */
MUST_USE enum rc json_merge(cJSON **target, const cJSON *patch);

/* Print without blanks: a heap string that the caller frees, or NULL without memory. */
char *json_print(const cJSON *item);

/* Likewise, every / written as \/. The real C agent's reports are spelt so. source: facts S-20 */
char *json_print_escaped(const cJSON *item);

#endif
