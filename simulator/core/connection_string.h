/* connection_string.h - "HostName=..;DeviceId=..;SharedAccessKey=..": read and made.
 *
 * Split at ';', then at the first '=' only, since keys end in '=' (facts A-18). Words are matched exactly, letter case
 * included. An id that holds ';' is legal on the hub but cannot be written in a connection string.
 */
#ifndef TWINSIM_CONNECTION_STRING_H
#define TWINSIM_CONNECTION_STRING_H

#include "ident.h"

struct connection_string {
    struct str host, gateway_host;
    struct str device, module;
    struct str key, key_name;
    struct str signature; /* SharedAccessSignature=..., the whole token */
    bool x509;
};

/* returns RC_OK, RC_SYNTAX (a part without '=', an empty one behind a last ';' included; a word given twice; an unknown word;
 * no HostName; x509 neither true nor false). *out untouched on failure. */
MUST_USE enum rc connection_string_read(struct str text, struct connection_string *out);
/* Append in the order the portal uses: HostName, DeviceId, ModuleId, SharedAccessKeyName, SharedAccessKey,
 * SharedAccessSignature, GatewayHostName, x509; empty parts left out. */
void connection_string_print(struct buf *out, const struct connection_string *cs);

#endif
