/* run.h - scenarios are run: each with a hub, an address, an agent and a folder of its own, and a verdict at the end.
 *
 * Each scenario runs in a process of its own (a worker), which is the subreaper of everything the agent starts: nothing is left
 * behind, neither processes nor ports nor files. Workers tell what happens as JSON; so a result is JSON too:
 *   {"file","name","verdict":"passed|failed|error|skipped","ms","overheadMs","steps":[{"text","line","verdict","ms"}],
 *    "failure":{"line","column","step","message","nearest","differences","hints","output"}, "notes":[..], "work":dir, "events":[..]}
 * failure only when not passed, events only then, work only when it was kept. A failed scenario is a verdict about the agent; an
 * error says that there is none (the hub or the harness failed).
 *
 * With run_options.events every result tells what a picture needs. Events are numbered from 1 in the order in which they came:
 *   "events":[..], "eventsBefore": how many earlier ones are left off, "agents": {name: identity}, "beganUs": the first step, on the
 *   clock of the events' mono_us; "processes":[{"agent":name,"us":since beganUs,"end":how,"alone":true}]: an agent
 *   has started or, with "end", has ended, "alone" when nobody told it to; "twins":{id:{"before":twin,"after":twin}} as the service reads them, before
 *   the agent starts and after it has ended (either is missing when there was none);
 *   in a step "us" (since beganUs) and "event": the number of the one it caused or took; in failure "nearestEvent" and "cursor",
 *   the last event before those it searched
 */
#ifndef TWINSIM_RUN_H
#define TWINSIM_RUN_H

#include "recording.h"
#include "scenario.h"

struct run_options {
    const char *agent;  /* replaces every agent's command; NULL: the scenario's, else security-agent */
    const char *ca_dir; /* NULL: the user's */
    const char *seed;   /* ${seed}; NULL: "1" */
    int64_t timeout_us; /* replaces every scenario's; 0: its own */
    unsigned jobs;      /* scenarios at the same time; 0: 1 */
    const char *record; /* a folder that is there: each scenario leaves a recording in it; NULL: none */
    const struct replay_plan
        *replay;             /* the one scenario was drafted from a recording, which is to happen again; NULL: none */
    const char *record_file; /* set by run_all for each scenario */
    bool keep;               /* leave the folders and say where they are */
    bool no_gateway;         /* agents come to the broker itself */
    bool events;             /* results hold events, twins and times */
};

#define VERDICT_LIST(X)                                                                                                \
    X(PASSED, "passed")                                                                                                \
    X(FAILED, "failed")                                                                                                \
    X(ERROR, "error")                                                                                                  \
    X(SKIPPED, "skipped")

#define VERDICT_ENUM(name, text) VERDICT_##name,
enum verdict { VERDICT_LIST(VERDICT_ENUM) };
#undef VERDICT_ENUM

const char *verdict_text(enum verdict v);

/* A recording that happens again (replay.h). Each step of the drafted scenario waits until what was recorded before it has been
 * seen; the first difference makes the scenario fail, and its failure holds "replay", as replay_explain says. */
struct replay_plan {
    const struct recording *recording;
    const size_t *items; /* of each step the item it stands for */
    bool keeps_pace;     /* no step comes earlier than it was recorded */
};

/* Told as it happens, in the parent. Everything is lent. With several jobs the steps of several scenarios mingle. */
struct run_listener {
    void *arg;
    void (*on_start)(void *arg, size_t index);
    /* {"text","line","verdict","ms"}; verdict absent: the step begins */
    void (*on_step)(void *arg, size_t index, const cJSON *step);
    void (*on_done)(void *arg, size_t index, const cJSON *result);
};

/* Run scenarios and wait for the end of all. A signal (SIGINT, SIGTERM, SIGHUP) ends what runs, cleanly, and skips the rest.
 *
 * results  array of count results in the order of the scenarios, for cJSON_Delete
 * hub_lost set when a hub could not start or was lost
 * returns  RC_OK (whatever the verdicts), RC_IO, RC_NOMEM */
MUST_USE enum rc run_all(const struct run_options *options, struct scenario *const *scenarios, size_t count,
                         const struct run_listener *listener, cJSON **results, bool *hub_lost);

#endif
