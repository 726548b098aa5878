/* verb_twin_history.c - twinsim twin history */
#include <stdio.h>

#include "show.h"
#include "utf8.h"
#include "verbs.h"

#define BODY_MAX 100 /* bytes of a body in the table */

static void print_row(const cJSON *row)
{
    const char *at = json_get_text(row, "at"), *kind = json_get_text(row, "kind");
    int64_t version = 0, desired = 0, reported = 0;
    struct buf body;

    if (json_get_i64(row, "version", &version) || json_get_i64(row, "desiredVersion", &desired) ||
        json_get_i64(row, "reportedVersion", &reported))
        version = 0;
    buf_init(&body, 0);
    show_value(&body, json_get(row, "body"));
    if (body.len > BODY_MAX) {
        body.len = utf8_first(buf_view(&body), BODY_MAX).len;
        buf_add(&body, STR("\xE2\x80\xA6"));
    }
    (void)printf("%7lld %7lld %8lld  %-28s %-9s %.*s\n", (long long)version, (long long)desired, (long long)reported,
                 at ? at : "?", kind ? kind : "?", STR_FMT(buf_view(&body)));
    buf_done(&body);
}

static int run(struct cli *c)
{
    long left = cli_number(c, "top", 20);
    struct show_list list = {0};
    int64_t before = 0;
    int code = CLI_OK;

    do {
        struct ask ask = ask_new("twin.history");
        const cJSON *row;
        cJSON *page = NULL;

        code = ask_id(c, &ask, c->operands[0], TALK_EITHER);
        if (code)
            return code;
        ask_i64(&ask, "top", left < 100 ? left : 100);
        if (before)
            ask_i64(&ask, "before", before);
        code = talk(c, &ask, &page);
        if (!code && !before && !c->json)
            (void)printf("%7s %7s %8s  %-28s %-9s %s\n", "VERSION", "DESIRED", "REPORTED", "AT", "KIND", "BODY");
        cJSON_ArrayForEach(row, json_get(page, "items"))
        {
            if (!code && c->json)
                code = show_list_add(c, &list, row);
            else if (!code)
                print_row(row);
            left--;
        }
        if (json_get_i64(page, "next", &before))
            before = 0;
        cJSON_Delete(page);
    } while (!code && before > 0 && left > 0);
    if (!code && c->json)
        show_list_end(&list);
    return code;
}

static const struct option_spec options[] = {
    {.name = "top", .value = "N", .min = 1, .max = 1000000, .help = "how many versions, newest first; default 20"},
    OPTIONS_END,
};

const struct verb verb_twin_history = {
    .name = "twin history",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "List the changes of a twin, newest first",
    .text = "Each row holds the counters after the change and what was written.",
    .examples = "twinsim twin history edge-1\ntwinsim twin history edge-1/azureiotsecurity --top 100 --json",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
