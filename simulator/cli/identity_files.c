/* identity_files.c - see identity_files.h. */
#include "identity_files.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"
#include "hub_state.h"
#include "identity.h"

#define FILE_MAX_BYTES (64u * 1024 * 1024)
#define NAME_CUT       150u

struct source { /* where a document stands, for messages */
    const struct cli *cli;
    const char *path;
    struct str text;
};

static int refuse_at(const struct source *s, const cJSON *node, const char *what)
{
    unsigned line = 1, column = 1;

    json_position(s->text, json_offset(node), &line, &column);
    return cli_fail(s->cli, CLI_FILE, "%s:%u:%u: %s", s->path, line, column, what);
}

static bool copy_member(cJSON *to, const cJSON *from, const char *key)
{
    const cJSON *value = json_get(from, key);

    return !value || json_set(to, key, cJSON_Duplicate(value, true)) == RC_OK;
}

/* An identity's document from a twin as the service sees it. NULL: out of memory. */
static cJSON *wrap_twin(const cJSON *twin)
{
    cJSON *doc = cJSON_CreateObject();
    cJSON *inner = cJSON_CreateObject();

    if (doc && inner && copy_member(doc, twin, "deviceId") && copy_member(doc, twin, "moduleId") &&
        copy_member(doc, twin, "status") && copy_member(doc, twin, "statusReason") &&
        copy_member(inner, twin, "tags") && copy_member(inner, twin, "properties") &&
        copy_member(inner, twin, "version") && copy_member(inner, twin, "etag")) {
        if (!json_set(doc, "twin", inner)) /* takes it over, also when it fails */
            return doc;
        inner = NULL;
    }
    cJSON_Delete(doc);
    cJSON_Delete(inner);
    return NULL;
}

/* Would the hub read it? By its own reader, so that no file is half sent before the first that is wrong. */
static int check_values(const struct source *s, const cJSON *node, const struct identity_file *f)
{
    char told[IDENT_TEXT_MAX + 512];
    struct identity *i = NULL;
    struct refusal why;
    enum rc rc = identity_read(f->doc, 0, &i, &why);

    identity_free(i);
    if (rc == RC_NOMEM)
        return cli_no_memory(s->cli);
    if (!rc)
        return CLI_OK;
    (void)snprintf(told, sizeof told, "%s: %s", f->id, why.message);
    return refuse_at(s, node, told);
}

/* A new entry at the end: takes doc over. NULL doc: out of memory. */
static int append(const struct source *s, const cJSON *node, cJSON *doc, struct identity_files *out)
{
    struct identity_file *f;

    if (doc && out->len == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 64;
        struct identity_file *grown = realloc(out->at, cap * sizeof *grown);

        if (grown) {
            out->at = grown;
            out->cap = cap;
        }
    }
    if (!doc || out->len == out->cap) {
        cJSON_Delete(doc);
        return cli_no_memory(s->cli);
    }
    f = &out->at[out->len++];
    f->path = str_dup(str_from(s->path));
    f->doc = doc;
    if (!talk_id_of(doc, f->id))
        return refuse_at(s, node, "\"deviceId\" or \"moduleId\" is no valid id");
    return f->path ? check_values(s, node, f) : cli_no_memory(s->cli);
}

static int add(const struct source *s, const cJSON *doc, struct identity_files *out)
{
    if (!cJSON_IsObject(doc))
        return refuse_at(s, doc, "an identity is an object with a member \"deviceId\"");
    if (!json_get_text(doc, "deviceId"))
        return refuse_at(
            s, doc,
            "there is no \"deviceId\", so nobody owns this twin; add one, or give the file to `device create "
            "--twin @FILE`");
    return append(s, doc,
                  !json_get(doc, "twin") && (json_get(doc, "properties") || json_get(doc, "tags"))
                      ? wrap_twin(doc)
                      : cJSON_Duplicate(doc, true),
                  out);
}

