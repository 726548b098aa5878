/* hub_command.c - the control commands as one table, and those about identities. See docs/reference/control.md, section 1. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub_internal.h"

static command_fn hub_status, device_create, device_show, device_list, device_update, device_delete, renew_key,
    identity_export, identity_import, fault_add;

enum target {
    TARGET_NONE,
    TARGET_DEVICE,
    TARGET_MODULE,
    TARGET_EITHER,
    TARGET_INSIDE
};

struct command {
    const char *name;
    unsigned rights;
    enum target target;
    bool twin, modules, list, history;
    const char *members; /* allowed beside command, correlationData and the target's ids; blank-separated */
    command_fn *run;
};

#define READS  RIGHT_REGISTRY_READ
#define WRITES RIGHT_REGISTRY_WRITE
#define TWINS  RIGHT_SERVICE_CONNECT

static const struct command commands[] = {
    /* name             rights  target          twin   modules list   history members */
    {"hub.status", 0, TARGET_NONE, false, false, false, false, "", hub_status},
    {"device.create", WRITES, TARGET_DEVICE, true, false, false, false,
     "status statusReason primaryKey secondaryKey iotEdge twin", device_create},
    {"device.show", READS, TARGET_DEVICE, false, false, false, false, "", device_show},
    {"device.list", READS, TARGET_NONE, false, false, true, false, "top after", device_list},
    {"device.update", WRITES, TARGET_DEVICE, false, true, false, false,
     "status statusReason primaryKey secondaryKey iotEdge", device_update},
    {"device.delete", WRITES, TARGET_DEVICE, false, true, false, false, "", device_delete},
    {"device.renew-key", WRITES, TARGET_EITHER, false, false, false, false, "keyType", renew_key},
    {"module.create", WRITES, TARGET_MODULE, true, true, false, false, "primaryKey secondaryKey twin", device_create},
    {"module.show", READS, TARGET_MODULE, false, false, false, false, "", device_show},
    {"module.list", READS, TARGET_DEVICE, false, true, false, false, "", device_list},
    {"module.delete", WRITES, TARGET_MODULE, false, false, false, false, "", device_delete},
    {"twin.show", TWINS, TARGET_EITHER, true, false, false, false, "", twin_show},
    {"twin.update", TWINS, TARGET_EITHER, true, false, false, false, "patch etag", twin_update},
    {"twin.replace", TWINS, TARGET_EITHER, true, false, false, false, "twin etag", twin_replace},
    {"twin.history", TWINS, TARGET_EITHER, false, false, false, true, "top before", twin_history},
    {"identity.export", RIGHT_OWNER, TARGET_EITHER, true, false, false, false, "", identity_export},
    {"identity.import", RIGHT_OWNER, TARGET_INSIDE, true, true, false, false, "identity replace", identity_import},
    {"fault.add", RIGHT_OWNER, TARGET_EITHER, false, false, false, false, "type", fault_add},
};

/* --- parse ---------------------------------------------------------------------------------------------------- */

static unsigned page_size(const cJSON *command)
{
    int64_t top;

    if (json_get_i64(command, "top", &top) || top < 1 || top > HUB_PAGE_MAX)
        return HUB_PAGE_MAX;
    return (unsigned)top;
}

void command_read(struct request *r)
{
    const char *name = json_get_text(r->command, "command");
    const cJSON *ids = r->command;

    r->verb = NULL;
    r->target = (struct ident){{NULL, 0}, {NULL, 0}};
    for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            r->verb = &commands[i];
    if (!r->verb || r->verb->target == TARGET_NONE)
        return;
    if (r->verb->target == TARGET_INSIDE)
        ids = json_get(r->command, "identity");
    r->target.device = str_from(json_get_text(ids, "deviceId"));
    r->target.module = str_from(json_get_text(ids, "moduleId"));
    if (!ident_part_is_valid(r->target.device) || (json_get(ids, "moduleId") && !ident_part_is_valid(r->target.module)))
        r->read_rc = RC_SYNTAX;
    else if (r->verb->target == TARGET_DEVICE && ident_is_module(r->target))
        r->read_rc = RC_SYNTAX;
    else if (r->verb->target == TARGET_MODULE && !ident_is_module(r->target))
        r->read_rc = RC_SYNTAX;
}

