/* outbox.h - what a decision wants done, in order. Deciding fills it; effects empty it; nothing else touches the world.
 *
 * Entries own their bytes. A failed add (out of memory, ceiling) is remembered in rc and makes the whole turn fail.
 */
#ifndef TWINSIM_OUTBOX_H
#define TWINSIM_OUTBOX_H

#include "identity.h"

#define OUTBOX_MAX 65536u /* entries of one turn */

/* Why a connection ended; the words of the event stream. Those from LOST to TLS are the gateway's. */
#define ENDED_LIST(X)                                                                                                  \
    X(CLIENT, "client")                                                                                                \
    X(TAKEOVER, "takeover")                                                                                            \
    X(ERROR, "error")                                                                                                  \
    X(IDENTITY, "identity")                                                                                            \
    X(TOKEN, "token")                                                                                                  \
    X(FAULT, "fault")                                                                                                  \
    X(SHUTDOWN, "shutdown")                                                                                            \
    X(LOST, "lost")                                                                                                    \
    X(KEEP_ALIVE, "keep-alive")                                                                                        \
    X(CONNECT_TIMEOUT, "connect-timeout")                                                                              \
    X(PROTOCOL, "protocol")                                                                                            \
    X(TOO_LARGE, "too-large")                                                                                          \
    X(SLOW, "slow")                                                                                                    \
    X(UNACKNOWLEDGED, "unacknowledged")                                                                                \
    X(TLS, "tls")                                                                                                      \
    X(UNKNOWN, "unknown")
#define ENDED_ENUM(name, text) ENDED_##name,
enum ended { ENDED_LIST(ENDED_ENUM) };
#undef ENDED_ENUM
const char *ended_name(enum ended e);

enum out_kind {
    OUT_STORE, /* append a journal row and, for CREATED/UPDATED, the identity's document; DELETED removes all of it */
    OUT_SUBSCRIBED,    /* write the identity's subscriptions */
    OUT_MESSAGE,       /* put a message into its identity's queue, and */
    OUT_MESSAGE_GONE,  /* take it out; is_damaged: set its row aside */
    OUT_FEEDBACK,      /* keep a record of feedback for the service, as long as the identity is there */
    OUT_FEEDBACK_GONE, /* forget such records up to a number, or (some of) those up to an instant */
    OUT_PUBLISH,       /* an answer or notification to one device or service client, by client id */
    OUT_HELLO,         /* the gateway may tell a client that it is accepted; stands before all else that it is sent */
    OUT_EVENT,         /* broadcast on the event stream, or telemetry for service clients */
    OUT_CLOSE,         /* end a connection, a tick after its last message */
};

struct out {
    enum out_kind kind;
    char to[IDENT_TEXT_MAX]; /* PUBLISH, HELLO: client id. All others but EVENT and FEEDBACK_GONE: identity */
    uint64_t conn;           /* PUBLISH to a device: the connection meant; drop the entry when hub_is_live says no.
                              * CLOSE: the connection to end, if the adapter's own table still has it (for the hub it has ended already) */
    bool is_answer;          /* PUBLISH: becomes a 500001 when the commit fails */
    bool is_late;            /* PUBLISH: an answer of an earlier turn, which is stored; the throttle held it back */
    uint64_t ticket;         /* PUBLISH of the answer to a command: of which one (struct request) */
    int status, code;        /* the same: its status, and from 300 on its errorCode */
    uint64_t tag;    /* MESSAGE.., FEEDBACK..: its number. PUBLISH to a device: the message that its PUBACK completes;
                              * 0: nobody waits for that */
    bool is_dup;     /* PUBLISH: with the DUP flag */
    bool is_damaged; /* MESSAGE_GONE: its row cannot be read */
    int qos;
    bool session_present; /* HELLO */
    char *topic;          /* PUBLISH, EVENT; owned */
    char *body; /* PUBLISH, EVENT, MESSAGE, FEEDBACK (the record), STORE (the row's); owned; may be NULL when empty */
    size_t body_len;
    /* STORE */
    enum change_kind change;
    int64_t at_us;                                      /* MESSAGE, FEEDBACK.. too */
    int64_t version, desired_version, reported_version; /* the counters after it */
    int64_t expires_us;                                 /* MESSAGE */
    char *doc;  /* CREATED, UPDATED: the identity's document without twin; MESSAGE: all but its body; owned */
    char *twin; /* CREATED: the twin's snapshot; owned */
    unsigned char subscribed[FILTER_CLASSES];
    /* CLOSE */
    enum ended ended;
};

struct outbox {
    struct out *at;
    size_t len, cap;
    enum rc rc;
    struct out scratch; /* what a failed push lends; never acted on */
};

/* Is it for the store? */
bool out_lasts(const struct out *o);

void outbox_init(struct outbox *ob);
void outbox_done(struct outbox *ob);
/* Forget all entries, free what they own, keep the memory. */
void outbox_clear(struct outbox *ob);
/* A zeroed entry at the end. Never NULL: after a failure it lends a scratch entry that outbox_clear frees. */
struct out *outbox_push(struct outbox *ob, enum out_kind kind);
/* Take an entry out: *into owns what it owned, the entries behind it move up. */
void outbox_take(struct outbox *ob, size_t at, struct out *into);
/* Free what an entry owns, and zero it. */
void out_done(struct out *o);

#endif