/* --- the file of `az iot hub state export` ------------------------------------------------------------------------- */

static int add_state_entry(const struct source *s, const cJSON *entry, const char *device, const char *module,
                           struct identity_files *out)
{
    const cJSON *at = entry;
    const char *what = NULL;
    cJSON *doc = NULL;
    enum rc rc = hub_state_identity(entry, device, module, &doc, &at, &what);

    return rc == RC_SYNTAX ? refuse_at(s, at, what) : append(s, entry, doc, out);
}

/* What cannot come along is told, not refused: the file is a whole hub's. */
static int add_state(const struct source *s, const cJSON *doc, struct identity_files *out)
{
    const cJSON *device, *module;
    struct buf left;
    int code = CLI_OK;

    cJSON_ArrayForEach(device, json_get(doc, "devices"))
    {
        if (!code)
            code = add_state_entry(s, device, device->string, NULL, out);
        cJSON_ArrayForEach(module, json_get(device, "modules"))
        {
            if (!code)
                code = add_state_entry(s, module, device->string, module->string, out);
        }
    }
    buf_init(&left, 4096);
    hub_state_print_left(&left, doc);
    if (!code && left.len)
        (void)fprintf(stderr, "%s: left out, because this hub has none of them: %.*s\n", s->path,
                      STR_FMT(buf_view(&left)));
    buf_done(&left);
    return code;
}

