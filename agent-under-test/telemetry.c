/* telemetry.c - timers, queues, messages under way. */
#include "telemetry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "mode.h"
#include "session.h"

#define TOPIC_MAX 1024
/* source: facts S-13 */
#define BAG "%24.ct=application%2Fjson&%24.ce=utf-8&%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1"

/* What a snapshot holds. */
static const struct {
    const char *name;
    enum config_id priority;
    cJSON *(*collect)(const struct collect_roots *roots);
} snapshots[] = {
    {"SystemInformation", CONFIG_SYSTEM_INFORMATION, collect_system},
    {"ListeningPorts", CONFIG_LISTENING_PORTS, collect_ports},
    {"LocalUsers", CONFIG_LOCAL_USERS, collect_users},
};

static const char *const queue_words[] = {"High", "Low", "Operational"};

static const enum config_id frequencies[] = {[QUEUE_HIGH] = CONFIG_HIGH_FREQUENCY, [QUEUE_LOW] = CONFIG_LOW_FREQUENCY};

void telemetry_init(struct telemetry *t, const struct settings *settings, const struct config *config,
                    const struct collect_roots *roots, const struct wire *wire, const struct log *log)
{
    *t = (struct telemetry){.settings = settings, .config = config, .wire = wire, .log = log, .roots = *roots};
    queues_init(&t->queues, (size_t)config_number(config, CONFIG_CACHE_BYTES));
    processes_init(&t->processes);
}

void telemetry_done(struct telemetry *t)
{
    queues_done(&t->queues);
    processes_done(&t->processes);
    cJSON_Delete(t->latest);
    t->latest = NULL;
}

/* Queue an event of a type; payload is taken. Returns whether it waits now. */
static bool push_typed(struct telemetry *t, enum queue_id to, enum event_type type, const char *name,
                       enum event_category category, cJSON *payload, struct instant now)
{
    if (queues_push(&t->queues, to, event_new(name, category, type, payload, now.wall_ms)))
        return true;
    log_line(t->log, SEVERITY_DEBUG, "event_dropped name=%s queue=%s", name, queue_words[to]);
    return false;
}

/* Queue an event whose type follows from its queue. */
static bool push(struct telemetry *t, enum queue_id to, const char *name, enum event_category category, cJSON *payload,
                 struct instant now)
{
    return push_typed(t, to, to == QUEUE_OPERATIONAL ? EVENT_OPERATIONAL : EVENT_SECURITY, name, category, payload,
                      now);
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
    cJSON *payload = cJSON_CreateArray();

    if (!payload || !dropped_add(&t->queues, QUEUE_HIGH, payload) || !dropped_add(&t->queues, QUEUE_LOW, payload)) {
        cJSON_Delete(payload);
        payload = NULL;
    }
    if (!push(t, QUEUE_OPERATIONAL, "DroppedEventsStatistics", EVENT_PERIODIC, payload, now))
        return;
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++)
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
    if (push(t, QUEUE_OPERATIONAL, "MessageStatistics", EVENT_PERIODIC, payload, now))
        t->sent = t->small = t->failed = 0;
}

/* Say whether an operational event is wanted: by its own priority, and by the C agent's one for all of them. */
static bool is_wanted(const struct telemetry *t, enum config_id id)
{
    return config_priority(t->config, id) != PRIORITY_OFF &&
           config_priority(t->config, CONFIG_OPERATIONAL) != PRIORITY_OFF;
}

static void snapshot_take(struct telemetry *t, struct instant now)
{
    for (size_t i = 0; i < sizeof snapshots / sizeof *snapshots; i++) {
        enum priority priority = config_priority(t->config, snapshots[i].priority);
        if (priority != PRIORITY_OFF)
            (void)push(t, queue_of(priority), snapshots[i].name, EVENT_PERIODIC, snapshots[i].collect(&t->roots), now);
    }
    if (is_wanted(t, CONFIG_DROPPED_EVENTS))
        push_dropped(t, now);
    if (is_wanted(t, CONFIG_MESSAGE_STATISTICS))
        push_sent(t, now);
    t->snapshot_at = now.mono_ms;
    log_line(t->log, SEVERITY_INFO, "snapshot high=%zu low=%zu bytes=%zu", t->queues.queue[QUEUE_HIGH].count,
             t->queues.queue[QUEUE_LOW].count, t->queues.waiting);
}

