/* test_bag.c - does bag.h keep its promises? */
#include <stdio.h>

#include "bag.h"
#include "fail_alloc.h"
#include "feed.h"
#include "test.h"

/* Read a bag and print both sides: "{system} {properties}". The caller frees; NULL and *rc when it is refused. */
static char *shown(struct str bag, enum rc *rc)
{
    cJSON *system = NULL, *properties = NULL;
    char *copy = copy_exact(bag.at, bag.len), *text = NULL;
    struct buf out;

    *rc = bag_read(str_of(copy, bag.len), &system, &properties);
    if (*rc == RC_OK) {
        buf_init(&out, 0);
        json_print(&out, system);
        buf_add_char(&out, ' ');
        json_print(&out, properties);
        text = buf_take(&out, NULL);
        assert_non_null(text);
    } else {
        assert_null(system);
        assert_null(properties);
    }
    cJSON_Delete(system);
    cJSON_Delete(properties);
    free(copy);
    return text;
}

/* facts M-18, C-04, C-08 */
static void bags_are_parted_decoded_and_named(void **state)
{
    static const struct {
        const char *bag, *want;
    } rows[] = {
        {"", "{} {}"},
        {"%24.ct=application%2Fjson&%24.ce=utf-8&a%20b=c",
         "{\"content-type\":\"application/json\",\"content-encoding\":\"utf-8\"} {\"a b\":\"c\"}"},
        {"$.ct=application/json&$.ce=utf-8&a b=c",
         "{\"content-type\":\"application/json\",\"content-encoding\":\"utf-8\"} {\"a b\":\"c\"}"},
        {"colour=light blue&%24.mid=msg-1", "{\"message-id\":\"msg-1\"} {\"colour\":\"light blue\"}"},
        {"%24.ce=application%2fjson&%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1",
         "{\"content-encoding\":\"application/"
         "json\",\"iothub-interface-id\":\"urn:azureiot:Security:SecurityAgent:1\"} {}"},
        {"%24.sub=thermostat1", "{\"dt-subject\":\"thermostat1\"} {}"},
        {"flag", "{} {\"flag\":null}"},
        {"k=", "{} {\"k\":\"\"}"},
        {"%24.cid&%24.uid=", "{\"correlation-id\":null,\"user-id\":\"\"} {}"},
        {"a=1+1%2B1", "{} {\"a\":\"1+1+1\"}"},
        {"a=b=c&d==", "{} {\"a\":\"b=c\",\"d\":\"=\"}"},
        {"a=%zz%4", "{} {\"a\":\"%zz%4\"}"},
        {"%24.mystery=1", "{\"$.mystery\":\"1\"} {}"},
        {"$x=1&%24=2&iothub-ack=full", "{} {\"$x\":\"1\",\"$\":\"2\",\"iothub-ack\":\"full\"}"},
        {"message-id=app&$.mid=sys", "{\"message-id\":\"sys\"} {\"message-id\":\"app\"}"},
        {"message-id=1&$.mid=2&message-id=3", "{\"message-id\":\"2\"} {\"message-id\":\"3\"}"},
        {"a=1&b=2&a=3&%61=4", "{} {\"a\":\"4\",\"b\":\"2\"}"}, /* the last one, in the first one's place */
        {"a=1&a", "{} {\"a\":null}"},
        {"a=1&A=2", "{} {\"a\":\"1\",\"A\":\"2\"}"},
        {"%24.mid=1&$.mid=2", "{\"message-id\":\"2\"} {}"},
        {"%24.cdid=other&$.cmid=mod&x=1", "{} {\"x\":\"1\"}"}, /* the hub says who is connected */
        {"stra%C3%9Fe=%E2%82%AC%F0%9F%98%80", "{} {\"stra\xC3\x9F"
                                              "e\":\"\xE2\x82\xAC\xF0\x9F\x98\x80\"}"},
        {"t=%09%22", "{} {\"t\":\"\\t\\\"\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum rc rc;
        char *text = shown(str_from(rows[i].bag), &rc);

        print_message("  %.*s\n", STR_FMT(str_from(rows[i].bag)));
        assert_int_equal(rc, RC_OK);
        assert_string_equal(text, rows[i].want);
        free(text);
    }
}

/* facts C-11 */
static void pairs_without_a_key_and_bytes_that_are_no_text_are_refused(void **state)
{
    static const char *const rows[] = {
        "&",           "a=1&",           "&a=1",        "a=1&&b=2",   "=",           "=v",
        "a=1&=2",      "a=%00",          "%00=a",       "a=x%00y",    "a=%FF",       "a=%C3",
        "a=%C3%28",    "a=%C0%AF",       "%80=1",       "a=\xFF",     "a=%ED%A0%80", "a=%F4%90%80%80",
        "a=%E0%80%80", "a=%F0%80%80%80", "%24.mid=%FF", "$.cdid=%FF",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum rc rc;

        print_message("  %s\n", rows[i]);
        assert_null(shown(str_from(rows[i]), &rc));
        assert_int_equal(rc, RC_SYNTAX);
    }
}

/* Section 7.2 of the MQTT facts */
static void every_known_wire_key_has_its_name(void **state)
{
    static const char *const rows[][2] = {
        {"$.mid", "message-id"},
        {"$.cid", "correlation-id"},
        {"$.uid", "user-id"},
        {"$.to", "to"},
        {"$.exp", "absolute-expiry-time"},
        {"$.ct", "content-type"},
        {"$.ce", "content-encoding"},
        {"$.ctime", "iothub-creation-time-utc"},
        {"$.on", "iothub-outputname"},
        {"$.sub", "dt-subject"},
        {"$.ifid", "iothub-interface-id"},
        {"$.cdid", "iothub-connection-device-id"},
        {"$.cmid", "iothub-connection-module-id"},
        {"$.schema", "iothub-message-schema"},
        {"$.diagid", "iothub-diag-id"},
        {"$.diagctx", "diag-correlation-context"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(bag_system_name(str_from(rows[i][0])), rows[i][1]);
        assert_string_equal(bag_wire_key(str_from(rows[i][1])), rows[i][0]);
    }
    assert_null(bag_wire_key(STR("$.mid")));
    assert_null(bag_wire_key(STR("")));
    assert_null(bag_system_name(STR("mid")));
    assert_null(bag_system_name(STR("$.MID")));
    assert_null(bag_system_name(STR("%24.mid")));
    assert_null(bag_system_name(STR("")));
}

static void a_bag_of_many_thousand_pairs_keeps_them_all_in_order(void **state)
{
    cJSON *system, *properties, *node;
    struct buf bag;
    char want[16];
    int n = 0;

    (void)state;
    buf_init(&bag, 0);
    for (int round = 0; round < 2; round++) /* every key twice */
        for (int i = 0; i < 10000; i++)
            buf_addf(&bag, "%sk%d=%d", bag.len ? "&" : "", i, i + round);
    assert_int_equal(bag_read(buf_view(&bag), &system, &properties), RC_OK);
    assert_null(system->child);
    cJSON_ArrayForEach(node, properties)
    {
        (void)snprintf(want, sizeof want, "k%d", n);
        assert_string_equal(node->string, want);
        (void)snprintf(want, sizeof want, "%d", ++n);
        assert_string_equal(node->valuestring, want);
    }
    assert_int_equal(n, 10000);
    cJSON_Delete(system);
    cJSON_Delete(properties);
    buf_done(&bag);
}

static void each_failed_allocation_is_told_and_nothing_leaks(void **state)
{
    const struct str bag =
        STR("%24.mid=1&a%20key%20that%20needs%20more%20than%20sixty-four%20bytes%20of%20buffer%20to%20be"
            "%20decoded=2&flag&a=1&a=2");
    enum rc rc = RC_NOMEM;
    long n = 0;

    (void)state;
    for (; rc; n++) {
        cJSON *system = NULL, *properties = NULL;

        fail_alloc_cjson();
        fail_alloc_after(n);
        rc = bag_read(bag, &system, &properties);
        fail_alloc_never();
        cJSON_InitHooks(NULL);
        assert_true(rc == RC_OK || rc == RC_NOMEM);
        assert_int_equal(rc == RC_OK, system != NULL);
        assert_int_equal(rc == RC_OK, properties != NULL);
        cJSON_Delete(system);
        cJSON_Delete(properties);
    }
    assert_in_range(n, 10, 100); /* it did fail, again and again */
}

/* What was read is JSON that our strict reader takes back. */
static void read_any(struct str text)
{
    cJSON *sides[2] = {NULL, NULL};
    enum rc rc = bag_read(text, &sides[0], &sides[1]);

    assert_true(rc == RC_OK || rc == RC_SYNTAX);
    for (size_t i = 0; i < 2; i++) {
        cJSON *again = NULL;
        char *printed;

        assert_int_equal(sides[i] != NULL, rc == RC_OK);
        if (rc)
            continue;
        printed = json_text(sides[i]);
        assert_int_equal(json_read(str_from(printed), &again, NULL), RC_OK);
        assert_true(json_eq(again, sides[i]));
        cJSON_Delete(again);
        cJSON_Delete(sides[i]);
        free(printed);
    }
}

static void any_bytes_are_refused_or_become_json(void **state)
{
    const struct str good = STR("%24.ct=application%2Fjson&$.mid=1&stra%C3%9Fe=%E2%82%AC&flag&k=");

    (void)state;
    feed_prefixes(good, read_any);
    feed_mutations(good, read_any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bags_are_parted_decoded_and_named),
        cmocka_unit_test(pairs_without_a_key_and_bytes_that_are_no_text_are_refused),
        cmocka_unit_test(every_known_wire_key_has_its_name),
        cmocka_unit_test(a_bag_of_many_thousand_pairs_keeps_them_all_in_order),
        cmocka_unit_test(each_failed_allocation_is_told_and_nothing_leaks),
        cmocka_unit_test(any_bytes_are_refused_or_become_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
