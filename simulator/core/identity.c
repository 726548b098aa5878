/* identity.c - see identity.h. */
#include "identity.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_write.h"
#include "utf8.h"

static const char *const auth_names[] = {
    [AUTH_SAS] = "sas", [AUTH_SELF_SIGNED] = "selfSigned", [AUTH_CA] = "certificateAuthority", [AUTH_NONE] = "none"};

static const char *const change_names[] = {
#define CHANGE_NAME(name, text) [CHANGE_##name] = text,
    CHANGE_LIST(CHANGE_NAME)
#undef CHANGE_NAME
};

const char *change_kind_name(enum change_kind kind)
{
    return change_names[kind];
}

enum rc change_kind_read(struct str name, enum change_kind *out)
{
    for (size_t i = 0; i < sizeof change_names / sizeof change_names[0]; i++)
        if (str_eq(name, str_from(change_names[i]))) {
            *out = (enum change_kind)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
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

void identity_free(struct identity *i)
{
    if (!i)
        return;
    twin_free(i->twin);
    free(i->status_reason);
    free(i->model_id);
    free(i);
}

size_t identity_bytes(const struct identity *i)
{
    return sizeof *i + (i->twin ? i->twin->bytes : 0);
}

void identity_etag_print(int64_t tag, char out[40])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)tag);

    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)digits, n);
}

