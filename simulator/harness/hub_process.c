/* hub_process.c - see hub_process.h. */
#include "hub_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "address.h"
#include "broker.h"
#include "files.h"
#include "hub_dir.h"
#include "profile.h"
#include "why.h"

#define START_MS 15000
#define STOP_MS  5000
#define REMOTE_NEEDS_FRESH_KEYS                                                                                        \
    "with well-known keys everybody may log in: --allow-remote needs --keys fresh, and a data directory made so"
#define LOG_MAX (16 * 1024 * 1024) /* bytes of broker.log before it starts again */

struct hub_process {
    struct hub_process_options options; /* every text is ours */
    struct hub_dir dir;
    struct hub_file file;
    struct broker broker;
    char ending[BROKER_ENDING_MAX]; /* what hub_process_ending lends */
};

/* Every text of the options; NULL ends. */
static const char **option_text(struct hub_process_options *o, size_t i)
{
    const char **all[] = {&o->data_dir, &o->host,   &o->hostname, &o->durability,       &o->keys,
                          &o->ca_dir,   &o->plugin, &o->broker,   &o->forbidden_filter, &o->profile};

    return i < sizeof all / sizeof all[0] ? all[i] : NULL;
}

static void options_done(struct hub_process_options *o)
{
    const char **text;

    for (size_t i = 0; (text = option_text(o, i)) != NULL; i++) {
        char *ours;

        memcpy(&ours, text, sizeof ours); /* copied by options_copy: we may free it */
        free(ours);
        *text = NULL;
    }
}

static enum rc options_copy(const struct hub_process_options *from, struct hub_process_options *to)
{
    const char **text;
    enum rc rc = RC_OK;

    *to = *from;
    if (!to->host)
        to->host = "127.0.0.1";
    if (!to->hostname)
        to->hostname = "twinsim.azure-devices.test";
    if (!to->durability)
        to->durability = "process";
    if (!to->mqtts_port)
        to->mqtts_port = 8883;
    for (size_t i = 0; (text = option_text(to, i)) != NULL; i++) {
        if (!*text)
            continue;
        *text = rc ? NULL : str_dup(str_from(*text));
        if (!*text)
            rc = RC_NOMEM;
    }
    return rc;
}

static bool is_dns_name(const char *name)
{
    size_t label = 0, len = strlen(name);

    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool edge = label == 0 || i + 1 == len || name[i + 1] == '.';

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c == '-' && !edge)) ||
            ++label > 63)
            return false;
    }
    return len > 0 && len <= 253 && label > 0;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || (c && strcmp(text, c) == 0);
}

/* May this hub be told to others? Keys that everybody knows stay behind the loopback; a directory made earlier may hold fresh ones. */
static bool may_be_remote(const struct hub_process_options *o)
{
    char seed[PATH_MAX];

    return (o->keys && strcmp(o->keys, "fresh") == 0) ||
           (!o->keys && !path_join(seed, o->data_dir, "keys.seed") && access(seed, F_OK) == 0);
}

static enum rc options_check(const struct hub_process_options *o, char *why, size_t why_size)
{
    struct profile profile;

    if (!o->data_dir || !o->data_dir[0])
        return why_not(why, why_size, RC_REFUSED, "no data directory was given");
    if (!address_is_ipv4(o->host))
        return why_not(why, why_size, RC_REFUSED, "the host '%s' is no IPv4 address; give one such as 127.0.0.9",
                       o->host);
    if (!address_is_loopback(o->host) && !o->allow_remote)
        return why_not(
            why, why_size, RC_REFUSED,
            "%s is no loopback address: others could reach this hub; if you mean it, add --allow-remote --keys fresh",
            o->host);
    if (o->allow_remote && !may_be_remote(o)) /* before a directory is made with well-known keys, which it would keep */
        return why_not(why, why_size, RC_REFUSED, REMOTE_NEEDS_FRESH_KEYS);
    if (!is_dns_name(o->hostname))
        return why_not(why, why_size, RC_REFUSED, "the host name '%s' is no DNS name", o->hostname);
    if (o->mqtts_port < 1 || o->mqtts_port > 65535 || o->mqtt_port < 0 || o->mqtt_port > 65535 ||
        o->mqtts_port == o->mqtt_port)
        return why_not(why, why_size, RC_REFUSED, "ports are 1 to 65535, and two different ones");
    if (!is_one_of(o->durability, "memory", "process", "power"))
        return why_not(why, why_size, RC_REFUSED, "the durability '%s' is none of memory, process, power",
                       o->durability);
    if (o->profile && profile_read(str_from(o->profile), &profile))
        return why_not(why, why_size, RC_REFUSED, "the profile '%s' is unknown; it is " PROFILE_WORDS, o->profile);
    if (o->keys && !is_one_of(o->keys, "well-known", "fresh", NULL))
        return why_not(why, why_size, RC_REFUSED, "the keys '%s' are none of well-known, fresh", o->keys);
    return RC_OK;
}

