/* descendants.c - see descendants.h. */
#include "descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 2

struct process {
    pid_t pid, parent;
    bool is_dead, is_ours;
};

struct processes {
    struct process *at;
    size_t count, cap;
};

enum rc descendants_adopt(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1) ? RC_IO : RC_OK;
}

/* Read "pid (name) state parent ...": the name may hold anything, so look behind its last ')'. */
static bool read_process(const char *pid, struct process *out)
{
    char path[64], text[512];
    const char *close_at;
    char state, *end;
    long parent;
    int fd;
    ssize_t n;

    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    close_at = strrchr(text, ')');
    if (!close_at || close_at[1] != ' ' || !close_at[2] || close_at[3] != ' ')
        return false;
    state = close_at[2];
    parent = strtol(close_at + 4, &end, 10);
    if (end == close_at + 4)
        return false;
    *out = (struct process){
        .pid = (pid_t)strtol(pid, NULL, 10), .parent = (pid_t)parent, .is_dead = state == 'Z' || state == 'X'};
    return true;
}

static int by_pid(const void *a, const void *b)
{
    const struct process *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct process *find(const struct processes *all, pid_t pid)
{
    struct process wanted = {.pid = pid};

    return all->count ? bsearch(&wanted, all->at, all->count, sizeof *all->at, by_pid) : NULL;
}

static bool is_owned(pid_t pid, const pid_t *owned, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (owned[i] == pid)
            return true;
    return false;
}

/* Is it below us, without the spared one in between? A chain that broke meanwhile ends at 1. */
static bool is_below_us(const struct processes *all, const struct process *p, const pid_t *spare, size_t count)
{
    pid_t self = getpid();

    for (size_t hops = 0; p && hops < all->count; hops++) {
        if (p->pid == self || is_owned(p->pid, spare, count))
            return false;
        if (p->parent == self)
            return true;
        p = find(all, p->parent);
    }
    return false;
}

/* Every process of the machine, ours marked. An empty list when /proc or memory fails us. */
static struct processes look(const pid_t *spare, size_t count)
{
    struct processes all = {0};
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    while (proc && (entry = readdir(proc)) != NULL) {
        struct process p;

        if (!isdigit((unsigned char)entry->d_name[0]) || !read_process(entry->d_name, &p))
            continue;
        if (all.count == all.cap) {
            size_t cap = all.cap ? 2 * all.cap : 256;
            struct process *grown = realloc(all.at, cap * sizeof *grown);

            if (!grown)
                break;
            all.at = grown;
            all.cap = cap;
        }
        all.at[all.count++] = p;
    }
    if (proc)
        (void)closedir(proc);
    if (all.count)
        qsort(all.at, all.count, sizeof *all.at, by_pid);
    for (size_t i = 0; i < all.count; i++)
        all.at[i].is_ours = is_below_us(&all, &all.at[i], spare, count);
    return all;
}

unsigned descendants_signal(const pid_t *spare, size_t count, int signal)
{
    struct processes all = look(spare, count);
    unsigned alive = 0;

    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i].is_ours && !all.at[i].is_dead) {
            (void)kill(all.at[i].pid, signal);
            alive++;
        }
    }
    free(all.at);
    return alive;
}

void descendants_collect(const pid_t *owned, size_t count)
{
    siginfo_t info;

    for (;;) {
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == 0 ||
            is_owned(info.si_pid, owned, count))
            return; /* an owner collects it soon; then the next look goes on */
        (void)waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static int64_t mono_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Kill all and collect our dead children. returns how many were alive */
static unsigned kill_round(const pid_t *spare, size_t count)
{
    struct processes all;
    unsigned alive = 0, before;

    do { /* stopped, they make no more; until a look finds no new one */
        before = alive;
        alive = descendants_signal(spare, count, SIGSTOP);
    } while (alive > before);
    (void)descendants_signal(spare, count, SIGKILL);
    all = look(spare, count);
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].is_ours && all.at[i].parent == getpid())
            (void)waitpid(all.at[i].pid, NULL, WNOHANG);
    free(all.at);
    return alive;
}

unsigned descendants_end(const pid_t *spare, size_t count, int limit_ms, unsigned *left)
{
    int64_t end = mono_ms() + limit_ms;
    unsigned first = kill_round(spare, count);

    *left = first;
    while (*left) {
        *left = kill_round(spare, count);
        if (*left == 0 || mono_ms() >= end)
            break;
        (void)poll(NULL, 0, LOOK_AGAIN_MS); /* nobody tells us when a grandchild is gone: look again, a limited time */
    }
    return first;
}
