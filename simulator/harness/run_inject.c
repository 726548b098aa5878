/* run_inject.c - steps that change something: commands to the hub, and the events that they cause. */
#include "run_internal.h"

#include <stdio.h>

#include "alias.h"
#include "iso_time.h"
#include "vars.h"

#define OWN_EVENT_US (5 * US_PER_S) /* the hub announces what it did in the same turn */

static enum verdict no_memory(struct run *r)
{
    return run_error(r, "%s", rc_text(RC_NOMEM));
}

const char *run_who(const struct run *r)
{
    const char *on = json_get_text(r->node, "on");

    return on ? on : json_get_text(r->s->agent, "as");
}

bool run_duration(struct run *r, const char *name, int64_t otherwise_us, int64_t *out_us)
{
    const cJSON *value = json_get(r->node, name);

    *out_us = otherwise_us;
    if (!value || (cJSON_IsString(value) && duration_read(str_from(value->valuestring), out_us) == RC_OK))
        return true;
    (void)run_error(r, "'%s' is no duration", name);
    return false;
}

enum verdict run_command(struct run *r, cJSON *command, int *status, cJSON **body)
{
    enum rc rc;

    if (!r->service) {
        cJSON_Delete(command);
        return run_error(r, "the hub is not running; start it first: {\"start\":\"hub\"}");
    }
    rc = service_command(r->service, command, COMMAND_MS, status, body);
    if (rc == RC_OK)
        return VERDICT_PASSED;
    if (rc == RC_IO && run_catch_up(r))
        return VERDICT_ERROR; /* explained: the hub is gone */
    return run_error(r, "the hub does not answer a command: %s", rc_text(rc));
}

/* {"command":name,"deviceId":..,"moduleId":..} for an identity. NULL: explained. */
static cJSON *command_new(struct run *r, const char *name, const char *who)
{
    cJSON *command = cJSON_CreateObject();
    struct ident id;

    if (!who || ident_read(str_from(who), &id)) {
        cJSON_Delete(command);
        (void)run_error(r, "'%s' is no identity", who ? who : "");
        return NULL;
    }
    if (!command || json_set(command, "command", json_str(str_from(name))) ||
        json_set(command, "deviceId", json_str(id.device)) ||
        (ident_is_module(id) && json_set(command, "moduleId", json_str(id.module)))) {
        cJSON_Delete(command);
        (void)no_memory(r);
        return NULL;
    }
    return command;
}

/* The hub's own code (404001) of an answer; 0 when it has none. */
static int64_t error_code(const cJSON *body)
{
    int64_t code;

    return json_get_i64(body, "errorCode", &code) == RC_OK ? code : 0;
}

static void print_refusal(int status, const cJSON *body, struct buf *out)
{
    int64_t code = error_code(body);

    buf_addf(out, "%lld: %s", (long long)(code ? code : status),
             json_get_text(body, "message") ? json_get_text(body, "message") : "no message");
}

/* A step may say that it wants to be refused. */
static enum verdict judge_status(struct run *r, int status, const cJSON *body)
{
    const cJSON *wanted = json_get(r->node, "refused");
    int64_t code = error_code(body);
    struct buf said;
    enum verdict v = VERDICT_PASSED;

    buf_init(&said, 0);
    if (status >= 300)
        print_refusal(status, body, &said);
    if (!wanted && status >= 300)
        v = run_failed(r, "the hub refused it with %.*s", STR_FMT(buf_view(&said)));
    else if (wanted && status < 300)
        v = run_failed(r, "the hub accepted it; a refusal (%lld) was expected", (long long)wanted->valuedouble);
    else if (wanted && (int64_t)wanted->valuedouble != status && (int64_t)wanted->valuedouble != code)
        v = run_failed(r, "refused, but not with %lld: %.*s", (long long)wanted->valuedouble, STR_FMT(buf_view(&said)));
    buf_done(&said);
    return v;
}

/* Wait for the event that our command caused, and put the cursor behind it. */
static enum verdict follow_own_event(struct run *r, const char *cause, const char *const *kinds, size_t from)
{
    int64_t until_us = run_deadline(r, OWN_EVENT_US);
    enum verdict v;

