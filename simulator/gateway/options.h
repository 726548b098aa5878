/* options.h - what the gateway is started with: the table of its options, the command line read by it, the help made of it. */
#ifndef TWINSIM_OPTIONS_H
#define TWINSIM_OPTIONS_H

#include "str.h"

#define OPTIONS_LISTEN_MAX 16u
#define OPTIONS_WHY_MAX    256u /* bytes of a message */

struct options {
    const char *listen[OPTIONS_LISTEN_MAX]; /* HOST:PORT; lent from the command line, as all texts */
    size_t n_listen;
    const char *broker;          /* path of the broker's Unix socket */
    const char *cert, *key, *ca; /* ca may be NULL */
    int64_t max_idle_us, connect_timeout_us, broker_wait_us;
    size_t max_packet; /* bytes */
    int ready_fd;      /* -1: nobody waits */
    bool wants_help, wants_version;
};

/* Read the command line.
 *
 * why      at least OPTIONS_WHY_MAX bytes: on failure what was wrong and what was meant
 * returns  RC_OK, RC_SYNTAX (*out is untouched)
 */
MUST_USE enum rc options_read(int argc, char *const *argv, struct options *out, char *why);
/* Print the help to standard output. */
void options_help(void);

#endif
