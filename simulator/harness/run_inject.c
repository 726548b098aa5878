/* run_inject.c - steps that change something: commands to the hub, and the events that they cause. Twins are in run_twin.c, identities in run_identity.c. */
#include "run_internal.h"

#include <stdio.h>

#include "iso_time.h"

#define OWN_EVENT_US (5 * US_PER_S) /* the hub announces what it did in the same turn */

const char *run_who(const struct run *r)
{
    const char *on = json_get_text(r->lane->node, "on");

    return on ? on : json_get_text(r->s->agent, "as");
}

bool run_duration(struct run *r, const char *name, int64_t otherwise_us, int64_t *out_us)
{
    const cJSON *value = json_get(r->lane->node, name);

    *out_us = otherwise_us;
    if (!value || (cJSON_IsString(value) && duration_read(str_from(value->valuestring), out_us) == RC_OK))
        return true;
    (void)run_error(r, "'%s' is no duration", name);
    return false;
}

enum verdict run_command(struct run *r, cJSON *command, int *status, cJSON **body)
{
    char cause[64];
    enum rc rc;

    if (!r->service) {
        cJSON_Delete(command);
        return run_error(r, "the hub is not running; start it first: {\"start\":\"hub\"}");
    }
    (void)snprintf(cause, sizeof cause, "%s",
                   json_get_text(command, "correlationData") ? json_get_text(command, "correlationData") : "");
    record_command(r, command);
    rc = service_command(r->service, command, COMMAND_MS, status, body);
    if (rc == RC_OK) {
        record_answer(r, cause, *status);
        return VERDICT_PASSED;
    }
    if (rc == RC_IO && run_catch_up(r))
        return VERDICT_ERROR; /* explained: the hub is gone */
    return run_error(r, "the hub does not answer a command: %s", rc_text(rc));
}

/* {"command":name,"deviceId":..,"moduleId":..} for an identity. NULL: explained. */
cJSON *run_command_new(struct run *r, const char *name, const char *who)
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
        (void)run_no_memory(r);
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

/* A step may say that it wants to be refused. code 0: the hub gave none */
enum verdict run_judge_status(struct run *r, int status, int64_t code, const char *message)
{
    const cJSON *wanted = json_get(r->lane->node, "refused");
    long long said = code ? code : status, want = wanted ? (long long)wanted->valuedouble : 0;

    message = message ? message : "no message";
    if (!wanted && status >= 300)
        return run_failed(r, "the hub refused it with %lld: %s", said, message);
    if (wanted && status < 300)
        return run_failed(r, "the hub accepted it; a refusal (%lld) was expected", want);
    if (wanted && want != status && want != code)
        return run_failed(r, "refused, but not with %lld: %lld: %s", want, said, message);
    return VERDICT_PASSED;
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
            r->lane->cursor = own + 1;
            return VERDICT_PASSED;
        }
        if (run_now_us() >= until_us)
            return run_error(r, "the hub did it, but never announced the event '%s'", kinds[0]);
        v = run_turn(r, until_us);
        if (v)
            return v;
    }
}

/* A command that was sent, and what to look for from where on. */
struct sent {
    char cause[32];
    size_t from;
    int status;
    cJSON *body;
};

/* Send a command (taken over; NULL: explained already) and judge its status as the step wants it. */
static enum verdict send_judged(struct run *r, cJSON *command, struct sent *out)
{
    enum verdict v;

    *out = (struct sent){.from = r->timeline.count};
    if (!command)
        return VERDICT_ERROR;
    (void)snprintf(out->cause, sizeof out->cause, "run-%u", ++r->commands);
    if (json_set(command, "correlationData", json_str(str_from(out->cause)))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    v = run_command(r, command, &out->status, &out->body);
    return v ? v : run_judge_status(r, out->status, error_code(out->body), json_get_text(out->body, "message"));
}

enum verdict run_send(struct run *r, cJSON *command, const char *const *kinds, cJSON **body)
{
    struct sent sent;
    enum verdict v = send_judged(r, command, &sent);

