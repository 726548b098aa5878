/* What an agent writes is kept to an end and masked; the processes it makes are found and ended; files are found in order. */
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_process.h"
#include "descendants.h"
#include "mask.h"
#include "report.h"
#include "scenario_files.h"

static void the_end_of_a_stream_is_kept_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {1, 7, 4096, TAIL_KEPT - 1, TAIL_KEPT, TAIL_KEPT + 1, 3 * TAIL_KEPT};

    (void)state;
    for (size_t p = 0; p < COUNT(pieces); p++) {
        struct tail t;
        uint64_t written = 0;

        assert_int_equal(tail_init(&t), RC_OK);
        while (written < 5 * TAIL_KEPT) {
            char *piece = malloc(pieces[p]);
            uint64_t from = 0;
            struct str held;

            for (size_t i = 0; i < pieces[p]; i++)
                piece[i] = (char)('a' + (written + i) % 23);
            tail_add(&t, str_of(piece, pieces[p]));
            free(piece);
            written += pieces[p];
            assert_int_equal(t.total, written);
            if (pieces[p] < 4096 && written % 4099 > 8)
                continue; /* looking at every byte takes too long */
            held = tail_from(&t, &from);
            assert_int_equal(held.len, written < TAIL_KEPT ? written : TAIL_KEPT);
            assert_int_equal(from, written - held.len);
            for (size_t i = 0; i < held.len; i++)
                if (held.at[i] != (char)('a' + (from + i) % 23))
                    fail_msg("byte %zu of %zu after %llu", i, held.len, (unsigned long long)written);
        }
        tail_done(&t);
    }
}

static void whole_lines_of_the_end_are_shown(void **state)
{
    struct tail t;
    uint64_t from = 4;

    (void)state;
    assert_int_equal(tail_init(&t), RC_OK);
    assert_int_equal(tail_lines(&t, 100).len, 0);
    tail_add(&t, STR("one\ntwo\nthree\n"));
    assert_true(str_eq(tail_lines(&t, 100), STR("one\ntwo\nthree")));
    assert_true(str_eq(tail_lines(&t, 10), STR("two\nthree")));
    assert_true(str_eq(tail_lines(&t, 8), STR("three")));
    assert_true(str_eq(tail_lines(&t, 2), STR("ee"))); /* a line longer than the room */
    assert_true(str_eq(tail_from(&t, &from), STR("two\nthree\n")));
    from = 100;
    assert_int_equal(tail_from(&t, &from).len, 0);
    tail_done(&t);
}

static void secrets_are_masked_and_nothing_else(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"HostName=h;SharedAccessKey=abc=;DeviceId=d", "HostName=h;SharedAccessKey=***;DeviceId=d"},
        {"SharedAccessKey=abc", "SharedAccessKey=***"},
        {"SharedAccessKeyName=iothubowner", "SharedAccessKeyName=iothubowner"},
        {"SharedAccessKey=", "SharedAccessKey="},
        {"sr=h&sig=a%2Fb&se=1", "sr=h&sig=***&se=1"},
        {"\"sig=a\" 'sig=b'", "\"sig=***\" 'sig=***'"},
        {"design=sig=x", "design=sig=***"},
        {"key: 0123456789abcdef.", "key: ***."},
        {"0123456789abcdef0123456789abcdef", "******"},
        {"0123456789abcde", "0123456789abcde"},
    };
    struct masks masks;

    (void)state;
    masks_init(&masks);
    assert_int_equal(masks_add(&masks, "0123456789abcdef"), RC_OK);
    assert_int_equal(masks_add(&masks, "0123456789abcdef"), RC_OK);
    assert_int_equal(masks_add(&masks, "short"), RC_OK);
    assert_int_equal(masks_add(&masks, NULL), RC_OK);
    assert_int_equal(cJSON_GetArraySize(masks.secrets), 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text);
        char *text = copy_exact(rows[i].text, len);
        cJSON *tree = cJSON_CreateObject();
        struct buf out;

        buf_init(&out, 0);
        buf_add(&out, STR(""));
        mask_text(&masks, &out, str_of(text, len));
        assert_string_equal(out.at, rows[i].want);
        buf_done(&out);
        free(text);
        assert_int_equal(json_set(tree, "k", json_str(str_from(rows[i].text))), RC_OK);
        assert_int_equal(mask_json(&masks, tree), RC_OK);
        assert_string_equal(json_get_text(tree, "k"), rows[i].want);
        cJSON_Delete(tree);
        tree = cJSON_CreateObject(); /* names are texts, too */
        assert_int_equal(json_set(tree, rows[i].text, cJSON_CreateNumber(1)), RC_OK);
        assert_int_equal(mask_json(&masks, tree), RC_OK);
        assert_non_null(json_get(tree, rows[i].want));
        cJSON_Delete(tree);
    }
    masks_done(&masks);
}

