/* hub_state.c - see hub_state.h. Shapes: what the tool writes, and the members that it reads back (facts S-40). */
#include "hub_state.h"

/* --- reading ------------------------------------------------------------------------------------------------------ */

bool hub_state_is(const cJSON *doc)
{
    return cJSON_IsObject(json_get(doc, "devices")) && !json_get(doc, "deviceId");
}

static bool is_thumbprint(const cJSON *identity, const char *which)
{
    const cJSON *print = json_get(json_get(json_get(identity, "authentication"), "x509Thumbprint"), which);

    return cJSON_IsString(print) && *print->valuestring;
}

static bool has_thumbprint(const cJSON *entry)
{
    const cJSON *identity = json_get(entry, "identity");

    return is_thumbprint(identity, "primaryThumbprint") || is_thumbprint(identity, "secondaryThumbprint");
}

static void print_count(struct buf *out, size_t n, const char *noun, bool *is_first)
{
    if (!n)
        return;
    buf_addf(out, "%s%zu %s%s", *is_first ? "" : ", ", n, noun, n == 1 ? "" : "s");
    *is_first = false;
}

void hub_state_print_left(struct buf *out, const cJSON *doc)
{
    const cJSON *configurations = json_get(doc, "configurations"), *device, *module;
    size_t parents = 0, prints = 0;
    bool is_first = true;

    cJSON_ArrayForEach(device, json_get(doc, "devices"))
    {
        if (cJSON_IsString(json_get(device, "parent")))
            parents++;
        prints += has_thumbprint(device);
        cJSON_ArrayForEach(module, json_get(device, "modules"))
        {
            prints += has_thumbprint(module);
        }
    }
    print_count(out, parents, "parent", &is_first);
    print_count(out, prints, "X.509 thumbprint", &is_first);
    print_count(out, (size_t)cJSON_GetArraySize(json_get(configurations, "admConfigurations")), "configuration",
                &is_first);
    print_count(out, (size_t)cJSON_GetArraySize(json_get(configurations, "edgeDeployments")), "edge deployment",
                &is_first);
    print_count(out, cJSON_IsObject(json_get(doc, "arm")) ? 1 : 0, "ARM template", &is_first);
}

/* Copy a member under the same name, if it is there and not null. */
static enum rc copy(cJSON *to, const cJSON *from, const char *key)
{
    const cJSON *value = json_get(from, key);

    return !value || cJSON_IsNull(value) ? RC_OK : json_set(to, key, cJSON_Duplicate(value, true));
}

static enum rc wrong(const cJSON *node, const char *text, const cJSON **at, const char **what)
{
    *at = node;
    *what = text;
    return RC_SYNTAX;
}

static enum rc set_ids(cJSON *to, const char *device, const char *module)
{
    enum rc rc = json_set(to, "deviceId", json_str(str_from(device)));

    return rc || !module ? rc : json_set(to, "moduleId", json_str(str_from(module)));
}

enum rc hub_state_identity(const cJSON *entry, const char *device, const char *module, cJSON **out, const cJSON **at,
                           const char **what)
{
    static const char *const kept[] = {"status", "statusReason", "authentication", "capabilities", "modelId"};
    const cJSON *identity = json_get(entry, "identity"), *twin = json_get(entry, "twin");
    cJSON *doc;
    enum rc rc;

    if (!cJSON_IsObject(identity))
        return wrong(identity ? identity : entry, "a device or module of a state file needs an object \"identity\"", at,
                     what);
    if (twin && !cJSON_IsObject(twin))
        return wrong(twin, "\"twin\" is an object", at, what);
    doc = cJSON_CreateObject();
    rc = doc ? set_ids(doc, device, module) : RC_NOMEM;
    for (size_t i = 0; !rc && i < sizeof kept / sizeof kept[0]; i++)
        rc = copy(doc, identity, kept[i]);
    if (!rc && twin)
        rc = json_set(doc, "twin", cJSON_Duplicate(twin, true));
    if (rc)
        cJSON_Delete(doc);
    else
        *out = doc;
    return rc;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* A new, empty object under key; NULL: out of memory. */
static cJSON *add_object(cJSON *to, const char *key)
{
    cJSON *object = cJSON_CreateObject();

    return object && !json_set(to, key, object) ? object : NULL;
}

enum rc hub_state_init(struct hub_state *s)
{
    cJSON *configurations;

    memset(s, 0, sizeof *s);
    s->doc = cJSON_CreateObject();
    configurations = s->doc ? add_object(s->doc, "configurations") : NULL;
    if (configurations && add_object(configurations, "admConfigurations") &&
        add_object(configurations, "edgeDeployments"))
        s->devices = add_object(s->doc, "devices");
    return s->devices ? RC_OK : RC_NOMEM;
}

/* The tool asks for both thumbprints of every device and for both keys of those with keys. */
static enum rc add_identity(cJSON *entry, const cJSON *from, bool is_module)
{
    cJSON *identity = add_object(entry, "identity");
    enum rc rc = identity ? copy(identity, from, "authentication") : RC_NOMEM;

    if (!rc && !is_module)
        rc = copy(identity, from, "capabilities");
    if (!rc)
        rc = json_set(identity, "connectionState", json_str(STR("Disconnected")));
    if (!rc && is_module)
        rc = json_set(identity, "managedBy", json_str(STR("")));
    if (!rc && !is_module)
        rc = copy(identity, from, "modelId");
    if (!rc && !is_module)
        rc = copy(identity, from, "status");
    return rc || is_module ? rc : copy(identity, from, "statusReason");
}

static enum rc add_twin(cJSON *entry, const cJSON *from)
{
    cJSON *twin = add_object(entry, "twin");
    cJSON *properties = twin ? add_object(twin, "properties") : NULL;
    cJSON *desired = cJSON_Duplicate(json_get(from, "desired"), true);
    enum rc rc = properties && desired ? RC_OK : RC_NOMEM;

    json_remove(desired, "$metadata"); /* counters and stamps are the destination's own */
    json_remove(desired, "$version");
    if (rc) {
        cJSON_Delete(desired);
        return rc;
    }
    rc = json_set(properties, "desired", desired);
    return rc ? rc : copy(twin, from, "tags");
}

enum rc hub_state_add(struct hub_state *s, const cJSON *identity)
{
    const char *device = json_get_text(identity, "deviceId"), *module = json_get_text(identity, "moduleId");
    cJSON *last = s->devices->child ? s->devices->child->prev : NULL; /* the first one's prev is the last */
    cJSON *entry;
    enum rc rc;

    if (!device || (module && (!last || strcmp(last->string, device) != 0)))
        return RC_SYNTAX;
    if (module && !s->modules)
        s->modules = add_object(last, "modules");
    entry = cJSON_CreateObject();
    if (!entry || (module && !s->modules)) {
        cJSON_Delete(entry);
        return RC_NOMEM;
    }
    rc = add_identity(entry, identity, module != NULL);
    if (!rc)
        rc = add_twin(entry, json_get(identity, "twin"));
    /* Ids come once and in order: no search for an older one. */
    if (!rc && !cJSON_AddItemToObject(module ? s->modules : s->devices, module ? module : device, entry))
        rc = RC_NOMEM;
    if (rc)
        cJSON_Delete(entry);
    else if (!module)
        s->modules = NULL;
    return rc;
}

void hub_state_done(struct hub_state *s)
{
    cJSON_Delete(s->doc);
    memset(s, 0, sizeof *s);
}
