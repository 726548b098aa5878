/* verb_twin_replace.c - twinsim twin replace */
#include "twin_write.h"
#include "verbs.h"

static int run(struct cli *c)
{
    return twin_write(c, "twin.replace", "twin");
}

static const struct option_spec options[] = {
    {.name = "desired",
     .value = "JSON|@FILE",
     .help = "all desired properties; left away: none; - reads standard input"},
    {.name = "tags", .value = "JSON|@FILE", .help = "all tags; left away: none"},
    {.name = "etag", .value = "ETAG", .help = "only if the twin still has this etag"},
    OPTIONS_END,
};

const struct verb verb_twin_replace = {
    .name = "twin replace",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Replace a twin's desired properties and tags",
    .examples = "twinsim twin replace edge-1 --desired '{\"interval\":30}' --tags '{}'",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