static void a_secret_in_a_body_that_is_no_json_is_masked_too(void **state)
{
    static const struct {
        const char *bytes, *want; /* base64 of what an agent sent, and of what is told of it */
    } rows[] = {
        {"", ""},
        {"a2V5IDAxMjM0NTY3ODlhYmNkZWYu", "a2V5ICoqKi4="},                         /* "key 0123456789abcdef." */
        {"MDEyMzQ1Njc4OWFiY2RlZg==", "Kioq"},                                     /* nothing else */
        {"U2hhcmVkQWNjZXNzS2V5PWFiYzsA/w==", "U2hhcmVkQWNjZXNzS2V5PSoqKjsA/w=="}, /* with bytes that are no text */
        {"AAH/", "AAH/"},
        {"no base64", "no base64"},
    };
    struct masks masks;

    (void)state;
    masks_init(&masks);
    assert_int_equal(masks_add(&masks, "0123456789abcdef"), RC_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        cJSON *event = cJSON_CreateObject();

        assert_int_equal(json_set(event, "bodyBase64", json_str(str_from(rows[i].bytes))), RC_OK);
        assert_int_equal(mask_json(&masks, event), RC_OK);
        assert_string_equal(json_get_text(event, "bodyBase64"), rows[i].want);
        cJSON_Delete(event);
    }
    masks_done(&masks);
}

/* Wait for an agent's end, reading what it writes. */
static void wait_end(struct agent_process *p)
{
    while (!agent_process_has_ended(p)) {
        struct pollfd fds[] = {{p->pidfd, POLLIN, 0}, {p->out, POLLIN, 0}};

        assert_true(poll(fds, 2, 20000) > 0);
        agent_process_read(p);
    }
    agent_process_read(p);
}

static enum rc start(const char *script, struct tail *tail, struct agent_process *p)
{
    char sh[] = "sh", c[] = "-c", text[512];
    char *argv[] = {sh, c, text, NULL}, name[] = "NAME=value", *env[] = {name, NULL}, why[512];
    struct agent_process_options o = {.argv = argv, .env = env, .cwd = "/", .tail = tail};

    (void)snprintf(text, sizeof text, "%s", script);
    return agent_process_start(&o, p, why, sizeof why);
}

