/* bridge.h - packets from a client to the broker and back: what is passed on, what is changed, what stays here.
 *
 * Both functions take plain bytes as they came; what they queue leaves with bridge_finish, one write for each side. A mistake only notes
 * that the connection is to end; bridge_finish ends it, behind all that came before.
 */
#ifndef TWINSIM_BRIDGE_H
#define TWINSIM_BRIDGE_H

#include "conn.h"

void bridge_from_device(struct conn *c, struct str bytes);
void bridge_from_broker(struct conn *c, struct str bytes);
/* Let the connection end when this turn's bytes are dealt with; the first reason stands. detail is static, or lives as long as the turn. */
void bridge_should_end(struct conn *c, enum ended end, const char *detail);
/* The end of the turn for this connection. It may be closed afterwards, never freed. */
void bridge_finish(struct conn *c);

#endif
