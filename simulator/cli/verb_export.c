/* verb_export.c - twinsim export */
#include <errno.h>
#include <stdio.h>

#include "files.h"
#include "hub_state.h"
#include "identity_files.h"
#include "verbs.h"

#define STATE_FILE_MAX (1024u * 1024 * 1024)

struct export
{
    const char *path; /* the directory, or the state file */
    size_t n, failed; /* written; not readable for the hub */
    struct hub_state state;
};

/* Readable by the owner alone: it holds keys. */
static int write_document(const struct cli *c, const char *path, const cJSON *doc)
{
    struct buf text;
    enum rc rc;

    buf_init(&text, STATE_FILE_MAX);
    json_print_pretty(&text, doc);
    if (text.len && text.at[text.len - 1] != '\n')
        buf_add_char(&text, '\n');
    rc = text.rc ? text.rc : file_write(path, buf_view(&text), 0600, false);
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    return rc ? cli_fail(c, CLI_FILE, "%s cannot be written: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc))
              : CLI_OK;
}

static int write_identity(const struct cli *c, const char *dir, const char *id, const cJSON *doc)
{
    char name[192], path[PATH_MAX];

    identity_file_name(str_from(id), name);
    return path_join(path, dir, name) ? cli_fail(c, CLI_FILE, "the path of %s is too long", dir)
                                      : write_document(c, path, doc);
}

/* Everything of one identity; *out stays NULL when it was deleted since it was listed, or when its rows are damaged: that is told, and the
 * others are still exported. */
static int ask_for(struct cli *c, const cJSON *document, struct export *e, cJSON **out)
{
    struct ask ask = ask_new("identity.export");
    cJSON *body = NULL;
    char id[IDENT_TEXT_MAX];
    int status = 0, code;

    ask_text(&ask, "deviceId", json_get_text(document, "deviceId"));
    ask_text(&ask, "moduleId", json_get_text(document, "moduleId"));
    code = talk_status(c, &ask, &status, &body);
    if (!code && status == 500 && talk_id_of(document, id)) {
        (void)cli_fail(c, CLI_REFUSED, "%s cannot be read by the hub, and is left out: twinsim fsck tells more", id);
        e->failed++;
    } else if (!code && status >= 300 && status != 404) {
        code = talk_refused(c, status, body);
    }
    if (code || status >= 300)
        cJSON_Delete(body);
    else
        *out = body;
    return code;
}

static int export_to_dir(struct cli *c, const cJSON *document, void *arg)
{
    struct export *e = arg;
    char id[IDENT_TEXT_MAX];
    cJSON *body = NULL;
    int code;

    if (!talk_id_of(document, id))
        return cli_fail(c, CLI_REFUSED, "the hub lists an identity without an id");
    code = ask_for(c, document, e, &body);
    if (!code && body) {
        code = write_identity(c, e->path, id, body);
        e->n++;
    }
    cJSON_Delete(body);
    return code;
}

static int export_to_state(struct cli *c, const cJSON *document, void *arg)
{
    struct export *e = arg;
    cJSON *body = NULL;
    int code = ask_for(c, document, e, &body);

    if (!code && body) {
        enum rc rc = hub_state_add(&e->state, body);

        if (rc == RC_NOMEM)
            code = cli_no_memory(c);
        else if (!rc) /* a module whose device was deleted meanwhile stays out, too */
            e->n++;
    }
    cJSON_Delete(body);
    return code;
}

static int to_dir(struct cli *c, struct export *e)
{
    int code = talk_open(c);

    if (!code && dir_make(e->path))
        code = cli_fail(c, CLI_FILE, "%s cannot be made: %s", e->path, strerror(errno));
    return code ? code : talk_each_identity(c, export_to_dir, e);
}

static int to_state(struct cli *c, struct export *e)
{
    int code = talk_open(c);

    if (!code && hub_state_init(&e->state))
        code = cli_no_memory(c);
    if (!code)
        code = talk_each_identity(c, export_to_state, e);
    if (!code)
        code = write_document(c, e->path, e->state.doc);
    hub_state_done(&e->state);
    return code;
}

static int run(struct cli *c)
{
    const char *file = cli_text(c, "state-file");
    struct export e = {.path = file ? file : c->n_operands ? c->operands[0] : NULL};
    int code;

    if (!e.path)
        return cli_fail(c, CLI_USAGE, "give a directory, or --state-file FILE; see: twinsim help export");
    if (file && c->n_operands)
        return cli_fail(c, CLI_USAGE, "give a directory or --state-file FILE, not both; see: twinsim help export");
    code = file ? to_state(c, &e) : to_dir(c, &e);
    if (!code && c->json)
        (void)printf("{\"exported\":%zu}\n", e.n);
    else if (!code)
        (void)printf("exported %zu %s to %s\n", e.n, e.n == 1 ? "identity" : "identities", e.path);
    return code || !e.failed ? code : CLI_REFUSED;
}

static const struct option_spec options[] = {
    {.name = "state-file",
     .value = "FILE",
     .help = "write one file as `az iot hub state export` does, without counters and reported properties"},
    OPTIONS_END,
};

const struct verb verb_export = {
    .name = "export",
    .operands = "[DIR]",
    .min = 0,
    .max = 1,
    .summary = "Write every identity, with keys and twin, to a file of its own in a directory",
    .text = "Files of identities that are there already are replaced, others stay. The files hold keys and are "
            "readable by you alone.",
    .examples = "twinsim export ./backup\ntwinsim export --state-file hub.json   # for az iot hub state import",
    .options = options,
    .has_data = true,
    .has_json = true,
    .run = run,
};
