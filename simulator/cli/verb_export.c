/* verb_export.c - twinsim export */
#include <errno.h>
#include <stdio.h>

#include "files.h"
#include "identity_files.h"
#include "verbs.h"

struct export
{
    const char *dir;
    size_t n;
};

static int write_identity(const struct cli *c, const char *dir, const char *id, const cJSON *doc)
{
    char name[192], path[PATH_MAX];
    struct buf text;
    enum rc rc;

    identity_file_name(str_from(id), name);
    if (path_join(path, dir, name))
        return cli_fail(c, CLI_FILE, "the path of %s is too long", dir);
    buf_init(&text, 64u * 1024 * 1024);
    json_print_pretty(&text, doc);
    if (text.len && text.at[text.len - 1] != '\n')
        buf_add_char(&text, '\n');
    rc = text.rc ? text.rc : file_write(path, buf_view(&text), 0600, false);
    if (text.at)
        explicit_bzero(text.at, text.len); /* it holds keys */
    buf_done(&text);
    return rc ? cli_fail(c, CLI_FILE, "%s cannot be written: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc))
              : CLI_OK;
}

static int export_one(struct cli *c, const cJSON *document, void *arg)
{
    struct export *e = arg;
    struct ask ask = ask_new("identity.export");
    char id[IDENT_TEXT_MAX];
    cJSON *body = NULL;
    int status = 0, code;

    if (!talk_id_of(document, id)) {
        ask_drop(&ask);
        return cli_fail(c, CLI_REFUSED, "the hub lists an identity without an id");
    }
    ask_text(&ask, "deviceId", json_get_text(document, "deviceId"));
    ask_text(&ask, "moduleId", json_get_text(document, "moduleId"));
    code = talk_status(c, &ask, &status, &body);
    if (!code && status >= 300 && status != 404) /* 404: deleted since it was listed */
        code = talk_refused(c, status, body);
    if (!code && status < 300) {
        code = write_identity(c, e->dir, id, body);
        e->n++;
    }
    cJSON_Delete(body);
    return code;
}

static int run(struct cli *c)
{
    struct export e = {c->operands[0], 0};
    int code = talk_open(c);

    if (!code && dir_make(e.dir))
        code = cli_fail(c, CLI_FILE, "%s cannot be made: %s", e.dir, strerror(errno));
    if (!code)
        code = talk_each_identity(c, export_one, &e);
    if (!code && c->json)
        (void)printf("{\"exported\":%zu}\n", e.n);
    else if (!code)
        (void)printf("exported %zu identities to %s\n", e.n, e.dir);
    return code;
}

const struct verb verb_export = {
    .name = "export",
    .operands = "DIR",
    .min = 1,
    .max = 1,
    .summary = "Write every identity, with keys and twin, to a file of its own in a directory",
    .text = "Files of identities that are there already are replaced, others stay. The files hold keys and are "
            "readable by you alone.",
    .examples = "twinsim export ./backup",
    .has_data = true,
    .has_json = true,
    .run = run,
};
