/* tls_client.c - see tls_client.h. */
#include "tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool tls_client_start(struct tls_client *c, SSL_CTX *tls, const char *host, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int on = 1;

    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return false;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->queue = malloc(TLS_CLIENT_QUEUE_MAX);
    c->ssl = SSL_new(tls);
    if (!c->queue || !c->ssl || inet_pton(AF_INET, host, &to.sin_addr) != 1 || !SSL_set_fd(c->ssl, c->fd) ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)) {
        tls_client_close(c, false);
        return false;
    }
    SSL_set_connect_state(c->ssl);
    return true;
}

void tls_client_close(struct tls_client *c, bool is_reset)
{
    struct linger at_once = {.l_onoff = 1};

    if (c->fd >= 0) {
        if (is_reset)
            (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(c->fd);
    }
    SSL_free(c->ssl);
    free(c->queue);
    memset(c, 0, sizeof *c);
    c->fd = -1;
}

/* After a call on the SSL that did not get on: must it only wait? */
static bool must_wait(const struct tls_client *c, int result)
{
    int why = SSL_get_error(c->ssl, result);

    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || (why == SSL_ERROR_SYSCALL && errno == EAGAIN);
}

static bool lost(struct tls_client *c)
{
    ERR_clear_error();
    tls_client_close(c, false);
    return false;
}

bool tls_client_step(struct tls_client *c)
{
    int n;

    if (c->fd < 0)
        return false;
    ERR_clear_error();
    errno = 0;
    if (!c->is_open) {
        n = SSL_do_handshake(c->ssl);
        if (n != 1)
            return errno == ENOTCONN || must_wait(c, n) || lost(c); /* ENOTCONN: TCP is still on its way */
        c->is_open = true;
    }
    while (c->queued) {
        n = SSL_write(c->ssl, c->queue, (int)c->queued);
        if (n <= 0)
            return must_wait(c, n) || lost(c);
        c->queued -= (size_t)n;
        memmove(c->queue, c->queue + n, c->queued);
    }
    return true;
}

bool tls_client_write(struct tls_client *c, const void *at, size_t len)
{
    if (c->fd < 0 || c->queued + len > TLS_CLIENT_QUEUE_MAX)
        return false;
    memcpy(c->queue + c->queued, at, len);
    c->queued += len;
    return tls_client_step(c);
}

int tls_client_read(struct tls_client *c, void *at, size_t size)
{
    int n;

    if (!tls_client_step(c))
        return -1;
    if (!c->is_open)
        return 0;
    ERR_clear_error();
    n = SSL_read(c->ssl, at, (int)size);
    if (n > 0)
        return n;
    if (must_wait(c, n))
        return 0;
    (void)lost(c);
    return -1;
}

void tls_client_wait(const struct tls_client *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    if (SSL_want_write(c->ssl))
        p.events |= POLLOUT;
    (void)poll(&p, 1, timeout_ms);
}
