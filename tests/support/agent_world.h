/* agent_world.h - the reference agent against a hub and a clock that the test plays: no socket, no waiting.
 *
 * The agent is given a configuration object named "configuration", a trigger interval of a minute and a twin period of
 * AGENT_WORLD_PERIOD. Nothing is on its machine unless the test says where to look.
 */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include "agent.h"
#include "mode.h"
#include "test.h"

#define OBJECT "configuration"
#define PERIOD 500 /* ms */

struct world {
    struct settings settings;
    struct log log;
    struct wire wire;
    struct collect_roots roots;
    struct agent agent;
    struct instant now;
    char said[4096];     /* what the agent did, a word each */
    char report[16384];  /* the last one */
    char topic[1024];    /* of the last message */
    char message[65536]; /* the last one */
    int next_mid, acknowledged;
    bool is_obliging; /* the hub acknowledges messages at once */
};

/* Make an agent in a mode. more: further variables of the environment, ended by NULL, or NULL. */
struct world *world_new(const char *mode, const char *const *more);
void world_free(struct world *w);

/* Compare what the agent did since the last time; a word each, such as "CONNECT;GET;". */
void said_is(struct world *w, const char *expected);

/* Let time pass, waking the agent whenever it wants to be woken. Where w->is_obliging the hub
 * has acknowledged a message before the next thing happens. */
void pass(struct world *w, int64_t ms);

/* Accept the connection and so many subscriptions. */
void connect_with(struct world *w, size_t subscriptions);

/* Cut the connection, wait until the agent comes again, and accept it with all that it subscribes to. */
void reconnect(struct world *w);

/* Send the agent a message; the answer to its GET; a change of the desired properties. */
void hub_says(struct world *w, const char *topic, const char *body);
void hub_answers(struct world *w, int status, const char *body);
void hub_patches(struct world *w, const char *body);

#endif
