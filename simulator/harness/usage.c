/* usage.c - see usage.h. */
#include "usage.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOPS_MAX 64u

/* The first bytes of a file in /proc. returns how many, 0 when it is gone */
static size_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, out, size - 1);
        (void)close(fd);
    }
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

enum { FIELD_PARENT = 4, FIELD_GROUP = 5, FIELD_TIMES = 14, FIELD_LAST = 17 }; /* as proc(5) counts them */

struct stat_line {
    char state;
    pid_t parent, group;
    int64_t ticks; /* its own, and of children that it waited for */
};

/* "pid (name) state parent group ...", the times as fields 14 to 17; a name may hold anything. */
static bool read_stat(pid_t pid, struct stat_line *out)
{
    char text[1024], *at;
    int64_t field[FIELD_LAST + 1] = {0};

    if (read_proc(pid, "stat", text, sizeof text) == 0 || !(at = strrchr(text, ')')) || at[1] != ' ' || !at[2])
        return false;
    out->state = at[2];
    at += 3;
    for (size_t i = FIELD_PARENT; i <= FIELD_LAST; i++) {
        char *end;

        field[i] = strtoll(at, &end, 10);
        if (end == at)
            return false;
        at = end;
    }
    out->parent = (pid_t)field[FIELD_PARENT];
    out->group = (pid_t)field[FIELD_GROUP];
    out->ticks = 0;
    for (size_t i = FIELD_TIMES; i <= FIELD_LAST; i++)
        out->ticks += field[i];
    return true;
}

static bool is_below(pid_t pid, pid_t root)
{
    struct stat_line line;

    for (unsigned hops = 0; pid > 1 && hops < HOPS_MAX; hops++) {
        if (pid == root)
            return true;
        if (!read_stat(pid, &line))
            return false;
        pid = line.parent;
    }
    return false;
}

static int64_t peak_kb(pid_t pid)
{
    char text[4096];
    const char *at;

    (void)read_proc(pid, "status", text, sizeof text);
    at = strstr(text, "\nVmHWM:");
    return at ? strtoll(at + sizeof "\nVmHWM:" - 1, NULL, 10) : 0;
}

enum rc usage_read(pid_t root, struct usage *out)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    int64_t ticks = 0;
    long per_s = sysconf(_SC_CLK_TCK);

    if (!proc)
        return RC_IO;
    *out = (struct usage){0};
    while ((entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        struct stat_line line;

        if (!isdigit((unsigned char)entry->d_name[0]) || !read_stat(pid, &line) || line.state == 'Z')
            continue;
        if (line.group != root && !is_below(pid, root))
            continue;
        out->processes++;
        out->peak_kb += peak_kb(pid);
        ticks += line.ticks;
    }
    (void)closedir(proc);
    out->cpu_ms = ticks * 1000 / (per_s > 0 ? per_s : 100);
    return RC_OK;
}
