/* test_hub_token.c - which tokens open the door, until when, and which do not and why. */
#include <stdio.h>

#include "hub_world.h"

#define NOW  WORLD_NOW_S
#define HOUR (NOW + 3600)

/* facts M-06, A-01 to A-09 */
static void a_bad_password_is_refused_and_the_reason_told(void **state)
{
    static const char no_match[] = "the token's signature matches neither key of the identity";
    static const char no_token[] = "the password is no SAS token (sr, sig and se are wanted)";
    static const char scope[] = "the token's scope (sr) does not cover the identity";
    static const char expired[] = "the token has expired";
    static const char no_policy_key[] = "the token's signature does not match the policy's key";
    static const char no_right[] = "the token's policy lacks DeviceConnect";
    struct world *w = *state;
    struct sas_key own = world_key("dev1", 0, false), other = world_key("dev10", 0, false);
    struct sas_key module = world_key("dev1/mod1", 0, false), device = world_policy_key("device");
    struct sas_key service = world_policy_key("service"), read = world_policy_key("registryRead");
    const char *sr = WORLD_HOST "%2Fdevices%2Fdev1", *all = WORLD_HOST "%2Fdevices";
    const struct {
        const char *id, *password, *reason;
    } rows[] = {
        {"dev1", "", "no password: a SAS token is wanted"},
        {"dev1", "secret", no_token},
        {"dev1", "SharedAccessSignature sr=x&sig=y", no_token},
        {"dev1", "SharedAccessSignature sr=x&sig=y&se=soon", no_token},
        {"dev1", "SharedAccessSignature sr=x&sig=y&se=4000000000", no_match},
        {"dev1", world_token(w, sr, &other, NULL, HOUR), no_match},
        {"dev1", world_token(w, sr, &module, NULL, HOUR), no_match},
        {"dev1", world_token(w, sr, &device, NULL, HOUR), no_match}, /* a policy's key without skn */
        {"dev1/mod1", world_token(w, WORLD_HOST "/devices/dev1/modules/mod1", &own, NULL, HOUR), no_match}, /* */
        {"dev1", world_token(w, sr, &own, NULL, NOW - 1), expired},                                         /* */
        {"dev1", world_token(w, sr, &own, NULL, 0), expired},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev10", &own, NULL, HOUR), scope},
        {"dev10", world_token(w, sr, &other, NULL, HOUR), scope}, /* */
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1/modules/mod1", &own, NULL, HOUR), scope},
        {"dev1", world_token(w, "other.azure-devices.net/devices/dev1", &own, NULL, HOUR), scope},
        {"dev1", world_token(w, "devices/dev1", &own, NULL, HOUR), scope},
        {"dev1", world_token(w, all, &service, "service", HOUR), no_right}, /* */
        {"dev1", world_token(w, all, &read, "registryRead", HOUR), no_right},
        {"dev1", world_token(w, all, &device, "nopolicy", HOUR), "the token names a policy that the hub does not have"},
        {"dev1", world_token(w, all, &service, "device", HOUR), no_policy_key},
        {"dev1", world_token(w, sr, &own, "device", HOUR), no_policy_key},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev10", &device, "device", HOUR), scope},
        {"nodev", world_token(w, all, &device, "device", HOUR), "the hub has no such identity"}, /* */
    };

    world_create(w, "dev1");
    world_create(w, "dev10");
    world_create(w, "dev1/mod1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        print_message("  %s: %s\n", rows[n].id, rows[n].reason);
        assert_login_refused(w, world_login(w, &dev, rows[n].id, &(struct login){.password = rows[n].password}), &dev,
                             rows[n].reason);
    }
}

