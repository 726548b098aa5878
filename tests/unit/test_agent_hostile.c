/* Can a twin hurt the agent, in whichever mode? Documents that are wrong in every way, cut at every byte and with bytes
 * changed by a seeded generator, as answers and as changes. The agent must stay whole: what it reports is JSON, its queues
 * keep their budget, and only a start may end it. */
#include <stdio.h>

#include "agent_world.h"

static const char *const modes[] = {"documented", "legacy-c", "legacy-cs"};

static const char *const corpus[] = {
    "",
    " ",
    "null",
    "[]",
    "0",
    "\"text\"",
    "{",
    "{}",
    "{}{}",
    "{\"desired\":null}",
    "{\"desired\":{}}",
    "{\"desired\":{\"$version\":-1}}",
    "{\"desired\":{\"$version\":1e400}}",
    "{\"desired\":{\"$version\":\"1\"}}",
    "{\"desired\":{\"$version\":1,\"$version\":2}}",
    "{\"desired\":{\"$version\":1,\"" OBJECT "\":[[[[[[[[]]]]]]]]}}",
    "{\"desired\":{\"$version\":9007199254740993,\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"PT0.1S\"}}}}",
    "{\"desired\":{\"$version\":3,\"$metadata\":{\"a\":{}},\"" OBJECT
    "\":{\"snapshotFrequency\":{\"value\":\"P9999999Y\"}}}}",
    "{\"desired\":{\"$version\":4,\"" OBJECT
    "\":{\"maxLocalCacheSizeInBytes\":{\"value\":1e308},\"maxMessageSizeInBytes\":{\"value\":-0.0}}}}",
    "{\"desired\":{\"$version\":5,\"" OBJECT "\":{\"hubResourceId\":{\"value\":\"\\u0000\\ud800 "
    "/?#+%$\\n\"},\"baselineCustomChecksFilePath\":{\"value\":\"$(reboot)\"}}}}",
    "{\"$version\":7,\"" OBJECT "\":{\"highPriorityMessageFrequency\":{\"value\":\"-PT1S\"}}}",
    "{\"$version\":8,\"" OBJECT
    "\":{\"highPriorityMessageFrequency\":{\"value\":0},\"snapshotFrequency\":{\"value\":0}}}",
    "{\"$version\":9,\"" OBJECT "\":null,\"\":{\"\":{\"\":{}}},\"\xff\xfe\":\"\x80\"}",
    "{\"$version\":10,\"" OBJECT "\":{\"maxLocalCacheSizeInBytes\":{\"value\":0},\"maxMessageSizeInBytes\":{\"value\":"
    "1},\"eventPriorityLogin\":{\"value\":3},"
    "\"lowPriorityMessageFrequency\":{\"value\":\"PT1S\"},\"aggregationIntervalProcessCreate\":{\"value\":\"PT1S\"}}}",
    "{\"$version\":11,\"" OBJECT
    "\":{\"maxLocalCacheSizeInBytes\":{\"value\":262144},\"maxMessageSizeInBytes\":{\"value\":"
    "\"262144\"},\"baselineCustomChecksEnabled\":{\"value\":true},\"baselineCustomChecksFileHash\":{\"value\":\"x\"}}}",
};

static void is_whole(const struct world *w)
{
    const struct queues *q = &w->agent.telemetry.queues;
    size_t cost = 0;

    for (size_t i = 0; i < QUEUE_COUNT; i++)
        cost += q->queue[i].cost;
    assert_int_equal(cost, q->waiting);
    assert_true(q->waiting <= q->budget + q->budget / 10); /* operational events may have a share on top */
    if (*w->report) {
        cJSON *report = cJSON_Parse(w->report);
        assert_true(cJSON_IsObject(report));
        cJSON_Delete(report);
    }
}

/* Deliver one text in both ways to an agent that runs. */
static void deliver(struct world *w, const char *text, int at)
{
    if (w->agent.twin.get.rid)
        hub_answers(w, 200, text);
    else
        hub_patches(w, text);
    pass(w, 50);
    if (at % 7 == 0) /* now and then a new connection, for another answer */
        reconnect(w);
    w->said[0] = '\0';
    is_whole(w);
    assert_false(agent_is_over(&w->agent));
}

static struct world *running(const char *mode)
{
    struct world *w = world_new(mode, NULL);

    connect_with(w, strcmp(mode, "legacy-c") == 0 ? 1 : 2);
    hub_answers(w, 200, "{\"desired\":{\"$version\":1}}");
    assert_int_equal(w->agent.state, AGENT_RUNNING);
    w->is_obliging = true;
    return w;
}

/* And however it was treated, a good twin on a fresh connection puts it right, where the mode reads it and has room. */
static void recovers(struct world *w)
{
    static const char good[] =
        "{\"desired\":{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"PT77M\"}},\"$version\":99}}";
    static const char patch[] = "{\"" OBJECT "\":{\"snapshotFrequency\":{\"value\":\"PT77M\"}},\"$version\":99}";

    reconnect(w);
    if (w->agent.twin.get.rid)
        hub_answers(w, 200, good);
    else
        hub_patches(w, patch);
    pass(w, 1000);
    if (w->agent.twin.mode != &mode_legacy_c) /* whose cache may be shut for ever */
        assert_int_equal(config_number(&w->agent.twin.config, CONFIG_SNAPSHOT_FREQUENCY), 77 * 60000);
}

static void no_document_cut_anywhere_hurts_it(void **state)
{
    char text[1024];

    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        struct world *w = running(modes[m]);
        for (size_t i = 0; i < COUNT(corpus); i++) {
            for (size_t n = 0; n <= strlen(corpus[i]); n++) {
                (void)snprintf(text, sizeof text, "%.*s", (int)n, corpus[i]);
                deliver(w, text, (int)n);
            }
        }
        recovers(w);
        world_free(w);
    }
}

static void no_changed_bytes_hurt_it(void **state)
{
    static const char telling[] = "{}[]\":,\\0919eE+-.ntf\x01\x7f\x80\xff PTS";
    uint32_t random = 20260101; /* a linear congruential generator: the same bytes on every machine */
    char text[1024];

    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        struct world *w = running(modes[m]);
        for (int round = 0; round < 1500; round++) {
            const char *from = corpus[(random >> 8) % COUNT(corpus)];
            size_t n = strlen(from);
            memcpy(text, from, n + 1);
            for (int i = 0; i < 4 && n; i++) {
                random = random * 1664525u + 1013904223u;
                text[(random >> 8) % n] = telling[(random >> 20) % (sizeof telling - 1)];
            }
            random = random * 1664525u + 1013904223u;
            deliver(w, text, round);
        }
        recovers(w);
        world_free(w);
    }
}

static void no_first_twin_hurts_it(void **state)
{
    (void)state;
    for (size_t m = 0; m < COUNT(modes); m++) {
        for (size_t i = 0; i < COUNT(corpus); i++) {
            struct world *w = world_new(modes[m], NULL);
            connect_with(w, strcmp(modes[m], "legacy-c") == 0 ? 1 : 2);
            hub_answers(w, 200, corpus[i]);
            pass(w, 40000);
            is_whole(w);
            if (w->agent.has_failed) /* it says why */
                assert_true(*w->agent.failure.detail);
            world_free(w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_document_cut_anywhere_hurts_it),
        cmocka_unit_test(no_changed_bytes_hurt_it),
        cmocka_unit_test(no_first_twin_hurts_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
