/* verb_monitor.c - twinsim monitor */
#include <stdio.h>

#include "json_write.h"
#include "show.h"
#include "talk.h"
#include "verbs.h"

struct monitor {
    const struct cli *cli;
    long left; /* events until the end; -1: no end */
    bool hub_events;
    bool failed;
};

/* As it came: without what the service client put in front. */
static void print_hub_event(struct buf *line, const cJSON *event)
{
    static const char *const names[] = {"systemProperties", "properties", "body", "bodyBase64"};

    buf_add_char(line, '{');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get(event, names[i]))
            json_put_node(line, names[i], json_get(event, names[i]));
    buf_add_char(line, '}');
}

static void on_event(void *arg, const cJSON *event)
{
    struct monitor *m = arg;
    struct buf line;

    if (m->left == 0)
        return;
    buf_init(&line, 0);
    if (m->cli->json && m->hub_events)
        print_hub_event(&line, event);
    else if (m->cli->json)
        json_print(&line, event);
    else
        show_event(&line, event);
    if (!buf_ok(&line) || printf("%s\n", line.at) < 0 || fflush(stdout))
        m->failed = true;
    buf_done(&line);
    if (m->left > 0)
        m->left--;
}

/* Nothing is wrong with waiting for an identity; but whoever misspelt one should not wait for ever. */
static int note_if_absent(struct cli *c)
{
    const char *id = c->operands[0];
    bool is_module = strchr(id, '/') != NULL;
    struct ask ask = ask_new(is_module ? "module.show" : "device.show");
    cJSON *body = NULL;
    int status = 0, code = ask_id(c, &ask, id, TALK_EITHER);

    if (!code)
        code = talk_status(c, &ask, &status, &body);
    if (!code && status == 404)
        (void)fprintf(stderr, "twinsim: there is no %s '%s' yet; waiting for it\n", is_module ? "module" : "device",
                      id);
    if (!code)
        cJSON_Delete(body);
    return code;
}

static int run(struct cli *c)
{
    struct str id = str_from(c->n_operands ? c->operands[0] : "");
    struct monitor m = {c, cli_number(c, "count", -1), cli_flag(c, "hub-events"), false};
    struct ident ident;
    uint64_t missed = 0;
    enum rc rc;
    int code;

    if (id.len && ident_read(id, &ident))
        return cli_fail(c, CLI_USAGE, "'%s' is not an id such as edge-1 or edge-1/azureiotsecurity", c->operands[0]);
    code = talk_open(c);
    if (code)
        return code;
    rc = m.hub_events ? service_listen_hub_events(c->service, id, on_event, &m)
                      : service_listen(c->service, id, on_event, &m);
    if (rc)
        return cli_fail(c, CLI_HUB, "the hub's events cannot be listened to: %s", rc_text(rc));
    if (id.len)
        code = note_if_absent(c);
    if (code)
        return code;
    if (cli_flag(c, "ready"))
        (void)fputs("twinsim: listening\n", stderr);
    while (!rc && !m.failed && m.left != 0) {
        rc = service_wait(c->service, 1000);
        if (service_missed(c->service) != missed) {
            (void)fprintf(stderr, "twinsim: %llu events were missed: this reader was too slow\n",
                          (unsigned long long)(service_missed(c->service) - missed));
            missed = service_missed(c->service);
        }
    }
    if (m.failed || m.left == 0)
        return CLI_OK; /* standard output is judged at the end */
    return cli_fail(c, CLI_HUB, "the hub has stopped, or was lost");
}

static const struct option_spec options[] = {
    {.name = "count", .value = "N", .min = 1, .max = 1000000000, .help = "end after so many events"},
    {.name = "hub-events",
     .help = "show the events of the real service instead, in its own shape: docs/reference/events.md"},
    {.name = "ready", .help = "say 'listening' on standard error once no event can be missed any more"},
    OPTIONS_END,
};

const struct verb verb_monitor = {
    .name = "monitor",
    .operands = "[DEVICE[/MODULE]]",
    .max = 1,
    .summary = "Show what the hub sees and does, as it happens",
    .text = "Of all identities, or of one. With --json one event a line, as docs/reference/control.md describes them. "
            "Ctrl-C ends it.",
    .examples = "twinsim monitor\ntwinsim monitor edge-1/azureiotsecurity --json | jq .patch\ntwinsim monitor "
                "--hub-events --json",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
