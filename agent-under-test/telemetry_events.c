/* telemetry_events.c - what the agent tells, and into which queue it goes. */
#include <string.h>
#include <unistd.h>

#include "mode.h"
#include "telemetry_internal.h"

static cJSON *system_take(const struct telemetry *t)
{
    return collect_system(&t->roots);
}

static cJSON *ports_take(const struct telemetry *t)
{
    return collect_ports(&t->roots, t->mode->tells_every_socket);
}

static cJSON *users_take(const struct telemetry *t)
{
    return collect_users(&t->roots);
}

static cJSON *firewall_take(const struct telemetry *t)
{
    return collect_firewall(&t->roots);
}

static cJSON *hardware_take(const struct telemetry *t)
{
    return collect_hardware(&t->roots);
}

/* What a snapshot holds besides the baseline. */
static const struct {
    const char *name;
    enum config_id priority;
    cJSON *(*take)(const struct telemetry *t);
} snapshots[] = {
    {"SystemInformation", CONFIG_SYSTEM_INFORMATION, system_take},
    {"ListeningPorts", CONFIG_LISTENING_PORTS, ports_take},
    {"LocalUsers", CONFIG_LOCAL_USERS, users_take},
    {"FirewallConfiguration", CONFIG_FIREWALL_CONFIGURATION, firewall_take},
    {"ConnectedHardware", CONFIG_CONNECTED_HARDWARE, hardware_take},
};

static const char *const queue_words[] = {"High", "Low", "Operational"};

const char *telemetry_queue_word(enum queue_id id)
{
    return queue_words[id];
}

/* Queue an event; payload is taken. Returns whether it waits now. */
static bool push(struct telemetry *t, enum queue_id to, enum event_type type, const char *name,
                 enum event_category category, cJSON *payload, struct instant now)
{
    if (queues_push(&t->queues, to, event_new(&t->mode->form, name, category, type, payload, now.wall_ms)))
        return true;
    log_line(t->log, SEVERITY_DEBUG, "event_dropped name=%s queue=%s", name, queue_words[to]);
    return false;
}

/* The queue of a priority; Off was asked before anything was collected. */
static enum queue_id queue_of(enum priority priority)
{
    if (priority == PRIORITY_OPERATIONAL)
        return QUEUE_OPERATIONAL;
    return priority == PRIORITY_HIGH ? QUEUE_HIGH : QUEUE_LOW;
}

/* Append one entry of DroppedEventsStatistics. */
static bool dropped_add(const struct queues *q, enum queue_id id, cJSON *payload)
{
    cJSON *entry = cJSON_CreateObject();

    if (entry && cJSON_AddStringToObject(entry, "Queue", queue_words[id]) &&
        cJSON_AddNumberToObject(entry, "CollectedEvents", (double)q->queue[id].collected) &&
        cJSON_AddNumberToObject(entry, "DroppedEvents", (double)q->queue[id].dropped) &&
        cJSON_AddItemToArray(payload, entry))
        return true;
    cJSON_Delete(entry);
    return false;
}

/* Report what was dropped. The counters start over only when the report itself was not dropped. */
static void push_dropped(struct telemetry *t, struct instant now)
{
    size_t told = t->mode->tells_operational_drops ? QUEUE_COUNT : QUEUE_OPERATIONAL;
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL;

    for (size_t i = 0; ok && i < told; i++)
        ok = dropped_add(&t->queues, (enum queue_id)i, payload);
    if (!ok) {
        cJSON_Delete(payload);
        payload = NULL;
    }
    if (!push(t, QUEUE_OPERATIONAL, EVENT_OPERATIONAL, "DroppedEventsStatistics", EVENT_PERIODIC, payload, now))
        return;
    for (size_t i = 0; i < told; i++)
        t->queues.queue[i].collected = t->queues.queue[i].dropped = 0;
}

/* Report what was sent; the counters likewise. */
static void push_sent(struct telemetry *t, struct instant now)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_CreateObject();

    if (!payload || !entry || !cJSON_AddNumberToObject(entry, "MessagesSent", (double)t->sent) ||
        !cJSON_AddNumberToObject(entry, "MessagesUnder4KB", (double)t->small) ||
        !cJSON_AddNumberToObject(entry, "TotalFailed", (double)t->failed) || !cJSON_AddItemToArray(payload, entry)) {
        cJSON_Delete(entry);
        cJSON_Delete(payload);
        payload = NULL;
    }
    if (push(t, QUEUE_OPERATIONAL, EVENT_OPERATIONAL, "MessageStatistics", EVENT_PERIODIC, payload, now))
        t->sent = t->small = t->failed = 0;
}

