/* query_lex.c - a query's text as tokens. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "query_internal.h"
#include "utf8.h"

enum rc query_refuse(struct query_reader *r, size_t at, const char *fmt, ...)
{
    unsigned line = 1, column = 1;
    va_list args;

    json_position(str_of(r->q->text, r->q->text_len), at, &line, &column);
    refuse(r->why, 400, 400004, "line %u, column %u: ", line, column);
    va_start(args, fmt);
    refusal_print(r->why, strlen(r->why->message), fmt, args);
    va_end(args);
    return RC_REFUSED;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

static char at(struct str s, size_t n)
{
    return n < s.len ? s.at[n] : '\0';
}

struct lexer {
    struct query_reader *r;
    struct str text;
    size_t at;
    char *pool; /* where the next text goes */
};

static void keep(struct lexer *l, struct query_token *t, size_t len)
{
    t->text = str_of(l->pool, len);
    l->pool[len] = '\0';
    l->pool += len + 1;
}

static enum rc lex_number(struct lexer *l, struct query_token *t)
{
    struct str s = str_skip(l->text, l->at);
    size_t n = 0;

    if (at(s, 0) == '0' && (at(s, 1) == 'x' || at(s, 1) == 'X') && is_hex(at(s, 2))) {
        n = 2;
        while (is_hex(at(s, n)))
            n++;
    } else {
        while (is_digit(at(s, n)))
            n++;
        if (at(s, n) == '.' && is_digit(at(s, n + 1)))
            for (n++; is_digit(at(s, n));)
                n++;
        if (at(s, n) == 'e' || at(s, n) == 'E') {
            size_t sign = at(s, n + 1) == '+' || at(s, n + 1) == '-';

            if (is_digit(at(s, n + 1 + sign)))
                for (n += 1 + sign; is_digit(at(s, n));)
                    n++;
        }
    }
    if (is_name_char(at(s, n)))
        return query_refuse(l->r, l->at, "not a number; a name that begins with a digit is written [[1st]]");
    t->kind = TOKEN_NUMBER;
    t->text = str_first(s, n);
    t->number =
        strtod(s.at, NULL); /* the copy of the text ends in a NUL; what follows the number cannot be part of one */
    if (!isfinite(t->number))
        return query_refuse(l->r, l->at, "the number is too large");
    l->at += n;
    return RC_OK;
}

static bool read_hex4(struct str s, unsigned *out)
{
    *out = 0;
    for (size_t n = 0; n < 4; n++) {
        char c = at(s, n);

        if (!is_hex(c))
            return false;
        *out = *out * 16 + (unsigned)(is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

static size_t put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 63));
        to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 63));
    to[2] = (char)(0x80 | (c >> 6 & 63));
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* What stands behind a backslash at *n; moves *n behind it. */
static enum rc lex_escape(struct lexer *l, struct str s, size_t *n, size_t *len)
{
    static const char from[] = "'\"\\/bfnrt", to[] = "'\"\\/\b\f\n\r\t";
    const char *known = at(s, *n) ? strchr(from, at(s, *n)) : NULL;
    unsigned c, low;

    if (known) {
        l->pool[(*len)++] = to[known - from];
        ++*n;
        return RC_OK;
    }
    if (at(s, *n) != 'u' || !read_hex4(str_skip(s, *n + 1), &c))
        return query_refuse(l->r, l->at + *n - 1, "an unknown escape; a backslash itself is written \\\\");
    *n += 5;
    if (c >= 0xD800 && c < 0xDC00 && at(s, *n) == '\\' && at(s, *n + 1) == 'u' &&
        read_hex4(str_skip(s, *n + 2), &low) && low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        *n += 6;
    }
    if (c == 0 || (c >= 0xD800 && c < 0xE000))
        return query_refuse(l->r, l->at + *n - 6, "that escape stands for no character");
    *len += put_utf8(l->pool + *len, c);
    return RC_OK;
}

