/* mqtt_connect.c - see mqtt_connect.h. */
#include "mqtt_connect.h"

/* The bits of the connect flags (MQTT 3.1.1, 3.1.2.3). */
#define FLAG_RESERVED    1u
#define FLAG_CLEAN       2u
#define FLAG_WILL        4u
#define FLAG_WILL_QOS    24u
#define FLAG_WILL_RETAIN 32u
#define FLAG_PASSWORD    64u
#define FLAG_USER_NAME   128u

static bool byte_take(struct str *rest, unsigned *out)
{
    if (rest->len == 0)
        return false;
    *out = (unsigned char)rest->at[0];
    *rest = str_skip(*rest, 1);
    return true;
}

/* The properties of level 5, with their length before them. */
static bool properties_take(struct str *rest, struct str *out)
{
    struct str after = *rest;
    unsigned byte = 128;
    size_t len = 0;

    for (unsigned shift = 0; byte & 128u; shift += 7) {
        if (shift > 21 || !byte_take(&after, &byte))
            return false;
        len |= (size_t)(byte & 127u) << shift;
    }
    if (after.len < len)
        return false;
    *out = str_first(*rest, (size_t)(after.at - rest->at) + len);
    *rest = str_skip(after, len);
    return true;
}

/* The variable header: name, level, flags, keep-alive. */
static enum rc header_take(struct str *rest, struct mqtt_connect *c, unsigned *flags, const char **why)
{
    unsigned level;

    *why = "the CONNECT is cut short";
    if (!mqtt_text_take(rest, &c->protocol))
        return RC_SYNTAX;
    if (!str_eq(c->protocol, STR("MQTT")) && !str_eq(c->protocol, STR("MQIsdp"))) {
        *why = "the CONNECT names a protocol that is not MQTT";
        return RC_SYNTAX;
    }
    if (!byte_take(rest, &level))
        return RC_SYNTAX;
    c->level = (uint8_t)level;
    if (c->protocol.len == 4 ? level != 4 && level != 5 : level != 3) {
        *why = "the CONNECT has an unknown protocol level";
        return RC_REFUSED;
    }
    return byte_take(rest, flags) && mqtt_u16_take(rest, &c->keep_alive_s) &&
                   (level != 5 || properties_take(rest, &c->properties))
               ? RC_OK
               : RC_SYNTAX;
}

static const char *flags_mistake(const struct mqtt_connect *c, unsigned flags)
{
    if (flags & FLAG_RESERVED)
        return "the CONNECT's reserved flag is set";
    if (c->will_qos == 3)
        return "the will has QoS 3";
    if (!c->has_will && (c->will_qos || c->is_will_retained))
        return "the CONNECT has a will's QoS or retain, but no will";
    if (c->has_password && !c->has_user_name && c->level < 5)
        return "the CONNECT has a password, but no user name";
    return NULL;
}

static bool payload_take(struct str *rest, struct mqtt_connect *c)
{
    struct str will_properties;

    if (!mqtt_text_take(rest, &c->client_id))
        return false;
    if (c->has_will && ((c->level == 5 && !properties_take(rest, &will_properties)) ||
                        !mqtt_text_take(rest, &c->will_topic) || !mqtt_text_take(rest, &c->will_payload)))
        return false;
    return (!c->has_user_name || mqtt_text_take(rest, &c->user_name)) &&
           (!c->has_password || mqtt_text_take(rest, &c->password));
}

/* The broker judges no will: it gets none (facts B-24). */
static const char *will_mistake(const struct mqtt_connect *c)
{
    if (!c->has_will)
        return NULL;
    if (c->will_topic.len == 0)
        return "the will has no topic";
    if (mqtt_topic_has_wildcard(c->will_topic))
        return "a will's topic holds a wildcard";
    return NULL;
}

enum rc mqtt_connect_read(const struct mqtt_packet *p, struct mqtt_connect *out, const char **why)
{
    struct mqtt_connect c = {0};
    struct str rest = p->body;
    unsigned flags = 0;
    enum rc rc;

