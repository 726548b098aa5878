/* deliveries.c - a queue with a beat. */
#include "deliveries.h"

#include <stdlib.h>
#include <string.h>

void deliveries_init(struct deliveries *d, int64_t period_ms)
{
    *d = (struct deliveries){.period_ms = period_ms, .beat = INT64_MIN};
}

void deliveries_done(struct deliveries *d)
{
    while (d->first) {
        struct delivery *next = d->first->next;
        free(d->first);
        d->first = next;
    }
    deliveries_init(d, d->period_ms);
}

/* Move the beat behind a moment. */
static void beat_pass(struct deliveries *d, int64_t mono_ms)
{
    if (d->beat == INT64_MIN)
        d->beat = mono_ms;
    if (d->beat <= mono_ms)
        d->beat += ((mono_ms - d->beat) / d->period_ms + 1) * d->period_ms;
}

enum rc deliveries_add(struct deliveries *d, bool is_complete, struct str body, int64_t cache_bytes, int64_t mono_ms)
{
    struct delivery *fresh;

    if (!body.len)
        return RC_OK;
    if (d->count == DELIVERIES_MOST || (int64_t)((d->count + 1) * DELIVERY_COST) > cache_bytes)
        return RC_LIMIT;
    fresh = malloc(sizeof *fresh + body.len);
    if (!fresh)
        return RC_NOMEM;
    fresh->next = NULL;
    fresh->is_complete = is_complete;
    fresh->bytes = body.len;
    memcpy(fresh->body, body.at, body.len);
    if (d->last)
        d->last->next = fresh;
    else
        d->first = fresh;
    d->last = fresh;
    if (d->count++ == 0 && d->beat != INT64_MIN)
        beat_pass(d, mono_ms);
    return RC_OK;
}

struct delivery *deliveries_take(struct deliveries *d, int64_t mono_ms)
{
    struct delivery *taken = d->first;

    if (!taken || mono_ms < d->beat)
        return NULL;
    beat_pass(d, mono_ms);
    d->first = taken->next;
    if (!d->first)
        d->last = NULL;
    d->count--;
    return taken;
}

int64_t deliveries_due(const struct deliveries *d)
{
    return d->first ? d->beat : INT64_MAX;
}
