/* twin.c - reading and reporting the twin. */
#include "twin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mode.h"
#include "random.h"
#include "session.h"
#include "topic.h"

static void request_init(struct twin_request *r, const struct settings *settings)
{
    *r = (struct twin_request){.deadline = TIME_NEVER, .retry_at = TIME_NEVER};
    backoff_init(&r->backoff, settings->backoff_base_ms, settings->backoff_max_ms);
}

static void request_forget(struct twin_request *r)
{
    r->rid = 0;
    r->deadline = r->retry_at = TIME_NEVER;
}

static void request_retry(struct twin_request *r, struct instant now)
{
    r->rid = 0;
    r->deadline = TIME_NEVER;
    r->retry_at = now.mono_ms + backoff_next(&r->backoff, random_32());
}

static void request_sent(struct twin *t, struct twin_request *r, struct instant now)
{
    r->rid = t->last_rid;
    r->deadline = now.mono_ms + t->settings->connection_timeout_ms;
    r->retry_at = TIME_NEVER;
}

/* A request id that no other request of this process has; never 0. */
static uint32_t rid_next(struct twin *t)
{
    if (++t->last_rid == 0)
        t->last_rid = 1;
    return t->last_rid;
}

enum rc twin_init(struct twin *t, const struct settings *settings, const struct wire *wire, const struct log *log)
{
    *t = (struct twin){.settings = settings, .wire = wire, .log = log, .mode = settings->mode};
    deliveries_init(&t->deliveries, settings->twin_period_ms);
    desired_init(&t->desired);
    request_init(&t->get, settings);
    request_init(&t->report, settings);
    return config_init(&t->config, t->mode);
}

void twin_done(struct twin *t)
{
    desired_done(&t->desired);
    deliveries_done(&t->deliveries);
    config_done(&t->config);
    free(t->judged);
    t->judged = NULL;
}

static void get_send(struct twin *t, struct instant now)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, TOPIC_GET_FORMAT, rid_next(t));
    desired_asked(&t->desired);
    request_sent(t, &t->get, now);
    log_line(t->log, SEVERITY_INFO, "twin_get rid=%" PRIu32, t->get.rid);
    if (t->wire->publish(t->wire->link, topic, str_of(NULL, 0), 0, NULL))
        request_retry(&t->get, now);
}

static void report_send(struct twin *t, struct instant now)
{
    cJSON *root = cJSON_CreateObject(), *object = config_to_json(&t->config);
    char topic[64], *body = NULL;

    (void)snprintf(topic, sizeof topic, TOPIC_REPORTED_FORMAT, rid_next(t));
    request_sent(t, &t->report, now);
    if (root && object && cJSON_AddItemToObject(root, t->settings->object_name, object)) {
        object = NULL; /* the root has it now */
        body = t->mode->print(root);
    }
    log_line(t->log, SEVERITY_INFO, "twin_report rid=%" PRIu32, t->report.rid);
    if (!body || t->wire->publish(t->wire->link, topic, str_from(body), 0, NULL))
        request_retry(&t->report, now);
    free(body);
    cJSON_Delete(object);
    cJSON_Delete(root);
}

void twin_on_ready(struct twin *t, struct instant now)
{
    t->is_ready = true;
    if (!t->is_answered || !t->mode->reads_once)
        get_send(t, now);
}

void twin_on_lost(struct twin *t)
{
    t->is_ready = false;
    /* Here and not when ready: a persistent session may deliver patches before the new SUBACK. */
    desired_forget(&t->desired);
    request_forget(&t->get);
    request_forget(&t->report);
}

static void mismatch_log(const struct twin *t, const struct config_mismatch *m)
{
    struct buf names;

    buf_init(&names, 2048);
    if (m->is_object_wrong)
        buf_text(&names, t->settings->object_name);
    for (size_t i = 0; i < m->count; i++)
        buf_format(&names, "%s%s", i ? "," : "", config_name(m->property[i]));
    log_line(t->log, SEVERITY_WARNING, "configuration result=refused error=TypeMismatch version=%" PRId64 " names=%s",
             t->desired.version, names.at ? names.at : "");
    buf_done(&names);
}

/* Note what is being judged; say whether it differs from last time, so that a mere reconnect raises nothing twice. */
static bool judged_is_new(struct twin *t, const cJSON *object)
{
    char *text = object ? json_print(object) : strdup("");
    bool is_new = !text || !t->judged || strcmp(text, t->judged) != 0;

    free(t->judged);
    t->judged = text;
    return is_new;
}

