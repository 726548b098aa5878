/* words.h - a command line as a person writes it, split into words as a shell would, without being one.
 *
 * Blanks part words; '...' takes everything as it stands; "..." and bare words know \ before any byte. Nothing else is
 * special: no variables, globs, pipes or comments. Variables are filled in afterwards, word by word, so that what they
 * hold can never become a word of its own.
 */
#ifndef TWINSIM_WORDS_H
#define TWINSIM_WORDS_H

#include "str.h"

#define WORDS_MAX 4096u

struct words {
    char **at; /* count words, then a NULL, as execvp wants them */
    size_t count;
};

/* Split a line. returns RC_OK (for words_done), RC_SYNTAX (a quote is never closed, a NUL or a lone \ at the end),
 * RC_LIMIT (more than WORDS_MAX), RC_NOMEM. *out untouched on failure. */
MUST_USE enum rc words_split(struct str line, struct words *out);
/* Add a copy of a word. returns RC_OK, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc words_add(struct words *w, struct str word);
void words_done(struct words *w);

#endif
