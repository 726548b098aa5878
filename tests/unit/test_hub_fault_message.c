/* test_hub_fault_message.c - what faults do to messages and requests: a status, lost, late, again, changed, too much. */
#include "fault_world.h"

/* --- status -------------------------------------------------------------------------------------------------------- */

static void a_status_from_300_is_answered_with_the_hubs_body_and_nothing_is_carried_out(void **state)
{
    static const struct {
        int status, code;
    } rows[] = {{400, 400004}, {403, 403002}, {404, 404001}, {412, 412001}, {413, 413001},
                {429, 429001}, {500, 500001}, {503, 503001}, {504, 504101}, {418, 418001}};
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[128], topic[64];
        const char *body;

        (void)snprintf(members, sizeof members, "'type':'status','status':%d", rows[n].status);
        (void)add(w, members);
        patch(w, &dev, "{'a':1}");
        (void)snprintf(topic, sizeof topic, RES "%d/?$rid=p", rows[n].status);
        body = assert_sent(w, "dev1", topic);
        assert_int_equal(json_number(world_read(w, body), "errorCode"), rows[n].code);
        assert_string_equal(injected(w, "reported"), "status");
        assert_int_equal(json_number(world_event(w, "reported"), "status"), rows[n].status);
        assert_int_equal(world_count(w, OUT_STORE), 0);
        assert_versions(w, "dev1", 1, 2, 1, 1);
        faults_left(w, 0); /* once, unless told otherwise */
    }
    world_report(w, &dev, "{'a':1}", 204);
}

static void a_status_below_300_changes_but_the_word_of_it(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'status','status':200");
    patch(w, &dev, "{'a':1}");
    assert_string_equal(assert_sent(w, "dev1", RES "200/?$rid=p&$version=2"), "");
    assert_int_equal(json_number(world_event(w, "reported"), "status"), 200);
    assert_versions(w, "dev1", 1, 3, 1, 2);
    (void)add(w, "'type':'status','operation':'twin-get','status':204");
    get(w, &dev);
    assert_non_null(strstr(assert_sent(w, "dev1", RES "204/?$rid=g"), "\"a\":1")); /* its body all the same */
    assert_int_equal(json_number(world_event(w, "twin-get"), "status"), 204);
}

static void a_status_comes_with_any_body_that_is_wanted(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'status','status':500,'body':'empty'");
    patch(w, &dev, "{'a':1}");
    assert_string_equal(assert_sent(w, "dev1", RES "500/?$rid=p"), "");
    (void)add(w, "'type':'status','status':500,'body':'<b>no</b>'");
    patch(w, &dev, "{'a':1}");
    assert_string_equal(assert_sent(w, "dev1", RES "500/?$rid=p"), "<b>no</b>");
    (void)add(w, "'type':'status','operation':'twin-get','status':200,'body':{'desired':{}}");
    get(w, &dev);
    assert_string_equal(assert_sent(w, "dev1", RES "200/?$rid=g"), "{\"desired\":{}}");
}

/* --- lost, late, again ----------------------------------------------------------------------------------------------- */

static void what_is_lost_has_happened_all_the_same(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'lose','operation':'reported'");
    patch(w, &dev, "{'a':1}");
    assert_nothing_sent(w);
    assert_string_equal(injected(w, "reported"), "lose");
    assert_int_equal(json_number(world_event(w, "reported"), "version"), 2);
    (void)add(w, "'type':'lose','operation':'twin-get'");
    get(w, &dev);
    assert_nothing_sent(w);
    (void)add(w, "'type':'lose'");
    (void)world_desire(w, "{'b':1}");
    assert_nothing_sent(w);
    assert_string_equal(injected(w, "desired"), "lose");
    (void)world_desire(w, "{'b':2}");
    assert_string_equal(assert_sent(w, "dev1", DESIRED "3"), "{\"b\":2,\"$version\":3}");
}

