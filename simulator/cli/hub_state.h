/* hub_state.h - the file of `az iot hub state export`: identities nested by device, without counters and reported properties.
 *
 *   {"devices": {"edge-1": {"identity": {..}, "twin": {..}, "parent": "gw-1", "modules": {"m": {"identity": {..}, "twin": {..}}}}},
 *    "configurations": {"admConfigurations": {..}, "edgeDeployments": {..}}, "arm": {..}}
 *
 * Pure: documents in, documents out. What we keep nothing of (parents, configurations, the ARM template, X.509 thumbprints) is left
 * out, and said (facts S-40).
 */
#ifndef TWINSIM_HUB_STATE_H
#define TWINSIM_HUB_STATE_H

#include "json.h"

/* Is that document such a file, and no identity or twin? */
bool hub_state_is(const cJSON *doc);

/* What of it does not come with the identities, as words for a person: "2 parents, 1 configuration". Appends nothing when all comes. */
void hub_state_print_left(struct buf *out, const cJSON *doc);

/* One of its identities as identity.import wants it: a device with its entry, or a module (module not NULL) with its own.
 * returns RC_OK (*out is the caller's), RC_SYNTAX (*at is the node that is wrong, *what says how; static), RC_NOMEM */
MUST_USE enum rc hub_state_identity(const cJSON *entry, const char *device, const char *module, cJSON **out,
                                    const cJSON **at, const char **what);

/* A file that grows. Feed devices in order of their ids, each one's modules behind it. */
struct hub_state {
    cJSON *doc, *devices; /* devices lies in doc */
    cJSON *modules;       /* of the device added last; NULL: it has none yet */
};

/* returns RC_OK, RC_NOMEM; s is for hub_state_done in both cases */
MUST_USE enum rc hub_state_init(struct hub_state *s);
/* Add what identity.export gave. returns RC_OK, RC_SYNTAX (a module without its device before it), RC_NOMEM */
MUST_USE enum rc hub_state_add(struct hub_state *s, const cJSON *identity);
void hub_state_done(struct hub_state *s);

#endif
