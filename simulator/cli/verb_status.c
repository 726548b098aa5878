/* verb_status.c - twinsim status */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

/* hub.status, and what hub.json says about how to reach it. */
static int add_address(const struct cli *c, cJSON *body)
{
    if (json_set(body, "host", json_str(str_from(c->hub.host))) ||
        json_set(body, "mqttsPort", json_i64(c->hub.mqtts_port)) ||
        json_set(body, "caFile", json_str(str_from(c->hub.ca_file))) ||
        json_set(body, "dataDir", json_str(str_from(c->data_dir))) || json_set(body, "pid", json_i64(c->hub.pid)) ||
        json_set(body, "brokerPid", json_i64(c->hub.broker_pid)) ||
        json_set(body, "gatewayPid", c->hub.gateway_pid ? json_i64(c->hub.gateway_pid) : cJSON_CreateNull()))
        return cli_no_memory(c);
    return CLI_OK;
}

static void print_member(const cJSON *body, const char *label, const char *key)
{
    struct buf value;

    buf_init(&value, 0);
    if (cJSON_IsString(json_get(body, key)))
        buf_add(&value, str_from(json_get_text(body, key)));
    else if (json_get(body, key))
        json_print(&value, json_get(body, key));
    if (value.len)
        (void)printf("%-12s %.*s\n", label, STR_FMT(buf_view(&value)));
    buf_done(&value);
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("hub.status");
    cJSON *body = NULL;
    int code = talk(c, &ask, &body);

    if (!code)
        code = add_address(c, body);
    if (!code && c->json) {
        code = show_json(c, body);
    } else if (!code) {
        (void)printf("%-12s %s\n%-12s %s:%d (MQTT over TLS)\n", "hub", c->hub.hostname, "address", c->hub.host,
                     c->hub.mqtts_port);
        print_member(body, "identities", "identities");
        print_member(body, "connected", "connected");
        print_member(body, "healthy", "healthy");
        print_member(body, "durability", "durability");
        print_member(body, "profile", "profile");
        print_member(body, "up seconds", "uptimeSeconds");
        print_member(body, "version", "version");
        print_member(body, "ca", "caFile");
        print_member(body, "data", "dataDir");
        print_member(body, "pid", "pid");
    }
    cJSON_Delete(body);
    return code;
}

const struct verb verb_status = {
    .name = "status",
    .summary = "Show a running hub: its address, its identities, how long it is up",
    .examples = "twinsim status\ntwinsim status --data ./hub --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