static void a_program_runs_with_its_words_and_environment_and_its_end_is_known(void **state)
{
    static const struct {
        const char *script, *output, *end;
        int code;
    } rows[] = {
        {"echo $NAME; pwd; cat; echo error >&2; exit 3", "value\n/\nerror\n", "exit code 3", 3},
        {"kill -9 $$", "", "signal 9 (Killed)", 137},
        {"true", "", "exit code 0", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct agent_process p;
        struct tail tail;
        struct buf end;
        uint64_t from = 0;

        assert_int_equal(tail_init(&tail), RC_OK);
        buf_init(&end, 0);
        assert_int_equal(start(rows[i].script, &tail, &p), RC_OK);
        wait_end(&p);
        assert_true(str_eq(tail_from(&tail, &from), str_from(rows[i].output)));
        assert_int_equal(agent_process_exit_code(&p), rows[i].code);
        agent_process_print_end(&p, &end);
        assert_string_equal(end.at, rows[i].end);
        agent_process_done(&p);
        buf_done(&end);
        tail_done(&tail);
    }
}

static void a_program_that_cannot_start_says_why(void **state)
{
    char name[] = "/nonexistent/program", *argv[] = {name, NULL}, *env[] = {NULL}, why[512];
    char etc[] = "/etc", *folder[] = {etc, NULL}, sh[] = "sh", *good[] = {sh, NULL};
    struct agent_process p = {.pid = -7};
    struct tail tail;

    (void)state;
    assert_int_equal(tail_init(&tail), RC_OK);
    struct agent_process_options o = {.argv = argv, .env = env, .cwd = "/", .tail = &tail};
    assert_int_equal(agent_process_start(&o, &p, why, sizeof why), RC_NOT_FOUND);
    assert_string_equal(why, "cannot start '/nonexistent/program' in /: No such file or directory");
    o.argv = folder;
    assert_int_equal(agent_process_start(&o, &p, why, sizeof why), RC_IO);
    o.argv = good;
    o.cwd = "/nonexistent";
    assert_int_equal(agent_process_start(&o, &p, why, sizeof why), RC_NOT_FOUND);
    assert_int_equal(p.pid, -7); /* untouched */
    tail_done(&tail);
}

/* Wait until so many descendants are alive. */
static unsigned wait_for(unsigned count, pid_t spare)
{
    unsigned seen = 0;

    for (int i = 0; i < 2000 && (seen = descendants_signal(&spare, 1, 0)) != count; i++)
        (void)poll(NULL, 0, 5);
    return seen;
}

static void grandchildren_are_found_in_whatever_session_and_ended_but_for_the_spared(void **state)
{
    struct agent_process p, spared;
    struct tail tail;
    unsigned left = 99;
    pid_t spare;

    (void)state;
    assert_int_equal(tail_init(&tail), RC_OK);
    assert_int_equal(descendants_adopt(), RC_OK);
    assert_int_equal(start("sleep 1000 & exec sleep 1000", &tail, &spared), RC_OK);
    assert_int_equal(wait_for(2, 0), 2);
    assert_int_equal(start("setsid sh -c 'sleep 1000 & exec sleep 1000' & trap '' TERM; (setsid sleep 1000 &); "
                           "sleep 1000; :",
                           &tail, &p),
                     RC_OK);
    spare = spared.pid;
    assert_int_equal(wait_for(5, spare), 5);
    assert_int_equal(descendants_end(&spare, 1, 10000, &left), 5);
    assert_int_equal(left, 0);
    assert_int_equal(descendants_signal(&spare, 1, 0), 0);
    assert_int_equal(descendants_signal(NULL, 0, 0), 2); /* the spared one and its child */
    (void)descendants_end(NULL, 0, 10000, &left);
    assert_int_equal(left, 0);
    agent_process_done(&spared);
    agent_process_done(&p);
    tail_done(&tail);
}

static void orphans_are_collected_and_owned_children_are_not(void **state)
{
    pid_t owned = fork(), other;
    int status;

    (void)state;
    if (owned == 0)
        _exit(7);
    other = fork();
    if (other == 0)
        _exit(8);
    assert_int_equal(waitid(P_PID, (id_t)owned, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_int_equal(waitid(P_PID, (id_t)other, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    descendants_collect((pid_t[]){0, owned}, 2);
    assert_int_equal(waitpid(owned, &status, WNOHANG), owned);
    assert_int_equal(WEXITSTATUS(status), 7);
    descendants_collect(NULL, 0);
    assert_int_equal(waitpid(other, &status, WNOHANG), -1); /* collected */
}

static void touch(const char *dir, const char *name)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (name[strlen(name) - 1] == '/') {
        assert_int_equal(mkdir(path, 0700), 0);
        return;
    }
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
}

static void a_folder_stands_for_its_scenarios_in_byte_order(void **state)
{
    static const char *const names[] = {"b.json",         "a/",     "a/z.jsonc",   "a/b/",           "a/b/c.json",
                                        "a-.json",        "B.json", "include/",    "include/x.json", "a/twins/",
                                        "a/twins/x.json", ".git/",  ".git/x.json", "x.txt",          "empty/"};
    static const char *const want[] = {"B.json", "a-.json", "a/b/c.json", "a/z.jsonc", "b.json"};
    char dir[] = "/tmp/twinsim-test-XXXXXX", path[256];
    struct words found = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < COUNT(names); i++)
        touch(dir, names[i]);
    assert_int_equal(scenario_files_find(dir, &found), RC_OK);
    assert_int_equal(found.count, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++)
        assert_string_equal(found.at[i] + sizeof dir, want[i]);
    (void)snprintf(path, sizeof path, "%s/x.txt", dir);
    assert_int_equal(scenario_files_find(path, &found), RC_OK); /* a file is what it is named */
    (void)snprintf(path, sizeof path, "%s/empty", dir);
    assert_int_equal(scenario_files_find(path, &found), RC_NOT_FOUND);
    (void)snprintf(path, sizeof path, "%s/nowhere", dir);
    assert_int_equal(scenario_files_find(path, &found), RC_NOT_FOUND);
    words_done(&found);
    for (size_t i = COUNT(names); i-- > 0;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void reports_escape_whatever_a_result_holds(void **state)
{
    static const char text[] =
        "[{\"file\":\"a/b/c.json\",\"name\":\"<&\\\"\\u0001\xEF\xBF\xBF>\",\"verdict\":\"failed\",\"ms\":1500,"
        "\"steps\":[{\"text\":\"expect x\",\"verdict\":\"failed\",\"ms\":1}],"
        "\"failure\":{\"line\":3,\"column\":4,\"step\":\"expect x\",\"message\":\"]]>\"}},"
        "{\"file\":\"d.json\",\"name\":\"n\",\"verdict\":\"passed\",\"ms\":1,\"steps\":[]}]";
    cJSON *results = NULL, *again = NULL;
    struct report_counts n;
    struct buf out;

    (void)state;
    assert_int_equal(json_read(STR(text), &results, NULL), RC_OK);
    n = report_count(results);
    assert_int_equal(n.passed, 1);
    assert_int_equal(n.failed, 1);
    buf_init(&out, 0);
    report_junit(&out, results, 2000000);
    assert_non_null(strstr(out.at, "<testcase classname=\"a.b.c\" name=\"&lt;&amp;&quot;\xEF\xBF\xBD\xEF\xBF\xBD&gt;\" "
                                   "time=\"1.500\">"));
    assert_non_null(strstr(out.at, "<testcase classname=\"d\" name=\"n\""));
    assert_null(strstr(out.at, "]]>"));
    buf_reset(&out);
    report_json(&out, results, 2000000);
    assert_int_equal(json_read(buf_view(&out), &again, NULL), RC_OK);
    assert_true(json_eq(json_get(again, "scenarios"), results));
    assert_int_equal(json_get(again, "passed")->valuedouble, 1);
    buf_done(&out);
    cJSON_Delete(again);
    cJSON_Delete(results);
}

static void a_tap_report_says_the_same_whatever_a_result_holds(void **state)
{
    static const char text[] =
        "[{\"file\":\"a/c.json\",\"name\":\"a # SKIP \\\\ of\\nok 9\",\"verdict\":\"failed\",\"ms\":1500,\"steps\":[],"
        "\"failure\":{\"line\":3,\"column\":4,\"step\":\"expect x\",\"message\":\"it:\\n  ...\\nok 2\","
        "\"differences\":[\"a: expected 1, got 2\"]}},"
        "{\"file\":\"d.json\",\"name\":\"n\",\"verdict\":\"passed\",\"ms\":1,\"steps\":[]},"
        "{\"file\":\"e.json\",\"name\":\"o\",\"verdict\":\"skipped\",\"ms\":0,\"steps\":[],"
        "\"failure\":{\"line\":1,\"column\":1,\"message\":\"not run\"}}]";
    static const char want[] = "TAP version 14\n1..3\n"
                               "not ok 1 - a \\# SKIP \\\\ of ok 9\n"
                               "  ---\n"
                               "  duration_ms: 1500\n"
                               "  message: \"it:\\n  ...\\nok 2\"\n"
                               "  severity: fail\n"
                               "  at:\n"
                               "    file: \"a/c.json\"\n"
                               "    line: 3\n"
                               "    column: 4\n"
                               "  step: \"expect x\"\n"
                               "  differences: [\"a: expected 1, got 2\"]\n"
                               "  ...\n"
                               "ok 2 - n\n  ---\n  duration_ms: 1\n  ...\n"
                               "ok 3 - o # SKIP not run\n  ---\n  duration_ms: 0\n  ...\n"
                               "Bail out! interrupted\n";
    cJSON *results = NULL;
    struct buf out;

    (void)state;
    assert_int_equal(json_read(STR(text), &results, NULL), RC_OK);
    buf_init(&out, 0);
    report_tap(&out, results, 0);
    assert_string_equal(out.at, want);
    buf_done(&out);
    cJSON_Delete(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_stream_is_kept_whatever_the_pieces),
        cmocka_unit_test(whole_lines_of_the_end_are_shown),
        cmocka_unit_test(secrets_are_masked_and_nothing_else),
        cmocka_unit_test(a_secret_in_a_body_that_is_no_json_is_masked_too),
        cmocka_unit_test(a_program_runs_with_its_words_and_environment_and_its_end_is_known),
        cmocka_unit_test(a_program_that_cannot_start_says_why),
        cmocka_unit_test(grandchildren_are_found_in_whatever_session_and_ended_but_for_the_spared),
        cmocka_unit_test(orphans_are_collected_and_owned_children_are_not),
        cmocka_unit_test(a_folder_stands_for_its_scenarios_in_byte_order),
        cmocka_unit_test(reports_escape_whatever_a_result_holds),
        cmocka_unit_test(a_tap_report_says_the_same_whatever_a_result_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
