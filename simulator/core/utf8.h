/* utf8.h - well-formed UTF-8, one character at a time.
 *
 * Well-formed as the Unicode standard has it: shortest form, no surrogates, nothing above U+10FFFF.
 */
#ifndef TWINSIM_UTF8_H
#define TWINSIM_UTF8_H

#include "str.h"

/* Length in bytes (1..4) of the well-formed character s begins with; 0 when there is none (s is empty, cut or ill-formed). */
size_t utf8_char_len(struct str s);
/* Is every byte part of a well-formed character? The empty view is. */
bool utf8_is_valid(struct str s);
/* Length of the control character that s begins with, which a terminal would obey: C0, DEL, or C1 (two bytes); 0 when there is none. */
size_t utf8_control_len(struct str s);
/* The first bytes of a text, at most max, and no character cut in two. */
struct str utf8_first(struct str s, size_t max);

#endif
