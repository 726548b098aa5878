/* problems.h - what is wrong with files that people wrote, said so that an editor can jump there.
 *
 * One line a problem, "file:line:column: what is wrong and what to do", in the order in which they were found.
 */
#ifndef TWINSIM_PROBLEMS_H
#define TWINSIM_PROBLEMS_H

#include <stdarg.h>

#include "json.h"

#define PROBLEMS_MAX  50u /* of one file; the rest is counted but not told */
#define LINE_TEXT_MAX 1024u

/* A file under examination. All of it is lent. */
struct source {
    const char *file; /* as the user named it */
    struct str text;
};

struct problems {
    struct buf lines;
    unsigned count;
};

void problems_init(struct problems *p);
void problems_done(struct problems *p);

/* Tell a problem at a byte of the text. */
void problems_add(struct problems *p, const struct source *source, size_t offset, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Tell a problem at a value. */
void problems_at(struct problems *p, const struct source *source, const cJSON *value, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Tell a problem at a member's key, not its value. */
void problems_at_key(struct problems *p, const struct source *source, const cJSON *member, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Append what a format says so that it stays on its line: at most LINE_TEXT_MAX bytes with no character cut in two, and what would begin a line
 * or move a cursor (names in files may hold anything) as JSON writes it. */
void line_addv(struct buf *out, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

#endif
