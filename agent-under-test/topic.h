/* topic.h - the twin topics that the hub publishes to us, and the ones we publish to. Pure. */
#ifndef AGENT_TOPIC_H
#define AGENT_TOPIC_H

#include "str.h"

/* Subscribed on every connect. source: facts M-26, M-31 */
#define TOPIC_FILTER_ANSWERS "$iothub/twin/res/#"
#define TOPIC_FILTER_DESIRED "$iothub/twin/PATCH/properties/desired/#"

/* printf formats of what we publish to; the argument is a request id. */
#define TOPIC_GET_FORMAT      "$iothub/twin/GET/?$rid=%u"
#define TOPIC_REPORTED_FORMAT "$iothub/twin/PATCH/properties/reported/?$rid=%u"

enum topic_kind {
    TOPIC_ANSWER,  /* $iothub/twin/res/{status}/?$rid={rid}[&$version={n}] */
    TOPIC_DESIRED, /* $iothub/twin/PATCH/properties/desired/?$version={n} */
};

struct topic {
    enum topic_kind kind;
    int64_t status; /* of an answer */
    uint32_t rid;   /* of an answer; 0 when it is none of ours: we count from 1 */
};

/* Read a topic the hub sent to. The query's members may come in any order; unknown ones are skipped.
 *
 * out      written on RC_OK
 * returns  RC_OK
 *          RC_NOT_OURS   another topic space
 *          RC_SYNTAX     an answer without a status
 * source   facts M-26, M-27, M-31
 */
MUST_USE enum rc topic_parse(struct str text, struct topic *out);

#endif
