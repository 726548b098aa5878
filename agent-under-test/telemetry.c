/* telemetry.c - timers, queues, messages under way. */
#include "telemetry.h"

#include <inttypes.h>
#include <stdlib.h>

#include "mode.h"
#include "session.h"
#include "telemetry_internal.h"

#define TOPIC_MAX 32768u /* bytes; the hub's resource id may be long */

static const enum config_id frequencies[] = {[QUEUE_HIGH] = CONFIG_HIGH_FREQUENCY, [QUEUE_LOW] = CONFIG_LOW_FREQUENCY};

void telemetry_init(struct telemetry *t, const struct settings *settings, const struct config *config,
                    const struct collect_roots *roots, const struct wire *wire, const struct log *log)
{
    *t = (struct telemetry){
        .settings = settings, .mode = settings->mode, .config = config, .wire = wire, .log = log, .roots = *roots};
    queues_init(&t->queues, &t->mode->queues, (size_t)config_number(config, CONFIG_CACHE_BYTES));
    processes_init(&t->processes);
    connections_init(&t->connections);
    logins_init(&t->logins);
    aggregate_init(&t->process_kinds);
    aggregate_init(&t->connection_kinds);
}

void telemetry_done(struct telemetry *t)
{
    queues_done(&t->queues);
    processes_done(&t->processes);
    connections_done(&t->connections);
    aggregate_done(&t->process_kinds);
    aggregate_done(&t->connection_kinds);
    cJSON_Delete(t->latest);
    t->latest = NULL;
}

void telemetry_configured(struct telemetry *t, struct instant now)
{
    queues_resize(&t->queues, (size_t)config_number(t->config, CONFIG_CACHE_BYTES));
    if (t->is_started)
        return;
    t->is_started = true;
    t->tick_at = now.mono_ms + t->settings->tick_ms;
    t->look_at = t->consumed_at = t->sent_at[QUEUE_HIGH] = t->sent_at[QUEUE_LOW] = now;
    if (t->mode->has_runs) {
        telemetry_prime(t, now);
        return;
    }
    t->has_sent = true; /* the first message waits its time */
    telemetry_snapshot(t, now);
    telemetry_look(t, now);
}

/* Send one message led by a queue. Returns false when there is nothing more to send from it. */
static bool message_send(struct telemetry *t, enum queue_id leading, struct instant now)
{
    const struct message_sender sender = {.agent_id = t->settings->agent_id, .agent_version = t->mode->agent_version};
    struct buf topic, body;
    size_t size;
    int mid = 0;
    enum rc rc;

    rc = message_build(&t->queues, &t->mode->message, leading, (size_t)config_number(t->config, CONFIG_MESSAGE_BYTES),
                       &sender, &body);
    if (rc)
        return false;
    size = event_size(&t->mode->form, buf_str(&body));
    buf_init(&topic, TOPIC_MAX);
    buf_format(&topic, "devices/%s/modules/%s/messages/events/", t->settings->device_id, t->settings->module_id);
    t->mode->bag(t->config, leading == QUEUE_HIGH, &topic);
    rc = topic.rc;
    if (!rc)
        rc = t->wire->publish(t->wire->link, topic.at, buf_str(&body), 1, &mid);
    t->is_sending = true;
    log_line(t->log, rc ? SEVERITY_ERROR : SEVERITY_INFO, "telemetry leading=%s bytes=%zu result=\"%s\"",
             telemetry_queue_word(leading), body.len, rc_text(rc));
    t->is_sending = false;
    if (rc) {
        t->failed++;
        t->sent += t->mode->counts_failed;
    } else {
        t->sent += t->mode->counts_handed;
        t->sending[t->under_way++] = (struct telemetry_sending){mid, body.len, size, now.mono_ms};
        t->queues.under_way += body.len;
    }
    buf_done(&topic);
    buf_done(&body);
    return true;
}

/* Note which queues are due. */
static void timers_check(struct telemetry *t, struct instant now)
{
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++) {
        if (t->has_sent && !t->mode->is_over(t->sent_at[i], now, config_number(t->config, frequencies[i])))
            continue;
        t->sent_at[i] = now;
        t->is_draining[i] = true;
    }
    t->has_sent = true;
    if (t->queues.waiting <= (size_t)config_number(t->config, CONFIG_MESSAGE_BYTES))
        return;
    if (t->mode->memory_leads_high) {
        t->sent_at[QUEUE_HIGH] = now; /* also when there is nothing to lead it: facts S-31 */
        t->is_draining[QUEUE_HIGH] = true;
    } else {
        t->is_draining[t->queues.queue[QUEUE_HIGH].first ? QUEUE_HIGH : QUEUE_LOW] = true;
    }
}

/* Collect and send where either has its own runs. source: facts S-31 */
static void runs_check(struct telemetry *t, struct instant now)
{
    if (t->mode->is_over(t->look_at, now, t->settings->trigger_interval_ms)) {
        if (!t->has_snapshot ||
            t->mode->is_over(t->snapshot_at, now, config_number(t->config, CONFIG_SNAPSHOT_FREQUENCY)))
            telemetry_snapshot(t, now);
        telemetry_look(t, now);
    }
    if (!t->mode->is_over(t->consumed_at, now, t->settings->consumer_interval_ms))
        return;
    t->consumed_at = now;
    timers_check(t, now);
}

/* Do what the timers say. */
static void timers_run(struct telemetry *t, struct instant now)
{
    if (t->mode->ticks && now.mono_ms < t->tick_at)
        return;
    t->tick_at = now.mono_ms + t->settings->tick_ms;
    if (t->mode->has_runs) {
        runs_check(t, now);
        return;
    }
    if (t->mode->is_over(t->snapshot_at, now, config_number(t->config, CONFIG_SNAPSHOT_FREQUENCY)))
        telemetry_snapshot(t, now);
    if (t->mode->is_over(t->look_at, now, t->settings->trigger_interval_ms))
        telemetry_look(t, now);
    timers_check(t, now);
}

void telemetry_tick(struct telemetry *t, bool is_ready, struct instant now)
{
    if (!t->is_started)
        return;
    timers_run(t, now);
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++)
        while (is_ready && t->is_draining[i] && t->under_way < TELEMETRY_WINDOW)
            t->is_draining[i] = message_send(t, (enum queue_id)i, now) && !t->mode->sends_one;
}

int64_t telemetry_due(const struct telemetry *t)
{
    int64_t due = TIME_NEVER, at;

    if (!t->is_started)
        return due;
    if (t->mode->ticks)
        return t->tick_at;
    due = t->snapshot_at.mono_ms + config_number(t->config, CONFIG_SNAPSHOT_FREQUENCY);
    at = t->look_at.mono_ms + t->settings->trigger_interval_ms;
    due = at < due ? at : due;
    for (size_t i = 0; i < QUEUE_OPERATIONAL; i++) {
        at = t->sent_at[i].mono_ms + config_number(t->config, frequencies[i]);
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
        t->sent += !t->mode->counts_handed;
        t->small += t->sending[i].size < t->mode->small_size;
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
        t->sent += t->mode->counts_failed;
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
