/* test_user_name.c - does user_name.h keep its promises, for every client that was ever heard on the wire? */
#include "feed.h"
#include "test.h"
#include "user_name.h"

#define H "myhub.azure-devices.net"

struct row {
    const char *text;
    const char *host, *device, *module;
    const char *api_version, *model_id, *client_type;
};

static void expect(const struct row *row)
{
    char *text = copy_exact(row->text, strlen(row->text));
    struct user_name name;

    print_message("  %s\n", row->text);
    assert_int_equal(user_name_read(str_of(text, strlen(row->text)), &name), RC_OK);
    assert_int_equal(name.kind, USER_NAME_DEVICE);
    assert_true(str_eq(name.host, str_from(row->host)));
    assert_true(str_eq(name.ident.device, str_from(row->device)));
    assert_true(str_eq(name.ident.module, str_from(row->module)));
    assert_int_equal(ident_is_module(name.ident), row->module != NULL);
    assert_true(str_eq(name.api_version, str_from(row->api_version)));
    assert_true(str_eq(name.model_id, str_from(row->model_id)));
    assert_true(str_eq(name.client_type, str_from(row->client_type)));
    assert_int_equal(name.policy.len, 0);
    free(text);
}

/* facts C-02, M-03, M-04, M-07, M-09 */
static void every_real_client_is_understood(void **state)
{
    static const struct row rows[] = {
        /* C SDK 1.14, device and module, with a model id */
        {H "/dev1/?api-version=2020-09-30&DeviceClientType=iothubclient%2f1.14.0%20(native%3b%20Linux%3b%20x86_64)", H,
         "dev1", NULL, "2020-09-30", NULL, "iothubclient%2f1.14.0%20(native%3b%20Linux%3b%20x86_64)"},
        {H "/dev1/mod1/?api-version=2020-09-30&DeviceClientType=product%20iothubclient%2f1.14.0%20(native%3b%20Linux)"
           "&model-id=dtmi%3acom%3aexample%3aThermostat%3b1",
         H, "dev1", "mod1", "2020-09-30", "dtmi%3acom%3aexample%3aThermostat%3b1",
         "product%20iothubclient%2f1.14.0%20(native%3b%20Linux)"},
        /* the C security agent, C SDK 1.3.4 */
        {H "/dev1/azureiotsecurity/"
           "?api-version=2017-11-08-preview&DeviceClientType=iothubclient%2f1.3.4%20(native%3b%20Linux%3b%20x86_64)",
         H, "dev1", "azureiotsecurity", "2017-11-08-preview", NULL,
         "iothubclient%2f1.3.4%20(native%3b%20Linux%3b%20x86_64)"},
        /* Node: a raw model id before DeviceClientType, product text glued behind the ')' */
        {H "/dev1/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.4%20(node%20v20.20.2%3B%20x64)mine",
         H, "dev1", NULL, "2021-04-12", NULL, "azure-iot-device%2F1.18.4%20(node%20v20.20.2%3B%20x64)mine"},
        {H "/dev1/mod1/?api-version=2021-04-12&model-id=dtmi:com:example:Thermostat;1"
           "&DeviceClientType=azure-iot-device%2F1.18.4%20(node)",
         H, "dev1", "mod1", "2021-04-12", "dtmi:com:example:Thermostat;1", "azure-iot-device%2F1.18.4%20(node)"},
        /* Node with a port in HostName: it goes into the user name, too */
        {H ":8883/dev1/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.4", H ":8883", "dev1", NULL,
         "2021-04-12", NULL, "azure-iot-device%2F1.18.4"},
        /* Python */
        {H "/dev1/?api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0%28python%29", H, "dev1",
         NULL, "2019-10-01", NULL, "azure-iot-device-iothub-py%2F2.14.0%28python%29"},
        {H "/dev1/mod1/?api-version=2020-09-30&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0"
           "&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1",
         H, "dev1", "mod1", "2020-09-30", "dtmi%3Acom%3Aexample%3AThermostat%3B1",
         "azure-iot-device-iothub-py%2F2.14.0"},
        /* embedded */
        {H "/dev1/?api-version=2020-09-30&DeviceClientType=azsdk-c%2F1.6.0-beta.1&model-id=dtmi%3Acom%3Aa%3B1", H,
         "dev1", NULL, "2020-09-30", "dtmi%3Acom%3Aa%3B1", "azsdk-c%2F1.6.0-beta.1"},
        /* Go: no '?'; its module form, too */
        {H "/dev1/api-version=2020-09-30", H, "dev1", NULL, "2020-09-30", NULL, NULL},
        {H "/dev1/api-version=2020-09-30&model-id=dtmi:a;1", H, "dev1", NULL, "2020-09-30", "dtmi:a;1", NULL},
        {H "/dev1/mod1/api-version=2018-06-30", H, "dev1", "mod1", "2018-06-30", NULL, NULL},
        /* 127.0.0.1 as the host, as twinsim's own connection strings have it */
        {"127.0.0.9/dev1/?api-version=2021-04-12", "127.0.0.9", "dev1", NULL, "2021-04-12", NULL, NULL},
        /* a client of a nested edge */
        {H "/leaf/?api-version=2021-04-12&auth-chain=leaf%3Bedge2%3Bedge1", H, "leaf", NULL, "2021-04-12", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(&rows[i]);
}

static void the_query_may_miss_come_in_any_order_or_say_unknown_things(void **state)
{
    static const struct row rows[] = {
        {H "/dev1", H, "dev1", NULL, NULL, NULL, NULL},
        {H "/dev1/mod1", H, "dev1", "mod1", NULL, NULL, NULL},
        {H "/dev1/?", H, "dev1", NULL, NULL, NULL, NULL},
        {H "/dev1/mod1/?", H, "dev1", "mod1", NULL, NULL, NULL},
        {H "/dev1/?x", H, "dev1", NULL, NULL, NULL, NULL},
        {H "/dev1/?&&=&api-version=1&", H, "dev1", NULL, "1", NULL, NULL},
        {H "/dev1/?model-id=m&x=y&DeviceClientType=t&api-version=1", H, "dev1", NULL, "1", "m", "t"},
        {H "/dev1/model-id=m&api-version=1", H, "dev1", NULL, "1", "m", NULL}, /* the older form, other order */
        {H "/dev1/mod1/model-id=m&api-version=1", H, "dev1", "mod1", "1", "m", NULL},
        {H "/dev1/?api-version=1&api-version=2", H, "dev1", NULL, "1", NULL, NULL}, /* the first one wins */
        {H "/dev1/?api-version=&api-version=2", H, "dev1", NULL, NULL, NULL, NULL},
        {H "/dev1/?API-VERSION=1&xapi-version=2", H, "dev1", NULL, NULL, NULL, NULL},
        {H "/dev1/?api-version=1=2", H, "dev1", NULL, "1=2", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(&rows[i]);
}

/* facts L-13: '?', '=', '%', '#' and friends are legal in ids */
static void ids_may_look_like_queries(void **state)
{
    static const struct row rows[] = {
        {H "/a?b/?api-version=1", H, "a?b", NULL, "1", NULL, NULL},
        {H "/?dev/?api-version=1", H, "?dev", NULL, "1", NULL, NULL},
        {H "/?dev/mod/?api-version=1", H, "?dev", "mod", "1", NULL, NULL},
        {H "/dev/?mod/?api-version=1", H, "dev", "?mod", "1", NULL, NULL},
        {H "/dev/?/?api-version=1", H, "dev", "?", "1", NULL, NULL},
        {H "/a=b/c=d/?api-version=1", H, "a=b", "c=d", "1", NULL, NULL},
        {H "/api-version=7/?api-version=1", H, "api-version=7", NULL, "1", NULL, NULL},
        {H "/d/api-version=7/?api-version=1", H, "d", "api-version=7", "1", NULL, NULL},
        {H "/50%25#1@x:y;z,$'(!)*+._-/%2F/?api-version=1", H, "50%25#1@x:y;z,$'(!)*+._-", "%2F", "1", NULL, NULL},
        {H "/d@sas.root.x/?api-version=1", H, "d@sas.root.x", NULL, "1", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(&rows[i]);
}

static void a_query_may_hold_raw_slashes(void **state)
{
    static const struct row rows[] = {
        {H "/dev1/?api-version=1&DeviceClientType=azure-iot-device/1.2 (a; b)", H, "dev1", NULL, "1", NULL,
         "azure-iot-device/1.2 (a; b)"},
        {H "/dev1/?DeviceClientType=a/1.2&api-version=1", H, "dev1", NULL, "1", NULL, "a/1.2"},
        {H "/dev1/mod1/?DeviceClientType=a/1.2/?x&api-version=1", H, "dev1", "mod1", "1", NULL, "a/1.2/?x"},
        {H "/dev1/?api-version=1&DeviceClientType=a/?b", H, "dev1", NULL, "1", NULL, "a/?b"},
        {H "/dev1/mod1/?model-id=dtmi:a/b;1&api-version=1", H, "dev1", "mod1", "1", "dtmi:a/b;1", NULL},
        {H "/dev1/api-version=1&model-id=a/b", H, "dev1", NULL, "1", "a/b", NULL},
        {H "/dev1/mod1/api-version=1&model-id=a/b", H, "dev1", "mod1", "1", "a/b", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(&rows[i]);
}

static void a_service_client_names_its_policy_and_its_hub(void **state)
{
    static const struct {
        const char *text, *policy, *hub;
    } rows[] = {
        {"service@sas.root.twinsim", "service", "twinsim"},
        {"iothubowner@sas.root.twinsim.azure-devices.test", "iothubowner", "twinsim.azure-devices.test"},
        {"a@b@sas.root.h", "a@b", "h"},
        {"a@sas.root.b@sas.root.c", "a", "b@sas.root.c"},
    };
    static const char *const bad[] = {"@sas.root.h", "service@sas.root.", "service@sas.root", "service@SAS.root.h",
                                      "service"};
    struct user_name name;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i].text);
        assert_int_equal(user_name_read(str_from(rows[i].text), &name), RC_OK);
        assert_int_equal(name.kind, USER_NAME_SERVICE);
        assert_true(str_eq(name.policy, str_from(rows[i].policy)));
        assert_true(str_eq(name.host, str_from(rows[i].hub)));
        assert_int_equal(name.ident.device.len, 0);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(user_name_read(str_from(bad[i]), &name), RC_SYNTAX);
}

static void what_names_nobody_is_refused_and_touches_nothing(void **state)
{
    static const char *const rows[] = {
        "",
        "dev1",
        "/",
        "//",
        "/dev1/?api-version=1",
        H "/",
        H "//?api-version=1",
        H "/?api-version=1",
        H "/?api-version=1&DeviceClientType=x",
        H "/?dev",
        H "/api-version=1",
        H "/dev1/",
        H "/dev1//?api-version=1",
        H "/dev1/mod1/",
        H "/dev1/mod1/x",
        H "/dev1/mod1/x/?api-version=1",
        H "/dev1/mod1/x/api-version=1",
        H "/dev 1/?api-version=1",
        H "/dev&1/?api-version=1",
        H "/dev1/mod 1/?api-version=1",
        H "/dev\xC3\xA9/?api-version=1",
    };
    struct user_name name, before;

    (void)state;
    memset(&before, 0xA5, sizeof before);
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("  %s\n", rows[i]);
        memcpy(&name, &before, sizeof name);
        assert_int_equal(user_name_read(str_from(rows[i]), &name), RC_SYNTAX);
        assert_memory_equal(&name, &before, sizeof name);
    }
}

static void read_any(struct str text)
{
    struct user_name name, before;

    memset(&before, 0xA5, sizeof before);
    memcpy(&name, &before, sizeof name);
    if (user_name_read(text, &name)) {
        assert_memory_equal(&name, &before, sizeof name);
        return;
    }
    assert_true(name.host.len > 0 && feed_is_inside(name.host, text));
    assert_true(feed_is_inside(name.policy, text));
    assert_true(feed_is_inside(name.ident.device, text) && feed_is_inside(name.ident.module, text));
    assert_true(feed_is_inside(name.api_version, text) && feed_is_inside(name.model_id, text));
    assert_true(feed_is_inside(name.client_type, text));
    if (name.kind == USER_NAME_SERVICE) {
        assert_true(name.policy.len > 0);
        return;
    }
    assert_true(ident_part_is_valid(name.ident.device));
    assert_true(!ident_is_module(name.ident) || ident_part_is_valid(name.ident.module));
}

static void any_bytes_are_refused_or_name_somebody_legal(void **state)
{
    static const char *const good[] = {
        H "/d/m/?api-version=2020-09-30&DeviceClientType=a%2f1&model-id=dtmi%3Aa%3B1",
        H "/d/api-version=2020-09-30",
        "service@sas.root.twinsim",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        feed_prefixes(str_from(good[i]), read_any);
        feed_mutations(str_from(good[i]), read_any);
    }
}

static void percent_decoding_leaves_bad_escapes_and_plus_alone(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"dtmi%3Acom%3aa%3B1", "dtmi:com:a;1"},
        {"a+b%20c", "a+b c"},
        {"%C3%A9", "\xC3\xA9"},
        {"%", "%"},
        {"%4", "%4"},
        {"%4g%g4%%41", "%4g%g4%A"},
        {"%2541", "%41"},
        {"100%", "100%"},
    };
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = copy_exact(rows[i].text, strlen(rows[i].text));

        buf_init(&out, 0);
        assert_int_equal(percent_decode(str_of(text, strlen(rows[i].text)), &out), RC_OK);
        assert_true(str_eq(buf_view(&out), str_from(rows[i].want)));
        buf_done(&out);
        free(text);
    }
    buf_init(&out, 3);
    assert_int_equal(percent_decode(STR("%41%42%43"), &out), RC_OK);
    assert_int_equal(percent_decode(STR("%44"), &out), RC_LIMIT);
    buf_done(&out);
    buf_init(&out, 0);
    assert_int_equal(percent_decode(STR("%00"), &out), RC_OK);
    assert_int_equal(out.len, 1);
    buf_done(&out);
}

static void what_was_encoded_decodes_to_itself(void **state)
{
    char bytes[256];
    struct buf encoded, decoded;

    (void)state;
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    buf_init(&encoded, 0);
    buf_init(&decoded, 0);
    buf_add_percent(&encoded, str_of(bytes, sizeof bytes), STR("/"));
    assert_int_equal(percent_decode(buf_view(&encoded), &decoded), RC_OK);
    assert_true(str_eq(buf_view(&decoded), str_of(bytes, sizeof bytes)));
    buf_done(&encoded);
    buf_done(&decoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_real_client_is_understood),
        cmocka_unit_test(the_query_may_miss_come_in_any_order_or_say_unknown_things),
        cmocka_unit_test(ids_may_look_like_queries),
        cmocka_unit_test(a_query_may_hold_raw_slashes),
        cmocka_unit_test(a_service_client_names_its_policy_and_its_hub),
        cmocka_unit_test(what_names_nobody_is_refused_and_touches_nothing),
        cmocka_unit_test(any_bytes_are_refused_or_name_somebody_legal),
        cmocka_unit_test(percent_decoding_leaves_bad_escapes_and_plus_alone),
        cmocka_unit_test(what_was_encoded_decodes_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
