/* verb_version.c - twinsim version */
#include <stdio.h>

#include "verbs.h"

static int run(struct cli *c)
{
    (void)c;
    (void)printf("twinsim %s\n", TWINSIM_VERSION);
    return CLI_OK;
}

const struct verb verb_version = {
    .name = "version",
    .summary = "Print the version",
    .examples = "twinsim version",
    .run = run,
};
