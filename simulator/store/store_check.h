/* store_check.h - is what a data directory holds whole? For a directory on which no hub runs.
 *
 * Nothing is mended and nothing of the hub is written: the directory is locked meanwhile, and that is all that changes in it. What is
 * held against what:
 *
 *   the file        its pages and indexes (SQLite's integrity_check)
 *   identity        its document is read by the hub's own reader, and bears its name; a module has a device
 *   journal         every row is somebody's, can be read, and is in the index; no version is left out or comes twice
 *   snapshot        is what the rows before it give: the whole twin where they are all there, else its counters
 *   message         can be read, and waits for somebody; so does feedback
 */
#ifndef TWINSIM_STORE_CHECK_H
#define TWINSIM_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rc.h"

struct store_problem {
    const char *id;    /* "device" or "device/module"; empty: of nobody known */
    const char *table; /* where: "journal", "message" ...; empty: the file as a whole */
    int64_t row;       /* its number there; 0: none */
    const char *what;  /* a sentence without a full stop; never a key or a body */
};

struct store_census {
    int64_t identities, rows, messages, feedback; /* rows: of the journal */
    int64_t problems;
};

/* Look through all of it, in order of the list above.
 *
 * each     called for every problem; lends it for the call
 * out      written on RC_OK
 * why      at least 256 bytes: on failure what was wrong and what to do, for a person
 * returns  RC_OK         it was looked through; out->problems says how it is
 *          RC_NOT_FOUND  there is no hub's database in that directory, and nothing was made there
 *          RC_BUSY       a hub runs on it, or another check
 *          RC_CORRUPT    it cannot even be opened
 *          RC_IO, RC_NOMEM
 */
MUST_USE enum rc store_check(const char *dir, void (*each)(void *arg, const struct store_problem *problem), void *arg,
                             struct store_census *out, char *why, size_t why_size);

#endif
