/* json.c - strict reading and merging on top of cJSON. */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int name_compare(const void *a, const void *b)
{
    const cJSON *const *left = a, *const *right = b;

    return strcmp((*left)->string, (*right)->string);
}

/* Look for two equal names in one object. */
static enum rc names_are_unique(const cJSON *object)
{
    const cJSON **names, *member;
    size_t n = 0;
    enum rc rc = RC_OK;

    cJSON_ArrayForEach(member, object) n++;
    if (n < 2)
        return RC_OK;
    names = calloc(n, sizeof *names);
    if (!names)
        return RC_NOMEM;
    n = 0;
    cJSON_ArrayForEach(member, object) names[n++] = member;
    qsort(names, n, sizeof *names, name_compare);
    for (size_t i = 1; i < n && !rc; i++)
        if (strcmp(names[i - 1]->string, names[i]->string) == 0)
            rc = RC_SYNTAX;
    free(names);
    return rc;
}

/* Recursion is bounded by cJSON's own nesting limit (1000). */
static enum rc tree_is_unique(const cJSON *item)
{
    const cJSON *child;
    enum rc rc = cJSON_IsObject(item) ? names_are_unique(item) : RC_OK;

    cJSON_ArrayForEach(child, item)
    {
        if (rc)
            return rc;
        rc = tree_is_unique(child);
    }
    return rc;
}

static enum rc parse(struct str text, bool is_whole, cJSON **out)
{
    char *copy;
    const char *end = NULL;
    cJSON *root;
    enum rc rc = RC_SYNTAX;

    if (text.len > JSON_TEXT_MAX)
        return RC_LIMIT;
    if (text.len == 0 || memchr(text.at, '\0', text.len) || memmem(text.at, text.len, "\\u0000", 6))
        return RC_SYNTAX;
    /* The copy is for its NUL: asking cJSON to require one is the only way to make it refuse a tail. */
    copy = malloc(text.len + 1);
    if (!copy)
        return RC_NOMEM;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    root = cJSON_ParseWithLengthOpts(copy, text.len + 1, &end, is_whole);
    free(copy);
    if (!root)
        return RC_SYNTAX; /* cJSON does not tell a lack of memory apart */
    rc = tree_is_unique(root);
    if (rc) {
        cJSON_Delete(root);
        return rc;
    }
    *out = root;
    return RC_OK;
}

enum rc json_parse(struct str text, cJSON **out)
{
    return parse(text, true, out);
}

enum rc json_parse_front(struct str text, cJSON **out)
{
    return parse(text, false, out);
}

const cJSON *json_find(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(json_find(object, name));
}

enum rc json_integer(const cJSON *item, int64_t min, int64_t max, int64_t *out)
{
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || item->valuedouble != floor(item->valuedouble))
        return RC_INVALID;
    /* Doubles hold whole numbers exactly up to 2^53; all our bounds are far below. */
    if (item->valuedouble < (double)min || item->valuedouble > (double)max)
        return RC_LIMIT;
    *out = (int64_t)item->valuedouble;
    return RC_OK;
}

/* Make target[name] the merge of what it was and patch. */
static enum rc merge_member(cJSON *target, const cJSON *patch)
{
    cJSON *old, *merged = NULL;
    enum rc rc;

    old = cJSON_GetObjectItemCaseSensitive(target, patch->string);
    if (old)
        merged = cJSON_DetachItemViaPointer(target, old);
    if (cJSON_IsNull(patch)) {
        cJSON_Delete(merged);
        return RC_OK;
    }
    rc = json_merge(&merged, patch);
    if (!rc && !cJSON_AddItemToObject(target, patch->string, merged))
        rc = RC_NOMEM;
    if (rc)
        cJSON_Delete(merged);
    return rc;
}

enum rc json_merge(cJSON **target, const cJSON *patch)
{
    const cJSON *member;
    cJSON *fresh;
    enum rc rc;

    if (cJSON_IsObject(patch) && cJSON_IsObject(*target)) {
        cJSON_ArrayForEach(member, patch)
        {
            rc = merge_member(*target, member);
            if (rc)
                return rc;
        }
        return RC_OK;
    }
    /* An object over something else starts from {}, so that its nulls vanish too. */
    fresh = cJSON_IsObject(patch) ? cJSON_CreateObject() : cJSON_Duplicate(patch, true);
    if (!fresh)
        return RC_NOMEM;
    cJSON_Delete(*target);
    *target = fresh;
    return cJSON_IsObject(patch) ? json_merge(target, patch) : RC_OK;
}

char *json_print(const cJSON *item)
{
    return cJSON_PrintUnformatted(item);
}

char *json_print_escaped(const cJSON *item)
{
    char *plain = json_print(item), *text, *to;

    if (!plain)
        return NULL;
    text = to = malloc(2 * strlen(plain) + 1);
    for (const char *from = plain; text && *from; from++) {
        if (*from == '/')
            *to++ = '\\';
        *to++ = *from;
    }
    if (text)
        *to = '\0';
    free(plain);
    return text;
}
