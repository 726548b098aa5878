/* verb_method_invoke.c - twinsim method invoke */
#include <stdio.h>

#include "hub_limits.h"
#include "iso_time.h"
#include "show.h"
#include "verbs.h"

#define SPARE_MS 30000 /* for the hub itself, beside what the call may take */

/* A time-out in whole seconds, as the hub takes it. *s stays when the option is not given. */
static int read_seconds(const struct cli *c, const char *option, int64_t min, int64_t max, int64_t *s)
{
    const char *text = cli_text(c, option);
    int64_t us;

    if (!text)
        return CLI_OK;
    if (duration_read(str_from(text), &us) || us % 1000000 || us > INT64_C(86400) * 1000000)
        return cli_fail(c, CLI_USAGE, "--%s is a number of whole seconds such as 30s, not '%s'", option, text);
    if (us < min * 1000000 || us > max * 1000000)
        return cli_fail(c, CLI_USAGE, "--%s is %llds to %llds, not '%s'", option, (long long)min, (long long)max, text);
    *s = us / 1000000;
    return CLI_OK;
}

static int add_members(const struct cli *c, struct ask *ask)
{
    const char *payload = cli_text(c, "payload") ? cli_text(c, "payload") : "{}"; /* as az does; see facts C-25 */
    int64_t response_s = 30, connect_s = 0;
    cJSON *tree = NULL;
    int code = read_seconds(c, "timeout", METHOD_RESPONSE_MIN_S, METHOD_RESPONSE_MAX_S, &response_s);

    if (!code)
        code = read_seconds(c, "connect-timeout", 0, METHOD_CONNECT_MAX_S, &connect_s);
    if (!code)
        code = talk_read_json(c, "payload", payload, &tree);
    if (code)
        return code;
    ask_text(ask, "methodName", c->operands[1]);
    ask_node(ask, "payload", tree);
    ask_i64(ask, "responseTimeoutInSeconds", response_s);
    ask_i64(ask, "connectTimeoutInSeconds", connect_s);
    ask->answer_ms = (int)(response_s + connect_s) * 1000 + SPARE_MS;
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("method.invoke");
    int code = ask_id(c, &ask, c->operands[0], TALK_EITHER);

    if (code)
        return code; /* and the ask is freed */
    code = add_members(c, &ask);
    if (code) {
        ask_drop(&ask);
        return code;
    }
    return show_answer(c, &ask, NULL);
}

static const struct option_spec options[] = {
    {.name = "payload", .value = "JSON|@FILE", .help = "what the method is given; default {}; null: nothing"},
    {.name = "timeout", .value = "DURATION", .help = "how long its answer may take, 5s to 300s; default 30s"},
    {.name = "connect-timeout",
     .value = "DURATION",
     .help = "how long to wait for a device that is away, to 300s; default 0s"},
    OPTIONS_END,
};

const struct verb verb_method_invoke = {
    .name = "method invoke",
    .operands = "DEVICE[/MODULE] NAME",
    .min = 2,
    .max = 2,
    .summary = "Call a direct method of a device or module, and print what it answers",
    .text = "Prints `status` and `payload` as the device gave them; whatever that status is, the call was a success.",
    .examples = "twinsim method invoke edge-1 reboot\n"
                "twinsim method invoke edge-1/m setLevel --payload '{\"level\":3}' --connect-timeout 60s",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
