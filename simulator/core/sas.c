/* sas.c - see sas.h. The signature first, then what sr covers. */
#include "sas.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "user_name.h" /* percent_decode */

#define SCHEME       "SharedAccessSignature "
#define MAC_BYTES    32u /* HMAC-SHA256 */
#define MAC_TEXT_MAX 45u /* its base64, with NUL */

/* ---- the token's text ---- */

enum rc sas_token_read(struct str text, struct sas_token *out)
{
    struct sas_token token = {.se_s = 0};
    struct str rest = str_skip(text, sizeof SCHEME - 1);
    struct str se = {NULL, 0};
    struct {
        struct str name, *value;
    } fields[] = {{STR("sr"), &token.sr}, {STR("sig"), &token.sig}, {STR("se"), &se}, {STR("skn"), &token.skn}};
    uint64_t se_s;

    if (!str_eq_nocase(str_first(text, sizeof SCHEME - 1), STR(SCHEME)))
        return RC_SYNTAX;
    while (rest.at) {
        struct str value = str_cut(&rest, '&');
        struct str name = str_cut(&value, '=');

        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            if (str_eq(name, fields[i].name) && !fields[i].value->at) /* the first one wins */
                *fields[i].value = value;
    }
    if (token.sr.len == 0 || token.sig.len == 0 || str_to_u64(se, INT64_MAX, &se_s))
        return RC_SYNTAX;
    token.se_s = (int64_t)se_s;
    *out = token;
    return RC_OK;
}

/* ---- keys ---- */

/* Decode strict base64: whole groups of four, '=' only at the end. out holds at least text.len / 4 * 3 bytes.
 * EVP_DecodeBlock alone takes blanks around and '=' anywhere. */
