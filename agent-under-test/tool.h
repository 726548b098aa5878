/* tool.h - running a program of the user's and reading what it prints.
 *
 * Never through a shell: each argument reaches the program as it is, whatever is in it. The program has an empty
 * environment but for PATH and LC_ALL, so no secret of ours reaches it; no files of ours; nothing to read. It and all
 * it started are killed when the time is over. Meanwhile the agent waits.
 */
#ifndef AGENT_TOOL_H
#define AGENT_TOOL_H

#include "buf.h"

#define TOOL_OUTPUT_MAX (1024u * 1024u) /* bytes */

/* Run a program.
 *
 * arguments  the program's path first; ended by NULL
 * out        what it printed; initialised here, to be freed by buf_done, whatever is returned
 * returns    RC_OK
 *            RC_NOT_FOUND  it cannot be started
 *            RC_IO         it ended with another status than 0, or not in time
 *            RC_LIMIT      it printed more than TOOL_OUTPUT_MAX
 *            RC_NOMEM
 */
MUST_USE enum rc tool_run(const char *const *arguments, int64_t limit_ms, struct buf *out);

#endif
