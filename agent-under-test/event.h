/* event.h - one security event, finished text, on its way into a message. */
#ifndef AGENT_EVENT_H
#define AGENT_EVENT_H

#include "json.h"

#define EVENT_OVERHEAD 40u /* bytes that an event costs beside its text. source: facts S-10 */

enum event_category { EVENT_PERIODIC, EVENT_TRIGGERED, EVENT_AGGREGATED };
enum event_type { EVENT_SECURITY, EVENT_OPERATIONAL, EVENT_DIAGNOSTIC };

struct event {
    struct event *next; /* in its queue */
    size_t bytes;       /* of text */
    char text[];        /* JSON, NUL-terminated */
};

/* The moment something is done: one clock for waiting, one for telling. */
struct instant {
    int64_t mono_ms; /* never goes back; timers use it alone */
    int64_t wall_ms; /* Unix time; for time stamps and tokens */
};

/* Make an event with a fresh id.
 *
 * payload  an array of objects; taken, also on failure; NULL stands for a lack of memory that the caller met
 * returns  the event, which the caller frees with event_free; NULL without memory or randomness
 * source   facts S-11
 */
struct event *event_new(const char *name, enum event_category category, enum event_type type, cJSON *payload,
                        int64_t wall_ms);

/* Free; NULL is fine. */
void event_free(struct event *e);

/* Write a moment as RFC 3339: in UTC with a Z, or in local time with its offset. out gets at most 32 bytes. */
void event_time(int64_t wall_ms, bool is_local, char out[32]);

#endif
