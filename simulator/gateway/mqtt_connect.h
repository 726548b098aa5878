/* mqtt_connect.h - CONNECT packets: read, and written anew for the broker behind the gateway.
 *
 * The broker must not see what the gateway answers for: it gets clean session 1, keep-alive 0, no will and no properties. What the client
 * asked for travels in front of its user name, and the hub believes it because nobody but the gateway reaches the listener it comes through:
 *
 *   gw1?clean=0&keepAlive=60&peer=127.0.0.1%3A43210&user=1&willTopic=devices%2Fd%2Fmessages%2Fevents%2F&willQos=1&willRetain=0&cert=none ORIGINAL
 *
 * One blank, then the user name as it came; user=0 when there was none. Pure; views point into the packet that was read.
 */
#ifndef TWINSIM_MQTT_CONNECT_H
#define TWINSIM_MQTT_CONNECT_H

#include "mqtt_frame.h"

/* No CONNECT is longer: a header, ten bytes, five texts. Level 5 may add properties; what is longer than this is refused. */
#define MQTT_CONNECT_MAX (MQTT_HEADER_MAX + 10u + 5u * (2u + MQTT_TEXT_MAX))

struct mqtt_connect {
    struct str protocol; /* "MQTT", or "MQIsdp" at level 3 */
    uint8_t level; /* 4 is MQTT 3.1.1; 3 and 5 are read, too, so that the hub can refuse them in their own words */
    bool is_clean;
    uint16_t keep_alive_s;
    struct str properties; /* level 5: with their length before them; else empty */
    struct str client_id;
    bool has_will;
    uint8_t will_qos;
    bool is_will_retained;
    struct str will_topic, will_payload;
    bool has_user_name, has_password;
    struct str user_name, password;
};

/* Read a CONNECT.
 *
 * why      a static text, on failure
 * returns  RC_OK       *out is written
 *          RC_SYNTAX   malformed: the client is closed without a word
 *          RC_REFUSED  a protocol level that nobody knows: CONNACK 1
 */
MUST_USE enum rc mqtt_connect_read(const struct mqtt_packet *p, struct mqtt_connect *out, const char **why);

/* Append a CONNECT as it stands in c. A failure shows in out: RC_LIMIT when a text does not fit. */
void mqtt_connect_write(struct buf *out, const struct mqtt_connect *c);

/* Append the CONNECT that the broker gets for this one.
 *
 * peer     address and port of the client
 * returns  RC_OK; RC_LIMIT when user name and what stands before it do not fit in 65535 bytes (nothing was appended); RC_NOMEM.
 *          A failure shows in out, too.
 */
MUST_USE enum rc mqtt_connect_rewrite(struct buf *out, const struct mqtt_connect *c, struct str peer);

#endif
