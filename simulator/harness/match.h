/* match.h - is this JSON what was expected? And if not: how near is it, and where does it differ?
 *
 * A pattern is a subset: an object fits when each of its members fits; a key is first taken as it stands, then as an alias
 * (in the outermost object only), then as a dotted path. Arrays fit element by element, and are equally long. All else fits
 * when it is equal. In the place of any value may stand a matcher, an object whose keys all are
 *   $gt $gte $lt $lte  a number (or a text, compared byte by byte) beyond the given one
 *   $ne                not equal to the given value (and there)
 *   $regex             a text in which the extended regular expression is found
 *   $nocase            the given text, letter case aside
 *   $duration          a duration as long as the given one, however written
 *   $type              "string", "number", "integer", "boolean", "object", "array", "null"
 *   $absent, $present  true: the member is not there, is there
 *   $any               a list of patterns, of which one fits
 *   $all               a list of patterns, each of which fits some element of the array
 * Several matchers in one object must all fit.
 */
#ifndef TWINSIM_MATCH_H
#define TWINSIM_MATCH_H

#include "problems.h"

struct match_report {
    unsigned leaves, fitting; /* leaves of the pattern: of two events the one with more fitting is nearer */
    struct buf differences;   /* "path: expected X, got Y", one a line */
};

void match_report_init(struct match_report *r);
void match_report_done(struct match_report *r);

/* Does got (NULL: not there) fit want? want must be valid. aliases may be NULL. report may be NULL; it is added to. */
bool match_fits(const cJSON *want, const cJSON *got, const cJSON *aliases, struct match_report *report);

/* Find what a key of a pattern names in a value, as match_fits does. aliases may be NULL. NULL when it is not there. */
const cJSON *match_member(const cJSON *value, const char *key, const cJSON *aliases);

/* Tell every matcher that is unknown, misspelt or has a wrong argument. Texts with variables in them are taken as they come. */
void match_check(const cJSON *want, const struct source *source, struct problems *problems);

/* Is it a matcher: an object, not empty, whose keys all begin with '$' and a letter, but for $version and $metadata? */
bool match_is_matcher(const cJSON *want);

/* Where in a value we are: the keys from the outermost object to here. */
struct match_place {
    const struct match_place *outer; /* NULL: none; the value itself is a NULL place */
    const char *key;                 /* NULL: element number index */
    size_t index;
};

/* Print "a.b[2]: expected X, got Y". want and got may be NULL: nothing. */
void match_print_difference(struct buf *out, const struct match_place *at, const cJSON *want, const cJSON *got);

/* Print a value in at most max bytes, for people: "..." stands for what was cut. NULL is "nothing". */
void match_print_short(struct buf *out, const cJSON *value, size_t max);

#endif
