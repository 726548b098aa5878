/* scenario_subject.c - whom the steps of a scenario act on: somebody, and nobody whom the scenario never makes. */
#include "scenario_internal.h"

#include "ident.h"
#include "suggest.h"

#define NAMES_MAX 256u /* that a suggestion is sought among */

/* Identities that there may be at some time, as keys. */
struct known {
    cJSON *ids;
    bool is_open; /* others may be made in ways that the file does not tell */
};

static bool is_about_agent(const struct step *step)
{
    return step->type >= STEP_START && step->type <= STEP_RESTART && cJSON_IsString(step->value) &&
           strcmp(step->value->valuestring, "agent") == 0;
}

/* Is there somebody that a step without "on" acts on? */
static void check_has_subject(struct reading *r, const struct step_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct step *step = &list->at[i];
        bool wants_subject = step->type <= STEP_REPLACE || step->type == STEP_TWIN || step->type == STEP_FAULT ||
                             step->type == STEP_METHOD || step->type == STEP_MESSAGE;
        bool wants_agent =
            step->type == STEP_EXIT || step->type == STEP_LOG || step->type == STEP_USAGE || is_about_agent(step);

        if (wants_agent)
            problems_at(r->problems, &r->source, step->at, "this scenario has no agent");
        else if (wants_subject && !json_get(step->node, "on"))
            problems_at(r->problems, &r->source, step->at,
                        "whom does this act on? Without an agent, say \"on\": \"device/module\"");
        for (size_t k = 0; k < step->n_lanes; k++)
            check_has_subject(r, &step->lanes[k]);
    }
}

/* An identity, and its parent. */
static enum rc learn(struct known *known, const char *id)
{
    struct str device = str_first(str_from(id), str_find(str_from(id), '/'));
    char parent[IDENT_TEXT_MAX];

    if (!id)
        return RC_OK; /* a mistake that is told where it is */
    if (device.len < sizeof parent) {
        memcpy(parent, device.at, device.len);
        parent[device.len] = '\0';
        if (json_set(known->ids, parent, cJSON_CreateTrue()))
            return RC_NOMEM;
    }
    return json_set(known->ids, id, cJSON_CreateTrue());
}

/* Whom steps create, or play: a program may do anything, and what a variable names is known later. */
static enum rc learn_made(struct known *known, const struct step_list *list)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < list->count && !rc; i++) {
        const struct step *step = &list->at[i];

        if (step->type == STEP_EXEC)
            known->is_open = true;
        if ((step->type == STEP_CREATE || step->type == STEP_CONNECT) && cJSON_IsString(step->value)) {
            known->is_open = known->is_open || is_filled_later(step->value);
            rc = learn(known, step->value->valuestring);
        }
        for (size_t k = 0; k < step->n_lanes && !rc; k++)
            rc = learn_made(known, &step->lanes[k]);
    }
    return rc;
}

static void tell_unknown(struct reading *r, const struct known *known, const struct step *step, const cJSON *on)
{
    const char *names[NAMES_MAX];
    char meant[SUGGEST_TEXT_MAX];
    const cJSON *id;
    size_t count = 0;

    cJSON_ArrayForEach(id, known->ids)
    {
        if (count < NAMES_MAX)
            names[count++] = id->string;
    }
    problems_at(r->problems, &r->source, step->block ? step->at : on, "no identity is called '%s'%s", on->valuestring,
                suggest_text(str_from(on->valuestring), names, count, meant));
}

/* A step that wants to be refused may want just that. */
static void check_known(struct reading *r, const struct known *known, const struct step_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct step *step = &list->at[i];
        const cJSON *on = json_get(step->node, "on");
        struct ident id;

        if (cJSON_IsString(on) && !is_filled_later(on) && !json_get(step->node, "refused") &&
            ident_read(str_from(on->valuestring), &id) == RC_OK && !strchr(on->valuestring, '*') &&
            !json_get(known->ids, on->valuestring))
            tell_unknown(r, known, step, on);
        for (size_t k = 0; k < step->n_lanes; k++)
            check_known(r, known, &step->lanes[k]);
    }
}

enum rc check_subjects(struct reading *r)
{
    const struct scenario *s = r->s;
    struct known known = {.ids = cJSON_CreateObject()};
    enum rc rc = known.ids ? RC_OK : RC_NOMEM;
    const cJSON *given;

    if (!s->agent)
        check_has_subject(r, &s->steps);
    if (cJSON_IsObject(s->identities))
        cJSON_ArrayForEach(given, s->identities)
        {
            rc = rc ? rc : learn(&known, given->string);
        }
    for (size_t i = 0; i < s->n_agents && !rc; i++) {
        const char *as = json_get_text(s->agents[i].node, "as");

        rc = as ? learn(&known, as) : RC_OK;
        known.is_open = known.is_open || !as; /* told already */
    }
    if (!rc)
        rc = learn_made(&known, &s->steps);
    if (!rc && !known.is_open && !r->problems->count) /* a step that could not be read may have made it */
        check_known(r, &known, &s->steps);
    cJSON_Delete(known.ids);
    return rc;
}
