/* hub_dir.c - see hub_dir.h. */
#include "hub_dir.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "connection_string.h"
#include "files.h"
#include "front_door.h"
#include "hub.h"
#include "json.h"
#include "utf8.h"
#include "why.h"

/* What waits for a slow event reader before the broker drops; a gap in seq shows it. Never 0 (facts B-12). */
#define MAX_QUEUED_MESSAGES 4000
#define LONGER_SOCKET       "/gateway.sock"
/* The broker and the gateway of an `up` that was killed hold its lock until they have ended, too: the broker within 100 ms. */
#define LOCK_WAIT_MS (1000 * FRONT_DOOR_STOP_S + 1000)

bool hub_dir_path_is_fit(const char *path)
{
    for (const char *c = path; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return utf8_is_valid(str_from(path));
}

/* Does the directory hold nothing but what we put there? */
static bool is_ours_or_empty(const char *path)
{
    static const char *const ours[] = {".", "..", "up.lock", "ca", "ca-unconstrained"};
    const struct dirent *entry;
    bool has_seed = false, has_other = false;
    DIR *dir = opendir(path);

    if (!dir)
        return false;
    while ((entry = readdir(dir)) != NULL) {
        bool known = false;

        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
            known = known || strcmp(entry->d_name, ours[i]) == 0;
        has_seed = has_seed || strcmp(entry->d_name, "keys.seed") == 0;
        has_other = has_other || !known;
    }
    (void)closedir(dir);
    return has_seed || !has_other;
}

static enum rc dir_ready(const char *wanted, char path[PATH_MAX], char *why, size_t why_size)
{
    struct stat st;

    if (dir_make(wanted) || !realpath(wanted, path) || stat(path, &st))
        return why_not(why, why_size, RC_IO, "the data directory %s cannot be made: %s; give another one with --data",
                       wanted, strerror(errno));
    if (!hub_dir_path_is_fit(path))
        return why_not(
            why, why_size, RC_REFUSED,
            "the data directory's path holds a control character or is no UTF-8; give another one with --data");
    if (st.st_uid != geteuid())
        return why_not(why, why_size, RC_REFUSED,
                       "the data directory %s belongs to another user; give one of your own with --data", path);
    if (!is_ours_or_empty(path))
        return why_not(why, why_size, RC_REFUSED,
                       "the data directory %s holds other files; give an empty or new one with --data", path);
    if ((st.st_mode & 07777) != 0700 && chmod(path, 0700))
        return why_not(why, why_size, RC_IO, "the data directory %s cannot be made private: %s", path, strerror(errno));
    return RC_OK;
}

static enum rc take_lock(struct hub_dir *d, char *why, size_t why_size)
{
    char path[PATH_MAX], line[32];
    struct buf text;
    enum rc rc;
    int n;

    if (path_join(path, d->path, "up.lock"))
        return why_not(why, why_size, RC_LIMIT, "the path of the data directory %s is too long", d->path);
    rc = lock_take(path, 0, &d->lock);
    if (rc == RC_BUSY) {
        long pid;

        buf_init(&text, 64);
        pid = file_read(path, &text) ? 0 : strtol(text.at, NULL, 10);
        buf_done(&text);
        if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH)
            rc = lock_take(path, LOCK_WAIT_MS, &d->lock); /* its `up` is gone; its broker and gateway are about to be */
        if (rc == RC_BUSY)
            return why_not(why, why_size, RC_BUSY,
                           "another hub (pid %ld) uses the data directory %s; stop it with: twinsim down --data %s",
                           pid, d->path, d->path);
    }
    if (rc)
        return why_not(why, why_size, rc, "the data directory %s cannot be locked: %s", d->path, strerror(errno));
    n = snprintf(line, sizeof line, "%ld\n", (long)getpid());
    if (ftruncate(d->lock, 0) || pwrite(d->lock, line, (size_t)n, 0) != n)
        return why_not(why, why_size, RC_IO, "%s cannot be written: %s", path, strerror(errno));
    return RC_OK;
}

