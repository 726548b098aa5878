/* twin_write.c - applying checked writes: content, metadata, sizes and counters, in one walk over the patch. */
#include "twin_internal.h"

#include <assert.h>

/* One section under change. */
struct writer {
    const struct twin_stamp *stamp; /* NULL: a section without metadata (tags) */
    size_t *computed;
    size_t *bytes;
};

static enum rc merge(const struct writer *w, cJSON *target, cJSON *metadata, const cJSON *patch);

/* Put a node in the place of an old one, or of none, or take the old one away; keep the measures. */
static void put(const struct writer *w, struct json_edit *e, cJSON *old, cJSON *with)
{
    if (old) {
        *w->computed -= twin_member_size(old);
        *w->bytes -= twin_heap(old);
    }
    if (with) {
        *w->computed += twin_member_size(with);
        *w->bytes += twin_heap(with);
    }
    json_edit_put(e, old, with);
}

static void put_metadata(const struct writer *w, struct json_edit *e, cJSON *old, cJSON *with)
{
    *w->bytes -= twin_heap(old);
    *w->bytes += twin_heap(with);
    json_edit_put(e, old, with);
}

/* Stamp a node as one that was written anew: what described its old value goes. */
static bool metadata_renew(const struct writer *w, cJSON *node)
{
    cJSON *child, *next;

    for (child = node->child; child; child = next) {
        next = child->next;
        if (child->type & cJSON_StringIsConst)
            continue; /* the stamps themselves */
        *w->bytes -= twin_heap(child);
        cJSON_Delete(cJSON_DetachItemViaPointer(node, child));
    }
    return twin_metadata_stamp(node, w->stamp, w->bytes);
}

/* The metadata node for a member just replaced or added, fresh. NULL: no memory. */
static cJSON *metadata_for(const struct writer *w, struct json_edit *metadata, const char *key)
{
    cJSON *node = json_edit_get(metadata, key);

    if (node)
        return metadata_renew(w, node) ? node : NULL;
    node = twin_metadata_new(key, w->stamp);
    if (node)
        put_metadata(w, metadata, NULL, node);
    return node;
}

/* A member that is no null: merge objects into objects, replace all else. */
static enum rc write_member(const struct writer *w, struct json_edit *content, struct json_edit *metadata,
                            const cJSON *member)
{
    cJSON *old = json_edit_get(content, member->string), *node = NULL, *with;

    if (cJSON_IsObject(member) && cJSON_IsObject(old)) {
        if (w->stamp)
            node = json_edit_get(metadata, member->string);
        return merge(w, old, node, member);
    }
    if (w->stamp) {
        node = metadata_for(w, metadata, member->string);
        if (!node)
            return RC_NOMEM;
    }
    if (!cJSON_IsObject(member)) {
        with = cJSON_Duplicate(member, true);
        if (!with)
            return RC_NOMEM;
        put(w, content, old, with);
        return RC_OK;
    }
    /* An object where none was: begin with an empty one, so that its members get their metadata, and nulls vanish. */
    with = json_node(cJSON_Object);
    if (!with || !json_key_set(with, member->string)) {
        cJSON_Delete(with);
        return RC_NOMEM;
    }
    put(w, content, old, with);
    return merge(w, with, node, member);
}

/* Merge a patch into a section or a part of it. metadata: of target; not looked at without a stamp. */
static enum rc merge(const struct writer *w, cJSON *target, cJSON *metadata, const cJSON *patch)
{
    size_t members = json_count(patch);
    struct json_edit content, about;
    enum rc rc = RC_OK;

    if (w->stamp && !twin_metadata_stamp(metadata, w->stamp, w->bytes))
        return RC_NOMEM;
    json_edit_begin(&content, target, members);
    json_edit_begin(&about, w->stamp ? metadata : NULL, members);
    for (const cJSON *member = patch->child; member && !rc; member = member->next) {
        if (cJSON_IsNull(member)) {
            put(w, &content, json_edit_get(&content, member->string), NULL);
            put_metadata(w, &about, json_edit_get(&about, member->string), NULL);
        } else {
            rc = write_member(w, &content, &about, member);
        }
    }
    json_edit_end(&about);
    json_edit_end(&content);
    return rc;
}

/* Begin a section anew, empty. metadata: NULL for tags. */
static enum rc section_reset(const struct writer *w, cJSON **content, cJSON **metadata)
{
    cJSON *fresh = json_node(cJSON_Object), *about = metadata ? twin_metadata_new(NULL, w->stamp) : NULL;

    if (!fresh || (metadata && !about)) {
        cJSON_Delete(fresh);
        cJSON_Delete(about);
        return RC_NOMEM;
    }
    *w->bytes += twin_heap(fresh) - twin_heap(*content);
    cJSON_Delete(*content);
    *content = fresh;
    if (metadata) {
        *w->bytes += twin_heap(about) - twin_heap(*metadata);
        cJSON_Delete(*metadata);
        *metadata = about;
    }
    *w->computed = 0;
    return RC_OK;
}

/* Write one section of a service's request; submitted may be NULL (a PUT without it) or a JSON null. */
static enum rc write_section(const struct writer *w, cJSON **content, cJSON **metadata, const cJSON *submitted,
                             bool replace)
{
    bool has_content = cJSON_IsObject(submitted);
    enum rc rc = RC_OK;

    if (replace || !has_content || !*content)
        rc = section_reset(w, content, metadata);
    if (!rc && has_content)
        rc = merge(w, *content, metadata ? *metadata : NULL, submitted);
    return rc;
}

/* Does this part of a PATCH count as a write? {} does not; null, which clears, does. */
static bool is_touching(const cJSON *submitted)
{
    return submitted && (cJSON_IsNull(submitted) || submitted->child);
}

/* The cached text no longer says what is. */
static void view_drop(struct twin *t)
{
    buf_reset(&t->device_view);
}

enum rc twin_write_service(struct twin *t, const cJSON *tags, const cJSON *desired, bool replace, int64_t now_us,
                           bool *touched_tags, bool *touched_desired)
{
    struct writer tags_writer = {NULL, &t->computed[TWIN_TAGS], &t->bytes};
    struct twin_stamp stamp;
    struct writer desired_writer = {&stamp, &t->computed[TWIN_DESIRED], &t->bytes};
    enum rc rc = RC_OK;

    *touched_tags = replace || is_touching(tags);
    *touched_desired = replace || is_touching(desired);
    if (!*touched_tags && !*touched_desired)
        return RC_OK;
    t->version++;
    t->etag++;
    if (*touched_tags && (tags || t->tags)) /* a PUT without tags leaves never set ones so */
        rc = write_section(&tags_writer, &t->tags, NULL, tags, replace);
    if (!rc && *touched_desired) {
        view_drop(t);
        t->desired_version++;
        twin_stamp_init(&stamp, now_us, t->desired_version);
        rc = write_section(&desired_writer, &t->desired, &t->desired_metadata, desired, replace);
    }
    return rc;
}

enum rc twin_write_reported(struct twin *t, const cJSON *patch, int64_t now_us)
{
    struct twin_stamp stamp;
    struct writer w = {&stamp, &t->computed[TWIN_REPORTED], &t->bytes};

    assert(cJSON_IsObject(patch));
    view_drop(t);
    t->version++;
    t->reported_version++;
    twin_stamp_init(&stamp, now_us, 0);
    return merge(&w, t->reported, t->reported_metadata, patch);
}
