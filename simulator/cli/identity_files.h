/* identity_files.h - identities as files: what `export` writes, `import` and `up --seed` read.
 *
 * A file holds one document or an array of them, comments allowed. A document is what the command identity.export gives; or a
 * twin as the service sees it ("deviceId", perhaps "moduleId", "tags", "properties"), whose keys are then derived. The file of
 * `az iot hub state export` (hub_state.h) is taken, too.
 */
#ifndef TWINSIM_IDENTITY_FILES_H
#define TWINSIM_IDENTITY_FILES_H

#include "talk.h"

struct identity_files {
    struct identity_file {
        char *path;
        char id[IDENT_TEXT_MAX];
        cJSON *doc; /* as identity.import wants it */
    } * at;
    size_t len, cap;
};

/* Read a file, or every *.json and *.jsonc of a directory, and append what they hold. Says file:line:column when something is wrong. */
int identity_files_read(const struct cli *c, const char *path, struct identity_files *out);
/* Free what it holds. */
void identity_files_done(struct identity_files *f);

enum existing { EXISTING_FAILS, EXISTING_STAYS, EXISTING_IS_REPLACED };

/* Send them to the hub, devices first. with_parents: a module's missing device is created. Documents are used up.
 * made, stayed: how many were written and how many were left as they are. */
int identity_files_send(struct cli *c, struct identity_files *f, enum existing existing, bool with_parents,
                        size_t *made, size_t *stayed);

/* The name of an identity's file: the percent-encoded id (dots too), cut at 150 bytes with ~ and 16 hex digits of the whole id's
 * SHA-256 behind; ".json". */
void identity_file_name(struct str id, char out[192]);

#endif
