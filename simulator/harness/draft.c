/* draft.c - see draft.h. A recorded action becomes a step in draft_step.c. */
#include "draft_internal.h"

#include <stdlib.h>

void draft_done(struct draft *d)
{
    cJSON_Delete(d->scenario);
    free(d->items);
    memset(d, 0, sizeof *d);
}

/* ---- texts ---- */

/* What a person would take for a variable is a plain text in a recording, but for the templates of agents and programs. */
static enum rc set_string(cJSON *node, struct str text)
{
    char *copy = cJSON_malloc(text.len + 1);

    if (!copy)
        return RC_NOMEM;
    memcpy(copy, text.len ? text.at : "", text.len);
    copy[text.len] = '\0';
    cJSON_free(node->valuestring);
    node->valuestring = copy;
    return RC_OK;
}

enum rc draft_escape(cJSON *tree)
{
    enum rc rc = RC_OK;

    if (cJSON_IsString(tree) && strstr(tree->valuestring, "${")) {
        struct buf text;

        buf_init(&text, 0);
        for (const char *c = tree->valuestring; *c; c++) {
            if (c[0] == '$' && c[1] == '{')
                buf_add_char(&text, '$');
            buf_add_char(&text, *c);
        }
        rc = text.rc ? text.rc : set_string(tree, buf_view(&text));
        buf_done(&text);
    }
    for (cJSON *child = tree->child; child && !rc; child = child->next)
        rc = draft_escape(child);
    return rc;
}

/* A key that was spelt out is masked: one of the right form takes its place, which fits nobody. */
static enum rc put_nobodys_keys(cJSON *tree)
{
    static const char masked[] = "SharedAccessKey=***";
    static const char nobodys[] = "SharedAccessKey=bm9ib2R5cyBrZXksIGJ1dCBsb25nIGVub3VnaA==";
    const char *at = cJSON_IsString(tree) ? strstr(tree->valuestring, masked) : NULL;
    enum rc rc = RC_OK;

    if (at) {
        struct buf text;

        buf_init(&text, 0);
        buf_add(&text, str_of(tree->valuestring, (size_t)(at - tree->valuestring)));
        buf_add(&text, STR(nobodys));
        buf_add(&text, str_from(at + sizeof masked - 1));
        rc = text.rc ? text.rc : set_string(tree, buf_view(&text));
        buf_done(&text);
    }
    for (cJSON *child = tree->child; child && !rc; child = child->next)
        rc = put_nobodys_keys(child);
    return rc;
}

/* ---- the world ---- */

/* {"id":{"twin":..,"status":..},..} */
static enum rc add_identities(const struct recording *rec, cJSON *scenario)
{
    cJSON *identities = cJSON_CreateObject();
    enum rc rc = identities ? RC_OK : RC_NOMEM;

    for (size_t i = 0; i < rec->count && !rc; i++) {
        const cJSON *given = rec->items[i].value, *status = json_get(given, "status");
        cJSON *identity;

        if (rec->items[i].kind != RECORDING_IDENTITY)
            continue;
        identity = cJSON_CreateObject();
        if (!identity || json_set(identity, "twin", cJSON_Duplicate(json_get(given, "twin"), true)) ||
            (cJSON_IsString(status) && strcmp(status->valuestring, "disabled") == 0 &&
             json_set(identity, "status", cJSON_Duplicate(status, true))) ||
            draft_escape(identity)) {
            cJSON_Delete(identity);
            rc = RC_NOMEM;
        } else {
            rc = json_set(identities, json_get_text(given, "id"), identity);
        }
    }
    if (!rc)
        return json_set(scenario, "identities", identities);
    cJSON_Delete(identities);
    return rc;
}

/* A word as words.h reads it back. */
static void quote(struct buf *out, const char *word)
{
    buf_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_add(out, STR("'\\''"));
        else
            buf_add_char(out, *word);
    }
    buf_add_char(out, '\'');
}

/* The recorded words of a command as one line. */
static enum rc join_command(cJSON *agent)
{
    const cJSON *words = json_get(agent, "command"), *word;
    struct buf line;
    enum rc rc;

