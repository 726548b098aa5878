/* fault_read.c - a fault from its JSON. Every refusal says what would have fitted. See fault.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault.h"
#include "ident.h"
#include "json_write.h"
#include "topic.h"

#define BIT(op)     (1u << FAULT_##op)
#define TWINS       (BIT(TWIN_GET) | BIT(REPORTED))
#define MESSAGES    (TWINS | BIT(DESIRED))
#define SENT        (MESSAGES | BIT(MESSAGE))
#define ANYTHING    (MESSAGES | BIT(SUBSCRIBE) | BIT(TELEMETRY))
#define BODY_MAX    (256u * 1024) /* bytes of a body to send */
#define BY_MAX      1000000000    /* how far a version may be off */
#define ANY_MEMBERS "type on operation after every probability seed at topic times for"
#define TIERS_TEXT  "F1, B1, B2, B3, S1, S2, S3"
#define MINE        "command correlationData deviceId moduleId"

/* What each type fits, strikes when no operation is named (0: by itself), and takes. */
static const struct kind {
    unsigned fits, standard;
    bool by_itself;
    const char *members;
} kinds[FAULT_TYPES] = {
    [FAULT_TYPE_STATUS] = {TWINS, BIT(REPORTED), false, "status body"},
    [FAULT_TYPE_LOSE] = {SENT | BIT(TELEMETRY), BIT(DESIRED), false, ""},
    [FAULT_TYPE_DELAY] = {SENT, BIT(REPORTED), false, "delay"},
    [FAULT_TYPE_HOLD] = {SENT, BIT(REPORTED), false, ""},
    [FAULT_TYPE_DUPLICATE] = {SENT, BIT(DESIRED), false, "copies delay"},
    [FAULT_TYPE_REORDER] = {SENT, BIT(DESIRED), false, ""},
    [FAULT_TYPE_RID] = {TWINS, BIT(REPORTED), false, "how"},
    [FAULT_TYPE_VERSION] = {MESSAGES, BIT(DESIRED), false, "by"},
    [FAULT_TYPE_MALFORM] = {BIT(TWIN_GET) | BIT(DESIRED), BIT(TWIN_GET), false, "how"},
    [FAULT_TYPE_THROTTLE] = {TWINS | BIT(TELEMETRY), TWINS | BIT(TELEMETRY), false, "rate tier"},
    [FAULT_TYPE_QUOTA] = {BIT(TELEMETRY), BIT(TELEMETRY), false, "messages"},
    [FAULT_TYPE_DISCONNECT] = {ANYTHING | BIT(CONNECT), 0, true, ""},
    [FAULT_TYPE_REFUSE] = {BIT(CONNECT), BIT(CONNECT), false, "reason"},
    [FAULT_TYPE_CLOCK_SKEW] = {BIT(CONNECT), BIT(CONNECT), false, "by"},
    [FAULT_TYPE_EXPIRE] = {ANYTHING, 0, true, ""},
    [FAULT_TYPE_TAKEOVER] = {ANYTHING, 0, true, ""},
};

/* Why a CONNECT is refused: the word, and what the event says when it happens by itself. */
static const struct reason {
    const char *word, *text;
} reasons[] = {
    {"bad-token", "the token's signature matches neither key of the identity"},
    {"expired", "the token has expired"},
    {"disabled", "the device is disabled"},
    {"deleted", "the hub has no such identity"},
    {"unknown", "the hub has no such identity"},
    {"no-token", "no password: a SAS token is wanted"},
    {"scope", "the token's scope (sr) does not cover the identity"},
    {"policy", "the token's policy lacks DeviceConnect"},
    {"host", "the user name names another hub"},
};

static const char *const how_words[FAULT_HOWS] = {"wrong", "missing",          "truncated", "array",
                                                  "empty", "duplicate-member", "not-json",  "metadata"};

/* --- small readers: false with the refusal written ------------------------------------------------------------ */

static bool is_word(struct str words, struct str name)
{
    while (words.at)
        if (str_eq(str_cut(&words, ' '), name) && name.len)
            return true;
    return false;
}

static bool read_whole(const cJSON *spec, const char *key, int64_t least, int64_t most, int64_t *out,
                       struct refusal *why)
{
    int64_t value;

