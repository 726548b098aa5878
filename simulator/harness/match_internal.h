/* match_internal.h - what match.c and matchers.c share. */
#ifndef TWINSIM_MATCH_INTERNAL_H
#define TWINSIM_MATCH_INTERNAL_H

#include "match.h"

/* Do all matchers of the object fit? One with a wrong argument fits nothing. */
bool matchers_fit(const cJSON *matchers, const cJSON *got, const cJSON *aliases);

#endif
