/* neighbour.h - a well-behaved device in a process of its own, so that what happens around it is the hub's doing alone. */
#ifndef TWINSIM_NEIGHBOUR_H
#define TWINSIM_NEIGHBOUR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls_client.h"

struct verdict {
    size_t asked, unanswered;
    uint32_t p50_us, p99_us, worst_us;
};

struct neighbour {
    pid_t pid;
    int to, from;
};

/* It connects as the device "well-behaved". Write seconds (a double) to `to`: so long it reads its twin on its schedule; then the verdict
 * comes from `from`. It ends when `to` is closed. */
struct neighbour start_neighbour(SSL_CTX *tls, const char *host);

#endif
