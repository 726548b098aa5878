/* schema_pattern.h - the regular expressions of JSON Schema, on top of the C library's.
 *
 * A schema's patterns are JavaScript's. They are rewritten as POSIX extended ones that find the same texts: literals, `.`, classes, \d \D
 * \w \W \s \S, \n \t \r \f \v, escaped punctuation, groups (also `(?:`), `|`, `^`, `$`, and the repetitions `*`, `+`, `?`, `{n,m}`, lazy or
 * not. What has no such counterpart is refused by name: looking ahead and behind, references to groups, \b, \u and \x, characters beyond
 * ASCII within a class, counts above SCHEMA_REPEAT_MAX. A character is a character of UTF-8, not a byte; \s is ASCII's.
 */
#ifndef TWINSIM_SCHEMA_PATTERN_H
#define TWINSIM_SCHEMA_PATTERN_H

#include <regex.h>

#include "buf.h"

#define SCHEMA_REPEAT_MAX 1000u

/* Compile a pattern, as found anywhere in a text.
 *
 * out      written on RC_OK; for regfree. Ask it with regexec in the C locale, for a yes or no only
 * what     written on RC_SYNTAX: a static text, "'(?' begins what POSIX expressions have not" or the like
 * returns  RC_OK, RC_SYNTAX, RC_NOMEM
 */
MUST_USE enum rc schema_pattern(const char *pattern, regex_t *out, const char **what);

#endif
