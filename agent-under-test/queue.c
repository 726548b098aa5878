/* queue.c - three queues, one budget. */
#include "queue.h"

#include <assert.h>

static size_t cost(const struct queues *q, const struct event *e)
{
    return e->size + q->rules->overhead;
}

void queues_init(struct queues *q, const struct queue_rules *rules, size_t budget)
{
    *q = (struct queues){.rules = rules, .budget = budget};
}

void queues_done(struct queues *q)
{
    for (size_t i = 0; i < QUEUE_COUNT; i++)
        while (q->queue[i].first)
            queues_pop(q, (enum queue_id)i);
}

void queues_pop(struct queues *q, enum queue_id id)
{
    struct queue *of = &q->queue[id];
    struct event *e = of->first;

    assert(e && of->cost >= cost(q, e) && q->waiting >= of->cost);
    of->first = e->next;
    if (!of->first)
        of->last = NULL;
    of->count--;
    of->cost -= cost(q, e);
    q->waiting -= cost(q, e);
    event_free(e);
}

void queues_drop(struct queues *q, enum queue_id id)
{
    queues_pop(q, id);
    q->queue[id].dropped++;
}

/* The most that one queue may hold now: its share, or what the others leave of the budget. */
static size_t room_of(const struct queues *q, enum queue_id id)
{
    size_t taken;

    if (q->rules->share[id])
        return q->budget / 100 * q->rules->share[id];
    taken = q->waiting - q->queue[id].cost + (q->rules->holds_under_way ? q->under_way : 0);
    return taken < q->budget ? q->budget - taken : 0;
}

/* Drop the newest events of one queue until the rest fits. */
static void shorten(struct queues *q, enum queue_id id, size_t room)
{
    struct queue *of = &q->queue[id];
    struct event **link = &of->first, *e;
    size_t kept = 0, n = 0;

    of->last = NULL;
    while (*link && kept + cost(q, *link) <= room) {
        kept += cost(q, *link);
        of->last = *link;
        link = &(*link)->next;
        n++;
    }
    e = *link;
    *link = NULL;
    of->dropped += of->count - n;
    of->count = n;
    q->waiting -= of->cost - kept;
    of->cost = kept;
    while (e) {
        struct event *next = e->next;
        event_free(e);
        e = next;
    }
}

void queues_resize(struct queues *q, size_t budget)
{
    static const enum queue_id order[] = {QUEUE_LOW, QUEUE_HIGH, QUEUE_OPERATIONAL};

    q->budget = budget;
    for (size_t i = 0; i < QUEUE_COUNT; i++) {
        size_t room = room_of(q, order[i]);
        while (q->rules->drops_oldest && q->queue[order[i]].cost > room)
            queues_drop(q, order[i]);
        if (q->queue[order[i]].cost > room)
            shorten(q, order[i], room);
    }
}

bool queues_push(struct queues *q, enum queue_id id, struct event *e)
{
    struct queue *to = &q->queue[id];
    size_t room = room_of(q, id);

    to->collected++;
    while (q->rules->drops_oldest && e && cost(q, e) <= room && to->cost + cost(q, e) > room)
        queues_drop(q, id);
    if (!e || to->cost + cost(q, e) > room) {
        to->dropped++;
        event_free(e);
        return false;
    }
    e->next = NULL;
    if (to->last)
        to->last->next = e;
    else
        to->first = e;
    to->last = e;
    to->count++;
    to->cost += cost(q, e);
    q->waiting += cost(q, e);
    return true;
}
