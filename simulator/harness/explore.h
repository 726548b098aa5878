/* explore.h - random histories are run against an agent until one breaks a law, and that one is made small.
 *
 * A history is printed as a scenario file in a private folder and run as any scenario is (run.h): there is no second engine.
 * Its laws, named by what the agent did wrong, are LAW_LIST below. The same seed gives the same histories; which of them fails
 * first is up to the agent.
 */
#ifndef TWINSIM_EXPLORE_H
#define TWINSIM_EXPLORE_H

#include "explore_history.h"

#define LAW_LIST(X)                                                                                                    \
    X(NONE, "")                                                                                                        \
    X(CONVERGES, "the agent reports what is desired")                                                                  \
    X(VERSIONS, "versions never go back")                                                                              \
    X(QUIET, "the agent reports nothing when nothing has changed")                                                     \
    X(IDLE, "the agent needs no CPU time when there is nothing to do")                                                 \
    X(ALIVE, "the agent does not end by itself")                                                                       \
    X(ENDS, "the agent ends when it is told to")

#define LAW_ENUM(id, text) LAW_##id,
enum law { LAW_LIST(LAW_ENUM) };
#undef LAW_ENUM

/* What it says, a sentence. */
const char *law_text(enum law law);
/* Which law a result (run.h) breaks; LAW_NONE: none, or it says nothing about the agent. suspect: buffer for the name of the
 * property that seems to be wrong, when the law is LAW_CONVERGES; may be NULL. */
enum law law_of_result(const struct model *m, const cJSON *result, const char **suspect);
/* Do versions go back in a result's events? Nobody's desired or reported version may, nor what the agent says of the version it
 * has applied. why: what is seen is appended; may be NULL. */
bool law_versions_go_back(const struct model *m, const cJSON *result, struct buf *why);

struct explore_options {
    const struct model *model;
    const char *agent;  /* the command; NULL: security-agent */
    const char *ca_dir; /* NULL: the user's */
    uint64_t seed;
    uint64_t first;     /* the number of the first history */
    uint64_t histories; /* at most so many; 0: any number */
    int64_t limit_us;   /* for finding; 0: no limit */
    int64_t shrink_us;  /* for making it small, from then on */
    unsigned jobs;      /* at the same time */
    unsigned max_steps; /* of a history, about */
};

/* How far it is; told after each batch of runs. */
struct explore_progress {
    uint64_t histories, changes; /* run, and steps in them that write */
    uint64_t spoiled, errors;    /* no verdict: a step could not be done; hub or harness failed */
    int64_t us;
    bool is_shrinking;
    unsigned steps, tried; /* of the smallest by now; candidates run */
};

struct explore_listener {
    void *arg;
    void (*on_progress)(void *arg, const struct explore_progress *progress);
};

struct explore_result {
    struct explore_progress progress;
    enum law law;             /* LAW_NONE: nothing was found */
    uint64_t index;           /* of the history */
    struct history smallest;  /* when something was found */
    unsigned repeats, failed; /* of the history as found: so often run again, so often failed in the same way */
    cJSON *last;              /* result of the last run that failed so; NULL: none */
    cJSON *error;             /* result of the last run without verdict; NULL: none */
    bool is_interrupted, hub_lost;
    bool is_judged_here; /* by the events of a run that may well have passed, so `twinsim run` does not see it */
};

/* Explore until a law is broken and the history is small, or a limit is reached, or a signal asks for the end.
 * returns RC_OK (*out for explore_result_done), RC_IO (no folder), RC_NOMEM */
MUST_USE enum rc explore(const struct explore_options *options, const struct explore_listener *listener,
                         struct explore_result *out);
void explore_result_done(struct explore_result *r);

/* Append a history as a scenario file, named and commented for people: where it comes from, and what it shows. */
void explore_print(const struct explore_options *options, enum law law, uint64_t index, const struct history *h,
                   struct buf *out);

#endif