static void lost_telemetry_is_acknowledged_and_gone(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'lose','operation':'telemetry','after':1");
    assert_int_equal(world_publish(w, &dev, EVENTS, "1"), HUB_ACCEPT);
    assert_int_equal(world_publish(w, &dev, EVENTS, "2"), HUB_SWALLOW);
    assert_string_equal(injected(w, "telemetry"), "lose");
    assert_int_equal(world_count_events(w, "telemetry"), 0);
    assert_int_equal(world_publish(w, &dev, EVENTS, "3"), HUB_ACCEPT);
}

static void a_delayed_message_leaves_when_it_is_due_and_later_ones_overtake_it(void **state)
{
    struct world *w = *state;
    struct conn dev;
    int64_t began;
    cJSON *event;

    begin(w, &dev);
    (void)add(w, "'type':'delay','operation':'desired','delay':'250ms'");
    began = w->now.mono_us;
    (void)world_desire(w, "{'b':1}");
    assert_nothing_sent(w);
    assert_int_equal(world_tick(w), began + 250 * MS);
    (void)world_desire(w, "{'b':2}");
    (void)assert_sent(w, "dev1", DESIRED "3");
    pass_us(w, 249 * MS);
    assert_int_equal(world_tick(w), began + 250 * MS);
    assert_int_equal(w->out.len, 0);
    pass_us(w, 3 * MS);
    (void)world_tick(w);
    assert_string_equal(assert_sent(w, "dev1", DESIRED "2"), "{\"b\":1,\"$version\":2}");
    event = world_event(w, "fault");
    assert_string_equal(json_word(event, "phase"), "released");
    assert_int_equal(json_number(event, "planned_us"), began + 250 * MS);
    assert_int_equal(json_number(event, "actual_us"), began + 252 * MS);
    faults_left(w, 0);
}

static void what_is_held_leaves_when_the_fault_is_cleared_in_the_order_it_came(void **state)
{
    struct world *w = *state;
    struct conn dev;
    int64_t id;

    begin(w, &dev);
    id = add(w, "'type':'hold','operation':'desired','times':2");
    (void)world_desire(w, "{'b':1}");
    (void)world_desire(w, "{'b':2}");
    assert_nothing_sent(w);
    pass_us(w, 3600 * WORLD_SECOND / 2);
    (void)world_tick(w);
    assert_int_equal(w->out.len, 0);
    (void)world_desire(w, "{'b':3}");
    (void)assert_sent(w, "dev1", DESIRED "4"); /* it holds two */
    assert_json(w, world_ask(w, "fault.clear", "'id':%lld", (long long)id), "cleared", "1");
    assert_int_equal(world_count(w, OUT_PUBLISH), 3); /* and the answer */
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, DESIRED "2");
    assert_string_equal(world_out(w, OUT_PUBLISH, 1)->topic, DESIRED "3");
    assert_int_equal(world_count_events(w, "fault"), 2);
    faults_left(w, 0);
}

static void a_hold_lets_go_when_its_time_is_over(void **state)
{
    struct world *w = *state;
    struct conn dev;
    int64_t began;

    begin(w, &dev);
    (void)add(w, "'type':'hold','operation':'reported','for':'1s'");
    began = w->now.mono_us;
    patch(w, &dev, "{'a':1}");
    assert_nothing_sent(w);
    assert_int_equal(world_tick(w), began + WORLD_SECOND);
    pass_us(w, WORLD_SECOND);
    assert_int_equal(world_tick(w), began + 3600 * WORLD_SECOND + 1); /* the token */
    (void)assert_sent(w, "dev1", RES "204/?$rid=p&$version=2");
    faults_left(w, 0);
}

