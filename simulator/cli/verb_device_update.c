/* verb_device_update.c - twinsim device update */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int tell(const struct cli *c, const cJSON *body)
{
    (void)body;
    (void)printf("updated %s\n", c->operands[0]);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.update");
    const char *edge = cli_text(c, "edge");
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (code)
        return code;
    ask_text(&ask, "status", cli_text(c, "status"));
    ask_text(&ask, "statusReason", cli_text(c, "status-reason"));
    if (cli_flag(c, "clear-status-reason"))
        ask_node(&ask, "statusReason", cJSON_CreateNull());
    ask_text(&ask, "primaryKey", cli_text(c, "primary-key"));
    ask_text(&ask, "secondaryKey", cli_text(c, "secondary-key"));
    if (edge)
        ask_bool(&ask, "iotEdge", strcmp(edge, "yes") == 0);
    if (!json_get(ask.doc, "status") && !json_get(ask.doc, "statusReason") && !json_get(ask.doc, "primaryKey") &&
        !json_get(ask.doc, "secondaryKey") && !edge) {
        ask_drop(&ask);
        return cli_fail(c, CLI_USAGE, "nothing to change; see: twinsim help device update");
    }
    return show_answer(c, &ask, tell);
}

static const struct option_spec options[] = {
    {.name = "status", .value = "STATUS", .choices = "enabled|disabled", .help = "disabling closes its connections"},
    {.name = "status-reason", .value = "TEXT", .help = "why, at most 128 characters"},
    {.name = "clear-status-reason", .help = "forget why"},
    {.name = "primary-key", .value = "KEY", .help = "base64 of 16 to 64 bytes; give both keys or neither"},
    {.name = "secondary-key", .value = "KEY", .help = "the same"},
    {.name = "edge", .value = "yes|no", .choices = "yes|no", .help = "whether it is an IoT Edge device"},
    OPTIONS_END,
};

const struct verb verb_device_update = {
    .name = "device update",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "Change a device identity: its status, its keys",
    .examples = "twinsim device update edge-1 --status disabled --status-reason stolen\n"
                "twinsim device update edge-1 --status enabled --clear-status-reason",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
