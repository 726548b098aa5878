/* test_hub_reported.c - a device reads its twin and reports: what it is answered, and what is stored. */
#include <stdio.h>

#include "hub_world.h"

#define GET   "$iothub/twin/GET/?$rid="
#define PATCH "$iothub/twin/PATCH/properties/reported/?$rid="
#define RES   "$iothub/twin/res/"

/* facts M-26, C-06, C-07, C-10 */
static void a_twin_get_is_answered_with_both_sections_and_nothing_else(void **state)
{
    static const struct {
        const char *rid, *payload;
    } rows[] = {{"1", ""},          {"1", " "},           {"0d5f-%20 x/y=z", "{}"},
                {"%24rid", "\xff"}, {"a&$version=9", ""}, {"ffffffffffffffffffff", "null"}};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, GET "0", ""), HUB_SWALLOW);
    assert_string_equal(assert_sent(w, "dev1", RES "200/?$rid=0"),
                        "{\"desired\":{\"$version\":1},\"reported\":{\"$version\":1}}");
    (void)world_ask(w, "twin.update",
                    "'deviceId':'dev1','patch':{'tags':{'site':'A'},'properties':{'desired':{'cfg':{'rate':5}}}}");
    world_report(w, &dev, "{'fw':'1.2'}", 204);
    for (size_t n = 0; n < COUNT(rows); n++) {
        char topic[64], want[64];

        (void)snprintf(topic, sizeof topic, GET "%s", rows[n].rid);
        (void)snprintf(want, sizeof want, RES "200/?$rid=%.*s", (int)strcspn(rows[n].rid, "&"), rows[n].rid);
        assert_int_equal(world_publish(w, &dev, topic, rows[n].payload), HUB_SWALLOW);
        assert_string_equal(
            assert_sent(w, "dev1", want),
            "{\"desired\":{\"cfg\":{\"rate\":5},\"$version\":2},\"reported\":{\"fw\":\"1.2\",\"$version\":2}}");
        assert_true(world_out(w, OUT_PUBLISH, 0)->is_answer);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->conn, dev.no);
        assert_int_equal(json_number(world_event(w, "twin-get"), "status"), 200);
        assert_int_equal(world_count(w, OUT_STORE), 0);
    }
}

/* facts M-27, T-02 */
static void a_reported_patch_is_stored_and_then_answered_with_the_new_version(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (int n = 2; n < 5; n++) {
        char topic[64];

        assert_int_equal(world_publish(w, &dev, PATCH "x%41", "{'fan':{'on':true},'t':22.00}"), HUB_SWALLOW);
        (void)snprintf(topic, sizeof topic, RES "204/?$rid=x%%41&$version=%d", n);
        assert_string_equal(assert_sent(w, "dev1", topic), "");
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->body_len, 0);
        assert_int_equal(w->out.at[0].kind, OUT_STORE);
        assert_int_equal(w->out.at[0].change, CHANGE_REPORTED);
        assert_string_equal(w->out.at[0].body, "{\"fan\":{\"on\":true},\"t\":22.00}");
        event = world_event(w, "reported");
        assert_json(w, event, "rid", "'x%41'");
        assert_json(w, event, "status", "204");
        assert_int_equal(json_number(event, "version"), n);
        assert_json(w, event, "patch", "{'fan':{'on':true},'t':22.00}");
        assert_json(w, event, "error", NULL);
        assert_int_equal(w->out.len, 3);
    }
    assert_int_equal(world_publish(w, &dev, GET "1", ""), HUB_SWALLOW); /* numbers keep their text */
    assert_string_equal(
        assert_sent(w, "dev1", RES "200/?$rid=1"),
        "{\"desired\":{\"$version\":1},\"reported\":{\"fan\":{\"on\":true},\"t\":22.00,\"$version\":4}}");
}

/* facts M-28 */
static void a_patch_for_another_version_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        const char *version;
        int status;
    } rows[] = {{"0", 412}, {"2", 412}, {"9223372036854775807", 412}, {"1", 204}, {"1", 412}, {"2", 204}};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char topic[96], want[64], *before = world_print(w, "dev1"), *after;
        cJSON *body;

        (void)snprintf(topic, sizeof topic, PATCH "7&$version=%s", rows[n].version);
        assert_int_equal(world_publish(w, &dev, topic, "{'a':1}"), HUB_SWALLOW);
        after = world_print(w, "dev1");
        if (rows[n].status == 412) {
            body = world_read(w, assert_sent(w, "dev1", RES "412/?$rid=7"));
            assert_json(w, body, "errorCode", "412001");
            assert_string_equal(before, after);
        } else {
            (void)snprintf(want, sizeof want, RES "204/?$rid=7&$version=%d", atoi(rows[n].version) + 1);
            (void)assert_sent(w, "dev1", want);
            assert_string_not_equal(before, after);
        }
        free(before);
        free(after);
    }
}

