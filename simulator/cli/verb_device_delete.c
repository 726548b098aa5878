/* verb_device_delete.c - twinsim device delete */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.delete");
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (!code)
        code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, body);
    else if (!code)
        (void)printf("deleted %s\n", c->operands[0]);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_device_delete = {
    .name = "device delete",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "Delete a device identity, its modules and their twins",
    .text = "Its connections are closed.",
    .examples = "twinsim device delete edge-1",
    .has_data = true,
    .has_json = true,
    .run = run,
};
