/* tell.c - see tell.h. */
#include "tell.h"

#include <inttypes.h>

#include "base64.h"

/* One packet with that JSON; a failure to make it becomes one of out. */
static void send_json(struct buf *out, struct buf *json)
{
    const struct mqtt_publish p = {.topic = STR(FRONT_DOOR_REPORTS), .payload = buf_view(json)};

    if (buf_ok(json))
        mqtt_publish_write(out, &p);
    else if (buf_ok(out))
        out->rc = json->rc;
    buf_done(json);
}

void tell_will(struct buf *out, const struct mqtt_connect *c)
{
    struct buf json;

    assert(c->has_will);
    buf_init(&json, 0);
    buf_add(&json, STR("{\"will\":{\"topic\":"));
    json_print_string(&json, c->will_topic);
    buf_addf(&json, ",\"qos\":%u,\"retain\":%s,\"payload\":\"", (unsigned)c->will_qos,
             c->is_will_retained ? "true" : "false");
    base64_encode(&json, c->will_payload);
    buf_add(&json, STR("\"}}"));
    send_json(out, &json);
}

void tell_pubacks(struct buf *out, const uint64_t *tags, size_t n)
{
    struct buf json;

    buf_init(&json, 0);
    buf_addf(&json, "{\"puback\":%s", n == 1 ? "" : "[");
    for (size_t i = 0; i < n; i++)
        buf_addf(&json, "%s\"%" PRIx64 "\"", i ? "," : "", tags[i]);
    buf_add(&json, n == 1 ? STR("}") : STR("]}"));
    send_json(out, &json);
}

static void add_detail(struct buf *json, const char *detail)
{
    if (!detail)
        return;
    buf_add(json, STR(",\"detail\":"));
    json_print_string(json, str_from(detail));
}

void tell_end(struct buf *out, enum ended end, const char *detail)
{
    struct buf json;

    buf_init(&json, 0);
    buf_addf(&json, "{\"end\":\"%s\"", ended_name(end));
    add_detail(&json, detail);
    buf_add_char(&json, '}');
    send_json(out, &json);
}

void tell_refused(struct buf *out, const char *peer, enum ended end, const char *detail)
{
    struct buf json;

    buf_init(&json, 0);
    buf_add(&json, STR("{\"refused\":{\"peer\":"));
    json_print_string(&json, str_from(peer));
    buf_addf(&json, ",\"reason\":\"%s\"", ended_name(end));
    add_detail(&json, detail);
    buf_add(&json, STR("}}"));
    send_json(out, &json);
}
