/* backoff.c - doubling delays with jitter. */
#include "backoff.h"

void backoff_init(struct backoff *b, int64_t base_ms, int64_t max_ms)
{
    *b = (struct backoff){.base_ms = base_ms, .max_ms = max_ms, .step_ms = base_ms};
}

void backoff_reset(struct backoff *b)
{
    b->step_ms = b->base_ms;
}

int64_t backoff_next(struct backoff *b, uint32_t random)
{
    int64_t step = b->step_ms;

    b->step_ms = step > b->max_ms / 2 ? b->max_ms : step * 2;
    return step - (int64_t)((double)step / 4 * (random / 4294967296.0));
}
