/* bench_store.c - what a row costs: appended and committed in batches, with upkeep as the plugin does it (when pressed). Not a test.
 *
 *   bench_store DIR DURABILITY IDENTITIES BATCH ROWS [fold]
 * DURABILITY: memory, process or power. fold: lend the store no twins, as if none were in memory. Prints one line: microseconds a row, the worst commit, the worst slice of upkeep.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store.h"

static int64_t mono_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void must(enum rc rc, const char *what)
{
    if (rc) {
        (void)fprintf(stderr, "bench_store: %s: %s\n", what, rc_text(rc));
        exit(1);
    }
}

struct figures {
    int64_t appended_us, slices_us, worst_commit_us, worst_slice_us;
};

/* The hub's cache, as far as the store looks at it. */
struct cache {
    struct twin **twins;
    int64_t n;
};

static const struct twin *twin_of(void *arg, struct str id)
{
    const struct cache *cache = arg;
    uint64_t k;

    return str_to_u64(str_skip(id, sizeof "dev-" - 1), (uint64_t)cache->n - 1, &k) ? NULL : cache->twins[k];
}

static void name(char to[IDENT_TEXT_MAX], int64_t k)
{
    (void)snprintf(to, IDENT_TEXT_MAX, "dev-%07" PRId64, k);
}

static void upkeep(struct store *s, struct figures *f)
{
    int64_t from = mono_us(), took;

    (void)store_idle(s);
    took = mono_us() - from;
    f->slices_us += took;
    f->worst_slice_us = took > f->worst_slice_us ? took : f->worst_slice_us;
}

static void commit(struct store *s, struct figures *f)
{
    int64_t from = mono_us(), took;

    must(store_commit(s), "commit");
    took = mono_us() - from;
    f->worst_commit_us = took > f->worst_commit_us ? took : f->worst_commit_us;
    if (store_is_pressed(s))
        upkeep(s, f);
}

static void create(struct store *s, struct cache *cache, struct figures *f)
{
    int64_t n = cache->n;

    for (int64_t k = 0; k < n; k++) {
        struct out o = {
            .kind = OUT_STORE, .change = CHANGE_CREATED, .version = 2, .desired_version = 1, .reported_version = 1};
        struct buf doc, twin;
        struct identity *i;

        name(o.to, k);
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
        cache->twins[k] = i->twin;
        i->twin = NULL;
        identity_free(i);
        buf_done(&doc);
        buf_done(&twin);
        if (k % 100 == 99)
            commit(s, f);
    }
    commit(s, f);
}

static void append(struct store *s, struct cache *cache, int64_t batch, int64_t rows, struct figures *f)
{
    static char body[] = "{\"temperature\":21.5,\"status\":\"ok\",\"uptime\":123456,\"v\":1}";
    int64_t from = mono_us(), version = 2, k = 0, n = cache->n;

    while (k < rows) {
        for (int64_t b = 0; b < batch; b++, k++) {
            struct out o = {.kind = OUT_STORE,
                            .change = CHANGE_REPORTED,
                            .body = body,
                            .body_len = sizeof body - 1,
                            .at_us = k,
                            .desired_version = 1};

            version += k % n == 0;
            o.version = version;
            o.reported_version = version - 1;
            cache->twins[k % n]->version = version;
            cache->twins[k % n]->reported_version = version - 1;
            name(o.to, k % n);
            must(store_append(s, &o), "append");
        }
        commit(s, f);
    }
    f->appended_us = mono_us() - from;
}

int main(int argc, char **argv)
{
    static const char *const durabilities[] = {"memory", "process", "power"};
    struct store_options options = {0};
    struct figures born = {0}, f = {0}, idle = {0};
    int64_t n, batch, rows, from, opened_us;
    char why[256] = "";
    struct cache cache;
    struct store *s;

    if (argc != 6 && argc != 7) {
        (void)fprintf(stderr, "usage: bench_store DIR memory|process|power IDENTITIES BATCH ROWS [fold]\n");
        return 2;
    }
    options.dir = argv[1];
    for (size_t d = 0; d < 3; d++)
        if (strcmp(argv[2], durabilities[d]) == 0)
            options.durability = (enum durability)d;
    n = strtoll(argv[3], NULL, 10);
    batch = strtoll(argv[4], NULL, 10);
    rows = strtoll(argv[5], NULL, 10);
    if (n < 1 || batch < 1)
        return 2;
    cache = (struct cache){calloc((size_t)n, sizeof(struct twin *)), n};
    if (!cache.twins)
        must(RC_NOMEM, "cache");
    options.twin_of = argc == 7 ? NULL : twin_of;
    options.arg = &cache;
    if (store_open(&options, &s, why, sizeof why)) {
        (void)fprintf(stderr, "bench_store: %s\n", why);
        return 1;
    }
    from = mono_us();
    if (store_count(s)) {
        (void)fprintf(stderr, "bench_store: %s is not empty\n", argv[1]);
        return 1;
    }
    create(s, &cache, &born);
    born.appended_us = mono_us() - from;
    append(s, &cache, batch, rows, &f);
    from = mono_us();
    do
        upkeep(s, &idle);
    while (store_idle(s));
    idle.appended_us = mono_us() - from;
    store_close(s);
    from = mono_us();
    must(store_open(&options, &s, why, sizeof why), "open again");
    opened_us = mono_us() - from;
    store_close(s);
    for (int64_t k = 0; k < n; k++)
        twin_free(cache.twins[k]);
    free(cache.twins);
    (void)printf("%s identities=%" PRId64 " batch=%" PRId64
                 " us_per_row=%.2f of_it_upkeep=%.2f worst_commit_us=%" PRId64 " worst_slice_us=%" PRId64
                 " create_us=%.1f idle_after_ms=%.1f worst_idle_us=%" PRId64 " open_ms=%.1f\n",
                 argv[2], n, batch, (double)f.appended_us / (double)(rows ? rows : 1),
                 (double)f.slices_us / (double)(rows ? rows : 1), f.worst_commit_us, f.worst_slice_us,
                 (double)born.appended_us / (double)n, (double)idle.appended_us / 1e3, idle.worst_slice_us,
                 (double)opened_us / 1e3);
    return 0;
}
