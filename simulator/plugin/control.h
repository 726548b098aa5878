/* control.h - messages on the control topic: {"commands":[..]} in, one {"responses":[..]} out.
 *
 * Messages are read, and their commands run, one by one, in order of arrival, a few milliseconds a turn, so that neither many commands nor many
 * messages delay anybody. One message is read at once: 4 MB, which is what a packet may have, can take a tenth of a second. Its answer leaves
 * when the last command is committed. A command whose turn could not be committed is answered with 500001. A command may be answered in a
 * later turn (method.invoke): the ones behind it run meanwhile, other messages too, and the answer of its own message waits for it.
 */
#ifndef TWINSIM_CONTROL_H
#define TWINSIM_CONTROL_H

#include "hub.h"

#define CONTROL_RESPONSE_MAX (15u * 1024 * 1024) /* bytes of all that goes out at once; the gateway takes 16 MB */
#define CONTROL_SLICE_US     2000  /* of a turn no further command begins, and no message is read, after that long */
#define CONTROL_WAITING_MAX  1024u /* messages that wait; more closes who sends them */
#define CONTROL_BYTES_MAX                                                                                              \
    (64u * 1024 * 1024) /* bytes of messages that are not answered yet; more closes who sends them */

struct plugin;
struct control_job;

struct control {
    struct control_job *first, **last; /* in order of arrival; finished ones stay until the turn is committed */
    size_t n_jobs;                     /* those that still have commands to run, or ran them in this turn */
    size_t bytes;                      /* of the messages of all jobs */
    uint64_t last_ticket;              /* of a command */
    int64_t spent_us;                  /* on messages and their commands in this turn, whosever they are */
};

void control_init(struct control *ct);
void control_done(struct control *ct);

/* A message of a service client, to be read by control_run. returns false when too many wait, or no memory is left: close the connection. */
bool control_take(struct plugin *pl, const struct conn *from, struct str payload);
/* Read messages and run commands for what is left of the turn's slice of time. */
void control_run(struct plugin *pl);
/* A new turn begins, with a slice of its own. */
void control_turn_begin(struct control *ct);
/* True while messages or commands wait. */
bool control_is_waiting(const struct control *ct);
/* Take the answers to commands out of the turn's outbox from that entry on, those to commands of earlier turns too. Before anything leaves. */
void control_collect(struct plugin *pl, size_t from);
/* What commands did so far is stored, or cannot be. */
void control_settle(struct plugin *pl, bool is_committed);
/* The turn is over: was it committed? Answers of finished messages leave. */
void control_turn_end(struct plugin *pl, bool is_committed);

#endif