/* facts, C-03 */
static void every_way_to_write_a_good_token_connects(void **state)
{
    struct world *w = *state;
    struct sas_key own = world_key("dev1", 0, false), second = world_key("dev1", 0, true);
    struct sas_key module = world_key("dev1/mod1", 0, false), device = world_policy_key("device");
    struct sas_key owner = world_policy_key("iothubowner");
    const struct {
        const char *id, *password;
    } rows[] = {
        {"dev1", world_token(w, WORLD_HOST "%2Fdevices%2Fdev1", &own, NULL, HOUR)},
        {"dev1", world_token(w, WORLD_HOST "%2fdevices%2fdev1", &own, NULL, HOUR)},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &own, NULL, HOUR)},
        {"dev1", world_token(w, WORLD_HOST ":8883/devices/dev1", &own, NULL, HOUR)},
        {"dev1", world_token(w, "127.0.0.9/devices/dev1", &own, NULL, HOUR)},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &own, "", HOUR)},
        {"dev1", world_token(w, WORLD_HOST, &own, NULL, HOUR)}, /* the Go client */
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &second, NULL, HOUR)},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &own, NULL, NOW)}, /* the very last instant */
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &own, NULL, INT64_MAX)},
        {"dev1", world_token(w, WORLD_HOST "/devices", &device, "device", HOUR)},
        {"dev1", world_token(w, WORLD_HOST, &owner, "iothubowner", HOUR)},
        {"dev1", world_token(w, WORLD_HOST "/devices/dev1", &device, "%64evice", HOUR)}, /* skn is percent-encoded */
        {"dev1/mod1", world_token(w, WORLD_HOST "%2Fdevices%2Fdev1%2Fmodules%2Fmod1", &module, NULL, HOUR)},
        {"dev1/mod1", world_token(w, WORLD_HOST "/devices/dev1/modules/mod1", &module, NULL, HOUR)},
        {"dev1/mod1", world_token(w, WORLD_HOST "/devices", &device, "device", HOUR)},
    };

    world_create(w, "dev1");
    world_create(w, "dev1/mod1");
    for (size_t n = 0; n < COUNT(rows); n++) {
        struct conn dev;

        print_message("  row %zu\n", n);
        assert_int_equal(world_login(w, &dev, rows[n].id, &(struct login){.password = rows[n].password}), HUB_ACCEPT);
        assert_true(hub_is_live(w->hub, str_from(rows[n].id), dev.no));
    }
}

static const char *encoded(struct world *w, const char *text)
{
    struct buf b;
    const char *kept;

    buf_init(&b, 0);
    buf_add_char(&b, '"');
    buf_add_percent(&b, str_from(text), STR(""));
    buf_add_char(&b, '"');
    kept = world_json(w, b.at)->valuestring;
    buf_done(&b);
    return kept;
}

/* facts A-16 */
static void ids_with_strange_characters_connect_raw_encoded_and_encoded_twice(void **state)
{
    static const char *const ids[] = {"a=b", "it's", "(x)", "50%25", "100%", "#1", "me@home", "a+b:c.d_e*f!g,h;i$j?"};
    struct world *w = *state;

    for (size_t n = 0; n < COUNT(ids); n++) {
        struct sas_key key = world_key(ids[n], 0, false);
        const char *forms[] = {ids[n], encoded(w, ids[n]), encoded(w, encoded(w, ids[n]))};

        world_create(w, ids[n]);
        for (size_t f = 0; f < COUNT(forms); f++) {
            char sr[512];
            struct conn dev;

            if (f == 0 && strchr(ids[n], '&'))
                continue;
            (void)snprintf(sr, sizeof sr, WORLD_HOST "/devices/%s", forms[f]);
            print_message("  %s\n", sr);
            assert_int_equal(
                world_login(w, &dev, ids[n], &(struct login){.password = world_token(w, sr, &key, NULL, HOUR)}),
                HUB_ACCEPT);
            assert_string_equal(dev.id, ids[n]);
        }
    }
}

/* facts: refused behind se, and a connection ends at that very instant */
static void a_token_is_good_until_its_expiry_and_the_grace_after_it(void **state)
{
    static const int64_t grace_s[] = {0, 300};
    struct world *w = *state;
    struct sas_key own = world_key("dev1", 0, false);

    world_create(w, "dev1");
    for (size_t n = 0; n < COUNT(grace_s); n++) {
        int64_t se = w->now.us / WORLD_SECOND + 10;
        int64_t end_us = (se + grace_s[n]) * WORLD_SECOND;
        struct login login = {.password = world_token(w, WORLD_HOST "/devices/dev1", &own, NULL, se)};
        struct conn dev;

        w->options.token_skew_us = grace_s[n] * WORLD_SECOND;
        world_restart(w);
        w->now.us = end_us;
        assert_int_equal(world_login(w, &dev, "dev1", &login), HUB_ACCEPT);
        (void)world_tick(w);
        assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
        w->now.us = end_us + 1;
        (void)world_tick(w);
        assert_false(hub_is_live(w->hub, STR("dev1"), dev.no));
        assert_json(w, world_event(w, "disconnected"), "reason", "'token'");
        assert_int_equal(world_out(w, OUT_CLOSE, 0)->conn, dev.no);
        assert_int_equal(world_out(w, OUT_CLOSE, 0)->ended, ENDED_TOKEN);
        assert_string_equal(world_out(w, OUT_CLOSE, 0)->to, "dev1");
        assert_login_refused(w, world_login(w, &dev, "dev1", &login), &dev, "the token has expired");
    }
}

