/* gateway.h - the front door as a whole: one process, one thread, one loop.
 *
 *   listener -> wire -> tls -> bridge -> the broker's Unix socket
 *
 * A client's connection is a struct conn (conn.h); its packets are looked at in bridge.c; what cannot be done in this turn of the loop
 * waits in turns.h; link.h is the gateway's own session with the broker. No file here is without a limit: docs/reference/front-door.md
 * tells them.
 */
#ifndef TWINSIM_GATEWAY_H
#define TWINSIM_GATEWAY_H

#include <event2/listener.h>
#include <sys/queue.h>

#include "link.h"
#include "options.h"
#include "tls.h"
#include "turns.h"

#define SCRATCH_BYTES 65536u /* what one read from a socket may bring */
#define ACKED_MAX     256u   /* PUBACKs in one report */

struct conn;
TAILQ_HEAD(conn_list, conn);

struct gateway {
    const struct options *options;
    struct event_base *base;
    struct tls tls;
    struct turns turns;
    struct link link;
    struct evconnlistener *listeners[OPTIONS_LISTEN_MAX];
    struct event on_term, on_int, on_hup, pause, limit, trim;
    struct conn_list conns;
    size_t n_conns, max_conns;
    size_t n_changes; /* connections that came or went since memory was last given back */
    bool is_ready;    /* was told */
    bool is_stopping; /* nobody comes in any more, all are told to go */
    int status;       /* of the process */
    /* For the connection whose turn it is; empty between two turns. */
    int64_t now_us;
    struct buf stage; /* what goes to the client */
    uint64_t acked[ACKED_MAX];
    size_t n_acked;
    char why[TLS_WHY_MAX];
    char scratch[SCRATCH_BYTES];
};

/* Run until told to stop. returns the process's exit status */
int gateway_run(const struct options *options);

/* Now, in microseconds of the monotonic clock. */
int64_t clock_us(void);
/* One line on standard error. */
void log_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* From link.c: the session with the broker stands; it was lost; it cannot be had any more. */
void gateway_link_up(struct gateway *gw);
void gateway_link_lost(struct gateway *gw);
void gateway_link_gone(struct gateway *gw, const char *why);
/* From conn.c: a handshake has ended well; one connection less. */
void gateway_conn_shaken(struct gateway *gw);
void gateway_conn_freed(struct gateway *gw);

#endif