    assert(p->type == MQTT_CONNECT);
    rc = header_take(&rest, &c, &flags, why);
    if (rc)
        return rc;
    c.is_clean = flags & FLAG_CLEAN;
    c.has_will = flags & FLAG_WILL;
    c.will_qos = (uint8_t)((flags & FLAG_WILL_QOS) >> 3);
    c.is_will_retained = flags & FLAG_WILL_RETAIN;
    c.has_user_name = flags & FLAG_USER_NAME;
    c.has_password = flags & FLAG_PASSWORD;
    *why = flags_mistake(&c, flags);
    if (*why)
        return RC_SYNTAX;
    *why = "the CONNECT is cut short";
    if (!payload_take(&rest, &c))
        return RC_SYNTAX;
    if (rest.len) {
        *why = "the CONNECT has bytes too many";
        return RC_SYNTAX;
    }
    if (!mqtt_text_is_fit(c.client_id) || !mqtt_text_is_fit(c.will_topic) || !mqtt_text_is_fit(c.user_name)) {
        *why = "a text of the CONNECT holds a control character or is no UTF-8";
        return RC_SYNTAX;
    }
    *why = will_mistake(&c);
    if (*why)
        return RC_SYNTAX;
    *out = c;
    return RC_OK;
}

/* --- writing -------------------------------------------------------------------------------------------------------------- */

void mqtt_connect_write(struct buf *out, const struct mqtt_connect *c)
{
    unsigned flags = (c->is_clean ? FLAG_CLEAN : 0) | (c->has_user_name ? FLAG_USER_NAME : 0) |
                     (c->has_password ? FLAG_PASSWORD : 0);
    size_t rest = 2 + c->protocol.len + 4 + c->properties.len + 2 + c->client_id.len;

    if (c->has_will) {
        flags |= FLAG_WILL | (unsigned)c->will_qos << 3 | (c->is_will_retained ? FLAG_WILL_RETAIN : 0);
        rest += 2 + c->will_topic.len + 2 + c->will_payload.len + (c->level == 5 ? 1u : 0u);
    }
    rest += (c->has_user_name ? 2 + c->user_name.len : 0) + (c->has_password ? 2 + c->password.len : 0);
    mqtt_header_write(out, MQTT_CONNECT, 0, rest);
    mqtt_text_write(out, c->protocol);
    buf_add_char(out, (char)c->level);
    buf_add_char(out, (char)flags);
    buf_add_char(out, (char)(c->keep_alive_s >> 8));
    buf_add_char(out, (char)(c->keep_alive_s & 255u));
    buf_add(out, c->properties);
    mqtt_text_write(out, c->client_id);
    if (c->has_will) {
        if (c->level == 5)
            buf_add_char(out, 0); /* the will's properties are not kept */
        mqtt_text_write(out, c->will_topic);
        mqtt_text_write(out, c->will_payload);
    }
    if (c->has_user_name)
        mqtt_text_write(out, c->user_name);
    if (c->has_password)
        mqtt_text_write(out, c->password);
}

/* What the hub is told before the user name, the blank included. */
static void prefix_write(struct buf *out, const struct mqtt_connect *c, struct str peer)
{
    buf_addf(out, "gw1?clean=%d&keepAlive=%u&peer=", c->is_clean, (unsigned)c->keep_alive_s);
    buf_add_percent(out, peer, STR(""));
    buf_addf(out, "&user=%d", c->has_user_name);
    if (c->has_will) {
        buf_add(out, STR("&willTopic="));
        buf_add_percent(out, c->will_topic, STR(""));
        buf_addf(out, "&willQos=%u&willRetain=%d", (unsigned)c->will_qos, c->is_will_retained);
    }
    buf_add(out, STR("&cert=none "));
}

enum rc mqtt_connect_rewrite(struct buf *out, const struct mqtt_connect *c, struct str peer)
{
    struct mqtt_connect to_broker = *c;
    struct buf user_name;
    enum rc rc;

    buf_init(&user_name, MQTT_TEXT_MAX);
    prefix_write(&user_name, c, peer);
    buf_add(&user_name, c->user_name);
    rc = user_name.rc;
    if (!rc) {
        to_broker.is_clean = true;
        if (c->level == 5) /* the broker would judge them before it asks the hub, who refuses and tells */
            to_broker.properties = STR("\0");
        to_broker.keep_alive_s = 0;
        to_broker.has_will = false;
        to_broker.has_user_name = true;
        to_broker.user_name = buf_view(&user_name);
        mqtt_connect_write(out, &to_broker);
        rc = out->rc;
    } else if (buf_ok(out)) {
        out->rc = rc;
    }
    buf_done(&user_name);
    return rc;
}
