/* tell.h - what the gateway tells the hub: JSON in a PUBLISH at QoS 0 to a control topic, put in among a connection's own packets.
 *
 *   {"will":{"topic":"..","qos":1,"retain":false,"payload":BASE64}}    right behind the CONNECT
 *   {"puback":["2a","2b"]}                                            the client has these
 *   {"end":"lost","detail":".."}                                      the connection ends, and why; nothing follows but a DISCONNECT
 *   {"refused":{"peer":"..","reason":"tls","detail":".."}}            on the gateway's own connection: one that never reached the broker
 *
 * The hub's side of it is core/front_door.h. Pure.
 */
#ifndef TWINSIM_TELL_H
#define TWINSIM_TELL_H

#include "front_door.h"
#include "mqtt_connect.h"

#define REPORTS_ROOT "$CONTROL/twinsim-gateway/" /* FRONT_DOOR_REPORTS lies below it; no client may publish there */

/* Each appends one whole packet. detail may be NULL, and may hold any bytes. */
void tell_will(struct buf *out, const struct mqtt_connect *c);
void tell_pubacks(struct buf *out, const uint64_t *tags, size_t n);
void tell_end(struct buf *out, enum ended end, const char *detail);
void tell_refused(struct buf *out, const char *peer, enum ended end, const char *detail);

#endif
