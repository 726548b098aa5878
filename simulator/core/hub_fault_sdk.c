/* hub_fault_sdk.c - the fault messages of the official SDKs' own test suites, as faults of ours.
 *
 * A device asks for its own trouble with a telemetry message whose application properties name a fault, after how many seconds it
 * begins and how long it lasts (facts C-22). Names of AMQP links and sessions stand for what comes nearest over MQTT, and the
 * events say so. What the message says is not telemetry, and nobody hears it.
 */
#include <stdio.h>

#include "bag.h"
#include "hub_internal.h"

#define SECONDS_MAX 86400

enum sdk_effect {
    CUTS,      /* the connection is cut; while the fault lasts, each CONNECT as well */
    UNTRUSTED, /* CONNECTs are refused; a connection that is there stays */
    THROTTLED, /* twin requests are answered with 429 */
    OVER_QUOTA /* each message ends the connection */
};

static const struct sdk_fault {
    const char *name;
    enum sdk_effect effect;
    bool is_mapped; /* has no equal over MQTT */
} sdk_faults[] = {
    {"KillTcp", CUTS, false},
    {"ShutDownMqtt", CUTS, false},
    {"ShutDownAmqp", CUTS, true},
    {"KillAmqpConnection", CUTS, true},
    {"KillAmqpSession", CUTS, true},
    {"KillAmqpCBSLinkReq", CUTS, true},
    {"KillAmqpCBSLinkResp", CUTS, true},
    {"KillAmqpD2CLink", CUTS, true},
    {"KillAmqpC2DLink", CUTS, true},
    {"KillAmqpTwinLinkReq", CUTS, true},
    {"KillAmqpTwinLinkResp", CUTS, true},
    {"KillAmqpMethodReqLink", CUTS, true},
    {"KillAmqpMethodRespLink", CUTS, true},
    {"InvokeAuthError", UNTRUSTED, false},
    {"InvokeThrottling", THROTTLED, false},
    {"InvokeMaxMessageQuota", OVER_QUOTA, false},
};

struct asked {
    const struct sdk_fault *fault;
    int64_t delay_us, duration_us;
};

static const struct sdk_fault *find(const char *name)
{
    for (size_t n = 0; name && n < sizeof sdk_faults / sizeof sdk_faults[0]; n++)
        if (strcmp(name, sdk_faults[n].name) == 0)
            return &sdk_faults[n];
    return NULL;
}

/* Seconds as a text, fractions allowed; absent or no number: 0. */
static int64_t seconds(const cJSON *properties, const char *key)
{
    const char *text = json_get_text(properties, key);
    char iso[40];
    int64_t us = 0;

    if (!text || snprintf(iso, sizeof iso, "PT%sS", text) >= (int)sizeof iso || duration_read(str_from(iso), &us))
        return 0;
    return us < SECONDS_MAX * INT64_C(1000000) ? us : SECONDS_MAX * INT64_C(1000000);
}

static bool read_message(const struct request *r, struct asked *a, struct outbox *out)
{
    cJSON *system = NULL, *properties = NULL;
    enum rc rc = bag_read(r->read.bag, &system, &properties);

    a->fault = rc ? NULL : find(json_get_text(properties, "AzIoTHub_FaultOperationType"));
    if (a->fault) {
        a->delay_us = seconds(properties, "AzIoTHub_FaultOperationDelayInSecs");
        a->duration_us = seconds(properties, "AzIoTHub_FaultOperationDurationInSecs");
    }
    if (rc == RC_NOMEM)
        out->rc = rc;
    cJSON_Delete(system);
    cJSON_Delete(properties);
    return a->fault != NULL;
}

/* Enter {"type":..,"on":..,members}, beginning when the message wants it. lasts: for as long as it says, without limit of times.
 * returns how many connections it ended at once */
static size_t enter(struct hub *h, const struct identity *i, const struct asked *a, bool lasts, const char *type,
                    const char *members, struct now now, struct outbox *out)
{
    struct fault *f = NULL;
    struct refusal why;
    cJSON *spec = NULL;
    struct buf b;

    if (lasts && a->duration_us == 0)
        return 0;
    buf_init(&b, 0);
    buf_add_char(&b, '{');
    json_put_text(&b, "type", str_from(type));
    json_put_text(&b, "deviceId", identity_ident(i).device);
    if (ident_is_module(identity_ident(i)))
        json_put_text(&b, "moduleId", identity_ident(i).module);
    json_key(&b, "at");
    buf_addf(&b, "\"%lldms\"", (long long)a->delay_us / 1000);
    if (lasts) {
        json_key(&b, "for");
        buf_addf(&b, "\"%lldms\"", (long long)(a->duration_us / 1000 ? a->duration_us / 1000 : 1));
        json_put_i64(&b, "times", 0);
    }
    buf_add(&b, str_from(members));
    buf_add_char(&b, '}');
    if (!buf_ok(&b) || json_read(buf_view(&b), &spec, NULL) || fault_read(spec, now.mono_us, &f, &why))
        out->rc = RC_NOMEM; /* what we write can be read */
    buf_done(&b);
    cJSON_Delete(spec);
    if (!f)
        return 0;
    f->is_sdk = true;
    f->is_mapped = a->fault->is_mapped;
    return hub_fault_enter(h, f, now, out);
}

bool hub_fault_of_sdk(struct hub *h, struct identity *i, const struct request *r, enum hub_answer *answer,
                      struct outbox *out)
{
    size_t ended = 0;
    struct asked a;

    if (!read_message(r, &a, out) || h->n_faults + 2 > HUB_FAULTS_MAX)
        return false;
    switch (a.fault->effect) {
    case CUTS:
        (void)enter(h, i, &a, true, "disconnect", ",\"operation\":\"connect\"", r->now, out);
        ended = enter(h, i, &a, false, "disconnect", "", r->now, out);
        break;
    case UNTRUSTED:
        (void)enter(h, i, &a, true, "refuse", ",\"reason\":\"expired\"", r->now, out);
        break;
    case THROTTLED:
        (void)enter(h, i, &a, true, "status", ",\"status\":429,\"operation\":\"twin-get\"", r->now, out);
        (void)enter(h, i, &a, true, "status", ",\"status\":429,\"operation\":\"reported\"", r->now, out);
        break;
    case OVER_QUOTA:
        (void)enter(h, i, &a, true, "quota", ",\"messages\":0", r->now, out);
        break;
    }
    *answer = ended && h->options.fault_message_unanswered ? HUB_CLOSE : HUB_SWALLOW;
    return true;
}
