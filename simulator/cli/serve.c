/* serve.c - see serve.h. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "files.h"
#include "show.h"
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
            {STDOUT_FILENO, POLLOUT, 0}, {up->signals, POLLIN, 0}, {hub_process_fd(up->hub), POLLIN, 0}};
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
        struct pollfd wait[3] = {{up->signals, POLLIN, 0}, {hub_process_fd(up->hub), POLLIN, 0}, {-1, POLLIN, 0}};
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
            return cli_fail(up->cli, CLI_HUB, "%s has ended on its own (%s); the end of %s:\n%s",
                            hub_process_ended_name(up->hub), hub_process_ending(up->hub), hub_process_log(up->hub),
                            hub_process_last_words(up->hub));
        if (rc && listen) { /* cut off, but the broker lives: go on without events */
            (void)fprintf(stderr, "twinsim: the event stream was lost; the hub goes on\n");
            listen = false;
        }
        hub_process_trim_log(up->hub);
    }
    return CLI_OK;
}

static int start(struct up *up, const struct hub_process_options *options, struct identity_files *seeds)
{
    size_t made = 0, stayed = 0;
    char why[WHY_MAX] = "";
    int code = CLI_OK;

    if (hub_process_start(options, &up->hub, why, sizeof why))
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

/* What a detached hub has to say after its start goes to a file; what the hub before it had to say is forgotten. */
static void settle_up_log(const struct cli *c, bool is_detached)
{
    char path[PATH_MAX];
    int fd;

    if (path_join(path, c->data_dir, "up.log"))
        return;
    if (!is_detached) {
        (void)unlink(path);
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)dup2(fd, STDERR_FILENO);
        (void)close(fd);
    }
}

int serve(struct cli *c, const struct hub_process_options *options, struct identity_files *seeds, int report)
{
    bool listen = report < 0 && !cli_flag(c, "quiet");
    struct up up = {.cli = c, .signals = open_signals()};
    struct buf ready;
    int code;

    buf_init(&ready, 0);
    code = up.signals < 0 ? cli_fail(c, CLI_HUB, "no signalfd: %s", strerror(errno)) : start(&up, options, seeds);
    if (!code && print_ready(&up, &ready))
        code = cli_no_memory(c);
    if (!code)
        settle_up_log(c, report >= 0);
    if (!code && report < 0) {
        put(&up, buf_view(&ready));
        if (listen)
            code = listen_to_events(&up);
    } else if (!code) {
        talk_close(c); /* only the seeds needed it */
        if (write(report, ready.at, ready.len) != (ssize_t)ready.len)
            up.is_stopped = true; /* nobody waits for this hub any more */
        (void)close(report);
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
