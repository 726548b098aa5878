/* desired.h - the last known desired properties, kept right while documents and patches arrive in any order.
 *
 * Pure. The hub's answer to a GET is the base; notifications are merge patches on top, each one version further. What
 * is old is ignored, what comes too early is held back, and where a version is missing the caller is told to read
 * again.
 *
 *      connected            GET answer, version 4                 patch 6            patch 5
 *   --------------> unknown -----------------------> known at 4 ---------> 6 held ----------> known at 6
 *                   patches are held                             READ       (5 and 6 applied in one go)
 */
#ifndef AGENT_DESIRED_H
#define AGENT_DESIRED_H

#include "json.h"

#define DESIRED_HELD_MAX    32u /* patches held back; more than that, and reading again is cheaper anyway */
#define DESIRED_VERSION_MAX INT64_C(9007199254740992) /* 2^53: beyond, doubles miss whole numbers */

struct desired_held {
    int64_t version;
    cJSON *patch;
};

struct desired {
    cJSON *document; /* desired properties, or NULL before the first answer; outlives connections */
    int64_t version; /* of document */
    int64_t newest;  /* highest version the hub spoke of since desired_forget */
    int64_t asked;   /* newest, when the last GET left */
    bool is_known;   /* an answer has come since desired_forget */
    size_t held_count;
    struct desired_held held[DESIRED_HELD_MAX];
};

struct desired_outcome {
    bool is_taken;   /* document moved on, or was confirmed by an answer: apply it */
    bool read_again; /* something is missing: send another GET */
};

/* Start knowing nothing. */
void desired_init(struct desired *d);

/* Free everything. */
void desired_done(struct desired *d);

/* Distrust the document: the link was down, and what happened meanwhile is unknown. Held patches are dropped. */
void desired_forget(struct desired *d);

/* Note that a GET leaves now: its answer has the last word on everything seen before, not on what comes after. */
void desired_asked(struct desired *d);

/* Take the answer to a GET: {"desired": {..., "$version": n}, ...}.
 *
 * outcome  written on RC_OK; not taken when it is older than patches that were applied while it was under way
 * returns  RC_OK
 *          RC_SYNTAX   not JSON, or without a desired object with a $version: nothing changed
 *          RC_NOMEM
 * source   facts M-26, S-07
 */
MUST_USE enum rc desired_take_answer(struct desired *d, struct str body, struct desired_outcome *outcome);

/* Take a notification: a merge patch with its own $version.
 *
 * outcome  written on RC_OK
 * returns  RC_OK
 *          RC_SYNTAX   unreadable: nothing changed, but something did at the hub, so read again
 *          RC_NOMEM
 * source   facts M-31, S-07
 */
MUST_USE enum rc desired_take_patch(struct desired *d, struct str body, struct desired_outcome *outcome);

#endif
