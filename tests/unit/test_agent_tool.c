/* Does the agent run the programs it is given as promised: whatever the twin says, without a shell? facts S-33 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_machine.h"
#include "buf.h"
#include "tool.h"

/* Make a program for the agent to run. */
static const char *program_put(const char *name, const char *script)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", machine_path, name);
    machine_put(name, script);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

#define RESULT(text) "{\"description\":\"" text "\",\"cceid\":\"CCE-1\",\"result\":\"FAIL\",\"severity\":\"Critical\"}"
#define ENTRY(text)                                                                                                    \
    "{\"Description\":\"" text "\",\"CceId\":\"CCE-1\",\"Result\":\"FAIL\",\"Error\":\"\",\"Severity\":\"Critical\"}"

static void the_baseline_tool_tells_what_did_not_pass(void **state)
{
    struct collect_roots own = machine_roots;
    cJSON *payload = NULL;

    (void)state;
    assert_int_equal(collect_baseline(&own, NULL, true, &payload), RC_NOT_FOUND);
    own.baseline_tool = "/no/such/tool";
    assert_int_equal(collect_baseline(&own, NULL, true, &payload), RC_NOT_FOUND);
    own.baseline_tool =
        program_put("baseline", "#!/bin/sh\necho '{\"results\":[" RESULT("loose") ",{\"result\":\"Pass\"},5]}'\n");
    assert_int_equal(collect_baseline(&own, NULL, true, &payload), RC_OK);
    payload_is(payload, "[" ENTRY("loose") "]");
    own.baseline_tool = program_put("baseline", "#!/bin/sh\necho not JSON\n");
    assert_int_equal(collect_baseline(&own, NULL, true, &payload), RC_SYNTAX);
    own.baseline_tool = program_put("baseline", "#!/bin/sh\necho '{\"results\":[]}'; exit 3\n");
    assert_int_equal(collect_baseline(&own, NULL, true, &payload), RC_IO);
}

static void its_words_become_those_of_the_published_form(void **state)
{
    struct collect_roots own = machine_roots;
    cJSON *payload = NULL;

    (void)state;
    own.baseline_tool =
        program_put("baseline", "#!/bin/sh\necho '{\"results\":[{\"result\":\"FAIL\",\"severity\":\"warning\"},"
                                "{\"result\":\"oops\",\"severity\":\"odd\"},{\"result\":\"PASS\"}]}'\n");
    assert_int_equal(collect_baseline(&own, NULL, false, &payload), RC_OK);
    payload_is(
        payload,
        "[{\"Description\":\"\",\"CceId\":\"\",\"Result\":\"Fail\",\"Error\":\"\",\"Severity\":\"Warning\"},"
        "{\"Description\":\"\",\"CceId\":\"\",\"Result\":\"Err\",\"Error\":\"\",\"Severity\":\"Informational\"}]");
}

/* Whatever the twin says, it reaches the tool as one argument, and no shell on its way. facts S-33 */
static void hostile_paths_are_only_arguments(void **state)
{
    static const char *const hostile[] = {"/x; touch HIT", "$(touch HIT)", "`touch HIT`",   "a b\nc",
                                          "-rf",           "'\"\\",        "| touch HIT &", "\xff\xfe"};
    struct collect_roots own = machine_roots;
    char expected[256], hit[128];

    (void)state;
    (void)snprintf(hit, sizeof hit, "%s/HIT", machine_path);
    assert_int_equal(chdir(machine_path), 0);
    own.baseline_tool = program_put(
        "baseline", "#!/bin/sh\n[ \"$2\" ] && printf '%s|' \"$#\" \"$@\" >\"${0%/*}/said\"\necho '{\"results\":[]}'\n");
    for (size_t i = 0; i < COUNT(hostile); i++) {
        const struct collect_custom custom = {.path = hostile[i], .hash = hostile[COUNT(hostile) - 1 - i]};
        char said[256] = "";
        cJSON *payload = NULL;
        assert_int_equal(collect_baseline(&own, &custom, true, &payload), RC_OK);
        cJSON_Delete(payload);
        (void)collect_small(&machine_roots, "/said", said, sizeof said);
        (void)snprintf(expected, sizeof expected, "5|audit|--custom-checks-file|%s|--custom-checks-hash|%s|",
                       custom.path, custom.hash);
        assert_string_equal(said, expected);
        assert_int_equal(access(hit, F_OK), -1);
    }
}

static void a_tool_gets_no_secrets_and_no_more_time_than_it_should(void **state)
{
    const char *arguments[] = {program_put("tool", "#!/bin/sh\nenv\n"), NULL};
    struct buf out;

    (void)state;
    assert_int_equal(setenv("IOTHUB_DEVICE_CONNECTION_STRING", "secret", 1), 0);
    assert_int_equal(tool_run(arguments, 5000, &out), RC_OK);
    assert_non_null(strstr(out.at, "LC_ALL=C"));
    assert_null(strstr(out.at, "secret"));
    buf_done(&out);

    (void)program_put("tool", "#!/bin/sh\nsleep 100 &\nsleep 100\n");
    assert_int_equal(tool_run(arguments, 100, &out), RC_IO);
    buf_done(&out);
    (void)program_put("tool", "#!/bin/sh\nexec >&-\nsleep 100\n");
    assert_int_equal(tool_run(arguments, 100, &out), RC_IO);
    buf_done(&out);
    (void)program_put("tool", "#!/bin/sh\nwhile :; do echo 0123456789012345678901234567890123456789; done\n");
    assert_int_equal(tool_run(arguments, 30000, &out), RC_LIMIT);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_baseline_tool_tells_what_did_not_pass),
        cmocka_unit_test(its_words_become_those_of_the_published_form),
        cmocka_unit_test(hostile_paths_are_only_arguments),
        cmocka_unit_test(a_tool_gets_no_secrets_and_no_more_time_than_it_should),
    };

    return cmocka_run_group_tests(tests, machine_make, machine_remove);
}
