/* connection_string.h - HostName=...;DeviceId=...;ModuleId=...;SharedAccessKey=... taken apart. Pure. */
#ifndef AGENT_CONNECTION_STRING_H
#define AGENT_CONNECTION_STRING_H

#include "str.h"

struct connection_string {
    struct str host;
    struct str gateway; /* empty when there is none: the host that TCP and TLS go to */
    struct str device;
    struct str module;
    struct str key; /* base64; a secret */
};

/* Take a module's connection string apart. Names are case-sensitive; each member is split at its first '='.
 *
 * out      written on RC_OK; views into text
 * culprit  written on failure: a name for the log, never a value
 * returns  RC_OK
 *          RC_SYNTAX     a member without '=', or one given twice
 *          RC_INVALID    a member that a module with a key does not have
 *          RC_NOT_FOUND  a required member is missing or empty
 * source   facts A-18
 */
MUST_USE enum rc connection_string_parse(struct str text, struct connection_string *out, const char **culprit);

#endif
