/* inflight.h - messages at QoS 1 that wait for a client's PUBACK: packet ids of the gateway's own, and what each stands for.
 *
 * Ids are 32768 to 65535, one after the other; the broker's own count from 1. Pure. Memory: 16 bytes for each open one, at most
 * INFLIGHT_MAX of them.
 */
#ifndef TWINSIM_INFLIGHT_H
#define TWINSIM_INFLIGHT_H

#include "bounds.h"
#include "rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLIGHT_MAX      BOUND_OPEN
#define INFLIGHT_FIRST_ID 32768u

struct inflight_entry {
    uint64_t tag;
    uint16_t id;
};

struct inflight {
    struct inflight_entry *at; /* oldest first */
    size_t from, len, cap;     /* at[from] is the oldest */
    uint16_t last_id;
};

/* Begins empty when all is zero. */
void inflight_done(struct inflight *f);
/* Give a message an id. returns RC_OK, RC_LIMIT (INFLIGHT_MAX are open), RC_NOMEM */
MUST_USE enum rc inflight_add(struct inflight *f, uint64_t tag, uint16_t *id);
/* Take the one with that id. returns false when there is none: the id is the broker's. */
bool inflight_take(struct inflight *f, uint16_t id, uint64_t *tag);

#endif
