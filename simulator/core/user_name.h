/* user_name.h - the MQTT user name in all its forms.
 *
 *   {host}/{device}[/{module}]/?api-version=..&DeviceClientType=..&model-id=..     today's
 *   {host}/{device}[/{module}]/api-version=..                                       older, without '?'
 *   {host}/{device}[/{module}]                                                      without a query
 *   {policy}@sas.root.{hub}                                                         a service client
 * Host and ids are not percent-encoded; query values are, in either hex case, or not at all (facts M-03, M-04, M-07, M-09, C-02).
 *
 * No id holds '/' or '&', but ids may hold '?', '=' and '%', and a client's query may hold a raw '/'. So:
 *   - what follows the host is the device, up to the next '/', even when it starts with '?'; only alone it must not
 *   - the query begins at the first segment behind it that starts with '?' or has the key api-version, and runs to the end
 *   - except that "?m/?.." with a legal id in front is module "?m" and its query
 */
#ifndef TWINSIM_USER_NAME_H
#define TWINSIM_USER_NAME_H

#include "ident.h"

enum user_name_kind {
    USER_NAME_DEVICE,  /* a device or module */
    USER_NAME_SERVICE, /* a service client with a policy */
};

struct user_name {
    enum user_name_kind kind;
    struct str host;        /* device: as given; service: the hub's name */
    struct ident ident;     /* device only */
    struct str policy;      /* service only */
    struct str api_version; /* raw; empty when absent */
    struct str model_id;    /* raw, percent-encoding still in it; empty when absent */
    struct str client_type; /* raw DeviceClientType; empty when absent */
};

/* returns RC_OK, or RC_SYNTAX (an empty host or id, an id with illegal characters, too many segments, a bare name).
 * *out is untouched on failure. Duplicate query keys: the first wins. Unknown keys are ignored. */
MUST_USE enum rc user_name_read(struct str text, struct user_name *out);

/* Append text with its percent-encoding undone; '+' is no blank, bad escapes stay as they are. The result may hold any byte.
 * returns RC_OK, RC_LIMIT (out's ceiling), RC_NOMEM */
MUST_USE enum rc percent_decode(struct str text, struct buf *out);

#endif
