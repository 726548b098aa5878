/* fault.h - one fault: what goes wrong, for whom, on which operation, and when.
 *
 * Read from the JSON that a command, a scenario or the command line gave (docs/reference/faults.md), with a refusal that says what
 * would have fitted. Matching counts: a fault knows how often it was met and how often it struck. Nothing here does what a
 * fault does; hub_fault.c and hub_fault_message.c do. Pure: the time comes in, always the one that never jumps, so a moved hub clock
 * moves no fault; chance comes from a seed of the fault's own.
 */
#ifndef TWINSIM_FAULT_H
#define TWINSIM_FAULT_H

#include "json.h"
#include "refusal.h"
#include "throttle.h"

#define FAULT_TEXT_MAX   4096u              /* bytes of a glob or a topic filter */
#define FAULT_COPIES_MAX 100                /* copies of one message */
#define FAULT_RATE_MAX   1e6                /* requests a second */
#define FAULT_SKEW_MAX   (INT64_C(1) << 53) /* us; as much as a duration can be */

/* What a client or the hub does, and a fault strikes on. */
enum fault_operation {
    FAULT_CONNECT,
    FAULT_SUBSCRIBE,
    FAULT_TWIN_GET,
    FAULT_REPORTED,
    FAULT_DESIRED,
    FAULT_TELEMETRY,
    FAULT_MESSAGE,
    FAULT_OPERATIONS
};
/* The word of it: "connect", ... "telemetry". FAULT_OPERATIONS (none): "". */
const char *fault_operation_name(enum fault_operation op);

/* Type, word, layer: what it breaks lies in the hub, or in who is who. */
#define FAULT_LIST(X)                                                                                                  \
    X(STATUS, "status", "hub")                                                                                         \
    X(LOSE, "lose", "hub")                                                                                             \
    X(DELAY, "delay", "hub")                                                                                           \
    X(HOLD, "hold", "hub")                                                                                             \
    X(DUPLICATE, "duplicate", "hub")                                                                                   \
    X(REORDER, "reorder", "hub")                                                                                       \
    X(RID, "rid", "hub")                                                                                               \
    X(VERSION, "version", "hub")                                                                                       \
    X(MALFORM, "malform", "hub")                                                                                       \
    X(THROTTLE, "throttle", "hub")                                                                                     \
    X(QUOTA, "quota", "hub")                                                                                           \
    X(DISCONNECT, "disconnect", "identity")                                                                            \
    X(REFUSE, "refuse", "identity")                                                                                    \
    X(CLOCK_SKEW, "clock-skew", "identity")                                                                            \
    X(EXPIRE, "expire", "identity")                                                                                    \
    X(TAKEOVER, "takeover", "identity")
#define FAULT_ENUM(name, text, layer) FAULT_TYPE_##name,
enum fault_type { FAULT_LIST(FAULT_ENUM) FAULT_TYPES };
#undef FAULT_ENUM
const char *fault_type_name(enum fault_type type);
const char *fault_type_layer(enum fault_type type);

enum fault_how { /* of rid and malform */
                 FAULT_WRONG,
                 FAULT_MISSING,
                 FAULT_TRUNCATED,
                 FAULT_ARRAY,
                 FAULT_EMPTY,
                 FAULT_DUPLICATE_MEMBER,
                 FAULT_NOT_JSON,
                 FAULT_METADATA,
                 FAULT_HOWS
};
enum fault_body { FAULT_BODY_JSON, FAULT_BODY_EMPTY, FAULT_BODY_GIVEN }; /* of status */

struct fault {
    struct fault *next;
    uint64_t id; /* the hub's number for it; 0 until it has one */
    enum fault_type type;
    unsigned operations; /* bits 1 << enum fault_operation; 0: it strikes by itself, at once or at at_us */

    /* Whom. */
    char *on;         /* an identity or a glob; NULL: everybody */
    bool on_is_exact; /* `on` is one identity, not a glob */

    /* When. */
    int64_t after, every, times; /* times 0: without limit */
    double probability;
    uint64_t random;
    char *topic;             /* MQTT filter; NULL: any */
    int64_t at_us, until_us; /* not before; not from there on (INT64_MAX: for ever) */

    /* What. */
    int status;
    enum fault_body body_kind;
    char *body;       /* FAULT_BODY_GIVEN */
    int64_t delay_us; /* delay, duplicate */
    int64_t by;       /* version: counts; clock-skew: us */
    int copies;       /* duplicate */
    enum fault_how how;
    const char *reason;                           /* refuse: the true reason in words; static */
    struct bucket_shape shapes[FAULT_OPERATIONS]; /* throttle: a bucket for each operation that has a rate */
    struct bucket buckets[FAULT_OPERATIONS];
    int64_t backlog_us; /* throttle: how long the message waits that it struck last */

    /* So far. */
    int64_t seen, injected;
    size_t waiting;         /* messages that it holds back */
    bool is_spent;          /* strikes no more; kept while it holds something */
    bool is_sdk, is_mapped; /* came in a message; stands for a fault of another protocol */
    char *members;          /* what it was made of, as JSON members: "type":..,"times":.. */
};

/* Read a fault.
 *
 * spec     an object with "type" and the members of docs/reference/faults.md; "command", "correlationData" are passed over;
 *          deviceId and moduleId must be valid where they are
 * now_us   of the clock that never jumps: what `at` and `for` count from
 * returns  RC_OK (*out is for fault_free), RC_SYNTAX (*why says what would fit), RC_NOMEM
 */
MUST_USE enum rc fault_read(const cJSON *spec, int64_t now_us, struct fault **out, struct refusal *why);
void fault_free(struct fault *f); /* NULL is fine */
/* The invariant. */
bool fault_is_valid(const struct fault *f);

/* Does it concern that identity ("d" or "d/m")? */
bool fault_covers(const struct fault *f, struct str id);
/* An operation happens: does the fault strike? Counts, so ask once. topic: of the packet. */
bool fault_strikes(struct fault *f, enum fault_operation op, struct str id, struct str topic, int64_t now_us);
/* It struck by itself (operations == 0). */
void fault_struck(struct fault *f);
/* Throttle: how long until a telemetry message that was over the rate may go on. */
int64_t fault_backlog_us(const struct fault *f);
/* Add {"id":..,"type":..,..,"injected":..}. */
void fault_print(struct buf *out, const struct fault *f);

#endif
