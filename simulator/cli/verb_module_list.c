/* verb_module_list.c - twinsim module list */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("module.list");
    const cJSON *one;
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_DEVICE);

    if (!code)
        code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, json_get(body, "items"));
    else if (!code)
        (void)printf("%-32s %s\n", "MODULE", "CONNECTION");
    cJSON_ArrayForEach(one, json_get(body, "items"))
    {
        const char *id = json_get_text(one, "moduleId"), *connection = json_get_text(one, "connectionState");

        if (!c->json)
            (void)printf("%-32s %s\n", id ? id : "?", connection ? connection : "?");
    }
    cJSON_Delete(body);
    return code;
}

const struct verb verb_module_list = {
    .name = "module list",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "List the module identities of a device",
    .examples = "twinsim module list edge-1\ntwinsim module list edge-1 --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
