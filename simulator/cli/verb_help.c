/* verb_help.c - twinsim help */
#include "help.h"

static int run(struct cli *c)
{
    char name[64] = "";
    const struct verb *v;

    if (cli_flag(c, "man")) {
        help_man(stdout);
        return CLI_OK;
    }
    if (c->n_operands == 0) {
        help_overview(stdout);
        return CLI_OK;
    }
    (void)snprintf(name, sizeof name, "%s%s%s", c->operands[0], c->n_operands > 1 ? " " : "",
                   c->n_operands > 1 ? c->operands[1] : "");
    v = verbs_find(name);
    if (!v && help_group(stdout, name))
        return CLI_OK;
    if (!v)
        return cli_fail(c, CLI_USAGE, "there is no verb '%s'; see: twinsim help", name);
    help_verb(stdout, v);
    return CLI_OK;
}

static const struct option_spec options[] = {
    {.name = "man", .help = "print the man page"},
    OPTIONS_END,
};

const struct verb verb_help = {
    .name = "help",
    .operands = "[VERB]",
    .max = 2,
    .summary = "Say what twinsim does, or what one verb does",
    .examples = "twinsim help\ntwinsim help device create\ntwinsim help --man | man -l -",
    .options = options,
    .run = run,
};
