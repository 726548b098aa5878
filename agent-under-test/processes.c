/* processes.c - comparing two looks at /proc. */
#include "processes.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512
#define BETWEEN    17 /* fields between the parent and the start time in /proc/PID/stat */

/* One process as found. */
struct found {
    int64_t pid, parent, started;
    uint32_t user;
    char executable[PATH_BYTES];
    char command_line[PROCESSES_TEXT_MAX];
};

void processes_init(struct processes *p)
{
    *p = (struct processes){0};
}

static void groups_free(struct processes *p)
{
    for (size_t i = 0; i < p->group_count; i++) {
        free(p->groups[i].executable);
        free(p->groups[i].command_line);
    }
    free(p->groups);
    p->groups = NULL;
    p->group_count = 0;
}

void processes_done(struct processes *p)
{
    groups_free(p);
    free(p->known);
    processes_init(p);
}

/* Read up to size - 1 bytes of /proc/PID/name; returns how many, 0 also when it is gone. */
static size_t read_small(const struct collect_roots *roots, int64_t pid, const char *name, char *out, size_t size)
{
    char path[PATH_BYTES];
    size_t n = 0;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%" PRId64 "/%s", roots->proc, pid, name);
    f = fopen(path, "re");
    if (f) {
        n = fread(out, 1, size - 1, f);
        (void)fclose(f); /* it was only read */
    }
    out[n] = '\0';
    return n;
}

/* Read parent and start time. The name before them may hold anything, so count from its last parenthesis. */
static bool stat_read(const struct collect_roots *roots, struct found *p)
{
    char text[1024], *after;
    struct str rest;

    (void)read_small(roots, p->pid, "stat", text, sizeof text);
    after = strrchr(text, ')');
    if (!after || strlen(after) < 4)
        return false;
    rest = str_from(after + 4); /* ") S " */
    if (str_to_number(str_cut(&rest, ' '), INT32_MAX, &p->parent))
        return false;
    for (int i = 0; i < BETWEEN; i++)
        (void)str_cut(&rest, ' ');
    return str_to_number(str_cut(&rest, ' '), INT64_MAX / 10, &p->started) == RC_OK;
}

/* Fill in what only an event needs. A process that is gone meanwhile keeps what could be read. */
static void details_read(const struct collect_roots *roots, struct found *p)
{
    char path[PATH_BYTES];
    struct stat st;
    size_t n;
    ssize_t link;

    (void)snprintf(path, sizeof path, "%s/%" PRId64, roots->proc, p->pid);
    p->user = stat(path, &st) ? 0 : st.st_uid;
    n = read_small(roots, p->pid, "cmdline", p->command_line, sizeof p->command_line);
    while (n && p->command_line[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++)
        if (p->command_line[i] == '\0')
            p->command_line[i] = ' ';
    (void)snprintf(path, sizeof path, "%s/%" PRId64 "/exe", roots->proc, p->pid);
    link = readlink(path, p->executable, sizeof p->executable - 1);
    p->executable[link > 0 ? link : 0] = '\0';
    if (link > 0)
        return;
    n = read_small(roots, p->pid, "comm", p->executable, sizeof p->executable);
    if (n && p->executable[n - 1] == '\n')
        p->executable[n - 1] = '\0';
}

static int known_compare(const void *a, const void *b)
{
    const struct processes_known *left = a, *right = b;

    return (left->pid > right->pid) - (left->pid < right->pid);
}

/* List all processes, by pid. Returns how many; *out is then the caller's to free, NULL without memory. */
static size_t list(const struct collect_roots *roots, struct processes_known **out)
{
    struct processes_known *all = NULL, *more;
    size_t n = 0, room = 0;
    struct dirent *entry;
    struct found one;
    DIR *dir = opendir(roots->proc);

    while (dir && (entry = readdir(dir))) {
        if (str_to_number(str_from(entry->d_name), INT32_MAX, &one.pid) || !stat_read(roots, &one))
            continue;
        if (n == room) {
            room = room ? room * 2 : 256;
            more = realloc(all, room * sizeof *all);
            if (!more)
                break;
            all = more;
        }
        all[n++] = (struct processes_known){.pid = one.pid, .started = one.started};
    }
    if (dir)
        (void)closedir(dir);
    if (n)
        qsort(all, n, sizeof *all, known_compare);
    *out = all;
    return n;
}

static bool is_known(const struct processes *p, const struct processes_known *one)
{
    const struct processes_known *found = NULL;

    if (p->known_count)
        found = bsearch(one, p->known, p->known_count, sizeof *one, known_compare);
    return found && found->started == one->started;
}

/* Make the payload of one process or group; NULL without memory. hits 0: a single process. */
static cJSON *payload_new(const char *executable, const char *command_line, uint32_t user, int64_t pid, int64_t parent,
                          const struct processes_group *group)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_CreateObject(), *extra;
    char number[32], time[32];
    bool ok;

    (void)snprintf(number, sizeof number, "%" PRIu32, user);
    ok = payload && entry && cJSON_AddStringToObject(entry, "Executable", executable) &&
         cJSON_AddStringToObject(entry, "CommandLine", command_line) &&
         cJSON_AddStringToObject(entry, "UserId", number) && cJSON_AddNumberToObject(entry, "ProcessId", (double)pid) &&
         cJSON_AddNumberToObject(entry, "ParentProcessId", (double)parent);
    extra = ok && group ? cJSON_AddObjectToObject(entry, "ExtraDetails") : NULL;
    ok = ok && (extra || !group);
    if (ok && group) {
        /* Text throughout, as the schema has it; the real C agent writes HitCount as a number. */
        (void)snprintf(number, sizeof number, "%" PRIu64, group->hits);
        ok = cJSON_AddStringToObject(extra, "HitCount", number) != NULL;
        for (int i = 0; ok && i < 4; i++) {
            static const char *const names[] = {"StartTimeLocal", "StartTimeUtc", "EndTimeLocal", "EndTimeUtc"};
            event_time(i < 2 ? group->first_ms : group->last_ms, i % 2 == 0, time);
            ok = cJSON_AddStringToObject(extra, names[i], time) != NULL;
        }
    }
    if (ok && cJSON_AddItemToArray(payload, entry))
        return payload;
    cJSON_Delete(entry);
    cJSON_Delete(payload);
    return NULL;
}

