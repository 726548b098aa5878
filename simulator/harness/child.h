/* child.h - one server process of ours: spawned, watched, stopped. Knows nothing of hubs.
 *
 * The child has a process group of its own (Ctrl-C is ours to hand on), dies with us, writes its output to a log file (never to a
 * pipe: a full one would freeze it, facts B-20), and says when it is ready: on a notify socket, as mosquitto does (facts B-17), or on a
 * descriptor whose number it is told.
 */
#ifndef TWINSIM_CHILD_H
#define TWINSIM_CHILD_H

#include <limits.h>
#include <sys/types.h>

#include "rc.h"
#include "str.h"

#define CHILD_ARGS_MAX 32u

struct child {
    const char *name; /* as people know it: "mosquitto" */
    pid_t pid;        /* 0: not running */
    int pidfd;        /* readable when it has ended; -1: not running */
    int ready;        /* what it says READY on, until it has; -1 */
    bool is_notified; /* by a notify socket */
    int status;       /* as waitpid says, once it has ended */
    char log[PATH_MAX];
    char words[4096]; /* what child_last_words lends */
};

struct child_start {
    const char *name;
    const char *args[CHILD_ARGS_MAX]; /* the program's absolute path first; NULL behind the last */
    size_t ready_arg;    /* the argument that becomes the descriptor's number; 0: NOTIFY_SOCKET is set instead */
    const char *log;     /* made 0600, cut to nothing at each start */
    const char *preload; /* LD_PRELOAD; NULL: as it is */
    int inherit;         /* a descriptor that it keeps open, or -1 */
};

/* Not running. */
void child_init(struct child *c);
/* Spawn it; it may not be ready yet. Written on RC_OK only. returns RC_OK, RC_IO */
MUST_USE enum rc child_spawn(const struct child_start *how, struct child *out, char *why, size_t why_size);
/* Wait until it is ready; on failure it is gone.
 * why      its last words when it ended
 * returns  RC_OK, RC_IO (ended), RC_BUSY (ended because its address was taken), RC_TIMEOUT */
MUST_USE enum rc child_wait_ready(struct child *c, int timeout_ms, char *why, size_t why_size);

/* Has it ended? Collects it. False while it runs; true when it never did. */
bool child_has_ended(struct child *c);
/* End it: SIGTERM, and SIGKILL after timeout_ms; poke (may be NULL) is a Unix socket of its: a connection wakes mosquitto's loop, which
 * sees a signal up to 100 ms late (facts B-26). Collects it. Nothing happens when it has ended. */
void child_stop(struct child *c, int timeout_ms, const char *poke);
void child_kill(struct child *c);

#define CHILD_ENDING_MAX 64
/* How it ended, when it has: "signal 9, Killed", "exit status 1". Returns out. */
const char *child_ending(const struct child *c, char out[CHILD_ENDING_MAX]);
/* The last lines of its log; lends. */
const char *child_last_words(struct child *c);
/* Start the log again when it is longer than max bytes. */
void child_trim_log(const struct child *c, off_t max);

#endif
