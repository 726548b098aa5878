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
 * --tenth paces all sides at a tenth of what the echo carries, and --memory only connects the clients and says what each costs.
 *
 * usage: bench_hub [--clients N] [--depth D] [--seconds S] [--rounds R] [--durability process|power|memory] [--listen] [--tls] [--tenth] [--memory]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"
#include "mqtt_wire.h"
#include "sides.h"

#define TWIN_BYTES 1024
#define MAX_SIDES  3

struct settings {
    size_t clients, depth;
    double seconds;
    int rounds;
    const char *durability;
    bool listen, tls, tenth, memory;
};

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

/* --- comparing ------------------------------------------------------------------------------------------------ */

/* The sides; the first is the echo, which the others are measured against. */
struct contest {
    const struct settings *set;
    SSL_CTX *tls; /* NULL: plain TCP */
    pid_t echo;
    struct hub_side hubs[MAX_SIDES - 1];
    struct load *sides[MAX_SIDES];
    size_t n;
};

static void say(struct contest *c)
{
    double rate = load_rate(c->sides[0]), cpu = load_cpu_us(c->sides[0]), p99 = load_p99_us(c->sides[0]);

    for (size_t i = 0; i < c->n; i++) {
        struct load *l = c->sides[i];

        (void)printf("%-6s %4zu clients   %-22s %7.0f/s   cpu %5.1f us   p99 %6.0f us   ratios: throughput %.2f   cpu "
                     "%.2f   p99 %.2f\n",
                     l->name, l->n, l->side, load_rate(l), load_cpu_us(l), load_p99_us(l), load_rate(l) / rate,
                     load_cpu_us(l) / cpu, load_p99_us(l) / p99);
    }
    (void)fflush(stdout);
}

/* Rounds go through all sides in turn, so that a noisy machine disturbs all alike. */
static void compare(struct contest *c)
{
    const struct settings *set = c->set;
    double pace = 0;

    for (size_t i = 0; i < c->n; i++) {
        load_flat_out(c->sides[i], 0.2, set->depth); /* warm it */
        if (i == 0)
            pace = load_rate(c->sides[0]) / 10;
        load_forget_rounds(c->sides[i]);
    }
    for (int r = 0; r < set->rounds; r++)
        for (size_t i = 0; i < c->n; i++)
            if (set->tenth)
                load_paced(c->sides[i], set->seconds, pace);
            else
                load_flat_out(c->sides[i], set->seconds, set->depth);
    say(c);
}

/* What an idle connection holds, beyond what it holds in a bare broker. */
static void compare_memory(struct contest *c, const long *before)
{
    double first = 0;

    for (size_t i = 0; i < c->n; i++) {
        double each = (double)(load_memory(c->sides[i]) - before[i]) / 1024 / (double)c->sides[i]->n;

        if (i == 0)
            first = each;
        (void)printf("memory %4zu clients   %-22s %6.1f KB a connection   %+.1f KB beside the bare broker\n",
                     c->sides[i]->n, c->sides[i]->side, each, each - first);
    }
}

static const char *side_name(size_t i, bool tls)
{
    if (i == 0)
        return tls ? "echo, broker's TLS" : "echo";
    if (i == 1)
        return tls ? "hub, broker's TLS" : "hub";
    return "hub, front door";
}

static void connect_all(struct contest *c)
{
    long before[MAX_SIDES];

    for (size_t i = 0; i < c->n; i++) {
        struct load *l = c->sides[i] =
            load_new("GET", side_name(i, c->tls != NULL), c->set->clients, i ? get_request : get_echo);

        if (i == 0)
            echo_is(l, c->echo);
        else
            hub_side_is(&c->hubs[i - 1], l);
        before[i] = load_memory(l);
        if (i == 0)
            echo_connect(l, c->hubs[0].host, c->tls, "$iothub/twin/res");
        else
            hub_side_connect(&c->hubs[i - 1], l, c->tls);
    }
    if (c->set->memory)
        compare_memory(c, before);
}

