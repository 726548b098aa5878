/* process_info.h - one process as /proc tells of it. */
#ifndef AGENT_PROCESS_INFO_H
#define AGENT_PROCESS_INFO_H

#include "collect.h"

#define PROCESS_TEXT_MAX 2048u /* bytes of a command line; longer ones are cut */

struct process_info {
    int64_t pid, parent;
    int64_t started; /* clock ticks since boot: a pid may be used again */
    uint32_t user;
    char executable[512]; /* its path, or its short name where the path may not be read */
    char command_line[PROCESS_TEXT_MAX];
};

/* Read parent and start time. False when it is gone. */
bool process_info_stat(const struct collect_roots *roots, int64_t pid, struct process_info *out);

/* Read the rest; what is gone meanwhile is empty. out->pid says of whom. */
void process_info_details(const struct collect_roots *roots, struct process_info *out);

/* List all processes: call visit for each pid until it returns false. */
void process_info_each(const struct collect_roots *roots, bool (*visit)(void *context, int64_t pid), void *context);

#endif
