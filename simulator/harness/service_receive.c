/* service_receive.c - what the hub sends: answers to commands, its event stream, and its events in the service's own shape. See service.h. */
#include <mosquitto.h>
#include <stdlib.h>

#include "hub.h"
#include "service_internal.h"

#define RESPONSE CONTROL_TOPIC "/response"

void service_keep(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m)
{
    struct service *s = arg;
    struct packet *kept;
    cJSON *doc = NULL;

    (void)mosq;
    if (m->payloadlen <= 0 || json_read(str_of(m->payload, (size_t)m->payloadlen), &doc, NULL))
        return; /* telemetry that is no JSON, or not for us; a lost event shows in seq */
    kept = calloc(1, sizeof *kept);
    if (!kept) {
        cJSON_Delete(doc);
        return;
    }
    kept->is_response = strcmp(m->topic, RESPONSE) == 0;
    kept->is_hub_event = str_starts(str_from(m->topic), STR(HUB_EVENTS_ROOT));
    kept->doc = doc;
    *s->last = kept;
    s->last = &kept->next;
}

struct posted **service_posted(struct service *s, const char *correlation)
{
    struct posted **at = &s->posted;

    while (*at && strcmp((*at)->correlation, correlation) != 0)
        at = &(*at)->next;
    return at;
}

/* The answer to one that was posted, perhaps. */
static void keep_response(struct service *s, cJSON *response, int status)
{
    const char *about = json_get_text(response, "correlationData");
    struct posted *p = about ? *service_posted(s, about) : NULL;

    if (!p || p->is_answered)
        return;
    p->is_answered = true;
    p->status = status;
    p->body = cJSON_DetachItemViaPointer(response, json_get(response, "body"));
}

static void deal_with_response(struct service *s, cJSON *doc)
{
    cJSON *one;

    cJSON_ArrayForEach(one, json_get(doc, "responses"))
    {
        const char *about = json_get_text(one, "correlationData");
        int64_t status = 0;

        if (json_get_i64(one, "status", &status))
            continue;
        if (!s->awaited_text || !about || strcmp(about, s->awaited_text) != 0) {
            keep_response(s, one, (int)status);
            continue;
        }
        s->awaited_text = NULL;
        s->status = (int)status;
        s->body = cJSON_DetachItemViaPointer(one, json_get(one, "body"));
    }
}

static void deal_with_event(struct service *s, const cJSON *event)
{
    int64_t seq = 0;

    if (json_get_i64(event, "mono_us", &s->last_us))
        s->last_us = 0;
    if (s->hears_all && !json_get_i64(event, "seq", &seq)) {
        if (s->last_seq && seq > s->last_seq + 1)
            s->missed += (uint64_t)(seq - s->last_seq - 1);
        s->last_seq = seq;
    }
    if (s->on_event)
        s->on_event(s->arg, event);
}

/* What makes it one of a line of events: kind, whom it concerns, when. */
static cJSON *head_of(const struct service *s, const cJSON *event)
{
    static const char *const names[][2] = {{"kind", "iothub-message-source"},
                                           {"device", "iothub-connection-device-id"},
                                           {"module", "iothub-connection-module-id"}};
    const cJSON *system = json_get(event, "systemProperties");
    cJSON *head = cJSON_CreateObject();
    enum rc rc = head ? json_set(head, "mono_us", json_i64(s->last_us)) : RC_NOMEM;

    for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_get_text(system, names[i][1]);

        if (text)
            rc = json_set(head, names[i][0], json_str(str_from(text)));
    }
    if (!rc)
        return head;
    cJSON_Delete(head);
    return NULL;
}

static void deal_with_hub_event(struct service *s, cJSON *event)
{
    cJSON *head = head_of(s, event);
    enum rc rc = head ? RC_OK : RC_NOMEM;

    while (!rc && event->child) {
        cJSON *member = cJSON_DetachItemViaPointer(event, event->child);

        rc = json_set(head, member->string, cJSON_Duplicate(member, true));
        cJSON_Delete(member);
    }
    if (!rc && s->on_event)
        s->on_event(s->arg, head);
    cJSON_Delete(head);
}

void service_deal(struct service *s)
{
    struct packet *m;

    while ((m = s->first) != NULL) {
        s->first = m->next;
        if (!s->first)
            s->last = &s->first;
        if (m->is_response)
            deal_with_response(s, m->doc);
        else if (m->is_hub_event)
            deal_with_hub_event(s, m->doc);
        else
            deal_with_event(s, m->doc);
        cJSON_Delete(m->doc);
        free(m);
    }
}
