/* mode.h - whose habits the agent has: those of the documents, or those of a real agent.
 *
 * Every decision in which they differ is a member of struct mode; the code asks the member and never the name. The
 * real agents take each delivery for the whole configuration, have other defaults and words, and hear of changes in
 * ways of their own. source: facts S-18 to S-32
 */
#ifndef AGENT_MODE_H
#define AGENT_MODE_H

#include "buf.h"
#include "config.h"
#include "connections.h"
#include "failure.h"
#include "message.h"
#include "queue.h"

/* A default that differs from the documented one. */
struct mode_preset {
    enum config_id property;
    const char *text;
};

struct mode {
    const char *name;

    /* The configuration. */
    const enum config_id *known; /* the properties it knows, in the order of its reports */
    size_t known_count;
    size_t leading_count; /* of the first so many every mistake is found; behind them the first one ends it */
    struct mode_preset preset;
    const char *const *priority_words; /* its spelling, by enum priority */
    bool reports_unset;                /* a text that is not set is reported as null, not left out */
    bool sizes_are_signed;             /* and reported so, however they are used */
    /* Read a size; least and most are what the documents allow. RC_OK, RC_INVALID, RC_LIMIT */
    enum rc (*size)(const cJSON *item, int64_t least, int64_t most, int64_t *out);
    /* Read a flag (0 or 1) or a priority (enum priority). RC_OK or RC_INVALID */
    enum rc (*flag)(const cJSON *item, int64_t *out);
    enum rc (*priority)(const cJSON *item, int64_t *out);
    /* Read a duration, and say how it is reported: at most CONFIG_DURATION_MAX bytes. RC_OK or RC_INVALID */
    enum rc (*duration)(struct str text, int64_t *ms, char spelling[CONFIG_DURATION_MAX + 1]);
    const char *number_as_duration; /* what a number counts as where a duration belongs; NULL: it is refused */

    /* What it says of a configuration. */
    const enum config_id *findings; /* the order of the three checks, by the property they are told of */
    const char *mismatch_name;      /* a refused update is one entry of this name; NULL: one for each property */
    /* The UsedConfiguration of that entry: a heap string, or NULL without memory. */
    char *(*used)(const struct config *c, const char *object_name);
    /* The UsedConfiguration of a finding about a period; NULL: as it is reported. */
    void (*period_text)(int64_t ms, char out[CONFIG_DURATION_MAX + 1]);

    /* Print a report: a heap string, or NULL without memory. */
    char *(*print)(const cJSON *item);

    /* The twin. */
    bool keeps_desired; /* patches are laid over what is known, in order; else each delivery stands alone, unordered */
    bool takes_at_once; /* of deliveries that stand alone: each as it comes, not one a period */
    bool takes_any_status;    /* an answer to a GET is taken for a twin whatever its status */
    bool reads_once;          /* a twin that came once is not read again on a new connection */
    bool reads_strictly;      /* nothing may follow the root value; metadata is not understood */
    bool shrugs_at_no_object; /* a configuration that is no object is passed over, and not refused */
    bool reports_refusal;     /* after a refused update what stays in force is reported */
    bool subscribes_late;     /* to desired changes only once the first twin has come */
    bool insists;             /* what the hub refused or did not answer is asked again */
    bool wants_200;       /* any other answer to a report is an error, told by a Diagnostic event; the hub's is 204 */
    bool tells_latest;    /* one ConfigurationError for the latest delivery, when it next looks around */
    bool tells_good_news; /* an empty one if that was clean; none twice within a second */

    /* What it sends. */
    const char *agent_version;
    struct event_form form;
    struct queue_rules queues;
    struct message_rules message;
    /* Append a message's property bag. is_high: the high queue leads it */
    void (*bag)(const struct config *c, bool is_high, struct buf *out);

    struct connections_form connections;
    bool tells_every_socket; /* as ListeningPorts, connected ones, too */
    bool tells_hardware;     /* ConnectedHardware */
    bool tells_as_printed;   /* the baseline tool's words, whatever they are; facts S-33 */
    bool hits_are_numbers;   /* of aggregated events */

    /* When it looks and sends. */
    bool ticks; /* timers are looked at once a tick, not when they are due */
    /* Say whether a period is over. */
    bool (*is_over)(struct instant since, struct instant now, int64_t period_ms);
    bool has_runs; /* it collects and sends in runs, first after an interval each; the first one sends all that waits */
    bool sends_one;         /* message a time; what is left waits for the next time */
    bool memory_leads_high; /* when more waits than one message holds, the high queue is due, whatever it holds */

    /* What it counts. */
    bool counts_handed;           /* as sent: what the link took; else what the hub acknowledged */
    bool counts_failed;           /* as sent, too */
    size_t small_size;            /* below, a message is told as one under 4 KB */
    bool tells_operational_drops; /* of that queue, too */
    bool operational_is_fixed;    /* operational events are told whatever their priority */

    /* The start and the end. */
    bool must_start_clean;                /* without a good configuration it does not start */
    bool (*refusal_ends)(int connack);    /* such a CONNACK ends the start at once */
    enum failure_subcode refused_subcode; /* of Authentication: it was refused until the time was over */
    bool no_network_is_timeout;           /* the hub could not be reached: Remote Configuration, Timeout */
    bool ends_well;                       /* with status 0, even after a failure that it has a name for */
};

extern const struct mode mode_documented;
extern const struct mode mode_legacy_c;
extern const struct mode mode_legacy_cs;

#define MODE_NAMES "documented, legacy-c or legacy-cs"

/* Find a mode by its name; NULL when there is none. */
const struct mode *mode_find(const char *name);

/* Read a flag or a priority strictly: a JSON boolean; Off, Low or High in any letter case. Two modes share them. */
enum rc mode_strict_flag(const cJSON *item, int64_t *out);
enum rc mode_strict_priority(const cJSON *item, int64_t *out);

#endif
