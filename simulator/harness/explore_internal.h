/* explore_internal.h - walking through a history: what is desired, and whether an agent can know it. */
#ifndef TWINSIM_EXPLORE_INTERNAL_H
#define TWINSIM_EXPLORE_INTERNAL_H

#include "explore_history.h"

enum notifications {
    NOTIFY_ALL,  /* every change reaches an agent that is connected */
    NOTIFY_SOME, /* a fault holds some back */
    NOTIFY_GAP,  /* it is gone; something is missing until the agent reads its twin */
};

/* Where a walk through the steps stands. */
struct walk {
    const struct model *model;
    cJSON *desired; /* as the hub keeps it: places, not names */
    bool agent_runs;
    bool is_armed; /* a fault may still strike */
    enum notifications notifications;
    enum rc rc; /* RC_NOMEM: nothing below counts */
};

void walk_begin(struct walk *w, const struct model *m, const cJSON *start);
void walk_end(struct walk *w);
/* Do a step. returns false when it cannot be done here */
bool walk_step(struct walk *w, const cJSON *step);
/* Does every property hold a value that an agent takes? */
bool walk_values_are_valid(const struct walk *w);

/* A step's kind: its first member's name; "" when it has none. */
const char *step_kind(const cJSON *step);
bool step_is_check(const cJSON *step);

#endif
