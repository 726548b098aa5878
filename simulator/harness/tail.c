/* tail.c - see tail.h. */
#include "tail.h"

#include <stdlib.h>

enum rc tail_init(struct tail *t)
{
    memset(t, 0, sizeof *t);
    t->at = malloc(2 * TAIL_KEPT);
    return t->at ? RC_OK : RC_NOMEM;
}

void tail_done(struct tail *t)
{
    free(t->at);
    memset(t, 0, sizeof *t);
}

void tail_add(struct tail *t, struct str bytes)
{
    t->total += bytes.len;
    if (bytes.len > TAIL_KEPT)
        bytes = str_skip(bytes, bytes.len - TAIL_KEPT);
    if (t->len + bytes.len > 2 * TAIL_KEPT) {
        size_t kept = TAIL_KEPT - bytes.len; /* the old bytes that are still among the last TAIL_KEPT */

        memmove(t->at, t->at + t->len - kept, kept);
        t->len = kept;
    }
    if (bytes.len)
        memcpy(t->at + t->len, bytes.at, bytes.len);
    t->len += bytes.len;
}

/* The last TAIL_KEPT bytes; what is held before them is about to go. */
static struct str held(const struct tail *t)
{
    return t->len > TAIL_KEPT ? str_of(t->at + t->len - TAIL_KEPT, TAIL_KEPT) : str_of(t->at, t->len);
}

struct str tail_from(const struct tail *t, uint64_t *from)
{
    struct str all = held(t);
    uint64_t first = t->total - all.len;

    if (*from < first)
        *from = first;
    return *from < t->total ? str_skip(all, (size_t)(*from - first)) : str_skip(all, all.len);
}

struct str tail_lines(const struct tail *t, size_t max)
{
    struct str s = held(t);
    bool is_cut = t->total > s.len;

    while (s.len && s.at[s.len - 1] == '\n')
        s.len--;
    if (s.len > max) {
        s = str_skip(s, s.len - max);
        is_cut = true;
    }
    if (is_cut && str_find(s, '\n') < s.len)
        s = str_skip(s, str_find(s, '\n') + 1); /* begin with a whole line */
    return s;
}
