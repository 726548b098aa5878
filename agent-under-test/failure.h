/* failure.h - why the agent cannot start, in the words of the real agents: a code, a subcode and a detail. */
#ifndef AGENT_FAILURE_H
#define AGENT_FAILURE_H

#include "rc.h"

#define FAILURE_DETAIL_MAX 320u

/* source: facts S-08 */
#define FAILURE_CODES(X)                                                                                               \
    X(LOCAL, "Local Configuration")                                                                                    \
    X(REMOTE, "Remote Configuration")                                                                                  \
    X(AUTHENTICATION, "Authentication")                                                                                \
    X(OTHER, "Other")
#define FAILURE_SUBCODES(X)                                                                                            \
    X(MISSING, "Missing Configuration")                                                                                \
    X(CANT_PARSE, "Cant Parse Configuration")                                                                          \
    X(TIMEOUT, "Timeout")                                                                                              \
    X(NOT_EXIST, "File Not Exist")                                                                                     \
    X(PERMISSIONS, "File Permissions")                                                                                 \
    X(FORMAT, "File Format")                                                                                           \
    X(UNAUTHORIZED, "Unauthorized")                                                                                    \
    X(NOT_FOUND, "Not Found")                                                                                          \
    X(OTHER, "Other")

#define FAILURE_CODE_ENUM(name, text)    FAILURE_##name,
#define FAILURE_SUBCODE_ENUM(name, text) FAILED_##name,
enum failure_code { FAILURE_CODES(FAILURE_CODE_ENUM) };
enum failure_subcode { FAILURE_SUBCODES(FAILURE_SUBCODE_ENUM) };
#undef FAILURE_CODE_ENUM
#undef FAILURE_SUBCODE_ENUM

struct failure {
    enum failure_code code;
    enum failure_subcode subcode;
    char detail[FAILURE_DETAIL_MAX]; /* for people; never a secret */
};

/* Fill in a failure; a detail that is too long is cut. */
void failure_set(struct failure *f, enum failure_code code, enum failure_subcode subcode, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The words for logs, as the real agents print them. */
const char *failure_code_text(enum failure_code code);
const char *failure_subcode_text(enum failure_subcode subcode);

#endif
