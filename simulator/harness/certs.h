/* certs.h - the user's one certificate authority, and a hub's server certificate signed by it.
 *
 * Somebody who trusts the authority must not thereby trust it with the whole world: it carries critical name constraints
 * (127.0.0.0/8, ::1, localhost, azure-devices.test, global.azure-devices-provisioning.net and the host name it was first made
 * for). TLS stacks that do not know name constraints get an unconstrained one, in a directory of its own.
 * Keys are EC P-256, 0600 in a 0700 directory. Making the authority is locked, so hubs may start side by side.
 */
#ifndef TWINSIM_CERTS_H
#define TWINSIM_CERTS_H

#include <limits.h>

#include "rc.h"
#include "str.h"

#define CERTS_HOSTS_MAX 4u

struct certs_request {
    const char
        *ca_dir; /* where the authority lives; made when missing. NULL: "ca" (or "ca-unconstrained") in the data home */
    bool unconstrained;
    const char *hostname;                   /* the hub's own name */
    const char *addresses[CERTS_HOSTS_MAX]; /* IP addresses it listens on; NULL ends */
    const char *data_dir;                   /* where server.pem and server.key belong */
};

struct certs {
    char ca_file[PATH_MAX];
    char cert_file[PATH_MAX];
    char key_file[PATH_MAX];
};

/* Make what is missing, near its end (30 days) or no longer right; keep what is good.
 * why      what was wrong and what to do, for a person
 * returns  RC_OK, RC_REFUSED (the authority may not vouch for these names), RC_CORRUPT (its files are damaged), RC_BUSY, RC_IO, RC_NOMEM */
MUST_USE enum rc certs_ready(const struct certs_request *request, struct certs *out, char *why, size_t why_size);

#endif
