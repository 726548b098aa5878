/* explorer.h - what the parts of an exploration share. For explore*.c alone.
 *
 *   explore.c        histories are made and run until one breaks a law
 *   explore_run.c    a batch of runs, and what is noted of each
 *   explore_small.c  what was found is made small
 */
#ifndef TWINSIM_EXPLORER_H
#define TWINSIM_EXPLORER_H

#include <limits.h>
#include <signal.h>

#include "explore.h"
#include "explore_internal.h"
#include "run.h"

#define US_PER_S     INT64_C(1000000)
#define BATCH_FACTOR 4u /* histories in a batch, for each job: workers wait for the last of a batch */
#define BATCH_MAX    (64u * BATCH_FACTOR)

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

/* --- explore_run.c --- */

int64_t explorer_now_us(void);
/* Run so many histories, BATCH_MAX at the most. *results: as run_all gives them; the caller's
 *
 * returns  RC_OK, RC_CORRUPT (a history is no good scenario: the model says what no step can), or as run_all does
 */
MUST_USE enum rc explorer_run(struct explorer *e, const struct history *h, size_t count, cJSON **results);
bool explorer_is_verdict(const cJSON *result, enum verdict v);
/* Does it fail as what was found did? What is to be printed has to fail by itself, too. */
bool explorer_is_same(const struct explorer *e, const cJSON *result, enum law law);
/* Keep a copy of a result in the place of the older one. */
void explorer_keep(cJSON **place, const cJSON *result);
/* A run that gave no verdict about the agent is counted, and the last is kept. A candidate may well go another way. */
void explorer_note(struct explorer *e, const cJSON *result, enum law law);
/* Take away what stands behind the step at which a run ended: it has nothing to do with it. */
void explorer_cut_behind(struct explorer *e, struct history *h, const cJSON *result);
/* Tell the listener how far it is, and hear a signal. */
void explorer_tell(struct explorer *e);
bool explorer_is_over(const struct explorer *e);

/* --- explore_small.c --- */

/* Make e->out->smallest as small as time allows. */
MUST_USE enum rc explorer_make_small(struct explorer *e);

#endif
