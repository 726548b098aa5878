/* agent.h - the agent as a whole: a session, a twin, telemetry, and a life from start to stop.
 *
 * One thread calls in with what the network said and what time it is; the agent answers through its wire. It reads no
 * clock and opens no socket.
 *
 *     for (;;) { agent_tick(&a, now); wait until agent_due(&a) or news from the network; }   until agent_is_over
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "session.h"
#include "telemetry.h"
#include "twin.h"

#define AGENT_FLUSH_MS 1000 /* how long a stop waits for acknowledgements */

enum agent_state { AGENT_STARTING, AGENT_RUNNING, AGENT_FLUSHING, AGENT_LEAVING, AGENT_OVER };

struct agent {
    const struct settings *settings;
    struct log log;     /* the one it was given, and what is loud enough becomes Diagnostic events */
    struct instant now; /* of the latest call */
    bool is_diagnosing; /* what is logged meanwhile is not diagnosed again */
    struct session session;
    struct twin twin;
    struct telemetry telemetry;
    enum agent_state state;
    int64_t deadline; /* of the state; TIME_NEVER while running */
    struct failure failure;
    bool has_failed; /* over because it could not start; see failure */
};

/* Start. settings, wire and log must outlive the agent. RC_OK or RC_NOMEM. */
MUST_USE enum rc agent_init(struct agent *a, const struct settings *settings, const struct collect_roots *roots,
                            const struct wire *wire, const struct log *log, struct instant now);

/* Free everything. */
void agent_done(struct agent *a);

/* Do what is due. */
void agent_tick(struct agent *a, struct instant now);

/* When agent_tick is next needed, mono_ms. */
int64_t agent_due(const struct agent *a);

/* What the network says; agent_tick is due afterwards. code: of CONNACK. granted: the SUBACK's codes, 128 and above
 * is a refusal. agent_on_puback only takes note: it may be called from within a publish. */
void agent_on_connack(struct agent *a, int code, struct instant now);
void agent_on_suback(struct agent *a, const int *granted, size_t n, struct instant now);
void agent_on_message(struct agent *a, struct str topic, struct str body, struct instant now);
void agent_on_puback(struct agent *a, int mid);
void agent_on_lost(struct agent *a, const char *reason, struct instant now);

/* Stop: send what waits, for at most AGENT_FLUSH_MS, then DISCONNECT. Asked twice, it does not wait. */
void agent_stop(struct agent *a, struct instant now);

/* Say whether the process ends with status 0: it did what it should, or its mode owns up to no failure it has a name for. */
bool agent_ended_well(const struct agent *a);

/* Say whether there is nothing left to do. */
bool agent_is_over(const struct agent *a);

#endif
