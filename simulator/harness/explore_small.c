/* explore_small.c - what was found is made small: candidates are run until none that is smaller fails in the same way.
 *
 * Which candidates there are is said by explore_shrink.h; here is what it costs to try them, and how often one that does not always fail
 * has to be tried.
 */
#include <inttypes.h>
#include <stdio.h>

#include "explore_shrink.h"
#include "explorer.h"
#include "iso_time.h"

#define REPEATS     3u /* of what was found: does it always fail? */
#define PATIENCE    6  /* times what converging took until now: longer no candidate waits */
#define PATIENCE_US (US_PER_S / 2)
#define TRIES       3u /* of a candidate, when it does not */

/* Run some of the candidates, each `tries` times, all at once. *found: the first that failed in the same way */
static enum rc try_some(struct explorer *e, const struct history *h, size_t count, size_t *found)
{
    struct history all[BATCH_MAX];
    cJSON *results = NULL;
    enum rc rc;

    for (size_t i = 0; i < count * e->tries; i++)
        all[i] = h[i / e->tries]; /* lent */
    rc = explorer_run(e, all, count * e->tries, &results);
    for (size_t i = 0; i < count * e->tries && !rc; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        explorer_note(e, result, law);
        if (!explorer_is_same(e, result, law))
            continue;
        explorer_keep(&e->out->last, result);
        *found = i / e->tries;
        break;
    }
    cJSON_Delete(results);
    return rc;
}

static size_t try_candidates(void *arg, const struct history *candidates, size_t count)
{
    struct explorer *e = arg;
    size_t found = SIZE_MAX, at_once = e->o->jobs;

    for (size_t i = 0; i < count && found == SIZE_MAX; i += at_once) {
        size_t some = count - i < at_once ? count - i : at_once;

        e->out->progress.steps = (unsigned)cJSON_GetArraySize(e->out->smallest.steps);
        explorer_tell(e);
        if (explorer_is_over(e) || try_some(e, candidates + i, some, &found))
            return SHRINK_STOP;
        e->out->progress.tried += (unsigned)some;
        if (found != SIZE_MAX)
            found += i;
    }
    return found == SIZE_MAX ? SHRINK_NONE : found;
}

/* Run what was found some more times: a verdict that is not always the same takes more tries. */
static enum rc repeat(struct explorer *e)
{
    struct history again[REPEATS];
    cJSON *results = NULL;
    enum rc rc;

    e->out->repeats = e->out->failed = 0;
    for (size_t i = 0; i < REPEATS; i++)
        again[i] = e->out->smallest; /* lent */
    rc = explorer_run(e, again, REPEATS, &results);
    for (size_t i = 0; i < REPEATS && !rc; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        explorer_note(e, result, law);
        e->out->repeats += !explorer_is_verdict(result, VERDICT_SKIPPED);
        if (!explorer_is_same(e, result, law))
            continue;
        e->out->failed++;
        explorer_keep(&e->out->last, result);
    }
    cJSON_Delete(results);
    return rc;
}

/* Old versions are seen in the events, also when every check passes. With checks that look for them, and without the pauses that
 * let them pass unseen, the scenario fails by itself; if not, it stays as it was found, and only explore can judge it. */
static enum rc look_for_versions(struct explorer *e)
{
    struct history found = e->out->smallest;
    cJSON *step;
    enum rc rc = history_copy(&found, &e->out->smallest);

    if (rc) {
        e->out->smallest = found;
        return rc;
    }
    for (int i = cJSON_GetArraySize(found.steps); i-- > 0 && !rc;) {
        step = cJSON_GetArrayItem(e->out->smallest.steps, i);
        if (strcmp(step_kind(step), "wait") == 0)
            cJSON_DeleteItemFromArray(e->out->smallest.steps, i);
        else if (step_is_check(step) && strcmp(step->child->valuestring, "converged") == 0)
            rc = json_set(step, "check", json_str(STR("versions")));
    }
    e->out->is_judged_here = false;
    if (!rc)
        rc = repeat(e);
    if (!rc && e->out->failed) {
        explorer_cut_behind(e, &e->out->smallest, e->out->last);
        history_done(&found);
        return RC_OK;
    }
    history_done(&e->out->smallest);
    e->out->smallest = found;
    e->out->is_judged_here = true;
    return rc ? rc : repeat(e);
}

/* A candidate that does not fail converges soon, so it need not be waited for as long as the model allows. */
static void lose_patience(struct explorer *e)
{
    int64_t allowed_us, us = e->slowest_us * PATIENCE + PATIENCE_US;

    if (duration_read(str_from(e->o->model->within), &allowed_us) || us >= allowed_us)
        return;
    (void)snprintf(e->within, sizeof e->within, "%" PRId64 "ms", us / 1000);
    e->model.within = e->within;
}

/* With the model's own patience again: what only seemed to fail is not what was found. */
static enum rc shrink_patiently(struct explorer *e, const char *suspect)
{
    struct history found = {NULL, NULL, NULL}, smallest;
    enum rc rc = history_copy(&e->out->smallest, &found);
    size_t failing = SIZE_MAX;

    lose_patience(e);
    if (!rc)
        rc = history_shrink(&e->model, &e->out->smallest, suspect, try_candidates, e);
    if (e->model.within != e->within || rc || e->out->is_interrupted)
        goto done;
    e->model.within = e->o->model->within;
    rc = try_some(e, &e->out->smallest, 1, &failing);
    if (rc || failing != SIZE_MAX || explorer_is_over(e))
        goto done;
    smallest = e->out->smallest;
    e->out->smallest = found;
    found = smallest;
    rc = history_shrink(&e->model, &e->out->smallest, suspect, try_candidates, e);

done:
    history_done(&found);
    return rc;
}

enum rc explorer_make_small(struct explorer *e)
{
    const char *suspect = NULL;
    enum rc rc;

    e->out->progress.is_shrinking = true;
    e->out->progress.steps = (unsigned)cJSON_GetArraySize(e->out->smallest.steps);
    e->until_us = explorer_now_us() + e->o->shrink_us;
    explorer_tell(e);
    if (explorer_is_over(e))
        return RC_OK;
    rc = e->out->law == LAW_VERSIONS ? look_for_versions(e) : repeat(e);
    if (rc || e->out->failed == 0 || explorer_is_over(e))
        return rc;
    e->tries = e->out->failed == e->out->repeats ? 1 : TRIES;
    (void)law_of_result(&e->model, e->out->last, &suspect);
    return shrink_patiently(e, suspect);
}
