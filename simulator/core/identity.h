/* identity.h - one identity of the hub: its credentials, its status, what it listens to, and its twin.
 *
 * The record is small and stays in memory while its owner is connected; the twin hangs on it and may be absent
 * (not loaded, or evicted): whoever needs it asks for it first (needs.h). Everything that lasts can be printed and read back.
 */
#ifndef TWINSIM_IDENTITY_H
#define TWINSIM_IDENTITY_H

#include "ident.h"
#include "iso_time.h"
#include "message.h"
#include "sas.h"
#include "topic.h"
#include "twin.h"

enum auth_type { AUTH_SAS, AUTH_SELF_SIGNED, AUTH_CA, AUTH_NONE };

const char *auth_type_name(enum auth_type type); /* "sas", ... as documents say it */

/* What happens to an identity: the kinds of journal rows. The current state is the fold of its rows. */
#define CHANGE_LIST(X)                                                                                                 \
    X(CREATED, "created")   /* body: the identity as identity_print writes it, twin included */                        \
    X(UPDATED, "updated")   /* body: the identity without its twin: status, keys, model */                             \
    X(REPORTED, "reported") /* body: the patch as the device sent it */                                                \
    X(PATCHED, "patched")   /* body: {"tags":..,"desired":..}, only what was submitted */                              \
    X(REPLACED, "replaced") /* body: {"tags":..,"desired":..} */                                                       \
    X(DELETED, "deleted")   /* body: null */
#define CHANGE_ENUM(name, text) CHANGE_##name,
enum change_kind { CHANGE_LIST(CHANGE_ENUM) };
#undef CHANGE_ENUM
const char *change_kind_name(enum change_kind kind);

/* What a connection leaves to be told when it ends without a farewell. */
struct will {
    char *topic, *payload;
    size_t len; /* of the payload, which may hold any bytes */
    int qos;
    bool retain;
};
void will_free(struct will *will); /* NULL is fine */

/* Whose the stored subscriptions are. */
enum session_kind {
    SESSION_NONE, /* nobody's; with subscriptions: of a store that did not know yet, so a session that stands */
    SESSION_KEPT, /* of a session with clean 0, which outlives its connections */
    SESSION_CLEAN /* of a connection with clean 1, which nobody takes up again (facts M-11) */
};

struct identity {
    char id[IDENT_TEXT_MAX]; /* "device" or "device/module" */
    size_t device_len;       /* bytes of the device part */
    size_t id_len;

    /* What lasts. */
    char generation[24]; /* digits; a re-created identity gets a new one (T-26) */
    int64_t tag;         /* number behind deviceEtag; changes with the identity, not with its twin (T-31) */
    bool is_enabled;
    bool is_edge;
    enum auth_type auth;
    struct sas_key primary, secondary;
    int64_t key_turn;    /* how often keys were renewed: input of the next derived key */
    char *status_reason; /* NULL when unset */
    char *model_id;      /* NULL when never announced */
    cJSON *missed;       /* notifications kept while it is away (profile gw-v1), the oldest first; NULL: none */
    int64_t status_updated_us, state_updated_us, last_activity_us; /* INSTANT_NONE when never */
    unsigned char
        subscribed[FILTER_CLASSES]; /* 0 no, 1 at QoS 0, 2 at QoS 1, and FILTER_SESSION; the hub's own table */

    /* The live connection. Never stored. */
    uint64_t conn;         /* 0: not connected */
    bool by_policy;        /* its token is a policy's, not its own */
    bool has_gateway;      /* it came through the gateway, which tells of its PUBACKs */
    int64_t token_ends_us; /* hub clock; INT64_MAX when the connection has no token */
    struct will *will;     /* NULL: none, or the broker has it */

    struct twin *twin;        /* NULL: not in memory */
    struct messages messages; /* from the cloud, which wait for it */

    /* For the cache and the store; the core only carries them. */
    int64_t row;    /* the store's number for it; 0: never stored */
    size_t counted; /* bytes the cache counted for it */
    struct identity *hash_next, *older, *newer;
};

/* Is it short enough for a status reason? Characters count, not bytes (facts L-14). */
bool status_reason_is_valid(struct str reason);

/* A fresh, enabled identity with no keys and no twin. id must be valid. NULL: out of memory. */
struct identity *identity_new(struct ident id);
void identity_free(struct identity *i); /* frees twin and messages too; NULL is fine */

static inline struct ident identity_ident(const struct identity *i)
{
    struct ident id = {str_of(i->id, i->device_len), {NULL, 0}};

    if (i->id_len > i->device_len)
        id.module = str_of(i->id + i->device_len + 1, i->id_len - i->device_len - 1);
    return id;
}
static inline struct str identity_id(const struct identity *i)
{
    return str_of(i->id, i->id_len);
}
/* Rough heap use in bytes, twin and messages included. */
size_t identity_bytes(const struct identity *i);

/* The whole identity for journal, snapshot and export, keys included:
 * {"deviceId":..,"moduleId":..,"generationId":..,"etag":..,"status":..,...,"authentication":{..},"twin":{..}}; the twin only if
 * with_twin and in memory. Subscriptions and connection are not part of it. */
void identity_print(struct buf *out, const struct identity *i, bool with_twin);
/* Read it back, or a document written by hand: all but deviceId may be missing or null, nothing may have another type; a twin in
 * service shape is fine (twin_read).
 * now_us stamps what is missing. returns RC_OK (*out is the caller's), RC_SYNTAX (*why), RC_NOMEM */
MUST_USE enum rc identity_read(const cJSON *doc, int64_t now_us, struct identity **out, struct refusal *why);

/* Apply one journal row to it, as it was decided. CREATED and DELETED are the caller's (they make and end records).
 * Twin rows need the twin in memory. returns RC_OK, RC_SYNTAX (a row that cannot be: the store is damaged), RC_NOMEM */
MUST_USE enum rc identity_fold(struct identity *i, enum change_kind kind, int64_t at_us, const cJSON *body);

/* The identity as the service reads it (device show), keys included, and the service's twin (iot-hub twin, raw key order). */
void identity_print_document(struct buf *out, const struct identity *i);
void identity_print_twin(struct buf *out, const struct identity *i);

/* An edge device's scope, ms-azure-iot-edge://{device}-{generation} (facts T-38). Empty for all others. */
#define IDENTITY_SCOPE_MAX (IDENT_PART_MAX + 48u)
void identity_scope_print(const struct identity *i, char out[IDENTITY_SCOPE_MAX]);

/* deviceEtag: base64 of the decimal number. */
void identity_etag_print(int64_t tag, char out[40]);

#endif
