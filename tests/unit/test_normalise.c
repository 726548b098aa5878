/* The normalised timeline: equal runs give equal bytes, and nothing that an agent does otherwise is lost in it. */
#include "test.h"

#include "normalise.h"

#include <stdio.h>

#define A_PATCH "\"kind\":\"reported\",\"device\":\"d\",\"module\":\"m\""

static cJSON *json(const char *text)
{
    cJSON *tree = NULL;

    assert_int_equal(json_read(str_from(text), &tree, NULL), RC_OK);
    return tree;
}

static void add(struct normal_timeline *t, const char *text)
{
    cJSON *event = json(text);

    assert_int_equal(normal_add(t, event, NULL), RC_OK);
    cJSON_Delete(event); /* it keeps nothing of it */
}

/* What a list of events (a NULL ends) becomes; for free. */
static char *normal(const char *const *events)
{
    struct normal_timeline t;
    struct buf out;
    char *text;

    normal_init(&t);
    buf_init(&out, 0);
    for (; *events; events++)
        add(&t, *events);
    normal_print(&t, &out);
    assert_true(buf_ok(&out));
    text = strdup(out.at ? out.at : "");
    assert_non_null(text);
    buf_done(&out);
    normal_done(&t);
    return text;
}

static void becomes(const char *const *events, const char *expected)
{
    char *got = normal(events);

    assert_string_equal(got, expected);
    free(got);
}

static void differ(const char *const *events, const char *const *other)
{
    char *one = normal(events), *two = normal(other);

    assert_string_not_equal(one, two);
    free(two);
    free(one);
}

static const char *const three_patches[] = {"{" A_PATCH ",\"status\":204,\"version\":2,\"patch\":{\"a\":1}}",
                                            "{" A_PATCH ",\"status\":204,\"version\":3,\"patch\":{\"a\":2}}",
                                            "{" A_PATCH ",\"status\":204,\"version\":4,\"patch\":{\"a\":3}}", NULL};

/* Of a message from the cloud, what it says and how it ends count; its numbers and times do not. */
static void a_message_is_what_it_says_and_how_it_ends(void **state)
{
    static const char *const first[] = {"{\"kind\":\"message-queued\",\"device\":\"d\",\"cause\":\"run-1\","
                                        "\"sequenceNumber\":1,\"messageId\":\"a\",\"ack\":\"full\","
                                        "\"expiryTimeUtc\":\"2026-11-22T01:51:16Z\",\"system\":{\"message-id\":\"a\","
                                        "\"absolute-expiry-time\":\"x\"},\"body\":1}",
                                        "{\"kind\":\"message-settled\",\"device\":\"d\",\"conn\":4,\"sequenceNumber\":"
                                        "1,\"messageId\":\"a\",\"result\":\"completed\"}",
                                        "{\"kind\":\"feedback\",\"records\":1}", NULL};
    static const char *const again[] = {"{\"kind\":\"message-queued\",\"device\":\"d\",\"cause\":\"run-2\","
                                        "\"sequenceNumber\":7,\"messageId\":\"b\",\"ack\":\"full\","
                                        "\"expiryTimeUtc\":\"2027-11-22T01:51:16Z\",\"system\":{\"message-id\":\"b\","
                                        "\"absolute-expiry-time\":\"y\"},\"body\":1}",
                                        "{\"kind\":\"message-settled\",\"device\":\"d\",\"conn\":9,\"sequenceNumber\":"
                                        "7,\"messageId\":\"b\",\"result\":\"completed\"}",
                                        NULL};
    static const char *const otherwise[] = {
        "{\"kind\":\"message-settled\",\"device\":\"d\",\"sequenceNumber\":1,\"result\":\"expired\"}", NULL};
    char *one = normal(first), *two = normal(again);

    (void)state;
    assert_string_equal(one, two);
    assert_non_null(strstr(one, "completed"));
    free(one);
    free(two);
    differ(&first[1], otherwise);
}

