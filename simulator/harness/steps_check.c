/* steps_check.c - is a member of a step what it must be? One function a member, for the tables of steps.c. */
#include "scenario_internal.h"

#include "iso_time.h"
#include "match.h"
#include "service.h"
#include "suggest.h"
#include "topic.h"
#include "vars.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const event_kinds[] = {
    "hub-ready", "hub-stopping",  "created",        "updated",         "deleted",   "connected",
    "refused",   "disconnected",  "subscribed",     "unsubscribed",    "twin-get",  "reported",
    "desired",   "tags",          "telemetry",      "fault",           "violation", "clock",
    "method",    "method-answer", "message-queued", "message-settled", "feedback",  HUB_EVENT_SOURCES,
};

void check_kind(struct reading *r, const cJSON *value)
{
    check_name(r, value, "kind of event", event_kinds, COUNT(event_kinds));
}

/* The name of an agent, or "hub". */
void check_target(struct reading *r, const cJSON *value)
{
    const char *names[AGENTS_MAX + 1] = {"agent"};
    size_t count = r->s->n_agents ? 0 : 1;

    for (size_t i = 0; i < r->s->n_agents; i++)
        names[count++] = r->s->agents[i].name;
    names[count++] = "hub";
    check_name(r, value, "target", names, count);
}

void check_of(struct reading *r, const cJSON *value)
{
    const char *names[AGENTS_MAX];

    for (size_t i = 0; i < r->s->n_agents; i++)
        names[i] = r->s->agents[i].name;
    if (r->s->n_agents) /* without an agent there are worse problems */
        check_name(r, value, "agent", names, r->s->n_agents);
}

void check_clear(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"faults"};

    check_name(r, value, "thing to clear", names, COUNT(names));
}

/* {"advance":"1h"}, "freeze" or "resume" */
void check_clock(struct reading *r, const cJSON *value)
{
    static const struct member members[] = {{"advance", check_signed_duration, true}};
    static const char *const names[] = {"freeze", "resume"};

    struct str by = str_from(cJSON_GetStringValue(value));
    int64_t us;

    if (str_starts(by, STR("+")) || str_starts(by, STR("-")))
        by = str_skip(by, 1);
    if (cJSON_IsObject(value))
        check_members(r, value, "a move of the clock", members, COUNT(members));
    else if (by.len && duration_read(by, &us) == RC_OK)
        problems_at(r->problems, &r->source, value, "to move the clock write {\"clock\":{\"advance\":\"%s\"}}",
                    value->valuestring);
    else
        check_name(r, value, "thing a clock does", names, COUNT(names));
}

void check_key_name(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"primary", "secondary", "both", "swap"};

    check_name(r, value, "key", names, COUNT(names));
}

/* What replaces a twin: a file, or what the service would write. */
void check_new_twin(struct reading *r, const cJSON *value)
{
    static const struct member members[] = {{"desired", check_written, false}, {"tags", check_written, false}};

    if (cJSON_IsString(value))
        check_twin_given(r, value);
    else
        check_members(r, value, "a replacement", members, COUNT(members));
}

void check_twin_match(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"desired", "reported", "tags"};
    const cJSON *member;

    if (!check_object(r, value))
        return;
    match_check(value, &r->source, r->problems);
    cJSON_ArrayForEach(member, value)
    {
        char meant[SUGGEST_TEXT_MAX];
        bool is_section = false;

        for (size_t i = 0; i < COUNT(names); i++)
            is_section = is_section || strcmp(member->string, names[i]) == 0;
        if (!is_section)
            problems_at_key(r->problems, &r->source, member, "a twin has desired, reported and tags, but no '%s'%s",
                            member->string, suggest_text(str_from(member->string), names, COUNT(names), meant));
        else if (!cJSON_IsObject(member))
            problems_at(r->problems, &r->source, member, "'%s' is an object", member->string);
    }
}

bool step_count_is_good(const cJSON *value)
{
    return value_is_whole(value, 1, STEP_COUNT_MAX);
}

void check_exit(struct reading *r, const cJSON *value)
{
    if (match_is_matcher(value))
        match_check(value, &r->source, r->problems);
    else if (!value_is_whole(value, 0, 255))
        problems_at(r->problems, &r->source, value,
                    "an exit code is a number from 0 to 255 (128 + n: ended by signal n), or a matcher");
}

