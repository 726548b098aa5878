/* twin_check.c - would the hub take this write? Keys, values, depth, arrays, and the size that would result.
 *
 * The texts are those of IoT Edge, which took over the hub's rules; the one about sizes is the cloud's own (facts T-17).
 */
#include "twin_internal.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define CODE_ARGUMENT_INVALID 400004
#define CODE_SIZE             403100

#define SHOWN_MAX 64u /* bytes of a key that a message shows */

/* A key as a message shows it: at most max bytes, whole characters, ".." for the rest. */
static const char *shown(const char *key, size_t max, char out[SHOWN_MAX + 3])
{
    struct str rest = str_from(key);
    size_t len = 0, n;

    for (; rest.len; rest = str_skip(rest, n)) {
        n = utf8_char_len(rest);
        if (n == 0 || len + n > max)
            break;
        memcpy(out + len, rest.at, n);
        len += n;
    }
    memcpy(out + len, rest.len ? ".." : "", rest.len ? 3 : 1);
    return out;
}

/* Put one more step before the path of what is refused. What is too long for a path as it is meant here stays away. */
static void step(struct refusal *why, const char *text)
{
    char whole[sizeof why->where];
    bool is_joined = !why->where[0] || why->where[0] == '[';
    int n = snprintf(whole, sizeof whole, "%s%s%s", text, is_joined ? "" : ".", why->where);

    if (n > 0 && (size_t)n < sizeof whole)
        memcpy(why->where, whole, (size_t)n + 1);
}

static bool at_key(struct refusal *why, const char *key)
{
    char name[SHOWN_MAX + 3];

    step(why, shown(key, SHOWN_MAX, name));
    return false;
}

static bool at_element(struct refusal *why, size_t index)
{
    char text[32];

    (void)snprintf(text, sizeof text, "[%zu]", index);
    step(why, text);
    return false;
}

static bool at_section(struct refusal *why, enum twin_section section)
{
    static const char *const names[] = {"tags", "properties.desired", "properties.reported"};

    step(why, names[section]);
    return false;
}

/* May this character not stand in a key? Control characters (C0, DEL, C1), blank, '.' and '$' (facts T-14). '#' and the
 * empty key are left alone: only IoT Edge is known to refuse '#'. */
static bool is_forbidden(const char *at, size_t *len)
{
    unsigned char c = (unsigned char)at[0], next = c ? (unsigned char)at[1] : 0;

    *len = c == 0xC2 && next >= 0x80 && next <= 0x9F ? 2 : 1;
    return *len == 2 || c <= 0x20 || c == 0x7F || c == '.' || c == '$';
}

static bool check_key(const char *key, struct refusal *why)
{
    char name[SHOWN_MAX + 3];
    size_t len;

    if (strlen(key) > TWIN_KEY_MAX) { /* facts T-13: bytes, not characters */
        refuse(why, 400, CODE_ARGUMENT_INVALID, "Length of property name %s exceeds maximum length of %u",
               shown(key, 10, name), TWIN_KEY_MAX);
        return false;
    }
    for (const char *at = key; *at; at++) {
        if (is_forbidden(at, &len)) {
            refuse(why, 400, CODE_ARGUMENT_INVALID, "Property name %s contains invalid character '%.*s'",
                   shown(key, SHOWN_MAX, name), (int)len, at);
            return false;
        }
    }
    return true;
}

static bool check_text_length(const char *key, const char *text, struct refusal *why)
{
    size_t len = strlen(text);
    char name[SHOWN_MAX + 3];

    if (len <= TWIN_VALUE_MAX) /* facts T-15 */
        return true;
    refuse(why, 400, CODE_ARGUMENT_INVALID,
           "Value associated with property name %s has length %zu that exceeds maximum length of %u",
           shown(key, SHOWN_MAX, name), len, TWIN_VALUE_MAX);
    return false;
}

/* An integer must lie in range; what is written with a fraction or an exponent is a float, and free (facts T-16). */
static bool check_number(const char *key, const cJSON *number, struct refusal *why)
{
    char name[SHOWN_MAX + 3];

    if (number->valuestring && strpbrk(number->valuestring, ".eE"))
        return check_text_length(key, number->valuestring, why);
    if (!number->valuestring && rint(number->valuedouble) != number->valuedouble)
        return true; /* made by hand, with a fraction */
    /* Both bounds, and all integers near them, are exact as doubles. */
    if (number->valuedouble >= (double)TWIN_INTEGER_MIN && number->valuedouble <= (double)TWIN_INTEGER_MAX)
        return true;
    refuse(why, 400, CODE_ARGUMENT_INVALID,
           "Property %s has an out of bound value. Valid values are between %" PRId64 " and %" PRId64,
           shown(key, SHOWN_MAX, name), TWIN_INTEGER_MIN, TWIN_INTEGER_MAX);
    return false;
}

static bool check_value(const char *key, const cJSON *value, unsigned depth, bool in_array, struct refusal *why);

static bool check_members(const cJSON *object, unsigned depth, bool in_array, struct refusal *why)
{
    char name[SHOWN_MAX + 3];

    for (const cJSON *member = object->child; member; member = member->next) {
        if (!check_key(member->string, why))
            return at_key(why, member->string);
        if (in_array && cJSON_IsNull(member)) { /* facts T-19 */
            refuse(why, 400, CODE_ARGUMENT_INVALID, "Property %s of an object in an array cannot be 'null'",
                   shown(member->string, SHOWN_MAX, name));
            return at_key(why, member->string);
        }
        if (!check_value(member->string, member, depth + 1, in_array, why))
            return at_key(why, member->string);
    }
    return true;
}

