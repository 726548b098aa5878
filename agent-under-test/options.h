/* options.h - the command line. */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdbool.h>

#include "rc.h"

struct options {
    const char *config_path; /* --config FILE, or NULL */
    const char *ca_path;     /* --ca FILE, or NULL */
    bool wants_help;
    bool wants_version;
};

/* Read the command line.
 *
 * out      written on RC_OK; lends from argv
 * culprit  written on RC_INVALID: the word that is wrong
 * returns  RC_OK, RC_INVALID
 */
MUST_USE enum rc options_parse(int argc, const char *const *argv, struct options *out, const char **culprit);

/* Print the help to stdout. */
void options_help(void);

#endif
