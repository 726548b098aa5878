/* json.h - JSON as the hub reads and writes it. cJSON's tree behind one door of ours.
 *
 * Reading is strict RFC 8259 over valid UTF-8, done by our own reader, which builds cJSON nodes: cJSON's own parser cuts
 * strings at \u0000, takes 01, raw newlines, a BOM and bad UTF-8, and loses the text of numbers (facts B-01).
 *   - a number keeps its text in valuestring (valuedouble holds its value), so it prints as it came; its type may carry
 *     cJSON_IsReference, so ask cJSON_IsNumber, as for every type
 *   - every node remembers where it began: json_offset()
 *   - a member given twice: the last one wins, in the place of the first
 *   - \u0000 and numbers outside double are refused
 * Looking up is by exact key, never cJSON's letter-case-blind default.
 * Ownership is cJSON's: a tree belongs to whoever read it; json_set and json_take_* say what they do.
 */
#ifndef TWINSIM_JSON_H
#define TWINSIM_JSON_H

#include <cjson/cJSON.h>

#include "buf.h"

#define JSON_DEPTH_MAX 100u /* nested objects and arrays; deeper is RC_LIMIT */

struct json_error {
    size_t offset;    /* byte at which reading stopped */
    const char *what; /* a static text: "expected ',' or '}'" */
};

/* Read one JSON text; blanks around it are fine, anything else is not.
 *
 * text     any bytes
 * err      may be NULL; written on failure
 * returns  RC_OK      *out is the tree, for cJSON_Delete
 *          RC_SYNTAX  not JSON; RC_LIMIT too deep, or number outside double; RC_NOMEM
 */
MUST_USE enum rc json_read(struct str text, cJSON **out, struct json_error *err);

/* As json_read, for files people write: // and block comments, trailing commas and a byte order mark are blanked first, and a
 * member given twice is a mistake (RC_SYNTAX).
 * Offsets still count in the text as given. */
MUST_USE enum rc json_read_commented(struct str text, cJSON **out, struct json_error *err);

/* Where a node that json_read made began, in bytes from the start of the text. Copies keep it; nodes made by hand have 0. */
size_t json_offset(const cJSON *node);
/* Line and column (both from 1, column in bytes) of an offset. */
void json_position(struct str text, size_t offset, unsigned *line, unsigned *column);

/* Print compactly. Numbers as they came; strings with the short escapes, \u00xx for other controls, UTF-8 as it is. */
void json_print(struct buf *b, const cJSON *node);
/* Print with two-space indentation, for people. */
void json_print_pretty(struct buf *b, const cJSON *node);
/* Print a string in quotes, escaped. Invalid UTF-8 and NUL become U+FFFD, so that any bytes may be shown and what is printed can
 * be read. */
void json_print_string(struct buf *b, struct str s);
/* Print to the heap; NULL when out of memory. */
char *json_text(const cJSON *node);

/* The member with exactly that key, or NULL (also when object is NULL or no object). */
cJSON *json_get(const cJSON *object, const char *key);
/* Follow a dotted path ("a.b.c"; keys hold no dots in twins). NULL when anything on the way is missing. */
cJSON *json_at_path(const cJSON *node, struct str path);
/* Text of a string member, or NULL; lends. */
const char *json_get_text(const cJSON *object, const char *key);
/* Member as int64 when it is a whole number in range. returns RC_OK, RC_NOT_FOUND, RC_SYNTAX */
MUST_USE enum rc json_get_i64(const cJSON *object, const char *key, int64_t *out);

/* A number node that prints as that integer. NULL when out of memory. */
cJSON *json_i64(int64_t value);
/* A string node of a view (which may hold no NUL). NULL when out of memory. */
cJSON *json_str(struct str s);
/* Put value under key, replacing an older one in its place. Takes value over, also on failure (then it is freed).
 * value NULL counts as out of memory. Works on any key text. */
MUST_USE enum rc json_set(cJSON *object, const char *key, cJSON *value);
/* Remove and free a member; nothing happens if there is none. */
void json_remove(cJSON *object, const char *key);

/* Equal as JSON values: numbers by value, members in any order, arrays in order. */
bool json_eq(const cJSON *a, const cJSON *b);

/* Merge patch into target (both objects), RFC 7396 as the hub does it: null deletes, objects merge, all else replaces;
 * {"p":{"q":null}} for an unknown p makes p:{} (facts T-06..T-10). patch is only read.
 * returns RC_OK or RC_NOMEM (target is then half merged: throw it away) */
MUST_USE enum rc json_merge(cJSON *target, const cJSON *patch);

/* A wide object looked up many times: an index makes it O(1). Valid while the object is not changed. */
struct json_index;
struct json_index *json_index_new(const cJSON *object);
cJSON *json_index_get(const struct json_index *ix, const char *key);
void json_index_free(struct json_index *ix);

#endif
