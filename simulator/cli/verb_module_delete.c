/* verb_module_delete.c - twinsim module delete */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("module.delete");
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_MODULE);

    if (!code)
        code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, body);
    else if (!code)
        (void)printf("deleted %s\n", c->operands[0]);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_module_delete = {
    .name = "module delete",
    .operands = "DEVICE/MODULE",
    .min = 1,
    .max = 1,
    .summary = "Delete a module identity and its twin",
    .text = "Its connection is closed.",
    .examples = "twinsim module delete edge-1/azureiotsecurity",
    .has_data = true,
    .has_json = true,
    .run = run,
};
