/* bench_hub.c - what the hub costs over the bare broker, as ratios taken side by side in one run.
 *
 * The same client (one thread, N connections, one request in flight on each, or --depth of them) talks in turn to a bare mosquitto that routes each client's bytes back
 * to it, and to the same mosquitto with our plugin: first twin GETs of a 1 KB twin against an echo of 1 KB, then small reported PATCHes against an
 * echo of the patch. Rounds alternate, so that a noisy machine disturbs both alike; the ratio of the medians is what counts.
 * Plain TCP on loopback on both sides: TLS would cost both the same and hide the difference.
 *
 * With --tls all clients speak TLS, and there are three sides: the bare broker that ends TLS itself, the hub whose broker does (its
 * front door off), and the hub behind its front door, as users have it. Two processes then serve a client that is a third, so on a
 * machine of two cores the rate says how many cores there are, and the processor time of all of a side's processes for each answer what it costs.
 *
 * usage: bench_hub [--clients N] [--depth D] [--seconds S] [--rounds R] [--durability process|power|memory] [--listen] [--tls]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hub.h"
#include "hub_process.h"
#include "mqtt_wire.h"
#include "remove_tree.h"
#include "service.h"
#include "tls_client.h"

#define PORT        18831
#define ECHO_PORT   18832
#define TLS_PORT    8883
#define MAX_CLIENTS 1000
#define MAX_DEPTH   4 /* answers of 1 KB that wait at once fit a client's buffer */
#define MAX_ROUNDS  64
#define MAX_SAMPLES 2000000
#define TWIN_BYTES  1024

struct client {
    int fd;                /* plain TCP; -1 with TLS */
    struct tls_client tls; /* its fd is -1 without */
    unsigned char in[16384];
    size_t n_in;
    int64_t sent_us[MAX_DEPTH]; /* of request k at k % MAX_DEPTH */
    unsigned asked, answered;
};

struct load {
    const char *name, *side;
    size_t n;
    struct client clients[MAX_CLIENTS];
    int epoll;
    /* What client i sends for its k-th request; returns the bytes of one PUBLISH packet. */
    size_t (*request)(size_t i, unsigned k, unsigned char *out);
    pid_t pids[HUB_PROCESS_PIDS]; /* the processes of this side */
    size_t n_pids;
    double rates[MAX_ROUNDS],
        cpu_us[MAX_ROUNDS]; /* answers a second; processor time of the side's processes for each of them */
    size_t n_rounds;
    uint32_t *latencies; /* us, of all rounds */
    size_t n_latencies;
};

static SSL_CTX *tls; /* NULL: plain TCP */

