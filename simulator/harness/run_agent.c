/* run_agent.c - what an agent is started with: its words, its environment, its files, and who it is. */
#include "run_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "connection_string.h"
#include "files.h"
#include "vars.h"

#define DEFAULT_AGENT "security-agent"

/* Fill in the variables of one text; tells when that fails. */
static enum verdict fill(struct run *r, const char *text, struct buf *out)
{
    enum rc rc = vars_fill_text(out, str_from(text), r->vars);

    return rc ? run_error(r, "the variables in '%s' cannot be filled in: %s", text, rc_text(rc)) : VERDICT_PASSED;
}

enum verdict run_fill_words(struct run *r, struct words *w, const char *base)
{
    enum verdict v = VERDICT_PASSED;

    for (size_t i = 0; i < w->count && !v; i++) {
        struct buf word;
        char *text;

        buf_init(&word, 0);
        v = fill(r, w->at[i], &word);
        if (!v && i == 0 && word.len && word.at[0] != '/' && strchr(word.at, '/')) {
            struct buf whole;

            buf_init(&whole, PATH_MAX);
            buf_addf(&whole, "%s/%s", base, word.at);
            buf_done(&word);
            word = whole;
        }
        text = v ? NULL : buf_take(&word, NULL);
        buf_done(&word);
        if (!v && !text)
            v = run_no_memory(r);
        if (text) {
            free(w->at[i]);
            w->at[i] = text;
        }
    }
    return v;
}

/* security-agent beside our own binary, else by its name on PATH. */
static enum rc default_agent(struct words *out)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof DEFAULT_AGENT);
    char *slash;

    if (n > 0) {
        path[n] = '\0';
        slash = strrchr(path, '/');
        if (slash) {
            memcpy(slash + 1, DEFAULT_AGENT, sizeof DEFAULT_AGENT);
            if (access(path, X_OK) == 0)
                return words_add(out, str_from(path));
        }
    }
    return words_add(out, STR(DEFAULT_AGENT));
}

enum verdict run_agent_command(struct run *r, const struct agent *a, struct words *out)
{
    const char *given = r->options->agent, *own = json_get_text(a->node, "command");
    char here[PATH_MAX];
    const cJSON *arg;
    enum rc rc;
    enum verdict v;

    if (!getcwd(here, sizeof here))
        return run_error(r, "the current folder is gone: %s", strerror(errno));
    if (given || own)
        rc = words_split(str_from(given ? given : own), out);
    else
        rc = default_agent(out);
    if (!rc && out->count == 0)
        rc = RC_SYNTAX;
    if (rc)
        return run_error(r, "the agent's command is no list of words: %s", rc_text(rc));
    v = run_fill_words(r, out, given ? here : r->s->dir);
    cJSON_ArrayForEach(arg, json_get(a->node, "args"))
    {
        struct buf word;

        buf_init(&word, 0);
        if (!v)
            v = fill(r, arg->valuestring, &word);
        if (!v && words_add(out, buf_view(&word)))
            v = run_no_memory(r);
        buf_done(&word);
    }
    return v;
}

/* Does the list already hold NAME=...? */
static bool env_has(const struct words *env, struct str name)
{
    for (size_t i = 0; i < env->count; i++)
        if (str_starts(str_from(env->at[i]), name) && env->at[i][name.len] == '=')
            return true;
    return false;
}

/* Add NAME=text with the variables filled in. */
static enum verdict env_add(struct run *r, struct words *env, const char *name, const char *text)
{
    struct buf entry;
    enum verdict v;

    buf_init(&entry, 0);
    buf_addf(&entry, "%s=", name);
    v = fill(r, text, &entry);
    if (!v && words_add(env, buf_view(&entry)))
        v = run_error(r, "too many environment variables (%u at most)", WORDS_MAX);
    buf_done(&entry);
    return v;
}

/* The scenario's own come first, then what `twinsim env` prints, then what we were started with. */
enum verdict run_agent_env(struct run *r, const struct agent *a, struct words *out)
{
    static const char *const defaults[][2] = {
        {"IOTHUB_DEVICE_CONNECTION_STRING", "${connectionString}"},
        {"IOTHUB_DEVICE_SECURITY_TYPE", "connectionString"},
        {"SSL_CERT_FILE", "${caFile}"},
        {"NODE_EXTRA_CA_CERTS", "${caFile}"},
        {"REQUESTS_CA_BUNDLE", "${caFile}"},
        {"AZ_IOT_DEVICE_X509_TRUST_PEM_FILE_PATH", "${caFile}"},
    };
    const cJSON *own = json_get(a->node, "env"), *given;
    enum verdict v = VERDICT_PASSED;