static enum rc seed_make(const char *path, bool fresh, char seed[KEY_SEED_MAX])
{
    unsigned char random[32];

    if (!fresh) {
        memcpy(seed, WELL_KNOWN_SEED, sizeof WELL_KNOWN_SEED);
    } else {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return RC_IO;
        for (size_t i = 0; i < sizeof random; i++)
            (void)snprintf(seed + 2 * i, 3, "%02x", random[i]);
    }
    return file_write(path, str_from(seed), 0600, true);
}

static enum rc seed_ready(struct hub_dir *d, const char *keys, char *why, size_t why_size)
{
    char path[PATH_MAX];
    struct buf text;
    enum rc rc;

    if (path_join(path, d->path, "keys.seed"))
        return RC_LIMIT;
    buf_init(&text, KEY_SEED_MAX - 1);
    rc = file_read(path, &text);
    if (rc == RC_NOT_FOUND) {
        rc = seed_make(path, keys && strcmp(keys, "fresh") == 0, d->seed);
    } else if (!rc) {
        struct str seed = str_first(buf_view(&text), str_find(buf_view(&text), '\n'));

        if (seed.len < 16)
            rc = RC_CORRUPT;
        else
            (void)snprintf(d->seed, sizeof d->seed, "%.*s", STR_FMT(seed));
    } else if (rc == RC_LIMIT) {
        rc = RC_CORRUPT;
    }
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    if (rc == RC_CORRUPT)
        return why_not(
            why, why_size, rc,
            "%s is damaged; without it the hub's keys are lost: put it back, or start with a new data directory", path);
    if (rc)
        return why_not(why, why_size, rc, "%s cannot be read or written: %s", path, strerror(errno));
    d->keys_are_fresh = strcmp(d->seed, WELL_KNOWN_SEED) != 0;
    if (keys && d->keys_are_fresh != (strcmp(keys, "fresh") == 0))
        return why_not(why, why_size, RC_REFUSED,
                       "the data directory %s was made with %s keys and keeps them; leave --keys away, or give another "
                       "directory with --data",
                       d->path, d->keys_are_fresh ? "fresh" : "well-known");
    return RC_OK;
}

/* A directory of our own under base, named after the data directory, so that one left behind by a kill -9 is used again. */
static bool socket_dir_ready(const char *base, struct hub_dir *d)
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    struct stat st;
    int n;

    if (!base || base[0] != '/' || strchr(base, ' ') ||
        !EVP_Digest(d->path, strlen(d->path), digest, NULL, EVP_sha256(), NULL))
        return false;
    n = snprintf(d->socket_dir, sizeof d->socket_dir, "%s/twinsim-%02x%02x%02x%02x%02x%02x%02x%02x", base, digest[0],
                 digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    if (n < 0 || (size_t)n >= sizeof d->socket - sizeof LONGER_SOCKET)
        return false;
    if (mkdir(d->socket_dir, 0700) && (errno != EEXIST || lstat(d->socket_dir, &st) || !S_ISDIR(st.st_mode) ||
                                       st.st_uid != geteuid() || chmod(d->socket_dir, 0700)))
        return false;
    (void)snprintf(d->socket, sizeof d->socket, "%.*s/broker.sock", (int)(sizeof d->socket - sizeof LONGER_SOCKET),
                   d->socket_dir);
    (void)snprintf(d->gateway_socket, sizeof d->gateway_socket, "%.*s" LONGER_SOCKET,
                   (int)(sizeof d->socket - sizeof LONGER_SOCKET), d->socket_dir);
    return true;
}

/* A Unix socket's path has room for 107 bytes (facts B-22), and none for a blank in a listener line (facts B-44): such a data directory gets a
 * short one beside it. */
static enum rc socket_ready(struct hub_dir *d, char *why, size_t why_size)
{
    int n = snprintf(d->gateway_socket, sizeof d->gateway_socket, "%s" LONGER_SOCKET, d->path);

