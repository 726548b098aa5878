/* broker.h - one mosquitto process of ours: found, started, watched, stopped. Knows nothing of hubs.
 *
 * The child has a process group of its own (Ctrl-C is ours to hand on), dies with us, writes its output to a log file (never to a
 * pipe: a full one would freeze it, facts B-20), and says READY=1 on a notify socket (facts B-17).
 */
#ifndef TWINSIM_BROKER_H
#define TWINSIM_BROKER_H

#include <limits.h>
#include <sys/types.h>

#include "rc.h"
#include "str.h"

struct broker {
    pid_t pid;  /* 0: not running */
    int pidfd;  /* readable when it has ended; -1: not running */
    int status; /* as waitpid says, once it has ended */
    char log[PATH_MAX];
    char words[4096]; /* what broker_last_words lends */
};

struct broker_start {
    const char *program; /* absolute path of mosquitto */
    const char *conf;    /* absolute path of its configuration */
    const char *log;     /* made 0600, cut to nothing at each start */
    int inherit;         /* a descriptor that it keeps open, or -1 */
    int timeout_ms;
};

/* Find mosquitto: on PATH, in /usr/sbin, in /usr/local/sbin. returns RC_OK, RC_NOT_FOUND */
MUST_USE enum rc broker_find(char out[PATH_MAX]);

/* Start it and wait until it is ready. Written on RC_OK only.
 * why      its last words when it ended
 * returns  RC_OK, RC_IO (could not be started, or ended), RC_BUSY (ended because its address was taken), RC_TIMEOUT */
MUST_USE enum rc broker_start(const struct broker_start *how, struct broker *out, char *why, size_t why_size);

/* Has it ended? Collects it. False while it runs. */
bool broker_has_ended(struct broker *b);
/* End it: SIGTERM, and SIGKILL after timeout_ms; poke (may be NULL) is its Unix socket: a connection wakes its loop, which
 * sees a signal up to 100 ms late (facts B-26). Collects it. Nothing happens when it has ended. */
void broker_stop(struct broker *b, int timeout_ms, const char *poke);
void broker_kill(struct broker *b);

#define BROKER_ENDING_MAX 64
/* How it ended, when it has: "signal 9, Killed", "exit status 1". Returns out. */
const char *broker_ending(const struct broker *b, char out[BROKER_ENDING_MAX]);
/* The last lines of its log; lends. */
const char *broker_last_words(struct broker *b);
/* Start the log again when it is longer than max bytes. */
void broker_trim_log(const struct broker *b, off_t max);

#endif
