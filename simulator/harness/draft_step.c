/* draft_step.c - one recorded thing as a step: what was done is done again, what was seen is expected. See draft.h. */
#include "draft_internal.h"

#include <stdio.h>

#include "ident.h"

#define WITHIN_MIN_S 5

/* Whom a step is about that does not say: the first agent. */
static const char *agent_id(const struct recording *rec)
{
    return json_get_text(json_get(rec->header, "agents")->child, "as");
}

bool draft_starts_at_once(const struct recording *rec)
{
    const cJSON *agents = json_get(rec->header, "agents");

    if (!agents->child || agents->child->next)
        return false;
    for (size_t i = 0; i < rec->count; i++) {
        if (rec->items[i].kind == RECORDING_IDENTITY)
            continue;
        return rec->items[i].kind == RECORDING_PROCESS &&
               strcmp(json_get_text(rec->items[i].value, "did"), "start") == 0 &&
               strcmp(json_get_text(rec->items[i].value, "who"), "hub") != 0;
    }
    return false;
}

static enum rc put(cJSON *step, const char *key, const cJSON *value)
{
    return value ? json_set(step, key, cJSON_Duplicate(value, true)) : RC_OK;
}

static enum rc put_text(cJSON *step, const char *key, const char *text)
{
    return json_set(step, key, json_str(str_from(text)));
}

/* "device" or "device/module" of a command or an event; false: none, or not valid. */
static bool who_of(const cJSON *value, const char *device_key, const char *module_key, char out[IDENT_TEXT_MAX])
{
    struct ident id = {str_from(json_get_text(value, device_key)), str_from(json_get_text(value, module_key))};

    if (!ident_part_is_valid(id.device) || (id.module.len && !ident_part_is_valid(id.module)))
        return false;
    (void)ident_print(id, out);
    return true;
}

/* ---- commands ---- */

/* Say whom a step is about, unless it is the agent. */
static enum rc put_on(const struct recording *rec, cJSON *step, const char *who)
{
    const char *agent = agent_id(rec);

    return agent && strcmp(agent, who) == 0 ? RC_OK : put_text(step, "on", who);
}

static enum rc fault_step(const struct recording *rec, const cJSON *command, const char *who, cJSON *step)
{
    static const char *const own[] = {"command", "correlationData", "type", "deviceId", "moduleId", NULL};
    const cJSON *member;
    enum rc rc = put(step, "fault", json_get(command, "type"));

    cJSON_ArrayForEach(member, command)
    {
        bool is_own = false;

        for (const char *const *name = own; *name; name++)
            is_own = is_own || strcmp(*name, member->string) == 0;
        if (!rc && !is_own)
            rc = put(step, member->string, member);
    }
    if (!rc && who[0])
        rc = put_on(rec, step, who);
    if (!rc && !who[0] && !json_get(command, "on"))
        rc = put_text(step, "on", "*"); /* everybody */
    return rc;
}

static enum rc clock_step(const cJSON *command, const char *verb, cJSON *step)
{
    cJSON *advance;
    enum rc rc;

    if (strcmp(verb, "advance") != 0)
        return put_text(step, "clock", verb);
    advance = cJSON_CreateObject();
    rc = advance ? put(advance, "advance", json_get(command, "by")) : RC_NOMEM;
    if (!rc)
        return json_set(step, "clock", advance);
    cJSON_Delete(advance);
    return rc;
}

static enum rc update_step(const struct recording *rec, const cJSON *command, const char *who, cJSON *step)
{
    const cJSON *patch = json_get(command, "patch"), *desired = json_at_path(patch, STR("properties.desired"));
    enum rc rc = desired ? put(step, "desired", desired) : put(step, "tags", json_get(patch, "tags"));

    return rc ? rc : put_on(rec, step, who);
}

static enum rc replace_step(const struct recording *rec, const cJSON *command, const char *who, cJSON *step)
{
    const cJSON *twin = json_get(command, "twin");
    cJSON *both = cJSON_CreateObject();
    enum rc rc = both ? RC_OK : RC_NOMEM;

