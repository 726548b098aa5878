/* recording.h - a recording is read: whole and of the right form, or refused with the line that is wrong.
 *
 * The format is told in docs/reference/recording.md; record.h writes it. Nothing is executed, and nothing in a file can do more harm
 * than to be refused.
 */
#ifndef TWINSIM_RECORDING_H
#define TWINSIM_RECORDING_H

#include "normalise.h"
#include "why.h"

#define RECORDING_BYTES_MAX ((size_t)512 << 20)
#define RECORDING_LINE_MAX  ((size_t)16 << 20) /* bytes */

#define RECORDING_LIST(X)                                                                                              \
    X(IDENTITY, "identity")                                                                                            \
    X(EVENT, "event")                                                                                                  \
    X(COMMAND, "command")                                                                                              \
    X(ANSWER, "answer")                                                                                                \
    X(PROCESS, "process")                                                                                              \
    X(DEVICE, "device")                                                                                                \
    X(VERDICT, "verdict")

#define RECORDING_ENUM(name, text) RECORDING_##name,
enum recording_kind { RECORDING_LIST(RECORDING_ENUM) };
#undef RECORDING_ENUM

struct recording_item {
    enum recording_kind kind;
    int64_t offset_us;
    const cJSON *value; /* the member that its kind names */
    size_t line;        /* in the file, from 1 */
    cJSON *tree;        /* owned */
};

struct recording {
    char *file; /* as the user named it */
    cJSON *header;
    struct recording_item
        *items; /* in the order of the file, but that a command stands right before the first event it caused */
    size_t count;
    const char *verdict; /* NULL: it is cut */
};

/* Read a recording file and check every line.
 *
 * take_cut  also a recording that was not written to its end: what is whole of it
 * why       "file:line: what is wrong"
 * returns   RC_OK (*out for recording_free), RC_NOT_FOUND, RC_IO, RC_SYNTAX (a line is not what it must be), RC_LIMIT (a line or the file is
 *           too large), RC_REFUSED (of a newer format), RC_CORRUPT (cut), RC_NOMEM */
MUST_USE enum rc recording_read(const char *file, bool take_cut, struct recording **out, char *why, size_t why_size);
void recording_free(struct recording *rec);

/* True for what somebody did, as opposed to what was seen: command, process, device. */
bool recording_is_action(const struct recording_item *item);
/* Add an item to a normalised timeline: an event, or a mark where a process was started or ended; all else is nothing to it.
 * returns RC_OK, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc recording_add_item(const struct recording_item *item, struct normal_timeline *t);

/* The status with which the hub refused that command, or 0. */
int recording_refusal(const struct recording *rec, const struct recording_item *command);

/* Add every event to a normalised timeline, in order. The n-th event of the recording is event n of the timeline.
 * returns RC_OK, RC_LIMIT, RC_NOMEM */
MUST_USE enum rc recording_normalise(const struct recording *rec, struct normal_timeline *t);

#endif
