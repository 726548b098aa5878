/* collect.h - what the agent looks at on this machine, one function for each kind of event.
 *
 * A collector reads and makes a payload; it decides nothing and sends nothing. Folders come in as arguments, so tests
 * bring their own. source of every payload's members: facts S-12
 */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include "json.h"

#define COLLECT_LINE_MAX 4096u /* bytes of one line of a system file; longer ones are skipped */

/* Where the machine's own description is found: "/proc" and "/etc" outside of tests. */
struct collect_roots {
    const char *proc;
    const char *etc;
};

/* A payload for one event: an array of objects that the caller frees, or NULL without memory. A file that is not there
 * gives no entries. */
cJSON *collect_system(const struct collect_roots *roots);
cJSON *collect_ports(const struct collect_roots *roots);
cJSON *collect_users(const struct collect_roots *roots);

#endif
