/* hub_identity.c - the commands about identities: made, listed, changed, deleted, exported. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

static void announce_identity(struct hub *h, const char *kind, const struct identity *i, struct now now,
                              struct outbox *out)
{
    struct buf *b = event_begin(h, kind, i, 0, now);

    json_put_text(b, "status", i->is_enabled ? STR("enabled") : STR("disabled"));
    json_put_text(b, "auth", i->auth == AUTH_SAS ? STR("sas") : STR("other"));
    event_send(h, out);
}

/* What device.create and device.update may say about an identity; read as a whole before anything is touched. */
struct settings {
    bool has_keys, has_status, has_reason;
    struct sas_key primary, secondary;
    bool is_enabled;
    struct str reason; /* empty: unset it */
};

static bool read_keys(const cJSON *command, struct settings *s, struct reply *reply)
{
    const char *primary = json_get_text(command, "primaryKey");
    const char *secondary = json_get_text(command, "secondaryKey");

    if (!json_get(command, "primaryKey") && !json_get(command, "secondaryKey"))
        return true;
    if (!primary || !secondary) {
        reply_refuse(reply, 400, 400004, "give both primaryKey and secondaryKey, or neither");
        return false;
    }
    if (sas_key_read(str_from(primary), &s->primary) || sas_key_read(str_from(secondary), &s->secondary)) {
        reply_refuse(reply, 400, 400004, "a symmetric key must be base64 of 16 to 64 bytes");
        return false;
    }
    s->has_keys = true;
    return true;
}

static bool read_status(const cJSON *command, struct settings *s, struct reply *reply)
{
    const char *status = json_get_text(command, "status");
    const cJSON *reason = json_get(command, "statusReason");

    if (json_get(command, "status")) {
        if (!status || (strcmp(status, "enabled") != 0 && strcmp(status, "disabled") != 0)) {
            reply_refuse(reply, 400, 400004, "status is neither \"enabled\" nor \"disabled\"");
            return false;
        }
        s->has_status = true;
        s->is_enabled = strcmp(status, "enabled") == 0;
    }
    if (!reason)
        return true;
    if (!cJSON_IsNull(reason) && (!cJSON_IsString(reason) || !status_reason_is_valid(str_from(reason->valuestring)))) {
        reply_refuse(reply, 400, 400004, "statusReason is a text of at most 128 characters, or null");
        return false;
    }
    s->has_reason = true;
    s->reason = cJSON_IsString(reason) ? str_from(reason->valuestring) : (struct str){NULL, 0};
    return true;
}

/* returns false with the refusal written; *s is then not to be used. */
static bool read_settings(const cJSON *command, struct settings *s, struct reply *reply)
{
    const cJSON *edge = json_get(command, "iotEdge");

    memset(s, 0, sizeof *s);
    if (edge && !cJSON_IsBool(edge)) {
        reply_refuse(reply, 400, 400004, "iotEdge is true or false");
        return false;
    }
    return read_keys(command, s, reply) && read_status(command, s, reply);
}

static enum rc apply_settings(struct identity *i, const cJSON *command, const struct settings *s, struct now now)
{
    const cJSON *edge = json_get(command, "iotEdge");
    char *reason = s->reason.len ? str_dup(s->reason) : NULL;

    if (s->reason.len && !reason)
        return RC_NOMEM;
    if (s->has_keys) {
        i->primary = s->primary;
        i->secondary = s->secondary;
    }
    if ((s->has_status && s->is_enabled != i->is_enabled) || s->has_reason)
        i->status_updated_us = now.us;
    if (s->has_status)
        i->is_enabled = s->is_enabled;
    if (s->has_reason) {
        free(i->status_reason);
        i->status_reason = reason;
    }
    if (edge)
        i->is_edge = cJSON_IsTrue(edge);
    return RC_OK;
}

static void change_tag(struct hub *h, struct identity *i)
{
    int64_t before = i->tag;

    while (i->tag == before)
        i->tag = 100000000 + (int64_t)(hub_random(h) % 900000000);
}

/* Fill in what nobody gave: keys, generation, etag, a twin. returns false when out of memory. */
static bool complete(struct hub *h, struct identity *i, struct now now)
{
    if (i->auth == AUTH_SAS && !i->primary.len)
        hub_identity_keys(h->options.key_seed, identity_ident(i), i->key_turn, &i->primary, &i->secondary);
    if (i->auth == AUTH_SAS && (!i->primary.len || !i->secondary.len))
        return false;
    if (!i->generation[0])
        (void)snprintf(i->generation, sizeof i->generation, "%" PRIu64,
                       637000000000000000u + hub_random(h) % 100000000000000u);
    if (!i->tag)
        change_tag(h, i);
    if (!i->twin)
        i->twin = twin_new(now.us);
    return i->twin != NULL;
}

