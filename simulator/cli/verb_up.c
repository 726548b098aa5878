/* verb_up.c - twinsim up: start a hub, say that it is ready, show its events until it is stopped. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "hub_process.h"
#include "identity_files.h"
#include "show.h"
#include "verbs.h"
#include "why.h"

#define TURN_MS   1000
#define CHUNK_MAX 4096u /* bytes that a pipe takes at once when poll calls it writable (PIPE_BUF) */

struct up {
    struct cli *cli;
    struct hub_process *hub;
    int signals;     /* signalfd: SIGINT, SIGTERM, SIGHUP */
    bool is_stopped; /* somebody asked for the end */
    bool is_deaf;    /* standard output is gone: nobody to tell */
    uint64_t missed; /* events told to be missed so far */
};

/* --- printing without ever being held up by a reader -------------------------------------------------------------------- */

static void take_signal(struct up *up)
{
    struct signalfd_siginfo info;

    if (read(up->signals, &info, sizeof info) == (ssize_t)sizeof info)
        up->is_stopped = true;
}

/* Write to standard output; gives up when the hub is to stop or has ended, so that a reader who does not read cannot hold us. */
static void put(struct up *up, struct str text)
{
    while (text.len && !up->is_stopped && !up->is_deaf) {
        struct pollfd wait[3] = {
            {STDOUT_FILENO, POLLOUT, 0}, {up->signals, POLLIN, 0}, {hub_process_pidfd(up->hub), POLLIN, 0}};
        ssize_t n;

        if (poll(wait, 3, -1) < 0)
            continue; /* EINTR */
        if (wait[1].revents)
            take_signal(up);
        if (wait[2].revents)
            return;
        if (!wait[0].revents)
            continue;
        n = write(STDOUT_FILENO, text.at, text.len < CHUNK_MAX ? text.len : CHUNK_MAX);
        if (n > 0)
            text = str_skip(text, (size_t)n);
        else if (n < 0 && errno != EINTR && errno != EAGAIN)
            up->is_deaf = true;
    }
}

static void on_event(void *arg, const cJSON *event)
{
    struct up *up = arg;
    struct buf line;

    buf_init(&line, 0);
    if (up->cli->json)
        json_print(&line, event);
    else
        show_event(&line, event);
    buf_add_char(&line, '\n');
    if (buf_ok(&line))
        put(up, buf_view(&line));
    buf_done(&line);
}

static void tell_missed(struct up *up)
{
    uint64_t missed = service_missed(up->cli->service);
    struct buf line;

    if (missed == up->missed)
        return;
    buf_init(&line, 0);
    buf_addf(&line, up->cli->json ? "{\"missed\":%llu}\n" : "(%llu events were missed: this reader was too slow)\n",
             (unsigned long long)(missed - up->missed));
    up->missed = missed;
    if (buf_ok(&line))
        put(up, buf_view(&line));
    buf_done(&line);
}

/* --- the hub's life ----------------------------------------------------------------------------------------------------- */

static enum rc print_ready(const struct up *up, struct buf *out)
{
    const struct hub_file *f = hub_process_file(up->hub);

    if (!up->cli->json) {
        buf_addf(out, "ready mqtts=%s:%d hostname=%s ca=%s data=%s\n", f->host, f->mqtts_port, f->hostname, f->ca_file,
                 hub_process_data_dir(up->hub));
        return out->rc;
    }
    buf_addf(out, "{\"ready\":{\"mqtts\":\"%s:%d\",\"hostname\":\"%s\",\"ca\":", f->host, f->mqtts_port, f->hostname);
    json_print_string(out, str_from(f->ca_file));
    buf_add(out, STR(",\"data\":"));
    json_print_string(out, str_from(hub_process_data_dir(up->hub)));
    buf_add(out, STR("}}\n"));
    return out->rc;
}

/* Signals come through a descriptor, so that none is lost between two waits. */
static int open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int wait_for_the_end(struct up *up, bool listen)
{
    while (!up->is_stopped) {
        struct pollfd wait[3] = {{up->signals, POLLIN, 0}, {hub_process_pidfd(up->hub), POLLIN, 0}, {-1, POLLIN, 0}};
        enum rc rc = RC_OK;

        if (listen) {
            wait[2].fd = service_fd(up->cli->service);
            if (service_wants_write(up->cli->service))
                wait[2].events |= POLLOUT;
        }
        if (poll(wait, 3, TURN_MS) < 0 && errno != EINTR)
            return cli_fail(up->cli, CLI_HUB, "waiting failed: %s", strerror(errno));
        if (wait[0].revents)
            take_signal(up);
        if (listen) {
            rc = service_turn(up->cli->service);
            tell_missed(up);
        }
        if (!up->is_stopped && hub_process_has_ended(up->hub))
            return cli_fail(up->cli, CLI_HUB, "mosquitto has ended on its own (%s); the end of %s/broker.log:\n%s",
                            hub_process_ending(up->hub), hub_process_data_dir(up->hub),
                            hub_process_last_words(up->hub));
        if (rc && listen) { /* cut off, but the broker lives: go on without events */
            (void)fprintf(stderr, "twinsim: the event stream was lost; the hub goes on\n");
            listen = false;
        }
        hub_process_trim_log(up->hub);
    }
    return CLI_OK;
}

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
        .forbidden_filter = cli_text(c, "forbidden-filter"),
    };
}

