/* conn.c - how a connection begins, and what comes and goes at its two ends. See conn.h. */
#include "conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bridge.h"

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
    c->device.allowance = BOUND_READS * BOUND_RECORD;
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
    c->device.allowance = BOUND_READS * BOUND_RECORD;
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
        conn_broker_ended(c);
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
            conn_broker_ended(c);
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
        conn_broker_ended(c);
        return true;
    }
    wire_flush(&c->broker);
    written(c);
    return true;
}

void conn_open_broker(struct conn *c)
{
    c->last_packet_us = c->gw->now_us;
    conn_wake_in(c, c->idle_us);
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
    if (wire_open(&c->device, gw->base, fd)) {
        free(c);
        return;
    }
    conn_watch(c);
    TAILQ_INSERT_TAIL(&gw->conns, c, all);
    gw->n_conns++;
}
