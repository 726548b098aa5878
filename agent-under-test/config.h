/* config.h - the security configuration: which properties exist, what they may hold, what they are when absent.
 *
 * Pure. The table below is the only list of properties: reading, reporting and the documentation follow it.
 * A configuration is read as a whole or not at all; reading starts from the defaults every time.
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "json.h"

#define CONFIG_TEXT_MAX     4096u /* bytes of one text value; a twin holds no longer one */
#define CONFIG_DURATION_MAX 64u   /* bytes of a duration's text */
#define CONFIG_PERIOD_MIN   100   /* ms; a shorter period would be a busy loop and is refused */
#define CONFIG_MESSAGE_MIN  8192  /* bytes, as documented */
#define CONFIG_MESSAGE_MAX  262144
#define CONFIG_CACHE_MIN    8192
#define CONFIG_CACHE_MAX    INT32_MAX

enum priority { PRIORITY_OFF, PRIORITY_LOW, PRIORITY_HIGH, PRIORITY_OPERATIONAL /* the C# agent alone */ };

/* X(identifier, name in the twin, type, default as written in a twin). source: facts S-03 */
#define CONFIG_LIST(X)                                                                                                 \
    X(HIGH_FREQUENCY, "highPriorityMessageFrequency", DURATION, "PT7M")                                                \
    X(LOW_FREQUENCY, "lowPriorityMessageFrequency", DURATION, "PT5H")                                                  \
    X(SNAPSHOT_FREQUENCY, "snapshotFrequency", DURATION, "PT13H")                                                      \
    X(CACHE_BYTES, "maxLocalCacheSizeInBytes", CACHE, "2560000")                                                       \
    X(MESSAGE_BYTES, "maxMessageSizeInBytes", MESSAGE, "204800")                                                       \
    X(HUB_RESOURCE_ID, "hubResourceId", TEXT, NULL)                                                                    \
    X(PROCESS_CREATE, "eventPriorityProcessCreate", PRIORITY, "Low")                                                   \
    X(PROCESS_TERMINATE, "eventPriorityProcessTerminate", PRIORITY, "Low")                                             \
    X(LISTENING_PORTS, "eventPriorityListeningPorts", PRIORITY, "High")                                                \
    X(SYSTEM_INFORMATION, "eventPrioritySystemInformation", PRIORITY, "Low")                                           \
    X(LOCAL_USERS, "eventPriorityLocalUsers", PRIORITY, "High")                                                        \
    X(LOGIN, "eventPriorityLogin", PRIORITY, "High")                                                                   \
    X(CONNECTION_CREATE, "eventPriorityConnectionCreate", PRIORITY, "Low")                                             \
    X(FIREWALL_CONFIGURATION, "eventPriorityFirewallConfiguration", PRIORITY, "Low")                                   \
    X(OS_BASELINE, "eventPriorityOSBaseline", PRIORITY, "Low")                                                         \
    X(CONNECTED_HARDWARE, "eventPriorityConnectedHardware", PRIORITY, "Low")                                           \
    X(DIAGNOSTIC, "eventPriorityDiagnostic", PRIORITY, "Low")                                                          \
    X(CONFIGURATION_ERROR, "eventPriorityConfigurationError", PRIORITY, "Low")                                         \
    X(DROPPED_EVENTS, "eventPriorityDroppedEventsStatistics", PRIORITY, "Low")                                         \
    X(MESSAGE_STATISTICS, "eventPriorityMessageStatistics", PRIORITY, "Low")                                           \
    X(PROCESS_CREATE_AGGREGATED, "aggregationEnabledProcessCreate", FLAG, "true")                                      \
    X(PROCESS_CREATE_INTERVAL, "aggregationIntervalProcessCreate", DURATION, "PT1H")                                   \
    X(CONNECTION_CREATE_AGGREGATED, "aggregationEnabledConnectionCreate", FLAG, "true")                                \
    X(CONNECTION_CREATE_INTERVAL, "aggregationIntervalConnectionCreate", DURATION, "PT1H")                             \
    X(PROCESS_TERMINATE_AGGREGATED, "aggregationEnabledProcessTerminate", FLAG, "true")                                \
    X(PROCESS_TERMINATE_INTERVAL, "aggregationIntervalProcessTerminate", DURATION, "PT1H")                             \
    X(BASELINE_CHECKS, "baselineCustomChecksEnabled", FLAG, "false")                                                   \
    X(BASELINE_PATH, "baselineCustomChecksFilePath", TEXT, NULL)                                                       \
    X(BASELINE_HASH, "baselineCustomChecksFileHash", TEXT, NULL)                                                       \
    X(OPERATIONAL, "eventPriorityOperational", PRIORITY, "High") /* the C agent's alone; last. facts S-20 */

