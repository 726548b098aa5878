/* mqtt_wire.c - see mqtt_wire.h. */
#include "mqtt_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void wire_die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

int64_t wire_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

static size_t put_text(unsigned char *at, const char *text, size_t len)
{
    at[0] = (unsigned char)(len >> 8);
    at[1] = (unsigned char)len;
    memcpy(at + 2, text, len);
    return len + 2;
}

/* Put the fixed header before a body that starts at out + 5; the packet then starts at out. */
static size_t finish(unsigned char *out, unsigned char first, size_t body)
{
    unsigned char head[5];
    size_t n = 1, rest = body;

    head[0] = first;
    do {
        head[n++] = (unsigned char)(rest % 128 | (rest >= 128 ? 128 : 0));
        rest /= 128;
    } while (rest);
    memmove(out + n, out + 5, body);
    memcpy(out, head, n);
    return n + body;
}

size_t wire_publish_bytes(unsigned char *out, const char *topic, const char *body, size_t len)
{
    size_t n = put_text(out + 5, topic, strlen(topic));

    memcpy(out + 5 + n, body, len);
    return finish(out, 0x30, n + len);
}

static bool send_all(int fd, const unsigned char *at, size_t len)
{
    while (len) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

void wire_send(struct wire *w, const unsigned char *at, size_t len)
{
    if (!send_all(w->fd, at, len))
        wire_die("write");
}

bool wire_publish(struct wire *w, const char *topic, const char *body)
{
    return send_all(w->fd, w->scratch, wire_publish_bytes(w->scratch, topic, body, strlen(body)));
}

/* --- reading -------------------------------------------------------------------------------------------------- */

size_t wire_packet_length(const unsigned char *at, size_t n)
{
    size_t len = 0, shift = 0;

    for (size_t i = 1; i < n && i < 5; i++) {
        len |= (size_t)(at[i] & 127) << shift;
        shift += 7;
        if (!(at[i] & 128))
            return n >= i + 1 + len ? i + 1 + len : 0;
    }
    return 0;
}

static void decode(struct wire *w, size_t len, struct wire_packet *out)
{
    size_t head = 2, topic;

    while (w->in[head - 1] & 128)
        head++;
    memset(out, 0, sizeof *out);
    out->type = w->in[0] >> 4;
    out->flags = w->in[0] & 15;
    if (out->type == 2) {
        out->session_present = w->in[head] & 1;
        out->code = w->in[head + 1];
    }
    if (out->type == 9)
        out->code = w->in[head + 2];
    if (out->type != 3)
        return;
    topic = (size_t)w->in[head] << 8 | w->in[head + 1];
    memcpy(w->scratch, w->in + head + 2, topic);
    w->scratch[topic] = 0;
    head += 2 + topic + (out->flags & 6 ? 2 : 0);
    memcpy(w->scratch + topic + 1, w->in + head, len - head);
    w->scratch[topic + 1 + len - head] = 0;
    out->topic = (const char *)w->scratch;
    out->body = (const char *)w->scratch + topic + 1;
    out->body_len = len - head;
}

bool wire_next(struct wire *w, struct wire_packet *out, int timeout_ms)
{
    int64_t end = wire_now_us() + (int64_t)timeout_ms * 1000;

    memmove(w->in, w->in + w->n_taken, w->n_in - w->n_taken);
    w->n_in -= w->n_taken;
    w->n_taken = 0;
    for (;;) {
        size_t len = wire_packet_length(w->in, w->n_in);
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        int64_t left = (end - wire_now_us()) / 1000;
        ssize_t n;

        if (len) {
            decode(w, len, out);
            w->n_taken = len;
            return true;
        }
        if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
            return false;
        n = read(w->fd, w->in + w->n_in, WIRE_PACKET_MAX - w->n_in);
        if (n <= 0)
            return false;
        w->n_in += (size_t)n;
    }
}

/* --- connections ---------------------------------------------------------------------------------------------- */

bool wire_open(struct wire *w, const char *host, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;

    memset(w, 0, sizeof *w);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1)
        wire_die("socket");
    if (connect(w->fd, (struct sockaddr *)&to, sizeof to)) {
        wire_close(w);
        return false;
    }
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return true;
}

void wire_close(struct wire *w)
{
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
}

size_t wire_connect_bytes(unsigned char *out, const char *id, const char *user, const char *password, bool clean)
{
    size_t n = put_text(out + 5, "MQTT", 4);

    out[5 + n++] = 4;
    out[5 + n++] = (unsigned char)((user ? 0xC0 : 0) | (clean ? 2 : 0));
    out[5 + n++] = 0;
    out[5 + n++] = 0;
    n += put_text(out + 5 + n, id, strlen(id));
    if (user) {
        n += put_text(out + 5 + n, user, strlen(user));
        n += put_text(out + 5 + n, password, strlen(password));
    }
    return finish(out, 0x10, n);
}

unsigned char wire_connect(struct wire *w, const char *id, const char *user, const char *password, bool clean)
{
    struct wire_packet p;

    wire_send(w, w->scratch, wire_connect_bytes(w->scratch, id, user, password, clean));
    if (!wire_next(w, &p, 5000) || p.type != 2)
        wire_die("no CONNACK");
    return p.code;
}

size_t wire_subscribe_bytes(unsigned char *out, const char *filter, unsigned char qos)
{
    size_t n = 2;

    out[5] = 0;
    out[6] = 1;
    n += put_text(out + 5 + n, filter, strlen(filter));
    out[5 + n++] = qos;
    return finish(out, 0x82, n);
}

unsigned char wire_subscribe(struct wire *w, const char *filter, unsigned char qos)
{
    struct wire_packet p;

    wire_send(w, w->scratch, wire_subscribe_bytes(w->scratch, filter, qos));
    do {
        if (!wire_next(w, &p, 5000))
            wire_die("no SUBACK");
    } while (p.type != 9);
    return p.code;
}
