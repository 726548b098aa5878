/* verb_module_show.c - twinsim module show */
#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("module.show");
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_MODULE);

    if (!code)
        code = talk(c, &ask, &body);
    if (!code)
        code = c->json ? show_json(c, body) : show_identity(c, body);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_module_show = {
    .name = "module show",
    .operands = "DEVICE/MODULE",
    .min = 1,
    .max = 1,
    .summary = "Show a module identity",
    .text = "With --json its whole document, keys included; without, its keys are left out.",
    .examples = "twinsim module show edge-1/azureiotsecurity",
    .has_data = true,
    .has_json = true,
    .run = run,
};
