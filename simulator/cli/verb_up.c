/* verb_up.c - twinsim up: a hub in the foreground, or (--detach) in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"
#include "verbs.h"
#include "why.h"

/* Read the seed files before anything starts: a mistake there needs no hub to be told. */
static int read_seeds(struct cli *c, struct identity_files *seeds)
{
    const char *path;
    int code = CLI_OK;

    for (size_t i = 0; !code && (path = cli_nth(c, "seed", i)) != NULL; i++)
        code = identity_files_read(c, path, seeds);
    return code;
}

static struct hub_process_options read_options(const struct cli *c)
{
    return (struct hub_process_options){
        .data_dir = c->data_dir,
        .host = cli_text(c, "host"),
        .hostname = cli_text(c, "hostname"),
        .mqtts_port = (int)cli_number(c, "mqtts-port", 0),
        .mqtt_port = (int)cli_number(c, "mqtt-port", 0),
        .durability = cli_text(c, "durability"),
        .keys = cli_text(c, "keys"),
        .ca_dir = cli_text(c, "ca"),
        .ca_unconstrained = cli_flag(c, "ca-unconstrained"),
        .allow_remote = cli_flag(c, "allow-remote"),
        .history = (unsigned)cli_number(c, "history", 0),
        .cache_bytes = (size_t)cli_number(c, "cache-mb", 0) * 1024 * 1024,
        .token_skew_s = cli_number(c, "token-skew", 0),
        .message_ttl_s = cli_number(c, "message-ttl", 0),
        .profile = cli_text(c, "profile"),
        .forbidden_filter = cli_text(c, "forbidden-filter"),
        .forbidden_will = cli_text(c, "forbidden-will"),
        .no_gateway = str_eq(str_from(cli_text(c, "gateway")), STR("off")),
        .max_idle_us = cli_number(c, "max-idle", 0) * INT64_C(1000000),
        .connect_timeout_us = cli_number(c, "connect-timeout", 0) * INT64_C(1000000),
        .fault_messages = cli_flag(c, "fault-messages") || cli_flag(c, "fault-messages-unanswered"),
        .fault_messages_unanswered = cli_flag(c, "fault-messages-unanswered"),
    };
}

/* --- in the background -------------------------------------------------------------------------------------------------- */

/* In the child: a session of its own, no terminal; standard error stays with the caller until the hub is ready. */
static int serve_detached(struct cli *c, const struct hub_process_options *options, struct identity_files *seeds,
                          int report)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setsid();
    if (nothing >= 0) {
        (void)dup2(nothing, STDIN_FILENO);
        (void)dup2(nothing, STDOUT_FILENO);
        (void)close(nothing);
    }
    return serve(c, options, seeds, report);
}

/* In the parent: hand on the ready line, or the exit code of the child that failed. */
static int wait_for_ready(const struct cli *c, pid_t child, int from)
{
    struct buf line;
    char chunk[1024];
    ssize_t n;
    int code = CLI_OK, status = 0;

    buf_init(&line, 0);
    while ((n = read(from, chunk, sizeof chunk)) != 0) {
        if (n > 0)
            buf_add(&line, str_of(chunk, (size_t)n));
        else if (errno != EINTR)
            break;
    }
    if (line.len && buf_ok(&line)) {
        (void)fputs(line.at, stdout);
    } else {
        pid_t got;

        do
            got = waitpid(child, &status, 0);
        while (got < 0 && errno == EINTR);
        code = got == child && WIFEXITED(status) && WEXITSTATUS(status)
                   ? WEXITSTATUS(status)
                   : cli_fail(c, CLI_HUB, "the hub ended before it was ready");
    }
    buf_done(&line);
    return code;
}

static int detach(struct cli *c, const struct hub_process_options *options, struct identity_files *seeds)
{
    int report[2];
    pid_t child;
    int code;

    if (pipe2(report, O_CLOEXEC))
        return cli_fail(c, CLI_HUB, "no pipe: %s", strerror(errno));
    child = fork();
    if (child < 0) {
        code = cli_fail(c, CLI_HUB, "no process: %s", strerror(errno));
    } else if (child == 0) {
        (void)close(report[0]);
        return serve_detached(c, options, seeds, report[1]);
    } else {
        (void)close(report[1]);
        report[1] = -1;
        code = wait_for_ready(c, child, report[0]);
    }
    (void)close(report[0]);
    if (report[1] >= 0)
        (void)close(report[1]);
    return code;
}

