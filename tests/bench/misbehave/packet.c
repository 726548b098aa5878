/* packet.c - see packet.h. */
#include "packet.h"

#include <stdio.h>
#include <time.h>

#include "hub.h"

#define KEY_SEED "twinsim-development-keys"

static void put(struct packet *p, const void *at, size_t len)
{
    memcpy(p->at + p->len, at, len);
    p->len += len;
}

static void put_text(struct packet *p, const char *text)
{
    size_t len = strlen(text);
    unsigned char head[2] = {(unsigned char)(len >> 8), (unsigned char)len};

    put(p, head, 2);
    put(p, text, len);
}

/* Room for a fixed header of five bytes is left in front; what was put behind it becomes the packet. */
static void begin(struct packet *p)
{
    p->len = 5;
}

static void end(struct packet *p, unsigned char first)
{
    unsigned char head[5] = {first};
    size_t n = 1, rest = p->len - 5;

    do {
        head[n] = (unsigned char)(rest & 127);
        rest >>= 7;
        head[n] |= rest ? 128 : 0;
        n++;
    } while (rest);
    memmove(p->at + n, p->at + 5, p->len - 5);
    memcpy(p->at, head, n);
    p->len += n - 5;
}

void make_connect(struct packet *p, const char *host, const char *id)
{
    char user[256];
    struct sas_key primary, secondary;
    struct ident who = {str_from(id), {NULL, 0}};
    struct buf token;

    (void)snprintf(user, sizeof user, "%s/%s/?api-version=2021-04-12", host, id);
    hub_identity_keys(str_from(KEY_SEED), who, 0, &primary, &secondary);
    buf_init(&token, 0);
    sas_token_make(&token, str_from(host), &who, STR(""), &primary, (int64_t)time(NULL) + 3600);
    begin(p);
    put_text(p, "MQTT");
    put(p, "\x04\xc2\x00\x3c", 4);
    put_text(p, id);
    put_text(p, user);
    put_text(p, token.at);
    end(p, 0x10);
    buf_done(&token);
}

void make_subscribe(struct packet *p, const char *filter, unsigned char qos)
{
    begin(p);
    put(p, "\x00\x07", 2);
    put_text(p, filter);
    put(p, &qos, 1);
    end(p, 0x82);
}

void make_publish(struct packet *p, const char *topic, const char *body, size_t len, int qos)
{
    begin(p);
    put_text(p, topic);
    if (qos)
        put(p, "\x00\x09", 2);
    put(p, body, len);
    end(p, qos ? 0x32 : 0x30);
}
