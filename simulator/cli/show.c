/* show.c - see show.h. */
#include "show.h"

#include <stdio.h>

#include "base64.h"
#include "utf8.h"

#define DETAIL_MAX 400u /* bytes of one event's details on a line */
#define WHO_MAX    128u /* of what a client calls itself */

/* Append JSON; in its texts DEL and C1 stand escaped, as C0 does already. Between them there are only blanks and ends of lines. */
static void add_tame(struct buf *out, struct str json)
{
    while (json.len) {
        size_t n = (unsigned char)json.at[0] < 0x20 ? 0 : utf8_control_len(json);

        if (n)
            buf_addf(out, "\\u%04x", (unsigned)(unsigned char)json.at[n - 1]);
        else
            buf_add_char(out, json.at[0]);
        json = str_skip(json, n ? n : 1);
    }
}

void show_plain(struct str text)
{
    while (text.len) {
        size_t n = text.at[0] == '\n' || text.at[0] == '\t' ? 0 : utf8_control_len(text);

        (void)putchar(n ? '?' : text.at[0]);
        text = str_skip(text, n ? n : 1);
    }
}

void show_value(struct buf *out, const cJSON *value)
{
    struct buf json;

    buf_init(&json, 0);
    json_print(&json, value);
    add_tame(out, buf_view(&json));
    if (json.rc)
        out->rc = json.rc;
    buf_done(&json);
}

static int print_pretty(const struct cli *c, const cJSON *doc, const char *before, const char *after)
{
    struct buf json, b;
    bool ok;

    buf_init(&json, 64u * 1024 * 1024);
    buf_init(&b, 0);
    json_print_pretty(&json, doc);
    add_tame(&b, buf_view(&json));
    if (json.rc)
        b.rc = json.rc;
    buf_done(&json);
    while (b.len && b.at[b.len - 1] == '\n')
        b.len--;
    ok = buf_ok(&b);
    if (ok)
        (void)printf("%s%.*s%s", before, STR_FMT(buf_view(&b)), after);
    buf_done(&b);
    return ok ? CLI_OK : cli_no_memory(c);
}

int show_json(const struct cli *c, const cJSON *doc)
{
    return print_pretty(c, doc, "", "\n");
}

int show_answer(struct cli *c, struct ask *ask, show_fn *for_person)
{
    cJSON *body = NULL;
    int code = talk(c, ask, &body);

    if (!code)
        code = c->json || !for_person ? show_json(c, body) : for_person(c, body);
    cJSON_Delete(body);
    return code;
}

int show_list_add(const struct cli *c, struct show_list *list, const cJSON *doc)
{
    return print_pretty(c, doc, list->n++ ? ",\n" : "[\n", "");
}

void show_list_end(struct show_list *list)
{
    (void)fputs(list->n ? "\n]\n" : "[]\n", stdout);
}

/* A section without the members that the hub keeps. */
static int show_section(const struct cli *c, const char *name, const cJSON *section)
{
    cJSON *copy = section ? cJSON_Duplicate(section, true) : cJSON_CreateObject();
    const cJSON *version = json_get(section, "$version");
    int code;

    if (!copy)
        return cli_no_memory(c);
    if (version && version->valuestring)
        (void)printf("%s, $version %s\n", name, version->valuestring);
    else
        (void)printf("%s\n", name);
    json_remove(copy, "$version");
    json_remove(copy, "$metadata");
    code = copy->child ? print_pretty(c, copy, "", "\n") : (puts("{}"), CLI_OK);
    cJSON_Delete(copy);
    return code;
}

static const char *text_or(const cJSON *doc, const char *key, const char *fallback)
{
    const char *text = json_get_text(doc, key);

    return text ? text : fallback;
}

int show_twin(const struct cli *c, const cJSON *twin)
{
    const cJSON *properties = json_get(twin, "properties");
    char id[IDENT_TEXT_MAX] = "?";
    int64_t version = 0;
    int code;

    (void)talk_id_of(twin, id);
    if (json_get_i64(twin, "version", &version))
        version = 0;
    (void)printf("%s  %s, %s, version %lld, etag %s\n", id, text_or(twin, "status", "?"),
                 text_or(twin, "connectionState", "?"), (long long)version, text_or(twin, "etag", "?"));
    code = show_section(c, "tags", json_get(twin, "tags"));
    if (!code)
        code = show_section(c, "desired", json_get(properties, "desired"));
    if (!code)
        code = show_section(c, "reported", json_get(properties, "reported"));
    return code;
}

