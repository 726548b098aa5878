/* explore_shrink.c - see explore_shrink.h. */
#include "explore_shrink.h"

#include <stdlib.h>

#include "explore_internal.h"

#define ROUNDS_MAX 6 /* of all passes; each but the last made it smaller */

struct shrinker {
    const struct model *m;
    struct history *h; /* the smallest by now */
    shrink_try_fn *try_them;
    void *arg;
    cJSON *tried; /* texts of candidates that did not fail */
    struct history *candidates;
    size_t count;
    bool is_over;
    enum rc rc;
};

/* ---- candidates ---- */

/* A text for each history: the same for equal ones. */
static char *text_of(const struct history *h)
{
    struct buf out;

    buf_init(&out, 0);
    json_print(&out, h->start);
    json_print(&out, h->steps);
    if (h->watched)
        json_print(&out, h->watched);
    return buf_take(&out, NULL);
}

/* Or is it the one that we have? */
static bool was_tried(struct shrinker *s, const struct history *h)
{
    char *text = text_of(h), *now = text_of(s->h);
    bool was;

    if (!text || !now)
        s->rc = RC_NOMEM;
    was = !text || !now || strcmp(text, now) == 0 || json_get(s->tried, text);
    free(now);
    free(text);
    return was;
}

static void drop_candidates(struct shrinker *s)
{
    for (size_t i = 0; i < s->count; i++)
        history_done(&s->candidates[i]);
    free(s->candidates);
    s->candidates = NULL;
    s->count = 0;
}

/* Take a candidate over, if it is worth trying. */
static void offer(struct shrinker *s, struct history *candidate)
{
    struct history *longer;

    if (s->rc || !history_is_valid(s->m, candidate) || was_tried(s, candidate)) {
        history_done(candidate);
        return;
    }
    longer = realloc(s->candidates, (s->count + 1) * sizeof *longer);
    if (!longer) {
        history_done(candidate);
        s->rc = RC_NOMEM;
        return;
    }
    s->candidates = longer;
    s->candidates[s->count++] = *candidate;
}

static void note_tried(struct shrinker *s, const struct history *h)
{
    char *text = text_of(h);

    if (!text || json_set(s->tried, text, cJSON_CreateTrue()))
        s->rc = RC_NOMEM;
    free(text);
}

/* Try what was offered. returns true when the history is smaller now */
static bool settle(struct shrinker *s)
{
    size_t found = SHRINK_NONE;

    if (!s->rc && !s->is_over && s->count)
        found = s->try_them(s->arg, s->candidates, s->count);
    s->is_over = s->is_over || found == SHRINK_STOP;
    for (size_t i = 0; i < s->count && i < found && !s->is_over; i++)
        note_tried(s, &s->candidates[i]);
    if (found < s->count) {
        struct history smaller = s->candidates[found];

        s->candidates[found] = *s->h; /* freed with the rest */
        *s->h = smaller;
    }
    drop_candidates(s);
    return found < SHRINK_STOP;
}

/* A copy to be changed; all NULL without memory. */
static struct history copy_of(struct shrinker *s)
{
    struct history h;

    if (history_copy(s->h, &h))
        s->rc = RC_NOMEM;
    return h;
}

static bool goes_on(const struct shrinker *s)
{
    return !s->rc && !s->is_over;
}

/* ---- steps ---- */

static size_t step_count(const struct shrinker *s)
{
    return (size_t)cJSON_GetArraySize(s->h->steps);
}

/* Offer the history without the steps from..to (excluded). */
static void offer_without(struct shrinker *s, size_t from, size_t to)
{
    struct history h = copy_of(s);

    for (size_t i = from; i < to && h.steps; i++)
        cJSON_DeleteItemFromArray(h.steps, (int)from);
    if (h.steps)
        offer(s, &h);
}

/* Delta debugging: pieces that get smaller are left out, one at a time. */
static bool shrink_steps(struct shrinker *s)
{
    size_t pieces = 2;
    bool any = false;

    while (goes_on(s) && step_count(s) > 1 && pieces <= step_count(s)) {
        size_t n = step_count(s);

        for (size_t i = 0; i < pieces; i++)
            offer_without(s, i * n / pieces, (i + 1) * n / pieces);
        if (settle(s)) {
            any = true;
            pieces = pieces > 2 ? pieces - 1 : 2;
        } else if (pieces == n) {
            break;
        } else {
            pieces = pieces * 2 < n ? pieces * 2 : n;
        }
    }
    return any;
}

