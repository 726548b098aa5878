/* x509.h - certificates and keys in PEM files: the few OpenSSL calls that the authority and the server certificate share. */
#ifndef TWINSIM_X509_H
#define TWINSIM_X509_H

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "rc.h"
#include "str.h"

/* A new EC P-256 key; NULL when OpenSSL cannot. */
EVP_PKEY *x509_key_new(void);

/* An unsigned certificate with a random serial, that subject, valid from yesterday for `days`; NULL when out of memory. */
X509 *x509_new(const char *common_name, EVP_PKEY *key, int days);
/* Add an extension in OpenSSL's own notation ("critical,CA:TRUE"). issuer may be cert itself. */
bool x509_extend(X509 *cert, X509 *issuer, int nid, const char *value);

/* Read from PEM. returns RC_OK, RC_NOT_FOUND (no such file), RC_CORRUPT (not PEM), RC_IO */
MUST_USE enum rc x509_load(const char *path, X509 **out);
MUST_USE enum rc x509_load_key(const char *path, EVP_PKEY **out);
/* Write as PEM; keys 0600. durable: it survives a power cut. returns RC_OK, RC_IO, RC_NOMEM */
MUST_USE enum rc x509_save(const char *path, X509 *cert, bool durable);
MUST_USE enum rc x509_save_key(const char *path, EVP_PKEY *key, bool durable);

/* Is it still good for so many days? */
bool x509_lasts(const X509 *cert, int days);

#endif
