/* config.c - reading, judging and reporting the security configuration. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mode.h"

enum config_type { TYPE_DURATION, TYPE_CACHE, TYPE_MESSAGE, TYPE_PRIORITY, TYPE_FLAG, TYPE_TEXT };

struct rule {
    const char *name;
    enum config_type type;
    const char *preset; /* the default, as text */
};

#define CONFIG_RULE(id, twin_name, kind, value)                                                                        \
    [CONFIG_##id] = {.name = (twin_name), .type = TYPE_##kind, .preset = (value)},
static const struct rule rules[CONFIG_COUNT] = {CONFIG_LIST(CONFIG_RULE)};

static const struct mode *mode_of(const struct config *c)
{
    return c->mode ? c->mode : &mode_documented;
}

const char *config_name(enum config_id id)
{
    return rules[id].name;
}

int64_t config_number(const struct config *c, enum config_id id)
{
    return c->value[id].number;
}

enum priority config_priority(const struct config *c, enum config_id id)
{
    assert(rules[id].type == TYPE_PRIORITY);
    return (enum priority)c->value[id].number;
}

static enum rc keep_text(const char *text, struct config_value *out)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);

    if (!copy)
        return RC_NOMEM;
    memcpy(copy, text, bytes);
    free(out->text); /* the default */
    out->text = copy;
    return RC_OK;
}

static enum rc read_duration(const struct mode *mode, const char *text, struct config_value *out)
{
    char spelling[CONFIG_DURATION_MAX + 1];
    enum rc rc = mode->duration(str_from(text), &out->number, spelling);

    return rc ? rc : keep_text(spelling, out);
}

/* Read what stands under "value". */
static enum rc value_read(const struct mode *mode, enum config_type type, const cJSON *item, struct config_value *out)
{
    const char *text = cJSON_GetStringValue(item);

    switch (type) {
    case TYPE_DURATION:
        if (cJSON_IsNumber(item))
            text = mode->number_as_duration;
        return text ? read_duration(mode, text, out) : RC_INVALID;
    case TYPE_PRIORITY:
        return mode->priority(item, &out->number);
    case TYPE_TEXT:
        return text && strlen(text) <= CONFIG_TEXT_MAX ? keep_text(text, out) : RC_INVALID;
    case TYPE_FLAG:
        return mode->flag(item, &out->number);
    case TYPE_CACHE:
        return mode->size(item, CONFIG_CACHE_MIN, CONFIG_CACHE_MAX, &out->number) ? RC_INVALID : RC_OK;
    case TYPE_MESSAGE:
        return mode->size(item, CONFIG_MESSAGE_MIN, CONFIG_MESSAGE_MAX, &out->number) ? RC_INVALID : RC_OK;
    }
    return RC_INVALID;
}

/* Take the default of one property from the table, or the mode's own. */
static enum rc preset_read(const struct mode *mode, enum config_id id, struct config_value *out)
{
    const char *text = mode->preset.text && mode->preset.property == id ? mode->preset.text : rules[id].preset;

    switch (rules[id].type) {
    case TYPE_DURATION:
        return read_duration(mode, text, out);
    case TYPE_PRIORITY:
        out->number = strcmp(text, "High") == 0 ? PRIORITY_HIGH : PRIORITY_LOW;
        return RC_OK;
    case TYPE_FLAG:
        out->number = strcmp(text, "true") == 0;
        return RC_OK;
    case TYPE_CACHE:
    case TYPE_MESSAGE:
        return str_to_number(str_from(text), INT32_MAX, &out->number);
    case TYPE_TEXT:
        return text ? keep_text(text, out) : RC_OK;
    }
    return RC_INVALID;
}

void config_done(struct config *c)
{
    for (size_t i = 0; i < CONFIG_COUNT; i++)
        free(c->value[i].text);
    *c = (struct config){.mode = c->mode};
}

enum rc config_init(struct config *c, const struct mode *mode)
{
    struct config_mismatch unused;

    *c = (struct config){.mode = mode};
    return config_read(NULL, c, &unused);
}

enum rc config_read(const cJSON *object, struct config *out, struct config_mismatch *mismatch)
{
    const struct mode *mode = mode_of(out);
    struct config fresh = {.mode = out->mode};
    enum rc rc = RC_OK;

    memset(mismatch, 0, sizeof *mismatch);
    if (object && !cJSON_IsNull(object) && !cJSON_IsObject(object)) {
        mismatch->is_object_wrong = true;
        return RC_INVALID;
    }
    for (size_t i = 0; i < CONFIG_COUNT && !rc; i++)
        rc = preset_read(mode, (enum config_id)i, &fresh.value[i]);
    if (rc)
        goto done;
    for (size_t i = 0; i < mode->known_count && (i < mode->leading_count || !mismatch->count); i++) {
        enum config_id id = mode->known[i];
        const cJSON *wrapper = json_find(object, rules[id].name);
        if (!wrapper || cJSON_IsNull(wrapper))
            continue;
        rc = value_read(mode, rules[id].type, json_find(wrapper, "value"), &fresh.value[id]);
        if (rc == RC_INVALID)
            mismatch->property[mismatch->count++] = id;
        else if (rc)
            goto done;
    }
    rc = mismatch->count ? RC_INVALID : RC_OK;
    if (!rc) {
        config_done(out);
        *out = fresh;
        memset(&fresh, 0, sizeof fresh);
    }

done:
    config_done(&fresh);
    return rc;
}

