/* wake.c - see wake.h. */
#include "wake.h"

#include <signal.h>
#include <string.h>

/* Not SIGRTMIN itself, which later brokers use to rotate their log (facts B-27). */
static int wake_signal(void)
{
    return SIGRTMIN + 4;
}

static void on_signal(int signal)
{
    (void)signal;
}

enum rc wake_init(struct wake *w)
{
    struct sigaction action;
    struct sigevent event;

    memset(w, 0, sizeof *w);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(wake_signal(), &action, NULL))
        return RC_IO;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = wake_signal();
    if (timer_create(CLOCK_MONOTONIC, &event, &w->timer))
        return RC_IO;
    w->is_made = true;
    return RC_OK;
}

void wake_at(struct wake *w, int64_t now_mono_us, int64_t at_mono_us)
{
    struct itimerspec when;
    bool is_near = at_mono_us < now_mono_us + WAKE_TURN_US;

    if (!w->is_made || (!is_near && !w->is_armed))
        return;
    memset(&when, 0, sizeof when);
    if (is_near) {
        if (at_mono_us < 1)
            at_mono_us = 1; /* zero would disarm it */
        when.it_value.tv_sec = at_mono_us / 1000000;
        when.it_value.tv_nsec = at_mono_us % 1000000 * 1000;
        when.it_interval.tv_nsec = 2000000;
    }
    if (timer_settime(w->timer, TIMER_ABSTIME, &when, NULL) == 0)
        w->is_armed = is_near;
}

void wake_done(struct wake *w)
{
    struct sigaction action;

    if (w->is_made)
        (void)timer_delete(w->timer);
    w->is_made = false;
    /* A signal still on its way must not call into a module that is about to be unloaded. */
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(wake_signal(), &action, NULL);
}
