/* message_read.c - a message from a command. Every refusal says what would have fitted. See message.h. */
#include "base64.h"
#include "iso_time.h"
#include "message_internal.h"

/* --- what may stand in a message ------------------------------------------------------------------------------- */

static bool is_one_of(struct str text, const char *others)
{
    for (size_t n = 0; n < text.len; n++) {
        char c = text.at[n];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr(others, c))))
            return false;
    }
    return true;
}

/* A property's name or value: printable ASCII of the kind that HTTP header names are made of (facts M-45). */
static bool is_property(struct str text)
{
    return is_one_of(text, "!#$%&'*+-.^_`|~");
}

static bool is_message_id(struct str text)
{
    return text.len && text.len <= MESSAGE_ID_MAX && is_one_of(text, "-:.+%_#*?!(),=@;$'");
}

/* --- member by member -------------------------------------------------------------------------------------------- */

/* What a message is made of while it is read. */
struct parts {
    cJSON *system, *properties;
    struct buf body;
    enum message_ack ack;
    int64_t expires_us;
    struct refusal *why;
};

static enum rc refused(struct parts *p, const char *text)
{
    refuse(p->why, 400, 400004, "%s", text);
    return RC_SYNTAX;
}

static enum rc put(cJSON *object, const char *key, struct str value)
{
    return json_set(object, key, json_str(value));
}

/* A text about the message, under its service-side name. Absent is fine. */
static enum rc take_system(struct parts *p, const cJSON *command, const char *member, const char *name)
{
    const cJSON *node = json_get(command, member);
    struct str text = str_from(json_get_text(command, member));
    bool is_id = strcmp(member, "messageId") == 0;

    if (!node)
        return RC_OK;
    if (is_id && !is_message_id(text)) {
        refuse(p->why, 400, 400004, "'messageId' is a text of 1 to %d ASCII letters, digits and -:.+%%_#*?!(),=@;$'",
               MESSAGE_ID_MAX);
        return RC_SYNTAX;
    }
    if (!text.at || !text.len || text.len > MESSAGE_TEXT_MAX) {
        refuse(p->why, 400, 400004, "'%s' is a text of 1 to %d bytes", member, MESSAGE_TEXT_MAX);
        return RC_SYNTAX;
    }
    return put(p->system, name, text);
}

static enum rc take_to(struct parts *p, struct ident to)
{
    struct buf b;
    enum rc rc;

    buf_init(&b, 0);
    buf_add(&b, STR("/devices/"));
    buf_add(&b, to.device);
    if (ident_is_module(to)) {
        buf_add(&b, STR("/modules/"));
        buf_add(&b, to.module);
    }
    buf_add(&b, STR("/messages/deviceBound"));
    rc = buf_ok(&b) ? put(p->system, "to", buf_view(&b)) : RC_NOMEM;
    buf_done(&b);
    return rc;
}

static enum rc take_expiry(struct parts *p, const cJSON *command, int64_t now_us, int64_t ttl_us)
{
    const char *at = json_get_text(command, "expiryTimeUtc"), *ttl = json_get_text(command, "timeToLive");
    char text[ISO_TIME_MAX];

    p->expires_us = now_us + ttl_us;
    if (!json_get(command, "expiryTimeUtc") && !json_get(command, "timeToLive"))
        return RC_OK;
    if (json_get(command, "expiryTimeUtc") && json_get(command, "timeToLive"))
        return refused(p, "give expiryTimeUtc or timeToLive, not both");
    if (json_get(command, "expiryTimeUtc")) {
        if (!at || iso_time_read(str_from(at), &p->expires_us) || p->expires_us == INSTANT_NONE)
            return refused(p, "'expiryTimeUtc' is a time: \"2030-01-01T00:00:00Z\"");
    } else if (!ttl || duration_read(str_from(ttl), &ttl_us)) {
        return refused(p, "'timeToLive' is a duration: \"30s\", \"PT5M\"");
    } else {
        p->expires_us = now_us + ttl_us;
    }
    return put(p->system, "absolute-expiry-time", str_of(text, iso_time_print(p->expires_us, text)));
}