    if (!cJSON_IsArray(words))
        return RC_OK;
    buf_init(&line, 0);
    cJSON_ArrayForEach(word, words)
    {
        bool is_plain = cJSON_IsString(word) && word->valuestring[0] && !strpbrk(word->valuestring, " \t\r\n\"'\\");

        if (word != words->child)
            buf_add_char(&line, ' ');
        if (is_plain)
            buf_add(&line, str_from(word->valuestring));
        else
            quote(&line, cJSON_IsString(word) ? word->valuestring : "");
    }
    rc = line.rc ? line.rc : json_set(agent, "command", json_str(buf_view(&line)));
    buf_done(&line);
    return rc;
}

/* The agents as they were; is_manual: steps start them, all of them. */
static enum rc add_agents(const struct recording *rec, bool is_manual, cJSON *scenario)
{
    cJSON *agents = cJSON_Duplicate(json_get(rec->header, "agents"), true), *agent, *only;
    enum rc rc = agents ? RC_OK : RC_NOMEM;

    cJSON_ArrayForEach(agent, agents)
    {
        if (!rc)
            rc = join_command(agent);
        if (!rc)
            rc = put_nobodys_keys(agent);
        if (!rc && is_manual)
            rc = json_set(agent, "start", json_str(STR("manual")));
    }
    if (rc || !agents->child) {
        cJSON_Delete(agents);
        return rc;
    }
    only = json_get(agents, "agent");
    if (!only || agents->child->next)
        return json_set(scenario, "agents", agents);
    (void)cJSON_DetachItemViaPointer(agents, only);
    cJSON_Delete(agents);
    return json_set(scenario, "agent", only);
}

/* So long as it took, three times, and a minute; of a short one the default will do. */
static enum rc add_timeout(const struct recording *rec, cJSON *scenario)
{
    int64_t took_us = rec->count ? rec->items[rec->count - 1].offset_us : 0;
    struct buf text;
    enum rc rc;

    if (took_us < 10 * INT64_C(1000000))
        return RC_OK;
    if (took_us > INT64_C(86400000000))
        took_us = INT64_C(86400000000);
    buf_init(&text, 0);
    buf_add_i64(&text, 60 + 3 * took_us / 1000000);
    buf_add_char(&text, 's');
    rc = text.rc ? text.rc : json_set(scenario, "timeout", json_str(buf_view(&text)));
    buf_done(&text);
    return rc;
}

static enum rc add_world(const struct recording *rec, bool expects, cJSON *scenario)
{
    const cJSON *hub = json_get(rec->header, "hub"), *name = json_get(rec->header, "scenario");
    enum rc rc = json_set(scenario, "name", cJSON_Duplicate(name, true));

    if (!rc)
        rc = add_identities(rec, scenario);
    if (!rc)
        rc = add_agents(rec, !expects || !draft_starts_at_once(rec), scenario);
    if (!rc && hub->child)
        rc = json_set(scenario, "hub", cJSON_Duplicate(hub, true));
    return rc ? rc : add_timeout(rec, scenario);
}

/* ---- steps ---- */

static enum rc add_step(struct draft *d, cJSON *steps, cJSON *step, size_t item)
{
    size_t *longer = step ? realloc(d->items, (d->n_steps + 1) * sizeof *longer) : NULL;

    if (longer)
        d->items = longer;
    if (!longer || !cJSON_AddItemToArray(steps, step)) {
        cJSON_Delete(step);
        return RC_NOMEM;
    }
    d->items[d->n_steps++] = item;
    return RC_OK;
}

