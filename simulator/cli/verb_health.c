/* verb_health.c - twinsim health */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "show.h"
#include "verbs.h"
#include "why.h"

#define ANSWER_MS 2000

/* The parts that must work, in the order in which one needs the one before. */
struct health {
    const char *broker, *plugin, *store, *gateway; /* "ok", "unknown", "off" (the gateway alone), or what is wrong */
    char why[WHY_MAX];
};

static void ask_plugin(struct cli *c, struct health *h)
{
    struct ask ask = ask_new("hub.status");
    cJSON *body = NULL;
    int status = 0;
    enum rc rc;

    if (ask.rc) {
        ask_drop(&ask);
        h->plugin = "out of memory";
        return;
    }
    rc = service_command(c->service, ask.doc, ANSWER_MS, &status, &body);
    if (rc)
        h->plugin = rc == RC_TIMEOUT ? "no answer within 2 s" : "the hub was lost";
    else if (status != 200)
        h->plugin = "refuses to say its status";
    else
        h->plugin = "ok";
    if (!rc && status == 200)
        h->store = cJSON_IsTrue(json_get(body, "healthy")) ? "ok" : "the store does not work; look into broker.log";
    cJSON_Delete(body);
}

/* Does it take a connection? Its door is tried, nothing more: a handshake would be told as a client. */
static const char *knock(const struct hub_file *hub)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)hub->mqtts_port)};
    const char *found = "takes no connections";
    int fd;

    if (!hub->gateway_pid)
        return "off";
    if (kill((pid_t)hub->gateway_pid, 0) && errno == ESRCH)
        return "its process is gone";
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return "unknown";
    if (inet_pton(AF_INET, strcmp(hub->host, "0.0.0.0") == 0 ? "127.0.0.1" : hub->host, &at.sin_addr) == 1 &&
        connect(fd, (const struct sockaddr *)&at, sizeof at) == 0)
        found = "ok";
    (void)close(fd);
    return found;
}

static void look(struct cli *c, struct health *h)
{
    h->broker = h->plugin = h->store = h->gateway = "unknown";
    if (hub_file_read(c->data_dir, &c->hub, h->why, sizeof h->why)) {
        h->broker = h->why;
        return;
    }
    h->gateway = knock(&c->hub);
    if (kill((pid_t)c->hub.broker_pid, 0) && errno == ESRCH) {
        h->broker = "its process is gone";
        return;
    }
    if (service_connect(&c->hub, &c->service, h->why, sizeof h->why)) {
        h->broker = h->why;
        return;
    }
    h->broker = "ok";
    ask_plugin(c, h);
}

static int print_json(const struct cli *c, const struct health *h, bool healthy)
{
    struct buf b;
    int code = CLI_OK;

    buf_init(&b, 0);
    buf_addf(&b, "{\"healthy\":%s,\"broker\":", healthy ? "true" : "false");
    json_print_string(&b, str_from(h->broker));
    buf_add(&b, STR(",\"plugin\":"));
    json_print_string(&b, str_from(h->plugin));
    buf_add(&b, STR(",\"store\":"));
    json_print_string(&b, str_from(h->store));
    buf_add(&b, STR(",\"gateway\":"));
    json_print_string(&b, str_from(h->gateway));
    buf_add_char(&b, '}');
    if (buf_ok(&b))
        (void)printf("%s\n", b.at);
    else
        code = cli_no_memory(c);
    buf_done(&b);
    return code;
}

static int run(struct cli *c)
{
    struct health h = {.why = ""};
    bool healthy;
    int code = CLI_OK;

    look(c, &h);
    healthy = strcmp(h.broker, "ok") == 0 && strcmp(h.plugin, "ok") == 0 && strcmp(h.store, "ok") == 0 &&
              (strcmp(h.gateway, "ok") == 0 || strcmp(h.gateway, "off") == 0);
    if (c->json)
        code = print_json(c, &h, healthy);
    else
        (void)printf("broker  %s\nplugin  %s\nstore   %s\ngateway %s\n", h.broker, h.plugin, h.store, h.gateway);
    if (code)
        return code;
    return healthy ? CLI_OK : CLI_NO;
}

const struct verb verb_health = {
    .name = "health",
    .summary = "Say whether broker, plugin, store and gateway all work; exit code 1 when not",
    .examples = "twinsim health\ntwinsim health --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
