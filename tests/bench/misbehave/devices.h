/* devices.h - a crowd of devices in one loop: all of good manners, or each misbehaving in a way of its own. */
#ifndef TWINSIM_DEVICES_H
#define TWINSIM_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"
#include "tls_client.h"

#define MAX_DEVICES 1000

struct world;
struct device;

struct way {
    const char *name;
    void (*act)(struct world *w, struct device *d);
    bool is_mute;     /* sends no CONNECT */
    bool never_reads; /* */
    bool shares_id;   /* with its neighbour: they take each other over */
};

struct device {
    char id[32];
    const struct way *way;
    struct tls_client tls;
    bool is_greeted; /* it sent its CONNECT */
    unsigned turn;
    size_t dripped;
    int64_t due_us, back_us;
};

struct world {
    char host[64];
    SSL_CTX *tls;
    struct device at[MAX_DEVICES];
    size_t n;
    int epoll;
    uint64_t random;
    uint64_t packets, connections; /* sent in this turn */
    int64_t every_us;
    size_t only;          /* all misbehave in that way, counted from 1; 0: each in its own */
    struct packet packet; /* being made */
};

/* How many ways to misbehave there are, and what the n-th is called (from 0). */
size_t ways_count(void);
const char *way_name(size_t n);

/* They come: one connection each, and one action every so often. */
void world_start(struct world *w, bool misbehaving, int64_t every_us);
/* Let them act for so long; packets and connections are counted from 0. */
void world_drive(struct world *w, double seconds);
/* They all go, without a word. */
void world_leave(struct world *w);

#endif
