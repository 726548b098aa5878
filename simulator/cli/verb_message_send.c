/* verb_message_send.c - twinsim message send. The body is --body: --data is the hub's directory, as everywhere. */
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "iso_time.h"
#include "show.h"
#include "verbs.h"

/* Options that are members of the command as they are. */
static const struct {
    const char *option, *member;
} texts[] = {{"message-id", "messageId"},     {"correlation-id", "correlationId"},     {"user-id", "userId"},
             {"content-type", "contentType"}, {"content-encoding", "contentEncoding"}, {"ack", "ack"},
             {"input", "inputName"}};

/* A text goes as it is; what a file or standard input holds, byte for byte. */
static int add_body(const struct cli *c, struct ask *ask)
{
    const char *given = cli_text(c, "body");
    struct buf bytes, base64;
    int code;

    if (!given)
        return CLI_OK;
    if (given[0] != '@' && strcmp(given, "-") != 0) {
        ask_text(ask, "body", given);
        return CLI_OK;
    }
    buf_init(&bytes, 0);
    buf_init(&base64, 0);
    code = talk_read_bytes(c, "body", given, &bytes);
    if (!code) {
        buf_add(&base64, STR(""));
        base64_encode(&base64, buf_view(&bytes));
        if (buf_ok(&base64))
            ask_text(ask, "bodyBase64", base64.at);
        else
            code = cli_no_memory(c);
    }
    buf_done(&bytes);
    buf_done(&base64);
    return code;
}

/* "name=value", "name=" or "name", which has no value. */
static int add_properties(const struct cli *c, struct ask *ask)
{
    cJSON *properties = NULL;
    const char *pair;

    for (size_t n = 0; (pair = cli_nth(c, "property", n)) != NULL; n++) {
        struct str value = str_from(pair), name = str_cut(&value, '=');
        char *key = str_dup(name);
        enum rc rc = RC_NOMEM;

        if (!properties)
            properties = cJSON_CreateObject();
        if (key && properties)
            rc = json_set(properties, key, value.at ? json_str(value) : cJSON_CreateNull());
        free(key);
        if (rc) {
            cJSON_Delete(properties);
            return cli_no_memory(c);
        }
    }
    if (properties)
        ask_node(ask, "properties", properties);
    return CLI_OK;
}

/* A duration, or a time. */
static int add_expiry(const struct cli *c, struct ask *ask)
{
    const char *given = cli_text(c, "expiry");
    int64_t us;

    if (!given)
        return CLI_OK;
    if (duration_read(str_from(given), &us) == RC_OK)
        ask_text(ask, "timeToLive", given);
    else if (iso_time_read(str_from(given), &us) == RC_OK)
        ask_text(ask, "expiryTimeUtc", given);
    else
        return cli_fail(c, CLI_USAGE,
                        "--expiry is a duration such as 5m, or a time such as 2030-01-01T00:00:00Z, not '%s'", given);
    return CLI_OK;
}

/* For a person: its number, its own id if it has one, and how long it waits. */
static int tell(const struct cli *c, const cJSON *body)
{
    const char *until = json_get_text(body, "expiryTimeUtc"), *since = json_get_text(body, "enqueuedTimeUtc");
    const char *id = json_get_text(body, "messageId");
    int64_t number = 0, until_us = 0, since_us = 0;

    (void)c;
    if (!until || !since || json_get_i64(body, "sequenceNumber", &number) ||
        iso_time_read(str_from(until), &until_us) || iso_time_read(str_from(since), &since_us)) {
        (void)printf("sent\n"); /* to an input: no queue, no time */
        return CLI_OK;
    }
    (void)printf("message %lld%s%s%s ", (long long)number, id ? " (" : "", id ? id : "", id ? ")" : "");
    if (until_us > since_us)
        (void)printf("waits until %s\n", until);
    else
        (void)printf("has expired already: its time was over at %s\n", until);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("message.send");
    int code = ask_id(c, &ask, c->operands[0], TALK_EITHER);

    if (code)
        return code; /* and the ask is freed */
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++)
        ask_text(&ask, texts[n].member, cli_text(c, texts[n].option));
    code = add_body(c, &ask);
    if (!code)
        code = add_properties(c, &ask);
    if (!code)
        code = add_expiry(c, &ask);
    if (code) {
        ask_drop(&ask);
        return code;
    }
    return show_answer(c, &ask, tell);
}

static const struct option_spec options[] = {
    {.name = "body", .value = "TEXT|@FILE|-", .help = "what it says, up to 64 KB; default nothing"},
    {.name = "property",
     .value = "NAME[=VALUE]",
     .help = "a property of your own; any number of them",
     .is_many = true},
    {.name = "ack",
     .value = "WHICH",
     .help = "which ends to give feedback about; default none",
     .choices = "none|positive|negative|full"},
    {.name = "expiry", .value = "DURATION|TIME", .help = "how long, or until when, it waits; default 1h"},
    {.name = "message-id", .value = "ID", .help = "its message id; default none"},
    {.name = "correlation-id", .value = "ID", .help = "its correlation id; default none"},
    {.name = "user-id", .value = "ID", .help = "its user id; default none"},
    {.name = "content-type", .value = "TYPE", .help = "such as application/json; default none"},
    {.name = "content-encoding", .value = "ENCODING", .help = "such as utf-8; default none"},
    {.name = "input", .value = "NAME", .help = "send it to that input of a module, at once or never"},
    OPTIONS_END,
};

const struct verb verb_message_send = {
    .name = "message send",
    .operands = "DEVICE[/MODULE]",
    .min = 1,
    .max = 1,
    .summary = "Send a message to a device or module; it waits for who is away",
    .text =
        "Prints its number and until when it waits. At most 50 messages wait for one identity. The message is --body; "
        "--data is the hub's directory, as everywhere.",
    .examples = "twinsim message send edge-1 --body 'turn on' --property level=3 --ack full\n"
                "twinsim message send edge-1/m --body @config.json --content-type application/json --expiry 10m",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
