/* message.h - one telemetry message made of waiting events.
 *
 * Operational events first, then those of the queue that leads, then those of the other one, as long as it stays
 * within the configured size. Operational events never travel alone.
 */
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H

#include "buf.h"
#include "queue.h"

/* The hub counts body and properties against its 262144 bytes; leave room for the property bag. source: facts M-17 */
#define MESSAGE_BODY_MAX (262144u - 1024u)

struct message_sender {
    const char *agent_id;
    const char *agent_version;
};

/* What the configured size means. source: facts S-10, S-30 */
struct message_rules {
    bool sums_events;   /* the events' sizes together must stay below it; else the whole body may be just as large */
    bool lets_it_block; /* an event that is too large stays where it is, and all behind it; else it is dropped */
};

/* Build the next message and take its events out of the queues.
 *
 * leading    QUEUE_HIGH or QUEUE_LOW: without an event there, there is no message
 * max_bytes  the configured size; an event that is too large for a message of its own is dropped and counted,
 *            where the rules do not let it block
 * out        body, empty before; to be freed by buf_done
 * returns    RC_OK
 *            RC_NOT_FOUND  nothing to lead a message, or nothing that fits one
 *            RC_NOMEM      the queues are as they were
 * source     facts S-10, S-11
 */
MUST_USE enum rc message_build(struct queues *q, const struct message_rules *rules, enum queue_id leading,
                               size_t max_bytes, const struct message_sender *sender, struct buf *out);

#endif
