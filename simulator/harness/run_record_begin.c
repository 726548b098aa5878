/* run_record_begin.c - how a recording begins: what is run, and who was there. What happens then is in run_record.c. */
#include "run_internal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"
#include "vars.h"

/* ---- templates: a value as it was given, but for what is known now ---- */

#define BEGIN "\x01" /* around the name of a variable that only a running scenario has */
#define END   "\x02"

/* The scenario's variables as they are; those that every run has of its own as marks. NULL: no memory */
static cJSON *vars_with_marks(const struct run *r)
{
    cJSON *vars = cJSON_Duplicate(r->vars, true);
    const char *name;

    for (size_t i = 0; vars && (name = scenario_var_built_in(i)) != NULL; i++) {
        char mark[64];

        (void)snprintf(mark, sizeof mark, BEGIN "%s" END, name);
        if (strcmp(name, "seed") != 0 && json_set(vars, name, json_str(str_from(mark)))) {
            cJSON_Delete(vars);
            vars = NULL;
        }
    }
    return vars;
}

/* "$${" for what looks like a variable, "${name}" for a mark. */
static enum rc unmark(cJSON *tree)
{
    enum rc rc = RC_OK;

    if (cJSON_IsString(tree)) {
        struct buf text;
        char *copy;

        buf_init(&text, 0);
        for (const char *c = tree->valuestring; *c; c++) {
            if (c[0] == '$' && c[1] == '{')
                buf_add(&text, STR("$$"));
            else if (*c == BEGIN[0])
                buf_add(&text, STR("${"));
            else if (*c == END[0])
                buf_add(&text, STR("}"));
            else
                buf_add_char(&text, *c);
        }
        copy = cJSON_malloc(text.len + 1);
        if (copy && buf_ok(&text)) {
            memcpy(copy, text.at ? text.at : "", text.len + 1);
            cJSON_free(tree->valuestring);
            tree->valuestring = copy;
        } else {
            cJSON_free(copy);
            rc = RC_NOMEM;
        }
        buf_done(&text);
    }
    for (cJSON *child = tree->child; child && !rc; child = child->next)
        rc = unmark(child);
    return rc;
}

cJSON *record_template(const struct run *r, const cJSON *value)
{
    cJSON *vars = vars_with_marks(r), *filled = NULL;
    enum rc rc = vars ? vars_fill(value, vars, &filled) : RC_NOMEM;

    cJSON_Delete(vars);
    if (rc == RC_NOT_FOUND || rc == RC_SYNTAX)
        return cJSON_Duplicate(value, true); /* a value that is captured later: it stays a variable */
    if (!rc)
        rc = unmark(filled);
    if (!rc)
        return filled;
    cJSON_Delete(filled);
    return NULL;
}

/* ---- the first lines ---- */

cJSON *record_words(const char *line, const char *base)
{
    struct words words = {0};
    cJSON *list;
    bool good;

    if (!line || !base || words_split(str_from(line), &words))
        return NULL;
    list = cJSON_CreateArray();
    good = list != NULL;
    for (size_t i = 0; i < words.count && good; i++) {
        char path[PATH_MAX];
        struct str word = str_from(words.at[i]);
        cJSON *node;

        if (i == 0 && strchr(words.at[0], '/') && word.at[0] != '/' && word.at[0] != '$' &&
            path_join(path, base, words.at[0]) == RC_OK)
            word = str_from(path);
        node = json_str(word);
        good = node && cJSON_AddItemToArray(list, node);
        if (!good)
            cJSON_Delete(node);
    }
    words_done(&words);
    if (!good) {
        cJSON_Delete(list);
        list = NULL;
    }
    return list;
}

/* Where texts belong, a variable that is a number or the like becomes its text. NULL (of environments) stays. */
static enum rc make_texts(cJSON *list)
{
    for (cJSON *node = list ? list->child : NULL, *next; node; node = next) {
        struct buf text;
        cJSON *made;

        next = node->next;
        if (cJSON_IsString(node) || cJSON_IsNull(node))
            continue;
        buf_init(&text, 0);
        json_print(&text, node);
        made = buf_ok(&text) ? json_str(buf_view(&text)) : NULL;
        buf_done(&text);
        if (made && cJSON_IsObject(list)) {
            if (json_set(list, node->string, made))
                return RC_NOMEM;
        } else if (!made || !cJSON_ReplaceItemViaPointer(list, node, made)) {
            cJSON_Delete(made);
            return RC_NOMEM;
        }
    }
    return RC_OK;
}

/* An agent as it is started: {"as","command":[words],"args","env","files","cwd","start"}. NULL: no memory */
static cJSON *describe_agent(const struct run *r, const cJSON *agent)
{
    const char *given = r->options->agent, *own = json_get_text(agent, "command");
    char here[PATH_MAX];
    cJSON *words = record_words(given ? given : own, given ? getcwd(here, sizeof here) : r->s->dir);
    cJSON *raw = cJSON_Duplicate(agent, true), *out;

    if (!raw) {
        cJSON_Delete(words);
        return NULL;
    }
    json_remove(raw, "command");
    if (words && json_set(raw, "command", words)) {
        cJSON_Delete(raw);
        return NULL;
    }
    out = record_template(r, raw);
    cJSON_Delete(raw);
    if (out && (make_texts(json_get(out, "command")) || make_texts(json_get(out, "args")) ||
                make_texts(json_get(out, "env")))) {
        cJSON_Delete(out);
        out = NULL;
    }
    return out;
}

