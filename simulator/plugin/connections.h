/* connections.h - who is connected right now: one record a connection, found by the broker's client pointer or by client id.
 *
 * The broker tells connections apart by pointers it reuses at once, and tells of an end late, twice, or without an id
 * (facts B-06). So each accepted CONNECT gets a record with a number of its own, and everything that is queued carries that number.
 *
 *   open --- a newer CONNECT of the same id was accepted ---> superseded --- DISCONNECT ---> closed --- end of turn ---> freed
 *   open ------------------------------------------------------------------- DISCONNECT ---> closed --- end of turn ---> freed
 *
 * A closed record stays until the end of the turn, because a will is published behind the DISCONNECT.
 */
#ifndef TWINSIM_CONNECTIONS_H
#define TWINSIM_CONNECTIONS_H

#include "hub.h"

struct mosquitto; /* the broker's client; compared, never looked into */

struct connection {
    struct conn conn; /* lent to the hub; never moves */
    const struct mosquitto *client;
    enum ended ended; /* why it will have ended, as far as we know */
    bool is_superseded, is_closed;
    bool is_gateway; /* the gateway's own session: it is nobody's, and only reports */
    unsigned queued; /* messages published to it in the turn below */
    uint64_t queued_turn;
    bool is_listener; /* counted in connections.listeners */
    bool is_reader;   /* counted in connections.readers */
    char **filters;   /* service clients: accepted filters of either event stream */
    size_t n_filters;
    struct connection *next_by_client, *next_by_id, *next_closed;
};

struct connections {
    struct connection **by_client, **by_id; /* chained hash tables of `slots` heads; newest first */
    size_t slots, len;
    struct connection *closed;
    size_t listeners; /* service clients that may hear events */
    size_t readers;   /* service clients that may read events in the service's shape */
};

void connections_init(struct connections *cs);
void connections_done(struct connections *cs);

/* A blank record, not yet known to anybody. NULL: out of memory. */
struct connection *connection_new(uint64_t no);
void connection_free(struct connection *c);

/* Enter an accepted connection; its conn.id is set. Older records of that id become superseded. Takes c over on RC_OK.
 * returns RC_OK, RC_NOMEM */
MUST_USE enum rc connections_add(struct connections *cs, struct connection *c, const struct mosquitto *client);
/* The record of a pointer, closed and superseded ones too; the newest if the pointer was reused. NULL: unknown. */
struct connection *connections_of(const struct connections *cs, const struct mosquitto *client);
/* The open record of a client id, or NULL. */
struct connection *connections_open(const struct connections *cs, struct str id);
/* Its DISCONNECT came. */
void connections_close(struct connections *cs, struct connection *c);
/* End of turn: free what is closed. */
void connections_sweep(struct connections *cs);

/* A service client's filter of one of the event streams was accepted, or given up.
 * returns RC_OK, RC_LIMIT (it holds HUB_FILTERS_MAX), RC_NOMEM */
MUST_USE enum rc connections_listen(struct connections *cs, struct connection *c, struct str filter);
void connections_unlisten(struct connections *cs, struct connection *c, struct str filter);
/* May hear events although we saw no SUBSCRIBE: a stored session of the broker. */
void connections_count_listener(struct connections *cs, struct connection *c);

#endif
