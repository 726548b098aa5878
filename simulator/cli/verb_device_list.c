/* verb_device_list.c - twinsim device list */
#include <stdio.h>

#include "show.h"
#include "verbs.h"

static int each(struct cli *c, const cJSON *device, void *arg)
{
    const char *id = json_get_text(device, "deviceId"), *status = json_get_text(device, "status");
    const char *connection = json_get_text(device, "connectionState");

    if (c->json)
        return show_list_add(c, arg, device);
    (void)printf("%-32s %-10s %s\n", id ? id : "?", status ? status : "?", connection ? connection : "?");
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct show_list list = {0};
    int code = talk_open(c);

    if (code)
        return code;
    if (!c->json)
        (void)printf("%-32s %-10s %s\n", "DEVICE", "STATUS", "CONNECTION");
    code = talk_each_device(c, each, &list);
    if (!code && c->json)
        show_list_end(&list);
    return code;
}

const struct verb verb_device_list = {
    .name = "device list",
    .summary = "List the device identities",
    .text = "With --json an array of their documents, keys included.",
    .examples = "twinsim device list\ntwinsim device list --json",
    .has_data = true,
    .has_json = true,
    .run = run,
};
