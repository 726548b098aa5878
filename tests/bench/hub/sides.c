/* sides.c - see sides.h. */
#include "sides.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hub.h"
#include "hub_process.h"
#include "mqtt_wire.h"
#include "remove_tree.h"
#include "service.h"

static void stop_process(pid_t pid)
{
    if (!pid)
        return;
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

/* --- the bare broker ------------------------------------------------------------------------------------------ */

static void wait_for_port(const char *host, int port)
{
    static struct wire w;
    struct timespec pause = {0, 5000000};

    for (int tries = 0; tries < 1000; tries++) {
        if (wire_open(&w, host, port)) {
            wire_close(&w);
            return;
        }
        (void)nanosleep(&pause, NULL); /* NOLINT: asks 200 times a second whether it listens */
    }
    wire_die("the bare broker does not listen");
}

pid_t echo_start(const char *dir, const char *host, bool tls)
{
    char path[512], log[512];
    FILE *f;
    pid_t pid;

    (void)snprintf(path, sizeof path, "%s/echo.conf", dir);
    (void)snprintf(log, sizeof log, "%s/echo.err", dir);
    f = fopen(path, "we");
    if (!f)
        wire_die(path);
    (void)fprintf(f,
                  "allow_anonymous true\nset_tcp_nodelay true\nsys_interval 0\nlog_dest file %s/echo.log\n"
                  "max_packet_size 393216\nlistener %d %s\nmax_qos 1\n",
                  dir, ECHO_PORT, host);
    if (geteuid() == 0)
        (void)fputs("user root\n", f); /* as the hub's own; else it becomes a user who may not read our files */
    if (tls)
        (void)fprintf(f, "certfile %s/server.pem\nkeyfile %s/server.key\n", dir, dir);
    if (fclose(f))
        wire_die(path);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen(log, "we", stderr)) /* what it says of being root */
            (void)execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        (void)execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    wait_for_port(host, ECHO_PORT);
    return pid;
}

void echo_stop(pid_t broker)
{
    stop_process(broker);
}

void echo_is(struct load *l, pid_t broker)
{
    l->pids[0] = broker;
    l->n_pids = 1;
}

void echo_connect(struct load *l, const char *host, SSL_CTX *tls, const char *root)
{
    for (size_t i = 0; i < l->n; i++) {
        char id[32], mine[96];

        (void)snprintf(id, sizeof id, "%s-%zu", l->name, i);
        (void)snprintf(mine, sizeof mine, "%s/%zu/#", root, i);
        load_connect(l, i, tls, host, ECHO_PORT, id, NULL, NULL, mine);
    }
}

/* --- the hub -------------------------------------------------------------------------------------------------- */

static cJSON *command_of(const char *text)
{
    cJSON *tree;

    if (json_read(str_from(text), &tree, NULL))
        wire_die("command");
    return tree;
}

static void ignore_event(void *arg, const cJSON *event)
{
    (void)arg;
    (void)event;
}

static pid_t start_listener(const struct hub_file *hub)
{
    struct service *s;
    char why[512];
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (service_connect(hub, &s, why, sizeof why) || service_listen(s, STR(""), ignore_event, NULL))
        _exit(1);
    while (service_wait(s, 1000) == RC_OK)
        ;
    (void)fprintf(stderr, "listener: missed %llu events\n", (unsigned long long)service_missed(s));
    _exit(0);
}

static void make_identities(struct service *s, const struct hub_settings *set)
{
    char text[2048], padding[1024];
    cJSON *body;
    int status;
    /* what stands around the text counts, too */
    size_t len = set->twin_bytes > 84 ? set->twin_bytes - 84 : 0;

    memset(padding, 'x', sizeof padding);
    for (size_t i = 0; i < set->identities; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"command\":\"device.create\",\"deviceId\":\"bench-%zu\",\"twin\":{\"properties\":{"
                       "\"desired\":{\"config\":{\"text\":\"%.*s\"}},\"reported\":{\"state\":{\"counter\":0}}}}}",
                       i, (int)len, padding);
        if (service_command(s, command_of(text), 5000, &status, &body) || status != 200)
            wire_die("device.create");
        cJSON_Delete(body);
    }
}

void hub_side_start(struct hub_side *side, const struct hub_settings *set)
{
    struct hub_process_options options = {.mqtt_port = set->plain ? HUB_MQTT_PORT : 0, .durability = set->durability};
    struct service *service;
    char why[512];

    (void)snprintf(side->dir, sizeof side->dir, "/tmp/twinsim-bench-XXXXXX");
    if (!mkdtemp(side->dir) || loopback_take(HUB_MQTTS_PORT, side->host, &side->lock))
        wire_die("a directory and an address");
    options.data_dir = side->dir;
    options.host = side->host;
    options.no_gateway = !set->gateway;
    if (hub_process_start(&options, &side->hub, why, sizeof why) ||
        service_connect(hub_process_file(side->hub), &service, why, sizeof why)) {
        (void)fprintf(stderr, "bench_hub: %s\n", why);
        exit(1);
    }
    make_identities(service, set);
    service_free(service);
    if (set->anew) {
        hub_process_stop(side->hub);
        if (hub_process_restart(side->hub, why, sizeof why))
            wire_die(why);
    }
    side->listener = set->listen ? start_listener(hub_process_file(side->hub)) : 0;
}

void hub_side_stop(struct hub_side *side)
{
    stop_process(side->listener);
    hub_process_free(side->hub);
    (void)close(side->lock);
    remove_tree(side->dir);
}

void hub_side_is(const struct hub_side *side, struct load *l)
{
    _Static_assert(MAX_PROCESSES >= HUB_PROCESS_PIDS, "all processes of a hub");
    l->n_pids = hub_process_pids(side->hub, l->pids);
}

void hub_side_connect(const struct hub_side *side, struct load *l, SSL_CTX *tls)
{
    const struct str seed = STR("twinsim-development-keys"), host = str_from(side->host);

    for (size_t i = 0; i < l->n; i++) {
        char device[32], user[128];
        struct sas_key primary, secondary;
        struct buf token;
        struct ident id;

        (void)snprintf(device, sizeof device, "bench-%zu", i);
        (void)snprintf(user, sizeof user, "%s/%s/?api-version=2021-04-12", side->host, device);
        id = (struct ident){str_from(device), {NULL, 0}};
        hub_identity_keys(seed, id, 0, &primary, &secondary);
        buf_init(&token, 0);
        sas_token_make(&token, host, &id, STR(""), &primary, (int64_t)time(NULL) + 3600);
        load_connect(l, i, tls, side->host, tls ? HUB_MQTTS_PORT : HUB_MQTT_PORT, device, user, token.at,
                     "$iothub/twin/res/#");
        buf_done(&token);
    }
}