static void ids_times_rids_ports_and_addresses_are_noise(void **state)
{
    static const char *const first[] = {
        "{\"seq\":4,\"time\":\"2026-11-22T01:51:16Z\",\"mono_us\":11,\"kind\":\"connected\",\"device\":\"d\",\"conn\":"
        "6,"
        "\"clean\":false,\"clientType\":\"one%2F1.0\"}",
        "{\"seq\":5,\"kind\":\"reported\",\"device\":\"d\",\"conn\":6,\"rid\":\"7\",\"patch\":{\"time\":1},\"error\":{"
        "\"errorCode\":400001,\"trackingId\":\"abc\",\"timestampUtc\":\"now\"}}",
        "{\"seq\":6,\"kind\":\"refused\",\"clientId\":\"d/x\",\"userName\":\"127.0.4.2:8883/d/"
        "?api-version=1&DeviceClientType=x%2F1\",\"reason\":\"bad signature at 127.1.2.3\"}",
        "{\"seq\":7,\"kind\":\"fault\",\"id\":3,\"planned_us\":1,\"actual_us\":2,\"operation\":\"reported\",\"device\":"
        "\"d\",\"type\":\"lose\"}",
        NULL};
    static const char *const second[] = {
        "{\"time\":\"2030-11-22T01:51:16Z\",\"mono_us\":12,\"kind\":\"connected\",\"device\":\"d\",\"conn\":9,"
        "\"clientType\":\"other\",\"clean\":false,\"seq\":14}",
        "{\"kind\":\"reported\",\"device\":\"d\",\"conn\":9,\"rid\":\"a\",\"patch\":{\"time\":1},\"error\":{"
        "\"errorCode\":"
        "400001,\"trackingId\":\"def\",\"timestampUtc\":\"then\"},\"seq\":15}",
        "{\"kind\":\"refused\",\"clientId\":\"d/x\",\"userName\":\"127.200.100.255:443/d/"
        "?api-version=1&DeviceClientType=y\",\"reason\":\"bad signature at 127.3.2.1\"}",
        "{\"kind\":\"fault\",\"id\":9,\"planned_us\":3,\"actual_us\":4,\"operation\":\"reported\",\"device\":\"d\","
        "\"type\":"
        "\"lose\"}",
        NULL};
    static const char expected[] =
        "client d/x connection {\"kind\":\"refused\",\"reason\":\"bad signature at "
        "<address>\",\"userName\":\"<address>/d/"
        "?api-version=1\"}\n"
        "d connection {\"clean\":false,\"kind\":\"connected\"}\n"
        "d twin {\"error\":{\"errorCode\":400001},\"kind\":\"reported\",\"patch\":{\"time\":1}}\n"
        "d twin {\"kind\":\"fault\",\"operation\":\"reported\",\"type\":\"lose\"}\n";

    (void)state;
    becomes(first, expected);
    becomes(second, expected);
}

static void keys_are_sorted_at_every_depth_and_numbers_stay_as_they_came(void **state)
{
    static const char *const events[] = {
        "{\"patch\":{\"b\":[{\"z\":1.50,\"y\":\"\\u00e9\"}],\"a\":null},\"kind\":\"reported\",\"device\":\"d\"}", NULL};

    (void)state;
    becomes(events, "d twin {\"kind\":\"reported\",\"patch\":{\"a\":null,\"b\":[{\"y\":\"\xc3\xa9\",\"z\":1.50}]}}\n");
}

static void one_changed_value_in_a_patch_changes_it(void **state)
{
    const char *const changed[] = {three_patches[0], "{" A_PATCH ",\"status\":204,\"version\":3,\"patch\":{\"a\":22}}",
                                   "{" A_PATCH ",\"status\":204,\"version\":4,\"patch\":{\"a\":3}}", NULL};

    (void)state;
    differ(three_patches, changed);
}

static void one_missing_patch_changes_it(void **state)
{
    (void)state;
    differ(three_patches, three_patches + 1);
}

static void an_extra_patch_that_repeats_the_last_changes_it(void **state)
{
    const char *const extra[] = {three_patches[0], three_patches[1], three_patches[2], three_patches[2], NULL};

    (void)state;
    differ(three_patches, extra);
}

