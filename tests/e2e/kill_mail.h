/* kill_mail.h - messages from the cloud, beside what kill_rounds does: one device over TLS, through the gateway, whose hub is killed again and again.
 *
 * The laws, checked after each kill (facts M-21):
 *   - a message that the hub said it has queued is never lost: it waits, until its device has acknowledged it
 *   - one whose completion was told never comes back: neither to the queue nor to the device
 *   - the queue is in the order in which the messages were sent, and holds none that nobody sent
 *   - the device gets what waits in that order, without subscribing again
 * What was under way when the hub died (a send that was not answered, a PUBACK that may have arrived) may have happened or not.
 */
#ifndef TWINSIM_KILL_MAIL_H
#define TWINSIM_KILL_MAIL_H

#include "service.h"

struct mail;

/* host: the hub's address, whose TLS port is 8883. Ends the program when there is no memory. */
struct mail *mail_new(const char *host, unsigned seed);
void mail_free(struct mail *m);
/* The hub is up (again); s: a service client of this round. Checks the laws, connects the device, has it take some or all of what waits. */
void mail_begin(struct mail *m, struct service *s, int round);
/* Send some, have some acknowledged; the last ones stay under way. */
void mail_send(struct mail *m, struct service *s);
/* The hub was killed: what was told before counts. */
void mail_end(struct mail *m, struct service *s);
/* How many were completed so far. */
unsigned long mail_completed(const struct mail *m);

#endif
