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
    cJSON *node = json_node_with_room(type | cJSON_StringIsConst, room - 1);

    if (!node)
        return NULL;
    node->string = key;
    memcpy(node->valuestring, text, room);
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

/* Metadata being adopted. A large document has thousands of nodes and few stamps: one that is like the node's before is not read again. */
struct adoption {
    const struct twin_stamp *fresh;
    struct twin_stamp last; /* a time and a version that made sense, of different nodes perhaps; at first none */
    int64_t version;        /* last's, exactly; 0: none */
};

static void adopt_time(struct adoption *a, const char *at, struct twin_stamp *stamp)
{
    size_t len = at ? strlen(at) : 0;
    int64_t at_us;

    if (!len)
        return;
    if (strcmp(at, a->last.at) != 0) {
        if (iso_time_read(str_of(at, len), &at_us))
            return;
        if (len < sizeof a->last.at)
            memcpy(a->last.at, at, len + 1); /* as it came: the cloud writes a digit more than we do */
        else
            (void)iso_time_print(at_us, a->last.at);
    }
    memcpy(stamp->at, a->last.at, sizeof stamp->at);
}

static void adopt_version(struct adoption *a, const cJSON *given, struct twin_stamp *stamp)
{
    int64_t version;

    stamp->version[0] = '\0'; /* a node without a version was never written: that is kept, too */
    if (json_get_i64(given, key_version, &version) || version <= 0)
        return;
    if (version != a->version) {
        (void)snprintf(a->last.version, sizeof a->last.version, "%lld", (long long)version);
        a->version = version;
    }
    memcpy(stamp->version, a->last.version, sizeof stamp->version);
    stamp->version_number = (double)version;
}

/* The stamps a given node carries, where they make sense; else those of `fresh`. */
static void stamp_adopt(struct adoption *a, const cJSON *given, struct twin_stamp *stamp)
{
    *stamp = *a->fresh;
    adopt_time(a, json_get_text(given, key_at), stamp);
    if (stamp->version[0] && cJSON_IsObject(given))
        adopt_version(a, given, stamp);
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

static cJSON *adopt(struct adoption *a, const cJSON *given, const cJSON *data)
{
    struct twin_stamp stamp;
    struct json_index *ix = NULL;
    cJSON *node;

    stamp_adopt(a, given, &stamp);
    node = twin_metadata_new(data->string, &stamp);
    if (!node || !extras_adopt(node, given))
        goto failed;
    if (!cJSON_IsObject(data))
        return node; /* arrays, too, are leaves */
    ix = json_index_if_wide(given);
    for (const cJSON *member = data->child; member; member = member->next) {
        cJSON *child = adopt(a, json_lookup(ix, given, member->string), member);

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
    struct adoption a = {.fresh = fresh};

    return adopt(&a, given, data);
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
