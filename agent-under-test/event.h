/* event.h - one security event, finished text, on its way into a message. */
#ifndef AGENT_EVENT_H
#define AGENT_EVENT_H

#include "json.h"

enum event_category { EVENT_PERIODIC, EVENT_TRIGGERED, EVENT_AGGREGATED };
enum event_type { EVENT_SECURITY, EVENT_OPERATIONAL, EVENT_DIAGNOSTIC };

/* How moments are written: as the schema has it; as the C agent does, with a Z behind local time, too; as the C# agent
 * does, without any zone. source: facts S-11 */
enum event_time_style { EVENT_TIME_OFFSET, EVENT_TIME_ALWAYS_Z, EVENT_TIME_BARE };

/* What differs from agent to agent in an event. */
struct event_form {
    enum event_time_style time;
    bool is_utf16; /* its size is that of UTF-16 text; facts S-30 */
};

struct event {
    struct event *next; /* in its queue */
    size_t bytes;       /* of text */
    size_t size;        /* what it counts for, in a queue and in a message */
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
struct event *event_new(const struct event_form *form, const char *name, enum event_category category,
                        enum event_type type, cJSON *payload, int64_t wall_ms);

/* Free; NULL is fine. */
void event_free(struct event *e);

/* Write a moment, in UTC or in local time. out gets at most 32 bytes. */
void event_time(enum event_time_style style, int64_t wall_ms, bool is_local, char out[32]);

/* What a text counts for: its bytes, in UTF-8 as it is or as UTF-16. */
size_t event_size(const struct event_form *form, struct str text);

#endif
