/* run_pool.c - many scenarios, a worker each, so many at a time; what they tell is passed on as it comes. */
#include "run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descendants.h"

#define JOBS_MAX    64u
#define LINE_MAX_   ((size_t)256 << 20)
#define CLEAN_UP_US (15 * US_PER_S) /* what workers get to clean up after a signal */
#define ONE_KEY_US                                                                                                     \
    (1 * US_PER_S) /* two signals within it are one keystroke: timeout(1) and npm pass it on to who had it already */

struct worker {
    pid_t pid; /* 0: free */
    int fd;
    size_t index;
    struct buf text;
};

struct pool {
    const struct run_options *options;
    struct scenario *const *scenarios;
    size_t count, next, running;
    const struct run_listener *listener;
    struct worker workers[JOBS_MAX];
    unsigned jobs;
    cJSON **results; /* by index; NULL: none yet */
    int signal_fd;
    bool is_ending;
    int64_t kill_us; /* when patience is over; 0: not ending */
};

/* before: what was blocked until now; may be NULL */
static void block_signals(sigset_t *set, sigset_t *before)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, set, before);
}

/* In the child: run one scenario and end. The signals are blocked already. */
static void become_worker(const struct pool *p, size_t index, int progress_fd, pid_t parent)
{
    sigset_t set;
    struct run_options own = *p->options;
    char record_file[PATH_MAX];
    int signal_fd;
    cJSON *result;

    (void)setpgid(0, 0); /* Ctrl-C is the parent's; it tells us with SIGTERM */
    block_signals(&set, NULL);
    for (size_t i = 0; i < p->jobs; i++)
        if (p->workers[i].pid)
            (void)close(p->workers[i].fd);
    (void)close(p->signal_fd);
    signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0 || descendants_adopt() || prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
        _exit(1);
    if (own.record && record_path(own.record, p->scenarios, index, record_file))
        _exit(1);
    own.record_file = own.record ? record_file : NULL;
    result = run_scenario(&own, p->scenarios[index], progress_fd, signal_fd);
    cJSON_Delete(result);
    (void)close(signal_fd);
    (void)close(progress_fd);
    exit(result ? 0 : 1);
}

static enum rc start_worker(struct pool *p, struct worker *w)
{
    int fds[2];
    pid_t parent = getpid();

    if (pipe2(fds, O_CLOEXEC))
        return RC_IO;
    w->index = p->next++;
    if (p->listener->on_start)
        p->listener->on_start(p->listener->arg, w->index);
    (void)fflush(NULL); /* what is buffered must not be printed twice */
    w->pid = fork();
    if (w->pid == 0) {
        w->pid = 0;
        (void)close(fds[0]);
        become_worker(p, w->index, fds[1], parent);
    }
    (void)close(fds[1]);
    if (w->pid < 0) {
        w->pid = 0;
        (void)close(fds[0]);
        return RC_IO;
    }
    w->fd = fds[0];
    buf_init(&w->text, LINE_MAX_);
    p->running++;
    return RC_OK;
}

/* A line of JSON from a worker. */
static void deal_with_line(struct pool *p, const struct worker *w, struct str line)
{
    cJSON *doc = NULL, *result;

    if (json_read(line, &doc, NULL))
        return; /* a worker that died in the middle; its end says so */
    if (json_get(doc, "step") && p->listener->on_step)
        p->listener->on_step(p->listener->arg, w->index, json_get(doc, "step"));
    result = json_get(doc, "result");
    if (result && !p->results[w->index])
        p->results[w->index] = cJSON_DetachItemViaPointer(doc, result);
    cJSON_Delete(doc);
}

static void deal_with_text(struct pool *p, struct worker *w)
{
    struct str rest = buf_view(&w->text);
    size_t kept;

    while (str_find(rest, '\n') < rest.len) {
        struct str line = str_cut(&rest, '\n');

        deal_with_line(p, w, line);
    }
    kept = rest.len;
    if (kept && rest.at != w->text.at)
        memmove(w->text.at, rest.at, kept);
    w->text.len = kept;
}

/* A result for a scenario that gave none. NULL: no memory */
static cJSON *empty_result(const struct scenario *s, enum verdict v, const char *message)
{
    cJSON *result = cJSON_CreateObject(), *failure = cJSON_CreateObject();

    if (result && failure && json_set(failure, "line", json_i64(1)) == RC_OK &&
        json_set(failure, "column", json_i64(1)) == RC_OK &&
        json_set(failure, "message", json_str(str_from(message))) == RC_OK &&
        json_set(result, "file", json_str(str_from(s->file))) == RC_OK &&
        json_set(result, "name", json_str(str_from(s->name))) == RC_OK &&
        json_set(result, "verdict", json_str(str_from(verdict_text(v)))) == RC_OK &&
        json_set(result, "ms", json_i64(0)) == RC_OK && json_set(result, "steps", cJSON_CreateArray()) == RC_OK) {
        if (json_set(result, "failure", failure) == RC_OK)
            return result;
        failure = NULL;
    }
    cJSON_Delete(failure);
    cJSON_Delete(result);
    return NULL;
}

/* Its orphans, if it died without ending them, are ours now: end them, and nobody else's. */
static void end_orphans(const struct pool *p)
{
    pid_t others[JOBS_MAX];
    unsigned left;

    for (size_t i = 0; i < p->jobs; i++)
        others[i] = p->workers[i].pid;
    (void)descendants_end(others, p->jobs, 5000, &left);
}

static enum rc end_worker(struct pool *p, struct worker *w)
{
    int status = 0;
    pid_t got;
    char message[128];

