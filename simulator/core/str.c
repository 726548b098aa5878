/* str.c - see str.h. */
#include "str.h"

#include <stdlib.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

size_t str_find(struct str s, char c)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;

    return hit ? (size_t)(hit - s.at) : s.len;
}

struct str str_cut(struct str *rest, char by)
{
    struct str whole = *rest;
    size_t n = str_find(whole, by);

    *rest = n < whole.len ? str_skip(whole, n + 1) : (struct str){NULL, 0};
    return str_first(whole, n);
}

enum rc str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return RC_SYNTAX;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return RC_SYNTAX;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(s.at[i] - '0');

        if (value > (max - digit) / 10 && (value > max / 10 || value * 10 > max - digit))
            return RC_LIMIT;
        value = value * 10 + digit;
    }
    if (value > max)
        return RC_LIMIT;
    *out = value;
    return RC_OK;
}

char *str_dup(struct str s)
{
    char *copy = malloc(s.len + 1);

    if (!copy)
        return NULL;
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return copy;
}
