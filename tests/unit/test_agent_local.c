/* Does the agent take its local settings from where it says, and name what is wrong with them? facts S-08, S-09 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "settings.h"
#include "settings_table.h"
#include "test.h"

#define KEY "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define CS  "IOTHUB_DEVICE_CONNECTION_STRING=HostName=127.0.0.9;DeviceId=edge-1;ModuleId=m;SharedAccessKey=" KEY

static char folder[] = "/tmp/test-agent-local-XXXXXX";
static char config_path[64], key_path[64];

static void file_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int folder_make(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(config_path, sizeof config_path, "%s/LocalConfiguration.json", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/module.key", folder);
    return 0;
}

static int folder_remove(void **state)
{
    (void)state;
    (void)unlink(config_path);
    (void)unlink(key_path);
    return rmdir(folder);
}

/* A good file; each test spoils one thing: what stands for old becomes new. */
static void config_write(const char *old, const char *new)
{
    static const char good[] =
        "{\"Configuration\":{\"AgentId\":\"7c1a4f0e\",\"TriggerdEventsInterval\":\"PT2M\",\"ConnectionTimeout\":"
        "\"PT30S\","
        "\"RemoteConfigurationObjectName\":\"object\",\"Authentication\":{\"Identity\":\"SecurityModule\","
        "\"AuthenticationMethod\":\"SasToken\",\"FilePath\":\"%s\",\"HostName\":\"hub.example\",\"DeviceId\":\"dev\"},"
        "\"Logging\":{\"SystemLoggerMinimumSeverity\":3},\"Extensions\":{\"Port\":8884,\"TokenLifetime\":\"PT10S\"}}}";
    char text[2048], spoilt[2048];
    const char *at;

    (void)snprintf(text, sizeof text, good, key_path);
    at = strstr(text, old);
    assert_non_null(at);
    (void)snprintf(spoilt, sizeof spoilt, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    file_write(config_path, spoilt);
    file_write(key_path, " " KEY " \r\nsecond line\n");
}

static bool load(const char *path, const char *const *environment, struct settings *s, struct failure *f)
{
    const struct settings_source source = {.config_path = path, .environment = environment};

    memset(f, 0, sizeof *f);
    return settings_load(&source, s, f);
}

static void the_file_in_the_real_agents_form_is_taken(void **state)
{
    const char *const environment[] = {"SECURITY_AGENT_LOG_SEVERITY=4", "PATH=/bin", NULL};
    struct settings s;
    struct failure f;

    (void)state;
    config_write("", "");
    assert_true(load(config_path, environment, &s, &f));
    assert_string_equal(s.agent_id, "7c1a4f0e");
    assert_string_equal(s.host_name, "hub.example");
    assert_string_equal(s.device_id, "dev");
    assert_string_equal(s.module_id, "azureiotsecurity");
    assert_string_equal(s.object_name, "object");
    assert_string_equal(s.key, KEY);
    assert_string_equal(settings_target(&s), "hub.example");
    assert_int_equal(s.port, 8884);
    assert_int_equal(s.token_lifetime_ms, 10000);
    assert_int_equal(s.trigger_interval_ms, 120000);
    assert_int_equal(s.backoff_base_ms, 100);
    assert_int_equal(s.log_severity, 4); /* the environment wins */
    settings_done(&s);
}

static void what_is_wrong_in_the_file_gets_the_real_agents_words(void **state)
{
    static const struct {
        const char *old, *new;
        enum failure_code code;
        enum failure_subcode subcode;
    } rows[] = {
        {"{\"Configuration\"", "{\"Configuration", FAILURE_LOCAL, FAILED_FORMAT},
        {"\"Configuration\"", "\"configuration\"", FAILURE_LOCAL, FAILED_MISSING},
        {"\"AgentId\":\"7c1a4f0e\",", "", FAILURE_LOCAL, FAILED_MISSING},
        {"\"7c1a4f0e\"", "\"\"", FAILURE_LOCAL, FAILED_MISSING},
        {"\"7c1a4f0e\"", "17", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"TriggerdEventsInterval", "TriggeredEventsInterval", FAILURE_LOCAL, FAILED_MISSING},
        {"PT30S", "30", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"\"object\"", "\"\"", FAILURE_LOCAL, FAILED_MISSING},
        {"SecurityModule", "securitymodule", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"SecurityModule", "DPS", FAILURE_LOCAL, FAILED_OTHER},
        {"\"SecurityModule\"", "1", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"SasToken", "SelfSignedCertificate", FAILURE_LOCAL, FAILED_OTHER},
        {"\"HostName\":\"hub.example\",", "", FAILURE_LOCAL, FAILED_MISSING},
        {"\"dev\"", "\"a/b\"", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"Severity\":3", "Severity\":5", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"8884", "0", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"\"Port\"", "\"Prot\"", FAILURE_LOCAL, FAILED_CANT_PARSE},
        {"module.key", "no-such.key", FAILURE_AUTHENTICATION, FAILED_NOT_EXIST},
        {"module.key", "LocalConfiguration.json", FAILURE_AUTHENTICATION, FAILED_FORMAT},
    };
    const char *const environment[] = {NULL};
    struct settings s;
    struct failure f;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        config_write(rows[i].old, rows[i].new);
        if (load(config_path, environment, &s, &f) || f.code != rows[i].code || f.subcode != rows[i].subcode)
            fail_msg("%s -> %s: %s / %s: %s", rows[i].old, rows[i].new, failure_code_text(f.code),
                     failure_subcode_text(f.subcode), f.detail);
        assert_null(strstr(f.detail, KEY));
    }
    assert_false(load("/no/such/file", environment, &s, &f));
    assert_int_equal(f.code, FAILURE_LOCAL);
    assert_int_equal(f.subcode, FAILED_NOT_EXIST);
    config_write("", "");
    file_write(key_path, "not base64!\n");
    assert_false(load(config_path, environment, &s, &f));
    assert_int_equal(f.subcode, FAILED_FORMAT);
}