#define CONFIG_ENUM(id, name, type, value) CONFIG_##id,
enum config_id { CONFIG_LIST(CONFIG_ENUM) CONFIG_COUNT };
#undef CONFIG_ENUM

/* One value. number: milliseconds, bytes, a priority, or 0 and 1. text: the duration as it was written, the text
 * itself, or NULL. */
struct config_value {
    int64_t number;
    char *text;
};

struct mode;

/* Zeroed memory is a configuration in documented mode that holds nothing yet. */
struct config {
    const struct mode *mode; /* how it is read and reported; NULL means as documented */
    struct config_value value[CONFIG_COUNT];
};

/* What kept a configuration from being taken: the properties at fault, or the object that should hold them. */
struct config_mismatch {
    bool is_object_wrong; /* the configuration object is there and no object; nothing else is listed then */
    size_t count;
    enum config_id property[CONFIG_COUNT];
};

/* Something unwise in a configuration that was taken all the same. */
struct config_finding {
    enum config_id property;
    const char *error_type; /* Conflict or NotOptimal */
    const char *message;    /* for people */
};
#define CONFIG_FINDINGS_MAX 3u

/* Start as if the twin were empty.
 *
 * mode     mode_documented or another of mode.h
 * returns  RC_OK, RC_NOMEM (*c is then as after config_done)
 */
MUST_USE enum rc config_init(struct config *c, const struct mode *mode);

/* Free what the values hold. */
void config_done(struct config *c);

/* Read a configuration object: defaults, overlaid with what the object holds. The whole of it must be right.
 *
 * object    the member of the desired properties; NULL or JSON null means all defaults; unknown members are skipped
 * out       replaced on RC_OK, otherwise left as it was
 * mismatch  written on RC_INVALID: each property at fault, as far as the mode looks for them
 * returns   RC_OK, RC_INVALID, RC_NOMEM
 * source    facts S-02, S-03, S-04
 */
MUST_USE enum rc config_read(const cJSON *object, struct config *out, struct config_mismatch *mismatch);

/* Look for what is allowed and yet unwise: cache below message size, message size no multiple of 4096, high-priority
 * messages less often than low ones; in the order of the mode.
 *
 * returns  how many entries of out were written, 0..CONFIG_FINDINGS_MAX
 * source   facts S-05
 */
size_t config_findings(const struct config *c, struct config_finding out[CONFIG_FINDINGS_MAX]);

/* Make the object to report: every property that the mode knows as {"value": ...}; a text that is not set is null, which
 * removes a stale one, or left out. Returns NULL without memory; the caller frees it. source: facts S-06 */
cJSON *config_to_json(const struct config *c);

/* Make the payload of a ConfigurationError event, an array with one entry for each finding or each property at fault.
 * UsedConfiguration tells what is in force: c. Give either findings or a mismatch; NULL without memory.
 *
 * object_name  names the entry when the object itself is wrong
 *              In a mode that does not name each property there is one entry; facts S-22, S-27
 * source       facts S-05
 */
cJSON *config_errors_from_findings(const struct config *c, const struct config_finding *findings, size_t n);
cJSON *config_errors_from_mismatch(const struct config *c, const struct config_mismatch *m, const char *object_name);

/* The whole configuration as text, below its name if one is given. The caller frees it; NULL without memory. */
char *config_whole_text(const struct config *c, const char *object_name);

/* The name of a property as the twin spells it. */
const char *config_name(enum config_id id);

/* Read one value in its own unit. */
int64_t config_number(const struct config *c, enum config_id id);
enum priority config_priority(const struct config *c, enum config_id id);

#endif
