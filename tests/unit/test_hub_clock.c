/* test_hub_clock.c - the hub's clock, moved and frozen: what ends with it, and what does not follow. */
#include "fault_world.h"

/* facts A-10 */
static void advancing_the_clock_ends_tokens_at_once_and_moves_no_fault(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    begin(w, &dev);
    (void)add(w, "'type':'delay','operation':'twin-get','delay':'1s'");
    get(w, &dev);
    (void)world_ask(w, "clock.advance", "'by':'59m'");
    assert_nothing_sent(w);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    (void)world_ask(w, "clock.advance", "'by':'PT2M'");
    event = world_event(w, "clock");
    assert_json(w, event, "offset_us", "3660000000");
    assert_json(w, event, "frozen", "false");
    assert_json(w, event, "time", "'2030-01-01T01:01:00Z'");
    assert_string_equal(json_word(world_event(w, "disconnected"), "reason"), "token");
    assert_json(w, world_event(w, "disconnected"), "cause", "'c-clock.advance'");
    (void)world_ask(w, "clock.advance", "'by':'-2h'");
    assert_json(w, world_ask(w, "clock.show", "%s", ""), "",
                "{'time':'2029-12-31T23:01:00Z','offsetSeconds':-3540,'frozen':false}");
    (void)world_refused(w, 400, 400004, "clock.advance", "'by':'soon'");
    (void)world_refused(w, 400, 400004, "clock.advance", "'by':5");
    (void)world_refused(w, 400, 400004, "clock.advance", "%s", "");
    (void)world_refused(w, 400, 400004, "clock.advance", "'by':'-36500d'");
}

static void a_frozen_clock_ends_nothing_and_goes_on_from_where_it_stood(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)world_ask(w, "clock.freeze", "%s", "");
    (void)world_ask(w, "clock.freeze", "%s", "");
    world_pass(w, 7200);
    assert_int_equal(world_tick(w), INT64_MAX);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_json(w, world_ask(w, "clock.show", "%s", ""), "",
                "{'time':'2030-01-01T00:00:00Z','offsetSeconds':-7200,'frozen':true}");
    (void)world_ask(w, "clock.advance", "'by':'1m'"); /* also where it stands */
    (void)world_ask(w, "clock.resume", "%s", "");
    world_pass(w, 60);
    assert_json(w, world_ask(w, "clock.show", "%s", ""), "",
                "{'time':'2030-01-01T00:02:00Z','offsetSeconds':-7140,'frozen':false}");
    world_pass(w, 3600 - 120);
    (void)world_tick(w);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    world_pass(w, 1);
    (void)world_tick(w);
    assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(advancing_the_clock_ends_tokens_at_once_and_moves_no_fault),
        WORLD_TEST(a_frozen_clock_ends_nothing_and_goes_on_from_where_it_stood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
