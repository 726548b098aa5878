/* run_internal.h - one scenario while it runs, in its worker. What the run_*.c files share.
 *
 *   run_scenario.c  from the set-up to the result; run_end.c what follows the steps
 *   run_steps.c     one step after the other, in lanes side by side
 *   run_world.c     the hub, and the one place that waits
 *   run_agents.c    the agents' life; run_agent.c what they are started with
 *   run_inject.c    steps that change something; run_twin.c those that write twins, run_identity.c those that change identities
 *   run_exec.c      programs that run to their end
 *   run_device.c    devices that the runner plays
 *   run_message.c   messages from the cloud
 *   run_method.c    direct methods
 *   run_check.c     steps that look; run_series.c at several events, run_usage.c at an agent's use of the machine
 *   run_explain.c   what a red step says
 *   run_record.c    what goes into a recording, which begins in run_record_begin.c; run_replay.c a recording that happens again
 *   run_picture.c   twins before and after, starts and ends of agents: for a report that draws
 *   run_pool.c      many scenarios, a worker each
 */
#ifndef TWINSIM_RUN_INTERNAL_H
#define TWINSIM_RUN_INTERNAL_H

#include <limits.h>

#include "agent_process.h"
#include "hub_process.h"
#include "mask.h"
#include "record.h"
#include "replay.h"
#include "run.h"
#include "service.h"
#include "sim_device.h"
#include "timeline.h"
#include "why.h"
#include "words.h"

#define US_PER_S        INT64_C(1000000)
#define WITHIN_US       (5 * US_PER_S)  /* of a check that does not say */
#define EXEC_WITHIN_US  (10 * US_PER_S) /* of an exec step that does not say */
#define STOP_US         (3 * US_PER_S)  /* from SIGTERM to SIGKILL */
#define LATE_US         (US_PER_S / 2)  /* what an agent's last packets may take after its end */
#define COMMAND_MS      10000
#define RUN_DEVICES_MAX 500u /* that the runner plays at the same time */

/* How far a check has come that looks again and again. All zero: it has not begun. */
struct look {
    bool has_begun;
    int64_t within_us, until_us;
    size_t begin, from; /* events: where the search began, and where it goes on */
    unsigned wanted, seen;
    uint64_t byte;    /* of the agent's output: where the search goes on */
    int64_t cpu_ms;   /* what it had used at the beginning */
    unsigned command; /* number of the command whose answer it waits for */
};

/* Steps that follow each other, with a cursor of their own: all of a scenario, or one lane of a parallel group. */
struct lane {
    const struct step *steps;
    size_t n_steps, next;
    size_t cursor;   /* the number of the next event to look at */
    unsigned number; /* from 1 in a parallel group; 0: the scenario's own */

    const struct step *step; /* in hand; NULL: none */
    cJSON *node;             /* it, with its variables filled in */
    cJSON *told;             /* what the result says of it; lent */
    int64_t begun_us;
    size_t begun_at; /* the cursor then */
    bool is_pending; /* it waits for something: look again when anything happened, at look.until_us at the latest */
    struct look look;
    struct agent_process exec;
    struct tail exec_output;
};

/* A program under test while it runs, stops and runs again. */
struct agent {
    const char *name;
    const cJSON *node;    /* what the scenario says of it */
    char work[PATH_MAX];  /* its folder */
    struct tail output;   /* of all its starts */
    uint64_t output_read; /* how far `log` steps have read */
    struct agent_process process;
    bool was_started, told_to_end, end_expected;
    int64_t ended_us; /* 0: it runs, or never did */
};

struct run {
    const struct run_options *options;
    const struct scenario *s;
    int progress_fd, signal_fd;

    char dir[PATH_MAX]; /* of this run: hub/ and work/ in it; empty: not made */
    char work[PATH_MAX];
    cJSON *vars;
    cJSON *keys; /* the primary key of each identity the hub told us of, by id */
    struct masks masks;

