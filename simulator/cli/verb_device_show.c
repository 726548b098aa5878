/* verb_device_show.c - twinsim device show */
#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.show");
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (!code)
        code = talk(c, &ask, &body);
    if (!code)
        code = c->json ? show_json(c, body) : show_identity(c, body);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_device_show = {
    .name = "device show",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "Show a device identity",
    .text = "With --json its whole document, keys included; without, its keys are left out.",
    .examples = "twinsim device show edge-1\ntwinsim device show edge-1 --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