    if (!json_get(spec, key))
        return true;
    if (json_get_i64(spec, key, &value) || value < least || value > most) {
        refuse(why, 400, 400004, "'%s' is a whole number from %" PRId64 " to %" PRId64, key, least, most);
        return false;
    }
    *out = value;
    return true;
}

static bool read_duration(const cJSON *spec, const char *key, bool may_be_negative, int64_t *out, struct refusal *why)
{
    const char *text = json_get_text(spec, key);
    struct str rest = str_from(text);
    bool is_negative = may_be_negative && str_starts(rest, STR("-"));
    int64_t us;

    if (!json_get(spec, key))
        return true;
    if (is_negative || (may_be_negative && str_starts(rest, STR("+"))))
        rest = str_skip(rest, 1);
    if (!text || duration_read(rest, &us)) {
        refuse(why, 400, 400004, "'%s' is a duration: \"250ms\", \"5s\", \"2m\", \"PT1H\"%s", key,
               may_be_negative ? ", or with a minus before it" : "");
        return false;
    }
    *out = is_negative ? -us : us;
    return true;
}

static bool read_number(const cJSON *spec, const char *key, double most, double *out, struct refusal *why)
{
    const cJSON *node = json_get(spec, key);

    if (!node)
        return true;
    if (!cJSON_IsNumber(node) || node->valuedouble < 0 || node->valuedouble > most) {
        refuse(why, 400, 400004, "'%s' is a number from 0 to %g", key, most);
        return false;
    }
    *out = node->valuedouble;
    return true;
}

static bool need(const cJSON *spec, const char *key, const char *example, struct refusal *why)
{
    if (json_get(spec, key))
        return true;
    refuse(why, 400, 400004, "a fault '%s' needs '%s', for example %s", json_get_text(spec, "type"), key, example);
    return false;
}

/* A text of reasonable size. returns RC_OK (also when absent), RC_SYNTAX, RC_NOMEM */
static enum rc take_text(const cJSON *spec, const char *key, char **out, struct refusal *why)
{
    const char *text = json_get_text(spec, key);
    char *copy;

    if (!json_get(spec, key))
        return RC_OK;
    if (!text || !text[0] || strlen(text) > FAULT_TEXT_MAX) {
        refuse(why, 400, 400004, "'%s' is a text", key);
        return RC_SYNTAX;
    }
    copy = str_dup(str_from(text));
    if (!copy)
        return RC_NOMEM;
    free(*out);
    *out = copy;
    return RC_OK;
}

/* --- type, members, operation --------------------------------------------------------------------------------- */

static bool read_type(const cJSON *spec, struct fault *f, struct refusal *why)
{
    const char *type = json_get_text(spec, "type");

    for (size_t n = 0; type && n < FAULT_TYPES; n++)
        if (strcmp(type, fault_type_name((enum fault_type)n)) == 0) {
            f->type = (enum fault_type)n;
            return true;
        }
    refuse(why, 400, 400004,
           "%s%s%s; there are status, lose, delay, hold, duplicate, reorder, rid, version, malform, throttle, quota, "
           "disconnect, refuse, clock-skew, expire, takeover",
           type ? "no fault '" : "a fault needs a type", type ? type : "", type ? "'" : "");
    return false;
}

static bool check_members(const cJSON *spec, const struct fault *f, struct refusal *why)
{
    const char *own = kinds[f->type].members;

    for (const cJSON *m = spec->child; m; m = m->next) {
        struct str name = str_from(m->string);

        if (is_word(STR(MINE), name) || is_word(STR(ANY_MEMBERS), name) || is_word(str_from(own), name))
            continue;
        refuse(why, 400, 400004, "a fault '%s' has no member '%.60s'; it takes %s%s" ANY_MEMBERS,
               fault_type_name(f->type), m->string, own, own[0] ? " " : "");
        return false;
    }
    return true;
}

