/* topic.c - see topic.h. Everything is matched by walking a cursor over the text, from its first byte to its last. */
#include "topic.h"

#include <assert.h>

/* Step over a prefix; false and untouched when it is not there. */
static bool take(struct str *text, struct str prefix)
{
    if (!str_starts(*text, prefix))
        return false;
    *text = str_skip(*text, prefix.len);
    return true;
}

/* Step over "devices/{d}/" or "devices/{d}/modules/{m}/" of that identity. */
static bool take_home(struct str *text, struct ident who)
{
    struct str rest = *text;

    if (!take(&rest, STR("devices/")) || !take(&rest, who.device) || !take(&rest, STR("/")))
        return false;
    if (ident_is_module(who) && (!take(&rest, STR("modules/")) || !take(&rest, who.module) || !take(&rest, STR("/"))))
        return false;
    *text = rest;
    return true;
}

/* ---- publishing ---- */

/* What stands behind "messages/events": nothing, or '/' and a bag. */
static enum rc telemetry_read(struct str rest, struct topic *t)
{
    if (rest.len && !take(&rest, STR("/")))
        return RC_NOT_OURS;
    (void)take(&rest, STR("?")); /* older samples write one */
    if (str_ends(rest, STR("/")))
        rest.len--;
    t->kind = TOPIC_TELEMETRY;
    t->bag = rest;
    return RC_OK;
}

/* Read "?$rid=..&$version=.." for $rid and, when asked for, $version. The first of each counts, others are ignored. */
static enum rc query_read(struct str query, struct topic *t, bool want_version)
{
    bool has_rid = false, has_version = false;

    if (query.len && !take(&query, STR("?")))
        return RC_NOT_OURS; /* one more segment */
    while (query.at) {
        struct str value = str_cut(&query, '&');
        struct str key = str_cut(&value, '=');

        if (!has_rid && str_eq(key, STR("$rid"))) {
            has_rid = true;
            t->rid = value;
        } else if (want_version && !has_version && str_eq(key, STR("$version"))) {
            uint64_t version;

            has_version = true;
            if (str_to_u64(value, INT64_MAX, &version))
                return RC_SYNTAX;
            t->if_version = (int64_t)version;
        }
    }
    return t->rid.len > TOPIC_RID_MAX ? RC_LIMIT : RC_OK;
}

/* A device may choose any 32-bit integer as a method's status. */
static enum rc status_read(struct str text, int64_t *out)
{
    bool is_negative = take(&text, STR("-"));
    uint64_t value;

    if (str_to_u64(text, is_negative ? (uint64_t)INT32_MAX + 1 : INT32_MAX, &value))
        return RC_SYNTAX;
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return RC_OK;
}

static enum rc method_answer_read(struct str rest, struct topic *t)
{
    struct str status = str_cut(&rest, '/');
    enum rc rc;

    t->kind = TOPIC_METHOD_ANSWER;
    if (!rest.at)
        return RC_SYNTAX;
    rc = query_read(rest, t, false);
    if (rc)
        return rc;
    return t->rid.len ? status_read(status, &t->status) : RC_SYNTAX;
}

static enum rc twin_get_read(struct str query, struct topic *t)
{
    enum rc rc = query_read(query, t, false);

    t->kind = TOPIC_TWIN_GET;
    if (rc)
        return rc;
    return t->rid.len ? RC_OK : RC_SYNTAX;
}

enum rc topic_read(struct ident who, struct str text, struct topic *out)
{
    struct topic t = {.if_version = -1};
    struct str rest = text;
    enum rc rc = RC_NOT_OURS;

    if (take(&rest, STR("$iothub/twin/GET/"))) {
        rc = twin_get_read(rest, &t);
    } else if (take(&rest, STR("$iothub/twin/PATCH/properties/reported/"))) {
        t.kind = TOPIC_TWIN_PATCH_REPORTED;
        rc = query_read(rest, &t, true);
    } else if (take(&rest, STR("$iothub/methods/res/"))) {
        rc = method_answer_read(rest, &t);
    } else if (take_home(&rest, who) && take(&rest, STR("messages/events"))) {
        rc = telemetry_read(rest, &t);
    }
    if (rc == RC_OK)
        *out = t;
    return rc;
}