static void a_swapped_pair_changes_it_even_without_its_versions(void **state)
{
    static const char *const one[] = {"{" A_PATCH ",\"patch\":{\"a\":1}}", "{" A_PATCH ",\"patch\":{\"a\":2}}", NULL};
    static const char *const two[] = {"{" A_PATCH ",\"patch\":{\"a\":2}}", "{" A_PATCH ",\"patch\":{\"a\":1}}", NULL};

    (void)state;
    differ(one, two);
}

static void what_two_sides_do_side_by_side_may_come_in_any_order(void **state)
{
    static const char *const one[] = {
        "{\"kind\":\"desired\",\"device\":\"d\",\"cause\":\"run-1\",\"version\":2,\"patch\":{}}",
        "{\"kind\":\"reported\",\"device\":\"d\",\"patch\":{}}", "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":1}",
        "{\"kind\":\"subscribed\",\"device\":\"d\",\"filter\":\"x\"}", NULL};
    const char *const two[] = {one[3], one[2], one[1], one[0], NULL};

    (void)state;
    becomes(one, "d connection {\"filter\":\"x\",\"kind\":\"subscribed\"}\n"
                 "d service {\"kind\":\"desired\",\"patch\":{},\"version\":2}\n"
                 "d telemetry {\"body\":1,\"kind\":\"telemetry\"}\n"
                 "d twin {\"kind\":\"reported\",\"patch\":{}}\n");
    becomes(two, "d connection {\"filter\":\"x\",\"kind\":\"subscribed\"}\n"
                 "d service {\"kind\":\"desired\",\"patch\":{},\"version\":2}\n"
                 "d telemetry {\"body\":1,\"kind\":\"telemetry\"}\n"
                 "d twin {\"kind\":\"reported\",\"patch\":{}}\n");
}

static void a_security_message_is_its_events_by_name_each_in_a_group_of_its_own(void **state)
{
    static const char *const events[] = {
        "{\"kind\":\"telemetry\",\"device\":\"d\",\"security\":true,\"system\":{\"message-id\":\"1\"},\"properties\":{}"
        ","
        "\"body\":{\"AgentId\":\"x\",\"Events\":[{\"Name\":\"B\",\"Id\":1},{\"Name\":\"A\",\"Id\":2},{\"Name\":\"B\"}]}"
        "}",
        /* the next, later: the same */
        "{\"kind\":\"telemetry\",\"device\":\"d\",\"security\":true,\"system\":{\"message-id\":\"2\"},\"properties\":{}"
        ","
        "\"body\":{\"AgentId\":\"x\",\"Events\":[{\"Name\":\"A\",\"Id\":3},{\"Name\":\"B\",\"Id\":4}]}}",
        /* no security message: its body counts */
        "{\"kind\":\"telemetry\",\"device\":\"d\",\"security\":false,\"body\":{\"Events\":[{\"Name\":\"A\"}]}}",
        /* marked as one, but none */
        "{\"kind\":\"telemetry\",\"device\":\"d\",\"security\":true,\"body\":\"plain\"}", NULL};

    (void)state;
    becomes(events, "d telemetry {\"body\":{\"Events\":[{\"Name\":\"A\"}]},\"kind\":\"telemetry\",\"security\":false}\n"
                    "d telemetry {\"body\":\"plain\",\"kind\":\"telemetry\",\"security\":true}\n"
                    "d telemetry A {\"event\":\"A\",\"kind\":\"telemetry\",\"properties\":{},\"security\":true}\n"
                    "d telemetry B {\"event\":\"B\",\"kind\":\"telemetry\",\"properties\":{},\"security\":true}\n");
}

static void periodic_messages_are_told_once_and_a_new_one_is_told(void **state)
{
    static const char *const events[] = {"{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":\"a\"}",
                                         "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":\"b\"}",
                                         "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":\"a\"}",
                                         "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":\"c\"}",
                                         "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":\"b\"}",
                                         NULL};

    (void)state;
    becomes(events, "d telemetry {\"body\":\"a\",\"kind\":\"telemetry\"}\n"
                    "d telemetry {\"body\":\"b\",\"kind\":\"telemetry\"}\n"
                    "d telemetry {\"body\":\"c\",\"kind\":\"telemetry\"}\n");
}

