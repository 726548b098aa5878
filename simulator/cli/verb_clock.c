/* verb_clock.c - twinsim clock now, advance, freeze, resume: one answer, four ways to ask. */
#include <stdio.h>

#include "iso_time.h"
#include "show.h"
#include "verbs.h"

static int tell(const struct cli *c, const cJSON *body)
{
    const cJSON *offset = json_get(body, "offsetSeconds");
    const char *time = json_get_text(body, "time");

    (void)c;
    (void)printf("%s (%+.3f s%s)\n", time ? time : "?", cJSON_IsNumber(offset) ? offset->valuedouble : 0.0,
                 cJSON_IsTrue(json_get(body, "frozen")) ? ", standing still" : "");
    return CLI_OK;
}

static int ask_clock(struct cli *c, const char *command, const char *by)
{
    struct ask ask = ask_new(command);

    ask_text(&ask, "by", by);
    return show_answer(c, &ask, tell);
}

static int run_now(struct cli *c)
{
    return ask_clock(c, "clock.show", NULL);
}

static int run_advance(struct cli *c)
{
    struct str by = str_from(c->operands[0]);
    int64_t us;

    if (str_starts(by, STR("-")) || str_starts(by, STR("+")))
        by = str_skip(by, 1);
    if (duration_read(by, &us))
        return cli_fail(c, CLI_USAGE,
                        "DURATION is one such as 1h or PT90S, or behind -- one such as -2h to go back, not '%s'",
                        c->operands[0]);
    return ask_clock(c, "clock.advance", c->operands[0]);
}

static int run_freeze(struct cli *c)
{
    return ask_clock(c, "clock.freeze", NULL);
}

static int run_resume(struct cli *c)
{
    return ask_clock(c, "clock.resume", NULL);
}

const struct verb verb_clock_now = {
    .name = "clock now",
    .summary = "Show the hub's time, and how far it is from the world's",
    .examples = "twinsim clock now",
    .has_data = true,
    .has_json = true,
    .run = run_now,
};

const struct verb verb_clock_advance = {
    .name = "clock advance",
    .operands = "DURATION",
    .min = 1,
    .max = 1,
    .summary = "Move the hub's time: tokens end by it, clients and TLS know nothing of it",
    .text = "What begins with a minus stands behind `--`: it goes back.",
    .examples = "twinsim clock advance 1h\n"
                "twinsim clock advance -- -2h",
    .has_data = true,
    .has_json = true,
    .run = run_advance,
};

const struct verb verb_clock_freeze = {
    .name = "clock freeze",
    .summary = "Let the hub's time stand still: no token ends any more",
    .examples = "twinsim clock freeze",
    .has_data = true,
    .has_json = true,
    .run = run_freeze,
};

const struct verb verb_clock_resume = {
    .name = "clock resume",
    .summary = "Let the hub's time go on from where it stands",
    .examples = "twinsim clock resume",
    .has_data = true,
    .has_json = true,
    .run = run_resume,
};
