/* test_hub_method.c - direct methods: what a service asks, what a device hears, and how each call ends. */
#include <stdio.h>
#include <stdlib.h>

#include "hub_world.h"

#define METHODS "$iothub/methods/POST/#"
#define POST    "$iothub/methods/POST/"
#define ANSWER  "$iothub/methods/res/"
#define MAX     (128u * 1024)

/* dev1, connected and listening for methods. */
static void begin(struct world *w, struct conn *dev)
{
    world_create(w, "dev1");
    world_connect(w, dev, "dev1");
    assert_int_equal(world_subscribe(w, dev, METHODS, 0), HUB_ACCEPT);
}

/* Ask as the owner. returns whether the answer comes later; *ticket: what it will carry. */
static bool ask(struct world *w, const char *members, uint64_t ticket)
{
    char text[2048];
    struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner, .ticket = ticket};

    (void)snprintf(text, sizeof text, "{'command':'method.invoke','correlationData':'c-%d',%s}", (int)ticket, members);
    r.command = world_json(w, text);
    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
    return r.is_later;
}

/* A command whose own answer is no matter. */
static void command(struct world *w, const char *text)
{
    struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner, .command = world_json(w, text)};

    assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
}

/* The answer to that call that the last turn gave; NULL: none. */
static cJSON *answer_of(struct world *w, uint64_t ticket)
{
    const struct out *found = NULL;
    cJSON *response;
    char correlation[24];

    for (size_t n = 0; n < w->out.len; n++)
        if (w->out.at[n].kind == OUT_PUBLISH && w->out.at[n].ticket == ticket) {
            assert_null(found);
            found = &w->out.at[n];
        }
    if (!found)
        return NULL;
    assert_string_equal(found->to, w->owner.id);
    assert_int_equal(found->conn, w->owner.no);
    assert_true(found->is_answer);
    response = world_read(w, found->body);
    (void)snprintf(correlation, sizeof correlation, "c-%d", (int)ticket);
    assert_string_equal(json_word(response, "command"), "method.invoke");
    assert_string_equal(json_word(response, "correlationData"), correlation);
    return response;
}

static void assert_answered(struct world *w, uint64_t ticket, int status, const char *payload)
{
    cJSON *response = answer_of(w, ticket);

    assert_non_null(response);
    assert_int_equal(json_number(response, "status"), 200);
    assert_int_equal(json_number(response, "body.status"), status);
    assert_json(w, response, "body.payload", payload);
}

static void assert_failed(struct world *w, uint64_t ticket, int status, int code)
{
    cJSON *response = answer_of(w, ticket);

    assert_non_null(response);
    assert_int_equal(json_number(response, "status"), status);
    assert_int_equal(json_number(response, "body.errorCode"), code);
    assert_int_equal(json_number(world_event(w, "method-answer"), "errorCode"), code);
}

static enum hub_answer reply(struct world *w, struct conn *dev, const char *topic, const char *body)
{
    char full[128];

    (void)snprintf(full, sizeof full, ANSWER "%s", topic);
    return world_publish(w, dev, full, body);
}

/* --- calls and answers ------------------------------------------------------------------------------------------ */

static void a_call_reaches_the_device_and_its_answer_the_service(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    begin(w, &dev);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'reboot','payload':{'in':5}", 7));
    assert_string_equal(assert_sent(w, "dev1", POST "reboot/?$rid=1"), "{\"in\":5}"); /* facts M-23 */
    assert_null(answer_of(w, 7));
    event = world_event(w, "method");
    assert_json(w, event, "payload", "{'in':5}");
    assert_string_equal(json_word(event, "rid"), "1");
    assert_string_equal(json_word(event, "name"), "reboot");
    assert_string_equal(json_word(event, "cause"), "c-7");
    assert_true(cJSON_IsTrue(json_get(event, "delivered")));
    assert_int_equal(json_number(event, "conn"), dev.no);
    assert_int_equal(reply(w, &dev, "200/?$rid=1", "{\"ok\":1.50}"), HUB_SWALLOW);
    assert_nothing_sent(w);
    assert_answered(w, 7, 200, "{'ok':1.50}");
    event = world_event(w, "method-answer");
    assert_json(w, event, "payload", "{'ok':1.50}");
    assert_int_equal(json_number(event, "status"), 200);
    assert_string_equal(json_word(event, "name"), "reboot");
    assert_string_equal(json_word(event, "rid"), "1");
    assert_null(json_get(event, "cause")); /* the device did that */
}

