/* identity.c - see identity.h. */
#include "identity.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_write.h"
#include "utf8.h"

static const char *const change_names[] = {
#define CHANGE_NAME(name, text) [CHANGE_##name] = text,
    CHANGE_LIST(CHANGE_NAME)
#undef CHANGE_NAME
};

const char *auth_type_name(enum auth_type type)
{
    static const char *const words[] = {[AUTH_SAS] = "sas",
                                        [AUTH_SELF_SIGNED] = "selfSigned",
                                        [AUTH_CA] = "certificateAuthority",
                                        [AUTH_NONE] = "none"};

    return words[type];
}

const char *change_kind_name(enum change_kind kind)
{
    return change_names[kind];
}

bool status_reason_is_valid(struct str reason)
{
    size_t characters = 0;

    for (size_t n; reason.len; reason = str_skip(reason, n ? n : 1)) {
        n = utf8_char_len(reason);
        characters++;
    }
    return characters <= STATUS_REASON_MAX;
}

struct identity *identity_new(struct ident id)
{
    struct identity *i = calloc(1, sizeof *i);

    if (!i)
        return NULL;
    i->id_len = ident_print(id, i->id);
    i->device_len = id.device.len;
    i->is_enabled = true;
    i->status_updated_us = i->state_updated_us = i->last_activity_us = INSTANT_NONE;
    i->token_ends_us = INT64_MAX;
    return i;
}

void will_free(struct will *will)
{
    if (!will)
        return;
    free(will->topic);
    free(will->payload);
    free(will);
}

void identity_free(struct identity *i)
{
    if (!i)
        return;
    twin_free(i->twin);
    will_free(i->will);
    messages_drop(&i->messages);
    free(i->status_reason);
    free(i->model_id);
    cJSON_Delete(i->missed);
    free(i);
}

size_t identity_bytes(const struct identity *i)
{
    return sizeof *i + (i->twin ? i->twin->bytes : 0) + i->messages.bytes +
           (i->will ? sizeof *i->will + i->will->len : 0);
}

void identity_etag_print(int64_t tag, char out[40])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)tag);

    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)digits, n);
}

/* --- printing ------------------------------------------------------------------------------------------------- */

static void print_authentication(struct buf *out, const struct identity *i)
{
    char key[SAS_KEY_TEXT_MAX];

    json_key(out, "authentication");
    buf_add_char(out, '{');
    json_key(out, "symmetricKey");
    buf_add_char(out, '{');
    if (i->primary.len) {
        sas_key_print(&i->primary, key);
        json_put_text(out, "primaryKey", str_from(key));
        sas_key_print(&i->secondary, key);
        json_put_text(out, "secondaryKey", str_from(key));
        memset(key, 0, sizeof key);
    } else {
        json_put_raw(out, "primaryKey", STR("null"));
        json_put_raw(out, "secondaryKey", STR("null"));
    }
    buf_add_char(out, '}');
    json_put_raw(out, "x509Thumbprint", STR("{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}"));
    json_put_text(out, "type", str_from(auth_type_name(i->auth)));
    buf_add_char(out, '}');
}

static void print_ids(struct buf *out, const struct identity *i)
{
    struct ident id = identity_ident(i);

    json_put_text(out, "deviceId", id.device);
    if (ident_is_module(id))
        json_put_text(out, "moduleId", id.module);
}

static void print_etag(struct buf *out, const char *name, const struct identity *i)
{
    char etag[40];

    identity_etag_print(i->tag, etag);
    json_put_text(out, name, str_from(etag));
}

void identity_scope_print(const struct identity *i, char out[IDENTITY_SCOPE_MAX])
{
    out[0] = '\0';
    if (i->is_edge)
        (void)snprintf(out, IDENTITY_SCOPE_MAX, "ms-azure-iot-edge://%.*s-%s", STR_FMT(identity_ident(i).device),
                       i->generation);
}

/* What devices have and modules have not. */
static void print_capabilities(struct buf *out, const struct identity *i)
{
    char scope[IDENTITY_SCOPE_MAX];

    json_put_raw(out, "capabilities", i->is_edge ? STR("{\"iotEdge\":true}") : STR("{\"iotEdge\":false}"));
    identity_scope_print(i, scope);
    if (*scope)
        json_put_text(out, "deviceScope", str_from(scope));
}

