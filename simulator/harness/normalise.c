/* normalise.c - see normalise.h. What an entry holds is decided in normalise_entry.c. */
#include "normalise_internal.h"

#include <stdlib.h>

#define SEEN_MIN 64u /* slots; a power of two */

void normal_init(struct normal_timeline *t)
{
    memset(t, 0, sizeof *t);
}

static void free_group(struct normal_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->at[i].text);
    free(g->at);
    free(g->seen);
    free(g->name);
    free(g);
}

void normal_done(struct normal_timeline *t)
{
    for (size_t i = 0; i < t->n_groups; i++)
        free_group(t->groups[i]);
    free(t->groups);
    normal_init(t);
}

/* ---- groups ---- */

/* Where the group of that name is, or would be. */
static size_t place_of(const struct normal_timeline *t, const char *name)
{
    size_t low = 0, high = t->n_groups;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(t->groups[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct normal_group *normal_find(const struct normal_timeline *t, const char *name)
{
    size_t i = place_of(t, name);

    return i < t->n_groups && strcmp(t->groups[i]->name, name) == 0 ? t->groups[i] : NULL;
}

static enum rc group_of(struct normal_timeline *t, const char *name, bool is_service, struct normal_group **out)
{
    size_t i = place_of(t, name);
    struct normal_group **longer, *g;

    if (i < t->n_groups && strcmp(t->groups[i]->name, name) == 0) {
        *out = t->groups[i];
        return RC_OK;
    }
    longer = realloc(t->groups, (t->n_groups + 1) * sizeof *longer);
    if (!longer)
        return RC_NOMEM;
    t->groups = longer;
    g = calloc(1, sizeof *g);
    if (g)
        g->name = strdup(name);
    if (!g || !g->name) {
        free(g);
        return RC_NOMEM;
    }
    g->is_service = is_service;
    g->session = g->session_before = NORMAL_NONE;
    memmove(longer + i + 1, longer + i, (t->n_groups - i) * sizeof *longer);
    longer[i] = g;
    t->n_groups++;
    *out = g;
    return RC_OK;
}

static bool same(const struct normal_entry *a, const struct normal_entry *b)
{
    return a->digest == b->digest && strcmp(a->text, b->text) == 0;
}

static enum rc append(struct normal_timeline *t, struct normal_group *g, struct normal_entry entry)
{
    size_t bytes = strlen(entry.text) + sizeof entry;

    if (bytes > NORMALISE_BYTES_MAX - t->bytes)
        return RC_LIMIT;
    if (g->count == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 16;
        struct normal_entry *grown = realloc(g->at, cap * sizeof *grown);

        if (!grown)
            return RC_NOMEM;
        g->at = grown;
        g->cap = cap;
    }
    g->at[g->count++] = entry;
    t->bytes += bytes;
    return RC_OK;
}

static void drop_last(struct normal_timeline *t, struct normal_group *g)
{
    struct normal_entry *last = &g->at[--g->count];

    t->bytes -= strlen(last->text) + sizeof *last;
    free(last->text);
}

/* ---- telemetry: each entry once ---- */

/* The slot that holds an equal entry, or the empty one where it belongs. */
static size_t slot_of(const struct normal_group *g, const struct normal_entry *entry)
{
    size_t slot = (size_t)entry->digest & (g->seen_size - 1);

    while (g->seen[slot] && !same(&g->at[g->seen[slot] - 1], entry))
        slot = (slot + 1) & (g->seen_size - 1);
    return slot;
}

static enum rc widen_seen(struct normal_group *g)
{
    size_t size = g->seen_size ? g->seen_size : SEEN_MIN;
    uint32_t *slots;

    while (size < 2 * (g->count + 1)) /* entries that are no telemetry may have come, too */
        size *= 2;
    if (size == g->seen_size)
        return RC_OK;
    slots = calloc(size, sizeof *slots);
    if (!slots)
        return RC_NOMEM;
    free(g->seen);
    g->seen = slots;
    g->seen_size = size;
    for (size_t i = 0; i < g->count; i++)
        g->seen[slot_of(g, &g->at[i])] = (uint32_t)(i + 1);
    return RC_OK;
}

static enum rc add_once(struct normal_timeline *t, struct normal_group *g, struct normal_entry entry, bool *is_new)
{
    enum rc rc = widen_seen(g);
    size_t slot;

    if (rc)
        return rc;
    slot = slot_of(g, &entry);
    *is_new = g->seen[slot] == 0;
    if (!*is_new)
        return RC_OK;
    rc = append(t, g, entry);
    if (!rc)
        g->seen[slot] = (uint32_t)g->count;
    return rc;
}

/* ---- connections: a session like the one before it is noise ---- */

static void begin_session(struct normal_group *g)
{
    g->session_before = g->session;
    g->session = g->count; /* the entry that comes next begins it */
}

/* The session in hand has just ended by itself. Leave it out when it was like the one before. returns true when it did */
static bool drop_session(struct normal_timeline *t, struct normal_group *g)
{
    size_t length;

    if (g->session == NORMAL_NONE || g->session_before == NORMAL_NONE)
        return false;
    length = g->count - g->session;
    if (g->session - g->session_before != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!same(&g->at[g->session_before + i], &g->at[g->session + i]))
            return false;
    while (g->count > g->session)
        drop_last(t, g);
    g->session = g->session_before; /* the next may be like it, too */
    g->session_before = NORMAL_NONE;
    return true;
}

size_t normal_settled(const struct normal_group *g)
{
    bool may_go = g->session != NORMAL_NONE && g->session_before != NORMAL_NONE && g->session < g->count;

    return may_go ? g->session : g->count;
}

/* ---- one event ---- */

static uint64_t digest_of(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h;
}

/* Takes text over. */
static enum rc add_entry(struct normal_timeline *t, struct normal_group *g, const struct normal_parts *parts,
                         char *text, bool *is_new)
{
    struct normal_entry entry = {.text = text, .event = t->events, .digest = digest_of(text)};
    enum rc rc = RC_OK;

    *is_new = true;
    if (parts->begins_session)
        begin_session(g);
    if (parts->is_told_once)
        rc = add_once(t, g, entry, is_new);
    else if (parts->is_told_once_in_a_row && g->count && same(&g->at[g->count - 1], &entry))
        *is_new = false;
    else
        rc = append(t, g, entry);
    if (rc || !*is_new)
        free(text);
    else if (parts->ends_session)
        (void)drop_session(t, g);
    return rc;
}

/* Add what an event is; or one event of a security message, by its name. */
static enum rc add_part(struct normal_timeline *t, const cJSON *event, const char *name, bool *changed)
{
    struct normal_parts parts;
    struct normal_group *g = NULL;
    struct buf group, text;
    bool is_new = false;
    enum rc rc = RC_OK;
    char *taken;

    buf_init(&group, 0);
    buf_init(&text, NORMALISE_BYTES_MAX);
    if (normal_read(event, name, &parts, &group, &text)) {
        rc = group.rc ? group.rc : text.rc;
        if (!rc)
            rc = group_of(t, group.at, parts.is_service, &g);
        taken = rc ? NULL : buf_take(&text, NULL);
        if (!rc)
            rc = taken ? add_entry(t, g, &parts, taken, &is_new) : RC_NOMEM;
    }
    buf_done(&text);
    buf_done(&group);
    if (!rc && is_new && changed)
        *changed = true;
    return rc;
}

enum rc normal_add(struct normal_timeline *t, const cJSON *event, bool *changed)
{
    cJSON *names = normal_event_names(event);
    const cJSON *name;
    enum rc rc = RC_OK;

    if (changed)
        *changed = false;
    if (!names)
        rc = add_part(t, event, NULL, changed);
    cJSON_ArrayForEach(name, names)
    {
        if (!rc)
            rc = add_part(t, event, name->valuestring, changed);
    }
    cJSON_Delete(names);
    if (!rc)
        t->events++;
    return rc;
}

void normal_mark(struct normal_timeline *t)
{
    for (size_t i = 0; i < t->n_groups; i++)
        t->groups[i]->session = t->groups[i]->session_before = NORMAL_NONE;
}

void normal_print(const struct normal_timeline *t, struct buf *out)
{
    for (size_t i = 0; i < t->n_groups; i++)
        for (size_t k = 0; k < t->groups[i]->count; k++)
            buf_addf(out, "%s %s\n", t->groups[i]->name, t->groups[i]->at[k].text);
}
