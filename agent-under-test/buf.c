/* buf.c - growing bytes with a ceiling. */
#include "buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf){.ceiling = ceiling};
}

void buf_done(struct buf *b)
{
    /* Tokens and keys pass through here: leave nothing behind on the heap. */
    if (b->at)
        OPENSSL_cleanse(b->at, b->room);
    free(b->at);
    buf_init(b, b->ceiling);
}

/* Make sure that more bytes and the closing NUL fit. */
static bool buf_reserve(struct buf *b, size_t more)
{
    size_t room = b->room ? b->room : 64;
    char *at;

    if (b->rc)
        return false;
    if (more > b->ceiling - b->len) {
        b->rc = RC_LIMIT;
        return false;
    }
    if (b->len + more < b->room)
        return true;
    while (room <= b->len + more)
        room *= 2;
    at = malloc(room);
    if (!at) {
        b->rc = RC_NOMEM;
        return false;
    }
    if (b->at) {
        memcpy(at, b->at, b->len);
        OPENSSL_cleanse(b->at, b->room);
        free(b->at);
    }
    b->at = at;
    b->room = room;
    b->at[b->len] = '\0';
    return true;
}

void buf_add(struct buf *b, struct str bytes)
{
    if (!buf_reserve(b, bytes.len))
        return;
    if (bytes.len)
        memcpy(b->at + b->len, bytes.at, bytes.len);
    b->len += bytes.len;
    b->at[b->len] = '\0';
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, str_from(text));
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list args;
    int need;

    va_start(args, format);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need < 0 || !buf_reserve(b, (size_t)need))
        return;
    va_start(args, format);
    (void)vsnprintf(b->at + b->len, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}

void buf_percent(struct buf *b, struct str bytes)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] && strchr(plain, bytes.at[i]))
            buf_add(b, str_of(bytes.at + i, 1));
        else
            buf_format(b, "%%%02X", (unsigned char)bytes.at[i]);
    }
}

struct str buf_str(const struct buf *b)
{
    return str_of(b->at, b->len);
}

char *buf_take(struct buf *b)
{
    char *at;

    if (!buf_reserve(b, 0))
        return NULL;
    at = b->at;
    buf_init(b, b->ceiling);
    return at;
}