static int run(struct cli *c)
{
    struct hub_process_options options = read_options(c);
    struct identity_files seeds = {NULL, 0, 0};
    char why[WHY_MAX] = "";
    int code;

    if (hub_process_check(&options, why, sizeof why))
        return cli_fail(c, CLI_USAGE, "%s", why);
    code = read_seeds(c, &seeds);
    if (!code)
        code = cli_flag(c, "detach") ? detach(c, &options, &seeds) : serve(c, &options, &seeds, -1);
    identity_files_done(&seeds);
    return code;
}

static const struct option_spec options[] = {
    {.name = "host", .value = "ADDR", .help = "loopback address to listen on, 127.x.y.z; default 127.0.0.1"},
    {.name = "hostname", .value = "NAME", .help = "the hub's own name; default twinsim.azure-devices.test"},
    {.name = "mqtts-port",
     .value = "PORT",
     .min = 1,
     .max = 65535,
     .help = "MQTT over TLS; default 8883, the only one most SDKs know"},
    {.name = "mqtt-port",
     .value = "PORT",
     .choices = "off",
     .min = 1,
     .max = 65535,
     .help = "plain MQTT too; default off"},
    {.name = "seed",
     .value = "PATH",
     .is_many = true,
     .help = "identities to create: a file, or a directory that export wrote; existing ones stay"},
    {.name = "durability",
     .value = "D",
     .choices = "memory|process|power",
     .help = "what an acknowledged change survives: nothing, kill -9, a power cut; default process"},
    {.name = "keys",
     .value = "KIND",
     .choices = "well-known|fresh",
     .help = "development keys that everybody knows, or random ones; default well-known"},
    {.name = "allow-remote", .help = "let --host be no loopback address; needs --keys fresh"},
    {.name = "ca",
     .value = "DIR",
     .help = "where the CA lives; default ca in the data home, one for all hubs of a user"},
    {.name = "ca-unconstrained", .help = "a CA without name constraints, for TLS stacks that do not know them"},
    {.name = "history",
     .value = "N",
     .min = 1,
     .max = 1000000,
     .help = "versions of each twin kept at least; default 1000"},
    {.name = "cache-mb", .value = "N", .min = 1, .max = 1000000, .help = "ceiling for cached twins; default 256"},
    {.name = "message-ttl",
     .value = "SECONDS",
     .help = "how long a message to a device waits when its sender does not say; default 3600",
     .min = 60,
     .max = 172800},
    {.name = "token-skew",
     .value = "SECONDS",
     .min = 0,
     .max = 86400,
     .help = "grace after a token's expiry; default 0"},
    {.name = "profile",
     .value = "P",
     .help = "which hub it plays: gw-v2, gw-v1, edge-hub, with a tier (S1, S2x3) throttled so; default gw-v2"},
    {.name = "forbidden-filter",
     .value = "HOW",
     .choices = "close|0x80",
     .help = "what a forbidden SUBSCRIBE gets: a closed connection or a refusal; default close"},
    {.name = "forbidden-will",
     .value = "HOW",
     .choices = "refuse|drop",
     .help = "what a CONNECT with a will on another topic gets: a refusal, or in without it; default refuse"},
    {.name = "gateway",
     .value = "on|off",
     .choices = "on|off",
     .help = "the front door, which knows of PUBACKs, wills and ends; off: clients come to the broker; default on"},
    {.name = "max-idle",
     .value = "SECONDS",
     .min = 1,
     .max = 86400,
     .help = "the longest silence of a client, whatever its keep-alive; default 1767"},
    {.name = "connect-timeout",
     .value = "SECONDS",
     .min = 1,
     .max = 3600,
     .help = "how long a client may take until its CONNECT is there; default 60"},
    {.name = "fault-messages", .help = "honour the fault messages of the SDKs' own test suites"},
    {.name = "fault-messages-unanswered",
     .help = "the same, and one that ends the connection does so before it is acknowledged"},
    {.name = "quiet", .help = "show no events"},
    {.name = "detach",
     .help = "return once the hub is ready, and leave it running; `twinsim down` stops it. If it ends by itself, "
             "DIR/up.log says why"},
    OPTIONS_END,
};

const struct verb verb_up = {
    .name = "up",
    .summary = "Start a hub, and show what happens on it until Ctrl-C",
    .text = "Prints one line `ready mqtts=ADDR:PORT hostname=NAME ca=FILE data=DIR` when clients may come, then one "
            "line an event. "
            "What the hub holds stays in the data directory.",
    .examples = "twinsim up\n"
                "twinsim up --data ./hub --host 127.0.0.9 --detach\n"
                "twinsim up --seed ./backup --durability memory\n"
                "twinsim up --profile gw-v1,S1x2         # an older hub, throttled like one S1 with two units",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
