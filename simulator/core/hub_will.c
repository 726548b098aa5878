/* hub_will.c - last wills that the hub keeps: of clients that came through the gateway (facts M-20).
 *
 * The gateway takes the will out of the CONNECT, since the broker would publish it, or not, by rules of its own (facts B-08). Its topic comes with the
 * CONNECT and is judged there; the will itself comes right behind, and belongs to the connection.
 */
#include <stdlib.h>

#include "bag.h"
#include "hub_internal.h"

/* A topic that the identity may send telemetry to, with a bag that can be read. */
static bool is_good(struct ident who, struct str text)
{
    cJSON *system = NULL, *properties = NULL;
    struct topic topic;
    enum rc rc;

    if (topic_read(who, text, &topic) || topic.kind != TOPIC_TELEMETRY)
        return false;
    rc = bag_read(topic.bag, &system, &properties);
    cJSON_Delete(system);
    cJSON_Delete(properties);
    return rc != RC_SYNTAX; /* without memory: it is read again when it is told */
}

const char *hub_will_refusal(const struct hub *h, const struct request *r)
{
    if (!r->has_will || h->options.forbidden_will_is_dropped)
        return NULL;
    if (r->will_qos > 1) /* facts M-13: as a message it would end the connection */
        return "a will must have QoS 0 or 1";
    return is_good(r->target, r->will_topic) ? NULL : NOT_A_WILL;
}

void hub_will_keep(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i = r->conn->is_service ? NULL : hub_find(h, str_from(r->conn->id));
    struct will *will;

    if (!i || i->conn != r->conn->no)
        return;
    if (r->qos > 1 || !is_good(r->target, r->topic)) {
        hub_violation(h, r, i, NOT_A_WILL, out);
        return;
    }
    will = calloc(1, sizeof *will);
    if (!will) {
        out->rc = RC_NOMEM;
        return;
    }
    will->topic = str_dup(r->topic);
    will->payload = str_dup(r->payload);
    will->len = r->payload.len;
    will->qos = r->qos;
    will->retain = r->retain;
    if (!will->topic || !will->payload) {
        will_free(will);
        out->rc = RC_NOMEM;
        return;
    }
    will_free(i->will);
    i->will = will;
    hub_account(h, i);
}

void hub_will_end(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out)
{
    struct will *will = i->will;
    struct conn nobody = {.no = 0};
    struct request r = {.kind = REQUEST_WILL, .conn = &nobody, .now = now};

    if (!will)
        return;
    i->will = NULL;
    hub_account(h, i);
    r.topic = str_from(will->topic);
    r.payload = str_of(will->payload, will->len);
    r.qos = will->qos;
    r.retain = will->retain;
    r.read_rc = topic_read(identity_ident(i), r.topic, &r.read);
    if (why != ENDED_CLIENT)
        hub_tell_will(h, i, &r, out);
    will_free(will);
}