void command_needs(const struct request *r, struct needs *out)
{
    if (!r->verb || r->read_rc || !(r->conn->rights & r->verb->rights || r->verb->rights == 0))
        return;
    if (r->target.device.len) {
        out->ids[out->n_ids++] = r->target;
        if (ident_is_module(r->target))
            out->ids[out->n_ids++] = (struct ident){r->target.device, {NULL, 0}};
    }
    out->twins = r->verb->twin;
    out->modules = r->verb->modules;
    out->list = r->verb->list;
    if (out->list)
        out->list_after = str_from(json_get_text(r->command, "after"));
    out->list_top = page_size(r->command);
    out->history = r->verb->history;
    out->history_top = page_size(r->command);
    if (json_get_i64(r->command, "before", &out->history_before))
        out->history_before = 0;
}

/* --- decide --------------------------------------------------------------------------------------------------- */

void reply_refuse(struct reply *reply, int status, int code, const char *fmt, ...)
{
    va_list args;

    reply->status = reply->why.status = status;
    reply->why.code = code;
    va_start(args, fmt);
    (void)vsnprintf(reply->why.message, sizeof reply->why.message, fmt, args);
    va_end(args);
}

static void reply_with(struct reply *reply, const struct refusal *why)
{
    reply->status = why->status;
    reply->why = *why;
}

/* Is `name` one of the blank-separated words? */
static bool is_word_of(const char *words, const char *name)
{
    struct str rest = str_from(words);

    while (rest.at && rest.len)
        if (str_eq(str_cut(&rest, ' '), str_from(name)))
            return true;
    return false;
}

static const char *unknown_member(const struct request *r)
{
    bool has_ids = r->verb->target != TARGET_NONE && r->verb->target != TARGET_INSIDE;

    for (const cJSON *m = r->command->child; m; m = m->next) {
        if (is_word_of("command correlationData", m->string) || is_word_of(r->verb->members, m->string))
            continue;
        if (has_ids && (strcmp(m->string, "deviceId") == 0 ||
                        (strcmp(m->string, "moduleId") == 0 && r->verb->target != TARGET_DEVICE)))
            continue;
        return m->string;
    }
    return NULL;
}

static void run(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const char *name = json_get_text(r->command, "command");
    const char *unknown;

    if (!r->verb) {
        reply_refuse(reply, 400, 400004, name ? "unknown command '%s'" : "a command needs a member \"command\"",
                     name ? name : "");
        return;
    }
    if (r->verb->rights && !(r->conn->rights & r->verb->rights)) {
        reply_refuse(reply, 401, 401003, "Authorization rule does not allow '%s'", name);
        return;
    }
    unknown = unknown_member(r);
    if (unknown)
        reply_refuse(reply, 400, 400004, "'%s' has no member '%s'", name, unknown);
    else if (r->read_rc)
        reply_refuse(reply, 400, 400004, "'%s' needs a valid %s", name,
                     r->verb->target == TARGET_MODULE ? "deviceId and moduleId" : "deviceId");
    else
        r->verb->run(h, r, reply, out);
}

static void send_reply(struct hub *h, const struct request *r, struct reply *reply, struct outbox *out)
{
    const char *name = json_get_text(r->command, "command");
    const cJSON *correlation = json_get(r->command, "correlationData");
    struct buf b;
    struct out *o;

    buf_init(&b, 0);
    buf_add_char(&b, '{');
    json_put_text(&b, "command", str_from(name ? name : ""));
    if (correlation)
        json_put_node(&b, "correlationData", correlation);
    json_put_i64(&b, "status", reply->status);
    json_key(&b, "body");
    if (reply->status >= 300)
        error_print(h, &b, reply->why.code, reply->why.message, r->now);
    else
        buf_add(&b, reply->body.len ? buf_view(&reply->body) : STR("{}"));
    buf_add_char(&b, '}');
    if (reply->body.rc)
        b.rc = reply->body.rc;
    o = outbox_push(out, OUT_PUBLISH);
    (void)snprintf(o->to, sizeof o->to, "%s", r->conn->id);
    o->conn = r->conn->no;
    o->is_answer = true;
    o->qos = 1;
    o->topic = str_dup(STR(CONTROL_TOPIC "/response"));
    o->body = buf_take(&b, &o->body_len);
    if (!o->topic || !o->body)
        out->rc = RC_NOMEM;
}