static bool read_operation(const cJSON *spec, struct fault *f, struct refusal *why)
{
    const struct kind *k = &kinds[f->type];
    const char *word = json_get_text(spec, "operation");
    char fit[80] = "";
    size_t used = 0;

    f->operations = k->standard;
    if (!json_get(spec, "operation"))
        return true;
    for (size_t op = 0; op < FAULT_OPERATIONS; op++) {
        const char *name = fault_operation_name((enum fault_operation)op);

        if (!(k->fits & 1u << op))
            continue;
        if (word && strcmp(word, name) == 0) {
            f->operations = 1u << op;
            return true;
        }
        used += (size_t)snprintf(fit + used, sizeof fit - used, "%s%s", used ? ", " : "", name);
    }
    refuse(why, 400, 400004, "a fault '%s' strikes on %s%s, not on '%.40s'", fault_type_name(f->type), fit,
           k->by_itself ? " or, without an operation, by itself" : "", word ? word : "?");
    return false;
}

/* --- whom, when ----------------------------------------------------------------------------------------------- */

static enum rc read_scope(const cJSON *spec, struct fault *f, struct refusal *why)
{
    const char *device = json_get_text(spec, "deviceId"), *module = json_get_text(spec, "moduleId");
    char id[IDENT_TEXT_MAX];
    struct ident who = {str_from(device), str_from(module)};
    enum rc rc;

    if (json_get(spec, "deviceId") && json_get(spec, "on")) {
        refuse(why, 400, 400004, "whom it strikes is said by 'deviceId' (and 'moduleId') or by 'on', not by both");
        return RC_SYNTAX;
    }
    if (device) {
        f->on_is_exact = true;
        f->on = str_dup(str_of(id, ident_print(who, id)));
        return f->on ? RC_OK : RC_NOMEM;
    }
    rc = take_text(spec, "on", &f->on, why);
    if (!rc && f->on)
        f->on_is_exact = !strchr(f->on, '*');
    return rc;
}

static bool is_alone_allowed(const cJSON *spec, const struct fault *f, struct refusal *why)
{
    static const char *const counted[] = {"after", "every", "probability", "seed", "topic", "for"};

    for (size_t n = 0; n < sizeof counted / sizeof counted[0]; n++)
        if (json_get(spec, counted[n])) {
            refuse(why, 400, 400004, "'%s' needs an 'operation': without one '%s' strikes once, by itself", counted[n],
                   fault_type_name(f->type));
            return false;
        }
    if (f->times == 1)
        return true;
    refuse(why, 400, 400004, "'times' needs an 'operation': without one '%s' strikes once, by itself",
           fault_type_name(f->type));
    return false;
}

static enum rc read_trigger(const cJSON *spec, int64_t now_us, struct fault *f, struct refusal *why)
{
    int64_t at = 0, lasts = -1, seed = 0;
    enum rc rc;

    f->every = 1;
    f->times = f->type == FAULT_TYPE_THROTTLE || f->type == FAULT_TYPE_QUOTA ? 0 : 1;
    f->probability = 1;
    if (!read_whole(spec, "after", 0, INT32_MAX, &f->after, why) ||
        !read_whole(spec, "every", 1, INT32_MAX, &f->every, why) ||
        !read_whole(spec, "times", 0, INT32_MAX, &f->times, why) ||
        !read_whole(spec, "seed", 0, INT32_MAX, &seed, why) ||
        !read_number(spec, "probability", 1, &f->probability, why) || !read_duration(spec, "at", false, &at, why) ||
        !read_duration(spec, "for", false, &lasts, why) || (!f->operations && !is_alone_allowed(spec, f, why)))
        return RC_SYNTAX;
    if (lasts == 0 || (json_get(spec, "topic") && f->operations == BIT(CONNECT))) {
        refuse(why, 400, 400004, lasts == 0 ? "'for' is longer than no time" : "a CONNECT has no topic");
        return RC_SYNTAX;
    }
    f->random = (uint64_t)seed;
    f->at_us = now_us + at;
    f->until_us = lasts < 0 ? INT64_MAX : f->at_us + lasts;
    rc = take_text(spec, "topic", &f->topic, why);
    if (rc || !f->topic || filter_is_sound(str_from(f->topic)))
        return rc;
    refuse(why, 400, 400004,
           "'topic' is an MQTT filter: + stands for a whole level, # for all from there on, at the end");
    return RC_SYNTAX;
}

/* --- what ----------------------------------------------------------------------------------------------------- */

static enum rc read_status(const cJSON *spec, struct fault *f, struct refusal *why)
{
    const cJSON *body = json_get(spec, "body");
    int64_t status = 0;

