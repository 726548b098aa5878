/* throttle.c - see throttle.h. */
#include "throttle.h"

#define DAY_US    (INT64_C(86400) * 1000000)
#define COLUMNS   3
#define LEVEL_MIN 1e-9 /* what sums of fractions may be off */

const char *throttle_name(enum throttle_kind kind)
{
#define THROTTLE_WORD(name, word, what, unit, a1, u1, a2, u2, a3, u3) word,
    static const char *const words[] = {THROTTLE_LIST(THROTTLE_WORD)};
#undef THROTTLE_WORD

    assert((size_t)kind < THROTTLES);
    return words[kind];
}

static const struct tier_row {
    unsigned column;
    uint64_t messages;
    size_t meter;
} tiers[TIERS] = {
#define TIER_ROW(name, column, units, messages, meter) [TIER_##name] = {column, messages, meter},
    TIER_LIST(TIER_ROW)
#undef TIER_ROW
};

double throttle_rate(enum throttle_kind kind, enum tier tier, unsigned units)
{
#define THROTTLE_ROW(name, word, what, unit, a1, u1, a2, u2, a3, u3) {{a1, u1}, {a2, u2}, {a3, u3}},
    static const struct {
        double least, unit;
    } rates[THROTTLES][COLUMNS] = {THROTTLE_LIST(THROTTLE_ROW)};
#undef THROTTLE_ROW
    double least = rates[kind][tiers[tier].column].least, all = rates[kind][tiers[tier].column].unit * units;

    assert(tier != TIER_NONE && units > 0);
    return all > least ? all : least;
}

void bucket_fill(struct bucket *b, const struct bucket_shape *shape, int64_t now_us)
{
    b->level = shape->burst;
    b->filled_us = now_us;
}

enum throttle_verdict bucket_take(struct bucket *b, const struct bucket_shape *shape, double cost, int64_t now_us,
                                  int64_t *wait_us)
{
    if (now_us > b->filled_us) {
        b->level += shape->rate * (double)(now_us - b->filled_us) / 1e6;
        if (b->level > shape->burst)
            b->level = shape->burst;
        b->filled_us = now_us;
    }
    if (b->level + LEVEL_MIN >= cost) {
        b->level -= cost;
        return THROTTLE_PASSES;
    }
    if (b->level - cost + shape->backlog < -LEVEL_MIN)
        return THROTTLE_REFUSES;
    b->level -= cost;
    *wait_us = (int64_t)(-b->level / shape->rate * 1e6);
    return THROTTLE_WAITS;
}

static struct bucket_shape shape_of(const struct profile *p, enum throttle_kind kind)
{
    double rate = throttle_rate(kind, p->tier, p->units);

    return (struct bucket_shape){rate, rate * THROTTLE_BURST_S, rate * THROTTLE_BACKLOG_S};
}

void throttle_init(struct throttle *t, const struct profile *profile, int64_t now_us)
{
    *t = (struct throttle){.profile = *profile};
    for (enum throttle_kind kind = 0; t->profile.tier && kind < THROTTLES; kind++) {
        struct bucket_shape shape = shape_of(&t->profile, kind);

        bucket_fill(&t->buckets[kind], &shape, now_us);
    }
}

enum throttle_verdict throttle_ask(struct throttle *t, enum throttle_kind kind, double cost, int64_t now_us,
                                   int64_t *wait_us)
{
    struct bucket_shape shape;

    if (!t->profile.tier)
        return THROTTLE_PASSES;
    shape = shape_of(&t->profile, kind);
    return bucket_take(&t->buckets[kind], &shape, cost, now_us, wait_us);
}

uint64_t throttle_quota(const struct profile *p)
{
    return tiers[p->tier].messages * p->units;
}

bool throttle_count(struct throttle *t, size_t bytes, int64_t utc_us)
{
    int64_t day = utc_us / DAY_US - (utc_us % DAY_US < 0);
    size_t meter = tiers[t->profile.tier].meter;
    uint64_t counts;

    if (!t->profile.tier)
        return true;
    if (day != t->day) {
        t->day = day;
        t->messages = 0;
    }
    counts = bytes ? (bytes + meter - 1) / meter : 1;
    if (t->messages + counts > throttle_quota(&t->profile))
        return false;
    t->messages += counts;
    return true;
}
