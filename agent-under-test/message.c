/* message.c - choosing events and wrapping them. */
#include "message.h"

#include <assert.h>

static const char tail[] = "]}";

/* Drop from the front what no message can carry. */
static void drop_oversize(struct queues *q, enum queue_id id, size_t room)
{
    while (q->queue[id].first && q->queue[id].first->bytes > room)
        queues_drop(q, id);
}

/* Append events from the front of one queue while they fit; returns how many. */
static size_t append(const struct queue *from, size_t max_bytes, struct buf *out, size_t already)
{
    size_t n = 0;

    for (const struct event *e = from->first; e && !out->rc; e = e->next, n++) {
        size_t comma = already + n > 0;
        if (out->len + comma + e->bytes + sizeof tail - 1 > max_bytes)
            break;
        buf_text(out, comma ? "," : "");
        buf_add(out, str_of(e->text, e->bytes));
    }
    return n;
}

enum rc message_build(struct queues *q, enum queue_id leading, size_t max_bytes, const struct message_sender *sender,
                      struct buf *out)
{
    const enum queue_id order[] = {QUEUE_OPERATIONAL, leading, leading == QUEUE_HIGH ? QUEUE_LOW : QUEUE_HIGH};
    size_t taken[sizeof order / sizeof *order] = {0}, total = 0, room;
    enum rc rc;

    assert(leading == QUEUE_HIGH || leading == QUEUE_LOW);
    if (max_bytes > MESSAGE_BODY_MAX)
        max_bytes = MESSAGE_BODY_MAX;
    buf_init(out, max_bytes);
    buf_format(out, "{\"AgentVersion\":\"%s\",\"AgentId\":\"%s\",\"MessageSchemaVersion\":\"1.0\",\"Events\":[",
               sender->agent_version, sender->agent_id);
    room = max_bytes > out->len + sizeof tail - 1 ? max_bytes - out->len - (sizeof tail - 1) : 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        drop_oversize(q, order[i], room);
    if (!q->queue[leading].first) {
        rc = RC_NOT_FOUND;
        goto done;
    }
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        /* However many operational events wait, the message must carry one that leads it: else it never empties. */
        size_t spared = order[i] == QUEUE_OPERATIONAL ? q->queue[leading].first->bytes + 1 : 0;
        taken[i] = append(&q->queue[order[i]], max_bytes - spared, out, total);
        total += taken[i];
    }
    buf_text(out, tail);
    rc = out->rc;
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