/* facts M-29, M-30, T-12, T-14, T-16, T-19, T-20, C-15 */
static void a_bad_patch_is_answered_with_an_error_and_changes_nothing(void **state)
{
    static const char *const bodies[] = {"[1]",
                                         "'x'",
                                         "",
                                         " ",
                                         "1",
                                         "null",
                                         "{",
                                         "{'a':1}x",
                                         "{'a':01}",
                                         "{'a':1,}",
                                         "{'a':'\\u0000'}",
                                         "{'a':1e999}",
                                         "\xef\xbb\xbf{}",
                                         "{'a':'\xff'}",
                                         "{'$version':1}",
                                         "{'$metadata':{}}",
                                         "{'a':{'$x':1}}",
                                         "{'a.b':1}",
                                         "{'a b':1}",
                                         "{'a':[null]}",
                                         "{'a':[{'b':null}]}",
                                         "{'a':4503599627370496}",
                                         "{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{'a':{}}}}}}}}}}}}",
                                         "{'good':1,'bad key':1}"};
    struct world *w = *state;
    struct conn dev;
    char *before, *after;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    world_report(w, &dev, "{'kept':{'x':1}}", 204);
    before = world_print(w, "dev1");
    for (size_t n = 0; n < COUNT(bodies); n++) {
        cJSON *body, *event;

        print_message("  %s\n", bodies[n]);
        assert_int_equal(world_publish(w, &dev, PATCH "9", bodies[n]), HUB_SWALLOW);
        body = world_read(w, assert_sent(w, "dev1", RES "400/?$rid=9"));
        assert_json(w, body, "errorCode", "400004");
        assert_non_null(json_get_text(body, "message"));
        assert_non_null(json_get_text(body, "trackingId"));
        assert_non_null(json_get_text(body, "timestampUtc"));
        event = world_event(w, "reported");
        assert_json(w, event, "status", "400");
        assert_json(w, event, "patch", NULL);
        assert_json(w, event, "version", NULL);
        assert_string_equal(json_word(event, "error"), json_word(body, "message"));
        assert_int_equal(w->out.len, 2);
    }
    after = world_print(w, "dev1");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* facts C-05 */
static void nuls_behind_a_patch_are_cut(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    assert_int_equal(world_publish_bytes(w, &dev, STR(PATCH "1"), str_of("{\"a\":1}\0\0", 9)), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", RES "204/?$rid=1&$version=2");
    assert_string_equal(world_out(w, OUT_STORE, 0)->body, "{\"a\":1}");
    assert_int_equal(world_publish_bytes(w, &dev, STR(PATCH "1"), str_of("{\"a\":1}\0 ", 9)), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", RES "400/?$rid=1");
}

/* facts M-35 */
static void a_twin_operation_without_a_subscription_happens_silently(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, PATCH "1", "{'a':1}"), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_int_equal(world_publish(w, &dev, PATCH "2", "[1]"), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_int_equal(world_publish(w, &dev, GET "3", ""), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_json(w, world_twin(w, "dev1"), "properties.reported.a", "1");
}

/* Known differences: as edge does it. */
static void a_patch_without_a_request_id_is_applied_and_not_answered(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/PATCH/properties/reported/", "{'a':1}"), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_int_equal(world_count(w, OUT_STORE), 1);
    assert_json(w, world_event(w, "reported"), "rid", "''");
    assert_json(w, world_twin(w, "dev1"), "properties.reported.a", "1");
}

/* facts T-17, L-07 */
static void a_reported_section_may_grow_to_its_limit_and_not_beyond(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char patch[8192];

    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    for (int n = 0; n < 8; n++) { /* 8 x (2 + 4000) = 32016, and 751 more are free: it must stay below 32768 */
        (void)snprintf(patch, sizeof patch, "{'k%d':'%04000d'}", n, n);
        world_report(w, &dev, patch, 204);
    }
    (void)snprintf(patch, sizeof patch, "{'k8':'%0750d'}", 8);
    world_report(w, &dev, patch, 403);
    assert_json(w, world_read(w, world_out(w, OUT_PUBLISH, 0)->body), "errorCode", "403100");
    assert_string_equal(json_word(world_event(w, "reported"), "error"),
                        "'Properties.Reported' size should be less than 32768 bytes.");
    assert_json(w, world_twin(w, "dev1"), "properties.reported.k8", NULL);
    (void)snprintf(patch, sizeof patch, "{'k8':'%0749d'}", 8);
    world_report(w, &dev, patch, 204);
    world_report(w, &dev, "{'n':1}", 403);
    world_report(w, &dev, "{'n':1,'k8':null}", 204); /* what counts is the section that results */
}

/* facts M-17: the section's limit counts what it holds, so blanks alone could make any size; reading stops at a message's. */
static void a_patch_beyond_any_message_is_refused_unread(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char *blanks = malloc(HUB_REPORTED_MAX + 1);

    assert_non_null(blanks);
    world_create(w, "dev1");
    world_twin_client(w, &dev, "dev1");
    memset(blanks, ' ', HUB_REPORTED_MAX + 1);
    blanks[0] = '{';
    blanks[HUB_REPORTED_MAX - 1] = '}';
    assert_int_equal(world_publish_bytes(w, &dev, STR(PATCH "1"), str_of(blanks, HUB_REPORTED_MAX)), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", RES "204/?$rid=1&$version=2");
    blanks[0] = 'x'; /* were it read, it would be no JSON */
    assert_int_equal(world_publish_bytes(w, &dev, STR(PATCH "2"), str_of(blanks, HUB_REPORTED_MAX + 1)), HUB_SWALLOW);
    (void)assert_sent(w, "dev1", RES "403/?$rid=2");
    free(blanks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_twin_get_is_answered_with_both_sections_and_nothing_else),
        WORLD_TEST(a_reported_patch_is_stored_and_then_answered_with_the_new_version),
        WORLD_TEST(a_patch_for_another_version_is_refused_and_changes_nothing),
        WORLD_TEST(a_bad_patch_is_answered_with_an_error_and_changes_nothing),
        WORLD_TEST(nuls_behind_a_patch_are_cut),
        WORLD_TEST(a_twin_operation_without_a_subscription_happens_silently),
        WORLD_TEST(a_patch_without_a_request_id_is_applied_and_not_answered),
        WORLD_TEST(a_reported_section_may_grow_to_its_limit_and_not_beyond),
        WORLD_TEST(a_patch_beyond_any_message_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
