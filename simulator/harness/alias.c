/* alias.c - see alias.h. */
#include "alias.h"

#include <stdlib.h>

static bool keys_are_valid(struct str path)
{
    while (path.at)
        if (str_cut(&path, '.').len == 0)
            return false;
    return true;
}

static size_t stars(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] == '*';
    return n;
}

bool alias_is_valid(struct str pattern, struct str place, const char **what)
{
    if (pattern.len == 0 || place.len == 0 || !keys_are_valid(pattern) || !keys_are_valid(place))
        *what = "a name and its place are keys with dots between them, none of them empty";
    else if (stars(pattern) > 1 || stars(place) > 1)
        *what = "one '*' at most";
    else if (stars(place) > stars(pattern))
        *what = "the place has a '*' that the name does not";
    else
        return true;
    return false;
}

/* Does the name fit the pattern? *star is what the '*' took. */
static bool fits(struct str pattern, struct str name, struct str *star)
{
    size_t at = str_find(pattern, '*');
    struct str before = str_first(pattern, at), behind = str_skip(pattern, at + 1);

    *star = str_of("", 0);
    if (at == pattern.len)
        return str_eq(pattern, name);
    if (name.len <= before.len + behind.len || !str_starts(name, before) || !str_ends(name, behind))
        return false;
    *star = str_first(str_skip(name, before.len), name.len - before.len - behind.len);
    return str_find(*star, '.') == star->len;
}

bool alias_place(const cJSON *aliases, struct str name, struct buf *out)
{
    const cJSON *alias;

    cJSON_ArrayForEach(alias, aliases)
    {
        struct str place = str_from(alias->valuestring), star;
        size_t at = str_find(place, '*');

        if (!fits(str_from(alias->string), name, &star))
            continue;
        buf_add(out, str_first(place, at));
        if (at < place.len)
            buf_add(out, star);
        buf_add(out, str_skip(place, at + 1));
        return true;
    }
    return false;
}

/* Put value (taken over) into object under key; where both are objects, member by member. */
static enum rc put_together(cJSON *object, const char *key, cJSON *value)
{
    cJSON *old = json_get(object, key), *member;
    enum rc rc = RC_OK;

    if (!old)
        return json_set(object, key, value);
    if (!cJSON_IsObject(old) || !cJSON_IsObject(value)) {
        cJSON_Delete(value);
        return RC_EXISTS;
    }
    while (!rc && (member = value->child) != NULL) {
        char *member_key;

        cJSON_DetachItemViaPointer(value, member);
        member_key = str_dup(str_from(member->string));
        if (!member_key) {
            cJSON_Delete(member);
            rc = RC_NOMEM;
            break;
        }
        rc = put_together(old, member_key, member);
        free(member_key);
    }
    cJSON_Delete(value);
    return rc;
}

/* Wrap a value (taken over, also on failure) in one object for each key of a dotted path. NULL: no memory. */
static cJSON *wrap(struct str path, cJSON *value)
{
    struct str key = str_cut(&path, '.');
    cJSON *object = cJSON_CreateObject();
    char *text = str_dup(key);

    if (value && path.at)
        value = wrap(path, value);
    if (!object || !text) {
        cJSON_Delete(value);
        cJSON_Delete(object);
        object = NULL;
    } else if (json_set(object, text, value)) {
        cJSON_Delete(object);
        object = NULL;
    }
    free(text);
    return object;
}

/* Put a copy of one written member to its place in *out. */
static enum rc expand_one(const cJSON *name, const cJSON *aliases, cJSON *out)
{
    cJSON *copy = cJSON_Duplicate(name, true);
    struct buf place;
    enum rc rc = RC_NOMEM;

    buf_init(&place, 0);
    if (!copy)
        goto done;
    if (alias_place(aliases, str_from(name->string), &place)) {
        struct str rest = buf_view(&place), first = str_cut(&rest, '.');
        char *key = buf_ok(&place) ? str_dup(first) : NULL;

        if (key && rest.at)
            copy = wrap(rest, copy);
        if (key && copy)
            rc = put_together(out, key, copy);
        else
            cJSON_Delete(copy);
        free(key);
    } else {
        rc = put_together(out, name->string, copy);
    }

done:
    buf_done(&place);
    return rc;
}

enum rc alias_expand(const cJSON *names, const cJSON *aliases, cJSON **out, const cJSON **clash)
{
    cJSON *expanded = cJSON_CreateObject();
    const cJSON *name;
    enum rc rc = expanded ? RC_OK : RC_NOMEM;

    *clash = NULL;
    cJSON_ArrayForEach(name, names)
    {
        if (rc)
            break;
        rc = expand_one(name, aliases, expanded);
        if (rc == RC_EXISTS)
            *clash = name;
    }
    if (rc)
        cJSON_Delete(expanded);
    else
        *out = expanded;
    return rc;
}
