/* twin_print.c - a twin as others see it: the device, the service, a snapshot, and what a device hears of a change. */
#include "twin_internal.h"

/* Print "key": with a comma before it unless it is the first of its object. */
static void print_key(struct buf *out, const char *key, bool *is_first)
{
    if (!*is_first)
        buf_add_char(out, ',');
    *is_first = false;
    json_print_string(out, str_from(key));
    buf_add_char(out, ':');
}

static void print_counter(struct buf *out, const char *key, int64_t value, bool *is_first)
{
    print_key(out, key, is_first);
    buf_add_i64(out, value);
}

/* Print a value, leaving out the null members of objects; arrays hold none (facts T-19). */
static void print_without_nulls(struct buf *out, const cJSON *value)
{
    bool is_first = true;

    if (!cJSON_IsObject(value)) {
        json_print(out, value);
        return;
    }
    buf_add_char(out, '{');
    for (const cJSON *member = value->child; member; member = member->next) {
        if (cJSON_IsNull(member))
            continue;
        print_key(out, member->string, &is_first);
        print_without_nulls(out, member);
    }
    buf_add_char(out, '}');
}

/* The members that tell of a replacement, by existence, not by value: what was there comes first, in its old order and with
 * null for what is gone, then what is new (facts M-32). old and new may be NULL: nothing there.
 * {"a":1,"b":2} replaced by {"a":1,"c":3} is told as "a":1,"b":null,"c":3 */
static void print_replacement(struct buf *out, const cJSON *old, const cJSON *new, bool *is_first)
{
    struct json_index *were = json_index_if_wide(old), *are = json_index_if_wide(new);

    for (const cJSON *was = old ? old->child : NULL; was; was = was->next) {
        const cJSON *is = json_lookup(are, new, was->string);

        print_key(out, was->string, is_first);
        if (cJSON_IsObject(was) && cJSON_IsObject(is)) {
            bool is_first_below = true;

            buf_add_char(out, '{');
            print_replacement(out, was, is, &is_first_below);
            buf_add_char(out, '}');
        } else if (is) {
            print_without_nulls(out, is);
        } else {
            buf_add(out, STR("null"));
        }
    }
    for (const cJSON *is = new ? new->child : NULL; is; is = is->next) {
        if (cJSON_IsNull(is) || json_lookup(were, old, is->string))
            continue;
        print_key(out, is->string, is_first);
        print_without_nulls(out, is);
    }
    json_index_free(are);
    json_index_free(were);
}

void twin_print_note(struct buf *out, const struct twin *before, const cJSON *desired, bool replace, int64_t version)
{
    bool is_first = true;

    buf_add_char(out, '{');
    if (replace || !cJSON_IsObject(desired)) /* a section cleared by null is one replaced by {} */
        print_replacement(out, before->desired, cJSON_IsObject(desired) ? desired : NULL, &is_first);
    else
        is_first = !json_print_members(out, desired);
    print_counter(out, "$version", version, &is_first);
    buf_add_char(out, '}');
}

/* A section with its $version, and its metadata unless that is NULL. */
static void print_versioned(struct buf *out, const cJSON *content, const cJSON *metadata, int64_t version)
{
    bool is_first;

    buf_add_char(out, '{');
    is_first = !json_print_members(out, content);
    if (metadata) {
        print_key(out, "$metadata", &is_first);
        json_print(out, metadata);
    }
    print_counter(out, "$version", version, &is_first);
    buf_add_char(out, '}');
}

struct str twin_device_view(struct twin *t)
{
    struct buf *view = &t->device_view;
    size_t cap = view->cap;

    if (view->len > 0)
        return buf_view(view);
    buf_reset(view);
    buf_add(view, STR("{\"desired\":"));
    print_versioned(view, t->desired, NULL, t->desired_version);
    buf_add(view, STR(",\"reported\":"));
    print_versioned(view, t->reported, NULL, t->reported_version);
    buf_add_char(view, '}');
    if (!buf_ok(view))
        buf_done(view); /* empty says it, and the next GET tries again */
    t->bytes += view->cap - cap;
    return buf_view(view);
}

void twin_print_section(struct buf *out, const struct twin *t, enum twin_section section)
{
    switch (section) {
    case TWIN_TAGS:
        if (t->tags)
            json_print(out, t->tags);
        else
            buf_add(out, STR("{}"));
        break;
    case TWIN_DESIRED:
        print_versioned(out, t->desired, t->desired_metadata, t->desired_version);
        break;
    case TWIN_REPORTED:
        print_versioned(out, t->reported, t->reported_metadata, t->reported_version);
        break;
    }
}

void twin_print_sections(struct buf *out, const struct twin *t)
{
    buf_add(out, STR("{\"desired\":"));
    twin_print_section(out, t, TWIN_DESIRED);
    buf_add(out, STR(",\"reported\":"));
    twin_print_section(out, t, TWIN_REPORTED);
    buf_add_char(out, '}');
}

/* The stamps of a node, and the nodes of what the patch names and left there. */
static void print_metadata_of(struct buf *out, const cJSON *metadata, const cJSON *patch)
{
    struct json_index *nodes = json_index_if_wide(metadata);
    bool is_first = true;

    buf_add_char(out, '{');
    for (const cJSON *stamp = metadata->child; stamp && stamp->string[0] == '$'; stamp = stamp->next) {
        print_key(out, stamp->string, &is_first);
        json_print(out, stamp);
    }
    for (const cJSON *member = cJSON_IsObject(patch) ? patch->child : NULL; member; member = member->next) {
        const cJSON *node = json_lookup(nodes, metadata, member->string);

        if (cJSON_IsNull(member) || !node)
            continue;
        print_key(out, member->string, &is_first);
        print_metadata_of(out, node, member);
    }
    buf_add_char(out, '}');
    json_index_free(nodes);
}

void twin_print_change(struct buf *out, const struct twin *t, enum twin_section section, const cJSON *patch)
{
    bool is_desired = section == TWIN_DESIRED, is_first;

    buf_add_char(out, '{');
    is_first = !cJSON_IsObject(patch) || !json_print_members(out, patch);
    print_key(out, "$metadata", &is_first);
    print_metadata_of(out, is_desired ? t->desired_metadata : t->reported_metadata, patch);
    print_counter(out, "$version", is_desired ? t->desired_version : t->reported_version, &is_first);
    buf_add_char(out, '}');
}

void twin_print(struct buf *out, const struct twin *t)
{
    bool is_first = true;

    buf_add_char(out, '{');
    print_counter(out, "etag", t->etag, &is_first);
    print_counter(out, "version", t->version, &is_first);
    if (t->tags) {
        print_key(out, "tags", &is_first);
        json_print(out, t->tags);
    }
    print_key(out, "desired", &is_first);
    twin_print_section(out, t, TWIN_DESIRED);
    print_key(out, "reported", &is_first);
    twin_print_section(out, t, TWIN_REPORTED);
    buf_add_char(out, '}');
}
