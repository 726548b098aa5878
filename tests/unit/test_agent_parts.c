/* The small pure parts of the agent: topics, tokens, pauses, connection strings, JSON. */
#include "backoff.h"
#include "buf.h"
#include "connection_string.h"
#include "json.h"
#include "sas.h"
#include "test.h"
#include "topic.h"

#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static enum rc topic_exact(const char *text, struct topic *out)
{
    char *copy = copy_exact(text, strlen(text));
    enum rc rc = topic_parse(str_of(copy, strlen(text)), out);

    free(copy);
    return rc;
}

static void the_hubs_topics_are_understood(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        enum topic_kind kind;
        int64_t status;
        uint32_t rid;
    } rows[] = {
        {"$iothub/twin/res/200/?$rid=7", RC_OK, TOPIC_ANSWER, 200, 7},
        {"$iothub/twin/res/204/?$rid=4294967295&$version=2", RC_OK, TOPIC_ANSWER, 204, 4294967295u},
        {"$iothub/twin/res/429/?$version=2&$rid=8", RC_OK, TOPIC_ANSWER, 429, 8},
        {"$iothub/twin/res/200/?$rid=4294967296", RC_OK, TOPIC_ANSWER, 200, 0},
        {"$iothub/twin/res/200/?$rid=7a", RC_OK, TOPIC_ANSWER, 200, 0},
        {"$iothub/twin/res/200/?$rid=", RC_OK, TOPIC_ANSWER, 200, 0},
        {"$iothub/twin/res/200/", RC_OK, TOPIC_ANSWER, 200, 0},
        {"$iothub/twin/res/200", RC_OK, TOPIC_ANSWER, 200, 0},
        {"$iothub/twin/res/ok/?$rid=7", RC_SYNTAX, 0, 0, 0},
        {"$iothub/twin/res/1000/?$rid=7", RC_SYNTAX, 0, 0, 0},
        {"$iothub/twin/res/", RC_SYNTAX, 0, 0, 0},
        {"$iothub/twin/PATCH/properties/desired/?$version=3", RC_OK, TOPIC_DESIRED, 0, 0},
        {"$iothub/methods/POST/x/?$rid=1", RC_NOT_OURS, 0, 0, 0},
        {"devices/d/messages/devicebound/", RC_NOT_OURS, 0, 0, 0},
        {"", RC_NOT_OURS, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct topic got = {0};
        if (topic_exact(rows[i].text, &got) != rows[i].rc || got.kind != rows[i].kind || got.status != rows[i].status ||
            got.rid != rows[i].rid)
            fail_msg("%s", rows[i].text);
    }
}

/* facts A-01 */
static void tokens_are_signed_like_the_published_vector(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(sas_token(str_from("myhub.azure-devices.net"), str_from("dev1"), str_from("mod1"), str_from(KEY),
                               1893456000, &out),
                     RC_OK);
    assert_string_equal(out.at, "SharedAccessSignature sr=myhub.azure-devices.net%2Fdevices%2Fdev1%2Fmodules%2Fmod1"
                                "&sig=%2F5aAET7149MkuqorgSzpJA6cvpvox9GNAQnyIYJXju4%3D&se=1893456000");
    buf_done(&out);
    buf_init(&out, 4096);
    assert_int_equal(sas_sign(str_from("myhub.azure-devices.net/devices/dev1"), str_from(KEY), 1893456000, &out),
                     RC_OK);
    assert_string_equal(out.at, "HenFdM/DE+vK7Pk3+y/jZAJe6lpy5tBLFv1x9HbW+Fs=");
    buf_done(&out);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    assert_int_equal(sas_key_check(str_from(KEY)), RC_OK);
    assert_int_equal(sas_key_check(str_from("QQ==")), RC_OK);
    assert_int_equal(sas_key_check(str_from("")), RC_LIMIT);
    assert_int_equal(sas_key_check(str_from("QQ=")), RC_SYNTAX);
    assert_int_equal(sas_key_check(str_from("QQ=Q")), RC_SYNTAX);
    assert_int_equal(sas_key_check(str_from("====")), RC_SYNTAX);
    assert_int_equal(sas_key_check(str_from("Q Q=")), RC_SYNTAX);
    assert_int_equal(sas_key_check(str_from(KEY KEY KEY)), RC_LIMIT);
}

