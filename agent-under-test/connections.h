/* connections.h - ConnectionCreate: which TCP connections are new since the last look.
 *
 * Like processes, they are found by looking now and then: what was short is missed, and the first look only learns. A
 * connection to a port that somebody listens on came in; any other went out.
 */
#ifndef AGENT_CONNECTIONS_H
#define AGENT_CONNECTIONS_H

#include "aggregate.h"
#include "collect.h"

struct connection_key; /* two addresses and two ports */

struct connections {
    bool has_looked;
    struct connection_key *known; /* sorted */
    size_t known_count;
};

/* What differs from agent to agent. source: facts S-12 */
struct connections_form {
    bool tells_local;    /* address and port of this end */
    bool port_is_number; /* the peer's port of an incoming connection that is aggregated: 0, not "0" */
};

/* Start knowing none. */
void connections_init(struct connections *c);

/* Free everything. */
void connections_done(struct connections *c);

/* Look, and count each new connection with its kind, or, without an aggregate, emit a Triggered event. Of a kind are
 * those of one program and user with one peer on one served port; process ids and the other port are 0. */
void connections_look(struct connections *c, const struct collect_roots *roots, const struct connections_form *form,
                      struct aggregate *aggregate, struct instant now, event_sink *emit, void *context);

#endif
