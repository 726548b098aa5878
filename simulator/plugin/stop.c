/* stop.c - see stop.h. The one variable of the process that is not in a struct: a signal handler has no other way to tell. */
#include "stop.h"

#include <string.h>

static volatile sig_atomic_t asked; /* the signal that came */

static void on_signal(int signal)
{
    asked = signal;
}

void stop_hook(struct stop *s)
{
    struct sigaction action;

    asked = 0;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, &s->term))
        return;
    if (sigaction(SIGINT, &action, &s->interrupt)) {
        (void)sigaction(SIGTERM, &s->term, NULL);
        return;
    }
    s->is_hooked = true;
}

bool stop_is_asked(struct stop *s)
{
    if (!s->is_hooked || !asked || s->is_said)
        return false;
    s->is_said = true;
    return true;
}

bool stop_pass_on(struct stop *s)
{
    if (!s->is_hooked || !s->is_said)
        return false;
    stop_unhook(s);
    (void)raise(asked);
    return true;
}

void stop_unhook(struct stop *s)
{
    if (!s->is_hooked)
        return;
    (void)sigaction(SIGTERM, &s->term, NULL);
    (void)sigaction(SIGINT, &s->interrupt, NULL);
    s->is_hooked = false;
}
