/* devices.c - see devices.h. Devices that are closed come back half a second later, as clients do: all of them at once. */
#include "devices.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "mqtt_wire.h"

#define PAUSE_US 500000 /* before it comes back when its connection was ended */

static uint32_t any(struct world *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 16) % below);
}

static bool say(struct world *w, struct device *d)
{
    if (!tls_client_write(&d->tls, w->packet.at, w->packet.len))
        return false;
    w->packets++;
    return true;
}

static void say_random(struct world *w, struct device *d, size_t len)
{
    w->packet.len = len;
    for (size_t i = 0; i < len; i++)
        w->packet.at[i] = (unsigned char)any(w, 256);
    (void)say(w, d);
}

static void say_get(struct world *w, struct device *d)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/GET/?$rid=%u", ++d->turn);
    make_publish(&w->packet, topic, "", 0, 0);
    (void)say(w, d);
}

static void say_telemetry(struct world *w, struct device *d, size_t len, int qos)
{
    static char body[30000];
    char topic[96];

    memset(body, 'x', sizeof body);
    (void)snprintf(topic, sizeof topic, "devices/%s/messages/events/a=b", d->id);
    make_publish(&w->packet, topic, body, len, qos);
    (void)say(w, d);
}

/* Ways to misbehave. Each is called at its device's turn, when the connection is open and (but for `babbler`) the CONNECT sent. */

static void behave(struct world *w, struct device *d)
{
    say_get(w, d);
}

static void babble(struct world *w, struct device *d)
{
    say_random(w, d, 1 + any(w, 400));
}

/* A packet that would be right, with a few bits turned. */
static void mutate(struct world *w, struct device *d)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%u", ++d->turn);
    make_publish(&w->packet, topic, "{\"a\":{\"b\":1}}", 13, 1);
    for (unsigned i = 0; i < 3; i++)
        w->packet.at[any(w, (uint32_t)w->packet.len)] ^= (unsigned char)(1u << any(w, 8));
    (void)say(w, d);
}

static void flood(struct world *w, struct device *d)
{
    for (unsigned i = 0; i < 8; i++)
        say_telemetry(w, d, 200, (int)(i & 1));
}

/* Asks and never reads. */
static void hoard(struct world *w, struct device *d)
{
    for (unsigned i = 0; i < 8; i++)
        say_get(w, d);
}

/* Takes every answer at QoS 1 and never acknowledges any. */
static void withhold(struct world *w, struct device *d)
{
    if (!d->turn) {
        make_subscribe(&w->packet, "$iothub/twin/res/#", 1);
        (void)say(w, d);
    }
    say_get(w, d);
}

static void collect_filters(struct world *w, struct device *d)
{
    char filter[64];

    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(filter, sizeof filter, "$iothub/methods/POST/name%u/#", ++d->turn);
        make_subscribe(&w->packet, filter, 0);
        (void)say(w, d);
    }
}

/* Announces a quarter of a megabyte and sends it a byte at a time. */
static void drip(struct world *w, struct device *d)
{
    static const unsigned char head[] = {0x30, 0x80, 0x80, 0x10, 0x00, 0x10};

    w->packet.len = 1;
    w->packet.at[0] = d->dripped < sizeof head ? head[d->dripped] : 'd';
    if (say(w, d))
        d->dripped++;
}

static void leave_and_return(struct world *w, struct device *d)
{
    (void)w;
    tls_client_close(&d->tls, d->turn++ % 2);
    d->back_us = 0;
}

static void say_nothing(struct world *w, struct device *d)
{
    (void)w;
    (void)d;
}

static void be_too_large(struct world *w, struct device *d)
{
    static const unsigned char head[] = {0x30, 0xff, 0xff, 0x7f};

    if (d->turn++ % 10 == 0) {
        memcpy(w->packet.at, head, w->packet.len = sizeof head);
        (void)say(w, d);
    }
    say_telemetry(w, d, 30000, 1);
}

static void trespass(struct world *w, struct device *d)
{
    static const char *const topics[] = {
        "foo",         "devices/well-behaved/messages/events/", "$CONTROL/twinsim/v1", "$CONTROL/twinsim-gateway/v1",
        "$gw/1/1/foo", "$iothub/twin/res/200/?$rid=1",          "$SYS/broker/uptime"};

    switch (any(w, 4)) {
    case 0:
        make_subscribe(&w->packet, "#", 1);
        break;
    case 1:
        make_connect(&w->packet, w->host, d->id);
        break;
    default:
        make_publish(&w->packet, topics[any(w, sizeof topics / sizeof topics[0])], "{}", 2, 0);
    }
    (void)say(w, d);
}

