/* buf.h - bytes that grow up to a ceiling.
 *
 * Failure is sticky: after the first one every further call does nothing, so a writer checks once, at the end.
 * The bytes are always followed by a NUL that is not counted.
 */
#ifndef AGENT_BUF_H
#define AGENT_BUF_H

#include "str.h"

struct buf {
    char *at; /* NULL until the first byte */
    size_t len;
    size_t room;    /* bytes allocated */
    size_t ceiling; /* len never passes it */
    enum rc rc;     /* RC_OK, or RC_LIMIT or RC_NOMEM for ever after */
};

/* Start empty; nothing is allocated yet. */
void buf_init(struct buf *b, size_t ceiling);

/* Wipe and free; the buffer is then as after buf_init. */
void buf_done(struct buf *b);

/* Append bytes. */
void buf_add(struct buf *b, struct str bytes);

/* Append a NUL-terminated text. */
void buf_text(struct buf *b, const char *text);

/* Append formatted text. */
void buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append percent-encoded: all but A-Z a-z 0-9 - _ . ~ becomes %XX with capital digits.
 * source: facts A-01 (an upper-case sr validates), M-18 */
void buf_percent(struct buf *b, struct str bytes);

/* View what is there. */
struct str buf_str(const struct buf *b);

/* Move the bytes out: a NUL-terminated heap string that the caller frees; NULL after a failure. */
char *buf_take(struct buf *b);

#endif