void hub_command(struct hub *h, struct request *r, struct outbox *out)
{
    struct reply reply = {.status = 200};

    buf_init(&reply.body, 0);
    h->cause = json_get_text(r->command, "correlationData");
    run(h, r, &reply, out);
    h->cause = NULL;
    send_reply(h, r, &reply, out);
    buf_done(&reply.body);
}

struct identity *command_target(struct hub *h, struct request *r, struct reply *reply)
{
    char id[IDENT_TEXT_MAX];
    struct identity *i = hub_find(h, str_of(id, ident_print(r->target, id)));

    if (i && (i->twin || !r->verb->twin))
        return i;
    if (i)
        reply_refuse(reply, 500, 500001, "the twin of %s could not be read from the store", id);
    else if (!hub_find(h, r->target.device))
        reply_refuse(reply, 404, 404001, "Device %.*s not registered", STR_FMT(r->target.device)); /* facts T-25 */
    else
        reply_refuse(reply, 404, 404010, "Module %s not registered", id);
    return NULL;
}

static void announce_identity(struct hub *h, const char *kind, const struct identity *i, struct now now,
                              struct outbox *out)
{
    struct buf *b = event_begin(h, kind, i, 0, now);

    json_put_text(b, "status", i->is_enabled ? STR("enabled") : STR("disabled"));
    json_put_text(b, "auth", i->auth == AUTH_SAS ? STR("sas") : STR("other"));
    event_send(h, out);
}

/* --- identities ----------------------------------------------------------------------------------------------- */

