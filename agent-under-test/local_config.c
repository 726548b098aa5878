/* local_config.c - LocalConfiguration.json and the key file that it names. */
#include "local_config.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "settings_table.h"

#define FILE_BYTES_MAX     (256u * 1024u)
#define KEY_FILE_BYTES_MAX 300u /* as in the real C agent */
#define EXTENSIONS         "Extensions"

/* Required in the file, as in the real agent; without a file the defaults do. */
static const char *const required[] = {"AgentId", "TriggerdEventsInterval", "ConnectionTimeout",
                                       "RemoteConfigurationObjectName"};

/* Follow a dotted place below object. */
static const cJSON *place_find(const cJSON *object, const char *place)
{
    struct str rest = str_from(place);
    char name[64];

    while (rest.len && object) {
        struct str part = str_cut(&rest, '.');
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(part));
        object = json_find(object, name);
    }
    return object;
}

static bool is_required(const char *place)
{
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (strcmp(required[i], place) == 0)
            return true;
    return false;
}

/* Read the table's rows out of the file's root object. */
static bool rows_take(const cJSON *configuration, struct settings *s, struct failure *f)
{
    char number[32];

    for (size_t i = 0; i < settings_rows; i++) {
        const cJSON *item = place_find(configuration, settings_table[i].place);
        const char *text = cJSON_GetStringValue(item);
        int64_t value;
        if ((!item || (text && !*text)) && is_required(settings_table[i].place)) {
            failure_set(f, FAILURE_LOCAL, FAILED_MISSING, "%s is missing or empty", settings_table[i].place);
            return false;
        }
        if (!item)
            continue;
        if (!text && settings_table[i].type == TYPE_NUMBER && !json_integer(item, 0, INT32_MAX, &value)) {
            (void)snprintf(number, sizeof number, "%" PRId64, value);
            text = number;
        }
        if (!text || settings_set(s, &settings_table[i], text)) {
            settings_refuse(f, &settings_table[i], settings_table[i].place);
            return false;
        }
    }
    return true;
}

/* A misspelt extension must not pass for one that was obeyed. */
static bool extensions_are_known(const cJSON *configuration, struct failure *f)
{
    const cJSON *extensions = json_find(configuration, EXTENSIONS), *item;
    char place[128];

    cJSON_ArrayForEach(item, extensions)
    {
        bool found = false;
        (void)snprintf(place, sizeof place, EXTENSIONS ".%s", item->string ? item->string : "");
        for (size_t i = 0; i < settings_rows && !found; i++)
            found = strcmp(settings_table[i].place, place) == 0;
        if (!found) {
            failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "%s is unknown; --help lists them", place);
            return false;
        }
    }
    return true;
}

/* Read a small file as a whole. */
static bool file_read(const char *path, size_t ceiling, enum failure_code code, struct buf *out, struct failure *f)
{
    char block[4096];
    FILE *file = fopen(path, "re");
    size_t n;
    bool failed;

    if (!file) {
        failure_set(f, code, errno == EACCES ? FAILED_PERMISSIONS : FAILED_NOT_EXIST, "cannot open %s: %s", path,
                    strerror(errno));
        return false;
    }
    buf_init(out, ceiling);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        buf_add(out, str_of(block, n));
    failed = ferror(file) || out->rc;
    (void)fclose(file); /* it was only read */
    OPENSSL_cleanse(block, sizeof block);
    if (failed) {
        failure_set(f, code, FAILED_FORMAT, "cannot read %s, or it is longer than %zu bytes", path, ceiling);
        buf_done(out);
    }
    return !failed;
}

/* Find a required text of the Authentication section. */
static const char *auth_text(const cJSON *auth, const char *name, struct failure *f)
{
    const cJSON *item = json_find(auth, name);
    const char *text = cJSON_GetStringValue(item);

    if (!item || (text && !*text)) {
        failure_set(f, FAILURE_LOCAL, FAILED_MISSING, "Authentication.%s is missing or empty", name);
        return NULL;
    }
    if (!text)
        failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "Authentication.%s must be text", name);
    return text;
}

/* Check that a word is one the real agent knows, and the one that this agent can do. */
static bool auth_word(const cJSON *auth, const char *name, const char *const *known, const char *ours,
                      struct failure *f)
{
    const char *text = auth_text(auth, name, f);

    if (!text)
        return false;
    if (strcmp(text, ours) == 0)
        return true;
    for (; *known; known++) {
        if (strcmp(text, *known) == 0) {
            failure_set(f, FAILURE_LOCAL, FAILED_OTHER, "Authentication.%s: this agent can only be %s", name, ours);
            return false;
        }
    }
    failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "Authentication.%s is none of the known words", name);
    return false;
}

static bool auth_take(const cJSON *auth, struct settings *s, struct failure *f)
{
    static const char *const identities[] = {"Device", "DPS", NULL};
    static const char *const methods[] = {"SelfSignedCertificate", NULL};
    const char *path, *host, *device;
    struct buf key;
    bool ok;

    if (!auth_word(auth, "Identity", identities, "SecurityModule", f) ||
        !auth_word(auth, "AuthenticationMethod", methods, "SasToken", f))
        return false;
    path = auth_text(auth, "FilePath", f);
    host = path ? auth_text(auth, "HostName", f) : NULL;
    device = host ? auth_text(auth, "DeviceId", f) : NULL;
    if (!device)
        return false;
    s->host_name = strdup(host);
    s->device_id = strdup(device);
    if (!s->host_name || !s->device_id) {
        failure_set(f, FAILURE_OTHER, FAILED_OTHER, "out of memory");
        return false;
    }
    if (!file_read(path, KEY_FILE_BYTES_MAX, FAILURE_AUTHENTICATION, &key, f))
        return false;
    ok = settings_take_key(buf_str(&key), path, s, f);
    buf_done(&key);
    return ok;
}

bool local_config_take(const char *path, struct settings *s, struct failure *f)
{
    const cJSON *configuration;
    cJSON *root = NULL;
    struct buf text;
    bool ok = false;

    if (!file_read(path, FILE_BYTES_MAX, FAILURE_LOCAL, &text, f))
        return false;
    if (json_parse(buf_str(&text), &root)) {
        failure_set(f, FAILURE_LOCAL, FAILED_FORMAT, "%s is not JSON", path);
        goto done;
    }
    configuration = json_find(root, "Configuration");
    if (!cJSON_IsObject(configuration)) {
        failure_set(f, FAILURE_LOCAL, FAILED_MISSING, "Configuration is missing");
        goto done;
    }
    ok = rows_take(configuration, s, f) && extensions_are_known(configuration, f) &&
         auth_take(json_find(configuration, "Authentication"), s, f);

done:
    cJSON_Delete(root);
    buf_done(&text);
    return ok;
}
