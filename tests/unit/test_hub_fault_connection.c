/* test_hub_fault_connection.c - connections that are cut or refused on purpose, and tokens judged by a wrong clock. */
#include "fault_world.h"

static void a_connection_is_cut_on_any_operation_which_is_not_carried_out(void **state)
{
    static const struct {
        const char *type, *reason;
    } types[] = {{"disconnect", "fault"}, {"expire", "token"}, {"takeover", "takeover"}};
    static const char *const operations[] = {"subscribe", "twin-get", "reported", "desired", "telemetry"};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (size_t t = 0; t < COUNT(types); t++)
        for (size_t n = 0; n < COUNT(operations); n++) {
            enum hub_answer answer = HUB_CLOSE;
            char members[128];

            print_message("  %s on %s\n", types[t].type, operations[n]);
            world_twin_client(w, &dev, "dev1");
            (void)snprintf(members, sizeof members, "'type':'%s','operation':'%s','deviceId':'dev1'", types[t].type,
                           operations[n]);
            (void)add(w, members);
            if (n == 0)
                answer = world_subscribe(w, &dev, "$iothub/methods/POST/#", 0);
            else if (n == 1)
                answer = world_publish(w, &dev, GET, "");
            else if (n == 2)
                answer = world_publish(w, &dev, PATCH, "{'a':1}");
            else if (n == 3)
                (void)world_desire(w, "{'b':1}");
            else
                answer = world_publish(w, &dev, EVENTS, "1");
            assert_int_equal(answer, HUB_CLOSE);
            assert_nothing_sent(w);
            assert_int_equal(world_count(w, OUT_CLOSE), n == 3); /* the others are closed by their answer */
            assert_string_equal(injected(w, operations[n]), types[t].type);
            assert_string_equal(json_word(world_event(w, "disconnected"), "reason"), types[t].reason);
            assert_string_equal(json_word(world_event(w, "fault"), "layer"), "identity");
            assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
        }
    assert_json(w, world_twin(w, "dev1"), "properties.reported.$version", "1");
}

static void by_itself_it_strikes_now_or_at_its_time_whoever_is_there(void **state)
{
    struct world *w = *state;
    struct conn a, b, m;
    int64_t began;

    world_create(w, "edge-1");
    world_create(w, "edge-1/m");
    world_create(w, "edge-2");
    world_create(w, "other");
    world_connect(w, &a, "edge-1");
    world_connect(w, &m, "edge-1/m");
    world_connect(w, &b, "other");
    assert_json(w, world_ask(w, "fault.add", "%s", "'type':'takeover','on':'edge-*'"), "closed", "true");
    assert_int_equal(world_count_events(w, "fault"), 2);
    assert_int_equal(world_count(w, OUT_CLOSE), 2);
    assert_true(hub_is_live(w->hub, STR("other"), b.no));
    assert_json(w, world_ask(w, "fault.add", "%s", "'type':'expire','on':'edge-*'"), "closed", "false");
    assert_json(w, world_event(w, "fault"), "device", NULL); /* nobody was there, and that is told */
    began = w->now.mono_us;
    (void)add(w, "'type':'disconnect','at':'90ms'");
    assert_int_equal(world_tick(w), began + 90 * MS);
    assert_int_equal(w->out.len, 0);
    pass_us(w, 91 * MS);
    (void)world_tick(w);
    assert_int_equal(json_number(world_event(w, "fault"), "planned_us"), began + 90 * MS);
    assert_int_equal(json_number(world_event(w, "fault"), "actual_us"), began + 91 * MS);
    assert_int_equal(world_out(w, OUT_CLOSE, 0)->conn, b.no);
    faults_left(w, 0);
}

static void a_connect_is_refused_for_each_reason_or_cut_without_an_answer(void **state)
{
    static const struct {
        const char *word, *reason;
    } rows[] = {
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
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[128];

        (void)snprintf(members, sizeof members, "'type':'refuse','reason':'%s','on':'dev1'", rows[n].word);
        (void)add(w, members);
        assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CLOSE);
        assert_string_equal(json_word(world_event(w, "refused"), "reason"), rows[n].reason);
        assert_string_equal(injected(w, "connect"), "refuse");
        world_connect(w, &dev, "dev1");
    }
    (void)add(w, "'type':'disconnect','operation':'connect','after':1");
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CUT);
    assert_string_equal(injected(w, "connect"), "disconnect");
    assert_int_equal(world_count_events(w, "refused"), 0);
    world_connect(w, &dev, "dev1");
}

static void a_clock_that_is_wrong_judges_tokens_when_they_come_and_until_they_end(void **state)
{
    struct world *w = *state;
    struct sas_key key;
    struct login old;
    struct conn dev;

    world_create(w, "dev1");
    key = world_key("dev1", 0, false);
    (void)add(w, "'type':'clock-skew','by':'2h'");
    assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CLOSE);
    assert_string_equal(json_word(world_event(w, "refused"), "reason"), "the token has expired");
    old = (struct login){.password =
                             world_token(w, WORLD_HOST "/devices/dev1", &key, NULL, w->now.us / WORLD_SECOND - 1800)};
    (void)add(w, "'type':'clock-skew','by':'-1h'");
    assert_int_equal(world_login(w, &dev, "dev1", &old), HUB_ACCEPT);
    (void)world_tick(w);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    world_pass(w, 1801);
    (void)world_tick(w);
    assert_string_equal(json_word(world_event(w, "disconnected"), "reason"), "token");
    assert_int_equal(world_login(w, &dev, "dev1", &old), HUB_CLOSE); /* once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_connection_is_cut_on_any_operation_which_is_not_carried_out),
        WORLD_TEST(by_itself_it_strikes_now_or_at_its_time_whoever_is_there),
        WORLD_TEST(a_connect_is_refused_for_each_reason_or_cut_without_an_answer),
        WORLD_TEST(a_clock_that_is_wrong_judges_tokens_when_they_come_and_until_they_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
