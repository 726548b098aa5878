/* backoff.h - how long to wait before trying again: doubling, with a ceiling and some jitter. Pure. */
#ifndef AGENT_BACKOFF_H
#define AGENT_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t base_ms;
    int64_t max_ms;
    int64_t step_ms; /* the next delay before jitter */
};

/* Start at base_ms. */
void backoff_init(struct backoff *b, int64_t base_ms, int64_t max_ms);

/* Go back to base_ms: things went well for a while. */
void backoff_reset(struct backoff *b);

/* Take the next delay, in ms: the step, shortened by up to a quarter; then double the step up to the ceiling.
 *
 * random  any 32 bits; they choose the jitter
 */
int64_t backoff_next(struct backoff *b, uint32_t random);

#endif
