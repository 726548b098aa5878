/* twin.h - the agent's side of the twin conversation: read, listen, judge, report.
 *
 * On every new connection it reads the twin; it keeps the last known desired properties, applies them as a whole over
 * the defaults, and reports the configuration in force after everything it took, whether that was good or refused.
 * In a mode that keeps no desired properties each delivery waits its turn and is judged alone.
 * source: facts S-04, S-06, S-07, S-18
 */
#ifndef AGENT_TWIN_H
#define AGENT_TWIN_H

#include "backoff.h"
#include "config.h"
#include "deliveries.h"
#include "desired.h"
#include "event.h"
#include "log.h"
#include "settings.h"
#include "wire.h"

/* One kind of request: at most one answer is awaited, at most one repetition planned. */
struct twin_request {
    uint32_t rid;     /* awaited, or 0 */
    int64_t deadline; /* for the answer; TIME_NEVER when none is awaited */
    int64_t retry_at; /* TIME_NEVER when none is planned */
    struct backoff backoff;
};

struct twin {
    const struct settings *settings;
    const struct log *log;
    const struct wire *wire;
    const struct mode *mode;
    struct desired desired;
    struct deliveries deliveries; /* in a mode that keeps no desired properties */
    struct config config;         /* in force */
    char *judged;                 /* text of the configuration object that was judged last, or NULL */
    bool is_ready;                /* the subscriptions stand */
    bool is_answered;             /* a GET was answered, on whatever connection */
    uint32_t last_rid;
    struct twin_request get;
    struct twin_request report;
};

/* What is wrong with a twin, for an agent that must start clean. */
enum twin_defect {
    DEFECT_NONE,
    DEFECT_MISMATCH, /* the configuration was refused */
    DEFECT_UNUSABLE, /* there is no reading it at all, or the hub refused the GET */
};

/* What became of a message. */
struct twin_news {
    bool is_judged;   /* the desired configuration was looked at: config is in force now, changed or not */
    bool is_answered; /* the hub answered a GET */
    bool is_unhappy;  /* the answer to a report is not the one that the mode wants */
    enum twin_defect defect;
    cJSON *errors; /* payload of a ConfigurationError to raise, or NULL; the caller frees it */
};

/* Start with the default configuration. RC_OK or RC_NOMEM. */
MUST_USE enum rc twin_init(struct twin *t, const struct settings *settings, const struct wire *wire,
                           const struct log *log);

/* Free everything. */
void twin_done(struct twin *t);

/* The subscriptions stand: read the twin. */
void twin_on_ready(struct twin *t, struct instant now);

/* The link is gone: nothing is awaited any more. */
void twin_on_lost(struct twin *t);

/* Take a message of the hub. Topics that are not about twins are ignored, like answers nobody waits for.
 *
 * news  always written
 */
void twin_on_message(struct twin *t, struct str topic, struct str body, struct instant now, struct twin_news *news);

/* Do what is due: repeat, complain about silence, judge what waited. news: always written. */
void twin_tick(struct twin *t, struct instant now, struct twin_news *news);

/* When twin_tick is next needed, mono_ms; TIME_NEVER while there is no connection. */
int64_t twin_due(const struct twin *t);

#endif
