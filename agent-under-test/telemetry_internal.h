/* telemetry_internal.h - what the two halves of telemetry share: what is told, and when it is sent. */
#ifndef AGENT_TELEMETRY_INTERNAL_H
#define AGENT_TELEMETRY_INTERNAL_H

#include "telemetry.h"

/* The name of a queue in statistics and logs. */
const char *telemetry_queue_word(enum queue_id id);

/* Queue what the machine looks like now, and the statistics. */
void telemetry_snapshot(struct telemetry *t, struct instant now);

/* Queue what is new on the machine, and tell of the latest delivery. */
void telemetry_look(struct telemetry *t, struct instant now);

/* Learn what is there already, so that the first look finds only what is new. */
void telemetry_prime(struct telemetry *t, struct instant now);

#endif
