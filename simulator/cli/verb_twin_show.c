/* verb_twin_show.c - twinsim twin show */
#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("twin.show");
    int code = ask_id(c, &ask, c->operands[0], TALK_EITHER);

    return code ? code : show_answer(c, &ask, show_twin);
}

const struct verb verb_twin_show = {
    .name = "twin show",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Show a twin: tags, desired and reported properties",
    .text = "With --json as the service sees it, metadata included.",
    .examples = "twinsim twin show edge-1\ntwinsim twin show edge-1/azureiotsecurity --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