/* Do the check that is told of by a property; returns whether there is something to tell. */
static bool finding_make(const struct config *c, enum config_id id, struct config_finding *out)
{
    int64_t message = config_number(c, CONFIG_MESSAGE_BYTES);

    if (id == CONFIG_CACHE_BYTES) {
        *out = (struct config_finding){id, "Conflict", "the local cache is smaller than a message"};
        return config_number(c, CONFIG_CACHE_BYTES) < message;
    }
    if (id == CONFIG_MESSAGE_BYTES) {
        *out = (struct config_finding){id, "NotOptimal",
                                       "messages are charged in steps of 4096 bytes; this size is no multiple"};
        return message % 4096 != 0;
    }
    *out = (struct config_finding){id, "Conflict", "high-priority messages are less frequent than low-priority ones"};
    return config_number(c, CONFIG_HIGH_FREQUENCY) > config_number(c, CONFIG_LOW_FREQUENCY);
}

size_t config_findings(const struct config *c, struct config_finding out[CONFIG_FINDINGS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < CONFIG_FINDINGS_MAX; i++)
        n += finding_make(c, mode_of(c)->findings[i], &out[n]);
    return n;
}

/* Make the JSON of one value, without its wrapper. */
static cJSON *value_to_json(const struct config *c, enum config_id id)
{
    const struct config_value *v = &c->value[id];

    switch (rules[id].type) {
    case TYPE_DURATION:
    case TYPE_TEXT:
        return v->text ? cJSON_CreateString(v->text) : cJSON_CreateNull();
    case TYPE_PRIORITY:
        return cJSON_CreateString(mode_of(c)->priority_words[v->number]);
    case TYPE_FLAG:
        return cJSON_CreateBool(v->number != 0);
    case TYPE_CACHE:
    case TYPE_MESSAGE:
        return cJSON_CreateNumber(mode_of(c)->sizes_are_signed ? (double)(int32_t)v->number : (double)v->number);
    }
    return NULL;
}

cJSON *config_to_json(const struct config *c)
{
    cJSON *object = cJSON_CreateObject(), *wrapper, *value;
    const struct mode *mode = mode_of(c);

    for (size_t i = 0; object && i < mode->known_count; i++) {
        enum config_id id = mode->known[i];
        if (rules[id].type == TYPE_TEXT && !c->value[id].text && !mode->reports_unset)
            continue;
        value = value_to_json(c, id);
        wrapper = value;
        if (value && !cJSON_IsNull(value)) {
            wrapper = cJSON_CreateObject();
            if (!wrapper || !cJSON_AddItemToObject(wrapper, "value", value)) {
                cJSON_Delete(wrapper);
                wrapper = NULL;
                cJSON_Delete(value);
            }
        }
        if (!wrapper || !cJSON_AddItemToObject(object, rules[id].name, wrapper)) {
            cJSON_Delete(wrapper);
            cJSON_Delete(object);
            return NULL;
        }
    }
    return object;
}

/* Append one entry of a ConfigurationError payload. */
static bool add_error(cJSON *payload, const char *name, const char *error_type, const char *used, const char *message)
{
    cJSON *entry = cJSON_CreateObject();

    if (entry && used && cJSON_AddStringToObject(entry, "ConfigurationName", name) &&
        cJSON_AddStringToObject(entry, "ErrorType", error_type) &&
        cJSON_AddStringToObject(entry, "UsedConfiguration", used) &&
        cJSON_AddStringToObject(entry, "Message", message) && cJSON_AddItemToArray(payload, entry))
        return true;
    cJSON_Delete(entry);
    return false;
}

/* One value as plain text, for UsedConfiguration. The caller frees it; NULL without memory. */
static char *value_to_text(const struct config *c, enum config_id id)
{
    char period[CONFIG_DURATION_MAX + 1], *text;
    const char *plain;
    cJSON *json;

    if (rules[id].type == TYPE_DURATION && mode_of(c)->period_text) {
        mode_of(c)->period_text(c->value[id].number, period);
        return strdup(period);
    }
    json = value_to_json(c, id);
    plain = cJSON_GetStringValue(json);
    text = plain ? strdup(plain) : json_print(json);
    cJSON_Delete(json);
    return text;
}

cJSON *config_errors_from_findings(const struct config *c, const struct config_finding *findings, size_t n)
{
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL;

    for (size_t i = 0; ok && i < n; i++) {
        char *used = value_to_text(c, findings[i].property);
        ok = add_error(payload, config_name(findings[i].property), findings[i].error_type, used, findings[i].message);
        free(used);
    }
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}

char *config_whole_text(const struct config *c, const char *object_name)
{
    cJSON *whole = config_to_json(c), *root = object_name ? cJSON_CreateObject() : NULL;
    char *text = NULL;

    if (whole && !object_name)
        text = json_print(whole);
    if (whole && root && cJSON_AddItemToObject(root, object_name, whole)) {
        whole = NULL; /* the root has it now */
        text = json_print(root);
    }
    cJSON_Delete(whole);
    cJSON_Delete(root);
    return text;
}

cJSON *config_errors_from_mismatch(const struct config *c, const struct config_mismatch *m, const char *object_name)
{
    static const char told[] = "the desired value is of the wrong type or out of bounds; the whole update was refused";
    const char *one = mode_of(c)->mismatch_name;
    cJSON *payload = cJSON_CreateArray();
    bool ok = payload != NULL;
    char *used = NULL;

    if (ok && one) {
        used = mode_of(c)->used(c, object_name);
        ok = add_error(payload, one, "TypeMismatch", used, told);
        free(used);
    } else if (ok && m->is_object_wrong) {
        used = config_whole_text(c, NULL);
        ok = add_error(payload, object_name, "TypeMismatch", used, "the configuration is not an object");
        free(used);
    }
    for (size_t i = 0; ok && !one && i < m->count; i++) {
        used = value_to_text(c, m->property[i]);
        ok = add_error(payload, config_name(m->property[i]), "TypeMismatch", used, told);
        free(used);
    }
    if (ok)
        return payload;
    cJSON_Delete(payload);
    return NULL;
}
