/* connection_string.h - "HostName=..;DeviceId=..;SharedAccessKey=..": read and made.
 *
 * Split at ';', then at the first '=' only, since keys end in '=' (facts A-18).
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

/* returns RC_OK, RC_SYNTAX (a part without '=', a key given twice, an unknown key, no HostName). *out untouched on failure. */
MUST_USE enum rc connection_string_read(struct str text, struct connection_string *out);
/* Append in the order the portal uses: HostName, DeviceId, ModuleId, SharedAccessKeyName, SharedAccessKey, GatewayHostName; empty parts left out. */
void connection_string_print(struct buf *out, const struct connection_string *cs);

#endif