/* Names that mean something to the hub are not the sender's to give. */
static bool is_reserved(struct str name)
{
    return str_starts(name, STR("$.")) || str_starts(name, STR("iothub-"));
}

static enum rc take_properties(struct parts *p, const cJSON *command)
{
    const cJSON *given = json_get(command, "properties");

    if (!given)
        return RC_OK;
    if (!message_holds_texts(given, true))
        return refused(p, "'properties' is an object of texts and nulls");
    for (const cJSON *m = given->child; m; m = m->next) {
        struct str name = str_from(m->string);
        enum rc rc;

        if (!name.len || !is_property(name) || is_reserved(name) ||
            (cJSON_IsString(m) && !is_property(str_from(m->valuestring))))
            return refused(p,
                           "a property's name and value are ASCII letters, digits and !#$%&'*+-.^_`|~; a name is not "
                           "empty, and begins with neither \"$.\" nor \"iothub-\"");
        rc = json_set(p->properties, m->string, cJSON_Duplicate(m, true));
        if (rc)
            return rc;
    }
    return RC_OK;
}

static enum rc take_body(struct parts *p, const cJSON *command)
{
    const cJSON *body = json_get(command, "body"), *base64 = json_get(command, "bodyBase64");

    buf_add(&p->body, STR(""));
    if (body && base64)
        return refused(p, "give body or bodyBase64, not both");
    if (base64 && (!cJSON_IsString(base64) || !base64_is_valid(str_from(base64->valuestring))))
        return refused(p, "'bodyBase64' is base64");
    if (base64)
        base64_decode(&p->body, str_from(base64->valuestring));
    else if (body && cJSON_IsString(body))
        buf_add(&p->body, str_from(body->valuestring));
    else if (body && !cJSON_IsNull(body))
        json_print(&p->body, body);
    if (p->body.rc == RC_LIMIT || p->body.len > MESSAGE_BODY_MAX) {
        refuse(p->why, 413, 413001, "A message's body may have at most %d bytes.", MESSAGE_BODY_MAX); /* facts L-03 */
        return RC_SYNTAX;
    }
    return p->body.rc;
}

static enum rc take_ack(struct parts *p, const cJSON *command)
{
    if (!json_get(command, "ack") || message_ack_read(json_get_text(command, "ack"), &p->ack))
        return RC_OK;
    return refused(p, "'ack' is one of none, positive, negative, full");
}

enum rc message_read(const cJSON *command, struct ident to, int64_t now_us, int64_t ttl_us, struct message **out,
                     struct refusal *why)
{
    static const struct {
        const char *member, *name;
    } texts[] = {{"messageId", "message-id"},
                 {"correlationId", "correlation-id"},
                 {"userId", "user-id"},
                 {"contentType", "content-type"},
                 {"contentEncoding", "content-encoding"}};
    struct parts p = {cJSON_CreateObject(), cJSON_CreateObject(), .ack = MESSAGE_ACK_NONE, .why = why};
    enum rc rc = p.system && p.properties ? RC_OK : RC_NOMEM;

    buf_init(&p.body, 2 * MESSAGE_BODY_MAX);
    for (size_t n = 0; !rc && n < sizeof texts / sizeof texts[0]; n++)
        rc = take_system(&p, command, texts[n].member, texts[n].name);
    if (!rc)
        rc = take_to(&p, to);
    if (!rc)
        rc = take_expiry(&p, command, now_us, ttl_us);
    if (!rc)
        rc = take_ack(&p, command);
    if (!rc)
        rc = take_properties(&p, command);
    if (!rc)
        rc = take_body(&p, command);
    if (!rc)
        rc = message_make(p.system, p.properties, p.ack, buf_view(&p.body), out);
    if (!rc) {
        (*out)->enqueued_us = now_us;
        (*out)->expires_us = p.expires_us;
    }
    if (rc == RC_LIMIT) {
        refuse(why, 413, 413001, "A message's properties may be %d bytes as they stand in its topic.", MESSAGE_BAG_MAX);
        rc = RC_SYNTAX;
    }
    buf_done(&p.body);
    cJSON_Delete(p.system);
    cJSON_Delete(p.properties);
    return rc;
}
