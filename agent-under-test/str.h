/* str.h - a view of bytes that somebody else owns: a pointer and a length, passed by value.
 *
 * No allocation. A view is valid for as long as the bytes it looks at.
 */
#ifndef AGENT_STR_H
#define AGENT_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rc.h"

struct str {
    const char *at; /* may be NULL when len is 0 */
    size_t len;
};

/* For printf: "%.*s", STR_ARG(view). */
#define STR_ARG(s) (int)(s).len, (s).at

/* View len bytes. */
struct str str_of(const void *at, size_t len);

/* View a NUL-terminated string; NULL gives an empty view. */
struct str str_from(const char *text);

/* Say whether two views hold the same bytes. */
bool str_equal(struct str a, struct str b);

/* Say whether a view holds the bytes of a NUL-terminated text. */
bool str_is(struct str s, const char *text);

/* Say whether a view equals a text when ASCII letter case is left aside. */
bool str_is_nocase(struct str s, const char *text);

/* Cut prefix off the front of *s. Returns false, and leaves *s alone, when it does not start so. */
bool str_skip(struct str *s, const char *prefix);

/* Cut the front of *s up to the first separator, which is swallowed; without one, all of it. */
struct str str_cut(struct str *s, char separator);

/* Read a whole view as a decimal number, digits only.
 *
 * returns  RC_OK, RC_SYNTAX (empty or not only digits), RC_LIMIT (above max)
 */
MUST_USE enum rc str_to_number(struct str s, int64_t max, int64_t *out);

#endif
