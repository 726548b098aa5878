/* seed.h - chance that can be had again: random tests are made of seeds, and say which.
 *
 *   TWINSIM_SEED=n     the first round's seed, instead of the usual one; alone, that round and no other
 *   TWINSIM_ROUNDS=n   how many rounds, instead of the test's own number
 *
 * The rounds of a test have seeds one behind the other. The same seed makes the same round, on every machine.
 */
#ifndef TWINSIM_SEED_H
#define TWINSIM_SEED_H

#include <inttypes.h>

#include "test.h"

#define SEED_USUAL 20300101u

/* A number from the environment, if there is one of that name. */
static inline uint64_t seed_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* The first round's seed; printed. */
static inline uint64_t seed_first(void)
{
    uint64_t seed = seed_number("TWINSIM_SEED", SEED_USUAL);

    print_message("TWINSIM_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* How many rounds, when the test's own number is `usual`. */
static inline uint64_t seed_rounds(uint64_t usual)
{
    const char *seed = getenv("TWINSIM_SEED");

    return seed_number("TWINSIM_ROUNDS", seed && *seed ? 1 : usual);
}

/* Play them all. What fails has its seed printed last. */
static inline void seed_each(uint64_t usual, void (*round)(uint64_t seed))
{
    uint64_t seed = seed_first(), rounds = seed_rounds(usual);

    for (uint64_t n = 0; n < rounds; n++) {
        if (n)
            print_message("TWINSIM_SEED=%" PRIu64 "\n", seed + n);
        round(seed + n);
    }
}

/* The state that a seed begins with: never 0, and neighbours far apart. */
static inline uint64_t seed_state(uint64_t seed)
{
    return (seed * 0x9E3779B97F4A7C15u) | 1u;
}

/* A number below so many. xorshift64*: small, and the same everywhere. */
static inline size_t seed_random(uint64_t *state, size_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (size_t)((*state * 2685821657736338717u) >> 33) % below;
}

#endif
