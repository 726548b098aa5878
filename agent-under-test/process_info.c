/* process_info.c - reading /proc/PID. */
#include "process_info.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BETWEEN 17 /* fields between the parent and the start time in /proc/PID/stat */

/* Read up to size - 1 bytes of /proc/PID/name; returns how many, 0 also when it is gone. */
static size_t read_small(const struct collect_roots *roots, int64_t pid, const char *name, char *out, size_t size)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/%s", pid, name);
    return collect_small(roots, path, out, size);
}

/* The name before the fields may hold anything, so count from its last parenthesis. */
bool process_info_stat(const struct collect_roots *roots, int64_t pid, struct process_info *out)
{
    char text[1024], *after;
    struct str rest;

    out->pid = pid;
    (void)read_small(roots, pid, "stat", text, sizeof text);
    after = strrchr(text, ')');
    if (!after || strlen(after) < 4)
        return false;
    rest = str_from(after + 4); /* ") S " */
    if (str_to_number(str_cut(&rest, ' '), INT32_MAX, &out->parent))
        return false;
    for (int i = 0; i < BETWEEN; i++)
        (void)str_cut(&rest, ' ');
    return str_to_number(str_cut(&rest, ' '), INT64_MAX / 10, &out->started) == RC_OK;
}

void process_info_details(const struct collect_roots *roots, struct process_info *out)
{
    char path[64], full[COLLECT_PATH_MAX];
    struct stat st;
    ssize_t link = 0;
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%" PRId64, out->pid);
    out->user = !collect_path(roots, path, full) || stat(full, &st) ? 0 : st.st_uid;
    n = read_small(roots, out->pid, "cmdline", out->command_line, sizeof out->command_line);
    while (n && out->command_line[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++)
        if (out->command_line[i] == '\0')
            out->command_line[i] = ' ';
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/exe", out->pid);
    if (collect_path(roots, path, full))
        link = readlink(full, out->executable, sizeof out->executable - 1);
    out->executable[link > 0 ? link : 0] = '\0';
    if (link > 0)
        return;
    n = read_small(roots, out->pid, "comm", out->executable, sizeof out->executable);
    if (n && out->executable[n - 1] == '\n')
        out->executable[n - 1] = '\0';
}

void process_info_each(const struct collect_roots *roots, bool (*visit)(void *context, int64_t pid), void *context)
{
    char full[COLLECT_PATH_MAX];
    struct dirent *entry;
    int64_t pid;
    DIR *dir = collect_path(roots, "/proc", full) ? opendir(full) : NULL;

    while (dir && (entry = readdir(dir)))
        if (str_to_number(str_from(entry->d_name), INT32_MAX, &pid) == RC_OK && !visit(context, pid))
            break;
    if (dir)
        (void)closedir(dir);
}
