/* hub.c - the record of a hub, dispatch, and the passing of time. See hub.h. */
#include <assert.h>
#include <stdlib.h>

#include "hub_internal.h"

/* --- life ----------------------------------------------------------------------------------------------------- */

struct hub *hub_new(const struct hub_options *options)
{
    struct hub *h = calloc(1, sizeof *h);

    assert(options->n_hosts > 0 && options->n_hosts <= HUB_HOSTS_MAX);
    if (!h)
        return NULL;
    h->options = *options;
    if (!h->options.cache_bytes)
        h->options.cache_bytes = HUB_CACHE_DEFAULT;
    h->random = options->random ? options->random : 1;
    if (!h->options.message_ttl_us)
        h->options.message_ttl_us = MESSAGE_TTL_S * INT64_C(1000000);
    h->next_token_us = INT64_MAX;
    throttle_init(&h->throttle, &options->profile, 0);
    h->messages = (struct message_state){0, INT64_MAX, 0, INT64_MAX};
    buf_init(&h->event, 0);
    h->n_slots = 64;
    h->slots = calloc(h->n_slots, sizeof(struct identity *));
    h->key_seed = str_dup(options->key_seed);
    h->name = str_dup(str_first(options->hosts[0], str_find(options->hosts[0], '.')));
    if (!h->slots || !h->key_seed || !h->name)
        goto failed;
    h->options.key_seed = str_of(h->key_seed, options->key_seed.len);
    for (size_t i = 0; i < options->n_hosts; i++) {
        h->host_texts[i] = str_dup(options->hosts[i]);
        if (!h->host_texts[i])
            goto failed;
        h->options.hosts[i] = str_of(h->host_texts[i], options->hosts[i].len);
    }
    return h;

failed:
    hub_free(h);
    return NULL;
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    for (size_t s = 0; h->slots && s < h->n_slots; s++)
        for (struct identity *i = h->slots[s], *next; i; i = next) {
            next = i->hash_next;
            identity_free(i);
        }
    for (size_t i = 0; i < HUB_HOSTS_MAX; i++)
        free(h->host_texts[i]);
    hub_waiting_drop(h);
    hub_faults_free(h);
    hub_methods_free(h);
    buf_done(&h->event);
    free(h->slots);
    free(h->key_seed);
    free(h->name);
    free(h);
}