    if (!rc)
        rc = put(both, "desired", json_at_path(twin, STR("properties.desired")));
    if (!rc)
        rc = put(both, "tags", json_get(twin, "tags"));
    if (rc) {
        cJSON_Delete(both);
        return rc;
    }
    rc = json_set(step, "replace", both);
    return rc ? rc : put_on(rec, step, who);
}

static enum rc create_step(const cJSON *command, const char *who, cJSON *step)
{
    enum rc rc = put_text(step, "create", who);

    if (!rc)
        rc = put(step, "twin", json_get(command, "twin"));
    return rc ? rc : put(step, "status", json_get(command, "status"));
}

static enum rc method_step(const struct recording *rec, const cJSON *command, const char *who, cJSON *step)
{
    int64_t response_s;
    char within[32];
    enum rc rc = put(step, "method", json_get(command, "methodName"));

    if (!rc)
        rc = put(step, "payload", json_get(command, "payload"));
    if (!rc && !json_get_i64(command, "responseTimeoutInSeconds", &response_s)) {
        (void)snprintf(within, sizeof within, "%llds", (long long)response_s);
        rc = put_text(step, "within", within);
    }
    return rc ? rc : put_on(rec, step, who);
}

/* The words of a step for what the command calls otherwise. */
static enum rc message_step(const struct recording *rec, const cJSON *command, const char *who, cJSON *step)
{
    static const char *const names[][2] = {{"messageId", "message-id"},
                                           {"correlationId", "correlation-id"},
                                           {"userId", "user-id"},
                                           {"contentType", "content-type"},
                                           {"contentEncoding", "content-encoding"}};
    const cJSON *base64 = json_get(command, "bodyBase64"), *body = json_get(command, "body");
    const cJSON *ttl = json_get(command, "timeToLive");
    cJSON *bytes = base64 ? cJSON_CreateObject() : NULL, *system = cJSON_CreateObject();
    enum rc rc = (base64 && !bytes) || !system ? RC_NOMEM : RC_OK;

    if (!rc && base64)
        rc = put(bytes, "base64", base64);
    if (!rc)
        rc = base64 ? put(step, "message", bytes) : body ? put(step, "message", body) : put_text(step, "message", "");
    for (size_t n = 0; !rc && n < sizeof names / sizeof names[0]; n++)
        rc = put(system, names[n][1], json_get(command, names[n][0]));
    if (!rc && system->child)
        rc = put(step, "system", system);
    if (!rc)
        rc = put(step, "properties", json_get(command, "properties"));
    if (!rc)
        rc = put(step, "ack", json_get(command, "ack"));
    if (!rc)
        rc = put(step, "expiry", ttl ? ttl : json_get(command, "expiryTimeUtc"));
    cJSON_Delete(bytes);
    cJSON_Delete(system);
    return rc ? rc : put_on(rec, step, who);
}

/* Fill the step of a command; leaves it empty when no step says it. */
static enum rc command_step(const struct recording *rec, const cJSON *command, cJSON *step)
{
    const char *name = json_get_text(command, "command"), *status = json_get_text(command, "status");
    char who[IDENT_TEXT_MAX] = "";
    bool is_about_somebody = who_of(command, "deviceId", "moduleId", who);
    enum rc rc = RC_OK;

    if (strcmp(name, "fault.add") == 0)
        return fault_step(rec, command, who, step);
    if (strcmp(name, "fault.clear") == 0)
        return put_text(step, "clear", "faults");
    if (strncmp(name, "clock.", 6) == 0)
        return clock_step(command, name + 6, step);
    if (!is_about_somebody)
        return RC_OK;
    if (strcmp(name, "twin.update") == 0)
        return update_step(rec, command, who, step);
    if (strcmp(name, "twin.replace") == 0)
        return replace_step(rec, command, who, step);
    if (strcmp(name, "method.invoke") == 0)
        return method_step(rec, command, who, step);
    if (strcmp(name, "message.send") == 0 && !json_get(command, "inputName"))
        return message_step(rec, command, who, step);
    if (strcmp(name, "device.create") == 0 || strcmp(name, "module.create") == 0)
        return create_step(command, who, step);
    if (strcmp(name, "device.delete") == 0 || strcmp(name, "module.delete") == 0)
        return put_text(step, "delete", who);
    if (strcmp(name, "device.update") == 0 && status)
        return put_text(step, strcmp(status, "enabled") == 0 ? "enable" : "disable", who);
    if (strcmp(name, "device.renew-key") == 0) {
        rc = put_text(step, "rotateKey", who);
        if (!rc)
            rc = put(step, "key", json_get(command, "keyType"));
    }
    return rc;
}

