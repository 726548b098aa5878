/* control.h - messages on the control topic: {"commands":[..]} in, one {"responses":[..]} out.
 *
 * Commands run one by one, in order of arrival, a few milliseconds a turn, so that neither a long message nor many delay anybody. Its answer leaves
 * when the last one is committed. A command whose turn could not be committed is answered with 500001. A command may be answered in a
 * later turn (method.invoke): the ones behind it run meanwhile, other messages too, and the answer of its own message waits for it.
 */
#ifndef TWINSIM_CONTROL_H
#define TWINSIM_CONTROL_H

#include "hub.h"

#define CONTROL_MESSAGE_MAX  (16u * 1024 * 1024) /* bytes of a message in */
#define CONTROL_RESPONSE_MAX (15u * 1024 * 1024) /* bytes of all that goes out at once; the gateway takes 16 MB */
#define CONTROL_SLICE_US     2000                /* no further command of a turn begins after that long */
#define CONTROL_WAITING_MAX  1024u               /* messages that wait; more closes who sends them */
#define CONTROL_BYTES_MAX                                                                                              \
    (64u * 1024 * 1024) /* bytes of messages that are not answered yet; more closes who sends them */

struct plugin;
struct control_job;

struct control {
    struct control_job *first, **last; /* in order of arrival; finished ones stay until the turn is committed */
    size_t n_jobs;                     /* those that still have commands to run, or ran them in this turn */
    size_t bytes;                      /* of the messages of all jobs */
    uint64_t last_ticket;              /* of a command */
    int64_t spent_us;                  /* by commands in this turn, whichever messages they came in */
};

void control_init(struct control *ct);
void control_done(struct control *ct);

/* A message of a service client. returns false when too many wait: close the connection. */
bool control_take(struct plugin *pl, const struct conn *from, struct str payload);
/* Run commands for what is left of the turn's slice of time. */
void control_run(struct plugin *pl);
/* A new turn begins, with a slice of its own. */
void control_turn_begin(struct control *ct);
/* True while commands wait. */
bool control_is_waiting(const struct control *ct);
/* Take the answers to commands out of the turn's outbox from that entry on, those to commands of earlier turns too. Before anything leaves. */
void control_collect(struct plugin *pl, size_t from);
/* What commands did so far is stored, or cannot be. */
void control_settle(struct plugin *pl, bool is_committed);
/* The turn is over: was it committed? Answers of finished messages leave. */
void control_turn_end(struct plugin *pl, bool is_committed);

#endif
