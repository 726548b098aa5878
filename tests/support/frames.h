/* frames.h - what a framer makes of a stream, as text: so that two ways to slice it can be compared, and read by a person. */
#ifndef TWINSIM_FRAMES_H
#define TWINSIM_FRAMES_H

#include "mqtt_frame.h"
#include "test.h"

struct frames {
    struct framer framer;
    struct buf log; /* a line a packet: type, flags, its bytes in hex; and a line for a mistake */
    size_t packets;
    enum frame_step last;
};

static inline void frames_init(struct frames *f, size_t max)
{
    memset(f, 0, sizeof *f);
    framer_init(&f->framer, max);
    buf_init(&f->log, 64u * 1024 * 1024);
    f->last = FRAME_MORE;
}

static inline void frames_done(struct frames *f)
{
    framer_done(&f->framer);
    buf_done(&f->log);
}

/* One piece, as a heap copy that is gone when the framer has taken it. Nothing is fed behind a mistake. */
static inline void frames_feed(struct frames *f, struct str piece)
{
    char *copy = copy_exact(piece.at, piece.len);
    struct mqtt_packet p;
    const char *why = NULL;

    if (f->last != FRAME_MORE) {
        free(copy);
        return;
    }
    framer_feed(&f->framer, str_of(copy, piece.len));
    while ((f->last = framer_next(&f->framer, &p, &why)) == FRAME_PACKET) {
        assert_true(p.whole.len >= 2 && p.body.len <= p.whole.len - 2);
        assert_int_equal((unsigned char)p.whole.at[0], (unsigned)p.type << 4 | p.flags);
        assert_true(p.whole.len <= f->framer.max);
        buf_addf(&f->log, "%d/%d ", (int)p.type, (int)p.flags);
        for (size_t i = 0; i < p.whole.len; i++)
            buf_addf(&f->log, "%02x", (unsigned char)p.whole.at[i]);
        buf_add_char(&f->log, '\n');
        f->packets++;
    }
    if (f->last != FRAME_MORE) {
        buf_addf(&f->log, "%s: %s\n", f->last == FRAME_MALFORMED ? "malformed" : "too large", why);
        assert_int_equal(framer_next(&f->framer, &p, &why), f->last); /* it stays so */
    }
    free(copy);
    assert_true(buf_ok(&f->log));
}

/* The log of a stream in pieces of n bytes, the first of them first bytes long. */
static inline void frames_of(struct frames *f, struct str stream, size_t max, size_t first, size_t n)
{
    frames_init(f, max);
    frames_feed(f, str_first(stream, first));
    stream = str_skip(stream, first);
    while (stream.len) {
        frames_feed(f, str_first(stream, n));
        stream = str_skip(stream, n);
    }
}

static inline void assert_frames_equal(const struct frames *a, const struct frames *b)
{
    assert_string_equal(a->log.at ? a->log.at : "", b->log.at ? b->log.at : "");
}

#endif