/* The same connections go on with patches; the echo's are made anew, since they hear other topics. */
static void go_on_with_patches(struct contest *c)
{
    struct load *echo = load_new("PATCH", c->sides[0]->side, c->set->clients, patch_echo);

    load_free(c->sides[0]);
    c->sides[0] = echo;
    echo_is(echo, c->echo);
    echo_connect(echo, c->hubs[0].host, c->tls, "$iothub/twin/PATCH/properties/reported");
    for (size_t i = 1; i < c->n; i++) {
        c->sides[i]->name = "PATCH";
        c->sides[i]->request = patch_request;
        load_forget_rounds(c->sides[i]);
    }
}

static void usage(void)
{
    (void)fprintf(stderr,
                  "usage: bench_hub [--clients 1..%d] [--depth 1..%d] [--seconds S] [--rounds 1..%d] [--durability "
                  "process|power|memory] [--listen] [--tls] [--tenth] [--memory]\n",
                  MAX_CLIENTS, MAX_DEPTH, MAX_ROUNDS);
    exit(2);
}

static bool read_flag(const char *word, struct settings *s)
{
    bool *flag = strcmp(word, "--listen") == 0   ? &s->listen
                 : strcmp(word, "--tls") == 0    ? &s->tls
                 : strcmp(word, "--tenth") == 0  ? &s->tenth
                 : strcmp(word, "--memory") == 0 ? &s->memory
                                                 : NULL;

    if (flag)
        *flag = true;
    return flag != NULL;
}

static void read_settings(int argc, char **argv, struct settings *s)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (read_flag(argv[i], s))
            continue;
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
            usage();
        i++;
    }
    if (s->clients < 1 || s->clients > MAX_CLIENTS || s->depth < 1 || s->depth > MAX_DEPTH || s->rounds < 1 ||
        s->rounds > MAX_ROUNDS || s->seconds <= 0)
        usage();
}

int main(int argc, char **argv)
{
    struct settings set = {.clients = 100, .depth = 1, .seconds = 1.0, .rounds = 5, .durability = "process"};
    struct hub_settings hub;
    struct contest c = {.set = &set, .n = 2};
    struct rlimit files;

    read_settings(argc, argv, &set);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &files)) { /* all sides' clients are connected at the same time */
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    memset(padding, 'x', TWIN_BYTES);
    hub = (struct hub_settings){.identities = set.clients,
                                .twin_bytes = set.memory ? 0 : TWIN_BYTES,
                                .durability = set.durability,
                                .plain = !set.tls,
                                .anew = set.memory,
                                .listen = set.listen};
    hub_side_start(&c.hubs[0], &hub);
    if (set.tls) {
        hub.gateway = true;
        hub_side_start(&c.hubs[1], &hub);
        c.n = 3;
        c.tls = SSL_CTX_new(TLS_client_method());
        if (!c.tls)
            wire_die("TLS");
        SSL_CTX_set_mode(c.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    c.echo = echo_start(c.hubs[0].dir, c.hubs[0].host, set.tls);

    (void)printf("durability %s, %s, %s, %s, %d rounds of %.1f s each\n", set.durability,
                 set.listen ? "one listener to events" : "nobody listens", set.tls ? "TLS" : "plain TCP",
                 set.tenth ? "at a tenth of what the echo carries" : "as fast as answers come", set.rounds,
                 set.seconds);
    connect_all(&c);
    if (!set.memory) {
        compare(&c);
        go_on_with_patches(&c);
        compare(&c);
    }

    for (size_t i = 0; i < c.n; i++)
        load_free(c.sides[i]);
    echo_stop(c.echo);
    for (size_t i = 0; i < c.n - 1; i++)
        hub_side_stop(&c.hubs[i]);
    SSL_CTX_free(c.tls);
    return 0;
}
