/* talk.h - ask the hub: find it, log in, send one command after another, say what it refused.
 *
 * Every int returned is an exit code; whoever gets one other than CLI_OK has nothing left to say.
 */
#ifndef TWINSIM_TALK_H
#define TWINSIM_TALK_H

#include "cli.h"
#include "ident.h"
#include "json.h"
#include "service.h"

/* A command that is being put together. Failures are remembered; talk() tells them. */
struct ask {
    cJSON *doc;
    enum rc rc;
    int answer_ms; /* how long the hub may take */
};

/* Find the hub and log in, unless that was done. */
int talk_open(struct cli *c);
void talk_close(struct cli *c);

enum talk_who { TALK_DEVICE, TALK_MODULE, TALK_EITHER };

struct ask ask_new(const char *command);
/* Name the identity; says so when id is no id of that kind. On failure the ask is freed. */
int ask_id(const struct cli *c, struct ask *ask, const char *id, enum talk_who who);
void ask_text(struct ask *ask, const char *key, const char *value); /* a NULL value adds nothing */
void ask_i64(struct ask *ask, const char *key, int64_t value);
void ask_bool(struct ask *ask, const char *key, bool value);
void ask_node(struct ask *ask, const char *key, cJSON *value); /* takes value over */
void ask_drop(struct ask *ask);

/* Send it and wait. Takes the ask over. *body (for cJSON_Delete) on CLI_OK only; body may be NULL. */
int talk(struct cli *c, struct ask *ask, cJSON **body);
/* The same, but statuses that are no surprise are handed back: *status is written on CLI_OK, whatever it is. */
int talk_status(struct cli *c, struct ask *ask, int *status, cJSON **body);
/* Tell a refusal: the hub's error object, or its status. Returns CLI_REFUSED. */
int talk_refused(const struct cli *c, int status, const cJSON *body);

/* For each identity of the hub, in order: devices alone, or each device and then its modules. Each page is asked for when the one
 * before was dealt with. each returns an exit code; anything but CLI_OK ends the walk. */
typedef int talk_each_fn(struct cli *c, const cJSON *identity, void *arg);
int talk_each_device(struct cli *c, talk_each_fn *each, void *arg);
int talk_each_identity(struct cli *c, talk_each_fn *each, void *arg);

/* Append what an option gives: the text itself, or what "@FILE" or "-" (standard input) holds, as it is. */
int talk_read_bytes(const struct cli *c, const char *option, const char *text, struct buf *out);
/* Read "JSON", "@FILE" or "-" (standard input) given to an option; files may hold comments. Says file:line:column when it is not JSON. */
int talk_read_json(const struct cli *c, const char *option, const char *text, cJSON **out);

/* "device" or "device/module" of a document with deviceId and moduleId. False when it has none. */
bool talk_id_of(const cJSON *doc, char out[IDENT_TEXT_MAX]);

#endif
