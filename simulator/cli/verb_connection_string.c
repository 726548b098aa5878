/* verb_connection_string.c - twinsim connection-string */
#include <stdio.h>

#include "credentials.h"
#include "verbs.h"

static int run(struct cli *c)
{
    struct credentials cr;
    struct buf text;
    int code = credentials_find(c, cli_text(c, "policy"), &cr);

    if (code)
        return code;
    buf_init(&text, 0);
    credentials_print(&text, &cr);
    if (buf_ok(&text))
        (void)printf("%s\n", text.at);
    else
        code = cli_no_memory(c);
    buf_done(&text);
    credentials_done(&cr);
    return code;
}

static const struct option_spec options[] = {
    OPTION_POLICY,
    OPTION_KEY,
    OPTION_GATEWAY_HOST,
    OPTIONS_END,
};

const struct verb verb_connection_string = {
    .name = "connection-string",
    .operands = "[DEVICE[/MODULE]]",
    .max = 1,
    .summary = "Print the connection string of an identity or a policy, on one line",
    .text =
        "It names the hub by its address, which every SDK accepts unchanged. Trust the CA that `twinsim env` names.",
    .examples = "twinsim connection-string edge-1\n"
                "twinsim connection-string edge-1/azureiotsecurity --gateway-host\n"
                "twinsim connection-string --policy service",
    .options = options,
    .has_data = true,
    .run = run,
};