int show_identity(const struct cli *c, const cJSON *d)
{
    static const char never[] = "0001-01-01T00:00:00Z";
    const char *active = text_or(d, "lastActivityTime", never);
    const char *reason = json_get_text(d, "statusReason");
    char id[IDENT_TEXT_MAX] = "?";

    (void)c;
    (void)talk_id_of(d, id);
    (void)printf("id              %s\n", id);
    if (json_get(d, "status")) {
        (void)printf("status          %s%s", text_or(d, "status", "?"), reason ? " (" : "");
        show_plain(str_from(reason));
        (void)puts(reason ? ")" : "");
    }
    (void)printf("connection      %s\n", text_or(d, "connectionState", "?"));
    (void)printf("last activity   %s\n", strcmp(active, never) == 0 ? "never" : active);
    (void)printf("authentication  %s\n", text_or(json_get(d, "authentication"), "type", "?"));
    if (cJSON_IsTrue(json_get(json_get(d, "capabilities"), "iotEdge")))
        (void)printf("capabilities    iotEdge\n");
    (void)printf("generation      %s\n", text_or(d, "generationId", "?"));
    (void)printf("etag            %s\n", text_or(d, "etag", "?"));
    return CLI_OK;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

/* Plain words stay as they are, all else is JSON, so that no text can pass for something it is not. */
static void add_value(struct buf *out, const cJSON *value)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : NULL;
    bool plain = text && text[0];

    for (const char *c = text; plain && *c; c++)
        plain = *c > ' ' && *c < 0x7f && *c != '"' && *c != '=';
    if (plain)
        buf_add(out, str_from(text));
    else
        show_value(out, value);
}

/* A text that came as bytes is shown as the text it is. Returns whether it was one. */
static bool add_text_of_bytes(struct buf *out, const char *before, const cJSON *bytes)
{
    cJSON *text = NULL;
    struct buf b;
    bool ok;

    buf_init(&b, 0);
    base64_decode(&b, str_from(bytes->valuestring));
    ok = buf_ok(&b) && b.len && utf8_is_valid(buf_view(&b));
    for (size_t i = 0; ok && i < b.len; i++)
        ok =
            ((unsigned char)b.at[i] >= ' ' && b.at[i] != 0x7f) || b.at[i] == '\t' || b.at[i] == '\r' || b.at[i] == '\n';
    if (ok)
        text = json_str(buf_view(&b));
    if (text) {
        buf_addf(out, "%sbodyText=", before);
        add_value(out, text);
    }
    cJSON_Delete(text);
    buf_done(&b);
    return text != NULL;
}

void show_member(struct buf *out, const char *before, const cJSON *m)
{
    if (strcmp(m->string, "bodyBase64") == 0 && cJSON_IsString(m) && add_text_of_bytes(out, before, m))
        return;
    buf_addf(out, "%s%s=", before, m->string);
    add_value(out, m);
}

/* Cut at max bytes, between characters. */
static void cut(struct buf *b, size_t max)
{
    if (!buf_ok(b) || b->len <= max)
        return;
    b->len = utf8_first(buf_view(b), max).len;
    b->at[b->len] = '\0';
    buf_add(b, STR("\xE2\x80\xA6"));
}

/* Whom it is about. One that was refused may be nobody the hub knows: then what the client calls itself stands here, as a claim. */
static void add_who(struct buf *out, const cJSON *event)
{
    const char *device = json_get_text(event, "device"), *module = json_get_text(event, "module");
    const cJSON *client = json_get(event, "clientId");

    if (device) {
        buf_addf(out, "%s%s%s", device, module ? "/" : "", module ? module : "");
    } else if (client) {
        add_value(out, client);
        cut(out, WHO_MAX);
        buf_add_char(out, '?');
    } else {
        buf_add_char(out, '-');
    }
}

void show_event(struct buf *out, const cJSON *event)
{
    static const char *const shown[] = {"seq",  "time",  "mono_us",         "kind", "device", "module",
                                        "conn", "cause", "systemProperties"};
    const char *taken = text_or(json_get(event, "systemProperties"), "iothub-enqueuedtime", "");
    struct str time = str_from(text_or(event, "time", taken));
    struct buf who, rest;

    time = str_first(str_skip(time, str_find(time, 'T') + 1), 12); /* 23:07:43.123 of 2030-01-01T23:07:43.123456Z */
    if (time.len && time.at[time.len - 1] == 'Z')
        time.len--;
    buf_init(&who, 0);
    add_who(&who, event);
    buf_init(&rest, 0);
    for (const cJSON *m = event ? event->child : NULL; m; m = m->next) {
        bool skip = false;

        for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
            skip = skip || strcmp(m->string, shown[i]) == 0;
        if (skip)
            continue;
        show_member(&rest, " ", m);
    }
    cut(&rest, DETAIL_MAX);
    buf_addf(out, "%-12.*s  %-28s %-14s%.*s", STR_FMT(time), buf_ok(&who) ? who.at : "?", text_or(event, "kind", "?"),
             STR_FMT(buf_view(&rest)));
    if (who.rc || rest.rc)
        out->rc = who.rc ? who.rc : rest.rc;
    buf_done(&who);
    buf_done(&rest);
}
