/* problems.c - see problems.h. */
#include "problems.h"

#include <stdio.h>

#include "utf8.h"

void problems_init(struct problems *p)
{
    buf_init(&p->lines, 0);
    p->count = 0;
}

void problems_done(struct problems *p)
{
    buf_done(&p->lines);
    p->count = 0;
}

void line_addv(struct buf *out, const char *fmt, va_list args)
{
    char text[LINE_TEXT_MAX];
    bool is_cut = vsnprintf(text, sizeof text, fmt, args) >= (int)sizeof text;

    if (is_cut)
        text[utf8_first(str_from(text), sizeof text - 4).len] = '\0';
    for (const char *c = text; *c; c++) {
        if (*c == '\n')
            buf_add(out, STR("\\n"));
        else if ((unsigned char)*c < 0x20 || *c == 0x7F)
            buf_addf(out, "\\u%04x", (unsigned)*c);
        else
            buf_add_char(out, *c);
    }
}

static void add(struct problems *p, const struct source *source, size_t offset, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));

static void add(struct problems *p, const struct source *source, size_t offset, const char *fmt, va_list args)
{
    unsigned line, column;

    p->count++;
    if (p->count > PROBLEMS_MAX)
        return;
    json_position(source->text, offset, &line, &column);
    buf_addf(&p->lines, "%s:%u:%u: ", source->file, line, column);
    line_addv(&p->lines, fmt, args);
    buf_add_char(&p->lines, '\n');
}

void problems_add(struct problems *p, const struct source *source, size_t offset, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(p, source, offset, fmt, args);
    va_end(args);
}

void problems_at(struct problems *p, const struct source *source, const cJSON *value, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(p, source, value ? json_offset(value) : 0, fmt, args);
    va_end(args);
}

/* Where the key of a member stands in the text; where its value does, when the key is written with escapes. */
static size_t key_offset(struct str text, const cJSON *member)
{
    size_t value = json_offset(member), len = member->string ? strlen(member->string) : 0;

    /* The key stands before its value; between the two are a colon, blanks, and at most a comment. */
    for (size_t at = value; member->string && at > len + 1; at--) {
        size_t begin = at - len - 2;

        if (at <= text.len && text.at[at - 1] == '"' && text.at[begin] == '"' &&
            memcmp(text.at + begin + 1, member->string, len) == 0)
            return begin;
    }
    return value;
}

void problems_at_key(struct problems *p, const struct source *source, const cJSON *member, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add(p, source, key_offset(source->text, member), fmt, args);
    va_end(args);
}
