/* verb_device_create.c - twinsim device create */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.create");
    cJSON *twin = NULL, *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (code)
        return code;
    if (cli_text(c, "twin"))
        code = talk_read_json(c, "twin", cli_text(c, "twin"), &twin);
    if (code) {
        ask_drop(&ask);
        return code;
    }
    ask_text(&ask, "status", cli_text(c, "status"));
    ask_text(&ask, "statusReason", cli_text(c, "status-reason"));
    ask_text(&ask, "primaryKey", cli_text(c, "primary-key"));
    ask_text(&ask, "secondaryKey", cli_text(c, "secondary-key"));
    if (cli_flag(c, "edge"))
        ask_bool(&ask, "iotEdge", true);
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
    {.name = "status", .value = "STATUS", .choices = "enabled|disabled", .help = "default enabled"},
    {.name = "status-reason", .value = "TEXT", .help = "why, at most 128 characters"},
    {.name = "primary-key",
     .value = "KEY",
     .help = "base64 of 16 to 64 bytes; default derived from the hub's seed and the id"},
    {.name = "secondary-key", .value = "KEY", .help = "the same; give both keys or neither"},
    {.name = "twin", .value = "JSON|@FILE", .help = "the twin as it stands; without $version it starts at version 1"},
    {.name = "edge", .help = "mark it as an IoT Edge device"},
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
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
