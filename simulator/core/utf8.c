/* utf8.c - see utf8.h. */
#include "utf8.h"

/* What may follow a lead byte: table 3-7 of the Unicode standard, for leads from 0xC2 to 0xF4. */
static size_t sequence_shape(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (lead < 0xE0)
        return 2;
    if (lead < 0xF0) {
        if (lead == 0xE0)
            *low = 0xA0; /* below: longer than needed */
        if (lead == 0xED)
            *high = 0x9F; /* above: surrogates */
        return 3;
    }
    if (lead == 0xF0)
        *low = 0x90;
    if (lead == 0xF4)
        *high = 0x8F; /* above: beyond U+10FFFF */
    return 4;
}

size_t utf8_char_len(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    unsigned char low, high;
    size_t len;

    if (s.len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    len = sequence_shape(at[0], &low, &high);
    if (len == 0 || len > s.len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return len;
}

bool utf8_is_valid(struct str s)
{
    while (s.len) {
        size_t n = utf8_char_len(s);

        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

size_t utf8_control_len(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.at;

    if (s.len && (at[0] < 0x20 || at[0] == 0x7f))
        return 1;
    return s.len > 1 && at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0 ? 2 : 0;
}

struct str utf8_first(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    while (max && ((unsigned char)s.at[max] & 0xC0) == 0x80)
        max--;
    return str_first(s, max);
}
