/* hub_twin.c - the commands that read and change twins from the service side. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

void twin_show(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    (void)out;
    if (i)
        identity_print_twin(&reply->body, i);
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* A service write in the making: copies of the submitted sections, cleaned of what a round-tripped document carries. */
struct write {
    cJSON *tags, *desired; /* NULL: not submitted */
    bool replace;
};

static void write_done(struct write *w)
{
    cJSON_Delete(w->tags);
    cJSON_Delete(w->desired);
}

/* Copy one submitted section. returns false with the refusal written. */
static bool take_section(const cJSON *section, cJSON **out, struct reply *reply)
{
    if (!section)
        return true;
    *out = cJSON_Duplicate(section, true);
    if (!*out) {
        reply_refuse(reply, 500, 500001, "out of memory");
        return false;
    }
    twin_strip_service_fields(*out); /* facts T-27, T-28 */
    return true;
}

static bool read_write(const cJSON *document, struct write *w, struct reply *reply)
{
    const cJSON *properties = json_get(document, "properties");

    if (!cJSON_IsObject(document) || (properties && !cJSON_IsObject(properties))) {
        reply_refuse(reply, 400, 400004,
                     "Provided json is not a valid 'tags' or 'properties' object: "
                     "wanted {\"tags\":{..},\"properties\":{\"desired\":{..}}}");
        return false;
    }
    return take_section(json_get(document, "tags"), &w->tags, reply) &&
           take_section(json_get(properties, "desired"), &w->desired, reply);
}

/* If-Match: the etag with or without quotes, weak or not, or *. Absent: unconditional (facts T-23). */
static bool etag_matches(const struct twin *t, const cJSON *command, struct reply *reply)
{
    const char *given = json_get_text(command, "etag");
    struct str etag = str_from(given);
    char now[16];

    if (!json_get(command, "etag"))
        return true;
    if (str_starts(etag, STR("W/\"")))
        etag = str_skip(etag, 2);
    if (etag.len >= 2 && etag.at[0] == '"' && etag.at[etag.len - 1] == '"')
        etag = str_of(etag.at + 1, etag.len - 2);
    twin_etag_print(t->etag, now);
    if (str_eq(etag, STR("*")) || str_eq(etag, str_from(now)))
        return true;
    reply_refuse(reply, 412, 412001, "Precondition failed: the twin's etag is %s, not %s", now,
                 given ? given : "a text");
    return false;
}

/* The journal row of a service write: {"tags":..,"desired":..}, what was submitted. */
static void store_write(const struct identity *i, const struct write *w, struct now now, struct outbox *out)
{
    struct out *o = hub_push_row(out, i, w->replace ? CHANGE_REPLACED : CHANGE_PATCHED, now);
    struct buf b;

    buf_init(&b, 0);
    buf_add_char(&b, '{');
    if (w->tags)
        json_put_node(&b, "tags", w->tags);
    if (w->desired)
        json_put_node(&b, "desired", w->desired);
    buf_add_char(&b, '}');
    o->body = buf_take(&b, &o->body_len);
    if (!o->body)
        out->rc = RC_NOMEM;
}

static void announce_tags(struct hub *h, const struct identity *i, const struct write *w, struct now now,
                          struct outbox *out)
{
    struct buf *b = event_begin(h, "tags", i, 0, now);
    char etag[16];

    twin_etag_print(i->twin->etag, etag);
    if (w->tags)
        json_put_node(b, "patch", w->tags);
    else
        json_put_raw(b, "patch", STR("{}"));
    json_put_text(b, "etag", str_from(etag));
    json_put_bool(b, "replace", w->replace);
    event_send(h, out);
}

void hub_put_note(struct buf *b, const char *key, struct str note, int64_t version)
{
    char tail[40];
    size_t n = (size_t)snprintf(tail, sizeof tail, "\"$version\":%lld}", (long long)version);

    assert(str_ends(note, str_of(tail, n)));
    note.len -= n;
    if (note.at[note.len - 1] == ',')
        note.len--;
    json_key(b, key);
    buf_add(b, note);
    buf_add_char(b, '}');
}

void hub_notify(struct hub *h, struct identity *i, int64_t version, struct buf *note, struct now now,
                struct outbox *out)
{
    const struct fault *f;
    struct buf topic;
    struct out *o;