uint64_t hub_random(struct hub *h)
{
    /* splitmix64: ids that look random and repeat with the seed. Not for keys. */
    uint64_t z = h->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* --- parse, needs, decide ------------------------------------------------------------------------------------- */

void request_read(struct request *r)
{
    r->read_rc = RC_OK;
    r->target = (struct ident){{NULL, 0}, {NULL, 0}};
    switch (r->kind) {
    case REQUEST_CONNECT:
        r->read_rc = user_name_read(r->user_name, &r->user);
        if (!r->read_rc && r->user.kind == USER_NAME_DEVICE)
            r->target = r->user.ident;
        break;
    case REQUEST_PUBLISH:
    case REQUEST_WILL:
    case REQUEST_KEEP_WILL:
        r->target = r->conn->who;
        r->read_rc = topic_read(r->conn->who, r->topic, &r->read);
        break;
    case REQUEST_COMMAND:
        command_read(r);
        break;
    case REQUEST_END:
    case REQUEST_SUBSCRIBE:
    case REQUEST_UNSUBSCRIBE:
    case REQUEST_PUBACK:
        r->target = r->conn->who;
        break;
    case REQUEST_EXPIRE:
        r->read_rc = ident_read(r->client_id, &r->target);
        break;
    case REQUEST_TURNED_AWAY:
        break;
    }
}

void hub_needs(const struct hub *h, const struct request *r, struct needs *out)
{
    memset(out, 0, sizeof *out);
    if (r->kind == REQUEST_COMMAND) {
        command_needs(r, out);
        out->twins |= h->has_readers && r->verb && r->verb->run == device_delete; /* they are shown once more */
        message_needs(r, out);
        return;
    }
    if (r->target.device.len == 0 || r->kind == REQUEST_END)
        return; /* a service client, or nobody; an end concerns only what is in memory */
    out->ids[out->n_ids++] = r->target;
    if (r->kind == REQUEST_CONNECT && ident_is_module(r->target))
        out->ids[out->n_ids++] = (struct ident){r->target.device, {NULL, 0}}; /* a disabled device blocks its modules */
    out->messages = r->kind == REQUEST_CONNECT || r->kind == REQUEST_SUBSCRIBE || r->kind == REQUEST_EXPIRE;
    out->twins = r->kind == REQUEST_PUBLISH && r->read_rc == RC_OK &&
                 (r->read.kind == TOPIC_TWIN_GET || r->read.kind == TOPIC_TWIN_PATCH_REPORTED);
}

bool hub_needs_messages(const struct hub *h, const struct request *r, const struct identity *i)
{
    if (r->kind == REQUEST_CONNECT)
        return hub_connect_is_signed(h, r, i); /* nothing is read for a stranger */
    return r->kind != REQUEST_COMMAND || message_needs_queue(r, i);
}

static enum hub_answer handle(struct hub *h, struct request *r, struct outbox *out)
{
    struct identity *i = r->target.device.len && r->conn && r->conn->no && !r->conn->is_service
                             ? hub_find(h, str_from(r->conn->id))
                             : NULL;

    if (i)
        hub_touch(h, i);
    switch (r->kind) {
    case REQUEST_CONNECT:
        return hub_connect(h, r, out);
    case REQUEST_END:
        hub_end(h, r, out);
        return HUB_ACCEPT;
    case REQUEST_SUBSCRIBE:
        return hub_subscribe(h, r, out);
    case REQUEST_UNSUBSCRIBE:
        return hub_unsubscribe(h, r, out);
    case REQUEST_PUBLISH:
        return hub_publish(h, r, out);
    case REQUEST_WILL:
        hub_will(h, r, out);
        return HUB_SWALLOW;
    case REQUEST_KEEP_WILL:
        hub_will_keep(h, r, out);
        return HUB_SWALLOW;
    case REQUEST_TURNED_AWAY:
        hub_turned_away(h, r, out);
        return HUB_SWALLOW;
    case REQUEST_COMMAND:
        hub_command(h, r, out);
        return HUB_SWALLOW;
    case REQUEST_PUBACK:
        if (i)
            hub_message_acknowledged(h, i, r->conn->no, r->tag, r->now, out);
        return HUB_SWALLOW;
    case REQUEST_EXPIRE:
        i = hub_find(h, r->client_id);
        if (i)
            hub_message_expire(h, i, r->now, out);
        return HUB_SWALLOW;
    }
    return HUB_CLOSE;
}

enum hub_answer hub_handle(struct hub *h, struct request *r, struct outbox *out)
{
    enum hub_answer answer = handle(h, r, out);

    hub_fault_sweep(h);
    return answer;
}

/* --- what several handlers do --------------------------------------------------------------------------------- */

struct identity *hub_live(const struct hub *h, const struct request *r)
{
    struct identity *i = hub_find(h, str_from(r->conn->id));

    return i && i->conn == r->conn->no ? i : NULL;
}

struct out *hub_push(struct outbox *out, enum out_kind kind, const struct identity *i)
{
    struct out *o = outbox_push(out, kind);

    memcpy(o->to, i->id, i->id_len + 1);
    return o;
}

struct out *hub_push_row(struct outbox *out, const struct identity *i, enum change_kind kind, struct now now)
{
    struct out *o = hub_push(out, OUT_STORE, i);

    o->change = kind;
    o->at_us = now.us;
    if (i->twin) {
        o->version = i->twin->version;
        o->desired_version = i->twin->desired_version;
        o->reported_version = i->twin->reported_version;
    }
    return o;
}

struct out *hub_push_packet(struct outbox *out, const struct identity *i, struct buf *topic, int qos)
{
    struct out *o = hub_push(out, OUT_PUBLISH, i);

    o->conn = i->conn;
    o->qos = qos;
    o->topic = buf_take(topic, NULL);
    if (!o->topic)
        out->rc = RC_NOMEM;
    return o;
}

void hub_store_document(struct identity *i, enum change_kind kind, struct now now, struct outbox *out)
{
    struct out *o = hub_push_row(out, i, kind, now);
    struct buf b;

    buf_init(&b, 0);
    identity_print(&b, i, false);
    o->doc = buf_take(&b, NULL);
    if (kind == CHANGE_CREATED) {
        twin_print(&b, i->twin);
        o->twin = buf_take(&b, NULL);
        identity_print(&b, i, true);
    } else {
        identity_print(&b, i, false);
    }
    o->body = buf_take(&b, &o->body_len);
    if (!o->doc || !o->body || (kind == CHANGE_CREATED && !o->twin))
        out->rc = RC_NOMEM;
}

void hub_store_subscriptions(const struct identity *i, struct outbox *out)
{
    struct out *o = hub_push(out, OUT_SUBSCRIBED, i);

    memcpy(o->subscribed, i->subscribed, sizeof o->subscribed);
}

void hub_end_session(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out)
{
    uint64_t conn = i->conn;
    struct out *o;

    if (!conn)
        return;
    hub_note_end(h, i, why, now, out);
    o = hub_push(out, OUT_CLOSE, i);
    o->conn = conn;
    o->ended = why;
}

void hub_note_end(struct hub *h, struct identity *i, enum ended why, struct now now, struct outbox *out)
{
    hub_note_end_so(h, i, why, STR(""), now, out);
}

void hub_note_end_so(struct hub *h, struct identity *i, enum ended why, struct str detail, struct now now,
                     struct outbox *out)
{
    struct buf *b;

    if (!i->conn)
        return;
    hub_waiting_end(h, i, now, out);
    b = event_begin(h, "disconnected", i, i->conn, now);
    json_put_text(b, "reason", str_from(ended_name(why)));
    if (detail.len)
        json_put_text(b, "detail", detail);
    event_send(h, out);
    notice_connection(h, i, false, now, out);
    hub_will_end(h, i, why, now, out);
    hub_method_lost(h, i, now, out);
    hub_message_lost(h, i);
    i->conn = 0;
    i->token_ends_us = INT64_MAX;
    i->state_updated_us = now.us;
    h->connected--;
}

/* --- time ----------------------------------------------------------------------------------------------------- */

int64_t hub_tick(struct hub *h, struct now now, struct outbox *out)
{
    int64_t next = hub_fault_tick(h, now, out), at = hub_method_tick(h, now, out);

    next = at < next ? at : next;
    hub_end_expired(h, now, out);
    at = hub_mono_of(h, h->next_token_us, now);
    next = at < next ? at : next;
    at = hub_message_tick(h, now, out);
    return at < next ? at : next;
}

/* --- who listens, who may read -------------------------------------------------------------------------------- */

void hub_set_listeners(struct hub *h, bool any)
{
    h->has_listeners = any;
}

uint64_t hub_seq(const struct hub *h)
{
    return h->seq;
}

static bool is_service_topic(struct str topic)
{
    return str_starts(topic, STR(EVENTS_ROOT)) || str_starts(topic, STR(HUB_EVENTS_ROOT)) ||
           str_starts(topic, STR("devices/"));
}

bool hub_may_read(const struct conn *conn, struct str topic)
{
    return conn->is_service && conn->rights & RIGHT_SERVICE_CONNECT && is_service_topic(topic);
}

void hub_end_all(struct hub *h, struct now now, struct outbox *out)
{
    for (struct identity *i = h->oldest; i && out->len < OUTBOX_MAX / 2; i = i->newer)
        hub_note_end(h, i, ENDED_SHUTDOWN, now, out);
}

void hub_announce(struct hub *h, const char *kind, struct now now, struct outbox *out)
{
    if (!h->started_mono_us) {
        h->started_us = now.us;
        h->started_mono_us = now.mono_us;
    }
    if (strcmp(kind, "hub-stopping") == 0) {
        struct refusal why;

        refuse(&why, 503, 503001, "The hub stops.");
        hub_method_end(h, NULL, &why, now, out);
        hub_waiting_answers(h, 0, now, out);
    }
    (void)event_begin(h, kind, NULL, 0, now);
    event_send(h, out);
}
