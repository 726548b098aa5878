/* throttle.h - how much a hub of some tier does in a time, and what becomes of the rest.
 *
 * A bucket fills at the rate. While it holds something a request passes at once; that is the burst. Behind the burst requests wait, so
 * that they leave at the rate (traffic shaping); when the backlog is full they are refused with 429 (facts L-02, L-15, L-19):
 *
 *     passes at once          waits              refused
 *   |===== burst =====|---- backlog ----|
 *   full            empty            as empty as it gets
 *
 * The documents give rates, "a minute or two" for the burst and no number for the backlog. Pure: the time comes in, of the clock that
 * never jumps.
 */
#ifndef TWINSIM_THROTTLE_H
#define TWINSIM_THROTTLE_H

#include "profile.h"

#define THROTTLE_BURST_S   60.0 /* seconds' worth that passes at once */
#define THROTTLE_BACKLOG_S 10.0 /* seconds' worth that waits */
#define THROTTLE_METER     4096 /* bytes: methods count in steps of so many, by their payload */

/* Name, word, what counts, its unit; for F1, B1, S1, then B2, S2, then B3, S3: at least so much for the hub, so much for each unit (a second).
 * The rate is the higher of both (facts L-15). */
#define THROTTLE_LIST(X)                                                                                               \
    X(CONNECT, "connections", "new connections of devices and modules", "connections", 100, 12, 0, 120, 0, 6000)       \
    X(TELEMETRY, "telemetry", "device-to-cloud messages", "messages", 100, 12, 0, 120, 0, 6000)                        \
    X(MESSAGE, "messages", "cloud-to-device messages sent", "messages", 0, 100 / 60.0, 0, 100 / 60.0, 0, 5000 / 60.0)  \
    X(METHOD, "methods", "payloads of methods, in steps of 4 KB", "bytes", 0, 160 * 1024, 0, 480 * 1024, 0,            \
      24.0 * 1024 * 1024)                                                                                              \
    X(TWIN_READ, "twin-reads", "twins read, by devices and services", "twins", 100, 0, 100, 10, 0, 500)                \
    X(TWIN_UPDATE, "twin-updates", "twins changed, by devices and services", "twins", 50, 0, 50, 5, 0, 250)            \
    X(QUERY, "queries", "pages of queries", "pages", 0, 20 / 60.0, 0, 20 / 60.0, 0, 1000 / 60.0)                       \
    X(REGISTRY, "registry", "identities made, shown, listed, changed, deleted", "operations", 0, 100 / 60.0, 0,        \
      100 / 60.0, 0, 5000 / 60.0)
#define THROTTLE_ENUM(name, word, what, unit, a1, u1, a2, u2, a3, u3) THROTTLE_##name,
enum throttle_kind { THROTTLE_LIST(THROTTLE_ENUM) THROTTLES };
#undef THROTTLE_ENUM
const char *throttle_name(enum throttle_kind kind);

/* What a hub of that tier and so many units does in a second. tier is not TIER_NONE. */
double throttle_rate(enum throttle_kind kind, enum tier tier, unsigned units);

enum throttle_verdict { THROTTLE_PASSES, THROTTLE_WAITS, THROTTLE_REFUSES };

struct bucket {
    double level;      /* what may pass at once; below 0: what waits, with a minus */
    int64_t filled_us; /* when it was last looked at */
};

struct bucket_shape {
    double rate;    /* a second; above 0 */
    double burst;   /* most that it holds */
    double backlog; /* most that waits; may be infinite */
};

/* A full bucket. */
void bucket_fill(struct bucket *b, const struct bucket_shape *shape, int64_t now_us);
/* Take so much out of it; cost is at most the burst.
 * returns  PASSES; WAITS (*wait_us: so long from now); REFUSES (nothing was taken) */
enum throttle_verdict bucket_take(struct bucket *b, const struct bucket_shape *shape, double cost, int64_t now_us,
                                  int64_t *wait_us);

/* A hub's buckets, and the messages of its day. */
struct throttle {
    struct profile profile;
    struct bucket buckets[THROTTLES];
    int64_t day;       /* since 1970, UTC */
    uint64_t messages; /* of that day */
};

void throttle_init(struct throttle *t, const struct profile *profile, int64_t now_us);
/* Ask for one operation of that kind; as bucket_take. cost: 1, or a method's bytes. Without a tier everything passes. */
enum throttle_verdict throttle_ask(struct throttle *t, enum throttle_kind kind, double cost, int64_t now_us,
                                   int64_t *wait_us);
/* One message of the day, of so many bytes; days begin at midnight, UTC, of utc_us. returns false when the day's quota is used up (facts L-09). */
bool throttle_count(struct throttle *t, size_t bytes, int64_t utc_us);
/* Messages that a day has; 0: no limit. */
uint64_t throttle_quota(const struct profile *p);

#endif
