/* verb_fault_add.c - twinsim fault add */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("fault.add");
    cJSON *body = NULL;
    int code;

    if (strcmp(c->operands[0], "disconnect") != 0) {
        ask_drop(&ask);
        return cli_fail(c, CLI_USAGE, "the fault there is so far is 'disconnect', not '%s'", c->operands[0]);
    }
    code = ask_id(c, &ask, c->operands[1], TALK_EITHER);
    if (code)
        return code;
    ask_text(&ask, "type", c->operands[0]);
    code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, body);
    else if (!code)
        (void)printf(cJSON_IsTrue(json_get(body, "closed")) ? "closed the connection of %s\n"
                                                            : "%s was not connected\n",
                     c->operands[1]);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_fault_add = {
    .name = "fault add",
    .operands = "disconnect DEVICE[/MODULE]",
    .min = 2,
    .max = 2,
    .summary = "Break something on purpose: close an identity's connection",
    .examples = "twinsim fault add disconnect edge-1/azureiotsecurity",
    .has_data = true,
    .has_json = true,
    .run = run,
};
