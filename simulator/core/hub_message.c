/* hub_message.c - messages from the cloud: they wait in a queue of their identity's, on disk, until their end. See message.h.
 *
 *   message.send -> in the queue -----------------------> handed to the connection -> acknowledged (PUBACK): completed
 *                     |   ^                                  |             \-> purged
 *                     |   \-- the connection ended before ---/
 *                     \-> its time is over: expired;  purged;  or the identity is deleted, and nothing is told of it any more
 *
 * What is on its way does not expire; it may when it is back in the queue (facts M-21, M-44). Where nobody tells of PUBACKs (a connection
 * without the gateway), or none will come (the filter was granted QoS 0), handing over completes.
 */
#include <stdlib.h>

#include "hub_internal.h"

#define SECOND_US INT64_C(1000000)

/* --- who hears it ----------------------------------------------------------------------------------------------- */

/* 0: not subscribed, else the granted QoS and one. */
static unsigned char granted(const struct identity *i)
{
    unsigned char c2d = i->subscribed[FILTER_C2D], all = i->subscribed[FILTER_MODULE_ALL];

    return c2d > all ? c2d : all;
}

bool hub_message_is_wanted(const struct identity *i)
{
    return i->conn && granted(i) && message_can_reach(identity_ident(i));
}

bool hub_message_is_out(const struct identity *i)
{
    for (const struct message *m = i->messages.first; m; m = m->next)
        if (m->is_out)
            return true;
    return false;
}

bool hub_messages_are_valid(const struct hub *h, const struct identity *i)
{
    size_t n = 0;

    for (const struct message *m = i->messages.first; m; m = m->next) {
        n += m->is_out;
        if (m->number > h->messages.last_number || (m->is_out && !i->conn))
            return false;
    }
    return n <= MESSAGE_OUT_MAX && messages_are_valid(&i->messages);
}

/* --- the end of a message ----------------------------------------------------------------------------------------- */

static struct out *push(struct outbox *out, enum out_kind kind, const struct identity *i, uint64_t number)
{
    struct out *o = hub_push(out, kind, i);

    o->tag = number;
    return o;
}

/* {"originalMessageId":..}: facts M-42. The time is that of the end. Where nobody fetches, no more is written. */
static void tell_sender(struct hub *h, const struct identity *i, const struct message *m, enum message_end end,
                        struct now now, struct outbox *out)
{
    struct ident id = identity_ident(i);
    struct buf b;
    struct out *o;

    if (h->messages.feedback >= FEEDBACK_MAX)
        return;
    o = push(out, OUT_FEEDBACK, i, ++h->messages.last_number);
    buf_init(&b, 0);
    buf_add_char(&b, '{');
    json_put_text(&b, "originalMessageId", str_from(m->id ? m->id : ""));
    json_put_time(&b, "enqueuedTimeUtc", now.us);
    json_put_text(&b, "statusCode", str_from(message_end_feedback(end)));
    json_put_text(&b, "description", str_from(message_end_feedback(end)));
    json_put_text(&b, "deviceId", id.device);
    if (ident_is_module(id))
        json_put_text(&b, "moduleId", id.module);
    json_put_text(&b, "deviceGenerationId", str_from(i->generation));
    buf_add_char(&b, '}');
    o->at_us = now.us;
    o->body = buf_take(&b, &o->body_len);
    if (!o->body)
        out->rc = RC_NOMEM;
    h->messages.feedback++;
    if (now.us < h->messages.oldest_feedback_us)
        h->messages.oldest_feedback_us = now.us;
}

static void put_names(struct buf *b, const struct message *m)
{
    json_put_i64(b, "sequenceNumber", (int64_t)m->number);
    if (m->id)
        json_put_text(b, "messageId", str_from(m->id));
}

void hub_message_settle(struct hub *h, struct identity *i, struct message *m, enum message_end end, struct now now,
                        struct outbox *out)
{
    struct buf *b;

    (void)push(out, OUT_MESSAGE_GONE, i, m->number);
    b = event_begin(h, "message-settled", i, end == MESSAGE_COMPLETED ? i->conn : 0, now);
    put_names(b, m);
    json_put_text(b, "result", str_from(message_end_name(end)));
    event_send(h, out);
    if (message_wants_feedback(m, end))
        tell_sender(h, i, m, end, now, out);
    messages_remove(&i->messages, m);
    hub_account(h, i);
}