static enum rc add_steps(const struct recording *rec, bool expects, struct draft *d, cJSON *steps, char *why,
                         size_t why_size)
{
    bool skips_start = expects && draft_starts_at_once(rec);
    struct draft_expected expected = {0};
    size_t last = SIZE_MAX; /* what an agent did last, behind the last action */
    enum rc rc = RC_OK;

    for (size_t i = 0; i < rec->count && !rc; i++) {
        const struct recording_item *item = &rec->items[i];
        cJSON *step = NULL;

        if (skips_start && item->kind == RECORDING_PROCESS) {
            skips_start = false; /* the first thing that was done */
            continue;
        }
        if (recording_is_action(item) && last != SIZE_MAX) {
            rc = draft_wait(rec, last, &step);
            if (!rc && step)
                rc = add_step(d, steps, step, last);
            step = NULL;
            last = SIZE_MAX;
        }
        if (expects && item->kind == RECORDING_EVENT && !json_get(item->value, "cause") &&
            strcmp(json_get_text(item->value, "kind"), "telemetry") != 0)
            last = i;
        if (rc) {
            break;
        } else if (recording_is_action(item)) {
            rc = draft_action(rec, item, &step, why, why_size);
        } else if (expects && item->kind == RECORDING_EVENT) {
            rc = draft_expect(rec, i, &expected, &step);
        }
        if (!rc && step)
            rc = add_step(d, steps, step, i);
    }
    if (!rc && !d->n_steps) { /* a scenario has a step */
        cJSON *step = cJSON_CreateObject();

        if (step && json_set(step, "wait", json_str(STR("0s")))) {
            cJSON_Delete(step);
            step = NULL;
        }
        rc = add_step(d, steps, step, SIZE_MAX);
    }
    return rc;
}

enum rc draft_make(const struct recording *rec, bool expects, struct draft *out, char *why, size_t why_size)
{
    struct draft d = {.scenario = cJSON_CreateObject()};
    cJSON *steps = cJSON_CreateArray();
    enum rc rc = d.scenario && steps ? RC_OK : RC_NOMEM;

    if (!rc)
        rc = add_world(rec, expects, d.scenario);
    if (!rc)
        rc = add_steps(rec, expects, &d, steps, why, why_size);
    if (!rc) {
        rc = json_set(d.scenario, "steps", steps);
        steps = NULL;
    }
    cJSON_Delete(steps);
    if (rc) {
        if (rc == RC_NOMEM)
            (void)why_not(why, why_size, rc, "%s: %s", rec->file, rc_text(rc));
        draft_done(&d);
        return rc;
    }
    *out = d;
    return RC_OK;
}

/* ---- laid out ---- */

/* Compact, but with the blanks that make it readable. */
static void print_spaced(struct buf *out, const cJSON *value)
{
    const cJSON *child;

    if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
        json_print(out, value);
        return;
    }
    buf_add(out, cJSON_IsObject(value) ? value->child ? STR("{ ") : STR("{") : STR("["));
    cJSON_ArrayForEach(child, value)
    {
        if (child != value->child)
            buf_add(out, STR(", "));
        if (cJSON_IsObject(value)) {
            json_print_string(out, str_from(child->string));
            buf_add(out, STR(": "));
        }
        print_spaced(out, child);
    }
    buf_add(out, cJSON_IsObject(value) ? value->child ? STR(" }") : STR("}") : STR("]"));
}

void draft_print(const struct draft *d, const char *comment, struct buf *out)
{
    const cJSON *member, *child;

    if (comment)
        buf_addf(out, "// %s\n", comment);
    buf_add(out, STR("{\n"));
    cJSON_ArrayForEach(member, d->scenario)
    {
        bool is_long = strcmp(member->string, "steps") == 0 || strcmp(member->string, "identities") == 0;

        buf_add(out, STR("  "));
        json_print_string(out, str_from(member->string));
        buf_add(out, STR(": "));
        if (!is_long) {
            print_spaced(out, member);
        } else {
            buf_add_char(out, cJSON_IsArray(member) ? '[' : '{');
            cJSON_ArrayForEach(child, member)
            {
                buf_add(out, child == member->child ? STR("\n    ") : STR(",\n    "));
                if (cJSON_IsObject(member)) {
                    json_print_string(out, str_from(child->string));
                    buf_add(out, STR(": "));
                }
                print_spaced(out, child);
            }
            buf_addf(out, "\n  %c", cJSON_IsArray(member) ? ']' : '}');
        }
        buf_add(out, member->next ? STR(",\n") : STR("\n"));
    }
    buf_add(out, STR("}\n"));
}
