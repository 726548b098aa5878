/* test_hub_message.c - messages on their way to a device: who hears them, when, in which order, and what completes them. */
#include <stdio.h>

#include "hub_world.h"

#define BOUND "devices/dev1/messages/devicebound/#"
#define TO    "devices/dev1/messages/devicebound/%24.to=%2Fdevices%2Fdev1%2Fmessages%2FdeviceBound"

static const struct login through_the_gateway = {.has_gateway = true};
static const struct login clean_through_the_gateway = {.has_gateway = true, .is_clean = true};

static void come(struct world *w, struct conn *c, const char *id, const struct login *login)
{
    assert_int_equal(world_login(w, c, id, login), HUB_ACCEPT);
}

/* dev1 at the gateway, listening at QoS 1. */
static void begin(struct world *w, struct conn *dev)
{
    world_create(w, "dev1");
    come(w, dev, "dev1", &through_the_gateway);
    assert_int_equal(world_subscribe(w, dev, BOUND, 1), HUB_ACCEPT);
}

static uint64_t send_to(struct world *w, const char *id, const char *members)
{
    char ids[512];

    (void)snprintf(ids, sizeof ids, "%s", world_ids(w, id));
    return (uint64_t)json_number(world_ask(w, "message.send", "%s,%s", ids, members), "sequenceNumber");
}

static uint64_t send(struct world *w, const char *body)
{
    char members[64];

    (void)snprintf(members, sizeof members, "'body':'%s'", body);
    return send_to(w, "dev1", members);
}

/* The bodies that left for devices in the last turn, one after another: "a b c"; '*' behind one with the DUP flag. */
static const char *heard(const struct world *w)
{
    static char text[1024];
    size_t len = 0;

    text[0] = '\0';
    for (size_t n = 0; n < w->out.len; n++) {
        const struct out *o = &w->out.at[n];

        if (o->kind == OUT_PUBLISH && !str_starts(str_from(o->to), STR("service//")))
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.8s%s", len ? " " : "", o->body,
                                    o->is_dup ? "*" : "");
    }
    return text;
}

static int64_t waiting(struct world *w, const char *id)
{
    return json_number(world_twin(w, id), "cloudToDeviceMessageCount");
}

/* facts M-21 */
static void a_message_to_who_listens_leaves_at_once_and_waits_for_its_puback(void **state)
{
    struct world *w = *state;
    struct conn dev;
    const struct out *o;
    uint64_t number;
    cJSON *event;

    begin(w, &dev);
    number = send(w, "hi");
    assert_string_equal(assert_sent(w, "dev1", TO), "hi");
    o = world_out(w, OUT_PUBLISH, 0);
    assert_int_equal(o->tag, number);
    assert_int_equal(o->qos, 1);
    assert_int_equal(o->conn, dev.no);
    assert_false(o->is_dup);
    event = world_event(w, "message-queued");
    assert_json(w, event, "sequenceNumber", "1");
    assert_json(w, event, "system", "{'to':'/devices/dev1/messages/deviceBound'}");
    assert_json(w, event, "bodyBase64", "'aGk='");
    assert_int_equal(world_count(w, OUT_MESSAGE_GONE), 0);
    assert_int_equal(waiting(w, "dev1"), 1);
    world_puback(w, &dev, number);
    assert_int_equal(world_out(w, OUT_MESSAGE_GONE, 0)->tag, number);
    assert_json(w, world_event(w, "message-settled"), "result", "'completed'");
    assert_int_equal(waiting(w, "dev1"), 0);
}

static void a_module_hears_its_own_and_a_narrow_or_a_wide_filter_will_do(void **state)
{
    static const char *const filters[] = {"devices/dev1/modules/m/messages/devicebound/#", "devices/dev1/modules/m/#"};
    struct world *w = *state;
    struct conn dev, mod;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    come(w, &dev, "dev1", &through_the_gateway);
    assert_int_equal(world_subscribe(w, &dev, BOUND, 1), HUB_ACCEPT);
    for (size_t n = 0; n < COUNT(filters); n++) {
        uint64_t number;

        come(w, &mod, "dev1/m", &clean_through_the_gateway);
        assert_int_equal(world_subscribe(w, &mod, filters[n], 1), HUB_ACCEPT);
        number = send_to(w, "dev1/m", "'body':'x'");
        assert_string_equal(assert_sent(w, "dev1/m",
                                        "devices/dev1/modules/m/messages/devicebound/"
                                        "%24.to=%2Fdevices%2Fdev1%2Fmodules%2Fm%2Fmessages%2FdeviceBound"),
                            "x");
        world_puback(w, &mod, number);
    }
    assert_int_equal(waiting(w, "dev1/m"), 0);
}

