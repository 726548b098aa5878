/* neighbour.c - see neighbour.h. */
#include "neighbour.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "mqtt_wire.h"
#include "packet.h"

#define MAX_REQUESTS 400000
#define ASK_EVERY_US 4000  /* its schedule */
#define ANSWER_MS    10000 /* an answer that takes longer never came */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

struct asker {
    struct tls_client tls;
    struct packet packet;
    unsigned char in[65536];
    size_t n_in;
    int64_t sent_us[MAX_REQUESTS]; /* by rid; 0: answered */
    uint32_t latencies[MAX_REQUESTS];
    size_t asked, answered;
};

/* Take in what came; each answer is to the request whose rid stands at the end of its topic. */
static void hear(struct asker *a, int64_t now)
{
    int n = tls_client_read(&a->tls, a->in + a->n_in, sizeof a->in - a->n_in);
    size_t len;

    if (n < 0)
        wire_die("the hub ended the well-behaved device's connection");
    a->n_in += (size_t)n;
    while ((len = wire_packet_length(a->in, a->n_in)) > 0) {
        const unsigned char *rid = a->in[0] >> 4 == 3 ? memmem(a->in, len, "$rid=", 5) : NULL;
        size_t which = rid ? strtoul((const char *)rid + 5, NULL, 10) : MAX_REQUESTS;

        if (which < a->asked && a->sent_us[which]) {
            a->latencies[a->answered++] = (uint32_t)(now - a->sent_us[which]);
            a->sent_us[which] = 0;
        }
        memmove(a->in, a->in + len, a->n_in - len);
        a->n_in -= len;
    }
}

static void ask_once(struct asker *a, int64_t planned)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/GET/?$rid=%zu", a->asked);
    make_publish(&a->packet, topic, "", 0, 0);
    if (!tls_client_write(&a->tls, a->packet.at, a->packet.len))
        wire_die("the well-behaved device cannot write");
    a->sent_us[a->asked++] = planned; /* as planned, so that a late start counts as lateness */
}

static void wait_a_little(const struct asker *a, int64_t us)
{
    struct timespec limit = {0, (us > 0 ? us : 0) * 1000};
    fd_set readable;

    FD_ZERO(&readable);
    FD_SET(a->tls.fd, &readable);
    (void)pselect(a->tls.fd + 1, &readable, NULL, NULL, &limit, NULL);
}

static void measure(struct asker *a, double seconds, struct verdict *out)
{
    int64_t start = wire_now_us(), due = start, end = start + (int64_t)(seconds * 1e6), now;

    a->asked = a->answered = 0;
    while ((now = wire_now_us()) < end || (a->answered < a->asked && now < end + ANSWER_MS * 1000)) {
        if (now < end && due <= now && a->asked < MAX_REQUESTS) {
            ask_once(a, due);
            due += ASK_EVERY_US;
            continue;
        }
        wait_a_little(a, now < end ? due - now : 1000);
        hear(a, wire_now_us());
    }
    qsort(a->latencies, a->answered, sizeof *a->latencies, by_number);
    memset(out, 0, sizeof *out);
    out->asked = a->asked;
    out->unanswered = a->asked - a->answered;
    if (a->answered) {
        out->p50_us = a->latencies[a->answered / 2];
        out->p99_us = a->latencies[(a->answered - 1) * 99 / 100];
        out->worst_us = a->latencies[a->answered - 1];
    }
}

/* Its process: for each number of seconds on stdin-like pipe `in`, a verdict on `out`. */
static void be_well_behaved(SSL_CTX *tls, const char *host, int in, int out)
{
    static struct asker a;
    struct verdict v;
    double seconds;

    if (!tls_client_start(&a.tls, tls, host, 8883))
        wire_die("the well-behaved device cannot connect");
    make_connect(&a.packet, host, "well-behaved");
    while (!a.tls.is_open && tls_client_step(&a.tls))
        wait_a_little(&a, 1000);
    (void)tls_client_write(&a.tls, a.packet.at, a.packet.len);
    make_subscribe(&a.packet, "$iothub/twin/res/#", 0);
    (void)tls_client_write(&a.tls, a.packet.at, a.packet.len);
    while (read(in, &seconds, sizeof seconds) == (ssize_t)sizeof seconds) {
        measure(&a, seconds, &v);
        if (write(out, &v, sizeof v) != (ssize_t)sizeof v)
            break;
    }
}

struct neighbour start_neighbour(SSL_CTX *tls, const char *host)
{
    struct neighbour n;
    int to[2], from[2];

    if (pipe(to) || pipe(from))
        wire_die("pipe");
    n.pid = fork();
    if (n.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(to[1]);
        be_well_behaved(tls, host, to[0], from[1]);
        _exit(0);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    n.to = to[1];
    n.from = from[0];
    return n;
}
