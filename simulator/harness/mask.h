/* mask.h - no secret leaves in a report: known keys, and whatever looks like a key or a signature.
 *
 * "SharedAccessKey=..." and "sig=..." lose their values wherever they stand; the keys of a scenario's identities are masked by
 * their text. What takes their place is "***".
 */
#ifndef TWINSIM_MASK_H
#define TWINSIM_MASK_H

#include "json.h"

struct masks {
    cJSON *secrets; /* an array of texts; NULL: none */
};

void masks_init(struct masks *m);
void masks_done(struct masks *m);
/* Remember a secret; shorter than 8 bytes it is none. returns RC_OK, RC_NOMEM */
MUST_USE enum rc masks_add(struct masks *m, const char *secret);
/* Append text, masked. */
void mask_text(const struct masks *m, struct buf *out, struct str text);
/* Mask every text in a tree, the names of members too; of a "bodyBase64" (an event's body that is no JSON) what it stands for. returns RC_OK, RC_NOMEM */
MUST_USE enum rc mask_json(const struct masks *m, cJSON *tree);

#endif
