/* buf.h - a growing buffer of bytes with a ceiling and a memory of its first failure.
 *
 * Every add is a no-op once something failed (out of memory, ceiling reached), so a writer adds to the end of the page
 * and asks buf_ok() once. There is always a NUL behind the last byte of a buffer that holds anything.
 */
#ifndef TWINSIM_BUF_H
#define TWINSIM_BUF_H

#include "str.h"

#define BUF_MAX_DEFAULT (16u * 1024 * 1024) /* bytes */

struct buf {
    char *at;
    size_t len;
    size_t cap;
    size_t max; /* ceiling for len, in bytes */
    enum rc rc; /* RC_OK, RC_NOMEM or RC_LIMIT: the first failure */
};

/* An empty buffer that may grow to max bytes; 0 means BUF_MAX_DEFAULT. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
/* Frees what it holds; the buffer is empty again. */
void buf_done(struct buf *b);
/* Forget the content and the failure, keep the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_i64(struct buf *b, int64_t value);
/* Percent-encode as RFC 3986: everything but letters, digits and "-._~" (and the bytes in `keep`). Upper-case hex. */
void buf_add_percent(struct buf *b, struct str s, struct str keep);

/* Where n more bytes may be written, for writers that know their length beforehand; they say so with buf_added. NULL once
 * something failed. */
char *buf_room(struct buf *b, size_t n);
static inline void buf_added(struct buf *b, size_t n)
{
    b->len += n;
    b->at[b->len] = '\0';
}

static inline bool buf_ok(const struct buf *b)
{
    return b->rc == RC_OK;
}

static inline struct str buf_view(const struct buf *b)
{
    return str_of(b->at, b->len);
}

/* Move the bytes to the caller, NUL-terminated, who frees them; the buffer is empty afterwards.
 * returns NULL if something failed (the buffer is emptied all the same). len may be NULL. */
char *buf_take(struct buf *b, size_t *len);

#endif