/* The plugin's path: given, else beside the binary (build tree, or an installed tree that was moved), else where it was installed. */
static enum rc plugin_find(const char *given, char out[PATH_MAX], char *why, size_t why_size)
{
    static const char *const beside[] = {"../lib/twinsim_plugin.so",
                                         "../" TWINSIM_PLUGIN_LIBDIR "/twinsim/twinsim_plugin.so"};
    char exe[PATH_MAX], path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (given) {
        if (realpath(given, out))
            return RC_OK;
        return why_not(why, why_size, RC_NOT_FOUND, "there is no plugin at %s: %s", given, strerror(errno));
    }
    if (n > 0) {
        char *slash;

        exe[n] = '\0';
        slash = strrchr(exe, '/');
        if (slash)
            *slash = '\0';
        for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
            if (!path_join(path, exe, beside[i]) && realpath(path, out))
                return RC_OK;
    }
    if (realpath(TWINSIM_PLUGIN_FULL_LIBDIR "/twinsim/twinsim_plugin.so", out))
        return RC_OK;
    return why_not(why, why_size, RC_NOT_FOUND,
                   "twinsim_plugin.so is neither in ../lib beside %s nor in %s/twinsim; build or install it", exe,
                   TWINSIM_PLUGIN_FULL_LIBDIR);
}

static enum rc write_hub_file(struct hub_process *p, const struct certs *certs, char *why, size_t why_size)
{
    const struct hub_process_options *o = &p->options;
    struct hub_file *f = &p->file;
    enum rc rc;

    memset(f, 0, sizeof *f);
    f->pid = (long)getpid();
    f->broker_pid = (long)p->broker.pid;
    f->mqtts_port = o->mqtts_port;
    f->mqtt_port = o->mqtt_port;
    (void)snprintf(f->hostname, sizeof f->hostname, "%s", o->hostname);
    (void)snprintf(f->host, sizeof f->host, "%s", o->host);
    (void)snprintf(f->ca_file, sizeof f->ca_file, "%s", certs->ca_file);
    (void)snprintf(f->socket, sizeof f->socket, "%s", p->dir.socket);
    (void)snprintf(f->durability, sizeof f->durability, "%s", o->durability);
    (void)snprintf(f->version, sizeof f->version, "%s", TWINSIM_VERSION);
    rc = hub_dir_service(&p->dir, o->host, f->service, sizeof f->service);
    if (!rc)
        rc = hub_file_write(p->dir.path, f);
    return rc ? why_not(why, why_size, rc, "%s/hub.json cannot be written: %s", p->dir.path,
                        rc == RC_IO ? strerror(errno) : rc_text(rc))
              : RC_OK;
}

/* All but the directory's lock, which is held from start to free: so a restart cannot lose it to somebody else. */
static enum rc start(struct hub_process *p, char *why, size_t why_size)
{
    const struct hub_process_options *o = &p->options;
    char program[PATH_MAX], plugin[PATH_MAX], conf[PATH_MAX], log[PATH_MAX];
    struct certs_request request = {o->ca_dir, o->ca_unconstrained, o->hostname, {o->host}, p->dir.path};
    struct broker_start how = {program, conf, log, p->dir.lock, START_MS};
    struct certs certs;
    enum rc rc;

