/* hub_internal.h - what the hub's own files share. Nobody else includes it.
 *
 *   hub.c           the record, dispatch, time
 *   hub_cache.c     the identities in memory
 *   hub_clock.c     the hub's own time, and the commands that move it
 *   hub_connect.c   CONNECT and the end of a connection
 *   hub_device.c    what a connected device or module does with its twin
 *   hub_subscription.c what it subscribes to
 *   hub_telemetry.c what it tells
 *   hub_will.c      what it leaves to be told when it ends without a farewell
 *   hub_command.c   the control commands, as a table
 *   hub_identity.c  the commands about identities
 *   hub_twin.c      the commands that touch twins
 *   hub_message.c   messages from the cloud: their queue, delivery, and end
 *   hub_message_command.c  the commands about messages, and feedback
 *   hub_missed.c    desired changes that a kept session missed, for hubs that keep them
 *   hub_method.c    direct methods: what is called, and waits for its answer
 *   hub_query.c     the command that asks a query
 *   hub_event.c     events, error bodies, derived keys
 *   hub_notice.c    events in the service's own shape
 *   hub_throttle.c  a hub of some tier: what waits, and what is refused
 *   hub_fault.c         which fault strikes; those that end a connection; time
 *   hub_fault_message.c those that change, lose, repeat or hold back what the hub sends
 *   hub_fault_command.c the commands about faults
 *   hub_fault_sdk.c     faults that a device asks for in a message
 *   hub_waiting.c   what has been decided and leaves later
 */
#ifndef TWINSIM_HUB_INTERNAL_H
#define TWINSIM_HUB_INTERNAL_H

#include "fault.h"
#include "hub.h"
#include "json_write.h"

#define HUB_CACHE_DEFAULT (256u * 1024 * 1024)
#define HUB_WAITING_BYTES (64u * 1024 * 1024) /* of their topics and bodies */
#define HUB_CALLS_BYTES   (64u * 1024 * 1024) /* of payloads that wait for their device */
#define NOT_A_WILL        "a will must be telemetry of its own identity"
/* Is it an edge hub that is played? (facts M-48) */
#define HUB_IS_EDGE(h) ((h)->options.profile.personality == PROFILE_EDGE_HUB)
#define HUB_REORDER_US 2000000 /* how long a reordered message waits for its successor */

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

/* The hub's time: the world's, moved; or standing still. */
struct hub_clock {
    int64_t offset_us; /* while it stands still: as it was when it stopped, and moves since */
    bool is_frozen;
    int64_t frozen_us, frozen_mono_us; /* where it stands; since when */
};

struct call; /* hub_method.c */
struct reply;

