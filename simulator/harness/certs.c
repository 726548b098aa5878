/* certs.c - see certs.h. */
#include "certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "why.h"
#include "x509.h"

#define CA_DAYS      3650
#define SERVER_DAYS  397 /* the longest that all TLS stacks take */
#define RENEW_DAYS   30
#define LOCK_WAIT_MS 5000
#define NAMES_MAX    1024u

struct authority {
    X509 *cert;
    EVP_PKEY *key;
};

struct reason { /* where certs_ready's sentence goes */
    char *why;
    size_t size;
};

static void authority_done(struct authority *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

/* What the authority may vouch for, in OpenSSL's notation. The first hub's own name joins when the standard names do not cover it. */
static bool constraints_text(const char *hostname, char out[NAMES_MAX])
{
    struct str name = str_from(hostname);
    bool covered = str_ends(name, STR(".azure-devices.test")) || str_eq(name, STR("azure-devices.test")) ||
                   str_eq(name, STR("localhost"));
    int n = snprintf(out, NAMES_MAX,
                     "critical,permitted;IP:127.0.0.0/255.0.0.0,"
                     "permitted;IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF,"
                     "permitted;DNS:localhost,permitted;DNS:azure-devices.test,"
                     "permitted;DNS:global.azure-devices-provisioning.net%s%s",
                     covered ? "" : ",permitted;DNS:", covered ? "" : hostname);

    return n > 0 && (size_t)n < NAMES_MAX;
}

static enum rc authority_make(const struct certs_request *rq, struct authority *out)
{
    struct authority ca = {NULL, NULL};
    char names[NAMES_MAX];

    ca.key = x509_key_new();
    if (ca.key)
        ca.cert = x509_new(rq->unconstrained ? "twinsim development CA (unconstrained)" : "twinsim development CA",
                           ca.key, CA_DAYS);
    if (!ca.cert || !constraints_text(rq->hostname, names) ||
        !X509_set_issuer_name(ca.cert, X509_get_subject_name(ca.cert)) ||
        !x509_extend(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE") ||
        !x509_extend(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !x509_extend(ca.cert, ca.cert, NID_subject_key_identifier, "hash") ||
        (!rq->unconstrained && !x509_extend(ca.cert, ca.cert, NID_name_constraints, names)) ||
        !X509_sign(ca.cert, ca.key, EVP_sha256())) {
        authority_done(&ca);
        return RC_NOMEM;
    }
    *out = ca;
    return RC_OK;
}

static enum rc authority_save(const char *cert_path, const char *key_path, const struct authority *ca)
{
    enum rc rc = x509_save_key(key_path, ca->key, true); /* the key first: a certificate says that all is there */

    return rc ? rc : x509_save(cert_path, ca->cert, true);
}

/* Read the authority. RC_NOT_FOUND: there is none, or it is near its end. */
static enum rc authority_load(const char *cert_path, const char *key_path, struct authority *out)
{
    struct authority ca = {NULL, NULL};
    enum rc rc = x509_load(cert_path, &ca.cert);

    if (!rc) {
        rc = x509_load_key(key_path, &ca.key);
        if (rc == RC_NOT_FOUND)
            rc = RC_CORRUPT; /* a certificate without its key */
    }
    if (!rc && X509_check_private_key(ca.cert, ca.key) != 1)
        rc = RC_CORRUPT;
    if (!rc && !x509_lasts(ca.cert, RENEW_DAYS))
        rc = RC_NOT_FOUND;
    if (rc)
        authority_done(&ca);
    else
        *out = ca;
    return rc;
}

static enum rc authority_ready(const struct certs_request *rq, const char *dir, const char *cert_path,
                               struct authority *out, struct reason to)
{
    char key_path[PATH_MAX], lock_path[PATH_MAX];
    bool constrained;
    int lock = -1;
    enum rc rc;

    if (path_join(key_path, dir, "ca.key") || path_join(lock_path, dir, "ca.lock"))
        return why_not(to.why, to.size, RC_IO, "the path of the CA directory %s is too long", dir);
    rc = lock_take(lock_path, LOCK_WAIT_MS, &lock);
    if (rc)
        return why_not(to.why, to.size, rc, "the CA directory %s cannot be locked: %s", dir,
                       rc == RC_BUSY ? "another process holds it" : strerror(errno));
    rc = authority_load(cert_path, key_path, out);
    if (rc == RC_NOT_FOUND) {
        rc = authority_make(rq, out);
        if (!rc) {
            rc = authority_save(cert_path, key_path, out);
            if (rc)
                authority_done(out);
        }
    }
    (void)close(lock);
    if (rc == RC_CORRUPT)
        return why_not(
            to.why, to.size, rc,
            "the CA in %s is damaged (ca.pem and ca.key do not fit together); remove both files to get a new CA, and "
            "trust the new one where the old one was trusted",
            dir);
    if (rc)
        return why_not(to.why, to.size, rc, "the CA in %s cannot be read or made: %s", dir,
                       rc == RC_IO ? strerror(errno) : rc_text(rc));
    constrained = X509_get_ext_by_NID(out->cert, NID_name_constraints, -1) >= 0;
    if (constrained == rq->unconstrained) {
        authority_done(out);
        return why_not(to.why, to.size, RC_REFUSED, "the CA in %s is %s; give %s", dir,
                       constrained ? "constrained to loopback names" : "unconstrained",
                       constrained ? "--ca-unconstrained another directory with --ca"
                                   : "--ca-unconstrained, or another directory with --ca");
    }
    return RC_OK;
}

static bool names_text(const struct certs_request *rq, char out[NAMES_MAX])
{
    struct buf b;
    bool ok;

    buf_init(&b, NAMES_MAX - 1);
    buf_addf(&b, "DNS:%s", rq->hostname);
    if (strcmp(rq->hostname, "localhost") != 0)
        buf_add(&b, STR(",DNS:localhost"));
    for (size_t i = 0; i < CERTS_HOSTS_MAX && rq->addresses[i]; i++)
        buf_addf(&b, ",IP:%s", rq->addresses[i]);
    ok = buf_ok(&b);
    if (ok)
        memcpy(out, b.at, b.len + 1);
    buf_done(&b);
    return ok;
}

static X509 *server_make(const struct certs_request *rq, const struct authority *ca, EVP_PKEY *key)
{
    char names[NAMES_MAX];
    X509 *cert = x509_new("twinsim hub", key, SERVER_DAYS);

    if (cert && names_text(rq, names) && X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) &&
        x509_extend(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
        x509_extend(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
        x509_extend(cert, ca->cert, NID_ext_key_usage, "serverAuth") &&
        x509_extend(cert, ca->cert, NID_subject_key_identifier, "hash") &&
        x509_extend(cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
        x509_extend(cert, ca->cert, NID_subject_alt_name, names) && X509_sign(cert, ca->key, EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

/* What a client that trusts this authority will say: X509_V_OK, or OpenSSL's reason. */
static int server_verify(X509 *cert, const struct authority *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int verdict = X509_V_ERR_OUT_OF_MEM;

    if (store && context && X509_STORE_add_cert(store, ca->cert) && X509_STORE_CTX_init(context, store, cert, NULL)) {
        if (X509_verify_cert(context) == 1)
            verdict = X509_V_OK;
        else
            verdict = X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
}

static bool server_is_good(const struct certs_request *rq, const struct authority *ca, X509 *cert, EVP_PKEY *key)
{
    if (X509_check_private_key(cert, key) != 1 || !x509_lasts(cert, RENEW_DAYS) ||
        server_verify(cert, ca) != X509_V_OK ||
        X509_check_host(cert, rq->hostname, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) != 1)
        return false;
    for (size_t i = 0; i < CERTS_HOSTS_MAX && rq->addresses[i]; i++)
        if (X509_check_ip_asc(cert, rq->addresses[i], 0) != 1)
            return false;
    return true;
}

static enum rc server_ready(const struct certs_request *rq, const struct authority *ca, const char *ca_dir,
                            const struct certs *paths, struct reason to)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    int verdict;
    enum rc rc = RC_NOMEM;

    if (!x509_load(paths->cert_file, &cert) && !x509_load_key(paths->key_file, &key) &&
        server_is_good(rq, ca, cert, key)) {
        rc = RC_OK;
        goto done;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    cert = NULL;
    key = x509_key_new();
    if (key)
        cert = server_make(rq, ca, key);
    if (!cert) {
        rc = why_not(to.why, to.size, RC_NOMEM, "a server certificate for %s cannot be made: %s", rq->hostname,
                     ERR_error_string(ERR_peek_last_error(), NULL));
        goto done;
    }
    verdict = server_verify(cert, ca);
    if (verdict == X509_V_ERR_PERMITTED_VIOLATION || verdict == X509_V_ERR_EXCLUDED_VIOLATION) {
        rc = why_not(
            to.why, to.size, RC_REFUSED,
            "the CA in %s may not vouch for %s (%s): choose a name that ends in .azure-devices.test and a loopback "
            "address, or give --ca another directory, where a CA for that name is made, or --ca-unconstrained",
            ca_dir, rq->hostname, rq->addresses[0] ? rq->addresses[0] : "no address");
        goto done;
    }
    if (verdict != X509_V_OK) {
        rc = why_not(to.why, to.size, RC_CORRUPT,
                     "the CA in %s does not verify its own certificate: %s; remove its files to get a new CA", ca_dir,
                     X509_verify_cert_error_string(verdict));
        goto done;
    }
    rc = x509_save_key(paths->key_file, key, false); /* a pair that a power cut spoils is made anew */
    if (!rc)
        rc = x509_save(paths->cert_file, cert, false);
    if (rc)
        rc = why_not(to.why, to.size, rc, "the server certificate cannot be written to %s: %s", rq->data_dir,
                     strerror(errno));

done:
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

/* The authority's directory, made when missing, as an absolute path. */
static enum rc find_dir(const struct certs_request *rq, char dir[PATH_MAX], struct reason to)
{
    char home[PATH_MAX], wanted[PATH_MAX];

    if (!rq->ca_dir && (data_home_find(home) || path_join(wanted, home, rq->unconstrained ? "ca-unconstrained" : "ca")))
        return why_not(to.why, to.size, RC_IO,
                       "there is no place for the CA: no home directory; give one with --ca DIR");
    if (dir_make(rq->ca_dir ? rq->ca_dir : wanted) || !realpath(rq->ca_dir ? rq->ca_dir : wanted, dir))
        return why_not(to.why, to.size, RC_IO, "the CA directory %s cannot be made: %s; give another one with --ca DIR",
                       rq->ca_dir ? rq->ca_dir : wanted, strerror(errno));
    return RC_OK;
}

enum rc certs_ready(const struct certs_request *rq, struct certs *out, char *why, size_t why_size)
{
    struct reason to = {why, why_size};
    struct authority ca = {NULL, NULL};
    struct certs paths;
    char dir[PATH_MAX];
    enum rc rc;

    rc = find_dir(rq, dir, to);
    if (rc)
        return rc;
    if (path_join(paths.ca_file, dir, "ca.pem") || path_join(paths.cert_file, rq->data_dir, "server.pem") ||
        path_join(paths.key_file, rq->data_dir, "server.key"))
        return why_not(why, why_size, RC_IO, "the path of %s or %s is too long", dir, rq->data_dir);
    rc = authority_ready(rq, dir, paths.ca_file, &ca, to);
    if (rc)
        return rc;
    rc = server_ready(rq, &ca, dir, &paths, to);
    authority_done(&ca);
    if (!rc)
        *out = paths;
    return rc;
}