    for (;;) {
        size_t own = timeline_find_own(&r->timeline, cause, kinds, from), next;

        if (own != TIMELINE_NONE) {
            /* a replacement causes two, side by side */
            while ((next = timeline_find_own(&r->timeline, cause, kinds, own + 1)) == own + 1)
                own = next;
            r->timeline.cursor = own + 1;
            return VERDICT_PASSED;
        }
        if (run_now_us() >= until_us)
            return run_error(r, "the hub did it, but never announced the event '%s'", kinds[0]);
        v = run_turn(r, until_us);
        if (v)
            return v;
    }
}

/* Send a command (taken over; NULL: explained already), judge its status, follow its event. body may be NULL. */
static enum verdict send_command(struct run *r, cJSON *command, const char *const *kinds, cJSON **body)
{
    char cause[32];
    size_t from = r->timeline.count;
    cJSON *answer = NULL;
    int status = 0;
    enum verdict v;

    if (!command)
        return VERDICT_ERROR;
    (void)snprintf(cause, sizeof cause, "run-%u", ++r->commands);
    if (json_set(command, "correlationData", json_str(str_from(cause)))) {
        cJSON_Delete(command);
        return no_memory(r);
    }
    v = run_command(r, command, &status, &answer);
    if (!v)
        v = judge_status(r, status, answer);
    if (!v && status < 300)
        v = follow_own_event(r, cause, kinds, from);
    if (!v && body) {
        *body = answer;
        answer = NULL;
    }
    cJSON_Delete(answer);
    return v;
}

/* ---- twins ---- */

/* Put the expanded form of what was written under a dotted path of two keys at most into object. */
static enum verdict put_written(struct run *r, cJSON *object, const char *outer, const char *key, const cJSON *written)
{
    cJSON *expanded = NULL, *into = object;
    const cJSON *clash;
    enum rc rc = alias_expand(written, r->s->aliases, &expanded, &clash);

    if (rc == RC_EXISTS)
        return run_error(r, "'%s' stands for a place that was given already", clash->string);
    if (rc)
        return no_memory(r);
    if (outer) {
        into = json_get(object, outer);
        if (!into && json_set(object, outer, cJSON_CreateObject()) == RC_OK)
            into = json_get(object, outer);
    }
    if (!into) {
        cJSON_Delete(expanded);
        return no_memory(r);
    }
    return json_set(into, key, expanded) ? no_memory(r) : VERDICT_PASSED;
}

static enum verdict inject_patch(struct run *r)
{
    static const char *const desired[] = {"desired", NULL}, *const tags[] = {"tags", NULL};
    bool is_tags = r->step->type == STEP_TAGS;
    cJSON *command = command_new(r, "twin.update", run_who(r)), *patch;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v && json_set(command, "patch", cJSON_CreateObject()))
        v = no_memory(r);
    patch = json_get(command, "patch");
    if (!v)
        v = put_written(r, patch, is_tags ? NULL : "properties", r->step->name, json_get(r->node, r->step->name));
    if (!v)
        return send_command(r, command, is_tags ? tags : desired, NULL);
    cJSON_Delete(command);
    return v;
}

/* A twin as the control topic wants it, from what a scenario gives: {"twin":..,"desired":..,"tags":..}. *out NULL: nothing given. */
static enum verdict make_twin(struct run *r, const cJSON *given, const cJSON *desired, const cJSON *tags, cJSON **out)
{
    const cJSON *base = scenario_value(r->s, given), *section;
    cJSON *twin = NULL, *properties;
    enum verdict v = VERDICT_PASSED;

    *out = NULL;
    if (!given && !desired && !tags)
        return VERDICT_PASSED;
    if (base && json_get(base, "properties")) {
        twin = cJSON_Duplicate(base, true);
    } else { /* short form: the sections themselves */
        twin = cJSON_CreateObject();
        if (!twin || json_set(twin, "properties", cJSON_CreateObject())) {
            cJSON_Delete(twin);
            return no_memory(r);
        }
        properties = json_get(twin, "properties");
        cJSON_ArrayForEach(section, base)
        {
            bool is_property = strcmp(section->string, "desired") == 0 || strcmp(section->string, "reported") == 0;

            if (!v && json_set(is_property ? properties : twin, section->string, cJSON_Duplicate(section, true)))
                v = no_memory(r);
        }
    }
    if (!twin)
        return no_memory(r);
    properties = json_get(twin, "properties");
    for (int i = 0; i < 2 && !v; i++) { /* merged over what the twin holds: one value changed in a whole file */
        const cJSON *written = i ? tags : desired;
        const char *key = i ? "tags" : "desired";
        cJSON *into = i ? twin : properties, *patch = NULL;
        const cJSON *clash;

        if (!written)
            continue;
        if (!json_get(into, key) && json_set(into, key, cJSON_CreateObject()))
            v = no_memory(r);
        if (!v && alias_expand(written, r->s->aliases, &patch, &clash))
            v = run_error(r, "'%s' cannot be expanded", key);
        if (!v && json_merge(json_get(into, key), patch))
            v = no_memory(r);
        cJSON_Delete(patch);
    }
    if (v)
        cJSON_Delete(twin);
    else
        *out = twin;
    return v;
}

