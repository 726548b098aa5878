/* A scenario file: read as a whole or refused with a place for every problem, whatever bytes it holds. */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "files.h"
#include "scenario.h"

static const char twelve_lines[] =
    "{ \"$schema\": \"../schema/scenario.schema.json\",\n"
    "  \"name\": \"a change made while the agent is away is applied when it is back\",\n"
    "  \"identities\": { \"edge-1/azureiotsecurity\": { \"twin\": {\"properties\":{\"desired\":{}}} } },\n"
    "  \"agent\": { \"as\": \"edge-1/azureiotsecurity\" },\n"
    "  \"steps\": [\n"
    "    { \"expect\": \"reported\", \"match\": { \"config.highPriorityMessageFrequency\": \"PT7M\" }, \"within\": "
    "\"5s\" },\n"
    "    { \"fault\": \"disconnect\" }, // and it comes back\n"
    "    { \"desired\": { \"config.highPriorityMessageFrequency\": \"PT2M\" } },\n"
    "    { \"expect\": \"reported\", \"match\": { \"config.highPriorityMessageFrequency\": \"PT2M\" }, \"within\": "
    "\"5s\" } ],\n"
    "  \"aliases\": { \"config.*\": \"ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.*.value\" } }\n";

/* A file in a folder of its own. */
struct folder {
    char dir[64], file[96];
};

static void folder_init(struct folder *f)
{
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/twinsim-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->file, sizeof f->file, "%s/s.jsonc", f->dir);
}

static void folder_done(struct folder *f)
{
    (void)unlink(f->file);
    assert_int_equal(rmdir(f->dir), 0);
}

static enum rc read_text(struct folder *f, struct str text, struct problems *problems, struct scenario **out)
{
    assert_int_equal(file_write(f->file, text, 0600, false), RC_OK);
    problems_init(problems);
    *out = NULL;
    return scenario_read(f->file, 0, problems, out);
}

static void the_twelve_line_form_is_read(void **state)
{
    struct folder f;
    struct problems problems;
    struct scenario *s;
    struct buf line;

    (void)state;
    folder_init(&f);
    assert_int_equal(read_text(&f, STR(twelve_lines), &problems, &s), RC_OK);
    assert_int_equal(problems.count, 0);
    assert_string_equal(s->name, "a change made while the agent is away is applied when it is back");
    assert_int_equal(s->steps.count, 4);
    assert_int_equal(s->steps.at[0].type, STEP_EXPECT);
    assert_int_equal(s->steps.at[1].type, STEP_FAULT);
    assert_int_equal(s->timeout_us, SCENARIO_TIMEOUT_US);
    buf_init(&line, 0);
    step_print(&line, &s->steps.at[0]);
    assert_string_equal(line.at, "expect reported {\"config.highPriorityMessageFrequency\":\"PT7M\"} within 5s");
    buf_done(&line);
    scenario_free(s);
    problems_done(&problems);
    folder_done(&f);
}

