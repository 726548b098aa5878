/* mode.h - whose habits the agent has: those of the documents, or those of a real agent.
 *
 * Every decision in which they differ is a member of struct mode; the code asks the member and never the name. The
 * real C agent takes each delivery for the whole configuration, has other defaults and words, and hears of changes
 * late. source: facts S-18, S-19, S-20, S-21, S-22, S-23
 */
#ifndef AGENT_MODE_H
#define AGENT_MODE_H

#include "config.h"

struct mode {
    const char *name;

    /* The configuration. */
    const enum config_id *known; /* the properties it knows, in the order of its reports */
    size_t known_count;
    size_t leading_count;     /* of the first so many every mistake is found; behind them the first one ends it */
    const char *cache_preset; /* its default of the cache; all other defaults are alike */
    const char *const *priority_words; /* its spelling, by enum priority */
    bool reports_unset;                /* a text that is not set is reported as null, not left out */
    bool names_each_mismatch;          /* one entry for each property at fault, not one for the whole */
    /* Read a size; least and most are what the documents allow. RC_OK, RC_INVALID, RC_LIMIT */
    enum rc (*size)(const cJSON *item, int64_t least, int64_t most, int64_t *out);
    /* Read a duration, and say how it is reported: at most CONFIG_DURATION_MAX bytes. RC_OK or RC_INVALID */
    enum rc (*duration)(struct str text, int64_t *ms, char spelling[CONFIG_DURATION_MAX + 1]);

    /* Print a report: a heap string, or NULL without memory. */
    char *(*print)(const cJSON *item);

    /* The twin. */
    bool keeps_desired; /* patches are laid over what is known, in order; else each delivery stands alone, unordered */
    bool subscribes_late; /* to desired changes only once the first twin has come */
    bool insists;         /* what the hub refused or did not answer is asked again */
    bool wants_200;       /* any other answer to a report is an error, told by a Diagnostic event; the hub's is 204 */
    bool tells_latest; /* one ConfigurationError for the latest delivery when it looks around, an empty one if clean */
};

extern const struct mode mode_documented;
extern const struct mode mode_legacy_c;

/* Find a mode by its name, documented or legacy-c; NULL when there is none. */
const struct mode *mode_find(const char *name);

#endif
