/* verb_fault_add.c - twinsim fault add. What it says is judged by the hub's own reader, before there is a hub. */
#include <stdio.h>

#include "fault.h"
#include "show.h"
#include "suggest.h"
#include "verbs.h"

/* Members that are texts, whole numbers and numbers; "by" is a number for one type and a duration for the other. */
static const char *const texts[] = {"operation", "at", "topic", "for", "body", "delay", "how", "tier", "reason"};
static const char *const wholes[] = {"after", "every", "seed", "times", "status", "copies", "messages"};
static const char *const numbers[] = {"probability", "rate"};

static int add_number(const struct cli *c, struct ask *ask, const char *name)
{
    cJSON *value = NULL;

    if (!cli_text(c, name))
        return CLI_OK;
    if (json_read(str_from(cli_text(c, name)), &value, NULL) || !cJSON_IsNumber(value)) {
        cJSON_Delete(value);
        return cli_fail(c, CLI_USAGE, "--%s is a number, not '%s'", name, cli_text(c, name));
    }
    ask_node(ask, name, value);
    return CLI_OK;
}

static int add_members(const struct cli *c, struct ask *ask)
{
    int code = CLI_OK;

    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++)
        ask_text(ask, texts[n], cli_text(c, texts[n]));
    for (size_t n = 0; n < sizeof wholes / sizeof wholes[0]; n++)
        if (cli_text(c, wholes[n]))
            ask_i64(ask, wholes[n], cli_number(c, wholes[n], 0));
    for (size_t n = 0; !code && n < sizeof numbers / sizeof numbers[0]; n++)
        code = add_number(c, ask, numbers[n]);
    if (!code && strcmp(c->operands[0], "version") == 0)
        code = add_number(c, ask, "by");
    else if (!code)
        ask_text(ask, "by", cli_text(c, "by"));
    return code;
}

/* An identity as such, a glob as a glob: an identity must exist. */
static int add_scope(const struct cli *c, struct ask *ask)
{
    const char *on = c->n_operands > 1 ? c->operands[1] : NULL;

    if (!on)
        return CLI_OK;
    if (!strchr(on, '*'))
        return ask_id(c, ask, on, TALK_EITHER);
    ask_text(ask, "on", on);
    return CLI_OK;
}

/* The option that a quoted word at the front of text names; 0: none. */
static size_t option_quoted(const struct cli *c, struct str text)
{
    const struct option_spec *o;

    for (size_t i = 0; (o = verb_option(c->verb, i)) != NULL; i++) {
        size_t len = strlen(o->name);

        if (text.len > len + 1 && text.at[0] == '\'' && text.at[len + 1] == '\'' &&
            memcmp(text.at + 1, o->name, len) == 0)
            return len;
    }
    return 0;
}

/* What the reader of faults says of a member, said of the option: "'delay' is a duration" becomes "--delay is a duration". A type that is
 * called like an option ("a fault 'delay'") stays. */
static void name_options(const struct cli *c, struct str said, struct buf *out)
{
    for (size_t len; said.len; said = str_skip(said, len ? len + 2 : 1)) {
        bool is_type = str_ends(buf_view(out), STR("fault ")) || str_ends(buf_view(out), STR("without one "));

        len = is_type ? 0 : option_quoted(c, said);
        if (len)
            buf_addf(out, "--%.*s", (int)len, said.at + 1);
        else
            buf_add_char(out, said.at[0]);
    }
}

static int tell_mistake(const struct cli *c, const char *message, const char *hint)
{
    struct buf said;
    int code;

    buf_init(&said, 0);
    name_options(c, str_from(message), &said);
    code = buf_ok(&said) ? cli_fail(c, CLI_USAGE, "%s%s", said.at, hint) : cli_no_memory(c);
    buf_done(&said);
    return code;
}

/* The hub would say the same; but what is wrong with a command line is known without one. */
static int judge(const struct cli *c, const struct ask *ask)
{
    const char *names[FAULT_TYPES];
    char meant[SUGGEST_TEXT_MAX];
    bool is_known = false;
    struct fault *f = NULL;
    struct refusal why;
    enum rc rc = ask->rc ? ask->rc : fault_read(ask->doc, 0, &f, &why);

    fault_free(f);
    for (size_t n = 0; n < FAULT_TYPES; n++) {
        names[n] = fault_type_name((enum fault_type)n);
        is_known = is_known || strcmp(names[n], c->operands[0]) == 0;
    }
    if (rc)
        return rc == RC_NOMEM
                   ? cli_no_memory(c)
                   : tell_mistake(c, why.message,
                                  is_known ? "" : suggest_text(str_from(c->operands[0]), names, FAULT_TYPES, meant));
    return CLI_OK;
}

