/* conn_end.c - how long a connection may take, and how it ends. See conn.h. */
#include <stdlib.h>

#include "conn.h"

/* --- time ------------------------------------------------------------------------------------------------------------------- */

void conn_wake_in(struct conn *c, int64_t in_us)
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
        conn_wake_in(c, left);
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
            conn_wake_in(c, LINGER_BROKER_US - LINGER_CLIENT_US);
            conn_wind_down(c);
        } else {
            conn_bury(c);
        }
        break;
    case CONN_CLOSED:
        break;
    }
}

void conn_watch(struct conn *c)
{
    (void)evtimer_assign(&c->timer, c->gw->base, on_timer, c);
    conn_wake_in(c, c->gw->options->connect_timeout_us);
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
    conn_wake_in(c, LINGER_CLIENT_US);
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

void conn_broker_ended(struct conn *c)
{
    wire_close(&c->broker);
    if (c->state == CONN_OPEN)
        begin_ending(c);
    conn_wind_down(c);
}
