/* twin_read.c - a twin from a document: our own snapshot, or a twin as the service shows it. */
#include "twin_internal.h"

#define CODE_ARGUMENT_INVALID 400004

static enum rc refuse_read(struct refusal *why, const char *what)
{
    refuse(why, 400, CODE_ARGUMENT_INVALID, "Provided json is not a valid twin: %s", what);
    return RC_SYNTAX;
}

/* A member that may be absent, or null as SDKs print absent ones. */
static const cJSON *given(const cJSON *object, const char *key)
{
    const cJSON *node = json_get(object, key);

    return cJSON_IsNull(node) ? NULL : node;
}

/* Read a counter: 1 or more. *out is left alone when there is none. returns false when it makes no sense */
static bool read_counter(const cJSON *object, const char *key, int64_t *out)
{
    int64_t value;

    if (!given(object, key))
        return true;
    if (json_get_i64(object, key, &value) || value < 1)
        return false;
    *out = value;
    return true;
}

/* Undo twin_etag_print. Twelve characters hold 72 bits, 64 of which count. */
static bool etag_read(const char *text, int64_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t value = 0;

    if (strlen(text) != 12 || text[11] != '=')
        return false;
    for (int i = 0; i < 11; i++) {
        const char *digit = strchr(digits, text[i]);
        uint64_t six;

        if (!digit)
            return false;
        six = (uint64_t)(digit - digits);
        value = i < 10 ? value << 6 | six : value << 4 | six >> 2;
    }
    *out = (int64_t)value;
    return *out >= 1;
}

/* The content of a section alone: without $metadata, $version and null members. NULL: no memory. */
static cJSON *section_content(const cJSON *section)
{
    cJSON *content = json_node(cJSON_Object);

    for (const cJSON *member = section ? section->child : NULL; content && member; member = member->next) {
        cJSON *copy;

        if (cJSON_IsNull(member) || json_key_is(member, "$metadata") || json_key_is(member, "$version"))
            continue;
        copy = json_copy_without_nulls(member);
        if (!copy) {
            cJSON_Delete(content);
            return NULL;
        }
        cJSON_AddItemToArray(content, copy); /* an object is a list too; the key is there already */
    }
    return content;
}

/* Read desired or reported. *content, *metadata, *version are a fresh twin's, and replaced by what is given. */
static enum rc read_properties(const cJSON *section, enum twin_section which, int64_t now_us, cJSON **content,
                               cJSON **metadata, int64_t *version, struct refusal *why)
{
    const cJSON *stamps = given(section, "$metadata");
    struct twin_stamp fresh;
    cJSON *read, *about;

    if (!section)
        return RC_OK;
    if (!cJSON_IsObject(section))
        return refuse_read(why, "desired and reported must be JSON objects");
    if (stamps && !cJSON_IsObject(stamps))
        return refuse_read(why, "$metadata must be a JSON object");
    if (!read_counter(section, "$version", version))
        return refuse_read(why, "$version must be a number of 1 or more");
    read = section_content(section);
    if (!read)
        return RC_NOMEM;
    if (!twin_check_section(which, read, why)) {
        cJSON_Delete(read);
        return RC_SYNTAX;
    }
    /* What has content was written once, so it was at some version; what is empty looks as if never touched. */
    twin_stamp_init(&fresh, now_us, which == TWIN_DESIRED && (read->child || stamps) ? *version : 0);
    about = twin_metadata_adopt(stamps, read, &fresh);
    if (!about) {
        cJSON_Delete(read);
        return RC_NOMEM;
    }
    cJSON_Delete(*content);
    cJSON_Delete(*metadata);
    *content = read;
    *metadata = about;
    return RC_OK;
}

static enum rc read_tags(const cJSON *tags, struct twin *t, struct refusal *why)
{
    if (!tags)
        return RC_OK;
    if (!cJSON_IsObject(tags))
        return refuse_read(why, "tags must be a JSON object");
    t->tags = json_copy_without_nulls(tags);
    if (!t->tags)
        return RC_NOMEM;
    cJSON_free(t->tags->string);
    t->tags->string = NULL;
    return twin_check_section(TWIN_TAGS, t->tags, why) ? RC_OK : RC_SYNTAX;
}

/* Both counters follow from each other and from the sections' (facts T-01 to T-05): every service write is one step of etag,
 * every write at all one of version. So what is missing is what it would be had tags alone never been written. */
static enum rc read_counters(const cJSON *doc, struct twin *t, struct refusal *why)
{
    const cJSON *etag = given(doc, "etag");

    t->version = 0;
    if (!read_counter(doc, "version", &t->version))
        return refuse_read(why, "version must be a number of 1 or more");
    t->etag = t->version > t->reported_version ? t->version - t->reported_version : t->desired_version;
    if (cJSON_IsString(etag) ? !etag_read(etag->valuestring, &t->etag) : !read_counter(doc, "etag", &t->etag))
        return refuse_read(why, "etag must be a counter, or eight bytes in base64");
    if (!t->version)
        t->version = t->etag + t->reported_version;
    return RC_OK;
}

static void measure(struct twin *t)
{
    t->computed[TWIN_TAGS] = t->tags ? twin_value_size(t->tags) : 0;
    t->computed[TWIN_DESIRED] = twin_value_size(t->desired);
    t->computed[TWIN_REPORTED] = twin_value_size(t->reported);
    t->bytes = sizeof *t + twin_heap(t->tags) + twin_heap(t->desired) + twin_heap(t->reported) +
               twin_heap(t->desired_metadata) + twin_heap(t->reported_metadata);
}

enum rc twin_read(const cJSON *doc, int64_t now_us, struct twin **out, struct refusal *why)
{
    const cJSON *properties = given(doc, "properties");
    const cJSON *sections = properties ? properties : doc;
    struct twin *t;
    enum rc rc;

    if (!cJSON_IsObject(doc) || !cJSON_IsObject(sections))
        return refuse_read(why, "it must be a JSON object, and so must its properties");
    t = twin_new(now_us);
    if (!t)
        return RC_NOMEM;
    rc = read_tags(given(doc, "tags"), t, why);
    if (!rc)
        rc = read_properties(given(sections, "desired"), TWIN_DESIRED, now_us, &t->desired, &t->desired_metadata,
                             &t->desired_version, why);
    if (!rc)
        rc = read_properties(given(sections, "reported"), TWIN_REPORTED, now_us, &t->reported, &t->reported_metadata,
                             &t->reported_version, why);
    if (!rc)
        rc = read_counters(doc, t, why);
    if (rc) {
        twin_free(t);
        return rc;
    }
    measure(t);
    *out = t;
    return RC_OK;
}