static int read_file(const struct cli *c, const char *path, struct identity_files *out)
{
    struct json_error err = {0, NULL};
    struct source s = {c, path, {NULL, 0}};
    struct buf text;
    cJSON *doc = NULL;
    const cJSON *one;
    enum rc rc;
    int code = CLI_OK;

    buf_init(&text, FILE_MAX_BYTES);
    rc = file_read(path, &text);
    if (rc) {
        code = cli_fail(c, CLI_FILE, "%s cannot be read: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc));
        goto done;
    }
    s.text = buf_view(&text);
    rc = json_read_commented(s.text, &doc, &err);
    if (rc == RC_NOMEM) {
        code = cli_no_memory(c);
    } else if (rc) {
        unsigned line = 1, column = 1;

        json_position(s.text, err.offset, &line, &column);
        code = cli_fail(c, CLI_FILE, "%s:%u:%u: %s", path, line, column, err.what ? err.what : rc_text(rc));
    } else if (cJSON_IsArray(doc)) {
        cJSON_ArrayForEach(one, doc)
        {
            if (!code)
                code = add(&s, one, out);
        }
    } else {
        code = hub_state_is(doc) ? add_state(&s, doc, out) : add(&s, doc, out);
    }

done:
    cJSON_Delete(doc);
    if (text.at)
        explicit_bzero(text.at, text.len);
    buf_done(&text);
    return code;
}

static int is_json(const struct dirent *entry)
{
    struct str name = str_from(entry->d_name);

    return entry->d_name[0] != '.' && (str_ends(name, STR(".json")) || str_ends(name, STR(".jsonc")));
}

static int read_dir(const struct cli *c, const char *path, struct identity_files *out)
{
    struct dirent **names = NULL;
    char file[PATH_MAX];
    int n = scandir(path, &names, is_json, alphasort);
    int code = CLI_OK;

    if (n < 0)
        return cli_fail(c, CLI_FILE, "%s cannot be read: %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (!code)
            code = path_join(file, path, names[i]->d_name) ? cli_fail(c, CLI_FILE, "a path in %s is too long", path)
                                                           : read_file(c, file, out);
        free(names[i]);
    }
    free(names);
    return code;
}

int identity_files_read(const struct cli *c, const char *path, struct identity_files *out)
{
    struct stat st;

    if (stat(path, &st))
        return cli_fail(c, CLI_FILE, "%s cannot be read: %s", path, strerror(errno));
    return S_ISDIR(st.st_mode) ? read_dir(c, path, out) : read_file(c, path, out);
}

void identity_files_done(struct identity_files *f)
{
    for (size_t i = 0; i < f->len; i++) {
        free(f->at[i].path);
        cJSON_Delete(f->at[i].doc);
    }
    free(f->at);
    memset(f, 0, sizeof *f);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static int create_parent(struct cli *c, const char *id, size_t *made)
{
    struct ask ask = ask_new("device.create");
    struct str device = str_first(str_from(id), str_find(str_from(id), '/'));
    cJSON *body = NULL;
    int status = 0, code;

    ask_node(&ask, "deviceId", json_str(device));
    code = talk_status(c, &ask, &status, &body);
    if (!code && status >= 300 && status != 409)
        code = talk_refused(c, status, body);
    if (!code && status < 300)
        ++*made;
    cJSON_Delete(body);
    return code;
}

static int import(struct cli *c, const struct identity_file *f, bool replace, int *status, cJSON **body)
{
    struct ask ask = ask_new("identity.import");

    ask_node(&ask, "identity", cJSON_Duplicate(f->doc, true));
    if (replace)
        ask_bool(&ask, "replace", true);
    return talk_status(c, &ask, status, body);
}

static int send_one(struct cli *c, struct identity_file *f, enum existing existing, bool with_parents, size_t *made,
                    size_t *stayed)
{
    bool replace = existing == EXISTING_IS_REPLACED;
    cJSON *body = NULL;
    int status = 0;
    int code = import(c, f, replace, &status, &body);

    if (!code && status == 404 && with_parents && strchr(f->id, '/')) {
        cJSON_Delete(body);
        body = NULL;
        code = create_parent(c, f->id, made);
        if (!code)
            code = import(c, f, replace, &status, &body);
    }
    if (!code && status == 409 && existing == EXISTING_STAYS) {
        ++*stayed;
    } else if (!code && status >= 300) {
        const char *message = json_get_text(body, "message");
        char told[2048];
        int64_t error = 0;

        if (json_get_i64(body, "errorCode", &error))
            error = CLI_REFUSED;
        (void)snprintf(told, sizeof told, "%.1024s: %s: %s%s", f->path, f->id, message ? message : "refused",
                       status == 409 && existing == EXISTING_FAILS ? "; add --replace, or --keep to leave it as it is"
                                                                   : "");
        code = cli_fail_code(c, CLI_REFUSED, (long)error, told);
    } else if (!code) {
        ++*made;
    }
    cJSON_Delete(body);
    cJSON_Delete(f->doc);
    f->doc = NULL;
    return code;
}

int identity_files_send(struct cli *c, struct identity_files *f, enum existing existing, bool with_parents,
                        size_t *made, size_t *stayed)
{
    int code = CLI_OK;

    *made = *stayed = 0;
    for (int modules = 0; modules < 2; modules++)
        for (size_t i = 0; !code && i < f->len; i++)
            if ((strchr(f->at[i].id, '/') != NULL) == (modules == 1))
                code = send_one(c, &f->at[i], existing, with_parents, made, stayed);
    return code;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

void identity_file_name(struct str id, char out[192])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    struct buf name;

    buf_init(&name, 4 * IDENT_TEXT_MAX);
    for (size_t i = 0; i < id.len; i++) {
        if (id.at[i] == '.')
            buf_add(&name, STR("%2E"));
        else
            buf_add_percent(&name, str_of(id.at + i, 1), STR(""));
    }
    if (name.len <= NAME_CUT) {
        (void)snprintf(out, 192, "%.*s.json", STR_FMT(buf_view(&name)));
    } else {
        (void)EVP_Digest(id.at, id.len, digest, NULL, EVP_sha256(), NULL);
        (void)snprintf(out, 192, "%.*s~%02x%02x%02x%02x%02x%02x%02x%02x.json", (int)NAME_CUT, name.at, digest[0],
                       digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    }
    buf_done(&name);
}
