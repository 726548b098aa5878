/* json_merge.c - comparing trees, and merging one into another. */
#include "json_internal.h"

#include <assert.h>

/* The text of a number without fraction and exponent, or NULL. */
static const char *integer_text(const cJSON *number)
{
    return number->valuestring && !strpbrk(number->valuestring, ".eE") ? number->valuestring : NULL;
}

static bool number_eq(const cJSON *a, const cJSON *b)
{
    const char *left = integer_text(a), *right = integer_text(b);

    if (left && right) /* exactly, also beyond the 53 bits of a double; only zero has two texts */
        return strcmp(left + (strcmp(left, "-0") == 0), right + (strcmp(right, "-0") == 0)) == 0;
    return !(a->valuedouble < b->valuedouble || a->valuedouble > b->valuedouble);
}

static bool object_eq(const cJSON *a, const cJSON *b)
{
    struct json_index *ix = NULL;
    const cJSON *left, *right = b->child; /* usually the members stand in the same order */
    size_t members = json_count(a);
    bool is_equal = members == json_count(b);

    for (left = a->child; is_equal && left; left = left->next) {
        const cJSON *twin = right;

        if (!twin || !json_key_is(twin, left->string)) {
            if (!ix && members > JSON_WIDE)
                ix = json_index_new(b);
            twin = ix ? json_index_get(ix, left->string) : json_get(b, left->string);
        }
        is_equal = twin && json_eq(left, twin);
        right = twin ? twin->next : NULL;
    }
    json_index_free(ix);
    return is_equal;
}

static bool array_eq(const cJSON *a, const cJSON *b)
{
    const cJSON *left = a->child, *right = b->child;

    for (; left && right; left = left->next, right = right->next)
        if (!json_eq(left, right))
            return false;
    return !left && !right;
}

bool json_eq(const cJSON *a, const cJSON *b)
{
    if (!a || !b)
        return a == b;
    if ((a->type & 0xFF) != (b->type & 0xFF))
        return false;
    switch (a->type & 0xFF) {
    case cJSON_Object:
        return object_eq(a, b);
    case cJSON_Array:
        return array_eq(a, b);
    case cJSON_Number:
        return number_eq(a, b);
    case cJSON_String:
    case cJSON_Raw:
        return strcmp(a->valuestring, b->valuestring) == 0;
    default:
        return true;
    }
}

cJSON *json_copy_without_nulls(const cJSON *value)
{
    cJSON *copy;

    if (!cJSON_IsObject(value))
        return cJSON_Duplicate(value, true);
    copy = json_node(cJSON_Object);
    if (!copy || (value->string && !json_key_set(copy, value->string)))
        goto failed;
    copy->valueint = value->valueint;
    for (const cJSON *member = value->child; member; member = member->next) {
        cJSON *child;

        if (cJSON_IsNull(member))
            continue;
        child = json_copy_without_nulls(member);
        if (!child)
            goto failed;
        cJSON_AddItemToArray(copy, child); /* an object is a list too; the key is there already */
    }
    return copy;

failed:
    cJSON_Delete(copy);
    return NULL;
}

enum rc json_merge(cJSON *target, const cJSON *patch)
{
    struct json_edit e;
    enum rc rc = RC_OK;

    assert(cJSON_IsObject(target) && cJSON_IsObject(patch));
    json_edit_begin(&e, target, json_count(patch));
    for (const cJSON *member = patch->child; member && !rc; member = member->next) {
        cJSON *old = json_edit_get(&e, member->string);

        if (cJSON_IsNull(member)) {
            json_edit_put(&e, old, NULL);
        } else if (cJSON_IsObject(member) && cJSON_IsObject(old)) {
            rc = json_merge(old, member);
        } else {
            cJSON *copy = json_copy_without_nulls(member);

            if (copy)
                json_edit_put(&e, old, copy);
            else
                rc = RC_NOMEM;
        }
    }
    json_edit_end(&e);
    return rc;
}
