/* fuzz.h - what a fuzz target is made of: any bytes in, every law asserted; and a folder for those that read files.
 *
 * A target is one file with one function. With libFuzzer (scripts/fuzz) it is called with bytes that reach new code; without
 * (replay.c) with the files of its corpus, in every ordinary test run. Its asserts are cmocka's, and end the process here.
 * Inputs of several parts are lines, so that a corpus can be read and written by hand. What one call leaves must not change the next.
 */
#ifndef TWINSIM_FUZZ_H
#define TWINSIM_FUZZ_H

#include "feed.h"

/* One input. It is a heap copy of exactly its size. returns 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a view that is never without a pointer. */
static inline struct str fuzz_text(const uint8_t *data, size_t size)
{
    return str_of(size ? (const char *)data : "", size);
}

/* The next line, without its end; *rest.at is NULL behind the last. */
static inline struct str fuzz_line(struct str *rest)
{
    return str_cut(rest, '\n');
}

/* The path of a file of that name in this process's own folder, which goes at the process's end. Lends. */
const char *fuzz_path(const char *name);
/* The same, with that content. */
const char *fuzz_file(const char *name, struct str text);

#endif
