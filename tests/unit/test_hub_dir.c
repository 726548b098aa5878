/* test_hub_dir.c - what a hub's directory tells the broker. */
#include "test.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certs.h"
#include "files.h"
#include "front_door.h"
#include "hub_dir.h"
#include "hub_process.h"

static char path[64];
static struct hub_dir hub = {.lock = -1};
static char why[512];

static int open_dir(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/twinsim-hubdir-XXXXXX");
    return mkdtemp(path) && hub_dir_open(path, NULL, &hub, why, sizeof why) == RC_OK ? 0 : -1;
}

static int remove_dir(void **state)
{
    const struct dirent *entry;
    DIR *d = opendir(path);
    char file[PATH_MAX];

    (void)state;
    hub_dir_close(&hub);
    while (d && (entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.' && path_join(file, path, entry->d_name) == RC_OK)
            (void)unlink(file);
    if (d)
        (void)closedir(d);
    return rmdir(path);
}

/* The number behind a word at the beginning of a line; -1: there is none. */
static long number_of(const struct buf *conf, const char *word)
{
    char line[64];
    const char *found;

    (void)snprintf(line, sizeof line, "\n%s ", word);
    found = strstr(conf->at, line);
    return found ? strtol(found + strlen(line), NULL, 10) : -1;
}

static void read_conf(const struct hub_process_options *options, struct buf *conf)
{
    const struct certs certs = {.ca_file = "/c/ca.pem", .cert_file = "/c/hub.pem", .key_file = "/c/hub.key"};
    char file[PATH_MAX];

    assert_int_equal(hub_dir_configure(&hub, options, "/p/plugin.so", &certs, why, sizeof why), RC_OK);
    assert_int_equal(path_join(file, path, "broker.conf"), RC_OK);
    assert_int_equal(file_read(file, conf), RC_OK);
}

static const struct hub_process_options plain = {
    .host = "127.0.0.9", .hostname = "h.test", .mqtts_port = 8883, .durability = "process"};

/* facts B-46: what a lost connection left in flight takes its place from the next. */
static void as_many_messages_may_be_in_flight_as_may_wait(void **state)
{
    struct buf conf;

    (void)state;
    buf_init(&conf, 0);
    read_conf(&plain, &conf);
    assert_true(number_of(&conf, "max_queued_messages") >= 1000);
    assert_int_equal(number_of(&conf, "max_inflight_messages"), number_of(&conf, "max_queued_messages"));
    buf_done(&conf);
}

/* Who comes by the gateway's socket is known by it, so nobody else may; and TLS is the gateway's. */
static void with_the_gateway_the_broker_listens_on_sockets_alone(void **state)
{
    struct hub_process_options o = plain;
    char line[PATH_MAX + 32];
    struct buf conf;

    (void)state;
    buf_init(&conf, 0);
    read_conf(&o, &conf);
    assert_int_equal(number_of(&conf, "listener"), 0); /* the first: the socket */
    (void)snprintf(line, sizeof line, "\nlistener 0 %s\nmax_qos 1\nlistener 0 %s\nmax_qos 1\n", hub.socket,
                   hub.gateway_socket);
    assert_non_null(strstr(conf.at, line));
    assert_null(strstr(conf.at, "8883"));
    assert_null(strstr(conf.at, "set_tcp_nodelay")); /* facts B-22: a warning for each client */
    o.mqtt_port = 1883;
    buf_reset(&conf);
    read_conf(&o, &conf);
    assert_non_null(strstr(conf.at, "\nlistener 1883 127.0.0.9\n"));
    assert_non_null(strstr(conf.at, "\nset_tcp_nodelay true\n")); /* facts B-02 */
    buf_done(&conf);
}

static void without_the_gateway_there_is_one_listener_beside_the_socket(void **state)
{
    struct hub_process_options o = plain;
    struct buf conf;

    (void)state;
    o.no_gateway = true;
    buf_init(&conf, 0);
    read_conf(&o, &conf);
    assert_int_equal(number_of(&conf, "listener"), 0);
    assert_non_null(strstr(conf.at, "\nlistener 8883 127.0.0.9\n"));
    assert_non_null(strstr(conf.at, "\nset_tcp_nodelay true\n"));
    assert_null(strstr(conf.at, "gateway.sock"));
    assert_null(strstr(conf.at, "\nlistener 1883 "));
    buf_done(&conf);
}

/* The lock names a process that is no more; its gateway holds it on, nearly as long as a gateway may take to end. */
static void the_lock_of_a_hub_that_was_killed_is_waited_for_until_its_gateway_has_ended(void **state)
{
    pid_t gone = fork(), gateway;

    (void)state;
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    assert_int_equal(ftruncate(hub.lock, 0), 0);
    assert_true(dprintf(hub.lock, "%ld\n", (long)gone) > 0);
    gateway = fork();
    if (gateway == 0) {
        (void)poll(NULL, 0, 1000 * FRONT_DOOR_STOP_S - 500);
        _exit(0);
    }
    hub_dir_close(&hub);
    assert_int_equal(hub_dir_open(path, NULL, &hub, why, sizeof why), RC_OK);
    assert_int_equal(waitpid(gateway, NULL, 0), gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_many_messages_may_be_in_flight_as_may_wait, open_dir, remove_dir),
        cmocka_unit_test_setup_teardown(with_the_gateway_the_broker_listens_on_sockets_alone, open_dir, remove_dir),
        cmocka_unit_test_setup_teardown(without_the_gateway_there_is_one_listener_beside_the_socket, open_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_lock_of_a_hub_that_was_killed_is_waited_for_until_its_gateway_has_ended,
                                        open_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
