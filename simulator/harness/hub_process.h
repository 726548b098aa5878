/* hub_process.h - start, watch and stop one hub: a stock mosquitto with our plugin, and the gateway before it, as supervised children.
 *
 * The data directory (0700) holds the store, the generated broker configuration, the server certificate, the Unix socket and the broker's log.
 * The children die with us (PR_SET_PDEATHSIG) and are told apart by their own pids; nothing else is ever signalled. When one of them ends
 * the hub has ended.
 */
#ifndef TWINSIM_HUB_PROCESS_H
#define TWINSIM_HUB_PROCESS_H

#include <sys/types.h>

#include "hub_file.h"

struct hub_process_options {
    const char *data_dir;   /* made when missing */
    const char *host;       /* 127.x.y.z; NULL: 127.0.0.1 */
    const char *hostname;   /* NULL: twinsim.azure-devices.test */
    int mqtts_port;         /* 0: 8883 */
    int mqtt_port;          /* 0: no plain listener */
    const char *durability; /* memory, process (NULL), power */
    const char *keys;       /* well-known (NULL), fresh */
    const char *ca_dir;     /* NULL: DIR of the user's one CA, "ca" in the data home */
    bool ca_unconstrained;  /* for TLS stacks that do not know name constraints */
    bool allow_remote;      /* lets host be no loopback address; needs keys fresh */
    unsigned history;       /* 0: default */
    size_t cache_bytes;     /* 0: default */
    long token_skew_s;
    long message_ttl_s;             /* 0: the hub's default */
    const char *profile;            /* which hub it plays (profile.h); NULL: gw-v2 */
    const char *forbidden_filter;   /* close (NULL), 0x80: what a forbidden SUBSCRIBE gets */
    const char *forbidden_will;     /* refuse (NULL), drop: what a CONNECT with a will on another topic gets */
    bool fault_messages;            /* honour the SDKs' fault messages */
    bool fault_messages_unanswered; /* and let what ends the connection do so before the PUBACK */
    bool no_gateway;                /* the broker itself listens on mqtts_port */
    int64_t max_idle_us;            /* of the gateway: the longest silence of a client; 0: its default */
    int64_t connect_timeout_us;     /* likewise: how long a client may take until its CONNECT is there */
    const char *plugin; /* path of twinsim_plugin.so; NULL: beside the binary (../lib) or where it was installed */
    const char *broker; /* NULL: mosquitto from PATH, /usr/sbin, /usr/local/sbin */
};

struct hub_process;

/* Judge the options as they stand, before anything is touched: addresses, names, ports, and who may come with which keys.
 * why       what was wrong and what to do, for a person
 * returns   RC_OK, RC_REFUSED, RC_NOMEM */
MUST_USE enum rc hub_process_check(const struct hub_process_options *options, char *why, size_t why_size);

/* Start a hub and wait until it is ready (READY=1 on a notify socket, not a log line); then hub.json is there.
 * why       what was wrong and what to do, for a person: address taken (by whom), another hub on the directory, no mosquitto, a damaged store...
 * returns   RC_OK (*out is the caller's), RC_BUSY, RC_CORRUPT, RC_NOT_FOUND (mosquitto or plugin missing), RC_REFUSED (not loopback), RC_TIMEOUT, RC_IO, RC_NOMEM */
MUST_USE enum rc hub_process_start(const struct hub_process_options *options, struct hub_process **out, char *why,
                                   size_t why_size);

const struct hub_file *hub_process_file(const struct hub_process *p);
const char *hub_process_data_dir(const struct hub_process *p); /* absolute */
#define HUB_PROCESS_PIDS 2u
/* Its processes that run: broker, gateway. p may be NULL. returns how many */
size_t hub_process_pids(const struct hub_process *p, pid_t out[HUB_PROCESS_PIDS]);
int hub_process_fd(const struct hub_process *p); /* readable when one of them has ended; -1 when they are gone */
/* Has one of them ended? Then so has the hub: it collects it, stops the other one and removes hub.json. */
bool hub_process_has_ended(struct hub_process *p);
/* Which one ended on its own ("mosquitto"), how ("signal 9, Killed"), and why: the last lines of its log, and where that is. All lend. */
const char *hub_process_ended_name(const struct hub_process *p);
const char *hub_process_ending(struct hub_process *p);
const char *hub_process_last_words(struct hub_process *p);
const char *hub_process_log(const struct hub_process *p);
/* Keep the logs from growing for ever; call it now and then. */
void hub_process_trim_log(const struct hub_process *p);

/* SIGTERM, to the broker first, wait (bounded; then SIGKILL), remove hub.json. Idempotent. The directory stays. */
void hub_process_stop(struct hub_process *p);
/* kill -9 of both, as a power cut of the hub would do; the record can be started again with hub_process_restart. */
void hub_process_kill(struct hub_process *p);
/* Start again on the same directory, address and keys. */
MUST_USE enum rc hub_process_restart(struct hub_process *p, char *why, size_t why_size);
void hub_process_free(struct hub_process *p); /* stops it first; NULL is fine */

/* A loopback address 127.x.y.z on which port is free right now and that no other twinsim process has taken (a name in the
 * abstract socket namespace says so; held until *lock_fd is closed, and leaves nothing behind).
 * returns RC_OK, RC_BUSY (none free), RC_IO */
MUST_USE enum rc loopback_take(int port, char host[64], int *lock_fd);

#endif
