/* message.h - one message from the cloud to a device or module: what a service asked for, what is stored, and what stands in its topic.
 *
 * Pure. A message is read from a command once (message_read) or from what was stored (message_load); both give the same.
 *
 *   devices/{d}[/modules/{m}]/messages/devicebound/{bag}
 *   bag: %24.mid=..&%24.to=%2Fdevices%2F{d}%2Fmessages%2FdeviceBound&iothub-ack=full&name=value&bare
 *
 * Every '$' of the bag is "%24", "%24.to" is always there, values are percent-encoded, a null value gives a bare key (facts M-21, M-41).
 */
#ifndef TWINSIM_MESSAGE_H
#define TWINSIM_MESSAGE_H

#include "hub_limits.h"
#include "ident.h"
#include "json.h"
#include "refusal.h"

/* Which ends the sender wants to hear of (facts M-42). */
#define MESSAGE_ACK_LIST(X)          X(NONE, "none") X(POSITIVE, "positive") X(NEGATIVE, "negative") X(FULL, "full")
#define MESSAGE_ACK_ENUM(name, text) MESSAGE_ACK_##name,
enum message_ack { MESSAGE_ACK_LIST(MESSAGE_ACK_ENUM) MESSAGE_ACKS };
#undef MESSAGE_ACK_ENUM
const char *message_ack_name(enum message_ack ack);

/* How a message ends: the word of the event stream, and the feedback's. Over MQTT nothing is rejected, and nothing is delivered too often,
 * since only an explicit abandon counts (facts M-44). */
#define MESSAGE_END_LIST(X)                                                                                            \
    X(COMPLETED, "completed", "Success")                                                                               \
    X(EXPIRED, "expired", "Expired")                                                                                   \
    X(PURGED, "purged", "Purged")
#define MESSAGE_END_ENUM(name, text, feedback) MESSAGE_##name,
enum message_end { MESSAGE_END_LIST(MESSAGE_END_ENUM) };
#undef MESSAGE_END_ENUM
const char *message_end_name(enum message_end end);
const char *message_end_feedback(enum message_end end);

struct message {
    struct message *next;
    uint64_t number; /* the hub's, never used twice: its place in the queue, and the tag of its deliveries */
    int64_t enqueued_us, expires_us;
    enum message_ack ack;
    char *id;         /* message id; NULL: the sender gave none */
    char *system;     /* system properties by their service-side names, a JSON object */
    char *properties; /* the sender's own, a JSON object; a value is a text or null */
    char *bag;        /* all of that as it stands behind "devicebound/" */
    char *body;       /* with a NUL behind */
    size_t body_len;

    /* On its way. Never stored. */
    bool is_out;  /* handed to the connection of now, and not acknowledged */
    bool was_out; /* handed to an earlier one */
};

/* The messages that wait for one identity: all of them in memory, or none. */
struct messages {
    size_t count; /* that wait, in memory or not */
    size_t n;     /* in memory: count, or 0 */
    size_t bytes; /* heap use of those */
    struct message *first;
};

/* Read the members of a command: body (a text as it is, any other JSON printed), bodyBase64, messageId, correlationId, userId, contentType,
 * contentEncoding, ack, properties, expiryTimeUtc or timeToLive. Others are passed over.
 *
 * to       whom it is for
 * now_us   the hub's clock: when it is enqueued
 * ttl_us   how long it waits when the command does not say
 * returns  RC_OK (*out is for message_free; its number is 0), RC_SYNTAX (*why), RC_NOMEM
 * source   facts L-03, M-21, M-41, M-42, M-45
 */
MUST_USE enum rc message_read(const cJSON *command, struct ident to, int64_t now_us, int64_t ttl_us,
                              struct message **out, struct refusal *why);
/* What is stored beside number, times and body: {"ack":..,"system":{..},"properties":{..}}. */
void message_print_doc(struct buf *out, const struct message *m);
/* The same way back. number and times are the caller's to fill in. returns RC_OK, RC_SYNTAX (damaged), RC_NOMEM */
MUST_USE enum rc message_load(struct str doc, struct str body, struct message **out);
void message_free(struct message *m); /* NULL is fine */

/* Heap use, roughly. */
size_t message_heap(const struct message *m);
/* Does the sender want to hear of that end? */
bool message_wants_feedback(const struct message *m, enum message_end end);
/* Whether such an identity can be sent anything: no topic may hold '+' or '#'. */
bool message_can_reach(struct ident to);
/* Its topic; appended. */
void message_print_topic(struct buf *out, const struct message *m, struct ident to);
/* The topic at a module's input (facts M-46). */
void message_print_input_topic(struct buf *out, const struct message *m, struct ident to, struct str input);

static inline bool messages_are_here(const struct messages *q)
{
    return q->n == q->count;
}
/* Add at the end; takes it over. The queue must be here. */
void messages_push(struct messages *q, struct message *m);
/* Take one out; frees it. */
void messages_remove(struct messages *q, struct message *m);
/* Forget what is in memory; the count stays. */
void messages_drop(struct messages *q);
/* The invariant. */
bool messages_are_valid(const struct messages *q);

#endif
