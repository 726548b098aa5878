/* test_hub_file.c - hub.json: found, written, distrusted. */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "hub_file.h"

static char dir[64];
static char path[PATH_MAX];
static int lock = -1;

static const struct hub_file sample = {
    .broker_pid = 12,
    .hostname = "twinsim.azure-devices.test",
    .host = "127.0.0.9",
    .mqtts_port = 8883,
    .ca_file = "/a \"quoted\"\\ path/ca.pem",
    .socket = "/d/broker.sock",
    .service = "HostName=127.0.0.9;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5",
    .durability = "process",
    .version = "0.1.0",
};

static int make_dir(void **state)
{
    char lock_path[PATH_MAX];

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/twinsim-hubfile-XXXXXX");
    if (!mkdtemp(dir) || path_join(path, dir, "hub.json") || path_join(lock_path, dir, "up.lock"))
        return -1;
    return lock_take(lock_path, 0, &lock) ? -1 : 0;
}

static int remove_dir(void **state)
{
    char lock_path[PATH_MAX];

    (void)state;
    if (lock >= 0)
        (void)close(lock);
    lock = -1;
    hub_file_remove(dir);
    if (path_join(lock_path, dir, "up.lock") == RC_OK)
        (void)unlink(lock_path);
    return rmdir(dir);
}

static struct hub_file mine(void)
{
    struct hub_file f = sample;

    f.pid = (long)getpid();
    return f;
}

static void what_was_written_is_read_back(void **state)
{
    struct hub_file in = mine(), out;
    char why[256];
    struct stat st;

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        in.mqtt_port = plain ? 1883 : 0;
        assert_int_equal(hub_file_write(dir, &in), RC_OK);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        memset(&out, 0xA5, sizeof out);
        assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_OK);
        assert_memory_equal(&out, &in, sizeof in);
    }
}

static void no_file_means_no_hub_and_says_how_to_start_one(void **state)
{
    struct hub_file out;
    char why[256];

    (void)state;
    assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_NOT_FOUND);
    assert_non_null(strstr(why, "twinsim up --data"));
}

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    struct hub_file in = mine(), out, before;
    struct buf text;
    char why[256];

    (void)state;
    assert_int_equal(hub_file_write(dir, &in), RC_OK);
    buf_init(&text, 0);
    assert_int_equal(file_read(path, &text), RC_OK);
    memset(&out, 0xA5, sizeof out);
    before = out;
    for (size_t n = 0; n + 2 < text.len; n++) { /* the last bytes are "}\n" */
        assert_int_equal(file_write(path, str_of(text.at, n), 0600, false), RC_OK);
        assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_SYNTAX);
        assert_memory_equal(&out, &before, sizeof out);
    }
    buf_done(&text);
}

static void members_that_are_missing_of_another_kind_or_too_long_are_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "null",
        "{\"pid\":\"1\"}",
        "{\"pid\":-1,\"brokerPid\":1,\"ports\":{\"mqtts\":8883},\"hostname\":\"h\",\"host\":\"h\",\"caFile\":\"c\","
        "\"socket\":\"s\","
        "\"serviceConnectionString\":\"s\",\"durability\":\"d\",\"version\":\"v\"}",
        "{\"pid\":1,\"brokerPid\":1,\"ports\":{\"mqtts\":65536},\"hostname\":\"h\",\"host\":\"h\",\"caFile\":\"c\","
        "\"socket\":\"s\","
        "\"serviceConnectionString\":\"s\",\"durability\":\"d\",\"version\":\"v\"}",
        "{\"pid\":1,\"brokerPid\":1,\"ports\":{\"mqtts\":8883},\"hostname\":\"h\",\"host\":\"h\",\"caFile\":\"c\","
        "\"socket\":\"s\","
        "\"serviceConnectionString\":\"s\",\"durability\":\"a durability that is too long for it\",\"version\":\"v\"}",
    };
    struct hub_file out;
    char why[256];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(file_write(path, str_from(bad[i]), 0600, false), RC_OK);
        assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_SYNTAX);
    }
}

static void a_pid_that_is_gone_is_distrusted(void **state)
{
    struct hub_file in = sample, out;
    char why[256];
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    in.pid = (long)child;
    assert_int_equal(hub_file_write(dir, &in), RC_OK);
    assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_NOT_FOUND);
    assert_non_null(strstr(why, "is gone"));
}

/* The pid may belong to somebody else by now: without the directory's lock it is no hub. */
static void a_live_pid_without_the_lock_is_distrusted(void **state)
{
    struct hub_file in = mine(), out;
    char why[256];

    (void)state;
    assert_int_equal(hub_file_write(dir, &in), RC_OK);
    (void)close(lock);
    lock = -1;
    assert_int_equal(hub_file_read(dir, &out, why, sizeof why), RC_NOT_FOUND);
}

static void the_data_directory_is_given_or_found(void **state)
{
    char out[PATH_MAX];

    (void)state;
    assert_int_equal(setenv("TWINSIM_DATA", "/env", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/x", 1), 0);
    assert_int_equal(data_dir_find("given", out), RC_OK);
    assert_string_equal(out, "given");
    assert_int_equal(data_dir_find(NULL, out), RC_OK);
    assert_string_equal(out, "/env");
    assert_int_equal(setenv("TWINSIM_DATA", "", 1), 0);
    assert_int_equal(data_dir_find(NULL, out), RC_OK);
    assert_string_equal(out, "/x/twinsim");
    assert_int_equal(data_dir_find("", out), RC_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_back, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(no_file_means_no_hub_and_says_how_to_start_one, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_file_cut_at_any_byte_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(members_that_are_missing_of_another_kind_or_too_long_are_refused, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_pid_that_is_gone_is_distrusted, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_live_pid_without_the_lock_is_distrusted, make_dir, remove_dir),
        cmocka_unit_test(the_data_directory_is_given_or_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
