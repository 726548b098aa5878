/* link.c - see link.h. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway.h"

#define LINK_PACKET_MAX 65536u /* nothing larger is said to the gateway */
#define ID_MAX          48u

int unix_dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    int fd, saved;

    if (len >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, len + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

/* gateway//{uuid}: a name that no identity can have. */
static enum rc id_make(char id[ID_MAX])
{
    unsigned char r[16];

    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        return RC_IO;
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    (void)snprintf(id, ID_MAX, FRONT_DOOR_CLIENT "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
                   r[15]);
    return RC_OK;
}

static void try_later(struct link *l)
{
    const struct timeval tv = {0, LINK_RETRY_US};

    (void)event_add(&l->retry, &tv);
}

/* The socket is closed or useless: begin anew. */
static void lost(struct link *l)
{
    bool was_up = l->is_up;

    wire_close(&l->wire);
    framer_done(&l->framer);
    l->is_up = false;
    if (was_up) {
        l->since_us = clock_us();
        gateway_link_lost(l->gw);
    }
    try_later(l);
}

static void arrived(struct link *l, const struct mqtt_packet *p)
{
    if (p->type != MQTT_CONNACK || p->body.len < 2)
        return; /* nothing else is for us */
    if (p->body.at[1]) {
        gateway_link_gone(l->gw, "the hub does not accept the gateway");
        return;
    }
    l->is_up = true;
    gateway_link_up(l->gw);
}

static void on_readable(void *arg)
{
    struct link *l = arg;
    struct mqtt_packet p;
    const char *why = NULL;
    enum frame_step step;
    ssize_t n = wire_recv(&l->wire, l->gw->scratch, sizeof l->gw->scratch);

    if (n == WIRE_AGAIN)
        return;
    if (n <= 0) {
        lost(l);
        return;
    }
    framer_feed(&l->framer, str_of(l->gw->scratch, (size_t)n));
    while ((step = framer_next(&l->framer, &p, &why)) == FRAME_PACKET)
        arrived(l, &p);
    if (step != FRAME_MORE)
        lost(l);
}

static void on_written(void *arg)
{
    (void)arg;
}

static void log_in(struct link *l)
{
    char id[ID_MAX] = "";
    struct mqtt_connect c = {.protocol = STR("MQTT"), .level = 4, .is_clean = true, .has_user_name = true};
    struct buf packet;

    buf_init(&packet, 0);
    if (id_make(id) == RC_OK) {
        c.client_id = str_from(id);
        c.user_name = STR("gw1?self=1 ");
        mqtt_connect_write(&packet, &c);
    }
    if (!buf_ok(&packet) || wire_put(&l->wire, buf_view(&packet)))
        lost(l);
    else
        wire_flush(&l->wire);
    buf_done(&packet);
}

static void attempt(evutil_socket_t unused, short what, void *arg)
{
    struct link *l = arg;
    int fd = unix_dial(l->gw->options->broker);

    (void)unused;
    (void)what;
    if (fd < 0) {
        if (clock_us() - l->since_us > l->gw->options->broker_wait_us)
            gateway_link_gone(l->gw, strerror(errno));
        else
            try_later(l);
        return;
    }
    wire_init(&l->wire, LINK_QUEUE + LINK_PACKET_MAX, on_readable, on_written, l);
    framer_init(&l->framer, LINK_PACKET_MAX);
    if (wire_open(&l->wire, l->gw->base, fd))
        try_later(l);
    else
        log_in(l);
}

void link_init(struct link *l, struct gateway *gw)
{
    memset(l, 0, sizeof *l);
    l->gw = gw;
    wire_init(&l->wire, LINK_QUEUE, on_readable, on_written, l);
    framer_init(&l->framer, LINK_PACKET_MAX);
    (void)evtimer_assign(&l->retry, gw->base, attempt, l);
}

void link_done(struct link *l)
{
    if (!l->gw)
        return;
    (void)event_del(&l->retry);
    wire_close(&l->wire);
    framer_done(&l->framer);
}

void link_start(struct link *l)
{
    l->since_us = clock_us();
    attempt(-1, 0, l);
}

void link_tell_refused(struct link *l, const char *peer, enum ended end, const char *detail)
{
    struct buf packet;

    if (!l->is_up || wire_queued(&l->wire) > LINK_QUEUE)
        return;
    buf_init(&packet, 0);
    tell_refused(&packet, peer, end, detail);
    if (buf_ok(&packet) && wire_put(&l->wire, buf_view(&packet)) == RC_OK)
        wire_flush(&l->wire);
    buf_done(&packet);
}

void link_stop(struct link *l)
{
    (void)event_del(&l->retry);
    if (l->is_up && wire_put(&l->wire, STR("\xe0\0")) == RC_OK)
        wire_flush(&l->wire);
    l->is_up = false;
    wire_close(&l->wire);
}
