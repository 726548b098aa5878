/* verb_message.c - twinsim message list, purge, feedback */
#include <stdio.h>
#include <stdlib.h>

#include "show.h"
#include "verbs.h"

/* Ask one command, about an identity if there is an operand. */
static int ask_about(struct cli *c, const char *command, cJSON **body)
{
    struct ask ask = ask_new(command);
    int code = c->n_operands ? ask_id(c, &ask, c->operands[0], TALK_EITHER) : CLI_OK;

    return code ? code : talk(c, &ask, body);
}

/* name=value, JSON where it is no plain word; one line. */
static int print_line(const struct cli *c, const cJSON *item)
{
    struct buf b;
    int code = CLI_OK;

    buf_init(&b, 0);
    for (const cJSON *m = item->child; m; m = m->next)
        show_member(&b, m == item->child ? "" : "  ", m);
    if (buf_ok(&b))
        (void)printf("%.*s\n", STR_FMT(buf_view(&b)));
    else
        code = cli_no_memory(c);
    buf_done(&b);
    return code;
}

static int run_items(struct cli *c, const char *command)
{
    cJSON *body = NULL;
    const cJSON *item;
    int code = ask_about(c, command, &body);

    if (!code && c->json)
        code = show_json(c, json_get(body, "items"));
    else if (!code)
        cJSON_ArrayForEach(item, json_get(body, "items")) code = code ? code : print_line(c, item);
    cJSON_Delete(body);
    return code;
}

static int run_list(struct cli *c)
{
    return run_items(c, "message.list");
}

static int run_feedback(struct cli *c)
{
    return run_items(c, "feedback.receive");
}

static int run_purge(struct cli *c)
{
    cJSON *body = NULL;
    int64_t n = 0;
    int code = ask_about(c, "message.purge", &body);

    if (!code && c->json) {
        code = show_json(c, body);
    } else if (!code) {
        if (json_get_i64(body, "totalMessagesPurged", &n))
            n = 0;
        (void)printf("%lld message%s purged\n", (long long)n, n == 1 ? "" : "s");
    }
    cJSON_Delete(body);
    return code;
}

const struct verb verb_message_list = {
    .name = "message list",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "List the messages that wait for a device or module, in their order",
    .text =
        "`inFlight` is true for one that was sent and is not acknowledged. A body of bytes that are a text is shown as "
        "`bodyText`.",
    .examples = "twinsim message list edge-1\ntwinsim message list edge-1/m --json | jq length",
    .has_data = true,
    .has_json = true,
    .run = run_list,
};

const struct verb verb_message_purge = {
    .name = "message purge",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Throw away all messages that wait for a device or module",
    .examples = "twinsim message purge edge-1",
    .has_data = true,
    .has_json = true,
    .run = run_purge,
};

const struct verb verb_message_feedback = {
    .name = "message feedback",
    .summary = "Fetch the next batch of feedback on messages; each record is handed out once",
    .text =
        "A batch is ready when there are 64 records, or 15 seconds after its oldest; before that nothing is printed.",
    .examples = "twinsim message feedback",
    .has_data = true,
    .has_json = true,
    .run = run_feedback,
};