/* Reported patches as deep and as wide as nobody may send them. */
static void report_too_much(struct world *w, struct device *d)
{
    static const char deeper[] = {'{', '"', 'a', '"', ':'};
    static char body[32000];
    size_t len = 0, depth = 60 + any(w, 2000);

    for (size_t i = 0; i < depth; i++, len += sizeof deeper)
        memcpy(body + len, deeper, sizeof deeper);
    body[len++] = '1';
    memset(body + len, '}', depth);
    make_publish(&w->packet, "$iothub/twin/PATCH/properties/reported/?$rid=1", body, len + depth, 1);
    (void)say(w, d);
}

static const struct way ways[] = {
    {"babbles before CONNECT", babble, true, false, false},
    {"babbles after CONNECT", babble, false, false, false},
    {"turns bits", mutate, false, false, false},
    {"floods", flood, false, false, false},
    {"asks and never reads", hoard, false, true, false},
    {"never acknowledges", withhold, false, false, false},
    {"collects filters", collect_filters, false, false, false},
    {"drips", drip, false, false, false},
    {"leaves and returns", leave_and_return, false, false, false},
    {"takes its neighbour over", behave, false, false, true},
    {"says nothing", say_nothing, true, false, false},
    {"is too large", be_too_large, false, false, false},
    {"trespasses", trespass, false, false, false},
    {"reports too much", report_too_much, false, false, false},
};
#define WAYS (sizeof ways / sizeof ways[0])

static const struct way well = {"behaves", behave, false, false, false};

static void greet(struct world *w, struct device *d)
{
    d->is_greeted = true;
    d->dripped = d->turn = 0;
    if (d->way->is_mute)
        return;
    make_connect(&w->packet, w->host, d->id);
    (void)say(w, d);
    make_subscribe(&w->packet, "$iothub/twin/res/#", 0);
    (void)say(w, d);
}

static void open_again(struct world *w, struct device *d, int64_t now)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = d};

    if (now < d->back_us)
        return;
    d->back_us = now + PAUSE_US;
    d->is_greeted = false;
    if (!tls_client_start(&d->tls, w->tls, w->host, 8883))
        return;
    w->connections++;
    if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, d->tls.fd, &ev))
        wire_die("epoll");
}

static void take(struct device *d)
{
    static unsigned char sink[65536];

    if (d->way->never_reads && d->is_greeted && d->turn > 2)
        return;
    while (tls_client_read(&d->tls, sink, sizeof sink) > 0)
        ;
}

static void act(struct world *w, struct device *d, int64_t now)
{
    d->due_us = now + w->every_us;
    if (d->tls.fd < 0) {
        open_again(w, d, now);
        return;
    }
    if (!tls_client_step(&d->tls) || !d->tls.is_open)
        return;
    if (!d->is_greeted)
        greet(w, d);
    else
        d->way->act(w, d);
}

void world_drive(struct world *w, double seconds)
{
    struct epoll_event events[256];
    int64_t until = wire_now_us() + (int64_t)(seconds * 1e6);

    w->packets = w->connections = 0;
    for (int64_t now; (now = wire_now_us()) < until;) {
        int n = epoll_wait(w->epoll, events, 256, 1);

        for (int e = 0; e < n; e++)
            take(events[e].data.ptr);
        for (size_t i = 0; i < w->n; i++)
            if (w->at[i].due_us <= now)
                act(w, &w->at[i], now);
    }
}

void world_start(struct world *w, bool misbehaving, int64_t every_us)
{
    int64_t now = wire_now_us();

    w->every_us = every_us;
    for (size_t i = 0; i < w->n; i++) {
        struct device *d = &w->at[i];

        d->way = !misbehaving ? &well : &ways[w->only ? w->only - 1 : i % WAYS];
        (void)snprintf(d->id, sizeof d->id, "device-%zu", d->way->shares_id ? i / (2 * WAYS) : i);
        d->tls.fd = -1;
        d->back_us = 0;
        d->due_us = now + (int64_t)i * every_us / (int64_t)w->n; /* not all at once */
    }
}

void world_leave(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        tls_client_close(&w->at[i].tls, true);
}

size_t ways_count(void)
{
    return WAYS;
}

const char *way_name(size_t n)
{
    return ways[n].name;
}
