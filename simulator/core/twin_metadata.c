/* twin_metadata.c - who wrote what when, in the shape the service shows (facts T-21). */
#include "twin_internal.h"

#include <assert.h>
#include <stdio.h>

/* Shared by all nodes: cJSON neither frees nor copies such a key. */
static char key_at[] = "$lastUpdated";
static char key_version[] = "$lastUpdatedVersion";

void twin_stamp_init(struct twin_stamp *stamp, int64_t now_us, int64_t version)
{
    (void)iso_time_print(now_us, stamp->at);
    stamp->version[0] = '\0';
    stamp->version_number = (double)version;
    if (version)
        (void)snprintf(stamp->version, sizeof stamp->version, "%lld", (long long)version);
}

/* A stamp's node: one of our two keys, and a text with `room` bytes to be overwritten. */
static cJSON *stamp_node(int type, char *key, const char *text, size_t room)
{
    cJSON *node = json_node(type | cJSON_StringIsConst);

    if (!node)
        return NULL;
    node->string = key;
    node->valuestring = cJSON_malloc(room);
    if (!node->valuestring) {
        cJSON_Delete(node);
        return NULL;
    }
    (void)snprintf(node->valuestring, room, "%s", text);
    return node;
}

static cJSON *version_node(const struct twin_stamp *stamp)
{
    cJSON *node = stamp_node(cJSON_Number, key_version, stamp->version, sizeof stamp->version);

    if (node)
        node->valuedouble = stamp->version_number;
    return node;
}

/* The node's $lastUpdatedVersion, or NULL. */
static cJSON *version_of(const cJSON *node)
{
    cJSON *second = node->child->next;

    return second && second->string == key_version ? second : NULL;
}

cJSON *twin_metadata_new(const char *key, const struct twin_stamp *stamp)
{
    cJSON *node = json_node(cJSON_Object);
    cJSON *at = stamp_node(cJSON_String, key_at, stamp->at, sizeof stamp->at), *version = NULL;

    if (!node || !at || (key && !json_key_set(node, key)))
        goto failed;
    if (stamp->version[0]) {
        version = version_node(stamp);
        if (!version)
            goto failed;
    }
    cJSON_AddItemToArray(node, at); /* an object is a list too; the keys are there already */
    if (version)
        cJSON_AddItemToArray(node, version);
    return node;

failed:
    cJSON_Delete(at);
    cJSON_Delete(node);
    return NULL;
}

bool twin_metadata_stamp(cJSON *node, const struct twin_stamp *stamp, size_t *bytes)
{
    cJSON *version = version_of(node);

    assert(node->child->string == key_at);
    memcpy(node->child->valuestring, stamp->at, sizeof stamp->at);
    if (!stamp->version[0])
        return true;
    if (!version) {
        version = version_node(stamp);
        if (!version)
            return false;
        json_insert_after(node, node->child, version);
        *bytes += twin_heap(version);
        return true;
    }
    memcpy(version->valuestring, stamp->version, sizeof stamp->version);
    version->valuedouble = stamp->version_number;
    return true;
}

/* The stamps a given node carries, where they make sense; else those of `fresh`. */
static void stamp_adopt(struct twin_stamp *stamp, const cJSON *given, const struct twin_stamp *fresh)
{
    const char *at = json_get_text(given, key_at);
    int64_t at_us, version;

    *stamp = *fresh;
    if (at && iso_time_read(str_from(at), &at_us) == RC_OK) {
        if (strlen(at) < sizeof stamp->at)
            (void)snprintf(stamp->at, sizeof stamp->at, "%s",
                           at); /* as it came: the cloud writes a digit more than we do */
        else
            (void)iso_time_print(at_us, stamp->at);
    }
    if (!fresh->version[0] || !cJSON_IsObject(given))
        return;
    /* A node without a version was never written: that is kept, too. */
    stamp->version[0] = '\0';
    if (json_get_i64(given, key_version, &version) == RC_OK && version > 0) {
        (void)snprintf(stamp->version, sizeof stamp->version, "%lld", (long long)version);
        stamp->version_number = (double)version;
    }
}

/* Copy what else the service knows of a node: $lastUpdatedBy and the like. */
static bool extras_adopt(cJSON *node, const cJSON *given)
{
    for (const cJSON *extra = cJSON_IsObject(given) ? given->child : NULL; extra; extra = extra->next) {
        cJSON *copy;

        if (extra->string[0] != '$' || json_key_is(extra, key_at) || json_key_is(extra, key_version))
            continue;
        copy = cJSON_Duplicate(extra, true);
        if (!copy)
            return false;
        cJSON_AddItemToArray(node, copy);
    }
    return true;
}

static cJSON *adopt(const cJSON *given, const cJSON *data, const struct twin_stamp *fresh)
{
    struct twin_stamp stamp;
    struct json_index *ix = NULL;
    cJSON *node;

    stamp_adopt(&stamp, given, fresh);
    node = twin_metadata_new(data->string, &stamp);
    if (!node || !extras_adopt(node, given))
        goto failed;
    if (!cJSON_IsObject(data))
        return node; /* arrays, too, are leaves */
    ix = json_index_if_wide(given);
    for (const cJSON *member = data->child; member; member = member->next) {
        cJSON *child = adopt(json_lookup(ix, given, member->string), member, fresh);

        if (!child)
            goto failed;
        cJSON_AddItemToArray(node, child);
    }
    json_index_free(ix);
    return node;

failed:
    json_index_free(ix);
    cJSON_Delete(node);
    return NULL;
}

cJSON *twin_metadata_adopt(const cJSON *given, const cJSON *data, const struct twin_stamp *fresh)
{
    return adopt(given, data, fresh);
}

bool twin_metadata_mirrors(const cJSON *metadata, const cJSON *data)
{
    const cJSON *theirs, *ours = data->child;

    if (!cJSON_IsObject(metadata) || !metadata->child || metadata->child->string != key_at)
        return false;
    theirs = metadata->child;
    while (theirs && theirs->string[0] == '$')
        theirs = theirs->next;
    if (!cJSON_IsObject(data))
        return !theirs;
    for (; ours && theirs; ours = ours->next, theirs = theirs->next)
        if (!json_key_is(theirs, ours->string) || !twin_metadata_mirrors(theirs, ours))
            return false;
    return !ours && !theirs;
}
