/* test_fault.c - reading a fault: what is taken, what is refused and in which words; and when one strikes. */
#include <stdio.h>

#include "fault.h"
#include "test.h"

static cJSON *tree_of(const char *text)
{
    char *copy = copy_exact(text, strlen(text));
    cJSON *tree = NULL;

    for (size_t n = 0; n < strlen(text); n++)
        if (copy[n] == '\'')
            copy[n] = '"';
    assert_int_equal(json_read(str_of(copy, strlen(text)), &tree, NULL), RC_OK);
    free(copy);
    return tree;
}

static struct fault *read_ok(const char *text)
{
    cJSON *tree = tree_of(text);
    struct refusal why = {0, 0, "", ""};
    struct fault *f = NULL;
    enum rc rc = fault_read(tree, 1000, &f, &why);

    if (rc)
        print_error("%s: %s\n", text, why.message);
    assert_int_equal(rc, RC_OK);
    assert_true(fault_is_valid(f));
    cJSON_Delete(tree);
    return f;
}

static void what_is_no_fault_is_refused_and_says_what_would_fit(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"{}", "a fault needs a type; there are status, lose"},
        {"{'type':5}", "a fault needs a type"},
        {"{'type':'explode'}", "no fault 'explode'; there are status"},
        {"{'type':'Lose'}", "no fault 'Lose'"},
        {"{'type':'lose','delay':'1s'}", "a fault 'lose' has no member 'delay'; it takes type on operation after"},
        {"{'type':'delay','status':5}", "a fault 'delay' has no member 'status'; it takes delay type on"},
        {"{'type':'lose','':1}", "has no member ''"},
        {"{'type':'lose','operation':'connect'}",
         "strikes on twin-get, reported, desired, telemetry, message, not on 'connect'"},
        {"{'type':'lose','operation':'get'}", "not on 'get'"},
        {"{'type':'lose','operation':5}", "not on '?'"},
        {"{'type':'disconnect','operation':'nothing'}",
         "strikes on connect, subscribe, twin-get, reported, desired, telemetry or, without an operation, by itself"},
        {"{'type':'expire','operation':'connect'}", "not on 'connect'"},
        {"{'type':'lose','on':5}", "'on' is a text"},
        {"{'type':'lose','on':''}", "'on' is a text"},
        {"{'type':'lose','on':'a','deviceId':'a'}", "not by both"},
        {"{'type':'lose','after':-1}", "'after' is a whole number from 0 to 2147483647"},
        {"{'type':'lose','after':'1'}", "'after' is a whole number"},
        {"{'type':'lose','every':0}", "'every' is a whole number from 1"},
        {"{'type':'lose','times':1.5}", "'times' is a whole number from 0"},
        {"{'type':'lose','seed':-1}", "'seed' is a whole number"},
        {"{'type':'lose','probability':1.1}", "'probability' is a number from 0 to 1"},
        {"{'type':'lose','probability':-0.1}", "'probability' is a number from 0 to 1"},
        {"{'type':'lose','probability':'1'}", "'probability' is a number from 0 to 1"},
        {"{'type':'lose','topic':5}", "'topic' is a text"},
        {"{'type':'lose','topic':'#/a'}", "'topic' is an MQTT filter"},
        {"{'type':'lose','topic':'a/b#'}", "'topic' is an MQTT filter"},
        {"{'type':'lose','topic':'a+/b'}", "'topic' is an MQTT filter"},
        {"{'type':'refuse','topic':'a'}", "a CONNECT has no topic"},
        {"{'type':'lose','at':5}", "'at' is a duration"},
        {"{'type':'lose','at':'-5s'}", "'at' is a duration"},
        {"{'type':'lose','for':'soon'}", "'for' is a duration"},
        {"{'type':'lose','for':'0s'}", "'for' is longer than no time"},
        {"{'type':'disconnect','after':1}", "'after' needs an 'operation'"},
        {"{'type':'takeover','for':'1s'}", "'for' needs an 'operation'"},
        {"{'type':'expire','times':2}", "'times' needs an 'operation'"},
        {"{'type':'status'}", "a fault 'status' needs 'status', for example 429"},
        {"{'type':'status','status':'429'}", "'status' is a whole number from 200 to 599"},
        {"{'type':'status','status':199}", "from 200 to 599"},
        {"{'type':'status','status':600}", "from 200 to 599"},
        {"{'type':'status','status':500,'body':5}", "'body' is \"json\", \"empty\""},
        {"{'type':'status','status':500,'body':[1]}", "'body' is"},
        {"{'type':'delay'}", "a fault 'delay' needs 'delay', for example \"2s\""},
        {"{'type':'delay','delay':2}", "'delay' is a duration"},
        {"{'type':'duplicate','copies':0}", "'copies' is a whole number from 1 to 100"},
        {"{'type':'duplicate','copies':101}", "'copies' is"},
        {"{'type':'rid','how':'lost'}", "'how' of 'rid' is one of wrong, missing"},
        {"{'type':'rid','how':5}", "is one of wrong, missing"},
        {"{'type':'malform','how':'wrong'}", "one of truncated, array, empty, duplicate-member, not-json, metadata"},
        {"{'type':'malform','operation':'reported'}", "strikes on twin-get, desired, not on 'reported'"},
        {"{'type':'version'}", "needs 'by', for example -1"},
        {"{'type':'version','by':'1h'}", "'by' is a whole number"},
        {"{'type':'throttle'}", "needs 'rate' (requests a second) or 'tier'"},
        {"{'type':'throttle','rate':1,'tier':'S1'}", "needs 'rate'"},
        {"{'type':'throttle','rate':0}", "'rate' is at least 0.001"},
        {"{'type':'throttle','rate':'1'}", "'rate' is a number"},
        {"{'type':'throttle','tier':'S4'}", "'tier' is one of F1, B1, B2, B3, S1, S2, S3"},
        {"{'type':'throttle','tier':5}", "'tier' is one of"},
        {"{'type':'quota'}", "needs 'messages', for example 100"},
        {"{'type':'quota','messages':-1}", "'messages' is a whole number from 0"},
        {"{'type':'refuse','reason':'mood'}", "'reason' is one of bad-token, expired"},
        {"{'type':'refuse','reason':5}", "'reason' is one of"},
        {"{'type':'clock-skew'}", "needs 'by', for example \"-2h\""},
        {"{'type':'clock-skew','by':5}", "'by' is a duration: \"250ms\", \"5s\", \"2m\", \"PT1H\", or with a minus"},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        cJSON *tree = tree_of(rows[n].text);
        struct fault *f = NULL;
        struct refusal why = {0, 0, "", ""};
        enum rc rc = fault_read(tree, 0, &f, &why);

        print_message("  %s: %s\n", rows[n].text, why.message);
        assert_int_equal(rc, RC_SYNTAX);
        assert_null(f);
        assert_int_equal(why.status, 400);
        assert_int_equal(why.code, 400004);
        assert_non_null(strstr(why.message, rows[n].message));
        cJSON_Delete(tree);
    }
}

