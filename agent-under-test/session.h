/* session.h - being connected: tokens, subscriptions, patience.
 *
 *      DOWN --retry--> CONNECTING --CONNACK 0--> SUBSCRIBING --SUBACK--> READY
 *       ^                  |                          |                    | token at 80 % of its life, or the end
 *       |                  v                          v                    v
 *       +---- lost ----------------------------------------------------- CLOSING
 *
 * Every way back to DOWN waits for the backoff, but for a planned renewal. The backoff starts over only after the link
 * has been good for a while, so two agents with one identity, who cut each other off, do not storm.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "backoff.h"
#include "buf.h"
#include "event.h"
#include "log.h"
#include "settings.h"
#include "wire.h"

#define TIME_NEVER          INT64_MAX
#define SESSION_STABLE_MS   1000 /* a link this old, and four times the last pause, earns a fresh backoff */
#define SESSION_CLOSING_MS  500  /* how long a DISCONNECT may take */
#define SESSION_API_VERSION "2021-04-12"

enum session_state { SESSION_DOWN, SESSION_CONNECTING, SESSION_SUBSCRIBING, SESSION_READY, SESSION_CLOSING };

/* What went wrong last, for the words of a failed start. */
enum session_problem { PROBLEM_NONE, PROBLEM_NETWORK, PROBLEM_REFUSED };

struct session {
    const struct settings *settings;
    const struct log *log;
    const struct wire *wire;
    enum session_state state;
    enum session_problem problem;
    struct backoff backoff;
    int64_t pause_ms;    /* the last pause */
    int64_t deadline;    /* of this state; in READY, when the token is renewed */
    int64_t ready_since; /* mono_ms, or TIME_NEVER */
    bool is_refused;     /* CONNACK said no to this attempt */
    bool is_renewing;    /* the coming loss is planned */
    bool is_final;       /* the coming loss is the last */
    bool is_listening;   /* subscribes to desired changes, too; in a mode that does so late, after session_listen */
};

/* Start DOWN, due at once. */
void session_init(struct session *s, const struct settings *settings, const struct wire *wire, const struct log *log);

/* Do what is due. */
void session_tick(struct session *s, struct instant now);

/* When session_tick is next needed, mono_ms. */
int64_t session_due(const struct session *s);

/* What the network says. source: facts M-03, M-06, M-07 */
void session_on_connack(struct session *s, int code, struct instant now);
void session_on_suback(struct session *s, bool is_granted, struct instant now);
void session_on_lost(struct session *s, const char *reason, struct instant now);

/* The first twin is here: hear of changes from now on. Does nothing where they are heard of from the start.
 * source: facts S-23 */
void session_listen(struct session *s);

/* How many subscriptions the next SUBACK is to grant. */
size_t session_awaits(const struct session *s);

/* Give a connection up because the peer does not answer. */
void session_give_up(struct session *s, const char *reason, struct instant now);

/* Say goodbye for good. */
void session_close(struct session *s, struct instant now);

#endif