static void what_waits_goes_with_its_connection(void **state)
{
    struct world *w = *state;
    struct conn dev, again;

    begin(w, &dev);
    (void)add(w, "'type':'hold','operation':'desired'");
    (void)add(w, "'type':'delay','operation':'reported','delay':'1s'");
    (void)world_desire(w, "{'b':1}");
    patch(w, &dev, "{'a':1}");
    world_twin_client(w, &again, "dev1");
    assert_true(hub_is_valid(w->hub));
    faults_left(w, 0);
    pass_us(w, 2 * WORLD_SECOND);
    (void)world_tick(w);
    assert_int_equal(w->out.len, 0);
    (void)add(w, "'type':'hold','operation':'desired'");
    (void)world_desire(w, "{'b':2}");
    (void)world_ask(w, "device.delete", "'deviceId':'dev1'");
    (void)world_ask(w, "fault.clear", "%s", "");
    assert_int_equal(world_count(w, OUT_PUBLISH), 1); /* the answer alone */
}

static void a_duplicate_is_an_old_version_after_a_newer_one(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'duplicate','copies':2");
    (void)world_desire(w, "{'b':1}");
    assert_int_equal(world_count(w, OUT_PUBLISH), 4);
    for (size_t n = 0; n < 3; n++)
        assert_string_equal(world_out(w, OUT_PUBLISH, n)->body, "{\"b\":1,\"$version\":2}");
    (void)add(w, "'type':'duplicate','delay':'1s','operation':'desired'");
    (void)world_desire(w, "{'b':2}");
    (void)assert_sent(w, "dev1", DESIRED "3");
    (void)world_desire(w, "{'b':3}");
    (void)assert_sent(w, "dev1", DESIRED "4");
    pass_us(w, WORLD_SECOND);
    (void)world_tick(w);
    assert_string_equal(assert_sent(w, "dev1", DESIRED "3"), "{\"b\":2,\"$version\":3}");
}

static void two_change_places_or_the_first_leaves_after_two_seconds(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'reorder','times':2");
    (void)world_desire(w, "{'b':1}");
    assert_nothing_sent(w);
    get(w, &dev); /* another operation does not overtake it */
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
    (void)world_desire(w, "{'b':2}");
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, DESIRED "3");
    assert_string_equal(world_out(w, OUT_PUBLISH, 1)->topic, DESIRED "2");
    assert_int_equal(json_number(world_event(w, "fault"), "id"), 1);
    (void)world_desire(w, "{'b':3}");
    assert_nothing_sent(w);
    pass_us(w, 2 * WORLD_SECOND);
    (void)world_tick(w);
    (void)assert_sent(w, "dev1", DESIRED "4");
    faults_left(w, 0);
}

/* --- changed ---------------------------------------------------------------------------------------------------------- */

static void an_answer_names_another_request_or_none(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'rid'");
    patch(w, &dev, "{'a':1}");
    (void)assert_sent(w, "dev1", RES "204/?$rid=2147483647&$version=2");
    (void)add(w, "'type':'rid','how':'missing'");
    patch(w, &dev, "{'a':2}");
    (void)assert_sent(w, "dev1", RES "204/?$version=3");
    (void)add(w, "'type':'rid','operation':'twin-get','how':'missing'");
    get(w, &dev);
    (void)assert_sent(w, "dev1", RES "200/?");
}

static void a_version_is_off_on_the_wire_alone(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'version','by':5");
    (void)world_desire(w, "{'b':1}");
    assert_string_equal(assert_sent(w, "dev1", DESIRED "7"), "{\"b\":1,\"$version\":7}");
    (void)add(w, "'type':'version','by':-9");
    (void)world_desire(w, "{'b':1}");
    assert_string_equal(assert_sent(w, "dev1", DESIRED "0"), "{\"b\":1,\"$version\":0}");
    (void)add(w, "'type':'version','operation':'reported','by':-1");
    patch(w, &dev, "{'a':1}");
    assert_string_equal(assert_sent(w, "dev1", RES "204/?$rid=p&$version=1"), "");
    (void)add(w, "'type':'version','operation':'twin-get','by':-1");
    get(w, &dev);
    assert_string_equal(assert_sent(w, "dev1", RES "200/?$rid=g"),
                        "{\"desired\":{\"b\":1,\"$version\":2},\"reported\":{\"a\":1,\"$version\":2}}");
    assert_versions(w, "dev1", 3, 5, 3, 2);
}

