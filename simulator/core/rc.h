/* rc.h - what can go wrong on our side, as one list.
 *
 * A device's mistake is never an rc beyond the parser that noticed it: the hub turns it into an answer. An rc is our
 * own failure (memory, disk, a file), zero for success. The list makes the enum and the texts.
 */
#ifndef TWINSIM_RC_H
#define TWINSIM_RC_H

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

#define RC_LIST(X)                                                                                                     \
    X(OK, "ok")                                                                                                        \
    X(NOT_OURS, "not a topic of the simulated hub")                                                                    \
    X(SYNTAX, "malformed")                                                                                             \
    X(LIMIT, "larger than allowed")                                                                                    \
    X(NOT_FOUND, "not found")                                                                                          \
    X(EXISTS, "exists already")                                                                                        \
    X(REFUSED, "refused")                                                                                              \
    X(BUSY, "in use by another process")                                                                               \
    X(CORRUPT, "damaged, or not one of ours")                                                                          \
    X(TIMEOUT, "no answer in time")                                                                                    \
    X(IO, "reading or writing failed")                                                                                 \
    X(NOMEM, "out of memory")

#define RC_ENUM(name, text) RC_##name,
enum rc { RC_LIST(RC_ENUM) };
#undef RC_ENUM

/* Say what an rc means, in a few English words without a full stop. Never NULL. */
const char *rc_text(enum rc rc);

#endif
