/* sides.h - what a load talks to: a bare broker, and hubs with or without their front door, each on an address of its own.
 *
 * Whatever cannot be started ends the program with a word on stderr; children die with it.
 */
#ifndef TWINSIM_BENCH_SIDES_H
#define TWINSIM_BENCH_SIDES_H

#include "load.h"

struct hub_process;

#define HUB_MQTT_PORT  18831
#define HUB_MQTTS_PORT 8883
#define ECHO_PORT      18832

struct hub_settings {
    size_t identities;      /* devices bench-0, bench-1, ... */
    size_t twin_bytes;      /* about the size of each one's twin; at most 1,024 */
    const char *durability; /* of up --durability */
    bool gateway, plain;    /* the front door is there; the broker has a listener without TLS, and only that is asked */
    bool anew;   /* it is started again once the identities are made, so that what that took is not in its memory */
    bool listen; /* one listener to every event, in a process of its own, so that it competes as a monitor would */
};

struct hub_side {
    char dir[64], host[64];
    int lock;
    struct hub_process *hub;
    pid_t listener;
};

void hub_side_start(struct hub_side *side, const struct hub_settings *set);
void hub_side_stop(struct hub_side *side);
/* Whose processes serve l. */
void hub_side_is(const struct hub_side *side, struct load *l);
/* All clients of l, as the hub's devices, hear the answers to twin requests. */
void hub_side_connect(const struct hub_side *side, struct load *l, SSL_CTX *tls);

/* A mosquitto that lets everybody in, on host:ECHO_PORT. With TLS it takes the certificate that lies in dir. */
pid_t echo_start(const char *dir, const char *host, bool tls);
void echo_stop(pid_t broker);
void echo_is(struct load *l, pid_t broker);
/* Each client hears what it says below root/{i}/. */
void echo_connect(struct load *l, const char *host, SSL_CTX *tls, const char *root);

#endif
