/* hub_file.h - DIR/hub.json: how everybody finds a running hub.
 *
 * The file is there when, and only when, the hub is ready; 0600; written by `twinsim up`, removed on stop, distrusted when its pid is gone.
 */
#ifndef TWINSIM_HUB_FILE_H
#define TWINSIM_HUB_FILE_H

#include <limits.h>

#include "buf.h"

struct hub_file {
    long pid, broker_pid, gateway_pid; /* gateway_pid 0: none */
    char hostname[256];                /* the hub's own name: twinsim.azure-devices.test */
    char host[64];                     /* the loopback address it listens on */
    int mqtts_port;                    /* 8883 */
    int mqtt_port;                     /* 0: no plain listener */
    char ca_file[PATH_MAX];
    char socket[108];  /* the Unix socket for service clients */
    char service[512]; /* service connection string */
    char durability[16];
    char version[32];
};

/* Find the data directory: given, else $TWINSIM_DATA, else $XDG_DATA_HOME/twinsim, else ~/.local/share/twinsim. */
MUST_USE enum rc data_dir_find(const char *given, char out[PATH_MAX]);

/* returns RC_OK; RC_NOT_FOUND: no hub runs on that directory (why says so and what to do); RC_SYNTAX: not readable. */
MUST_USE enum rc hub_file_read(const char *data_dir, struct hub_file *out, char *why, size_t why_size);
/* Write atomically, 0600. */
MUST_USE enum rc hub_file_write(const char *data_dir, const struct hub_file *file);
void hub_file_remove(const char *data_dir);

#endif
