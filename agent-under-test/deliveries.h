/* deliveries.h - what the hub delivered and the agent has not looked at yet: one after another, none merged.
 *
 * Pure. This is how the real C agent takes its configuration: one delivery each period, on a beat that begins with the
 * first one, which is taken at once. Each costs a part of the local cache, and without room it is thrown away.
 * source: facts S-23
 */
#ifndef AGENT_DELIVERIES_H
#define AGENT_DELIVERIES_H

#include "str.h"

#define DELIVERY_COST   56u   /* bytes of the cache that one takes while it waits */
#define DELIVERIES_MOST 1024u /* whatever the cache */

struct delivery {
    struct delivery *next;
    bool is_complete; /* the answer to a GET, not a patch */
    size_t bytes;
    char body[];
};

struct deliveries {
    struct delivery *first, *last;
    size_t count;
    int64_t period_ms;
    int64_t beat; /* mono_ms of the next turn; INT64_MIN before the first */
};

/* Start empty. */
void deliveries_init(struct deliveries *d, int64_t period_ms);

/* Free all that waits. */
void deliveries_done(struct deliveries *d);

/* Add one at the end. Empty ones are ignored, as the C agent does.
 *
 * cache_bytes  the local cache in force
 * returns      RC_OK, RC_LIMIT (no room: it is lost), RC_NOMEM (likewise)
 */
MUST_USE enum rc deliveries_add(struct deliveries *d, bool is_complete, struct str body, int64_t cache_bytes,
                                int64_t mono_ms);

/* Take the next one if its turn has come; NULL otherwise. The caller frees it. */
struct delivery *deliveries_take(struct deliveries *d, int64_t mono_ms);

/* When the next turn is, mono_ms; INT64_MAX when nothing waits. */
int64_t deliveries_due(const struct deliveries *d);

#endif
