/* str.h - a view of bytes: pointer and length, by value. No NUL needed, nothing owned.
 *
 * A view is valid for as long as what it points into. An empty view may have a NULL pointer.
 */
#ifndef TWINSIM_STR_H
#define TWINSIM_STR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rc.h"

struct str {
    const char *at;
    size_t len;
};

/* A string literal as a view; its length is known to the compiler. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf("%.*s", STR_FMT(s)); views longer than INT_MAX are cut by printf itself. */
#define STR_FMT(s) (int)(s).len, (s).len ? (s).at : ""

static inline struct str str_of(const void *at, size_t len)
{
    return (struct str){at, len};
}

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    assert(s.at || s.len == 0); /* only an empty view has no pointer */
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.at + (s.len - suffix.len), suffix.at, suffix.len) == 0);
}

/* The view without its first n bytes; n beyond the end gives the empty view at the end. */
static inline struct str str_skip(struct str s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return (struct str){s.len ? s.at + n : s.at, s.len - n};
}

static inline struct str str_first(struct str s, size_t n)
{
    return (struct str){s.at, n < s.len ? n : s.len};
}

/* Equal when ASCII letters count alike in both cases. */
bool str_eq_nocase(struct str a, struct str b);

/* Split at the first `by`: returns what stands before it and moves *rest behind it.
 * Without a `by`, returns all and leaves *rest empty with at == NULL, so `while (rest.at)` walks every piece. */
struct str str_cut(struct str *rest, char by);

/* Position of the first c, or s.len when there is none. */
size_t str_find(struct str s, char c);

/* Read an unsigned decimal that fills the whole view: digits only, at least one, at most `max`.
 * returns  RC_OK (*out written), RC_SYNTAX, RC_LIMIT */
MUST_USE enum rc str_to_u64(struct str s, uint64_t max, uint64_t *out);

/* Copy to the heap with a NUL behind. returns NULL when out of memory; the caller frees. */
char *str_dup(struct str s);

#endif
