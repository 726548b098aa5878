/* Do events wait, travel and get lost as promised? facts S-10, S-11 */
#include <time.h>

#include "fail_alloc.h"
#include "message.h"
#include "test.h"

static const struct queue_rules plain = {.overhead = EVENT_OVERHEAD, .holds_under_way = true};
static const struct message_rules whole = {0};
static const struct event_form form = {0};
static const struct message_sender sender = {.agent_id = "id", .agent_version = "1"};
/* {"AgentVersion":"1","AgentId":"id","MessageSchemaVersion":"1.0","Events":[]} */
#define ENVELOPE 76u

/* An event whose text is one letter, repeated: easy to find in a message. */
static struct event *event_of(char letter, size_t bytes)
{
    struct event *e = calloc(1, sizeof *e + bytes + 1);

    assert_non_null(e);
    e->bytes = e->size = bytes;
    memset(e->text, letter, bytes);
    return e;
}

static void push(struct queues *q, enum queue_id id, char letter, size_t bytes)
{
    assert_true(queues_push(q, id, event_of(letter, bytes)));
}

/* The letters of a message's events, in order. */
static void letters(const struct buf *body, char *out)
{
    const char *at = strchr(body->at, '[') + 1;
    char last = '\0';

    for (; *at != ']'; at++) {
        if (*at == ',' || *at == last)
            continue;
        *out++ = last = *at;
    }
    *out = '\0';
}

static void messages_are(struct queues *q, enum queue_id leading, size_t max_bytes, const char *const *expected)
{
    struct buf body;
    char text[64];

    for (; *expected; expected++) {
        assert_int_equal(message_build(q, &whole, leading, max_bytes, &sender, &body), RC_OK);
        assert_true(body.len <= max_bytes);
        letters(&body, text);
        assert_string_equal(text, *expected);
        buf_done(&body);
    }
    assert_int_equal(message_build(q, &whole, leading, max_bytes, &sender, &body), RC_NOT_FOUND);
}

static void a_message_holds_operational_then_leading_then_other_events(void **state)
{
    static const char *const high_first[] = {"ohHl", NULL}, *const low_first[] = {"olh", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_LOW, 'l', 10);
    push(&q, QUEUE_HIGH, 'h', 10);
    push(&q, QUEUE_HIGH, 'H', 10);
    push(&q, QUEUE_OPERATIONAL, 'o', 10);
    messages_are(&q, QUEUE_HIGH, 8192, high_first);
    push(&q, QUEUE_HIGH, 'h', 10);
    push(&q, QUEUE_LOW, 'l', 10);
    push(&q, QUEUE_OPERATIONAL, 'o', 10);
    messages_are(&q, QUEUE_LOW, 8192, low_first);
    assert_int_equal(q.waiting, 0);
    queues_done(&q);
}

static void operational_events_wait_for_company(void **state)
{
    static const char *const none[] = {NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_OPERATIONAL, 'o', 10);
    push(&q, QUEUE_LOW, 'l', 10);
    messages_are(&q, QUEUE_HIGH, 8192, none);
    assert_int_equal(q.queue[QUEUE_OPERATIONAL].count, 1);
    assert_int_equal(q.queue[QUEUE_LOW].count, 1);
    queues_done(&q);
}

static void a_body_may_be_exactly_as_large_as_allowed(void **state)
{
    static const char *const together[] = {"ab", NULL}, *const apart[] = {"a", "b", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_HIGH, 'a', 50);
    push(&q, QUEUE_HIGH, 'b', 50);
    messages_are(&q, QUEUE_HIGH, ENVELOPE + 101, together);
    push(&q, QUEUE_HIGH, 'a', 50);
    push(&q, QUEUE_HIGH, 'b', 50);
    messages_are(&q, QUEUE_HIGH, ENVELOPE + 100, apart);
    queues_done(&q);
}

static void many_operational_events_do_not_keep_the_leading_one_out(void **state)
{
    static const char *const expected[] = {"oh", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    for (int i = 0; i < 30; i++)
        push(&q, QUEUE_OPERATIONAL, 'o', 50);
    push(&q, QUEUE_HIGH, 'h', 300);
    messages_are(&q, QUEUE_HIGH, ENVELOPE + 500, expected);
    assert_int_equal(q.queue[QUEUE_OPERATIONAL].count, 30 - 3);
    queues_done(&q);
}

static void an_event_no_message_can_carry_is_dropped_and_counted(void **state)
{
    static const char *const expected[] = {"h", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_HIGH, 'x', 101);
    push(&q, QUEUE_HIGH, 'h', 100);
    push(&q, QUEUE_LOW, 'y', 400);
    messages_are(&q, QUEUE_HIGH, ENVELOPE + 100, expected);
    assert_int_equal(q.queue[QUEUE_HIGH].dropped, 1);
    assert_int_equal(q.queue[QUEUE_LOW].dropped, 1);
    assert_int_equal(q.waiting, 0);
    queues_done(&q);
}

static void a_full_cache_refuses_the_newest_and_counts_it(void **state)
{
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 3 * (100 + EVENT_OVERHEAD));
    push(&q, QUEUE_HIGH, 'a', 100);
    push(&q, QUEUE_LOW, 'b', 100);
    q.under_way = 1;
    assert_false(queues_push(&q, QUEUE_LOW, event_of('c', 100)));
    q.under_way = 0;
    push(&q, QUEUE_LOW, 'd', 100);
    assert_false(queues_push(&q, QUEUE_HIGH, event_of('e', 1)));
    assert_false(queues_push(&q, QUEUE_HIGH, NULL));
    assert_int_equal(q.queue[QUEUE_HIGH].collected, 3);
    assert_int_equal(q.queue[QUEUE_HIGH].dropped, 2);
    assert_int_equal(q.queue[QUEUE_LOW].collected, 3);
    assert_int_equal(q.queue[QUEUE_LOW].dropped, 1);
    queues_done(&q);
}

