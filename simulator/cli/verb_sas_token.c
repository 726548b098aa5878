/* verb_sas_token.c - twinsim sas-token */
#include <stdio.h>
#include <time.h>

#include "credentials.h"
#include "iso_time.h"
#include "verbs.h"

static int read_ttl(const struct cli *c, int64_t *seconds)
{
    const char *text = cli_text(c, "ttl");
    int64_t us = 0;

    if (duration_read(str_from(text ? text : "1h"), &us) || us < 1000000)
        return cli_fail(c, CLI_USAGE,
                        "--ttl is a duration of a second or more such as 30s, 15m, 1h, 2d or PT1H, not '%s'", text);
    *seconds = us / 1000000;
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct credentials cr;
    struct sas_key key;
    struct buf text;
    int64_t ttl_s = 0;
    int code = read_ttl(c, &ttl_s);

    if (!code)
        code = credentials_find(c, cli_text(c, "policy"), &cr);
    if (code)
        return code;
    buf_init(&text, 0);
    if (sas_key_read(str_from(cr.key), &key))
        code = cli_fail(c, CLI_REFUSED, "the hub gave a key that is none");
    else
        sas_token_make(&text, str_from(cr.host), cr.id[0] ? &cr.who : NULL, str_from(cr.policy), &key,
                       (int64_t)time(NULL) + ttl_s);
    if (!code && buf_ok(&text))
        (void)printf("%s\n", text.at);
    else if (!code)
        code = cli_no_memory(c);
    buf_done(&text);
    explicit_bzero(&key, sizeof key);
    credentials_done(&cr);
    return code;
}

static const struct option_spec options[] = {
    {.name = "ttl", .value = "DURATION", .help = "how long it is good; default 1h"},
    OPTION_POLICY,
    OPTION_KEY,
    OPTION_GATEWAY_HOST,
    OPTIONS_END,
};

const struct verb verb_sas_token = {
    .name = "sas-token",
    .operands = "[DEVICE[/MODULE]]",
    .max = 1,
    .summary = "Print a shared access signature for an identity or a policy, on one line",
    .examples = "twinsim sas-token edge-1 --ttl 15m\ntwinsim sas-token --policy service",
    .options = options,
    .has_data = true,
    .run = run,
};
