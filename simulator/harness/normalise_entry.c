/* normalise_entry.c - one event: its group, and what of it is the same in equal runs. See normalise.h. */
#include "normalise_internal.h"

#include <stdlib.h>

/* ---- canonical JSON ---- */

static int by_key(const void *a, const void *b)
{
    const cJSON *const *one = a, *const *other = b;

    return strcmp((*one)->string, (*other)->string);
}

static void print_object(struct buf *out, const cJSON *object)
{
    size_t count = 0, i = 0;
    const cJSON **members, *member;

    cJSON_ArrayForEach(member, object)
    {
        count++;
    }
    members = calloc(count ? count : 1, sizeof *members);
    if (!members) {
        out->rc = out->rc ? out->rc : RC_NOMEM;
        return;
    }
    cJSON_ArrayForEach(member, object)
    {
        members[i++] = member;
    }
    qsort(members, count, sizeof *members, by_key);
    buf_add_char(out, '{');
    for (i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        json_print_string(out, str_from(members[i]->string));
        buf_add_char(out, ':');
        json_print_sorted(out, members[i]);
    }
    buf_add_char(out, '}');
    free(members);
}

void json_print_sorted(struct buf *out, const cJSON *value)
{
    const cJSON *element;

    if (cJSON_IsObject(value)) {
        print_object(out, value);
    } else if (cJSON_IsArray(value)) {
        buf_add_char(out, '[');
        cJSON_ArrayForEach(element, value)
        {
            if (element != value->child)
                buf_add_char(out, ',');
            json_print_sorted(out, element);
        }
        buf_add_char(out, ']');
    } else {
        json_print(out, value);
    }
}

/* ---- what is left out ---- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Members of the event itself. */
static bool is_noise(const char *key)
{
    static const char *const noise[] = {"seq",    "time",           "mono_us",   "conn",          "cause",
                                        "rid",    "etag",           "id",        "planned_us",    "actual_us",
                                        "device", "clientType",     "clientId",  "module",        "ms",
                                        "peer",   "sequenceNumber", "messageId", "expiryTimeUtc", NULL};

    return is_one_of(key, noise);
}

/* Members of a message's system properties, and of an error. */
static bool is_deep_noise(const char *key)
{
    static const char *const noise[] = {"message-id",
                                        "correlation-id",
                                        "iothub-enqueuedtime",
                                        "iothub-creation-time-utc",
                                        "absolute-expiry-time",
                                        "iothub-connection-auth-generation-id",
                                        "trackingId",
                                        "timestampUtc",
                                        NULL};

    return is_one_of(key, noise);
}

/* How many bytes at the beginning are a loopback address, with its port? */
static size_t address_at(struct str text)
{
    size_t n = 4;

    if (!str_starts(text, STR("127.")))
        return 0;
    for (int part = 0; part < 3; part++) {
        size_t digits = 0;

        while (n < text.len && text.at[n] >= '0' && text.at[n] <= '9' && digits < 3)
            n++, digits++;
        if (digits == 0 || (part < 2 && (n >= text.len || text.at[n++] != '.')))
            return 0;
    }
    if (n + 1 < text.len && text.at[n] == ':' && text.at[n + 1] >= '0' && text.at[n + 1] <= '9')
        for (n++; n < text.len && text.at[n] >= '0' && text.at[n] <= '9';)
            n++;
    return n;
}

/* A text of the hub's own: where the hub listens differs from run to run; what a client calls itself is not its behaviour. */
static void print_text(struct buf *out, const char *given)
{
    struct str text = str_from(given);
    struct buf masked;

    buf_init(&masked, 0);
    while (text.len) {
        size_t n = address_at(text);

        if (n) {
            buf_add(&masked, STR("<address>"));
            text = str_skip(text, n);
        } else if (str_starts(text, STR("&DeviceClientType="))) {
            text = str_skip(text, 1);
            text = str_skip(text, str_find(text, '&'));
        } else {
            buf_add_char(&masked, text.at[0]);
            text = str_skip(text, 1);
        }
    }
    if (masked.rc)
        out->rc = out->rc ? out->rc : masked.rc;
    json_print_string(out, buf_view(&masked));
    buf_done(&masked);
}

static enum rc put(cJSON *object, const char *key, const cJSON *value)
{
    return json_set(object, key, cJSON_Duplicate(value, true));
}

/* ---- security messages ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

cJSON *normal_event_names(const cJSON *message)
{
    const cJSON *events = json_get(json_get(message, "body"), "Events"), *event;
    size_t count = 0;
    const char **names = NULL;
    cJSON *list = NULL;

    if (!cJSON_IsTrue(json_get(message, "security")) || !cJSON_IsArray(events) || !events->child)
        return NULL;
    names = calloc((size_t)cJSON_GetArraySize(events) + 1, sizeof *names);
    list = cJSON_CreateArray();
    cJSON_ArrayForEach(event, events)
    {
        const char *name = json_get_text(event, "Name");

        if (names)
            names[count++] = name ? name : "";
    }
    if (names)
        qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; names && list && i < count; i++) {
        cJSON *name;

        if (i && strcmp(names[i], names[i - 1]) == 0)
            continue;
        name = json_str(str_from(names[i]));
        if (!name || !cJSON_AddItemToArray(list, name)) {
            cJSON_Delete(name);
            cJSON_Delete(list);
            list = NULL;
        }
    }
    if (!names) {
        cJSON_Delete(list);
        list = NULL;
    }
    free(names);
    return list;
}

/* ---- the entry ---- */

