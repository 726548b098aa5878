/* hub_dir.h - a hub's data directory: made, checked and locked, with the files that the broker and our plugin start from.
 *
 *   up.lock       held by `twinsim up` and its broker      keys.seed     what all keys are derived from
 *   hub.json      there while the hub is ready             plugin.json   what the plugin is told
 *   broker.conf   generated at each start                  broker.log    of the last start
 *   broker.sock   for service clients                      server.pem, server.key   the TLS certificate
 *   gateway.sock  for the gateway alone                    gateway.log   of its last start
 *   and the store's own files.
 */
#ifndef TWINSIM_HUB_DIR_H
#define TWINSIM_HUB_DIR_H

#include "certs.h"
#include "hub_process.h"

#define WELL_KNOWN_SEED "twinsim-development-keys" /* published: such keys protect nothing, so they stay on loopback */
#define KEY_SEED_MAX    128u

struct hub_dir {
    char path[PATH_MAX]; /* absolute */
    char socket_dir
        [PATH_MAX]; /* empty: the socket lives in the directory; else a directory of its own, removed at the end */
    char socket[108], gateway_socket[108];
    char seed[KEY_SEED_MAX];
    bool keys_are_fresh;
    int lock;
};

/* Make the directory when missing, take its lock, and read or make its key seed.
 * keys     well-known, fresh, or NULL: what the directory has, else well-known
 * returns  RC_OK (hub_dir_close ends it), RC_BUSY (another `up`), RC_REFUSED (holds other files; other kind of keys; not ours),
 *          RC_CORRUPT, RC_IO */
MUST_USE enum rc hub_dir_open(const char *path, const char *keys, struct hub_dir *out, char *why, size_t why_size);
/* Let go of the lock; remove a socket directory of its own. */
void hub_dir_close(struct hub_dir *d);

/* Can a path stand in the broker's configuration? It takes neither control characters nor bytes that are no UTF-8 (facts B-44). */
bool hub_dir_path_is_fit(const char *path);

/* Write broker.conf and plugin.json. returns RC_OK, RC_IO, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc hub_dir_configure(const struct hub_dir *d, const struct hub_process_options *options,
                                   const char *plugin, const struct certs *certs, char *why, size_t why_size);

/* "HostName=..;SharedAccessKeyName=iothubowner;SharedAccessKey=.." for service clients. returns RC_OK, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc hub_dir_service(const struct hub_dir *d, const char *host, char *out, size_t size);

#endif
