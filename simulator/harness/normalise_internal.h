/* normalise_internal.h - what normalise.c (groups and noise) wants to know of one event. */
#ifndef TWINSIM_NORMALISE_INTERNAL_H
#define TWINSIM_NORMALISE_INTERNAL_H

#include "normalise.h"

struct normal_parts {
    bool is_service;
    bool is_told_once;          /* an entry that the group holds already is noise */
    bool is_told_once_in_a_row; /* an entry equal to the one before it is */
    bool begins_session, ends_session;
};

/* The names of a security message's events, sorted, each once, for cJSON_Delete. NULL: it is none, or no memory. */
cJSON *normal_event_names(const cJSON *event);

/* Decide what an event becomes: the name of its group and the text of its entry (appended). name: of an event in a security message,
 * which is then all that counts; else NULL.
 * returns false when it is not part of the timeline */
bool normal_read(const cJSON *event, const char *name, struct normal_parts *parts, struct buf *group, struct buf *text);

#endif
