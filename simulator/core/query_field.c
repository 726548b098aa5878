/* query_field.c - what a property of a query is of an identity: the members of the service's twin, without making one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_write.h"
#include "query_internal.h"

struct query_field {
    const char *name; /* as it comes back, whatever the query's letter case (facts Q-11) */
    void (*get)(const struct identity *i, struct query_value *out);
};

/* --- values of each kind ------------------------------------------------------------------------------------------ */

static void set_text(struct query_value *out, struct str text)
{
    out->type = VALUE_TEXT;
    out->text = text;
}

static void set_i64(struct query_value *out, int64_t number)
{
    out->type = VALUE_NUMBER;
    out->number = (double)number;
    out->text = str_of(out->room, (size_t)snprintf(out->room, sizeof out->room, "%lld", (long long)number));
}

static void set_time(struct query_value *out, int64_t us)
{
    set_text(out, str_of(out->room, iso_time_print(us, out->room)));
    out->is_time = true;
}

static void set_bool(struct query_value *out, bool truth)
{
    out->type = VALUE_BOOL;
    out->truth = truth;
}

static void set_node(struct query_value *out, const cJSON *node)
{
    if (!node)
        return;
    out->node = node;
    if (cJSON_IsNumber(node)) {
        out->type = VALUE_NUMBER;
        out->number = node->valuedouble;
        out->text = str_from(node->valuestring);
    } else if (cJSON_IsString(node)) {
        set_text(out, str_from(node->valuestring));
    } else if (cJSON_IsBool(node)) {
        set_bool(out, cJSON_IsTrue(node));
    } else {
        out->type = cJSON_IsNull(node) ? VALUE_NULL : VALUE_NODE;
    }
}

/* --- top-level names ---------------------------------------------------------------------------------------------- */

static void get_device(const struct identity *i, struct query_value *out)
{
    set_text(out, identity_ident(i).device);
}

static void get_module(const struct identity *i, struct query_value *out)
{
    if (ident_is_module(identity_ident(i)))
        set_text(out, identity_ident(i).module);
}

static void get_etag(const struct identity *i, struct query_value *out)
{
    twin_etag_print(i->twin->etag, out->room);
    set_text(out, str_from(out->room));
}

static void get_device_etag(const struct identity *i, struct query_value *out)
{
    identity_etag_print(i->tag, out->room);
    set_text(out, str_from(out->room));
}

static void get_status(const struct identity *i, struct query_value *out)
{
    set_text(out, i->is_enabled ? STR("enabled") : STR("disabled"));
}

static void get_status_reason(const struct identity *i, struct query_value *out)
{
    if (i->status_reason)
        set_text(out, str_from(i->status_reason));
}

static void get_status_time(const struct identity *i, struct query_value *out)
{
    set_time(out, i->status_updated_us);
}

static void get_connection(const struct identity *i, struct query_value *out)
{
    set_text(out, i->conn ? STR("Connected") : STR("Disconnected"));
}

static void get_activity(const struct identity *i, struct query_value *out)
{
    set_time(out, i->last_activity_us);
}

static void get_messages(const struct identity *i, struct query_value *out)
{
    set_i64(out, (int64_t)i->messages.count);
}

static void get_authentication(const struct identity *i, struct query_value *out)
{
    set_text(out, str_from(auth_type_name(i->auth)));
}

static void get_thumbprint(const struct identity *i, struct query_value *out)
{
    (void)i;
    out->type = VALUE_THUMBPRINT;
}

static void get_model(const struct identity *i, struct query_value *out)
{
    set_text(out, str_from(i->model_id ? i->model_id : ""));
}

static void get_version(const struct identity *i, struct query_value *out)
{
    set_i64(out, i->twin->version);
}

static void get_tags(const struct identity *i, struct query_value *out)
{
    set_node(out, i->twin->tags);
}

static void get_properties(const struct identity *i, struct query_value *out)
{
    (void)i;
    out->type = VALUE_PROPERTIES;
}

static void get_capabilities(const struct identity *i, struct query_value *out)
{
    if (!ident_is_module(identity_ident(i)))
        out->type = VALUE_CAPABILITIES;
}

static void get_scope(const struct identity *i, struct query_value *out)
{
    identity_scope_print(i, out->room);
    if (out->room[0])
        set_text(out, str_from(out->room));
}

static const struct query_field fields[] = {
    {"deviceId", get_device},
    {"id", get_device}, /* facts Q-15 */
    {"moduleId", get_module},
    {"etag", get_etag},
    {"deviceEtag", get_device_etag},
    {"status", get_status},
    {"statusReason", get_status_reason},
    {"statusUpdateTime", get_status_time},
    {"statusUpdatedTime", get_status_time}, /* as the tools ask for it (facts Q-16) */
    {"connectionState", get_connection},
    {"lastActivityTime", get_activity},
    {"cloudToDeviceMessageCount", get_messages},
    {"authenticationType", get_authentication},
    {"x509Thumbprint", get_thumbprint},
    {"modelId", get_model},
    {"version", get_version},
    {"tags", get_tags},
    {"properties", get_properties},
    {"capabilities", get_capabilities},
    {"deviceScope", get_scope},
};