static int start(struct up *up, struct identity_files *seeds)
{
    struct hub_process_options options = read_options(up->cli);
    size_t made = 0, stayed = 0;
    char why[WHY_MAX] = "";
    int code = CLI_OK;

    if (hub_process_start(&options, &up->hub, why, sizeof why))
        return cli_fail(up->cli, CLI_HUB, "%s", why);
    if (seeds->len)
        code = talk_open(up->cli);
    if (!code && seeds->len)
        code = identity_files_send(up->cli, seeds, EXISTING_STAYS, true, &made, &stayed);
    return code;
}

static int listen_to_events(struct up *up)
{
    int code = talk_open(up->cli);

    if (!code && service_listen(up->cli->service, STR(""), on_event, up))
        code = cli_fail(up->cli, CLI_HUB, "the hub's events cannot be listened to");
    return code;
}

/* What a detached hub has to say after its start goes to a file. */
static void move_stderr(const struct cli *c)
{
    char path[PATH_MAX];
    int fd;

    if (path_join(path, c->data_dir, "up.log"))
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)dup2(fd, STDERR_FILENO);
        (void)close(fd);
    }
}

/* From start to end. report (may be -1) gets the ready line instead of standard output. */
static int serve(struct cli *c, struct identity_files *seeds, int report)
{
    bool listen = report < 0 && !cli_flag(c, "quiet");
    struct up up = {.cli = c, .signals = open_signals()};
    struct buf ready;
    int code;

    buf_init(&ready, 0);
    code = up.signals < 0 ? cli_fail(c, CLI_HUB, "no signalfd: %s", strerror(errno)) : start(&up, seeds);
    if (!code && print_ready(&up, &ready))
        code = cli_no_memory(c);
    if (!code && report < 0) {
        put(&up, buf_view(&ready));
        if (listen)
            code = listen_to_events(&up);
    } else if (!code) {
        talk_close(c); /* only the seeds needed it */
        if (write(report, ready.at, ready.len) != (ssize_t)ready.len)
            up.is_stopped = true; /* nobody waits for this hub any more */
        (void)close(report);
        move_stderr(c);
    }
    if (!code)
        code = wait_for_the_end(&up, listen);
    talk_close(c);
    hub_process_free(up.hub);
    if (up.signals >= 0)
        (void)close(up.signals);
    buf_done(&ready);
    return code;
}

/* --- in the background -------------------------------------------------------------------------------------------------- */

/* In the child: a session of its own, no terminal; standard error stays with the caller until the hub is ready. */
static int serve_detached(struct cli *c, struct identity_files *seeds, int report)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setsid();
    if (nothing >= 0) {
        (void)dup2(nothing, STDIN_FILENO);
        (void)dup2(nothing, STDOUT_FILENO);
        (void)close(nothing);
    }
    return serve(c, seeds, report);
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

static int detach(struct cli *c, struct identity_files *seeds)
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
        return serve_detached(c, seeds, report[1]);
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
    struct identity_files seeds = {NULL, 0, 0};
    int code = read_seeds(c, &seeds);

    if (!code)
        code = cli_flag(c, "detach") ? detach(c, &seeds) : serve(c, &seeds, -1);
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
    {.name = "history", .value = "N", .min = 1, .max = 1000000, .help = "versions kept of each twin; default 1000"},
    {.name = "cache-mb", .value = "N", .min = 1, .max = 1000000, .help = "ceiling for cached twins; default 256"},
    {.name = "token-skew",
     .value = "SECONDS",
     .min = 0,
     .max = 86400,
     .help = "grace after a token's expiry; default 0"},
    {.name = "forbidden-filter",
     .value = "HOW",
     .choices = "close|0x80",
     .help = "what a forbidden SUBSCRIBE gets: a closed connection or a refusal; default close"},
    {.name = "quiet", .help = "show no events"},
    {.name = "detach", .help = "return once the hub is ready, and leave it running; `twinsim down` stops it"},
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
                "twinsim up --seed ./backup --durability memory",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
