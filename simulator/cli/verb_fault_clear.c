/* verb_fault_clear.c - twinsim fault clear */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int tell(const struct cli *c, const cJSON *body)
{
    int64_t cleared = 0;

    (void)c;
    if (json_get_i64(body, "cleared", &cleared) == RC_OK)
        (void)printf("cleared %lld\n", (long long)cleared);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("fault.clear");
    uint64_t id;

    if (c->n_operands && str_to_u64(str_from(c->operands[0]), INT64_MAX, &id)) {
        ask_drop(&ask);
        return cli_fail(c, CLI_USAGE, "a fault has a number, see `twinsim fault list`; '%s' is none", c->operands[0]);
    }
    if (c->n_operands)
        ask_i64(&ask, "id", (int64_t)id);
    return show_answer(c, &ask, tell);
}

const struct verb verb_fault_clear = {
    .name = "fault clear",
    .operands = "[N]",
    .min = 0,
    .max = 1,
    .summary = "Forget one fault, or all; what they hold back leaves",
    .examples = "twinsim fault clear\n"
                "twinsim fault clear 3",
    .has_data = true,
    .has_json = true,
    .run = run,
};
