/* agent_machine.h - a small machine of files, for the reference agent to look at. */
#ifndef AGENT_MACHINE_H
#define AGENT_MACHINE_H

#include "collect.h"
#include "test.h"

extern char machine_path[];
extern const struct collect_roots machine_roots;

/* Make the folder with an empty /proc/net and /etc, and remove it: the set-up and the end of a group of tests. */
int machine_make(void **state);
int machine_remove(void **state);

/* Make a folder below it; write a file. */
void machine_folder(const char *name);
void machine_put(const char *name, const char *text);

/* Let a process be there. Its name may well look like the rest of the line. */
void machine_process(int pid, int parent, int started, const char *command_line);

/* Let a process hold a socket. */
void machine_socket(int pid, int fd, int inode);

/* What stands in /proc/net/tcp. */
#define TCP_HEADER "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define TCP_ROW(local, remote, state, uid, inode)                                                                      \
    "   0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000  " uid "        0 " inode " 1\n"

/* Compare a payload with its text, and free it. */
void payload_is(cJSON *payload, const char *expected);

#endif