static void every_mistake_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *want; /* what stands behind "file:" on the first line told */
    } rows[] = {
        {"", "1:1: "},
        {"[]", "1:1: a scenario is an object"},
        {"{\"name\":\"n\"}", "1:1: a scenario needs 'steps'"},
        {"{\"name\":\"\",\"steps\":[{\"wait\":\"1s\"}]}", "1:9: 'name' is a text, not empty"},
        {"{\"name\":\"n\",\"steps\":[]}", "1:21: there is no step"},
        {"{\"name\":\"n\",\n\"stps\":[]}", "2:1: a scenario has no 'stps'; did you mean 'steps'?"},
        {"{\"name\":\"n\",\"steps\":[{\"wiat\":\"1s\"}]}", "1:23: no step is called 'wiat'; did you mean 'wait'?"},
        {"{\"name\":\"n\",\"steps\":[{}]}", "1:22: this step does nothing"},
        {"{\"name\":\"n\",\"steps\":[{\"wait\":\"soon\"}]}", "1:30: 'wait' is a duration"},
        {"{\"name\":\"n\",\"steps\":[{\"wait\":\"1s\",\"withn\":\"1s\"}]}", "1:35: 'wait' takes no 'withn'"},
        {"{\"name\":\"n\",\"steps\":[{\"wait\":\"1s\",\"kill\":\"hub\"}]}",
         "1:35: a step does one thing: 'wait' or 'kill'?"},
        {"{\"name\":\"n\",\"steps\":[{\"expect\":\"reportd\"}]}", "1:32: 'reportd' is no kind of event"},
        {"{\"name\":\"n\",\"steps\":[{\"expect\":\"reported\",\"on\":\"d\",\"count\":0}]}",
         "1:60: 'count' is a number from 1 to 10000"},
        {"{\"name\":\"n\",\"each\":[],\"steps\":[{\"wait\":\"1s\"}]}", "1:20: 'each' is a list of rows, not empty"},
        {"{\"name\":\"n\",\"each\":[{\"a\":1},{}],\"steps\":[{\"wait\":\"1s\"}]}",
         "1:29: a row of 'each' is an object of variables"},
        {"{\"name\":\"n\",\"each\":[{\"a\":1},{\"b\":1}],\"steps\":[{\"wait\":\"1s\"}]}",
         "1:29: this row of 'each' has no 'a', as the first one has"},
        {"{\"name\":\"n\",\"each\":[{\"a\":1},{\"a\":1,\"b\":1}],\"steps\":[{\"wait\":\"1s\"}]}",
         "1:36: the first row of 'each' has no 'b'"},
        {"{\"name\":\"n\",\"steps\":[{\"do\":\"x\"}]}",
         "1:28: no block is called 'x'; blocks come from a file that 'include' names"},
        {"{\"name\":\"n\",\"include\":[\"no.json\"],\"steps\":[{\"wait\":\"1s\"}]}",
         "1:24: cannot read no.json: No such file or directory"},
        {"{\"name\":\"n\",\"steps\":[{\"kill\":\"broker\"}]}", "1:30: 'broker' is no target (agent or hub)"},
        {"{\"name\":\"n\",\"steps\":[{\"never\":\"telemetry\"}]}", "1:22: 'never' needs 'for'"},
        {"{\"name\":\"n\",\"steps\":[{\"desired\":{\"a\":1}}]}", "1:22: whom does this act on?"},
        {"{\"name\":\"n\",\"steps\":[{\"message\":\"hi\"}]}", "1:22: whom does this act on?"},
        {"{\"name\":\"n\",\"steps\":[{\"method\":\"m\"}]}", "1:22: whom does this act on?"},
        {"{\"name\":\"n\",\"steps\":[{\"exit\":0}]}", "1:22: this scenario has no agent"},
        {"{\"name\":\"n\",\"steps\":[{\"exec\":\"ls 'x\"}]}", "1:30: 'exec' is a program and its arguments"},
        {"{\"name\":\"n\",\"steps\":[{\"exec\":\"ls ${nosuch}\"}]}", "1:30: no variable is called 'nosuch'"},
        {"{\"name\":\"n\",\"vars\":{\"port\":1},\"steps\":[{\"wait\":\"1s\"}]}", "1:21: 'port' is given by the runner"},
        {"{\"name\":\"n\",\"vars\":{\"speed\":1},\"steps\":[{\"wait\":\"${spead}\"}]}",
         "1:49: no variable is called 'spead' at this point; did you mean 'speed'?"},
        {"{\"name\":\"n\",\"agent\":{\"command\":\"a\"},\"steps\":[{\"wait\":\"1s\"}]}", "1:21: the agent needs 'as'"},
        {"{\"name\":\"n\",\"agent\":{\"as\":\"a/b\",\"files\":{\"../x\":\"\"}},\"steps\":[{\"wait\":\"1s\"}]}",
         "1:42: '../x' does not stay in ${work}"},
        {"{\"name\":\"n\",\"identities\":{\"a b\":{}},\"steps\":[{\"wait\":\"1s\"}]}", "1:27: 'a b' is no identity"},
        {"{\"name\":\"n\",\"identities\":{\"a\":{\"twin\":\"no.json\"}},\"steps\":[{\"wait\":\"1s\"}]}",
         "1:39: cannot read no.json: No such file or directory"},
        /* one line a problem, whatever a name holds */
        {"{\"name\":\"n\",\"ste\\nps\\u001b\":[]}", "1:29: a scenario has no 'ste\\nps\\u001b'"},
        {"{\"name\":\"n\",\"identities\":{\"a/m\":{\"status\":\"disabled\"}},\"steps\":[{\"wait\":\"1s\"}]}",
         "1:34: a module has no status of its own"},
        {"{\"name\":\"n\",\"aliases\":{\"a.*\":\"b.*.*\"},\"steps\":[{\"wait\":\"1s\"}]}",
         "1:30: the alias 'a.*': one '*'"},
        {"{\"name\":\"n\",\"aliases\":{\"a\":\"b.c\"},\"agent\":{\"as\":\"d\"},\"steps\":[{\"desired\":{\"a\":1,\"b\":{"
         "\"c\":2}}}]}",
         "1:81: 'b' stands for a place that was given already"},
        {"{\"name\":\"n\",\"agent\":{\"as\":\"d\"},\"steps\":[{\"twin\":{\"reportd\":{}}}]}",
         "1:50: a twin has desired, reported and tags, but no 'reportd'; did you mean 'reported'?"},
        {"{\"name\":\"n\",\"agent\":{\"as\":\"d\"},\"steps\":[{\"expect\":\"connected\",\"save\":{\"x\":\"$.conn\"}},"
         "{\"exec\":\"echo ${x} ${y}\"}]}",
         "1:94: no variable is called 'y'"},
        {"{\"name\":\"n\",\"hub\":{\"durability\":\"solid\"},\"steps\":[{\"wait\":\"1s\"}]}",
         "1:33: 'solid' is no durability (memory, process or power)"},
        {"{\"name\":\"n\",\"agent\":{\"as\":\"d\"},\"steps\":[{\"desired\":{},\"refused\":200}]}",
         "1:65: a refusal is a status"},
    };
    struct folder f;

    (void)state;
    folder_init(&f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct problems problems;
        struct scenario *s;
        char want[256];

        assert_int_equal(read_text(&f, str_from(rows[i].text), &problems, &s), RC_SYNTAX);
        assert_null(s);
        (void)snprintf(want, sizeof want, "%s:%s", f.file, rows[i].want);
        if (!str_starts(buf_view(&problems.lines), str_from(want)))
            fail_msg("%s\n  wanted %s\n  told   %s", rows[i].text, want, problems.lines.at);
        problems_done(&problems);
    }
    folder_done(&f);
}