static void a_document_is_spoiled_in_each_way(void **state)
{
    static const struct {
        const char *how, *operation, *body;
    } rows[] = {
        {"truncated", "desired", "{\"b\":1,\"$v"},
        {"array", "desired", "[{\"b\":1,\"$version\":n}]"},
        {"empty", "desired", ""},
        {"duplicate-member", "desired", "{\"b\":null,\"$version\":null,\"b\":1,\"$version\":n}"},
        {"not-json", "desired", "<html><body>502 Bad Gateway</body></html>"},
        {"not-json", "twin-get", "<html><body>502 Bad Gateway</body></html>"},
        {"array", "twin-get", "[{\"desired\":{\"b\":1,\"$version\":n},\"reported\":{\"$version\":1}}]"},
    };
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[128], topic[80], want[128];
        size_t at = strcspn(rows[n].body, "n");
        bool is_get = strcmp(rows[n].operation, "twin-get") == 0;
        int version = (int)json_number(world_twin(w, "dev1"), "properties.desired.$version") + !is_get;

        print_message("  %s on %s\n", rows[n].how, rows[n].operation);
        while (rows[n].body[at] && strncmp(rows[n].body + at, "n}", 2) != 0)
            at += 1 + strcspn(rows[n].body + at + 1, "n");
        (void)snprintf(want, sizeof want, rows[n].body[at] ? "%.*s%d%s" : "%.*s", (int)at, rows[n].body, version,
                       rows[n].body[at] ? rows[n].body + at + 1 : "");
        (void)snprintf(members, sizeof members, "'type':'malform','operation':'%s','how':'%s'", rows[n].operation,
                       rows[n].how);
        (void)add(w, members);
        if (is_get)
            get(w, &dev);
        else
            (void)world_desire(w, "{'b':1}");
        (void)snprintf(topic, sizeof topic, is_get ? RES "200/?$rid=g" : DESIRED "%d", version);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->body_len, strlen(want));
        assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, topic);
        if (want[0])
            assert_string_equal(world_out(w, OUT_PUBLISH, 0)->body, want);
    }
}

static void the_services_metadata_leaks_to_the_device(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *seen;

    begin(w, &dev);
    (void)add(w, "'type':'malform','how':'metadata'");
    get(w, &dev);
    seen = world_read(w, assert_sent(w, "dev1", RES "200/?$rid=g"));
    assert_non_null(json_at_path(seen, STR("desired.$metadata.$lastUpdated")));
    assert_non_null(json_at_path(seen, STR("reported.$metadata.$lastUpdated")));
    (void)add(w, "'type':'malform','how':'metadata','operation':'desired'");
    (void)world_desire(w, "{'b':1}");
    seen = world_read(w, world_out(w, OUT_PUBLISH, 0)->body);
    assert_non_null(json_at_path(seen, STR("$metadata.b.$lastUpdated")));
}

/* --- too much ----------------------------------------------------------------------------------------------------------- */

/* facts L-02 */
static void over_the_rate_twin_requests_are_429_until_a_second_has_passed(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'throttle','rate':3");
    for (int n = 0; n < 3; n++)
        world_report(w, &dev, "{'a':1}", 204);
    world_report(w, &dev, "{'a':1}", 429);
    get(w, &dev); /* reads have a bucket of their own */
    (void)assert_sent(w, "dev1", RES "200/?$rid=g");
    world_report(w, &dev, "{'a':1}", 429);
    assert_int_equal(json_number(world_event(w, "reported"), "status"), 429);
    pass_us(w, 334 * MS);
    world_report(w, &dev, "{'a':1}", 204);
    world_report(w, &dev, "{'a':1}", 429);
}