static bool set(cJSON *object, const char *key, cJSON *value)
{
    return json_set(object, key, value) == RC_OK;
}

static cJSON *make_header(const struct run *r)
{
    cJSON *header = cJSON_CreateObject(), *agents = cJSON_CreateObject();
    bool good = header && agents;

    for (size_t i = 0; i < r->n_agents && good; i++)
        good = set(agents, r->agents[i].name, describe_agent(r, r->agents[i].node));
    good = good && set(header, "recording", json_i64(RECORDING_FORMAT)) &&
           set(header, "scenario", json_str(str_from(r->s->name))) &&
           set(header, "file", json_str(str_from(r->s->file))) && set(header, "dir", json_str(str_from(r->s->dir))) &&
           set(header, "row", json_i64((int64_t)r->s->row)) &&
           set(header, "seed", json_str(str_from(r->options->seed ? r->options->seed : "1"))) &&
           set(header, "twinsim", json_str(STR(TWINSIM_VERSION))) &&
           set(header, "hub", r->s->hub ? cJSON_Duplicate(r->s->hub, true) : cJSON_CreateObject());
    if (good) {
        good = set(header, "agents", agents);
        agents = NULL;
    }
    if (good)
        return header;
    cJSON_Delete(agents);
    cJSON_Delete(header);
    return NULL;
}

/* Of a service's twin what makes it what it is: tags, and desired and reported with their versions. Takes it over. */
static void keep_state(cJSON *twin)
{
    static const char *const kept[] = {"tags", "version", "properties", NULL};
    cJSON *properties = json_get(twin, "properties"), *section;

    for (cJSON *child = twin->child, *next; child; child = next) {
        bool is_kept = false;

        next = child->next;
        for (const char *const *k = kept; *k; k++)
            is_kept = is_kept || strcmp(child->string, *k) == 0;
        if (!is_kept)
            cJSON_Delete(cJSON_DetachItemViaPointer(twin, child));
    }
    cJSON_ArrayForEach(section, properties)
    {
        json_remove(section, "$metadata");
    }
}

/* The line of one identity that there is: its twin as the service sees it, and its status. */
static enum verdict add_identity(struct run *r, const char *who, const char *status)
{
    cJSON *command = run_command_new(r, "twin.show", who), *twin = NULL, *line = cJSON_CreateObject();
    int code = 0;
    enum verdict v = command ? run_command(r, command, &code, &twin) : VERDICT_ERROR;

    if (!v && code >= 300) { /* it was deleted again */
        cJSON_Delete(twin);
        cJSON_Delete(line);
        return VERDICT_PASSED;
    }
    if (v || !line || !twin) {
        cJSON_Delete(twin);
        cJSON_Delete(line);
        return v ? v : run_no_memory(r);
    }
    keep_state(twin);
    if (!set(line, "id", json_str(str_from(who))) || (status && !set(line, "status", json_str(str_from(status))))) {
        cJSON_Delete(twin);
        cJSON_Delete(line);
        return run_no_memory(r);
    }
    if (!set(line, "twin", twin)) {
        cJSON_Delete(line);
        return run_no_memory(r);
    }
    recorder_add(&r->recorder, run_now_us(), "identity", line);
    return VERDICT_PASSED;
}

enum verdict record_begin(struct run *r)
{
    size_t before = r->timeline.count;
    enum verdict v = VERDICT_PASSED;
    enum rc rc;

    if (!r->options->record_file)
        return VERDICT_PASSED;
    rc = recorder_open(&r->recorder, r->options->record_file, &r->masks, run_now_us(), make_header(r));
    if (rc == RC_BUSY)
        return run_error(r, "another run is writing the recording %s: give each its own folder",
                         r->options->record_file);
    if (rc)
        return run_error(r, "the recording %s cannot be written: %s", r->options->record_file,
                         rc == RC_IO ? strerror(errno) : rc_text(rc));
    for (size_t i = 0; i < before && !v; i++) {
        const cJSON *event = r->timeline.at[i].event;
        const char *kind = json_get_text(event, "kind"), *device = json_get_text(event, "device");
        const char *module = json_get_text(event, "module");
        struct ident id = {str_from(device), str_from(module)};
        char who[IDENT_TEXT_MAX];

        if (!kind || !device || strcmp(kind, "created") != 0)
            continue;
        (void)ident_print(id, who);
        v = add_identity(r, who, module ? NULL : json_get_text(event, "status"));
    }
    return v;
}

/* ---- the file ---- */

/* The scenario's file without folder and ending. */
static struct str stem_of(const struct scenario *s)
{
    const char *slash = strrchr(s->file, '/');
    struct str name = str_from(slash ? slash + 1 : s->file);

    for (size_t i = name.len; i-- > 1;)
        if (name.at[i] == '.')
            return str_first(name, i);
    return name;
}

enum rc record_path(const char *dir, struct scenario *const *scenarios, size_t index, char out[PATH_MAX])
{
    const struct scenario *s = scenarios[index];
    unsigned same = 1;
    struct buf name;
    enum rc rc;

    for (size_t i = 0; i < index; i++)
        if (scenarios[i]->row == s->row && str_eq(stem_of(scenarios[i]), stem_of(s)))
            same++;
    buf_init(&name, PATH_MAX);
    buf_add(&name, stem_of(s));
    if (s->row)
        buf_addf(&name, "-%zu", s->row);
    if (same > 1)
        buf_addf(&name, "~%u", same);
    buf_add(&name, STR(".jsonl"));
    rc = name.rc ? name.rc : path_join(out, dir, name.at);
    buf_done(&name);
    return rc;
}
