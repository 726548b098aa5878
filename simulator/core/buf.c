/* buf.c - see buf.h. */
#include "buf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof *b);
    b->max = max ? max : BUF_MAX_DEFAULT;
}

void buf_done(struct buf *b)
{
    free(b->at);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->rc = RC_OK;
    if (b->at)
        b->at[0] = '\0';
}

/* Make room for n more bytes and a NUL. */
static bool buf_reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 64;
    char *grown;

    if (b->rc)
        return false;
    if (n > b->max || b->len > b->max - n) {
        b->rc = RC_LIMIT;
        return false;
    }
    if (b->len + n + 1 <= b->cap) {
        assert(b->at); /* where there is room, there is memory */
        return true;
    }
    while (cap < b->len + n + 1)
        cap *= 2;
    grown = realloc(b->at, cap);
    if (!grown) {
        b->rc = RC_NOMEM;
        return false;
    }
    b->at = grown;
    b->cap = cap;
    return true;
}

char *buf_room(struct buf *b, size_t n)
{
    return buf_reserve(b, n) ? b->at + b->len : NULL;
}

void buf_add(struct buf *b, struct str s)
{
    if (!buf_reserve(b, s.len))
        return;
    if (s.len)
        memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
    b->at[b->len] = '\0';
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, str_of(&c, 1));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int n;

    if (b->rc)
        return;
    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !buf_reserve(b, (size_t)n))
        return;
    va_start(args, fmt);
    (void)vsnprintf(b->at + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

void buf_add_i64(struct buf *b, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--at = '-';
    buf_add(b, str_of(at, (size_t)(digits + sizeof digits - at)));
}

void buf_add_percent(struct buf *b, struct str s, struct str keep)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~' || (keep.len && memchr(keep.at, c, keep.len));

        if (plain) {
            buf_add_char(b, (char)c);
        } else {
            char esc[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, str_of(esc, 3));
        }
    }
}

char *buf_take(struct buf *b, size_t *len)
{
    char *bytes;

    if (!b->rc && !b->at)
        buf_add(b, STR("")); /* an empty text is a text */
    if (b->rc) {
        buf_done(b);
        return NULL;
    }
    bytes = b->at;
    if (len)
        *len = b->len;
    b->at = NULL;
    buf_done(b);
    return bytes;
}
