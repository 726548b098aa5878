/* queue.h - events that wait to be sent: three queues under one budget of bytes.
 *
 * An event costs its text and EVENT_OVERHEAD. When the budget is spent, the new event is refused and counted; what is
 * already waiting stays. Messages under way hold their part of the budget until the hub has them.
 */
#ifndef AGENT_QUEUE_H
#define AGENT_QUEUE_H

#include "event.h"

enum queue_id { QUEUE_HIGH, QUEUE_LOW, QUEUE_OPERATIONAL, QUEUE_COUNT };

struct queue {
    struct event *first, *last;
    size_t count;
    uint64_t collected; /* events offered since the last report, those dropped included */
    uint64_t dropped;
};

struct queues {
    struct queue queue[QUEUE_COUNT];
    size_t waiting;   /* bytes of the three queues */
    size_t under_way; /* bytes of messages that are not acknowledged */
    size_t budget;
};

/* Start empty. */
void queues_init(struct queues *q, size_t budget);

/* Free all events. */
void queues_done(struct queues *q);

/* Change the budget. When more is waiting than fits, the newest low, then high, then operational events are dropped. */
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
