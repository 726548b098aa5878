/* explore_run.c - histories are run, many at a time, and what a run showed is noted. See explorer.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "explorer.h"
#include "files.h"

int64_t explorer_now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

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

enum rc explorer_run(struct explorer *e, const struct history *h, size_t count, cJSON **results)
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

bool explorer_is_verdict(const cJSON *result, enum verdict v)
{
    const char *text = json_get_text(result, "verdict");

    return text && strcmp(text, verdict_text(v)) == 0;
}

bool explorer_is_same(const struct explorer *e, const cJSON *result, enum law law)
{
    return law == e->out->law && (e->out->is_judged_here || explorer_is_verdict(result, VERDICT_FAILED));
}

void explorer_keep(cJSON **place, const cJSON *result)
{
    cJSON_Delete(*place);
    *place = cJSON_Duplicate(result, true);
}

void explorer_note(struct explorer *e, const cJSON *result, enum law law)
{
    if (explorer_is_verdict(result, VERDICT_SKIPPED)) {
        e->out->is_interrupted = true;
    } else if (explorer_is_verdict(result, VERDICT_ERROR)) {
        e->out->progress.errors++;
        explorer_keep(&e->out->error, result);
    } else if (explorer_is_verdict(result, VERDICT_FAILED) && !law && !e->out->progress.is_shrinking) {
        e->out->progress.spoiled++;
        explorer_keep(&e->out->error, result);
    }
}

void explorer_tell(struct explorer *e)
{
    struct timespec at_once = {0, 0};

    e->out->progress.us = explorer_now_us() - e->begin_us;
    if (sigtimedwait(&e->signals, NULL, &at_once) > 0)
        e->out->is_interrupted = true;
    if (e->listener && e->listener->on_progress)
        e->listener->on_progress(e->listener->arg, &e->out->progress);
}

bool explorer_is_over(const struct explorer *e)
{
    return e->out->is_interrupted || e->out->hub_lost || (e->until_us && explorer_now_us() >= e->until_us);
}

void explorer_cut_behind(struct explorer *e, struct history *h, const cJSON *result)
{
    int steps = cJSON_GetArraySize(json_get(result, "steps"));
    size_t last = steps ? history_step_of(&e->model, h, (size_t)steps - 1) : 0;

    while ((size_t)cJSON_GetArraySize(h->steps) > last + 1)
        cJSON_DeleteItemFromArray(h->steps, (int)last + 1);
}