static void a_module_is_called_as_itself_and_its_device_hears_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev, mod;

    begin(w, &dev);
    world_create(w, "dev1/m");
    world_connect(w, &mod, "dev1/m");
    assert_int_equal(world_subscribe(w, &mod, METHODS, 1), HUB_ACCEPT);
    assert_true(ask(w, "'deviceId':'dev1','moduleId':'m','methodName':'ping'", 1));
    assert_string_equal(assert_sent(w, "dev1/m", POST "ping/?$rid=1"), "");
    assert_int_equal(world_out(w, OUT_PUBLISH, 0)->qos, 0);           /* whatever was granted */
    assert_int_equal(reply(w, &dev, "200/?$rid=1", ""), HUB_SWALLOW); /* somebody else's */
    assert_null(answer_of(w, 1));
    (void)reply(w, &mod, "200/?$rid=1", "");
    assert_answered(w, 1, 200, "null");
}

static void any_status_of_the_device_is_a_success_for_the_service(void **state)
{
    static const char *const statuses[] = {"404", "500", "0", "-1", "2147483647", "-2147483648"}; /* facts M-24, C-12 */
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(statuses); n++) {
        char topic[64];

        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n + 1));
        (void)snprintf(topic, sizeof topic, "%s/?$rid=%x", statuses[n], (unsigned)n + 1);
        assert_int_equal(reply(w, &dev, topic, "null"), HUB_SWALLOW);
        assert_answered(w, n + 1, (int)strtol(statuses[n], NULL, 10), "null");
    }
}

static void any_json_survives_as_a_payload_and_none_is_an_empty_body(void **state)
{
    static const struct {
        const char *given, *heard;
    } rows[] = {{"", ""},
                {",'payload':null", ""},
                {",'payload':0", "0"},
                {",'payload':'x'", "\"x\""},
                {",'payload':''", "\"\""},
                {",'payload':false", "false"},
                {",'payload':[1,2.50,{}]", "[1,2.50,{}]"},
                {",'payload':{}", "{}"}}; /* facts R-13 */
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(rows); n++) {
        char members[128], topic[64];

        (void)snprintf(members, sizeof members, "'deviceId':'dev1','methodName':'m'%s", rows[n].given);
        assert_true(ask(w, members, n + 1));
        (void)snprintf(topic, sizeof topic, POST "m/?$rid=%x", (unsigned)n + 1);
        assert_string_equal(assert_sent(w, "dev1", topic), rows[n].heard);
        if (rows[n].heard[0])
            assert_json(w, world_event(w, "method"), "payload", rows[n].heard);
        else
            assert_null(json_get(world_event(w, "method"), "payload"));
        (void)snprintf(topic, sizeof topic, "200/?$rid=%x", (unsigned)n + 1);
        (void)reply(w, &dev, topic, rows[n].heard);
        assert_answered(w, n + 1, 200, rows[n].heard[0] ? rows[n].heard : "null");
    }
}

static void request_ids_are_hexadecimal_numbers_that_rise_and_their_letter_case_does_not_matter(void **state)
{
    struct world *w = *state;
    struct conn dev;
    char topic[64];

    begin(w, &dev);
    for (unsigned n = 1; n <= 17; n++) {
        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n));
        (void)snprintf(topic, sizeof topic, POST "m/?$rid=%x", n);
        (void)assert_sent(w, "dev1", topic);
    }
    (void)reply(w, &dev, "200/?$rid=B", "1");
    assert_answered(w, 11, 200, "1");
    (void)reply(w, &dev, "200/?$rid=11", "2"); /* hexadecimal, not eleven */
    assert_answered(w, 17, 200, "2");
}

