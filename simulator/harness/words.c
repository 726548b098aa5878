/* words.c - see words.h. */
#include "words.h"

#include "buf.h"

#include <stdlib.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Take one word from the front of a line that does not begin with a blank. */
static enum rc take_word(struct str *line, struct buf *word)
{
    char quote = 0;

    for (; line->len && (quote || !is_blank(line->at[0])); *line = str_skip(*line, 1)) {
        char c = line->at[0];

        if (c == '\0')
            return RC_SYNTAX;
        if (quote && c == quote) {
            quote = 0;
        } else if (!quote && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == '\\' && quote != '\'') {
            *line = str_skip(*line, 1);
            if (line->len == 0 || line->at[0] == '\0')
                return RC_SYNTAX;
            buf_add_char(word, line->at[0]);
        } else {
            buf_add_char(word, c);
        }
    }
    return quote ? RC_SYNTAX : word->rc;
}

enum rc words_add(struct words *w, struct str word)
{
    char **grown;

    if (w->count == WORDS_MAX)
        return RC_LIMIT;
    grown = realloc(w->at, (w->count + 2) * sizeof *grown);
    if (!grown)
        return RC_NOMEM;
    w->at = grown;
    w->at[w->count] = str_dup(word);
    if (!w->at[w->count])
        return RC_NOMEM;
    w->at[++w->count] = NULL;
    return RC_OK;
}

enum rc words_split(struct str line, struct words *out)
{
    struct words words = {0};
    struct buf word;
    enum rc rc = RC_OK;

    buf_init(&word, 0);
    while (!rc) {
        while (line.len && is_blank(line.at[0]))
            line = str_skip(line, 1);
        if (line.len == 0)
            break;
        buf_reset(&word);
        rc = take_word(&line, &word);
        if (!rc)
            rc = words_add(&words, buf_view(&word));
    }
    buf_done(&word);
    if (rc)
        words_done(&words);
    else
        *out = words;
    return rc;
}

void words_done(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->at[i]);
    free(w->at);
    w->at = NULL;
    w->count = 0;
}