    if (n > 0 && (size_t)n < sizeof d->gateway_socket && !strchr(d->gateway_socket, ' ')) {
        (void)snprintf(d->socket, sizeof d->socket, "%.*s/broker.sock", n - (int)(sizeof LONGER_SOCKET - 1),
                       d->gateway_socket);
        return RC_OK;
    }
    if (socket_dir_ready(getenv("XDG_RUNTIME_DIR"), d) || socket_dir_ready("/tmp", d))
        return RC_OK;
    d->socket_dir[0] = '\0';
    return why_not(why, why_size, RC_IO,
                   "no directory for the hub's socket can be made in $XDG_RUNTIME_DIR or /tmp: %s", strerror(errno));
}

enum rc hub_dir_open(const char *path, const char *keys, struct hub_dir *out, char *why, size_t why_size)
{
    struct hub_dir d = {.lock = -1};
    enum rc rc;

    rc = dir_ready(path, d.path, why, why_size);
    if (!rc)
        rc = take_lock(&d, why, why_size);
    if (!rc)
        rc = seed_ready(&d, keys, why, why_size);
    if (!rc)
        rc = socket_ready(&d, why, why_size);
    if (rc)
        hub_dir_close(&d);
    else
        *out = d;
    return rc;
}

void hub_dir_close(struct hub_dir *d)
{
    if (d->socket_dir[0]) {
        (void)unlink(d->socket);
        (void)unlink(d->gateway_socket);
        (void)rmdir(d->socket_dir);
        d->socket_dir[0] = '\0';
    }
    if (d->lock >= 0)
        (void)close(d->lock);
    d->lock = -1;
    explicit_bzero(d->seed, sizeof d->seed);
}

/* One listener. Options that belong to a listener may only stand below it: above, they open 0.0.0.0:1883 (facts B-10). */
static void add_listener(struct buf *b, int port, const char *address, const struct certs *certs)
{
    buf_addf(b, "listener %d %s\nmax_qos 1\n", port, address);
    if (certs)
        buf_addf(b, "cafile %s\ncertfile %s\nkeyfile %s\n", certs->ca_file, certs->cert_file, certs->key_file);
}

static void print_broker_conf(struct buf *b, const struct hub_dir *d, const struct hub_process_options *o,
                              const char *plugin, const struct certs *certs)
{
    const struct passwd *user = geteuid() == 0 ? getpwuid(0) : NULL;

    buf_add(b, STR("# Generated by twinsim up at each start; changes are lost.\n"
                   "per_listener_settings false\nallow_anonymous true\nallow_zero_length_clientid false\n"));
    if (geteuid() == 0)
        buf_addf(b, "user %s\n",
                 user ? user->pw_name
                      : "root"); /* facts B-18: else it would become another user, who may not read our files */
    buf_addf(b, "plugin %s\nplugin_opt_config %s/plugin.json\n", plugin, d->path);
    /* facts B-46: what was in flight to a lost connection takes its place from the next; so there is more than enough */
    if (o->no_gateway ||
        o->mqtt_port) /* facts B-02; on a Unix socket each connection would log that it cannot be done (facts B-22) */
        buf_add(b, STR("set_tcp_nodelay true\n"));
    buf_addf(b, "max_packet_size %d\nmax_queued_messages %d\nmax_inflight_messages %d\n", FRONT_DOOR_SERVICE_PACKET_MAX,
             MAX_QUEUED_MESSAGES, MAX_QUEUED_MESSAGES);
    buf_addf(b, "persistence true\npersistence_location %s/\npersistence_file mosquitto.db\nautosave_interval 300\n",
             d->path);
    buf_add(b,
            STR("persistent_client_expiration 14d\nsys_interval 0\nretain_available true\nconnection_messages false\n"
                "log_dest stderr\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\nlog_type error\nlog_type warning\nlog_type "
                "notice\n"));
    add_listener(b, 0, d->socket, NULL);
    if (o->no_gateway)
        add_listener(b, o->mqtts_port, o->host, certs);
    else
        add_listener(b, 0, d->gateway_socket, NULL);
    if (o->mqtt_port)
        add_listener(b, o->mqtt_port, o->host, NULL);
}