static void calls_run_side_by_side_and_are_answered_in_any_order(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (unsigned n = 1; n <= 3; n++)
        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n));
    (void)reply(w, &dev, "203/?$rid=3", "");
    assert_answered(w, 3, 203, "null");
    (void)reply(w, &dev, "201/?$rid=1", "");
    assert_answered(w, 1, 201, "null");
    (void)reply(w, &dev, "202/?$rid=2", "");
    assert_answered(w, 2, 202, "null");
}

static void the_first_answer_counts_and_what_nobody_waits_for_is_told_and_dropped(void **state)
{
    static const char *const topics[] = {"200/?$rid=1", "200/?$rid=2", "200/?$rid=ffffffffffffffffffff", "7/?$rid=%24"};
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    (void)reply(w, &dev, "200/?$rid=1", "1");
    assert_answered(w, 1, 200, "1");
    for (size_t n = 0; n < COUNT(topics); n++) { /* facts M-36 */
        assert_int_equal(reply(w, &dev, topics[n], "not JSON"), HUB_SWALLOW);
        assert_int_equal(world_count(w, OUT_PUBLISH), 0);
        assert_true(cJSON_IsFalse(json_get(world_event(w, "method-answer"), "waited")));
    }
}

static void an_answer_that_is_no_json_is_502_for_the_service(void **state)
{
    static const char *const bodies[] = {"ok", "{", "{} {}", "01", "\xff", " "}; /* facts M-37 */
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(bodies); n++) {
        char topic[64];

        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n + 1));
        (void)snprintf(topic, sizeof topic, "200/?$rid=%x", (unsigned)n + 1);
        assert_int_equal(reply(w, &dev, topic, bodies[n]), HUB_SWALLOW);
        assert_failed(w, n + 1, 502, 502000);
    }
}

static void trailing_nuls_of_an_answer_are_cut(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    (void)world_publish_bytes(w, &dev, STR(ANSWER "200/?$rid=1"), STR("{}\0\0"));
    assert_answered(w, 1, 200, "{}"); /* facts C-05 */
}

static void a_malformed_answer_closes_the_connection(void **state)
{
    static const char *const topics[] = {"x/?$rid=1", "200/", "200", "200/?$rid=", "200/?rid=1"};
    struct world *w = *state;

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(topics); n++) {
        struct conn dev;

        world_connect(w, &dev, "dev1");
        assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT);
        assert_int_equal(reply(w, &dev, topics[n], ""), HUB_CLOSE);
        (void)world_event(w, "violation");
        world_end(w, &dev, ENDED_ERROR);
    }
}

/* --- what is refused --------------------------------------------------------------------------------------------- */

static void names_that_no_method_may_have_are_refused(void **state)
{
    static const char *const bad[] = {"",  " ",  "a b", "a/b", "a$",      "(",       ")",   "<", ">",
                                      "@", ",",  ";",   ":",   "[",       "]",       "?",   "=", "{",
                                      "}", "a+", "#",   "\\t", "\\u00e9", "\\u007f", "\\\\"};
    struct world *w = *state;
    struct conn dev;
    char long_name[1026];

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(bad); n++) /* facts M-38 */
        (void)world_refused(w, 400, 400004, "method.invoke", "'deviceId':'dev1','methodName':'%s'", bad[n]);
    (void)world_refused(w, 400, 400004, "method.invoke", "'deviceId':'dev1'");
    (void)world_refused(w, 400, 400004, "method.invoke", "'deviceId':'dev1','methodName':7");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    (void)world_refused(w, 400, 400004, "method.invoke", "'deviceId':'dev1','methodName':'%s'", long_name);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'get-Max_Min.~!%&*`|^'", 1));
    (void)assert_sent(w, "dev1", POST "get-Max_Min.~!%&*`|^/?$rid=1");
}