const struct query_field *query_field_find(struct str name)
{
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
        if (str_eq_nocase(str_from(fields[k].name), name))
            return &fields[k];
    return NULL;
}

const char *query_field_name(const struct query_field *f)
{
    return f->name;
}

bool query_field_is_same(const struct query_field *a, const struct query_field *b)
{
    return b && a->get == b->get;
}

/* --- below them --------------------------------------------------------------------------------------------------- */

static void step_into_section(const struct query_name *n, bool is_desired, struct query_value *out)
{
    const struct twin *t = out->of->twin;

    out->type = VALUE_UNDEFINED;
    if (str_eq(n->text, STR("$version")))
        set_i64(out, is_desired ? t->desired_version : t->reported_version);
    else if (str_eq(n->text, STR("$metadata")))
        set_node(out, is_desired ? t->desired_metadata : t->reported_metadata);
    else
        set_node(out, json_get(is_desired ? t->desired : t->reported, n->text.at));
}

static void step_into_node(const struct query_name *n, struct query_value *out)
{
    const cJSON *node = out->node;

    out->type = VALUE_UNDEFINED;
    if (n->is_index)
        set_node(out, cJSON_IsArray(node) ? cJSON_GetArrayItem(node, (int)n->index) : NULL);
    else
        set_node(out, json_get(node, n->text.at));
}

/* One name further; exact, for the names are the user's (facts Q-11). */
static void step(const struct query_name *n, struct query_value *out)
{
    enum query_type from = out->type;

    if (from == VALUE_NODE) {
        step_into_node(n, out);
        return;
    }
    out->type = VALUE_UNDEFINED;
    if (n->is_index)
        return;
    if (from == VALUE_DESIRED || from == VALUE_REPORTED)
        step_into_section(n, from == VALUE_DESIRED, out);
    else if (from == VALUE_PROPERTIES && str_eq(n->text, STR("desired")))
        out->type = VALUE_DESIRED;
    else if (from == VALUE_PROPERTIES && str_eq(n->text, STR("reported")))
        out->type = VALUE_REPORTED;
    else if (from == VALUE_CAPABILITIES && str_eq(n->text, STR("iotEdge")))
        set_bool(out, out->of->is_edge);
    else if (from == VALUE_THUMBPRINT &&
             (str_eq(n->text, STR("primaryThumbprint")) || str_eq(n->text, STR("secondaryThumbprint"))))
        out->type = VALUE_NULL;
}

/* Is it an instant of the metadata? properties.reported.$metadata.x.$lastUpdated */
static bool is_last_updated(const struct query_node *p)
{
    return p->n_names > 3 && str_eq(p->names[2].text, STR("$metadata")) &&
           str_eq(p->names[p->n_names - 1].text, STR("$lastUpdated"));
}

void query_property_value(const struct query_node *property, const struct identity *i, struct query_value *out)
{
    out->type = VALUE_UNDEFINED;
    out->is_time = false;
    out->of = i;
    if (!property->field)
        return;
    property->field->get(i, out);
    for (size_t k = 1; k < property->n_names && out->type != VALUE_UNDEFINED; k++)
        step(&property->names[k], out);
    if (out->type == VALUE_TEXT && is_last_updated(property))
        out->is_time = true;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

/* The shortest decimal that reads back as the same number. */
void query_print_number(struct buf *out, double number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        if (!(strtod(text, NULL) < number) && !(strtod(text, NULL) > number))
            break;
    }
    buf_add(out, str_from(text));
}

void query_print_value(struct buf *out, const struct query_value *v)
{
    switch (v->type) {
    case VALUE_UNDEFINED:
    case VALUE_ARRAY:
        assert(false); /* nothing that can be printed */
        break;
    case VALUE_NULL:
        buf_add(out, STR("null"));
        break;
    case VALUE_BOOL:
        buf_add(out, v->truth ? STR("true") : STR("false"));
        break;
    case VALUE_NUMBER:
        buf_add(out, v->text);
        break;
    case VALUE_TEXT:
        json_print_string(out, v->text);
        break;
    case VALUE_NODE:
        json_print(out, v->node);
        break;
    case VALUE_PROPERTIES:
        twin_print_sections(out, v->of->twin);
        break;
    case VALUE_DESIRED:
        twin_print_section(out, v->of->twin, TWIN_DESIRED);
        break;
    case VALUE_REPORTED:
        twin_print_section(out, v->of->twin, TWIN_REPORTED);
        break;
    case VALUE_CAPABILITIES:
        buf_add(out, v->of->is_edge ? STR("{\"iotEdge\":true}") : STR("{\"iotEdge\":false}"));
        break;
    case VALUE_THUMBPRINT:
        buf_add(out, STR("{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}"));
        break;
    }
}