    char host[64];
    int host_lock;
    struct hub_process *hub;
    struct service *service; /* NULL: the hub is stopped */
    bool hub_lost, is_interrupted, events_lost;
    int64_t last_seq;
    struct timeline timeline;
    struct recorder recorder;
    struct replay *replay; /* while one goes on */
    enum rc replay_rc;
    enum rc timeline_rc;
    unsigned commands, rids;
    uint64_t happened; /* counts whatever a pending step may have to look at */
    struct sim_device *devices[RUN_DEVICES_MAX];
    size_t n_devices;

    struct agent agents[AGENTS_MAX]; /* as in the scenario */
    size_t n_agents;

    int64_t started_us, first_step_us, last_step_us, deadline_us;
    struct lane main, *lane; /* the lane in hand, never NULL */
    struct lane *group;      /* of the parallel step in hand; NULL: none */
    size_t n_group;
    cJSON *steps;       /* what the result says of them */
    const cJSON *about; /* what of the file is in hand outside of the steps; NULL: nothing in particular */
    cJSON *failure, *notes, *twins, *processes;
};

int64_t run_now_us(void);

/* ---- run_explain.c ---- */
/* Note why there is no success (the first note stands) and return the verdict, so that `return run_failed(...)` reads well. */
enum verdict run_failed(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum verdict run_error(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum verdict run_no_memory(struct run *r);
/* Something worth knowing that is no failure. */
void run_note(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A line that helps to understand the failure. */
void run_hint(struct run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Explain a failed expect: the nearest event, what differs, what else was seen. from: where the search
 * began, or went on behind the last event that was counted. */
void run_explain_events(struct run *r, const struct wanted *w, size_t from);
/* Show an event that a step found and is not content with. */
void run_explain_event(struct run *r, size_t index);
/* What the agents are doing: for steps that waited for them in vain. */
void run_explain_agents(struct run *r);
/* Add the lines of differences, each behind the prefix. */
void run_differences(struct run *r, const char *prefix, const struct match_report *report);
/* What an event is, in a few words: "reported #17, 1.204 s in". */
void run_print_moment(const struct run *r, size_t index, struct buf *out);

/* ---- run_world.c ---- */
/* Wait for something to happen until a time, and deal with it: events, output, ends of processes, signals.
 * returns VERDICT_PASSED (go on), VERDICT_ERROR (interrupted, hub lost, events missed; explained) */
MUST_USE enum verdict run_turn(struct run *r, int64_t until_us);
/* What is already waiting, without waiting. */
MUST_USE enum verdict run_catch_up(struct run *r);
MUST_USE enum verdict run_hub_start(struct run *r); /* the first time, or again on the same folder and address */
MUST_USE enum verdict run_hub_down(struct run *r, bool kill);
/* The time a check that began now may take, the scenario's own limit considered. */
int64_t run_deadline(const struct run *r, int64_t within_us);
/* Lose no event: compare what we saw with what the hub counts. */
MUST_USE enum verdict run_check_seen_all(struct run *r);

/* ---- run_agents.c: their life ---- */
MUST_USE enum verdict run_agents_init(struct run *r); /* make their folders */
void run_agents_done(struct run *r);
/* The agent of that name; NULL: the first. NULL when there is none. */
struct agent *run_agent_find(struct run *r, const char *name);
MUST_USE enum verdict run_agent_start(struct run *r, struct agent *a);
/* FAILED when it has ended by itself, with a code that says failure, and no step expected an end. */
MUST_USE enum verdict run_agent_judge(struct run *r, const struct agent *a);
/* SIGTERM (or SIGKILL), and wait for its end. FAILED when it does not end on SIGTERM. */
MUST_USE enum verdict run_agent_stop(struct run *r, struct agent *a, bool kill);
bool run_agent_is_running(const struct agent *a);
/* Take its output, and see whether it has ended. */
void run_agent_turn(struct run *r, struct agent *a);
/* True when all agents ended by themselves, with all their processes, long enough ago, and nobody else does anything: nothing
 * more will come. */
bool run_agents_are_over(const struct run *r);
/* When that may be clear at the earliest; 0: nothing is known of that. */
int64_t run_agents_over_us(const struct run *r);
/* Processes below us, the hub not counted. */
unsigned run_agents_left_behind(const struct run *r);
/* "the agent", or "the agent 'name'" when there are several. */
void run_agent_print(const struct run *r, const struct agent *a, struct buf *out);

/* ---- run_agent.c: what an agent is started with ---- */
/* Make the variables that are an agent's (id, key, work, ...) those of this one; NULL: of none. */
MUST_USE enum verdict run_agent_vars(struct run *r, const struct agent *a);
MUST_USE enum verdict run_agent_command(struct run *r, const struct agent *a, struct words *out);
MUST_USE enum verdict run_agent_env(struct run *r, const struct agent *a, struct words *out);
MUST_USE enum verdict run_agent_files(struct run *r, const struct agent *a);
/* Fill the words of a program; a first word with a '/' counts from base. */
MUST_USE enum verdict run_fill_words(struct run *r, struct words *w, const char *base);
/* Learn the keys of an identity from its document; they are masked from then on. */
MUST_USE enum verdict run_learn_identity(struct run *r, const cJSON *identity);

/* ---- run_inject.c, run_check.c ---- */
MUST_USE enum verdict run_inject(struct run *r); /* desired ... rotateKey, fault */
MUST_USE enum verdict run_check(struct run *r);  /* expect, never, twin, exit, log: look once; may be pending */
/* What "$.a" names in an event, or another path in its content. NULL: nothing */
const cJSON *run_value_at(const struct run *r, const cJSON *event, const cJSON *content, const char *place);
/* run_series.c: is the step content with the events from the cursor on that fit, so many of them? */
MUST_USE enum verdict run_judge_series(struct run *r, const struct wanted *w, size_t count);
MUST_USE enum verdict run_check_usage(struct run *r, const struct agent *a); /* run_usage.c */
/* Say that the step in hand is not decided yet. */
enum verdict run_pending(struct run *r);
/* Begin a check, or go on with it: fills in lane->look. limit: the member that says how long. returns false when it is no
 * duration (explained) */
bool run_look(struct run *r, const char *limit, int64_t otherwise_us);
/* Send a command. A refusal (status 300 and above) is no verdict yet. */
MUST_USE enum verdict run_command(struct run *r, cJSON *command, int *status, cJSON **body);
/* {"command":name,"deviceId":..,"moduleId":..} for an identity. NULL: explained. */
cJSON *run_command_new(struct run *r, const char *name, const char *who);
/* Send a command (taken over; NULL: explained already), judge its status as the step wants it, and put the cursor behind the event
 * of one of these kinds (a NULL ends) that it caused. kinds may be NULL: it causes none. body may be NULL. */
MUST_USE enum verdict run_send(struct run *r, cJSON *command, const char *const *kinds, cJSON **body);
/* Judge a status by what the step says of refusals. code and message: the hub's, 0 and NULL when it gave none. */
MUST_USE enum verdict run_judge_status(struct run *r, int status, int64_t code, const char *message);
/* Remember what a step's "save" names. */
MUST_USE enum verdict run_save(struct run *r, const cJSON *event, const cJSON *content);
/* A duration member of the step in hand, or what stands for it. returns false when it is none (explained) */
bool run_duration(struct run *r, const char *name, int64_t otherwise_us, int64_t *out_us);
/* Whom the step is about: its "on", else the agent. NULL: nobody. */
const char *run_who(const struct run *r);

/* ---- run_twin.c ---- */
/* A twin as the control topic wants it, from what a scenario gives: an object or file, and what is merged over it.
 * *out NULL: nothing given. */
MUST_USE enum verdict run_make_twin(struct run *r, const cJSON *given, const cJSON *desired, const cJSON *tags,
                                    cJSON **out);
MUST_USE enum verdict run_inject_patch(struct run *r); /* desired, tags */
MUST_USE enum verdict run_inject_replace(struct run *r);

/* ---- run_identity.c ---- */
/* Create what the scenario starts with. */
MUST_USE enum verdict run_identities(struct run *r);
MUST_USE enum verdict run_inject_create(struct run *r);
MUST_USE enum verdict run_inject_status(struct run *r);
MUST_USE enum verdict run_inject_delete(struct run *r);
MUST_USE enum verdict run_inject_rotate(struct run *r);

/* ---- run_exec.c ---- */
MUST_USE enum verdict run_exec(struct run *r);
/* End the program that a lane runs, if it runs one. */
void run_exec_abandon(struct lane *lane);

/* ---- run_message.c ---- */
MUST_USE enum verdict run_inject_message(struct run *r);

/* ---- run_method.c ---- */
MUST_USE enum verdict run_method(struct run *r); /* may be pending */

/* ---- run_device.c ---- */
MUST_USE enum verdict run_inject_device(struct run *r); /* connect, leave, report, send, answer */
void run_devices_turn(struct run *r);                   /* deal with what came for them */
void run_devices_end(struct run *r);

/* ---- run_record.c: nothing happens when nothing is recorded ---- */
/* Begin: who there is, and with what twins. Call it when the identities are there and nothing else has happened. */
MUST_USE enum verdict record_begin(struct run *r);
void record_event(struct run *r, const cJSON *event);
/* A command goes to the hub; and what it answered, when it refused. */
void record_command(struct run *r, const cJSON *command);
void record_answer(struct run *r, const char *cause, int status);
/* The harness starts, stops, kills or restarts something ("hub", or an agent by its name), or runs a program ("exec", with its
 * line or words as written). What happened before is seen, and recorded, before that. */
MUST_USE enum verdict record_process(struct run *r, const char *who, const char *did, const cJSON *words);
/* The step in hand plays a simulated device. */
void record_device(struct run *r);
/* An agent has ended by itself. */
void record_ended(struct run *r, const char *agent, const char *as, int exit_code);
/* The steps are over: wait until nothing new happens any more, so that a recording's end is no matter of luck. */
MUST_USE enum verdict record_settle(struct run *r);
/* The last line. returns the verdict that stands */
MUST_USE enum verdict record_end(struct run *r, enum verdict v);
/* The words of a program, for cJSON_Delete; the first, when it names a file, from the root. NULL: no words, or no memory. */
cJSON *record_words(const char *line, const char *base);
/* A copy of a value with its variables filled in, but for those that every run has of its own. NULL: no memory */
cJSON *record_template(const struct run *r, const cJSON *value);
/* The file that the scenario of that number is recorded in. returns RC_OK, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc record_path(const char *dir, struct scenario *const *scenarios, size_t index, char out[PATH_MAX]);

/* ---- run_replay.c ---- */
/* Do the steps of a drafted scenario as its recording wants them, and compare. */
MUST_USE enum verdict run_replay(struct run *r);

/* ---- run_end.c ---- */
/* Judge what the steps could not, end every process, remove everything. returns the verdict that stands */
enum verdict run_end(struct run *r, enum verdict v);
/* The result as run.h describes it, masked. NULL: no memory */
cJSON *run_result(struct run *r, enum verdict v);

/* ---- run_steps.c ---- */
/* Do all steps of the scenario. Adds what the result says of them to r->steps. */
MUST_USE enum verdict run_steps(struct run *r);
/* One line of JSON to the parent: {"step":..} or {"result":..}. The parent always reads. */
void run_tell(const struct run *r, const char *what, const cJSON *value);

/* ---- run_picture.c ---- */
/* Remember the twins of all identities that were made so far, as "before" or "after", when the options want it. What cannot be
 * read is left out: it is no reason for a verdict. */
void run_read_twins(struct run *r, const char *when);
/* Remember that an agent has started, or how it has ended, when the options want it. */
void run_tell_process(struct run *r, const struct agent *a);

/* ---- run_scenario.c ---- */
/* Run one scenario in this process, which must be a worker (alone, with the signals in signal_fd blocked).
 * Tells steps on progress_fd, a JSON line each. returns the result, for cJSON_Delete; NULL: no memory */
cJSON *run_scenario(const struct run_options *options, const struct scenario *s, int progress_fd, int signal_fd);

#endif