static int tell(const struct cli *c, const cJSON *body)
{
    const cJSON *closed = json_get(body, "closed");
    const char *on = c->n_operands > 1 ? c->operands[1] : "everybody";
    int64_t id = 0;

    if (json_get_i64(body, "id", &id))
        id = 0;
    if (!closed)
        (void)printf("fault %lld: %s, on %s\n", (long long)id, c->operands[0], on);
    else if (cJSON_IsTrue(closed))
        (void)printf("closed the connection of %s\n", on);
    else
        (void)printf("%s was not connected\n", on);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("fault.add");
    int code = add_scope(c, &ask);

    if (code)
        return code; /* and the ask is freed */
    ask_text(&ask, "type", c->operands[0]);
    code = add_members(c, &ask);
    if (!code)
        code = judge(c, &ask);
    if (code) {
        ask_drop(&ask);
        return code;
    }
    return show_answer(c, &ask, tell);
}

static const struct option_spec options[] = {
    {.name = "operation",
     .value = "OP",
     .choices = "connect|subscribe|twin-get|reported|desired|telemetry|message",
     .help = "what it strikes on; each type has its own default"},
    {.name = "times",
     .value = "N",
     .min = 0,
     .max = 2147483647,
     .help = "how often at most; 0 without limit; default 1"},
    {.name = "after", .value = "N", .min = 0, .max = 2147483647, .help = "let the first N pass"},
    {.name = "every", .value = "K", .min = 1, .max = 2147483647, .help = "each K-th only"},
    {.name = "probability", .value = "P", .help = "by chance, 0 to 1"},
    {.name = "seed", .value = "N", .min = 0, .max = 2147483647, .help = "which chance; the same seed, the same faults"},
    {.name = "topic", .value = "FILTER", .help = "only packets whose topic fits this MQTT filter"},
    {.name = "at", .value = "DURATION", .help = "not before so long from now; without an operation: then"},
    {.name = "for", .value = "DURATION", .help = "it is gone after that"},
    {.name = "status", .value = "N", .min = 200, .max = 599, .help = "status: the answer's status"},
    {.name = "body", .value = "TEXT", .help = "status: json (the hub's own), empty, or any text"},
    {.name = "delay", .value = "DURATION", .help = "delay, duplicate: how much later"},
    {.name = "copies", .value = "N", .min = 1, .max = 100, .help = "duplicate: how many more; default 1"},
    {.name = "how", .value = "HOW", .help = "rid, malform: in which way"},
    {.name = "by", .value = "N|DURATION", .help = "version: so many off; clock-skew: so much, 2h or -2h"},
    {.name = "rate", .value = "N", .help = "throttle: requests a second"},
    {.name = "tier", .value = "TIER", .choices = "F1|B1|B2|B3|S1|S2|S3", .help = "throttle: as a hub of that tier"},
    {.name = "messages", .value = "N", .min = 0, .max = 2147483647, .help = "quota: messages that are left"},
    {.name = "reason", .value = "WORD", .help = "refuse: bad-token, expired, disabled, deleted, unknown, ..."},
    OPTIONS_END,
};

const struct verb verb_fault_add = {
    .name = "fault add",
    .operands = "TYPE [DEVICE[/MODULE] | GLOB]",
    .min = 1,
    .max = 2,
    .summary = "Break something on purpose: for one identity, those of a glob, or everybody",
    .text = "Types: status lose delay hold duplicate reorder rid version malform throttle quota disconnect refuse "
            "clock-skew expire takeover. docs/reference/faults.md tells what each does.",
    .examples = "twinsim fault add disconnect edge-1/azureiotsecurity\n"
                "twinsim fault add status 'edge-*' --operation reported --status 429 --times 3\n"
                "twinsim fault add delay edge-1 --operation twin-get --delay 2s\n"
                "twinsim fault add refuse edge-1 --reason expired --for 30s --times 0",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
