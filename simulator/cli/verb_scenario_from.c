/* verb_scenario_from.c - twinsim scenario from: a recording becomes a scenario. */
#include <errno.h>
#include <stdio.h>

#include "draft.h"
#include "files.h"
#include "verbs.h"

static int write_out(struct cli *c, struct str text)
{
    const char *path = cli_text(c, "out");
    enum rc rc;

    if (!path) {
        (void)fwrite(text.at, 1, text.len, stdout); /* judged at the end */
        return CLI_OK;
    }
    rc = report_write(path, text);
    if (rc)
        return cli_fail(c, CLI_FILE, "%s cannot be written: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc));
    return CLI_OK;
}

static int run(struct cli *c)
{
    char why[WHY_MAX] = "", comment[512];
    struct recording *rec = NULL;
    struct draft draft = {0};
    struct buf text;
    enum rc rc = recording_read(c->operands[0], cli_flag(c, "cut"), &rec, why, sizeof why);
    int code;

    if (!rc)
        rc = draft_make(rec, true, &draft, why, sizeof why);
    if (rc) {
        recording_free(rec);
        return cli_fail(c, CLI_FILE, "%s%s", why, rc == RC_CORRUPT ? "; --cut takes what there is" : "");
    }
    buf_init(&text, (size_t)1 << 30);
    (void)snprintf(comment, sizeof comment,
                   "drafted by twinsim scenario from %s: keep what matters, and say why it does", c->operands[0]);
    for (char *at = comment; *at; at++)
        if ((unsigned char)*at < 0x20)
            *at = '?'; /* one line */
    draft_print(&draft, comment, &text);
    code = buf_ok(&text) ? write_out(c, buf_view(&text)) : cli_no_memory(c);
    buf_done(&text);
    draft_done(&draft);
    recording_free(rec);
    return code;
}

static const struct option_spec options[] = {
    {.name = "out", .value = "FILE", .help = "write it there instead of standard output"},
    {.name = "cut", .help = "also of a recording that was not written to its end: what is whole of it"},
    OPTIONS_END,
};

const struct verb verb_scenario_from = {
    .name = "scenario from",
    .operands = "RECORDING",
    .min = 1,
    .max = 1,
    .summary = "Draft a scenario from a recording",
    .text =
        "What was done becomes steps; what the agent reported, how it was refused and how it ended becomes 'expect' "
        "and 'exit' with the recorded values. The same agent passes it. Take out what does not matter.",
    .examples = "twinsim run my.jsonc --record rec && twinsim scenario from rec/my.jsonl --out drafted.jsonc",
    .options = options,
    .run = run,
};
