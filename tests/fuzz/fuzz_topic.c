/* fuzz_topic.c - topics and filters. Input: who ("d" or "d/m"), a filter, and all that follows is a topic. */
#include "fuzz.h"
#include "topic.h"

#include <inttypes.h>

#define LEVELS_MAX 64u

static struct topic read_ok(struct ident who, struct str text)
{
    struct topic t;

    assert_int_equal(topic_read(who, text, &t), RC_OK);
    return t;
}

static void add_home(struct buf *b, struct ident who)
{
    buf_add(b, STR("devices/"));
    buf_add(b, who.device);
    if (ident_is_module(who)) {
        buf_add(b, STR("/modules/"));
        buf_add(b, who.module);
    }
}

/* Written anew from what was read, it reads the same. */
static void assert_rereads(struct ident who, const struct topic *t)
{
    struct topic again;
    struct buf b;

    buf_init(&b, 0);
    switch (t->kind) {
    case TOPIC_TELEMETRY:
        add_home(&b, who);
        buf_add(&b, STR("/messages/events/?"));
        buf_add(&b, t->bag);
        buf_add_char(&b, '/');
        break;
    case TOPIC_TWIN_GET:
        buf_add(&b, STR("$iothub/twin/GET/?$rid="));
        break;
    case TOPIC_TWIN_PATCH_REPORTED:
        buf_add(&b, STR("$iothub/twin/PATCH/properties/reported/?"));
        if (t->if_version >= 0)
            buf_addf(&b, "$version=%" PRId64 "&", t->if_version);
        buf_add(&b, STR("$rid="));
        break;
    case TOPIC_METHOD_ANSWER:
        buf_addf(&b, "$iothub/methods/res/%" PRId64 "/?$rid=", t->status);
        break;
    }
    buf_add(&b, t->rid);
    assert_true(buf_ok(&b));
    again = read_ok(who, buf_view(&b));
    assert_int_equal(again.kind, t->kind);
    assert_true(str_eq(again.rid, t->rid) && str_eq(again.bag, t->bag));
    assert_true(again.if_version == t->if_version && again.status == t->status);
    buf_done(&b);
}

static void check_topic(struct ident who, struct str text)
{
    const struct ident stranger = {str_eq(who.device, STR("x")) ? STR("y") : STR("x"), who.module};
    struct topic t, before;
    enum rc rc;

    memset(&before, 0xA5, sizeof before);
    memcpy(&t, &before, sizeof t);
    rc = topic_read(who, text, &t);
    if (rc) {
        assert_true(rc == RC_NOT_OURS || rc == RC_SYNTAX || rc == RC_LIMIT);
        assert_memory_equal(&t, &before, sizeof t);
        return;
    }
    assert_true(feed_is_inside(t.rid, text) && feed_is_inside(t.bag, text));
    assert_true(t.rid.len <= TOPIC_RID_MAX && t.if_version >= -1);
    assert_true(t.kind == TOPIC_TWIN_PATCH_REPORTED || t.if_version == -1);
    assert_int_equal(t.rid.len == 0, t.kind == TOPIC_TELEMETRY || (t.kind == TOPIC_TWIN_PATCH_REPORTED && !t.rid.len));
    assert_rereads(who, &t);
    assert_int_equal(topic_read(stranger, text, &t), t.kind == TOPIC_TELEMETRY ? RC_NOT_OURS : RC_OK);
}

/* The standard's words, level by level. */
static bool naive_fits(const struct str *filter, size_t n_filter, const struct str *topic, size_t n_topic)
{
    for (size_t n = 0; n < n_filter; n++) {
        if (str_eq(filter[n], STR("#")) && n + 1 == n_filter)
            return n_topic >= n;
        if (n >= n_topic || (!str_eq(filter[n], STR("+")) && !str_eq(filter[n], topic[n])))
            return false;
    }
    return n_filter == n_topic;
}

static size_t split(struct str text, struct str out[LEVELS_MAX])
{
    size_t n = 0;

    while (text.at && n < LEVELS_MAX)
        out[n++] = str_cut(&text, '/');
    return text.at ? 0 : n;
}

static void check_filter(struct ident who, struct str filter, struct str topic)
{
    const struct ident stranger = {str_eq(who.device, STR("x")) ? STR("y") : STR("x"), who.module};
    struct str filter_levels[LEVELS_MAX], topic_levels[LEVELS_MAX];
    size_t n_filter = split(filter, filter_levels), n_topic = split(topic, topic_levels);
    enum filter_class class;
    struct buf b;

    if (n_filter && n_topic)
        assert_int_equal(filter_fits(filter, topic), naive_fits(filter_levels, n_filter, topic_levels, n_topic));
    if (filter_read(who, filter, &class))
        return;
    assert_true(class < FILTER_CLASSES);
    assert_true(str_ends(filter, STR("/#")));
    assert_true(filter_fits(filter, str_first(filter, filter.len - 2)));
    buf_init(&b, 0);
    buf_add(&b, str_first(filter, filter.len - 1));
    buf_add(&b, STR("any/thing"));
    assert_true(filter_fits(filter, buf_view(&b)));
    buf_done(&b);
    if (str_starts(filter, STR("devices/")) && !str_starts(filter, STR("devices/+/")))
        assert_int_equal(filter_read(stranger, filter, &class), RC_REFUSED);
}

static void check_answer(struct str rid)
{
    struct buf b;

    buf_init(&b, 0);
    topic_twin_answer(&b, 204, rid, 7);
    assert_true(buf_ok(&b) && filter_fits(STR("$iothub/twin/res/#"), buf_view(&b)));
    assert_true(str_starts(buf_view(&b), STR("$iothub/twin/res/204/?$rid=")) &&
                str_ends(buf_view(&b), STR("&$version=7")));
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = fuzz_text(data, size), id = fuzz_line(&rest), filter = fuzz_line(&rest);
    struct ident who;

    if (!rest.at)
        rest = STR("");
    if (ident_read(id, &who))
        who = (struct ident){STR("dev1"), {NULL, 0}};
    check_topic(who, rest);
    check_topic(who, filter);
    check_filter(who, filter, rest);
    check_answer(filter);
    return 0;
}
