/* turns.h - what waits for a later turn of the loop, so that no turn takes long and nothing is freed under its user's feet.
 *
 *   handshakes   ready to go on; some 0.3 ms of work each, so at most TURN_US of them in a turn
 *   again        more bytes are inside OpenSSL than one turn may take
 *   dials        the broker's queue of newcomers was full (a Unix socket answers EAGAIN, facts B-50): tried again each millisecond
 *   dead         closed; freed when the turn is over, at most TURN_US of them
 */
#ifndef TWINSIM_TURNS_H
#define TWINSIM_TURNS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#define TURN_US      500 /* one handshake may go beyond */
#define TURN_DIAL_US 1000

struct conn;
enum waits_for { WAITS_FOR_NOTHING, WAITS_FOR_HANDSHAKE, WAITS_AGAIN, WAITS_FOR_BURIAL };
TAILQ_HEAD(turn_list, conn);

struct turns {
    struct turn_list handshakes, again, dials, dead;
    struct event next, dial; /* the next turn; the next millisecond */
};

void turns_init(struct turns *t, struct event_base *base);
void turns_done(struct turns *t);
/* Let a connection wait for that; it leaves whatever it waited for. One that is to be buried stays so. */
void turns_wait(struct turns *t, struct conn *c, enum waits_for what);
/* The same for the broker's end, beside what the client's waits for. Ends when conn_dial says so, or with turns_no_dial. */
void turns_dial(struct turns *t, struct conn *c);
void turns_no_dial(struct turns *t, struct conn *c);

#endif
