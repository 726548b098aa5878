/* hub.h - the hub's decisions. One function, hub_handle, reached by the broker, a replay, a unit test and a fuzzer alike.
 *
 * Five hops: callback -> parse (request_read) -> decide (hub_handle) -> outbox -> effects. Between parse and decide the adapter asks
 * hub_needs and loads what is missing (hub_put), so that the decision finds everything in memory: it reads no file, no clock, no
 * socket, and has an answer for every input. One thread owns a hub.
 */
#ifndef TWINSIM_HUB_H
#define TWINSIM_HUB_H

#include "hub_limits.h"
#include "outbox.h"
#include "profile.h"
#include "user_name.h"

#define HUB_HOSTS_MAX   16u
#define CONTROL_TOPIC   "$CONTROL/twinsim/v1"
#define EVENTS_ROOT     "$twinsim/v1/"
#define HUB_EVENTS_ROOT "$twinsim/hub-events/v1/" /* events in the service's own shape */

/* When something happens: the hub's clock (which may be moved: hub_now) and a clock that never jumps, both in microseconds. */
struct now {
    int64_t us; /* UTC since 1970 */
    int64_t mono_us;
};

struct hub_options {
    struct str hosts[HUB_HOSTS_MAX]; /* the hub's own name first, then its addresses: all are answered to. Copied. */
    size_t n_hosts;
    struct str key_seed;           /* policy and identity keys are derived from it; copied */
    size_t cache_bytes;            /* ceiling for cached twins; 0: 256 MB */
    int64_t token_skew_us;         /* grace after a token's expiry; default 0 */
    bool forbidden_filter_is_0x80; /* refuse a filter with SUBACK 0x80 instead of closing */
    bool require_api_version;
    int64_t message_ttl_us;         /* how long a message to a device waits; 0: an hour */
    bool message_without_dup;       /* one that is delivered again comes without the DUP flag */
    bool forbidden_will_is_dropped; /* a will on another topic is forgotten, instead of refusing the CONNECT */
    bool fault_messages;            /* honour the SDKs' own fault messages (facts C-22) */
    bool fault_message_unanswered;  /* one that closes at once does so before its PUBACK */
    struct profile profile;         /* which hub it plays; all zero: the hub of today, never throttled */
    uint64_t random;                /* seed of tracking ids and generation ids */
};

/* A connection as the adapter keeps it; filled by an accepted CONNECT, lent to every later request. */
struct conn {
    uint64_t no;      /* the adapter's own number, never used twice */
    bool has_gateway; /* the adapter's word: it came through the gateway, which tells of wills, PUBACKs and ends */
    bool is_service;
    char id[IDENT_TEXT_MAX]; /* client id: the identity, or "service//{uuid}" */
    struct ident who;        /* views into id; devices only */
    unsigned rights;         /* services only: what its policy allows */
    unsigned filters;        /* how many filters it holds */
    bool has_named_methods;  /* one of them is of a single method; such are never taken off that number */
    bool is_clean;
};
/* The adapter gives a fresh conn its number and has_gateway before CONNECT; hub_handle writes the rest when it accepts. */

enum request_kind {
    REQUEST_CONNECT,   /* before the CONNACK; *conn is filled when accepted */
    REQUEST_END,       /* the connection is gone */
    REQUEST_SUBSCRIBE, /* one filter */
    REQUEST_UNSUBSCRIBE,
    REQUEST_PUBLISH,     /* by a device: telemetry, twin, method answer */
    REQUEST_WILL,        /* its last will, after its end, when the broker kept it */
    REQUEST_KEEP_WILL,   /* its last will, behind CONNECT, for the hub to keep */
    REQUEST_PUBACK,      /* it acknowledged a message that had a tag */
    REQUEST_TURNED_AWAY, /* the gateway refused somebody who never came to CONNECT; no conn */
    REQUEST_COMMAND,     /* one command of a control message, by a service client */
    REQUEST_EXPIRE,      /* messages for the identity named by client_id may have expired; no conn */
};

struct journal_row { /* for twin.history */
    enum change_kind kind;
    int64_t at_us, version, desired_version, reported_version;
    char *body; /* owned by whoever loaded it */
};

struct feedback_row {
    uint64_t number;
    int64_t at_us;
    char *text; /* the record; owned by whoever loaded it */
};

struct request {
    enum request_kind kind;
    struct conn *conn;
    struct now now;

