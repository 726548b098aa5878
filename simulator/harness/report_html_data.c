/* report_html_data.c - see report_html.h. */
#include "report_html.h"

#include "utf8.h"

#define BEGINS_MAX 4096u /* bytes that are told of what is cut */

void html_add(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c == '&')
            buf_add(out, STR("&amp;"));
        else if (c == '<')
            buf_add(out, STR("&lt;"));
        else if (c == '>')
            buf_add(out, STR("&gt;"));
        else if (c == '"')
            buf_add(out, STR("&quot;"));
        else if (c == '\'')
            buf_add(out, STR("&#39;"));
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            buf_add(out, STR("\xEF\xBF\xBD"));
        else
            buf_add_char(out, (char)c);
    }
}

/* JSON that is printed already: what HTML could read as markup stands only in its texts, and is escaped there. */
static void add_escaped(struct buf *out, struct str json)
{
    for (size_t i = 0; i < json.len; i++) {
        unsigned char c = (unsigned char)json.at[i];

        if (c == '<' || c == '>' || c == '&')
            buf_addf(out, "\\u%04x", c);
        else if (c == 0xE2 && i + 2 < json.len && (unsigned char)json.at[i + 1] == 0x80 &&
                 ((unsigned char)json.at[i + 2] & 0xFE) == 0xA8) {
            buf_addf(out, "\\u20%02x", 0x28 + ((unsigned char)json.at[i + 2] & 1));
            i += 2;
        } else
            buf_add_char(out, (char)c);
    }
}

/* Print a tree as json_print does, but long texts cut. */
static void add_value(struct buf *out, const cJSON *node)
{
    const char *between = "";
    bool is_object = cJSON_IsObject(node);

    if (cJSON_IsString(node) && strlen(node->valuestring) > HTML_TEXT_MAX) {
        struct str text = str_from(node->valuestring);
        struct buf cut;

        buf_init(&cut, 0);
        buf_add(&cut, utf8_first(text, HTML_TEXT_MAX));
        buf_addf(&cut, "... (%zu bytes)", text.len);
        json_print_string(out, buf_view(&cut));
        buf_done(&cut);
    } else if (is_object || cJSON_IsArray(node)) {
        buf_add_char(out, is_object ? '{' : '[');
        for (const cJSON *child = node->child; child; child = child->next) {
            buf_addf(out, "%s", between);
            between = ",";
            if (is_object) {
                json_print_string(out, str_from(child->string));
                buf_add_char(out, ':');
            }
            add_value(out, child);
        }
        buf_add_char(out, is_object ? '}' : ']');
    } else {
        json_print(out, node);
    }
}

/* An event or a twin, or what is told of one that is too large. */
static void add_limited(struct buf *out, const cJSON *node, size_t max)
{
    static const char *const kept[] = {"seq",   "time",   "mono_us", "kind", "device",  "conn", "module",
                                       "cause", "status", "version", "rid",  "replace", "etag", "delivered"};
    struct buf text;

    buf_init(&text, 0);
    add_value(&text, node);
    if (buf_ok(&text) && text.len <= max) {
        add_escaped(out, buf_view(&text));
    } else {
        struct buf cut;

        buf_init(&cut, 0);
        buf_add_char(&cut, '{');
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
            const cJSON *member = json_get(node, kept[i]);

            if (!member || cJSON_IsObject(member) || cJSON_IsArray(member))
                continue;
            buf_addf(&cut, "\"%s\":", kept[i]);
            add_value(&cut, member);
            buf_add_char(&cut, ',');
        }
        buf_addf(&cut, "\"cut\":{\"bytes\":%zu,\"begins\":", text.len);
        json_print_string(&cut, utf8_first(buf_view(&text), BEGINS_MAX));
        buf_add(&cut, STR("}}"));
        add_escaped(out, buf_view(&cut));
        buf_done(&cut);
    }
    buf_done(&text);
}

static void add_member(struct buf *out, const cJSON *object, const char *name)
{
    const cJSON *member = json_get(object, name);
    struct buf text;

    if (!member)
        return;
    buf_init(&text, 0);
    buf_addf(&text, ",\"%s\":", name);
    add_value(&text, member);
    add_escaped(out, buf_view(&text));
    buf_done(&text);
}

static void add_twins(struct buf *out, const cJSON *twins)
{
    static const char *const moments[] = {"before", "after"};
    const cJSON *both;
    const char *outer = "";

    buf_add(out, STR(",\"twins\":{"));
    cJSON_ArrayForEach(both, twins)
    {
        const char *inner = "";
        struct buf name;

        buf_init(&name, 0);
        json_print_string(&name, str_from(both->string));
        buf_addf(out, "%s", outer);
        add_escaped(out, buf_view(&name));
        buf_add(out, STR(":{"));
        for (size_t i = 0; i < 2; i++) {
            const cJSON *twin = json_get(both, moments[i]);

            if (!twin)
                continue;
            buf_addf(out, "%s\"%s\":", inner, moments[i]);
            add_limited(out, twin, HTML_TWIN_MAX);
            inner = ",";
        }
        buf_add_char(out, '}');
        outer = ",";
        buf_done(&name);
    }
    buf_add_char(out, '}');
}

void html_add_data(struct buf *out, const cJSON *result, bool with_events)
{
    static const char *const members[] = {"verdict", "agents", "beganUs", "eventsBefore", "steps", "processes"};
    static const char *const why[] = {"message", "nearestEvent", "cursor"};
    const cJSON *failure = json_get(result, "failure"), *events = json_get(result, "events"), *event;
    const char *between = "";

    buf_add(out, STR("{\"v\":1"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        add_member(out, result, members[i]);
    if (failure) {
        buf_add(out, STR(",\"failure\":{\"v\":1"));
        for (size_t i = 0; i < sizeof why / sizeof why[0]; i++)
            add_member(out, failure, why[i]);
        buf_add_char(out, '}');
    }
    if (json_get(result, "twins"))
        add_twins(out, json_get(result, "twins"));
    if (!with_events) {
        buf_addf(out, ",\"eventsLeftOff\":%d,\"events\":[]}", cJSON_GetArraySize(events));
        return;
    }
    buf_add(out, STR(",\"events\":["));
    cJSON_ArrayForEach(event, events)
    {
        buf_addf(out, "%s", between);
        add_limited(out, event, HTML_EVENT_MAX);
        between = ",";
    }
    buf_add(out, STR("]}"));
}
