/* link.h - the gateway's own session with the broker: whether there is a hub at all, and reports about clients that never got to it.
 *
 * It is tried again every LINK_RETRY_US when it cannot be had or is lost; after
 * --broker-wait in vain the broker is gone for good.
 */
#ifndef TWINSIM_LINK_H
#define TWINSIM_LINK_H

#include "tell.h"
#include "wire.h"

#define LINK_RETRY_US 10000
#define LINK_QUEUE    (1024u * 1024) /* bytes of reports that may wait; what is beyond is not told */

struct gateway;

struct link {
    struct gateway *gw;
    struct wire wire;
    struct framer framer;
    struct event retry;
    int64_t since_us; /* when it was lost, or first wanted */
    bool is_up;       /* the broker has accepted it */
};

void link_init(struct link *l, struct gateway *gw);
void link_done(struct link *l);
/* Begin to try. */
void link_start(struct link *l);
/* Tell the hub of a connection that did not get to it; nothing happens while there is no session. */
void link_tell_refused(struct link *l, const char *peer, enum ended end, const char *detail);
/* Say DISCONNECT, and close. */
void link_stop(struct link *l);

/* Connect to a Unix socket without waiting. returns the socket, or -1 and errno: EAGAIN when its queue is full */
int unix_dial(const char *path);

#endif