static void a_smaller_cache_drops_low_events_first_and_the_newest_of_them(void **state)
{
    static const char *const expected[] = {"oabl", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_LOW, 'l', 100);
    push(&q, QUEUE_LOW, 'm', 100);
    push(&q, QUEUE_HIGH, 'a', 100);
    push(&q, QUEUE_HIGH, 'b', 100);
    push(&q, QUEUE_OPERATIONAL, 'o', 100);
    queues_resize(&q, 4 * (100 + EVENT_OVERHEAD) + EVENT_OVERHEAD);
    assert_int_equal(q.queue[QUEUE_LOW].dropped, 1);
    assert_int_equal(q.queue[QUEUE_HIGH].dropped, 0);
    push(&q, QUEUE_LOW, 'x', 0); /* the list's end is still sound */
    messages_are(&q, QUEUE_HIGH, 8192, expected);
    push(&q, QUEUE_HIGH, 'a', 100);
    queues_resize(&q, 10);
    assert_int_equal(q.waiting, 0);
    assert_null(q.queue[QUEUE_HIGH].first);
    queues_done(&q);
}

/* facts S-30 */
static void queues_with_shares_drop_their_oldest(void **state)
{
    static const struct queue_rules shares = {.share = {[QUEUE_HIGH] = 50, [QUEUE_LOW] = 50, [QUEUE_OPERATIONAL] = 10},
                                              .drops_oldest = true};
    static const char *const expected[] = {"PcdL", NULL};
    struct queues q;

    (void)state;
    queues_init(&q, &shares, 1000);
    q.under_way = 5000; /* counts for nothing */
    for (const char *letter = "abcd"; *letter; letter++)
        push(&q, QUEUE_HIGH, *letter, 200);
    push(&q, QUEUE_LOW, 'L', 500);
    push(&q, QUEUE_OPERATIONAL, 'O', 60);
    push(&q, QUEUE_OPERATIONAL, 'P', 60);
    assert_false(queues_push(&q, QUEUE_LOW, event_of('x', 501))); /* and it costs nobody else the place */
    assert_int_equal(q.queue[QUEUE_HIGH].dropped, 2);
    assert_int_equal(q.queue[QUEUE_HIGH].collected, 4);
    assert_int_equal(q.queue[QUEUE_LOW].dropped, 1);
    assert_int_equal(q.queue[QUEUE_OPERATIONAL].dropped, 1);
    assert_int_equal(q.waiting, 400 + 500 + 60);
    messages_are(&q, QUEUE_HIGH, 8192, expected);

    for (const char *letter = "ab"; *letter; letter++)
        push(&q, QUEUE_HIGH, *letter, 200);
    queues_resize(&q, 500);
    assert_int_equal(q.queue[QUEUE_HIGH].count, 1);
    assert_int_equal(q.queue[QUEUE_HIGH].first->text[0], 'b');
    queues_done(&q);
}

/* The sizes of the events together stay below; the envelope does not count. facts S-31 */
static void a_message_may_be_measured_by_its_events(void **state)
{
    static const struct message_rules rows[] = {{.sums_events = true}, {.sums_events = true, .lets_it_block = true}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct queues q;
        struct buf body;
        char text[64];
        queues_init(&q, &plain, 10000);
        push(&q, QUEUE_HIGH, 'a', 50);
        push(&q, QUEUE_HIGH, 'b', 50);
        push(&q, QUEUE_HIGH, 'X', 101);
        push(&q, QUEUE_HIGH, 'c', 10);
        assert_int_equal(message_build(&q, &rows[i], QUEUE_HIGH, 101, &sender, &body), RC_OK);
        letters(&body, text);
        assert_string_equal(text, "ab");
        buf_done(&body);
        push(&q, QUEUE_LOW, 'l', 10);
        assert_int_equal(message_build(&q, &rows[i], QUEUE_HIGH, 101, &sender, &body), RC_OK);
        letters(&body, text);
        assert_string_equal(text, rows[i].lets_it_block ? "l" : "cl");
        assert_int_equal(q.queue[QUEUE_HIGH].dropped, rows[i].lets_it_block ? 0 : 1);
        buf_done(&body);
        assert_int_equal(message_build(&q, &rows[i], QUEUE_HIGH, 101, &sender, &body), RC_NOT_FOUND);
        queues_done(&q);
    }
}