/* The number behind a deviceEtag, or 0 when it is none of ours. */
static int64_t etag_read(const char *text)
{
    unsigned char digits[40] = {0};
    size_t len = text ? strlen(text) : 0;
    uint64_t number;
    int n;

    if (len == 0 || len > 36 || len % 4)
        return 0;
    n = EVP_DecodeBlock(digits, (const unsigned char *)text, (int)len);
    if (n < 0)
        return 0;
    while (n > 0 && digits[n - 1] == 0)
        n--;
    return str_to_u64(str_of(digits, (size_t)n), INT64_MAX, &number) ? 0 : (int64_t)number;
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
    json_put_text(out, "type", str_from(auth_names[i->auth]));
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
    json_put_i64(out, "cloudToDeviceMessageCount", 0);
    print_authentication(out, i);
    if (!is_module)
        json_put_raw(out, "capabilities", i->is_edge ? STR("{\"iotEdge\":true}") : STR("{\"iotEdge\":false}"));
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
    json_put_i64(out, "cloudToDeviceMessageCount", 0);
    json_put_text(out, "authenticationType", str_from(auth_names[i->auth]));
    json_put_raw(out, "x509Thumbprint", STR("{\"primaryThumbprint\":null,\"secondaryThumbprint\":null}"));
    json_put_text(out, "modelId", str_from(i->model_id ? i->model_id : ""));
    json_put_i64(out, "version", i->twin->version);
    if (i->twin->tags)
        json_put_node(out, "tags", i->twin->tags);
    json_key(out, "properties");
    buf_add(out, STR("{\"desired\":"));
    twin_print_section(out, i->twin, TWIN_DESIRED);
    buf_add(out, STR(",\"reported\":"));
    twin_print_section(out, i->twin, TWIN_REPORTED);
    buf_add_char(out, '}');
    if (!is_module)
        json_put_raw(out, "capabilities", i->is_edge ? STR("{\"iotEdge\":true}") : STR("{\"iotEdge\":false}"));
    buf_add_char(out, '}');
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static enum rc bad(struct refusal *why, const char *message)
{
    refuse(why, 400, 400004, "%s", message);
    return RC_SYNTAX;
}

/* A member of that type, or NULL when it is absent, or null as tools print what is absent. */
static enum rc read_member(const cJSON *doc, const char *key, int type, const cJSON **out, struct refusal *why)
{
    const cJSON *member = json_get(doc, key);

    *out = NULL;
    if (!member || cJSON_IsNull(member))
        return RC_OK;
    if (!(member->type & type)) {
        refuse(why, 400, 400004, "'%s' has the wrong type", key);
        return RC_SYNTAX;
    }
    *out = member;
    return RC_OK;
}

static enum rc read_text(const cJSON *doc, const char *key, const char **out, struct refusal *why)
{
    const cJSON *member;
    enum rc rc = read_member(doc, key, cJSON_String, &member, why);

    *out = member ? member->valuestring : NULL;
    return rc;
}

static enum rc read_time(const cJSON *doc, const char *key, int64_t *out, struct refusal *why)
{
    const char *text;
    enum rc rc = read_text(doc, key, &text, why);

    if (rc || !text)
        return rc;
    return iso_time_read(str_from(text), out) ? bad(why, "a time is not ISO 8601") : RC_OK;
}

static enum rc read_key(const cJSON *keys, const char *name, struct sas_key *out, struct refusal *why)
{
    const char *text;
    enum rc rc = read_text(keys, name, &text, why);

    if (rc || !text)
        return rc;
    return sas_key_read(str_from(text), out) ? bad(why, "a symmetric key must be base64 of 16 to 64 bytes") : RC_OK;
}

static enum rc read_type(const char *type, struct identity *i, struct refusal *why)
{
    for (size_t n = 0; n < sizeof auth_names / sizeof auth_names[0]; n++)
        if (strcmp(type, auth_names[n]) == 0) {
            i->auth = (enum auth_type)n;
            return RC_OK;
        }
    return bad(why, "authentication.type is none of sas, selfSigned, certificateAuthority, none");
}

static enum rc read_authentication(const cJSON *doc, struct identity *i, struct refusal *why)
{
    const cJSON *authentication, *keys = NULL;
    const char *type = NULL;
    enum rc rc = read_member(doc, "authentication", cJSON_Object, &authentication, why);

    if (!rc)
        rc = read_member(authentication, "symmetricKey", cJSON_Object, &keys, why);
    if (!rc)
        rc = read_key(keys, "primaryKey", &i->primary, why);
    if (!rc)
        rc = read_key(keys, "secondaryKey", &i->secondary, why);
    if (!rc && !i->primary.len != !i->secondary.len)
        rc = bad(why, "give both keys, or none");
    if (!rc)
        rc = read_text(authentication, "type", &type, why);
    return rc || !type ? rc : read_type(type, i, why);
}

static enum rc read_status(const cJSON *doc, struct identity *i, struct refusal *why)
{
    const char *status, *reason = NULL;
    enum rc rc = read_text(doc, "status", &status, why);

    if (!rc && status && strcmp(status, "enabled") != 0 && strcmp(status, "disabled") != 0)
        rc = bad(why, "status is neither enabled nor disabled");
    if (!rc)
        rc = read_text(doc, "statusReason", &reason, why);
    if (!rc && reason && !status_reason_is_valid(str_from(reason)))
        rc = bad(why, "statusReason is longer than 128 characters");
    if (rc)
        return rc;
    i->is_enabled = !status || strcmp(status, "enabled") == 0;
    return reason && !(i->status_reason = str_dup(str_from(reason))) ? RC_NOMEM : RC_OK;
}

static enum rc read_times(const cJSON *doc, struct identity *i, struct refusal *why)
{
    enum rc rc = read_time(doc, "statusUpdatedTime", &i->status_updated_us, why);

    if (!rc)
        rc = read_time(doc, "connectionStateUpdatedTime", &i->state_updated_us, why);
    return rc ? rc : read_time(doc, "lastActivityTime", &i->last_activity_us, why);
}

/* generationId, etag, modelId, capabilities and keyTurn. */
static enum rc read_rest(const cJSON *doc, struct identity *i, struct refusal *why)
{
    const char *generation, *etag = NULL, *model = NULL;
    const cJSON *capabilities = NULL, *edge = NULL, *turn = NULL;
    enum rc rc = read_text(doc, "generationId", &generation, why);

    if (!rc && generation && strlen(generation) >= sizeof i->generation)
        rc = bad(why, "generationId is too long");
    if (!rc)
        rc = read_text(doc, "etag", &etag, why);
    if (!rc)
        rc = read_text(doc, "modelId", &model, why);
    if (!rc)
        rc = read_member(doc, "capabilities", cJSON_Object, &capabilities, why);
    if (!rc)
        rc = read_member(capabilities, "iotEdge", cJSON_True | cJSON_False, &edge, why);
    if (!rc)
        rc = read_member(doc, "keyTurn", cJSON_Number, &turn, why);
    if (!rc && turn && (json_get_i64(doc, "keyTurn", &i->key_turn) || i->key_turn < 0))
        rc = bad(why, "keyTurn is no count");
    if (rc)
        return rc;
    if (generation)
        (void)snprintf(i->generation, sizeof i->generation, "%s", generation);
    i->tag = etag_read(etag);
    i->is_edge = cJSON_IsTrue(edge);
    return model && *model && !(i->model_id = str_dup(str_from(model))) ? RC_NOMEM : RC_OK;
}

enum rc identity_read(const cJSON *doc, int64_t now_us, struct identity **out, struct refusal *why)
{
    const char *device = json_get_text(doc, "deviceId");
    const char *module = json_get_text(doc, "moduleId");
    const cJSON *twin = NULL;
    struct ident id = {str_from(device), str_from(module)};
    struct identity *i;
    enum rc rc;

    if (!ident_part_is_valid(id.device) || (json_get(doc, "moduleId") && !ident_part_is_valid(id.module)))
        return bad(why, "deviceId or moduleId is missing or not a legal id");
    i = identity_new(id);
    if (!i)
        return RC_NOMEM;
    rc = read_status(doc, i, why);
    if (!rc)
        rc = read_times(doc, i, why);
    if (!rc)
        rc = read_rest(doc, i, why);
    if (!rc)
        rc = read_authentication(doc, i, why);
    if (!rc)
        rc = read_member(doc, "twin", cJSON_Object, &twin, why);
    if (!rc && twin)
        rc = twin_read(twin, now_us, &i->twin, why);
    if (rc) {
        identity_free(i);
        return rc;
    }
    *out = i;
    return RC_OK;
}

/* Take over what a document says and a twin row does not: status, keys, model. */
static enum rc fold_document(struct identity *i, int64_t at_us, const cJSON *body)
{
    struct refusal why;
    struct identity *next;
    enum rc rc = identity_read(body, at_us, &next, &why);

    if (rc)
        return rc;
    memcpy(i->generation, next->generation, sizeof i->generation);
    i->tag = next->tag;
    i->is_enabled = next->is_enabled;
    i->is_edge = next->is_edge;
    i->auth = next->auth;
    i->primary = next->primary;
    i->secondary = next->secondary;
    i->key_turn = next->key_turn;
    i->status_updated_us = next->status_updated_us;
    free(i->status_reason);
    free(i->model_id);
    i->status_reason = next->status_reason;
    i->model_id = next->model_id;
    next->status_reason = next->model_id = NULL;
    identity_free(next);
    return RC_OK;
}

enum rc identity_fold(struct identity *i, enum change_kind kind, int64_t at_us, const cJSON *body)
{
    bool tags, desired;

    switch (kind) {
    case CHANGE_UPDATED:
        return fold_document(i, at_us, body);
    case CHANGE_REPORTED:
        return cJSON_IsObject(body) ? twin_write_reported(i->twin, body, at_us) : RC_SYNTAX;
    case CHANGE_PATCHED:
    case CHANGE_REPLACED:
        if (!cJSON_IsObject(body))
            return RC_SYNTAX;
        return twin_write_service(i->twin, json_get(body, "tags"), json_get(body, "desired"), kind == CHANGE_REPLACED,
                                  at_us, &tags, &desired);
    case CHANGE_CREATED:
    case CHANGE_DELETED:
        break;
    }
    return RC_SYNTAX;
}
