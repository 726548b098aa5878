/* wire.c - see wire.h. */
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_init(struct wire *w, size_t max_queued, wire_fn *on_readable, wire_fn *on_written, void *arg)
{
    memset(w, 0, sizeof *w);
    w->fd = -1;
    buf_init(&w->out, max_queued);
    w->on_readable = on_readable;
    w->on_written = on_written;
    w->arg = arg;
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
    struct wire *w = arg;

    (void)fd;
    (void)what;
    w->on_readable(w->arg);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
    struct wire *w = arg;

    (void)fd;
    (void)what;
    wire_flush(w);
    w->on_written(w->arg);
}

enum rc wire_open(struct wire *w, struct event_base *base, int fd)
{
    assert(w->fd < 0 && fd >= 0);
    if (event_assign(&w->readable, base, fd, EV_READ | EV_PERSIST, readable, w) ||
        event_assign(&w->writable, base, fd, EV_WRITE, writable, w) || event_add(&w->readable, NULL)) {
        (void)close(fd);
        return RC_NOMEM;
    }
    w->fd = fd;
    w->is_reading = true;
    return RC_OK;
}

void wire_close(struct wire *w)
{
    buf_done(&w->out);
    w->sent = 0;
    if (w->fd < 0)
        return;
    (void)event_del(&w->readable);
    (void)event_del(&w->writable);
    (void)close(w->fd);
    w->fd = -1;
    w->is_reading = false;
}

void wire_read_off(struct wire *w)
{
    if (w->fd < 0 || !w->is_reading)
        return;
    (void)event_del(&w->readable);
    w->is_reading = false;
}

void wire_read_on(struct wire *w)
{
    if (w->fd < 0 || w->is_reading)
        return;
    w->is_reading = event_add(&w->readable, NULL) == 0;
}

ssize_t wire_recv(struct wire *w, void *at, size_t size)
{
    ssize_t n;

    if (w->has_ended)
        return 0;
    do
        n = recv(w->fd, at, size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return WIRE_AGAIN;
    w->has_ended = true;
    return n == 0 ? 0 : WIRE_BROKEN;
}

bool wire_discard(struct wire *w)
{
    char nowhere[16384];
    ssize_t n = wire_recv(w, nowhere, sizeof nowhere);

    return n > 0 || n == WIRE_AGAIN;
}

enum rc wire_put(struct wire *w, struct str bytes)
{
    if (w->is_deaf || w->is_shut)
        return RC_OK;
    /* What has left already is cut off when that is worth a move. */
    if (w->sent && w->sent >= w->out.len / 2) {
        memmove(w->out.at, w->out.at + w->sent, w->out.len - w->sent);
        w->out.len -= w->sent;
        w->sent = 0;
    }
    buf_add(&w->out, bytes);
    return w->out.rc;
}

void wire_drop_queue(struct wire *w)
{
    buf_done(&w->out);
    w->sent = 0;
    if (w->fd >= 0)
        (void)event_del(&w->writable);
}

void wire_flush(struct wire *w)
{
    ssize_t n;

    if (w->fd < 0 || wire_queued(w) == 0)
        return;
    do
        n = send(w->fd, w->out.at + w->sent, wire_queued(w), MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
        w->is_deaf = true; /* what the peer sent before it went is still read */
        wire_drop_queue(w);
        return;
    }
    if (n > 0)
        w->sent += (size_t)n;
    if (wire_queued(w) == 0)
        wire_drop_queue(w); /* the memory, too: an idle connection holds none */
    else
        (void)event_add(&w->writable, NULL);
}

void wire_shut(struct wire *w)
{
    if (w->fd < 0 || w->is_shut)
        return;
    w->is_shut = true;
    (void)shutdown(w->fd, SHUT_WR);
}

/* --- OpenSSL's door ------------------------------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *at, int size)
{
    struct wire *w = BIO_get_data(bio);
    size_t most = size > 0 ? (size_t)size : 0;
    ssize_t n = WIRE_AGAIN;

    BIO_clear_retry_flags(bio);
    if (most > w->allowance)
        most = w->allowance;
    if (most)
        n = wire_recv(w, at, most);
    if (n > 0)
        w->allowance -= (size_t)n;
    w->is_dry = n == WIRE_AGAIN;
    if (w->is_dry)
        BIO_set_retry_read(bio);
    return n >= 0 ? (int)n : -1;
}

static int bio_write(BIO *bio, const char *at, int size)
{
    BIO_clear_retry_flags(bio);
    return size > 0 && wire_put(BIO_get_data(bio), str_of(at, (size_t)size)) == RC_OK ? size : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct wire *w = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1; /* at the end of the turn */
    return command == BIO_CTRL_EOF && w->has_ended;
}

BIO_METHOD *wire_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

    if (!method || !BIO_meth_set_read(method, bio_read) || !BIO_meth_set_write(method, bio_write) ||
        !BIO_meth_set_ctrl(method, bio_ctrl)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *wire_bio(const BIO_METHOD *method, struct wire *w)
{
    BIO *bio = BIO_new(method);

    if (bio) {
        BIO_set_data(bio, w);
        BIO_set_init(bio, 1);
    }
    return bio;
}
