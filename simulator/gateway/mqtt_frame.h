/* mqtt_frame.h - MQTT packets in a stream of bytes: where each begins and ends, and what kind it is.
 *
 * Pure: no sockets, no clock. However the bytes are sliced, the same packets come out, and the same mistake at the same place. A packet
 * that lies whole in what arrived is lent from there; only the beginning of one that is not whole yet is kept, and never more of it
 * than arrived.
 */
#ifndef TWINSIM_MQTT_FRAME_H
#define TWINSIM_MQTT_FRAME_H

#include "buf.h"

#define MQTT_TEXT_MAX   65535u     /* bytes of a text or of binary data with a length before it */
#define MQTT_HEADER_MAX 5u         /* bytes: type and flags, then 1 to 4 of length */
#define MQTT_REST_MAX   268435455u /* bytes behind the header: 4 times 7 bits */
#define MQTT_PACKET_MAX (MQTT_HEADER_MAX + MQTT_REST_MAX)

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
};

/* A packet as a whole. Lent: until the framer is asked for the next one. */
struct mqtt_packet {
    enum mqtt_type type;
    uint8_t flags;    /* the low four bits of its first byte */
    struct str whole; /* header and all */
    struct str body;  /* what follows the header */
};

enum frame_step {
    FRAME_PACKET,    /* one more packet */
    FRAME_MORE,      /* no whole packet is left: feed more */
    FRAME_MALFORMED, /* these bytes are no MQTT; what is wrong stands in *why, and it stays so */
    FRAME_TOO_LARGE, /* a packet announces more than the limit; told before anything of it is kept */
};

struct framer {
    size_t max;       /* bytes a packet may have, header included; may be changed between two packets */
    struct str fresh; /* fed and not looked at yet */
    struct buf rest;  /* the beginning of a packet that is not whole yet */
    size_t header;    /* bytes of the header of the packet in rest; 0: it is not whole */
    size_t need;      /* bytes of that packet */
    bool is_lent;     /* rest is a packet that was handed out */
};

/* max is at most MQTT_PACKET_MAX. Allocates nothing yet. */
void framer_init(struct framer *f, size_t max);
void framer_done(struct framer *f);

/* Lend bytes that arrived. All that was lent before must have been taken: framer_next said FRAME_MORE. */
void framer_feed(struct framer *f, struct str bytes);

/* The next packet.
 *
 * returns  FRAME_PACKET     *out is written
 *          FRAME_MORE       all is taken; the bytes that were lent are free again
 *          FRAME_MALFORMED, FRAME_TOO_LARGE   *why is a static text
 * When memory runs out while a beginning is to be kept, that is FRAME_TOO_LARGE, too.
 */
enum frame_step framer_next(struct framer *f, struct mqtt_packet *out, const char **why);

/* Bytes that are kept now. */
static inline size_t framer_kept(const struct framer *f)
{
    return f->rest.cap;
}

/* What is wrong with a packet that a client sent behind its CONNECT, or NULL. Level 3.1 and 3.1.1: the fixed header's flags were looked at
 * by the framer; here it is who may send it, lengths, ids, texts (well-formed UTF-8 without control characters and
 * noncharacters, as our broker wants them, facts B-24), topics without wildcards and filters with wildcards in their places, levels, and QoS, of which 2 is none that the hub takes (facts M-14). A static text. */
const char *mqtt_mistake(const struct mqtt_packet *p);

struct mqtt_publish {
    uint8_t qos;
    bool is_dup, is_retained;
    uint16_t id; /* 0 at QoS 0 */
    struct str topic, payload;
};

/* Read the body of a PUBLISH. returns RC_OK or RC_SYNTAX (*out is untouched) */
MUST_USE enum rc mqtt_publish_read(const struct mqtt_packet *p, struct mqtt_publish *out);
/* Append one. A failure shows in out: RC_LIMIT when the topic is longer than MQTT_TEXT_MAX. */
void mqtt_publish_write(struct buf *out, const struct mqtt_publish *p);
/* The id that is all of the body of a PUBACK and the like; 0 when there is none. */
uint16_t mqtt_packet_id(const struct mqtt_packet *p);

/* Append a fixed header. rest_len is at most MQTT_REST_MAX. */
void mqtt_header_write(struct buf *out, enum mqtt_type type, uint8_t flags, size_t rest_len);
/* Append a text or binary data with its length before it; longer than MQTT_TEXT_MAX fails with RC_LIMIT. */
void mqtt_text_write(struct buf *out, struct str text);
/* Take such a text from the front of *rest. returns false when it is cut; *rest is then untouched. */
bool mqtt_text_take(struct str *rest, struct str *out);
/* Take two bytes, high one first. returns false when there are not two. */
bool mqtt_u16_take(struct str *rest, uint16_t *out);
/* Is it a text as our broker wants it: well-formed UTF-8 without control characters and noncharacters? */
bool mqtt_text_is_fit(struct str text);
/* Does it hold what only a filter may: '#' or '+'? */
bool mqtt_topic_has_wildcard(struct str topic);

#endif
