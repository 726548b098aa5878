/* verb_create.c - twinsim device create, twinsim module create */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

/* What both kinds may be given. Takes the ask over on failure. */
static int add_common(struct cli *c, struct ask *ask)
{
    cJSON *twin = NULL;
    int code = CLI_OK;

    if (cli_text(c, "twin"))
        code = talk_read_json(c, "twin", cli_text(c, "twin"), &twin);
    if (code) {
        ask_drop(ask);
        return code;
    }
    ask_text(ask, "primaryKey", cli_text(c, "primary-key"));
    ask_text(ask, "secondaryKey", cli_text(c, "secondary-key"));
    if (twin)
        ask_node(ask, "twin", twin);
    return CLI_OK;
}

static int tell(const struct cli *c, const cJSON *body)
{
    (void)body;
    (void)printf("created %s\n", c->operands[0]);
    return CLI_OK;
}

static int run_device(struct cli *c)
{
    struct ask ask = ask_new("device.create");
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (!code)
        code = add_common(c, &ask);
    if (code)
        return code;
    ask_text(&ask, "status", cli_text(c, "status"));
    ask_text(&ask, "statusReason", cli_text(c, "status-reason"));
    if (cli_flag(c, "edge"))
        ask_bool(&ask, "iotEdge", true);
    return show_answer(c, &ask, tell);
}

static int run_module(struct cli *c)
{
    struct ask ask = ask_new("module.create");
    int code = ask_id(c, &ask, c->operands[0], TALK_MODULE);

    if (!code)
        code = add_common(c, &ask);
    return code ? code : show_answer(c, &ask, tell);
}

#define COMMON_OPTIONS                                                                                                 \
    {.name = "primary-key",                                                                                            \
     .value = "KEY",                                                                                                   \
     .help = "base64 of 16 to 64 bytes; default derived from the hub's seed and the id"},                              \
        {.name = "secondary-key", .value = "KEY", .help = "the same; give both keys or neither"},                      \
    {                                                                                                                  \
        .name = "twin", .value = "JSON|@FILE",                                                                         \
        .help = "the twin as it stands; without $version it starts at version 1"                                       \
    }

static const struct option_spec device_options[] = {
    {.name = "status", .value = "STATUS", .choices = "enabled|disabled", .help = "default enabled"},
    {.name = "status-reason", .value = "TEXT", .help = "why, at most 128 characters"},
    COMMON_OPTIONS,
    {.name = "edge", .help = "mark it as an IoT Edge device"},
    OPTIONS_END,
};

static const struct option_spec module_options[] = {
    COMMON_OPTIONS,
    OPTIONS_END,
};

const struct verb verb_device_create = {
    .name = "device create",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "Create a device identity and its twin",
    .examples = "twinsim device create edge-1\n"
                "twinsim device create edge-2 --status disabled --status-reason 'not yet installed'\n"
                "twinsim device create edge-3 --twin '{\"tags\":{\"site\":\"attic\"}}'",
    .options = device_options,
    .has_data = true,
    .has_json = true,
    .run = run_device,
};

const struct verb verb_module_create = {
    .name = "module create",
    .operands = "DEVICE/MODULE",
    .min = 1,
    .max = 1,
    .summary = "Create a module identity of a device, and its twin",
    .examples = "twinsim module create edge-1/azureiotsecurity\n"
                "twinsim module create edge-1/azureiotsecurity --twin @fixtures/twins/security-default.json",
    .options = module_options,
    .has_data = true,
    .has_json = true,
    .run = run_module,
};
