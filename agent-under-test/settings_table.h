/* settings_table.h - the rows of settings.h as data. For the readers of settings; others have no use for it. */
#ifndef AGENT_SETTINGS_TABLE_H
#define AGENT_SETTINGS_TABLE_H

#include "settings.h"

enum setting_type { TYPE_TEXT, TYPE_NUMBER, TYPE_DURATION };

struct setting {
    const char *place;
    const char *env;
    enum setting_type type;
    size_t offset;
    const char *preset;
    int64_t least, most; /* bytes, number or milliseconds */
    const char *help;
};

/* All rows, and how many. */
extern const struct setting settings_table[];
extern const size_t settings_rows;

/* Read one value from text into its member.
 *
 * returns  RC_OK, RC_SYNTAX, RC_INVALID, RC_LIMIT (out of bounds), RC_NOMEM
 */
MUST_USE enum rc settings_set(struct settings *s, const struct setting *row, const char *text);

/* Say in a failure what a row wants; where names it as the user spelt it. */
void settings_refuse(struct failure *f, const struct setting *row, const char *where);

/* Check a key and keep it: the first line, blanks trimmed. from: for the failure's words. */
MUST_USE bool settings_take_key(struct str text, const char *from, struct settings *s, struct failure *f);

#endif
