/* verb_import.c - twinsim import */
#include <stdio.h>

#include "identity_files.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct identity_files files = {NULL, 0, 0};
    enum existing existing = cli_flag(c, "replace") ? EXISTING_IS_REPLACED
                             : cli_flag(c, "keep")  ? EXISTING_STAYS
                                                    : EXISTING_FAILS;
    size_t made = 0, stayed = 0;
    int code = CLI_OK;

    if (cli_flag(c, "replace") && cli_flag(c, "keep"))
        return cli_fail(c, CLI_USAGE, "--replace and --keep exclude each other");
    for (size_t i = 0; !code && i < c->n_operands; i++)
        code = identity_files_read(c, c->operands[i],
                                   &files); /* all of them first: nothing is sent while a file is not valid */
    if (!code)
        code = talk_open(c);
    if (!code)
        code = identity_files_send(c, &files, existing, false, &made, &stayed);
    if (c->json && !code)
        (void)printf("{\"imported\":%zu,\"left\":%zu}\n", made, stayed);
    else if (!code || made)
        (void)printf("imported %zu %s%s\n", made, made == 1 ? "identity" : "identities",
                     code     ? " before the first that failed"
                     : stayed ? ", left the others as they are"
                              : "");
    identity_files_done(&files);
    return code;
}

static const struct option_spec options[] = {
    {.name = "replace", .help = "replace identities that exist"},
    {.name = "keep", .help = "leave identities that exist as they are"},
    OPTIONS_END,
};

const struct verb verb_import = {
    .name = "import",
    .operands = "DIR|FILE...",
    .min = 1,
    .max = -1,
    .summary = "Create identities, with keys, twins and counters, from files that export wrote or a person",
    .text =
        "A file of `az iot hub state export` is taken as it is: devices and modules come with keys, tags and desired "
        "properties; what this hub has none of (parents, configurations, the ARM template) is left out and named.",
    .examples =
        "twinsim import ./backup\ntwinsim import ./backup --replace\ntwinsim import hub.json                 # from "
        "az iot hub state export",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
