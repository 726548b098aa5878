/* agent_process.c - see agent_process.h. */
#include "agent_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "why.h"

#define READ_MAX ((size_t)1024 * 1024) /* bytes of output taken in one turn */

/* In the child: become the agent. Ends by exec, or tells errno through the pipe. */
static void become(const struct agent_process_options *o, int out, int failed, pid_t parent)
{
    sigset_t none;
    int nothing, error;

    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_DFL);
    nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || dup2(failed, 3) < 0 ||
        fcntl(3, F_SETFD, FD_CLOEXEC) || close_range(4, ~0U, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
        getppid() != parent || chdir(o->cwd)) {
        error = errno;
    } else {
        (void)execvpe(o->argv[0], o->argv, o->env);
        error = errno;
    }
    (void)!write(3, &error, sizeof error);
    _exit(127);
}

/* returns 0 when the child became the agent, else its errno */
static int wait_exec(int failed)
{
    int error = 0;
    ssize_t n;

    do
        n = read(failed, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? error : 0;
}

void agent_process_init(struct agent_process *p)
{
    *p = (struct agent_process){.pidfd = -1, .out = -1};
}

enum rc agent_process_start(const struct agent_process_options *options, struct agent_process *out, char *why,
                            size_t why_size)
{
    struct agent_process p = {.pid = 0, .pidfd = -1, .out = -1, .tail = options->tail};
    int output[2] = {-1, -1}, failed[2] = {-1, -1}, error;
    pid_t parent = getpid();
    enum rc rc = RC_IO;

    if (pipe2(output, O_CLOEXEC) || pipe2(failed, O_CLOEXEC) || fcntl(output[0], F_SETFL, O_NONBLOCK)) {
        rc = why_not(why, why_size, RC_IO, "no pipe for '%s': %s", options->argv[0], strerror(errno));
        goto done;
    }
    p.pid = fork();
    if (p.pid == 0)
        become(options, output[1], failed[1], parent);
    if (p.pid < 0) {
        p.pid = 0;
        rc = why_not(why, why_size, RC_IO, "cannot start '%s': %s", options->argv[0], strerror(errno));
        goto done;
    }
    (void)setpgid(p.pid, p.pid); /* both do: whoever comes first */
    (void)close(failed[1]);
    failed[1] = -1;
    error = wait_exec(failed[0]);
    if (error) {
        (void)waitpid(p.pid, NULL, 0);
        rc = why_not(why, why_size, error == ENOENT || error == ENOTDIR ? RC_NOT_FOUND : RC_IO,
                     "cannot start '%s' in %s: %s", options->argv[0], options->cwd, strerror(error));
        goto done;
    }
    p.pidfd = pidfd_open(p.pid, 0);
    if (p.pidfd < 0) {
        rc = why_not(why, why_size, RC_IO, "cannot watch '%s': %s", options->argv[0], strerror(errno));
        (void)kill(-p.pid, SIGKILL);
        (void)waitpid(p.pid, NULL, 0);
        goto done;
    }
    p.out = output[0];
    output[0] = -1;
    *out = p;
    rc = RC_OK;

done:
    for (int i = 0; i < 2; i++) {
        if (output[i] >= 0)
            (void)close(output[i]);
        if (failed[i] >= 0)
            (void)close(failed[i]);
    }
    return rc;
}

void agent_process_read(struct agent_process *p)
{
    char bytes[64 * 1024];
    size_t taken = 0;

    while (p->out >= 0 && taken < READ_MAX) {
        ssize_t n = read(p->out, bytes, sizeof bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            (void)close(p->out);
            p->out = -1;
            return;
        }
        tail_add(p->tail, str_of(bytes, (size_t)n));
        taken += (size_t)n;
    }
}

bool agent_process_has_ended(struct agent_process *p)
{
    struct pollfd wait = {p->pidfd, POLLIN, 0};
    pid_t got;

    if (p->pid == 0)
        return true;
    if (poll(&wait, 1, 0) <= 0)
        return false;
    do
        got = waitpid(p->pid, &p->status, 0);
    while (got < 0 && errno == EINTR);
    agent_process_read(p); /* its last words */
    p->pid = 0;
    (void)close(p->pidfd);
    p->pidfd = -1;
    return true;
}

void agent_process_signal(const struct agent_process *p, int signal)
{
    if (p->pid > 0)
        (void)kill(-p->pid, signal);
}

int agent_process_exit_code(const struct agent_process *p)
{
    return WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status);
}

void agent_process_print_end(const struct agent_process *p, struct buf *out)
{
    if (WIFSIGNALED(p->status))
        buf_addf(out, "signal %d (%s)", WTERMSIG(p->status), strsignal(WTERMSIG(p->status)));
    else
        buf_addf(out, "exit code %d", WEXITSTATUS(p->status));
}

void agent_process_done(struct agent_process *p)
{
    if (p->pidfd >= 0)
        (void)close(p->pidfd);
    if (p->out >= 0)
        (void)close(p->out);
    p->pidfd = p->out = -1;
    p->pid = 0;
}
