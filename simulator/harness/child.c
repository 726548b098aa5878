/* child.c - see child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "why.h"

#define LAST_LINES 12u

void child_init(struct child *c)
{
    memset(c, 0, sizeof *c);
    c->pidfd = c->ready = -1;
}

static int64_t mono_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A datagram socket under an abstract name that the kernel chose; the name, as NOTIFY_SOCKET wants it, goes to name. */
static int notify_open(char name[16])
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof at.sun_family; /* no name: the kernel picks one */
    int one = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&at, len) || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof one))
        goto failed;
    len = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &len) || len <= offsetof(struct sockaddr_un, sun_path) + 1)
        goto failed;
    (void)snprintf(name, 16, "@%.*s", (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), at.sun_path + 1);
    return fd;

failed:
    (void)close(fd);
    return -1;
}

/* One datagram: does our own child say that it is ready? Anybody may send; the kernel vouches for the sender's pid. */
static bool notify_says_ready(int fd, pid_t from)
{
    char text[512], control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {text, sizeof text};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c;
    struct ucred sender = {0};

    if (n <= 0)
        return false;
    c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
        memcpy(&sender, CMSG_DATA(c), sizeof sender);
    return sender.pid == from && memmem(text, (size_t)n, "READY=1", 7) != NULL;
}

/* What the child says READY on: our end, and the other one (a pipe's) or a name (a socket's). */
struct channel {
    int ours, theirs;
    char name[16];
};

static bool channel_open(const struct child_start *how, struct channel *out)
{
    int ends[2];

    *out = (struct channel){-1, -1, ""};
    if (!how->ready_arg) {
        out->ours = notify_open(out->name);
        return out->ours >= 0;
    }
    if (pipe2(ends, O_CLOEXEC))
        return false;
    out->ours = ends[0];
    out->theirs = ends[1];
    return true;
}

/* In the child: become that program. Only ends by exec or exit. */
static void become(const struct child_start *how, int log, const struct channel *channel, pid_t parent)
{
    const char *args[CHILD_ARGS_MAX];
    char *argv[CHILD_ARGS_MAX], number[16];
    struct rlimit files;
    sigset_t none;
    int nothing;

    (void)setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
        _exit(127); /* the parent is gone already */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536; /* a descriptor a connection */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    if (how->inherit >= 0)
        (void)fcntl(how->inherit, F_SETFD, 0);
    (void)umask(0077);
    memcpy(args, how->args, sizeof args);
    if (how->ready_arg) {
        (void)fcntl(channel->theirs, F_SETFD, 0);
        (void)snprintf(number, sizeof number, "%d", channel->theirs);
        args[how->ready_arg] = number;
    } else {
        (void)setenv("NOTIFY_SOCKET", channel->name, 1);
    }
    if (how->preload && how->preload[0])
        (void)setenv("LD_PRELOAD", how->preload, 1);
    memcpy(argv, args, sizeof argv); /* exec writes to none of them */
    (void)execv(args[0], argv);
    (void)dprintf(2, "%s cannot be started: %s\n", args[0], strerror(errno));
    _exit(127);
}

static bool says_ready(const struct child *c)
{
    char text[16];

    if (c->is_notified)
        return notify_says_ready(c->ready, c->pid);
    return read(c->ready, text, sizeof text) > 0;
}

static enum rc wait_ready(const struct child *c, int timeout_ms)
{
    struct pollfd wait[2] = {{c->ready, POLLIN, 0}, {c->pidfd, POLLIN, 0}};
    int64_t end = mono_ms() + timeout_ms;

    for (;;) {
        int64_t left = end - mono_ms();
        int n = left > 0 ? poll(wait, 2, (int)left) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? RC_TIMEOUT : RC_IO;
        if ((wait[0].revents & POLLIN) && says_ready(c))
            return RC_OK;
        if (wait[1].revents)
            return RC_IO;
        if (wait[0].revents & POLLHUP)
            wait[0].fd = -1; /* it closed it without a word: it is about to end */
    }
}

const char *child_ending(const struct child *c, char out[CHILD_ENDING_MAX])
{
    if (WIFSIGNALED(c->status))
        (void)snprintf(out, CHILD_ENDING_MAX, "signal %d, %s", WTERMSIG(c->status), strsignal(WTERMSIG(c->status)));
    else
        (void)snprintf(out, CHILD_ENDING_MAX, "exit status %d", WEXITSTATUS(c->status));
    return out;
}

enum rc child_spawn(const struct child_start *how, struct child *out, char *why, size_t why_size)
{
    struct channel channel;
    pid_t parent = getpid();
    int log;

