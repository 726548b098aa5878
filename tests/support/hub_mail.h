/* hub_mail.h - the part of the world's store that holds messages and feedback; for hub_world.c alone. */
#ifndef TWINSIM_HUB_MAIL_H
#define TWINSIM_HUB_MAIL_H

#include "hub_world.h"

/* Take an entry that lasts, if it is about messages. */
void mail_record(struct world *w, const struct out *o);
/* Forget what came behind the first `to` of them. */
void mail_undo(struct world *w, size_t to);
/* The messages that wait for an identity; for messages_drop. */
void mail_load(const struct world *w, struct str id, struct messages *out);
size_t mail_count(const struct world *w, struct str id);
/* The oldest feedback, into the request; the texts stay the world's. */
void mail_load_feedback(const struct world *w, struct request *r);
/* hub_set_message_state, from all there is. */
void mail_tell_state(struct world *w);
/* Has this turn done what only the store can count? */
bool mail_has_news(const struct world *w);
/* What an adapter does when hub_next_expiry is over. */
void mail_expire(struct world *w);

#endif
