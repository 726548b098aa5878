/* steps.c - the kinds of steps: one row a kind, with what it takes. */
#include "scenario_internal.h"

#include "match.h"
#include "suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What may stand in a step beside its kind. */
enum {
    ON = 1 << 0,
    WITHIN = 1 << 1,
    FOR = 1 << 2,
    MATCH = 1 << 3,
    EVENT = 1 << 4,
    SAVE = 1 << 5,
    REFUSED = 1 << 6,
    KEY = 1 << 7,
    EXIT = 1 << 8,
    TWIN = 1 << 9,
    DESIRED = 1 << 10,
    TAGS = 1 << 11,
    STATUS = 1 << 12,
    KEYS = 1 << 13,
    TIMES = 1 << 14,
    CLEAN = 1 << 15,
    TURNED_AWAY = 1 << 16,
    HOW = 1 << 17,
    PROPERTIES = 1 << 18,
    SYSTEM = 1 << 19,
    OF = 1 << 20,
    NOT_BEFORE = 1 << 21,
    GAPS = 1 << 22,
    INCREASING = 1 << 23,
    SCHEMA = 1 << 24,
    OVER = 1 << 25,
    ANSWERED = 1 << 26,
    PAYLOAD = 1 << 27,
    ACK = 1 << 28,
    EXPIRY = 1 << 29,
    MESSAGES = 1 << 30,
};

static const struct extra {
    unsigned bit;
    const char *name;
    check_fn *check;
} extras[] = {
    {ON, "on", check_id},
    {WITHIN, "within", check_duration},
    {FOR, "for", check_duration},
    {MATCH, "match", check_match},
    {EVENT, "event", check_match},
    {SAVE, "save", check_save},
    {REFUSED, "refused", check_refused},
    {KEY, "key", check_key_name},
    {EXIT, "exit", check_exit},
    {TWIN, "twin", check_twin_given},
    {DESIRED, "desired", check_written},
    {TAGS, "tags", check_written},
    {STATUS, "status", check_status},
    {KEYS, "keys", check_keys},
    {TIMES, "count", check_count},
    {CLEAN, "clean", check_bool},
    {TURNED_AWAY, "refused", check_true},
    {HOW, "how", check_how},
    {PROPERTIES, "properties", check_properties},
    {SYSTEM, "system", check_system},
    {OF, "of", check_of},
    {NOT_BEFORE, "notBefore", check_duration},
    {GAPS, "gaps", check_gaps},
    {INCREASING, "increasing", check_text},
    {SCHEMA, "schema", check_schema_file},
    {OVER, "over", check_duration},
    {ANSWERED, "status", check_answer_status},
    {PAYLOAD, "payload", check_nothing},
    {ACK, "ack", check_ack},
    {EXPIRY, "expiry", check_expiry},
    {MESSAGES, "messages", check_messages},
};

static const struct kind {
    const char *name;
    enum step_type type;
    check_fn *check;
    unsigned takes, needs;
} kinds[] = {
    {"desired", STEP_DESIRED, check_written, ON | REFUSED, 0},
    {"tags", STEP_TAGS, check_written, ON | REFUSED, 0},
    {"replace", STEP_REPLACE, check_new_twin, ON | REFUSED, 0},
    {"create", STEP_CREATE, check_id, TWIN | DESIRED | TAGS | STATUS | KEYS | REFUSED, 0},
    {"disable", STEP_DISABLE, check_device_id, REFUSED, 0},
    {"enable", STEP_ENABLE, check_device_id, REFUSED, 0},
    {"delete", STEP_DELETE, check_id, REFUSED, 0},
    {"rotateKey", STEP_ROTATE_KEY, check_id, KEY | REFUSED, 0},
    {"expect", STEP_EXPECT, check_kind,
     ON | WITHIN | MATCH | EVENT | SAVE | TIMES | NOT_BEFORE | GAPS | INCREASING | SCHEMA, 0},
    {"never", STEP_NEVER, check_kind, ON | FOR | MATCH | EVENT, FOR},
    {"twin", STEP_TWIN, check_twin_match, ON | WITHIN | SAVE, 0},
    {"wait", STEP_WAIT, check_duration, 0, 0},
    {"start", STEP_START, check_target, 0, 0},
    {"stop", STEP_STOP, check_target, 0, 0},
    {"kill", STEP_KILL, check_target, 0, 0},
    {"restart", STEP_RESTART, check_target, 0, 0},
    {"exit", STEP_EXIT, check_exit, WITHIN | OF, 0},
    {"log", STEP_LOG, check_log, WITHIN | OF, 0},
    {"usage", STEP_USAGE, check_usage, OVER | OF, 0},
    {"exec", STEP_EXEC, check_exec, WITHIN | EXIT, 0},
    {"fault", STEP_FAULT, check_nothing, 0, 0},
    {"clear", STEP_CLEAR, check_clear, 0, 0},
    {"clock", STEP_CLOCK, check_clock, 0, 0},
    {"connect", STEP_CONNECT, check_id, CLEAN | TURNED_AWAY | MESSAGES, 0},
    {"leave", STEP_LEAVE, check_id, HOW, 0},
    {"report", STEP_REPORT, check_written, ON | REFUSED, ON},
    {"send", STEP_SEND, check_body, ON | PROPERTIES | SYSTEM, ON},
    {"answer", STEP_ANSWER, check_method, ON | ANSWERED | PAYLOAD, ON},
    {"method", STEP_METHOD, check_method, ON | PAYLOAD | ANSWERED | MATCH | WITHIN | REFUSED | SAVE, 0},
    {"message", STEP_MESSAGE, check_body, ON | PROPERTIES | SYSTEM | ACK | EXPIRY | REFUSED, 0},
    {"parallel", STEP_PARALLEL, check_lanes, 0, 0},
    {"do", STEP_DO, check_block, 0, 0},
};

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* What the kind takes under that name. */
static const struct extra *extra_find(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < COUNT(extras); i++)
        if ((kind->takes & extras[i].bit) && strcmp(extras[i].name, name) == 0)
            return &extras[i];
    return NULL;
}

