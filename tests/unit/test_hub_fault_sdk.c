/* test_hub_fault_sdk.c - the fault messages of the SDKs, with the option and without (facts C-22). */
#include "fault_world.h"

#define SDK EVENTS "AzIoTHub_FaultOperationCloseReason=boom&AzIoTHub_FaultOperationType="

static void begin_sdk(struct world *w, struct conn *dev, bool is_unanswered)
{
    w->options.fault_messages = true;
    w->options.fault_message_unanswered = is_unanswered;
    world_restart(w);
    begin(w, dev);
}

static void without_the_option_a_fault_message_is_telemetry(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    assert_int_equal(world_publish(w, &dev, SDK "KillTcp", "x"), HUB_ACCEPT);
    assert_int_equal(world_count_events(w, "telemetry"), 1);
    assert_int_equal(world_count_events(w, "fault"), 0);
}

static void with_the_option_other_telemetry_is_telemetry(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin_sdk(w, &dev, false);
    assert_int_equal(world_publish(w, &dev, EVENTS "a=b", "x"), HUB_ACCEPT);
    assert_int_equal(world_publish(w, &dev, SDK "KillTime", "x"), HUB_ACCEPT);
    assert_int_equal(world_publish(w, &dev, EVENTS "a=b&&c=d", "x"), HUB_CLOSE); /* malformed, as ever */
}

static void a_kill_cuts_after_its_delay_and_every_connect_for_its_duration(void **state)
{
    static const struct {
        const char *name;
        bool is_mapped;
    } rows[] = {{"KillTcp", false},
                {"ShutDownMqtt", false},
                {"ShutDownAmqp", true},
                {"KillAmqpConnection", true},
                {"KillAmqpSession", true},
                {"KillAmqpCBSLinkReq", true},
                {"KillAmqpCBSLinkResp", true},
                {"KillAmqpD2CLink", true},
                {"KillAmqpC2DLink", true},
                {"KillAmqpTwinLinkReq", true},
                {"KillAmqpTwinLinkResp", true},
                {"KillAmqpMethodReqLink", true},
                {"KillAmqpMethodRespLink", true}};
    struct world *w = *state;
    struct conn dev;

    begin_sdk(w, &dev, false);
    for (size_t n = 0; n < COUNT(rows); n++) {
        int64_t began = w->now.mono_us;
        char topic[256];

        (void)snprintf(topic, sizeof topic,
                       SDK "%s&AzIoTHub_FaultOperationDelayInSecs=2&AzIoTHub_FaultOperationDurationInSecs=20",
                       rows[n].name);
        assert_int_equal(world_publish(w, &dev, topic, "x"), HUB_SWALLOW);
        assert_int_equal(world_count_events(w, "telemetry"), 0);
        assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
        assert_int_equal(world_tick(w), began + 2 * WORLD_SECOND);
        pass_us(w, 2 * WORLD_SECOND);
        (void)world_tick(w);
        assert_json(w, world_event(w, "fault"), "sdk", "true");
        assert_json(w, world_event(w, "fault"), "mapped", rows[n].is_mapped ? "true" : NULL);
        assert_string_equal(json_word(world_event(w, "disconnected"), "reason"), "fault");
        assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CUT);
        pass_us(w, 20 * WORLD_SECOND - 1);
        assert_int_equal(world_login(w, &dev, "dev1", NULL), HUB_CUT);
        pass_us(w, 1);
        world_connect(w, &dev, "dev1");
        (void)world_tick(w);
        faults_left(w, 0);
    }
}

static void a_kill_without_delay_cuts_at_once_acknowledged_or_not(void **state)
{
    (void)state;
    for (int is_unanswered = 0; is_unanswered < 2; is_unanswered++) {
        struct world other;
        struct conn dev;

        world_init(&other);
        begin_sdk(&other, &dev, is_unanswered);
        assert_int_equal(world_publish(&other, &dev, SDK "KillTcp", "x"), is_unanswered ? HUB_CLOSE : HUB_SWALLOW);
        assert_int_equal(world_count(&other, OUT_CLOSE), 1);
        world_connect(&other, &dev, "dev1"); /* no duration: at once again */
        world_done(&other);
    }
}

static void what_is_invoked_lasts_for_its_duration_and_cuts_nobody(void **state)
{
    struct world *w = *state;
    struct conn dev, again;

    begin_sdk(w, &dev, false);
    assert_int_equal(world_publish(w, &dev, SDK "InvokeThrottling&AzIoTHub_FaultOperationDurationInSecs=5", "x"),
                     HUB_SWALLOW);
    world_report(w, &dev, "{'a':1}", 429);
    get(w, &dev);
    (void)assert_sent(w, "dev1", RES "429/?$rid=g");
    assert_json(w, world_event(w, "fault"), "sdk", "true");
    pass_us(w, 5 * WORLD_SECOND);
    world_report(w, &dev, "{'a':1}", 204);
    assert_int_equal(world_publish(w, &dev, SDK "InvokeAuthError&AzIoTHub_FaultOperationDurationInSecs=5", "x"),
                     HUB_SWALLOW);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    assert_int_equal(world_login(w, &again, "dev1", NULL), HUB_CLOSE);
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    pass_us(w, 5 * WORLD_SECOND);
    assert_int_equal(world_publish(w, &dev, SDK "InvokeMaxMessageQuota&AzIoTHub_FaultOperationDurationInSecs=5", "x"),
                     HUB_SWALLOW);
    assert_int_equal(world_publish(w, &dev, EVENTS, "x"), HUB_CLOSE);
    world_twin_client(w, &dev, "dev1");
    pass_us(w, 5 * WORLD_SECOND);
    assert_int_equal(world_publish(w, &dev, EVENTS, "x"), HUB_ACCEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(without_the_option_a_fault_message_is_telemetry),
        WORLD_TEST(with_the_option_other_telemetry_is_telemetry),
        WORLD_TEST(a_kill_cuts_after_its_delay_and_every_connect_for_its_duration),
        WORLD_TEST(a_kill_without_delay_cuts_at_once_acknowledged_or_not),
        WORLD_TEST(what_is_invoked_lasts_for_its_duration_and_cuts_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