    if (!need(spec, "status", "429", why) || !read_whole(spec, "status", 200, 599, &status, why))
        return RC_SYNTAX;
    f->status = (int)status;
    if (!body || (cJSON_IsString(body) && strcmp(body->valuestring, "json") == 0))
        return RC_OK;
    f->body_kind = FAULT_BODY_EMPTY;
    if (cJSON_IsString(body) && strcmp(body->valuestring, "empty") == 0)
        return RC_OK;
    if (!cJSON_IsString(body) && !cJSON_IsObject(body)) {
        refuse(why, 400, 400004, "'body' is \"json\", \"empty\", an object, or any other text to send as it is");
        return RC_SYNTAX;
    }
    f->body = cJSON_IsString(body) ? str_dup(str_from(body->valuestring)) : json_text(body);
    f->body_kind = f->body ? FAULT_BODY_GIVEN : FAULT_BODY_EMPTY;
    if (f->body && strlen(f->body) > BODY_MAX) {
        refuse(why, 400, 400004, "'body' may hold 256 KB");
        return RC_SYNTAX;
    }
    return f->body ? RC_OK : RC_NOMEM;
}

/* One of `count` words from how_words[first]. */
static enum rc read_how(const cJSON *spec, struct fault *f, enum fault_how first, enum fault_how last,
                        struct refusal *why)
{
    const char *how = json_get_text(spec, "how");
    char words[120] = "";
    size_t used = 0;

    f->how = first;
    if (!json_get(spec, "how"))
        return RC_OK;
    for (size_t h = first; h <= (size_t)last; h++) {
        if (how && strcmp(how, how_words[h]) == 0) {
            f->how = (enum fault_how)h;
            return RC_OK;
        }
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used ? ", " : "", how_words[h]);
    }
    refuse(why, 400, 400004, "'how' of '%s' is one of %s", fault_type_name(f->type), words);
    return RC_SYNTAX;
}

/* A second's worth of requests may come at once; telemetry over the rate waits as long as it takes (facts L-15). */
static void set_rate(struct fault *f, enum fault_operation op, double rate)
{
    f->shapes[op] = (struct bucket_shape){rate, rate < 1 ? 1 : rate, op == FAULT_TELEMETRY ? INFINITY : 0};
    bucket_fill(&f->buckets[op], &f->shapes[op], f->at_us);
}

static enum rc read_rate(const cJSON *spec, struct fault *f, struct refusal *why)
{
    enum tier tier = tier_find(str_from(json_get_text(spec, "tier")));
    double rate = 0;

    if (!json_get(spec, "tier") == !json_get(spec, "rate")) {
        refuse(why, 400, 400004, "a fault 'throttle' needs 'rate' (requests a second) or 'tier': " TIERS_TEXT);
        return RC_SYNTAX;
    }
    if (json_get(spec, "tier") && !tier) {
        refuse(why, 400, 400004, "'tier' is one of " TIERS_TEXT);
        return RC_SYNTAX;
    }
    if (!read_number(spec, "rate", FAULT_RATE_MAX, &rate, why))
        return RC_SYNTAX;
    if (!tier && rate < 0.001) {
        refuse(why, 400, 400004, "'rate' is at least 0.001 requests a second; a fault 'status' refuses all");
        return RC_SYNTAX;
    }
    set_rate(f, FAULT_TWIN_GET, tier ? throttle_rate(THROTTLE_TWIN_READ, tier, 1) : rate);
    set_rate(f, FAULT_REPORTED, tier ? throttle_rate(THROTTLE_TWIN_UPDATE, tier, 1) : rate);
    set_rate(f, FAULT_TELEMETRY, tier ? throttle_rate(THROTTLE_TELEMETRY, tier, 1) : rate);
    return RC_OK;
}

static enum rc read_quota(const cJSON *spec, struct fault *f, struct refusal *why)
{
    int64_t messages = 0;

    if (!need(spec, "messages", "100", why) || !read_whole(spec, "messages", 0, INT32_MAX, &messages, why))
        return RC_SYNTAX;
    f->after += messages;
    return RC_OK;
}

static enum rc read_reason(const cJSON *spec, struct fault *f, struct refusal *why)
{
    const char *word = json_get_text(spec, "reason");

