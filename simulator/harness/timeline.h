/* timeline.h - what happened, in order. Events are numbered from 0 in the order in which they came. */
#ifndef TWINSIM_TIMELINE_H
#define TWINSIM_TIMELINE_H

#include "ident.h"
#include "match.h"

#define TIMELINE_MAX       200000u             /* events */
#define TIMELINE_BYTES_MAX ((size_t)256 << 20) /* about, of all events */
#define TIMELINE_NONE      ((size_t)-1)

struct timeline {
    struct moment {
        cJSON *event;
        int64_t at_us; /* when it reached us, on our monotonic clock */
    } * at;
    size_t count, cap, bytes;
};

void timeline_init(struct timeline *t);
void timeline_done(struct timeline *t);
/* Add a copy of an event. returns RC_OK, RC_LIMIT (more than a scenario may cause), RC_NOMEM */
MUST_USE enum rc timeline_add(struct timeline *t, const cJSON *event, int64_t at_us);

/* An event that a scenario waits for. */
struct wanted {
    const char *kind;
    const char *who;      /* "device" or "device/module"; an event that concerns nobody fits everybody */
    const cJSON *match;   /* NULL: any; against patch, body or payload where there is one */
    const cJSON *event;   /* NULL: any; against the event itself */
    const cJSON *aliases; /* for match */
};

/* Does it fit? report may be NULL. A report or twin-get that was refused fits only when `event` asks for a status. */
bool wanted_fits(const struct wanted *w, const cJSON *event, struct match_report *report);
/* What `match` looks at: the event's patch, body or payload where there is one, else the event. */
const cJSON *event_content(const cJSON *event);
/* True when the event concerns that identity ("device" or "device/module"). */
bool event_is_about(const cJSON *event, const char *who);

/* By the last event that says so: is that identity connected? */
bool timeline_is_connected(const struct timeline *t, const char *who);

/* The first event from number `from` on that fits, or TIMELINE_NONE. */
size_t timeline_find(const struct timeline *t, const struct wanted *w, size_t from);
/* The first event from number `from` on with that cause and one of the kinds, or TIMELINE_NONE. kinds: a NULL ends. */
size_t timeline_find_own(const struct timeline *t, const char *cause, const char *const *kinds, size_t from);
/* Of the akin events from `from` on the one that fits best (of equals the last), and how many there are.
 * TIMELINE_NONE when there is none. report is written for the one found. */
size_t timeline_nearest(const struct timeline *t, const struct wanted *w, size_t from, struct match_report *report,
                        size_t *akin);

#endif
