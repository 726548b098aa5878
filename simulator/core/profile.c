/* profile.c - see profile.h. */
#include "profile.h"

#include <stdio.h>

static const char *personality_name(enum personality p)
{
#define PROFILE_WORD(name, text, what) text,
    static const char *const words[] = {PERSONALITY_LIST(PROFILE_WORD)};
#undef PROFILE_WORD

    assert((size_t)p < PROFILES);
    return words[p];
}

const char *tier_name(enum tier t)
{
#define TIER_WORD(name, column, units, messages, meter) #name,
    static const char *const words[] = {"", TIER_LIST(TIER_WORD)};
#undef TIER_WORD

    assert((size_t)t < TIERS);
    return words[t];
}

enum tier tier_find(struct str name)
{
    for (enum tier t = TIER_NONE + 1; t < TIERS; t++)
        if (str_eq(name, str_from(tier_name(t))))
            return t;
    return TIER_NONE;
}

static unsigned units_max(enum tier t)
{
#define TIER_UNITS(name, column, units, messages, meter) units,
    static const unsigned most[] = {0, TIER_LIST(TIER_UNITS)};
#undef TIER_UNITS

    return most[t];
}

/* "S2" or "S2x3" */
static enum rc tier_read(struct str word, struct profile *p)
{
    struct str units = word;
    struct str name = str_cut(&units, 'x');
    uint64_t n = 1;
    enum rc rc = RC_OK;

    if (p->tier || !tier_find(name))
        return RC_SYNTAX;
    p->tier = tier_find(name);
    if (units.at)
        rc = str_to_u64(units, units_max(p->tier), &n);
    p->units = (unsigned)n;
    return rc ? rc : n ? RC_OK : RC_SYNTAX;
}

static bool personality_read(struct str word, enum personality *out)
{
    for (enum personality p = 0; p < PROFILES; p++)
        if (str_eq(word, str_from(personality_name(p)))) {
            *out = p;
            return true;
        }
    return false;
}

enum rc profile_read(struct str text, struct profile *out)
{
    struct profile p = {PROFILE_GW_V2, TIER_NONE, 0};
    bool has_personality = false;
    struct str rest = text;

    if (!text.len)
        return RC_SYNTAX;
    while (rest.at) {
        struct str word = str_cut(&rest, ',');
        enum rc rc = RC_OK;

        if (!personality_read(word, &p.personality))
            rc = tier_read(word, &p);
        else if (has_personality)
            rc = RC_SYNTAX;
        else
            has_personality = true;
        if (rc)
            return rc;
    }
    *out = p;
    return RC_OK;
}

void profile_print(const struct profile *p, char out[PROFILE_TEXT_MAX])
{
    const char *name = personality_name(p->personality);

    if (!p->tier)
        (void)snprintf(out, PROFILE_TEXT_MAX, "%s", name);
    else if (p->units == 1)
        (void)snprintf(out, PROFILE_TEXT_MAX, "%s,%s", name, tier_name(p->tier));
    else
        (void)snprintf(out, PROFILE_TEXT_MAX, "%s,%sx%u", name, tier_name(p->tier), p->units);
}
