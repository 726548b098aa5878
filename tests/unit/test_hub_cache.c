/* test_hub_cache.c - the identities a hub holds in memory, and the keys it derives: hub_find, hub_put, hub_drop, hub_trim. */
#include <stdio.h>

#include "hub_world.h"

static struct identity *made(const char *id, bool with_twin)
{
    struct ident who;
    struct identity *i;

    assert_int_equal(ident_read(str_from(id), &who), RC_OK);
    i = identity_new(who);
    assert_non_null(i);
    if (with_twin) {
        i->twin = twin_new(0);
        assert_non_null(i->twin);
    }
    return i;
}

static struct hub *hub_of(size_t cache_bytes)
{
    struct hub_options options = {.n_hosts = 1, .key_seed = STR(WORLD_SEED), .cache_bytes = cache_bytes};
    struct hub *h;

    options.hosts[0] = STR(WORLD_HOST);
    h = hub_new(&options);
    assert_non_null(h);
    return h;
}

static void what_is_put_is_found_by_exactly_its_id(void **state)
{
    struct hub *h = hub_of(0);
    char id[32];

    (void)state;
    for (int n = 0; n < 1000; n++) { /* the table grows on the way */
        (void)snprintf(id, sizeof id, n % 2 ? "d%d" : "d%d/m", n);
        assert_non_null(hub_put(h, made(id, n % 3 == 0)));
        assert_true(hub_is_valid(h));
    }
    for (int n = 0; n < 1000; n++) {
        (void)snprintf(id, sizeof id, n % 2 ? "d%d" : "d%d/m", n);
        assert_string_equal(hub_find(h, str_from(id))->id, id);
        id[0] = 'D';
        assert_null(hub_find(h, str_from(id)));
    }
    assert_null(hub_find(h, STR("d0")));
    assert_null(hub_find(h, STR("")));
    assert_null(hub_find(h, STR("d1/")));
    hub_free(h);
}

/* What is in memory is the newer truth; a second load may only bring the twin it lacks. */
static void what_is_put_twice_stays_but_gets_its_twin(void **state)
{
    struct hub *h = hub_of(0);
    struct identity *first = hub_put(h, made("d", false)), *again;
    struct twin *twin;

    (void)state;
    first->tag = 7;
    again = made("d", true);
    again->tag = 8;
    twin = again->twin;
    assert_ptr_equal(hub_put(h, again), first);
    assert_int_equal(first->tag, 7);
    assert_ptr_equal(first->twin, twin);
    assert_ptr_equal(hub_put(h, made("d", true)), first);
    assert_ptr_equal(first->twin, twin);
    assert_true(hub_is_valid(h));
    hub_free(h);
}

static void what_is_dropped_is_forgotten_and_its_connection_named(void **state)
{
    struct world *w = *state;
    struct conn dev;
    uint64_t conn = 99;

    world_create(w, "dev1");
    assert_false(hub_drop(w->hub, STR("nobody"), &conn));
    assert_int_equal(conn, 0);
    world_twin_client(w, &dev, "dev1");
    assert_true(hub_drop(w->hub, STR("dev1"), &conn));
    assert_int_equal(conn, dev.no);
    assert_null(hub_find(w->hub, STR("dev1")));
    assert_true(hub_is_valid(w->hub));
    assert_int_equal(world_publish(w, &dev, "$iothub/twin/GET/?$rid=1", ""),
                     HUB_CLOSE); /* it is nobody's connection now */
    assert_int_equal(w->out.len, 0);
    assert_json(w, world_status(w), "connected", "0");
    assert_false(hub_drop(w->hub, STR("dev1"), &conn));
    world_connect(w, &dev, "dev1");
}

