/* test_address.c - loopback or not, free or taken, and by whom. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "hub_process.h"

static void only_127_is_loopback(void **state)
{
    static const struct {
        const char *host;
        bool ipv4, loopback;
    } rows[] = {
        {"127.0.0.1", true, true},    {"127.255.1.9", true, true}, {"126.0.0.1", true, false}, {"0.0.0.0", true, false},
        {"192.168.0.1", true, false}, {"localhost", false, false}, {"::1", false, false},      {"127.1", false, false},
        {"127.0.0.1 ", false, false}, {"", false, false},          {NULL, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(address_is_ipv4(rows[i].host), rows[i].ipv4);
        assert_int_equal(address_is_loopback(rows[i].host), rows[i].loopback);
    }
}

static int listen_on(const char *host, int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(inet_pton(AF_INET, host, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void a_taken_port_names_the_process_that_has_it(void **state)
{
    char why[512], mine[64];
    int port = 0;
    int fd = listen_on("127.0.0.77", &port);

    (void)state;
    assert_int_equal(address_is_free("127.0.0.77", port, why, sizeof why), RC_BUSY);
    (void)snprintf(mine, sizeof mine, "is taken by pid %ld (", (long)getpid());
    assert_non_null(strstr(why, mine));
    assert_int_equal(address_is_free("127.0.0.78", port, why, sizeof why), RC_OK);
    (void)close(fd);
    assert_int_equal(address_is_free("127.0.0.77", port, why, sizeof why), RC_OK);
}

static void a_listener_on_every_address_takes_each(void **state)
{
    char why[512];
    int port = 0;
    int fd = listen_on("0.0.0.0", &port);

    (void)state;
    assert_int_equal(address_is_free("127.0.0.79", port, why, sizeof why), RC_BUSY);
    assert_non_null(strstr(why, "taken by pid"));
    (void)close(fd);
}

static void an_address_of_another_machine_is_refused(void **state)
{
    char why[512];

    (void)state;
    assert_int_equal(address_is_free("203.0.113.1", 8883, why, sizeof why), RC_REFUSED);
    assert_non_null(strstr(why, "no address of this machine"));
}

static void no_address_is_handed_out_twice(void **state)
{
    char host[64][64];
    int lock[64], port = 0;
    int fd = listen_on("127.0.0.80", &port);

    (void)state;
    for (size_t i = 0; i < COUNT(host); i++) {
        assert_int_equal(loopback_take(port, host[i], &lock[i]), RC_OK);
        assert_true(address_is_loopback(host[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(host[i], host[j]);
    }
    for (size_t i = 0; i < COUNT(host); i++)
        (void)close(lock[i]);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_127_is_loopback),
        cmocka_unit_test(a_taken_port_names_the_process_that_has_it),
        cmocka_unit_test(a_listener_on_every_address_takes_each),
        cmocka_unit_test(an_address_of_another_machine_is_refused),
        cmocka_unit_test(no_address_is_handed_out_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
