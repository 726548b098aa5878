/* settings.c - settings out of the environment, and the checks that hold wherever they came from. */
#include "settings.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection_string.h"
#include "local_config.h"
#include "mode.h"
#include "settings_table.h"

#define ENV_PREFIX     "SECURITY_AGENT_"
#define ENV_CONNECTION "IOTHUB_DEVICE_CONNECTION_STRING"

static bool presets_take(struct settings *s, struct failure *f)
{
    for (size_t i = 0; i < settings_rows; i++) {
        if (settings_table[i].preset && settings_set(s, &settings_table[i], settings_table[i].preset)) {
            failure_set(f, FAILURE_OTHER, FAILED_OTHER, "out of memory");
            return false;
        }
    }
    return true;
}

static bool environment_take(const char *const *environment, struct settings *s, struct failure *f)
{
    for (; environment && *environment; environment++) {
        struct str value = str_from(*environment), name = str_cut(&value, '=');
        struct str probe = name;
        size_t i = 0;
        if (!str_skip(&probe, ENV_PREFIX))
            continue;
        while (i < settings_rows && !str_is(name, settings_table[i].env))
            i++;
        if (i == settings_rows) {
            failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "the variable %.*s is unknown; --help lists them",
                        STR_ARG(name));
            return false;
        }
        if (settings_set(s, &settings_table[i], value.len ? value.at : "")) {
            settings_refuse(f, &settings_table[i], settings_table[i].env);
            return false;
        }
    }
    return true;
}

static const char *environment_find(const char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}

/* A stable GUID out of device and module id, so that a restart does not look like another agent. */
static bool agent_id_derive(struct settings *s)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[40], id[2 * SETTINGS_ID_MAX + 2];
    int n = snprintf(id, sizeof id, "%s/%s", s->device_id, s->module_id);

    if (n < 0 || !EVP_Digest(id, (size_t)n, hash, NULL, EVP_sha256(), NULL))
        return false;
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80); /* version 8: made by our own rule */
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    (void)snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", hash[0],
                   hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], hash[8], hash[9], hash[10], hash[11],
                   hash[12], hash[13], hash[14], hash[15]);
    s->agent_id = strdup(text);
    return s->agent_id != NULL;
}

static bool connection_string_take(const char *text, struct settings *s, struct failure *f)
{
    struct connection_string cs;
    const char *culprit = "";
    enum rc rc;

    if (!text || !*text) {
        failure_set(f, FAILURE_LOCAL, FAILED_MISSING,
                    "no " SETTINGS_FILE_NAME " and no " ENV_CONNECTION "; see --help");
        return false;
    }
    rc = connection_string_parse(str_from(text), &cs, &culprit);
    if (rc) {
        failure_set(f, FAILURE_LOCAL, rc == RC_NOT_FOUND ? FAILED_MISSING : FAILED_CANT_PARSE,
                    ENV_CONNECTION ": %s: %s", culprit, rc == RC_NOT_FOUND ? "missing or empty" : rc_text(rc));
        return false;
    }
    free(s->module_id);
    free(s->gateway_host);
    s->host_name = strndup(cs.host.at, cs.host.len);
    s->device_id = strndup(cs.device.at, cs.device.len);
    s->module_id = strndup(cs.module.at, cs.module.len);
    s->gateway_host = strndup(cs.gateway.len ? cs.gateway.at : "", cs.gateway.len);
    if (!s->host_name || !s->device_id || !s->module_id || !s->gateway_host) {
        failure_set(f, FAILURE_OTHER, FAILED_OTHER, "out of memory");
        return false;
    }
    return settings_take_key(cs.key, "SharedAccessKey", s, f);
}

/* Ids become parts of topics and of the client id. */
static bool id_is_valid(const char *id)
{
    size_t n = strlen(id);

    for (size_t i = 0; i < n; i++)
        if (id[i] <= ' ' || id[i] > '~' || strchr("/+#", id[i]))
            return false;
    return n > 0 && n <= SETTINGS_ID_MAX;
}

static bool identity_check(struct settings *s, const char *ca_path, const char *const *environment, struct failure *f)
{
    const char *ca = ca_path;

    if (!id_is_valid(s->device_id) || !id_is_valid(s->module_id)) {
        failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE,
                    "device and module id must have 1 to %u printable characters, none of them / + #", SETTINGS_ID_MAX);
        return false;
    }
    if (strlen(s->host_name) > 253 || strpbrk(s->host_name, "/ ")) {
        failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "the host name is not one");
        return false;
    }
    if (!s->agent_id && !agent_id_derive(s)) {
        failure_set(f, FAILURE_OTHER, FAILED_OTHER, "cannot derive an agent id");
        return false;
    }
    if (!ca && !*s->ca_file)
        ca = environment_find(environment, "SSL_CERT_FILE");
    if (ca && *ca) {
        free(s->ca_file);
        s->ca_file = strdup(ca);
    }
    if (!s->ca_file) {
        failure_set(f, FAILURE_OTHER, FAILED_OTHER, "out of memory");
        return false;
    }
    if (*s->ca_file && access(s->ca_file, R_OK)) {
        failure_set(f, FAILURE_LOCAL, errno == EACCES ? FAILED_PERMISSIONS : FAILED_NOT_EXIST,
                    "the file of trusted authorities %s: %s", s->ca_file, strerror(errno));
        return false;
    }
    return true;
}

/* Defaults that follow from other settings. */
static void defaults_follow(struct settings *s)
{
    if (!s->consumer_interval_ms)
        s->consumer_interval_ms = s->trigger_interval_ms; /* both are two minutes in the C# agent. facts S-31 */
    if (s->tick_ms > s->trigger_interval_ms)
        s->tick_ms = s->trigger_interval_ms;
}

static bool mode_take(struct settings *s, struct failure *f)
{
    s->mode = mode_find(s->mode_name);
    if (!s->mode)
        failure_set(f, FAILURE_LOCAL, FAILED_CANT_PARSE, "the mode is " MODE_NAMES ", not %s", s->mode_name);
    return s->mode != NULL;
}

bool settings_load(const struct settings_source *source, struct settings *out, struct failure *failure)
{
    struct settings s = {0};
    bool ok = presets_take(&s, failure);

    if (ok && source->config_path)
        ok = local_config_take(source->config_path, &s, failure);
    if (ok && !source->config_path)
        ok = connection_string_take(environment_find(source->environment, ENV_CONNECTION), &s, failure);
    ok = ok && environment_take(source->environment, &s, failure);
    ok = ok && mode_take(&s, failure);
    ok = ok && identity_check(&s, source->ca_path, source->environment, failure);
    if (ok) {
        defaults_follow(&s);
        *out = s;
    } else {
        settings_done(&s);
    }
    return ok;
}

const char *settings_target(const struct settings *s)
{
    return *s->gateway_host ? s->gateway_host : s->host_name;
}