void identity_print(struct buf *out, const struct identity *i, bool with_twin)
{
    buf_add_char(out, '{');
    print_ids(out, i);
    json_put_text(out, "generationId", str_from(i->generation));
    print_etag(out, "etag", i);
    json_put_text(out, "status", i->is_enabled ? STR("enabled") : STR("disabled"));
    if (i->status_reason)
        json_put_text(out, "statusReason", str_from(i->status_reason));
    json_put_time(out, "statusUpdatedTime", i->status_updated_us);
    json_put_time(out, "connectionStateUpdatedTime", i->state_updated_us);
    json_put_time(out, "lastActivityTime", i->last_activity_us);
    if (i->model_id)
        json_put_text(out, "modelId", str_from(i->model_id));
    print_authentication(out, i);
    if (i->missed)
        json_put_node(out, "missedDesired", i->missed);
    if (i->key_turn)
        json_put_i64(out, "keyTurn", i->key_turn);
    json_put_raw(out, "capabilities", i->is_edge ? STR("{\"iotEdge\":true}") : STR("{\"iotEdge\":false}"));
    if (with_twin && i->twin) {
        json_key(out, "twin");
        twin_print(out, i->twin);
    }
    buf_add_char(out, '}');
}

void identity_print_document(struct buf *out, const struct identity *i)
{
    bool is_module = ident_is_module(identity_ident(i));

    buf_add_char(out, '{');
    if (is_module) {
        json_put_text(out, "moduleId", identity_ident(i).module);
        json_put_text(out, "managedBy", STR(""));
    }
    json_put_text(out, "deviceId", identity_ident(i).device);
    json_put_text(out, "generationId", str_from(i->generation));
    print_etag(out, "etag", i);
    json_put_text(out, "connectionState", i->conn ? STR("Connected") : STR("Disconnected"));
    if (!is_module) {
        json_put_text(out, "status", i->is_enabled ? STR("enabled") : STR("disabled"));
        if (i->status_reason)
            json_put_text(out, "statusReason", str_from(i->status_reason));
        json_put_time(out, "statusUpdatedTime", i->status_updated_us);
    }
    json_put_time(out, "connectionStateUpdatedTime", i->state_updated_us);
    json_put_time(out, "lastActivityTime", i->last_activity_us);
    json_put_i64(out, "cloudToDeviceMessageCount", (int64_t)i->messages.count);
    print_authentication(out, i);
    if (!is_module)
        print_capabilities(out, i);
    buf_add_char(out, '}');
}

void identity_print_twin(struct buf *out, const struct identity *i)
{
    bool is_module = ident_is_module(identity_ident(i));
    char etag[16];

    buf_add_char(out, '{');
    print_ids(out, i);
    twin_etag_print(i->twin->etag, etag);
    json_put_text(out, "etag", str_from(etag));
    print_etag(out, "deviceEtag", i);
    json_put_text(out, "status", i->is_enabled ? STR("enabled") : STR("disabled"));
    if (i->status_reason)
        json_put_text(out, "statusReason", str_from(i->status_reason));
    json_put_time(out, "statusUpdateTime", i->status_updated_us);
    json_put_text(out, "connectionState", i->conn ? STR("Connected") : STR("Disconnected"));
    json_put_time(out, "lastActivityTime", i->last_activity_us);
    json_put_i64(out, "cloudToDeviceMessageCount", (int64_t)i->messages.count);
    json_put_text(out, "authenticationType", str_from(auth_type_name(i->auth)));
    json_put_raw(out, "x509Thumbprint", STR("{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}"));
    json_put_text(out, "modelId", str_from(i->model_id ? i->model_id : ""));
    json_put_i64(out, "version", i->twin->version);
    if (i->twin->tags)
        json_put_node(out, "tags", i->twin->tags);
    json_key(out, "properties");
    twin_print_sections(out, i->twin);
    if (!is_module)
        print_capabilities(out, i);
    buf_add_char(out, '}');
}
