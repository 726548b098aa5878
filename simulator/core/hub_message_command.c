/* hub_message_command.c - the commands about messages, and the feedback on them. See docs/reference/messages.md. */
#include <stdlib.h>

#include "hub_internal.h"

void message_needs(const struct request *r, struct needs *out)
{
    if (!r->verb || r->read_rc)
        return;
    if (r->verb->run == feedback_receive && r->conn->rights & r->verb->rights)
        out->feedback = true;
    if (!out->n_ids)
        return;
    out->messages = r->verb->run == message_list || r->verb->run == message_purge || r->verb->run == message_send;
}

/* Whoever is not there to hear one more needs no more than their number, unless the time of some may be over. */
bool message_needs_queue(const struct request *r, const struct identity *i)
{
    return r->verb->run != message_send || hub_message_is_wanted(i) || i->messages.count >= MESSAGE_QUEUE_MAX;
}

static bool has_queue(const struct identity *i, struct reply *reply)
{
    if (messages_are_here(&i->messages))
        return true;
    reply_refuse(reply, 500, 500001, "the messages of %s could not be read from the store", i->id);
    return false;
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

/* A module's input is no queue: who does not listen now never hears it (facts M-46). Takes m over. */
static void send_to_input(struct hub *h, struct identity *i, struct message *m, struct request *r, struct reply *reply,
                          struct outbox *out)
{
    struct str input = str_from(json_get_text(r->command, "inputName"));
    unsigned char one = i->subscribed[FILTER_INPUTS], all = i->subscribed[FILTER_MODULE_ALL];
    unsigned char granted = one > all ? one : all;
    struct buf topic;
    struct out *o;

    if (!ident_is_module(identity_ident(i)) || !ident_part_is_valid(input) || str_find(input, '+') < input.len ||
        str_find(input, '#') < input.len) {
        reply_refuse(reply, 400, 400004, "only modules have inputs, and 'inputName' is the name of one");
        goto done;
    }
    if (!i->conn || !granted || !message_can_reach(identity_ident(i))) {
        reply_refuse(reply, 404, 404103, "%s does not listen to its inputs", i->id);
        goto done;
    }
    buf_init(&topic, 0);
    message_print_input_topic(&topic, m, identity_ident(i), input);
    o = hub_push_packet(out, i, &topic, granted - 1);
    o->body = str_dup(str_of(m->body, m->body_len));
    o->body_len = m->body_len;
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
    else
        hub_fault_message(h, i, FAULT_MESSAGE, str_from(o->topic), r->now, out);
    i->last_activity_us = r->now.us; /* facts M-49 */
done:
    message_free(m);
}

void message_send(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    struct message *m = NULL;
    struct refusal why;
    enum rc rc;

    if (!i)
        return;
    rc = message_read(r->command, r->target, r->now.us, h->options.message_ttl_us, &m, &why);
    if (rc) {
        reply_unread(reply, rc, &why, out);
        return;
    }
    if (json_get(r->command, "inputName")) {
        send_to_input(h, i, m, r, reply, out);
        return;
    }
    hub_message_expire(h, i, r->now, out);
    if (i->messages.count >= MESSAGE_QUEUE_MAX) { /* facts M-22 */
        reply_refuse(reply, 403, 403004, "%d messages wait for %s already; there may be no more", MESSAGE_QUEUE_MAX,
                     i->id);
        message_free(m);
        return;
    }
    hub_message_enter(h, i, m, r->now, &reply->body, out);
    hub_message_deliver(h, i, r->now, out);
}

/* --- looking, and throwing away -------------------------------------------------------------------------------------- */

static void print_waiting(struct buf *b, const struct message *m)
{
    json_comma(b);
    buf_add_char(b, '{');
    json_put_i64(b, "sequenceNumber", (int64_t)m->number);
    json_put_time(b, "enqueuedTimeUtc", m->enqueued_us);
    json_put_time(b, "expiryTimeUtc", m->expires_us);
    json_put_text(b, "ack", str_from(message_ack_name(m->ack)));
    json_put_bool(b, "inFlight", m->is_out);
    json_put_i64(b, "deliveryCount", 0); /* nothing that happens over MQTT counts (facts M-44) */
    json_put_raw(b, "system", str_from(m->system));
    json_put_raw(b, "properties", str_from(m->properties));
    put_body(b, str_of(m->body, m->body_len));
    buf_add_char(b, '}');
}

void message_list(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    if (!i || !has_queue(i, reply))
        return;
    hub_message_expire(h, i, r->now, out);
    buf_add(&reply->body, STR("{\"items\":["));
    for (const struct message *m = i->messages.first; m; m = m->next)
        print_waiting(&reply->body, m);
    buf_add(&reply->body, STR("]}"));
}

void message_purge(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    int64_t n = 0;

    if (!i || !has_queue(i, reply))
        return;
    hub_message_expire(h, i, r->now, out);
    for (; i->messages.first; n++)
        hub_message_settle(h, i, i->messages.first, MESSAGE_PURGED, r->now, out);
    buf_add_char(&reply->body, '{');
    json_put_i64(&reply->body, "totalMessagesPurged", n);
    json_put_text(&reply->body, "deviceId", r->target.device);
    if (ident_is_module(r->target))
        json_put_text(&reply->body, "moduleId", r->target.module);
    else
        json_put_raw(&reply->body, "moduleId", STR("null"));
    buf_add_char(&reply->body, '}');
}

/* --- feedback ---------------------------------------------------------------------------------------------------------- */

void feedback_receive(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;
    bool is_ready = hub_feedback_is_ready(r);

    buf_add(b, STR("{\"items\":["));
    for (size_t n = 0; is_ready && n < r->n_feedback; n++) {
        json_comma(b);
        buf_add(b, str_from(r->feedback[n].text));
    }
    buf_add(b, STR("]}"));
    if (!is_ready)
        return;
    outbox_push(out, OUT_FEEDBACK_GONE)->tag = r->feedback[r->n_feedback - 1].number;
    h->feedback_is_told = false;
    h->messages.oldest_feedback_us = INT64_MAX; /* the adapter says which is the oldest, once these are gone */
}
