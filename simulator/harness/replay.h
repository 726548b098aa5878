/* replay.h - is what an agent does now what it did when it was recorded? The first difference, told.
 *
 * Pure: recorded items and live events in, answers out. Only the agent's side of the normalised timeline is compared (every group but
 * `service`), each group for itself: between groups there is no order.
 */
#ifndef TWINSIM_REPLAY_H
#define TWINSIM_REPLAY_H

#include "mask.h"
#include "recording.h"

struct replay {
    const struct recording *rec;
    struct normal_timeline expected; /* of the whole recording */
    struct normal_timeline before;   /* of the items that were passed */
    struct normal_timeline live;
    size_t passed;      /* items */
    int64_t changed_us; /* when the live timeline last changed */
    int64_t tail_us;    /* how long the recording goes on behind its last action */
    int64_t gap_us;     /* the longest time without anything new in the recording */
    char *group;        /* of the first difference; NULL: none so far */
    size_t index;       /* in that group */
    int64_t found_us;
    int64_t horizon_us; /* what comes newly later was behind the recording's end; 0: not yet known */
};

/* Prepare. rec must outlive r. returns RC_OK (for replay_done), RC_LIMIT, RC_NOMEM */
MUST_USE enum rc replay_init(struct replay *r, const struct recording *rec);
void replay_done(struct replay *r);

/* Pass recorded items up to that number: what stands before it is expected to be seen before what it does is done again. */
MUST_USE enum rc replay_pass(struct replay *r, size_t item);
/* Take a live event; it is masked as recorded ones are. */
MUST_USE enum rc replay_take(struct replay *r, const cJSON *event, const struct masks *masks, int64_t now_us);

/* Has everything been seen that stands before the items that were passed? */
bool replay_is_level(const struct replay *r);
/* Compare also what might still turn out to be noise; then note what is missing, if something is. At the end, or when nothing comes any more. */
MUST_USE enum rc replay_conclude(struct replay *r, int64_t now_us);

/* Tell the first difference (there must be one) as {"group","index","offset_us","line","before","expected","got","after",
 * "differences","meaning"}; entries are JSON, absent ones missing. NULL: no memory */
cJSON *replay_explain(const struct replay *r);

#endif
