/* mqtt_packet.c - what single packets hold, and what is wrong with them; see mqtt_frame.h. */
#include "mqtt_frame.h"

#include "utf8.h"

#define LEVELS_MAX 201u

/* A control character: C0, DEL, or C1 (U+0080 to U+009F). A noncharacter: U+FDD0 to U+FDEF, and the last two of each plane. */
static bool char_is_fit(const unsigned char *at, size_t len)
{
    switch (len) {
    case 1:
        return at[0] >= 0x20 && at[0] != 0x7f;
    case 2:
        return at[0] != 0xC2 || at[1] >= 0xA0;
    case 3:
        return at[0] != 0xEF || (at[1] == 0xB7 ? at[2] < 0x90 || at[2] > 0xAF : at[1] != 0xBF || at[2] < 0xBE);
    case 4:
        return (at[1] & 0x0F) != 0x0F || at[2] != 0xBF || at[3] < 0xBE;
    default:
        return false; /* ill-formed */
    }
}

bool mqtt_text_is_fit(struct str text)
{
    while (text.len) {
        size_t len = utf8_char_len(text);

        if (!char_is_fit((const unsigned char *)text.at, len))
            return false;
        text = str_skip(text, len);
    }
    return true;
}

bool mqtt_topic_has_wildcard(struct str topic)
{
    return str_find(topic, '#') < topic.len || str_find(topic, '+') < topic.len;
}

/* More levels than our broker takes (facts B-24). */
static bool has_too_many_levels(struct str topic)
{
    size_t levels = 0;

    while (topic.at) {
        (void)str_cut(&topic, '/');
        levels++;
    }
    return levels > LEVELS_MAX;
}

/* '#' stands alone in the last level, '+' alone in any. */
static bool filter_is_fit(struct str filter)
{
    while (filter.at) {
        struct str level = str_cut(&filter, '/');

        if (mqtt_topic_has_wildcard(level) && (level.len > 1 || (level.at[0] == '#' && filter.at)))
            return false;
    }
    return true;
}

uint16_t mqtt_packet_id(const struct mqtt_packet *p)
{
    struct str rest = p->body;
    uint16_t id;

    return mqtt_u16_take(&rest, &id) && rest.len == 0 ? id : 0;
}

enum rc mqtt_publish_read(const struct mqtt_packet *p, struct mqtt_publish *out)
{
    struct mqtt_publish read = {0};
    struct str rest = p->body;

    assert(p->type == MQTT_PUBLISH);
    read.qos = p->flags >> 1 & 3u;
    read.is_dup = p->flags & 8u;
    read.is_retained = p->flags & 1u;
    if (!mqtt_text_take(&rest, &read.topic))
        return RC_SYNTAX;
    if (read.qos && !mqtt_u16_take(&rest, &read.id))
        return RC_SYNTAX;
    read.payload = rest;
    *out = read;
    return RC_OK;
}

void mqtt_publish_write(struct buf *out, const struct mqtt_publish *p)
{
    size_t rest = 2 + p->topic.len + (p->qos ? 2u : 0u) + p->payload.len;

    if (p->topic.len > MQTT_TEXT_MAX || rest > MQTT_REST_MAX) {
        if (buf_ok(out))
            out->rc = RC_LIMIT;
        return;
    }
    mqtt_header_write(out, MQTT_PUBLISH,
                      (uint8_t)((p->is_dup ? 8u : 0u) | (unsigned)p->qos << 1 | (p->is_retained ? 1u : 0u)), rest);
    mqtt_text_write(out, p->topic);
    if (p->qos) {
        buf_add_char(out, (char)(p->id >> 8));
        buf_add_char(out, (char)(p->id & 255u));
    }
    buf_add(out, p->payload);
}

/* --- mistakes ------------------------------------------------------------------------------------------------------------- */

static const char *publish_mistake(const struct mqtt_packet *p)
{
    struct mqtt_publish read;

    if (mqtt_publish_read(p, &read))
        return "a PUBLISH is cut short";
    if (read.qos == 3)
        return "a PUBLISH has QoS 3";
    if (read.qos == 2)
        return "a PUBLISH has QoS 2, which the hub does not take";
    if (read.qos && read.id == 0)
        return "a PUBLISH at QoS 1 has packet id 0";
    if (read.topic.len == 0)
        return "a PUBLISH has no topic";
    if (!mqtt_text_is_fit(read.topic))
        return "a topic holds a control character or is no UTF-8";
    if (mqtt_topic_has_wildcard(read.topic))
        return "a PUBLISH has a wildcard in its topic";
    if (has_too_many_levels(read.topic))
        return "a topic has more than 201 levels";
    if (str_starts(read.topic, STR("$SYS")) || str_starts(read.topic, STR("$share"))) /* it would vanish (facts B-24) */
        return "a PUBLISH to a topic of the broker's own";
    return NULL;
}

/* SUBSCRIBE: filters each with a QoS behind; UNSUBSCRIBE: filters. */
static const char *filters_mistake(const struct mqtt_packet *p)
{
    bool has_qos = p->type == MQTT_SUBSCRIBE;
    struct str rest = p->body, filter;
    uint16_t id;

    if (!mqtt_u16_take(&rest, &id) || id == 0)
        return "a SUBSCRIBE or UNSUBSCRIBE has no packet id";
    if (rest.len == 0)
        return "a SUBSCRIBE or UNSUBSCRIBE has no filter";
    while (rest.len) {
        if (!mqtt_text_take(&rest, &filter) || (has_qos && rest.len == 0))
            return "a SUBSCRIBE or UNSUBSCRIBE is cut short";
        if (filter.len == 0)
            return "a filter is empty";
        if (!mqtt_text_is_fit(filter))
            return "a filter holds a control character or is no UTF-8";
        if (!filter_is_fit(filter))
            return "a filter has a wildcard where none may be";
        if (has_too_many_levels(filter))
            return "a filter has more than 201 levels";
        if (has_qos && (unsigned char)rest.at[0] > 2)
            return "a filter's QoS is more than 2";
        rest = str_skip(rest, has_qos ? 1 : 0);
    }
    return NULL;
}

const char *mqtt_mistake(const struct mqtt_packet *p)
{
    switch (p->type) {
    case MQTT_CONNECT:
        return "a second CONNECT";
    case MQTT_PUBLISH:
        return publish_mistake(p);
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return filters_mistake(p);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return mqtt_packet_id(p) ? NULL : "an acknowledgement has no packet id";
    case MQTT_PINGREQ:
    case MQTT_DISCONNECT:
        return p->body.len ? "a PINGREQ or DISCONNECT has a body" : NULL;
    case MQTT_CONNACK:
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
    case MQTT_PINGRESP:
        return "a packet that only a server sends";
    }
    return "no MQTT packet";
}
