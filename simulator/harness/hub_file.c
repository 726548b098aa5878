/* hub_file.c - see hub_file.h. */
#include "hub_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "json.h"
#include "why.h"

#define HUB_FILE_MAX 65536u /* bytes */

enum rc data_dir_find(const char *given, char out[PATH_MAX])
{
    const char *env = getenv("TWINSIM_DATA");

    if (!given && env && env[0])
        given = env;
    if (!given)
        return data_home_find(out);
    if (given[0] == '\0' || strlen(given) >= PATH_MAX)
        return RC_LIMIT;
    memcpy(out, given, strlen(given) + 1);
    return RC_OK;
}

static enum rc hub_file_path(const char *data_dir, char out[PATH_MAX])
{
    return path_join(out, data_dir, "hub.json");
}

static enum rc take_text(const cJSON *doc, const char *key, char *out, size_t size)
{
    const char *text = json_get_text(doc, key);

    if (!text || strlen(text) >= size)
        return RC_SYNTAX;
    memcpy(out, text, strlen(text) + 1);
    return RC_OK;
}

static enum rc take_number(const cJSON *doc, const char *key, int64_t max, int64_t *out)
{
    int64_t value = 0;

    if (json_get_i64(doc, key, &value) || value < 0 || value > max)
        return RC_SYNTAX;
    *out = value;
    return RC_OK;
}

static enum rc hub_file_parse(struct str text, struct hub_file *out)
{
    const cJSON *ports;
    struct hub_file f;
    cJSON *doc = NULL;
    int64_t pid = 0, broker = 0, gateway = 0, mqtts = 0, mqtt = 0;
    enum rc rc = json_read(text, &doc, NULL);

    if (rc)
        return rc == RC_NOMEM ? RC_NOMEM : RC_SYNTAX;
    memset(&f, 0, sizeof f);
    ports = json_get(doc, "ports");
    if (take_number(doc, "pid", INT32_MAX, &pid) || take_number(doc, "brokerPid", INT32_MAX, &broker) ||
        take_number(ports, "mqtts", 65535, &mqtts) || take_text(doc, "hostname", f.hostname, sizeof f.hostname) ||
        take_text(doc, "host", f.host, sizeof f.host) || take_text(doc, "caFile", f.ca_file, sizeof f.ca_file) ||
        take_text(doc, "socket", f.socket, sizeof f.socket) ||
        take_text(doc, "serviceConnectionString", f.service, sizeof f.service) ||
        take_text(doc, "durability", f.durability, sizeof f.durability) ||
        take_text(doc, "version", f.version, sizeof f.version))
        rc = RC_SYNTAX;
    if (!rc && cJSON_IsNumber(json_get(doc, "gatewayPid")))
        rc = take_number(doc, "gatewayPid", INT32_MAX, &gateway);
    if (!rc && cJSON_IsNumber(json_get(ports, "mqtt")))
        rc = take_number(ports, "mqtt", 65535, &mqtt);
    cJSON_Delete(doc);
    if (rc)
        return RC_SYNTAX;
    f.pid = (long)pid;
    f.broker_pid = (long)broker;
    f.gateway_pid = (long)gateway;
    f.mqtts_port = (int)mqtts;
    f.mqtt_port = (int)mqtt;
    *out = f;
    return RC_OK;
}

/* The process is there, and the directory's lock is held: a pid alone may belong to somebody else by now. */
static bool hub_is_alive(const char *data_dir, const struct hub_file *f)
{
    char lock[PATH_MAX];

    if (f->pid <= 0 || (kill((pid_t)f->pid, 0) && errno != EPERM))
        return false;
    return !path_join(lock, data_dir, "up.lock") && lock_is_held(lock);
}

/* What a hub in the background said when it ended by itself, as part of a sentence: empty when it said nothing. */
static void last_words(const char *data_dir, char out[PATH_MAX + 64])
{
    char path[PATH_MAX];
    struct stat st;

    *out = '\0';
    if (!path_join(path, data_dir, "up.log") && stat(path, &st) == 0 && st.st_size > 0)
        (void)snprintf(out, PATH_MAX + 64, " why the last one ended stands in %s;", path);
}

enum rc hub_file_read(const char *data_dir, struct hub_file *out, char *why, size_t why_size)
{
    char path[PATH_MAX], said[PATH_MAX + 64];
    struct hub_file f;
    struct buf text;
    enum rc rc;

    last_words(data_dir, said);
    buf_init(&text, HUB_FILE_MAX);
    rc = hub_file_path(data_dir, path);
    if (!rc)
        rc = file_read(path, &text);
    if (!rc)
        rc = hub_file_parse(buf_view(&text), &f);
    buf_done(&text);
    switch (rc) {
    case RC_OK:
        break;
    case RC_NOT_FOUND:
        return why_not(why, why_size, RC_NOT_FOUND, "no hub runs on %s;%s start one with: twinsim up --data %s",
                       data_dir, said, data_dir);
    case RC_SYNTAX:
    case RC_LIMIT:
        return why_not(why, why_size, RC_SYNTAX,
                       "%s/hub.json is not readable as a hub file; stop the hub and start it again", data_dir);
    default:
        return why_not(why, why_size, rc, "%s/hub.json cannot be read: %s", data_dir,
                       rc == RC_IO ? strerror(errno) : rc_text(rc));
    }
    if (!hub_is_alive(data_dir, &f))
        return why_not(
            why, why_size, RC_NOT_FOUND,
            "the hub on %s is gone (pid %ld ended without saying so);%s start it again with: twinsim up --data %s",
            data_dir, f.pid, said, data_dir);
    *out = f;
    return RC_OK;
}

enum rc hub_file_write(const char *data_dir, const struct hub_file *f)
{
    char path[PATH_MAX];
    struct buf b;
    enum rc rc = hub_file_path(data_dir, path);

    if (rc)
        return rc;
    buf_init(&b, HUB_FILE_MAX);
    buf_addf(&b, "{\"pid\":%ld,\"brokerPid\":%ld,\"gatewayPid\":", f->pid, f->broker_pid);
    if (f->gateway_pid)
        buf_addf(&b, "%ld", f->gateway_pid);
    else
        buf_add(&b, STR("null"));
    buf_add(&b, STR(",\"hostname\":"));
    json_print_string(&b, str_from(f->hostname));
    buf_add(&b, STR(",\"host\":"));
    json_print_string(&b, str_from(f->host));
    buf_addf(&b, ",\"ports\":{\"mqtts\":%d,\"mqtt\":", f->mqtts_port);
    if (f->mqtt_port)
        buf_addf(&b, "%d", f->mqtt_port);
    else
        buf_add(&b, STR("null"));
    buf_add(&b, STR(",\"https\":null},\"caFile\":"));
    json_print_string(&b, str_from(f->ca_file));
    buf_add(&b, STR(",\"socket\":"));
    json_print_string(&b, str_from(f->socket));
    buf_add(&b, STR(",\"serviceConnectionString\":"));
    json_print_string(&b, str_from(f->service));
    buf_add(&b, STR(",\"durability\":"));
    json_print_string(&b, str_from(f->durability));
    buf_add(&b, STR(",\"version\":"));
    json_print_string(&b, str_from(f->version));
    buf_add(&b, STR("}\n"));
    rc = b.rc ? b.rc : file_write(path, buf_view(&b), 0600, false);
    buf_done(&b);
    return rc;
}

void hub_file_remove(const char *data_dir)
{
    char path[PATH_MAX];

    if (!hub_file_path(data_dir, path))
        (void)unlink(path);
}
