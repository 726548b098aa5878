/* steps_series.c - what a step may want of several events, or of a message's form, or of an agent's use of the machine. */
#include "scenario_internal.h"

#include "match.h"
#include "schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_wish(struct reading *r, const cJSON *value)
{
    if (!cJSON_IsTrue(value))
        problems_at(r->problems, &r->source, value, "'%s' is true, or not there", value->string);
}

void check_gaps(struct reading *r, const cJSON *value)
{
    static const struct member members[] = {
        {"grow", check_wish, false},
        {"jitter", check_wish, false},
        {"min", check_duration, false},
        {"max", check_duration, false},
    };

    check_members(r, value, "a wish for gaps", members, COUNT(members));
    if (cJSON_IsObject(value) && !value->child)
        problems_at(r->problems, &r->source, value, "'gaps' says what they are like: grow, jitter, min, max");
}

/* Gaps and an order need so many events. */
void check_series(struct reading *r, const cJSON *node)
{
    const cJSON *gaps = json_get(node, "gaps"), *increasing = json_get(node, "increasing");
    const cJSON *count = json_get(node, "count");
    int least = json_get(gaps, "jitter") ? 4 : json_get(gaps, "grow") ? 3 : 2;

    if (!gaps && !increasing)
        return;
    if (!count || (cJSON_IsNumber(count) && count->valuedouble < least))
        problems_at(r->problems, &r->source, count ? count : node, "'%s' needs a 'count' of %d at least",
                    gaps ? "gaps" : "increasing", least);
}

static void check_amount(struct reading *r, const cJSON *value)
{
    if (match_is_matcher(value))
        match_check(value, &r->source, r->problems);
    else if (!is_filled_later(value) && !cJSON_IsNumber(value))
        problems_at(r->problems, &r->source, value, "'%s' is a number, or a matcher such as {\"$lt\":100}",
                    value->string);
}

void check_usage(struct reading *r, const cJSON *value)
{
    static const struct member members[] = {
        {"cpuMs", check_amount, false},
        {"peakKb", check_amount, false},
        {"processes", check_amount, false},
    };

    check_members(r, value, "the use of a machine (cpuMs, peakKb, processes)", members, COUNT(members));
    if (cJSON_IsObject(value) && !value->child)
        problems_at(r->problems, &r->source, value, "'usage' wants something of cpuMs, peakKb or processes");
}

void check_schema_file(struct reading *r, const cJSON *value)
{
    char path[PATH_MAX];
    struct buf text;
    cJSON *tree;

    if (!cJSON_IsString(value) || value->valuestring[0] == '\0') {
        problems_at(r->problems, &r->source, value, "'%s' is the name of a file that holds a JSON Schema",
                    value->string);
        return;
    }
    if (json_get(r->s->files, value->valuestring))
        return;
    buf_init(&text, SCENARIO_FILE_MAX);
    tree = read_named_file(r, value, value->valuestring, &text, path);
    if (tree)
        schema_examine(tree, &(struct source){.file = path, .text = buf_view(&text)}, r->problems);
    buf_done(&text);
    if (tree && json_set(r->s->files, value->valuestring, tree))
        problems_at(r->problems, &r->source, value, "%s", rc_text(RC_NOMEM));
}
