/* hub_process.c - see hub_process.h. */
#include "hub_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "address.h"
#include "child.h"
#include "files.h"
#include "hub_dir.h"
#include "profile.h"
#include "programs.h"
#include "why.h"

#define START_MS 15000
#define STOP_MS  5000
#define REMOTE_NEEDS_FRESH_KEYS                                                                                        \
    "with well-known keys everybody may log in: --allow-remote needs --keys fresh, and a data directory made so"
#define LOG_MAX (16 * 1024 * 1024) /* bytes of broker.log, and of gateway.log, before they start again */

struct hub_process {
    struct hub_process_options options; /* every text is ours */
    struct hub_dir dir;
    struct hub_file file;
    struct child broker, gateway;
    struct child *ended;           /* which of them ended on its own; NULL: none */
    int watch;                     /* an epoll descriptor with both their pidfds; -1: not running */
    char ending[CHILD_ENDING_MAX]; /* what hub_process_ending lends */
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

static enum rc write_hub_file(struct hub_process *p, const struct certs *certs, char *why, size_t why_size)
{
    const struct hub_process_options *o = &p->options;
    struct hub_file *f = &p->file;
    enum rc rc;

    memset(f, 0, sizeof *f);
    f->pid = (long)getpid();
    f->broker_pid = (long)p->broker.pid;
    f->gateway_pid = (long)p->gateway.pid;
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

/* --- the two processes ------------------------------------------------------------------------------------------------ */

static bool watch_one(struct hub_process *p, const struct child *c)
{
    struct epoll_event event = {.events = EPOLLIN};

    return c->pidfd < 0 || epoll_ctl(p->watch, EPOLL_CTL_ADD, c->pidfd, &event) == 0;
}

static void stop_both(struct hub_process *p)
{
    child_stop(&p->broker, STOP_MS, p->dir.socket); /* first: the hub itself tells why its clients go */
    child_stop(&p->gateway, STOP_MS, NULL);
    if (p->watch >= 0)
        (void)close(p->watch);
    p->watch = -1;
}

static enum rc spawn_broker(struct hub_process *p, const char *program, char *why, size_t why_size)
{
    char conf[PATH_MAX], log[PATH_MAX];
    struct child_start how = {.name = "mosquitto",
                              .args = {program, "-c", conf},
                              .log = log,
                              .preload = getenv("TWINSIM_BROKER_PRELOAD"), /* for instrumented builds of the plugin */
                              .inherit = p->dir.lock};

