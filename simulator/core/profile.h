/* profile.h - which hub this one plays: whose manners it has, and how fast it may be asked.
 *
 * Written "gw-v1", "S1", "S2x3" or both, "gw-v1,S1x2". Without a tier nothing is ever throttled (facts L-01).
 */
#ifndef TWINSIM_PROFILE_H
#define TWINSIM_PROFILE_H

#include "str.h"

#define PROFILE_TEXT_MAX 32u /* bytes of a profile's text with its NUL */

/* Name, word, what is different about it. */
#define PERSONALITY_LIST(X)                                                                                            \
    X(GW_V2, "gw-v2", "the hub of today")                                                                              \
    X(GW_V1, "gw-v1", "an older hub: desired changes that a kept session missed are delivered when it is back")        \
    X(EDGE_HUB, "edge-hub", "an edge hub: bare answers, GUIDs as request ids, stricter names")
#define PROFILE_ENUM(name, text, what) PROFILE_##name,
enum personality { PERSONALITY_LIST(PROFILE_ENUM) PROFILES };
#undef PROFILE_ENUM

/* Name (its word, too), column of the throttle table, most units, messages a day and unit, bytes that count as one message of
 * the day (facts L-15, L-18). */
#define TIER_LIST(X)                                                                                                   \
    X(F1, 0, 1, 8000, 512)                                                                                             \
    X(B1, 0, 200, 400000, 4096)                                                                                        \
    X(B2, 1, 200, 6000000, 4096)                                                                                       \
    X(B3, 2, 10, 300000000, 4096)                                                                                      \
    X(S1, 0, 200, 400000, 4096)                                                                                        \
    X(S2, 1, 200, 6000000, 4096)                                                                                       \
    X(S3, 2, 10, 300000000, 4096)
#define TIER_ENUM(name, column, units, messages, meter) TIER_##name,
enum tier { TIER_NONE, TIER_LIST(TIER_ENUM) TIERS };
#undef TIER_ENUM

struct profile { /* all zero: the hub of today, as fast as it can */
    enum personality personality;
    enum tier tier;
    unsigned units; /* 0 without a tier, else from 1 */
};

const char *tier_name(enum tier t); /* TIER_NONE: "" */
/* Find a tier by its word, exactly. returns TIER_NONE when there is none. */
enum tier tier_find(struct str name);

/* Read a profile: words between commas, a personality and a tier at most, each once, in any order.
 * out      written on RC_OK only
 * returns  RC_OK, RC_SYNTAX (another word, or a word twice), RC_LIMIT (more units than the tier has) */
MUST_USE enum rc profile_read(struct str text, struct profile *out);
/* Write it as profile_read takes it: "gw-v2", "gw-v1,S1x2". */
void profile_print(const struct profile *p, char out[PROFILE_TEXT_MAX]);
/* What profile_read takes, for messages: "gw-v2, gw-v1, edge-hub, and F1, ... with units: S2x3". */
#define PROFILE_WORDS                                                                                                  \
    "a personality (gw-v2, gw-v1, edge-hub), a tier with its units (F1, B1, S1, S2x3), or both: gw-v1,S1"

#endif
