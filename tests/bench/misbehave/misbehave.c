/* misbehave.c - does one device notice that two hundred others misbehave?
 *
 * One hub. A well-behaved device (a process of its own) reads its twin on a schedule, whatever happens, and notes how long each answer
 * took. Beside it, in turns, so that a noisy machine disturbs both alike: devices that misbehave, each in its own way (the table
 * in devices.c), and as many devices that behave and send as many packets in the same time. Reported: the well-behaved device's p99 in both,
 * their ratio, requests that were never answered, and how far the hub's memory rose while they misbehaved.
 *
 * usage: misbehave [--devices N] [--seconds S] [--rounds R] [--seed N] [--max-ratio X] [--max-memory X] [--only WAY]
 *        --max-memory is in bounds of all connections (1); 0 of either: not judged, as under sanitizers
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bounds.h"
#include "devices.h"
#include "hub_process.h"
#include "mqtt_wire.h"
#include "neighbour.h"
#include "remove_tree.h"
#include "service.h"

#define ACT_EVERY_US 20000 /* how often each of the others does something */

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Resident kilobytes of a process, the highest there was since the last reset if peak. */
static long memory_kb(long pid, bool peak)
{
    char path[64], line[256];
    long kb = 0;
    FILE *f;

    if (pid <= 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", pid);
    f = fopen(path, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, peak ? "VmHWM:" : "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    (void)fclose(f);
    return kb;
}

/* Let the peak begin anew. */
static void forget_peak(long pid)
{
    char path[64];
    FILE *f;

    if (pid <= 0)
        return;
    (void)snprintf(path, sizeof path, "/proc/%ld/clear_refs", pid);
    f = fopen(path, "we");
    if (f) {
        (void)fputs("5", f);
        (void)fclose(f);
    }
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

struct sums {
    size_t asked, unanswered;
    uint32_t p99[64];
    size_t n;
    uint32_t worst_us;
    uint64_t packets, connections;
};

static void turn(struct world *w, const struct neighbour *n, bool misbehaving, double seconds, int64_t every_us,
                 struct sums *s)
{
    struct verdict v;

    world_start(w, misbehaving, every_us);
    world_drive(w, 1.0); /* they come, all of them; not measured */
    if (write(n->to, &seconds, sizeof seconds) != (ssize_t)sizeof seconds)
        wire_die("the well-behaved device is gone");
    world_drive(w, seconds);
    s->packets += w->packets;
    s->connections += w->connections;
    world_leave(w);
    if (read(n->from, &v, sizeof v) != (ssize_t)sizeof v)
        wire_die("the well-behaved device is gone");
    s->asked += v.asked;
    s->unanswered += v.unanswered;
    s->p99[s->n++] = v.p99_us;
    s->worst_us = v.worst_us > s->worst_us ? v.worst_us : s->worst_us;
    (void)printf(
        "  %-12s p50 %6u us   p99 %7u us   worst %7u us   %zu asked, %zu unanswered   beside %llu packets, %llu "
        "connections\n",
        misbehaving ? "misbehaving" : "behaving", v.p50_us, v.p99_us, v.worst_us, v.asked, v.unanswered,
        (unsigned long long)w->packets, (unsigned long long)w->connections);
    (void)fflush(stdout);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static uint32_t median(struct sums *s)
{
    qsort(s->p99, s->n, sizeof *s->p99, by_number);
    return s->p99[s->n / 2];
}

/* --- the program -------------------------------------------------------------------------------------------------- */

struct settings {
    size_t devices;
    double seconds, max_ratio, max_memory;
    int rounds;
    uint64_t seed;
    size_t only;
};

static void read_settings(int argc, char **argv, struct settings *s)
{
    bool is_known = true;

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--devices") == 0)
            s->devices = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            s->seconds = strtod(value, NULL);
        else if (strcmp(argv[i], "--rounds") == 0)
            s->rounds = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            s->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--max-ratio") == 0)
            s->max_ratio = strtod(value, NULL);
        else if (strcmp(argv[i], "--max-memory") == 0)
            s->max_memory = strtod(value, NULL);
        else if (strcmp(argv[i], "--only") == 0)
            s->only = strtoul(value, NULL, 10);
        else
            is_known = false;
    }
    if (!is_known || s->only > ways_count() || s->devices < 1 || s->devices > MAX_DEVICES || s->rounds < 1 ||
        s->rounds > 64 || s->seconds <= 0 || !s->seed) {
        (void)fprintf(stderr,
                      "usage: misbehave [--devices 1..%d] [--seconds S] [--rounds 1..64] [--seed N] [--max-ratio X] "
                      "[--only WAY]\n"
                      "ways:",
                      MAX_DEVICES);
        for (size_t i = 0; i < ways_count(); i++)
            (void)fprintf(stderr, "%s %zu %s", i ? "," : "", i + 1, way_name(i));
        (void)fputs("\n", stderr);
        exit(2);
    }
}

static void make_identities(struct service *s, size_t n)
{
    for (size_t i = 0; i <= n; i++) {
        cJSON *command = cJSON_CreateObject(), *body = NULL;
        char id[32];
        int status = 0;

        (void)snprintf(id, sizeof id, "device-%zu", i);
        if (json_set(command, "command", json_str(STR("device.create"))) ||
            json_set(command, "deviceId", json_str(str_from(i < n ? id : "well-behaved"))) ||
            service_command(s, command, 5000, &status, &body) || status != 200)
            wire_die("device.create");
        cJSON_Delete(body);
    }
}

/* Say it, and whether all is well. */
static bool judge(struct sums *bad, struct sums *good, const struct settings *set, long grown_kb)
{
    long bound_kb = (long)(set->devices * BOUND_DEVICE / 1024);
    double ratio = (double)median(bad) / (double)median(good);

    (void)printf(
        "p99 beside misbehaving %u us, beside behaving %u us: ratio %.2f   unanswered %zu of %zu   memory grew by "
        "%ld KB, bound %ld KB\n",
        median(bad), median(good), ratio, bad->unanswered + good->unanswered, bad->asked + good->asked, grown_kb,
        bound_kb);
    return bad->unanswered + good->unanswered == 0 &&
           (set->max_memory <= 0 || (double)grown_kb <= set->max_memory * (double)bound_kb) &&
           (set->max_ratio <= 0 || ratio < set->max_ratio);
}

int main(int argc, char **argv)
{
    static struct world w;
    struct settings set = {.devices = 200, .seconds = 60, .rounds = 4, .seed = 1, .max_ratio = 2, .max_memory = 1};
    struct sums bad = {.asked = 0}, good = {.asked = 0};
    char dir[] = "/tmp/twinsim-misbehave-XXXXXX", why[512];
    struct hub_process_options options = {.data_dir = dir};
    const struct hub_file *file;
    struct hub_process *hub;
    struct service *service;
    struct neighbour neighbour;
    struct rlimit files;
    long before, grown = 0, now;
    bool is_well;
    int lock;

    read_settings(argc, argv, &set);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    w.n = set.devices;
    w.only = set.only;
    w.random = set.seed * 0x9E3779B97F4A7C15u;
    w.epoll = epoll_create1(EPOLL_CLOEXEC);
    w.tls = SSL_CTX_new(TLS_client_method());
    if (!w.tls || !mkdtemp(dir) || loopback_take(8883, w.host, &lock))
        wire_die("a directory and an address");
    SSL_CTX_set_verify(w.tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(w.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    options.host = w.host;
    if (hub_process_start(&options, &hub, why, sizeof why) ||
        service_connect(hub_process_file(hub), &service, why, sizeof why)) {
        (void)fprintf(stderr, "misbehave: %s\n", why);
        return 1;
    }
    make_identities(service, set.devices);
    service_free(service);
    file = hub_process_file(hub);
    neighbour = start_neighbour(w.tls, w.host);

    (void)printf("%zu devices, %d turns each of %.1f s, seed %llu\n", set.devices, set.rounds, set.seconds / set.rounds,
                 (unsigned long long)set.seed);
    for (int r = 0; r < set.rounds; r++) {
        double seconds = set.seconds / set.rounds;
        int64_t every;

        before = memory_kb(file->broker_pid, false) + memory_kb(file->gateway_pid, false);
        forget_peak(file->broker_pid);
        forget_peak(file->gateway_pid);
        turn(&w, &neighbour, true, seconds, ACT_EVERY_US, &bad);
        now = memory_kb(file->broker_pid, true) + memory_kb(file->gateway_pid, true) - before;
        grown = now > grown ? now : grown;
        /* As many packets in as much time: each of the well-behaved sends one every `every` microseconds. */
        every = (int64_t)(seconds * 1e6 * (double)w.n / (double)(w.packets ? w.packets : 1));
        turn(&w, &neighbour, false, seconds, every, &good);
    }
    is_well = judge(&bad, &good, &set, grown);
    (void)close(neighbour.to);
    (void)waitpid(neighbour.pid, NULL, 0);
    if (hub_process_has_ended(hub)) {
        (void)fprintf(stderr, "misbehave: the hub ended: %s\n%s\n", hub_process_ending(hub),
                      hub_process_last_words(hub));
        is_well = false;
    }
    hub_process_free(hub);
    SSL_CTX_free(w.tls);
    (void)close(lock);
    remove_tree(dir);
    return is_well ? 0 : 1;
}
