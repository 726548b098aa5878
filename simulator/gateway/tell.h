/* tell.h - what the gateway tells the hub: JSON in a PUBLISH at QoS 0 to a control topic, put in among a connection's own packets.
 *
 *   {"will":{"topic":"..","qos":1,"retain":false,"payload":BASE64}}    right behind the CONNECT
 *   {"puback":["2a","2b"]}                                            the client has these
 *   {"end":"lost","detail":".."}                                      the connection ends, and why; nothing follows but a DISCONNECT
 *   {"refused":{"peer":"..","reason":"tls","detail":".."}}            on the gateway's own connection: one that never reached the broker
 *
 * Pure.
 */
#ifndef TWINSIM_TELL_H
#define TWINSIM_TELL_H

#include "mqtt_connect.h"

#define REPORT_ROOT  "$CONTROL/twinsim-gateway/" /* no client may publish below it */
#define REPORT_TOPIC REPORT_ROOT "v1"

/* Why a connection ended. */
#define END_LIST(X)                                                                                                    \
    X(CLIENT, "client")                   /* it sent DISCONNECT */                                                     \
    X(LOST, "lost")                       /* its end closed, or was reset, without one */                              \
    X(KEEP_ALIVE, "keep-alive")           /* it said nothing for too long */                                           \
    X(CONNECT_TIMEOUT, "connect-timeout") /* it did not say who it is in time */                                       \
    X(PROTOCOL, "protocol")               /* it broke the rules of MQTT */                                             \
    X(TOO_LARGE, "too-large")             /* a packet is larger than allowed */                                        \
    X(SLOW, "slow")                       /* it does not read what the hub sends */                                    \
    X(UNACKNOWLEDGED, "unacknowledged")   /* it does not acknowledge what the hub sends */                             \
    X(TLS, "tls")                         /* TLS failed, in the handshake or later */                                  \
    X(SHUTDOWN, "shutdown")               /* the gateway stops */
#define END_ENUM(name, text) END_##name,
enum end { END_LIST(END_ENUM) };
#undef END_ENUM
const char *end_name(enum end end);

/* Each appends one whole packet. detail may be NULL, and may hold any bytes. */
void tell_will(struct buf *out, const struct mqtt_connect *c);
void tell_pubacks(struct buf *out, const uint64_t *tags, size_t n);
void tell_end(struct buf *out, enum end end, const char *detail);
void tell_refused(struct buf *out, const char *peer, enum end end, const char *detail);

#endif
