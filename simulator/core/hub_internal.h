/* hub_internal.h - what the hub's own files share. Nobody else includes it.
 *
 *   hub.c           the record, dispatch, time
 *   hub_cache.c     the identities in memory
 *   hub_connect.c   CONNECT and the end of a connection
 *   hub_device.c    what a connected device or module does
 *   hub_command.c   the control commands, as a table
 *   hub_identity.c  the commands about identities
 *   hub_twin.c      the commands that touch twins
 *   hub_event.c     events, error bodies, derived keys
 */
#ifndef TWINSIM_HUB_INTERNAL_H
#define TWINSIM_HUB_INTERNAL_H

#include "hub.h"
#include "json_write.h"

#define HUB_CACHE_DEFAULT (256u * 1024 * 1024)

/* Rights of a policy (facts ). */
enum {
    RIGHT_REGISTRY_READ = 1,
    RIGHT_REGISTRY_WRITE = 2,
    RIGHT_SERVICE_CONNECT = 4,
    RIGHT_DEVICE_CONNECT = 8,
    RIGHT_OWNER = 16, /* faults and the like: iothubowner only */
};

struct policy {
    const char *name;
    unsigned rights;
};

struct hub {
    struct hub_options options;
    char *host_texts[HUB_HOSTS_MAX];
    char *key_seed;
    char *name; /* the first label of the host name: "twinsim" */

    /* The cache: a hash table by id, and a list from least to most recently used. */
    struct identity **slots;
    size_t n_slots, n_identities, bytes;
    struct identity *oldest, *newest;

    size_t connected;      /* devices and modules with a live connection */
    int64_t next_token_us; /* no token ends before this */
    uint64_t random;
    uint64_t seq; /* events so far */
    bool has_listeners;
    int64_t started_mono_us;
    uint64_t faults;      /* how many faults were injected */
    const char *cause;    /* correlationData of the command being handled; NULL otherwise */
    struct buf event;     /* the event being written */
    bool event_is_silent; /* nobody listens: count only */
    const struct identity *event_of;
    const char *event_kind;
};

/* --- hub_cache.c --- */
/* Count a cached identity's bytes anew after its twin changed. */
void hub_account(struct hub *h, struct identity *i);
void hub_forget(struct hub *h, struct identity *i); /* remove from the cache and free */
void hub_touch(struct hub *h, struct identity *i);  /* it was just used */

/* --- hub.c --- */
uint64_t hub_random(struct hub *h);
/* A live connection is no more: event and state. Nothing if it is not connected. */
void hub_note_end(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out);
/* The hub ends a live connection itself: the same, and OUT_CLOSE for the adapter. */
void hub_end_session(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out);
/* Write an identity's document as a journal row. */
void hub_store_document(struct identity *i, enum change_kind kind, struct now now, struct outbox *out);
void hub_store_subscriptions(const struct identity *i, struct outbox *out);

/* --- hub_event.c --- */
/* Start an event; members are then added to the buffer it returns (a no-op buffer when nobody listens), and event_send ends it.
 * i may be NULL: a hub event. conn 0: none. */
struct buf *event_begin(struct hub *h, const char *kind, const struct identity *i, uint64_t conn, struct now now);
void event_send(struct hub *h, struct outbox *out);
/* {"errorCode":..,"trackingId":..,"message":..,"timestampUtc":..} */
void error_print(struct hub *h, struct buf *b, int code, const char *message, struct now now);
const struct policy *policy_find(struct str name);

/* --- the handlers --- */
enum hub_answer hub_connect(struct hub *h, struct request *r, struct outbox *out);
void hub_end(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_subscribe(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_unsubscribe(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_publish(struct hub *h, struct request *r, struct outbox *out);
void hub_will(struct hub *h, struct request *r, struct outbox *out);
void hub_command(struct hub *h, struct request *r, struct outbox *out);
void command_read(struct request *r);
void command_needs(const struct request *r, struct needs *out);

/* An answer to a command in the making. */
struct reply {
    int status;
    struct refusal why; /* when status >= 300 */
    struct buf body;    /* JSON; empty: {} */
};
typedef void command_fn(struct hub *h, struct request *r, struct reply *reply, struct outbox *out);
void reply_refuse(struct reply *reply, int status, int code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The identity a command is about with its twin if wanted, or NULL with the refusal written. */
struct identity *command_target(struct hub *h, struct request *r, struct reply *reply);
/* One control command. */
enum target { TARGET_NONE, TARGET_DEVICE, TARGET_MODULE, TARGET_EITHER, TARGET_INSIDE };

struct command {
    const char *name;
    unsigned rights;
    enum target target;
    bool twin, modules, list, history;
    const char *members; /* allowed beside command, correlationData and the target's ids; blank-separated */
    command_fn *run;
};

void reply_with(struct reply *reply, const struct refusal *why);
/* Is `name` one of the blank-separated words? */
bool is_word_of(const char *words, const char *name);
command_fn hub_status, fault_add;
command_fn device_create, device_show, device_list, device_update, device_delete, device_renew_key, identity_export,
    identity_import;
command_fn twin_show, twin_update, twin_replace, twin_history;

#endif
