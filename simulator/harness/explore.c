/* explore.c - see explore.h. */
#include "explore.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "explore_internal.h"
#include "explore_shrink.h"
#include "files.h"
#include "iso_time.h"
#include "run.h"

#define US_PER_S     INT64_C(1000000)
#define BATCH_FACTOR 4u /* histories in a batch, for each job: workers wait for the last of a batch */
#define BATCH_MAX    (64u * BATCH_FACTOR)
#define REPEATS      3u /* of what was found: does it always fail? */
#define PATIENCE     6  /* times what converging took until now: longer no candidate waits */
#define PATIENCE_US  (US_PER_S / 2)
#define TRIES        3u /* of a candidate, when it does not */

struct explorer {
    const struct explore_options *o;
    struct model model; /* the given one, but for `within` while candidates are tried; lends all */
    char within[32];
    int64_t slowest_us; /* that an agent took to converge */
    const struct explore_listener *listener;
    struct explore_result *out;
    char dir[PATH_MAX];
    int64_t begin_us, until_us; /* 0: without limit */
    unsigned tries;
    sigset_t signals;
};

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* ---- a batch of runs ---- */

/* Print a history into a file of our folder and read it as the scenario that it is.
 * returns RC_OK, RC_CORRUPT (it is no good scenario: the model says what no step can), or as the parts do */
static enum rc make_scenario(struct explorer *e, const struct history *h, size_t number, struct scenario **out)
{
    char name[32], file[PATH_MAX];
    struct problems problems;
    struct buf text;
    enum rc rc;

    problems_init(&problems);
    buf_init(&text, 0);
    (void)snprintf(name, sizeof name, "%zu.jsonc", number);
    history_print(&e->model, h, "explore", "its lines are numbered as those of what is told in the end", &text);
    rc = text.rc ? text.rc : path_join(file, e->dir, name);
    if (!rc)
        rc = file_write(file, buf_view(&text), 0600, false);
    if (!rc)
        rc = scenario_read(file, 0, &problems, out);
    if (rc == RC_SYNTAX) {
        (void)fputs(problems.lines.at ? problems.lines.at : "", stderr);
        rc = RC_CORRUPT;
    }
    buf_done(&text);
    problems_done(&problems);
    return rc;
}

static void on_nothing(void *arg, size_t index, const cJSON *node)
{
    (void)arg;
    (void)index;
    (void)node;
}

static void on_start(void *arg, size_t index)
{
    (void)arg;
    (void)index;
}

/* Run so many histories. *results: as run_all gives them */
static enum rc run_batch(struct explorer *e, const struct history *h, size_t count, cJSON **results)
{
    struct run_options o = {.agent = e->o->agent, .ca_dir = e->o->ca_dir, .jobs = e->o->jobs, .events = true};
    struct run_listener nobody = {NULL, on_start, on_nothing, on_nothing};
    struct scenario *scenarios[BATCH_MAX] = {NULL};
    enum rc rc = RC_OK;

    for (size_t i = 0; i < count && !rc; i++)
        rc = make_scenario(e, &h[i], i, &scenarios[i]);
    if (!rc)
        rc = run_all(&o, scenarios, count, &nobody, results, &e->out->hub_lost);
    for (size_t i = 0; i < count; i++)
        scenario_free(scenarios[i]);
    return rc;
}

static bool is_verdict(const cJSON *result, enum verdict v)
{
    const char *text = json_get_text(result, "verdict");

    return text && strcmp(text, verdict_text(v)) == 0;
}

/* Does it fail as what was found did? What is to be printed has to fail by itself, too. */
static bool is_same(const struct explorer *e, const cJSON *result, enum law law)
{
    return law == e->out->law && (e->out->is_judged_here || is_verdict(result, VERDICT_FAILED));
}

/* Keep a copy of a result in the place of the older one. */
static void keep(cJSON **place, const cJSON *result)
{
    cJSON_Delete(*place);
    *place = cJSON_Duplicate(result, true);
}

/* How long it took until the twin was as it should be. */
static void note_convergence(struct explorer *e, const cJSON *result)
{
    const cJSON *step;

    cJSON_ArrayForEach(step, json_get(result, "steps"))
    {
        const char *text = json_get_text(step, "text"), *verdict = json_get_text(step, "verdict");
        int64_t ms;

        if (text && verdict && str_starts(str_from(text), STR("twin ")) &&
            strcmp(verdict, verdict_text(VERDICT_PASSED)) == 0 && json_get_i64(step, "ms", &ms) == RC_OK &&
            ms * 1000 > e->slowest_us)
            e->slowest_us = ms * 1000;
    }
}

