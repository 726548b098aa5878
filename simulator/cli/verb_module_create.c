/* verb_module_create.c - twinsim module create */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("module.create");
    cJSON *twin = NULL, *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_MODULE);

    if (code)
        return code;
    if (cli_text(c, "twin"))
        code = talk_read_json(c, "twin", cli_text(c, "twin"), &twin);
    if (code) {
        ask_drop(&ask);
        return code;
    }
    ask_text(&ask, "primaryKey", cli_text(c, "primary-key"));
    ask_text(&ask, "secondaryKey", cli_text(c, "secondary-key"));
    if (twin)
        ask_node(&ask, "twin", twin);
    code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, body);
    else if (!code)
        (void)printf("created %s\n", c->operands[0]);
    cJSON_Delete(body);
    return code;
}

static const struct option_spec options[] = {
    {.name = "primary-key",
     .value = "KEY",
     .help = "base64 of 16 to 64 bytes; default derived from the hub's seed and the id"},
    {.name = "secondary-key", .value = "KEY", .help = "the same; give both keys or neither"},
    {.name = "twin", .value = "JSON|@FILE", .help = "the twin as it stands; without $version it starts at version 1"},
    OPTIONS_END,
};

const struct verb verb_module_create = {
    .name = "module create",
    .operands = "DEVICE/MODULE",
    .min = 1,
    .max = 1,
    .summary = "Create a module identity of a device, and its twin",
    .examples = "twinsim module create edge-1/azureiotsecurity\n"
                "twinsim module create edge-1/azureiotsecurity --twin @fixtures/twins/security-default.json",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