    hub_file_remove(p->dir.path); /* of a hub that was killed */
    if (o->allow_remote && !p->dir.keys_are_fresh)
        return why_not(why, why_size, RC_REFUSED, REMOTE_NEEDS_FRESH_KEYS);
    if (o->broker ? !realpath(o->broker, program) : broker_find(program) != RC_OK)
        return why_not(why, why_size, RC_NOT_FOUND,
                       "mosquitto was not found%s%s; install Debian's package mosquitto, or put it on PATH",
                       o->broker ? " at " : " on PATH or in /usr/sbin", o->broker ? o->broker : "");
    rc = plugin_find(o->plugin, plugin, why, why_size);
    if (!rc)
        rc = address_is_free(o->host, o->mqtts_port, why, why_size);
    if (!rc && o->mqtt_port)
        rc = address_is_free(o->host, o->mqtt_port, why, why_size);
    if (strcmp(o->host, "0.0.0.0") == 0)
        request.addresses[0] = NULL; /* every address of the machine: clients come by name */
    if (!rc)
        rc = certs_ready(&request, &certs, why, why_size);
    if (!rc && (!hub_dir_path_is_fit(certs.ca_file) || !hub_dir_path_is_fit(plugin)))
        rc = why_not(why, why_size, RC_REFUSED,
                     "the path of the CA or of the plugin holds a control character or is no UTF-8; give another CA "
                     "directory with --ca");
    if (!rc)
        rc = hub_dir_configure(&p->dir, o, plugin, &certs, why, why_size);
    if (!rc && (path_join(conf, p->dir.path, "broker.conf") || path_join(log, p->dir.path, "broker.log")))
        rc = RC_LIMIT;
    if (!rc)
        rc = broker_start(&how, &p->broker, why, why_size);
    if (rc)
        return rc;
    rc = write_hub_file(p, &certs, why, why_size);
    if (rc)
        hub_process_stop(p);
    return rc;
}

enum rc hub_process_check(const struct hub_process_options *options, char *why, size_t why_size)
{
    struct hub_process_options o;
    enum rc rc = options_copy(options, &o);

    if (rc)
        (void)why_not(why, why_size, rc, "out of memory");
    else
        rc = options_check(&o, why, why_size);
    options_done(&o);
    return rc;
}

enum rc hub_process_start(const struct hub_process_options *options, struct hub_process **out, char *why,
                          size_t why_size)
{
    struct hub_process *p = calloc(1, sizeof *p);
    enum rc rc;

    if (!p)
        return why_not(why, why_size, RC_NOMEM, "out of memory");
    p->broker.pidfd = -1;
    p->dir.lock = -1;
    rc = options_copy(options, &p->options);
    if (rc)
        (void)why_not(why, why_size, rc, "out of memory");
    if (!rc)
        rc = options_check(&p->options, why, why_size);
    if (!rc)
        rc = hub_dir_open(p->options.data_dir, p->options.keys, &p->dir, why, why_size);
    if (!rc)
        rc = start(p, why, why_size);
    if (rc)
        hub_process_free(p);
    else
        *out = p;
    return rc;
}

const struct hub_file *hub_process_file(const struct hub_process *p)
{
    return &p->file;
}

const char *hub_process_data_dir(const struct hub_process *p)
{
    return p->dir.path;
}

pid_t hub_process_pid(const struct hub_process *p)
{
    return p->broker.pid;
}

int hub_process_pidfd(const struct hub_process *p)
{
    return p->broker.pidfd;
}

bool hub_process_has_ended(struct hub_process *p)
{
    if (!broker_has_ended(&p->broker))
        return false;
    hub_file_remove(p->dir.path);
    return true;
}

const char *hub_process_ending(struct hub_process *p)
{
    return broker_ending(&p->broker, p->ending);
}

const char *hub_process_last_words(struct hub_process *p)
{
    return broker_last_words(&p->broker);
}

void hub_process_trim_log(const struct hub_process *p)
{
    broker_trim_log(&p->broker, LOG_MAX);
}

void hub_process_stop(struct hub_process *p)
{
    hub_file_remove(p->dir.path); /* first: nobody finds a hub that is about to go */
    broker_stop(&p->broker, STOP_MS, p->dir.socket);
}

void hub_process_kill(struct hub_process *p)
{
    hub_file_remove(p->dir.path);
    broker_kill(&p->broker);
}

enum rc hub_process_restart(struct hub_process *p, char *why, size_t why_size)
{
    hub_process_stop(p);
    return start(p, why, why_size);
}

void hub_process_free(struct hub_process *p)
{
    if (!p)
        return;
    if (p->dir.lock >= 0) {
        hub_process_stop(p);
        hub_dir_close(&p->dir);
    }
    options_done(&p->options);
    explicit_bzero(&p->file, sizeof p->file);
    free(p);
}
