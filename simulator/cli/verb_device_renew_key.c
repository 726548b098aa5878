/* verb_device_renew_key.c - twinsim device renew-key */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct ask ask = ask_new("device.renew-key");
    const char *type = cli_text(c, "key");
    cJSON *body = NULL;
    int code = ask_id(c, &ask, c->operands[0], TALK_EITHER);

    if (code)
        return code;
    ask_text(&ask, "keyType", type ? type : "primary");
    code = talk(c, &ask, &body);
    if (!code && c->json)
        code = show_json(c, body);
    else if (!code)
        (void)printf("renewed the keys of %s: %s\n", c->operands[0], type ? type : "primary");
    cJSON_Delete(body);
    return code;
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
