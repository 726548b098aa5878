/* base64.h - bytes as text (RFC 4648, with padding, no line breaks): in scenarios, in events, in what the gateway reports. */
#ifndef TWINSIM_BASE64_H
#define TWINSIM_BASE64_H

#include "buf.h"

/* Is it base64? The empty text is. */
bool base64_is_valid(struct str text);
/* Append the bytes that it stands for; it must be valid. A failure shows in out. */
void base64_decode(struct buf *out, struct str text);
/* Append bytes as base64. */
void base64_encode(struct buf *out, struct str bytes);

#endif