    do
        got = waitpid(w->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    (void)close(w->fd);
    buf_done(&w->text);
    w->pid = 0;
    p->running--;
    if (!p->results[w->index] || status != 0) {
        end_orphans(p);
        (void)snprintf(message, sizeof message, "the worker of this scenario ended with %s %d%s",
                       WIFSIGNALED(status) ? "signal" : "exit status",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                       p->results[w->index] ? " after its result" : "");
        cJSON_Delete(p->results[w->index]);
        p->results[w->index] =
            empty_result(p->scenarios[w->index], p->is_ending ? VERDICT_SKIPPED : VERDICT_ERROR, message);
        if (!p->results[w->index])
            return RC_NOMEM;
    }
    if (p->listener->on_done)
        p->listener->on_done(p->listener->arg, w->index, p->results[w->index]);
    return RC_OK;
}

/* Take what a worker wrote. */
static enum rc read_worker(struct pool *p, struct worker *w)
{
    char bytes[65536];
    ssize_t n = read(w->fd, bytes, sizeof bytes);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return RC_OK;
    if (n <= 0)
        return end_worker(p, w);
    buf_add(&w->text, str_of(bytes, (size_t)n));
    if (!buf_ok(&w->text))
        return RC_NOMEM;
    deal_with_text(p, w);
    return RC_OK;
}

static void signal_workers(const struct pool *p, int signal)
{
    for (size_t i = 0; i < p->jobs; i++)
        if (p->workers[i].pid)
            (void)kill(p->workers[i].pid, signal);
}

/* The first signal asks workers to clean up, the second (or too long a time) ends them. */
static void begin_end(struct pool *p)
{
    struct signalfd_siginfo info;

    while (read(p->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        int64_t now_us = run_now_us();

        if (!p->is_ending)
            p->kill_us = now_us + CLEAN_UP_US;
        else if (now_us > p->kill_us - CLEAN_UP_US + ONE_KEY_US)
            p->kill_us = now_us;
        p->is_ending = true;
    }
    signal_workers(p, SIGTERM);
}

static enum rc turn(struct pool *p)
{
    struct pollfd fds[JOBS_MAX + 1];
    enum rc rc = RC_OK;
    int ms = -1;

    if (p->is_ending) {
        int64_t left_us = p->kill_us - run_now_us();

        if (left_us <= 0)
            signal_workers(p, SIGKILL);
        ms = left_us > 0 ? (int)(left_us / 1000) + 1 : 1000;
    }
    fds[0] = (struct pollfd){p->signal_fd, POLLIN, 0};
    for (size_t i = 0; i < p->jobs; i++)
        fds[i + 1] = (struct pollfd){p->workers[i].pid ? p->workers[i].fd : -1, POLLIN, 0};
    if (poll(fds, p->jobs + 1, ms) < 0 && errno != EINTR)
        return RC_IO;
    if (fds[0].revents)
        begin_end(p);
    for (size_t i = 0; i < p->jobs && !rc; i++)
        if (p->workers[i].pid && fds[i + 1].revents)
            rc = read_worker(p, &p->workers[i]);
    return rc;
}

static enum rc run_pool(struct pool *p)
{
    enum rc rc = RC_OK;

    while (!rc && (p->running || (p->next < p->count && !p->is_ending))) {
        for (size_t i = 0; i < p->jobs && p->next < p->count && !p->is_ending && !rc; i++)
            if (!p->workers[i].pid)
                rc = start_worker(p, &p->workers[i]);
        if (!rc)
            rc = turn(p);
    }
    return rc;
}

/* Hand over results in order; those never started are skipped. */
static enum rc gather(struct pool *p, cJSON **out, bool *hub_lost)
{
    cJSON *all = cJSON_CreateArray();

    for (size_t i = 0; all && i < p->count; i++) {
        if (!p->results[i])
            p->results[i] = empty_result(p->scenarios[i], VERDICT_SKIPPED, "not run: interrupted before");
        if (!p->results[i] || !cJSON_AddItemToArray(all, p->results[i])) {
            cJSON_Delete(all);
            return RC_NOMEM;
        }
        *hub_lost = *hub_lost || json_get(p->results[i], "hubLost");
        p->results[i] = NULL;
    }
    *out = all;
    return all ? RC_OK : RC_NOMEM;
}

enum rc run_all(const struct run_options *options, struct scenario *const *scenarios, size_t count,
                const struct run_listener *listener, cJSON **results, bool *hub_lost)
{
    struct pool *p = calloc(1, sizeof *p);
    sigset_t set, before;
    enum rc rc = RC_NOMEM;

    if (!p)
        return RC_NOMEM;
    *hub_lost = false;
    p->options = options;
    p->scenarios = scenarios;
    p->count = count;
    p->listener = listener;
    p->jobs = options->jobs < 1 ? 1 : options->jobs > JOBS_MAX ? JOBS_MAX : options->jobs;
    p->results = calloc(count ? count : 1, sizeof *p->results);
    if (!p->results)
        goto done;
    block_signals(&set, &before);
    p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    rc = p->signal_fd < 0 ? RC_IO : descendants_adopt();
    if (!rc)
        rc = run_pool(p);
    if (rc) { /* our own failure: leave nobody behind */
        unsigned left;

        signal_workers(p, SIGTERM);
        (void)descendants_end(NULL, 0, 5000, &left);
    }
    if (!rc)
        rc = gather(p, results, hub_lost);
    if (p->signal_fd >= 0)
        (void)close(p->signal_fd);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);

done:
    for (size_t i = 0; p->results && i < count; i++)
        cJSON_Delete(p->results[i]);
    free(p->results);
    free(p);
    return rc;
}