/* Say whether an operational event is wanted: by its own priority, and by the C agent's one for all of them. The C#
 * agent knows these priorities and does not heed them. source: facts S-20, S-30 */
static bool is_wanted(const struct telemetry *t, enum config_id id)
{
    if (t->mode->operational_is_fixed)
        return true;
    return config_priority(t->config, id) != PRIORITY_OFF &&
           config_priority(t->config, CONFIG_OPERATIONAL) != PRIORITY_OFF;
}

static bool is_blank(const char *text)
{
    return !text || !text[strspn(text, " \t\r\n")];
}

/* Without a tool there is no such event. Custom checks need a flag, a file and a hash. source: facts S-33 */
static void baseline_take(struct telemetry *t, enum priority priority, struct instant now)
{
    const struct collect_custom custom = {.path = t->config->value[CONFIG_BASELINE_PATH].text,
                                          .hash = t->config->value[CONFIG_BASELINE_HASH].text};
    bool is_custom =
        config_number(t->config, CONFIG_BASELINE_CHECKS) && !is_blank(custom.path) && !is_blank(custom.hash);
    cJSON *payload = NULL;
    enum rc rc = collect_baseline(&t->roots, is_custom ? &custom : NULL, t->mode->tells_as_printed, &payload);

    if (rc && !is_blank(t->roots.baseline_tool))
        log_line(t->log, SEVERITY_ERROR, "baseline detail=\"%s\"", rc_text(rc));
    if (!rc)
        (void)push(t, queue_of(priority), EVENT_SECURITY, "OSBaseline", EVENT_PERIODIC, payload, now);
}

void telemetry_snapshot(struct telemetry *t, struct instant now)
{
    enum priority baseline = config_priority(t->config, CONFIG_OS_BASELINE);

    for (size_t i = 0; i < sizeof snapshots / sizeof *snapshots; i++) {
        enum priority priority = config_priority(t->config, snapshots[i].priority);
        if (priority != PRIORITY_OFF && (snapshots[i].priority != CONFIG_CONNECTED_HARDWARE || t->mode->tells_hardware))
            (void)push(t, queue_of(priority), EVENT_SECURITY, snapshots[i].name, EVENT_PERIODIC, snapshots[i].take(t),
                       now);
    }
    if (baseline != PRIORITY_OFF)
        baseline_take(t, baseline, now);
    if (is_wanted(t, CONFIG_DROPPED_EVENTS))
        push_dropped(t, now);
    if (is_wanted(t, CONFIG_MESSAGE_STATISTICS))
        push_sent(t, now);
    t->snapshot_at = now;
    t->has_snapshot = true;
    log_line(t->log, SEVERITY_INFO, "snapshot high=%zu low=%zu bytes=%zu", t->queues.queue[QUEUE_HIGH].count,
             t->queues.queue[QUEUE_LOW].count, t->queues.waiting);
}

void telemetry_raise(struct telemetry *t, cJSON *payload, struct instant now)
{
    if (is_wanted(t, CONFIG_CONFIGURATION_ERROR))
        (void)push(t, QUEUE_OPERATIONAL, EVENT_OPERATIONAL, "ConfigurationError", EVENT_TRIGGERED, payload, now);
    else
        cJSON_Delete(payload);
}

void telemetry_diagnose(struct telemetry *t, enum severity severity, const char *message, struct instant now)
{
    static const char *const words[] = {"Debug", "Information", "Warning", "Error", "Fatal"};
    enum priority priority = config_priority(t->config, CONFIG_DIAGNOSTIC);
    cJSON *payload, *entry;

    if (priority == PRIORITY_OFF || t->is_sending)
        return;
    payload = cJSON_CreateArray();
    entry = cJSON_CreateObject();
    if (!payload || !entry || !cJSON_AddStringToObject(entry, "Severity", words[severity]) ||
        !cJSON_AddStringToObject(entry, "Message", message) ||
        !cJSON_AddNumberToObject(entry, "ProcessId", (double)getpid()) ||
        !cJSON_AddNumberToObject(entry, "ThreadId", (double)gettid()) || !cJSON_AddItemToArray(payload, entry)) {
        cJSON_Delete(entry);
        cJSON_Delete(payload);
        payload = NULL;
    }
    (void)push(t, queue_of(priority), EVENT_DIAGNOSTIC, "Diagnostic", EVENT_TRIGGERED, payload, now);
}

