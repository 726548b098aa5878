/* twin_write.c - see twin_write.h. */
#include "twin_write.h"

#include "show.h"

/* Read an option's JSON into to[key]; a missing option adds nothing. */
static int add_section(const struct cli *c, const char *option, cJSON *to, const char *key)
{
    const char *text = cli_text(c, option);
    cJSON *section = NULL;
    int code = text ? talk_read_json(c, option, text, &section) : CLI_OK;

    if (!code && section && json_set(to, key, section))
        code = cli_no_memory(c);
    return code;
}

static int read_document(const struct cli *c, cJSON *doc)
{
    cJSON *properties;
    int code;

    if (!cli_text(c, "desired") && !cli_text(c, "tags"))
        return cli_fail(c, CLI_USAGE, "give --desired, --tags or both; see: twinsim help %s", c->verb->name);
    code = add_section(c, "tags", doc, "tags");
    if (code || !cli_text(c, "desired"))
        return code;
    properties = cJSON_CreateObject();
    if (json_set(doc, "properties", properties)) /* takes it over */
        return cli_no_memory(c);
    return add_section(c, "desired", properties, "desired");
}

int twin_write(struct cli *c, const char *command, const char *member)
{
    struct ask ask = ask_new(command);
    cJSON *doc = cJSON_CreateObject();
    int code = doc ? read_document(c, doc) : cli_no_memory(c);

    if (code)
        ask_drop(&ask);
    else
        code = ask_id(c, &ask, c->operands[0], TALK_EITHER);
    if (code) {
        cJSON_Delete(doc);
        return code;
    }
    ask_node(&ask, member, doc);
    ask_text(&ask, "etag", cli_text(c, "etag"));
    return show_answer(c, &ask, show_twin);
}
