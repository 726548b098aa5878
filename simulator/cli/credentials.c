/* credentials.c - see credentials.h. */
#include "credentials.h"

#include <stdio.h>

#include "files.h"
#include "hub.h"

/* A policy's key follows from the hub's seed, which lies beside hub.json. */
static int find_policy(struct cli *c, const char *policy, struct credentials *out)
{
    char path[PATH_MAX];
    struct sas_key key;
    struct buf seed;
    enum rc rc = path_join(path, c->data_dir, "keys.seed");

    buf_init(&seed, 256);
    if (!rc)
        rc = file_read(path, &seed);
    if (!rc)
        rc = hub_policy_key(str_first(buf_view(&seed), str_find(buf_view(&seed), '\n')), str_from(policy), &key);
    if (seed.at)
        explicit_bzero(seed.at, seed.len);
    buf_done(&seed);
    if (rc)
        return cli_fail(c, rc == RC_NOT_FOUND ? CLI_REFUSED : CLI_FILE,
                        "the key of policy %s cannot be made from %s: %s", policy, path, rc_text(rc));
    (void)snprintf(out->policy, sizeof out->policy, "%s", policy);
    sas_key_print(&key, out->key);
    explicit_bzero(&key, sizeof key);
    return CLI_OK;
}

static int find_identity(struct cli *c, const char *id, struct credentials *out)
{
    bool is_module = strchr(id, '/') != NULL;
    struct ask ask = ask_new(is_module ? "module.show" : "device.show");
    const char *which = cli_text(c, "key");
    const cJSON *authentication;
    const char *key;
    cJSON *body = NULL;
    int code = ask_id(c, &ask, id, TALK_EITHER);

    if (!code)
        code = talk(c, &ask, &body);
    if (code)
        return code;
    authentication = json_get(body, "authentication");
    key = json_get_text(json_get(authentication, "symmetricKey"),
                        which && strcmp(which, "secondary") == 0 ? "secondaryKey" : "primaryKey");
    if (key && strlen(key) < sizeof out->key) {
        memcpy(out->key, key, strlen(key) + 1);
        memcpy(out->id, id, strlen(id) + 1); /* it was read as an id: it fits */
        code = ident_read(str_from(out->id), &out->who) ? CLI_REFUSED : CLI_OK;
    } else {
        code = cli_fail(c, CLI_REFUSED, "%s has no symmetric key", id);
    }
    cJSON_Delete(body);
    return code;
}

int credentials_find(struct cli *c, const char *policy, struct credentials *out)
{
    bool secondary = cli_text(c, "key") && strcmp(cli_text(c, "key"), "secondary") == 0;
    int code;

    memset(out, 0, sizeof *out);
    if (!policy == (c->n_operands == 0))
        return cli_fail(c, CLI_USAGE, "give either an id or --policy NAME; see: twinsim help %s", c->verb->name);
    if (policy && secondary)
        return cli_fail(c, CLI_USAGE, "the hub's policies have one key; leave --key away");
    code = talk_open(c);
    if (!code)
        code = policy ? find_policy(c, policy, out) : find_identity(c, c->operands[0], out);
    if (code)
        return code;
    out->host = cli_flag(c, "gateway-host") ? c->hub.hostname : c->hub.host;
    out->gateway_host = cli_flag(c, "gateway-host") ? c->hub.host : NULL;
    return CLI_OK;
}

void credentials_done(struct credentials *cr)
{
    explicit_bzero(cr, sizeof *cr);
}

void credentials_print(struct buf *out, const struct credentials *cr)
{
    connection_string_print(out, &(struct connection_string){
                                     .host = str_from(cr->host),
                                     .gateway_host = str_from(cr->gateway_host),
                                     .device = cr->who.device,
                                     .module = cr->who.module,
                                     .key_name = str_from(cr->policy),
                                     .key = str_from(cr->key),
                                 });
}
