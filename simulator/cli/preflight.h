/* preflight.h - what a long run would only trip over later is looked at before anything runs.
 *
 * Both say what is wrong with an option's value and return an exit code.
 */
#ifndef TWINSIM_PREFLIGHT_H
#define TWINSIM_PREFLIGHT_H

#include "cli.h"

/* Is the first word of --agent a program that can be started from here? One with a variable in it is not looked at.
 * returns CLI_OK (also when the option is not given), CLI_USAGE, CLI_HUB (no memory) */
int preflight_agent(struct cli *c);
/* Can a file be written under the name that this option gives? returns CLI_OK (also when it is not given), CLI_FILE */
int preflight_file(struct cli *c, const char *option);

#endif
