/* run_record.c - what of a running scenario goes into its recording (record.h). Nothing of it happens without run --record. */
#include "run_internal.h"

#include "alias.h"

#define QUIET_US        (US_PER_S * 4 / 10)  /* so long nothing new: the agent has said what it had to say */
#define QUIET_PERIOD_US (US_PER_S * 12 / 10) /* the same, of an agent that sends messages now and then */
#define SETTLE_US       (US_PER_S * 4)       /* at most */

static bool set(cJSON *object, const char *key, cJSON *value)
{
    return json_set(object, key, value) == RC_OK;
}

/* ---- what happens ---- */

void record_event(struct run *r, const cJSON *event)
{
    if (r->replay && !r->replay_rc)
        r->replay_rc = replay_take(r->replay, event, &r->masks, run_now_us());
    recorder_add_event(&r->recorder, run_now_us(), event);
}

void record_ended(struct run *r, const char *agent, const char *as, int exit_code)
{
    cJSON *event;
    struct ident id;
    bool good;

    if ((r->recorder.fd < 0 && !r->replay) || ident_read(str_from(as), &id))
        return;
    event = cJSON_CreateObject();
    good = event && set(event, "kind", json_str(STR("agent-ended"))) && set(event, "device", json_str(id.device)) &&
           (!ident_is_module(id) || set(event, "module", json_str(id.module))) &&
           set(event, "agent", json_str(str_from(agent))) && set(event, "exit", json_i64(exit_code));
    if (good)
        record_event(r, event);
    else
        r->recorder.rc = RC_NOMEM;
    cJSON_Delete(event);
}

/* Commands that only look are no part of what happened. */
static bool only_looks(const char *command)
{
    static const char *const verbs[] = {".show", ".list", ".status", ".history", ".export"};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_ends(str_from(command), str_from(verbs[i])))
            return true;
    return false;
}

void record_command(struct run *r, const cJSON *command)
{
    const char *name = json_get_text(command, "command");
    cJSON *copy;

    if (r->recorder.fd < 0 || !name || only_looks(name))
        return;
    copy = cJSON_Duplicate(command, true);
    if (copy) {
        json_remove(copy, "primaryKey");
        json_remove(copy, "secondaryKey");
    }
    recorder_add(&r->recorder, run_now_us(), "command", copy);
}

void record_answer(struct run *r, const char *cause, int status)
{
    cJSON *answer;

    if (r->recorder.fd < 0 || !cause || status < 300)
        return;
    answer = cJSON_CreateObject();
    if (answer &&
        (!set(answer, "correlationData", json_str(str_from(cause))) || !set(answer, "status", json_i64(status)))) {
        cJSON_Delete(answer);
        answer = NULL;
    }
    recorder_add(&r->recorder, run_now_us(), "answer", answer);
}

enum verdict record_process(struct run *r, const char *who, const char *did, const cJSON *words)
{
    bool is_hub = strcmp(who, "hub") == 0, good;
    cJSON *process, *split;
    enum verdict v;

    if (r->replay && strcmp(did, "exec") != 0)
        normal_mark(&r->replay->live);
    if (r->recorder.fd < 0)
        return VERDICT_PASSED;
    v = is_hub ? VERDICT_PASSED : run_check_seen_all(r);
    if (v)
        return v;
    process = cJSON_CreateObject();
    split = cJSON_IsString(words) ? record_words(words->valuestring, r->s->dir) : cJSON_Duplicate(words, true);
    good = process && set(process, "who", json_str(str_from(who))) && set(process, "did", json_str(str_from(did))) &&
           (!words || (split && set(process, "words", record_template(r, split))));
    cJSON_Delete(split);
    if (!good) {
        cJSON_Delete(process);
        process = NULL;
    }
    recorder_add(&r->recorder, run_now_us(), "process", process);
    if (strcmp(did, "exec") != 0)
        normal_mark(&r->recorder.normal);
    return VERDICT_PASSED;
}

void record_device(struct run *r)
{
    const cJSON *report = json_get(r->lane->node, "report"), *clash;
    cJSON *step, *patch = NULL;

    if (r->recorder.fd < 0)
        return;
    step = cJSON_Duplicate(r->lane->node, true);
    if (step && cJSON_IsObject(report) &&
        (alias_expand(report, r->s->aliases, &patch, &clash) || !set(step, "report", patch))) {
        cJSON_Delete(step);
        step = NULL;
    }
    recorder_add(&r->recorder, run_now_us(), "device", step);
}

/* ---- the last line ---- */

static bool has_telemetry(const struct normal_timeline *t)
{
    for (size_t i = 0; i < t->n_groups; i++)
        if (strstr(t->groups[i]->name, " telemetry"))
            return true;
    return false;
}

enum verdict record_settle(struct run *r)
{
    int64_t limit_us = run_now_us() + SETTLE_US, until_us, quiet_us;
    enum verdict v = VERDICT_PASSED;

    if (r->recorder.fd < 0)
        return VERDICT_PASSED;
    quiet_us = has_telemetry(&r->recorder.normal) ? QUIET_PERIOD_US : QUIET_US;
    if (r->recorder.changed_us < run_now_us() - quiet_us)
        r->recorder.changed_us = run_now_us() - quiet_us / 2; /* the last step itself may have set something off */
    while (!v && run_now_us() < (until_us = r->recorder.changed_us + quiet_us) && run_now_us() < limit_us)
        v = run_turn(r, until_us < limit_us ? until_us : limit_us);
    return v;
}

enum verdict record_end(struct run *r, enum verdict v)
{
    struct recorder *rec = &r->recorder;

    if (rec->fd < 0)
        return v;
    recorder_add(rec, run_now_us(), "verdict", json_str(str_from(verdict_text(v))));
    if (rec->rc && v != VERDICT_ERROR)
        v = run_error(r, "the recording %s cannot be written: %s", r->options->record_file,
                      rec->rc == RC_IO ? strerror(rec->error) : rc_text(rec->rc));
    recorder_done(rec);
    return v;
}
