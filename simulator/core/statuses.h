/* statuses.h - every error code that the hub answers, as one table: docs/reference/statuses.md is made from it.
 *
 * A row: errorCode, status, the real service's word for it, when it is answered, facts. `scripts/lint reference` holds the code to
 * it: a code that some decision answers has a row, and no row is without one. Wherever the status goes out alone (a twin answer's
 * topic), it is the second column.
 */
#ifndef TWINSIM_STATUSES_H
#define TWINSIM_STATUSES_H

#define STATUS_LIST(X)                                                                                                 \
    X(400004, 400, "ArgumentInvalid", "malformed: a body, a key, a value, a member, a name, a time-out",               \
      "M-29, M-30, T-12 to T-16, T-19, L-06, Q-13")                                                                    \
    X(401003, 401, "IotHubUnauthorized", "the policy lacks the right; a fault says so", "A-07, A-15")                  \
    X(403002, 403, "IotHubQuotaExceeded", "the day's messages are used up", "L-09, L-18")                              \
    X(403004, 403, "DeviceMaximumQueueDepthExceeded", "50 messages wait for the device; 1,000 faults are there",       \
      "M-22")                                                                                                          \
    X(403100, 403, "", "tags, desired or reported properties would be too large", "T-17")                              \
    X(404001, 404, "DeviceNotFound", "no such device", "T-25")                                                         \
    X(404010, 404, "ModuleNotFound", "no such module of that device", "T-25")                                          \
    X(404103, 404, "DeviceNotOnline", "a method, and nobody there who listens", "M-25")                                \
    X(404104, 404, "DeviceConnectionClosedRemotely", "a method, and the connection ended before the answer", "M-40")   \
    X(409001, 409, "DeviceAlreadyExists", "the device is there already", "R-02")                                       \
    X(409002, 409, "", "a fault `status` with 409", "")                                                                \
    X(409301, 409, "ModuleAlreadyExistsOnDevice", "the module is there already", "R-09")                               \
    X(412001, 412, "PreconditionFailed", "a stale etag; a stale `$version` of reported properties", "M-28, T-23")      \
    X(413001, 413, "RequestEntityTooLarge",                                                                            \
      "a method's payload over 128 KB, either way; a message over 64 KB; answers to one control message over 8 MB",    \
      "L-03, L-04")                                                                                                    \
    X(413003, 413, "TooManyModulesOnDevice", "the 51st module of a device", "L-05")                                    \
    X(429001, 429, "ThrottlingException", "throttled: by the tier, by a fault; 1,000 methods are under way",           \
      "L-02, L-19")                                                                                                    \
    X(500001, 500, "ServerError", "the change could not be stored, or there was no memory; nothing of it happened",    \
      "")                                                                                                              \
    X(502000, 502, "", "a method's answer is no JSON", "M-37")                                                         \
    X(503001, 503, "ServiceUnavailable", "the hub stops; a fault `status` with 503", "")                               \
    X(504101, 504, "GatewayTimeout", "a method, and no answer in time", "M-25")

#endif