/* Does the kind take all other members of the step? */
static bool kind_takes_all(const struct kind *kind, const cJSON *node)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, node)
    {
        if (strcmp(member->string, kind->name) != 0 && !extra_find(kind, member->string) &&
            !(kind->type == STEP_FAULT && fault_takes(member->string)))
            return false;
    }
    return true;
}

/* "desired" and "exit" are kinds, and members of others: the kind is the one that takes all the rest, else the first written. */
static const struct kind *kind_of(const cJSON *node)
{
    const struct kind *first = NULL;
    const cJSON *member;

    cJSON_ArrayForEach(member, node)
    {
        const struct kind *kind = kind_find(member->string);

        if (kind && kind_takes_all(kind, node))
            return kind;
        if (kind && !first)
            first = kind;
    }
    return first;
}

static void tell_no_kind(struct reading *r, const cJSON *node)
{
    const char *names[COUNT(kinds)];
    char meant[SUGGEST_TEXT_MAX] = "";
    const cJSON *member;

    for (size_t i = 0; i < COUNT(kinds); i++)
        names[i] = kinds[i].name;
    cJSON_ArrayForEach(member, node)
    {
        if (suggest(str_from(member->string), names, COUNT(names))) {
            problems_at_key(r->problems, &r->source, member, "no step is called '%s'%s", member->string,
                            suggest_text(str_from(member->string), names, COUNT(names), meant));
            return;
        }
    }
    problems_at(r->problems, &r->source, node,
                "this step does nothing; a step is one of desired, tags, replace, create, disable, enable, delete, "
                "rotateKey, expect, never, twin, wait, start, stop, kill, restart, exit, log, usage, exec, fault, "
                "clear, clock, "
                "connect, leave, report, send, answer, method, message, parallel, do");
}

static void check_extra(struct reading *r, const struct kind *kind, const cJSON *member)
{
    const struct extra *extra = extra_find(kind, member->string);
    const char *names[COUNT(extras)];
    char meant[SUGGEST_TEXT_MAX];
    size_t count = 0;

    if (extra) {
        extra->check(r, member);
        return;
    }
    for (size_t i = 0; i < COUNT(extras); i++)
        if (kind->takes & extras[i].bit)
            names[count++] = extras[i].name;
    if (kind_find(member->string))
        problems_at_key(r->problems, &r->source, member, "a step does one thing: '%s' or '%s'?", kind->name,
                        member->string);
    else
        problems_at_key(r->problems, &r->source, member, "'%s' takes no '%s'%s", kind->name, member->string,
                        suggest_text(str_from(member->string), names, count, meant));
}

/* From here on, later steps know what this one saves. */
static enum rc learn_saved(struct reading *r, const cJSON *node)
{
    const cJSON *save = json_get(node, "save"), *saved;

    if (!cJSON_IsObject(save))
        return RC_OK; /* none, or told */
    cJSON_ArrayForEach(saved, save)
    {
        if (json_set(r->known, saved->string, cJSON_CreateTrue()))
            return RC_NOMEM;
    }
    return RC_OK;
}

enum rc step_read(struct reading *r, const cJSON *node, struct step *out)
{
    const struct kind *kind;
    const cJSON *member;

    if (!cJSON_IsObject(node)) {
        problems_at(r->problems, &r->source, node, "a step is an object such as {\"wait\":\"1s\"}");
        return RC_SYNTAX;
    }
    kind = kind_of(node);
    if (!kind) {
        tell_no_kind(r, node);
        return RC_SYNTAX;
    }
    if (kind->type == STEP_FAULT)
        check_fault(r, node);
    cJSON_ArrayForEach(member, node)
    {
        if (strcmp(member->string, kind->name) == 0)
            kind->check(r, member);
        else if (kind->type != STEP_FAULT)
            check_extra(r, kind, member);
    }
    for (size_t i = 0; i < COUNT(extras); i++)
        if ((kind->needs & extras[i].bit) && !json_get(node, extras[i].name))
            problems_at(r->problems, &r->source, node, "'%s' needs '%s'", kind->name, extras[i].name);
    if (kind->type == STEP_EXPECT)
        check_series(r, node);
    if (kind->type != STEP_PARALLEL) /* its steps are read one by one */
        check_vars(r, node);
    *out = (struct step){.type = kind->type, .name = kind->name, .node = node, .value = json_get(node, kind->name)};
    return learn_saved(r, node);
}

/* ---- in one line ---- */

#define VALUE_SHORT 160u

static void print_value(struct buf *out, const cJSON *value)
{
    if (cJSON_IsString(value))
        buf_add(out, str_from(value->valuestring));
    else
        match_print_short(out, value, VALUE_SHORT);
}

void step_print(struct buf *out, const struct step *step)
{
    const cJSON *member;

    if (step->block)
        buf_addf(out, "%s: ", step->block);
    buf_addf(out, "%s ", step->name);
    if (step->n_lanes) {
        buf_addf(out, "%zu lanes", step->n_lanes);
        return;
    }
    print_value(out, step->value);
    cJSON_ArrayForEach(member, step->node)
    {
        bool speaks_for_itself = strcmp(member->string, "match") == 0;

        if (member == step->value || strcmp(member->string, "save") == 0)
            continue;
        buf_addf(out, " %s%s", speaks_for_itself ? "" : member->string, speaks_for_itself ? "" : " ");
        print_value(out, member);
    }
}
