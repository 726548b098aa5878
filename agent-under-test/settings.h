/* settings.h - who the agent is and how it behaves locally; the twin cannot change any of it.
 *
 * Two sources: the real C agent's LocalConfiguration.json, or a connection string in the environment. Each row of the
 * table below can be set in the file and, more strongly, by an environment variable.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdio.h>

#include "failure.h"
#include "str.h"

#define SETTINGS_FILE_NAME   "LocalConfiguration.json"
#define SETTINGS_ID_MAX      128u /* bytes of a device or module id */
#define SETTINGS_TEXT_MAX    4096u
#define SETTINGS_MODULE_ID   "azureiotsecurity" /* hard-coded in the real C agent. source: facts S-01 */
#define SETTINGS_OBJECT_NAME "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration"

/* X(member, place in the file below "Configuration", environment variable, type, default, least, most, sentence)
 * Durations are in milliseconds here and ISO 8601 in the file. A default of NULL means: required, or worked out. */
#define SETTINGS_LIST(X)                                                                                               \
    X(agent_id, "AgentId", "SECURITY_AGENT_ID", TEXT, NULL, 1, 128,                                                    \
      "the agent's id in telemetry; without a file, derived from the device id")                                       \
    X(trigger_interval_ms, "TriggerdEventsInterval", "SECURITY_AGENT_TRIGGER_INTERVAL", DURATION, "PT2M", 100,         \
      INT32_MAX, "how often it looks for new processes, connections and logins")                                       \
    X(connection_timeout_ms, "ConnectionTimeout", "SECURITY_AGENT_CONNECTION_TIMEOUT", DURATION, "PT30S", 100,         \
      INT32_MAX, "limit for the start, and for each answer of the hub")                                                \
    X(object_name, "RemoteConfigurationObjectName", "SECURITY_AGENT_OBJECT_NAME", TEXT, SETTINGS_OBJECT_NAME, 1, 512,  \
      "the configuration's name in the desired properties")                                                            \
    X(mode_name, "Extensions.Mode", "SECURITY_AGENT_MODE", TEXT, "documented", 1, 32,                                  \
      "whose habits: documented, or legacy-c or legacy-cs for those of the real C or C# agent")                        \
    X(twin_period_ms, "Extensions.TwinPeriod", "SECURITY_AGENT_TWIN_PERIOD", DURATION, "PT10S", 10, INT32_MAX,         \
      "legacy-c: how often one delivery of the twin is looked at")                                                     \
    X(tick_ms, "Extensions.Tick", "SECURITY_AGENT_TICK", DURATION, "PT1S", 10, INT32_MAX,                              \
      "legacy modes: how often timers are looked at, and at least every TriggerdEventsInterval")                       \
    X(consumer_interval_ms, "Extensions.ConsumerInterval", "SECURITY_AGENT_CONSUMER_INTERVAL", DURATION, NULL, 10,     \
      INT32_MAX, "legacy-cs: how often it looks whether a message is due; if not set, every TriggerdEventsInterval")   \
    X(log_severity, "Logging.SystemLoggerMinimumSeverity", "SECURITY_AGENT_LOG_SEVERITY", NUMBER, "1", 0, 4,           \
      "quietest severity that is logged: 0 debug, 1 information, 2 warning, 3 error, 4 fatal")                         \
    X(diagnostic_severity, "Logging.DiagnoticEventMinimumSeverity", "SECURITY_AGENT_DIAGNOSTIC_SEVERITY", NUMBER, "3", \
      0, 4, "quietest severity of log lines that become Diagnostic events")                                            \
    X(module_id, "Extensions.ModuleId", "SECURITY_AGENT_MODULE_ID", TEXT, SETTINGS_MODULE_ID, 1, 128,                  \
      "the module to be, when a file is used")                                                                         \
    X(gateway_host, "Extensions.GatewayHostName", "SECURITY_AGENT_GATEWAY_HOST", TEXT, "", 0, 253,                     \
      "connect to this host instead, and expect its certificate")                                                      \
    X(ca_file, "Extensions.CaFile", "SECURITY_AGENT_CA_FILE", TEXT, "", 0, 4095,                                       \
      "PEM file of trusted authorities; empty: SSL_CERT_FILE, then the system's")                                      \
    X(root, "Extensions.Root", "SECURITY_AGENT_ROOT", TEXT, "", 0, 2048,                                               \
      "folder that stands for the machine: its /proc, /etc, /sys and /var are looked at instead")                      \
    X(firewall_tool, "Extensions.FirewallTool", "SECURITY_AGENT_FIREWALL_TOOL", TEXT, "", 0, 4095,                     \
      "program that prints rules as iptables-save does; empty: read /etc/iptables/rules.v4")                           \
    X(baseline_tool, "Extensions.BaselineTool", "SECURITY_AGENT_BASELINE_TOOL", TEXT, "", 0, 4095,                     \
      "program that prints the results of a baseline; empty: there is no OSBaseline event")                            \
    X(tool_limit_ms, "Extensions.ToolTimeout", "SECURITY_AGENT_TOOL_TIMEOUT", DURATION, "PT5S", 100, 60000,            \
      "limit for one run of either program")                                                                           \
    X(port, "Extensions.Port", "SECURITY_AGENT_PORT", NUMBER, "8883", 1, 65535, "TCP port, for tests")                 \
    X(keep_alive_s, "Extensions.KeepAliveSeconds", "SECURITY_AGENT_KEEP_ALIVE", NUMBER, "60", 5, 1177,                 \
      "MQTT keep-alive; 1177 is the hub's limit")                                                                      \
    X(token_lifetime_ms, "Extensions.TokenLifetime", "SECURITY_AGENT_TOKEN_LIFETIME", DURATION, "PT1H", 1000,          \
      INT64_C(31536000000), "life of a shared access signature")                                                       \
    X(renewal_percent, "Extensions.RenewalPercent", "SECURITY_AGENT_RENEWAL_PERCENT", NUMBER, "80", 10, 99,            \
      "part of that life after which the agent reconnects with a new one")                                             \
    X(backoff_base_ms, "Extensions.BackoffBase", "SECURITY_AGENT_BACKOFF_BASE", DURATION, "PT0.1S", 1, INT32_MAX,      \
      "first pause before trying again")                                                                               \
    X(backoff_max_ms, "Extensions.BackoffMax", "SECURITY_AGENT_BACKOFF_MAX", DURATION, "PT30S", 1, INT32_MAX,          \
      "longest pause before trying again")                                                                             \
    X(ack_timeout_ms, "Extensions.AckTimeout", "SECURITY_AGENT_ACK_TIMEOUT", DURATION, "PT60S", 100, INT32_MAX,        \
      "limit for a PUBACK; then the connection is made anew")

