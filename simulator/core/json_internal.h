/* json_internal.h - what the files behind json.h (and the twin) share: members looked up and changed in wide objects.
 *
 * An object of a few members is searched from its first to its last; a wide one that will be searched often gets an
 * index, so that no document makes us slow: merging n members into m costs n + m.
 */
#ifndef TWINSIM_JSON_INTERNAL_H
#define TWINSIM_JSON_INTERNAL_H

#include "json.h"

#define JSON_WIDE 32u /* members; up to here a search is as quick as an index */

/* An object under change, with its index when it is worth one. Only json_edit_put may change it meanwhile. */
struct json_edit {
    cJSON *object;
    struct json_index *ix; /* NULL: search */
};

/* lookups: how many searches are to come; at most that many members may be added. Cannot fail: without memory for an
 * index it searches. object may be NULL (nothing is ever found then). */
void json_edit_begin(struct json_edit *e, cJSON *object, size_t lookups);
cJSON *json_edit_get(const struct json_edit *e, const char *key);
/* Put `with` (a node with its key) in the place of `old`; old NULL appends, with NULL only removes. old is freed. */
void json_edit_put(struct json_edit *e, cJSON *old, cJSON *with);
void json_edit_end(struct json_edit *e);

/* Give a node its key. returns false when out of memory; the node is then unchanged. */
bool json_key_set(cJSON *node, const char *key);
/* A copy of a value and its key, with all null members of objects left out; nulls in arrays stay. NULL: no memory. */
cJSON *json_copy_without_nulls(const cJSON *value);
/* An empty node of a cJSON type, from cJSON's allocator. NULL: no memory. */
cJSON *json_node(int type);
/* The same with room for a text of len bytes and a NUL in the same piece of memory, at its valuestring; cJSON lets it be, for
 * the node is marked as one that only refers to its text. Half the memory and time for what documents hold most: numbers. */
cJSON *json_node_with_room(int type, size_t len);
/* Put a node behind a child of parent. (cJSON_InsertItemInArray of Debian's 1.7.15-1+deb12u4 does nothing in the middle.) */
void json_insert_after(cJSON *parent, cJSON *child, cJSON *node);
/* json_read; in what people write a member given twice is RC_SYNTAX, at its second key. */
MUST_USE enum rc json_read_text(struct str text, bool is_from_people, cJSON **out, struct json_error *err);
/* Members of an object or elements of an array. */
size_t json_count(const cJSON *node);
/* Keep of members with the same key the last, in the place of the first. */
enum rc json_drop_duplicates(cJSON *object);
/* Print an object's members without the braces; returns whether there were any. */
bool json_print_members(struct buf *b, const cJSON *object);

/* For reading alone: an index over a wide object, NULL for others (also when there is no memory for one). */
struct json_index *json_index_if_wide(const cJSON *object);
/* Look up with such an index, or without. object may be NULL. */
cJSON *json_lookup(const struct json_index *ix, const cJSON *object, const char *key);

/* The same key in both? */
static inline bool json_key_is(const cJSON *node, const char *key)
{
    return node->string && node->string[0] == key[0] && strcmp(node->string, key) == 0;
}

#endif