    if (!v && kinds && sent.status < 300)
        v = follow_own_event(r, sent.cause, kinds, sent.from);
    if (!v && body) {
        *body = sent.body;
        sent.body = NULL;
    }
    cJSON_Delete(sent.body);
    return v;
}

/* ---- faults and the clock ---- */

/* {"command":"fault.add","type":..,...}: what the step says, its scope as the hub wants it. NULL: explained */
static cJSON *fault_command(struct run *r)
{
    const char *who = run_who(r);
    bool is_glob = who && strchr(who, '*'), good = true;
    cJSON *command = is_glob ? cJSON_CreateObject() : run_command_new(r, "fault.add", who);
    const cJSON *member;

    if (!command)
        return NULL;
    if (is_glob)
        good = json_set(command, "command", json_str(STR("fault.add"))) == RC_OK &&
               json_set(command, "on", json_str(str_from(who))) == RC_OK;
    cJSON_ArrayForEach(member, r->lane->node)
    {
        const char *name = strcmp(member->string, "fault") == 0 ? "type" : member->string;

        if (strcmp(name, "on") != 0)
            good = good && json_set(command, name, cJSON_Duplicate(member, true)) == RC_OK;
    }
    if (good)
        return command;
    cJSON_Delete(command);
    (void)run_no_memory(r);
    return NULL;
}

/* Does it strike now, without waiting for an operation or a time? */
static bool strikes_at_once(const cJSON *fault)
{
    static const char *const types[] = {"disconnect", "expire", "takeover"};
    const char *type = json_get_text(fault, "fault");
    bool is_able = false;

    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++)
        is_able = is_able || strcmp(type, types[i]) == 0;
    return is_able && !json_get(fault, "operation") && !json_get(fault, "at");
}

/* A fault that strikes at once is announced at once; one that lies in wait leaves the cursor. */
static enum verdict inject_fault(struct run *r)
{
    static const char *const fault[] = {"fault", NULL};
    struct sent sent;
    enum verdict v = send_judged(r, fault_command(r), &sent);

    if (!v && cJSON_IsFalse(json_get(sent.body, "closed")))
        v = run_failed(r, "%s is not connected, so it cannot be disconnected", run_who(r));
    if (!v && sent.status < 300 && strikes_at_once(r->lane->node))
        v = follow_own_event(r, sent.cause, fault, sent.from);
    cJSON_Delete(sent.body);
    return v;
}

/* {"command":name}, which is about nobody. NULL: explained */
static cJSON *hub_command(struct run *r, const char *name)
{
    cJSON *command = cJSON_CreateObject();

    if (command && json_set(command, "command", json_str(str_from(name))) == RC_OK)
        return command;
    cJSON_Delete(command);
    (void)run_no_memory(r);
    return NULL;
}

static enum verdict inject_clock(struct run *r)
{
    static const char *const clock[] = {"clock", NULL};
    const cJSON *what = json_get(r->lane->node, "clock"), *by = json_get(what, "advance");
    bool freezes = cJSON_IsString(what) && strcmp(what->valuestring, "freeze") == 0;
    cJSON *command = hub_command(r, by ? "clock.advance" : freezes ? "clock.freeze" : "clock.resume");

    if (command && by && json_set(command, "by", cJSON_Duplicate(by, true))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    return run_send(r, command, clock, NULL);
}

enum verdict run_inject(struct run *r)
{
    switch (r->lane->step->type) {
    case STEP_DESIRED:
    case STEP_TAGS:
        return run_inject_patch(r);
    case STEP_REPLACE:
        return run_inject_replace(r);
    case STEP_CREATE:
        return run_inject_create(r);
    case STEP_DISABLE:
    case STEP_ENABLE:
        return run_inject_status(r);
    case STEP_DELETE:
        return run_inject_delete(r);
    case STEP_ROTATE_KEY:
        return run_inject_rotate(r);
    case STEP_FAULT:
        return inject_fault(r);
    case STEP_CLEAR:
        return run_send(r, hub_command(r, "fault.clear"), NULL, NULL);
    case STEP_CLOCK:
        return inject_clock(r);
    case STEP_MESSAGE:
        return run_inject_message(r);
    case STEP_CONNECT:
    case STEP_LEAVE:
    case STEP_REPORT:
    case STEP_SEND:
    case STEP_ANSWER:
        return run_inject_device(r);
    default:
        return run_error(r, "'%s' injects nothing", r->lane->step->name);
    }
}