/* facts M-10, M-11 */
static void a_kept_session_hears_at_once_a_clean_one_when_it_has_subscribed(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    world_end(w, &dev, ENDED_CLIENT);
    (void)send(w, "a");
    (void)send(w, "b");
    assert_nothing_sent(w);
    come(w, &dev, "dev1", &through_the_gateway);
    assert_string_equal(heard(w), "a b");
    world_end(w, &dev, ENDED_CLIENT);
    come(w, &dev, "dev1", &clean_through_the_gateway);
    assert_nothing_sent(w);
    assert_int_equal(world_subscribe(w, &dev, BOUND, 1), HUB_ACCEPT);
    assert_string_equal(heard(w), "a b"); /* the queue is the hub's, not the session's */
    assert_int_equal(waiting(w, "dev1"), 2);
}

static void what_came_before_the_first_subscription_is_delivered_with_it(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    (void)send(w, "a");
    come(w, &dev, "dev1", &through_the_gateway);
    assert_nothing_sent(w);
    (void)send(w, "b");
    assert_nothing_sent(w);
    assert_int_equal(world_subscribe(w, &dev, BOUND, 1), HUB_ACCEPT);
    assert_string_equal(heard(w), "a b");
}

/* facts M-21: never lost, never completed early, always in order */
static void what_was_not_acknowledged_comes_again_in_order_however_the_connection_ended(void **state)
{
    struct world *w = *state;
    struct conn dev, next;
    uint64_t a, b, c;

    begin(w, &dev);
    a = send(w, "a");
    b = send(w, "b");
    c = send(w, "c");
    world_puback(w, &dev, b);
    assert_int_equal(waiting(w, "dev1"), 2);
    come(w, &next, "dev1", &through_the_gateway); /* a takeover */
    assert_string_equal(heard(w), "a* c*");
    world_puback(w, &dev, a); /* the older connection says so too late */
    assert_int_equal(world_count_events(w, "message-settled"), 0);
    world_end(w, &dev, ENDED_CLIENT);
    assert_int_equal(waiting(w, "dev1"), 2);
    world_puback(w, &next, a);
    assert_int_equal(world_count_events(w, "message-settled"), 1);
    world_end(w, &next, ENDED_ERROR); /* it is lost */
    come(w, &next, "dev1", &through_the_gateway);
    assert_string_equal(heard(w), "c"); /* that it was sent before is remembered as long as the identity is in memory */
    world_restart(w);
    come(w, &next, "dev1", &through_the_gateway);
    assert_string_equal(heard(w), "c");
    world_puback(w, &next, c);
    assert_int_equal(waiting(w, "dev1"), 0);
}

static void the_dup_flag_can_be_left_out(void **state)
{
    struct world *w = *state;
    struct conn dev;

    w->options.message_without_dup = true;
    world_restart(w);
    begin(w, &dev);
    (void)send(w, "a");
    come(w, &dev, "dev1", &through_the_gateway);
    assert_string_equal(heard(w), "a");
}

static void a_puback_that_nobody_waits_for_completes_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev, other;
    uint64_t number;

    begin(w, &dev);
    world_create(w, "dev2");
    come(w, &other, "dev2", &through_the_gateway);
    number = send(w, "a");
    world_puback(w, &other, number); /* somebody else's */
    world_puback(w, &dev, number + 1);
    world_puback(w, &dev, 0);
    assert_int_equal(waiting(w, "dev1"), 1);
    world_puback(w, &dev, number);
    world_puback(w, &dev, number); /* twice */
    assert_int_equal(world_count_events(w, "message-settled"), 0);
    world_end(w, &dev, ENDED_CLIENT);
    number = send(w, "b");
    world_puback(w, &dev, number); /* it never left */
    assert_int_equal(waiting(w, "dev1"), 1);
}

