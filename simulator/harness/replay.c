/* replay.c - see replay.h. How a difference is told is in replay_explain.c. */
#include "replay.h"

#include <assert.h>
#include <stdlib.h>

static void measure(struct replay *r)
{
    int64_t last_new_us = 0, last_action_us = 0, end_us = 0;

    for (size_t i = 0; i < r->rec->count; i++) {
        const struct recording_item *item = &r->rec->items[i];

        end_us = item->offset_us > end_us ? item->offset_us : end_us;
        if (item->offset_us - last_new_us > r->gap_us)
            r->gap_us = item->offset_us - last_new_us;
        last_new_us = item->offset_us;
        if (recording_is_action(item))
            last_action_us = item->offset_us;
    }
    r->tail_us = end_us - last_action_us;
}

enum rc replay_init(struct replay *r, const struct recording *rec)
{
    enum rc rc;

    memset(r, 0, sizeof *r);
    r->rec = rec;
    normal_init(&r->expected);
    normal_init(&r->before);
    normal_init(&r->live);
    measure(r);
    rc = recording_normalise(rec, &r->expected);
    if (rc)
        replay_done(r);
    return rc;
}

void replay_done(struct replay *r)
{
    normal_done(&r->expected);
    normal_done(&r->before);
    normal_done(&r->live);
    free(r->group);
    r->group = NULL;
}

static enum rc note_difference(struct replay *r, const char *group, size_t index, int64_t now_us)
{
    if (r->group)
        return RC_OK; /* the first one counts */
    r->group = strdup(group);
    r->index = index;
    r->found_us = now_us;
    return r->group ? RC_OK : RC_NOMEM;
}

/* Compare the entries of a live group up to that number with what was recorded. */
static enum rc compare(struct replay *r, struct normal_group *g, size_t until, int64_t now_us)
{
    bool over = r->horizon_us && now_us > r->horizon_us;
    const struct normal_group *expected = normal_find(&r->expected, g->name);

    for (; g->checked < until; g->checked++) {
        bool is_beyond = !expected || g->checked >= expected->count;

        if (is_beyond && over)
            continue;
        if (is_beyond || strcmp(expected->at[g->checked].text, g->at[g->checked].text) != 0)
            return note_difference(r, g->name, g->checked, now_us);
    }
    return RC_OK;
}

enum rc replay_pass(struct replay *r, size_t item)
{
    enum rc rc = RC_OK;

    for (; r->passed < item && r->passed < r->rec->count && !rc; r->passed++)
        rc = recording_add_item(&r->rec->items[r->passed], &r->before);
    return rc;
}

enum rc replay_take(struct replay *r, const cJSON *event, const struct masks *masks, int64_t now_us)
{
    cJSON *masked = cJSON_Duplicate(event, true);
    bool changed = false;
    enum rc rc = masked ? mask_json(masks, masked) : RC_NOMEM;

    if (!rc)
        rc = normal_add(&r->live, masked, &changed);
    cJSON_Delete(masked);
    if (rc || !changed)
        return rc;
    r->changed_us = now_us;
    for (size_t i = 0; i < r->live.n_groups && !rc; i++) {
        struct normal_group *g = r->live.groups[i];

        if (g->count > g->peak)
            g->peak = g->count;
        if (!g->is_service)
            rc = compare(r, g, normal_settled(g), now_us);
    }
    return rc;
}

/* How many entries of a group must be seen before the items that were passed. A session that is noise in the end is none. */
static size_t wanted_of(const struct replay *r, const struct normal_group *before)
{
    const struct normal_group *whole = normal_find(&r->expected, before->name);
    size_t final = whole ? whole->count : 0;

    return before->count < final ? before->count : final;
}

bool replay_is_level(const struct replay *r)
{
    for (size_t i = 0; i < r->before.n_groups; i++) {
        const struct normal_group *before = r->before.groups[i], *live;

        if (before->is_service)
            continue;
        live = normal_find(&r->live, before->name);
        if ((live ? live->peak : 0) < wanted_of(r, before))
            return false;
    }
    return true;
}

enum rc replay_conclude(struct replay *r, int64_t now_us)
{
    const struct normal_group *missing = NULL;
    size_t index = 0;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < r->live.n_groups && !rc; i++)
        if (!r->live.groups[i]->is_service)
            rc = compare(r, r->live.groups[i], r->live.groups[i]->count, r->changed_us);
    if (rc || r->group)
        return rc;
    for (size_t i = 0; i < r->before.n_groups; i++) { /* of all that is missing, what was recorded first */
        const struct normal_group *before = r->before.groups[i], *live = normal_find(&r->live, before->name);
        const struct normal_group *whole = normal_find(&r->expected, before->name);
        size_t seen = live ? live->count : 0;

        if (before->is_service || (live ? live->peak : 0) >= wanted_of(r, before))
            continue;
        if (!missing || whole->at[seen].event < missing->at[index].event) {
            missing = whole;
            index = seen;
        }
    }
    return missing ? note_difference(r, missing->name, index, now_us) : RC_OK;
}
