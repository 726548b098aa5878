/* aggregate.h - equal things counted together, and told as one Aggregated event each once an interval is over.
 *
 * Pure. Two things are equal when their payloads are, so whoever adds one leaves out what does not count: process ids
 * are 0. source: facts S-12
 */
#ifndef AGENT_AGGREGATE_H
#define AGENT_AGGREGATE_H

#include "event.h"

#define AGGREGATE_MOST 1024u /* kinds counted together; further ones become events of their own */

struct aggregate_group {
    char *text; /* the payload's entry as JSON */
    uint64_t hits;
    int64_t first_ms, last_ms; /* wall clock */
};

struct aggregate {
    struct aggregate_group *groups;
    size_t count;
    struct instant since; /* the interval's start */
    bool is_running;
};

/* How the details of an aggregated event are written. */
struct aggregate_form {
    enum event_time_style time;
    bool hits_are_numbers; /* as in the C agent; the schema wants text. facts S-12 */
};

/* Takes one event's payload; NULL stands for a lack of memory. */
typedef void event_sink(void *context, enum event_category category, cJSON *payload);

/* Start with nothing. */
void aggregate_init(struct aggregate *a);

/* Free everything. */
void aggregate_done(struct aggregate *a);

/* Count one. entry is only read. Returns false when there is no room for another kind, or no memory. */
bool aggregate_add(struct aggregate *a, const cJSON *entry, int64_t wall_ms);

/* Emit each kind, with HitCount and times in its ExtraDetails, and start over. */
void aggregate_flush(struct aggregate *a, const struct aggregate_form *form, event_sink *emit, void *context);

#endif
