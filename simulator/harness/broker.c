/* broker.c - see broker.h. */
#include "broker.h"

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

#include "files.h"
#include "why.h"

#define LAST_LINES 12u

enum rc broker_find(char out[PATH_MAX])
{
    struct str rest = str_from(getenv("PATH"));
    static const char *const others[] = {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"};

    while (rest.at) {
        struct str dir = str_cut(&rest, ':');

        if (dir.len && dir.at[0] == '/' && snprintf(out, PATH_MAX, "%.*s/mosquitto", STR_FMT(dir)) < PATH_MAX &&
            access(out, X_OK) == 0)
            return RC_OK;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (access(others[i], X_OK) == 0) {
            memcpy(out, others[i], strlen(others[i]) + 1);
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
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

/* In the child: become mosquitto. Only ends by exec or exit. */
static void become(const struct broker_start *how, int log, const char *notify, pid_t parent)
{
    const char *preload = getenv("TWINSIM_BROKER_PRELOAD"); /* for instrumented builds of the plugin */
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
    (void)setenv("NOTIFY_SOCKET", notify, 1);
    if (preload && preload[0])
        (void)setenv("LD_PRELOAD", preload, 1);
    (void)execl(how->program, how->program, "-c", how->conf, (char *)NULL);
    (void)dprintf(2, "%s cannot be started: %s\n", how->program, strerror(errno));
    _exit(127);
}

static enum rc wait_ready(struct broker *b, int notify, int timeout_ms)
{
    struct pollfd wait[2] = {{notify, POLLIN, 0}, {b->pidfd, POLLIN, 0}};
    int64_t end = mono_ms() + timeout_ms;

    for (;;) {
        int64_t left = end - mono_ms();
        int n = left > 0 ? poll(wait, 2, (int)left) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? RC_TIMEOUT : RC_IO;
        if ((wait[0].revents & POLLIN) && notify_says_ready(notify, b->pid))
            return RC_OK;
        if (wait[1].revents)
            return RC_IO;
    }
}

const char *broker_ending(const struct broker *b, char out[BROKER_ENDING_MAX])
{
    if (WIFSIGNALED(b->status))
        (void)snprintf(out, BROKER_ENDING_MAX, "signal %d, %s", WTERMSIG(b->status), strsignal(WTERMSIG(b->status)));
    else
        (void)snprintf(out, BROKER_ENDING_MAX, "exit status %d", WEXITSTATUS(b->status));
    return out;
}

enum rc broker_start(const struct broker_start *how, struct broker *out, char *why, size_t why_size)
{
    struct broker *b = calloc(1, sizeof *b);
    char name[16], ended[BROKER_ENDING_MAX];
    int notify = -1, log = -1;
    pid_t parent = getpid();
    enum rc rc = RC_IO;

    if (!b)
        return why_not(why, why_size, RC_NOMEM, "out of memory");
    b->pidfd = -1;
    (void)snprintf(b->log, sizeof b->log, "%s", how->log);
    notify = notify_open(name);
    /* O_APPEND, so that cutting a long log while the broker writes leaves no hole */
    log = open(how->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (notify < 0 || log < 0) {
        rc = why_not(why, why_size, RC_IO, "mosquitto cannot be started: %s: %s",
                     notify < 0 ? "no notify socket" : how->log, strerror(errno));
        goto done;
    }
    b->pid = fork();
    if (b->pid == 0)
        become(how, log, name, parent);
    if (b->pid > 0)
        b->pidfd = pidfd_open(b->pid, 0);
    if (b->pid < 0 || b->pidfd < 0) {
        rc = why_not(why, why_size, RC_IO, "mosquitto cannot be started: %s", strerror(errno));
        goto done;
    }
    rc = wait_ready(b, notify, how->timeout_ms);
    if (rc == RC_TIMEOUT) {
        rc = why_not(why, why_size, RC_TIMEOUT, "mosquitto was not ready within %d s; the end of %s:\n%s",
                     how->timeout_ms / 1000, how->log, broker_last_words(b));
        goto done;
    }
    if (rc && broker_has_ended(b)) {
        const char *words = broker_last_words(b);

        rc = strstr(words, "Address already in use") ? RC_BUSY : RC_IO;
        rc = why_not(why, why_size, rc, "mosquitto ended at once (%s); the end of %s:\n%s", broker_ending(b, ended),
                     how->log, words);
        goto done;
    }

done:
    if (notify >= 0)
        (void)close(notify);
    if (log >= 0)
        (void)close(log);
    if (rc)
        broker_kill(b);
    else
        *out = *b;
    free(b);
    return rc;
}

static void collect(struct broker *b, int flags)
{
    pid_t got;

    do
        got = waitpid(b->pid, &b->status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return;
    /* ended; or somebody else in this process collected it already */
    b->pid = 0;
    if (b->pidfd >= 0)
        (void)close(b->pidfd);
    b->pidfd = -1;
}

bool broker_has_ended(struct broker *b)
{
    struct pollfd wait = {b->pidfd, POLLIN, 0};

    if (b->pid > 0 && (b->pidfd < 0 || poll(&wait, 1, 0) > 0))
        collect(b, b->pidfd < 0 ? WNOHANG : 0);
    return b->pid <= 0;
}

/* Wait for its end; false when it takes longer. */
static bool wait_end(struct broker *b, int timeout_ms)
{
    struct pollfd wait = {b->pidfd, POLLIN, 0};
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

void broker_stop(struct broker *b, int timeout_ms, const char *poke)
{
    if (broker_has_ended(b))
        return;
    (void)kill(b->pid, SIGTERM);
    if (poke)
        wake(poke);
    if (wait_end(b, timeout_ms))
        collect(b, 0);
    else
        broker_kill(b);
}

void broker_kill(struct broker *b)
{
    if (b->pid <= 0)
        return;
    (void)kill(b->pid, SIGKILL);
    collect(b, 0);
}

const char *broker_last_words(struct broker *b)
{
    size_t lines = 0, at, n = 0;
    ssize_t got = 0;
    struct stat st;
    int fd = open(b->log, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0) {
        off_t room = (off_t)sizeof b->words - 1;

        got = pread(fd, b->words, sizeof b->words - 1, st.st_size > room ? st.st_size - room : 0);
    }
    if (fd >= 0)
        (void)close(fd);
    n = got > 0 ? (size_t)got : 0;
    while (n && b->words[n - 1] == '\n')
        n--;
    b->words[n] = '\0';
    for (at = n; at > 0; at--)
        if (b->words[at - 1] == '\n' && ++lines == LAST_LINES)
            break;
    return n ? b->words + at : "(nothing)";
}

void broker_trim_log(const struct broker *b, off_t max)
{
    struct stat st;

    if (stat(b->log, &st) == 0 && st.st_size > max)
        (void)truncate(b->log, 0);
}
