/* ident.h - who somebody is on the hub: a device, or a module of a device. Names only; no keys, no state.
 *
 * Pure views into the text they were read from.
 */
#ifndef TWINSIM_IDENT_H
#define TWINSIM_IDENT_H

#include "buf.h"
#include "hub_limits.h"

#define IDENT_TEXT_MAX (2 * IDENT_PART_MAX + 2) /* "device/module" with NUL */

struct ident {
    struct str device; /* never empty in a valid ident */
    struct str module; /* empty: the device itself */
};

static inline bool ident_is_module(struct ident id)
{
    return id.module.len > 0;
}
static inline bool ident_eq(struct ident a, struct ident b)
{
    return str_eq(a.device, b.device) && str_eq(a.module, b.module);
}

/* True for a legal device or module id: 1..128 of ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ ' (facts L-13). */
bool ident_part_is_valid(struct str part);

/* Read "device" or "device/module" (also an MQTT client id); both parts valid.
 * returns RC_OK, RC_SYNTAX. Nothing is written on failure. */
MUST_USE enum rc ident_read(struct str text, struct ident *out);

/* Write "device" or "device/module", NUL-terminated; returns the length. The ident must be valid. */
size_t ident_print(struct ident id, char out[IDENT_TEXT_MAX]);

#endif