void hub_message_damaged(struct hub *h, const struct identity *i, uint64_t number, struct now now, struct outbox *out)
{
    struct buf *b;

    push(out, OUT_MESSAGE_GONE, i, number)->is_damaged = true;
    b = event_begin(h, "message-settled", i, 0, now);
    json_put_i64(b, "sequenceNumber", (int64_t)number);
    json_put_text(b, "result", STR("damaged"));
    event_send(h, out);
}

void hub_message_expire(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    for (struct message *m = i->messages.first, *next; m; m = next) {
        next = m->next;
        if (!m->is_out && m->expires_us <= now.us)
            hub_message_settle(h, i, m, MESSAGE_EXPIRED, now, out);
    }
}

/* --- on its way ---------------------------------------------------------------------------------------------------- */

/* The first in the queue that is not on its way, if the window has room for it; NULL: none. */
static struct message *next_to_send(const struct identity *i)
{
    size_t n = 0, bytes = 0;
    struct message *first = NULL;

    if (!hub_message_is_wanted(i))
        return NULL;
    for (struct message *m = i->messages.first; m; m = m->next) {
        if (m->is_out) {
            n++;
            bytes += m->body_len;
        } else if (!first) {
            first = m;
        }
    }
    return first && n < MESSAGE_OUT_MAX && (n == 0 || bytes + first->body_len <= MESSAGE_OUT_BYTES_MAX) ? first : NULL;
}

static void hand_over(struct hub *h, struct identity *i, struct message *m, struct now now, struct outbox *out)
{
    bool is_told = i->has_gateway && granted(i) > 1; /* somebody says when it is acknowledged */
    struct buf topic;
    struct out *o;

    buf_init(&topic, 0);
    message_print_topic(&topic, m, identity_ident(i));
    o = hub_push_packet(out, i, &topic, granted(i) - 1);
    o->tag = is_told ? m->number : 0;
    o->is_dup = m->was_out && o->qos && !h->options.message_without_dup;
    o->body = str_dup(str_of(m->body, m->body_len));
    o->body_len = m->body_len;
    if (!o->topic || !o->body) {
        out->rc = RC_NOMEM;
        return;
    }
    m->is_out = true;
    i->last_activity_us = now.us; /* facts M-49 */
    hub_fault_message(h, i, FAULT_MESSAGE, str_from(o->topic), now, out);
    if (!is_told)
        hub_message_settle(h, i, m, MESSAGE_COMPLETED, now, out);
}

void hub_message_deliver(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    struct message *m;

    if (!i->messages.first)
        return;
    hub_message_expire(h, i, now, out);
    while (!out->rc && (m = next_to_send(i)))
        hand_over(h, i, m, now, out);
}

void hub_message_acknowledged(struct hub *h, struct identity *i, uint64_t conn, uint64_t tag, struct now now,
                              struct outbox *out)
{
    struct message *m = i->messages.first;

    if (!i->conn || i->conn != conn)
        return; /* what an older connection was sent is in the queue again, or on its way by the new one */
    while (m && (m->number != tag || !m->is_out))
        m = m->next;
    if (!m)
        return; /* purged meanwhile, or acknowledged twice */
    hub_message_settle(h, i, m, MESSAGE_COMPLETED, now, out);
    hub_message_deliver(h, i, now, out);
}

void hub_message_lost(struct hub *h, struct identity *i)
{
    for (struct message *m = i->messages.first; m; m = m->next) {
        if (!m->is_out)
            continue;
        m->is_out = false;
        m->was_out = true;
        if (m->expires_us < h->messages.next_expiry_us) /* it may be due already */
            h->messages.next_expiry_us = m->expires_us;
    }
}

/* --- into the queue ------------------------------------------------------------------------------------------------ */

static void announce(struct hub *h, const struct identity *i, const struct message *m, struct now now,
                     struct outbox *out)
{
    struct buf *b = event_begin(h, "message-queued", i, 0, now);

    put_names(b, m);
    json_put_text(b, "ack", str_from(message_ack_name(m->ack)));
    json_put_time(b, "expiryTimeUtc", m->expires_us);
    json_put_raw(b, "system", str_from(m->system));
    json_put_raw(b, "properties", str_from(m->properties));
    if (!b->rc)
        put_body(b, str_of(m->body, m->body_len));
    event_send(h, out);
}

