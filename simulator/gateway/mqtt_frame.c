/* mqtt_frame.c - see mqtt_frame.h. */
#include "mqtt_frame.h"

#define KEEP_BYTES 1024u /* memory that stays with a framer between two packets that came in pieces */

void framer_init(struct framer *f, size_t max)
{
    assert(max >= MQTT_HEADER_MAX && max <= MQTT_PACKET_MAX);
    memset(f, 0, sizeof *f);
    f->max = max;
    buf_init(&f->rest, MQTT_PACKET_MAX);
}

void framer_done(struct framer *f)
{
    buf_done(&f->rest);
}

void framer_feed(struct framer *f, struct str bytes)
{
    assert(f->fresh.len == 0);
    f->fresh = bytes;
}

/* The flags that the standard fixes for each type; PUBLISH has its own (MQTT 3.1.1, table 2.2). */
static bool first_byte_is_fit(unsigned char first)
{
    unsigned type = first >> 4, flags = first & 15u;

    if (type < MQTT_CONNECT || type > MQTT_DISCONNECT)
        return false;
    if (type == MQTT_PUBLISH)
        return true;
    return flags == (type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2u : 0u);
}

/* Read the header at the front of bytes. FRAME_PACKET: *total is the whole packet's length, *header that of its header. */
static enum frame_step header_read(struct str bytes, size_t max, size_t *header, size_t *total, const char **why)
{
    size_t rest = 0;

    if (bytes.len == 0)
        return FRAME_MORE;
    if (!first_byte_is_fit((unsigned char)bytes.at[0])) {
        *why = "no MQTT packet begins so";
        return FRAME_MALFORMED;
    }
    for (size_t i = 1; i < MQTT_HEADER_MAX; i++) {
        unsigned char byte;

        if (i == bytes.len)
            return FRAME_MORE;
        byte = (unsigned char)bytes.at[i];
        rest |= (size_t)(byte & 127u) << (7 * (i - 1));
        if (byte & 128u)
            continue;
        if (i + 1 + rest > max) {
            *why = "the packet is larger than allowed";
            return FRAME_TOO_LARGE;
        }
        *header = i + 1;
        *total = *header + rest;
        return FRAME_PACKET;
    }
    *why = "the packet's length has more than four bytes";
    return FRAME_MALFORMED;
}

static void packet_set(struct mqtt_packet *out, struct str whole, size_t header)
{
    unsigned char first = (unsigned char)whole.at[0];

    out->type = (enum mqtt_type)(first >> 4);
    out->flags = first & 15u;
    out->whole = whole;
    out->body = str_skip(whole, header);
}

/* Move up to n bytes of what was fed behind what is kept. */
static bool keep(struct framer *f, size_t n)
{
    struct str part = str_first(f->fresh, n);

    buf_add(&f->rest, part);
    f->fresh = str_skip(f->fresh, part.len);
    return buf_ok(&f->rest);
}

static void forget_rest(struct framer *f)
{
    if (f->rest.cap > KEEP_BYTES)
        buf_done(&f->rest);
    else
        buf_reset(&f->rest);
    f->header = 0;
    f->is_lent = false;
}

/* A packet that began in earlier bytes. */
static enum frame_step next_from_rest(struct framer *f, struct mqtt_packet *out, const char **why)
{
    while (!f->header) {
        enum frame_step step = header_read(buf_view(&f->rest), f->max, &f->header, &f->need, why);

        if (step == FRAME_PACKET)
            break;
        if (step != FRAME_MORE || f->fresh.len == 0)
            return step;
        if (!keep(f, 1))
            goto no_memory;
    }
    if (!keep(f, f->need - f->rest.len))
        goto no_memory;
    if (f->rest.len < f->need)
        return FRAME_MORE;
    packet_set(out, buf_view(&f->rest), f->header);
    f->is_lent = true;
    return FRAME_PACKET;

no_memory:
    *why = "there is no memory for the packet";
    return FRAME_TOO_LARGE;
}

enum frame_step framer_next(struct framer *f, struct mqtt_packet *out, const char **why)
{
    size_t header = 0, total = 0;
    enum frame_step step;

    if (f->is_lent)
        forget_rest(f);
    if (f->rest.len)
        return next_from_rest(f, out, why);
    step = header_read(f->fresh, f->max, &header, &total, why);
    if (step == FRAME_PACKET && total <= f->fresh.len) {
        packet_set(out, str_first(f->fresh, total), header);
        f->fresh = str_skip(f->fresh, total);
        return FRAME_PACKET;
    }
    if (step == FRAME_MALFORMED || step == FRAME_TOO_LARGE)
        return step;
    return f->fresh.len ? next_from_rest(f, out, why) : FRAME_MORE;
}

/* --- texts and numbers -------------------------------------------------------------------------------------------------- */

void mqtt_header_write(struct buf *out, enum mqtt_type type, uint8_t flags, size_t rest_len)
{
    assert(rest_len <= MQTT_REST_MAX && flags < 16);
    buf_add_char(out, (char)((unsigned)type << 4 | flags));
    do {
        unsigned char byte = rest_len & 127u;

        rest_len >>= 7;
        buf_add_char(out, (char)(byte | (rest_len ? 128u : 0u)));
    } while (rest_len);
}

static void u16_write(struct buf *out, size_t n)
{
    buf_add_char(out, (char)(n >> 8 & 255u));
    buf_add_char(out, (char)(n & 255u));
}

void mqtt_text_write(struct buf *out, struct str text)
{
    if (text.len > MQTT_TEXT_MAX) {
        if (buf_ok(out))
            out->rc = RC_LIMIT;
        return;
    }
    u16_write(out, text.len);
    buf_add(out, text);
}

bool mqtt_u16_take(struct str *rest, uint16_t *out)
{
    if (rest->len < 2)
        return false;
    *out = (uint16_t)((unsigned)(unsigned char)rest->at[0] << 8 | (unsigned char)rest->at[1]);
    *rest = str_skip(*rest, 2);
    return true;
}

bool mqtt_text_take(struct str *rest, struct str *out)
{
    struct str after = *rest;
    uint16_t len;

    if (!mqtt_u16_take(&after, &len) || after.len < len)
        return false;
    *out = str_first(after, len);
    *rest = str_skip(after, len);
    return true;
}
