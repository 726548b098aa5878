/* link.h - the wire of wire.h made of libmosquitto. The only file that knows it.
 *
 * One socket, no thread. The caller polls link_socket for reading, and for writing while link_wants_write, and calls
 * link_service when something is ready, and at least once a second for the keep-alive.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include "agent.h"

struct link;

/* Tell the time; a link passes it on with everything it tells the agent. */
typedef struct instant link_clock(void);

/* Make a link that reports to an agent. Both outlive it.
 *
 * returns  NULL when libmosquitto cannot be set up; the reason was logged
 */
struct link *link_new(const struct settings *settings, struct agent *agent, const struct log *log, link_clock *clock);

/* Close and free; NULL is fine. */
void link_free(struct link *l);

/* What the agent calls. */
struct wire link_wire(struct link *l);

/* The socket to poll, or -1 without one. */
int link_socket(const struct link *l);
bool link_wants_write(const struct link *l);

/* Read and write what is ready, keep alive. is_broken: poll told of an error or a hang-up. */
void link_service(struct link *l, bool is_readable, bool is_writable, bool is_broken);

#endif
