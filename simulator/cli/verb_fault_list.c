/* verb_fault_list.c - twinsim fault list */
#include <stdio.h>
#include <stdlib.h>

#include "show.h"
#include "verbs.h"

static void print_line(const cJSON *fault)
{
    for (const cJSON *m = fault->child; m; m = m->next) {
        char *text = cJSON_IsString(m) ? NULL : json_text(m);

        (void)printf("%s%s=%s", m == fault->child ? "" : "  ", m->string,
                     cJSON_IsString(m) ? m->valuestring
                     : text            ? text
                                       : "?");
        free(text);
    }
    (void)putchar('\n');
}

static int run(struct cli *c)
{
    struct ask ask = ask_new("fault.list");
    cJSON *body = NULL;
    const cJSON *fault;
    int code = talk(c, &ask, &body);

    if (!code && c->json)
        code = show_json(c, json_get(body, "items"));
    else if (!code)
        cJSON_ArrayForEach(fault, json_get(body, "items")) print_line(fault);
    cJSON_Delete(body);
    return code;
}

const struct verb verb_fault_list = {
    .name = "fault list",
    .summary = "List the faults that can still strike, or hold something back",
    .examples = "twinsim fault list",
    .has_data = true,
    .has_json = true,
    .run = run,
};
