/* verb_security_init.c - twinsim security init */
#include <stdio.h>

#include "security_default.h"
#include "show.h"
#include "verbs.h"

#define MODULE "azureiotsecurity"

/* What the operator of the real service runs for each device (facts S-15): create the module, an existing one is fine; give it tag
 * and default configuration, a populated one is left untouched. */
enum outcome { OUTCOME_CREATED, OUTCOME_POPULATED, OUTCOME_LEFT };

struct init {
    const cJSON *document; /* the published default: tags, properties.desired */
    struct show_list list;
};

static struct ask ask_about(const char *command, const char *device)
{
    struct ask ask = ask_new(command);

    ask_text(&ask, "deviceId", device);
    ask_text(&ask, "moduleId", MODULE);
    return ask;
}

/* Has the twin the configuration object of the default document? */
static int is_populated(struct cli *c, const char *device, const cJSON *document, bool *populated)
{
    const cJSON *object = json_get(json_get(document, "properties"), "desired")->child;
    struct ask ask = ask_about("twin.show", device);
    cJSON *twin = NULL;
    int code = talk(c, &ask, &twin);

    if (!code)
        *populated = json_get(json_get(json_get(twin, "properties"), "desired"), object->string) != NULL;
    cJSON_Delete(twin);
    return code;
}

static int init_one(struct cli *c, const char *device, const cJSON *document, enum outcome *outcome)
{
    struct ask ask = ask_about("module.create", device);
    cJSON *body = NULL;
    bool populated = false;
    int status = 0;
    int code = talk_status(c, &ask, &status, &body);

    if (!code && status >= 300 && status != 409)
        code = talk_refused(c, status, body);
    cJSON_Delete(body);
    if (!code && status == 409)
        code = is_populated(c, device, document, &populated);
    *outcome = status != 409 ? OUTCOME_CREATED : populated ? OUTCOME_LEFT : OUTCOME_POPULATED;
    if (code || populated)
        return code;
    ask = ask_about("twin.update", device);
    ask_node(&ask, "patch", cJSON_Duplicate(document, true));
    return talk(c, &ask, NULL);
}

static int tell(const struct cli *c, struct init *init, const char *device, enum outcome outcome)
{
    static const char *const words[] = {"created", "populated", "left"};
    static const char *const sentences[] = {
        "created " MODULE " with the default configuration",
        MODULE " was there without a configuration; gave it the default one",
        MODULE " has a configuration; left it as it is",
    };
    cJSON *row;
    int code = CLI_OK;

    if (!c->json) {
        (void)printf("%s: %s\n", device, sentences[outcome]);
        return CLI_OK;
    }
    row = cJSON_CreateObject();
    if (!row || json_set(row, "deviceId", json_str(str_from(device))) ||
        json_set(row, "moduleId", json_str(STR(MODULE))) ||
        json_set(row, "outcome", json_str(str_from(words[outcome]))))
        code = cli_no_memory(c);
    if (!code)
        code = show_list_add(c, &init->list, row);
    cJSON_Delete(row);
    return code;
}

static int init_device(struct cli *c, const char *device, struct init *init)
{
    enum outcome outcome = OUTCOME_LEFT;
    int code = init_one(c, device, init->document, &outcome);

    return code ? code : tell(c, init, device, outcome);
}

static int each(struct cli *c, const cJSON *device, void *arg)
{
    const char *id = json_get_text(device, "deviceId");

    return id ? init_device(c, id, arg) : CLI_OK;
}

static int run(struct cli *c)
{
    struct init init = {NULL, {0}};
    cJSON *document = NULL;
    struct ident id;
    int code = CLI_OK;

    if (cli_flag(c, "all") == (c->n_operands > 0))
        return cli_fail(c, CLI_USAGE, "give either --all or the devices; see: twinsim help security init");
    for (size_t i = 0; i < c->n_operands; i++)
        if (ident_read(str_from(c->operands[i]), &id) || ident_is_module(id))
            return cli_fail(c, CLI_USAGE, "'%s' is not a device id such as edge-1", c->operands[i]);
    if (json_read(str_of(security_default, security_default_len), &document, NULL))
        return cli_no_memory(c); /* the text was built in: nothing else can be wrong */
    init.document = document;
    code = talk_open(c);
    if (!code && cli_flag(c, "all"))
        code = talk_each_device(c, each, &init);
    for (size_t i = 0; !code && i < c->n_operands; i++)
        code = init_device(c, c->operands[i], &init);
    if (!code && c->json)
        show_list_end(&init.list);
    cJSON_Delete(document);
    return code;
}

static const struct option_spec options[] = {
    {.name = "all", .help = "every device of the hub"},
    OPTIONS_END,
};

const struct verb verb_security_init = {
    .name = "security init",
    .operands = "[DEVICE...]",
    .max = -1,
    .summary = "Give devices the security module azureiotsecurity with the published default configuration",
    .text = "An existing module is fine; one that has a configuration is left untouched.",
    .examples = "twinsim security init edge-1\ntwinsim security init --all",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