/* Only what the service can write: a file may hold a whole twin. */
static enum verdict keep_writable(struct run *r, cJSON *twin)
{
    cJSON *desired = json_at_path(twin, STR("properties.desired")), *tags = json_get(twin, "tags");
    cJSON *out_tags = tags ? cJSON_Duplicate(tags, true) : NULL;
    cJSON *out_desired = desired ? cJSON_Duplicate(desired, true) : NULL;

    if ((tags && !out_tags) || (desired && !out_desired)) {
        cJSON_Delete(out_tags);
        cJSON_Delete(out_desired);
        return no_memory(r);
    }
    while (twin->child)
        cJSON_Delete(cJSON_DetachItemViaPointer(twin, twin->child));
    json_remove(out_desired, "$version");
    json_remove(out_desired, "$metadata");
    if ((out_tags && json_set(twin, "tags", out_tags)) || json_set(twin, "properties", cJSON_CreateObject()) ||
        (out_desired && json_set(json_get(twin, "properties"), "desired", out_desired)))
        return no_memory(r);
    return VERDICT_PASSED;
}

static enum verdict inject_replace(struct run *r)
{
    static const char *const kinds[] = {"desired", "tags", NULL};
    const cJSON *value = json_get(r->node, "replace");
    bool is_file = cJSON_IsString(value);
    cJSON *command = command_new(r, "twin.replace", run_who(r)), *twin = NULL;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v)
        v = make_twin(r, is_file ? value : NULL, is_file ? NULL : json_get(value, "desired"),
                      is_file ? NULL : json_get(value, "tags"), &twin);
    if (!v && !twin && !(twin = cJSON_CreateObject()))
        v = no_memory(r);
    if (!v) {
        v = keep_writable(r, twin);
        if (v)
            cJSON_Delete(twin);
        else if (json_set(command, "twin", twin))
            v = no_memory(r);
    }
    if (!v)
        return send_command(r, command, kinds, NULL);
    cJSON_Delete(command);
    return v;
}

/* ---- identities ---- */

static enum verdict add_member(struct run *r, cJSON *command, const char *name, const cJSON *value)
{
    if (!value)
        return VERDICT_PASSED;
    return json_set(command, name, cJSON_Duplicate(value, true)) ? no_memory(r) : VERDICT_PASSED;
}

/* Create an identity with what `given` says ({"twin","desired","tags","status","keys"}), and learn its keys. */
static enum verdict create(struct run *r, const char *who, const cJSON *given)
{
    static const char *const created[] = {"created", NULL};
    const cJSON *keys = json_get(given, "keys");
    bool is_module = who && strchr(who, '/');
    cJSON *command = command_new(r, is_module ? "module.create" : "device.create", who), *twin = NULL, *body = NULL;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v)
        v = make_twin(r, json_get(given, "twin"), json_get(given, "desired"), json_get(given, "tags"), &twin);
    if (!v && twin && json_set(command, "twin", twin))
        v = no_memory(r);
    if (!v)
        v = add_member(r, command, "status", json_get(given, "status"));
    if (!v)
        v = add_member(r, command, "primaryKey", json_get(keys, "primary"));
    if (!v)
        v = add_member(r, command, "secondaryKey", json_get(keys, "secondary"));
    if (v) {
        cJSON_Delete(command);
        return v;
    }
    v = send_command(r, command, created, &body);
    if (!v)
        v = run_learn_identity(r, body);
    cJSON_Delete(body);
    return v;
}

static enum verdict exists(struct run *r, const char *who, bool *out)
{
    cJSON *command = command_new(r, strchr(who, '/') ? "module.show" : "device.show", who), *body = NULL;
    int status = 0;
    enum verdict v = command ? run_command(r, command, &status, &body) : VERDICT_ERROR;

    cJSON_Delete(body);
    *out = status < 300;
    return v;
}

/* Create the device of a module when it is not there. */
static enum verdict create_parent(struct run *r, const char *who)
{
    const char *slash = strchr(who, '/');
    char device[IDENT_TEXT_MAX];
    bool is_there = false;
    enum verdict v;