/* Content is what somebody said, so it stays as it is; all else is the hub's own. */
static bool is_content(const char *key)
{
    static const char *const content[] = {"patch", "body", "bodyBase64", "properties", "payload", NULL};

    return is_one_of(key, content);
}

/* A copy of the event without what differs in equal runs. NULL: no memory */
static cJSON *reduce(const cJSON *event, const char *name)
{
    cJSON *out = cJSON_CreateObject();
    const cJSON *member, *inner;
    enum rc rc = out ? RC_OK : RC_NOMEM;

    cJSON_ArrayForEach(member, event)
    {
        if (rc || is_noise(member->string))
            continue;
        if (name && (strcmp(member->string, "body") == 0 || strcmp(member->string, "system") == 0))
            continue;
        rc = put(out, member->string, member);
        if (rc || is_content(member->string) || !cJSON_IsObject(member))
            continue;
        cJSON_ArrayForEach(inner, member)
        {
            if (is_deep_noise(inner->string))
                json_remove(json_get(out, member->string), inner->string);
        }
    }
    if (!rc && name)
        rc = json_set(out, "event", json_str(str_from(name)));
    if (!rc)
        return out;
    cJSON_Delete(out);
    return NULL;
}

static void print_entry(struct buf *out, const cJSON *event, const char *name)
{
    cJSON *reduced = reduce(event, name), *child;
    bool is_first = true;
    const char *last = "";

    if (!reduced) {
        out->rc = out->rc ? out->rc : RC_NOMEM;
        return;
    }
    buf_add_char(out, '{');
    for (;;) { /* few members: the next greater key, one by one */
        const cJSON *next = NULL;

        cJSON_ArrayForEach(child, reduced)
        {
            if ((is_first || strcmp(child->string, last) > 0) && (!next || strcmp(child->string, next->string) < 0))
                next = child;
        }
        if (!next)
            break;
        if (!is_first)
            buf_add_char(out, ',');
        json_print_string(out, str_from(next->string));
        buf_add_char(out, ':');
        if (cJSON_IsString(next) && !is_content(next->string))
            print_text(out, next->valuestring);
        else
            json_print_sorted(out, next);
        last = next->string;
        is_first = false;
    }
    buf_add_char(out, '}');
    cJSON_Delete(reduced);
}

/* ---- the group ---- */

/* What stands where. */
static const struct {
    const char *kind, *channel;
} channels[] = {
    {"connected", "connection"},
    {"refused", "connection"},
    {"disconnected", "connection"},
    {"subscribed", "connection"},
    {"unsubscribed", "connection"},
    {"violation", "connection"},
    {"agent-ended", "process"},
    {"twin-get", "twin"},
    {"reported", "twin"},
    {"method", "methods"},
    {"method-answer", "methods"},
    {"message-queued", "methods"},
    {"message-settled", "methods"},
    {"telemetry", "telemetry"},
    {"created", "service"},
    {"updated", "service"},
    {"deleted", "service"},
    {"desired", "service"},
    {"tags", "service"},
    {"hub-ready", NULL},
    {"hub-stopping", NULL},
    {"clock", NULL},
    {"feedback", NULL}, /* when there is a batch is a matter of time */
};

static const char *channel_of_fault(const cJSON *event)
{
    static const char *const twin[] = {"twin-get", "reported", "desired", NULL};
    const char *operation = json_get_text(event, "operation");

    if (is_one_of(operation, twin))
        return "twin";
    if (operation && strcmp(operation, "message") == 0)
        return "methods";
    return operation && strcmp(operation, "telemetry") == 0 ? "telemetry" : "connection";
}

static const char *channel_of(const cJSON *event, const char *kind)
{
    if (strcmp(kind, "fault") == 0)
        return json_get(event, "cause") ? "service" : channel_of_fault(event);
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        if (strcmp(channels[i].kind, kind) == 0)
            return channels[i].channel && json_get(event, "cause") && strcmp(channels[i].channel, "connection") != 0
                       ? "service"
                       : channels[i].channel;
    return json_get(event, "cause") ? "service" : "other"; /* of a newer hub */
}

bool normal_read(const cJSON *event, const char *name, struct normal_parts *parts, struct buf *group, struct buf *text)
{
    static const char *const by_itself[] = {"client", "error", "token", "unknown", NULL};
    const char *kind = json_get_text(event, "kind"), *device = json_get_text(event, "device");
    const char *module = json_get_text(event, "module"), *reason = json_get_text(event, "reason");
    const char *channel = kind ? channel_of(event, kind) : NULL;
    const char *client = json_get_text(event, "clientId");
    bool ends;

    memset(parts, 0, sizeof *parts);
    ends = kind && strcmp(kind, "disconnected") == 0;
    if (!channel || (ends && reason && strcmp(reason, "shutdown") == 0))
        return false;
    if (device)
        buf_addf(group, "%s%s%s", device, module ? "/" : "", module ? module : "");
    else
        buf_addf(group, "%s%s", client ? "client " : "-", client ? client : "");
    buf_addf(group, " %s%s%s", channel, name ? " " : "", name ? name : "");
    print_entry(text, event, name);
    parts->is_service = strcmp(channel, "service") == 0;
    parts->is_told_once = strcmp(kind, "telemetry") == 0;
    parts->is_told_once_in_a_row = strcmp(kind, "twin-get") == 0 || strcmp(kind, "refused") == 0;
    parts->begins_session = strcmp(kind, "connected") == 0;
    parts->ends_session = ends && is_one_of(reason, by_itself);
    return true;
}