static bool base64_decode(struct str text, unsigned char *out, size_t *len)
{
    size_t pad = str_ends(text, STR("==")) ? 2 : str_ends(text, STR("=")) ? 1 : 0;
    int n;

    if (text.len == 0 || text.len > 4096)
        return false;
    for (size_t i = 0; i < text.len - pad; i++) {
        char c = text.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    n = EVP_DecodeBlock(out, (const unsigned char *)text.at, (int)text.len); /* counts padding as bytes */
    if (n < 0)
        return false;
    *len = (size_t)n - pad;
    return true;
}

enum rc sas_key_read(struct str base64, struct sas_key *out)
{
    unsigned char bytes[SAS_KEY_TEXT_MAX / 4 * 3];
    enum rc rc = RC_SYNTAX;
    size_t len;

    if (base64.len == 0 || base64.len > SAS_KEY_TEXT_MAX - 4)
        return RC_LIMIT;
    if (!base64_decode(base64, bytes, &len))
        goto done;
    rc = RC_LIMIT;
    if (len < SAS_KEY_MIN || len > SAS_KEY_MAX)
        goto done;
    memset(out, 0, sizeof *out);
    memcpy(out->bytes, bytes, len);
    out->len = len;
    rc = RC_OK;

done:
    OPENSSL_cleanse(bytes, sizeof bytes);
    return rc;
}

void sas_key_print(const struct sas_key *key, char out[SAS_KEY_TEXT_MAX])
{
    out[0] = '\0';
    if (key->len)
        (void)EVP_EncodeBlock((unsigned char *)out, key->bytes, (int)key->len);
}

/* HMAC-SHA256; false only when out of memory. */
static bool mac(struct str key, struct str text, unsigned char out[MAC_BYTES])
{
    unsigned n = 0;

    return HMAC(EVP_sha256(), key.len ? key.at : "", (int)key.len, (const unsigned char *)(text.len ? text.at : ""),
                text.len, out, &n) &&
           n == MAC_BYTES;
}

void sas_key_derive(struct str seed, struct str text, struct sas_key *out)
{
    memset(out, 0, sizeof *out);
    if (mac(seed, text, out->bytes))
        out->len = MAC_BYTES;
}

/* ---- the signature ---- */

/* HMAC-SHA256 of "{sr}\n{se}", sr as it stands. */
static bool sign(struct str sr, int64_t se_s, const struct sas_key *key, unsigned char out[MAC_BYTES])
{
    struct buf text;
    bool ok;

    buf_init(&text, 0);
    buf_add(&text, sr);
    buf_add_char(&text, '\n');
    buf_add_i64(&text, se_s);
    ok = buf_ok(&text) && key->len && mac(str_of(key->bytes, key->len), buf_view(&text), out);
    buf_done(&text);
    return ok;
}

bool sas_token_is_signed_by(const struct sas_token *token, const struct sas_key *key)
{
    unsigned char expected[MAC_BYTES], got[MAC_TEXT_MAX / 4 * 3];
    struct buf sig;
    size_t len = 0;
    bool ok;

    buf_init(&sig, MAC_TEXT_MAX - 1);
    ok = percent_decode(token->sig, &sig) == RC_OK && base64_decode(buf_view(&sig), got, &len) && len == MAC_BYTES &&
         sign(token->sr, token->se_s, key, expected) && CRYPTO_memcmp(expected, got, MAC_BYTES) == 0;
    buf_done(&sig);
    OPENSSL_cleanse(expected, sizeof expected);
    return ok;
}

/* ---- what sr covers ---- */

/* Equal without letter case, as it stands or, on request, after undoing a percent-encoding. */
static bool eq_decoded(struct str segment, struct str want, bool or_decoded)
{
    struct buf plain;
    bool eq = str_eq_nocase(segment, want);

    if (eq || !or_decoded)
        return eq;
    buf_init(&plain, segment.len);
    eq = percent_decode(segment, &plain) == RC_OK && str_eq_nocase(buf_view(&plain), want);
    buf_done(&plain);
    return eq;
}

bool sas_host_is_one_of(struct str host, const struct str *hosts, size_t n_hosts)
{
    size_t colon = str_find(host, ':');
    uint64_t port;

    /* A client told to use "name:port" signs just that. */
    if (colon < host.len && str_to_u64(str_skip(host, colon + 1), 65535, &port) == RC_OK)
        host = str_first(host, colon);
    for (size_t i = 0; i < n_hosts; i++)
        if (hosts[i].len && str_eq_nocase(host, hosts[i]))
            return true;
    return false;
}

/* Samples of old sign "{uri}/api-version=..", and a trailing '/' says nothing. Never where an id belongs. */
static bool is_suffix(struct str segment, size_t position)
{
    return segment.len == 0 || (position % 2 == 1 && (str_starts(segment, STR("api-version=")) ||
                                                      str_starts(segment, STR("?api-version="))));
}

/* Is uri, cut at every '/', a prefix of host/devices/d/modules/m (or host/devices/d)? */
static bool covers(struct str uri, const struct str *hosts, size_t n_hosts, struct ident id, bool or_decoded)
{
    const struct str path[] = {{NULL, 0}, STR("devices"), id.device, STR("modules"), id.module};
    size_t depth = ident_is_module(id) ? 5 : 3;
    struct str rest = uri;

    for (size_t i = 0; rest.at; i++) {
        struct str segment = str_cut(&rest, '/');

        if (i > 0 && !rest.at && is_suffix(segment, i))
            return true;
        if (i >= depth)
            return false;
        if (!(i == 0 ? sas_host_is_one_of(segment, hosts, n_hosts) : eq_decoded(segment, path[i], or_decoded)))
            return false;
    }
    return true;
}

bool sas_scope_covers(struct str sr, const struct str *hosts, size_t n_hosts, struct ident id)
{
    struct buf uri;
    bool ok;

    if (sr.len == 0)
        return false;
    /* Raw first: an id such as "50%25" signed raw must not lose its "%25". */
    if (covers(sr, hosts, n_hosts, id, false))
        return true;
    buf_init(&uri, 0);
    ok = percent_decode(sr, &uri) == RC_OK && covers(buf_view(&uri), hosts, n_hosts, id, true);
    buf_done(&uri);
    return ok;
}

bool sas_scope_is_hub(struct str sr, const struct str *hosts, size_t n_hosts)
{
    struct buf host;
    bool ok;

    buf_init(&host, 0);
    ok = percent_decode(sr, &host) == RC_OK && host.len && sas_host_is_one_of(buf_view(&host), hosts, n_hosts);
    buf_done(&host);
    return ok;
}

/* ---- making one ---- */

struct str sas_without_secret(struct str text)
{
    static const struct str marks[] = {{"sig=", 4}, {"SharedAccessKey=", 16}};

    for (size_t at = 0; at < text.len; at++)
        for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++)
            if (str_eq_nocase(str_first(str_skip(text, at), marks[m].len), marks[m]))
                return str_first(text, at + marks[m].len);
    return text;
}

void sas_token_make(struct buf *out, struct str host, const struct ident *id, struct str skn, const struct sas_key *key,
                    int64_t se_s)
{
    unsigned char bytes[MAC_BYTES];
    char sig[MAC_TEXT_MAX];
    struct buf sr;

    buf_init(&sr, 0);
    buf_add_percent(&sr, host, STR(""));
    if (id) {
        buf_add(&sr, STR("%2Fdevices%2F"));
        buf_add_percent(&sr, id->device, STR(""));
        if (ident_is_module(*id)) {
            buf_add(&sr, STR("%2Fmodules%2F"));
            buf_add_percent(&sr, id->module, STR(""));
        }
    }
    if (!buf_ok(&sr) || !sign(buf_view(&sr), se_s, key, bytes)) {
        if (!out->rc)
            out->rc = RC_NOMEM;
        goto done;
    }
    (void)EVP_EncodeBlock((unsigned char *)sig, bytes, (int)MAC_BYTES);
    buf_add(out, STR(SCHEME "sr="));
    buf_add(out, buf_view(&sr));
    buf_add(out, STR("&sig="));
    buf_add_percent(out, str_from(sig), STR(""));
    buf_add(out, STR("&se="));
    buf_add_i64(out, se_s);
    if (skn.len) {
        buf_add(out, STR("&skn="));
        buf_add_percent(out, skn, STR(""));
    }

done:
    buf_done(&sr);
}
