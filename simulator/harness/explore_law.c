/* explore_law.c - which law a scenario's result breaks. See explore.h. */
#include "explore.h"

#include "run.h"

static const struct {
    const char *word, *text;
} laws[] = {
#define LAW_ROW(id, word, text) {word, text},
    LAW_LIST(LAW_ROW)
#undef LAW_ROW
};

const char *law_word(enum law law)
{
    return laws[law].word;
}

const char *law_text(enum law law)
{
    return laws[law].text;
}

static bool says(const cJSON *text, const char *part)
{
    return cJSON_IsString(text) && strstr(text->valuestring, part);
}

/* The agent's end is told by the failure itself, or as a hint beside what it kept from happening. */
static bool has_ended(const cJSON *failure)
{
    const cJSON *hint;
    bool ended = says(json_get(failure, "message"), "ended by itself");

    cJSON_ArrayForEach(hint, json_get(failure, "hints"))
    {
        ended = ended || says(hint, "the agent has ended");
    }
    return ended;
}

/* The property whose place a difference begins with: "reported.config.a: expected ..". */
static const char *suspect_of(const struct model *m, const cJSON *failure)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, json_get(failure, "differences"))
    {
        struct str rest = str_from(cJSON_GetStringValue(line)), place;

        if (str_starts(rest, STR("reported.")))
            rest = str_skip(rest, strlen("reported."));
        place = str_cut(&rest, ':');
        for (size_t i = 0; i < m->count; i++)
            if (str_eq(place, str_from(m->at[i].reported)))
                return m->at[i].name;
    }
    return NULL;
}

enum law law_of_result(const struct model *m, const cJSON *result, const char **suspect)
{
    const char *verdict = json_get_text(result, "verdict"), *text, *step_verdict;
    const cJSON *failure = json_get(result, "failure"), *steps = json_get(result, "steps"), *last;
    int count = cJSON_GetArraySize(steps);

    if (!verdict || strcmp(verdict, verdict_text(VERDICT_FAILED)) != 0)
        return LAW_NONE;
    if (has_ended(failure))
        return LAW_ALIVE;
    last = count ? cJSON_GetArrayItem(steps, count - 1) : NULL;
    text = json_get_text(last, "text");
    step_verdict = json_get_text(last, "verdict");
    if (says(json_get(failure, "message"), "did not end within"))
        return LAW_ENDS;
    if (!text || !step_verdict || strcmp(step_verdict, verdict_text(VERDICT_FAILED)) != 0)
        return LAW_NONE;
    if (str_starts(str_from(text), STR("never ")))
        return LAW_QUIET;
    if (str_starts(str_from(text), STR("usage ")))
        return LAW_IDLE;
    if (!str_starts(str_from(text), STR("twin ")))
        return LAW_NONE;
    if (suspect)
        *suspect = suspect_of(m, failure);
    return LAW_CONVERGES;
}