static void a_connection_string_is_enough(void **state)
{
    const char *const environment[] = {CS ";GatewayHostName=127.0.0.1", NULL};
    struct settings first, second;
    struct failure f;

    (void)state;
    assert_true(load(NULL, environment, &first, &f));
    assert_string_equal(first.module_id, "m");
    assert_string_equal(first.host_name, "127.0.0.9");
    assert_string_equal(settings_target(&first), "127.0.0.1");
    assert_string_equal(first.object_name, SETTINGS_OBJECT_NAME);
    assert_int_equal(first.port, 8883);
    assert_int_equal(strlen(first.agent_id), 36);
    assert_true(load(NULL, environment, &second, &f));
    assert_string_equal(first.agent_id, second.agent_id);
    settings_done(&first);
    settings_done(&second);
}

static void a_bad_environment_is_refused(void **state)
{
    static const struct {
        const char *variables[3];
        enum failure_code code;
        enum failure_subcode subcode;
    } rows[] = {
        {{NULL}, FAILURE_LOCAL, FAILED_MISSING},
        {{"IOTHUB_DEVICE_CONNECTION_STRING="}, FAILURE_LOCAL, FAILED_MISSING},
        {{"IOTHUB_DEVICE_CONNECTION_STRING=HostName=h;DeviceId=d;SharedAccessKey=" KEY}, FAILURE_LOCAL, FAILED_MISSING},
        {{"IOTHUB_DEVICE_CONNECTION_STRING=HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=???"},
         FAILURE_AUTHENTICATION,
         FAILED_FORMAT},
        {{CS, "SECURITY_AGENT_TOKEN_LIVETIME=PT1H"}, FAILURE_LOCAL, FAILED_CANT_PARSE},
        {{CS, "SECURITY_AGENT_TOKEN_LIFETIME=1h"}, FAILURE_LOCAL, FAILED_CANT_PARSE},
        {{CS, "SECURITY_AGENT_RENEWAL_PERCENT=100"}, FAILURE_LOCAL, FAILED_CANT_PARSE},
        {{CS, "SECURITY_AGENT_KEEP_ALIVE=-1"}, FAILURE_LOCAL, FAILED_CANT_PARSE},
        {{CS, "SSL_CERT_FILE=/no/such.pem"}, FAILURE_LOCAL, FAILED_NOT_EXIST},
    };
    struct settings s;
    struct failure f;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (load(NULL, rows[i].variables, &s, &f) || f.code != rows[i].code || f.subcode != rows[i].subcode)
            fail_msg("row %zu: %s / %s: %s", i, failure_code_text(f.code), failure_subcode_text(f.subcode), f.detail);
}

static void the_command_line_knows_its_words(void **state)
{
    const char *good[] = {"agent", "--config", "a.json", "--ca", "b.pem"};
    const char *bad[][2] = {{"agent", "--conf"}, {"agent", "--config"}, {"agent", "file"}, {"agent", "--ca"}};
    struct options o;
    const char *culprit = "";

    (void)state;
    assert_int_equal(options_parse(5, good, &o, &culprit), RC_OK);
    assert_string_equal(o.config_path, "a.json");
    assert_string_equal(o.ca_path, "b.pem");
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(options_parse(2, bad[i], &o, &culprit), RC_INVALID);
        assert_string_equal(culprit, bad[i][1]);
    }
}

/* Each setting stands in the manual as it stands in the table. */
static void the_manual_has_every_setting(void **state)
{
    FILE *file = fopen(MANUAL, "re");
    char manual[65536], row[1024];
    size_t n;

    (void)state;
    assert_non_null(file);
    n = fread(manual, 1, sizeof manual - 1, file);
    assert_int_equal(fclose(file), 0);
    manual[n] = '\0';
    for (size_t i = 0; i < settings_rows; i++) {
        const struct setting *s = &settings_table[i];
        const char *tick = s->preset && *s->preset ? "`" : "";
        const char *preset = !s->preset ? "none" : *s->preset ? s->preset : "empty";
        (void)snprintf(row, sizeof row, "\n| `%s` | `%s` | %s%s%s | %s |\n", s->env, s->place, tick, preset, tick,
                       s->help);
        if (!strstr(manual, row))
            fail_msg("not in the manual:%s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_has_every_setting),
        cmocka_unit_test(the_file_in_the_real_agents_form_is_taken),
        cmocka_unit_test(what_is_wrong_in_the_file_gets_the_real_agents_words),
        cmocka_unit_test(a_connection_string_is_enough),
        cmocka_unit_test(a_bad_environment_is_refused),
        cmocka_unit_test(the_command_line_knows_its_words),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
