/* front_door.c - see front_door.h. */
#include "front_door.h"

#include <inttypes.h>

#include "base64.h"

#define PREFIX         "gw1?"
#define TAG_DIGITS_MAX 16u

/* --- the prefix ------------------------------------------------------------------------------------------------ */

enum key { CLEAN, KEEP_ALIVE, PEER, USER, WILL_TOPIC, WILL_QOS, WILL_RETAIN, SELF, KEYS };

struct values {
    struct str at[KEYS]; /* at NULL: not given */
};

static bool split(struct str prefix, struct values *out)
{
    static const char *const names[KEYS] = {"clean",     "keepAlive", "peer",       "user",
                                            "willTopic", "willQos",   "willRetain", "self"};

    memset(out, 0, sizeof *out);
    while (prefix.at) {
        struct str value = str_cut(&prefix, '&');
        struct str name = str_cut(&value, '=');

        if (!value.at)
            return false;
        for (size_t k = 0; k < KEYS; k++) {
            if (!str_eq(name, str_from(names[k])))
                continue;
            if (out->at[k].at)
                return false;
            out->at[k] = value;
        }
    }
    return true;
}

static bool take_number(struct str value, uint64_t max, int *out)
{
    uint64_t number = 0;

    if (!value.at || str_to_u64(value, max, &number))
        return false;
    *out = (int)number;
    return true;
}

static bool take_flag(struct str value, bool *out)
{
    int number = 0;

    if (!take_number(value, 1, &number))
        return false;
    *out = number == 1;
    return true;
}

static bool take_will(const struct values *v, struct front_door *out)
{
    bool retain; /* comes once more with the will itself */

    out->has_will = v->at[WILL_TOPIC].at != NULL;
    out->will_topic = v->at[WILL_TOPIC];
    if (!out->has_will)
        return !v->at[WILL_QOS].at && !v->at[WILL_RETAIN].at;
    return take_number(v->at[WILL_QOS], 2, &out->will_qos) && take_flag(v->at[WILL_RETAIN], &retain);
}

enum rc front_door_read(struct str text, struct front_door *out)
{
    struct front_door door = {.peer = {NULL, 0}};
    struct str rest = text, prefix = str_cut(&rest, ' ');
    struct values v;

    if (!rest.at || !str_starts(prefix, STR(PREFIX)) || !split(str_skip(prefix, sizeof PREFIX - 1), &v))
        return RC_SYNTAX;
    if (v.at[SELF].at) {
        if (!take_flag(v.at[SELF], &door.is_self) || !door.is_self)
            return RC_SYNTAX;
        *out = door;
        return RC_OK;
    }
    if (!take_flag(v.at[CLEAN], &door.is_clean) || !take_number(v.at[KEEP_ALIVE], 65535, &door.keep_alive_s) ||
        !take_flag(v.at[USER], &door.has_user_name) || !take_will(&v, &door))
        return RC_SYNTAX;
    if (!door.has_user_name && rest.len)
        return RC_SYNTAX;
    door.peer = v.at[PEER];
    door.user_name = rest;
    *out = door;
    return RC_OK;
}

void front_door_mark(struct buf *out, int qos, bool is_dup, uint64_t tag, struct str topic)
{
    buf_addf(out, FRONT_DOOR_MARK "%d%s/%" PRIx64 "/", qos, is_dup ? "d" : "", tag);
    buf_add(out, topic);
}

bool front_door_tag(struct str text, uint64_t *out)
{
    uint64_t tag = 0;

    if (text.len == 0 || text.len > TAG_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c >= '0' && c <= '9')
            tag = tag << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            tag = tag << 4 | (unsigned)(c - 'a' + 10);
        else
            return false;
    }
    *out = tag;
    return true;
}

/* --- reports ---------------------------------------------------------------------------------------------------- */

static struct str text_of(const cJSON *object, const char *key)
{
    return str_from(json_get_text(object, key));
}

static enum rc read_will(const cJSON *will, struct report *out)
{
    struct str payload = text_of(will, "payload");
    int64_t qos = 0;

    out->kind = REPORT_WILL;
    out->topic = text_of(will, "topic");
    out->retain = cJSON_IsTrue(json_get(will, "retain"));
    if (!out->topic.at || !payload.at || !base64_is_valid(payload) || json_get_i64(will, "qos", &qos) || qos < 0 ||
        qos > 2)
        return RC_SYNTAX;
    out->qos = (int)qos;
    base64_decode(&out->payload, payload);
    return out->payload.rc;
}

/* What the gateway may say, and nothing else: an identity that was deleted is the hub's word. */
static enum rc read_why(struct str word, enum ended *out)
{
    static const enum ended words[] = {ENDED_CLIENT,   ENDED_LOST,      ENDED_KEEP_ALIVE, ENDED_CONNECT_TIMEOUT,
                                       ENDED_PROTOCOL, ENDED_TOO_LARGE, ENDED_SLOW,       ENDED_UNACKNOWLEDGED,
                                       ENDED_TLS,      ENDED_SHUTDOWN};

    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++)
        if (str_eq(word, str_from(ended_name(words[n])))) {
            *out = words[n];
            return RC_OK;
        }
    return RC_SYNTAX;
}

static bool is_tag(const cJSON *node, uint64_t *out)
{
    return front_door_tag(str_from(cJSON_GetStringValue(node)), out);
}

static enum rc read_puback(const cJSON *tags, struct report *out)
{
    const cJSON *tag;
    uint64_t number;

    out->kind = REPORT_PUBACK;
    out->tags = cJSON_IsArray(tags) ? tags->child : tags;
    if (!cJSON_IsArray(tags))
        return is_tag(tags, &number) ? RC_OK : RC_SYNTAX;
    cJSON_ArrayForEach(tag, tags)
    {
        if (!is_tag(tag, &number))
            return RC_SYNTAX;
    }
    return RC_OK;
}

bool report_next_tag(struct report *report, uint64_t *tag)
{
    if (!report->tags || !is_tag(report->tags, tag))
        return false;
    report->tags = report->tags->next;
    return true;
}

static enum rc read_one(struct report *out)
{
    const cJSON *what = cJSON_IsObject(out->doc) ? out->doc->child : NULL;

    if (!what)
        return RC_SYNTAX;
    if (strcmp(what->string, "will") == 0)
        return read_will(what, out);
    if (strcmp(what->string, "puback") == 0)
        return what->next ? RC_SYNTAX : read_puback(what, out);
    out->kind = strcmp(what->string, "end") == 0 ? REPORT_END : REPORT_REFUSED;
    if (out->kind == REPORT_REFUSED && strcmp(what->string, "refused") != 0)
        return RC_SYNTAX;
    out->detail = text_of(out->kind == REPORT_END ? out->doc : what, "detail");
    out->peer = text_of(what, "peer");
    return read_why(out->kind == REPORT_END ? str_from(cJSON_GetStringValue(what)) : text_of(what, "reason"),
                    &out->why);
}

enum rc report_read(struct str text, struct report *out)
{
    struct report report = {.kind = REPORT_END};
    enum rc rc = json_read(text, &report.doc, NULL);

    buf_init(&report.payload, 0);
    if (!rc)
        rc = read_one(&report);
    if (rc) {
        report_done(&report);
        return rc == RC_NOMEM ? RC_NOMEM : RC_SYNTAX;
    }
    *out = report;
    return RC_OK;
}

void report_done(struct report *report)
{
    cJSON_Delete(report->doc);
    buf_done(&report->payload);
    report->doc = NULL;
}
