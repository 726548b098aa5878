/* ident.c - see ident.h. */
#include "ident.h"

#include <assert.h>

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-:.+%_#*?!(),=@;$'", c));
}

bool ident_part_is_valid(struct str part)
{
    if (part.len < 1 || part.len > IDENT_PART_MAX)
        return false;
    for (size_t i = 0; i < part.len; i++)
        if (!is_id_char(part.at[i]))
            return false;
    return true;
}

enum rc ident_read(struct str text, struct ident *out)
{
    struct str rest = text;
    struct ident id = {.device = str_cut(&rest, '/')};

    if (!ident_part_is_valid(id.device))
        return RC_SYNTAX;
    if (rest.at) { /* there was a '/': a module id must follow */
        if (!ident_part_is_valid(rest))
            return RC_SYNTAX;
        id.module = rest;
    }
    *out = id;
    return RC_OK;
}

size_t ident_print(struct ident id, char out[IDENT_TEXT_MAX])
{
    size_t n = id.device.len;

    assert(ident_part_is_valid(id.device) && (!ident_is_module(id) || ident_part_is_valid(id.module)));
    memcpy(out, id.device.at, id.device.len);
    if (ident_is_module(id)) {
        out[n++] = '/';
        memcpy(out + n, id.module.at, id.module.len);
        n += id.module.len;
    }
    out[n] = '\0';
    return n;
}
