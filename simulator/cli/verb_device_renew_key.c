/* verb_device_renew_key.c - twinsim device renew-key */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

/* Which keys, "primary" when nothing is said. */
static const char *type_of(const struct cli *c)
{
    const char *type = cli_text(c, "key");

    return type ? type : "primary";
}

static int tell(const struct cli *c, const cJSON *body)
{
    (void)body;
    (void)printf("renewed the keys of %s: %s\n", c->operands[0], type_of(c));
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.renew-key");
    int code = ask_id(c, &ask, c->operands[0], TALK_EITHER);

    if (code)
        return code;
    ask_text(&ask, "keyType", type_of(c));
    return show_answer(c, &ask, tell);
}

static const struct option_spec options[] = {
    {.name = "key", .value = "WHICH", .choices = "primary|secondary|both|swap", .help = "default primary"},
    OPTIONS_END,
};

const struct verb verb_device_renew_key = {
    .name = "device renew-key",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Give an identity new keys, or swap the two it has",
    .text = "A live connection stays until it has to log in again. New keys are derived, so the same renewals give the "
            "same keys.",
    .examples = "twinsim device renew-key edge-1\ntwinsim device renew-key edge-1/azureiotsecurity --key swap",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
