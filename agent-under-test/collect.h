/* collect.h - what the agent looks at on this machine, one function for each kind of snapshot.
 *
 * A collector reads and makes a payload; it decides nothing and sends nothing. Folders and programs come in as
 * arguments, so a test, or a local setting, brings its own machine. source of every payload's members: facts S-12
 */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include <stdio.h>

#include "json.h"

#define COLLECT_LINE_MAX 4096u /* bytes of one line of a system file; longer ones are skipped */
#define COLLECT_PATH_MAX 4096u

/* Where the machine's own description is found. */
struct collect_roots {
    const char *root;          /* what stands before /proc, /etc, /sys and /var: "" is the machine itself */
    const char *firewall_tool; /* prints rules as iptables-save does; "" or NULL: read /etc/iptables/rules.v4 */
    const char *baseline_tool; /* prints a baseline's results; "" or NULL: there is none */
    int64_t tool_limit_ms;     /* for one run of either */
};

/* Further checks that the twin asks for: a file and its hash, handed to the baseline tool as they are. */
struct collect_custom {
    const char *path;
    const char *hash;
};

/* A payload for one event: an array of objects that the caller frees, or NULL without memory. A file that is not there
 * gives no entries. */
cJSON *collect_system(const struct collect_roots *roots);
cJSON *collect_users(const struct collect_roots *roots);
cJSON *collect_hardware(const struct collect_roots *roots);

/* Likewise. is_every_socket: connected ones, too, as in the C agent. */
cJSON *collect_ports(const struct collect_roots *roots, bool is_every_socket);

/* Likewise; rules that cannot be read give no entries. */
cJSON *collect_firewall(const struct collect_roots *roots);

/* Run the baseline tool: once, and once more for the custom checks. Passed checks are left out.
 *
 * custom         NULL for none
 * is_as_printed  words of verdict and severity are the tool's own, as with the real agents; else the published ones
 * payload        written on RC_OK; the caller frees it
 * returns  RC_OK
 *          RC_NOT_FOUND  there is no tool, or it cannot be started
 *          RC_IO         it failed, took too long, or said too much
 *          RC_SYNTAX     it did not print {"results": [...]}
 *          RC_NOMEM
 * source   facts S-33
 */
MUST_USE enum rc collect_baseline(const struct collect_roots *roots, const struct collect_custom *custom,
                                  bool is_as_printed, cJSON **payload);

/* Open a file below the root for reading; NULL when that cannot be done. path begins with a slash. */
FILE *collect_open(const struct collect_roots *roots, const char *path);

/* Write the full name of a path below the root; false when it is too long. */
bool collect_path(const struct collect_roots *roots, const char *path, char out[COLLECT_PATH_MAX]);

/* Read up to size - 1 bytes of a file below the root, NUL-terminated; returns how many, 0 also when it is not there. */
size_t collect_small(const struct collect_roots *roots, const char *path, char *out, size_t size);

/* Cut the next word off a line; several blanks count as one. */
struct str collect_word(struct str *line);

/* Add a text member that is not NUL-terminated. */
bool collect_add_text(cJSON *entry, const char *name, struct str value);

#endif
