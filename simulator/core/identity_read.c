/* identity_read.c - an identity from a document, and what a journal row does to it. See identity.h. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "identity.h"

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
    for (int n = AUTH_SAS; n <= AUTH_NONE; n++)
        if (strcmp(type, auth_type_name((enum auth_type)n)) == 0) {
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
    if (rc || ident_is_module(identity_ident(i))) /* which is always enabled (facts R-22) */
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

/* Notifications that wait: objects with a version, no more than are ever kept. */
static enum rc read_missed(const cJSON *doc, struct identity *i, struct refusal *why)
{
    const cJSON *missed, *note;
    int64_t version;
    enum rc rc = read_member(doc, "missedDesired", cJSON_Array, &missed, why);

    if (rc || !missed || !missed->child)
        return rc;
    cJSON_ArrayForEach(note, missed)
    {
        if (!cJSON_IsObject(note) || json_get_i64(note, "$version", &version) || version < 1)
            return bad(why, "missedDesired holds something else than notifications with their $version");
    }
    if (cJSON_GetArraySize(missed) > HUB_MISSED_MAX)
        return bad(why, "missedDesired holds more than is ever kept");
    i->missed = cJSON_Duplicate(missed, true);
    return i->missed ? RC_OK : RC_NOMEM;
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
        rc = read_missed(doc, i, why);
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
    cJSON_Delete(i->missed);
    i->missed = next->missed;
    next->missed = NULL;
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