static enum rc process_step(const cJSON *process, cJSON *step)
{
    const char *did = json_get_text(process, "did");
    cJSON *any_code;
    enum rc rc;

    if (strcmp(did, "exec") != 0)
        return put_text(step, did, json_get_text(process, "who"));
    any_code = cJSON_CreateObject();
    if (!any_code || put_text(any_code, "$type", "integer")) { /* what it ended with was not the point */
        cJSON_Delete(any_code);
        return RC_NOMEM;
    }
    rc = put(step, "exec", json_get(process, "words"));
    if (rc) {
        cJSON_Delete(any_code);
        return rc;
    }
    rc = json_set(step, "exit", any_code);
    return rc ? rc : put_text(step, "within", "60s");
}

enum rc draft_action(const struct recording *rec, const struct recording_item *item, cJSON **step, char *why,
                     size_t why_size)
{
    cJSON *made = cJSON_CreateObject();
    enum rc rc = made ? RC_OK : RC_NOMEM;
    int status;

    if (!rc && item->kind == RECORDING_COMMAND) {
        status = recording_refusal(rec, item);
        rc = command_step(rec, item->value, made);
        if (!rc && made->child && status)
            rc = json_set(made, "refused", json_i64(status));
    } else if (!rc && item->kind == RECORDING_DEVICE) {
        cJSON_Delete(made);
        made = cJSON_Duplicate(item->value, true);
        rc = made ? RC_OK : RC_NOMEM;
    } else if (!rc) {
        rc = process_step(item->value, made);
    }
    if (!rc && item->kind != RECORDING_PROCESS) /* a program's words are templates */
        rc = draft_escape(made);
    if (!rc && !made->child)
        rc = why_not(why, why_size, RC_SYNTAX, "%s:%zu: there is no step that sends the command '%s'", rec->file,
                     item->line, json_get_text(item->value, "command"));
    if (!rc) {
        *step = made;
        return RC_OK;
    }
    cJSON_Delete(made);
    return rc;
}

/* ---- expectations ---- */

/* "within" when it took longer than a check waits by itself: three times as long as it took since the item before. */
static enum rc put_within(const struct recording *rec, size_t item, cJSON *step)
{
    int64_t since_us = rec->items[item].offset_us;
    struct buf text;
    enum rc rc = RC_OK;

    for (size_t i = item; i-- > 0;) {
        if (recording_is_action(&rec->items[i])) {
            since_us -= rec->items[i].offset_us;
            break;
        }
    }
    if (3 * since_us <= WITHIN_MIN_S * INT64_C(1000000) || since_us > INT64_C(86400000000))
        return RC_OK;
    buf_init(&text, 0);
    buf_add_i64(&text, 3 * since_us / 1000000 + 1);
    buf_add_char(&text, 's');
    rc = text.rc ? text.rc : json_set(step, "within", json_str(buf_view(&text)));
    buf_done(&text);
    return rc;
}

/* {"status":n} or {"reason":".."} under "event". */
static enum rc put_event(cJSON *step, const char *key, const cJSON *value)
{
    cJSON *event = cJSON_CreateObject();
    enum rc rc = event ? put(event, key, value) : RC_NOMEM;

    if (!rc)
        return json_set(step, "event", event);
    cJSON_Delete(event);
    return rc;
}

static enum rc reported_step(const cJSON *event, cJSON *step)
{
    const cJSON *status = json_get(event, "status"), *patch = json_get(event, "patch");
    enum rc rc = put_text(step, "expect", "reported");

