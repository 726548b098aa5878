/* suggest.h - the name that somebody meant when they wrote another. */
#ifndef TWINSIM_SUGGEST_H
#define TWINSIM_SUGGEST_H

#include "str.h"

#define SUGGEST_TEXT_MAX 80

/* The nearest of names, when one is near enough for a slip (letter case, one or two letters, a swapped pair); else NULL. */
const char *suggest(struct str written, const char *const *names, size_t count);

/* The same as the end of a sentence: "; did you mean 'expect'?", or the empty text. Returns out. */
const char *suggest_text(struct str written, const char *const *names, size_t count, char out[SUGGEST_TEXT_MAX]);

#endif
