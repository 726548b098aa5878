/* processes.h - ProcessCreate: who is new in the process list since the last look.
 *
 * The real agents listen to the kernel's audit stream, which takes root; looking now and then takes nothing, and
 * misses what came and went between two looks. The first look only learns who is there.
 */
#ifndef AGENT_PROCESSES_H
#define AGENT_PROCESSES_H

#include "collect.h"
#include "event.h"

#define PROCESSES_GROUPS_MAX 1024u /* kinds of process counted together; further ones become events of their own */
#define PROCESSES_TEXT_MAX   2048u /* bytes of a command line; longer ones are cut */

struct processes_known {
    int64_t pid;
    int64_t started; /* clock ticks since boot: a pid may be used again */
};

struct processes_group {
    char *executable, *command_line;
    uint32_t user;
    uint64_t hits;
    int64_t first_ms, last_ms; /* wall clock */
};

struct processes {
    bool has_looked;
    struct processes_known *known; /* by pid */
    size_t known_count;
    struct processes_group *groups;
    size_t group_count;
    int64_t since; /* mono_ms: the aggregation interval's start */
};

/* Takes one event's payload; NULL stands for a lack of memory. */
typedef void processes_emit(void *context, enum event_category category, cJSON *payload);

/* Start knowing nobody. */
void processes_init(struct processes *p);

/* Free everything. */
void processes_done(struct processes *p);

/* Look, and emit: a Triggered event for each new process, or, while aggregating, an Aggregated one for each kind once
 * interval_ms is over. Switching aggregation off emits what was gathered. source: facts S-12 */
void processes_look(struct processes *p, const struct collect_roots *roots, bool is_aggregating, int64_t interval_ms,
                    struct instant now, processes_emit *emit, void *context);

#endif
