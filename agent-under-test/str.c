/* str.c - views of bytes, and the texts of our failures. */
#include "str.h"

#include <string.h>
#include <strings.h>

#define RC_TEXT(name, text) [RC_##name] = text,
static const char *const rc_texts[] = {RC_LIST(RC_TEXT)};

const char *rc_text(enum rc rc)
{
    return (size_t)rc < sizeof rc_texts / sizeof *rc_texts ? rc_texts[rc] : "unknown failure";
}

struct str str_of(const void *at, size_t len)
{
    return (struct str){.at = at, .len = len};
}

struct str str_from(const char *text)
{
    return str_of(text, text ? strlen(text) : 0);
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool str_is(struct str s, const char *text)
{
    return str_equal(s, str_from(text));
}

bool str_is_nocase(struct str s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || strncasecmp(s.at, text, s.len) == 0);
}

bool str_skip(struct str *s, const char *prefix)
{
    size_t n = strlen(prefix);

    if (s->len < n || (n && memcmp(s->at, prefix, n) != 0))
        return false;
    *s = str_of(s->at + n, s->len - n);
    return true;
}

struct str str_cut(struct str *s, char separator)
{
    const char *found = s->len ? memchr(s->at, separator, s->len) : NULL;
    struct str front = *s;

    if (found) {
        front.len = (size_t)(found - s->at);
        *s = str_of(found + 1, s->len - front.len - 1);
    } else {
        *s = str_of(NULL, 0);
    }
    return front;
}

enum rc str_to_number(struct str s, int64_t max, int64_t *out)
{
    int64_t n = 0;

    if (s.len == 0)
        return RC_SYNTAX;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (digit < 0 || digit > 9)
            return RC_SYNTAX;
        if (n > (max - digit) / 10)
            return RC_LIMIT;
        n = n * 10 + digit;
    }
    *out = n;
    return RC_OK;
}
