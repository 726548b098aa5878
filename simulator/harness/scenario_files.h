/* scenario_files.h - which scenarios a command line means: files as they are named, folders with all that is in them. */
#ifndef TWINSIM_SCENARIO_FILES_H
#define TWINSIM_SCENARIO_FILES_H

#include "words.h"

/* Add the scenarios that path names: a file itself; of a folder every *.json and *.jsonc in it and below, in the byte order of their
 * names, but for what lies in folders called "include" and "twins" or hidden ones.
 * returns RC_OK, RC_NOT_FOUND (no such file, or a folder without a scenario), RC_LIMIT, RC_IO (errno), RC_NOMEM */
MUST_USE enum rc scenario_files_find(const char *path, struct words *out);

#endif
