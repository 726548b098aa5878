/* usage.h - what a process and all below it use of the machine, as /proc tells it. */
#ifndef TWINSIM_USAGE_H
#define TWINSIM_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "rc.h"

struct usage {
    int64_t cpu_ms;  /* of those that still run, and of those that they waited for */
    int64_t peak_kb; /* resident memory at its highest, each at its own time */
    unsigned processes;
};

/* Look at the process, at whatever is below it, and at the rest of its process group.
 * returns RC_OK (all zero when nothing of it runs any more), RC_IO (/proc cannot be read) */
MUST_USE enum rc usage_read(pid_t root, struct usage *out);

#endif