static void time_outs_have_bounds(void **state)
{
    static const char *const bad[] = {
        "'responseTimeoutInSeconds':4",   "'responseTimeoutInSeconds':301", "'responseTimeoutInSeconds':0",
        "'responseTimeoutInSeconds':5.5", "'responseTimeoutInSeconds':'9'", "'responseTimeoutInSeconds':null",
        "'connectTimeoutInSeconds':-1",   "'connectTimeoutInSeconds':301"}; /* facts L-06, L-17 */
    static const char *const good[] = {"'responseTimeoutInSeconds':5", "'responseTimeoutInSeconds':300",
                                       "'connectTimeoutInSeconds':0", "'connectTimeoutInSeconds':300"};
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(bad); n++)
        (void)world_refused(w, 400, 400004, "method.invoke", "'deviceId':'dev1','methodName':'m',%s", bad[n]);
    for (size_t n = 0; n < COUNT(good); n++) {
        char members[128];

        (void)snprintf(members, sizeof members, "'deviceId':'dev1','methodName':'m',%s", good[n]);
        assert_true(ask(w, members, n + 1));
    }
}

static void whoever_does_not_exist_cannot_be_called(void **state)
{
    struct world *w = *state;

    world_create(w, "dev1");
    (void)world_refused(w, 404, 404001, "method.invoke", "'deviceId':'nobody','methodName':'m'");
    (void)world_refused(w, 404, 404010, "method.invoke", "'deviceId':'dev1','moduleId':'x','methodName':'m'");
    (void)world_refused(w, 404, 404001, "method.invoke",
                        "'deviceId':'nobody','methodName':'m','connectTimeoutInSeconds':10");
}

static void a_policy_needs_service_connect(void **state)
{
    struct world *w = *state;
    struct conn reader;

    world_create(w, "dev1");
    world_service(w, &reader, "registryReadWrite");
    assert_int_equal(
        json_number(world_ask_as(w, &reader, "method.invoke", "'deviceId':'dev1','methodName':'m'"), "status"), 401);
}

/* A JSON text of so many bytes. */
static char *text_of(size_t bytes)
{
    char *text = calloc(1, bytes + 1);

    assert_non_null(text);
    memset(text, 'x', bytes);
    text[0] = text[bytes - 1] = '"';
    return text;
}

static void payloads_hold_128_kb_each_way(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (unsigned n = 0; n < 2; n++) { /* facts L-04 */
        char *text = text_of(MAX + n);
        cJSON *command = world_json(w, "{'command':'method.invoke','correlationData':'c-1','deviceId':'dev1',"
                                       "'methodName':'m'}");
        struct request r = {.kind = REQUEST_COMMAND, .conn = &w->owner, .ticket = 1, .command = command};

        assert_int_equal(json_set(command, "payload", world_read(w, "1")), RC_OK);
        cJSON_DetachItemViaPointer(command, json_get(command, "payload"));
        cJSON_AddItemReferenceToObject(command, "payload", world_read(w, text));
        assert_int_equal(world_turn(w, &r), HUB_SWALLOW);
        assert_int_equal(r.is_later, n == 0);
        if (n) {
            assert_int_equal(json_number(answer_of(w, 1), "body.errorCode"), 413001);
            assert_int_equal(json_number(answer_of(w, 1), "status"), 413);
        } else {
            assert_int_equal(strlen(assert_sent(w, "dev1", POST "m/?$rid=1")), MAX);
            (void)reply(w, &dev, "200/?$rid=1", text);
            assert_int_equal(json_number(answer_of(w, 1), "status"), 200);
        }
        free(text);
    }
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 2));
    {
        char *text = text_of(MAX + 1);

        assert_int_equal(reply(w, &dev, "200/?$rid=2", text), HUB_SWALLOW);
        assert_failed(w, 2, 413, 413001);
        free(text);
    }
}

static void so_many_calls_are_under_way_at_most(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (unsigned n = 1; n <= 1000; n++)
        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n));
    world_forget(w);
    (void)world_refused(w, 429, 429001, "method.invoke", "'deviceId':'dev1','methodName':'m'");
    (void)reply(w, &dev, "200/?$rid=1", "");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1001));
}

/* --- who is away -------------------------------------------------------------------------------------------------- */