static enum rc lex_text(struct lexer *l, struct query_token *t)
{
    struct str s = str_skip(l->text, l->at);
    char quote = s.at[0];
    size_t n = 1, len = 0;

    while (n < s.len && s.at[n] != quote) {
        enum rc rc = RC_OK;

        if (s.at[n] == '\\') {
            n++;
            rc = lex_escape(l, s, &n, &len);
        } else {
            l->pool[len++] = s.at[n++];
        }
        if (rc)
            return rc;
    }
    if (n == s.len)
        return query_refuse(l->r, l->at, "the text has no closing %c", quote);
    t->kind = TOKEN_TEXT;
    keep(l, t, len);
    l->at += n + 1;
    return RC_OK;
}

static enum rc lex_quoted(struct lexer *l, struct query_token *t)
{
    struct str s = str_skip(l->text, l->at + 2);
    size_t n = 0;

    while (n < s.len && !(s.at[n] == ']' && at(s, n + 1) == ']'))
        n++;
    if (n == s.len)
        return query_refuse(l->r, l->at, "'[[' has no ']]'");
    if (n == 0)
        return query_refuse(l->r, l->at, "'[[]]' names nothing");
    t->kind = TOKEN_QUOTED;
    memcpy(l->pool, s.at, n);
    keep(l, t, n);
    l->at += n + 4;
    return RC_OK;
}

static enum rc lex_sign(struct lexer *l, struct query_token *t)
{
    static const char *const signs[] = {"!=", "<>", "<=", ">=", "(", ")", "[", "]", ",",
                                        ".",  "+",  "-",  "*",  "/", "%", "=", "<", ">"};
    struct str s = str_skip(l->text, l->at);

    for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++)
        if (str_starts(s, str_from(signs[k]))) {
            t->kind = TOKEN_SIGN;
            t->text = str_first(s, strlen(signs[k]));
            l->at += t->text.len;
            return RC_OK;
        }
    if (s.at[0] > ' ' && s.at[0] < 0x7f)
        return query_refuse(l->r, l->at, "'%c' has no meaning here; an odd name is written [[a%cb]]", s.at[0], s.at[0]);
    return query_refuse(l->r, l->at, "a character without meaning");
}

static enum rc lex_one(struct lexer *l, struct query_token *t)
{
    struct str s = str_skip(l->text, l->at);
    size_t n = 0;

    if (!s.len)
        return RC_OK;
    if (is_digit(s.at[0]))
        return lex_number(l, t);
    if (s.at[0] == '\'' || s.at[0] == '"')
        return lex_text(l, t);
    if (s.at[0] == '[' && at(s, 1) == '[')
        return lex_quoted(l, t);
    while (is_name_char(at(s, n)))
        n++;
    if (!n)
        return lex_sign(l, t);
    t->kind = TOKEN_NAME;
    memcpy(l->pool, s.at, n);
    keep(l, t, n);
    l->at += n;
    return RC_OK;
}

enum rc query_lex(struct query_reader *r)
{
    struct lexer l = {r, str_of(r->q->text, r->q->text_len), 0, r->q->pool};
    size_t cap = 0;

    for (;;) {
        struct query_token *t;
        enum rc rc;

        if (r->n_tokens == cap) {
            t = realloc(r->tokens, (cap ? cap * 2 : 64) * sizeof *t);
            if (!t)
                return RC_NOMEM;
            r->tokens = t;
            cap = cap ? cap * 2 : 64;
        }
        while (l.at < l.text.len && strchr(" \t\r\n", l.text.at[l.at]))
            l.at++;
        t = &r->tokens[r->n_tokens++];
        *t = (struct query_token){.kind = TOKEN_END, .at = l.at};
        rc = lex_one(&l, t);
        if (rc)
            return rc;
        t->source = str_of(l.text.at + t->at, l.at - t->at);
        if (t->kind == TOKEN_END)
            return RC_OK;
    }
}
