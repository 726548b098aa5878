/* agent_process.h - the agent of a scenario as a supervised child. (exec steps run the same way.)
 *
 * It gets a process group of its own, no input, and one pipe for output and errors, whose end is kept (tail.h); what it
 * writes is taken as it comes, so a flood neither blocks it nor fills memory. It dies with us. No shell is involved.
 * Nobody here waits: the owner polls the two descriptors and calls the matching function.
 */
#ifndef TWINSIM_AGENT_PROCESS_H
#define TWINSIM_AGENT_PROCESS_H

#include <sys/types.h>

#include "buf.h"
#include "tail.h"

struct agent_process_options {
    char *const *argv; /* NULL ends; the program is looked for on PATH */
    char *const *env;  /* NULL ends */
    const char *cwd;
    struct tail *tail; /* the owner's; output goes here */
};

struct agent_process {
    pid_t pid;  /* 0: ended and collected */
    int pidfd;  /* readable when it has ended; -1 then */
    int out;    /* readable when there is output; -1 at its end (which a grandchild may delay for ever) */
    int status; /* as waitpid gives it, once ended */
    struct tail *tail;
};

/* One that never ran. */
void agent_process_init(struct agent_process *p);
/* Start it. returns RC_OK, RC_NOT_FOUND (no such program or folder), RC_IO; why says what was wrong */
MUST_USE enum rc agent_process_start(const struct agent_process_options *options, struct agent_process *out, char *why,
                                     size_t why_size);
/* Take the output that is there, a limited amount. */
void agent_process_read(struct agent_process *p);
/* Collect it if it has ended. returns true when it is over (now or before) */
bool agent_process_has_ended(struct agent_process *p);
/* Signal its whole group; nothing happens once it was collected. */
void agent_process_signal(const struct agent_process *p, int signal);
/* The exit code as a shell counts it: 128 + n for signal n. Only once it has ended. */
int agent_process_exit_code(const struct agent_process *p);
/* "exit code 3", "signal 11 (Segmentation fault)". Only once it has ended. */
void agent_process_print_end(const struct agent_process *p, struct buf *out);
/* Close what is open. It must have ended, or somebody else ends it. */
void agent_process_done(struct agent_process *p);

#endif
