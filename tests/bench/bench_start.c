/* bench_start.c - does a hub with very many identities start as fast as one with ten? Not a test.
 *
 * Two data directories are filled by the store itself: one with ten identities, one with as many as wanted, some of which have messages that wait: one each
 * that expired while the hub was away, one that expires later. Then hubs are started on them in turns. Start: from the call until the hub is
 * ready, as `twinsim up` does it. Beside it: how long the first second's commands took while it deals with what expired.
 *
 *   bench_start [IDENTITIES [WITH_MESSAGES [ROUNDS]]]          1000000 10000 9
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hub_process.h"
#include "remove_tree.h"
#include "service.h"
#include "store.h"

#define FEW       10
#define ROUND_MAX 99
#define DAY_US    INT64_C(86400000000)

static int64_t mono_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void must(enum rc rc, const char *what)
{
    if (rc) {
        (void)fprintf(stderr, "bench_start: %s: %s\n", what, rc_text(rc));
        exit(1);
    }
}

struct side {
    int64_t identities, with_messages;
    char dir[64], host[64];
    int lock;
    struct hub_process *hub;
    double start_ms[ROUND_MAX];
    int64_t first_us, longest_us; /* of commands: the first after the very first start, and the longest of all */
};

/* --- filling -------------------------------------------------------------------------------------------------------- */

static void add_identity(struct store *s, int64_t k)
{
    struct out o = {
        .kind = OUT_STORE, .change = CHANGE_CREATED, .version = 2, .desired_version = 1, .reported_version = 1};
    struct identity *i;
    struct buf doc, twin;

    (void)snprintf(o.to, sizeof o.to, "dev-%07" PRId64, k);
    i = identity_new((struct ident){str_from(o.to), {NULL, 0}});
    if (!i || !(i->twin = twin_new(0)))
        must(RC_NOMEM, "identity");
    buf_init(&doc, 0);
    buf_init(&twin, 0);
    identity_print(&doc, i, false);
    twin_print(&twin, i->twin);
    o.doc = o.body = doc.at;
    o.body_len = doc.len;
    o.twin = twin.at;
    must(store_append(s, &o), "create");
    identity_free(i);
    buf_done(&doc);
    buf_done(&twin);
}

static void add_message(struct store *s, int64_t k, uint64_t number, int64_t expires_us)
{
    static char doc[] = "{\"ack\":\"none\",\"system\":{\"to\":\"/devices/d/messages/deviceBound\"},\"properties\":{}}";
    static char body[] = "a message that waits";
    struct out o = {.kind = OUT_MESSAGE,
                    .tag = number,
                    .at_us = expires_us - DAY_US,
                    .expires_us = expires_us,
                    .doc = doc,
                    .body = body,
                    .body_len = sizeof body - 1};

    (void)snprintf(o.to, sizeof o.to, "dev-%07" PRId64, k);
    must(store_append(s, &o), "message");
}

static void fill(const struct side *side)
{
    struct store_options options = {.dir = side->dir, .durability = DURABILITY_MEMORY};
    int64_t now_us = (int64_t)time(NULL) * 1000000, every;
    uint64_t number = 0;
    struct store *s;
    char why[256];

    must(store_open(&options, &s, why, sizeof why), "open");
    every = side->with_messages ? side->identities / side->with_messages : side->identities + 1;
    for (int64_t k = 0; k < side->identities; k++) {
        add_identity(s, k);
        if (k % every == 0) {
            add_message(s, k, ++number, now_us - DAY_US + k);
            add_message(s, k, ++number, now_us + DAY_US + k);
        }
        if (k % 1000 == 999)
            must(store_commit(s), "commit");
    }
    must(store_commit(s), "commit");
    while (store_idle(s))
        ;
    store_close(s);
}

/* --- starting ------------------------------------------------------------------------------------------------------- */

/* Ask for a second, one command behind the other. */
static void look(struct side *side)
{
    int64_t until = mono_us() + 1000000;
    struct service *s;
    char why[512];

    must(service_connect(hub_process_file(side->hub), &s, why, sizeof why), "service");
    while (mono_us() < until) {
        int64_t from = mono_us(), took;
        cJSON *command = NULL, *body = NULL;
        int status;

        must(json_read(STR("{\"command\":\"hub.status\"}"), &command, NULL), "command");
        must(service_command(s, command, 10000, &status, &body), "hub.status");
        cJSON_Delete(body);
        took = mono_us() - from;
        side->first_us = side->first_us ? side->first_us : took;
        side->longest_us = took > side->longest_us ? took : side->longest_us;
    }
    service_free(s);
}

static void start(struct side *side, int round)
{
    struct hub_process_options options = {.data_dir = side->dir, .host = side->host};
    int64_t from = mono_us();
    char why[512];

    if (hub_process_start(&options, &side->hub, why, sizeof why)) {
        (void)fprintf(stderr, "bench_start: %s\n", why);
        exit(1);
    }
    if (round >= 0)
        side->start_ms[round] = (double)(mono_us() - from) / 1e3;
    look(side);
    hub_process_free(side->hub);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *at, int n)
{
    qsort(at, (size_t)n, sizeof *at, by_value);
    return at[n / 2];
}

int main(int argc, char **argv)
{
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 9;
    struct side sides[] = {
        {.identities = FEW},
        {.identities = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000,
         .with_messages = argc > 2 ? strtol(argv[2], NULL, 10) : 10000},
    };
    double few;

    if (rounds < 1 || rounds > ROUND_MAX || sides[1].identities < 1 || sides[1].with_messages < 0 ||
        sides[1].with_messages > sides[1].identities) {
        (void)fprintf(stderr, "usage: bench_start [IDENTITIES [WITH_MESSAGES [ROUNDS]]]\n");
        return 2;
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(sides[i].dir, sizeof sides[i].dir, "/tmp/twinsim-start-XXXXXX");
        if (!mkdtemp(sides[i].dir) || loopback_take(8883, sides[i].host, &sides[i].lock))
            return 1;
        start(&sides[i], -1); /* makes keys and certificates; a filled directory without them is somebody else's */
        sides[i].first_us = sides[i].longest_us = 0;
        fill(&sides[i]);
    }
    for (int r = -1; r < rounds; r++) /* messages end behind the first */
        for (size_t i = 0; i < 2; i++)
            start(&sides[i], r);
    few = median(sides[0].start_ms, rounds);
    for (size_t i = 0; i < 2; i++) {
        (void)printf("%8" PRId64 " identities, %6" PRId64
                     " with messages: start %6.1f ms   ratio %.2f   first command %" PRId64 " us   longest %" PRId64
                     " us\n",
                     sides[i].identities, sides[i].with_messages, median(sides[i].start_ms, rounds),
                     median(sides[i].start_ms, rounds) / few, sides[i].first_us, sides[i].longest_us);
        (void)close(sides[i].lock);
        remove_tree(sides[i].dir);
    }
    return 0;
}
