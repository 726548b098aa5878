/* vars.h - ${name} in the texts of a scenario.
 *
 * Variables are a JSON object, name by name. A text that is nothing but one ${name} becomes that value, whatever its type;
 * within a longer text a value is printed (a string without its quotes). $${ stands for a plain ${.
 * What a variable holds is never looked at for variables again.
 */
#ifndef TWINSIM_VARS_H
#define TWINSIM_VARS_H

#include "json.h"

/* Does the text use a variable at all? */
bool vars_used(struct str text);

/* Walk the variables of a text: the next name, moving *rest behind it. returns false when there is no more.
 * An unclosed "${" gives an empty name. */
bool vars_next(struct str *rest, struct str *name);

/* True for what may be a name: a letter or _, then letters, digits and _. */
bool vars_name_is_valid(struct str name);

/* Append the text with its variables filled in.
 * returns RC_OK, RC_NOT_FOUND (no such variable), RC_SYNTAX (unclosed), RC_NOMEM, RC_LIMIT */
MUST_USE enum rc vars_fill_text(struct buf *out, struct str text, const cJSON *vars);

/* A copy of value with all texts in it (not keys) filled in. The copy keeps its places in the file.
 * returns RC_OK (*out for cJSON_Delete), or as vars_fill_text */
MUST_USE enum rc vars_fill(const cJSON *value, const cJSON *vars, cJSON **out);

#endif
