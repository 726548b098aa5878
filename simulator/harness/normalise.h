/* normalise.h - what stays the same when the same thing happens again: events in, a normalised timeline out.
 *
 * Pure. Entries stand in groups, one for each identity and channel, in order within a group; between groups there is no order,
 * since it is luck which of two sides is a millisecond earlier:
 *   connection  connected, refused, disconnected, subscribed, unsubscribed, violation
 *   twin        twin-get, reported
 *   methods     method, method-answer, message-queued, message-settled
 *   telemetry   telemetry; of a security message each event by its name, in a group of its own ("telemetry ListeningPorts"), since which
 *               events share a message, and which come first, is a matter of time
 *   process     agent-ended
 *   service     what services did: created, updated, deleted, desired, tags, and all else that has a cause
 * A fault stands in the channel of the operation that it hit. Every other group is the agent's side.
 *
 * What is left out, because equal runs differ in it: seq, time, mono_us, conn, cause, rid, etag, id, planned_us, actual_us, tracking
 * ids and times of errors, message ids and times, the client's own name and version, loopback addresses with their ports; hub-ready,
 * hub-stopping, clock, and a disconnect by the hub's own end (they depend on how fast a reader is when a hub goes). And how often something went on that has no end of its own:
 *   telemetry   an entry that the group holds already stands only once
 *   twin-get    several in a row are one
 *   refused     several equal ones in a row are one
 *   a session that ended by itself (reason client, error, token or unknown), exactly like the one before it, is left out; but
 *               for one that was open when the harness started, stopped or killed something (normal_mark)
 * Patches are never left out: one changed value, one missing or extra patch, one swapped pair each change the timeline.
 */
#ifndef TWINSIM_NORMALISE_H
#define TWINSIM_NORMALISE_H

#include "json.h"

#define NORMALISE_BYTES_MAX ((size_t)256 << 20) /* of all entries */

struct normal_entry {
    char *text;      /* canonical JSON, keys sorted */
    size_t event;    /* number of the event it is from: so many were added before it */
    uint64_t digest; /* of text */
};

struct normal_group {
    char *name; /* "edge-1/m twin"; "- connection": nobody known */
    struct normal_entry *at;
    size_t count, cap;
    bool is_service;
    /* of a connection: where the last two sessions begin; NORMAL_NONE: there is none */
    size_t session, session_before;
    uint32_t *seen; /* telemetry: a hash table of entry numbers + 1 */
    size_t seen_size;
    size_t checked, peak; /* for the owner of the timeline; nobody here looks at them */
};

#define NORMAL_NONE ((size_t)-1)

struct normal_timeline {
    struct normal_group **groups; /* sorted by name */
    size_t n_groups;
    size_t events; /* added so far */
    size_t bytes;
};

void normal_init(struct normal_timeline *t);
void normal_done(struct normal_timeline *t);

/* Add the next event. It is only read.
 *
 * changed  may be NULL; did it change the timeline? (It does not when it is noise, or nothing of ours.) Groups stay where they are. A
 *          connection's group may lose its last session by this (see above); otherwise groups only grow
 * returns  RC_OK, RC_LIMIT (NORMALISE_BYTES_MAX), RC_NOMEM */
MUST_USE enum rc normal_add(struct normal_timeline *t, const cJSON *event, bool *changed);

/* Somebody starts, stops or kills an agent or the hub now: sessions that end by it, and those behind it, are no repetition of earlier ones. */
void normal_mark(struct normal_timeline *t);

/* The group of that name, or NULL. */
struct normal_group *normal_find(const struct normal_timeline *t, const char *name);

/* Could the end of a connection's group still be left out? The entries from this number on could. count when none. */
size_t normal_settled(const struct normal_group *g);

/* Append one line for each entry: the group's name, a blank, the entry. Equal runs print equal bytes. */
void normal_print(const struct normal_timeline *t, struct buf *out);

/* Append a value as canonical JSON: no blanks, keys in byte order. */
void json_print_sorted(struct buf *out, const cJSON *value);

#endif
