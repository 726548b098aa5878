/* telemetry.h - from looking at the machine to acknowledged messages.
 *
 * Timers: a snapshot of the machine every snapshotFrequency; a look at what is new every TriggerdEventsInterval; a
 * message led by the high queue every highPriorityMessageFrequency, by the low queue every lowPriorityMessageFrequency;
 * both at once when more waits than fits one message.
 *
 * As documented, snapshot and look come first at once, time is monotonic, so the wall clock may jump, and a queue that
 * is due is emptied, in as many messages as it takes, a few at a time under way. The real agents look at their timers
 * once a tick, by the wall clock, and send one message a time; the C# agent only collects and sends in runs of their
 * own, the first ones after an interval. source: facts S-10, S-12, S-30, S-31
 */
#ifndef AGENT_TELEMETRY_H
#define AGENT_TELEMETRY_H

#include "collect.h"
#include "config.h"
#include "connections.h"
#include "log.h"
#include "logins.h"
#include "message.h"
#include "processes.h"
#include "settings.h"
#include "wire.h"

#define TELEMETRY_WINDOW 4u /* messages under way */

struct telemetry_sending {
    int mid;
    size_t bytes, size; /* of its body, and what that counts for */
    int64_t since;      /* mono_ms: when it was (last) sent */
};

struct telemetry {
    const struct settings *settings;
    const struct mode *mode;
    const struct wire *wire;
    const struct log *log;
    const struct config *config; /* in force; whoever owns it may change it between calls */
    struct collect_roots roots;
    struct queues queues;
    struct processes processes;
    struct connections connections;
    struct logins logins;
    struct aggregate process_kinds, connection_kinds; /* counted since the last Aggregated events */
    bool is_started;
    bool is_draining[QUEUE_OPERATIONAL]; /* high and low: due, and not yet empty */
    bool has_snapshot, has_sent;         /* once at least, where that does not happen at the start */
    bool is_sending;                     /* a message; what is logged of it makes no event, or there would be no end */
    struct instant snapshot_at, look_at; /* the last time */
    struct instant consumed_at, sent_at[QUEUE_OPERATIONAL];
    int64_t tick_at; /* mono_ms of the next tick, where the mode has them */
    size_t under_way;
    struct telemetry_sending sending[TELEMETRY_WINDOW];
    cJSON *latest;                /* payload of the ConfigurationError to tell at the next look, or NULL */
    int64_t latest_s, told_s;     /* wall clock, whole seconds: of the latest delivery, and of the one told of last */
    uint64_t sent, small, failed; /* since the last MessageStatistics */
};

/* Start idle; nothing happens before telemetry_configured. */
void telemetry_init(struct telemetry *t, const struct settings *settings, const struct config *config,
                    const struct collect_roots *roots, const struct wire *wire, const struct log *log);

/* Free all that waits. */
void telemetry_done(struct telemetry *t);

/* The configuration was judged: heed its sizes, and start if this is the first time. */
void telemetry_configured(struct telemetry *t, struct instant now);

/* Queue a ConfigurationError. payload is taken. It rides in the next message of another queue. */
void telemetry_raise(struct telemetry *t, cJSON *payload, struct instant now);

/* Queue a Diagnostic event by its priority, unless it is about a message being sent. source: facts S-12, S-19 */
void telemetry_diagnose(struct telemetry *t, enum severity severity, const char *message, struct instant now);

/* Note what became of the latest delivery; payload is taken. The next look at the machine tells it, once, unless
 * another came meanwhile. In a mode that tells good news, [] stands for nothing wrong, and what came in the very second
 * that was told of last is passed over. source: facts S-22, S-27 */
void telemetry_note(struct telemetry *t, cJSON *payload, struct instant now);

/* Do what is due. is_ready: the connection can take messages. */
void telemetry_tick(struct telemetry *t, bool is_ready, struct instant now);

/* When telemetry_tick is next needed, mono_ms. */
int64_t telemetry_due(const struct telemetry *t);

/* The connection is ready again: the link has sent what was under way once more. */
void telemetry_on_ready(struct telemetry *t, struct instant now);

/* The hub has a message. */
void telemetry_on_puback(struct telemetry *t, int mid);

/* Say whether a message has waited too long for its acknowledgement; counted as failed once for each such time. */
bool telemetry_is_stuck(struct telemetry *t, struct instant now);

/* When telemetry_is_stuck may become true, mono_ms. */
int64_t telemetry_stuck_at(const struct telemetry *t);

/* Send all that may be sent, whatever the timers say. */
void telemetry_flush(struct telemetry *t);

/* Say whether nothing is left to send or to be acknowledged. */
bool telemetry_is_flushed(const struct telemetry *t);

#endif