/* Pairs belong together (stop and start, a fault and its end), though neither can go alone. */
static bool shrink_pairs(struct shrinker *s)
{
    bool any = false, more = true;

    while (more && goes_on(s)) {
        size_t n = step_count(s);

        for (size_t i = 0; i < n; i++) {
            for (size_t k = i + 1; k < n; k++) {
                struct history h = copy_of(s);

                if (!h.steps)
                    continue;
                cJSON_DeleteItemFromArray(h.steps, (int)k);
                cJSON_DeleteItemFromArray(h.steps, (int)i);
                offer(s, &h);
            }
        }
        more = s->count <= 40 ? settle(s) : false;
        drop_candidates(s);
        any = any || more;
    }
    return any;
}

static unsigned checks_of(const struct history *h)
{
    const cJSON *step;
    unsigned n = 0;

    cJSON_ArrayForEach(step, h->steps)
    {
        n += step_is_check(step);
    }
    return n;
}

/* Looking for old versions takes long: only the last check has to. */
static void offer_plain_checks(struct shrinker *s, size_t last)
{
    struct history h = copy_of(s);

    for (size_t i = 0; i < last && h.steps; i++) {
        cJSON *step = cJSON_GetArrayItem(h.steps, (int)i);

        if (step_is_check(step) && strcmp(step->child->valuestring, "versions") == 0 &&
            json_set(step, "check", json_str(STR("converged"))))
            s->rc = RC_NOMEM;
    }
    if (h.steps)
        offer(s, &h);
}

/* Only the last check stays, and it becomes the one that looks for least. */
static bool shrink_checks(struct shrinker *s)
{
    static const char *const words[] = {"alive", "quiet", "idle", "converged"};
    struct history h = copy_of(s);
    size_t n = step_count(s), last = n;
    bool any;

    for (size_t i = 0; i < n; i++)
        last = step_is_check(cJSON_GetArrayItem(s->h->steps, (int)i)) ? i : last;
    for (size_t i = last; i-- > 0 && h.steps;)
        if (step_is_check(cJSON_GetArrayItem(h.steps, (int)i)))
            cJSON_DeleteItemFromArray(h.steps, (int)i);
    if (h.steps)
        offer(s, &h);
    offer_plain_checks(s, last);
    any = settle(s);
    n = step_count(s);
    if (checks_of(s->h) != 1) /* it does not fail at the last one alone */
        return any;
    if (!goes_on(s) || n == 0 || !step_is_check(cJSON_GetArrayItem(s->h->steps, (int)n - 1)))
        return any;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *now = cJSON_GetArrayItem(s->h->steps, (int)n - 1)->child->valuestring;

        if (strcmp(now, words[i]) == 0 || strcmp(now, "versions") == 0)
            break;
        h = copy_of(s);
        if (h.steps && json_set(cJSON_GetArrayItem(h.steps, (int)n - 1), "check", json_str(str_from(words[i]))))
            s->rc = RC_NOMEM;
        if (h.steps)
            offer(s, &h);
    }
    return settle(s) || any;
}

/* ---- what a check looks at ---- */

static void offer_watching(struct shrinker *s, const char *name)
{
    struct history h = copy_of(s);
    cJSON *one = json_str(str_from(name));

    cJSON_Delete(h.watched);
    h.watched = cJSON_CreateArray();
    if (!one || !h.steps || !h.watched || !cJSON_AddItemToArray(h.watched, one)) {
        cJSON_Delete(one);
        history_done(&h);
        s->rc = RC_NOMEM;
        return;
    }
    offer(s, &h);
}

static bool shrink_watched(struct shrinker *s, const char *suspect)
{
    if (s->h->watched || !goes_on(s))
        return false;
    if (suspect)
        offer_watching(s, suspect);
    if (settle(s))
        return true;
    for (size_t i = 0; i < s->m->count && !s->rc; i++)
        offer_watching(s, s->m->at[i].name);
    return settle(s);
}

/* ---- members ---- */

/* The object of names that a step writes; NULL: it writes none. */
static cJSON *written_by(const cJSON *step)
{
    return strcmp(step_kind(step), "desired") == 0   ? step->child
           : strcmp(step_kind(step), "replace") == 0 ? json_get(step->child, "desired")
                                                     : NULL;
}

