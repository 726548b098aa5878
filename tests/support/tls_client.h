/* tls_client.h - a TLS connection that never waits: for test programs that hold hundreds of them in one loop.
 *
 * Bytes go out as far as the peer takes them; what it does not take stays queued up to a ceiling. Nothing is checked of the
 * peer's certificate: these programs start the hub themselves, on loopback.
 */
#ifndef TWINSIM_TLS_CLIENT_H
#define TWINSIM_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_CLIENT_QUEUE_MAX 65536u /* bytes the peer has not taken yet; more are refused */

struct tls_client {
    int fd; /* -1: closed */
    SSL *ssl;
    bool is_open; /* the handshake is done */
    unsigned char *queue;
    size_t queued;
};

/* Begin to connect. returns false when there are no descriptors or no memory. */
bool tls_client_start(struct tls_client *c, SSL_CTX *tls, const char *host, int port);
/* Go on: the handshake first, then what is queued. returns false when the connection is gone (and closed now). */
bool tls_client_step(struct tls_client *c);
/* Send or queue. returns false when the connection is gone, or the queue is full: then nothing of it was taken. */
bool tls_client_write(struct tls_client *c, const void *at, size_t len);
/* What has come. returns bytes; 0: nothing now; -1: gone (and closed now). */
int tls_client_read(struct tls_client *c, void *at, size_t size);
/* Wait until something came, or the time is over. */
void tls_client_wait(const struct tls_client *c, int timeout_ms);
/* Close without good-bye; with a reset, if wanted. */
void tls_client_close(struct tls_client *c, bool is_reset);

#endif