static void who_is_away_or_does_not_listen_is_404103_at_once(void **state)
{
    struct world *w = *state;
    struct conn dev;
    cJSON *event;

    world_create(w, "dev1");
    for (int turn = 0; turn < 3; turn++) { /* facts M-25: away, there without a subscription, unsubscribed again */
        if (turn == 1)
            world_connect(w, &dev, "dev1");
        if (turn == 2) {
            assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT);
            assert_int_equal(world_unsubscribe(w, &dev, METHODS), HUB_ACCEPT);
        }
        assert_false(ask(w, "'deviceId':'dev1','methodName':'m','payload':1", 5));
        assert_failed(w, 5, 404, 404103);
        event = world_event(w, "method");
        assert_true(cJSON_IsFalse(json_get(event, "delivered")));
        assert_null(json_get(event, "rid"));
        assert_int_equal(json_number(event, "payload"), 1);
        assert_nothing_sent(w);
    }
}

static void nothing_but_the_answer(const struct world *w)
{
    for (size_t n = 0; n < w->out.len; n++)
        assert_true(w->out.at[n].kind != OUT_PUBLISH || w->out.at[n].ticket);
}

static void a_call_waits_for_its_device_as_long_as_its_connect_time_out(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'late','payload':[1],'connectTimeoutInSeconds':10", 3));
    assert_int_equal(w->out.len, 0); /* no event either: it has not come to anything */
    world_pass(w, 9);
    assert_int_equal(world_tick(w), w->now.mono_us + WORLD_SECOND);
    world_connect(w, &dev, "dev1");
    assert_nothing_sent(w); /* it does not listen yet */
    assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT);
    assert_string_equal(assert_sent(w, "dev1", POST "late/?$rid=1"), "[1]");
    assert_string_equal(json_word(world_event(w, "method"), "cause"), "c-3");
    world_pass(w, 29); /* from here on it is the response that may take its time */
    (void)world_tick(w);
    assert_null(answer_of(w, 3));
    (void)reply(w, &dev, "200/?$rid=1", "2");
    assert_answered(w, 3, 200, "2");
}

static void whoever_does_not_come_in_time_is_404103(void **state)
{
    struct world *w = *state;
    cJSON *event;

    world_create(w, "dev1");
    world_create(w, "dev1/m");
    assert_true(ask(w, "'deviceId':'dev1','moduleId':'m','methodName':'m','connectTimeoutInSeconds':300", 3));
    world_pass(w, 299);
    (void)world_tick(w);
    assert_null(answer_of(w, 3));
    world_pass(w, 1);
    assert_int_equal(world_tick(w), INT64_MAX);
    assert_failed(w, 3, 404, 404103);
    event = world_event(w, "method");
    assert_string_equal(json_word(event, "module"), "m"); /* it was kept in memory for that */
    assert_string_equal(json_word(event, "cause"), "c-3");
    assert_true(cJSON_IsFalse(json_get(event, "delivered")));
    nothing_but_the_answer(w);
}

static void a_session_that_was_kept_hears_the_call_as_soon_as_it_connects(void **state)
{
    struct world *w = *state;
    struct conn dev;
    struct login kept = {.is_clean = false};

    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &kept), HUB_ACCEPT);
    assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT);
    world_end(w, &dev, ENDED_CLIENT);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'a','connectTimeoutInSeconds':10", 1));
    assert_int_equal(world_login(w, &dev, "dev1", &kept), HUB_ACCEPT);
    (void)assert_sent(w, "dev1", POST "a/?$rid=1");
}

