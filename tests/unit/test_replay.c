/* Replays: what is level, what differs first, how it is told; and drafts, which do again what was recorded. */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "draft.h"
#include "files.h"
#include "replay.h"

#define HEADER                                                                                                         \
    "{\"recording\":1,\"scenario\":\"s\",\"file\":\"s.jsonc\",\"dir\":\"/"                                             \
    "\",\"row\":0,\"seed\":\"1\",\"twinsim\":\"0.1.0\",\"hub\":{},"                                                    \
    "\"agents\":{\"agent\":{\"as\":\"d\",\"command\":[\"/bin/a "                                                       \
    "b\",\"it's\",\"${work}\",\"\"],\"env\":{\"K\":\"HostName=h;"                                                      \
    "SharedAccessKey=***\"}}}}\n"
#define EVENT(offset, event) "{\"offset_us\":" #offset ",\"event\":" event "}\n"
#define REPORTED(value)      "{\"kind\":\"reported\",\"device\":\"d\",\"status\":204,\"patch\":{\"a\":" #value "}}"
#define CONNECTED            "{\"kind\":\"connected\",\"device\":\"d\"}"
#define ENDED                "{\"kind\":\"disconnected\",\"device\":\"d\",\"reason\":\"token\"}"
#define START                "{\"offset_us\":1,\"process\":{\"who\":\"agent\",\"did\":\"start\"}}\n"
#define UPDATE                                                                                                         \
    "{\"offset_us\":20,\"command\":{\"command\":\"twin.update\",\"deviceId\":\"d\",\"correlationData\":\"run-1\","     \
    "\"patch\":{\"properties\":"                                                                                       \
    "{\"desired\":{\"x\":\"${y}\"}}}}}\n"
#define VERDICT "{\"offset_us\":90,\"verdict\":\"passed\"}\n"

static struct recording *record(const char *text)
{
    char file[] = "/tmp/twinsim-test-XXXXXX", why[WHY_MAX] = "";
    int fd = mkstemp(file);
    struct recording *rec = NULL;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    if (recording_read(file, false, &rec, why, sizeof why))
        fail_msg("%s", why);
    (void)unlink(file);
    return rec;
}

static void take(struct replay *r, const char *text, int64_t now_us)
{
    static const struct masks none = {NULL};
    cJSON *event = NULL;

    assert_int_equal(json_read(str_from(text), &event, NULL), RC_OK);
    assert_int_equal(replay_take(r, event, &none, now_us), RC_OK);
    cJSON_Delete(event);
}

/* The meaning of the first difference between what was recorded and live reports (a 0 ends). */
static void differs(const char *recorded, const int *live, size_t index, const char *meaning)
{
    struct recording *rec = record(recorded);
    struct replay r;
    char text[128];
    cJSON *told;

    assert_int_equal(replay_init(&r, rec), RC_OK);
    for (; *live; live++) {
        (void)snprintf(text, sizeof text,
                       "{\"kind\":\"reported\",\"device\":\"d\",\"status\":204,\"patch\":{\"a\":%d}}", *live);
        take(&r, text, 1);
    }
    assert_int_equal(replay_pass(&r, rec->count), RC_OK);
    assert_int_equal(replay_conclude(&r, 2), RC_OK);
    assert_non_null(r.group);
    assert_string_equal(r.group, "d twin");
    assert_int_equal(r.index, index);
    told = replay_explain(&r);
    assert_non_null(told);
    assert_string_equal(json_get_text(told, "meaning"), meaning);
    cJSON_Delete(told);
    replay_done(&r);
    recording_free(rec);
}

static void the_first_difference_is_found_and_its_meaning_told(void **state)
{
    static const char recorded[] =
        HEADER START EVENT(2, REPORTED(1)) EVENT(3, REPORTED(2)) EVENT(4, REPORTED(3)) VERDICT;

    (void)state;
    differs(recorded, (const int[]){1, 7, 3, 0}, 1, "what was expected came with other values");
    differs(recorded, (const int[]){1, 3, 0}, 1, "the expected one is missing: what came is the one that follows it");
    differs(recorded, (const int[]){1, 2, 2, 3, 0}, 2, "what came is one too many: the expected one follows it");
    differs(recorded, (const int[]){1, 3, 2, 0}, 1, "two entries are swapped");
    differs(recorded, (const int[]){1, 2, 0}, 2, "it is missing: nothing like it came");
    differs(recorded, (const int[]){1, 2, 3, 4, 0}, 3, "it is one too many: nothing more was recorded here");
}

static void a_difference_names_every_place_that_differs(void **state)
{
    struct recording *rec = record(
        HEADER EVENT(2, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":[1,{\"b\":2}],\"c\":3}}") VERDICT);
    static const char *const expected[] = {"patch.a[1].b: expected 2, got 9", "patch.c: expected 3, got nothing",
                                           "patch.$d: expected nothing, got {\"$gt\":1}"};
    struct replay r;
    const cJSON *line;
    cJSON *told;
    size_t i = 0;

    (void)state;
    assert_int_equal(replay_init(&r, rec), RC_OK);
    take(&r, "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{\"a\":[1,{\"b\":9}],\"$d\":{\"$gt\":1}}}", 5);
    assert_non_null(r.group);
    told = replay_explain(&r);
    cJSON_ArrayForEach(line, json_get(told, "differences"))
    {
        assert_true(i < COUNT(expected));
        assert_string_equal(line->valuestring, expected[i++]);
    }
    assert_int_equal(i, COUNT(expected));
    cJSON_Delete(told);
    replay_done(&r);
    recording_free(rec);
}

