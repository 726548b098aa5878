/* message.c - choosing events and wrapping them. */
#include "message.h"

#include <assert.h>

static const char tail[] = "]}";

/* A message that grows. */
struct draft {
    const struct message_rules *rules;
    struct buf *out;
    size_t max_bytes;
    size_t size;  /* of its events */
    size_t count; /* of them */
};

/* Say whether one more event fits, with so many bytes spared. */
static bool fits(const struct draft *d, const struct event *e, size_t spared)
{
    size_t body = d->out->len + (d->count > 0) + e->bytes + sizeof tail - 1 + spared;

    if (!d->rules->sums_events)
        return body <= d->max_bytes;
    return d->size + e->size < d->max_bytes && body <= MESSAGE_BODY_MAX;
}

/* Drop from the front what no message can carry: it would not even fit an empty one. */
static void drop_oversize(struct queues *q, enum queue_id id, const struct draft *empty)
{
    while (q->queue[id].first && !fits(empty, q->queue[id].first, 0))
        queues_drop(q, id);
}

/* Append events from the front of one queue while they fit; returns how many. */
static size_t append(struct draft *d, const struct queue *from, size_t spared)
{
    size_t n = 0;

    for (const struct event *e = from->first; e && !d->out->rc && fits(d, e, spared); e = e->next, n++) {
        buf_text(d->out, d->count ? "," : "");
        buf_add(d->out, str_of(e->text, e->bytes));
        d->size += e->size;
        d->count++;
    }
    return n;
}

enum rc message_build(struct queues *q, const struct message_rules *rules, enum queue_id leading, size_t max_bytes,
                      const struct message_sender *sender, struct buf *out)
{
    const enum queue_id order[] = {QUEUE_OPERATIONAL, leading, leading == QUEUE_HIGH ? QUEUE_LOW : QUEUE_HIGH};
    size_t taken[sizeof order / sizeof *order] = {0};
    struct draft draft = {.rules = rules, .out = out, .max_bytes = max_bytes};
    enum rc rc = RC_NOT_FOUND;

    assert(leading == QUEUE_HIGH || leading == QUEUE_LOW);
    if (!rules->sums_events && max_bytes > MESSAGE_BODY_MAX)
        draft.max_bytes = MESSAGE_BODY_MAX;
    buf_init(out, MESSAGE_BODY_MAX);
    buf_format(out, "{\"AgentVersion\":\"%s\",\"AgentId\":\"%s\",\"MessageSchemaVersion\":\"1.0\",\"Events\":[",
               sender->agent_version, sender->agent_id);
    for (size_t i = 0; !rules->lets_it_block && !out->rc && i < sizeof order / sizeof *order; i++)
        drop_oversize(q, order[i], &draft);
    if (!out->rc && !q->queue[leading].first)
        goto done;
    for (size_t i = 0; !out->rc && i < sizeof order / sizeof *order; i++) {
        /* However many operational events wait, the message must carry one that leads it: else it never empties. */
        bool is_sparing = order[i] == QUEUE_OPERATIONAL && !rules->sums_events;
        taken[i] = append(&draft, &q->queue[order[i]], is_sparing ? q->queue[leading].first->bytes + 1 : 0);
    }
    buf_text(out, tail);
    rc = out->rc;
    if (!rc && !draft.count)
        rc = RC_NOT_FOUND;
    if (rc)
        goto done;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        while (taken[i]--)
            queues_pop(q, order[i]);

done:
    if (rc)
        buf_done(out);
    return rc;
}
