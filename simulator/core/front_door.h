/* front_door.h - what the gateway says to the hub about the clients it lets in: the prefix of a user name, and its reports.
 *
 * Every connection that comes through the gateway has the user name "PREFIX ORIGINAL", with one blank between:
 *   gw1?clean=0&keepAlive=60&peer=127.0.0.1%3A43210&user=1&willTopic=devices%2Fd%2Fmessages%2Fevents%2F&willQos=1&willRetain=0&cert=none
 * Values are percent-encoded, so the prefix holds no blank. Whoever reads it must know by other means that it came from the gateway (its own
 * listener): a client may send the very same bytes.
 *
 * Reports are JSON, on FRONT_DOOR_REPORTS, between the client's own packets and so in their order.
 * Pure: views point into the text that was passed in.
 */
#ifndef TWINSIM_FRONT_DOOR_H
#define TWINSIM_FRONT_DOOR_H

#include "json.h"
#include "outbox.h"

#define FRONT_DOOR_REPORTS "$CONTROL/twinsim-gateway/v1"
#define FRONT_DOOR_HELLO                                                                                               \
    "$gw/hello" /* to the gateway: the hub has accepted; {"sessionPresent":0|1,"maxPacket":bytes} */
#define FRONT_DOOR_CLIENT "gateway//" /* how the client id of the gateway's own session begins */
#define FRONT_DOOR_STOP_S 3           /* the gateway ends at the latest so long after SIGTERM */
#define FRONT_DOOR_MARK   "$gw/" /* how the topic of a message begins that the gateway is to mend: $gw/FLAGS/TAG/TOPIC */

/* The largest packet that is taken, in bytes: of a device 256 KB of body, 64 KB of topic and some room (facts M-17); of a service client, whose control
 * message may hold an identity with all its metadata (32 KB of short keys grow to some 2 MB), more. */
#define FRONT_DOOR_PACKET_MAX         393216
#define FRONT_DOOR_SERVICE_PACKET_MAX 4194304

struct front_door {
    bool is_self;  /* the gateway's own session; then nothing else is said */
    bool is_clean; /* as the client sent it, like all below */
    int keep_alive_s;
    struct str peer; /* "127.0.0.1%3A43210"; percent-encoding still in it */
    bool has_will;
    int will_qos;
    struct str will_topic; /* percent-encoding still in it */
    bool has_user_name;
    struct str user_name; /* empty when the client sent none */
};

/* Read a user name that came through the gateway. Keys in any order, unknown ones are passed over.
 * returns RC_OK, or RC_SYNTAX: no prefix, a key twice, a value that is none, or clean, keepAlive or user missing. *out is untouched then. */
MUST_USE enum rc front_door_read(struct str text, struct front_door *out);

enum report_kind {
    REPORT_WILL,    /* {"will":{"topic":..,"qos":1,"retain":false,"payload":BASE64}}, right behind the CONNECT */
    REPORT_PUBACK,  /* {"puback":"1f"} or {"puback":["1f",..]}: a client acknowledged these */
    REPORT_END,     /* {"end":"lost","detail":".."}: why the connection ends in a moment */
    REPORT_REFUSED, /* {"refused":{"peer":"..","reason":"..","detail":".."}}: who never reached the hub */
};

struct report {
    enum report_kind kind;
    struct str topic; /* WILL */
    struct buf payload;
    int qos;
    bool retain;
    const cJSON *tags;       /* PUBACK: for report_next_tag */
    enum ended why;          /* END, REFUSED */
    struct str peer, detail; /* empty when not told */
    cJSON *doc;              /* what the views point into */
};

/* Read a report. returns RC_OK (*out is for report_done), RC_SYNTAX, RC_NOMEM; *out is untouched on failure. */
MUST_USE enum rc report_read(struct str text, struct report *out);
void report_done(struct report *report);
/* The next tag of a PUBACK; report->tags moves on. false: there is none left. */
bool report_next_tag(struct report *report, uint64_t *tag);

/* Append the topic by which the gateway knows with what QoS to pass a message on, and by which tag (0: none) to report its PUBACK. */
void front_door_mark(struct buf *out, int qos, bool is_dup, uint64_t tag, struct str topic);
/* Read a tag: 1 to 16 hexadecimal digits, small letters. returns false when it is none; *out is untouched then. */
bool front_door_tag(struct str text, uint64_t *out);

#endif