static void hub_status(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct buf *b = &reply->body;

    (void)out;
    buf_add_char(b, '{');
    json_put_text(b, "hostname", h->options.hosts[0]);
    json_put_text(b, "version", STR(TWINSIM_VERSION));
    json_put_i64(b, "uptimeSeconds", (r->now.mono_us - h->started_mono_us) / 1000000);
    json_put_i64(b, "connected", (int64_t)h->connected);
    json_put_bool(b, "listeners", h->has_listeners);
    json_put_i64(b, "seq", (int64_t)h->seq);
    if (r->status_members.len) {
        json_comma(b);
        buf_add(b, r->status_members);
    }
    buf_add_char(b, '}');
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
    if (!cJSON_IsNull(reason) && (!cJSON_IsString(reason) || strlen(reason->valuestring) > STATUS_REASON_MAX)) {
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
    if (!i->generation[0])
        (void)snprintf(i->generation, sizeof i->generation, "%" PRIu64,
                       637000000000000000u + hub_random(h) % 100000000000000u);
    if (!i->tag)
        change_tag(h, i);
    if (!i->twin)
        i->twin = twin_new(now.us);
    return i->twin != NULL;
}

/* Put a finished identity into the hub: row, cache, event. */
static void admit(struct hub *h, struct identity *i, struct request *r, struct reply *reply, struct outbox *out)
{
    if (!complete(h, i, r->now)) {
        identity_free(i);
        out->rc = RC_NOMEM;
        return;
    }
    hub_store_document(i, CHANGE_CREATED, r->now, out);
    i = hub_put(h, i);
    announce_identity(h, "created", i, r->now, out);
    identity_print_document(&reply->body, i);
}

/* May an identity of that name be made? Its device must exist, with room for one more module. */
static bool may_create(struct hub *h, const struct request *r, struct reply *reply)
{
    char id[IDENT_TEXT_MAX];

    (void)ident_print(r->target, id);
    if (hub_find(h, str_from(id))) {
        reply_refuse(reply, 409, ident_is_module(r->target) ? 409301 : 409001, "%s exists already", id);
        return false;
    }
    if (!ident_is_module(r->target))
        return true;
    if (!hub_find(h, r->target.device)) {
        reply_refuse(reply, 404, 404001, "Device %.*s not registered", STR_FMT(r->target.device));
        return false;
    }
    if (r->n_listed >= HUB_MODULES_MAX) { /* facts L-05 */
        reply_refuse(reply, 413, 413003, "a device has at most %u modules", HUB_MODULES_MAX);
        return false;
    }
    return true;
}

static void device_create(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    const cJSON *twin = json_get(r->command, "twin");
    struct settings settings;
    struct refusal why;
    struct identity *i;
    enum rc rc;

    if (!may_create(h, r, reply) || !read_settings(r->command, &settings, reply))
        return;
    i = identity_new(r->target);
    rc = i ? apply_settings(i, r->command, &settings, r->now) : RC_NOMEM;
    if (!rc && !i->status_reason && i->is_enabled)
        i->status_updated_us = INSTANT_NONE; /* nothing was ever changed (facts T-01) */
    if (!rc && twin)
        rc = twin_read(twin, r->now.us, &i->twin, &why);
    if (!rc) {
        admit(h, i, r, reply, out);
        return;
    }
    identity_free(i);
    if (rc == RC_SYNTAX)
        reply_with(reply, &why);
    else
        out->rc = rc;
}

static void device_show(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    (void)out;
    if (i)
        identity_print_document(&reply->body, i);
}

static void device_list(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
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

static void device_update(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    struct settings settings;

    if (!i || !read_settings(r->command, &settings, reply))
        return;
    if (apply_settings(i, r->command, &settings, r->now)) {
        out->rc = RC_NOMEM;
        return;
    }
    change_tag(h, i); /* deviceEtag changes, the twin's counters do not (facts T-31) */
    hub_store_document(i, CHANGE_UPDATED, r->now, out);
    announce_identity(h, "updated", i, r->now, out);
    if (!i->is_enabled) { /* facts A-11 */
        hub_end_session(h, i, ENDED_IDENTITY, r->now, out);
        for (size_t n = 0; n < r->n_listed; n++)
            hub_end_session(h, r->listed[n], ENDED_IDENTITY, r->now, out);
    }
    identity_print_document(&reply->body, i);
}

static void delete_one(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    struct out *o;

    hub_end_session(h, i, ENDED_IDENTITY, now, out);
    announce_identity(h, "deleted", i, now, out);
    o = outbox_push(out, OUT_STORE);
    memcpy(o->to, i->id, i->id_len + 1);
    o->change = CHANGE_DELETED;
    o->at_us = now.us;
    hub_forget(h, i);
}

static void device_delete(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    if (!i)
        return;
    for (size_t n = 0; n < r->n_listed; n++)
        delete_one(h, r->listed[n], r->now, out);
    r->n_listed = 0;
    delete_one(h, i, r->now, out);
}

static void renew_key(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
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
        i->key_turn++;
        hub_identity_keys(h->options.key_seed, identity_ident(i), i->key_turn, &primary, &secondary);
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

static void identity_export(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);

    (void)out;
    if (i)
        identity_print(&reply->body, i, true);
}

static void identity_import(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    bool replace = cJSON_IsTrue(json_get(r->command, "replace"));
    char id[IDENT_TEXT_MAX];
    struct identity *there = hub_find(h, str_of(id, ident_print(r->target, id)));
    struct identity *i = NULL;
    struct refusal why;
    enum rc rc = identity_read(json_get(r->command, "identity"), r->now.us, &i, &why);

    if (rc == RC_SYNTAX)
        reply_with(reply, &why);
    else if (rc)
        out->rc = rc;
    if (rc)
        return;
    if (there && replace)
        delete_one(h, there, r->now, out); /* its modules stay */
    if (!may_create(h, r, reply)) {
        identity_free(i);
        return;
    }
    admit(h, i, r, reply, out);
}

/* --- faults --------------------------------------------------------------------------------------------------- */

static void fault_add(struct hub *h, struct request *r, struct reply *reply, struct outbox *out)
{
    struct identity *i = command_target(h, r, reply);
    const char *type = json_get_text(r->command, "type");
    bool connected;
    struct buf *b;

    if (!i)
        return;
    if (!type || strcmp(type, "disconnect") != 0) {
        reply_refuse(reply, 400, 400004, "the only fault type so far is \"disconnect\"");
        return;
    }
    connected = i->conn != 0;
    h->faults++;
    b = event_begin(h, "fault", i, i->conn, r->now);
    json_put_i64(b, "id", (int64_t)h->faults);
    json_put_text(b, "layer", STR("hub"));
    json_put_text(b, "type", str_from(type));
    json_put_i64(b, "planned_us", r->now.mono_us);
    json_put_i64(b, "actual_us", r->now.mono_us);
    event_send(h, out);
    hub_end_session(h, i, ENDED_FAULT, r->now, out);
    buf_add_char(&reply->body, '{');
    json_put_i64(&reply->body, "id", (int64_t)h->faults);
    json_put_bool(&reply->body, "closed", connected);
    buf_add_char(&reply->body, '}');
}
