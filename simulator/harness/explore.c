/* explore.c - see explore.h: histories are made and run until one breaks a law. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "explorer.h"
#include "files.h"

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

/* What a batch showed: the first that broke a law is taken over. */
static enum rc judge_batch(struct explorer *e, struct history *h, size_t count, uint64_t first, const cJSON *results)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < count; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, (int)i);
        enum law law = law_of_result(&e->model, result, NULL);

        explorer_note(e, result, law);
        note_convergence(e, result);
        e->out->progress.histories += !explorer_is_verdict(result, VERDICT_SKIPPED);
        e->out->progress.changes += changes_in(&h[i]);
        if (!law || e->out->law)
            continue;
        e->out->law = law;
        e->out->index = first + i;
        e->out->smallest = h[i];
        h[i] = (struct history){NULL, NULL, NULL};
        explorer_keep(&e->out->last, result);
        e->out->is_judged_here = law == LAW_VERSIONS;
        if (law != LAW_ENDS && law != LAW_VERSIONS)
            explorer_cut_behind(e, &e->out->smallest, result);
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

    while (!rc && !e->out->law && !explorer_is_over(e) && next < end) {
        size_t made = 0;
        cJSON *results = NULL;

        while (made < batch && made < end - next && !rc) {
            rc = history_make(&e->model, e->o->seed, next + made, e->o->max_steps, &h[made]);
            made += !rc;
        }
        if (!rc)
            rc = explorer_run(e, h, made, &results);
        if (!rc)
            rc = judge_batch(e, h, made, next, results);
        for (size_t i = 0; i < made; i++)
            history_done(&h[i]);
        cJSON_Delete(results);
        next += made;
        if (batch < (size_t)e->o->jobs * BATCH_FACTOR)
            batch += e->o->jobs;
        explorer_tell(e);
    }
    return rc;
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
    struct explorer e = {.o = options,
                         .model = *options->model,
                         .listener = listener,
                         .out = out,
                         .tries = 1,
                         .begin_us = explorer_now_us()};
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
        rc = explorer_make_small(&e);
    explorer_tell(&e);
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
