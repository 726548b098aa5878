/* test_tls.c - does the gateway's TLS hold its promise against a client that speaks it, and means no good? */
#include "tls.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bounds.h"
#include "test.h"

#define PLENTY (1024u * 1024)

/* Both ends of one connection, in one thread. */
struct pair {
    struct tls tls;
    struct wire wire; /* the gateway's end */
    SSL *server, *client;
    SSL_CTX *ctx; /* the client's */
    int fd;       /* the client's */
    char dir[32], cert[64], key[64], why[TLS_WHY_MAX];
    X509 *own;
    EVP_PKEY *own_key;
};

static void unused(void *arg)
{
    (void)arg;
}

static X509 *certificate_new(EVP_PKEY *key, const char *name, size_t padding)
{
    X509 *x = X509_new();
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *kind = OBJ_txt2obj("1.2.3.4", 1);
    X509_EXTENSION *extension;
    char *zeros = calloc(1, padding + 1);

    assert_true(x && data && kind && zeros);
    (void)ASN1_OCTET_STRING_set(data, (const unsigned char *)zeros, (int)padding);
    extension = X509_EXTENSION_create_by_OBJ(NULL, kind, 0, data);
    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                     0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_set_pubkey(x, key);
    (void)X509_add_ext(x, extension, -1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(kind);
    free(zeros);
    return x;
}

static void write_files(struct pair *p)
{
    FILE *f;

    (void)snprintf(p->dir, sizeof p->dir, "/tmp/twinsim-tls-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->cert, sizeof p->cert, "%s/cert.pem", p->dir);
    (void)snprintf(p->key, sizeof p->key, "%s/key.pem", p->dir);
    f = fopen(p->cert, "w");
    assert_true(f && PEM_write_X509(f, p->own) == 1);
    (void)fclose(f);
    f = fopen(p->key, "w");
    assert_true(f && PEM_write_PrivateKey(f, p->own_key, NULL, NULL, 0, NULL, NULL) == 1);
    (void)fclose(f);
}

static void pair_init(struct pair *p)
{
    int fds[2], size = 4 * PLENTY;

    memset(p, 0, sizeof *p);
    p->own_key = EVP_EC_gen("P-256");
    assert_non_null(p->own_key);
    p->own = certificate_new(p->own_key, "test", 0);
    write_files(p);
    assert_int_equal(tls_load(&p->tls, p->cert, p->key, NULL, p->why), RC_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    wire_init(&p->wire, 64 * PLENTY, unused, unused, p);
    p->wire.fd = fds[1]; /* no loop here: it is read and written by hand */
    p->fd = fds[0];
    p->server = tls_accept(&p->tls, &p->wire);
    p->ctx = SSL_CTX_new(TLS_client_method());
    p->client = SSL_new(p->ctx);
    assert_true(p->server && p->client && SSL_set_fd(p->client, p->fd) == 1);
}

static void pair_done(struct pair *p)
{
    SSL_free(p->client);
    SSL_CTX_free(p->ctx);
    SSL_free(p->server);
    buf_done(&p->wire.out);
    tls_done(&p->tls);
    (void)close(p->wire.fd);
    (void)close(p->fd);
    X509_free(p->own);
    EVP_PKEY_free(p->own_key);
    (void)unlink(p->cert);
    (void)unlink(p->key);
    (void)rmdir(p->dir);
}

/* What the gateway has queued goes to the client. */
static void deliver(struct pair *p)
{
    assert_int_equal(send(p->wire.fd, p->wire.out.at, p->wire.out.len, MSG_NOSIGNAL), p->wire.out.len);
    buf_reset(&p->wire.out);
}

/* The handshake, to its end. returns what the gateway's side says */
static enum tls_step shake(struct pair *p)
{
    enum tls_step step = TLS_AGAIN;

    for (size_t n = 0; n < 20 && step == TLS_AGAIN; n++) {
        (void)SSL_do_handshake(p->client);
        p->wire.allowance = PLENTY;
        step = tls_handshake(p->server, p->why);
        if (p->wire.out.len)
            deliver(p);
    }
    if (step == TLS_OK)
        assert_int_equal(SSL_do_handshake(p->client), 1);
    return step;
}

static void change_keys(struct pair *p, size_t times)
{
    for (size_t n = 0; n < times; n++) {
        assert_int_equal(SSL_key_update(p->client, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(p->client), 1);
    }
}

static void a_client_that_changes_its_keys_now_and_then_is_heard(void **state)
{
    struct pair p;
    char at[64];
    size_t n = 7;

    (void)state;
    pair_init(&p);
    SSL_set_connect_state(p.client);
    assert_int_equal(shake(&p), TLS_OK);
    for (size_t i = 0; i < 20; i++) {
        change_keys(&p, 10);
        assert_int_equal(SSL_write(p.client, "after", 5), 5);
        p.wire.allowance = PLENTY;
        do
            assert_int_equal(tls_read(p.server, at, sizeof at, &n, p.why), TLS_OK);
        while (n == 0);
        assert_int_equal(n, 5);
        assert_int_equal(tls_read(p.server, at, sizeof at, &n, p.why), TLS_AGAIN);
    }
    pair_done(&p);
}

/* It would hold up all others, and we answer each. */
static void a_client_that_changes_its_keys_again_and_again_is_broken(void **state)
{
    struct pair p;
    char at[64];
    size_t n = 7;

    (void)state;
    pair_init(&p);
    SSL_set_connect_state(p.client);
    assert_int_equal(shake(&p), TLS_OK);
    change_keys(&p, 3000);
    p.wire.allowance = PLENTY;
    assert_int_equal(tls_read(p.server, at, sizeof at, &n, p.why), TLS_FAILED);
    assert_string_equal(p.why, "the client changes its keys again and again");
    assert_true(p.wire.allowance >= PLENTY - 2 * BOUND_RECORD); /* the rest was not looked at */
    assert_true(p.wire.out.len < 2 * BOUND_RECORD);
    pair_done(&p);
}

/* TLS 1.2; the client gets a "no", and it counts like a change of keys. */
static void a_client_that_wants_to_begin_anew_is_counted(void **state)
{
    struct pair p;
    char at[64];
    size_t n = 7;

    (void)state;
    pair_init(&p);
    assert_int_equal(SSL_set_max_proto_version(p.client, TLS1_2_VERSION), 1);
    SSL_set_connect_state(p.client);
    assert_int_equal(shake(&p), TLS_OK);
    assert_int_equal(SSL_renegotiate(p.client), 1);
    assert_int_equal(SSL_do_handshake(p.client), -1);
    p.wire.allowance = PLENTY;
    (void)tls_read(p.server, at, sizeof at, &n, p.why);
    assert_int_equal(n, 0);
    assert_int_equal(p.wire.n_changes, 1);
    assert_true(p.wire.out.len > 0);
    pair_done(&p);
}

static void openssl_takes_no_more_from_a_wire_than_it_may(void **state)
{
    char data[4096] = "", at[BOUND_RECORD];
    size_t n, got = 0, turns = 0;
    struct pair p;

    (void)state;
    pair_init(&p);
    SSL_set_connect_state(p.client);
    assert_int_equal(shake(&p), TLS_OK);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(SSL_write(p.client, data, sizeof data), sizeof data);
    for (; got < 64 * sizeof data; turns++) {
        size_t before = got;

        p.wire.allowance = BOUND_RECORD;
        while (tls_read(p.server, at, sizeof at, &n, p.why) == TLS_OK)
            got += n;
        assert_true(got > before && got - before <= BOUND_RECORD + sizeof data);
        assert_true(p.wire.is_dry);
    }
    assert_true(turns >= 64 * sizeof data / BOUND_RECORD);
    pair_done(&p);
}

/* The client's own certificate, and `more` behind it of that many bytes and some. */
static enum tls_step shake_with(struct pair *p, int version, size_t more, size_t bytes)
{
    assert_int_equal(SSL_use_certificate(p->client, p->own), 1);
    assert_int_equal(SSL_use_PrivateKey(p->client, p->own_key), 1);
    assert_true(SSL_set_max_proto_version(p->client, version));
    for (size_t n = 0; n < more; n++) {
        X509 *other = certificate_new(p->own_key, "other", bytes);

        assert_int_equal(SSL_add0_chain_cert(p->client, other), 1);
    }
    SSL_set_connect_state(p->client);
    return shake(p);
}

static void of_a_clients_certificates_only_its_own_is_kept(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct pair p;
        X509 *kept;

        pair_init(&p);
        assert_int_equal(shake_with(&p, versions[i], 20, 1000), TLS_OK);
        kept = SSL_get1_peer_certificate(p.server);
        assert_non_null(kept);
        assert_int_equal(X509_cmp(kept, p.own), 0);
        assert_true(sk_X509_num(SSL_get_peer_cert_chain(p.server)) <= 0);
        X509_free(kept);
        pair_done(&p);
    }
}

static void certificates_of_more_than_32_kb_end_the_handshake(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p);
    assert_int_equal(shake_with(&p, TLS1_3_VERSION, 33, 1000), TLS_FAILED);
    assert_non_null(strstr(p.why, "excessive message size"));
    pair_done(&p);
}

/* A handshake over a large group of integers takes us a tenth of a second, in which all others wait; the client need not even compute. */
static void key_exchange_is_over_curves_alone(void **state)
{
    static const struct {
        const char *group;
        enum tls_step step;
    } rows[] = {{"X25519", TLS_OK}, {"P-256", TLS_OK},         {"P-384", TLS_OK},
                {"P-521", TLS_OK},  {"ffdhe2048", TLS_FAILED}, {"ffdhe8192", TLS_FAILED}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pair p;
        char group[32];

        print_message("  %s\n", rows[i].group);
        pair_init(&p);
        (void)snprintf(group, sizeof group, "%s", rows[i].group);
        assert_int_equal(SSL_set1_groups_list(p.client, group), 1);
        SSL_set_connect_state(p.client);
        assert_int_equal(shake(&p), rows[i].step);
        pair_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_changes_its_keys_now_and_then_is_heard),
        cmocka_unit_test(a_client_that_changes_its_keys_again_and_again_is_broken),
        cmocka_unit_test(a_client_that_wants_to_begin_anew_is_counted),
        cmocka_unit_test(openssl_takes_no_more_from_a_wire_than_it_may),
        cmocka_unit_test(of_a_clients_certificates_only_its_own_is_kept),
        cmocka_unit_test(key_exchange_is_over_curves_alone),
        cmocka_unit_test(certificates_of_more_than_32_kb_end_the_handshake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
