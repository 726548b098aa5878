/* queue.c - three queues, one budget. */
#include "queue.h"

#include <assert.h>

static size_t cost(const struct event *e)
{
    return e->bytes + EVENT_OVERHEAD;
}

void queues_init(struct queues *q, size_t budget)
{
    *q = (struct queues){.budget = budget};
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

    assert(e && q->waiting >= cost(e));
    of->first = e->next;
    if (!of->first)
        of->last = NULL;
    of->count--;
    q->waiting -= cost(e);
    event_free(e);
}

void queues_drop(struct queues *q, enum queue_id id)
{
    queues_pop(q, id);
    q->queue[id].dropped++;
}

/* Drop the newest events of one queue until the rest fits. */
static void shorten(struct queues *q, enum queue_id id)
{
    struct queue *of = &q->queue[id];
    struct event **link = &of->first, *e;
    size_t others = q->waiting, kept = 0, n = 0;

    for (e = of->first; e; e = e->next)
        others -= cost(e);
    of->last = NULL;
    while (*link && others + kept + cost(*link) + q->under_way <= q->budget) {
        kept += cost(*link);
        of->last = *link;
        link = &(*link)->next;
        n++;
    }
    e = *link;
    *link = NULL;
    of->dropped += of->count - n;
    of->count = n;
    q->waiting = others + kept;
    while (e) {
        struct event *next = e->next;
        event_free(e);
        e = next;
    }
}

void queues_resize(struct queues *q, size_t budget)
{
    q->budget = budget;
    if (q->waiting + q->under_way > budget)
        shorten(q, QUEUE_LOW);
    if (q->waiting + q->under_way > budget)
        shorten(q, QUEUE_HIGH);
    if (q->waiting + q->under_way > budget)
        shorten(q, QUEUE_OPERATIONAL);
}

bool queues_push(struct queues *q, enum queue_id id, struct event *e)
{
    struct queue *to = &q->queue[id];

    to->collected++;
    if (!e || q->waiting + q->under_way + cost(e) > q->budget) {
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
    q->waiting += cost(e);
    return true;
}