static bool check_elements(const char *key, const cJSON *array, unsigned depth, struct refusal *why)
{
    size_t n = 0;

    for (const cJSON *element = array->child; element; element = element->next, n++) {
        if (cJSON_IsNull(element)) { /* facts T-19 */
            refuse(why, 400, CODE_ARGUMENT_INVALID, "Arrays cannot contain 'null' as value");
            return at_element(why, n);
        }
        if (!check_value(key, element, depth + 1, true, why))
            return at_element(why, n);
    }
    return true;
}

/* key: the nearest one above. depth: 1 for what stands right in the section. */
static bool check_value(const char *key, const cJSON *value, unsigned depth, bool in_array, struct refusal *why)
{
    bool is_container = cJSON_IsObject(value) || cJSON_IsArray(value);
    char name[SHOWN_MAX + 3];

    if (is_container && depth > TWIN_DEPTH_MAX) { /* facts T-11, T-12 */
        refuse(why, 400, CODE_ARGUMENT_INVALID, "Nested depth of twin property exceeds %u", TWIN_DEPTH_MAX);
        return false;
    }
    switch (value->type & 0xFF) {
    case cJSON_Object:
        return check_members(value, depth, in_array, why);
    case cJSON_Array:
        return check_elements(key, value, depth, why);
    case cJSON_String:
        return check_text_length(key, value->valuestring, why);
    case cJSON_Number:
        return check_number(key, value, why);
    case cJSON_True:
    case cJSON_False:
    case cJSON_NULL:
        return true;
    default:
        refuse(why, 400, CODE_ARGUMENT_INVALID, "Property %s has a value of unsupported type",
               shown(key, SHOWN_MAX, name));
        return false;
    }
}

/* How a section's computed size grows when a patch is merged into it; negative: it shrinks. */
static int64_t growth(cJSON *target, const cJSON *patch)
{
    struct json_edit e;
    int64_t grown = 0;

    json_edit_begin(&e, target, json_count(patch));
    for (const cJSON *member = patch->child; member; member = member->next) {
        cJSON *old = json_edit_get(&e, member->string);

        if (cJSON_IsObject(member) && cJSON_IsObject(old)) {
            grown += growth(old, member);
            continue;
        }
        grown += cJSON_IsNull(member) ? 0 : (int64_t)twin_member_size(member);
        grown -= old ? (int64_t)twin_member_size(old) : 0;
    }
    json_edit_end(&e);
    return grown;
}

static bool check_size(enum twin_section section, int64_t size, struct refusal *why)
{
    static const char *const names[] = {"Tags", "Properties.Desired", "Properties.Reported"};
    unsigned max = section == TWIN_TAGS ? TWIN_TAGS_MAX : TWIN_SECTION_MAX;

    if (size < (int64_t)max) /* "less than", the cloud says. Whether it means it is not known: facts T-17 */
        return true;
    refuse(why, 403, CODE_SIZE, "'%s' size should be less than %u bytes.", names[section], max);
    return false;
}

static bool refuse_section(enum twin_section section, struct refusal *why)
{
    static const char *const names[] = {"tags", "properties.desired", "properties.reported"};

    refuse(why, 400, CODE_ARGUMENT_INVALID,
           "Provided json is not a valid 'tags' or 'properties' object: '%s' must be a JSON object.", names[section]);
    return false;
}

bool twin_check_section(enum twin_section section, const cJSON *content, struct refusal *why)
{
    if (!cJSON_IsObject(content))
        return refuse_section(section, why);
    if (!check_members(content, 0, false, why))
        return at_section(why, section);
    return check_size(section, (int64_t)twin_value_size(content), why);
}

/* Check one submitted section against what it would be merged into. */
static bool check_patch(const struct twin *t, enum twin_section section, const cJSON *patch, struct refusal *why)
{
    cJSON *target = section == TWIN_TAGS ? t->tags : section == TWIN_DESIRED ? t->desired : t->reported;

    if (!cJSON_IsObject(patch))
        return refuse_section(section, why);
    if (!check_members(patch, 0, false, why))
        return at_section(why, section);
    return check_size(section, (int64_t)t->computed[section] + growth(target, patch), why);
}

static bool check_submitted(const struct twin *t, enum twin_section section, const cJSON *submitted, bool replace,
                            struct refusal *why)
{
    if (!submitted || cJSON_IsNull(submitted))
        return true;
    return replace ? twin_check_section(section, submitted, why) : check_patch(t, section, submitted, why);
}

bool twin_check_service(const struct twin *t, const cJSON *tags, const cJSON *desired, bool replace,
                        struct refusal *why)
{
    return check_submitted(t, TWIN_TAGS, tags, replace, why) && check_submitted(t, TWIN_DESIRED, desired, replace, why);
}

bool twin_check_reported(const struct twin *t, const cJSON *patch, struct refusal *why)
{
    return check_patch(t, TWIN_REPORTED, patch, why);
}

void twin_strip_service_fields(cJSON *section)
{
    cJSON *child, *next;

    for (child = section ? section->child : NULL; child; child = next) {
        next = child->next;
        if (cJSON_IsObject(section) && (json_key_is(child, "$metadata") || json_key_is(child, "$version")))
            cJSON_Delete(cJSON_DetachItemViaPointer(section, child));
        else
            twin_strip_service_fields(child);
    }
}
