/* json_commented.c - JSON as people write it in files: comments and trailing commas become blanks, so offsets stay true. */
#include "json_internal.h"

#include <stdlib.h>

/* Where a comment that begins at `at` ends (a line's end is not part of it); `at` itself when there is none; NULL when
 * it never ends. */
static const char *comment_end(const char *at, const char *end)
{
    if (end - at < 2 || at[0] != '/')
        return at;
    if (at[1] == '/') {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        return newline ? newline : end;
    }
    if (at[1] == '*') {
        const char *close = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);

        return close ? close + 2 : NULL;
    }
    return at;
}

/* Behind the string that begins at `at`, whatever is in it; `end` when it is not closed. */
static char *string_skip(char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : at;
}

/* Overwrite comments, and commas before a closing bracket, with blanks. returns where an unclosed comment begins, or NULL */
static char *blank_comments(char *at, const char *end)
{
    char *comma = NULL; /* the last significant byte, when it is a comma behind a value */
    bool is_behind_value = false;

    while (at < end) {
        const char *behind = comment_end(at, end);

        if (!behind)
            return at;
        if (behind > at) {
            size_t len = (size_t)(behind - at);

            memset(at, ' ', len);
            at += len;
            continue;
        }
        if (*at == '"') {
            at = string_skip(at, end);
            comma = NULL;
            is_behind_value = true;
            continue;
        }
        if (*at == ',') {
            comma = is_behind_value ? at : NULL;
            is_behind_value = false;
        } else if (*at != ' ' && *at != '\n' && *at != '\r' && *at != '\t') {
            if (comma && (*at == '}' || *at == ']'))
                *comma = ' ';
            comma = NULL;
            is_behind_value = *at != '{' && *at != '[' && *at != ':';
        }
        at++;
    }
    return NULL;
}

enum rc json_read_commented(struct str text, cJSON **out, struct json_error *err)
{
    char *copy = str_dup(text), *unclosed;
    enum rc rc;

    if (!copy) {
        if (err)
            *err = (struct json_error){0, "out of memory"};
        return RC_NOMEM;
    }
    if (str_starts(text, STR("\xEF\xBB\xBF"))) /* some editors' byte order mark */
        memset(copy, ' ', 3);
    unclosed = blank_comments(copy, copy + text.len);
    if (unclosed) {
        if (err)
            *err = (struct json_error){(size_t)(unclosed - copy), "a comment is not closed"};
        rc = RC_SYNTAX;
    } else {
        rc = json_read_text(str_of(copy, text.len), true, out, err);
    }
    free(copy);
    return rc;
}
