/* tls.c - see tls.h. */
#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>

#define CHANGES_MAX     32u          /* of a client's keys, in one read */
#define CHAIN_BYTES_MAX (32L * 1024) /* of a client's certificates */

/* What most newcomers meet first, in plain words: OpenSSL's own say only which alert came. */
static const char *hint_of(unsigned long code)
{
    if (ERR_GET_LIB(code) == ERR_LIB_SSL)
        switch (ERR_GET_REASON(code)) {
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            return " (does the client trust the hub's CA?)";
        default:
            break;
        }
    return "";
}

/* The oldest error is the cause; the others follow from it. */
static void explain(char *why, const char *what, const char *file)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (!reason)
        reason = code && ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : "it failed";
    (void)snprintf(why, TLS_WHY_MAX, "%s%s%s%s%s", what, file ? file : "", *what ? ": " : "", reason, hint_of(code));
    ERR_clear_error();
}

/* Any certificate will do here; what it is worth is asked later. Those behind it go at once: parsed they are twenty times as large, and
 * OpenSSL would keep them as long as the connection lives. Nor is a chain built of them, which takes milliseconds. */
static int take_any(X509_STORE_CTX *store, void *unused)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);

    (void)unused;
    while (sk_X509_num(sent) > 1)
        X509_free(sk_X509_pop(sent));
    return 1;
}

/* A client that wants new keys: a KeyUpdate, or (TLS 1.2) a handshake anew, which OpenSSL answers with this alert. Both cost it less than us. */
static void count_changes(int is_ours, int version, int kind, const void *at, size_t len, SSL *ssl, void *unused)
{
    const unsigned char *bytes = at;
    struct wire *w = BIO_get_data(SSL_get_rbio(ssl));

    (void)version;
    (void)unused;
    if ((!is_ours && kind == SSL3_RT_HANDSHAKE && len && bytes[0] == SSL3_MT_KEY_UPDATE) ||
        (is_ours && kind == SSL3_RT_ALERT && len == 2 && bytes[1] == SSL_AD_NO_RENEGOTIATION))
        w->n_changes++;
}

static SSL_CTX *context_new(void)
{
    /* Not OpenSSL's own list: a client that wants ffdhe8192 pays nothing, and we a tenth of a second. */
    char groups[] = "X25519:P-256:P-384:P-521:X448";
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx)
        return NULL;
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set1_groups_list(ctx, groups);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* Without NO_AUTO_CHAIN our own chain is built and verified anew in each handshake. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    /* A read ends with what is buffered, also when that holds no data: a client that only changes its keys holds nobody up. */
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_msg_callback(ctx, count_changes);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
    (void)SSL_CTX_set_max_cert_list(ctx, CHAIN_BYTES_MAX);
    return ctx;
}

enum rc tls_load(struct tls *t, const char *cert, const char *key, const char *ca, char *why)
{
    SSL_CTX *ctx;
    enum rc rc = RC_IO;

    ERR_clear_error();
    if (!t->bio)
        t->bio = wire_bio_method();
    ctx = context_new();
    if (!ctx || !t->bio) {
        (void)snprintf(why, TLS_WHY_MAX, "out of memory");
        SSL_CTX_free(ctx);
        return RC_NOMEM;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1) {
        explain(why, "the certificate ", cert);
        goto done;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        explain(why, "the key ", key);
        goto done;
    }
    /* A key of another type than the certificate's loads without a word (facts B-51). */
    if (SSL_CTX_check_private_key(ctx) != 1) {
        explain(why, "the certificate and the key do not belong together", NULL);
        rc = RC_REFUSED;
        goto done;
    }
    if (ca && SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
        explain(why, "the authorities ", ca);
        goto done;
    }
    SSL_CTX_free(t->ctx);
    t->ctx = ctx;
    ctx = NULL;
    rc = RC_OK;

done:
    SSL_CTX_free(ctx);
    return rc;
}

void tls_done(struct tls *t)
{
    SSL_CTX_free(t->ctx);
    BIO_meth_free(t->bio);
    memset(t, 0, sizeof *t);
}

SSL *tls_accept(const struct tls *t, struct wire *w)
{
    SSL *ssl = SSL_new(t->ctx);
    BIO *bio = ssl ? wire_bio(t->bio, w) : NULL;

    if (!bio) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return ssl;
}

/* What a call that did not succeed means. */
static enum tls_step step_of(SSL *ssl, int result, char *why)
{
    int saved = errno;

    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    case SSL_ERROR_SYSCALL: /* the socket's own failure, or its end within the handshake */
        (void)snprintf(why, TLS_WHY_MAX, "%s", saved ? strerror(saved) : "the connection was closed");
        ERR_clear_error();
        return TLS_ENDED;
    default:
        explain(why, "", NULL);
        return TLS_FAILED;
    }
}

enum tls_step tls_handshake(SSL *ssl, char *why)
{
    int result;

    *why = '\0';
    ERR_clear_error();
    errno = 0;
    result = SSL_accept(ssl);
    return result == 1 ? TLS_OK : step_of(ssl, result, why);
}

enum tls_step tls_read(SSL *ssl, void *at, size_t size, size_t *n, char *why)
{
    struct wire *w = BIO_get_data(SSL_get_rbio(ssl));
    enum tls_step step;
    int result;

    *why = '\0';
    ERR_clear_error();
    errno = 0;
    *n = 0;
    w->is_dry = false;
    w->n_changes = 0;
    result = SSL_read_ex(ssl, at, size, n);
    if (w->n_changes > CHANGES_MAX) {
        (void)snprintf(why, TLS_WHY_MAX, "the client changes its keys again and again");
        ERR_clear_error();
        return TLS_FAILED;
    }
    if (result == 1)
        return TLS_OK;
    step = step_of(ssl, result, why);
    return step == TLS_AGAIN && !w->is_dry ? TLS_OK : step;
}

bool tls_has_more(const SSL *ssl)
{
    return SSL_has_pending(ssl) == 1;
}

enum rc tls_write(SSL *ssl, struct str bytes)
{
    size_t n = 0;

    ERR_clear_error();
    if (bytes.len == 0 || (SSL_write_ex(ssl, bytes.at, bytes.len, &n) == 1 && n == bytes.len))
        return RC_OK;
    ERR_clear_error();
    return RC_NOMEM;
}

void tls_say_end(SSL *ssl)
{
    ERR_clear_error();
    if (SSL_is_init_finished(ssl))
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
