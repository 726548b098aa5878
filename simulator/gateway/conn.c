/* conn.c - see conn.h. */
#include "conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bridge.h"

/* --- time ------------------------------------------------------------------------------------------------------------------- */

static void set_timer(struct conn *c, int64_t in_us)
{
    const struct timeval tv = {in_us / 1000000, in_us % 1000000};

    (void)evtimer_add(&c->timer, &tv);
}

/* When something is to happen if nothing else does. The timer is not moved with every packet: it looks here when it comes. */
static int64_t deadline(const struct conn *c)
{
    switch (c->state) {
    case CONN_HANDSHAKE:
    case CONN_FIRST:
        return c->began_us + c->gw->options->connect_timeout_us;
    case CONN_OPEN:
        return c->last_packet_us + c->idle_us;
    case CONN_ENDING:
    case CONN_CLOSED:
        break;
    }
    return c->began_us + (c->device.fd >= 0 ? LINGER_CLIENT_US : LINGER_BROKER_US);
}

static void on_timer(evutil_socket_t unused, short what, void *arg)
{
    struct conn *c = arg;
    int64_t left;

    (void)unused;
    (void)what;
    c->gw->now_us = clock_us();
    if (c->is_paused)
        c->last_packet_us = c->gw->now_us; /* it is we who do not listen */
    left = deadline(c) - c->gw->now_us;
    if (left > 0) {
        set_timer(c, left);
        return;
    }
    switch (c->state) {
    case CONN_HANDSHAKE:
    case CONN_FIRST:
        conn_end(c, ENDED_CONNECT_TIMEOUT,
                 c->state == CONN_FIRST ? "no CONNECT came" : "the TLS handshake did not end");
        break;
    case CONN_OPEN:
        conn_end(c, c->is_unread ? ENDED_SLOW : ENDED_KEEP_ALIVE, NULL);
        break;
    case CONN_ENDING:
        if (c->device.fd >= 0) {
            wire_close(&c->device);
            set_timer(c, LINGER_BROKER_US - LINGER_CLIENT_US);
            conn_wind_down(c);
        } else {
            conn_bury(c);
        }
        break;
    case CONN_CLOSED:
        break;
    }
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

void conn_bury(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    (void)event_del(&c->timer);
    wire_close(&c->device);
    wire_close(&c->broker);
    turns_no_dial(&c->gw->turns, c);
    turns_wait(&c->gw->turns, c, WAITS_FOR_BURIAL);
}

void conn_free(struct conn *c)
{
    struct gateway *gw = c->gw;

    assert(c->state == CONN_CLOSED);
    TAILQ_REMOVE(&gw->conns, c, all);
    SSL_free(c->ssl);
    framer_done(&c->from_device);
    framer_done(&c->from_broker);
    inflight_done(&c->inflight);
    buf_done(&c->held);
    free(c);
    gateway_conn_freed(gw);
}

void conn_wind_down(struct conn *c)
{
    struct wire *device = &c->device, *broker = &c->broker;

    if (device->fd >= 0 && !c->has_said_end && wire_queued(device) == 0) {
        c->has_said_end = true;
        if (c->ssl && !c->is_tls_broken)
            tls_say_end(c->ssl);
        wire_flush(device);
    }
    if (device->fd >= 0 && wire_queued(device) == 0)
        wire_shut(device);
    if (broker->fd >= 0 && wire_queued(broker) == 0)
        wire_shut(broker);
    if (device->is_deaf || (device->is_shut && c->gw->is_stopping))
        wire_close(device);
    if (broker->is_deaf)
        wire_close(broker);
    if (device->fd < 0 && broker->fd < 0 && !c->is_dialling)
        conn_bury(c);
}

static void begin_ending(struct conn *c)
{
    c->state = CONN_ENDING;
    c->began_us = clock_us();
    set_timer(c, LINGER_CLIENT_US);
    turns_wait(&c->gw->turns, c, WAITS_FOR_NOTHING);
    wire_read_on(&c->device); /* to see its end */
}

/* The last words on the broker's connection. */
static void say_end(struct conn *c, enum ended end, const char *detail)
{
    struct buf packet;

    buf_init(&packet, 0);
    tell_end(&packet, end, detail);
    if (end == ENDED_CLIENT)
        mqtt_header_write(&packet, MQTT_DISCONNECT, 0, 0);
    if (!buf_ok(&packet) || wire_put(&c->broker, buf_view(&packet)))
        wire_close(&c->broker);
    else
        wire_flush(&c->broker);
    buf_done(&packet);
}

void conn_end(struct conn *c, enum ended end, const char *detail)
{
    if (c->state >= CONN_ENDING)
        return;
    if (c->state == CONN_OPEN)
        say_end(c, end, detail);
    else if (end != ENDED_SHUTDOWN)
        link_tell_refused(&c->gw->link, c->peer, end, detail);
    begin_ending(c);
    if (end == ENDED_SLOW)
        wire_drop_queue(&c->device);
    if (end == ENDED_SLOW || end == ENDED_TLS) /* it may be within a record */
        c->is_tls_broken = true;
    if (c->device.has_ended)
        wire_close(&c->device);
    conn_wind_down(c);
}

/* --- the client's end ------------------------------------------------------------------------------------------------------- */

static bool is_passing(const struct conn *c)
{
    return (c->state == CONN_FIRST || c->state == CONN_OPEN) && !c->should_end && !c->is_paused && !c->is_unread;
}

void conn_read_again(struct conn *c)
{
    struct gateway *gw = c->gw;
    enum tls_step step = TLS_OK;
    size_t n = 0;

    gw->now_us = clock_us();
    for (unsigned i = 0; i < BOUND_READS && is_passing(c); i++) {
        step = tls_read(c->ssl, gw->scratch, BOUND_RECORD, &n, gw->why);
        if (step != TLS_OK)
            break;
        bridge_from_device(c, str_of(gw->scratch, n));
        if (!tls_has_more(c->ssl)) {
            step = TLS_AGAIN;
            break;
        }
    }
    if (step == TLS_OK && is_passing(c)) /* no longer the socket's business: OpenSSL holds it */
        turns_wait(&gw->turns, c, WAITS_AGAIN);
    if (step == TLS_FAILED) {
        c->is_tls_broken = true;
        bridge_should_end(c, ENDED_TLS, gw->why);
    }
    if (step == TLS_ENDED)
        bridge_should_end(c, ENDED_LOST, *gw->why ? gw->why : NULL);
    bridge_finish(c);
}

/* Has anything come at all, or was it only somebody who looked whether the door is there? */
static bool has_first_byte(const struct conn *c)
{
    char byte;

    return recv(c->device.fd, &byte, 1, MSG_PEEK) == 1;
}

void conn_handshake(struct conn *c)
{
    struct gateway *gw = c->gw;

    if (!c->ssl) {
        if (!has_first_byte(c)) {
            conn_bury(c);
            return;
        }
        c->ssl = tls_accept(&gw->tls, &c->device);
        if (!c->ssl) {
            conn_bury(c);
            return;
        }
    }
    switch (tls_handshake(c->ssl, gw->why)) {
    case TLS_OK:
        c->state = CONN_FIRST;
        gateway_conn_shaken(gw);
        wire_read_on(&c->device);
        wire_flush(&c->device);
        if (tls_has_more(c->ssl))
            conn_read_again(c);
        return;
    case TLS_AGAIN:
        wire_read_on(&c->device);
        wire_flush(&c->device);
        return;
    case TLS_ENDED:
        conn_end(c, ENDED_TLS,
                 *gw->why ? gw->why : "closed within the handshake (does the client trust the hub's CA?)");
        return;
    case TLS_FAILED:
        wire_flush(&c->device); /* the alert */
        conn_end(c, ENDED_TLS, gw->why);
        return;
    }
}

static void device_readable(void *arg)
{
    struct conn *c = arg;

    switch (c->state) {
    case CONN_HANDSHAKE: /* in its turn; meanwhile the socket must not call */
        wire_read_off(&c->device);
        turns_wait(&c->gw->turns, c, WAITS_FOR_HANDSHAKE);
        break;
    case CONN_FIRST:
    case CONN_OPEN:
        if (c->waits_for != WAITS_AGAIN)
            conn_read_again(c);
        break;
    case CONN_ENDING:
        if (!wire_discard(&c->device))
            wire_close(&c->device);
        conn_wind_down(c);
        break;
    case CONN_CLOSED:
        break;
    }
}

/* Too much waits; once it did, until little waits. */
static bool is_full(bool was, const struct wire *w)
{
    return wire_queued(w) > (was ? BOUND_RESUME : BOUND_PAUSE);
}

void conn_pace(struct conn *c)
{
    bool was_off = c->is_paused || c->is_unread, was_paused = c->is_paused;

    if (c->state != CONN_OPEN)
        return;
    c->is_paused = is_full(c->is_paused, &c->broker);
    c->is_unread = is_full(c->is_unread, &c->device);
    if (was_paused && !c->is_paused)
        c->last_packet_us = clock_us(); /* it was we who did not listen */
    if (!was_off && (c->is_paused || c->is_unread)) {
        wire_read_off(&c->device);
    } else if (was_off && !c->is_paused && !c->is_unread) {
        wire_read_on(&c->device);
        turns_wait(&c->gw->turns, c, WAITS_AGAIN); /* OpenSSL may hold what the socket will not tell of */
    }
}

static void written(void *arg)
{
    struct conn *c = arg;

    if (c->state == CONN_ENDING)
        conn_wind_down(c);
    else
        conn_pace(c);
}

/* --- the broker's end ------------------------------------------------------------------------------------------------------- */

/* It has closed: kicked, taken over, refused, or gone. What it said last still goes to the client. */
static void broker_ended(struct conn *c)
{
    wire_close(&c->broker);
    if (c->state == CONN_OPEN)
        begin_ending(c);
    conn_wind_down(c);
}

static void read_broker(struct conn *c)
{
    struct gateway *gw = c->gw;
    bool has_ended = false;

    gw->now_us = clock_us();
    for (unsigned i = 0; i < BOUND_READS && c->state == CONN_OPEN && !c->should_end; i++) {
        ssize_t n = wire_recv(&c->broker, gw->scratch, sizeof gw->scratch);

        has_ended = n == 0 || n == WIRE_BROKEN;
        if (n <= 0)
            break;
        bridge_from_broker(c, str_of(gw->scratch, (size_t)n));
        if ((size_t)n < sizeof gw->scratch)
            break; /* a read that only finds nothing costs as much as one that finds something */
    }
    bridge_finish(c);
    if (has_ended)
        broker_ended(c);
}

static void broker_readable(void *arg)
{
    struct conn *c = arg;

    if (c->state == CONN_OPEN) {
        read_broker(c);
    } else if (c->state == CONN_ENDING) {
        if (wire_discard(&c->broker))
            conn_wind_down(c);
        else
            broker_ended(c);
    }
}

bool conn_dial(struct conn *c)
{
    int fd = unix_dial(c->gw->options->broker);

    if (fd < 0 && (errno == EAGAIN || errno == EMFILE || errno == ENFILE)) {
        turns_dial(&c->gw->turns, c);
        return false;
    }
    turns_no_dial(&c->gw->turns, c);
    if (fd < 0 || wire_open(&c->broker, c->gw->base, fd)) {
        broker_ended(c);
        return true;
    }
    wire_flush(&c->broker);
    written(c);
    return true;
}

void conn_open_broker(struct conn *c)
{
    c->last_packet_us = c->gw->now_us;
    set_timer(c, c->idle_us);
    if (TAILQ_EMPTY(&c->gw->turns.dials))
        (void)conn_dial(c);
    else
        turns_dial(&c->gw->turns, c);
}

void conn_allow(struct conn *c, size_t max_packet)
{
    c->from_device.max = max_packet;
    /* Twice the bound: reports come besides, and in base64. Reaching it would be a mistake of ours. */
    c->broker.out.max = 2 * (BOUND_PAUSE + BOUND_READS * BOUND_RECORD + max_packet + MQTT_CONNECT_MAX);
}

void conn_accept(struct gateway *gw, int fd, const char *peer)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c) {
        evutil_closesocket(fd);
        return;
    }
    c->gw = gw;
    (void)snprintf(c->peer, sizeof c->peer, "%s", peer);
    c->began_us = clock_us();
    wire_init(&c->device, 2 * (BOUND_TO_CLIENT + BOUND_BROKER_PACKET), device_readable, written, c);
    wire_init(&c->broker, 0, broker_readable, written, c);
    framer_init(&c->from_device, MQTT_CONNECT_MAX);
    conn_allow(c, gw->options->max_packet < MQTT_CONNECT_MAX ? gw->options->max_packet : MQTT_CONNECT_MAX);
    framer_init(&c->from_broker, BOUND_BROKER_PACKET);
    buf_init(&c->held, BOUND_TO_CLIENT + 2 * BOUND_BROKER_PACKET);
    (void)evtimer_assign(&c->timer, gw->base, on_timer, c);
    if (wire_open(&c->device, gw->base, fd)) {
        free(c);
        return;
    }
    set_timer(c, gw->options->connect_timeout_us);
    TAILQ_INSERT_TAIL(&gw->conns, c, all);
    gw->n_conns++;
}
