/* verb_lint.c - twinsim lint: are scenario files good? Executes nothing. */
#include <stdio.h>

#include "scenario_set.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct scenario_set set = {0};
    int code = scenario_set_read(c, &set);

    if (!code)
        (void)printf("%zu scenario%s, no problems\n", set.count, set.count == 1 ? "" : "s");
    scenario_set_done(&set);
    return code;
}

const struct verb verb_lint = {
    .name = "lint",
    .operands = "SCENARIO|DIR...",
    .min = 1,
    .max = -1,
    .summary = "Check scenario files without running anything",
    .text = "Every problem is one line on stderr: file:line:column: what is wrong and what to do. The schema "
            "fixtures/schema/scenario.schema.json lets an editor find most of them while you type.",
    .examples = "twinsim lint fixtures/scenarios\n"
                "twinsim lint my-scenario.jsonc",
    .run = run,
};
