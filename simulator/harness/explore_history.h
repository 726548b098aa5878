/* explore_history.h - one random life of a twin: steps that a scenario can do, and what must hold at its checks.
 *
 * A history is data until it is printed as a scenario. Its steps are a scenario's, but for the checks, {"check":WORD}, which
 * stand for the laws; what they become depends on all that was written before them:
 *   converged  the agent reports what is desired now, and its defaults for what is not
 *   versions   the same, and no report tells of an older desired $version any more; only models that say `applied` need it
 *   calm       and then it does nothing: no report, next to no CPU time
 *   alive      a moment passes (and the agent has not ended by itself; a scenario judges that anyway)
 * Pure: no files, no clock, no hub; the seed is an argument.
 */
#ifndef TWINSIM_EXPLORE_HISTORY_H
#define TWINSIM_EXPLORE_HISTORY_H

#include "explore_model.h"

struct history {
    cJSON *start;   /* desired properties at the beginning, by the model's names; an object */
    cJSON *steps;   /* array */
    cJSON *watched; /* array of names of properties that checks look at; NULL: all */
};

void history_done(struct history *h);
/* Copy. returns RC_OK, RC_NOMEM (*out is then empty) */
MUST_USE enum rc history_copy(const struct history *h, struct history *out);

/* Make history number `index` of a seed: the same for ever, whatever was made before. Each looks at a few properties and a few
 * kinds of things that happen, more closely than all could.
 *
 * max_steps  about so many things happen
 * out        valid (history_is_valid), ends with its checks; for history_done
 * returns    RC_OK, RC_NOMEM */
MUST_USE enum rc history_make(const struct model *m, uint64_t seed, uint64_t index, unsigned max_steps,
                              struct history *out);

/* May it be run and judged? Not when
 *   - the agent is started while it runs, or a check finds it stopped
 *   - a check stands where an agent cannot know better: a value that no agent takes is still there, or a notification was held
 *     back and nothing since made the agent read its twin
 *   - it must be calm though a fault may still strike
 *   - there is no check at all. */
bool history_is_valid(const struct model *m, const struct history *h);

/* What the agent must report after all steps before number `end`: a pattern for a scenario's {"twin":{"reported":..}}.
 * returns RC_OK (*out for cJSON_Delete), RC_NOMEM */
MUST_USE enum rc history_expects(const struct model *m, const struct history *h, size_t end, cJSON **out);

/* The places (by the model's names) where the agent must by then have told which desired $version it has applied, each once.
 * returns RC_OK (*out, an array of texts, for cJSON_Delete), RC_NOMEM */
MUST_USE enum rc history_versions(const struct model *m, const struct history *h, size_t end, cJSON **out);

/* Append it as a scenario file, a line a step. name: its sentence. comment: a line or more to stand before it; may be NULL.
 * The caller asks buf_ok. */
void history_print(const struct model *m, const struct history *h, const char *name, const char *comment,
                   struct buf *out);

/* The step of the history that step number `step` (from 0) of the printed scenario belongs to. */
size_t history_step_of(const struct model *m, const struct history *h, size_t step);

#endif