static void calls_that_waited_are_sent_in_their_order(void **state)
{
    struct world *w = *state;
    struct conn dev;

    world_create(w, "dev1");
    world_create(w, "dev2");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'a','connectTimeoutInSeconds':20", 1));
    assert_true(ask(w, "'deviceId':'dev2','methodName':'other','connectTimeoutInSeconds':20", 2));
    assert_true(ask(w, "'deviceId':'dev1','methodName':'b','connectTimeoutInSeconds':10", 3));
    world_connect(w, &dev, "dev1");
    assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT);
    assert_int_equal(world_count(w, OUT_PUBLISH), 2);
    assert_string_equal(world_out(w, OUT_PUBLISH, 0)->topic, POST "a/?$rid=1");
    assert_string_equal(world_out(w, OUT_PUBLISH, 1)->topic, POST "b/?$rid=2");
    assert_int_equal(world_subscribe(w, &dev, METHODS, 0), HUB_ACCEPT); /* once */
    assert_int_equal(world_count(w, OUT_PUBLISH), 0);
}

/* --- how calls end ------------------------------------------------------------------------------------------------ */

static void no_answer_in_time_is_504101_and_a_late_one_is_dropped(void **state)
{
    static const int seconds[] = {5, 30, 300};
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(seconds); n++) { /* facts M-25, L-06 */
        char members[128], topic[64];

        (void)snprintf(members, sizeof members, "'deviceId':'dev1','methodName':'m','responseTimeoutInSeconds':%d",
                       seconds[n]);
        assert_true(ask(w, seconds[n] == 30 ? "'deviceId':'dev1','methodName':'m'" : members, n + 1));
        world_pass(w, seconds[n] - 1);
        assert_int_equal(world_tick(w), w->now.mono_us + WORLD_SECOND);
        assert_null(answer_of(w, n + 1));
        world_pass(w, 1);
        (void)world_tick(w);
        assert_failed(w, n + 1, 504, 504101);
        (void)snprintf(topic, sizeof topic, "200/?$rid=%x", (unsigned)n + 1);
        (void)reply(w, &dev, topic, "1");
        assert_int_equal(world_count(w, OUT_PUBLISH), 0);
        assert_true(cJSON_IsFalse(json_get(world_event(w, "method-answer"), "waited")));
    }
}

static void moving_the_hubs_clock_moves_no_time_out(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    (void)world_ask(w, "clock.advance", "'by':'10m'");
    (void)world_tick(w);
    assert_null(answer_of(w, 1));
    (void)reply(w, &dev, "200/?$rid=1", "");
    assert_answered(w, 1, 200, "null");
}

static void calls_that_were_sent_end_with_their_connection(void **state)
{
    static const enum ended ways[] = {ENDED_CLIENT, ENDED_ERROR, ENDED_TAKEOVER};
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    for (size_t n = 0; n < COUNT(ways); n++) { /* facts M-40 */
        struct conn next;
        char topic[64];

        assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", n + 1));
        if (ways[n] != ENDED_TAKEOVER)
            world_end(w, &dev, ways[n]);
        else
            world_connect(w, &next, "dev1");
        assert_failed(w, n + 1, 404, 404104);
        if (ways[n] != ENDED_TAKEOVER)
            world_connect(w, &next, "dev1");
        assert_int_equal(world_count(w, OUT_PUBLISH), ways[n] == ENDED_TAKEOVER); /* it is not asked again */
        (void)snprintf(topic, sizeof topic, "200/?$rid=%x", (unsigned)n + 1);
        (void)reply(w, &next, topic, ""); /* too late */
        assert_int_equal(world_count(w, OUT_PUBLISH), 0);
        assert_int_equal(world_subscribe(w, &next, METHODS, 0), HUB_ACCEPT);
        dev = next;
        dev.who.device = str_from(dev.id);
    }
}

static void deleting_somebody_ends_its_calls(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    world_create(w, "dev1/m");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    assert_true(ask(w, "'deviceId':'dev1','moduleId':'m','methodName':'m','connectTimeoutInSeconds':9", 2));
    command(w, "{'command':'module.delete','deviceId':'dev1','moduleId':'m'}");
    assert_failed(w, 2, 404, 404010);
    assert_null(answer_of(w, 1));
    command(w, "{'command':'device.delete','deviceId':'dev1'}");
    assert_failed(w, 1, 404, 404001);
    world_create(w, "dev1");
    world_connect(w, &dev, "dev1");
    (void)reply(w, &dev, "200/?$rid=1", "");
    assert_int_equal(world_count(w, OUT_PUBLISH), 0);
}