static void an_action_waits_for_what_was_recorded_before_it_and_no_more(void **state)
{
    struct recording *rec =
        record(HEADER START EVENT(2, CONNECTED) EVENT(3, REPORTED(1)) UPDATE EVENT(30, REPORTED(2)) VERDICT);
    struct replay r;

    (void)state;
    assert_int_equal(replay_init(&r, rec), RC_OK);
    assert_true(replay_is_level(&r));
    assert_int_equal(replay_pass(&r, 3), RC_OK); /* the update */
    assert_false(replay_is_level(&r));
    take(&r, REPORTED(1), 5);
    assert_false(replay_is_level(&r));
    take(&r, CONNECTED, 6); /* another group: any order */
    assert_true(replay_is_level(&r));
    assert_int_equal(r.changed_us, 6);
    assert_null(r.group);
    replay_done(&r);
    recording_free(rec);
}

static void more_or_fewer_renewals_than_recorded_are_no_difference(void **state)
{
    static const char recorded[] = HEADER START EVENT(2, CONNECTED) EVENT(3, ENDED) EVENT(4, CONNECTED) EVENT(5, ENDED)
        EVENT(6, CONNECTED) EVENT(7, REPORTED(1)) VERDICT;

    (void)state;
    for (int renewals = 1; renewals < 5; renewals++) {
        struct recording *rec = record(recorded);
        struct replay r;

        assert_int_equal(replay_init(&r, rec), RC_OK);
        for (int i = 0; i < renewals; i++) {
            take(&r, CONNECTED, 1);
            take(&r, ENDED, 2);
        }
        take(&r, CONNECTED, 3);
        take(&r, REPORTED(1), 4);
        assert_int_equal(replay_pass(&r, rec->count), RC_OK);
        assert_true(replay_is_level(&r));
        assert_int_equal(replay_conclude(&r, 5), RC_OK);
        if (r.group)
            fail_msg("%d renewals: %s, entry %zu", renewals, r.group, r.index);
        replay_done(&r);
        recording_free(rec);
    }
}

static void what_comes_newly_behind_the_end_of_the_recording_is_no_difference(void **state)
{
    struct recording *rec = record(HEADER START EVENT(2, REPORTED(1)) VERDICT);
    struct replay r;

    (void)state;
    assert_int_equal(replay_init(&r, rec), RC_OK);
    assert_int_equal(r.tail_us, 89);
    take(&r, REPORTED(1), 10);
    r.horizon_us = 100;
    take(&r, REPORTED(2), 101);
    assert_null(r.group);
    replay_done(&r);
    recording_free(rec);
}

static void a_draft_does_again_what_was_done_word_for_word(void **state)
{
    struct recording *rec =
        record(HEADER "{\"offset_us\":0,\"identity\":{\"id\":\"d\",\"status\":\"enabled\",\"twin\":{\"tags\":{\"t\":\"$"
                      "{no}\"}}}}\n" START EVENT(2, REPORTED(1)) UPDATE VERDICT);
    struct draft actions, expects;
    char why[WHY_MAX];

    (void)state;
    assert_int_equal(draft_make(rec, false, &actions, why, sizeof why), RC_OK);
    assert_int_equal(actions.n_steps, 2);
    assert_int_equal(actions.items[0], 1);
    assert_int_equal(actions.items[1], 3);
    assert_string_equal(json_at_path(actions.scenario, STR("agent.command"))->valuestring,
                        "'/bin/a b' 'it'\\''s' ${work} ''");
    assert_string_equal(json_at_path(actions.scenario, STR("agent.start"))->valuestring, "manual");
    assert_string_equal(json_at_path(actions.scenario, STR("identities.d.twin.tags.t"))->valuestring, "$${no}");
    assert_null(strstr(json_at_path(actions.scenario, STR("agent.env.K"))->valuestring, "***"));
    assert_string_equal(json_at_path(json_get(actions.scenario, "steps")->child->next, STR("desired.x"))->valuestring,
                        "$${y}");
    draft_done(&actions);
    assert_int_equal(draft_make(rec, true, &expects, why, sizeof why), RC_OK);
    assert_int_equal(expects.n_steps, 2); /* the agent starts by itself */
    assert_null(json_at_path(expects.scenario, STR("agent.start")));
    assert_string_equal(json_get_text(json_get(expects.scenario, "steps")->child, "expect"), "reported");
    draft_done(&expects);
    recording_free(rec);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_difference_is_found_and_its_meaning_told),
        cmocka_unit_test(a_difference_names_every_place_that_differs),
        cmocka_unit_test(an_action_waits_for_what_was_recorded_before_it_and_no_more),
        cmocka_unit_test(more_or_fewer_renewals_than_recorded_are_no_difference),
        cmocka_unit_test(what_comes_newly_behind_the_end_of_the_recording_is_no_difference),
        cmocka_unit_test(a_draft_does_again_what_was_done_word_for_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
