/* run_identity.c - identities: those that a scenario begins with, and the steps that change them. */
#include "run_internal.h"

#include "vars.h"

static enum verdict add_member(struct run *r, cJSON *command, const char *name, const cJSON *value)
{
    if (!value)
        return VERDICT_PASSED;
    return json_set(command, name, cJSON_Duplicate(value, true)) ? run_no_memory(r) : VERDICT_PASSED;
}

/* Create an identity with what `given` says ({"twin","desired","tags","status","keys"}), and learn its keys. */
static enum verdict create(struct run *r, const char *who, const cJSON *given)
{
    static const char *const created[] = {"created", NULL};
    const cJSON *keys = json_get(given, "keys");
    bool is_module = who && strchr(who, '/');
    cJSON *command = run_command_new(r, is_module ? "module.create" : "device.create", who), *twin = NULL, *body = NULL;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v)
        v = run_make_twin(r, json_get(given, "twin"), json_get(given, "desired"), json_get(given, "tags"), &twin);
    if (!v && twin && json_set(command, "twin", twin))
        v = run_no_memory(r);
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
    v = run_send(r, command, created, &body);
    if (!v)
        v = run_learn_identity(r, body);
    cJSON_Delete(body);
    return v;
}

static enum verdict exists(struct run *r, const char *who, bool *out)
{
    cJSON *command = run_command_new(r, strchr(who, '/') ? "module.show" : "device.show", who), *body = NULL;
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

/* An agent's identity that nobody described has an empty twin. */
static enum verdict create_for_agent(struct run *r, const char *as)
{
    bool is_there = false;
    enum verdict v;

    if (json_get(r->s->identities, as))
        return VERDICT_PASSED;
    v = create_parent(r, as);
    if (!v)
        v = exists(r, as, &is_there);
    return v || is_there ? v : create(r, as, NULL);
}

enum verdict run_identities(struct run *r)
{
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
    for (size_t i = 0; i < r->n_agents && !v; i++)
        v = create_for_agent(r, json_get_text(r->agents[i].node, "as"));
    return v == VERDICT_FAILED ? VERDICT_ERROR : v; /* refused: that says nothing of the agent */
}

enum verdict run_inject_create(struct run *r)
{
    const char *who = json_get_text(r->lane->node, "create");
    enum verdict v = who && !json_get(r->lane->node, "refused") ? create_parent(r, who) : VERDICT_PASSED;

    return v ? v : create(r, who, r->lane->node);
}

enum verdict run_inject_status(struct run *r)
{
    static const char *const updated[] = {"updated", NULL};
    bool enable = r->lane->step->type == STEP_ENABLE;
    cJSON *command = run_command_new(r, "device.update", json_get_text(r->lane->node, r->lane->step->name));

    if (command && json_set(command, "status", json_str(enable ? STR("enabled") : STR("disabled")))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    return run_send(r, command, updated, NULL);
}

enum verdict run_inject_delete(struct run *r)
{
    static const char *const deleted[] = {"deleted", NULL};
    const char *who = json_get_text(r->lane->node, "delete");
    bool is_module = who && strchr(who, '/');

    return run_send(r, run_command_new(r, is_module ? "module.delete" : "device.delete", who), deleted, NULL);
}

enum verdict run_inject_rotate(struct run *r)
{
    static const char *const updated[] = {"updated", NULL};
    const char *key = json_get_text(r->lane->node, "key");
    cJSON *command = run_command_new(r, "device.renew-key", json_get_text(r->lane->node, "rotateKey")), *body = NULL;
    enum verdict v;

    if (command && json_set(command, "keyType", json_str(key ? str_from(key) : STR("primary")))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    v = run_send(r, command, updated, &body);
    if (!v)
        v = run_learn_identity(r, body);
    cJSON_Delete(body);
    return v;
}
