/* replay_explain.c - the first difference of a replay, told so that a person sees what happened. See replay.h. */
#include "replay.h"

#include "match.h"

#include <assert.h>

#define DIFFERENCES_MAX 40

/* ---- where two values differ ---- */

static bool add_line(cJSON *list, struct str text)
{
    cJSON *line = json_str(text);

    if (line && cJSON_AddItemToArray(list, line))
        return true;
    cJSON_Delete(line);
    return false;
}

/* "path: expected X, got Y" */
static bool add_difference(cJSON *list, const struct match_place *at, const cJSON *want, const cJSON *got)
{
    struct buf line;
    bool good;

    if (cJSON_GetArraySize(list) >= DIFFERENCES_MAX)
        return true;
    buf_init(&line, 0);
    match_print_difference(&line, at, want, got);
    good = buf_ok(&line) && add_line(list, buf_view(&line));
    buf_done(&line);
    return good;
}

/* Every place where two values differ; as deep as JSON may be. returns false: no memory */
static bool differ(cJSON *list, const struct match_place *at, const cJSON *want, const cJSON *got)
{
    const cJSON *member, *other;
    struct match_place here = {.outer = at};

    if (want && got && json_eq(want, got))
        return true;
    if (cJSON_IsObject(want) && cJSON_IsObject(got)) {
        cJSON_ArrayForEach(member, want)
        {
            here.key = member->string;
            if (!differ(list, &here, member, json_get(got, member->string)))
                return false;
        }
        cJSON_ArrayForEach(member, got)
        {
            here.key = member->string;
            if (!json_get(want, member->string) && !add_difference(list, &here, NULL, member))
                return false;
        }
        return true;
    }
    if (!want || !got || !cJSON_IsArray(want) || !cJSON_IsArray(got) ||
        cJSON_GetArraySize(want) != cJSON_GetArraySize(got))
        return add_difference(list, at, want, got);
    other = got->child;
    cJSON_ArrayForEach(member, want)
    {
        if (!differ(list, &here, member, other))
            return false;
        other = other->next;
        here.index++;
    }
    return true;
}

/* ---- what it means ---- */

/* An entry as JSON, or NULL when there is none. Numbers count up, so they say nothing about what happened. */
static cJSON *entry_at(const struct normal_group *g, size_t index)
{
    cJSON *tree = NULL;

    if (!g || index >= g->count || json_read(str_from(g->at[index].text), &tree, NULL))
        return NULL;
    return tree;
}

/* The same thing done: equal but for the version that counts them. */
static bool is_same_deed(const struct normal_group *a, size_t i, const struct normal_group *b, size_t k)
{
    cJSON *one = entry_at(a, i), *other = entry_at(b, k);
    bool is_same = false;

    if (one && other) {
        json_remove(one, "version");
        json_remove(other, "version");
        is_same = json_eq(one, other);
    }
    cJSON_Delete(other);
    cJSON_Delete(one);
    return is_same;
}

static const char *meaning_of(const struct normal_group *want, const struct normal_group *got, size_t i)
{
    bool is_wanted = want && i < want->count, is_there = got && i < got->count;

    if (is_wanted && !is_there)
        return "it is missing: nothing like it came";
    if (!is_wanted)
        return "it is one too many: nothing more was recorded here";
    if (is_same_deed(want, i, got, i + 1) && is_same_deed(want, i + 1, got, i))
        return "two entries are swapped";
    if (is_same_deed(want, i + 1, got, i))
        return "the expected one is missing: what came is the one that follows it";
    if (is_same_deed(want, i, got, i + 1))
        return "what came is one too many: the expected one follows it";
    return "what was expected came with other values";
}

/* ---- all of it ---- */

static bool set(cJSON *object, const char *key, cJSON *value)
{
    return json_set(object, key, value) == RC_OK;
}

/* The recorded item of the n-th event. */
static const struct recording_item *item_of(const struct recording *rec, size_t event)
{
    for (size_t i = 0; i < rec->count; i++)
        if (rec->items[i].kind == RECORDING_EVENT && event-- == 0)
            return &rec->items[i];
    return NULL;
}

static bool add_entry(cJSON *out, const char *key, const struct normal_group *g, size_t index)
{
    cJSON *entry = entry_at(g, index);

    return !entry || set(out, key, entry);
}

cJSON *replay_explain(const struct replay *r)
{
    const struct normal_group *want, *got;
    const struct recording_item *item = NULL;
    cJSON *out = cJSON_CreateObject(), *list = cJSON_CreateArray(), *expected, *came;
    bool good;

    assert(r->group);
    want = normal_find(&r->expected, r->group);
    got = normal_find(&r->live, r->group);
    expected = entry_at(want, r->index);
    came = entry_at(got, r->index);
    if (expected)
        item = item_of(r->rec, want->at[r->index].event);
    good = out && list && set(out, "group", json_str(str_from(r->group))) &&
           set(out, "index", json_i64((int64_t)r->index)) &&
           set(out, "meaning", json_str(str_from(meaning_of(want, got, r->index))));
    if (good && item)
        good = set(out, "offset_us", json_i64(item->offset_us)) && set(out, "line", json_i64((int64_t)item->line));
    good = good && (r->index == 0 || add_entry(out, "before", want, r->index - 1)) &&
           add_entry(out, "expected", want, r->index) && add_entry(out, "got", got, r->index) &&
           add_entry(out, "after", want, r->index + 1);
    if (good && expected && came)
        good = differ(list, NULL, expected, came);
    if (good) {
        good = set(out, "differences", list);
        list = NULL;
    }
    cJSON_Delete(came);
    cJSON_Delete(expected);
    cJSON_Delete(list);
    if (good)
        return out;
    cJSON_Delete(out);
    return NULL;
}
