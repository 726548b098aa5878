/* message.c - one message: made of its parts, stored and loaded, and its topics. See message.h. */
#include "message_internal.h"

#include <stdlib.h>

#include "bag.h"
#include "json_write.h"

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

/* --- made, and stored ------------------------------------------------------------------------------------------------- */

enum rc message_make(const cJSON *system, const cJSON *properties, enum message_ack ack, struct str body,
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

bool message_ack_read(const char *text, enum message_ack *out)
{
    for (int a = 0; text && a < MESSAGE_ACKS; a++)
        if (strcmp(text, ack_names[a]) == 0) {
            *out = (enum message_ack)a;
            return true;
        }
    return false;
}

bool message_holds_texts(const cJSON *object, bool or_null)
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
    if (message_ack_read(json_get_text(tree, "ack"), &ack) && message_holds_texts(system, false) &&
        message_holds_texts(properties, true) && json_get(system, "to") && body.len <= MESSAGE_BODY_MAX)
        rc = message_make(system, properties, ack, body, out);
    cJSON_Delete(tree);
    return rc == RC_LIMIT ? RC_SYNTAX : rc;
}