/* A message that is held back: to a device, or (operation telemetry) to whoever reads what devices tell. */
struct waiting {
    struct waiting *next;
    struct fault *of; /* NULL: the tier's throttle holds it back; then it may also be the answer to a command */
    enum fault_operation operation;
    int64_t due_us; /* mono; INT64_MAX: when the fault is cleared */
    bool retain;
    struct out message; /* to, conn, topic, body */
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
    uint64_t seq;                    /* events so far */
    bool has_listeners, has_readers; /* of events; of those in the service's shape */
    uint64_t states;                 /* connections begun and ended, as far as somebody read of it */
    int64_t started_us, started_mono_us;
    struct hub_clock clock;
    struct fault *faults; /* in order of their ids */
    size_t n_faults;
    uint64_t last_fault;     /* number of the last one */
    struct waiting *waiting; /* by due_us; equal ones in order of arrival */
    size_t n_waiting, waiting_bytes;
    struct throttle throttle;
    struct call *calls; /* methods under way, in the order of their calls */
    size_t n_calls, call_bytes;
    uint64_t last_rid; /* of the last one that was sent */
    struct message_state messages;
    bool feedback_is_told; /* that a batch is ready */
    const char *cause;     /* correlationData of the command being handled; NULL otherwise */
    struct buf event;      /* the event being written */
    bool event_is_silent;  /* nobody listens: count only */
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
/* A live connection is no more: event, will and state. Nothing if it is not connected. */
void hub_note_end(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out);
void hub_note_end_so(struct hub *h, struct identity *i, enum ended why, struct str detail, struct now now,
                     struct outbox *out); /* detail: more for people, or empty */
/* The hub ends a live connection itself: the same, and OUT_CLOSE for the adapter. */
void hub_end_session(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out);
/* The identity behind a connection, if that connection is still its live one; else NULL. */
struct identity *hub_live(const struct hub *h, const struct request *r);
/* An entry of the outbox that concerns an identity. */
struct out *hub_push(struct outbox *out, enum out_kind kind, const struct identity *i);
/* The journal row of a change that its twin has taken, with the versions that it has now; without a body yet. */
struct out *hub_push_row(struct outbox *out, const struct identity *i, enum change_kind kind, struct now now);
/* A message to its live connection, without a body yet. The topic is taken out of its buffer. */
struct out *hub_push_packet(struct outbox *out, const struct identity *i, struct buf *topic, int qos);
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
/* Two numbers as a GUID: 01234567-89ab-cdef-0123-456789abcdef. */
#define GUID_MAX 37u /* bytes with NUL */
void guid_print(uint64_t high, uint64_t low, char out[GUID_MAX]);

/* --- hub_notice.c: events in the service's own shape; each returns at once when nobody reads them --- */
void notice_connection(struct hub *h, const struct identity *i, bool is_connected, struct now now, struct outbox *out);
/* It was made, or is about to go. */
void notice_lifecycle(struct hub *h, const struct identity *i, bool is_created, struct now now, struct outbox *out);
/* What was submitted, and has been written; NULL: not touched. replace: the notice holds the whole twin. */
struct twin_change {
    const cJSON *tags, *desired, *reported;
    bool replace;
};
void notice_twin(struct hub *h, const struct identity *i, const struct twin_change *change, struct now now,
                 struct outbox *out);
void notice_telemetry(struct hub *h, const struct identity *i, const cJSON *system, const cJSON *properties,
                      struct str payload, struct outbox *out);

/* --- hub_clock.c --- */
/* End the connections whose tokens have ended. */
void hub_end_expired(struct hub *h, struct now now, struct outbox *out);

/* --- hub_telemetry.c --- */
/* A telemetry message of a device. */
enum hub_answer hub_telemetry(struct hub *h, struct identity *i, struct request *r, struct outbox *out);
/* One that a fault held back goes on now. Takes its topic and body over. */
void hub_telemetry_late(struct hub *h, const struct identity *i, struct waiting *w, struct now now, struct outbox *out);
/* Say that a client did what closes its connection. */
void hub_violation(struct hub *h, struct request *r, const struct identity *i, const char *reason, struct outbox *out);
struct str without_trailing_nuls(struct str payload); /* facts C-05 */
/* Add "body": JSON, or "bodyBase64": anything else. */
void put_body(struct buf *b, struct str payload);

/* Tell an identity's will, or why it is none. r is a WILL that was read. */
void hub_tell_will(struct hub *h, const struct identity *i, struct request *r, struct outbox *out);

/* --- hub_will.c --- */
/* NULL: the CONNECT's will may be kept (or there is none, or a wrong one is to be dropped), else why it refuses the CONNECT. */
const char *hub_will_refusal(const struct hub *h, const struct request *r);
/* The will itself has come. */
void hub_will_keep(struct hub *h, struct request *r, struct outbox *out);
/* The connection has ended so: the will is told, unless the client said good-bye, and forgotten. */
void hub_will_end(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out);

/* --- hub_fault.c: every one of these returns at once when there is no fault --- */
#define FAULT_BIT(name) (1u << FAULT_TYPE_##name)
#define FAULTS_THAT_END (FAULT_BIT(DISCONNECT) | FAULT_BIT(EXPIRE) | FAULT_BIT(TAKEOVER))
/* An operation happens: the first fault of these types (FAULT_BIT) that strikes, with its event told, or NULL. Lent until the end of
 * the request. */
struct fault *hub_fault_pick(struct hub *h, unsigned types, enum fault_operation op, const struct identity *i,
                             struct str topic, struct now now, struct outbox *out);
/* The event. phase "injected" or "released"; i may be NULL. */
void hub_fault_tell(struct hub *h, const struct fault *f, const struct identity *i, enum fault_operation op,
                    const char *phase, int64_t planned_us, struct now now, struct outbox *out);
/* Why a connection ends by that fault. */
enum ended hub_fault_ended(enum fault_type type);
/* Enter a fault, which the hub owns from now on; one that strikes by itself and is not to wait does so. returns how many connections
 * that ended. */
size_t hub_fault_enter(struct hub *h, struct fault *f, struct now now, struct outbox *out);
/* Forget a fault; what it holds back leaves. */
void hub_fault_clear(struct hub *h, struct fault *f, struct now now, struct outbox *out);
/* Forget those that strike no more and hold nothing. */
void hub_fault_sweep(struct hub *h);
/* Time passes. returns when it wants to be called again (mono). */
int64_t hub_fault_tick(struct hub *h, struct now now, struct outbox *out);
bool hub_faults_are_valid(const struct hub *h);
void hub_faults_free(struct hub *h);

/* --- hub_fault_message.c --- */
/* The last entry of the outbox is a message to a device: let faults have it. topic: of the packet that asked for it, or its own. */
void hub_fault_message(struct hub *h, const struct identity *i, enum fault_operation op, struct str topic,
                       struct now now, struct outbox *out);

/* --- hub_waiting.c --- */
/* Is there room for one more that waits? */
bool hub_waiting_has_room(const struct hub *h);
/* Let a message wait until due_us (mono), behind all that is due no later. f NULL: the tier's throttle holds it back. Takes *message over, on
 * failure too. returns NULL without memory (then out->rc says so) */
struct waiting *hub_waiting_enter(struct hub *h, struct fault *f, enum fault_operation op, int64_t due_us,
                                  struct out *message, struct outbox *out);
/* Telemetry over a rate goes on later. f NULL: the tier's. */
void hub_waiting_telemetry(struct hub *h, struct fault *f, int64_t wait_us, const struct identity *i,
                           const struct request *r, struct outbox *out);
/* An entry of the outbox, an answer, leaves later, as the tier's throttle wants it. */
void hub_waiting_take(struct hub *h, size_t at, int64_t due_us, struct outbox *out);
/* Let the answers to commands go that wait, or (ticket not 0) forget that one. */
void hub_waiting_answers(struct hub *h, uint64_t ticket, struct now now, struct outbox *out);
/* Let go of one, which is no longer in the list: it leaves, if its connection is still there (telemetry in any case that the identity is in
 * memory). */
void hub_waiting_release(struct hub *h, struct waiting *w, struct now now, struct outbox *out);
/* Let go of all that a fault holds back. */
void hub_waiting_of(struct hub *h, const struct fault *f, struct now now, struct outbox *out);
/* The connection ends: telemetry leaves, the rest is dropped. out NULL: all of it is dropped. */
void hub_waiting_end(struct hub *h, const struct identity *i, struct now now, struct outbox *out);
/* Time passes: let go of what is due. returns when the next one is (mono); INT64_MAX: none. */
int64_t hub_waiting_tick(struct hub *h, struct now now, struct outbox *out);
bool hub_waiting_is_valid(const struct hub *h);
void hub_waiting_drop(struct hub *h); /* free all of it */

/* --- hub_missed.c --- */
/* Would this hub keep a desired change for that identity, which is away? */
bool hub_keeps_missed(const struct hub *h, const struct identity *i);
/* Keep one: note is what the device would have heard. */
void hub_missed_keep(struct hub *h, struct identity *i, struct str note, struct now now, struct outbox *out);
/* It is back: deliver what was kept if it still listens, and forget it. */
void hub_missed_settle(struct hub *h, struct identity *i, struct now now, struct outbox *out);

/* --- hub_twin.c --- */
/* Add a notification's text without its "$version", which stands last in it. */
void hub_put_note(struct buf *b, const char *key, struct str note, int64_t version);
/* Tell a device that is there and listens of a change; faults may have it otherwise. Takes the note over. */
void hub_notify(struct hub *h, struct identity *i, int64_t version, struct buf *note, struct now now,
                struct outbox *out);

/* --- hub_throttle.c --- */
/* Ask the tier's throttle; without a tier everything passes. What would wait passes when no more can be held back. */
enum throttle_verdict hub_throttle(struct hub *h, enum throttle_kind kind, double cost, struct now now,
                                   int64_t *wait_us);
/* The same for a command. returns how long its answer waits; -1: refused, with the refusal written. */
int64_t hub_throttle_command(struct hub *h, const struct request *r, struct reply *reply);
/* The answer among the entries from `from` on leaves then. returns false when there is none. */
bool hub_throttle_hold(struct hub *h, size_t from, int64_t due_us, struct outbox *out);

/* --- hub_fault_sdk.c --- */
/* Is this telemetry a fault message of an SDK (facts C-22)? Then the fault is entered, and *answer says what becomes of the message. */
bool hub_fault_of_sdk(struct hub *h, struct identity *i, const struct request *r, enum hub_answer *answer,
                      struct outbox *out);

/* --- hub_message.c --- */
/* Something may be on its way now: somebody connected or subscribed, a message came in, or one has left. */
void hub_message_deliver(struct hub *h, struct identity *i, struct now now, struct outbox *out);
/* A device has acknowledged the delivery with that tag. Nothing when it came on another connection than the live one, or nobody waits. */
void hub_message_acknowledged(struct hub *h, struct identity *i, uint64_t conn, uint64_t tag, struct now now,
                              struct outbox *out);
/* Its connection has ended: what was on its way is in its queue again. */
void hub_message_lost(struct hub *h, struct identity *i);
/* Those that have expired come to their end. */
void hub_message_expire(struct hub *h, struct identity *i, struct now now, struct outbox *out);
/* One more in the queue, which has room for it. Takes it over; answer: what its sender hears of it, as JSON. */
void hub_message_enter(struct hub *h, struct identity *i, struct message *m, struct now now, struct buf *answer,
                       struct outbox *out);
/* One of those in memory comes to its end: row, event, feedback. Frees it. */
void hub_message_settle(struct hub *h, struct identity *i, struct message *m, enum message_end end, struct now now,
                        struct outbox *out);
/* Does anything of the queue reach it now? */
bool hub_message_is_wanted(const struct identity *i);
/* Is one on its way to it? */
bool hub_message_is_out(const struct identity *i);
/* Time passes. returns when it wants to be called again (mono). */
int64_t hub_message_tick(struct hub *h, struct now now, struct outbox *out);
/* Of the records that were loaded for the request: do they leave together now? */
bool hub_feedback_is_ready(const struct request *r);
bool hub_messages_are_valid(const struct hub *h, const struct identity *i);
/* When that instant of the hub's clock is, on the clock that never jumps; INT64_MAX: not foreseeable. */
int64_t hub_mono_of(const struct hub *h, int64_t at_us, struct now now);

/* --- hub_method.c --- */
/* Somebody connected or subscribed: what was called meanwhile is sent. */
void hub_method_online(struct hub *h, const struct identity *i, struct now now, struct outbox *out);
/* A device answers. */
void hub_method_answer(struct hub *h, const struct identity *i, const struct request *r, struct outbox *out);
/* Time passes. returns when it wants to be called again (mono). */
int64_t hub_method_tick(struct hub *h, struct now now, struct outbox *out);
/* Its connection has ended: so have the calls that were sent on it. */
void hub_method_lost(struct hub *h, const struct identity *i, struct now now, struct outbox *out);
/* Give up all calls of an identity, or of all (NULL), for that reason. */
void hub_method_end(struct hub *h, const struct identity *i, const struct refusal *why, struct now now,
                    struct outbox *out);
/* Is a call of that identity under way? */
bool hub_method_waits_for(const struct hub *h, const struct identity *i);
bool hub_methods_are_valid(const struct hub *h);
void hub_methods_free(struct hub *h);

/* --- the handlers --- */
enum hub_answer hub_connect(struct hub *h, struct request *r, struct outbox *out);
/* Does whoever asks to come in as i know a key? All else that may speak against it is judged by hub_connect. */
bool hub_connect_is_signed(const struct hub *h, const struct request *r, const struct identity *i);
void hub_end(struct hub *h, struct request *r, struct outbox *out);
void hub_turned_away(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_subscribe(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_unsubscribe(struct hub *h, struct request *r, struct outbox *out);
enum hub_answer hub_publish(struct hub *h, struct request *r, struct outbox *out);
void hub_will(struct hub *h, struct request *r, struct outbox *out);
void hub_command(struct hub *h, struct request *r, struct outbox *out);
void command_read(struct request *r);
void command_needs(const struct request *r, struct needs *out);
/* What the commands about messages need beyond that. */
void message_needs(const struct request *r, struct needs *out);
bool message_needs_queue(const struct request *r, const struct identity *i);

/* An answer to a command in the making. */
struct reply {
    int status;
    bool is_later;      /* not yet: command_answer is called when it is there */
    struct refusal why; /* when status >= 300 */
    struct buf body;    /* JSON; empty: {} */
};
typedef void command_fn(struct hub *h, struct request *r, struct reply *reply, struct outbox *out);
void reply_refuse(struct reply *reply, int status, int code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Whom the answer to a command goes to. */
struct asker {
    const char *to; /* client id */
    uint64_t conn, ticket;
    const cJSON *correlation; /* NULL: none */
};

/* Answer a command of that name, now or later. */
void command_answer(struct hub *h, const struct asker *asker, const char *name, const struct reply *reply,
                    struct now now, struct outbox *out);
/* The identity a command is about with its twin if wanted, or NULL with the refusal written. */
struct identity *command_target(struct hub *h, struct request *r, struct reply *reply);
/* One control command. */
enum target {
    TARGET_NONE,
    TARGET_DEVICE,
    TARGET_MODULE,
    TARGET_EITHER,
    TARGET_ANYBODY, /* either, or nobody in particular */
    TARGET_INSIDE
};

struct command {
    const char *name;
    unsigned rights;
    enum target target;
    bool twin, modules, list, history;
    const char *members; /* allowed beside command, correlationData and the target's ids; blank-separated */
    command_fn *run;
};

void reply_with(struct reply *reply, const struct refusal *why);
/* What a command gives could not be read: RC_SYNTAX is its sender's mistake, which *why tells; any other rc is a failure of ours. */
void reply_unread(struct reply *reply, enum rc rc, const struct refusal *why, struct outbox *out);
/* Is `name` one of the blank-separated words? */
bool is_word_of(const char *words, const char *name);
command_fn fault_add, fault_list, fault_clear;
command_fn clock_show, clock_advance, clock_freeze, clock_resume;
command_fn device_create, device_show, device_list, device_update, device_delete, device_renew_key, identity_export,
    identity_import;
command_fn method_invoke;
command_fn message_send, message_list, message_purge, feedback_receive;
command_fn twin_show, twin_update, twin_replace, twin_history;
command_fn hub_query;
/* Whose twins a query looks at; RC_NOMEM goes into r->read_rc. */
void hub_query_read(struct request *r);
/* What a page of it needs. */
void hub_query_needs(const struct request *r, struct needs *out);

#endif
