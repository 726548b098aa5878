/* rc.h - our own failures, one list.
 *
 * What the hub or the twin did wrong is data and never travels in here for more than one hop.
 */
#ifndef AGENT_RC_H
#define AGENT_RC_H

#define MUST_USE __attribute__((warn_unused_result))

#define RC_LIST(X)                                                                                                     \
    X(OK, "ok")                                                                                                        \
    X(SYNTAX, "the text does not follow its grammar")                                                                  \
    X(INVALID, "a value is not allowed here")                                                                          \
    X(LIMIT, "a size or count is beyond its ceiling")                                                                  \
    X(NOT_FOUND, "it is not there")                                                                                    \
    X(NOT_OURS, "it is meant for somebody else")                                                                       \
    X(NOMEM, "out of memory")                                                                                          \
    X(IO, "reading a file failed")                                                                                     \
    X(CRYPTO, "a cryptographic call failed")                                                                           \
    X(NET, "the network refused")

#define RC_ENUM(name, text) RC_##name,
enum rc { RC_LIST(RC_ENUM) };
#undef RC_ENUM

/* Name a failure in words, for logs. Never NULL. */
const char *rc_text(enum rc rc);

#endif
