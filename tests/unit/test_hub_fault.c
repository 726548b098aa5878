/* test_hub_fault.c - what each fault does to what a device and a service see, and what the event stream tells of it. */
#include <stdio.h>

#include "hub_world.h"

#define RES     "$iothub/twin/res/"
#define DESIRED "$iothub/twin/PATCH/properties/desired/?$version="
#define GET     "$iothub/twin/GET/?$rid=g"
#define PATCH   "$iothub/twin/PATCH/properties/reported/?$rid=p"
#define EVENTS  "devices/dev1/messages/events/"
#define MS      INT64_C(1000)

/* dev1, connected and subscribed. */
static void begin(struct world *w, struct conn *dev)
{
    world_create(w, "dev1");
    world_twin_client(w, dev, "dev1");
}

static int64_t add(struct world *w, const char *members)
{
    return json_number(world_ask(w, "fault.add", "%s", members), "id");
}

static void pass_us(struct world *w, int64_t us)
{
    w->now.us += us;
    w->now.mono_us += us;
}

static const char *injected(struct world *w, const char *operation)
{
    cJSON *event = world_event(w, "fault");

    assert_string_equal(json_word(event, "phase"), "injected");
    assert_string_equal(json_word(event, "operation"), operation);
    return json_word(event, "type");
}

static void faults_left(struct world *w, size_t n)
{
    assert_int_equal(cJSON_GetArraySize(json_get(world_ask(w, "fault.list", "%s", ""), "items")), n);
}

static void get(struct world *w, struct conn *dev)
{
    assert_int_equal(world_publish(w, dev, GET, ""), HUB_SWALLOW);
}

static void patch(struct world *w, struct conn *dev, const char *body)
{
    assert_int_equal(world_publish(w, dev, PATCH, body), HUB_SWALLOW);
}

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

/* --- who is who ------------------------------------------------------------------------------------------------------------ */

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

/* --- time -------------------------------------------------------------------------------------------------------------------- */

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

/* --- fault messages of the SDKs (facts C-22) --------------------------------------------------------------------------------- */

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
        WORLD_TEST(a_connection_is_cut_on_any_operation_which_is_not_carried_out),
        WORLD_TEST(by_itself_it_strikes_now_or_at_its_time_whoever_is_there),
        WORLD_TEST(a_connect_is_refused_for_each_reason_or_cut_without_an_answer),
        WORLD_TEST(a_clock_that_is_wrong_judges_tokens_when_they_come_and_until_they_end),
        WORLD_TEST(a_fault_strikes_whom_it_names_and_nobody_else),
        WORLD_TEST(after_every_and_times_say_which),
        WORLD_TEST(the_same_seed_is_the_same_chance),
        WORLD_TEST(a_fault_sleeps_until_its_time_and_is_gone_after_it),
        WORLD_TEST(faults_are_listed_as_they_were_given_with_how_often_they_struck),
        WORLD_TEST(a_thousand_faults_are_enough),
        WORLD_TEST(an_identity_named_by_its_id_must_exist),
        WORLD_TEST(advancing_the_clock_ends_tokens_at_once_and_moves_no_fault),
        WORLD_TEST(a_frozen_clock_ends_nothing_and_goes_on_from_where_it_stood),
        WORLD_TEST(without_the_option_a_fault_message_is_telemetry),
        WORLD_TEST(with_the_option_other_telemetry_is_telemetry),
        WORLD_TEST(a_kill_cuts_after_its_delay_and_every_connect_for_its_duration),
        WORLD_TEST(a_kill_without_delay_cuts_at_once_acknowledged_or_not),
        WORLD_TEST(what_is_invoked_lasts_for_its_duration_and_cuts_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