/* facts M-43 */
static void at_most_sixteen_are_on_their_way(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t first = 0;

    begin(w, &dev);
    world_end(w, &dev, ENDED_CLIENT);
    for (int n = 0; n < 20; n++) {
        uint64_t number = send(w, "x");

        first = first ? first : number;
    }
    come(w, &dev, "dev1", &through_the_gateway);
    assert_int_equal(world_count(w, OUT_PUBLISH), 16);
    for (int n = 0; n < 4; n++) {
        world_puback(w, &dev, first + (uint64_t)n);
        assert_int_equal(world_count(w, OUT_PUBLISH), 1);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->tag, first + 16 + (uint64_t)n);
    }
    world_puback(w, &dev, first + 10); /* in any order */
    assert_nothing_sent(w);
    assert_int_equal(waiting(w, "dev1"), 15);
}

static void at_most_256_KB_are_on_their_way(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char members[30000];
    uint64_t first = 0;

    begin(w, &dev);
    world_end(w, &dev, ENDED_CLIENT);
    memset(members, 'x', sizeof members);
    memcpy(members, "'body':'", 8);
    members[sizeof members - 2] = '\'';
    members[sizeof members - 1] = '\0';
    for (int n = 0; n < 12; n++) { /* 29,990 bytes each */
        uint64_t number = send_to(w, "dev1", members);

        first = first ? first : number;
    }
    come(w, &dev, "dev1", &through_the_gateway);
    assert_int_equal(world_count(w, OUT_PUBLISH), 8);
    world_puback(w, &dev, first);
    assert_int_equal(world_count(w, OUT_PUBLISH), 1);
}

static void without_somebody_who_tells_of_pubacks_handing_over_completes(void **state)
{
    static const struct {
        bool has_gateway;
        int qos;
    } rows[] = {{false, 1}, {false, 0}, {true, 0}};
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct login login = {.has_gateway = rows[n].has_gateway, .is_clean = true};

        come(w, &dev, "dev1", &login);
        assert_int_equal(world_subscribe(w, &dev, BOUND, rows[n].qos), HUB_ACCEPT);
        (void)send(w, "a");
        assert_string_equal(assert_sent(w, "dev1", TO), "a");
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->tag, 0);
        assert_int_equal(world_out(w, OUT_PUBLISH, 0)->qos, rows[n].qos);
        assert_json(w, world_event(w, "message-settled"), "result", "'completed'");
        assert_int_equal(waiting(w, "dev1"), 0);
        world_end(w, &dev, ENDED_CLIENT);
    }
}

static void who_unsubscribes_hears_no_more_and_loses_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t a;

    begin(w, &dev);
    a = send(w, "a");
    assert_int_equal(world_unsubscribe(w, &dev, BOUND), HUB_ACCEPT);
    (void)send(w, "b");
    assert_nothing_sent(w);
    world_puback(w, &dev, a); /* what was on its way still is */
    assert_nothing_sent(w);
    assert_int_equal(waiting(w, "dev1"), 1);
    assert_int_equal(world_subscribe(w, &dev, BOUND, 1), HUB_ACCEPT);
    assert_string_equal(heard(w), "b");
}

static void a_turn_that_cannot_be_stored_delivers_and_completes_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev;
    struct request r = {.kind = REQUEST_PUBACK, .conn = &dev};

    begin(w, &dev);
    r.tag = send(w, "a");
    world_begin(w);
    assert_int_equal(world_decide(w, &r), HUB_SWALLOW);
    world_fail(w);
    assert_int_equal(waiting(w, "dev1"), 1);
    come(w, &dev, "dev1", &through_the_gateway);
    assert_string_equal(heard(w), "a");
}

