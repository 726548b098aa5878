/* json.c - looking into trees and building them; reading, printing, merging and indexing have their own files. */
#include "json_internal.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

size_t json_offset(const cJSON *node)
{
    /* A number made by cJSON itself keeps its value there; ours have their text. */
    if (!node || node->valueint < 0 || (cJSON_IsNumber(node) && !node->valuestring))
        return 0;
    return (size_t)node->valueint;
}

void json_position(struct str text, size_t offset, unsigned *line, unsigned *column)
{
    struct str before = str_first(text, offset);
    size_t start = 0; /* of the line */

    *line = 1;
    for (size_t i = 0; i < before.len; i++) {
        if (before.at[i] == '\n') {
            *line += 1;
            start = i + 1;
        }
    }
    *column = (unsigned)(before.len - start) + 1;
}

size_t json_count(const cJSON *node)
{
    size_t n = 0;

    for (const cJSON *child = node ? node->child : NULL; child; child = child->next)
        n++;
    return n;
}

cJSON *json_get(const cJSON *object, const char *key)
{
    if (!cJSON_IsObject(object))
        return NULL;
    for (cJSON *node = object->child; node; node = node->next)
        if (json_key_is(node, key))
            return node;
    return NULL;
}

cJSON *json_at_path(const cJSON *node, struct str path)
{
    struct str rest = path;
    cJSON *found = NULL;

    if (!node)
        return NULL;
    if (path.len == 0)
        return (cJSON *)(uintptr_t)node; /* the caller's own node, as writable as it was */
    while (rest.at) {
        struct str key = str_cut(&rest, '.');
        const cJSON *object = found ? found : node;

        if (!cJSON_IsObject(object))
            return NULL;
        for (found = object->child; found; found = found->next)
            if (found->string && str_eq(str_from(found->string), key))
                break;
        if (!found)
            return NULL;
    }
    return found;
}

const char *json_get_text(const cJSON *object, const char *key)
{
    const cJSON *node = json_get(object, key);

    return cJSON_IsString(node) ? node->valuestring : NULL;
}

/* Read an integer's text, which JSON's grammar has formed: no plus, no leading zeros. */
static bool integer_read(const char *text, int64_t *out)
{
    bool is_negative = text[0] == '-';
    uint64_t value;

    if (str_to_u64(str_from(text + is_negative), (uint64_t)INT64_MAX + is_negative, &value))
        return false;
    *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

enum rc json_get_i64(const cJSON *object, const char *key, int64_t *out)
{
    static const double exact_max = 9007199254740992.0; /* 2^53: up to here a double knows every whole number */
    const cJSON *node = json_get(object, key);

    if (!node)
        return RC_NOT_FOUND;
    if (!cJSON_IsNumber(node))
        return RC_SYNTAX;
    if (node->valuestring && integer_read(node->valuestring, out))
        return RC_OK;
    if (node->valuedouble < -exact_max || node->valuedouble > exact_max || rint(node->valuedouble) != node->valuedouble)
        return RC_SYNTAX;
    *out = (int64_t)node->valuedouble; /* 1e3, 2.0 */
    return RC_OK;
}

/* A cleared node, and `room` bytes behind it. */
static cJSON *node_new(int type, size_t room)
{
    cJSON *node = cJSON_malloc(sizeof *node + room);

    if (!node)
        return NULL;
    memset(node, 0, sizeof *node);
    node->type = type;
    return node;
}

cJSON *json_node(int type)
{
    return node_new(type, 0);
}

cJSON *json_node_with_room(int type, size_t len)
{
    cJSON *node = node_new(type | cJSON_IsReference, len + 1);

    if (node)
        node->valuestring = (char *)(node + 1);
    return node;
}

/* A copy from cJSON's own allocator, for it is cJSON that frees it. */
static char *text_copy(struct str s)
{
    char *copy = cJSON_malloc(s.len + 1);

    if (!copy)
        return NULL;
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return copy;
}

static cJSON *node_with_text(int type, struct str text)
{
    cJSON *node = json_node(type);

    if (!node)
        return NULL;
    node->valuestring = text_copy(text);
    if (!node->valuestring) {
        cJSON_Delete(node);
        return NULL;
    }
    return node;
}

cJSON *json_i64(int64_t value)
{
    struct buf text;
    cJSON *node;

    buf_init(&text, 32);
    buf_add_i64(&text, value);
    node = buf_ok(&text) ? node_with_text(cJSON_Number, buf_view(&text)) : NULL;
    buf_done(&text);
    if (node)
        node->valuedouble = (double)value;
    return node;
}

cJSON *json_str(struct str s)
{
    assert(s.len == 0 || !memchr(s.at, '\0', s.len));
    return node_with_text(cJSON_String, s);
}

bool json_key_set(cJSON *node, const char *key)
{
    char *copy = text_copy(str_from(key));

    if (!copy)
        return false;
    if (!(node->type & cJSON_StringIsConst))
        cJSON_free(node->string);
    node->type &= ~cJSON_StringIsConst;
    node->string = copy;
    return true;
}

void json_insert_after(cJSON *parent, cJSON *child, cJSON *node)
{
    node->prev = child;
    node->next = child->next;
    child->next = node;
    if (node->next)
        node->next->prev = node;
    else
        parent->child->prev = node; /* cJSON's lists: the first knows the last */
}

enum rc json_set(cJSON *object, const char *key, cJSON *value)
{
    struct json_edit e = {object, NULL};

    assert(cJSON_IsObject(object));
    if (!value || !json_key_set(value, key)) {
        cJSON_Delete(value);
        return RC_NOMEM;
    }
    json_edit_put(&e, json_get(object, value->string), value);
    return RC_OK;
}

void json_remove(cJSON *object, const char *key)
{
    cJSON *node = json_get(object, key);

    if (node)
        cJSON_Delete(cJSON_DetachItemViaPointer(object, node));
}

char *json_text(const cJSON *node)
{
    struct buf text;

    buf_init(&text, 0);
    json_print(&text, node);
    return buf_take(&text, NULL);
}
