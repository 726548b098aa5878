/* record.h - what happens in a scenario is written down, line by line, as it happens: a recording.
 *
 * The format is told in docs/reference/recording.md; recording.h reads it. Secrets are masked (mask.h) in every line, and keys in
 * commands are left out. A line is written as a whole before the next thing happens, so that a crash leaves what was there.
 */
#ifndef TWINSIM_RECORD_H
#define TWINSIM_RECORD_H

#include "mask.h"
#include "normalise.h"

#define RECORDING_FORMAT 1

struct recorder {
    int fd; /* -1: nothing is recorded */
    const struct masks *masks;
    int64_t began_us;              /* offset 0, on the monotonic clock */
    int64_t changed_us;            /* when the normalised timeline last changed */
    struct normal_timeline normal; /* of the events so far */
    enum rc rc;                    /* the first failure; nothing is written any more then */
    int error;                     /* errno of it */
};

/* A recorder that records nothing. */
void recorder_init(struct recorder *rec);
void recorder_done(struct recorder *rec);

/* Make the file (an older one is gone) and write its first line, which is taken over (NULL: no memory). masks must outlive rec.
 * returns RC_OK, RC_BUSY (somebody else is writing it), RC_IO (errno), RC_NOMEM, RC_LIMIT */
MUST_USE enum rc recorder_open(struct recorder *rec, const char *path, const struct masks *masks, int64_t now_us,
                               cJSON *header);

/* Write a line {"offset_us":..,key:value} of an identity, event, command, answer, process, device or verdict. value is taken over
 * (NULL: no memory). Nothing happens when nothing is recorded, or something failed before: see rec->rc. */
void recorder_add(struct recorder *rec, int64_t now_us, const char *key, cJSON *value);

/* An event: it is only read. */
void recorder_add_event(struct recorder *rec, int64_t now_us, const cJSON *event);

#endif