/* facts M-46 */
static void a_modules_input_hears_at_once_or_never(void **state)
{
    struct world *w = *state;
    struct conn mod;
    char ids[256];

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    (void)snprintf(ids, sizeof ids, "%s", world_ids(w, "dev1/m"));
    (void)world_refused(w, 404, 404103, "message.send", "%s,'inputName':'in','body':'x'", ids);
    come(w, &mod, "dev1/m", &through_the_gateway);
    (void)world_refused(w, 404, 404103, "message.send", "%s,'inputName':'in','body':'x'", ids);
    assert_int_equal(world_subscribe(w, &mod, "devices/dev1/modules/m/inputs/#", 1), HUB_ACCEPT);
    world_pass(w, 90);
    (void)world_ask(w, "message.send", "%s,'inputName':'in','body':'x'", ids);
    assert_string_equal(assert_sent(w, "dev1/m",
                                    "devices/dev1/modules/m/inputs/in/%24.cdid=dev1&%24.to="
                                    "%2Fdevices%2Fdev1%2Fmodules%2Fm%2Fmessages%2FdeviceBound"),
                        "x");
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->tag, 0);
    assert_int_equal(waiting(w, "dev1/m"), 0);
    assert_json(w, world_twin(w, "dev1/m"), "lastActivityTime", "'2030-01-01T00:01:30Z'"); /* facts M-49 */
    (void)world_refused(w, 400, 400004, "message.send", "%s,'inputName':'a/b'", ids);
    (void)world_refused(w, 400, 400004, "message.send", "%s,'inputName':'#'", ids);
    (void)world_refused(w, 400, 400004, "message.send", "'deviceId':'dev1','inputName':'in'");
}

static void faults_lose_delay_and_repeat_messages(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    (void)world_ask(w, "fault.add", "'type':'lose','operation':'message','on':'*','times':1");
    (void)send(w, "a");
    assert_string_equal(heard(w), "");
    (void)send(w, "b");
    assert_string_equal(heard(w), "b");
    come(w, &dev, "dev1", &through_the_gateway); /* lost on the way is not lost in the hub */
    assert_string_equal(heard(w), "a* b*");
    (void)world_ask(w, "fault.add", "'type':'duplicate','operation':'message','on':'*','times':1");
    (void)send(w, "c");
    assert_string_equal(heard(w), "c c");
    (void)world_ask(w, "fault.add", "'type':'delay','operation':'message','delay':'2s','on':'*','times':1");
    (void)send(w, "d");
    assert_string_equal(heard(w), "");
    world_pass(w, 2);
    (void)world_tick(w);
    assert_string_equal(heard(w), "d");
    assert_int_equal(waiting(w, "dev1"), 4);
}

static void whose_name_no_topic_may_hold_is_sent_nothing_and_loses_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "a+b");
    come(w, &dev, "a+b", &through_the_gateway);
    assert_int_equal(world_subscribe(w, &dev, "devices/+/messages/devicebound/#", 1), HUB_ACCEPT);
    (void)send_to(w, "a+b", "'body':'x'");
    assert_nothing_sent(w);
    assert_int_equal(waiting(w, "a+b"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_message_to_who_listens_leaves_at_once_and_waits_for_its_puback),
        WORLD_TEST(a_module_hears_its_own_and_a_narrow_or_a_wide_filter_will_do),
        WORLD_TEST(a_kept_session_hears_at_once_a_clean_one_when_it_has_subscribed),
        WORLD_TEST(what_came_before_the_first_subscription_is_delivered_with_it),
        WORLD_TEST(what_was_not_acknowledged_comes_again_in_order_however_the_connection_ended),
        WORLD_TEST(the_dup_flag_can_be_left_out),
        WORLD_TEST(a_puback_that_nobody_waits_for_completes_nothing),
        WORLD_TEST(at_most_sixteen_are_on_their_way),
        WORLD_TEST(at_most_256_KB_are_on_their_way),
        WORLD_TEST(without_somebody_who_tells_of_pubacks_handing_over_completes),
        WORLD_TEST(who_unsubscribes_hears_no_more_and_loses_nothing),
        WORLD_TEST(a_turn_that_cannot_be_stored_delivers_and_completes_nothing),
        WORLD_TEST(a_modules_input_hears_at_once_or_never),
        WORLD_TEST(faults_lose_delay_and_repeat_messages),
        WORLD_TEST(whose_name_no_topic_may_hold_is_sent_nothing_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