static void print_sent(struct buf *b, const struct message *m)
{
    buf_add_char(b, '{');
    put_names(b, m);
    json_put_time(b, "enqueuedTimeUtc", m->enqueued_us);
    json_put_time(b, "expiryTimeUtc", m->expires_us);
    buf_add_char(b, '}');
}

void hub_message_enter(struct hub *h, struct identity *i, struct message *m, struct now now, struct buf *answer,
                       struct outbox *out)
{
    struct out *o;
    struct buf doc;

    m->number = ++h->messages.last_number;
    o = push(out, OUT_MESSAGE, i, m->number);
    buf_init(&doc, 0);
    message_print_doc(&doc, m);
    o->at_us = m->enqueued_us;
    o->expires_us = m->expires_us;
    o->doc = buf_take(&doc, NULL);
    o->body = str_dup(str_of(m->body, m->body_len));
    o->body_len = m->body_len;
    if (!o->doc || !o->body)
        out->rc = RC_NOMEM;
    announce(h, i, m, now, out);
    print_sent(answer, m);
    if (m->expires_us < h->messages.next_expiry_us)
        h->messages.next_expiry_us = m->expires_us;
    if (messages_are_here(&i->messages)) {
        messages_push(&i->messages, m);
    } else { /* nobody looks at them now: the store has it */
        i->messages.count++;
        message_free(m);
    }
    hub_account(h, i);
}

void hub_put_messages(struct hub *h, struct identity *i, struct messages *q)
{
    assert(!i->messages.first && hub_find(h, identity_id(i)) == i);
    i->messages = *q;
    *q = (struct messages){0};
    hub_account(h, i);
}

/* --- what the store knows ------------------------------------------------------------------------------------------- */

void hub_set_message_state(struct hub *h, const struct message_state *state)
{
    uint64_t last = h->messages.last_number; /* numbers of a turn that failed are not given again */

    h->messages = *state;
    if (h->messages.last_number < last)
        h->messages.last_number = last;
    if (!state->feedback)
        h->feedback_is_told = false;
}

int64_t hub_next_expiry(const struct hub *h)
{
    return h->messages.next_expiry_us;
}

void hub_set_next_expiry(struct hub *h, int64_t at_us)
{
    h->messages.next_expiry_us = at_us;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Say that a batch of feedback is ready; forget what nobody fetched. returns when it wants to be called again (the hub's clock). */
static int64_t feedback_tick(struct hub *h, struct now now, struct outbox *out)
{
    struct message_state *s = &h->messages;
    int64_t ready_us;

    if (!s->feedback || s->oldest_feedback_us == INT64_MAX)
        return INT64_MAX;
    if (s->oldest_feedback_us + FEEDBACK_KEPT_S * SECOND_US <= now.us) {
        struct out *o = outbox_push(out, OUT_FEEDBACK_GONE);

        o->at_us = now.us - FEEDBACK_KEPT_S * SECOND_US;
        s->oldest_feedback_us = INT64_MAX; /* the adapter says which is the oldest now */
        h->feedback_is_told = false;       /* nobody came for that batch; what is left is another */
        return INT64_MAX;
    }
    ready_us = s->feedback >= FEEDBACK_BATCH ? now.us : s->oldest_feedback_us + FEEDBACK_BATCH_S * SECOND_US;
    if (ready_us > now.us || h->feedback_is_told)
        return h->feedback_is_told ? s->oldest_feedback_us + FEEDBACK_KEPT_S * SECOND_US : ready_us;
    json_put_i64(event_begin(h, "feedback", NULL, 0, now), "records", (int64_t)s->feedback);
    event_send(h, out);
    h->feedback_is_told = true;
    return s->oldest_feedback_us + FEEDBACK_KEPT_S * SECOND_US;
}

bool hub_feedback_is_ready(const struct request *r)
{
    return r->n_feedback >= FEEDBACK_BATCH ||
           (r->n_feedback && r->feedback[0].at_us + FEEDBACK_BATCH_S * SECOND_US <= r->now.us);
}

int64_t hub_message_tick(struct hub *h, struct now now, struct outbox *out)
{
    return hub_mono_of(h, min_of(feedback_tick(h, now, out), h->messages.next_expiry_us), now);
}