/* Over TLS: what open_plain does, with packets that mqtt_wire.c makes and a connection that does not wait. */
static void open_tls(struct client *c, const char *host, int port, const char *id, const char *user,
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

static void open_client(struct client *c, const char *host, int port, const char *id, const char *user,
                        const char *password, const char *filter)
{
    c->fd = c->tls.fd = -1;
    if (tls)
        open_tls(c, host, port, id, user, password, filter);
    else
        open_plain(c, host, port, id, user, password, filter);
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

/* --- the four loads ------------------------------------------------------------------------------------------- */

static char padding[TWIN_BYTES + 1];

static size_t get_request(size_t i, unsigned k, unsigned char *out)
{
    char topic[64];

    (void)i;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/GET/?$rid=%u", k);
    return wire_publish_bytes(out, topic, "", 0);
}

static size_t get_echo(size_t i, unsigned k, unsigned char *out)
{
    char topic[64];

    (void)k;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/%zu/?$rid=1", i);
    return wire_publish_bytes(out, topic, padding, TWIN_BYTES);
}

static size_t patch_request(size_t i, unsigned k, unsigned char *out)
{
    char topic[96], body[64];

    (void)i;
    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%u", k);
    (void)snprintf(body, sizeof body, "{\"state\":{\"counter\":%u}}", k);
    return wire_publish_bytes(out, topic, body, strlen(body));
}

static size_t patch_echo(size_t i, unsigned k, unsigned char *out)
{
    char topic[96], body[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/%zu/?$rid=1", i);
    (void)snprintf(body, sizeof body, "{\"state\":{\"counter\":%u}}", k);
    return wire_publish_bytes(out, topic, body, strlen(body));
}

/* --- driving -------------------------------------------------------------------------------------------------- */

static unsigned depth = 1; /* requests that a client has in flight */

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

/* One round: every client keeps its requests in flight, and the round ends when the last is answered. */
static void round_of(struct load *l, double seconds)
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
    l->rates[l->n_rounds] = (double)answers * 1e6 / (double)(wire_now_us() - start);
    l->cpu_us[l->n_rounds++] = (double)(cpu_us(l) - cpu) / (double)answers;
}

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

static uint32_t percentile(struct load *l, double p)
{
    if (!l->n_latencies)
        return 0;
    qsort(l->latencies, l->n_latencies, sizeof *l->latencies, by_number);
    return l->latencies[(size_t)((double)(l->n_latencies - 1) * p)];
}

static void forget_rounds(struct load *l)
{
    l->n_rounds = l->n_latencies = 0;
}

/* The first side is what the others are measured against. Rounds go through all of them in turn. */
static void compare(struct load **sides, size_t n, double seconds, int rounds)
{
    double first_rate = 0, first_cpu = 0, first_p99 = 0;

    for (size_t i = 0; i < n; i++) {
        round_of(sides[i], 0.2); /* warm it */
        forget_rounds(sides[i]);
    }
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++)
            round_of(sides[i], seconds);
    for (size_t i = 0; i < n; i++) {
        struct load *l = sides[i];
        double rate = median(l->rates, l->n_rounds), cpu = median(l->cpu_us, l->n_rounds), p99 = percentile(l, 0.99);

        if (i == 0) {
            first_rate = rate;
            first_cpu = cpu;
            first_p99 = p99;
        }
        (void)printf("%-6s %4zu clients   %-22s %7.0f/s   cpu %5.1f us   p99 %6.0f us   ratios: throughput %.2f   cpu "
                     "%.2f   p99 %.2f\n",
                     l->name, l->n, l->side, rate, cpu, p99, rate / first_rate, cpu / first_cpu, p99 / first_p99);
    }
    (void)fflush(stdout);
}

/* --- the two sides -------------------------------------------------------------------------------------------- */

static pid_t start_bare_broker(const char *dir, const char *host)
{
    char path[512], log[512];
    FILE *f;
    pid_t pid;

    (void)snprintf(path, sizeof path, "%s/echo.conf", dir);
    (void)snprintf(log, sizeof log, "%s/echo.err", dir);
    f = fopen(path, "we");
    if (!f)
        wire_die(path);
    (void)fprintf(f,
                  "allow_anonymous true\nset_tcp_nodelay true\nsys_interval 0\nlog_dest file %s/echo.log\n"
                  "max_packet_size 393216\nlistener %d %s\nmax_qos 1\n",
                  dir, ECHO_PORT, host);
    if (geteuid() == 0)
        (void)fputs("user root\n", f); /* as the hub's own; else it becomes a user who may not read our files */
    if (tls)
        (void)fprintf(f, "certfile %s/server.pem\nkeyfile %s/server.key\n", dir, dir);
    if (fclose(f))
        wire_die(path);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen(log, "we", stderr)) /* what it says of being root */
            (void)execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        (void)execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void wait_for_port(const char *host, int port)
{
    static struct wire w;
    struct timespec pause = {0, 5000000};

    for (int tries = 0; tries < 1000; tries++) {
        if (wire_open(&w, host, port)) {
            wire_close(&w);
            return;
        }
        (void)nanosleep(&pause, NULL); /* NOLINT: asks 200 times a second whether it listens */
    }
    wire_die("the bare broker does not listen");
}

static struct load *load_new(const char *name, const char *side, size_t n,
                             size_t (*request)(size_t, unsigned, unsigned char *))
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

static void add_client(struct load *l, size_t i)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    struct client *c = &l->clients[i];

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd < 0 ? c->tls.fd : c->fd, &ev))
        wire_die("epoll");
}

