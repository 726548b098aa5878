/* draft_internal.h - what draft.c (the scenario) and draft_step.c (its steps) share. */
#ifndef TWINSIM_DRAFT_INTERNAL_H
#define TWINSIM_DRAFT_INTERNAL_H

#include "draft.h"

/* What the expectations so far have taken, of each identity. */
struct draft_expected {
    size_t last_refused; /* item + 1; 0: none since the last other event of that identity */
};

/* "${" is no variable in what was recorded: "$${". returns RC_OK, RC_NOMEM */
MUST_USE enum rc draft_escape(cJSON *tree);
/* Was the first thing that was done to start the one agent there is? */
bool draft_starts_at_once(const struct recording *rec);
/* The step that does it again. returns RC_OK (*step for cJSON_Delete), RC_SYNTAX (it cannot be said: why), RC_NOMEM */
MUST_USE enum rc draft_action(const struct recording *rec, const struct recording_item *item, cJSON **step, char *why,
                              size_t why_size);
/* The step that expects the event of that item; *step NULL: none. returns RC_OK, RC_NOMEM */
MUST_USE enum rc draft_expect(const struct recording *rec, size_t item, struct draft_expected *so_far, cJSON **step);

/* Before an action: the step that waits for what an agent did last before it, where no expectation did; item: of that event.
 * returns RC_OK (*step NULL: none is needed), RC_NOMEM */
MUST_USE enum rc draft_wait(const struct recording *rec, size_t item, cJSON **step);

#endif
