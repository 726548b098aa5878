/* verb_delete.c - twinsim device delete, twinsim module delete */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int tell(const struct cli *c, const cJSON *body)
{
    (void)body;
    (void)printf("deleted %s\n", c->operands[0]);
    return CLI_OK;
}

static int delete_one(struct cli *c, const char *command, enum talk_who who)
{
    struct ask ask = ask_new(command);
    int code = ask_id(c, &ask, c->operands[0], who);

    return code ? code : show_answer(c, &ask, tell);
}

static int run_device(struct cli *c)
{
    return delete_one(c, "device.delete", TALK_DEVICE);
}

static int run_module(struct cli *c)
{
    return delete_one(c, "module.delete", TALK_MODULE);
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
    .run = run_device,
};

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
    .run = run_module,
};
