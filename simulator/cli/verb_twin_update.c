/* verb_twin_update.c - twinsim twin update */
#include "twin_write.h"
#include "verbs.h"

static int run(struct cli *c)
{
    return twin_write(c, "twin.update", "patch");
}

static const struct option_spec options[] = {
    {.name = "desired",
     .value = "JSON|@FILE",
     .help = "members to merge into the desired properties; null removes one; - reads standard input"},
    {.name = "tags", .value = "JSON|@FILE", .help = "members to merge into the tags"},
    {.name = "etag", .value = "ETAG", .help = "only if the twin still has this etag"},
    OPTIONS_END,
};

const struct verb verb_twin_update = {
    .name = "twin update",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Merge a patch into a twin's desired properties and tags",
    .examples = "twinsim twin update edge-1 --desired '{\"interval\":30,\"old\":null}'\n"
                "twinsim twin update edge-1/azureiotsecurity --desired @patch.json --tags '{\"site\":\"attic\"}'",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
