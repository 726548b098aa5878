/* json_index.c - members by key: hash tables over wide objects, and editing with their help. */
#include "json_internal.h"

#include <assert.h>
#include <stdlib.h>

/* Open addressing, at most half full. A slot without a node is free (hash 0) or was emptied (hash 1: the search goes on). */
struct slot {
    uint64_t hash;
    cJSON *node;
};

struct json_index {
    size_t mask;
    uint64_t seed;
    struct slot slots[];
};

#define HASH_MULTIPLIER 0x9E3779B97F4A7C15u

static uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ (h >> 32);
}

static uint64_t hash_key(const struct json_index *ix, const char *key)
{
    size_t len = strlen(key);
    uint64_t h = ix->seed ^ len, word;

    for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
        memcpy(&word, key, sizeof word);
        h = hash_mix(h ^ word);
    }
    word = 0;
    memcpy(&word, key, len);
    return hash_mix(h ^ word) | 2; /* 0 and 1 have a meaning of their own */
}

/* An empty index with room for n members. */
static struct json_index *index_empty(size_t n)
{
    struct json_index *ix;
    size_t slots = 16;

    while (slots < 2 * n)
        slots *= 2;
    ix = calloc(1, sizeof *ix + slots * sizeof ix->slots[0]);
    if (!ix)
        return NULL;
    ix->mask = slots - 1;
    /* Where the index lies is not known to who writes the document, so nobody can prepare keys that collide. */
    ix->seed = (uint64_t)(uintptr_t)ix * HASH_MULTIPLIER;
    return ix;
}

/* The slot that holds the key, or NULL. */
static struct slot *index_find(struct json_index *ix, const char *key, uint64_t hash)
{
    for (size_t i = (size_t)hash & ix->mask;; i = (i + 1) & ix->mask) {
        struct slot *s = &ix->slots[i];

        if (!s->node && s->hash == 0)
            return NULL;
        if (s->node && s->hash == hash && strcmp(s->node->string, key) == 0)
            return s;
    }
}

/* Add a node whose key is not in the index yet. */
static void index_add(struct json_index *ix, cJSON *node, uint64_t hash)
{
    size_t i = (size_t)hash & ix->mask;

    while (ix->slots[i].node)
        i = (i + 1) & ix->mask;
    ix->slots[i] = (struct slot){hash, node};
}

static struct json_index *index_of(const cJSON *object, size_t members, size_t room)
{
    struct json_index *ix = index_empty(members + room);
    cJSON *node;

    if (!ix)
        return NULL;
    cJSON_ArrayForEach(node, object)
    {
        uint64_t hash = hash_key(ix, node->string);

        if (!index_find(ix, node->string, hash)) /* given twice, by hand: the first is the one a search would find */
            index_add(ix, node, hash);
    }
    return ix;
}

struct json_index *json_index_new(const cJSON *object)
{
    return index_of(object, json_count(object), 0);
}

cJSON *json_index_get(const struct json_index *ix, const char *key)
{
    uint64_t hash = hash_key(ix, key);

    for (size_t i = (size_t)hash & ix->mask;; i = (i + 1) & ix->mask) {
        const struct slot *s = &ix->slots[i];

        if (!s->node && s->hash == 0)
            return NULL;
        if (s->node && s->hash == hash && strcmp(s->node->string, key) == 0)
            return s->node;
    }
}

void json_index_free(struct json_index *ix)
{
    free(ix);
}

struct json_index *json_index_if_wide(const cJSON *object)
{
    return cJSON_IsObject(object) && json_count(object) > JSON_WIDE ? json_index_new(object) : NULL;
}

cJSON *json_lookup(const struct json_index *ix, const cJSON *object, const char *key)
{
    return ix ? json_index_get(ix, key) : json_get(object, key);
}

void json_edit_begin(struct json_edit *e, cJSON *object, size_t lookups)
{
    size_t members;

    e->object = object;
    e->ix = NULL;
    if (!object || lookups <= 8)
        return;
    members = json_count(object);
    if (members + lookups > JSON_WIDE)
        e->ix = index_of(object, members, lookups);
}

cJSON *json_edit_get(const struct json_edit *e, const char *key)
{
    return e->ix ? json_index_get(e->ix, key) : json_get(e->object, key);
}

void json_edit_put(struct json_edit *e, cJSON *old, cJSON *with)
{
    struct slot *s = e->ix && old ? index_find(e->ix, old->string, hash_key(e->ix, old->string)) : NULL;

    assert(!with || with->string);
    assert(!old || !with || strcmp(old->string, with->string) == 0);
    if (s) {
        s->node = with;
        if (!with)
            s->hash = 1;
    } else if (e->ix && with) {
        index_add(e->ix, with, hash_key(e->ix, with->string));
    }
    if (old && with)
        cJSON_ReplaceItemViaPointer(e->object, old, with); /* frees old */
    else if (old)
        cJSON_Delete(cJSON_DetachItemViaPointer(e->object, old));
    else if (with)
        cJSON_AddItemToArray(e->object, with); /* an object is a list too; the key is there already */
}

void json_edit_end(struct json_edit *e)
{
    json_index_free(e->ix);
    e->ix = NULL;
}

/* Put a later member in the place of an earlier one with the same key. */
static void member_supersede(cJSON *object, cJSON *earlier, cJSON *later)
{
    cJSON_DetachItemViaPointer(object, later);
    cJSON_ReplaceItemViaPointer(object, earlier, later);
}

enum rc json_drop_duplicates(cJSON *object)
{
    size_t members = json_count(object);
    struct json_index *ix = NULL;
    cJSON *node, *next;

    if (members > JSON_WIDE) {
        ix = index_empty(members);
        if (!ix)
            return RC_NOMEM;
    }
    for (node = object->child; node; node = next) {
        next = node->next;
        if (ix) {
            uint64_t hash = hash_key(ix, node->string);
            struct slot *s = index_find(ix, node->string, hash);

            if (s) {
                member_supersede(object, s->node, node);
                s->node = node;
            } else {
                index_add(ix, node, hash);
            }
        } else {
            cJSON *first = json_get(object, node->string);

            if (first != node)
                member_supersede(object, first, node);
        }
    }
    json_index_free(ix);
    return RC_OK;
}
