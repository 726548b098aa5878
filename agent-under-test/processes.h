/* processes.h - ProcessCreate: who is new in the process list since the last look.
 *
 * The real agents listen to the kernel's audit stream, which takes root; looking now and then takes nothing, and
 * misses what came and went between two looks. The first look only learns who is there.
 */
#ifndef AGENT_PROCESSES_H
#define AGENT_PROCESSES_H

#include "aggregate.h"
#include "collect.h"

struct processes_known {
    int64_t pid;
    int64_t started; /* clock ticks since boot: a pid may be used again */
};

struct processes {
    bool has_looked;
    struct processes_known *known; /* by pid */
    size_t known_count;
};

/* Start knowing nobody. */
void processes_init(struct processes *p);

/* Free everything. */
void processes_done(struct processes *p);

/* Look, and count each new process with its kind, or, without an aggregate, emit a Triggered event. source: facts S-12 */
void processes_look(struct processes *p, const struct collect_roots *roots, struct aggregate *aggregate,
                    struct instant now, event_sink *emit, void *context);

#endif
