/* hub_limits.h - every limit that a client can meet, as one table: the checks use its names, docs/reference/limits.md is made from it.
 *
 * A row: name, value, unit, what is limited, what happens beyond, facts. "ours" in place of facts: the real hub has none that is
 * known, or another; ours keeps memory and time bounded. `scripts/reference` writes the page anew, `scripts/lint reference` looks
 * whether it is.
 */
#ifndef TWINSIM_HUB_LIMITS_H
#define TWINSIM_HUB_LIMITS_H

#include <stdint.h>

#define LIMIT_LIST(X)                                                                                                  \
    X(IDENT_PART_MAX, 128, "characters", "a device id, a module id", "400004; CONNACK 5", "L-13")                      \
    X(STATUS_REASON_MAX, 128, "characters", "a status reason", "400004", "L-14")                                       \
    X(HUB_MODULES_MAX, 50, "modules", "modules of one device", "413003", "L-05")                                       \
    X(HUB_PAGE_MAX, 100, "items", "a page of a list or a query", "400004", "L-16")                                     \
    X(QUERY_TEXT_MAX, 8192, "characters", "a query", "400004", "L-16")                                                 \
    X(SAS_KEY_MIN, 16, "bytes", "a symmetric key, at least", "400004", "ours")                                         \
    X(SAS_KEY_MAX, 64, "bytes", "a symmetric key, at most", "400004", "ours")                                          \
    X(TWIN_TAGS_MAX, 8192, "bytes, as the hub counts", "tags", "403100 from this size on", "T-17, T-18, L-07")         \
    X(TWIN_SECTION_MAX, 32768, "bytes, as the hub counts", "desired, and reported properties",                         \
      "403100 from this size on", "T-17, T-18, L-07")                                                                  \
    X(TWIN_KEY_MAX, 1024, "bytes", "a key", "400004", "T-13")                                                          \
    X(TWIN_VALUE_MAX, 4096, "bytes", "a text", "400004", "T-15")                                                       \
    X(TWIN_DEPTH_MAX, 10, "levels", "objects and arrays in each other", "400004", "T-11, T-12")                        \
    X(HUB_REPORTED_MAX, 256 * 1024, "bytes", "a reported patch, as it comes", "403100", "M-17")                        \
    X(HUB_TELEMETRY_MAX, 256 * 1024, "bytes", "a device-to-cloud message with its properties",                         \
      "the connection is closed", "M-17, L-08, L-20")                                                                  \
    X(HUB_METHOD_MAX, 128 * 1024, "bytes", "a method's payload, either way", "413001", "L-04")                         \
    X(METHOD_RESPONSE_MIN_S, 5, "s", "a method's response time-out, at least", "400004", "L-06")                       \
    X(METHOD_RESPONSE_MAX_S, 300, "s", "a method's response time-out, at most", "400004", "L-06")                      \
    X(METHOD_CONNECT_MAX_S, 300, "s", "a method's connect time-out", "400004", "L-17")                                 \
    X(METHOD_NAME_MAX, 1024, "bytes", "a method's name", "400004", "ours")                                             \
    X(MESSAGE_QUEUE_MAX, 50, "messages", "cloud-to-device messages that wait for one identity", "403004",              \
      "L-03, M-22")                                                                                                    \
    X(MESSAGE_BODY_MAX, 64 * 1024, "bytes", "a cloud-to-device message's body", "413001", "L-03")                      \
    X(MESSAGE_BAG_MAX, 60 * 1024, "bytes, encoded", "its properties, as they stand in its topic", "413001", "ours")    \
    X(MESSAGE_ID_MAX, 128, "characters", "its message id", "400004", "M-45")                                           \
    X(MESSAGE_TEXT_MAX, 256, "bytes", "its correlation id, user id, content type, content encoding", "400004", "ours") \
    X(MESSAGE_OUT_MAX, 16, "messages", "on their way to one device, not acknowledged", "the others wait", "M-43")      \
    X(MESSAGE_OUT_BYTES_MAX, 256 * 1024, "bytes", "bodies of those", "the others wait", "ours")                        \
    X(MESSAGE_TTL_S, 3600, "s", "how long a message waits when nobody says", "it expires", "L-03")                     \
    X(MESSAGE_TTL_MIN_S, 60, "s", "what the hub may be set to instead, at least", "the hub does not start", "L-03")    \
    X(MESSAGE_TTL_MAX_S, 172800, "s", "what the hub may be set to instead, at most", "the hub does not start", "L-03") \
    X(FEEDBACK_BATCH, 64, "records", "feedback that leaves together", "the others follow", "M-42")                     \
    X(FEEDBACK_BATCH_S, 15, "s", "how long feedback waits for more of it", "it leaves", "M-42")                        \
    X(FEEDBACK_KEPT_S, 3600, "s", "how long feedback waits for who fetches it", "it is forgotten", "M-42")             \
    X(FEEDBACK_MAX, 4096, "records", "feedback that waits in the whole hub", "no more is written", "ours")             \
    X(TOPIC_RID_MAX, 1024, "bytes", "a device's request id", "the connection is closed", "ours")                       \
    X(HUB_FILTERS_MAX, 64, "filters", "subscriptions of one connection", "the connection is closed", "ours")           \
    X(HUB_CALLS_MAX, 1000, "calls", "methods under way in the whole hub", "429001", "ours")                            \
    X(CONTROL_COMMANDS_MAX, 10000, "commands", "commands of one control message", "400004 for all of them", "ours")    \
    X(CONTROL_ANSWERS_MAX, 8 * 1024 * 1024, "bytes", "answers to one control message",                                 \
      "413001 for each that does not fit", "ours")                                                                     \
    X(CORRELATION_MAX, 4096, "bytes", "a command's correlationData", "400004, without it", "ours")                     \
    X(HUB_FAULTS_MAX, 1000, "faults", "faults at a time", "403004", "ours")                                            \
    X(HUB_WAITING_MAX, 10000, "messages", "messages that faults and throttles hold back", "they leave at once",        \
      "ours")                                                                                                          \
    X(HUB_MISSED_MAX, 32, "notifications", "desired changes kept for a session that is away (gw-v1)",                  \
      "the oldest goes", "ours")
