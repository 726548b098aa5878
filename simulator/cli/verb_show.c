/* verb_show.c - twinsim device show, twinsim module show */
#include "show.h"
#include "verbs.h"

static int show(struct cli *c, const char *command, enum talk_who who)
{
    struct ask ask = ask_new(command);
    int code = ask_id(c, &ask, c->operands[0], who);

    return code ? code : show_answer(c, &ask, show_identity);
}

static int run_device(struct cli *c)
{
    return show(c, "device.show", TALK_DEVICE);
}

static int run_module(struct cli *c)
{
    return show(c, "module.show", TALK_MODULE);
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
    .run = run_device,
};

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
    .run = run_module,
};