/* Count a process with its kind. Returns false when there is no room for another kind. */
static bool group_count(struct processes *p, const struct found *one, int64_t wall_ms)
{
    struct processes_group *g, *more;

    for (size_t i = 0; i < p->group_count; i++) {
        g = &p->groups[i];
        if (g->user == one->user && strcmp(g->executable, one->executable) == 0 &&
            strcmp(g->command_line, one->command_line) == 0) {
            g->hits++;
            g->last_ms = wall_ms;
            return true;
        }
    }
    if (p->group_count == PROCESSES_GROUPS_MAX)
        return false;
    more = realloc(p->groups, (p->group_count + 1) * sizeof *more);
    if (!more)
        return false;
    p->groups = more;
    g = &p->groups[p->group_count];
    *g = (struct processes_group){.executable = strdup(one->executable),
                                  .command_line = strdup(one->command_line),
                                  .user = one->user,
                                  .hits = 1,
                                  .first_ms = wall_ms,
                                  .last_ms = wall_ms};
    if (!g->executable || !g->command_line) {
        free(g->executable);
        free(g->command_line);
        return false;
    }
    p->group_count++;
    return true;
}

static void groups_emit(struct processes *p, processes_emit *emit, void *context)
{
    for (size_t i = 0; i < p->group_count; i++) {
        const struct processes_group *g = &p->groups[i];
        emit(context, EVENT_AGGREGATED, payload_new(g->executable, g->command_line, g->user, 0, 0, g));
    }
    groups_free(p);
}

void processes_look(struct processes *p, const struct collect_roots *roots, bool is_aggregating, int64_t interval_ms,
                    struct instant now, processes_emit *emit, void *context)
{
    struct processes_known *all = NULL;
    size_t n = list(roots, &all);

    if (!p->has_looked)
        p->since = now.mono_ms;
    for (size_t i = 0; p->has_looked && i < n; i++) {
        struct found one = {.pid = all[i].pid};
        if (is_known(p, &all[i]) || !stat_read(roots, &one))
            continue;
        details_read(roots, &one);
        if (!is_aggregating || !group_count(p, &one, now.wall_ms))
            emit(context, EVENT_TRIGGERED,
                 payload_new(one.executable, one.command_line, one.user, one.pid, one.parent, NULL));
    }
    free(p->known);
    p->known = all;
    p->known_count = n;
    p->has_looked = true;
    if (!is_aggregating || now.mono_ms - p->since >= interval_ms) {
        groups_emit(p, emit, context);
        p->since = now.mono_ms;
    }
}
