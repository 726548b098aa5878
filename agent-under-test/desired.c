/* desired.c - base document, patches in order, gaps noticed. */
#include "desired.h"

#include <string.h>

#define VERSION "$version"

void desired_init(struct desired *d)
{
    *d = (struct desired){0};
}

static void drop_held(struct desired *d)
{
    for (size_t i = 0; i < d->held_count; i++)
        cJSON_Delete(d->held[i].patch);
    d->held_count = 0;
}

void desired_done(struct desired *d)
{
    drop_held(d);
    cJSON_Delete(d->document);
    desired_init(d);
}

void desired_forget(struct desired *d)
{
    drop_held(d);
    d->is_known = false;
    d->newest = d->asked = 0;
}

void desired_asked(struct desired *d)
{
    d->asked = d->newest;
}

static enum rc version_read(const cJSON *object, int64_t *out)
{
    if (!cJSON_IsObject(object) || json_integer(json_find(object, VERSION), 0, DESIRED_VERSION_MAX, out))
        return RC_SYNTAX;
    return RC_OK;
}

static void remove_held(struct desired *d, size_t at)
{
    cJSON_Delete(d->held[at].patch);
    d->held[at] = d->held[--d->held_count];
}

/* Merge every held patch that comes next, and drop those that came too late. */
static enum rc apply_held(struct desired *d, bool *moved)
{
    enum rc rc;

    for (size_t i = 0; i < d->held_count;) {
        if (d->held[i].version <= d->version) {
            remove_held(d, i);
        } else if (d->held[i].version == d->version + 1) {
            cJSON_DeleteItemFromObjectCaseSensitive(d->held[i].patch, VERSION);
            rc = json_merge(&d->document, d->held[i].patch);
            if (rc)
                return rc;
            d->version++;
            *moved = true;
            remove_held(d, i);
            i = 0; /* one earlier in the list may have become the next */
        } else {
            i++;
        }
    }
    return RC_OK;
}

enum rc desired_take_answer(struct desired *d, struct str body, struct desired_outcome *outcome)
{
    cJSON *root = NULL, *desired;
    int64_t version;
    bool moved = false;
    enum rc rc;

    rc = json_parse(body, &root);
    if (rc)
        goto done;
    desired = cJSON_GetObjectItemCaseSensitive(root, "desired");
    rc = version_read(desired, &version);
    if (rc)
        goto done;
    *outcome = (struct desired_outcome){0};
    if (d->newest > d->asked && d->is_known && version < d->version) {
        outcome->read_again = d->version < d->newest; /* it left before the patches that we have; it fills no gap */
        goto done;
    }
    cJSON_Delete(d->document);
    d->document = cJSON_DetachItemViaPointer(root, desired);
    cJSON_DeleteItemFromObjectCaseSensitive(d->document, VERSION);
    d->version = version;
    d->is_known = true;
    rc = apply_held(d, &moved);
    if (rc)
        goto done;
    if (d->newest <= d->asked) {
        /* Nothing came since we asked, so this is the truth, even when the hub spoke of a higher version before. */
        drop_held(d);
        d->newest = d->version;
    }
    outcome->is_taken = true;
    outcome->read_again = d->version < d->newest;

done:
    cJSON_Delete(root);
    return rc == RC_LIMIT ? RC_SYNTAX : rc;
}

enum rc desired_take_patch(struct desired *d, struct str body, struct desired_outcome *outcome)
{
    cJSON *patch = NULL;
    int64_t version;
    enum rc rc;

    rc = json_parse(body, &patch);
    if (rc)
        goto done;
    rc = version_read(patch, &version);
    if (rc)
        goto done;
    *outcome = (struct desired_outcome){0};
    if (d->is_known && version <= d->version)
        goto done;
    if (version > d->newest)
        d->newest = version;
    for (size_t i = 0; i < d->held_count; i++)
        if (d->held[i].version == version)
            goto done; /* a duplicate of one that waits */
    if (d->held_count < DESIRED_HELD_MAX) {
        d->held[d->held_count++] = (struct desired_held){version, patch};
        patch = NULL;
    }
    if (!d->is_known)
        goto done; /* the answer that is under way decides what it is worth */
    rc = apply_held(d, &outcome->is_taken);
    if (rc)
        goto done;
    outcome->read_again = d->version < d->newest;

done:
    cJSON_Delete(patch);
    if (rc == RC_LIMIT)
        rc = RC_SYNTAX;
    if (rc == RC_SYNTAX) /* one change at least was not understood: no answer asked for before it is the last word */
        d->newest = (d->newest > d->version ? d->newest : d->version) + 1;
    return rc;
}