void telemetry_note(struct telemetry *t, cJSON *payload, struct instant now)
{
    cJSON_Delete(t->latest);
    t->latest = payload;
    t->latest_s = now.wall_ms / 1000;
}

/* Tell of the latest delivery. */
static void latest_tell(struct telemetry *t, struct instant now)
{
    cJSON *payload = t->latest;

    if (!payload || (t->mode->tells_good_news && t->latest_s == t->told_s))
        return;
    t->latest = NULL;
    t->told_s = t->latest_s;
    telemetry_raise(t, payload, now);
}

/* Where events that were found go. */
struct found_sink {
    struct telemetry *telemetry;
    const char *name;
    enum priority priority;
    struct instant now;
};

static void found_push(void *context, enum event_category category, cJSON *payload)
{
    struct found_sink *sink = context;

    (void)push(sink->telemetry, queue_of(sink->priority), EVENT_SECURITY, sink->name, category, payload, sink->now);
}

/* Emit what was counted, if its interval is over, or if counting was switched off: nothing is lost. */
static void counted_push(struct aggregate *counted, bool is_on, int64_t interval_ms, struct found_sink *sink)
{
    const struct mode *mode = sink->telemetry->mode;
    const struct aggregate_form form = {mode->form.time, mode->hits_are_numbers};

    if (!counted->is_running)
        counted->since = sink->now;
    counted->is_running = true;
    if (is_on && !mode->is_over(counted->since, sink->now, interval_ms))
        return;
    aggregate_flush(counted, &form, found_push, sink);
    counted->since = sink->now;
}

/* While it is Off nobody looks: what starts meanwhile shows when it is switched on again, if it is still there. */

static void processes_tell(struct telemetry *t, struct instant now)
{
    struct found_sink sink = {t, "ProcessCreate", config_priority(t->config, CONFIG_PROCESS_CREATE), now};
    bool is_counting = config_number(t->config, CONFIG_PROCESS_CREATE_AGGREGATED) != 0;

    if (sink.priority == PRIORITY_OFF)
        return;
    processes_look(&t->processes, &t->roots, is_counting ? &t->process_kinds : NULL, now, found_push, &sink);
    counted_push(&t->process_kinds, is_counting, config_number(t->config, CONFIG_PROCESS_CREATE_INTERVAL), &sink);
}

static void connections_tell(struct telemetry *t, struct instant now)
{
    struct found_sink sink = {t, "ConnectionCreate", config_priority(t->config, CONFIG_CONNECTION_CREATE), now};
    bool is_counting = config_number(t->config, CONFIG_CONNECTION_CREATE_AGGREGATED) != 0;

    if (sink.priority == PRIORITY_OFF)
        return;
    connections_look(&t->connections, &t->roots, &t->mode->connections, is_counting ? &t->connection_kinds : NULL, now,
                     found_push, &sink);
    counted_push(&t->connection_kinds, is_counting, config_number(t->config, CONFIG_CONNECTION_CREATE_INTERVAL), &sink);
}

static void logins_tell(struct telemetry *t, struct instant now)
{
    struct found_sink sink = {t, "Login", config_priority(t->config, CONFIG_LOGIN), now};

    if (sink.priority != PRIORITY_OFF)
        logins_look(&t->logins, &t->roots, found_push, &sink);
}

static void machine_look(struct telemetry *t, struct instant now)
{
    processes_tell(t, now);
    connections_tell(t, now);
    logins_tell(t, now);
}

void telemetry_look(struct telemetry *t, struct instant now)
{
    t->look_at = now;
    latest_tell(t, now);
    machine_look(t, now);
}

void telemetry_prime(struct telemetry *t, struct instant now)
{
    machine_look(t, now);
}
