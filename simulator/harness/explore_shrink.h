/* explore_shrink.h - a history that fails is made smaller, as long as it still fails in the same way.
 *
 * Pure: whoever calls tries the candidates. First all that is not about the failing property goes, then steps (delta debugging),
 * then single members and odd values. Every candidate is valid (history_is_valid) and none is tried twice.
 */
#ifndef TWINSIM_EXPLORE_SHRINK_H
#define TWINSIM_EXPLORE_SHRINK_H

#include "explore_history.h"

#define SHRINK_NONE ((size_t)-1) /* none of the candidates fails */
#define SHRINK_STOP ((size_t)-2) /* there is no time left: what is smallest by now stands */

/* Try candidates, in any order and several at a time. returns the number of the first that fails in the same way, SHRINK_NONE,
 * SHRINK_STOP */
typedef size_t shrink_try_fn(void *arg, const struct history *candidates, size_t count);

/* Make a failing history smaller in place.
 *
 * suspect  the property that seems to be wrong; NULL: not known
 * returns  RC_OK (also when stopped), RC_NOMEM (h is the smallest found by then) */
MUST_USE enum rc history_shrink(const struct model *m, struct history *h, const char *suspect, shrink_try_fn *try_them,
                                void *arg);

#endif
