/* hub_throttle.c - a hub of some tier: what it does at once, what waits for its turn, what it refuses (throttle.h; facts L-02, L-19).
 *
 * What has to wait is carried out at once, and its answer waits: a client cannot tell the difference, and the hub keeps no second queue.
 * Telemetry waits itself. A method or a connection that would have to wait goes on at once.
 */
#include "hub_internal.h"

enum throttle_verdict hub_throttle(struct hub *h, enum throttle_kind kind, double cost, struct now now,
                                   int64_t *wait_us)
{
    enum throttle_verdict v = throttle_ask(&h->throttle, kind, cost, now.mono_us, wait_us);

    return v == THROTTLE_WAITS && !hub_waiting_has_room(h) ? THROTTLE_PASSES : v;
}

/* What a command counts as; THROTTLES: nothing. A name that ends in '.' stands for all that begin so. */
static enum throttle_kind kind_of(struct str name)
{
    static const struct {
        const char *name;
        enum throttle_kind kind;
    } rows[] = {
        {"device.", THROTTLE_REGISTRY},         {"module.", THROTTLE_REGISTRY},
        {"twin.show", THROTTLE_TWIN_READ},      {"twin.update", THROTTLE_TWIN_UPDATE},
        {"twin.replace", THROTTLE_TWIN_UPDATE}, {"method.invoke", THROTTLE_METHOD},
        {"message.send", THROTTLE_MESSAGE},     {"query", THROTTLE_QUERY},
    };

    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct str row = str_from(rows[n].name);

        if (str_ends(row, STR(".")) ? str_starts(name, row) : str_eq(name, row))
            return rows[n].kind;
    }
    return THROTTLES;
}

/* A method's payload in steps of the meter, at least one. */
static double method_cost(const cJSON *command)
{
    const cJSON *payload = json_get(command, "payload");
    size_t len, steps;
    struct buf b;

    buf_init(&b, 0);
    if (payload && !cJSON_IsNull(payload))
        json_print(&b, payload);
    len = b.len < HUB_METHOD_MAX ? b.len : HUB_METHOD_MAX; /* beyond, it is refused anyway */
    buf_done(&b);
    steps = len ? (len + THROTTLE_METER - 1) / THROTTLE_METER : 1;
    return (double)steps * THROTTLE_METER;
}

/* About: what is base64 is a quarter less. */
static size_t message_bytes(const cJSON *command)
{
    const char *base64 = json_get_text(command, "bodyBase64"), *text = json_get_text(command, "body");
    struct buf b;
    size_t len;

    if (base64 || text)
        return base64 ? strlen(base64) / 4 * 3 : strlen(text);
    buf_init(&b, 0);
    if (json_get(command, "body"))
        json_print(&b, json_get(command, "body"));
    len = b.len;
    buf_done(&b);
    return len;
}

int64_t hub_throttle_command(struct hub *h, const struct request *r, struct reply *reply)
{
    const char *name = json_get_text(r->command, "command");
    enum throttle_kind kind = r->verb && h->throttle.profile.tier ? kind_of(str_from(name)) : THROTTLES;
    int64_t wait_us = 0;

    if (kind == THROTTLES)
        return 0;
    switch (hub_throttle(h, kind, kind == THROTTLE_METHOD ? method_cost(r->command) : 1, r->now, &wait_us)) {
    case THROTTLE_REFUSES:
        reply_refuse(reply, 429, 429001, "More %s than a hub of tier %s takes; retry later", throttle_name(kind),
                     tier_name(h->throttle.profile.tier));
        return -1;
    case THROTTLE_PASSES:
        wait_us = 0;
        break;
    case THROTTLE_WAITS:
        break;
    }
    if (kind == THROTTLE_MESSAGE && !throttle_count(&h->throttle, message_bytes(r->command), r->now.us)) {
        reply_refuse(reply, 403, 403002, "The hub's daily quota of %llu messages is used up",
                     (unsigned long long)throttle_quota(&h->throttle.profile));
        return -1;
    }
    return kind == THROTTLE_METHOD ? 0 : wait_us;
}

bool hub_throttle_hold(struct hub *h, size_t from, int64_t due_us, struct outbox *out)
{
    for (size_t n = from; n < out->len && !out->rc; n++)
        if (out->at[n].kind == OUT_PUBLISH && out->at[n].is_answer) {
            hub_waiting_take(h, n, due_us, out);
            return true;
        }
    return false; /* nobody listens for it */
}
