/* tls.h - TLS towards clients: certificates that can be changed while connections live, handshakes, and records.
 *
 * TLS 1.2 and 1.3. A client certificate is asked for and any is taken, none too: who judges it comes later. No session is resumed: a
 * resumed one would skip the client's certificate. Of a client's certificates only its own is kept.
 */
#ifndef TWINSIM_TLS_H
#define TWINSIM_TLS_H

#include <openssl/ssl.h>

#include "wire.h"

#define TLS_WHY_MAX 256u /* bytes of a message */

struct tls {
    SSL_CTX *ctx; /* what new connections get; living ones keep theirs */
    BIO_METHOD *bio;
};

enum tls_step {
    TLS_OK,
    TLS_AGAIN,  /* more must be read first */
    TLS_ENDED,  /* the peer has ended its side */
    TLS_FAILED, /* broken; why tells */
};

/* Load certificate chain and key (PEM files), and the authorities that client certificates are looked at with (NULL: none).
 * On a living tls: the new ones are for connections to come; if they cannot be used, the old ones stay.
 *
 * why      at least TLS_WHY_MAX bytes: what was wrong, for a person
 * returns  RC_OK, RC_IO (a file cannot be used), RC_REFUSED (key and certificate do not belong together), RC_NOMEM
 */
MUST_USE enum rc tls_load(struct tls *t, const char *cert, const char *key, const char *ca, char *why);
/* All zero is fine, too. */
void tls_done(struct tls *t);

/* The server's side of a connection over that wire. returns NULL when out of memory; freed with SSL_free */
SSL *tls_accept(const struct tls *t, struct wire *w);
/* Go on with the handshake. returns TLS_OK when it is done; TLS_AGAIN, TLS_ENDED, TLS_FAILED */
enum tls_step tls_handshake(SSL *ssl, char *why);
/* Read what there is, up to size bytes and one record. returns TLS_OK (*n bytes; 0: there was none for us, but more may follow), TLS_AGAIN,
 * TLS_ENDED, TLS_FAILED */
enum tls_step tls_read(SSL *ssl, void *at, size_t size, size_t *n, char *why);
/* Is there more inside OpenSSL, for which the socket will not become readable? */
bool tls_has_more(const SSL *ssl);
/* Queue bytes on the wire. returns RC_OK or RC_NOMEM (the connection is of no more use) */
MUST_USE enum rc tls_write(SSL *ssl, struct str bytes);
/* Queue the word that nothing more comes. */
void tls_say_end(SSL *ssl);

#endif