    buf_init(&topic, 0);
    topic_desired(&topic, version);
    f = hub_fault_pick(h, FAULTS_THAT_END, FAULT_DESIRED, i, buf_view(&topic), now, out);
    if (f) {
        buf_done(&topic);
        hub_end_session(h, i, hub_fault_ended(f->type), now, out);
        return;
    }
    o = hub_push_packet(out, i, &topic, i->subscribed[FILTER_TWIN_DESIRED] - 1);
    o->body = buf_take(note, &o->body_len);
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
    hub_fault_message(h, i, FAULT_DESIRED, str_from(o->topic), now, out);
}

/* Tell the device, if it is there and listens (facts M-31..M-33), and the event stream. Takes the note over. */
static void announce_desired(struct hub *h, struct identity *i, const struct write *w, struct buf *note, struct now now,
                             struct outbox *out)
{
    unsigned char granted = i->subscribed[FILTER_TWIN_DESIRED];
    int64_t version = i->twin->desired_version;
    struct buf *b;

    b = event_begin(h, "desired", i, i->conn, now);
    json_put_i64(b, "version", version);
    if (!b->rc)
        hub_put_note(b, "patch", buf_view(note), version);
    json_put_bool(b, "replace", w->replace);
    json_put_bool(b, "delivered", i->conn && granted);
    event_send(h, out);
    if (i->conn && granted)
        hub_notify(h, i, version, note, now, out);
    else if (hub_keeps_missed(h, i))
        hub_missed_keep(h, i, buf_view(note), now, out);
    buf_done(note);
}

static void apply(struct hub *h, struct identity *i, const struct write *w, struct request *r, struct outbox *out)
{
    bool is_heard = h->has_listeners || (i->conn && i->subscribed[FILTER_TWIN_DESIRED]) || hub_keeps_missed(h, i);
    bool tags, desired;
    struct buf note;

    buf_init(&note, 0);
    if (is_heard) /* what will be heard depends on what the twin holds now */
        twin_print_note(&note, i->twin, w->desired, w->replace, i->twin->desired_version + 1);
    if (!buf_ok(&note) || twin_write_service(i->twin, w->tags, w->desired, w->replace, r->now.us, &tags, &desired)) {
        buf_done(&note);
        out->rc = RC_NOMEM;
        return;
    }
    hub_account(h, i);
    if (tags || desired)
        store_write(i, w, r->now, out);
    if (tags)
        announce_tags(h, i, w, r->now, out);
    if (desired)
        announce_desired(h, i, w, &note, r->now, out);
    else
        buf_done(&note);
    if (tags || desired)
        notice_twin(h, i,
                    &(struct twin_change){
                        .tags = tags ? w->tags : NULL, .desired = desired ? w->desired : NULL, .replace = w->replace},
                    r->now, out);
}

static void write_twin(struct hub *h, struct request *r, const char *member, bool replace, struct reply *reply,
                       struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    struct write w = {.replace = replace};
    struct refusal why;

    if (!i)
        return;
    if (read_write(json_get(r->command, member), &w, reply) && etag_matches(i->twin, r->command, reply)) {
        if (twin_check_service(i->twin, w.tags, w.desired, replace, &why)) {
            apply(h, i, &w, r, out);
            identity_print_twin(&reply->body, i);
        } else {
            reply->status = why.status;
            reply->why = why;
        }
    }
    write_done(&w);
}

void twin_update(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    write_twin(h, r, "patch", false, reply, out);
}

void twin_replace(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    write_twin(h, r, "twin", true, reply, out);
}

/* --- history -------------------------------------------------------------------------------------------------- */

/* Documents in the journal hold keys; history shows what happened to the twin, not its secrets. */
static void print_row(struct buf *b, const struct journal_row *row)
{
    bool is_twin_row = row->kind == CHANGE_REPORTED || row->kind == CHANGE_PATCHED || row->kind == CHANGE_REPLACED;

    json_comma(b);
    buf_add_char(b, '{');
    json_put_i64(b, "version", row->version);
    json_put_i64(b, "desiredVersion", row->desired_version);
    json_put_i64(b, "reportedVersion", row->reported_version);
    json_put_time(b, "at", row->at_us);
    json_put_text(b, "kind", str_from(change_kind_name(row->kind)));
    if (is_twin_row)
        json_put_raw(b, "body", str_from(row->body));
    buf_add_char(b, '}');
}

void twin_history(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;

    (void)out;
    if (!command_target(h, r, reply))
        return;
    buf_add(b, STR("{\"items\":["));
    for (size_t n = 0; n < r->n_rows; n++)
        print_row(b, &r->rows[n]);
    buf_add_char(b, ']');
    if (r->list_has_more && r->n_rows)
        json_put_i64(b, "next", r->rows[r->n_rows - 1].version);
    buf_add_char(b, '}');
}
