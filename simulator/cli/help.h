/* help.h - pages made from the table of verbs: help, the man page, completion scripts. */
#ifndef TWINSIM_HELP_H
#define TWINSIM_HELP_H

#include <stdio.h>

#include "verbs.h"

void help_overview(FILE *to);
void help_verb(FILE *to, const struct verb *v);
/* The verbs that begin with this word, such as `message`; false when none does. */
bool help_group(FILE *to, const char *word);
/* All of it as a man page, in the man macros. */
void help_man(FILE *to);

void completion_bash(FILE *to);
void completion_zsh(FILE *to);

#endif
