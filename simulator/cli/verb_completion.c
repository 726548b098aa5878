/* verb_completion.c - twinsim completion */
#include "help.h"

static int run(struct cli *c)
{
    if (strcmp(c->operands[0], "bash") == 0)
        completion_bash(stdout);
    else if (strcmp(c->operands[0], "zsh") == 0)
        completion_zsh(stdout);
    else
        return cli_fail(c, CLI_USAGE, "there is completion for bash and zsh, not for '%s'", c->operands[0]);
    return CLI_OK;
}

const struct verb verb_completion = {
    .name = "completion",
    .operands = "bash|zsh",
    .min = 1,
    .max = 1,
    .summary = "Print a completion script for a shell",
    .examples = "source <(twinsim completion bash)",
    .run = run,
};