static void pass_until(struct world *w, int64_t mono_us)
{
    w->now.us += mono_us - w->now.mono_us;
    w->now.mono_us = mono_us;
}

/* facts A-10 */
static void only_connections_whose_token_ended_are_closed(void **state)
{
    struct world *w = *state;
    struct conn soon, late, module, renewed;
    int64_t next;

    world_create(w, "soon");
    world_create(w, "late");
    world_create(w, "late/m");
    world_create(w, "renewed");
    assert_int_equal(world_login(w, &late, "late", &(struct login){.token_seconds = 100}), HUB_ACCEPT);
    assert_int_equal(world_login(w, &soon, "soon", &(struct login){.token_seconds = 10}), HUB_ACCEPT);
    assert_int_equal(world_login(w, &module, "late/m", &(struct login){.token_seconds = 10}), HUB_ACCEPT);
    assert_int_equal(world_login(w, &renewed, "renewed", &(struct login){.token_seconds = 10}), HUB_ACCEPT);
    world_pass(w, 8);
    assert_int_equal(world_login(w, &renewed, "renewed", &(struct login){.token_seconds = 1000}), HUB_ACCEPT);
    next = world_tick(w);
    assert_true(next > w->now.mono_us && next <= w->now.mono_us + 3 * WORLD_SECOND);
    pass_until(w, next);
    next = world_tick(w);
    assert_int_equal(world_count_events(w, "disconnected"), 2);
    assert_int_equal(world_count(w, OUT_CLOSE), 2);
    assert_false(hub_is_live(w->hub, STR("soon"), soon.no));
    assert_false(hub_is_live(w->hub, STR("late/m"), module.no));
    assert_true(hub_is_live(w->hub, STR("late"), late.no));
    assert_true(hub_is_live(w->hub, STR("renewed"), renewed.no));
    pass_until(w, next);
    (void)world_tick(w);
    assert_int_equal(world_count_events(w, "disconnected"), 1);
    w->now.us += 10000 * WORLD_SECOND;
    assert_int_equal(world_tick(w), INT64_MAX);
    assert_json(w, world_status(w), "connected", "0");
    world_end(w, &soon, ENDED_UNKNOWN); /* the broker's word comes late: told already */
    assert_int_equal(w->out.len, 0);
}

/* facts A-08 */
static void a_renewed_key_ends_its_tokens_but_no_live_connection(void **state)
{
    struct world *w = *state;
    struct sas_key first = world_key("dev1", 0, false), second = world_key("dev1", 0, true);
    const char *sr = WORLD_HOST "/devices/dev1";
    struct login old = {.password = world_token(w, sr, &first, NULL, HOUR)};
    struct login spare = {.password = world_token(w, sr, &second, NULL, HOUR)};
    struct conn dev, again;

    world_create(w, "dev1");
    assert_int_equal(world_login(w, &dev, "dev1", &old), HUB_ACCEPT);
    (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'primary'");
    assert_true(hub_is_live(w->hub, STR("dev1"), dev.no));
    world_restart(w);
    assert_login_refused(w, world_login(w, &again, "dev1", &old), &again,
                         "the token's signature matches neither key of the identity");
    assert_int_equal(world_login(w, &again, "dev1", &spare), HUB_ACCEPT);
    (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'swap'");
    assert_int_equal(world_login(w, &again, "dev1", &spare), HUB_ACCEPT);
    (void)world_ask(w, "device.renew-key", "'deviceId':'dev1','keyType':'both'");
    assert_int_equal(world_login(w, &again, "dev1", &spare), HUB_CLOSE);
    world_connect(w, &again, "dev1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_bad_password_is_refused_and_the_reason_told),
        WORLD_TEST(every_way_to_write_a_good_token_connects),
        WORLD_TEST(ids_with_strange_characters_connect_raw_encoded_and_encoded_twice),
        WORLD_TEST(a_token_is_good_until_its_expiry_and_the_grace_after_it),
        WORLD_TEST(only_connections_whose_token_ended_are_closed),
        WORLD_TEST(a_renewed_key_ends_its_tokens_but_no_live_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