#define SETTINGS_MEMBER_TEXT(member)                                         char *member;
#define SETTINGS_MEMBER_NUMBER(member)                                       int64_t member;
#define SETTINGS_MEMBER_DURATION(member)                                     int64_t member;
#define SETTINGS_MEMBER(member, place, env, type, preset, least, most, help) SETTINGS_MEMBER_##type(member)

struct mode;

struct settings {
    SETTINGS_LIST(SETTINGS_MEMBER)
    char *host_name;
    char *device_id;
    const struct mode *mode; /* of mode_name */
    char *key;               /* base64; a secret: wiped by settings_done */
};

/* Where settings come from. */
struct settings_source {
    const char *config_path;        /* of LocalConfiguration.json; NULL: use the connection string */
    const char *ca_path;            /* from the command line, or NULL */
    const char *const *environment; /* NAME=value, ended by NULL */
};

/* Read everything and check it.
 *
 * out      written on success; free it with settings_done
 * failure  written otherwise: code and subcode as the real agents have them
 * returns  whether it went well
 * source   facts S-08, S-09
 */
MUST_USE bool settings_load(const struct settings_source *source, struct settings *out, struct failure *failure);

/* Wipe the key and free everything. */
void settings_done(struct settings *s);

/* The host that TCP and TLS go to: the gateway, or the hub itself. Lends. */
const char *settings_target(const struct settings *s);

/* Print the table for --help. */
void settings_help(FILE *to);

#endif