static void ten_thousand_different_messages_and_faults_between_them_are_all_told(void **state)
{
    struct normal_timeline t;
    char text[128];

    (void)state;
    normal_init(&t);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 10000; i++) {
            (void)snprintf(text, sizeof text, "{\"kind\":\"telemetry\",\"device\":\"d\",\"body\":%d}", i);
            add(&t, text);
            if (round == 0)
                add(&t, "{\"kind\":\"fault\",\"device\":\"d\",\"operation\":\"telemetry\"}");
        }
    assert_int_equal(t.n_groups, 1);
    assert_int_equal(t.groups[0]->count, 20000);
    assert_int_equal(t.events, 30000);
    normal_done(&t);
}

#define CONNECTED    "{\"kind\":\"connected\",\"device\":\"d\",\"clean\":false}"
#define SUBSCRIBED   "{\"kind\":\"subscribed\",\"device\":\"d\",\"filter\":\"x\"}"
#define ENDED(by)    "{\"kind\":\"disconnected\",\"device\":\"d\",\"reason\":\"" by "\"}"
#define N_CONNECTED  "d connection {\"clean\":false,\"kind\":\"connected\"}\n"
#define N_SUBSCRIBED "d connection {\"filter\":\"x\",\"kind\":\"subscribed\"}\n"
#define N_ENDED(by)  "d connection {\"kind\":\"disconnected\",\"reason\":\"" by "\"}\n"

static void equal_sessions_that_ended_by_themselves_are_told_once(void **state)
{
    static const char *const events[] = {CONNECTED, SUBSCRIBED, ENDED("error"), CONNECTED, SUBSCRIBED, ENDED("error"),
                                         CONNECTED, SUBSCRIBED, ENDED("error"), CONNECTED, SUBSCRIBED, NULL};

    (void)state;
    becomes(events, N_CONNECTED N_SUBSCRIBED N_ENDED("error") N_CONNECTED N_SUBSCRIBED);
}

static void a_session_that_differs_or_was_ended_on_purpose_is_told(void **state)
{
    static const char *const differs[] = {CONNECTED, SUBSCRIBED, ENDED("error"), CONNECTED, ENDED("error"), NULL};
    static const char *const on_purpose[] = {CONNECTED,      SUBSCRIBED, ENDED("fault"), CONNECTED, SUBSCRIBED,
                                             ENDED("fault"), NULL};

    (void)state;
    becomes(differs, N_CONNECTED N_SUBSCRIBED N_ENDED("error") N_CONNECTED N_ENDED("error"));
    becomes(on_purpose, N_CONNECTED N_SUBSCRIBED N_ENDED("fault") N_CONNECTED N_SUBSCRIBED N_ENDED("fault"));
}

static void a_session_that_the_harness_ended_is_told(void **state)
{
    struct normal_timeline t;

    (void)state;
    normal_init(&t);
    for (int i = 0; i < 3; i++) {
        add(&t, CONNECTED);
        normal_mark(&t);
        add(&t, ENDED("unknown"));
    }
    assert_int_equal(t.groups[0]->count, 6);
    normal_done(&t);
}

static void what_may_still_go_is_not_settled(void **state)
{
    struct normal_timeline t;
    struct normal_group *g;

    (void)state;
    normal_init(&t);
    add(&t, CONNECTED);
    g = normal_find(&t, "d connection");
    assert_non_null(g);
    assert_int_equal(normal_settled(g), 1); /* the first session stays */
    add(&t, SUBSCRIBED);
    add(&t, ENDED("error"));
    add(&t, CONNECTED);
    assert_int_equal(g->count, 4);
    assert_int_equal(normal_settled(g), 3);
    add(&t, SUBSCRIBED);
    add(&t, ENDED("error"));
    assert_int_equal(g->count, 3);
    assert_int_equal(normal_settled(g), 3);
    normal_done(&t);
}