/* ---- subscribing ---- */

/* "$iothub/methods/POST/{name}/#" behind its POST/: one level that is not empty nor longer than any method's name, and no wildcard. */
static bool is_one_method(struct str rest)
{
    return str_ends(rest, STR("/#")) && rest.len > 2 && rest.len - 2 <= METHOD_NAME_MAX &&
           str_find(rest, '/') == rest.len - 2 && str_find(rest, '+') == rest.len &&
           str_find(rest, '#') == rest.len - 1;
}

static enum rc hub_filter_read(struct str rest, enum filter_class *out)
{
    if (str_eq(rest, STR("twin/res/#")))
        *out = FILTER_TWIN_RES;
    else if (str_eq(rest, STR("twin/PATCH/properties/desired/#")))
        *out = FILTER_TWIN_DESIRED;
    else if (take(&rest, STR("methods/POST/")) && (str_eq(rest, STR("#")) || is_one_method(rest)))
        *out = FILTER_METHODS;
    else
        return RC_REFUSED;
    return RC_OK;
}

enum rc filter_read(struct ident who, struct str text, enum filter_class *out)
{
    struct str rest = text;

    if (take(&rest, STR("$iothub/")))
        return hub_filter_read(rest, out);
    /* Embedded clients ask for every device's messages and mean their own (facts M-13). */
    if (!ident_is_module(who) && str_eq(rest, STR("devices/+/messages/devicebound/#"))) {
        *out = FILTER_C2D;
        return RC_OK;
    }
    if (!take_home(&rest, who))
        return RC_REFUSED;
    if (str_eq(rest, STR("messages/devicebound/#")))
        *out = FILTER_C2D;
    else if (ident_is_module(who) && str_eq(rest, STR("inputs/#")))
        *out = FILTER_INPUTS;
    else if (ident_is_module(who) && str_eq(rest, STR("#")))
        *out = FILTER_MODULE_ALL;
    else
        return RC_REFUSED;
    return RC_OK;
}

bool filter_fits(struct str filter, struct str topic)
{
    while (filter.at) {
        struct str want = str_cut(&filter, '/');
        struct str have;

        if (str_eq(want, STR("#")) && !filter.at)
            return true;
        if (!topic.at)
            return false;
        have = str_cut(&topic, '/');
        if (!str_eq(want, STR("+")) && !str_eq(want, have))
            return false;
    }
    return !topic.at;
}

bool filter_is_sound(struct str filter)
{
    bool is_sound = filter.len > 0;

    while (is_sound && filter.at) {
        struct str level = str_cut(&filter, '/');
        bool is_all = str_eq(level, STR("#")), is_one = str_eq(level, STR("+"));

        is_sound =
            is_all ? !filter.at : is_one || (str_find(level, '#') == level.len && str_find(level, '+') == level.len);
    }
    return is_sound;
}

/* ---- what the hub publishes to ---- */

void topic_twin_answer(struct buf *out, int status, struct str rid, int64_t version_or_minus_1)
{
    buf_add(out, STR("$iothub/twin/res/"));
    buf_add_i64(out, status);
    buf_add(out, STR("/?$rid="));
    buf_add(out, rid);
    if (version_or_minus_1 >= 0) {
        buf_add(out, STR("&$version="));
        buf_add_i64(out, version_or_minus_1);
    }
}

void topic_desired(struct buf *out, int64_t version)
{
    buf_add(out, STR("$iothub/twin/PATCH/properties/desired/?$version="));
    buf_add_i64(out, version);
}

void topic_method(struct buf *out, struct str name, struct str rid)
{
    buf_add(out, STR("$iothub/methods/POST/"));
    buf_add(out, name);
    buf_add(out, STR("/?$rid="));
    buf_add(out, rid);
}

bool method_name_is_valid(struct str name)
{
    static const struct str others = {"$()<>@,;:\\\"/[]?={}+#", sizeof "$()<>@,;:\\\"/[]?={}+#" - 1};

    for (size_t n = 0; n < name.len; n++)
        if (name.at[n] <= ' ' || name.at[n] > '~' || str_find(others, name.at[n]) < others.len)
            return false;
    return name.len > 0 && name.len <= METHOD_NAME_MAX;
}
