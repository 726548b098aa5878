/* run_twin.c - steps that write twins, and twins as a scenario gives them. */
#include <stdio.h>

#include "alias.h"
#include "run_internal.h"

/* Put the expanded form of what was written under a dotted path of two keys at most into object. */
static enum verdict put_written(struct run *r, cJSON *object, const char *outer, const char *key, const cJSON *written)
{
    cJSON *expanded = NULL, *into = object;
    const cJSON *clash;
    enum rc rc;

    if (!cJSON_IsObject(written))
        return run_error(r, "'%s' is an object, also when a variable gives it", key);
    rc = alias_expand(written, r->s->aliases, &expanded, &clash);
    if (rc == RC_EXISTS)
        return run_error(r, "'%s' stands for a place that was given already", clash->string);
    if (rc)
        return run_no_memory(r);
    if (outer) {
        into = json_get(object, outer);
        if (!into && json_set(object, outer, cJSON_CreateObject()) == RC_OK)
            into = json_get(object, outer);
    }
    if (!into) {
        cJSON_Delete(expanded);
        return run_no_memory(r);
    }
    return json_set(into, key, expanded) ? run_no_memory(r) : VERDICT_PASSED;
}

enum verdict run_inject_patch(struct run *r)
{
    static const char *const desired[] = {"desired", NULL}, *const tags[] = {"tags", NULL};
    bool is_tags = r->lane->step->type == STEP_TAGS;
    cJSON *command = run_command_new(r, "twin.update", run_who(r)), *patch;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v && json_set(command, "patch", cJSON_CreateObject()))
        v = run_no_memory(r);
    patch = json_get(command, "patch");
    if (!v)
        v = put_written(r, patch, is_tags ? NULL : "properties", r->lane->step->name,
                        json_get(r->lane->node, r->lane->step->name));
    if (!v)
        return run_send(r, command, is_tags ? tags : desired, NULL);
    cJSON_Delete(command);
    return v;
}

/* What a scenario gives, as a twin: a whole one, or the sections themselves. given NULL: an empty one. *out is the caller's. */
static enum verdict twin_of(struct run *r, const cJSON *given, cJSON **out)
{
    bool is_whole = given && json_get(given, "properties");
    cJSON *twin = is_whole ? cJSON_Duplicate(given, true) : cJSON_CreateObject(), *properties;
    const cJSON *sections = is_whole ? NULL : given, *section;
    enum rc rc = twin ? RC_OK : RC_NOMEM;

    if (!rc && !is_whole)
        rc = json_set(twin, "properties", cJSON_CreateObject());
    properties = json_get(twin, "properties");
    cJSON_ArrayForEach(section, sections)
    {
        bool is_property = strcmp(section->string, "desired") == 0 || strcmp(section->string, "reported") == 0;

        if (!rc)
            rc = json_set(is_property ? properties : twin, section->string, cJSON_Duplicate(section, true));
    }
    if (!rc) {
        *out = twin;
        return VERDICT_PASSED;
    }
    cJSON_Delete(twin);
    return run_no_memory(r);
}

/* Merge what was written over what the section holds: one value changed in a whole file. written NULL: nothing. */
static enum verdict merge_over(struct run *r, cJSON *into, const char *key, const cJSON *written)
{
    cJSON *patch = NULL;
    const cJSON *clash;
    enum rc rc;

    if (!written)
        return VERDICT_PASSED;
    if (!cJSON_IsObject(written))
        return run_error(r, "'%s' is an object, also when a variable gives it", key);
    if (!json_get(into, key) && json_set(into, key, cJSON_CreateObject()))
        return run_no_memory(r);
    if (alias_expand(written, r->s->aliases, &patch, &clash))
        return run_error(r, "'%s' cannot be expanded", key);
    rc = json_merge(json_get(into, key), patch);
    cJSON_Delete(patch);
    return rc ? run_no_memory(r) : VERDICT_PASSED;
}

enum verdict run_make_twin(struct run *r, const cJSON *given, const cJSON *desired, const cJSON *tags, cJSON **out)
{
    cJSON *twin = NULL;
    enum verdict v;

    *out = NULL;
    if (!given && !desired && !tags)
        return VERDICT_PASSED;
    v = twin_of(r, scenario_value(r->s, given), &twin);
    if (!v)
        v = merge_over(r, json_get(twin, "properties"), "desired", desired);
    if (!v)
        v = merge_over(r, twin, "tags", tags);
    if (v)
        cJSON_Delete(twin);
    else
        *out = twin;
    return v;
}

/* A copy of one section under its name, without what the service may not write. Nothing when there is none. */
static enum rc keep_section(cJSON *into, const char *name, const cJSON *section)
{
    cJSON *copy = section ? cJSON_Duplicate(section, true) : NULL;

    if (!section)
        return RC_OK;
    json_remove(copy, "$version");
    json_remove(copy, "$metadata");
    return json_set(into, name, copy);
}

/* Only what the service can write: a file may hold a whole twin. Replaces *twin. */
static enum verdict keep_writable(struct run *r, cJSON **twin)
{
    cJSON *kept = cJSON_CreateObject(), *properties = cJSON_CreateObject();

    if (!kept || !properties || keep_section(kept, "tags", json_get(*twin, "tags")) ||
        keep_section(properties, "desired", json_get(json_get(*twin, "properties"), "desired"))) {
        cJSON_Delete(kept);
        cJSON_Delete(properties);
        return run_no_memory(r);
    }
    if (json_set(kept, "properties", properties)) {
        cJSON_Delete(kept);
        return run_no_memory(r);
    }
    cJSON_Delete(*twin);
    *twin = kept;
    return VERDICT_PASSED;
}

enum verdict run_inject_replace(struct run *r)
{
    static const char *const kinds[] = {"desired", "tags", NULL};
    const cJSON *value = json_get(r->lane->node, "replace");
    bool is_file = cJSON_IsString(value);
    cJSON *command = run_command_new(r, "twin.replace", run_who(r)), *twin = NULL;
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v)
        v = run_make_twin(r, is_file ? value : NULL, is_file ? NULL : json_get(value, "desired"),
                          is_file ? NULL : json_get(value, "tags"), &twin);
    if (!v && !twin && !(twin = cJSON_CreateObject()))
        v = run_no_memory(r);
    if (!v) {
        v = keep_writable(r, &twin);
        if (v)
            cJSON_Delete(twin);
        else if (json_set(command, "twin", twin))
            v = run_no_memory(r);
    }
    if (!v)
        return run_send(r, command, kinds, NULL);
    cJSON_Delete(command);
    return v;
}