void telemetry_raise(struct telemetry *t, cJSON *payload, struct instant now)
{
    if (is_wanted(t, CONFIG_CONFIGURATION_ERROR))
        (void)push(t, QUEUE_OPERATIONAL, "ConfigurationError", EVENT_TRIGGERED, payload, now);
    else
        cJSON_Delete(payload);
}

void telemetry_diagnose(struct telemetry *t, const char *message, struct instant now)
{
    enum priority priority = config_priority(t->config, CONFIG_DIAGNOSTIC);
    cJSON *payload, *entry;

    if (priority == PRIORITY_OFF)
        return;
    payload = cJSON_CreateArray();
    entry = cJSON_CreateObject();
    if (!payload || !entry || !cJSON_AddStringToObject(entry, "Severity", "Error") ||
        !cJSON_AddStringToObject(entry, "Message", message) ||
        !cJSON_AddNumberToObject(entry, "ProcessId", (double)getpid()) ||
        !cJSON_AddNumberToObject(entry, "ThreadId", (double)gettid()) || !cJSON_AddItemToArray(payload, entry)) {
        cJSON_Delete(entry);
        cJSON_Delete(payload);
        payload = NULL;
    }
    (void)push_typed(t, queue_of(priority), EVENT_DIAGNOSTIC, "Diagnostic", EVENT_TRIGGERED, payload, now);
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

    if (!payload || (t->settings->mode->tells_good_news && t->latest_s == t->told_s))
        return;
    t->latest = NULL;
    t->told_s = t->latest_s;
    telemetry_raise(t, payload, now);
}

/* What queues a ProcessCreate event needs to know. */
struct process_sink {
    struct telemetry *telemetry;
    enum priority priority;
    struct instant now;
};

static void process_emit(void *context, enum event_category category, cJSON *payload)
{
    struct process_sink *sink = context;

    (void)push(sink->telemetry, queue_of(sink->priority), "ProcessCreate", category, payload, sink->now);
}

/* While it is Off nobody looks: what starts meanwhile shows when it is switched on again, if it still runs. */
static void look(struct telemetry *t, struct instant now)
{
    struct process_sink sink = {t, config_priority(t->config, CONFIG_PROCESS_CREATE), now};

    t->look_at = now.mono_ms;
    latest_tell(t, now);
    if (sink.priority != PRIORITY_OFF)
        processes_look(&t->processes, &t->roots, config_number(t->config, CONFIG_PROCESS_CREATE_AGGREGATED) != 0,
                       config_number(t->config, CONFIG_PROCESS_CREATE_INTERVAL), now, process_emit, &sink);
}

void telemetry_configured(struct telemetry *t, struct instant now)
{
    queues_resize(&t->queues, (size_t)config_number(t->config, CONFIG_CACHE_BYTES));
    if (t->is_started)
        return;
    t->is_started = true;
    t->sent_at[QUEUE_HIGH] = t->sent_at[QUEUE_LOW] = now.mono_ms;
    snapshot_take(t, now);
    look(t, now);
}

/* Send one message led by a queue. Returns false when there is nothing more to send from it. */
static bool message_send(struct telemetry *t, enum queue_id leading, struct instant now)
{
    const struct message_sender sender = {.agent_id = t->settings->agent_id, .agent_version = SECURITY_AGENT_VERSION};
    char topic[TOPIC_MAX];
    struct buf body;
    int mid = 0;
    enum rc rc;

    rc = message_build(&t->queues, leading, (size_t)config_number(t->config, CONFIG_MESSAGE_BYTES), &sender, &body);
    if (rc)
        return false;
    (void)snprintf(topic, sizeof topic, "devices/%s/modules/%s/messages/events/%s", t->settings->device_id,
                   t->settings->module_id, BAG);
    rc = t->wire->publish(t->wire->link, topic, buf_str(&body), 1, &mid);
    log_line(t->log, rc ? SEVERITY_ERROR : SEVERITY_INFO, "telemetry leading=%s bytes=%zu result=\"%s\"",
             queue_words[leading], body.len, rc_text(rc));
    if (rc) {
        t->failed++;
    } else {
        t->sending[t->under_way++] = (struct telemetry_sending){mid, body.len, now.mono_ms};
        t->queues.under_way += body.len;
    }
    buf_done(&body);
    return true;
}