    /* CONNECT */
    struct str client_id, user_name, password; /* password.at NULL when absent */
    struct str peer;                           /* where it comes from, if that is known; TURNED_AWAY too */
    struct str will_topic;                     /* of the will that the hub is to keep, if it has one */
    int will_qos, keep_alive_s, protocol;      /* protocol: 3, 4 or 5 as the broker says */
    bool is_clean, has_will;
    bool retain;   /* PUBLISH, WILL, KEEP_WILL */
    bool is_later; /* COMMAND, written by hub_handle: the answer is not in the outbox yet; a later turn has it */
    /* SUBSCRIBE, UNSUBSCRIBE: topic is the filter. PUBLISH, WILL, KEEP_WILL. */
    struct str topic, payload;
    int qos;
    enum ended ended;     /* END, TURNED_AWAY */
    struct str detail;    /* END, TURNED_AWAY: more about it, for people; may be empty */
    uint64_t tag;         /* PUBACK */
    const cJSON *command; /* COMMAND: {"command":"twin.show",...} */
    uint64_t ticket;      /* COMMAND: the adapter's number for it; its answer has the same, whenever that leaves */

    /* Written by request_read. */
    enum rc read_rc;
    enum { ASKS_NOBODY, ASKS_DEVICES, ASKS_MODULES } asks; /* query: whose twins it looks at */
    struct user_name user;
    struct topic read;
    const struct command *verb; /* NULL: unknown command */
    struct ident target;        /* whom the request is about; views into the request or conn */

    /* Loaded by the adapter when hub_needs asked for it (a list page, or all modules of a device); lent for one hub_handle. */
    struct identity *listed[HUB_PAGE_MAX];
    size_t n_listed;
    bool list_has_more;
    struct journal_row *rows;
    size_t n_rows;
    struct feedback_row *feedback;
    size_t n_feedback;
    /* COMMAND: what only the adapter knows, as JSON members for hub.status: "\"durability\":\"process\",\"healthy\":true". May be empty. */
    struct str status_members;

    const char
        *why; /* written by hub_handle when it refuses, denies or closes: the true reason in words, static; else NULL */
};

/* What must be in memory before a request is decided. */
struct needs {
    struct ident ids[2]; /* identities with their records; e.g. the module and its device */
    size_t n_ids;
    bool twins;             /* their twins too */
    bool modules;           /* every module of ids[0]'s device (records only), into request.listed */
    bool list;              /* a page of identities (records only), in id order: */
    struct str list_after;  /*   behind this id text; empty from the start */
    struct str list_device; /*   modules of that device; empty: devices */
    bool list_modules;      /*   the modules of every device instead, in the order of device and module */
    bool list_twins; /*   their twins too; the adapter may then load fewer, at least one, and says that there is more */
    unsigned list_top;
    size_t
        list_bytes; /*   with their twins: so many bytes in memory are enough (identity_bytes); what is behind them is not looked at */
    bool history;           /* the newest rows of ids[0]'s journal, all but UPDATED: */
    int64_t history_before; /*   with a version below this; 0: from the newest */
    unsigned history_top;
    bool
        messages; /* the messages that wait for ids[0] (hub_put_messages), if hub_needs_messages says so of its record */
    bool feedback; /* the oldest FEEDBACK_BATCH records of feedback */
};

enum hub_answer {
    HUB_ACCEPT,  /* CONNECT: CONNACK 0. SUBSCRIBE: granted. PUBLISH: let the broker route it to service clients */
    HUB_SWALLOW, /* PUBLISH: dealt with; acknowledge it and route it to nobody */
    HUB_DENY,    /* SUBSCRIBE: SUBACK 0x80 */
    HUB_CLOSE,   /* close the connection; for CONNECT: CONNACK 5 */
    HUB_CUT,     /* CONNECT: close it without a CONNACK */
};

struct hub;

/* NULL: out of memory. Everything in options is copied. */
struct hub *hub_new(const struct hub_options *options);
void hub_free(struct hub *h);
/* The invariant; tests and assertions call it. */
bool hub_is_valid(const struct hub *h);

