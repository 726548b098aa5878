/* topic.h - what a device asks for, read from the topic it published to, and what it wants to hear, read from its filters.
 *
 * Pure: no broker types, no allocation, no clock. Every view in a result points into the topic that was passed in.
 * Topics are matched from their first byte to their last (facts M-15, M-26).
 */
#ifndef TWINSIM_TOPIC_H
#define TWINSIM_TOPIC_H

#include "ident.h"

enum topic_kind {
    TOPIC_TELEMETRY,           /* devices/{d}[/modules/{m}]/messages/events[/{bag}[/]] */
    TOPIC_TWIN_GET,            /* $iothub/twin/GET/?$rid=7 */
    TOPIC_TWIN_PATCH_REPORTED, /* $iothub/twin/PATCH/properties/reported/?$rid=7[&$version=3] */
    TOPIC_METHOD_ANSWER,       /* $iothub/methods/res/{status}/?$rid=7 */
};

struct topic {
    enum topic_kind kind;
    struct str rid;     /* as it stands in the topic, to be echoed byte for byte; empty when absent */
    struct str bag;     /* telemetry: the raw property bag, without a leading '?' or a trailing '/' */
    int64_t if_version; /* PATCH: $version, or -1 when absent */
    int64_t status;     /* method answer */
};

/* Read a topic a client of that identity published to.
 *
 * returns  RC_OK
 *          RC_NOT_OURS  a topic that identity may not publish to: another identity's, unknown, extra segments
 *          RC_SYNTAX    ours but malformed: GET or method answer without $rid (or an empty one), $version no whole number,
 *                       status no 32-bit number
 *          RC_LIMIT     request id longer than TOPIC_RID_MAX
 * Everything after "messages/events/" is the bag, slashes included (facts C-08); one trailing '/' is dropped (M-19).
 * PATCH without $rid is RC_OK with an empty rid: applied, not answered (known differences).
 */
MUST_USE enum rc topic_read(struct ident who, struct str text, struct topic *out);

/* What an identity may subscribe to; a subscription is one of these classes, never a filter text. */
enum filter_class {
    FILTER_TWIN_RES,     /* $iothub/twin/res/# */
    FILTER_TWIN_DESIRED, /* $iothub/twin/PATCH/properties/desired/# */
    FILTER_METHODS,      /* $iothub/methods/POST/# and $iothub/methods/POST/{name}/# (no wildcard in the name) */
    FILTER_C2D, /* devices/{d}/messages/devicebound/#, devices/+/..., devices/{d}/modules/{m}/messages/devicebound/# */
    FILTER_INPUTS,     /* devices/{d}/modules/{m}/inputs/# */
    FILTER_MODULE_ALL, /* devices/{d}/modules/{m}/#: inputs and devicebound, never the module's own telemetry */
    FILTER_SESSION,    /* no filter: whose the others are (enum session_kind) */
    FILTER_CLASSES
};

/* returns RC_OK, or RC_REFUSED for any other filter (facts M-13, M-14; case matters) */
MUST_USE enum rc filter_read(struct ident who, struct str text, enum filter_class *out);

/* Does an MQTT topic filter fit a topic? '+' stands for one level, a '#' at the end for all levels from there on, and for none. Unlike a
 * broker it lets them stand for "$iothub" too. */
bool filter_fits(struct str filter, struct str topic);
/* Is it one at all? Not empty, '+' and '#' levels of their own, '#' the last. */
bool filter_is_sound(struct str filter);

/* Topics the hub publishes to. Each appends to out; a failure shows in out. $rid stands first, then $version (facts M-26, M-27). */
void topic_twin_answer(struct buf *out, int status, struct str rid, int64_t version_or_minus_1);
void topic_desired(struct buf *out, int64_t version);
void topic_method(struct buf *out, struct str name, struct str rid);

/* May a method be called so? Printable ASCII without blanks and some others (facts M-38), and without what no topic may hold. */
bool method_name_is_valid(struct str name);

#endif
