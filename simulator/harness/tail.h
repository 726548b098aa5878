/* tail.h - the end of a stream of bytes: the last TAIL_KEPT of them, and how many there were.
 *
 * Bytes have numbers: the first ever added is 0. Whoever reads along remembers the number of the byte it wants next, and sees
 * whether it came too late. One allocation, at the beginning; adding never fails.
 */
#ifndef TWINSIM_TAIL_H
#define TWINSIM_TAIL_H

#include "str.h"

#define TAIL_KEPT ((size_t)64 * 1024)

struct tail {
    char *at;   /* room for twice TAIL_KEPT */
    size_t len; /* bytes held */
    uint64_t total;
};

/* returns RC_OK, RC_NOMEM */
MUST_USE enum rc tail_init(struct tail *t);
void tail_done(struct tail *t);
void tail_add(struct tail *t, struct str bytes);
/* What is held from byte number `from` on. *from moves up to the first byte that is still there. Valid until the next add. */
struct str tail_from(const struct tail *t, uint64_t *from);
/* The last whole lines that fit into max bytes, without the newline at the end. */
struct str tail_lines(const struct tail *t, size_t max);

#endif