static void trimming_takes_the_least_used_first_and_leaves_connections_their_records(void **state)
{
    struct world *w = *state;
    struct conn b, c;
    uint64_t conn;

    world_create(w, "a");
    world_create(w, "b");
    world_create(w, "c");
    world_connect(w, &b, "b");
    world_connect(w, &c, "c");
    assert_null(hub_find(w->hub, STR("a"))); /* this world's cache holds a byte */
    assert_non_null(hub_find(w->hub, STR("b")));
    assert_null(hub_find(w->hub, STR("b"))->twin);
    assert_true(hub_is_live(w->hub, STR("b"), b.no));
    assert_false(hub_is_live(w->hub, STR("b"), 0));
    assert_false(hub_is_live(w->hub, STR("a"), 0));
    assert_int_equal(world_publish(w, &b, "$iothub/twin/PATCH/properties/reported/?$rid=1", "{'x':1}"), HUB_SWALLOW);
    assert_json(w, world_twin(w, "b"), "properties.reported.x", "1");
    (void)hub_drop(w->hub, STR("b"), &conn);

    /* room for three: who was used last stays */
    w->options.cache_bytes = 3 * sizeof(struct identity);
    world_restart(w);
    world_connect(w, &b, "b");
    world_connect(w, &c, "c");
    assert_int_equal(world_publish(w, &b, "devices/b/messages/events/", "x"), HUB_ACCEPT);
    world_end(w, &c, ENDED_CLIENT);
    world_end(w, &b, ENDED_CLIENT); /* an end is a use, too: b is the newest */
    (void)hub_put(w->hub, made("e", false));
    (void)hub_put(w->hub, made("f", false));
    hub_trim(w->hub);
    assert_null(hub_find(w->hub, STR("c")));
    assert_non_null(hub_find(w->hub, STR("b")));
    assert_non_null(hub_find(w->hub, STR("e")));
    assert_non_null(hub_find(w->hub, STR("f")));
    (void)hub_drop(w->hub, STR("e"), &conn);
    (void)hub_drop(w->hub, STR("f"), &conn);
}

/* A fixture's keys never change: computed with another program (openssl dgst -hmac). */
static void derived_keys_are_the_same_for_ever(void **state)
{
    static const struct {
        const char *name;
        int64_t turn;
        bool is_secondary;
        const char *key;
    } rows[] = {
        {"dev1", 0, false, "IIF5B8Px+pk9JtixVbakeLtbSImdqw8A1iLhC3DbCpI="},
        {"dev1", 0, true, "wtiKafLtHfS3n7UenEsAoKoV4hnhefsNXySDS79dAqs="},
        {"dev1/m", 0, false, "xCKeI/FOtD4I3ySuOuBgh+wtRmSWxg7y4Q9GwbFvYTk="},
        {"dev1", 12, true, "O4D6s42z9br/Dqlf20kcbs57WWDant2q+U0Uf2TRAs8="},
    };
    char text[SAS_KEY_TEXT_MAX];
    struct sas_key key;

    (void)state;
    for (size_t n = 0; n < COUNT(rows); n++) {
        key = world_key(rows[n].name, rows[n].turn, rows[n].is_secondary);
        sas_key_print(&key, text);
        assert_string_equal(text, rows[n].key);
    }
    key = world_policy_key("iothubowner");
    sas_key_print(&key, text);
    assert_string_equal(text, "NmyDd4STc7uRMvgWe8PGGgVLAJbSkQBFiN8HBTfQntw=");
    key = world_policy_key("service");
    sas_key_print(&key, text);
    assert_string_equal(text, "K+b8omWHqCvR13ngPGXfLLH+2+ds+kdPeoKOyAnomv4=");
    assert_int_equal(hub_policy_key(STR(WORLD_SEED), STR("nopolicy"), &key), RC_NOT_FOUND);
    assert_int_equal(hub_policy_key(STR(WORLD_SEED), STR(""), &key), RC_NOT_FOUND);
}

static void a_hub_copies_its_options(void **state)
{
    char *host = copy_exact("hub.example", 11), *seed = copy_exact(WORLD_SEED, sizeof WORLD_SEED - 1);
    struct hub_options options = {.n_hosts = 1, .key_seed = str_of(seed, sizeof WORLD_SEED - 1)};
    struct request r = {.kind = REQUEST_CONNECT};
    struct conn conn = {.no = 1};
    struct outbox out;
    struct hub *h;

    (void)state;
    options.hosts[0] = str_of(host, 11);
    h = hub_new(&options);
    assert_non_null(h);
    free(host);
    free(seed);
    outbox_init(&out);
    r.conn = &conn;
    r.user_name = STR("service@sas.root.hub");
    r.client_id = STR("service//1");
    r.password = STR("SharedAccessSignature sr=hub.example&sig=x&se=4000000000&skn=service");
    r.protocol = 4;
    request_read(&r);
    assert_int_equal(hub_handle(h, &r, &out), HUB_CLOSE);
    assert_string_equal(r.why, "the token's signature does not match the policy's key");
    assert_int_equal(hub_seq(h), 1);
    outbox_done(&out);
    hub_free(h);
    hub_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_by_exactly_its_id),
        cmocka_unit_test(what_is_put_twice_stays_but_gets_its_twin),
        WORLD_TEST(what_is_dropped_is_forgotten_and_its_connection_named),
        WORLD_TEST(trimming_takes_the_least_used_first_and_leaves_connections_their_records),
        cmocka_unit_test(derived_keys_are_the_same_for_ever),
        cmocka_unit_test(a_hub_copies_its_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
