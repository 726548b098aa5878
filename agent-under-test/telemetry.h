/* telemetry.h - from looking at the machine to acknowledged messages.
 *
 * Timers: a snapshot of the machine every snapshotFrequency, the first one at once; a message led by the high queue
 * every highPriorityMessageFrequency, by the low queue every lowPriorityMessageFrequency; both at once when more waits
 * than fits one message. A queue that is due is emptied, in as many messages as it takes, a few at a time under way.
 * Monotonic time only, so the wall clock may jump. source: facts S-10, S-12
 */
#ifndef AGENT_TELEMETRY_H
#define AGENT_TELEMETRY_H

#include "collect.h"
#include "config.h"
#include "log.h"
#include "message.h"
#include "processes.h"
#include "settings.h"
#include "wire.h"

#define TELEMETRY_WINDOW 4u    /* messages under way */
#define TELEMETRY_SMALL  4096u /* bytes; below, a message counts as small in MessageStatistics */

struct telemetry_sending {
    int mid;
    size_t bytes;
    int64_t since; /* mono_ms: when it was (last) sent */
};

struct telemetry {
    const struct settings *settings;
    const struct wire *wire;
    const struct log *log;
    const struct config *config; /* in force; whoever owns it may change it between calls */
    struct collect_roots roots;
    struct queues queues;
    struct processes processes;
    bool is_started;
    bool is_draining[QUEUE_OPERATIONAL]; /* high and low: due, and not yet empty */
    int64_t snapshot_at, look_at;        /* mono_ms of the last time */
    int64_t sent_at[QUEUE_OPERATIONAL];
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

/* Queue a Diagnostic event of severity Error by its priority. source: facts S-12, S-19 */
void telemetry_diagnose(struct telemetry *t, const char *message, struct instant now);

/* Note what became of the latest delivery, [] for nothing; payload is taken. The next look at the machine tells it, once,
 * unless another came meanwhile, or it came in the very second that was told of last. source: facts S-22 */
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
