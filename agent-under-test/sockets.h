/* sockets.h - the kernel's tables of sockets, and whose they are. */
#ifndef AGENT_SOCKETS_H
#define AGENT_SOCKETS_H

#include <netinet/in.h>

#include "collect.h"

#define SOCKET_ESTABLISHED 0x01 /* of a TCP socket */
#define SOCKET_LISTEN      0x0A
#define SOCKET_OPEN        0x07 /* of a UDP or raw socket without a peer */

struct socket_end {
    char address[INET6_ADDRSTRLEN];
    uint32_t port;
};

struct socket_row {
    const char *protocol; /* tcp, tcp6, udp, ... : the table it stands in */
    struct socket_end local, remote;
    uint32_t state;
    uint32_t user;
    int64_t inode; /* 0 when nobody has it any more */
};

/* Read one table of /proc/net and call visit for each row until it returns false; lines of another shape are skipped.
 * Returns false when visit did. */
bool sockets_each(const struct collect_roots *roots, const char *protocol,
                  bool (*visit)(void *context, const struct socket_row *row), void *context);

/* Who has which socket open, as far as it may be known: other users' processes keep that to themselves. */
struct socket_owners {
    struct socket_owner *all; /* by inode */
    size_t count;
};

/* Look through all processes. Without memory some are missing. */
void socket_owners_init(struct socket_owners *o, const struct collect_roots *roots);
void socket_owners_done(struct socket_owners *o);

/* Find the process that has a socket; 0 when it is not known. */
int64_t socket_owners_find(const struct socket_owners *o, int64_t inode);

#endif