static void text_is_measured_as_it_is_or_as_utf16(void **state)
{
    static const struct event_form utf16 = {.is_utf16 = true};
    static const struct {
        const char *text;
        size_t bytes, units;
    } rows[] = {{"", 0, 0}, {"abc", 3, 3}, {"\xc3\xa4", 2, 1}, {"\xe2\x82\xac", 3, 1}, {"\xf0\x9f\x98\x80", 4, 2}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(event_size(&form, str_from(rows[i].text)), rows[i].bytes);
        assert_int_equal(event_size(&utf16, str_from(rows[i].text)), 2 * rows[i].units);
    }
}

static void an_event_has_the_nine_members_of_the_schema(void **state)
{
    static const char *const names[] = {"Category", "EventType",      "Name",         "PayloadSchemaVersion",
                                        "Id",       "TimestampLocal", "TimestampUTC", "IsEmpty",
                                        "Payload"};
    cJSON *payload = cJSON_CreateArray(), *root = NULL;
    struct event *e = event_new(&form, "LocalUsers", EVENT_PERIODIC, EVENT_SECURITY, payload, INT64_C(1613381402000));

    (void)state;
    assert_non_null(e);
    assert_int_equal(json_parse(str_of(e->text, e->bytes), &root), RC_OK);
    assert_int_equal(cJSON_GetArraySize(root), COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_non_null(json_find(root, names[i]));
    assert_string_equal(json_text(root, "TimestampUTC"), "2021-02-15T09:30:02Z");
    assert_int_equal(strlen(json_text(root, "Id")), 36);
    assert_true(cJSON_IsTrue(json_find(root, "IsEmpty")));
    cJSON_Delete(root);
    event_free(e);
    assert_null(event_new(&form, "LocalUsers", EVENT_PERIODIC, EVENT_SECURITY, NULL, 0));
}

static void local_time_tells_its_offset(void **state)
{
    char text[32];

    (void)state;
    assert_int_equal(setenv("TZ", "XYZ-05:30", 1), 0);
    tzset();
    event_time(EVENT_TIME_OFFSET, INT64_C(1613381402999), true, text);
    assert_string_equal(text, "2021-02-15T15:00:02+05:30");
    event_time(EVENT_TIME_OFFSET, INT64_C(1613381402999), false, text);
    assert_string_equal(text, "2021-02-15T09:30:02Z");
    event_time(EVENT_TIME_ALWAYS_Z, INT64_C(1613381402999), true, text);
    assert_string_equal(text, "2021-02-15T15:00:02Z");
    event_time(EVENT_TIME_BARE, INT64_C(1613381402999), true, text);
    assert_string_equal(text, "2021-02-15T15:00:02");
    event_time(EVENT_TIME_BARE, INT64_C(1613381402999), false, text);
    assert_string_equal(text, "2021-02-15T09:30:02");
}

static void a_lack_of_memory_loses_no_event(void **state)
{
    enum rc rc = RC_NOMEM;
    struct queues q;
    struct buf body;
    long n = 0;

    (void)state;
    queues_init(&q, &plain, 10000);
    push(&q, QUEUE_HIGH, 'h', 200);
    push(&q, QUEUE_OPERATIONAL, 'o', 200);
    for (; rc; n++) {
        fail_alloc_after(n);
        rc = message_build(&q, &whole, QUEUE_HIGH, 8192, &sender, &body);
        fail_alloc_never();
        assert_int_equal(q.queue[QUEUE_HIGH].count, rc ? 1 : 0);
        assert_int_equal(q.queue[QUEUE_OPERATIONAL].count, rc ? 1 : 0);
    }
    assert_true(n > 1);
    buf_done(&body);
    queues_done(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_holds_operational_then_leading_then_other_events),
        cmocka_unit_test(operational_events_wait_for_company),
        cmocka_unit_test(a_body_may_be_exactly_as_large_as_allowed),
        cmocka_unit_test(many_operational_events_do_not_keep_the_leading_one_out),
        cmocka_unit_test(an_event_no_message_can_carry_is_dropped_and_counted),
        cmocka_unit_test(a_full_cache_refuses_the_newest_and_counts_it),
        cmocka_unit_test(a_smaller_cache_drops_low_events_first_and_the_newest_of_them),
        cmocka_unit_test(queues_with_shares_drop_their_oldest),
        cmocka_unit_test(a_message_may_be_measured_by_its_events),
        cmocka_unit_test(text_is_measured_as_it_is_or_as_utf16),
        cmocka_unit_test(an_event_has_the_nine_members_of_the_schema),
        cmocka_unit_test(local_time_tells_its_offset),
        cmocka_unit_test(a_lack_of_memory_loses_no_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
