/* message.h - one telemetry message made of waiting events.
 *
 * Operational events first, then those of the queue that leads, then those of the other one, as long as the whole
 * body stays within the configured size. Operational events never travel alone.
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

/* Build the next message and take its events out of the queues.
 *
 * leading    QUEUE_HIGH or QUEUE_LOW: without an event there, there is no message
 * max_bytes  of the body; an event that is too large for a message of its own is dropped and counted
 * out        body, empty before; to be freed by buf_done
 * returns    RC_OK
 *            RC_NOT_FOUND  nothing to lead a message
 *            RC_NOMEM      the queues are as they were
 * source     facts S-10, S-11
 */
MUST_USE enum rc message_build(struct queues *q, enum queue_id leading, size_t max_bytes,
                               const struct message_sender *sender, struct buf *out);

#endif