/* Put a finished identity into the hub: row, cache, event. i may be NULL. NULL: out of memory, and it is freed. */
static struct identity *admit(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    if (!i || !complete(h, i, now)) {
        identity_free(i);
        out->rc = RC_NOMEM;
        return NULL;
    }
    hub_store_document(i, CHANGE_CREATED, now, out);
    i = hub_put(h, i);
    announce_identity(h, "created", i, now, out);
    notice_lifecycle(h, i, true, now, out);
    return i;
}

/* An edge device has the modules of its runtime without being asked (facts R-21). Those it has are in memory. */
#define EDGE_MODULES 2u

static const char *const edge_modules[EDGE_MODULES] = {"$edgeAgent", "$edgeHub"};

static bool has_edge_module(const struct hub *h, const struct identity *device, size_t n)
{
    struct ident id = {identity_ident(device).device, str_from(edge_modules[n])};
    char text[IDENT_TEXT_MAX];

    return hub_find(h, str_of(text, ident_print(id, text))) != NULL;
}

static void admit_edge_modules(struct hub *h, const struct identity *device, struct now now, struct outbox *out)
{
    for (size_t n = 0; n < EDGE_MODULES; n++)
        if (!has_edge_module(h, device, n))
            (void)admit(h, identity_new((struct ident){identity_ident(device).device, str_from(edge_modules[n])}), now,
                        out);
}

/* Is there room for those that a device of n_modules does not have? */
static bool edge_modules_fit(const struct hub *h, const struct identity *device, size_t n_modules)
{
    for (size_t n = 0; n < EDGE_MODULES; n++)
        n_modules += !has_edge_module(h, device, n);
    return n_modules <= HUB_MODULES_MAX;
}

/* May an identity of that name be made, or take the place of one? Its device must exist, with room for one more module. */
static bool may_create(struct hub *h, const struct request *r, bool replace, struct reply *reply)
{
    char id[IDENT_TEXT_MAX];
    bool is_there = hub_find(h, str_of(id, ident_print(r->target, id))) != NULL;

    if (is_there && !replace) {
        reply_refuse(reply, 409, ident_is_module(r->target) ? 409301 : 409001, "%s exists already", id);
        return false;
    }
    if (!ident_is_module(r->target))
        return true;
    if (!hub_find(h, r->target.device)) {
        reply_refuse(reply, 404, 404001, "Device %.*s not registered", STR_FMT(r->target.device));
        return false;
    }
    if (!is_there && r->n_listed >= HUB_MODULES_MAX) { /* facts L-05 */
        reply_refuse(reply, 413, 413003, "a device has at most %u modules", HUB_MODULES_MAX);
        return false;
    }
    return true;
}

void device_create(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const cJSON *twin = json_get(r->command, "twin");
    struct settings settings;
    struct refusal why;
    struct identity *i;
    enum rc rc;

    if (!may_create(h, r, false, reply) || !read_settings(r->command, &settings, reply))
        return;
    i = identity_new(r->target);
    rc = i ? apply_settings(i, r->command, &settings, r->now) : RC_NOMEM;
    if (!rc && !i->status_reason && i->is_enabled)
        i->status_updated_us = INSTANT_NONE; /* nothing was ever changed (facts T-01) */
    if (!rc && twin)
        rc = twin_read(twin, r->now.us, &i->twin, &why);
    if (!rc) {
        i = admit(h, i, r->now, out);
        if (i) {
            if (i->is_edge)
                admit_edge_modules(h, i, r->now, out);
            identity_print_document(&reply->body, i);
        }
        return;
    }
    identity_free(i);
    reply_unread(reply, rc, &why, out);
}

void device_show(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    (void)out;
    if (i)
        identity_print_document(&reply->body, i);
}

void device_list(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;

    (void)out;
    if (r->verb->modules && !command_target(h, r, reply))
        return;
    buf_add(b, STR("{\"items\":["));
    for (size_t n = 0; n < r->n_listed; n++) {
        json_comma(b);
        identity_print_document(b, r->listed[n]);
    }
    buf_add_char(b, ']');
    if (r->list_has_more && r->n_listed)
        json_put_text(b, "next", identity_id(r->listed[r->n_listed - 1]));
    buf_add_char(b, '}');
}