static void add_text_member(struct buf *b, const char *key, const char *value)
{
    buf_addf(b, ",\"%s\":", key);
    json_print_string(b, str_from(value));
}

static void print_plugin_json(struct buf *b, const struct hub_dir *d, const struct hub_process_options *o)
{
    char seed_file[PATH_MAX];

    if (path_join(seed_file, d->path, "keys.seed"))
        return; /* it was read from there: it fits */
    buf_add(b, STR("{\"dataDir\":"));
    json_print_string(b, str_from(d->path));
    buf_add(b, STR(",\"hosts\":["));
    json_print_string(b, str_from(o->hostname));
    buf_add_char(b, ',');
    json_print_string(b, str_from(o->host));
    if (address_is_loopback(o->host))
        buf_add(b, STR(",\"localhost\""));
    buf_add(b, STR("]"));
    add_text_member(b, "keySeedFile", seed_file);
    add_text_member(b, "durability", o->durability);
    if (o->history)
        buf_addf(b, ",\"history\":%u", o->history);
    if (o->cache_bytes)
        buf_addf(b, ",\"cacheBytes\":%zu", o->cache_bytes);
    if (o->token_skew_s)
        buf_addf(b, ",\"tokenSkewSeconds\":%ld", o->token_skew_s);
    if (o->message_ttl_s)
        buf_addf(b, ",\"messageTtlSeconds\":%ld", o->message_ttl_s);
    if (o->profile)
        add_text_member(b, "profile", o->profile);
    if (o->forbidden_filter)
        add_text_member(b, "forbiddenFilter", o->forbidden_filter);
    if (o->forbidden_will)
        add_text_member(b, "forbiddenWill", o->forbidden_will);
    if (!o->no_gateway)
        add_text_member(b, "gatewaySocket", d->gateway_socket);
    if (o->fault_messages)
        buf_add(b, STR(",\"faultMessages\":true"));
    if (o->fault_messages_unanswered)
        buf_add(b, STR(",\"faultMessagePuback\":false"));
    add_text_member(b, "version", TWINSIM_VERSION);
    buf_add(b, STR("}\n"));
}

static enum rc write_named(const struct hub_dir *d, const char *name, const struct buf *b)
{
    char path[PATH_MAX];

    if (b->rc)
        return b->rc;
    if (path_join(path, d->path, name))
        return RC_LIMIT;
    return file_write(path, buf_view(b), 0600, false);
}

enum rc hub_dir_configure(const struct hub_dir *d, const struct hub_process_options *options, const char *plugin,
                          const struct certs *certs, char *why, size_t why_size)
{
    struct buf conf, told;
    enum rc rc;

    buf_init(&conf, 0);
    buf_init(&told, 0);
    print_broker_conf(&conf, d, options, plugin, certs);
    print_plugin_json(&told, d, options);
    rc = write_named(d, "broker.conf", &conf);
    if (!rc)
        rc = write_named(d, "plugin.json", &told);
    buf_done(&conf);
    buf_done(&told);
    return rc ? why_not(why, why_size, rc, "the data directory %s cannot be written: %s", d->path,
                        rc == RC_IO ? strerror(errno) : rc_text(rc))
              : RC_OK;
}

enum rc hub_dir_service(const struct hub_dir *d, const char *host, char *out, size_t size)
{
    char text[SAS_KEY_TEXT_MAX];
    struct sas_key key;
    struct buf b;
    enum rc rc = hub_policy_key(str_from(d->seed), STR("iothubowner"), &key);

    if (rc)
        return rc;
    sas_key_print(&key, text);
    buf_init(&b, size - 1);
    connection_string_print(
        &b, &(struct connection_string){.host = str_from(host), .key_name = STR("iothubowner"), .key = str_from(text)});
    rc = b.rc;
    if (!rc)
        memcpy(out, b.at, b.len + 1);
    buf_done(&b);
    explicit_bzero(text, sizeof text);
    explicit_bzero(&key, sizeof key);
    return rc;
}
