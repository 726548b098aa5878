/* load.c - see load.h. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "mqtt_wire.h"

#define MAX_SAMPLES 2000000

/* --- one client ----------------------------------------------------------------------------------------------- */

/* Over TLS: what open_plain does, with packets that mqtt_wire.c makes and a connection that does not wait. */
static void open_tls(struct client *c, SSL_CTX *tls, const char *host, int port, const char *id, const char *user,
                     const char *password, const char *filter)
{
    static unsigned char out[WIRE_PACKET_MAX];
    unsigned char in[256];
    int n = 0, len = 0;

    if (!tls_client_start(&c->tls, tls, host, port) ||
        !tls_client_write(&c->tls, out, wire_connect_bytes(out, id, user, password, true)) ||
        !tls_client_write(&c->tls, out, wire_subscribe_bytes(out, filter, 0)))
        wire_die("connect over TLS");
    while (len < 4 + 5 && n >= 0) { /* CONNACK and SUBACK */
        n = tls_client_read(&c->tls, in + len, sizeof in - (size_t)len);
        len += n > 0 ? n : 0;
        if (n == 0)
            tls_client_wait(&c->tls, 5000);
    }
    if (n < 0 || in[0] >> 4 != 2 || in[3] || in[8] > 1) {
        errno = EACCES;
        wire_die("refused over TLS");
    }
}

static void open_plain(struct client *c, const char *host, int port, const char *id, const char *user,
                       const char *password, const char *filter)
{
    static struct wire w; /* 128 KB: not for the stack; only its descriptor is kept */

    if (!wire_open(&w, host, port))
        wire_die("connect");
    if (wire_connect(&w, id, user, password, true) != 0) {
        errno = EACCES;
        wire_die("refused");
    }
    if (wire_subscribe(&w, filter, 0) != 0)
        wire_die("SUBSCRIBE");
    (void)fcntl(w.fd, F_SETFL, O_NONBLOCK);
    c->fd = w.fd;
}

void load_connect(struct load *l, size_t i, SSL_CTX *tls, const char *host, int port, const char *id, const char *user,
                  const char *password, const char *filter)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    struct client *c = &l->clients[i];

    c->fd = c->tls.fd = -1;
    if (tls)
        open_tls(c, tls, host, port, id, user, password, filter);
    else
        open_plain(c, host, port, id, user, password, filter);
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, tls ? c->tls.fd : c->fd, &ev))
        wire_die("epoll");
}

/* returns bytes; 0: nothing now; -1: the peer hung up */
static ssize_t client_read(struct client *c, void *at, size_t size)
{
    ssize_t n;

    if (c->fd < 0)
        return tls_client_read(&c->tls, at, size);
    n = read(c->fd, at, size);
    return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

static void client_write(struct client *c, const unsigned char *at, size_t len)
{
    if (c->fd < 0 && !tls_client_write(&c->tls, at, len))
        wire_die("write");
    for (size_t done = 0; c->fd >= 0 && done < len;) {
        ssize_t n = write(c->fd, at + done, len - done);

        if (n <= 0 && errno != EAGAIN)
            wire_die("write");
        done += n > 0 ? (size_t)n : 0;
    }
}

struct load *load_new(const char *name, const char *side, size_t n, request_fn *request)
{
    struct load *l = calloc(1, sizeof *l);

    if (!l || !(l->latencies = malloc(MAX_SAMPLES * sizeof *l->latencies)))
        wire_die("memory");
    l->name = name;
    l->side = side;
    l->n = n;
    l->request = request;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    return l;
}

void load_free(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->clients[i].fd < 0)
            tls_client_close(&l->clients[i].tls, false);
        else
            (void)close(l->clients[i].fd);
    (void)close(l->epoll);
    free(l->latencies);
    free(l);
}

/* --- rounds --------------------------------------------------------------------------------------------------- */

/* Send n requests at once. */
static void ask(struct load *l, size_t i, size_t n)
{
    unsigned char out[MAX_DEPTH * 4096];
    struct client *c = &l->clients[i];
    int64_t now = wire_now_us();
    size_t len = 0;

    for (size_t k = 0; k < n; k++) {
        c->sent_us[++c->asked % MAX_DEPTH] = now;
        len += l->request(i, c->asked, out + len);
    }
    client_write(c, out, len);
}

/* Take what arrived; returns how many answers it held. */
static size_t drain(struct load *l, size_t i)
{
    struct client *c = &l->clients[i];
    size_t answers = 0, at = 0, len;
    ssize_t n = client_read(c, c->in + c->n_in, sizeof c->in - c->n_in);

    if (n < 0)
        wire_die("the broker hung up");
    c->n_in += (size_t)n;
    for (; (len = wire_packet_length(c->in + at, c->n_in - at)) > 0; at += len)
        answers += c->in[at] >> 4 == 3;
    c->n_in -= at;
    memmove(c->in, c->in + at, c->n_in);
    return answers;
}

