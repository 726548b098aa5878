/* talk.c - see talk.h. */
#include "talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "why.h"

#define ANSWER_MS 30000

int talk_open(struct cli *c)
{
    char why[WHY_MAX] = "";
    enum rc rc;

    if (c->service)
        return CLI_OK;
    rc = hub_file_read(c->data_dir, &c->hub, why, sizeof why);
    if (!rc)
        rc = service_connect(&c->hub, &c->service, why, sizeof why);
    return rc ? cli_fail(c, rc == RC_SYNTAX ? CLI_FILE : CLI_HUB, "%s", why) : CLI_OK;
}

void talk_close(struct cli *c)
{
    service_free(c->service);
    c->service = NULL;
    explicit_bzero(&c->hub, sizeof c->hub);
}

/* --- putting a command together ----------------------------------------------------------------------------------- */

void ask_node(struct ask *ask, const char *key, cJSON *value)
{
    if (ask->rc)
        cJSON_Delete(value);
    else
        ask->rc = json_set(ask->doc, key, value);
}

void ask_text(struct ask *ask, const char *key, const char *value)
{
    if (value)
        ask_node(ask, key, json_str(str_from(value)));
}

void ask_i64(struct ask *ask, const char *key, int64_t value)
{
    ask_node(ask, key, json_i64(value));
}

void ask_bool(struct ask *ask, const char *key, bool value)
{
    ask_node(ask, key, cJSON_CreateBool(value));
}

void ask_drop(struct ask *ask)
{
    cJSON_Delete(ask->doc);
    ask->doc = NULL;
}

struct ask ask_new(const char *command)
{
    struct ask ask = {cJSON_CreateObject(), RC_OK, ANSWER_MS};

    if (!ask.doc)
        ask.rc = RC_NOMEM;
    ask_text(&ask, "command", command);
    return ask;
}

int ask_id(const struct cli *c, struct ask *ask, const char *id, enum talk_who who)
{
    static const char *const wanted[] = {"a device id such as edge-1", "a module id such as edge-1/azureiotsecurity",
                                         "an id such as edge-1 or edge-1/azureiotsecurity"};
    char what[64] = "letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '";
    struct ident ident;
    size_t longest;

    if (ident_read(str_from(id), &ident) || (who == TALK_DEVICE && ident_is_module(ident)) ||
        (who == TALK_MODULE && !ident_is_module(ident))) {
        struct str module = str_from(id), device = str_cut(&module, '/');

        longest = device.len > module.len ? device.len : module.len;
        if (longest > IDENT_PART_MAX)
            (void)snprintf(what, sizeof what, "it has %zu characters; there may be %u", longest,
                           (unsigned)IDENT_PART_MAX);
        ask_drop(ask);
        return cli_fail(c, CLI_USAGE, "'%s' is not %s (%s)", id, wanted[who], what);
    }
    ask_node(ask, "deviceId", json_str(ident.device));
    if (ident_is_module(ident))
        ask_node(ask, "moduleId", json_str(ident.module));
    return CLI_OK;
}

/* --- sending it --------------------------------------------------------------------------------------------------- */

int talk_status(struct cli *c, struct ask *ask, int *status, cJSON **body)
{
    int code = ask->rc ? cli_no_memory(c) : talk_open(c);
    cJSON *doc = ask->doc;
    cJSON *got = NULL;
    enum rc rc;

    if (code) {
        ask_drop(ask);
        return code;
    }
    ask->doc = NULL; /* taken over, whatever comes */
    rc = service_command(c->service, doc, ask->answer_ms, status, &got);
    switch (rc) {
    case RC_OK:
        break;
    case RC_TIMEOUT:
        return cli_fail(c, CLI_HUB, "the hub did not answer within %d s; look into %s/broker.log",
                        ask->answer_ms / 1000, c->data_dir);
    case RC_NOMEM:
        return cli_no_memory(c);
    default:
        return cli_fail(c, CLI_HUB, "the hub was lost; look into %s/broker.log", c->data_dir);
    }
    if (body)
        *body = got;
    else
        cJSON_Delete(got);
    return CLI_OK;
}

/* Where a person may look further, behind the hub's own words. */
static void add_hint(int64_t code, const char *message, char *out, size_t size)
{
    const struct str a_device = STR("Device "), a_module = STR("Module ");
    struct str text = str_from(message), device;

    if (code == 404001 && str_starts(text, a_device)) {
        (void)snprintf(out, size, "%s; see: twinsim device list", message);
    } else if (code == 404010 && str_starts(text, a_module)) {
        text = str_skip(text, a_module.len); /* device/module */
        device = str_cut(&text, '/');
        (void)snprintf(out, size, "%s; see: twinsim module list %.*s", message, STR_FMT(device));
    } else {
        (void)snprintf(out, size, "%s", message);
    }
}