    if (path_join(conf, p->dir.path, "broker.conf") || path_join(log, p->dir.path, "broker.log"))
        return RC_LIMIT;
    return child_spawn(&how, &p->broker, why, why_size);
}

/* "1.5": what it takes for seconds. */
static const char *seconds_text(int64_t us, char out[32])
{
    (void)snprintf(out, 32, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
    return out;
}

static enum rc spawn_gateway(struct hub_process *p, const char *program, const struct certs *certs, char *why,
                             size_t why_size)
{
    const struct hub_process_options *o = &p->options;
    char log[PATH_MAX], listen[96], idle[32], patience[32];
    struct child_start how = {.name = "twinsim-gateway",
                              .args = {program, "--ready-fd", ""},
                              .ready_arg = 2,
                              .log = log,
                              .inherit = p->dir.lock};
    size_t n = 3;
    const char *const more[] = {"--listen", listen,           "--broker", p->dir.gateway_socket,
                                "--cert",   certs->cert_file, "--key",    certs->key_file};

    if (path_join(log, p->dir.path, "gateway.log"))
        return RC_LIMIT;
    (void)snprintf(listen, sizeof listen, "%s:%d", o->host, o->mqtts_port);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        how.args[n++] = more[i];
    if (o->max_idle_us) {
        how.args[n++] = "--max-idle";
        how.args[n++] = seconds_text(o->max_idle_us, idle);
    }
    if (o->connect_timeout_us) {
        how.args[n++] = "--connect-timeout";
        how.args[n++] = seconds_text(o->connect_timeout_us, patience);
    }
    return child_spawn(&how, &p->gateway, why, why_size);
}

/* Both at once, since each takes its time; the gateway waits for the broker. */
static enum rc start_both(struct hub_process *p, const char *program, const char *gateway, const struct certs *certs,
                          char *why, size_t why_size)
{
    enum rc rc;

    p->ended = NULL;
    p->watch = epoll_create1(EPOLL_CLOEXEC);
    rc = p->watch >= 0 ? spawn_broker(p, program, why, why_size)
                       : why_not(why, why_size, RC_IO, "no epoll descriptor: %s", strerror(errno));
    if (!rc && gateway[0])
        rc = spawn_gateway(p, gateway, certs, why, why_size);
    if (!rc)
        rc = child_wait_ready(&p->broker, START_MS, why, why_size);
    if (!rc && gateway[0])
        rc = child_wait_ready(&p->gateway, START_MS, why, why_size);
    if (!rc && (!watch_one(p, &p->broker) || !watch_one(p, &p->gateway)))
        rc = why_not(why, why_size, RC_IO, "the hub's processes cannot be watched: %s", strerror(errno));
    if (rc)
        stop_both(p);
    return rc;
}

/* All but the directory's lock, which is held from start to free: so a restart cannot lose it to somebody else. */
static enum rc start(struct hub_process *p, char *why, size_t why_size)
{
    const struct hub_process_options *o = &p->options;
    char program[PATH_MAX], plugin[PATH_MAX], gateway[PATH_MAX] = "";
    struct certs_request request = {o->ca_dir, o->ca_unconstrained, o->hostname, {o->host}, p->dir.path};
    struct certs certs;
    enum rc rc;

    hub_file_remove(p->dir.path); /* of a hub that was killed */
    if (o->allow_remote && !p->dir.keys_are_fresh)
        return why_not(why, why_size, RC_REFUSED, REMOTE_NEEDS_FRESH_KEYS);
    rc = broker_find(o->broker, program, why, why_size);
    if (!rc)
        rc = plugin_find(o->plugin, plugin, why, why_size);
    if (!rc && !o->no_gateway)
        rc = gateway_find(plugin, gateway, why, why_size);
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
    if (!rc)
        rc = start_both(p, program, gateway, &certs, why, why_size);
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
    child_init(&p->broker);
    child_init(&p->gateway);
    p->watch = p->dir.lock = -1;
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

size_t hub_process_pids(const struct hub_process *p, pid_t out[HUB_PROCESS_PIDS])
{
    size_t n = 0;

    if (p && p->broker.pid)
        out[n++] = p->broker.pid;
    if (p && p->gateway.pid)
        out[n++] = p->gateway.pid;
    return n;
}

int hub_process_fd(const struct hub_process *p)
{
    return p->watch;
}

bool hub_process_has_ended(struct hub_process *p)
{
    if (!p->ended && p->watch >= 0) {
        if (child_has_ended(&p->broker)) /* first: the gateway's end may follow from it */
            p->ended = &p->broker;
        else if (!p->options.no_gateway && child_has_ended(&p->gateway))
            p->ended = &p->gateway;
        if (p->ended) { /* half a hub is none */
            hub_file_remove(p->dir.path);
            stop_both(p);
        }
    }
    return p->watch < 0;
}

static struct child *ended_one(struct hub_process *p)
{
    return p->ended ? p->ended : &p->broker;
}

const char *hub_process_ended_name(const struct hub_process *p)
{
    return p->ended ? p->ended->name : "mosquitto";
}

const char *hub_process_ending(struct hub_process *p)
{
    return child_ending(ended_one(p), p->ending);
}

const char *hub_process_last_words(struct hub_process *p)
{
    return child_last_words(ended_one(p));
}

const char *hub_process_log(const struct hub_process *p)
{
    return p->ended ? p->ended->log : p->broker.log;
}

void hub_process_trim_log(const struct hub_process *p)
{
    child_trim_log(&p->broker, LOG_MAX);
    child_trim_log(&p->gateway, LOG_MAX);
}

void hub_process_stop(struct hub_process *p)
{
    hub_file_remove(p->dir.path); /* first: nobody finds a hub that is about to go */
    stop_both(p);
}

void hub_process_kill(struct hub_process *p)
{
    hub_file_remove(p->dir.path);
    child_kill(&p->broker);
    child_kill(&p->gateway);
    stop_both(p);
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
