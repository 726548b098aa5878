/* marker.h - what the hub writes before the topic of a message to a client, for the gateway to take off again.
 *
 *   $gw/1/2a/devices/dev1/messages/devicebound/...      QoS 1 towards the client; tell of its PUBACK as 2a
 *   $gw/1d/2a/...                                       the same, and it was delivered before (DUP)
 *   $gw/0/0/$iothub/twin/res/200/?$rid=1                QoS 0; nobody waits
 *
 * The broker itself carries all of these at QoS 0, so that it never has anything in flight to a client: delivery is between the hub and
 * the gateway. core/front_door.h writes it. Pure; views point into
 * the topic that was read.
 */
#ifndef TWINSIM_MARKER_H
#define TWINSIM_MARKER_H

#include "front_door.h"

struct marker {
    uint8_t qos;  /* 0 or 1 */
    bool is_dup;  /* only with QoS 1 */
    uint64_t tag; /* what its PUBACK is told as; 0: it is not told */
    struct str topic;
};

/* Read the topic of a message from the hub.
 *
 * returns  RC_OK        *out is written
 *          RC_NOT_OURS  no "$gw/": an ordinary message of the broker
 *          RC_SYNTAX    malformed
 */
MUST_USE enum rc marker_read(struct str topic, struct marker *out);

#endif