static void keep_samples(struct load *l, struct client *c, size_t answers, int64_t now)
{
    for (; answers && l->n_latencies < MAX_SAMPLES; answers--)
        l->latencies[l->n_latencies++] = (uint32_t)(now - c->sent_us[++c->answered % MAX_DEPTH]);
    c->answered += (unsigned)answers;
}

/* Processor time that the side's processes have used so far. */
static int64_t cpu_us(const struct load *l)
{
    struct timespec t;
    int64_t sum = 0;
    clockid_t clock;

    for (size_t i = 0; i < l->n_pids; i++) {
        if (clock_getcpuclockid(l->pids[i], &clock) || clock_gettime(clock, &t))
            wire_die("the processor time of a process");
        sum += t.tv_sec * 1000000 + t.tv_nsec / 1000;
    }
    return sum;
}

static void note_round(struct load *l, size_t answers, int64_t start_us, int64_t start_cpu_us)
{
    if (l->n_rounds == MAX_ROUNDS || !answers)
        wire_die("a round without answers, or one too many");
    l->rates[l->n_rounds] = (double)answers * 1e6 / (double)(wire_now_us() - start_us);
    l->cpu_us[l->n_rounds++] = (double)(cpu_us(l) - start_cpu_us) / (double)answers;
}

void load_flat_out(struct load *l, double seconds, size_t depth)
{
    struct epoll_event events[256];
    int64_t cpu = cpu_us(l), start = wire_now_us(), end = start + (int64_t)(seconds * 1e6);
    size_t answers = 0, in_flight = l->n * depth;

    for (size_t i = 0; i < l->n; i++)
        ask(l, i, depth);
    while (in_flight) {
        int n = epoll_wait(l->epoll, events, 256, 5000);

        if (n <= 0)
            wire_die("no answer within 5 s");
        for (int e = 0; e < n; e++) {
            size_t i = events[e].data.u32;
            size_t got = drain(l, i);
            int64_t now = wire_now_us();

            if (!got)
                continue;
            answers += got;
            keep_samples(l, &l->clients[i], got, now);
            if (now < end)
                ask(l, i, got);
            else
                in_flight -= got;
        }
    }
    note_round(l, answers, start, cpu);
}

/* Take answers until the time has come. returns how many came. */
static size_t listen_until(struct load *l, int64_t until_us)
{
    struct epoll_event events[256];
    size_t answers = 0;
    int64_t left;

    while ((left = until_us - wire_now_us()) > 0) {
        struct timespec wait = {left / 1000000, left % 1000000 * 1000};
        int n = epoll_pwait2(l->epoll, events, 256, &wait, NULL);

        for (int e = 0; e < n; e++) {
            size_t i = events[e].data.u32, got = drain(l, i);

            keep_samples(l, &l->clients[i], got, wire_now_us());
            answers += got;
        }
    }
    return answers;
}

void load_paced(struct load *l, double seconds, double rate)
{
    int64_t cpu = cpu_us(l), start = wire_now_us();
    size_t answers = 0, asked = 0, n = (size_t)(seconds * rate);

    for (size_t k = 0; k < n; k++) {
        struct client *c = &l->clients[k % l->n];

        answers += listen_until(l, start + (int64_t)((double)k * 1e6 / rate));
        if (c->asked != c->answered)
            continue;
        ask(l, k % l->n, 1);
        asked++;
    }
    for (int64_t until = wire_now_us() + 5000000; answers < asked && wire_now_us() < until;)
        answers += listen_until(l, wire_now_us() + 1000);
    if (answers < asked)
        wire_die("no answer within 5 s");
    note_round(l, answers, start, cpu);
}

void load_forget_rounds(struct load *l)
{
    l->n_rounds = l->n_latencies = 0;
}

/* --- what was seen -------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double median(double *at, size_t n)
{
    qsort(at, n, sizeof *at, by_value);
    return at[n / 2];
}

double load_rate(struct load *l)
{
    return median(l->rates, l->n_rounds);
}

double load_cpu_us(struct load *l)
{
    return median(l->cpu_us, l->n_rounds);
}

double load_p99_us(struct load *l)
{
    if (!l->n_latencies)
        return 0;
    qsort(l->latencies, l->n_latencies, sizeof *l->latencies, by_number);
    return l->latencies[(size_t)((double)(l->n_latencies - 1) * 0.99)];
}

long load_memory(const struct load *l)
{
    char path[64], line[256], *resident;
    long sum = 0;

    for (size_t i = 0; i < l->n_pids; i++) {
        FILE *f;

        (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)l->pids[i]);
        f = fopen(path, "re");
        if (!f || !fgets(line, sizeof line, f) || !(resident = strchr(line, ' ')))
            wire_die(path);
        (void)fclose(f);
        sum += strtol(resident, NULL, 10) * sysconf(_SC_PAGESIZE);
    }
    return sum;
}