/* Put a configuration object in force, or keep the old one, and report what is in force. */
static void judge(struct twin *t, const cJSON *object, struct instant now, struct twin_news *news)
{
    struct config_finding findings[CONFIG_FINDINGS_MAX];
    struct config_mismatch mismatch;
    bool is_new = judged_is_new(t, object) || t->mode->tells_latest, is_reported = true;
    size_t n;

    switch (config_read(object, &t->config, &mismatch)) {
    case RC_OK:
        n = config_findings(&t->config, findings);
        log_line(t->log, SEVERITY_INFO, "configuration result=applied version=%" PRId64 " findings=%zu",
                 t->desired.version, n);
        if (is_new && (n || t->mode->tells_good_news))
            news->errors = config_errors_from_findings(&t->config, findings, n);
        break;
    case RC_INVALID:
        mismatch_log(t, &mismatch);
        news->defect = DEFECT_MISMATCH;
        is_reported = t->mode->reports_refusal;
        if (is_new && !(mismatch.is_object_wrong && t->mode->shrugs_at_no_object))
            news->errors = config_errors_from_mismatch(&t->config, &mismatch, t->settings->object_name);
        break;
    default:
        log_line(t->log, SEVERITY_ERROR, "configuration result=failed detail=\"out of memory\"");
        request_retry(&t->get, now);
        return;
    }
    news->is_judged = true;
    if (is_reported)
        report_send(t, now);
}

/* Apply what the desired properties became, and ask again where something is missing. */
static void follow(struct twin *t, enum rc rc, struct desired_outcome outcome, struct instant now,
                   struct twin_news *news)
{
    if (rc) {
        /* Something changed and we cannot tell what. A GET under way may have left before it: wait for that first. */
        log_line(t->log, SEVERITY_WARNING, "desired_unreadable detail=\"%s\"", rc_text(rc));
        if (!t->get.rid && t->get.retry_at == TIME_NEVER)
            request_retry(&t->get, now);
        return;
    }
    if (outcome.is_taken)
        judge(t, json_find(t->desired.document, t->settings->object_name), now, news);
    if (outcome.read_again && !t->get.rid && t->get.retry_at == TIME_NEVER)
        get_send(t, now);
}

/* Judge a delivery by itself, whatever its version. What cannot be read changes nothing, and is not reported either.
 * source: facts S-20, S-22, S-23, S-28 */
static void delivery_judge(struct twin *t, bool is_complete, struct str body, struct instant now,
                           struct twin_news *news)
{
    static const cJSON no_object = {.type = cJSON_False};
    const cJSON *desired;
    cJSON *root = NULL;
    enum rc rc = t->mode->reads_strictly ? json_parse(body, &root) : json_parse_front(body, &root);

    desired = is_complete ? json_find(root, "desired") : root;
    if (!rc && t->mode->reads_strictly && (!cJSON_IsObject(desired) || json_find(desired, "$metadata")))
        rc = RC_INVALID;
    if (rc || !cJSON_IsObject(root)) {
        log_line(t->log, SEVERITY_WARNING, "configuration result=unreadable");
        news->defect = DEFECT_UNUSABLE;
        news->is_judged = true;
        if (t->mode->tells_good_news)
            news->errors = cJSON_CreateArray();
    } else {
        judge(t, cJSON_IsObject(desired) ? json_find(desired, t->settings->object_name) : &no_object, now, news);
    }
    cJSON_Delete(root);
}

/* Take a delivery, now or when its turn has come. Changes that come before the first answer are lost, as in the C
 * SDK. */
static void deliver(struct twin *t, bool is_complete, struct str body, struct instant now, struct twin_news *news)
{
    enum rc rc = RC_NOT_OURS;

    if (t->is_answered && t->mode->takes_at_once) {
        delivery_judge(t, is_complete, body, now, news);
        return;
    }
    if (t->is_answered)
        rc = deliveries_add(&t->deliveries, is_complete, body, config_number(&t->config, CONFIG_CACHE_BYTES),
                            now.mono_ms);
    log_line(t->log, rc ? SEVERITY_WARNING : SEVERITY_INFO, "delivery bytes=%zu complete=%d result=\"%s\"", body.len,
             is_complete, rc_text(rc));
}

/* Judge the delivery whose turn it is. */
static void delivery_next(struct twin *t, struct instant now, struct twin_news *news)
{
    struct delivery *d = deliveries_take(&t->deliveries, now.mono_ms);

    if (!d)
        return;
    delivery_judge(t, d->is_complete, str_of(d->body, d->bytes), now, news);
    free(d);
}

