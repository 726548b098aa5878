/* run_end.c - the end of a scenario: what stands as its verdict, everything ended and removed, and the result. */
#include "run_internal.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descendants.h"

#define OUTPUT_SHORT 4000u /* bytes of the agent's last output in a failure */
#define EVENTS_TOLD  2000u
#define EVENTS_DRAWN 20000u              /* by a report that draws them */
#define LINGER_US    (US_PER_S * 3 / 10) /* for an agent's children to end after it */
#define END_MS       5000

/* Whatever was decided stands only if no event was missed. */
static enum verdict judge_events(struct run *r, enum verdict v)
{
    cJSON *failure = r->failure;
    enum verdict seen;

    if (v == VERDICT_ERROR || !r->service)
        return v;
    r->failure = NULL;
    seen = run_check_seen_all(r);
    if (seen) {
        const char *message = json_get_text(failure, "message");

        if (message)
            run_hint(r, "before that: %s", message);
        cJSON_Delete(failure);
        return seen;
    }
    cJSON_Delete(r->failure);
    r->failure = failure;
    return v;
}

/* An agent may write anything; a report is text. */
static void add_plain(struct buf *out, struct str lines)
{
    for (size_t i = 0; i < lines.len; i++)
        buf_add_char(
            out, (unsigned char)lines.at[i] < 0x20 && lines.at[i] != '\n' && lines.at[i] != '\t' ? '?' : lines.at[i]);
}

/* The last output of all agents, each behind its name when there are several. */
static void keep_output(struct run *r)
{
    struct buf text;
    uint64_t total = 0;
    bool was_started = false;

    buf_init(&text, 0);
    for (size_t i = 0; i < r->n_agents; i++) {
        const struct agent *a = &r->agents[i];

        if (r->n_agents > 1)
            buf_addf(&text, "%s-- %s --\n", i ? "\n" : "", a->name);
        add_plain(&text, tail_lines(&a->output, OUTPUT_SHORT / r->n_agents));
        total += a->output.total;
        was_started = was_started || a->was_started;
    }
    if (r->failure && was_started &&
        (json_set(r->failure, "output", json_str(buf_view(&text))) ||
         json_set(r->failure, "outputBytes", json_i64((int64_t)total))))
        run_note(r, "the agent's output could not be kept: %s", rc_text(RC_NOMEM));
    buf_done(&text);
}

/* Let the agents end as they should; the first that does not is told. */
static enum verdict stop_agents(struct run *r, enum verdict v)
{
    for (size_t i = 0; i < r->n_agents; i++) {
        enum verdict stopped = run_agent_stop(r, &r->agents[i], false);

        if (v && stopped == VERDICT_FAILED)
            run_note(r, "the agent did not end within %d s of SIGTERM; it was killed", (int)(STOP_US / US_PER_S));
        if (!v)
            v = stopped;
    }
    return v;
}

/* End everything below us but the hub. */
static enum verdict end_processes(struct run *r, enum verdict v)
{
    int64_t until_us;
    pid_t hub[HUB_PROCESS_PIDS];
    size_t n_hub = hub_process_pids(r->hub, hub);
    unsigned count, left = 0, were_running = 0;

    v = stop_agents(r, v);
    until_us = run_now_us() + LINGER_US;
    while (r->n_agents && run_agents_left_behind(r) && run_now_us() < until_us &&
           run_turn(r, run_now_us() + US_PER_S / 100) == VERDICT_PASSED) { /* their children may need a moment */
    }
    count = descendants_end(hub, n_hub, END_MS, &left);
    for (size_t i = 0; i < r->n_agents; i++) {
        if (run_agent_is_running(&r->agents[i])) {
            were_running++;
            (void)agent_process_has_ended(&r->agents[i].process);
        }
    }
    if (count && !were_running)
        run_note(r, "%s left %u process%s behind; ended", r->n_agents > 1 ? "the agents" : "the agent", count,
                 count == 1 ? "" : "es");
    if (left)
        run_note(r, "%u process%s could not be ended", left, left == 1 ? "" : "es");
    return v;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    (void)remove(path);
    return 0;
}

/* Folders that cannot be written are made so first. */
static int open_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)where;
    if (type == FTW_D && (st->st_mode & S_IRWXU) != S_IRWXU)
        (void)chmod(path, S_IRWXU);
    return 0;
}