/* The objects of names of a history, by number: the start's first. NULL behind the last. */
static cJSON *written_at(const struct history *h, size_t number)
{
    cJSON *step;

    if (number == 0)
        return h->start;
    cJSON_ArrayForEach(step, h->steps)
    {
        cJSON *written = written_by(step);

        if (written && --number == 0)
            return written;
    }
    return NULL;
}

/* Steps that write nothing any more. */
static void drop_empty_steps(struct history *h)
{
    for (int i = cJSON_GetArraySize(h->steps); i-- > 0;) {
        const cJSON *step = cJSON_GetArrayItem(h->steps, i);

        if (strcmp(step_kind(step), "desired") == 0 && !step->child->child)
            cJSON_DeleteItemFromArray(h->steps, i);
    }
}

/* All that is about other properties goes at once. */
static bool shrink_to_watched(struct shrinker *s)
{
    const cJSON *name = s->h->watched ? s->h->watched->child : NULL;
    struct history h;

    if (!name || !goes_on(s))
        return false;
    h = copy_of(s);
    for (size_t i = 0; i < s->m->count && h.steps; i++) {
        cJSON *written;

        if (strcmp(s->m->at[i].name, name->valuestring) == 0)
            continue;
        for (size_t n = 0; (written = written_at(&h, n)) != NULL; n++) {
            json_remove(written, s->m->at[i].set);
            json_remove(written, s->m->at[i].remove);
        }
    }
    if (h.steps) {
        drop_empty_steps(&h);
        offer(s, &h);
    }
    return settle(s);
}

static bool shrink_members(struct shrinker *s)
{
    bool any = false, more = true;

    while (more && goes_on(s)) {
        const cJSON *written;

        for (size_t n = 0; (written = written_at(s->h, n)) != NULL; n++) {
            for (int i = 0; i < cJSON_GetArraySize(written); i++) {
                struct history h = copy_of(s);

                if (!h.steps)
                    continue;
                json_remove(written_at(&h, n), cJSON_GetArrayItem(written, i)->string);
                drop_empty_steps(&h);
                offer(s, &h);
            }
        }
        more = settle(s);
        any = any || more;
    }
    return any;
}

/* The first value of its property that stands before this one; NULL: it is the simplest. */
static const cJSON *simpler_value(const struct model *m, const cJSON *member)
{
    for (size_t i = 0; i < m->count; i++) {
        const cJSON *first = m->at[i].values->child, *one;

        if (strcmp(m->at[i].set, member->string) != 0)
            continue;
        cJSON_ArrayForEach(one, m->at[i].values)
        {
            if (json_eq(one, member))
                return one == first ? NULL : first;
        }
    }
    return NULL;
}

static bool shrink_values(struct shrinker *s)
{
    bool any = false, more = true;

    while (more && goes_on(s)) {
        const cJSON *written;

        for (size_t n = 0; (written = written_at(s->h, n)) != NULL; n++) {
            const cJSON *member;

            cJSON_ArrayForEach(member, written)
            {
                const cJSON *simpler = simpler_value(s->m, member);
                struct history h = simpler ? copy_of(s) : (struct history){NULL, NULL, NULL};

                if (!h.steps)
                    continue;
                if (json_set(written_at(&h, n), member->string, cJSON_Duplicate(simpler, true)))
                    s->rc = RC_NOMEM;
                offer(s, &h);
            }
        }
        more = settle(s);
        any = any || more;
    }
    return any;
}

enum rc history_shrink(const struct model *m, struct history *h, const char *suspect, shrink_try_fn *try_them,
                       void *arg)
{
    struct shrinker s = {.m = m, .h = h, .try_them = try_them, .arg = arg, .tried = cJSON_CreateObject()};
    bool more = true;

    s.rc = s.tried ? RC_OK : RC_NOMEM;
    (void)shrink_checks(&s);
    if (shrink_watched(&s, suspect))
        (void)shrink_to_watched(&s);
    for (int round = 0; more && round < ROUNDS_MAX && goes_on(&s); round++) {
        more = shrink_steps(&s);
        more = shrink_pairs(&s) || more;
        more = shrink_members(&s) || more;
        more = shrink_values(&s) || more;
    }
    drop_candidates(&s);
    cJSON_Delete(s.tried);
    return s.rc;
}
