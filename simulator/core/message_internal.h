/* message_internal.h - what reading a message and loading one have in common. For message*.c alone. */
#ifndef TWINSIM_MESSAGE_INTERNAL_H
#define TWINSIM_MESSAGE_INTERNAL_H

#include "message.h"

/* Make one of its parts; the trees stay the caller's.
 *
 * returns  RC_OK (*out is for message_free; number and times are the caller's to fill in)
 *          RC_LIMIT  too much for a topic
 *          RC_NOMEM
 */
MUST_USE enum rc message_make(const cJSON *system, const cJSON *properties, enum message_ack ack, struct str body,
                              struct message **out);
/* text: NULL is no such word. returns false with *out as it was when it is none */
bool message_ack_read(const char *text, enum message_ack *out);
/* Whether it is an object whose every value is a text, or, when they may be, null. */
bool message_holds_texts(const cJSON *object, bool or_null);

#endif