/* Hop 2: read the raw parts of a request into its parsed ones. Never fails: what is malformed is remembered and decided later. */
void request_read(struct request *r);
/* What the adapter must load. */
void hub_needs(const struct hub *h, const struct request *r, struct needs *out);
/* Where needs.messages is set, once ids[0] is in memory: must its messages be, too? */
bool hub_needs_messages(const struct hub *h, const struct request *r, const struct identity *i);
/* Hop 3: decide. Changes the hub's state in memory and fills the outbox; the change is real once the adapter has committed it. */
enum hub_answer hub_handle(struct hub *h, struct request *r, struct outbox *out);
/* The hub's time, given the world's. mono_us stays as it is. What all of the above get as now. */
struct now hub_now(const struct hub *h, struct now world);
/* Let time pass: tokens that ended close their connections, faults strike, what they held back leaves. returns when it wants to be
 * called again (mono_us; INT64_MAX: when something happens). */
int64_t hub_tick(struct hub *h, struct now now, struct outbox *out);

/* A command was to be answered later, and its turn could not be stored: its sender was told so, and nothing comes of it any more. */
void hub_abandon(struct hub *h, uint64_t ticket);

/* The cache. find lends; put takes over (and returns what is now in the cache). */
struct identity *hub_find(const struct hub *h, struct str id);
struct identity *hub_put(struct hub *h, struct identity *i);
/* The messages that wait for a cached identity, all of them, in order; moved out of *q. */
void hub_put_messages(struct hub *h, struct identity *i, struct messages *q);
/* One that was stored for a cached identity cannot be read: it waits no more, its row is set aside, and that is told. */
void hub_message_damaged(struct hub *h, const struct identity *i, uint64_t number, struct now now, struct outbox *out);
/* Forget a cached identity because it may differ from what is stored; it is read again when it is next needed. A will goes with it, untold.
 * returns true if it was connected: *conn is then nobody's, and the adapter closes it. Otherwise *conn is 0. */
bool hub_drop(struct hub *h, struct str id, uint64_t *conn);
/* Evict until under the ceiling; skip what the current turn touched. Call between turns. */
void hub_trim(struct hub *h);
/* Is this still the live connection of that identity? */
bool hub_is_live(const struct hub *h, struct str id, uint64_t conn);

/* What only the store knows of all messages. */
struct message_state {
    uint64_t last_number;       /* the highest that was ever given to a message or a record of feedback */
    int64_t next_expiry_us;     /* no message expires before this; INT64_MAX: none is there */
    size_t feedback;            /* records of feedback */
    int64_t oldest_feedback_us; /* INT64_MAX: there is none */
};
/* Tell the hub; at its start, after a turn that failed, and after one that took feedback away or deleted somebody. */
void hub_set_message_state(struct hub *h, const struct message_state *state);
/* When the first message expires, by the hub's clock, as far as is known: then the adapter asks its store who is concerned, hands in a
 * REQUEST_EXPIRE for each, and says when the next one is. What is on its way to a device does not expire. */
int64_t hub_next_expiry(const struct hub *h);
void hub_set_next_expiry(struct hub *h, int64_t at_us);

/* Whether anybody listens to events; objects are only built while so. seq counts all the same. */
void hub_set_listeners(struct hub *h, bool any);
/* The same for events in the service's own shape (docs/reference/events.md). */
void hub_set_readers(struct hub *h, bool any);
uint64_t hub_seq(const struct hub *h);
/* Announce the hub itself: "hub-ready", "hub-stopping". Calls of methods that are under way end with the latter. */
void hub_announce(struct hub *h, const char *kind, struct now now, struct outbox *out);
/* The hub stops: for it every connection has ended, and so it is told, with the wills it keeps. Beyond half an outbox it tells no more. */
void hub_end_all(struct hub *h, struct now now, struct outbox *out);

/* The answer a device gets when the commit of its request failed: body of a 500001, appended. */
void hub_print_failure(struct hub *h, struct now now, struct buf *out);
/* Any other error body: {"errorCode":..,"trackingId":..,"message":..,"timestampUtc":..}, appended. */
void hub_print_error(struct hub *h, int code, const char *message, struct now now, struct buf *out);
/* Derive a policy's key, as the CLI prints it. returns RC_OK, RC_NOT_FOUND (no such policy) */
MUST_USE enum rc hub_policy_key(struct str key_seed, struct str policy, struct sas_key *out);
/* Keys an identity gets when nobody gives it any. */
void hub_identity_keys(struct str key_seed, struct ident id, int64_t turn, struct sas_key *primary,
                       struct sas_key *secondary);

/* May this client read (be sent) that topic? Services: events, telemetry. Devices: only what the hub sends them by id. */
bool hub_may_read(const struct conn *conn, struct str topic);

#endif
