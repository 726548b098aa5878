/* test_hub_fault.c - whom a fault strikes and when, and the list of them. */
#include "fault_world.h"

/* --- whom and when ---------------------------------------------------------------------------------------------------------- */

static void a_fault_strikes_whom_it_names_and_nobody_else(void **state)
{
    static const struct {
        const char *scope;
        bool device, module, other;
    } rows[] = {
        {"", true, true, true},
        {",'on':'*'", true, true, true},
        {",'on':'d1'", true, false, false},
        {",'on':'d1/*'", false, true, false},
        {",'on':'*/m'", false, true, false},
        {",'on':'d*'", true, true, true},
        {",'on':'*2'", false, false, true},
        {",'on':'d1*m'", false, true, false},
        {",'deviceId':'d1'", true, false, false},
        {",'deviceId':'d1','moduleId':'m'", false, true, false},
        {",'on':'nobody'", false, false, false},
        {",'on':'d'", false, false, false},
    };
    struct world *w = *state;
    struct conn device, module, other;

    world_create(w, "d1");
    world_create(w, "d1/m");
    world_create(w, "d2");
    world_twin_client(w, &device, "d1");
    world_twin_client(w, &module, "d1/m");
    world_twin_client(w, &other, "d2");
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[128];

        print_message("  %s\n", rows[n].scope);
        (void)snprintf(members, sizeof members, "'type':'status','status':500,'times':0%s", rows[n].scope);
        (void)add(w, members);
        world_report(w, &device, "{'a':1}", rows[n].device ? 500 : 204);
        world_report(w, &module, "{'a':1}", rows[n].module ? 500 : 204);
        world_report(w, &other, "{'a':1}", rows[n].other ? 500 : 204);
        (void)world_ask(w, "fault.clear", "%s", "");
    }
}

static void after_every_and_times_say_which(void **state)
{
    static const struct {
        const char *trigger, *which; /* x: struck */
    } rows[] = {
        {"", "x......."},
        {",'after':2", "..x....."},
        {",'times':3", "xxx....."},
        {",'times':0", "xxxxxxxx"},
        {",'every':2,'times':0", ".x.x.x.x"},
        {",'after':1,'every':3,'times':2", "...x..x."},
        {",'probability':0,'times':0", "........"},
        {",'probability':1,'times':0", "xxxxxxxx"},
        {",'topic':'$iothub/twin/PATCH/#','times':0", "xxxxxxxx"},
        {",'topic':'$iothub/twin/+/properties/reported/?$rid=r'", "x......."},
        {",'topic':'$iothub/twin/GET/#','times':0", "........"},
    };
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[160];

        print_message("  %s\n", rows[n].trigger);
        (void)snprintf(members, sizeof members, "'type':'status','status':500%s", rows[n].trigger);
        (void)add(w, members);
        for (size_t k = 0; rows[n].which[k]; k++)
            world_report(w, &dev, "{'a':1}", rows[n].which[k] == 'x' ? 500 : 204);
        (void)world_ask(w, "fault.clear", "%s", "");
    }
}

static void the_same_seed_is_the_same_chance(void **state)
{
    struct world *w = *state;
    char seen[3][41];
    struct conn dev;

    begin(w, &dev);
    for (size_t round = 0; round < 3; round++) {
        size_t struck = 0;
        char members[128];

        (void)snprintf(members, sizeof members, "'type':'status','status':500,'times':0,'probability':0.5,'seed':%d",
                       round == 2 ? 8 : 7);
        (void)add(w, members);
        for (size_t k = 0; k < 40; k++) {
            patch(w, &dev, "{'a':1}");
            seen[round][k] = world_count_events(w, "fault") ? 'x' : '.';
            struck += seen[round][k] == 'x';
        }
        seen[round][40] = '\0';
        assert_in_range(struck, 8, 32);
        (void)world_ask(w, "fault.clear", "%s", "");
    }
    assert_string_equal(seen[0], seen[1]);
    assert_string_not_equal(seen[0], seen[2]);
}

static void a_fault_sleeps_until_its_time_and_is_gone_after_it(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'status','status':500,'times':0,'at':'1s','for':'2s'");
    world_report(w, &dev, "{'a':1}", 204);
    pass_us(w, WORLD_SECOND);
    world_report(w, &dev, "{'a':1}", 500);
    pass_us(w, 2 * WORLD_SECOND - 1);
    world_report(w, &dev, "{'a':1}", 500);
    pass_us(w, 1);
    world_report(w, &dev, "{'a':1}", 204);
    (void)world_tick(w);
    faults_left(w, 0);
}

/* --- the list ------------------------------------------------------------------------------------------------------------ */

static void faults_are_listed_as_they_were_given_with_how_often_they_struck(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)add(w, "'type':'status','status':429,'times':3,'on':'dev*'");
    (void)add(w, "'type':'hold','deviceId':'dev1','operation':'desired'");
    world_report(w, &dev, "{'a':1}", 429);
    (void)world_desire(w, "{'b':1}");
    assert_json(w, world_ask(w, "fault.list", "%s", ""), "items",
                "[{'id':1,'type':'status','status':429,'times':3,'on':'dev*','injected':1},"
                "{'id':2,'type':'hold','deviceId':'dev1','operation':'desired','injected':1,'waiting':1}]");
    assert_json(w, world_ask(w, "fault.clear", "%s", ""), "cleared", "2");
    faults_left(w, 0);
    assert_json(w, world_ask(w, "fault.clear", "'id':1"), "cleared", "0"); /* gone already */
    (void)world_refused(w, 404, 404001, "fault.clear", "'id':3");
    (void)world_refused(w, 400, 400004, "fault.clear", "'id':'x'");
}

static void a_thousand_faults_are_enough(void **state)
{
    struct world *w = *state;

    for (int n = 0; n < 1000; n++)
        (void)add(w, "'type':'lose','times':0");
    (void)world_refused(w, 403, 403004, "fault.add", "'type':'lose'");
    (void)world_ask(w, "fault.clear", "%s", "");
    (void)add(w, "'type':'lose'");
}

static void an_identity_named_by_its_id_must_exist(void **state)
{
    struct world *w = *state;

    (void)world_refused(w, 404, 404001, "fault.add", "'type':'lose','deviceId':'nobody'");
    (void)add(w, "'type':'lose','on':'nobody'"); /* may come */
    (void)world_refused(w, 400, 400004, "fault.add", "'type':'lose','moduleId':'m'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_fault_strikes_whom_it_names_and_nobody_else),
        WORLD_TEST(after_every_and_times_say_which),
        WORLD_TEST(the_same_seed_is_the_same_chance),
        WORLD_TEST(a_fault_sleeps_until_its_time_and_is_gone_after_it),
        WORLD_TEST(faults_are_listed_as_they_were_given_with_how_often_they_struck),
        WORLD_TEST(a_thousand_faults_are_enough),
        WORLD_TEST(an_identity_named_by_its_id_must_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
