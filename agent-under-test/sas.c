/* sas.c - signing with the module's key. */
#include "sas.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define RESOURCE_MAX   2048u
#define KEY_BASE64_MAX 88u /* characters of SAS_KEY_MAX bytes */

/* Decode a key. OpenSSL's decoder wants whole groups of four and counts the padding as bytes. */
static enum rc key_decode(struct str text, unsigned char key[SAS_KEY_MAX + 3], size_t *key_bytes)
{
    size_t padding = 0;
    int n;

    if (text.len == 0 || text.len > KEY_BASE64_MAX)
        return RC_LIMIT;
    if (text.len % 4)
        return RC_SYNTAX;
    while (padding < 2 && text.at[text.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.len - padding; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", text.at[i]) || !text.at[i])
            return RC_SYNTAX;
    n = EVP_DecodeBlock(key, (const unsigned char *)text.at, (int)text.len);
    if (n < 0)
        return RC_SYNTAX;
    *key_bytes = (size_t)n - padding;
    return *key_bytes && *key_bytes <= SAS_KEY_MAX ? RC_OK : RC_LIMIT;
}

enum rc sas_key_check(struct str key_base64)
{
    unsigned char key[SAS_KEY_MAX + 3];
    size_t key_bytes;
    enum rc rc = key_decode(key_base64, key, &key_bytes);

    OPENSSL_cleanse(key, sizeof key);
    return rc;
}

enum rc sas_sign(struct str resource, struct str key_base64, int64_t expiry_s, struct buf *out)
{
    unsigned char key[SAS_KEY_MAX + 3], mac[EVP_MAX_MD_SIZE], text[EVP_MAX_MD_SIZE * 2];
    struct buf message;
    size_t key_bytes = 0;
    unsigned int mac_bytes = 0;
    enum rc rc;

    buf_init(&message, RESOURCE_MAX + 32);
    rc = key_decode(key_base64, key, &key_bytes);
    if (rc)
        goto done;
    buf_add(&message, resource);
    buf_format(&message, "\n%" PRId64, expiry_s);
    rc = message.rc;
    if (rc)
        goto done;
    if (!HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)message.at, message.len, mac, &mac_bytes)) {
        rc = RC_CRYPTO;
        goto done;
    }
    (void)EVP_EncodeBlock(text, mac, (int)mac_bytes);
    buf_text(out, (const char *)text);
    rc = out->rc;

done:
    buf_done(&message);
    OPENSSL_cleanse(key, sizeof key);
    return rc;
}

enum rc sas_token(struct str host, struct str device, struct str module, struct str key_base64, int64_t expiry_s,
                  struct buf *out)
{
    struct buf path, resource, signature;
    enum rc rc;

    buf_init(&path, RESOURCE_MAX);
    buf_init(&resource, RESOURCE_MAX);
    buf_init(&signature, 256);

    buf_format(&path, "%.*s/devices/%.*s/modules/%.*s", STR_ARG(host), STR_ARG(device), STR_ARG(module));
    buf_percent(&resource, buf_str(&path));
    rc = path.rc ? path.rc : resource.rc;
    if (rc)
        goto done;
    rc = sas_sign(buf_str(&resource), key_base64, expiry_s, &signature);
    if (rc)
        goto done;
    buf_text(out, "SharedAccessSignature sr=");
    buf_add(out, buf_str(&resource));
    buf_text(out, "&sig=");
    buf_percent(out, buf_str(&signature));
    buf_format(out, "&se=%" PRId64, expiry_s);
    rc = out->rc;

done:
    buf_done(&signature);
    buf_done(&resource);
    buf_done(&path);
    return rc;
}
