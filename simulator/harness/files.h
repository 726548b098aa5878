/* files.h - whole files and private directories.
 *
 * What we write is there as a whole or not at all: a temporary file beside it, then a rename. Secrets are 0600 in a 0700 directory.
 */
#ifndef TWINSIM_FILES_H
#define TWINSIM_FILES_H

#include <limits.h>

#include "buf.h"

/* Join directory and name with one slash. returns RC_OK, RC_LIMIT (longer than a path may be) */
MUST_USE enum rc path_join(char out[PATH_MAX], const char *dir, const char *name);

/* Append the whole file to out (whose ceiling bounds it).
 * returns RC_OK, RC_NOT_FOUND, RC_LIMIT (larger than out may grow), RC_IO (errno says more; EPIPE: a pipe that nobody writes to), RC_NOMEM */
MUST_USE enum rc file_read(const char *path, struct buf *out);

/* Write a file with that mode in place of the old one. durable: it survives a power cut (for keys).
 * returns RC_OK, RC_LIMIT, RC_IO (errno says more); on failure the old file stands */
MUST_USE enum rc file_write(const char *path, struct str bytes, unsigned mode, bool durable);

/* Write what a user asked for under a name of theirs: a new file or an old one (mode 0644), as a whole and through symbolic links;
 * what is no file (/dev/stdout, a pipe) is written to as it is, never replaced.
 * returns RC_OK, RC_LIMIT, RC_IO (errno says more) */
MUST_USE enum rc report_write(const char *path, struct str bytes);
/* Could report_write do so, as far as can be told now? Changes nothing. returns RC_OK, RC_LIMIT, RC_IO (errno says why not) */
MUST_USE enum rc report_check(const char *path);

/* Make a directory with mode 0700 and its missing parents. returns RC_OK (also when it was there), RC_LIMIT, RC_IO (errno) */
MUST_USE enum rc dir_make(const char *path);

/* Take an exclusive lock on a file, made 0600 when missing, and keep it until *fd is closed. Waits up to wait_ms for another holder.
 * The lock belongs to the open file: a child that inherits the descriptor holds it too.
 * returns RC_OK, RC_BUSY, RC_IO (errno) */
MUST_USE enum rc lock_take(const char *path, int wait_ms, int *fd);
/* Does anybody hold it? Never takes it. */
bool lock_is_held(const char *path);

/* The user's data home: $XDG_DATA_HOME/twinsim, else ~/.local/share/twinsim. returns RC_OK, RC_NOT_FOUND (no home), RC_LIMIT */
MUST_USE enum rc data_home_find(char out[PATH_MAX]);

#endif
