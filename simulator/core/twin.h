/* twin.h - one twin document: tags, desired and reported, their metadata and their counters.
 *
 * Pure: a twin changes only through the functions here, and *when* comes in as an argument. A change is checked as a whole
 * before anything is touched, so a refused one leaves no trace (facts T-20).
 *
 * Counters (facts T-01..T-05), as the real hub's captures show:
 *            new   reported write   service write with desired   tags only
 *   etag       1        -                  +1                       +1
 *   version    2       +1                  +1                       +1
 *   desired    1        -                  +1                        -
 *   reported   1       +1                   -                        -
 *
 * Metadata mirrors a section's shape in the service's form: every node holds $lastUpdated, in desired also
 * $lastUpdatedVersion, both missing-version until the first desired write; arrays are leaves (facts T-21).
 */
#ifndef TWINSIM_TWIN_H
#define TWINSIM_TWIN_H

#include "hub_limits.h"
#include "json.h"
#include "refusal.h"

enum twin_section { TWIN_TAGS, TWIN_DESIRED, TWIN_REPORTED };

struct twin {
    cJSON *tags;               /* NULL until first set */
    cJSON *desired, *reported; /* objects, without $metadata and $version */
    cJSON *desired_metadata, *reported_metadata;
    int64_t etag, version, desired_version, reported_version;
    size_t computed[3];     /* size of each section as the hub counts it, by enum twin_section */
    struct buf device_view; /* cached text for GET; empty when stale */
    size_t bytes;           /* rough heap use, kept up to date, for the cache's ceiling */
};

/* A fresh twin as created with its identity: metadata roots stamped now_us, no versions in them (T-01). NULL: out of memory. */
struct twin *twin_new(int64_t now_us);
void twin_free(struct twin *t); /* NULL is fine */
/* The invariant: sections and metadata have the same shape, counters make sense, computed sizes are right. Walks it all. */
bool twin_is_valid(const struct twin *t);

/* Would this write be accepted? Checks keys, values, depth, arrays and the *resulting* section size; changes nothing.
 * tags, desired: the submitted section, NULL when not submitted; a JSON null clears the section (PATCH) or counts as {} (PUT).
 * replace: PUT semantics. In service writes $metadata and $version at a section's root are ignored (T-28): strip them first with
 * twin_strip_service_fields. returns true, or false with *why written, `where` included unless it is about a whole section. */
bool twin_check_service(const struct twin *t, const cJSON *tags, const cJSON *desired, bool replace,
                        struct refusal *why);
/* The same for a device's reported patch: an object, no $-keys (M-29, M-30). */
bool twin_check_reported(const struct twin *t, const cJSON *patch, struct refusal *why);
/* Remove, in place and at every level, the $metadata and $version members a round-tripped document carries. */
void twin_strip_service_fields(cJSON *section);

/* Apply a checked write. returns RC_OK, or RC_NOMEM: the twin is then unusable and must be loaded again.
 * A tags/desired section that is {} in a PATCH does not count as touched; in a PUT both sections are written (absent = empty). */
MUST_USE enum rc twin_write_service(struct twin *t, const cJSON *tags, const cJSON *desired, bool replace,
                                    int64_t now_us, bool *touched_tags, bool *touched_desired);
MUST_USE enum rc twin_write_reported(struct twin *t, const cJSON *patch, int64_t now_us);

/* What a device hears of a service write. PATCH: the submitted desired section, nulls kept, plus $version (M-31). PUT: computed
 * from the twin *before* the write: every key of the new document, and null for each removed one, at every level (M-32).
 * Appends JSON; version is the desired version after the write. */
void twin_print_note(struct buf *out, const struct twin *before, const cJSON *desired, bool replace, int64_t version);

/* {"desired":{..,"$version":n},"reported":{..,"$version":m}}: what a device GETs (M-26). Lends; valid until the next write.
 * An empty view means out of memory. */
struct str twin_device_view(struct twin *t);
/* Append a part of the service's view: one section with $metadata and $version last. */
void twin_print_section(struct buf *out, const struct twin *t, enum twin_section section);
/* Both of them: {"desired":{..},"reported":{..}}. */
void twin_print_sections(struct buf *out, const struct twin *t);

/* What a write touched, as events tell it: the submitted section (an object, or null: cleared), nulls kept, with the metadata of what
 * it names and the $version. Call it behind the write. */
void twin_print_change(struct buf *out, const struct twin *t, enum twin_section section, const cJSON *patch);

/* The twin alone as a snapshot, and back: {"etag":1,"version":2,"tags":..,"desired":{..,"$metadata":..,"$version":1},"reported":{..}}.
 * twin_read also takes a service-view document (properties.desired ...) with or without metadata and counters: what is missing
 * gets the values of a fresh twin (metadata stamped now_us). returns RC_OK, RC_SYNTAX (*why says what), RC_NOMEM */
void twin_print(struct buf *out, const struct twin *t);
MUST_USE enum rc twin_read(const cJSON *doc, int64_t now_us, struct twin **out, struct refusal *why);

/* The etag's text: base64 of the counter as 8 bytes, big-endian: AAAAAAAAAAE= (T-01). */
void twin_etag_print(int64_t etag, char out[16]);

#endif
