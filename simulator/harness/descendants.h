/* descendants.h - the processes below us: children, their children, and orphans that came back to us as their subreaper.
 *
 * Some processes may be spared with all that is below them: the hub's broker, other workers. 0 in a list is nobody. Reads /proc; nothing outside our own tree is ever
 * signalled. What makes new processes faster than they are signalled is stopped first.
 */
#ifndef TWINSIM_DESCENDANTS_H
#define TWINSIM_DESCENDANTS_H

#include <stddef.h>
#include <sys/types.h>

#include "rc.h"

/* From now on orphans below us become our children, however they left their group or session. returns RC_OK, RC_IO */
MUST_USE enum rc descendants_adopt(void);

/* Send a signal to all of them. returns how many there were (the dead but uncollected ones not counted). */
unsigned descendants_signal(const pid_t *spare, size_t count, int signal);

/* Collect the dead among our direct children, but for the given ones, whose owners want their status. 0 is nobody. */
void descendants_collect(const pid_t *owned, size_t count);

/* Kill all of them and wait until they are gone, at most limit_ms.
 * returns how many were alive at the beginning; *left is how many still are (0, unless the kernel holds them) */
unsigned descendants_end(const pid_t *spare, size_t count, int limit_ms, unsigned *left);

#endif
