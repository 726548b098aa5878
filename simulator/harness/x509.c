/* x509.c - see x509.h. */
#include "x509.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <time.h>

#include "files.h"

#define PEM_FILE_MAX 65536u /* bytes */

EVP_PKEY *x509_key_new(void)
{
    return EVP_EC_gen("P-256");
}

static bool set_serial(X509 *cert)
{
    unsigned char random[16];
    BIGNUM *number = NULL;
    bool ok = false;

    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    random[0] &= 0x7f; /* positive */
    random[0] |= 0x40; /* of full length */
    number = BN_bin2bn(random, sizeof random, NULL);
    if (number)
        ok = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

X509 *x509_new(const char *common_name, EVP_PKEY *key, int days)
{
    X509 *cert = X509_new();
    X509_NAME *name;

    if (!cert)
        return NULL;
    name = X509_get_subject_name(cert);
    if (X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
        X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, NULL) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) && X509_set_pubkey(cert, key) &&
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"twinsim", -1, -1, 0) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0))
        return cert;
    X509_free(cert);
    return NULL;
}

bool x509_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool ok;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension)
        return false;
    ok = X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

/* A file as a BIO over memory that *text owns. */
static enum rc open_pem(const char *path, struct buf *text, BIO **out)
{
    enum rc rc;

    buf_init(text, PEM_FILE_MAX);
    rc = file_read(path, text);
    if (rc)
        return rc == RC_LIMIT ? RC_CORRUPT : rc;
    *out = BIO_new_mem_buf(text->at, (int)text->len);
    return *out ? RC_OK : RC_NOMEM;
}

enum rc x509_load(const char *path, X509 **out)
{
    struct buf text;
    BIO *bio = NULL;
    enum rc rc = open_pem(path, &text, &bio);

    if (!rc) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (cert)
            *out = cert;
        else
            rc = RC_CORRUPT;
    }
    BIO_free(bio);
    buf_done(&text);
    return rc;
}

enum rc x509_load_key(const char *path, EVP_PKEY **out)
{
    struct buf text;
    BIO *bio = NULL;
    enum rc rc = open_pem(path, &text, &bio);

    if (!rc) {
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

        if (key)
            *out = key;
        else
            rc = RC_CORRUPT;
    }
    BIO_free(bio);
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    return rc;
}

static enum rc save_bio(const char *path, BIO *bio, unsigned mode, bool durable)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);

    return len > 0 ? file_write(path, str_of(bytes, (size_t)len), mode, durable) : RC_NOMEM;
}

enum rc x509_save(const char *path, X509 *cert, bool durable)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum rc rc = bio && PEM_write_bio_X509(bio, cert) ? save_bio(path, bio, 0644, durable) : RC_NOMEM;

    BIO_free(bio);
    return rc;
}

enum rc x509_save_key(const char *path, EVP_PKEY *key, bool durable)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum rc rc = bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                     ? save_bio(path, bio, 0600, durable)
                     : RC_NOMEM;

    BIO_free(bio);
    return rc;
}

bool x509_lasts(const X509 *cert, int days)
{
    time_t then = time(NULL) + (time_t)days * 24 * 60 * 60;

    return X509_cmp_time(X509_get0_notAfter(cert), &then) > 0 && X509_cmp_current_time(X509_get0_notBefore(cert)) < 0;
}
