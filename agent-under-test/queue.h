/* queue.h - events that wait to be sent: three queues under one budget of bytes.
 *
 * Where a budget is spent, either the new event is refused or the oldest ones make room; either is counted. Messages
 * under way may hold their part of the budget until the hub has them.
 */
#ifndef AGENT_QUEUE_H
#define AGENT_QUEUE_H

#include "event.h"

#define EVENT_OVERHEAD                                                                                                 \
    40u /* bytes that an event costs beside its text in the C agent, and so here. source: facts S-10 */

enum queue_id { QUEUE_HIGH, QUEUE_LOW, QUEUE_OPERATIONAL, QUEUE_COUNT };

/* How the budget is kept. source: facts S-10, S-30 */
struct queue_rules {
    size_t overhead;             /* bytes that an event costs beside its size */
    unsigned share[QUEUE_COUNT]; /* percent of the budget that each queue has to itself; all 0: they share it */
    bool drops_oldest;           /* to make room for a new one; else the new one is refused */
    bool holds_under_way;        /* messages that are not acknowledged count, too */
};

struct queue {
    struct event *first, *last;
    size_t count;
    size_t cost;        /* bytes */
    uint64_t collected; /* events offered since the last report, those dropped included */
    uint64_t dropped;
};

struct queues {
    const struct queue_rules *rules;
    struct queue queue[QUEUE_COUNT];
    size_t waiting;   /* bytes of the three queues */
    size_t under_way; /* bytes of messages that are not acknowledged */
    size_t budget;
};

/* Start empty. rules must outlive the queues. */
void queues_init(struct queues *q, const struct queue_rules *rules, size_t budget);

/* Free all events. */
void queues_done(struct queues *q);

/* Change the budget. When more is waiting than fits, low, then high, then operational events are dropped: the newest
 * of them, or the oldest where the rules have it so. */
void queues_resize(struct queues *q, size_t budget);

/* Offer an event; it is taken in any case, NULL included, which counts as dropped.
 *
 * returns  whether it waits now; false: dropped and counted
 */
bool queues_push(struct queues *q, enum queue_id id, struct event *e);

/* Free the first event of a queue that has one. */
void queues_pop(struct queues *q, enum queue_id id);

/* Drop the first event of a queue that has one, and count it. */
void queues_drop(struct queues *q, enum queue_id id);

#endif