static void get_answered(struct twin *t, int64_t status, struct str body, struct instant now, struct twin_news *news)
{
    struct desired_outcome outcome = {0};
    enum rc rc;

    log_line(t->log, status == 200 ? SEVERITY_INFO : SEVERITY_WARNING,
             "twin_get_answer rid=%" PRIu32 " status=%" PRId64, t->get.rid, status);
    t->is_answered = news->is_answered = true;
    if (!t->mode->keeps_desired) {
        request_forget(&t->get);
        if (status == 200 || t->mode->takes_any_status)
            deliver(t, true, body, now, news);
        else
            news->defect = DEFECT_UNUSABLE;
        return;
    }
    if (status != 200) {
        request_retry(&t->get, now);
        return;
    }
    request_forget(&t->get);
    rc = desired_take_answer(&t->desired, body, &outcome);
    if (!rc)
        backoff_reset(&t->get.backoff);
    follow(t, rc, outcome, now, news);
}

static void report_answered(struct twin *t, int64_t status, struct instant now, struct twin_news *news)
{
    log_line(t->log, status < 300 ? SEVERITY_INFO : SEVERITY_WARNING,
             "twin_report_answer rid=%" PRIu32 " status=%" PRId64, t->report.rid, status);
    news->is_unhappy = t->mode->wants_200 && status != 200;
    if (t->mode->insists && (status == 429 || status >= 500)) {
        request_retry(&t->report, now);
        return;
    }
    request_forget(&t->report);
    backoff_reset(&t->report.backoff);
}

void twin_on_message(struct twin *t, struct str text, struct str body, struct instant now, struct twin_news *news)
{
    struct desired_outcome outcome = {0};
    struct topic topic;
    enum rc rc;

    *news = (struct twin_news){0};
    if (topic_parse(text, &topic))
        return;
    if (topic.kind == TOPIC_DESIRED && !t->mode->keeps_desired) {
        deliver(t, false, body, now, news);
    } else if (topic.kind == TOPIC_DESIRED) {
        rc = desired_take_patch(&t->desired, body, &outcome);
        log_line(t->log, SEVERITY_INFO, "desired bytes=%zu taken=%d version=%" PRId64, body.len, outcome.is_taken,
                 t->desired.version);
        follow(t, rc, outcome, now, news);
    } else if (topic.rid && topic.rid == t->get.rid) {
        get_answered(t, topic.status, body, now, news);
    } else if (topic.rid && topic.rid == t->report.rid) {
        report_answered(t, topic.status, now, news);
    } else {
        /* An older report's answer, a duplicate, or a wrong id: the newest report speaks for all before it. */
        log_line(t->log, topic.status < 300 ? SEVERITY_DEBUG : SEVERITY_WARNING,
                 "twin_answer_ignored rid=%" PRIu32 " status=%" PRId64, topic.rid, topic.status);
    }
}

void twin_tick(struct twin *t, struct instant now, struct twin_news *news)
{
    *news = (struct twin_news){0};
    if (now.mono_ms >= t->get.deadline) {
        log_line(t->log, SEVERITY_ERROR, "twin_get_timeout rid=%" PRIu32 " code=\"%s\" subcode=\"%s\"", t->get.rid,
                 failure_code_text(FAILURE_REMOTE), failure_subcode_text(FAILED_TIMEOUT));
        if (t->mode->insists)
            request_retry(&t->get, now);
        else
            request_forget(&t->get);
    }
    if (now.mono_ms >= t->report.deadline) {
        log_line(t->log, SEVERITY_WARNING, "twin_report_timeout rid=%" PRIu32, t->report.rid);
        request_forget(&t->report);
    }
    if (now.mono_ms >= t->get.retry_at)
        get_send(t, now);
    if (now.mono_ms >= t->report.retry_at)
        report_send(t, now);
    delivery_next(t, now, news);
}

int64_t twin_due(const struct twin *t)
{
    const int64_t times[] = {t->get.deadline, t->get.retry_at, t->report.deadline, t->report.retry_at,
                             deliveries_due(&t->deliveries)};
    int64_t due = TIME_NEVER;

    /* A change may come, and be wrong, before the subscriptions stand: there is no asking again until they do. */
    for (size_t i = 0; t->is_ready && i < sizeof times / sizeof *times; i++)
        if (times[i] < due)
            due = times[i];
    return due;
}
