/* memory_client.h - the clients of a hub in memory, and what goes out to them, as lines of JSON. See memory_hub.c.
 *
 * What gateway and broker do by themselves is done here: acknowledgements, and the end of a connection that the hub closes.
 */
#ifndef TWINSIM_MEMORY_CLIENT_H
#define TWINSIM_MEMORY_CLIENT_H

#include "hub_world.h"

#define CLIENTS_MAX     64u
#define TAGS_MAX        64u /* messages that one client has not acknowledged */
#define CLIENT_NAME_MAX 160u

struct client {
    char name[CLIENT_NAME_MAX];
    struct conn conn;
    bool is_open;
    bool acknowledges;       /* messages, at once; else "puback" does, one by one */
    uint64_t tags[TAGS_MAX]; /* of those that wait for it, oldest first */
    size_t n_tags;
};

struct glass {
    struct world world;
    struct client clients[CLIENTS_MAX];
    size_t n_clients;
    uint64_t ticket;
    bool has_gateway; /* clients come through the front door */
    struct buf reply; /* the line being written */
};

/* The runner said what cannot be: tell it, and end. */
_Noreturn void trouble(const char *what);

/* The next entry of the reply; add one JSON object. */
struct buf *entry(struct glass *g);
/* "key":"text" */
void put_text(struct buf *b, const char *key, struct str text);
/* {"to":its name, what} */
void tell(struct glass *g, const struct client *c, const char *what);
/* What the turn that was just committed wanted done. */
void tell_turn(struct glass *g);

/* One request is a turn. */
void turn(struct glass *g, struct request *r);
/* The connection is gone; the hub hears of it as its adapter would say it. */
void shut(struct glass *g, struct client *c, enum ended why);
/* A client acknowledges a message that waits for that: the nth from the oldest, which is 0. */
void acknowledge(struct glass *g, struct client *c, size_t nth);
/* What clients do by themselves once they have read what was sent. */
void let_acknowledge(struct glass *g);

/* The open client with that connection, or NULL. */
struct client *client_of_conn(struct glass *g, uint64_t no);
/* The client of that name, open or not, or NULL. */
struct client *client_named(struct glass *g, const char *name);
/* A fresh one of that name, with a connection that has a number and nothing else. */
struct client *client_new(struct glass *g, const char *name);

#endif