    if (!rc && cJSON_IsObject(patch) && patch->child)
        rc = put(step, "match", patch);
    if (!rc && cJSON_IsNumber(status) && status->valuedouble >= 300)
        rc = put_event(step, "status", status);
    return rc;
}

static enum rc refused_step(const cJSON *event, cJSON *step)
{
    const char *reason = json_get_text(event, "reason");
    enum rc rc = put_text(step, "expect", "refused");

    if (!rc && reason && !strstr(reason, "127.")) /* where the hub listens is another place each time */
        rc = put_event(step, "reason", json_get(event, "reason"));
    return rc;
}

static enum rc exit_step(const struct recording *rec, const cJSON *event, cJSON *step)
{
    const cJSON *agents = json_get(rec->header, "agents");
    enum rc rc = put(step, "exit", json_get(event, "exit"));

    return rc || !agents->child || !agents->child->next ? rc : put(step, "of", json_get(event, "agent"));
}

/* Is it by a simulated device, whose step says all of it? */
static bool is_played(const struct recording *rec, size_t item, const char *who)
{
    for (size_t i = item; i-- > 0;) {
        const cJSON *value = rec->items[i].value;
        const char *on = json_get_text(value, "on"), *connect = json_get_text(value, "connect");

        on = on ? on : connect;
        if (rec->items[i].kind == RECORDING_DEVICE && on && strcmp(on, who) == 0)
            return true;
    }
    return false;
}

enum rc draft_expect(const struct recording *rec, size_t item, struct draft_expected *so_far, cJSON **step)
{
    const cJSON *event = rec->items[item].value;
    const char *kind = json_get_text(event, "kind"), *agent = agent_id(rec);
    char who[IDENT_TEXT_MAX] = "";
    bool is_refused = strcmp(kind, "refused") == 0, is_known = who_of(event, "device", "module", who);
    bool follows = so_far->last_refused != 0;
    cJSON *made;
    enum rc rc;

    if (!is_refused && strcmp(kind, "reported") != 0 && strcmp(kind, "agent-ended") != 0)
        return RC_OK;
    so_far->last_refused = is_refused ? item + 1 : 0;
    if ((is_refused && follows) || (is_known && is_played(rec, item, who)))
        return RC_OK; /* how often it is tried is a matter of time */
    made = cJSON_CreateObject();
    if (!made)
        return RC_NOMEM;
    if (is_refused)
        rc = refused_step(event, made);
    else if (strcmp(kind, "reported") == 0)
        rc = reported_step(event, made);
    else
        rc = exit_step(rec, event, made);
    if (!rc && is_known && strcmp(kind, "agent-ended") != 0 && !(agent && strcmp(agent, who) == 0))
        rc = put_text(made, "on", who);
    if (!rc)
        rc = put_within(rec, item, made);
    if (!rc)
        rc = draft_escape(made);
    if (rc)
        cJSON_Delete(made);
    else
        *step = made;
    return rc;
}

enum rc draft_wait(const struct recording *rec, size_t item, cJSON **step)
{
    static const char *const kinds[] = {"connected", "subscribed", "twin-get", NULL};
    const cJSON *event = rec->items[item].value;
    const char *kind = json_get_text(event, "kind"), *const *one = kinds, *agent = agent_id(rec);
    char who[IDENT_TEXT_MAX] = "";
    cJSON *made;
    enum rc rc;

    while (*one && strcmp(*one, kind) != 0)
        one++;
    if (!*one || !who_of(event, "device", "module", who) || is_played(rec, item, who))
        return RC_OK;
    made = cJSON_CreateObject();
    rc = made ? put_text(made, "expect", kind) : RC_NOMEM;
    if (!rc && json_get(event, "filter"))
        rc = put_event(made, "filter", json_get(event, "filter"));
    if (!rc && !(agent && strcmp(agent, who) == 0))
        rc = put_text(made, "on", who);
    if (!rc)
        rc = put_within(rec, item, made);
    if (rc)
        cJSON_Delete(made);
    else
        *step = made;
    return rc;
}
