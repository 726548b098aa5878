/* bounds.h - what one connection may cost the gateway, in bytes: every queue's ceiling, and their sum. */
#ifndef TWINSIM_BOUNDS_H
#define TWINSIM_BOUNDS_H

#define BOUND_PACKET        393216   /* a packet of a client, until the hub's hello allows another size */
#define BOUND_TO_CLIENT     1048576u /* what a client may leave unread; beyond, it is slow */
#define BOUND_KERNEL        262144 /* what the kernel takes of it before it waits here (SO_SNDBUF, which Linux doubles) */
#define BOUND_MESSAGE       262144u             /* the largest message that the hub sends to a device, with its topic */
#define BOUND_BROKER_PACKET (16u * 1024 * 1024) /* the largest packet that the broker may send at all (to a service) */
#define BOUND_PAUSE         65536u /* waits for the broker, or for the client: beyond, the client is not read */
#define BOUND_RESUME        16384u /* until so little waits */
#define BOUND_RECORD        16384u /* what one read brings: a record of TLS */
#define BOUND_READS         4u     /* reads of one connection in a turn */
#define BOUND_TLS           65536u /* OpenSSL's own state and buffers; measured 11 to 22 KB when idle */
#define BOUND_OPEN          4096u  /* messages without PUBACK, 16 bytes each */

/* A device at its worst, everything full at once: a packet in parts; what waits for the broker (a turn's reads, and the packet that they
 * complete); what waits for the device; open messages; TLS. */
#define BOUND_DEVICE                                                                                                   \
    (BOUND_PACKET + (BOUND_PAUSE + BOUND_READS * BOUND_RECORD + BOUND_PACKET) + (BOUND_TO_CLIENT + BOUND_MESSAGE) +    \
     16u * BOUND_OPEN + BOUND_TLS)

#endif
