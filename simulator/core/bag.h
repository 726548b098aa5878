/* bag.h - the property bag behind messages/events/: "k1=v1&%24.ct=application%2Fjson&flag".
 *
 * Each side is percent-encoded, '+' is no blank; "$." and "%24." are the same (facts M-18). A key without '=' has no value
 * (JSON null); "k=" has an empty one.
 */
#ifndef TWINSIM_BAG_H
#define TWINSIM_BAG_H

#include "json.h"

/* The wire key of a system property ("$.mid") as the service side names it ("message-id"), or NULL when unknown. */
const char *bag_system_name(struct str decoded_key);
/* The other way: "message-id" to "$.mid", or NULL when unknown. */
const char *bag_wire_key(struct str service_name);

/* Decode a bag into two objects: system properties under their service-side names (an unknown "$.x" keeps its key) and
 * application properties. A key given twice: the last wins, in the place of the first. $.cdid and $.cmid are left out: who
 * is connected is the hub's to say. '=' inside a value is part of it.
 * out  *system and *properties for cJSON_Delete, written on RC_OK only
 * returns RC_OK, RC_SYNTAX (a pair without a key, as between "&&"; bad UTF-8 or NUL after decoding), RC_NOMEM */
MUST_USE enum rc bag_read(struct str bag, cJSON **system, cJSON **properties);

#endif