static void attempts_and_reads_in_a_row_are_one(void **state)
{
    static const char *const events[] = {"{\"kind\":\"refused\",\"device\":\"d\",\"reason\":\"bad key\"}",
                                         "{\"kind\":\"refused\",\"device\":\"d\",\"reason\":\"bad key\"}",
                                         "{\"kind\":\"refused\",\"device\":\"d\",\"reason\":\"disabled\"}",
                                         "{\"kind\":\"twin-get\",\"device\":\"d\",\"rid\":\"1\",\"status\":200}",
                                         "{\"kind\":\"twin-get\",\"device\":\"d\",\"rid\":\"2\",\"status\":200}",
                                         "{\"kind\":\"twin-get\",\"device\":\"d\",\"rid\":\"3\",\"status\":429}",
                                         NULL};

    (void)state;
    becomes(events, "d connection {\"kind\":\"refused\",\"reason\":\"bad key\"}\n"
                    "d connection {\"kind\":\"refused\",\"reason\":\"disabled\"}\n"
                    "d twin {\"kind\":\"twin-get\",\"status\":200}\n"
                    "d twin {\"kind\":\"twin-get\",\"status\":429}\n");
}

static void the_hubs_own_coming_and_going_is_not_told(void **state)
{
    static const char *const events[] = {"{\"kind\":\"hub-ready\"}",
                                         "{\"kind\":\"hub-stopping\"}",
                                         "{\"kind\":\"clock\",\"offset_us\":5}",
                                         ENDED("shutdown"),
                                         "{\"no\":\"kind\"}",
                                         "{\"kind\":5}",
                                         "[]",
                                         "null",
                                         NULL};

    (void)state;
    becomes(events, "");
}

static void groups_are_in_byte_order_and_entries_know_their_event(void **state)
{
    struct normal_timeline t;
    struct normal_group *g;
    bool changed;
    cJSON *event;

    (void)state;
    normal_init(&t);
    add(&t, "{\"kind\":\"reported\",\"device\":\"b\",\"patch\":{}}");
    add(&t, "{\"kind\":\"hub-ready\"}");
    event = json("{\"kind\":\"reported\",\"device\":\"a\",\"patch\":{}}");
    assert_int_equal(normal_add(&t, event, &changed), RC_OK);
    cJSON_Delete(event);
    assert_int_equal(t.n_groups, 2);
    assert_string_equal(t.groups[0]->name, "a twin");
    assert_true(changed);
    assert_int_equal(t.groups[0]->at[0].event, 2);
    assert_false(t.groups[0]->is_service);
    assert_null(normal_find(&t, "c twin"));
    event = json("{\"kind\":\"tags\",\"device\":\"a\",\"cause\":\"c\",\"patch\":{}}");
    assert_int_equal(normal_add(&t, event, &changed), RC_OK);
    cJSON_Delete(event);
    g = normal_find(&t, "a service");
    assert_non_null(g);
    assert_true(g->is_service);
    event = json("{\"kind\":\"hub-stopping\"}");
    assert_int_equal(normal_add(&t, event, &changed), RC_OK);
    cJSON_Delete(event);
    assert_false(changed);
    normal_done(&t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_what_it_says_and_how_it_ends),
        cmocka_unit_test(ids_times_rids_ports_and_addresses_are_noise),
        cmocka_unit_test(keys_are_sorted_at_every_depth_and_numbers_stay_as_they_came),
        cmocka_unit_test(one_changed_value_in_a_patch_changes_it),
        cmocka_unit_test(one_missing_patch_changes_it),
        cmocka_unit_test(an_extra_patch_that_repeats_the_last_changes_it),
        cmocka_unit_test(a_swapped_pair_changes_it_even_without_its_versions),
        cmocka_unit_test(what_two_sides_do_side_by_side_may_come_in_any_order),
        cmocka_unit_test(a_security_message_is_its_events_by_name_each_in_a_group_of_its_own),
        cmocka_unit_test(periodic_messages_are_told_once_and_a_new_one_is_told),
        cmocka_unit_test(ten_thousand_different_messages_and_faults_between_them_are_all_told),
        cmocka_unit_test(equal_sessions_that_ended_by_themselves_are_told_once),
        cmocka_unit_test(a_session_that_differs_or_was_ended_on_purpose_is_told),
        cmocka_unit_test(a_session_that_the_harness_ended_is_told),
        cmocka_unit_test(what_may_still_go_is_not_settled),
        cmocka_unit_test(attempts_and_reads_in_a_row_are_one),
        cmocka_unit_test(the_hubs_own_coming_and_going_is_not_told),
        cmocka_unit_test(groups_are_in_byte_order_and_entries_know_their_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
