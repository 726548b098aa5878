/* why.h - failures that a person has to read: an rc, and a sentence that says what was wrong and what to do.
 *
 * The caller lends room for the sentence; WHY_MAX is always enough for ours. Nobody below the command line prints.
 */
#ifndef TWINSIM_WHY_H
#define TWINSIM_WHY_H

#include <stddef.h>

#include "rc.h"

#define WHY_MAX 8192 /* bytes, NUL included: a sentence, and the last lines of a log behind it */

/* Write the sentence (cut when it is too long; why may be NULL) and return rc, so that `return why_not(...)` reads well. */
enum rc why_not(char *why, size_t why_size, enum rc rc, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
