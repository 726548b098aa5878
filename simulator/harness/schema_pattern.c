/* schema_pattern.c - see schema_pattern.h. One pass over the pattern; the expression grows beside it. */
#include "schema_pattern.h"

#include <stdlib.h>

#define ERE_MAX (1024u * 1024) /* bytes */

/* One character beyond ASCII. JSON texts are valid UTF-8, so its continuation bytes cannot be mistaken for a next one. */
#define BEYOND_ASCII "[\xc2-\xf4][\x80-\xbf]+"

/* A set of ASCII characters; NUL is never in a JSON text. */
struct set {
    bool has[128];
};

struct rewriting {
    const char *at; /* what is left of the pattern */
    struct buf ere;
    unsigned groups;     /* open ones */
    bool can_repeat;     /* something stands before `at` that a repetition may follow */
    const char *problem; /* NULL: none so far */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void set_range(struct set *set, unsigned char first, unsigned char last)
{
    for (unsigned c = first; c <= last; c++)
        set->has[c] = true;
}

/* Add what \d, \w or \s stands for. returns false when it is none of them */
static bool set_add_shorthand(struct set *set, char name)
{
    switch (name) {
    case 'w':
        set_range(set, 'a', 'z');
        set_range(set, 'A', 'Z');
        set->has['_'] = true;
        set_range(set, '0', '9');
        return true;
    case 'd':
        set_range(set, '0', '9');
        return true;
    case 's':
        set->has[' '] = true;
        set_range(set, '\t', '\r');
        return true;
    default:
        return false;
    }
}

/* What \n and its like stand for, or any escaped punctuation for itself. returns false for letters and digits of other meaning */
static bool escaped_char(char name, char *out)
{
    static const char names[] = "ntrfv", chars[] = "\n\t\r\f\v";
    const char *found = name ? strchr(names, name) : NULL;

    if (found)
        *out = chars[found - names];
    else if (name > ' ' && name < 0x7F && !is_letter(name) && !is_digit(name))
        *out = name;
    else
        return false;
    return true;
}

static void add_literal(struct buf *ere, char c)
{
    if (strchr("^.[$()|*+?{\\", c))
        buf_add_char(ere, '\\');
    buf_add_char(ere, c);
}

/* A set as a bracket expression. In there ']' comes first, '-' last, '^' not first, and '[' not before '.', ':' or '='. */
static void add_set(struct buf *ere, const struct set *set, bool and_beyond)
{
    static const char special[] = "][^-";
    size_t begin;

    if (and_beyond)
        buf_add_char(ere, '(');
    begin = ere->len;
    buf_add_char(ere, '[');
    if (set->has[']'])
        buf_add_char(ere, ']');
    for (int c = 1; c < 128; c++) {
        if (set->has[c] && !strchr(special, c))
            buf_add_char(ere, (char)c);
    }
    for (const char *c = special + 1; *c; c++) {
        if (set->has[(unsigned char)*c])
            buf_add_char(ere, *c);
    }
    buf_add_char(ere, ']');
    if (!buf_ok(ere))
        return;
    if (str_eq(str_skip(buf_view(ere), begin), STR("[^]"))) {
        ere->len = begin;
        buf_add(ere, STR("\\^"));
    } else if (str_eq(str_skip(buf_view(ere), begin), STR("[]"))) {
        ere->len = begin; /* only what lies beyond is left */
        buf_add(ere, STR(BEYOND_ASCII));
    } else if (and_beyond) {
        buf_add(ere, STR("|" BEYOND_ASCII));
    }
    if (and_beyond)
        buf_add_char(ere, ')');
}

static void invert(struct set *set)
{
    for (int c = 1; c < 128; c++)
        set->has[c] = !set->has[c];
}

/* One character of a class, escaped or not. returns -1 when it was a shorthand, now in the set, or is a problem */
static int class_char(struct rewriting *r, struct set *set)
{
    char c = *r->at++;

    if ((unsigned char)c >= 0x80) {
        r->problem = "a class holds ASCII characters only; write others as alternatives";
        return -1;
    }
    if (c != '\\')
        return (unsigned char)c;
    if (set_add_shorthand(set, *r->at)) {
        r->at++;
        return -1;
    }
    if (!escaped_char(*r->at, &c)) {
        r->problem = "a class has no such escape";
        return -1;
    }
    r->at++;
    return (unsigned char)c;
}

/* "[...]", its first bracket read. */
static void rewrite_class(struct rewriting *r)
{
    struct set set = {.has = {false}};
    bool is_negated = *r->at == '^', is_empty = true;

    if (is_negated)
        r->at++;
    while (*r->at && *r->at != ']' && !r->problem) {
        int first = class_char(r, &set), last = first;

        is_empty = false;
        if (!r->problem && r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
            r->at++;
            last = class_char(r, &set);
            if (!r->problem && (first < 0 || last < first))
                r->problem = "a range of a class goes from one character up to another";
        }
        if (!r->problem && first >= 0)
            set_range(&set, (unsigned char)first, (unsigned char)last);
    }
    if (!r->problem && *r->at != ']')
        r->problem = "a class is not closed";
    if (!r->problem && is_empty)
        r->problem = "a class is empty";
    if (r->problem)
        return;
    r->at++;
    if (is_negated)
        invert(&set);
    add_set(&r->ere, &set, is_negated);
}

/* What stands behind a backslash. */
static void rewrite_escape(struct rewriting *r)
{
    struct set set = {.has = {false}};
    char name = *r->at, lower = (char)(name | 0x20), c;

    if (is_letter(name) && set_add_shorthand(&set, lower)) {
        if (name != lower)
            invert(&set);
        add_set(&r->ere, &set, name != lower);
    } else if (escaped_char(name, &c)) {
        add_literal(&r->ere, c);
    } else {
        r->problem = "it holds an escape that POSIX expressions have not";
        return;
    }
    r->at++;
}

/* A number of a repetition. returns false when there is none, or it is too large */
static bool read_count(struct rewriting *r, unsigned *out)
{
    unsigned n = 0;

    if (!is_digit(*r->at))
        return false;
    for (; is_digit(*r->at); r->at++) {
        n = n * 10 + (unsigned)(*r->at - '0');
        if (n > SCHEMA_REPEAT_MAX)
            return false;
    }
    *out = n;
    return true;
}

/* "{n}", "{n,}" or "{n,m}", its brace read. */
static void rewrite_count(struct rewriting *r)
{
    const char *begin = r->at;
    unsigned from, to = 0;
    bool is_good = read_count(r, &from);

    if (is_good && *r->at == ',') {
        r->at++;
        if (*r->at != '}')
            is_good = read_count(r, &to) && from <= to;
    }
    if (!is_good || *r->at != '}') {
        r->problem = "a repetition is {n}, {n,} or {n,m}, up to 1000; a brace for itself is \\{";
        return;
    }
    r->at++;
    buf_add_char(&r->ere, '{');
    buf_add(&r->ere, str_of(begin, (size_t)(r->at - begin)));
}

/* "*", "+", "?" or a count, with its first character read. Lazy or greedy is no difference to whether something is found. */
static void rewrite_repetition(struct rewriting *r, char c)
{
    if (!r->can_repeat) {
        r->problem = "a repetition has nothing to repeat";
        return;
    }
    if (c == '{')
        rewrite_count(r);
    else
        buf_add_char(&r->ere, c);
    if (*r->at == '?')
        r->at++;
    r->can_repeat = false;
}

static void rewrite_open(struct rewriting *r)
{
    if (r->at[0] == '?' && r->at[1] == ':')
        r->at += 2;
    else if (r->at[0] == '?')
        r->problem = "'(?' begins what POSIX expressions have not";
    r->groups++;
    r->can_repeat = false;
    buf_add_char(&r->ere, '(');
}

static void rewrite_close(struct rewriting *r)
{
    if (r->groups == 0) {
        r->problem = "a ')' closes nothing";
        return;
    }
    r->groups--;
    r->can_repeat = true;
    buf_add_char(&r->ere, ')');
}

static void rewrite_next(struct rewriting *r)
{
    struct set set = {.has = {['\n'] = true, ['\r'] = true}};
    char c = *r->at++;

    switch (c) {
    case '*':
    case '+':
    case '?':
    case '{':
        rewrite_repetition(r, c);
        return;
    case '(':
        rewrite_open(r);
        return;
    case ')':
        rewrite_close(r);
        return;
    case '|':
    case '^':
    case '$':
        buf_add_char(&r->ere, c);
        r->can_repeat = false;
        return;
    case '[':
        rewrite_class(r);
        break;
    case '\\':
        rewrite_escape(r);
        break;
    case '.':
        invert(&set);
        add_set(&r->ere, &set, true);
        break;
    default:
        if ((unsigned char)c < 0x80) {
            add_literal(&r->ere, c);
            break;
        }
        /* A repetition that follows means all its bytes. */
        buf_add_char(&r->ere, '(');
        buf_add_char(&r->ere, c);
        for (; ((unsigned char)*r->at & 0xC0) == 0x80; r->at++)
            buf_add_char(&r->ere, *r->at);
        buf_add_char(&r->ere, ')');
    }
    r->can_repeat = true;
}

enum rc schema_pattern(const char *pattern, regex_t *out, const char **what)
{
    struct rewriting r = {.at = pattern};
    enum rc rc = RC_SYNTAX;
    int failed;

    buf_init(&r.ere, ERE_MAX);
    while (*r.at && !r.problem)
        rewrite_next(&r);
    if (!r.problem && r.groups)
        r.problem = "a '(' is not closed";
    if (!r.problem && r.ere.rc == RC_LIMIT)
        r.problem = "it is too large";
    if (!r.problem && !buf_ok(&r.ere)) {
        rc = r.ere.rc;
        goto done;
    }
    if (!r.problem) {
        failed = regcomp(out, r.ere.len ? r.ere.at : "", REG_EXTENDED | REG_NOSUB);
        rc = failed == REG_ESPACE ? RC_NOMEM : failed ? RC_SYNTAX : RC_OK;
        if (rc == RC_SYNTAX)
            r.problem = "it is no regular expression";
    }
    if (rc == RC_SYNTAX)
        *what = r.problem;

done:
    buf_done(&r.ere);
    return rc;
}
