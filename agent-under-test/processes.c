/* processes.c - comparing two looks at /proc. */
#include "processes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "process_info.h"

void processes_init(struct processes *p)
{
    *p = (struct processes){0};
}

void processes_done(struct processes *p)
{
    free(p->known);
    processes_init(p);
}

static int known_compare(const void *a, const void *b)
{
    const struct processes_known *left = a, *right = b;

    return (left->pid > right->pid) - (left->pid < right->pid);
}

/* A list that grows while the processes are visited. */
struct list {
    const struct collect_roots *roots;
    struct processes_known *all;
    size_t count, room;
};

static bool list_add(void *context, int64_t pid)
{
    struct list *l = context;
    struct processes_known *more;
    struct process_info one;

    if (!process_info_stat(l->roots, pid, &one))
        return true; /* gone */
    if (l->count == l->room) {
        more = realloc(l->all, (l->room ? l->room * 2 : 256) * sizeof *more);
        if (!more)
            return false;
        l->all = more;
        l->room = l->room ? l->room * 2 : 256;
    }
    l->all[l->count++] = (struct processes_known){.pid = pid, .started = one.started};
    return true;
}

static bool is_known(const struct processes *p, const struct processes_known *one)
{
    const struct processes_known *found = NULL;

    if (p->known_count)
        found = bsearch(one, p->known, p->known_count, sizeof *one, known_compare);
    return found && found->started == one->started;
}

/* Make an event's only entry; NULL without memory. */
static cJSON *entry_new(const struct process_info *one, bool is_single)
{
    cJSON *entry = cJSON_CreateObject();
    char user[16];

    (void)snprintf(user, sizeof user, "%" PRIu32, one->user);
    if (entry && cJSON_AddStringToObject(entry, "Executable", one->executable) &&
        cJSON_AddStringToObject(entry, "CommandLine", one->command_line) &&
        cJSON_AddStringToObject(entry, "UserId", user) &&
        cJSON_AddNumberToObject(entry, "ProcessId", is_single ? (double)one->pid : 0) &&
        cJSON_AddNumberToObject(entry, "ParentProcessId", is_single ? (double)one->parent : 0))
        return entry;
    cJSON_Delete(entry);
    return NULL;
}

static void tell(const struct process_info *one, struct aggregate *aggregate, struct instant now, event_sink *emit,
                 void *context)
{
    cJSON *entry = aggregate ? entry_new(one, false) : NULL, *payload;
    bool is_counted = entry && aggregate_add(aggregate, entry, now.wall_ms);

    cJSON_Delete(entry);
    if (is_counted)
        return;
    payload = cJSON_CreateArray();
    entry = entry_new(one, true);
    if (!payload || !entry || !cJSON_AddItemToArray(payload, entry)) {
        cJSON_Delete(entry);
        cJSON_Delete(payload);
        payload = NULL;
    }
    emit(context, EVENT_TRIGGERED, payload);
}

void processes_look(struct processes *p, const struct collect_roots *roots, struct aggregate *aggregate,
                    struct instant now, event_sink *emit, void *context)
{
    struct list list = {.roots = roots};

    process_info_each(roots, list_add, &list);
    if (list.count)
        qsort(list.all, list.count, sizeof *list.all, known_compare);
    for (size_t i = 0; p->has_looked && i < list.count; i++) {
        struct process_info one;
        if (is_known(p, &list.all[i]) || !process_info_stat(roots, list.all[i].pid, &one))
            continue;
        process_info_details(roots, &one);
        tell(&one, aggregate, now, emit, context);
    }
    free(p->known);
    p->known = list.all;
    p->known_count = list.count;
    p->has_looked = true;
}
