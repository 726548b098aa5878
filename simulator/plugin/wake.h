/* wake.h - end the broker's wait early: a POSIX timer whose real-time signal interrupts it.
 *
 * The broker waits up to 100 ms for packets and ticks after each wait (facts B-27). A deadline nearer than that arms this timer; its
 * handler does nothing, being interrupted is all. Until the next tick the signal repeats every 2 ms, which closes the race
 * between arming and waiting. One per process.
 */
#ifndef TWINSIM_WAKE_H
#define TWINSIM_WAKE_H

#include <time.h>

#include "rc.h"
#include <stdbool.h>
#include <stdint.h>

#define WAKE_TURN_US 100000 /* what the broker waits by itself */

struct wake {
    timer_t timer;
    bool is_made, is_armed;
};

/* returns RC_OK, or RC_IO: no timer; deadlines are then met within the broker's own turn, nothing else changes */
MUST_USE enum rc wake_init(struct wake *w);
/* The next tick is wanted at that time of the clock that never jumps (microseconds); not in the past only by luck: then at once.
 * INT64_MAX: when it comes. */
void wake_at(struct wake *w, int64_t now_mono_us, int64_t at_mono_us);
void wake_done(struct wake *w);

#endif
