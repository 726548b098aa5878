/* hub_event.c - events, error bodies and derived keys. See docs/reference/control.md, section 2. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hub_internal.h"

static const struct policy policies[] = {
    {"iothubowner",
     RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE | RIGHT_SERVICE_CONNECT | RIGHT_DEVICE_CONNECT | RIGHT_OWNER},
    {"service", RIGHT_SERVICE_CONNECT},
    {"device", RIGHT_DEVICE_CONNECT},
    {"registryRead", RIGHT_REGISTRY_READ},
    {"registryReadWrite", RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE},
};

const struct policy *policy_find(struct str name)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        if (str_eq(name, str_from(policies[i].name)))
            return &policies[i];
    return NULL;
}

enum rc hub_policy_key(struct str key_seed, struct str policy, struct sas_key *out)
{
    char text[64];
    int n;

    if (!policy_find(policy))
        return RC_NOT_FOUND;
    n = snprintf(text, sizeof text, "policy|%.*s", STR_FMT(policy));
    sas_key_derive(key_seed, str_of(text, (size_t)n), out);
    return RC_OK;
}

void hub_identity_keys(struct str key_seed, struct ident id, int64_t turn, struct sas_key *primary,
                       struct sas_key *secondary)
{
    char text[IDENT_TEXT_MAX + 64];
    char name[IDENT_TEXT_MAX];
    int n;

    (void)ident_print(id, name);
    n = snprintf(text, sizeof text, "identity|%s|%" PRId64 "|primary", name, turn);
    sas_key_derive(key_seed, str_of(text, (size_t)n), primary);
    n = snprintf(text, sizeof text, "identity|%s|%" PRId64 "|secondary", name, turn);
    sas_key_derive(key_seed, str_of(text, (size_t)n), secondary);
}

/* --- events --------------------------------------------------------------------------------------------------- */

struct buf *event_begin(struct hub *h, const char *kind, const struct identity *i, uint64_t conn, struct now now)
{
    struct buf *b = &h->event;
    struct ident id;

    h->seq++;
    h->event_is_silent = !h->has_listeners;
    h->event_of = i;
    h->event_kind = kind;
    buf_reset(b);
    if (h->event_is_silent) {
        b->rc = RC_REFUSED; /* every add is a no-op now */
        return b;
    }
    buf_add_char(b, '{');
    json_put_i64(b, "seq", (int64_t)h->seq);
    json_put_time(b, "time", now.us);
    json_put_i64(b, "mono_us", now.mono_us);
    json_put_text(b, "kind", str_from(kind));
    if (i) {
        id = identity_ident(i);
        json_put_text(b, "device", id.device);
        if (ident_is_module(id))
            json_put_text(b, "module", id.module);
    }
    if (conn)
        json_put_i64(b, "conn", (int64_t)conn);
    if (h->cause)
        json_put_text(b, "cause", str_from(h->cause));
    return b;
}

void event_send(struct hub *h, struct outbox *out)
{
    struct out *o;
    struct buf topic;
    struct ident id;

    if (h->event_is_silent) {
        buf_reset(&h->event);
        return;
    }
    buf_add_char(&h->event, '}');
    buf_init(&topic, 0);
    buf_add(&topic, STR(EVENTS_ROOT));
    if (h->event_of) {
        id = identity_ident(h->event_of);
        buf_add(&topic, STR("events/"));
        buf_add_percent(&topic, id.device, STR(""));
        if (ident_is_module(id)) {
            buf_add_char(&topic, '/');
            buf_add_percent(&topic, id.module, STR(""));
        }
    } else {
        buf_add(&topic, STR("hub"));
    }
    buf_add_char(&topic, '/');
    buf_add(&topic, str_from(h->event_kind));
    o = outbox_push(out, OUT_EVENT);
    o->topic = buf_take(&topic, NULL);
    o->body = buf_take(&h->event, &o->body_len); /* an event too large for its buffer is our failure: a gap would lie */
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
}

void guid_print(uint64_t high, uint64_t low, char out[GUID_MAX])
{
    (void)snprintf(out, GUID_MAX, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
                   high >> 16 & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
}

/* --- errors --------------------------------------------------------------------------------------------------- */

void error_print(struct hub *h, struct buf *b, int code, const char *message, struct now now)
{
    time_t seconds = (time_t)(now.us / 1000000);
    struct tm utc;

    if (!gmtime_r(&seconds, &utc))
        memset(&utc, 0, sizeof utc);
    buf_add_char(b, '{');
    json_put_i64(b, "errorCode", code);
    json_key(b, "trackingId");
    buf_addf(b, "\"%016" PRIx64 "%016" PRIx64 "-G:1-TimeStamp:%02d/%02d/%04d %02d:%02d:%02d\"", hub_random(h),
             hub_random(h), utc.tm_mon + 1, utc.tm_mday, utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    json_put_text(b, "message", str_from(message));
    json_put_time(b, "timestampUtc", now.us);
    buf_add_char(b, '}');
}

void hub_print_error(struct hub *h, int code, const char *message, struct now now, struct buf *out)
{
    error_print(h, out, code, message, now);
}

void hub_print_failure(struct hub *h, struct now now, struct buf *out)
{
    error_print(h, out, 500001, "The hub could not read or store what this is about; nothing of it happened.", now);
}