    if (!slash || (size_t)(slash - who) >= sizeof device)
        return VERDICT_PASSED;
    memcpy(device, who, (size_t)(slash - who));
    device[slash - who] = '\0';
    v = exists(r, device, &is_there);
    return v || is_there ? v : create(r, device, NULL);
}

enum verdict run_identities(struct run *r)
{
    const char *as = json_get_text(r->s->agent, "as");
    const cJSON *given;
    enum verdict v = VERDICT_PASSED;

    for (int modules = 0; modules < 2; modules++) { /* devices first: a parent may say more of itself */
        cJSON_ArrayForEach(given, r->s->identities)
        {
            bool is_module = strchr(given->string, '/') != NULL;
            cJSON *filled = NULL;

            if (v || is_module != (modules == 1))
                continue;
            v = create_parent(r, given->string);
            if (!v && vars_fill(given, r->vars, &filled))
                v = run_error(r, "the variables of identity '%s' cannot be filled in", given->string);
            if (!v)
                v = create(r, given->string, filled);
            cJSON_Delete(filled);
        }
    }
    if (v || !as || json_get(r->s->identities, as))
        return v;
    { /* an agent's identity that nobody described has an empty twin */
        bool is_there = false;

        v = create_parent(r, as);
        if (!v)
            v = exists(r, as, &is_there);
        return v || is_there ? v : create(r, as, NULL);
    }
}

static enum verdict inject_create(struct run *r)
{
    const char *who = json_get_text(r->node, "create");
    enum verdict v = who && !json_get(r->node, "refused") ? create_parent(r, who) : VERDICT_PASSED;

    return v ? v : create(r, who, r->node);
}

static enum verdict inject_status(struct run *r)
{
    static const char *const updated[] = {"updated", NULL};
    bool enable = r->step->type == STEP_ENABLE;
    cJSON *command = command_new(r, "device.update", json_get_text(r->node, r->step->name));

    if (command && json_set(command, "status", json_str(enable ? STR("enabled") : STR("disabled")))) {
        cJSON_Delete(command);
        return no_memory(r);
    }
    return send_command(r, command, updated, NULL);
}

static enum verdict inject_delete(struct run *r)
{
    static const char *const deleted[] = {"deleted", NULL};
    const char *who = json_get_text(r->node, "delete");
    bool is_module = who && strchr(who, '/');

    return send_command(r, command_new(r, is_module ? "module.delete" : "device.delete", who), deleted, NULL);
}

static enum verdict inject_rotate(struct run *r)
{
    static const char *const updated[] = {"updated", NULL};
    const char *key = json_get_text(r->node, "key");
    cJSON *command = command_new(r, "device.renew-key", json_get_text(r->node, "rotateKey")), *body = NULL;
    enum verdict v;

    if (command && json_set(command, "keyType", json_str(key ? str_from(key) : STR("primary")))) {
        cJSON_Delete(command);
        return no_memory(r);
    }
    v = send_command(r, command, updated, &body);
    if (!v)
        v = run_learn_identity(r, body);
    cJSON_Delete(body);
    return v;
}

static enum verdict inject_fault(struct run *r)
{
    static const char *const fault[] = {"fault", NULL};
    cJSON *command = command_new(r, "fault.add", run_who(r)), *body = NULL;
    enum verdict v;

    if (command && json_set(command, "type", json_str(STR("disconnect")))) {
        cJSON_Delete(command);
        return no_memory(r);
    }
    v = send_command(r, command, fault, &body);
    if (!v && cJSON_IsFalse(json_get(body, "closed")))
        v = run_failed(r, "%s is not connected, so it cannot be disconnected", run_who(r));
    cJSON_Delete(body);
    return v;
}

enum verdict run_inject(struct run *r)
{
    switch (r->step->type) {
    case STEP_DESIRED:
    case STEP_TAGS:
        return inject_patch(r);
    case STEP_REPLACE:
        return inject_replace(r);
    case STEP_CREATE:
        return inject_create(r);
    case STEP_DISABLE:
    case STEP_ENABLE:
        return inject_status(r);
    case STEP_DELETE:
        return inject_delete(r);
    case STEP_ROTATE_KEY:
        return inject_rotate(r);
    case STEP_FAULT:
        return inject_fault(r);
    default:
        return run_error(r, "'%s' injects nothing", r->step->name);
    }
}
