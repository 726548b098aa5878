/* tool.c - posix_spawn, a pipe and a limit. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_OTHER_FD 3

static int64_t mono_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Start it in a group of its own, with our signals' usual meaning and none of our files. */
static bool start(const char *const *arguments, int output, pid_t *pid)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
    char *const environment[] = {path, locale, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    bool ok;

    if (posix_spawn_file_actions_init(&files))
        return false;
    if (posix_spawnattr_init(&how)) {
        (void)posix_spawn_file_actions_destroy(&files);
        return false;
    }
    ok = !sigemptyset(&none) && !sigemptyset(&usual) && !sigaddset(&usual, SIGPIPE) &&
         !posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) &&
         !posix_spawnattr_setpgroup(&how, 0) && !posix_spawnattr_setsigmask(&how, &none) &&
         !posix_spawnattr_setsigdefault(&how, &usual) &&
         !posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) &&
         !posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO) &&
         !posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) &&
         !posix_spawn_file_actions_addclosefrom_np(&files, FIRST_OTHER_FD) &&
         !posix_spawn(pid, arguments[0], &files, &how, (char *const *)(const void *)arguments, environment);
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return ok;
}

/* Read until it closes its output. */
static enum rc output_read(int from, int64_t deadline, struct buf *out)
{
    char block[4096];

    for (;;) {
        struct pollfd fd = {.fd = from, .events = POLLIN};
        int64_t left = deadline - mono_ms();
        ssize_t n;
        if (left <= 0)
            return RC_IO;
        if (poll(&fd, 1, left > INT32_MAX ? INT32_MAX : (int)left) <= 0)
            continue; /* time is over, or a signal came */
        n = read(from, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? RC_IO : RC_OK;
        buf_add(out, str_of(block, (size_t)n));
        if (out->rc)
            return out->rc;
    }
}

/* Wait for its end; a program that closed its output and stays is killed when the time is over. */
static enum rc end_wait(pid_t pid, int64_t deadline)
{
    int status = 0;

    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        const struct timespec little = {.tv_nsec = 2000000};
        if (ended == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RC_OK : RC_IO;
        if (ended < 0 && errno != EINTR)
            return RC_IO;
        if (mono_ms() >= deadline)
            return RC_IO;
        (void)nanosleep(&little, NULL);
    }
}

enum rc tool_run(const char *const *arguments, int64_t limit_ms, struct buf *out)
{
    int64_t deadline = mono_ms() + limit_ms;
    int ends[2], status;
    pid_t pid;
    enum rc rc;

    buf_init(out, TOOL_OUTPUT_MAX);
    if (pipe2(ends, O_CLOEXEC))
        return RC_IO;
    if (!start(arguments, ends[1], &pid)) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return RC_NOT_FOUND;
    }
    (void)close(ends[1]);
    rc = output_read(ends[0], deadline, out);
    if (!rc)
        rc = end_wait(pid, deadline);
    (void)close(ends[0]);
    /* It may be over already, its group not: what it left behind ends here. */
    (void)kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return rc;
}
