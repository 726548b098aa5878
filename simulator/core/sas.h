/* sas.h - shared access signatures: read, check, make.
 *
 *   SharedAccessSignature sr={uri}&sig={signature}&se={seconds}[&skn={policy}]
 * The signature covers sr byte for byte as it stands in the token, never a decoded or re-encoded form (facts ).
 * Fields come in any order; unknown ones are ignored; an empty skn counts as none (facts A-03).
 */
#ifndef TWINSIM_SAS_H
#define TWINSIM_SAS_H

#include "ident.h"

#define SAS_KEY_TEXT_MAX 92u /* base64 of SAS_KEY_MAX bytes, with NUL */

struct sas_token {
    struct str sr;  /* raw */
    struct str sig; /* raw, percent-encoding still in it */
    struct str skn; /* raw; empty when absent */
    int64_t se_s;   /* expiry, Unix seconds */
};

struct sas_key {
    unsigned char bytes[SAS_KEY_MAX];
    size_t len; /* 0: no key */
};

/* Read a token; the scheme name in any letter case, then one blank. Of a field given twice the first one wins.
 * returns RC_OK, RC_SYNTAX (no scheme name, sr/sig/se missing or empty, se no number). *out untouched on failure. */
MUST_USE enum rc sas_token_read(struct str text, struct sas_token *out);

/* Decode a base64 key of SAS_KEY_MIN..SAS_KEY_MAX bytes. returns RC_OK, RC_SYNTAX, RC_LIMIT */
MUST_USE enum rc sas_key_read(struct str base64, struct sas_key *out);
/* Encode; always NUL-terminated. */
void sas_key_print(const struct sas_key *key, char out[SAS_KEY_TEXT_MAX]);
/* The well-known development key: HMAC-SHA256(seed, text), 32 bytes. Same seed and text, same key, for ever.
 * Out of memory: no key (len 0). */
void sas_key_derive(struct str seed, struct str text, struct sas_key *out);

/* True when the token's signature was made with that key. Compares in constant time. */
bool sas_token_is_signed_by(const struct sas_token *token, const struct sas_key *key);

/* True when host is one of the hosts, letter case and a ":port" behind it aside. */
bool sas_host_is_one_of(struct str host, const struct str *hosts, size_t n_hosts);

/* True when sr, once decoded, names one of the hosts and covers the identity: it is a segment prefix of
 * {host}/devices/{d}[/modules/{m}]. Hosts and ids are compared without letter case; an id segment that does not match is
 * decoded a second time, and taken raw too (facts ). A ":port" behind the host, a trailing '/' and a last segment
 * "api-version=.." (samples of old) count for nothing. */
bool sas_scope_covers(struct str sr, const struct str *hosts, size_t n_hosts, struct ident id);
/* The same for a service client: sr decodes to one of the hosts (or host:port), nothing behind it. */
bool sas_scope_is_hub(struct str sr, const struct str *hosts, size_t n_hosts);

/* A text without the secret that somebody put into the wrong field: all up to its first "sig=" or "SharedAccessKey=" (in any letter case), these
 * words included; the text itself when there is none. */
struct str sas_without_secret(struct str text);

/* Make a token for {host}[/devices/{d}[/modules/{m}]]; sr is percent-encoded. skn may be empty.
 * out: appended. A failure shows in out (no key counts as out of memory). id NULL: the hub itself. */
void sas_token_make(struct buf *out, struct str host, const struct ident *id, struct str skn, const struct sas_key *key,
                    int64_t se_s);

#endif