static void over_the_rate_telemetry_comes_later_and_at_the_latest_when_its_connection_ends(void **state)
{
    struct world *w = *state;
    struct conn dev;
    int64_t began;

    begin(w, &dev);
    (void)add(w, "'type':'throttle','rate':2,'operation':'telemetry'");
    began = w->now.mono_us;
    assert_int_equal(world_publish(w, &dev, EVENTS, "1"), HUB_ACCEPT);
    assert_int_equal(world_publish(w, &dev, EVENTS, "2"), HUB_ACCEPT);
    for (int n = 3; n <= 5; n++) {
        assert_int_equal(world_publish(w, &dev, EVENTS "a=b", "{'n':3}"), HUB_SWALLOW);
        assert_int_equal(world_count_events(w, "telemetry"), 0);
    }
    assert_int_equal(world_tick(w), began + 500 * MS);
    pass_us(w, 500 * MS);
    assert_int_equal(world_tick(w), began + 1000 * MS);
    assert_json(w, world_event(w, "telemetry"), "body", "{'n':3}");
    assert_json(w, world_event(w, "telemetry"), "properties", "{'a':'b'}");
    assert_string_equal(world_out(w, OUT_EVENT, w->out.len - 1)->topic, EVENTS "a=b"); /* where the device wrote it */
    world_end(w, &dev, ENDED_CLIENT);
    assert_int_equal(world_count_events(w, "telemetry"), 2);
}

/* facts L-15 */
static void a_tier_is_as_fast_as_the_documents_say(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'throttle','tier':'S1'");
    for (int n = 0; n < 50; n++)
        world_report(w, &dev, "{'a':1}", 204);
    world_report(w, &dev, "{'a':1}", 429);
}

/* facts L-09 */
static void a_message_over_the_quota_ends_the_connection(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'quota','messages':2");
    for (int round = 0; round < 2; round++) {
        for (int n = 0; n < 2 && round == 0; n++)
            assert_int_equal(world_publish(w, &dev, EVENTS, "1"), HUB_ACCEPT);
        assert_int_equal(world_publish(w, &dev, EVENTS, "1"), HUB_CLOSE);
        assert_int_equal(world_count_events(w, "telemetry"), 0);
        assert_string_equal(json_word(world_event(w, "disconnected"), "reason"), "fault");
        world_twin_client(w, &dev, "dev1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_status_from_300_is_answered_with_the_hubs_body_and_nothing_is_carried_out),
        WORLD_TEST(a_status_below_300_changes_but_the_word_of_it),
        WORLD_TEST(a_status_comes_with_any_body_that_is_wanted),
        WORLD_TEST(what_is_lost_has_happened_all_the_same),
        WORLD_TEST(lost_telemetry_is_acknowledged_and_gone),
        WORLD_TEST(a_delayed_message_leaves_when_it_is_due_and_later_ones_overtake_it),
        WORLD_TEST(what_is_held_leaves_when_the_fault_is_cleared_in_the_order_it_came),
        WORLD_TEST(a_hold_lets_go_when_its_time_is_over),
        WORLD_TEST(what_waits_goes_with_its_connection),
        WORLD_TEST(a_duplicate_is_an_old_version_after_a_newer_one),
        WORLD_TEST(two_change_places_or_the_first_leaves_after_two_seconds),
        WORLD_TEST(an_answer_names_another_request_or_none),
        WORLD_TEST(a_version_is_off_on_the_wire_alone),
        WORLD_TEST(a_document_is_spoiled_in_each_way),
        WORLD_TEST(the_services_metadata_leaks_to_the_device),
        WORLD_TEST(over_the_rate_twin_requests_are_429_until_a_second_has_passed),
        WORLD_TEST(over_the_rate_telemetry_comes_later_and_at_the_latest_when_its_connection_ends),
        WORLD_TEST(a_tier_is_as_fast_as_the_documents_say),
        WORLD_TEST(a_message_over_the_quota_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
