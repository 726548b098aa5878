/* run_picture.c - what a report that draws needs beside events and steps: the twins before the agents start and after they have ended,
 * and when those started and ended. */
#include "run_internal.h"

#define TWINS_MAX 50 /* identities; of a scenario with more the first ones are shown */

/* The twin of one identity as the service reads it; *twin NULL: it has none now. */
static enum rc read_twin(struct run *r, const struct ident *id, cJSON **twin)
{
    cJSON *command = cJSON_CreateObject();
    int status = 0;
    enum rc rc;

    if (!command || json_set(command, "command", json_str(STR("twin.show"))) ||
        json_set(command, "deviceId", json_str(id->device)) ||
        (ident_is_module(*id) && json_set(command, "moduleId", json_str(id->module)))) {
        cJSON_Delete(command);
        return RC_NOMEM;
    }
    rc = service_command(r->service, command, COMMAND_MS, &status, twin);
    if (!rc && status >= 300) {
        cJSON_Delete(*twin);
        *twin = NULL;
    }
    return rc;
}

/* twins[id][when] = twin */
static enum rc note_twin(struct run *r, const struct ident *id, const char *when)
{
    char name[IDENT_TEXT_MAX];
    cJSON *both, *twin = NULL;
    enum rc rc;

    (void)ident_print(*id, name);
    both = json_get(r->twins, name);
    if (json_get(both, when))
        return RC_OK;
    if (!both && cJSON_GetArraySize(r->twins) >= TWINS_MAX)
        return RC_LIMIT;
    rc = read_twin(r, id, &twin);
    if (rc || !twin)
        return rc;
    if (!both) {
        rc = json_set(r->twins, name, cJSON_CreateObject());
        both = json_get(r->twins, name);
    }
    if (rc) {
        cJSON_Delete(twin);
        return rc;
    }
    return json_set(both, when, twin);
}

void run_read_twins(struct run *r, const char *when)
{
    enum rc rc = RC_OK;

    if (!r->options->events || !r->service || r->is_interrupted)
        return;
    if (!r->twins)
        r->twins = cJSON_CreateObject();
    for (size_t i = 0; r->twins && i < r->timeline.count && !rc; i++) {
        const cJSON *event = r->timeline.at[i].event;
        const char *kind = json_get_text(event, "kind");
        struct ident id = {.device = str_from(json_get_text(event, "device")),
                           .module = str_from(json_get_text(event, "module"))};

        if (kind && strcmp(kind, "created") == 0 && ident_part_is_valid(id.device))
            rc = note_twin(r, &id, when);
    }
}

void run_tell_process(struct run *r, const struct agent *a)
{
    int64_t us = (a->ended_us ? a->ended_us : run_now_us()) - r->first_step_us;
    struct buf end;
    cJSON *told;
    bool good;

    if (!r->options->events)
        return;
    buf_init(&end, 0);
    if (a->ended_us)
        agent_process_print_end(&a->process, &end);
    if (!r->processes)
        r->processes = cJSON_CreateArray();
    told = cJSON_CreateObject();
    good = r->processes && told && json_set(told, "agent", json_str(str_from(a->name))) == RC_OK &&
           json_set(told, "us", json_i64(us)) == RC_OK &&
           (!a->ended_us || json_set(told, "end", json_str(buf_view(&end))) == RC_OK) &&
           (!a->ended_us || a->told_to_end || json_set(told, "alone", cJSON_CreateTrue()) == RC_OK);
    if (!good || !cJSON_AddItemToArray(r->processes, told)) {
        run_note(r, "the picture does not show every start and end of the agent: %s", rc_text(RC_NOMEM));
        cJSON_Delete(told);
    }
    buf_done(&end);
}