/* A run that gave no verdict about the agent is counted, and the last is kept. A candidate may well go another way. */
static void note_result(struct explorer *e, const cJSON *result, enum law law)
{
    if (is_verdict(result, VERDICT_SKIPPED)) {
        e->out->is_interrupted = true;
    } else if (is_verdict(result, VERDICT_ERROR)) {
        e->out->progress.errors++;
        keep(&e->out->error, result);
    } else if (is_verdict(result, VERDICT_FAILED) && !law && !e->out->progress.is_shrinking) {
        e->out->progress.spoiled++;
        keep(&e->out->error, result);
    }
}

static void tell(struct explorer *e)
{
    struct timespec at_once = {0, 0};

    e->out->progress.us = now_us() - e->begin_us;
    if (sigtimedwait(&e->signals, NULL, &at_once) > 0)
        e->out->is_interrupted = true;
    if (e->listener && e->listener->on_progress)
        e->listener->on_progress(e->listener->arg, &e->out->progress);
}

static bool is_over(const struct explorer *e)
{
    return e->out->is_interrupted || e->out->hub_lost || (e->until_us && now_us() >= e->until_us);
}

/* ---- finding ---- */

static unsigned changes_in(const struct history *h)
{
    const cJSON *step;
    unsigned n = 0;

    cJSON_ArrayForEach(step, h->steps)
    {
        n += strcmp(step_kind(step), "desired") == 0 || strcmp(step_kind(step), "replace") == 0;
    }
    return n;
}

/* The step at which a run ended: what stands behind it has nothing to do with it. */
static void cut_behind(struct explorer *e, struct history *h, const cJSON *result)
{
    int steps = cJSON_GetArraySize(json_get(result, "steps"));
    size_t last = steps ? history_step_of(&e->model, h, (size_t)steps - 1) : 0;

    while ((size_t)cJSON_GetArraySize(h->steps) > last + 1)
        cJSON_DeleteItemFromArray(h->steps, (int)last + 1);
}

/* A crash shows itself at whatever step comes next; cut there, a history may have nothing left that looks. */
static enum rc end_with_check(struct history *h, const char *word)
{
    int n = cJSON_GetArraySize(h->steps);
    cJSON *step;

    if (n && step_is_check(cJSON_GetArrayItem(h->steps, n - 1)))
        return RC_OK;
    step = cJSON_CreateObject();
    if (step && json_set(step, "check", json_str(str_from(word))) == RC_OK && cJSON_AddItemToArray(h->steps, step))
        return RC_OK;
    cJSON_Delete(step);
    return RC_NOMEM;
}

/* What a batch showed: the first that broke a law is taken over. */
static enum rc judge_batch(struct explorer *e, struct history *h, size_t count, uint64_t first, const cJSON *results)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < count; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        note_result(e, result, law);
        note_convergence(e, result);
        e->out->progress.histories += !is_verdict(result, VERDICT_SKIPPED);
        e->out->progress.changes += changes_in(&h[i]);
        if (!law || e->out->law)
            continue;
        e->out->law = law;
        e->out->index = first + i;
        e->out->smallest = h[i];
        h[i] = (struct history){NULL, NULL, NULL};
        keep(&e->out->last, result);
        e->out->is_judged_here = law == LAW_VERSIONS;
        if (law != LAW_ENDS && law != LAW_VERSIONS)
            cut_behind(e, &e->out->smallest, result);
        rc = law == LAW_ALIVE ? end_with_check(&e->out->smallest, "alive") : RC_OK;
    }
    return rc;
}

static enum rc find(struct explorer *e)
{
    struct history h[BATCH_MAX];
    uint64_t next = e->o->first, end = e->o->histories ? next + e->o->histories : UINT64_MAX;
    size_t batch = e->o->jobs; /* small at first: what is always wrong is seen soon */
    enum rc rc = RC_OK;

    while (!rc && !e->out->law && !is_over(e) && next < end) {
        size_t made = 0;
        cJSON *results = NULL;

        while (made < batch && made < end - next && !rc) {
            rc = history_make(&e->model, e->o->seed, next + made, e->o->max_steps, &h[made]);
            made += !rc;
        }
        if (!rc)
            rc = run_batch(e, h, made, &results);
        if (!rc)
            rc = judge_batch(e, h, made, next, results);
        for (size_t i = 0; i < made; i++)
            history_done(&h[i]);
        cJSON_Delete(results);
        next += made;
        if (batch < (size_t)e->o->jobs * BATCH_FACTOR)
            batch += e->o->jobs;
        tell(e);
    }
    return rc;
}

/* ---- making it small ---- */