static void the_hubs_end_ends_all_calls(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    world_create(w, "dev2");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    assert_true(ask(w, "'deviceId':'dev2','methodName':'m','connectTimeoutInSeconds':9", 2));
    world_begin(w);
    hub_announce(w->hub, "hub-stopping", w->now, &w->out);
    assert_true(world_commit(w));
    assert_int_equal(json_number(answer_of(w, 1), "body.errorCode"), 503001);
    assert_int_equal(json_number(answer_of(w, 2), "body.errorCode"), 503001);
    assert_int_equal(world_count_events(w, "method-answer"), 2);
}

static void a_call_that_was_given_up_comes_to_nothing(void **state)
{
    struct world *w = *state;
    struct conn dev;

    begin(w, &dev);
    world_create(w, "dev2");
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    assert_true(ask(w, "'deviceId':'dev2','methodName':'m','payload':1,'connectTimeoutInSeconds':9", 2));
    hub_abandon(w->hub, 2);
    hub_abandon(w->hub, 1);
    hub_abandon(w->hub, 1);
    assert_true(hub_is_valid(w->hub));
    world_pass(w, 400);
    (void)world_tick(w);
    assert_int_equal(w->out.len, 0);
}

static void a_call_whose_record_was_dropped_is_answered_all_the_same(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t conn;

    begin(w, &dev);
    assert_true(ask(w, "'deviceId':'dev1','methodName':'m'", 1));
    assert_true(hub_drop(w->hub, STR("dev1"), &conn)); /* a turn could not be stored */
    world_pass(w, 30);
    (void)world_tick(w);
    assert_int_equal(json_number(answer_of(w, 1), "body.errorCode"), 504101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_call_reaches_the_device_and_its_answer_the_service),
        WORLD_TEST(a_module_is_called_as_itself_and_its_device_hears_nothing),
        WORLD_TEST(any_status_of_the_device_is_a_success_for_the_service),
        WORLD_TEST(any_json_survives_as_a_payload_and_none_is_an_empty_body),
        WORLD_TEST(request_ids_are_hexadecimal_numbers_that_rise_and_their_letter_case_does_not_matter),
        WORLD_TEST(calls_run_side_by_side_and_are_answered_in_any_order),
        WORLD_TEST(the_first_answer_counts_and_what_nobody_waits_for_is_told_and_dropped),
        WORLD_TEST(an_answer_that_is_no_json_is_502_for_the_service),
        WORLD_TEST(trailing_nuls_of_an_answer_are_cut),
        WORLD_TEST(a_malformed_answer_closes_the_connection),
        WORLD_TEST(names_that_no_method_may_have_are_refused),
        WORLD_TEST(time_outs_have_bounds),
        WORLD_TEST(whoever_does_not_exist_cannot_be_called),
        WORLD_TEST(a_policy_needs_service_connect),
        WORLD_TEST(payloads_hold_128_kb_each_way),
        WORLD_TEST(so_many_calls_are_under_way_at_most),
        WORLD_TEST(who_is_away_or_does_not_listen_is_404103_at_once),
        WORLD_TEST(a_call_waits_for_its_device_as_long_as_its_connect_time_out),
        WORLD_TEST(whoever_does_not_come_in_time_is_404103),
        WORLD_TEST(a_session_that_was_kept_hears_the_call_as_soon_as_it_connects),
        WORLD_TEST(calls_that_waited_are_sent_in_their_order),
        WORLD_TEST(no_answer_in_time_is_504101_and_a_late_one_is_dropped),
        WORLD_TEST(moving_the_hubs_clock_moves_no_time_out),
        WORLD_TEST(calls_that_were_sent_end_with_their_connection),
        WORLD_TEST(deleting_somebody_ends_its_calls),
        WORLD_TEST(the_hubs_end_ends_all_calls),
        WORLD_TEST(a_call_that_was_given_up_comes_to_nothing),
        WORLD_TEST(a_call_whose_record_was_dropped_is_answered_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