static void what_is_not_given_has_its_default(void **state)
{
    static const struct {
        const char *text;
        unsigned operations;
        int64_t times;
    } rows[] = {
        {"{'type':'status','status':500}", 1u << FAULT_REPORTED, 1},
        {"{'type':'lose'}", 1u << FAULT_DESIRED, 1},
        {"{'type':'delay','delay':'1s'}", 1u << FAULT_REPORTED, 1},
        {"{'type':'hold'}", 1u << FAULT_REPORTED, 1},
        {"{'type':'duplicate'}", 1u << FAULT_DESIRED, 1},
        {"{'type':'reorder'}", 1u << FAULT_DESIRED, 1},
        {"{'type':'rid'}", 1u << FAULT_REPORTED, 1},
        {"{'type':'version','by':1}", 1u << FAULT_DESIRED, 1},
        {"{'type':'malform'}", 1u << FAULT_TWIN_GET, 1},
        {"{'type':'throttle','rate':5}", 1u << FAULT_TWIN_GET | 1u << FAULT_REPORTED | 1u << FAULT_TELEMETRY, 0},
        {"{'type':'quota','messages':5}", 1u << FAULT_TELEMETRY, 0},
        {"{'type':'disconnect'}", 0, 1},
        {"{'type':'refuse'}", 1u << FAULT_CONNECT, 1},
        {"{'type':'clock-skew','by':'1h'}", 1u << FAULT_CONNECT, 1},
        {"{'type':'expire'}", 0, 1},
        {"{'type':'takeover'}", 0, 1},
    };

    (void)state;
    assert_int_equal(COUNT(rows), FAULT_TYPES);
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct fault *f = read_ok(rows[n].text);

        assert_int_equal(f->type, n);
        assert_int_equal(f->operations, rows[n].operations);
        assert_int_equal(f->times, rows[n].times);
        assert_int_equal(f->every, 1);
        assert_int_equal(f->at_us, 1000);
        assert_true(f->until_us == INT64_MAX);
        assert_null(f->on);
        fault_free(f);
    }
}