    f->reason = reasons[0].text;
    if (!json_get(spec, "reason"))
        return RC_OK;
    for (size_t n = 0; word && n < sizeof reasons / sizeof reasons[0]; n++)
        if (strcmp(word, reasons[n].word) == 0) {
            f->reason = reasons[n].text;
            return RC_OK;
        }
    refuse(why, 400, 400004,
           "'reason' is one of bad-token, expired, disabled, deleted, unknown, no-token, scope, policy, host");
    return RC_SYNTAX;
}

static enum rc read_copies(const cJSON *spec, struct fault *f, struct refusal *why)
{
    int64_t copies = 1;

    if (!read_whole(spec, "copies", 1, FAULT_COPIES_MAX, &copies, why) ||
        !read_duration(spec, "delay", false, &f->delay_us, why))
        return RC_SYNTAX;
    f->copies = (int)copies;
    return RC_OK;
}

static enum rc read_version(const cJSON *spec, struct fault *f, struct refusal *why)
{
    if (!need(spec, "by", "-1", why) || !read_whole(spec, "by", -BY_MAX, BY_MAX, &f->by, why))
        return RC_SYNTAX;
    return RC_OK;
}

static enum rc read_what(const cJSON *spec, struct fault *f, struct refusal *why)
{
    switch (f->type) {
    case FAULT_TYPE_STATUS:
        return read_status(spec, f, why);
    case FAULT_TYPE_DELAY:
        return need(spec, "delay", "\"2s\"", why) && read_duration(spec, "delay", false, &f->delay_us, why) ? RC_OK
                                                                                                            : RC_SYNTAX;
    case FAULT_TYPE_DUPLICATE:
        return read_copies(spec, f, why);
    case FAULT_TYPE_RID:
        return read_how(spec, f, FAULT_WRONG, FAULT_MISSING, why);
    case FAULT_TYPE_VERSION:
        return read_version(spec, f, why);
    case FAULT_TYPE_MALFORM:
        return read_how(spec, f, FAULT_TRUNCATED, FAULT_METADATA, why);
    case FAULT_TYPE_THROTTLE:
        return read_rate(spec, f, why);
    case FAULT_TYPE_QUOTA:
        return read_quota(spec, f, why);
    case FAULT_TYPE_REFUSE:
        return read_reason(spec, f, why);
    case FAULT_TYPE_CLOCK_SKEW:
        return need(spec, "by", "\"-2h\"", why) && read_duration(spec, "by", true, &f->by, why) ? RC_OK : RC_SYNTAX;
    case FAULT_TYPE_LOSE:
    case FAULT_TYPE_HOLD:
    case FAULT_TYPE_REORDER:
    case FAULT_TYPE_DISCONNECT:
    case FAULT_TYPE_EXPIRE:
    case FAULT_TYPE_TAKEOVER:
    case FAULT_TYPES:
        break;
    }
    return RC_OK;
}

/* What it was made of, for lists. */
static enum rc keep_members(const cJSON *spec, struct fault *f)
{
    struct buf b;

    buf_init(&b, 0);
    for (const cJSON *m = spec->child; m; m = m->next)
        if (!is_word(STR("command correlationData"), str_from(m->string))) {
            if (b.len)
                buf_add_char(&b, ',');
            json_print_string(&b, str_from(m->string));
            buf_add_char(&b, ':');
            json_print(&b, m);
        }
    f->members = buf_take(&b, NULL);
    return f->members ? RC_OK : RC_NOMEM;
}

enum rc fault_read(const cJSON *spec, int64_t now_us, struct fault **out, struct refusal *why)
{
    struct fault *f = calloc(1, sizeof *f);
    enum rc rc = RC_SYNTAX;

    if (!f)
        return RC_NOMEM;
    if (!read_type(spec, f, why) || !check_members(spec, f, why) || !read_operation(spec, f, why))
        goto done;
    rc = read_scope(spec, f, why);
    if (!rc)
        rc = read_trigger(spec, now_us, f, why);
    if (!rc)
        rc = read_what(spec, f, why);
    if (!rc)
        rc = keep_members(spec, f);
done:
    if (rc)
        fault_free(f);
    else
        *out = f;
    return rc;
}
