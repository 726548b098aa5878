/* address.h - where a hub may listen: loopback or not, free or taken, and by whom.
 */
#ifndef TWINSIM_ADDRESS_H
#define TWINSIM_ADDRESS_H

#include <stddef.h>

#include "rc.h"
#include "str.h"

/* Is it an IPv4 address in dotted form; and in 127.0.0.0/8? */
bool address_is_ipv4(const char *host);
bool address_is_loopback(const char *host);

/* Could somebody listen on host:port right now?
 * why      on failure: taken (by which process, where that can be seen), not an address of this machine, not permitted
 * returns  RC_OK, RC_BUSY (taken), RC_REFUSED, RC_IO */
MUST_USE enum rc address_is_free(const char *host, int port, char *why, size_t why_size);

#endif