static void each_type_takes_each_operation_that_fits_and_no_other(void **state)
{
    static const char *const fits[FAULT_TYPES] = {/* connect subscribe twin-get reported desired telemetry message */
                                                  "..xx...", "..xxxxx", "..xxx.x", "..xxx.x", "..xxx.x", "..xxx.x",
                                                  "..xx...", "..xxx..", "..x.x..", "..xx.x.", ".....x.", "xxxxxx.",
                                                  "x......", "x......", ".xxxxx.", ".xxxxx."};
    static const char *const needed[FAULT_TYPES] = {
        [FAULT_TYPE_STATUS] = ",'status':500", [FAULT_TYPE_DELAY] = ",'delay':'1s'",
        [FAULT_TYPE_VERSION] = ",'by':1",      [FAULT_TYPE_THROTTLE] = ",'rate':1",
        [FAULT_TYPE_QUOTA] = ",'messages':1",  [FAULT_TYPE_CLOCK_SKEW] = ",'by':'1h'"};

    (void)state;
    for (size_t t = 0; t < FAULT_TYPES; t++)
        for (size_t op = 0; op < FAULT_OPERATIONS; op++) {
            struct fault *f = NULL;
            struct refusal why;
            char text[128];
            cJSON *tree;
            enum rc rc;

            (void)snprintf(text, sizeof text, "{'type':'%s','operation':'%s'%s}", fault_type_name((enum fault_type)t),
                           fault_operation_name((enum fault_operation)op), needed[t] ? needed[t] : "");
            print_message("  %s\n", text);
            tree = tree_of(text);
            rc = fault_read(tree, 0, &f, &why);
            assert_int_equal(rc, fits[t][op] == 'x' ? RC_OK : RC_SYNTAX);
            if (f)
                assert_int_equal(f->operations, 1u << op);
            fault_free(f);
            cJSON_Delete(tree);
        }
}

static void a_fault_is_printed_as_it_was_given(void **state)
{
    struct fault *f =
        read_ok("{'command':'fault.add','correlationData':'x','type':'status','status':429,'body':{'a':1.50},"
                "'probability':0.10}");
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    f->id = 7;
    fault_print(&b, f);
    assert_string_equal(
        b.at,
        "{\"id\":7,\"type\":\"status\",\"status\":429,\"body\":{\"a\":1.50},\"probability\":0.10,\"injected\":0}");
    buf_done(&b);
    fault_free(f);
}

static void a_glob_stands_for_what_it_should(void **state)
{
    static const struct {
        const char *glob, *id;
        bool fits;
    } rows[] = {
        {"*", "", true},        {"*", "a/b", true},       {"a*", "a", true},       {"a*", "ba", false},
        {"*a", "ba", true},     {"*a", "ab", false},      {"a*c", "abc", true},    {"a*c", "ac", true},
        {"a*c", "abcd", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"**", "x", true},
        {"*ab", "aab", true},   {"*aab*", "aaab", true},  {"a", "a", true},        {"a", "ab", false},
        {"a?", "ab", false},    {"*/m", "d/m", true},     {"*/m", "d/n/m", true},  {"edge-*", "edge-1/m", true},
    };

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        char text[64];
        struct fault *f;

        print_message("  %s: %s\n", rows[n].glob, rows[n].id);
        (void)snprintf(text, sizeof text, "{'type':'lose','on':'%s'}", rows[n].glob);
        f = read_ok(text);
        assert_int_equal(fault_covers(f, str_from(rows[n].id)), rows[n].fits);
        fault_free(f);
    }
}

static void a_rate_fills_up_to_a_second_and_no_more(void **state)
{
    struct fault *f = read_ok("{'type':'throttle','rate':2,'operation':'reported'}");
    int64_t now = 1000;
    size_t passed = 0;

    (void)state;
    for (int n = 0; n < 5; n++)
        passed += !fault_strikes(f, FAULT_REPORTED, STR("d"), STR(""), now);
    assert_int_equal(passed, 2);
    now += 60 * INT64_C(1000000);
    for (int n = 0; n < 5; n++)
        passed += !fault_strikes(f, FAULT_REPORTED, STR("d"), STR(""), now);
    assert_int_equal(passed, 4);
    now += 500000;
    assert_false(fault_strikes(f, FAULT_REPORTED, STR("d"), STR(""), now));
    assert_true(fault_strikes(f, FAULT_REPORTED, STR("d"), STR(""), now));
    assert_false(fault_strikes(f, FAULT_TWIN_GET, STR("d"), STR(""), now)); /* not asked for */
    fault_free(f);
}

static void chance_keeps_to_its_odds(void **state)
{
    static const int percent[] = {1, 10, 50, 90};

    (void)state;
    for (size_t n = 0; n < COUNT(percent); n++) {
        char text[128];
        struct fault *f;
        int struck = 0;

        (void)snprintf(text, sizeof text, "{'type':'lose','times':0,'probability':0.%02d,'seed':%zu}", percent[n], n);
        f = read_ok(text);
        for (int k = 0; k < 10000; k++)
            struck += fault_strikes(f, FAULT_DESIRED, STR("d"), STR(""), 2000);
        assert_in_range(struck, percent[n] * 100 - 200 > 50 ? percent[n] * 100 - 200 : 50, percent[n] * 100 + 200);
        assert_int_equal(f->injected, struck);
        assert_int_equal(f->seen, 10000);
        fault_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_fault_is_refused_and_says_what_would_fit),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(each_type_takes_each_operation_that_fits_and_no_other),
        cmocka_unit_test(a_fault_is_printed_as_it_was_given),
        cmocka_unit_test(a_glob_stands_for_what_it_should),
        cmocka_unit_test(a_rate_fills_up_to_a_second_and_no_more),
        cmocka_unit_test(chance_keeps_to_its_odds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
