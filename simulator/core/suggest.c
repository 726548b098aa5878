/* suggest.c - see suggest.h. */
#include "suggest.h"

#include <stdio.h>

#define NAME_MAX_LEN 64u

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters to add, drop, change or swap (neighbours only) to make b of a. Both at most NAME_MAX_LEN long. */
static unsigned distance(struct str a, struct str b)
{
    unsigned rows[3][NAME_MAX_LEN + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *oldest = before;

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = lower(a.at[i - 1]) == lower(b.at[j - 1]);

            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a.at[i - 1]) == lower(b.at[j - 2]) && lower(a.at[i - 2]) == lower(b.at[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len];
}

const char *suggest(struct str written, const char *const *names, size_t count)
{
    unsigned best = 3; /* two slips at most */
    const char *found = NULL;

    if (written.len > NAME_MAX_LEN || written.len < 2)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str name = str_from(names[i]);
        unsigned d = name.len <= NAME_MAX_LEN ? distance(written, name) : best;

        if (d < best && 2 * d <= least((unsigned)name.len, (unsigned)written.len)) {
            best = d;
            found = names[i];
        }
    }
    return found;
}

const char *suggest_text(struct str written, const char *const *names, size_t count, char out[SUGGEST_TEXT_MAX])
{
    const char *name = suggest(written, names, count);

    out[0] = '\0';
    if (name)
        (void)snprintf(out, SUGGEST_TEXT_MAX, "; did you mean '%s'?", name);
    return out;
}
