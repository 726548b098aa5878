/* feed.h - bytes nobody meant to send, for parsers: every prefix of a good text, and seeded mutations of it.
 *
 * Each is handed over as a heap copy of exactly its size, so that the address sanitizer sees a read past the end. The
 * callback asserts what must hold for any bytes. TWINSIM_SEED changes the mutations (seed.h).
 */
#ifndef TWINSIM_FEED_H
#define TWINSIM_FEED_H

#include "buf.h"
#include "seed.h"
#include "test.h"

#define FEED_ROUNDS 4000u

typedef void feed_fn(struct str text);

/* Does the view lie inside the text? An empty one may lie anywhere. */
static inline bool feed_is_inside(struct str view, struct str text)
{
    return view.len == 0 || ((uintptr_t)view.at >= (uintptr_t)text.at && view.len <= text.len &&
                             (uintptr_t)view.at - (uintptr_t)text.at <= text.len - view.len);
}

static inline void feed_exact(struct str text, feed_fn *fn)
{
    char *copy = copy_exact(text.at, text.len);

    fn(str_of(copy, text.len));
    free(copy);
}

static inline void feed_prefixes(struct str good, feed_fn *fn)
{
    for (size_t n = 0; n <= good.len; n++)
        feed_exact(str_first(good, n), fn);
}

/* One change: a byte replaced, removed or put in, or a piece of the text put in once more. */
static inline void feed_mutate(struct buf *text, uint64_t *state)
{
    static const char likely[] = "/?&=%;.:$#+@- 0129aAfFZ\t\n\"\\{}[]\x7f\xc3\xa9\xff";
    struct str whole = buf_view(text);
    size_t at = seed_random(state, whole.len + 1);
    char byte = seed_random(state, 4) ? likely[seed_random(state, sizeof likely)] : (char)seed_random(state, 256);
    size_t how = seed_random(state, 4);
    struct buf next;

    buf_init(&next, 0);
    buf_add(&next, str_first(whole, at));
    if (how == 3)
        buf_add(&next, str_first(str_skip(whole, seed_random(state, whole.len + 1)), seed_random(state, 12)));
    else if (how != 2)
        buf_add_char(&next, byte);
    buf_add(&next, str_skip(whole, how == 1 || how == 2 ? at + 1 : at));
    assert_true(buf_ok(&next));
    buf_done(text);
    *text = next;
}

static inline void feed_mutations(struct str good, feed_fn *fn)
{
    uint64_t state = seed_state(seed_first());

    for (size_t round = 0; round < FEED_ROUNDS; round++) {
        struct buf text;

        buf_init(&text, 0);
        buf_add(&text, good);
        for (size_t n = 1 + seed_random(&state, 6); n; n--)
            feed_mutate(&text, &state);
        feed_exact(buf_view(&text), fn);
        buf_done(&text);
    }
}

#endif