    cJSON_ArrayForEach(given, own)
    {
        if (!v && cJSON_IsString(given))
            v = env_add(r, out, given->string, given->valuestring);
    }
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0] && !v; i++)
        if (!json_get(own, defaults[i][0]))
            v = env_add(r, out, defaults[i][0], defaults[i][1]);
    for (char **e = environ; *e && !v; e++) {
        struct str name = str_first(str_from(*e), str_find(str_from(*e), '='));
        char key[256];

        if (name.len == 0 || name.len >= sizeof key || env_has(out, name))
            continue;
        memcpy(key, name.at, name.len);
        key[name.len] = '\0';
        if (!json_get(own, key) && words_add(out, str_from(*e)))
            v = run_error(r, "too many environment variables (%u at most)", WORDS_MAX);
    }
    return v;
}

/* Make the folders above a file in ${work}. */
static enum rc make_folders(const char *work, const char *name)
{
    char path[PATH_MAX], *slash;
    enum rc rc = path_join(path, work, name);

    if (rc)
        return rc;
    slash = strrchr(path, '/');
    *slash = '\0';
    return dir_make(path);
}

enum verdict run_agent_files(struct run *r, const struct agent *a)
{
    const cJSON *file;

    cJSON_ArrayForEach(file, json_get(a->node, "files"))
    {
        cJSON *filled = NULL;
        char path[PATH_MAX];
        struct buf text;
        enum rc rc = vars_fill(file, r->vars, &filled);

        if (rc)
            return run_error(r, "the variables in the agent's file '%s' cannot be filled in: %s", file->string,
                             rc_text(rc));
        buf_init(&text, 0);
        if (cJSON_IsString(filled))
            buf_add(&text, str_from(filled->valuestring));
        else
            json_print(&text, filled);
        cJSON_Delete(filled);
        rc = text.rc ? text.rc : make_folders(a->work, file->string);
        if (!rc)
            rc = path_join(path, a->work, file->string);
        if (!rc)
            rc = file_write(path, buf_view(&text), 0600, false);
        buf_done(&text);
        if (rc)
            return run_error(r, "the agent's file '%s' cannot be written: %s", file->string,
                             rc == RC_IO ? strerror(errno) : rc_text(rc));
    }
    return VERDICT_PASSED;
}

static enum verdict set_text(struct run *r, const char *name, struct str text)
{
    return json_set(r->vars, name, json_str(text)) ? run_no_memory(r) : VERDICT_PASSED;
}

/* Append the connection string of an identity whose key we know. */
static void print_connection_string(const struct run *r, struct ident id, const char *key, struct buf *out)
{
    struct connection_string cs = {
        .host = str_from(r->host), .device = id.device, .module = id.module, .key = str_from(key)};

    connection_string_print(out, &cs);
}

enum verdict run_agent_vars(struct run *r, const struct agent *a)
{
    const char *as = a ? json_get_text(a->node, "as") : "", *key = a ? json_get_text(r->keys, as) : NULL;
    struct ident id = {.device = STR("")};
    struct buf text;
    enum verdict v;

    if (a && ident_read(str_from(as), &id))
        return run_error(r, "'%s' is no identity; the agent's is known before any variable is", as);
    buf_init(&text, 0);
    buf_add(&text, STR(""));
    if (key)
        print_connection_string(r, id, key, &text);
    v = buf_ok(&text) ? set_text(r, "connectionString", buf_view(&text)) : run_no_memory(r);
    buf_done(&text);
    if (!v)
        v = set_text(r, "key", str_from(key ? key : ""));
    if (!v)
        v = set_text(r, "id", str_from(as));
    if (!v)
        v = set_text(r, "deviceId", id.device);
    if (!v)
        v = set_text(r, "moduleId", id.module);
    return v ? v : set_text(r, "work", str_from(a ? a->work : r->work));
}

enum verdict run_learn_identity(struct run *r, const cJSON *identity)
{
    const cJSON *pair = json_at_path(identity, STR("authentication.symmetricKey"));
    const char *primary = json_get_text(pair, "primaryKey");
    struct ident id = {.device = str_from(json_get_text(identity, "deviceId")),
                       .module = str_from(json_get_text(identity, "moduleId"))};
    char who[IDENT_TEXT_MAX];

    if (masks_add(&r->masks, primary) || masks_add(&r->masks, json_get_text(pair, "secondaryKey")))
        return run_no_memory(r);
    if (!ident_part_is_valid(id.device) || !primary)
        return VERDICT_PASSED;
    (void)ident_print(id, who);
    if (json_set(r->keys, who, json_str(str_from(primary))))
        return run_no_memory(r);
    return run_agent_vars(r, run_agent_find(r, NULL));
}
