/* test_cli_text.c - what the command line prints and names: events as lines, identities as file names. */
#include "test.h"

#include <stdio.h>

#include "identity_files.h"
#include "show.h"

static char *line_of(const char *json)
{
    cJSON *event = NULL;
    struct buf out;
    char *line;

    assert_int_equal(json_read(str_from(json), &event, NULL), RC_OK);
    buf_init(&out, 0);
    show_event(&out, event);
    line = buf_take(&out, NULL);
    cJSON_Delete(event);
    assert_non_null(line);
    return line;
}

static void an_event_is_one_line_with_time_identity_kind_and_the_rest(void **state)
{
    static const struct {
        const char *json, *line;
    } rows[] = {
        {"{\"seq\":7,\"time\":\"2030-01-01T23:07:43.123456Z\",\"mono_us\":1,\"kind\":\"reported\",\"device\":\"d\","
         "\"module\":\"m\",\"conn\":4,"
         "\"rid\":\"1\",\"status\":204,\"patch\":{\"a\":1.10}}",
         "23:07:43.123  d/m                          reported       rid=1 status=204 patch={\"a\":1.10}"},
        {"{\"seq\":1,\"time\":\"2030-01-01T00:00:00Z\",\"kind\":\"hub-ready\"}",
         "00:00:00      -                            hub-ready     "},
        {"{\"time\":\"2030-01-01T00:00:00.5Z\",\"kind\":\"refused\",\"userName\":\"a "
         "b\",\"reason\":\"x=\\u001b[2J\",\"empty\":\"\"}",
         "00:00:00.5    -                            refused        userName=\"a b\" reason=\"x=\\u001b[2J\" "
         "empty=\"\""},
        /* Who asked is nobody the hub knows: what the client calls itself stands for it, as a claim. */
        {"{\"time\":\"2030-01-01T00:00:00.5Z\",\"kind\":\"refused\",\"clientId\":\"ghost\",\"userName\":"
         "\"h/ghost/?api-version=2021-04-12\",\"reason\":\"r\"}",
         "00:00:00.5    ghost?                       refused        clientId=ghost "
         "userName=\"h/ghost/?api-version=2021-04-12\" reason=r"},
        {"{\"kind\":\"refused\",\"clientId\":\"\\u001b[2J\"}",
         "              \"\\u001b[2J\"?                 refused        clientId=\"\\u001b[2J\""},
        {"{\"kind\":\"refused\",\"clientId\":\"\"}",
         "              \"\"?                          refused        clientId=\"\""},
        {"{\"kind\":\"refused\",\"device\":\"d\",\"clientId\":\"e\"}",
         "              d                            refused        clientId=e"},
        {"{}", "              -                            ?             "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *line = line_of(rows[i].json);

        assert_string_equal(line, rows[i].line);
        free(line);
    }
}

static void a_long_event_is_cut_between_characters(void **state)
{
    char json[4096];
    int n = snprintf(json, sizeof json, "{\"kind\":\"k\",\"x\":\"");

    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        int at = n;
        char *line;
        struct str text;

        for (int i = 0; i < shift; i++)
            json[at++] = 'a';
        for (int i = 0; i < 600; i++) { /* two bytes each */
            json[at++] = (char)0xC3;
            json[at++] = (char)0xBC;
        }
        (void)snprintf(json + at, sizeof json - (size_t)at, "\"}");
        line = line_of(json);
        text = str_from(line);
        assert_true(text.len < 500);
        assert_true(str_ends(text, STR("\xC3\xBC\xE2\x80\xA6")));
        free(line);
    }
}

static void an_identity_has_one_file_name_that_any_file_system_takes(void **state)
{
    static const struct {
        const char *id, *name;
    } rows[] = {
        {"edge-1", "edge-1.json"},
        {"edge-1/azureiotsecurity", "edge-1%2Fazureiotsecurity.json"},
        {"a.b", "a%2Eb.json"},
        {"..", "%2E%2E.json"},
        {"it's+(50%)", "it%27s%2B%2850%25%29.json"},
    };
    char name[192], other[192], id[IDENT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        identity_file_name(str_from(rows[i].id), name);
        assert_string_equal(name, rows[i].name);
    }
    memset(id, 'x', sizeof id);
    identity_file_name(str_of(id, 150), name);
    assert_int_equal(strlen(name), 150 + 5);
    identity_file_name(str_of(id, 151), name);
    assert_int_equal(strlen(name), 150 + 1 + 16 + 5);
    identity_file_name(str_of(id, 152), other);
    assert_string_not_equal(name, other);
    /* SHA-256 of 151 times x */
    assert_string_equal(name + 150, "~8eb827e6964db1e2.json");
}

static void an_id_is_read_from_a_document_or_not(void **state)
{
    static const struct {
        const char *json, *id;
    } rows[] = {
        {"{\"deviceId\":\"d\"}", "d"},
        {"{\"deviceId\":\"d\",\"moduleId\":\"m\"}", "d/m"},
        {"{\"deviceId\":\"d\",\"moduleId\":\"\"}", "d"},
        {"{\"deviceId\":\"d/m\"}", NULL},
        {"{\"deviceId\":\"\"}", NULL},
        {"{\"deviceId\":1}", NULL},
        {"{\"moduleId\":\"m\"}", NULL},
        {"{\"deviceId\":\"d\",\"moduleId\":\"m n\"}", NULL},
        {"[]", NULL},
    };
    char id[IDENT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *doc = NULL;

        assert_int_equal(json_read(str_from(rows[i].json), &doc, NULL), RC_OK);
        assert_int_equal(talk_id_of(doc, id), rows[i].id != NULL);
        if (rows[i].id)
            assert_string_equal(id, rows[i].id);
        cJSON_Delete(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_with_time_identity_kind_and_the_rest),
        cmocka_unit_test(a_long_event_is_cut_between_characters),
        cmocka_unit_test(an_identity_has_one_file_name_that_any_file_system_takes),
        cmocka_unit_test(an_id_is_read_from_a_document_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