static void clean_up(struct run *r)
{
    run_devices_end(r);
    service_free(r->service);
    r->service = NULL;
    hub_process_free(r->hub);
    r->hub = NULL;
    if (r->host_lock >= 0)
        (void)close(r->host_lock);
    if (!r->dir[0] || r->options->keep)
        return;
    (void)nftw(r->dir, open_entry, 16, FTW_PHYS);
    (void)nftw(r->dir, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
    if (access(r->dir, F_OK) == 0)
        run_note(r, "%s could not be removed", r->dir);
}

enum verdict run_end(struct run *r, enum verdict v)
{
    for (size_t i = 0; i < r->n_agents && !v; i++)
        v = run_agent_judge(r, &r->agents[i]);
    v = record_end(r, judge_events(r, v));
    keep_output(r);
    v = end_processes(r, v);
    run_read_twins(r, "after");
    clean_up(r);
    return r->is_interrupted ? VERDICT_SKIPPED : v;
}

/* ---- the result ---- */

static bool add_events(const struct run *r, cJSON *result)
{
    size_t told = r->options->events ? EVENTS_DRAWN : EVENTS_TOLD;
    size_t first = r->timeline.count > told ? r->timeline.count - told : 0;
    cJSON *events = cJSON_CreateArray();

    if (first && json_set(result, "eventsBefore", json_i64((int64_t)first))) {
        cJSON_Delete(events);
        return false;
    }
    if (!events || json_set(result, "events", events))
        return false;
    for (size_t i = first; i < r->timeline.count; i++) {
        cJSON *copy = cJSON_Duplicate(r->timeline.at[i].event, true);

        if (!copy || !cJSON_AddItemToArray(events, copy)) {
            cJSON_Delete(copy);
            return false;
        }
    }
    return true;
}

/* What a picture of the run needs beside the steps. */
static bool add_picture(struct run *r, cJSON *result)
{
    cJSON *agents = cJSON_CreateObject();
    bool good = json_set(result, "agents", agents) == RC_OK && add_events(r, result) &&
                json_set(result, "beganUs", json_i64(r->first_step_us)) == RC_OK;

    for (size_t i = 0; i < r->s->n_agents && good; i++) {
        const char *as = json_get_text(r->s->agents[i].node, "as");

        good = json_set(agents, r->s->agents[i].name, json_str(str_from(as ? as : ""))) == RC_OK;
    }
    if (good && r->processes) {
        good = json_set(result, "processes", r->processes) == RC_OK;
        r->processes = NULL;
    }
    if (good && r->twins) {
        good = json_set(result, "twins", r->twins) == RC_OK;
        r->twins = NULL;
    }
    return good;
}

cJSON *run_result(struct run *r, enum verdict v)
{
    int64_t end_us = run_now_us(), before_us = r->first_step_us ? r->first_step_us - r->started_us : 0;
    cJSON *result = cJSON_CreateObject();
    bool good = result != NULL;

    if (good) {
        good = json_set(result, "steps", r->steps) == RC_OK;
        r->steps = NULL;
    }
    good = good && json_set(result, "file", json_str(str_from(r->s->file))) == RC_OK;
    good = good && json_set(result, "name", json_str(str_from(r->s->name))) == RC_OK;
    good = good && json_set(result, "verdict", json_str(str_from(verdict_text(v)))) == RC_OK;
    good = good && json_set(result, "ms", json_i64((end_us - r->started_us) / 1000)) == RC_OK;
    good = good && json_set(result, "overheadMs", json_i64((before_us + end_us - r->last_step_us) / 1000)) == RC_OK;
    if (good && r->hub_lost)
        good = json_set(result, "hubLost", cJSON_CreateTrue()) == RC_OK;
    if (good && r->options->keep)
        good = json_set(result, "work", json_str(str_from(r->dir))) == RC_OK;
    if (good && v != VERDICT_PASSED && r->failure) {
        good = json_set(result, "failure", r->failure) == RC_OK && (r->options->events || add_events(r, result));
        r->failure = NULL;
    }
    if (good && r->options->events)
        good = add_picture(r, result);
    if (good && r->notes->child) {
        good = json_set(result, "notes", r->notes) == RC_OK;
        r->notes = NULL;
    }
    if (good)
        good = mask_json(&r->masks, result) == RC_OK;
    if (!good) {
        cJSON_Delete(result);
        return NULL;
    }
    return result;
}
