/* stop.h - hear SIGTERM and SIGINT one turn before the broker does, so that "hub-stopping" can still leave.
 *
 * What is published in the broker's last turn never leaves (facts B-23). So the signal is caught, said aloud in one tick, and
 * handed to the broker's own handler in the next.
 */
#ifndef TWINSIM_STOP_H
#define TWINSIM_STOP_H

#include <signal.h>
#include <stdbool.h>

struct stop {
    struct sigaction term, interrupt; /* the broker's own */
    bool is_hooked, is_said;
};

/* Take the signals over; call in the first tick, when the broker has set its handlers. */
void stop_hook(struct stop *s);
/* True once, in the first tick after a signal came: say good-bye now. */
bool stop_is_asked(struct stop *s);
/* True when good-bye was said in an earlier tick: the broker has been told to stop. */
bool stop_pass_on(struct stop *s);
/* Give the signals back. */
void stop_unhook(struct stop *s);

#endif