static void load_free(struct load *l)
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

static cJSON *command_of(const char *text)
{
    cJSON *tree;

    if (json_read(str_from(text), &tree, NULL))
        wire_die("command");
    return tree;
}

static void ignore_event(void *arg, const cJSON *event)
{
    (void)arg;
    (void)event;
}

/* One listener to every event, in a process of its own, so that it competes as a monitor would. */
static pid_t start_listener(const struct hub_file *hub)
{
    struct service *s;
    char why[512];
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (service_connect(hub, &s, why, sizeof why) || service_listen(s, STR(""), ignore_event, NULL))
        _exit(1);
    while (service_wait(s, 1000) == RC_OK)
        ;
    (void)fprintf(stderr, "listener: missed %llu events\n", (unsigned long long)service_missed(s));
    _exit(0);
}

static void make_identities(struct service *s, size_t n)
{
    char text[2048];
    cJSON *body;
    int status;

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"command\":\"device.create\",\"deviceId\":\"bench-%zu\",\"twin\":{\"properties\":{"
                       "\"desired\":{\"config\":{\"text\":\"%.940s\"}},\"reported\":{\"state\":{\"counter\":0}}}}}",
                       i, padding);
        if (service_command(s, command_of(text), 5000, &status, &body) || status != 200)
            wire_die("device.create");
        cJSON_Delete(body);
    }
}

static void connect_hub(struct load *l, const char *host, const char *seed)
{
    for (size_t i = 0; i < l->n; i++) {
        char device[32], user[128];
        struct sas_key primary, secondary;
        struct buf token;
        struct ident id;

        (void)snprintf(device, sizeof device, "bench-%zu", i);
        (void)snprintf(user, sizeof user, "%s/%s/?api-version=2021-04-12", host, device);
        id = (struct ident){str_from(device), {NULL, 0}};
        hub_identity_keys(str_from(seed), id, 0, &primary, &secondary);
        buf_init(&token, 0);
        sas_token_make(&token, str_from(host), &id, STR(""), &primary, (int64_t)time(NULL) + 3600);
        open_client(&l->clients[i], host, tls ? TLS_PORT : PORT, device, user, token.at, "$iothub/twin/res/#");
        add_client(l, i);
        buf_done(&token);
    }
}

/* Each client hears what it says below root/{i}/. */
static void connect_echo(struct load *l, const char *host, const char *root)
{
    for (size_t i = 0; i < l->n; i++) {
        char id[32], mine[96];

        (void)snprintf(id, sizeof id, "%s-%zu", l->name, i);
        (void)snprintf(mine, sizeof mine, "%s/%zu/#", root, i);
        open_client(&l->clients[i], host, ECHO_PORT, id, NULL, NULL, mine);
        add_client(l, i);
    }
}

/* A hub with the identities, perhaps with a listener. */
struct hub_side {
    char dir[64], host[64];
    int lock;
    struct hub_process *hub;
    pid_t listener;
};

struct settings {
    size_t clients, depth;
    double seconds;
    int rounds;
    const char *durability;
    bool listen, tls;
};

static void start_hub(struct hub_side *side, const struct settings *set, bool gateway)
{
    struct hub_process_options options = {.mqtt_port = set->tls ? 0 : PORT, .durability = set->durability};
    struct service *service;
    char why[512];

    (void)snprintf(side->dir, sizeof side->dir, "/tmp/twinsim-bench-XXXXXX");
    if (!mkdtemp(side->dir) || loopback_take(TLS_PORT, side->host, &side->lock))
        wire_die("a directory and an address");
    options.data_dir = side->dir;
    options.host = side->host;
    options.no_gateway = !gateway;
    if (hub_process_start(&options, &side->hub, why, sizeof why) ||
        service_connect(hub_process_file(side->hub), &service, why, sizeof why)) {
        (void)fprintf(stderr, "bench_hub: %s\n", why);
        exit(1);
    }
    make_identities(service, set->clients);
    service_free(service);
    side->listener = set->listen ? start_listener(hub_process_file(side->hub)) : 0;
}