    child_init(out);
    out->name = how->name;
    out->is_notified = !how->ready_arg;
    (void)snprintf(out->log, sizeof out->log, "%s", how->log);
    /* O_APPEND, so that cutting a long log while the child writes leaves no hole */
    log = open(how->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return why_not(why, why_size, RC_IO, "%s cannot be started: %s: %s", how->name, how->log, strerror(errno));
    if (!channel_open(how, &channel)) {
        (void)close(log);
        return why_not(why, why_size, RC_IO, "%s cannot be started: %s", how->name, strerror(errno));
    }
    out->ready = channel.ours;
    out->pid = fork();
    if (out->pid == 0)
        become(how, log, &channel, parent);
    if (out->pid > 0)
        out->pidfd = pidfd_open(out->pid, 0);
    (void)close(log);
    if (channel.theirs >= 0)
        (void)close(channel.theirs);
    if (out->pid > 0 && out->pidfd >= 0)
        return RC_OK;
    (void)why_not(why, why_size, RC_IO, "%s cannot be started: %s", how->name, strerror(errno));
    child_kill(out);
    return RC_IO;
}

enum rc child_wait_ready(struct child *c, int timeout_ms, char *why, size_t why_size)
{
    char ended[CHILD_ENDING_MAX];
    enum rc rc = wait_ready(c, timeout_ms);

    if (rc == RC_TIMEOUT) {
        rc = why_not(why, why_size, RC_TIMEOUT, "%s was not ready within %d s; the end of %s:\n%s", c->name,
                     timeout_ms / 1000, c->log, child_last_words(c));
    } else if (rc && child_has_ended(c)) {
        const char *words = child_last_words(c);

        rc = strstr(words, "Address already in use") ? RC_BUSY : RC_IO;
        rc = why_not(why, why_size, rc, "%s ended at once (%s); the end of %s:\n%s", c->name, child_ending(c, ended),
                     c->log, words);
    }
    if (rc) {
        child_kill(c);
    } else {
        (void)close(c->ready);
        c->ready = -1;
    }
    return rc;
}

static void collect(struct child *c, int flags)
{
    pid_t got;

    do
        got = waitpid(c->pid, &c->status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return;
    /* ended; or somebody else in this process collected it already */
    c->pid = 0;
    if (c->pidfd >= 0)
        (void)close(c->pidfd);
    c->pidfd = -1;
}

bool child_has_ended(struct child *c)
{
    struct pollfd wait = {c->pidfd, POLLIN, 0};

    if (c->pid > 0 && (c->pidfd < 0 || poll(&wait, 1, 0) > 0))
        collect(c, c->pidfd < 0 ? WNOHANG : 0);
    return c->pid <= 0;
}

/* Wait for its end; false when it takes longer. */
static bool wait_end(struct child *c, int timeout_ms)
{
    struct pollfd wait = {c->pidfd, POLLIN, 0};
    int64_t end = mono_ms() + timeout_ms;
    int n;

    do
        n = poll(&wait, 1, (int)(end > mono_ms() ? end - mono_ms() : 0));
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static void wake(const char *socket_path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    if (strlen(socket_path) < sizeof at.sun_path) {
        memcpy(at.sun_path, socket_path, strlen(socket_path) + 1);
        (void)connect(fd, (const struct sockaddr *)&at, sizeof at);
    }
    (void)close(fd);
}

static void close_ready(struct child *c)
{
    if (c->ready >= 0)
        (void)close(c->ready);
    c->ready = -1;
}

void child_stop(struct child *c, int timeout_ms, const char *poke)
{
    close_ready(c);
    if (child_has_ended(c))
        return;
    (void)kill(c->pid, SIGTERM);
    if (poke)
        wake(poke);
    if (wait_end(c, timeout_ms))
        collect(c, 0);
    else
        child_kill(c);
}

void child_kill(struct child *c)
{
    close_ready(c);
    if (c->pid <= 0)
        return;
    (void)kill(c->pid, SIGKILL);
    collect(c, 0);
}

const char *child_last_words(struct child *c)
{
    size_t lines = 0, at, n = 0;
    ssize_t got = 0;
    struct stat st;
    int fd = open(c->log, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0) {
        off_t room = (off_t)sizeof c->words - 1;

        got = pread(fd, c->words, sizeof c->words - 1, st.st_size > room ? st.st_size - room : 0);
    }
    if (fd >= 0)
        (void)close(fd);
    n = got > 0 ? (size_t)got : 0;
    while (n && c->words[n - 1] == '\n')
        n--;
    c->words[n] = '\0';
    for (at = n; at > 0; at--)
        if (c->words[at - 1] == '\n' && ++lines == LAST_LINES)
            break;
    return n ? c->words + at : "(nothing)";
}

void child_trim_log(const struct child *c, off_t max)
{
    struct stat st;

    if (stat(c->log, &st) == 0 && st.st_size > max)
        (void)truncate(c->log, 0);
}