/* Note which queues are due. */
static void timers_check(struct telemetry *t, struct instant now)
{
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++) {
        if (now.mono_ms - t->sent_at[i] < config_number(t->config, frequencies[i]))
            continue;
        t->sent_at[i] = now.mono_ms;
        t->is_draining[i] = true;
    }
    if (t->queues.waiting > (size_t)config_number(t->config, CONFIG_MESSAGE_BYTES))
        t->is_draining[t->queues.queue[QUEUE_HIGH].first ? QUEUE_HIGH : QUEUE_LOW] = true;
}

void telemetry_tick(struct telemetry *t, bool is_ready, struct instant now)
{
    if (!t->is_started)
        return;
    if (now.mono_ms - t->snapshot_at >= config_number(t->config, CONFIG_SNAPSHOT_FREQUENCY))
        snapshot_take(t, now);
    if (now.mono_ms - t->look_at >= t->settings->trigger_interval_ms)
        look(t, now);
    timers_check(t, now);
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++)
        while (is_ready && t->is_draining[i] && t->under_way < TELEMETRY_WINDOW)
            t->is_draining[i] = message_send(t, (enum queue_id)i, now);
}

int64_t telemetry_due(const struct telemetry *t)
{
    int64_t due = TIME_NEVER, at;

    if (!t->is_started)
        return due;
    due = t->snapshot_at + config_number(t->config, CONFIG_SNAPSHOT_FREQUENCY);
    at = t->look_at + t->settings->trigger_interval_ms;
    due = at < due ? at : due;
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++) {
        at = t->sent_at[i] + config_number(t->config, frequencies[i]);
        due = at < due ? at : due;
    }
    return due;
}

void telemetry_on_ready(struct telemetry *t, struct instant now)
{
    for (size_t i = 0; i < t->under_way; i++)
        t->sending[i].since = now.mono_ms;
}

void telemetry_on_puback(struct telemetry *t, int mid)
{
    for (size_t i = 0; i < t->under_way; i++) {
        if (t->sending[i].mid != mid)
            continue;
        t->sent++;
        t->small += t->sending[i].bytes < TELEMETRY_SMALL;
        t->queues.under_way -= t->sending[i].bytes;
        t->sending[i] = t->sending[--t->under_way];
        return;
    }
}

int64_t telemetry_stuck_at(const struct telemetry *t)
{
    int64_t at = TIME_NEVER;

    for (size_t i = 0; i < t->under_way; i++)
        if (t->sending[i].since + t->settings->ack_timeout_ms < at)
            at = t->sending[i].since + t->settings->ack_timeout_ms;
    return at;
}

bool telemetry_is_stuck(struct telemetry *t, struct instant now)
{
    bool is_stuck = false;

    for (size_t i = 0; i < t->under_way; i++) {
        if (now.mono_ms - t->sending[i].since < t->settings->ack_timeout_ms)
            continue;
        t->sending[i].since = now.mono_ms;
        t->failed++;
        is_stuck = true;
    }
    return is_stuck;
}

void telemetry_flush(struct telemetry *t)
{
    t->is_draining[QUEUE_HIGH] = t->is_draining[QUEUE_LOW] = true;
}

bool telemetry_is_flushed(const struct telemetry *t)
{
    return !t->is_draining[QUEUE_HIGH] && !t->is_draining[QUEUE_LOW] && t->under_way == 0;
}
