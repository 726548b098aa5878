/* explore_law.c - which law a scenario's result breaks. See explore.h. */
#include "explore.h"

#include "run.h"

static const char *const texts[] = {
#define LAW_ROW(id, text) text,
    LAW_LIST(LAW_ROW)
#undef LAW_ROW
};

const char *law_text(enum law law)
{
    return texts[law];
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

/* ---- versions ---- */

/* Who it is about, as a name in an object of what was seen last. */
static void print_who(const cJSON *event, struct buf *out)
{
    const char *module = json_get_text(event, "module");

    buf_addf(out, "%s%s%s", json_get_text(event, "device"), module ? "/" : "", module ? module : "");
}

/* Note a version. returns true when a higher one was noted before; equal ones are not higher, unless each has to be new */
static bool goes_back(cJSON *seen, const char *name, const cJSON *version, bool is_new, struct buf *why)
{
    const cJSON *last = json_get(seen, name);
    bool is_back;

    if (!version || !cJSON_IsNumber(version))
        return false;
    is_back =
        last && (version->valuedouble < last->valuedouble || (is_new && version->valuedouble <= last->valuedouble));
    if (is_back && why)
        buf_addf(why, "%s: %.15g after %.15g", name, version->valuedouble, last->valuedouble);
    (void)!json_set(seen, name, json_i64((int64_t)version->valuedouble)); /* without memory the next one passes */
    return is_back;
}

/* What the agent says of the version it has applied, place by place. */
static bool applied_goes_back(const struct model *m, cJSON *seen, const cJSON *event, struct buf *why)
{
    bool is_back = false;

    for (size_t i = 0; i < m->count && !is_back; i++) {
        const char *place = m->at[i].applied;

        if (place && !(i && m->has_one_version))
            is_back = goes_back(seen, place, model_find(m, json_get(event, "patch"), place), false, why);
    }
    return is_back;
}

static bool event_goes_back(const struct model *m, cJSON *hub, cJSON *agent, const cJSON *event, struct buf *why)
{
    const char *kind = json_get_text(event, "kind");
    bool is_back = false, is_report = kind && strcmp(kind, "reported") == 0;
    const cJSON *version = json_get(event, "version");
    struct buf name;

    if (!kind || !json_get(event, "device"))
        return false;
    buf_init(&name, 0);
    print_who(event, &name);
    if (buf_ok(&name) && is_report && version && strcmp(name.at, m->as) == 0)
        is_back = applied_goes_back(m, agent, event, why);
    buf_addf(&name, " %s version", kind);
    if (buf_ok(&name) && !is_back && (is_report || strcmp(kind, "desired") == 0))
        is_back = goes_back(hub, name.at, version, true, why);
    buf_done(&name);
    return is_back;
}

bool law_versions_go_back(const struct model *m, const cJSON *result, struct buf *why)
{
    cJSON *hub = cJSON_CreateObject(), *agent = cJSON_CreateObject();
    const cJSON *event;
    bool is_back = false;

    cJSON_ArrayForEach(event, json_get(result, "events"))
    {
        is_back = is_back || (hub && agent && event_goes_back(m, hub, agent, event, why));
    }
    cJSON_Delete(agent);
    cJSON_Delete(hub);
    return is_back;
}

enum law law_of_result(const struct model *m, const cJSON *result, const char **suspect)
{
    const char *verdict = json_get_text(result, "verdict"), *text, *step_verdict;
    const cJSON *failure = json_get(result, "failure"), *steps = json_get(result, "steps"), *last;
    int count = cJSON_GetArraySize(steps);

    bool has_failed = verdict && strcmp(verdict, verdict_text(VERDICT_FAILED)) == 0;

    if (has_failed && has_ended(failure))
        return LAW_ALIVE;
    /* before what may well follow from it */
    if ((has_failed || (verdict && strcmp(verdict, verdict_text(VERDICT_PASSED)) == 0)) &&
        law_versions_go_back(m, result, NULL))
        return LAW_VERSIONS;
    if (!has_failed)
        return LAW_NONE;
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
