/* sas.h - shared access signatures: the password of a hub connection. */
#ifndef AGENT_SAS_H
#define AGENT_SAS_H

#include "buf.h"

#define SAS_KEY_MAX 64u /* bytes of a decoded key, the hub's own limit */

/* Append a token for one module:
 * "SharedAccessSignature sr={host}%2Fdevices%2F{device}%2Fmodules%2F{module}&sig=...&se=...".
 *
 * key_base64  the module's symmetric key
 * expiry_s    Unix seconds
 * out         on failure nothing useful was appended
 * returns     RC_OK
 *             RC_SYNTAX   the key is not base64
 *             RC_LIMIT    the key is empty or longer than SAS_KEY_MAX, or out is full
 *             RC_CRYPTO, RC_NOMEM
 * source      facts
 */
MUST_USE enum rc sas_token(struct str host, struct str device, struct str module, struct str key_base64,
                           int64_t expiry_s, struct buf *out);

/* Append the signature alone: base64 of HMAC-SHA256 over "{resource}\n{expiry_s}", not percent-encoded.
 *
 * resource  the text of sr, exactly as it stands in the token
 * returns   as sas_token
 */
MUST_USE enum rc sas_sign(struct str resource, struct str key_base64, int64_t expiry_s, struct buf *out);

/* Say whether a text is a usable key: RC_OK, RC_SYNTAX or RC_LIMIT as above. */
MUST_USE enum rc sas_key_check(struct str key_base64);

#endif