int talk_refused(const struct cli *c, int status, const cJSON *body)
{
    const char *message = json_get_text(body, "message");
    int64_t code = 0;
    char text[64], hinted[4096];

    if (json_get_i64(body, "errorCode", &code))
        code = (int64_t)status * 1000;
    if (!message) {
        (void)snprintf(text, sizeof text, "the hub refused the request with status %d", status);
        message = text;
    }
    if (!c->json) {
        add_hint(code, message, hinted, sizeof hinted);
        message = hinted;
    }
    return cli_fail_code(c, CLI_REFUSED, (long)code, message);
}

int talk(struct cli *c, struct ask *ask, cJSON **body)
{
    cJSON *got = NULL;
    int status = 0;
    int code = talk_status(c, ask, &status, &got);

    if (!code && status >= 300)
        code = talk_refused(c, status, got);
    if (!code && body)
        *body = got;
    else
        cJSON_Delete(got);
    return code;
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

int talk_each_device(struct cli *c, talk_each_fn *each, void *arg)
{
    char after[IDENT_TEXT_MAX] = "";
    int code = CLI_OK;

    do {
        struct ask ask = ask_new("device.list");
        const char *next;
        const cJSON *one;
        cJSON *page = NULL;

        if (after[0])
            ask_text(&ask, "after", after);
        code = talk(c, &ask, &page);
        cJSON_ArrayForEach(one, json_get(page, "items"))
        {
            if (!code)
                code = each(c, one, arg);
        }
        next = json_get_text(page, "next");
        (void)snprintf(after, sizeof after, "%s", next ? next : "");
        cJSON_Delete(page);
    } while (!code && after[0]);
    return code;
}

struct walk {
    talk_each_fn *each;
    void *arg;
};

static int each_with_modules(struct cli *c, const cJSON *device, void *arg)
{
    const struct walk *walk = arg;
    struct ask ask = ask_new("module.list");
    const cJSON *one;
    cJSON *page = NULL;
    int code = walk->each(c, device, walk->arg);

    ask_text(&ask, "deviceId", json_get_text(device, "deviceId"));
    if (code) {
        ask_drop(&ask);
        return code;
    }
    code = talk(c, &ask, &page);
    cJSON_ArrayForEach(one, json_get(page, "items"))
    {
        if (!code)
            code = walk->each(c, one, walk->arg);
    }
    cJSON_Delete(page);
    return code;
}

int talk_each_identity(struct cli *c, talk_each_fn *each, void *arg)
{
    struct walk walk = {each, arg};

    return talk_each_device(c, each_with_modules, &walk);
}

/* --- reading what was given --------------------------------------------------------------------------------------- */

static enum rc read_stdin(struct buf *out)
{
    char chunk[16384];
    ssize_t n;

    while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno != EINTR)
            return RC_IO;
        if (n > 0)
            buf_add(out, str_of(chunk, (size_t)n));
    }
    return out->rc;
}

static bool is_stdin(const char *text)
{
    return strcmp(text, "-") == 0 || strcmp(text, "@-") == 0;
}

int talk_read_bytes(const struct cli *c, const char *option, const char *text, struct buf *out)
{
    enum rc rc = RC_OK;

    if (is_stdin(text))
        rc = read_stdin(out);
    else if (text[0] == '@')
        rc = file_read(text + 1, out);
    else
        buf_add(out, str_from(text));
    if (rc)
        return cli_fail(c, CLI_FILE, "--%s: %s cannot be read: %s", option,
                        is_stdin(text) ? "standard input" : text + 1, rc == RC_IO ? strerror(errno) : rc_text(rc));
    return buf_ok(out) ? CLI_OK : cli_no_memory(c);
}

int talk_read_json(const struct cli *c, const char *option, const char *text, cJSON **out)
{
    bool is_file = text[0] == '@' || is_stdin(text);
    const char *name = is_stdin(text) ? "standard input" : text + 1;
    struct json_error err = {0, NULL};
    struct buf b;
    enum rc rc;
    int code;

    buf_init(&b, 0);
    code = talk_read_bytes(c, option, text, &b);
    if (code)
        goto done;
    rc = is_file ? json_read_commented(buf_view(&b), out, &err) : json_read(buf_view(&b), out, &err);
    if (rc == RC_NOMEM) {
        code = cli_no_memory(c);
    } else if (rc) {
        unsigned line = 1, column = 1;

        json_position(buf_view(&b), err.offset, &line, &column);
        if (is_file)
            code = cli_fail(c, CLI_FILE, "%s:%u:%u: %s", name, line, column, err.what ? err.what : rc_text(rc));
        else
            code = cli_fail(c, CLI_USAGE, "--%s is no JSON: %s at column %u; to give a file, write --%s @FILE", option,
                            err.what ? err.what : rc_text(rc), column, option);
    }

done:
    buf_done(&b);
    return code;
}

bool talk_id_of(const cJSON *doc, char out[IDENT_TEXT_MAX])
{
    const char *module = json_get_text(doc, "moduleId");
    struct ident id = {str_from(json_get_text(doc, "deviceId")), str_from(module)};

    if (!ident_part_is_valid(id.device) || (module && module[0] && !ident_part_is_valid(id.module)))
        return false;
    (void)ident_print(id, out);
    return true;
}
