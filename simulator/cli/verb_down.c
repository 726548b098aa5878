/* verb_down.c - twinsim down */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "files.h"
#include "verbs.h"

#define STOP_MS 15000

/* Who holds the directory: `up` writes its pid into the lock file. 0: nobody does. */
static pid_t holder(const struct cli *c)
{
    char path[PATH_MAX];
    struct buf text;
    long pid = 0;

    buf_init(&text, 64);
    if (!path_join(path, c->data_dir, "up.lock") && lock_is_held(path) && !file_read(path, &text))
        pid = strtol(text.at, NULL, 10);
    buf_done(&text);
    return pid > 0 ? (pid_t)pid : 0;
}

static int run(struct cli *c)
{
    pid_t pid = holder(c);
    struct pollfd wait = {-1, POLLIN, 0};
    int n;

    if (!pid) {
        (void)printf(c->json ? "{\"stopped\":false}\n" : "no hub runs on %s\n", c->data_dir);
        return CLI_OK;
    }
    wait.fd = pidfd_open(pid, 0);
    if (wait.fd < 0) /* it went by itself just now; its broker is about to */
        return errno == ESRCH
                   ? CLI_OK
                   : cli_fail(c, CLI_HUB, "the hub (pid %ld) cannot be watched: %s", (long)pid, strerror(errno));
    if (pidfd_send_signal(wait.fd, SIGTERM, NULL, 0) && errno != ESRCH) {
        (void)close(wait.fd);
        return cli_fail(c, CLI_HUB, "the hub (pid %ld) cannot be stopped: %s", (long)pid, strerror(errno));
    }
    do
        n = poll(&wait, 1, STOP_MS);
    while (n < 0 && errno == EINTR);
    (void)close(wait.fd);
    if (n <= 0)
        return cli_fail(c, CLI_HUB, "the hub (pid %ld) did not stop within %d s", (long)pid, STOP_MS / 1000);
    (void)printf(c->json ? "{\"stopped\":true}\n" : "stopped the hub on %s\n", c->data_dir);
    return CLI_OK;
}

const struct verb verb_down = {
    .name = "down",
    .summary = "Stop the hub; what it holds stays in its data directory",
    .examples = "twinsim down\ntwinsim down --data ./hub",
    .has_data = true,
    .has_json = true,
    .run = run,
};