static void stop_process(pid_t pid)
{
    if (!pid)
        return;
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

static void stop_hub(struct hub_side *side)
{
    stop_process(side->listener);
    hub_process_free(side->hub);
    (void)close(side->lock);
    remove_tree(side->dir);
}

static void read_settings(int argc, char **argv, struct settings *s)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--listen") == 0) {
            s->listen = true;
            continue;
        }
        if (strcmp(argv[i], "--tls") == 0) {
            s->tls = true;
            continue;
        }
        if (strcmp(argv[i], "--clients") == 0)
            s->clients = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--depth") == 0)
            s->depth = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            s->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--rounds") == 0)
            s->rounds = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--durability") == 0)
            s->durability = value;
        else
            s->clients = 0;
        i++;
    }
    if (s->clients < 1 || s->clients > MAX_CLIENTS || s->depth < 1 || s->depth > MAX_DEPTH || s->rounds < 1 ||
        s->rounds > MAX_ROUNDS || s->seconds <= 0) {
        (void)fprintf(stderr,
                      "usage: bench_hub [--clients 1..%d] [--depth 1..%d] [--seconds S] [--rounds 1..%d] [--durability "
                      "process|power|memory] [--listen] [--tls]\n",
                      MAX_CLIENTS, MAX_DEPTH, MAX_ROUNDS);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static const char *const sides_plain[] = {"echo", "hub"}, *const sides_tls[] = {"echo, broker's TLS",
                                                                                    "hub, broker's TLS",
                                                                                    "hub, front door"};
    struct settings set = {.clients = 100, .depth = 1, .seconds = 1.0, .rounds = 5, .durability = "process"};
    const char *const *names = sides_plain;
    struct load *sides[3];
    struct hub_side hubs[2];
    size_t n_hubs = 1;
    pid_t bare;

    read_settings(argc, argv, &set);
    depth = (unsigned)set.depth;
    (void)signal(SIGPIPE, SIG_IGN);
    memset(padding, 'x', TWIN_BYTES);
    start_hub(&hubs[0], &set, false);
    if (set.tls) {
        names = sides_tls;
        start_hub(&hubs[n_hubs++], &set, true);
        tls = SSL_CTX_new(TLS_client_method());
        if (!tls)
            wire_die("TLS");
        SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    bare = start_bare_broker(hubs[0].dir, hubs[0].host);
    wait_for_port(hubs[0].host, ECHO_PORT);

    (void)printf("durability %s, %s, %s, %u in flight on each connection, %d rounds of %.1f s each\n", set.durability,
                 set.listen ? "one listener to events" : "nobody listens", set.tls ? "TLS" : "plain TCP", depth,
                 set.rounds, set.seconds);
    sides[0] = load_new("GET", names[0], set.clients, get_echo);
    sides[0]->pids[sides[0]->n_pids++] = bare;
    connect_echo(sides[0], hubs[0].host, "$iothub/twin/res");
    for (size_t i = 0; i < n_hubs; i++) {
        sides[1 + i] = load_new("GET", names[1 + i], set.clients, get_request);
        sides[1 + i]->n_pids = hub_process_pids(hubs[i].hub, sides[1 + i]->pids);
        connect_hub(sides[1 + i], hubs[i].host, "twinsim-development-keys");
    }
    compare(sides, 1 + n_hubs, set.seconds, set.rounds);
    load_free(sides[0]);

    sides[0] = load_new("PATCH", names[0], set.clients, patch_echo);
    sides[0]->pids[sides[0]->n_pids++] = bare;
    connect_echo(sides[0], hubs[0].host, "$iothub/twin/PATCH/properties/reported");
    for (size_t i = 1; i <= n_hubs; i++) {
        sides[i]->name = "PATCH";
        sides[i]->request = patch_request;
        forget_rounds(sides[i]);
    }
    compare(sides, 1 + n_hubs, set.seconds, set.rounds);
    for (size_t i = 0; i <= n_hubs; i++)
        load_free(sides[i]);

    stop_process(bare);
    for (size_t i = 0; i < n_hubs; i++)
        stop_hub(&hubs[i]);
    SSL_CTX_free(tls);
    return 0;
}
