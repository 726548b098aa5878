/* draft.h - a scenario is drafted from a recording: who was there, the agent, and a step for each thing that was done.
 *
 * With expectations it is what a person begins with who wants to hold an agent to what it did; without them it is what a replay does.
 * Pure.
 */
#ifndef TWINSIM_DRAFT_H
#define TWINSIM_DRAFT_H

#include "recording.h"

struct draft {
    cJSON *scenario; /* as a scenario file holds it */
    size_t *items;   /* of each step the number of the recorded item it stands for; SIZE_MAX: none */
    size_t n_steps;
};

/* Draft a scenario from a recording.
 *
 * expects   also say what the agent did: each report, refusal, and end, with its values. Else only actions are steps, and the agents'
 *           starts are among them.
 * why       what of the recording cannot be said as a step, with its line
 * returns   RC_OK (*out for draft_done), RC_SYNTAX, RC_NOMEM */
MUST_USE enum rc draft_make(const struct recording *rec, bool expects, struct draft *out, char *why, size_t why_size);
void draft_done(struct draft *d);

/* Print it as fixtures are laid out: a line a step. */
void draft_print(const struct draft *d, const char *comment, struct buf *out);

#endif
