/* turns.c - see turns.h. */
#include "turns.h"

#include "conn.h"

static struct turn_list *list_of(struct turns *t, enum waits_for what)
{
    switch (what) {
    case WAITS_FOR_HANDSHAKE:
        return &t->handshakes;
    case WAITS_AGAIN:
        return &t->again;
    case WAITS_FOR_BURIAL:
        return &t->dead;
    case WAITS_FOR_NOTHING:
        break;
    }
    return NULL;
}

/* Come back in the next turn of the loop, not in this one: others are to be heard between. */
static void next_turn(struct turns *t)
{
    static const struct timeval at_once = {0, 0};

    if (!evtimer_pending(&t->next, NULL))
        (void)evtimer_add(&t->next, &at_once);
}

static void next_dial(struct turns *t)
{
    static const struct timeval soon = {0, TURN_DIAL_US};

    if (!evtimer_pending(&t->dial, NULL))
        (void)evtimer_add(&t->dial, &soon);
}

void turns_wait(struct turns *t, struct conn *c, enum waits_for what)
{
    struct turn_list *to = list_of(t, what), *from = list_of(t, c->waits_for);

    if (c->waits_for == what || c->waits_for == WAITS_FOR_BURIAL)
        return;
    if (from)
        TAILQ_REMOVE(from, c, turn);
    c->waits_for = what;
    if (!to)
        return;
    TAILQ_INSERT_TAIL(to, c, turn);
    next_turn(t);
}

void turns_dial(struct turns *t, struct conn *c)
{
    if (c->is_dialling)
        return;
    c->is_dialling = true;
    TAILQ_INSERT_TAIL(&t->dials, c, dial);
    next_dial(t);
}

void turns_no_dial(struct turns *t, struct conn *c)
{
    if (!c->is_dialling)
        return;
    c->is_dialling = false;
    TAILQ_REMOVE(&t->dials, c, dial);
}

static void do_again(struct turns *t)
{
    const struct conn *last = TAILQ_LAST(&t->again, turn_list);
    struct conn *c;

    while (last && (c = TAILQ_FIRST(&t->again)) != NULL) {
        turns_wait(t, c, WAITS_FOR_NOTHING);
        conn_read_again(c);
        if (c == last)
            return; /* those behind it have had their turn */
    }
}

static void do_handshakes(struct turns *t)
{
    int64_t until = clock_us() + TURN_US;
    struct conn *c;

    while ((c = TAILQ_FIRST(&t->handshakes)) != NULL) {
        turns_wait(t, c, WAITS_FOR_NOTHING);
        conn_handshake(c);
        if (clock_us() >= until)
            return;
    }
}

static void bury(struct turns *t, int64_t until)
{
    struct conn *c;

    while ((c = TAILQ_FIRST(&t->dead)) != NULL) {
        TAILQ_REMOVE(&t->dead, c, turn);
        conn_free(c);
        if (clock_us() >= until)
            return;
    }
}

static void on_next(evutil_socket_t unused, short what, void *arg)
{
    struct turns *t = arg;

    (void)unused;
    (void)what;
    do_again(t);
    do_handshakes(t);
    bury(t, clock_us() + TURN_US);
    if (!TAILQ_EMPTY(&t->again) || !TAILQ_EMPTY(&t->handshakes) || !TAILQ_EMPTY(&t->dead))
        next_turn(t);
}

static void on_dial(evutil_socket_t unused, short what, void *arg)
{
    struct turns *t = arg;
    struct conn *c;

    (void)unused;
    (void)what;
    while ((c = TAILQ_FIRST(&t->dials)) != NULL && conn_dial(c))
        ;
    if (!TAILQ_EMPTY(&t->dials))
        next_dial(t);
}

void turns_init(struct turns *t, struct event_base *base)
{
    TAILQ_INIT(&t->handshakes);
    TAILQ_INIT(&t->again);
    TAILQ_INIT(&t->dials);
    TAILQ_INIT(&t->dead);
    (void)evtimer_assign(&t->next, base, on_next, t);
    (void)evtimer_assign(&t->dial, base, on_dial, t);
}

void turns_done(struct turns *t)
{
    bury(t, INT64_MAX);
    (void)event_del(&t->next);
    (void)event_del(&t->dial);
}
