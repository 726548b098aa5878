/* wire.h - one end of a connection: a socket, what waits to leave through it, and OpenSSL's door to it.
 *
 * These are the only places where bytes meet a socket: wire_recv and wire_flush. Writing is never refused: wire_put queues, wire_flush sends
 * all of it in one call at the end of a turn, and goes on by itself when the socket takes more. How much may wait is the owner's to
 * judge (wire_queued).
 */
#ifndef TWINSIM_WIRE_H
#define TWINSIM_WIRE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/bio.h>
#include <sys/types.h>

#include "buf.h"

#define WIRE_AGAIN  ((ssize_t)-1) /* nothing to read now */
#define WIRE_BROKEN ((ssize_t)-2) /* reset, or another failure; errno tells */

typedef void wire_fn(void *arg);

struct wire {
    int fd; /* -1: not open (yet): what is put waits */
    struct event readable, writable;
    struct buf out;
    size_t sent;        /* bytes of out that have left */
    bool is_reading;    /* readable is armed */
    bool has_ended;     /* the peer sends no more */
    bool is_deaf;       /* the peer takes no more: what is put goes nowhere */
    bool is_shut;       /* we send no more */
    size_t allowance;   /* bytes that OpenSSL may take before others are heard; the owner gives more */
    bool is_dry;        /* OpenSSL wanted more than there was, or than it may take */
    unsigned n_changes; /* of the client's keys, in one read */
    wire_fn *on_readable, *on_written;
    void *arg;
};

/* max_queued  ceiling of what waits, in bytes; reaching it makes wire_put fail
 * on_readable called when there is something to read, or the end
 * on_written  called when some of what waited has left, and when the peer turned out to be deaf; not from within wire_flush */
void wire_init(struct wire *w, size_t max_queued, wire_fn *on_readable, wire_fn *on_written, void *arg);
/* Take a non-blocking socket over and begin to read. returns RC_OK, or RC_NOMEM (the socket is closed) */
MUST_USE enum rc wire_open(struct wire *w, struct event_base *base, int fd);
/* Close the socket and forget what waits; nothing happens when it is closed already. */
void wire_close(struct wire *w);

void wire_read_off(struct wire *w);
void wire_read_on(struct wire *w);

/* Read what is there. returns bytes read (1..size), 0 at the end, WIRE_AGAIN, WIRE_BROKEN */
ssize_t wire_recv(struct wire *w, void *at, size_t size);
/* Read and throw away. returns false when the end, or a failure, was met */
bool wire_discard(struct wire *w);
/* Queue bytes. returns RC_OK, RC_NOMEM, RC_LIMIT */
MUST_USE enum rc wire_put(struct wire *w, struct str bytes);
/* Send what waits: one call. What the socket does not take follows by itself. */
void wire_flush(struct wire *w);
/* Forget what waits. */
void wire_drop_queue(struct wire *w);
/* Say that nothing more comes from us; call it when nothing waits. */
void wire_shut(struct wire *w);

static inline size_t wire_queued(const struct wire *w)
{
    return w->out.len - w->sent;
}

/* How OpenSSL reads and writes through a wire. returns NULL when out of memory; freed with BIO_meth_free */
BIO_METHOD *wire_bio_method(void);
/* A BIO of that method on a wire. returns NULL when out of memory */
BIO *wire_bio(const BIO_METHOD *method, struct wire *w);

#endif