/* Run some of the candidates, each `tries` times, all at once. *found: the first that failed in the same way */
static enum rc try_some(struct explorer *e, const struct history *h, size_t count, size_t *found)
{
    struct history all[BATCH_MAX];
    cJSON *results = NULL;
    enum rc rc;

    for (size_t i = 0; i < count * e->tries; i++)
        all[i] = h[i / e->tries]; /* lent */
    rc = run_batch(e, all, count * e->tries, &results);
    for (size_t i = 0; i < count * e->tries && !rc; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        note_result(e, result, law);
        if (!is_same(e, result, law))
            continue;
        keep(&e->out->last, result);
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
        tell(e);
        if (is_over(e) || try_some(e, candidates + i, some, &found))
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
    rc = run_batch(e, again, REPEATS, &results);
    for (size_t i = 0; i < REPEATS && !rc; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        note_result(e, result, law);
        e->out->repeats += !is_verdict(result, VERDICT_SKIPPED);
        if (!is_same(e, result, law))
            continue;
        e->out->failed++;
        keep(&e->out->last, result);
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
        cut_behind(e, &e->out->smallest, e->out->last);
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
    if (rc || failing != SIZE_MAX || is_over(e))
        goto done;
    smallest = e->out->smallest;
    e->out->smallest = found;
    found = smallest;
    rc = history_shrink(&e->model, &e->out->smallest, suspect, try_candidates, e);

done:
    history_done(&found);
    return rc;
}

static enum rc make_small(struct explorer *e)
{
    const char *suspect = NULL;
    enum rc rc;

    e->out->progress.is_shrinking = true;
    e->out->progress.steps = (unsigned)cJSON_GetArraySize(e->out->smallest.steps);
    e->until_us = now_us() + e->o->shrink_us;
    tell(e);
    if (is_over(e))
        return RC_OK;
    rc = e->out->law == LAW_VERSIONS ? look_for_versions(e) : repeat(e);
    if (rc || e->out->failed == 0 || is_over(e))
        return rc;
    e->tries = e->out->failed == e->out->repeats ? 1 : TRIES;
    (void)law_of_result(&e->model, e->out->last, &suspect);
    return shrink_patiently(e, suspect);
}

/* ---- all of it ---- */

static enum rc make_folder(struct explorer *e)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(e->dir, sizeof e->dir, "%s/twinsim-explore-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");

    return n > 0 && (size_t)n < sizeof e->dir && mkdtemp(e->dir) ? RC_OK : RC_IO;
}

static void remove_folder(const struct explorer *e)
{
    char name[32], file[PATH_MAX];

    for (size_t i = 0; i < BATCH_MAX; i++) {
        (void)snprintf(name, sizeof name, "%zu.jsonc", i);
        if (path_join(file, e->dir, name) == RC_OK)
            (void)unlink(file);
    }
    (void)rmdir(e->dir);
}

enum rc explore(const struct explore_options *options, const struct explore_listener *listener,
                struct explore_result *out)
{
    struct explorer e = {
        .o = options, .model = *options->model, .listener = listener, .out = out, .tries = 1, .begin_us = now_us()};
    sigset_t before;
    enum rc rc;

    *out = (struct explore_result){.law = LAW_NONE};
    assert(options->jobs > 0 && options->jobs * BATCH_FACTOR <= BATCH_MAX);
    if (make_folder(&e))
        return RC_IO;
    /* Between two batches a signal waits for us; within one it is the runner's. */
    (void)sigemptyset(&e.signals);
    (void)sigaddset(&e.signals, SIGINT);
    (void)sigaddset(&e.signals, SIGTERM);
    (void)sigaddset(&e.signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &e.signals, &before);
    if (options->limit_us)
        e.until_us = e.begin_us + options->limit_us;
    rc = find(&e);
    if (!rc && out->law)
        rc = make_small(&e);
    tell(&e);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    remove_folder(&e);
    if (rc)
        explore_result_done(out);
    return rc;
}

void explore_result_done(struct explore_result *r)
{
    history_done(&r->smallest);
    cJSON_Delete(r->last);
    cJSON_Delete(r->error);
    *r = (struct explore_result){.law = LAW_NONE};
}

void explore_print(const struct explore_options *options, enum law law, uint64_t index, const struct history *h,
                   struct buf *out)
{
    char name[128], comment[256];

    (void)snprintf(comment, sizeof comment, "twinsim explore --seed %" PRIu64 " --steps %u, history %" PRIu64 "%s",
                   options->seed, options->max_steps, index, law && options->shrink_us ? ", made smaller" : "");
    (void)snprintf(name, sizeof name, "%s", law ? law_text(law) : "a random history");
    history_print(options->model, h, name, comment, out);
}