static void pauses_double_up_to_the_ceiling_and_start_over(void **state)
{
    static const int64_t steps[] = {100, 200, 400, 800, 1000, 1000};
    struct backoff b;

    (void)state;
    backoff_init(&b, 100, 1000);
    for (size_t i = 0; i < COUNT(steps); i++)
        assert_int_equal(backoff_next(&b, 0), steps[i]);
    backoff_reset(&b);
    assert_in_range(backoff_next(&b, UINT32_MAX), 75, 76);
    assert_in_range(backoff_next(&b, UINT32_MAX / 2), 175, 176);
}

static void connection_strings_are_split_at_the_first_equals_sign(void **state)
{
    struct connection_string cs;
    const char *culprit = "";

    (void)state;
    assert_int_equal(connection_string_parse(str_from("HostName=127.0.0.9;DeviceId=d=1;ModuleId=m;SharedAccessKey=" KEY
                                                      ";GatewayHostName=gw;"),
                                             &cs, &culprit),
                     RC_OK);
    assert_true(str_is(cs.host, "127.0.0.9"));
    assert_true(str_is(cs.device, "d=1"));
    assert_true(str_is(cs.module, "m"));
    assert_true(str_is(cs.key, KEY));
    assert_true(str_is(cs.gateway, "gw"));
}

static void a_bad_connection_string_names_its_culprit(void **state)
{
    static const struct {
        const char *text;
        enum rc rc;
        const char *culprit;
    } rows[] = {
        {"", RC_NOT_FOUND, "HostName"},
        {"HostName=h;DeviceId=d;SharedAccessKey=k", RC_NOT_FOUND, "ModuleId"},
        {"HostName=h;DeviceId=;ModuleId=m;SharedAccessKey=k", RC_NOT_FOUND, "DeviceId"},
        {"HostName=h;HostName=i;DeviceId=d;ModuleId=m;SharedAccessKey=k", RC_SYNTAX, "HostName"},
        {"hostname=h;DeviceId=d;ModuleId=m;SharedAccessKey=k", RC_INVALID, "an unknown member"},
        {"HostName=h;DeviceId=d;ModuleId=m;x509=true", RC_INVALID, "an unknown member"},
        {"HostName", RC_NOT_FOUND, "HostName"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct connection_string cs;
        const char *culprit = "";
        assert_int_equal(connection_string_parse(str_from(rows[i].text), &cs, &culprit), rows[i].rc);
        assert_string_equal(culprit, rows[i].culprit);
    }
}

static void json_is_read_strictly(void **state)
{
    static const char *const refused[] = {
        "",        " ",   "{", "{} x", "{\"a\":1,\"a\":2}", "{\"x\":[{\"b\":1,\"c\":2,\"b\":3}]}", "\"\\u0000\"",
        "{'a':1}", "[1,]"};
    static const char *const taken[] = {"{}", " [1,2.5,null] \n", "{\"a\":1,\"A\":2}", "\"text\"", "-1e3"};
    cJSON *root = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        char *copy = copy_exact(refused[i], strlen(refused[i]));
        assert_int_equal(json_parse(str_of(copy, strlen(refused[i])), &root), RC_SYNTAX);
        free(copy);
    }
    assert_int_equal(json_parse(str_of("1\0", 2), &root), RC_SYNTAX);
    assert_null(root);
    for (size_t i = 0; i < COUNT(taken); i++) {
        char *copy = copy_exact(taken[i], strlen(taken[i]));
        assert_int_equal(json_parse(str_of(copy, strlen(taken[i])), &root), RC_OK);
        free(copy);
        cJSON_Delete(root);
    }
}

static void buffers_stop_at_their_ceiling_and_stay_stopped(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_text(&b, "1234");
    buf_text(&b, "56");
    buf_text(&b, "7");
    assert_int_equal(b.rc, RC_LIMIT);
    assert_string_equal(b.at, "1234");
    assert_null(buf_take(&b));
    buf_done(&b);
    buf_init(&b, 64);
    buf_percent(&b, str_of("a/b c~\xff\0", 8));
    assert_string_equal(b.at, "a%2Fb%20c~%FF%00");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hubs_topics_are_understood),
        cmocka_unit_test(tokens_are_signed_like_the_published_vector),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(pauses_double_up_to_the_ceiling_and_start_over),
        cmocka_unit_test(connection_strings_are_split_at_the_first_equals_sign),
        cmocka_unit_test(a_bad_connection_string_names_its_culprit),
        cmocka_unit_test(json_is_read_strictly),
        cmocka_unit_test(buffers_stop_at_their_ceiling_and_stay_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
