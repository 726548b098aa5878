/* base64.c - see base64.h. */
#include "base64.h"

#include <assert.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter; 64 when it is none. */
static unsigned value_of(char c)
{
    const char *at = c ? strchr(letters, c) : NULL;

    return at ? (unsigned)(at - letters) : 64;
}

/* How many letters there are before the padding, which is at most two '='. */
static size_t letters_of(struct str text)
{
    size_t n = text.len;

    while (n > 0 && text.len - n < 2 && text.at[n - 1] == '=')
        n--;
    return n;
}

bool base64_is_valid(struct str text)
{
    size_t n = letters_of(text);

    for (size_t i = 0; i < n; i++)
        if (value_of(text.at[i]) == 64)
            return false;
    return text.len % 4 == 0;
}

void base64_decode(struct buf *out, struct str text)
{
    size_t n = letters_of(text);
    unsigned bits = 0;

    assert(base64_is_valid(text));
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 6 | value_of(text.at[i])) & 0xffffu;
        if (i % 4 != 0)
            buf_add_char(out, (char)(unsigned char)(bits >> (6 - 2 * (i % 4))));
    }
}

void base64_encode(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned bits = (unsigned)(unsigned char)bytes.at[i] << 16;

        bits |= n > 1 ? (unsigned)(unsigned char)bytes.at[i + 1] << 8 : 0;
        bits |= n > 2 ? (unsigned char)bytes.at[i + 2] : 0;
        buf_add_char(out, letters[bits >> 18]);
        buf_add_char(out, letters[bits >> 12 & 63]);
        buf_add_char(out, n > 1 ? letters[bits >> 6 & 63] : '=');
        buf_add_char(out, n > 2 ? letters[bits & 63] : '=');
    }
}