/* A disabled device is out, and so are its modules (facts A-11). */
static void close_disabled(struct hub *h, struct identity *device, struct request *r, struct outbox *out)
{
    if (device->is_enabled)
        return;
    hub_end_session(h, device, ENDED_IDENTITY, r->now, out);
    for (size_t n = 0; n < r->n_listed; n++)
        hub_end_session(h, r->listed[n], ENDED_IDENTITY, r->now, out);
}

void device_update(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    bool is_edge = cJSON_IsTrue(json_get(r->command, "iotEdge"));
    struct settings settings;

    if (!i || !read_settings(r->command, &settings, reply))
        return;
    if (is_edge && !edge_modules_fit(h, i, r->n_listed)) { /* facts L-05 */
        reply_refuse(reply, 413, 413003, "a device has at most %u modules, and an edge device two of its runtime",
                     HUB_MODULES_MAX);
        return;
    }
    if (apply_settings(i, r->command, &settings, r->now)) {
        out->rc = RC_NOMEM;
        return;
    }
    change_tag(h, i); /* deviceEtag changes, the twin's counters do not (facts T-31) */
    hub_store_document(i, CHANGE_UPDATED, r->now, out);
    announce_identity(h, "updated", i, r->now, out);
    if (is_edge)
        admit_edge_modules(h, i, r->now, out);
    close_disabled(h, i, r, out);
    identity_print_document(&reply->body, i);
}

static void delete_one(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    struct refusal why;
    struct out *o;

    announce_identity(h, "deleted", i, now, out); /* the cause, then what it does */
    notice_lifecycle(h, i, false, now, out);
    if (ident_is_module(identity_ident(i)))
        refuse(&why, 404, 404010, "Module %s not registered", i->id);
    else
        refuse(&why, 404, 404001, "Device %s not registered", i->id);
    hub_method_end(h, i, &why, now, out);
    hub_end_session(h, i, ENDED_IDENTITY, now, out);
    o = hub_push(out, OUT_STORE, i);
    o->change = CHANGE_DELETED;
    o->at_us = now.us;
    hub_forget(h, i);
}

void device_delete(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    if (!i)
        return;
    for (size_t n = 0; n < r->n_listed; n++)
        delete_one(h, r->listed[n], r->now, out);
    r->n_listed = 0;
    delete_one(h, i, r->now, out);
}

void device_renew_key(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    const char *which = json_get_text(r->command, "keyType");
    struct sas_key primary, secondary;

    if (!i)
        return;
    if (!which || !is_word_of("primary secondary both swap", which)) {
        reply_refuse(reply, 400, 400004, "keyType is one of primary, secondary, both, swap");
        return;
    }
    if (strcmp(which, "swap") == 0) {
        primary = i->secondary;
        secondary = i->primary;
    } else {
        hub_identity_keys(h->options.key_seed, identity_ident(i), i->key_turn + 1, &primary, &secondary);
        if (!primary.len || !secondary.len) {
            out->rc = RC_NOMEM;
            return;
        }
        i->key_turn++;
        if (strcmp(which, "primary") == 0)
            secondary = i->secondary;
        if (strcmp(which, "secondary") == 0)
            primary = i->primary;
    }
    i->primary = primary;
    i->secondary = secondary;
    change_tag(h, i);
    hub_store_document(i, CHANGE_UPDATED, r->now, out); /* a live connection survives until it authenticates again */
    announce_identity(h, "updated", i, r->now, out);
    identity_print_document(&reply->body, i);
}

/* --- export, import ------------------------------------------------------------------------------------------- */

void identity_export(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    (void)out;
    if (i)
        identity_print(&reply->body, i, true);
}

void identity_import(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    bool replace = cJSON_IsTrue(json_get(r->command, "replace"));
    char id[IDENT_TEXT_MAX];
    struct identity *there = hub_find(h, str_of(id, ident_print(r->target, id)));
    struct identity *i = NULL;
    struct refusal why;
    enum rc rc;

    if (!may_create(h, r, replace, reply))
        return;
    rc = identity_read(json_get(r->command, "identity"), r->now.us, &i, &why);
    if (rc) {
        reply_unread(reply, rc, &why, out);
        return;
    }
    if (there) {
        delete_one(h, there, r->now, out); /* its modules stay */
        if (ident_is_module(r->target))
            r->n_listed = 0; /* it was one of them */
    }
    i = admit(h, i, r->now, out);
    if (!i)
        return;
    if (!ident_is_module(r->target))
        close_disabled(h, i, r, out);
    identity_print_document(&reply->body, i);
}