static void a_table_stands_for_a_scenario_each_row(void **state)
{
    static const char text[] =
        "{\"name\":\"n\",\"vars\":{\"a\":0,\"c\":3},\"each\":[{\"a\":\"P1W\",\"b\":1},{\"b\":2,\"a\":7}],"
        "\"steps\":[{\"exec\":\"echo ${a} ${b} ${c}\"}]}";
    static const struct {
        const char *name, *vars;
    } rows[] = {
        {"n [1: P1W]", "{\"a\":\"P1W\",\"b\":1,\"c\":3}"},
        {"n [2: 2]", "{\"b\":2,\"a\":7,\"c\":3}"},
    };
    struct folder f;

    (void)state;
    folder_init(&f);
    assert_int_equal(file_write(f.file, STR(text), 0600, false), RC_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct problems problems;
        struct scenario *s = NULL;
        struct buf vars;

        problems_init(&problems);
        assert_int_equal(scenario_read(f.file, i, &problems, &s), RC_OK);
        assert_int_equal(s->n_rows, COUNT(rows));
        assert_string_equal(s->name, rows[i].name);
        buf_init(&vars, 0);
        json_print(&vars, s->vars);
        assert_string_equal(vars.at, rows[i].vars);
        buf_done(&vars);
        scenario_free(s);
        problems_done(&problems);
    }
    folder_done(&f);
}

static void a_file_that_is_not_there_is_a_problem_too(void **state)
{
    struct problems problems;
    struct scenario *s = NULL;

    (void)state;
    problems_init(&problems);
    assert_int_equal(scenario_read("/nonexistent/s.jsonc", 0, &problems, &s), RC_SYNTAX);
    assert_string_equal(problems.lines.at, "/nonexistent/s.jsonc:1:1: cannot be read: No such file or directory\n");
    problems_done(&problems);
}

/* Cut a good file anywhere, and change any byte: it is read or refused, never worse. */
static void damage_is_refused_or_read_but_never_worse(void **state)
{
    struct folder f;
    size_t len = sizeof twelve_lines - 1;

    (void)state;
    folder_init(&f);
    for (size_t n = 0; n < 2 * len; n++) {
        char *text = copy_exact(twelve_lines, n < len ? n : len);
        struct problems problems;
        struct scenario *s;
        enum rc rc;

        if (n >= len)
            text[n - len] = (char)(text[n - len] ^ (1 << n % 8));
        rc = read_text(&f, str_of(text, n < len ? n : len), &problems, &s);
        assert_true(rc == RC_OK || rc == RC_SYNTAX);
        assert_int_equal(rc == RC_OK, s != NULL);
        assert_int_equal(rc == RC_OK, problems.count == 0);
        if (n + 2 < len)
            assert_int_equal(rc, RC_SYNTAX);
        scenario_free(s);
        problems_done(&problems);
        free(text);
    }
    folder_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twelve_line_form_is_read),
        cmocka_unit_test(every_mistake_is_told_with_its_place),
        cmocka_unit_test(a_table_stands_for_a_scenario_each_row),
        cmocka_unit_test(a_file_that_is_not_there_is_a_problem_too),
        cmocka_unit_test(damage_is_refused_or_read_but_never_worse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
