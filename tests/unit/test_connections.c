/* test_connections.c - does the table of connections keep its header's promise? */
#include "connections.h"

#include <stdio.h>

#include "fail_alloc.h"

struct mosquitto {
    int unused;
};

static struct connection *make(uint64_t no, const char *id)
{
    struct connection *c = connection_new(no);

    assert_non_null(c);
    (void)snprintf(c->conn.id, sizeof c->conn.id, "%s", id);
    return c;
}

/* However many there are: each is found by its pointer and by its id, until it is swept. */
static void a_thousand_connections_are_found_by_pointer_and_id(void **state)
{
    static struct mosquitto clients[1000];
    struct connections cs;
    char id[32];

    (void)state;
    connections_init(&cs);
    for (size_t i = 0; i < COUNT(clients); i++) {
        (void)snprintf(id, sizeof id, "dev-%zu", i);
        assert_int_equal(connections_add(&cs, make(i + 1, id), &clients[i]), RC_OK);
    }
    for (size_t i = 0; i < COUNT(clients); i++) {
        (void)snprintf(id, sizeof id, "dev-%zu", i);
        assert_int_equal(connections_of(&cs, &clients[i])->conn.no, i + 1);
        assert_int_equal(connections_open(&cs, str_from(id))->conn.no, i + 1);
    }
    for (size_t i = 0; i < COUNT(clients); i += 2)
        connections_close(&cs, connections_of(&cs, &clients[i]));
    assert_true(connections_of(&cs, &clients[0])->is_closed); /* still there for its will */
    connections_sweep(&cs);
    for (size_t i = 0; i < COUNT(clients); i++) {
        (void)snprintf(id, sizeof id, "dev-%zu", i);
        assert_int_equal(connections_of(&cs, &clients[i]) != NULL, i % 2);
        assert_int_equal(connections_open(&cs, str_from(id)) != NULL, i % 2);
    }
    connections_done(&cs);
}

/* facts B-06: a pointer is used again at once, a newer connection takes the id over. */
static void a_newer_connection_supersedes_the_older_and_a_pointer_is_reused(void **state)
{
    struct mosquitto one, two;
    struct connections cs;
    struct connection *first = make(1, "dev"), *second = make(2, "dev"), *third = make(3, "other");

    (void)state;
    connections_init(&cs);
    assert_int_equal(connections_add(&cs, first, &one), RC_OK);
    assert_int_equal(connections_add(&cs, second, &two), RC_OK);
    assert_true(first->is_superseded);
    assert_ptr_equal(connections_open(&cs, STR("dev")), second);
    connections_close(&cs, first);
    assert_int_equal(connections_add(&cs, third, &one), RC_OK);
    assert_ptr_equal(connections_of(&cs, &one), third);
    connections_sweep(&cs);
    assert_ptr_equal(connections_of(&cs, &one), third);
    assert_ptr_equal(connections_open(&cs, STR("dev")), second);
    connections_close(&cs, second);
    connections_close(&cs, second); /* told twice */
    assert_null(connections_open(&cs, STR("dev")));
    connections_sweep(&cs);
    assert_int_equal(cs.len, 1);
    connections_done(&cs);
}

static void listeners_are_counted_once_however_many_filters_they_hold(void **state)
{
    struct mosquitto one, two;
    struct connections cs;
    struct connection *clean = make(1, "service//1"), *stored = make(2, "service//2");
    char filter[64];

    (void)state;
    connections_init(&cs);
    clean->conn.is_clean = true;
    assert_int_equal(connections_add(&cs, clean, &one), RC_OK);
    assert_int_equal(connections_add(&cs, stored, &two), RC_OK);
    connections_count_listener(&cs, stored);
    assert_int_equal(connections_listen(&cs, clean, STR("$twinsim/v1/#")), RC_OK);
    assert_int_equal(connections_listen(&cs, clean, STR("$twinsim/v1/#")), RC_OK);
    assert_int_equal(connections_listen(&cs, clean, STR("$twinsim/v1/hub/#")), RC_OK);
    assert_int_equal(cs.listeners, 2);
    connections_unlisten(&cs, clean, STR("$twinsim/v1/#"));
    connections_unlisten(&cs, clean, STR("never/held"));
    assert_int_equal(cs.listeners, 2);
    connections_unlisten(&cs, clean, STR("$twinsim/v1/hub/#"));
    assert_int_equal(cs.listeners, 1);
    connections_close(&cs, stored);
    assert_int_equal(cs.listeners, 0);
    for (unsigned i = 0; i < HUB_FILTERS_MAX; i++) {
        (void)snprintf(filter, sizeof filter, "$twinsim/v1/%u", i);
        assert_int_equal(connections_listen(&cs, clean, str_from(filter)), RC_OK);
    }
    assert_int_equal(connections_listen(&cs, clean, STR("$twinsim/v1/more")), RC_LIMIT);
    connections_done(&cs);
}

static void a_failed_allocation_leaves_the_table_as_it_was(void **state)
{
    static struct mosquitto clients[200];
    struct connections cs;
    char id[32];

    (void)state;
    connections_init(&cs);
    for (size_t i = 0; i < COUNT(clients); i++) {
        struct connection *c;
        enum rc rc;

        (void)snprintf(id, sizeof id, "dev-%zu", i);
        c = make(i + 1, id);
        fail_alloc_after((long)(i % 2));
        rc = connections_add(&cs, c, &clients[i]);
        fail_alloc_never();
        if (rc) {
            assert_int_equal(rc, RC_NOMEM);
            assert_null(connections_of(&cs, &clients[i]));
            assert_int_equal(connections_add(&cs, c, &clients[i]), RC_OK);
        }
        assert_int_equal(cs.len, i + 1);
    }
    for (long n = 0; n < 2; n++) {
        fail_alloc_after(n);
        assert_int_equal(connections_listen(&cs, connections_of(&cs, &clients[0]), STR("$twinsim/v1/#")), RC_NOMEM);
        fail_alloc_never();
        assert_int_equal(cs.listeners, 0);
    }
    connections_done(&cs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_connections_are_found_by_pointer_and_id),
        cmocka_unit_test(a_newer_connection_supersedes_the_older_and_a_pointer_is_reused),
        cmocka_unit_test(listeners_are_counted_once_however_many_filters_they_hold),
        cmocka_unit_test(a_failed_allocation_leaves_the_table_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