#define LIMIT_ENUM(name, value, unit, what, beyond, facts) name = value,
enum { LIMIT_LIST(LIMIT_ENUM) };
#undef LIMIT_ENUM

#define METHOD_RESPONSE_USUAL_S 30 /* when a call does not say: facts L-06 */

/* Integers in twins: -2^52 to 2^52 - 1 (facts T-16). */
#define TWIN_INTEGER_MIN INT64_C(-4503599627370496)
#define TWIN_INTEGER_MAX INT64_C(4503599627370495)

/* Limits of the real hub that are not here: what, how much, why not. */
#define LIMIT_ABSENT_LIST(X)                                                                                           \
    X("devices and modules of a hub", "1,000,000 (F1: 500)", "a hub holds as many as its disk does")                   \
    X("a device-to-cloud message id", "128 characters of a few kinds",                                                 \
      "what happens beyond is not known: any text is taken")                                                           \
    X("filters of one SUBSCRIBE", "5", "not clear per what; see the subscriptions above")                              \
    X("identities of one bulk call", "100", "there is no bulk call")                                                   \
    X("HTTPS receives of cloud-to-device messages", "16.67/s (S3 833.33/s)", "there is no HTTPS for devices")          \
    X("file uploads", "10 in flight for each device", "there are no file uploads")                                     \
    X("jobs, configurations, deployments", "1 to 10; 100; 50 modules", "there are none")                               \
    X("deliveries of a cloud-to-device message", "10 (1 to 100)", "over MQTT none is counted")                         \
    X("certificate authorities", "25", "there are none")                                                               \
    X("shared access policies", "16", "the five that every hub has are fixed")                                         \
    X("endpoints, routes, enrichments, retention", "10, 100, 10, 7 days", "messages go to who listens")                \
    X("features that basic tiers lack", "C2D, twins, methods", "B1 to B3 differ from S1 to S3 in nothing")

#endif
