/* message.c - see message.h. */
#include "message.h"

#include <stdlib.h>

#include "bag.h"
#include "base64.h"
#include "json_write.h"
#include "utf8.h"

#define INPUT_DEVICE "%24.cdid="

static const char *const ack_names[] = {
#define ACK_NAME(name, text) [MESSAGE_ACK_##name] = text,
    MESSAGE_ACK_LIST(ACK_NAME)
#undef ACK_NAME
};

static const struct {
    const char *name, *feedback;
} ends[] = {
#define END_NAMES(name, text, feedback) [MESSAGE_##name] = {text, feedback},
    MESSAGE_END_LIST(END_NAMES)
#undef END_NAMES
};

const char *message_ack_name(enum message_ack ack)
{
    return ack_names[ack];
}

const char *message_end_name(enum message_end end)
{
    return ends[end].name;
}

const char *message_end_feedback(enum message_end end)
{
    return ends[end].feedback;
}

void message_free(struct message *m)
{
    if (!m)
        return;
    free(m->id);
    free(m->system);
    free(m->properties);
    free(m->bag);
    free(m->body);
    free(m);
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

size_t message_heap(const struct message *m)
{
    return sizeof *m + text_bytes(m->id) + text_bytes(m->system) + text_bytes(m->properties) + text_bytes(m->bag) +
           m->body_len + 1;
}

bool message_wants_feedback(const struct message *m, enum message_end end)
{
    return m->ack == MESSAGE_ACK_FULL ||
           m->ack == (end == MESSAGE_COMPLETED ? MESSAGE_ACK_POSITIVE : MESSAGE_ACK_NEGATIVE);
}

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

bool message_property_is_valid(struct str text)
{
    return is_one_of(text, "!#$%&'*+-.^_`|~");
}

static bool is_message_id(struct str text)
{
    return text.len && text.len <= MESSAGE_ID_MAX && is_one_of(text, "-:.+%_#*?!(),=@;$'");
}

/* --- topics ---------------------------------------------------------------------------------------------------- */

bool message_can_reach(struct ident to)
{
    return str_find(to.device, '+') == to.device.len && str_find(to.device, '#') == to.device.len &&
           str_find(to.module, '+') == to.module.len && str_find(to.module, '#') == to.module.len;
}

static void print_owner(struct buf *out, struct ident to)
{
    buf_add(out, STR("devices/"));
    buf_add(out, to.device);
    if (ident_is_module(to)) {
        buf_add(out, STR("/modules/"));
        buf_add(out, to.module);
    }
}

void message_print_topic(struct buf *out, const struct message *m, struct ident to)
{
    print_owner(out, to);
    buf_add(out, STR("/messages/devicebound/"));
    buf_add(out, str_from(m->bag));
}

void message_print_input_topic(struct buf *out, const struct message *m, struct ident to, struct str input)
{
    print_owner(out, to);
    buf_add(out, STR("/inputs/"));
    buf_add(out, input);
    buf_add(out, STR("/" INPUT_DEVICE));
    buf_add_percent(out, to.device, STR(""));
    buf_add_char(out, '&');
    buf_add(out, str_from(m->bag));
}

static void print_pair(struct buf *b, struct str key, const cJSON *value)
{
    if (b->len)
        buf_add_char(b, '&');
    buf_add_percent(b, key, STR(""));
    if (!cJSON_IsString(value))
        return; /* null: a bare key (facts M-41) */
    buf_add_char(b, '=');
    buf_add_percent(b, str_from(value->valuestring), STR(""));
}

static char *bag_of(const cJSON *system, const cJSON *properties, enum message_ack ack, enum rc *rc)
{
    struct buf b;
    char *bag;

    buf_init(&b, MESSAGE_BAG_MAX);
    for (const cJSON *s = system->child; s; s = s->next) {
        const char *wire = bag_wire_key(str_from(s->string));

        if (wire)
            print_pair(&b, str_from(wire), s);
    }
    if (ack != MESSAGE_ACK_NONE) {
        buf_add(&b, STR("&iothub-ack=")); /* never the first: $.to is always there */
        buf_add(&b, str_from(message_ack_name(ack)));
    }
    for (const cJSON *p = properties->child; p; p = p->next)
        print_pair(&b, str_from(p->string), p);
    *rc = b.rc;
    bag = buf_take(&b, NULL);
    return bag;
}

/* --- making one ------------------------------------------------------------------------------------------------- */

/* Of its parts; the trees stay the caller's. returns RC_OK, RC_LIMIT (too much for a topic), RC_NOMEM */
static enum rc make(const cJSON *system, const cJSON *properties, enum message_ack ack, struct str body,
                    struct message **out)
{
    struct message *m = calloc(1, sizeof *m);
    const char *id = json_get_text(system, "message-id");
    enum rc rc = RC_NOMEM;

    if (!m)
        return RC_NOMEM;
    m->ack = ack;
    m->bag = bag_of(system, properties, ack, &rc);
    if (!m->bag)
        goto failed;
    rc = RC_NOMEM;
    m->id = id ? str_dup(str_from(id)) : NULL;
    m->system = json_text(system);
    m->properties = json_text(properties);
    m->body = str_dup(body);
    m->body_len = body.len;
    if ((id && !m->id) || !m->system || !m->properties || !m->body)
        goto failed;
    *out = m;
    return RC_OK;

failed:
    message_free(m);
    return rc;
}

void message_print_doc(struct buf *out, const struct message *m)
{
    buf_add_char(out, '{');
    json_put_text(out, "ack", str_from(message_ack_name(m->ack)));
    json_put_raw(out, "system", str_from(m->system));
    json_put_raw(out, "properties", str_from(m->properties));
    buf_add_char(out, '}');
}

static bool ack_read(const char *text, enum message_ack *out)
{
    for (int a = 0; text && a < MESSAGE_ACKS; a++)
        if (strcmp(text, ack_names[a]) == 0) {
            *out = (enum message_ack)a;
            return true;
        }
    return false;
}

/* Every value a text, or, when they may be, null. */
static bool holds_texts(const cJSON *object, bool or_null)
{
    if (!cJSON_IsObject(object))
        return false;
    for (const cJSON *m = object->child; m; m = m->next)
        if (!cJSON_IsString(m) && !(or_null && cJSON_IsNull(m)))
            return false;
    return true;
}

enum rc message_load(struct str doc, struct str body, struct message **out)
{
    cJSON *tree = NULL;
    const cJSON *system, *properties;
    enum message_ack ack;
    enum rc rc = json_read(doc, &tree, NULL);

    if (rc)
        return rc == RC_NOMEM ? rc : RC_SYNTAX;
    system = json_get(tree, "system");
    properties = json_get(tree, "properties");
    rc = RC_SYNTAX;
    if (ack_read(json_get_text(tree, "ack"), &ack) && holds_texts(system, false) && holds_texts(properties, true) &&
        json_get(system, "to") && body.len <= MESSAGE_BODY_MAX)
        rc = make(system, properties, ack, body, out);
    cJSON_Delete(tree);
    return rc == RC_LIMIT ? RC_SYNTAX : rc;
}

/* --- reading a command ------------------------------------------------------------------------------------------- */

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
    if (!holds_texts(given, true))
        return refused(p, "'properties' is an object of texts and nulls");
    for (const cJSON *m = given->child; m; m = m->next) {
        struct str name = str_from(m->string);
        enum rc rc;

        if (!name.len || !message_property_is_valid(name) || is_reserved(name) ||
            (cJSON_IsString(m) && !message_property_is_valid(str_from(m->valuestring))))
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
    if (!json_get(command, "ack") || ack_read(json_get_text(command, "ack"), &p->ack))
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
        rc = make(p.system, p.properties, p.ack, buf_view(&p.body), out);
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

/* --- a queue of them ---------------------------------------------------------------------------------------------- */

void messages_push(struct messages *q, struct message *m)
{
    struct message **at = &q->first;

    assert(messages_are_here(q));
    while (*at)
        at = &(*at)->next;
    m->next = NULL;
    *at = m;
    q->n++;
    q->count++;
    q->bytes += message_heap(m);
}

void messages_remove(struct messages *q, struct message *m)
{
    struct message **at = &q->first;

    assert(messages_are_here(q));
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    q->n--;
    q->count--;
    q->bytes -= message_heap(m);
    message_free(m);
}

void messages_drop(struct messages *q)
{
    while (q->first) {
        struct message *m = q->first;

        q->first = m->next;
        message_free(m);
    }
    q->n = q->bytes = 0;
}

bool messages_are_valid(const struct messages *q)
{
    size_t n = 0, bytes = 0;
    uint64_t number = 0;

    for (const struct message *m = q->first; m; m = m->next) {
        if (m->number <= number || m->body_len > MESSAGE_BODY_MAX)
            return false;
        number = m->number;
        bytes += message_heap(m);
        n++;
    }
    return n == q->n && bytes == q->bytes && (n == 0 || n == q->count) && q->count <= MESSAGE_QUEUE_MAX;
}