void check_count(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && !step_count_is_good(value))
        problems_at(r->problems, &r->source, value, "'count' is a number from 1 to %d: so many events that fit",
                    STEP_COUNT_MAX);
}

void check_refused(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && !value_is_whole(value, 400, 599) && !value_is_whole(value, 400000, 599999))
        problems_at(r->problems, &r->source, value, "a refusal is a status such as 400, or a code such as 400004");
}

void check_log(struct reading *r, const cJSON *value)
{
    if (match_is_matcher(value))
        match_check(value, &r->source, r->problems);
    else if (!cJSON_IsString(value) || value->valuestring[0] == '\0')
        problems_at(r->problems, &r->source, value,
                    "'log' is a part of a line, or a matcher such as {\"$regex\":\"...\"}");
}

void check_exec(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsArray(value)) {
        check_command(r, value);
        return;
    }
    check_texts(r, value);
    if (!value->child || !cJSON_IsString(value->child) || value->child->valuestring[0] == '\0')
        problems_at(r->problems, &r->source, value, "'exec' names a program first");
}

void check_save(struct reading *r, const cJSON *value)
{
    const cJSON *member;

    check_var_names(r, value);
    if (!cJSON_IsObject(value))
        return;
    cJSON_ArrayForEach(member, value)
    {
        if (!cJSON_IsString(member) || member->valuestring[0] == '\0')
            problems_at(r->problems, &r->source, member,
                        "a capture names a place: \"$.version\" in the event, or a path as in 'match'");
    }
}

void check_bool(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && !cJSON_IsBool(value))
        problems_at(r->problems, &r->source, value, "'%s' is true or false", value->string);
}

void check_true(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsTrue(value))
        problems_at(r->problems, &r->source, value, "'%s' is true: the hub must refuse the connection", value->string);
}

void check_ack(struct reading *r, const cJSON *value)
{
    static const char *const words[] = {"none", "positive", "negative", "full"};

    if (!is_filled_later(value))
        check_name(r, value, "feedback", words, COUNT(words));
}

void check_messages(struct reading *r, const cJSON *value)
{
    static const char *const words[] = {"acknowledge", "withhold"};

    if (!is_filled_later(value))
        check_name(r, value, "way to take messages", words, COUNT(words));
}

void check_expiry(struct reading *r, const cJSON *value)
{
    int64_t us;

    if (is_filled_later(value))
        return;
    if (!cJSON_IsString(value) ||
        (duration_read(str_from(value->valuestring), &us) && iso_time_read(str_from(value->valuestring), &us)))
        problems_at(r->problems, &r->source, value,
                    "'expiry' is a duration (\"5m\") or a time (\"2030-01-01T00:00:00Z\")");
}

void check_method(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsString(value) || (!is_filled_later(value) && !method_name_is_valid(str_from(value->valuestring))))
        problems_at(r->problems, &r->source, value,
                    "a method's name is a text without blanks and without $()<>@,;:\\\"/[]?={}+#");
}

void check_answer_status(struct reading *r, const cJSON *value)
{
    if (!is_filled_later(value) && !value_is_whole(value, INT32_MIN, INT32_MAX))
        problems_at(r->problems, &r->source, value, "the status of a method's answer is a whole number, 200 say");
}

void check_how(struct reading *r, const cJSON *value)
{
    static const char *const names[] = {"cut"};

    check_name(r, value, "way to leave", names, COUNT(names));
}

/* What the lanes hold is read where they are (scenario_read.c). */
void check_lanes(struct reading *r, const cJSON *value)
{
    const cJSON *lane;

    if (!cJSON_IsArray(value) || !value->child)
        problems_at(r->problems, &r->source, value, "'parallel' is a list of lanes, each a list of steps");
    else if (cJSON_GetArraySize(value) > (int)PARALLEL_MAX)
        problems_at(r->problems, &r->source, value, "more than %u lanes", PARALLEL_MAX);
    cJSON_ArrayForEach(lane, value)
    {
        if (!cJSON_IsArray(lane) || !lane->child)
            problems_at(r->problems, &r->source, lane, "a lane is a list of steps, not empty");
    }
}
