/* verb_timeline.c - twinsim timeline: what a recording says. */
#include <stdio.h>

#include "recording.h"
#include "show.h"
#include "verbs.h"

/* A line for a person: when, and what. */
static void print_raw(struct buf *out, const struct recording_item *item)
{
    buf_addf(out, "%11.6f  ", (double)item->offset_us / 1e6);
    if (item->kind == RECORDING_EVENT) {
        show_event(out, item->value);
    } else {
        const char *name = item->value->string;

        buf_addf(out, "%-12s> %s ", "", name);
        json_print(out, item->value);
    }
    buf_add_char(out, '\n');
}

static int print(struct cli *c, const char *file, bool with_name)
{
    char why[WHY_MAX] = "";
    struct recording *rec = NULL;
    struct normal_timeline t;
    struct buf out;
    enum rc rc = recording_read(file, cli_flag(c, "cut"), &rec, why, sizeof why);

    if (rc)
        return cli_fail(c, CLI_FILE, "%s%s", why, rc == RC_CORRUPT ? "; --cut takes what there is" : "");
    normal_init(&t);
    buf_init(&out, (size_t)1 << 30);
    if (with_name)
        buf_addf(&out, "== %s\n", file);
    if (cli_flag(c, "raw")) {
        for (size_t i = 0; i < rec->count; i++)
            print_raw(&out, &rec->items[i]);
    } else {
        rc = recording_normalise(rec, &t);
        if (!rc)
            normal_print(&t, &out);
    }
    if (!rc)
        rc = out.rc;
    if (!rc && out.len)
        (void)fwrite(out.at, 1, out.len, stdout); /* judged at the end */
    buf_done(&out);
    normal_done(&t);
    recording_free(rec);
    return rc ? cli_no_memory(c) : CLI_OK;
}

static int run(struct cli *c)
{
    int code = CLI_OK;

    for (size_t i = 0; i < c->n_operands; i++) {
        int bad = print(c, c->operands[i], c->n_operands > 1);

        code = bad ? bad : code;
    }
    return code;
}

static const struct option_spec options[] = {
    {.name = "raw", .help = "print everything as it was recorded, a line for each event and action"},
    {.name = "cut", .help = "also of a recording that was not written to its end: what is whole of it"},
    OPTIONS_END,
};

const struct verb verb_timeline = {
    .name = "timeline",
    .operands = "RECORDING...",
    .min = 1,
    .max = -1,
    .summary = "Print what a recording holds: its normalised timeline, which equal runs have in common",
    .text =
        "One line an entry: identity, channel, and canonical JSON. Ids, times and what else is luck are left out, as "
        "docs/reference/recording.md tells; so two recordings of the same behaviour print the same bytes.",
    .examples = "twinsim timeline rec/my-scenario.jsonl\n"
                "twinsim timeline --raw rec/my-scenario.jsonl | less",
    .options = options,
    .run = run,
};
