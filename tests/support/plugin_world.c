/* plugin_world.c - see plugin_world.h. */
#include "plugin_world.h"

#include <unistd.h>

#include "remove_tree.h"
#include "sas.h"

#define SEED "twinsim-development-keys"

static void token(char out[1024], const struct ident *id, const struct sas_key *key, struct str policy)
{
    struct buf b;

    buf_init(&b, 0);
    sas_token_make(&b, STR(HOST), id, policy, key, 4102444800);
    assert_true(buf_ok(&b) && b.len < 1024);
    memcpy(out, b.at, b.len + 1);
    buf_done(&b);
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct ident dev = {STR("dev"), {NULL, 0}};
    struct sas_key key, other;
    FILE *f;

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/twinsim-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->config, sizeof w->config, "%s/plugin.json", w->dir);
    f = fopen(w->config, "w");
    assert_non_null(f);
    (void)fprintf(
        f, "{\"dataDir\":\"%s\",\"hosts\":[\"" HOST "\"],\"keySeed\":\"" SEED "\",\"gatewaySocket\":\"" GATEWAY "\"}",
        w->dir);
    assert_int_equal(fclose(f), 0);
    hub_identity_keys(STR(SEED), dev, 0, &key, &other);
    token(w->password, &dev, &key, STR(""));
    assert_int_equal(hub_policy_key(STR(SEED), STR("iothubowner"), &key), RC_OK);
    token(w->service_password, NULL, &key, STR("iothubowner"));
    w->device = (struct mosquitto){.id = "dev",
                                   .username = HOST "/dev/?api-version=2021-04-12",
                                   .password = w->password,
                                   .clean = true,
                                   .protocol = 4};
    w->service = (struct mosquitto){.id = "service//1",
                                    .username = "iothubowner@sas.root.twinsim",
                                    .password = w->service_password,
                                    .clean = true,
                                    .protocol = 4};
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;

    remove_tree(w->dir);
    free(w);
    return 0;
}

struct plugin *world_plugin(void)
{
    return broker.plugin;
}

const char *world_command(struct world *w, const char *text)
{
    const struct published *p;
    char message[1024];
    size_t before = 0;

    while (broker_sent("service//1", CONTROL_TOPIC, before))
        before++;
    (void)snprintf(message, sizeof message, "{\"commands\":[%s]}", text);
    assert_int_equal(broker_publish(&w->service, CONTROL_TOPIC, message, NULL), MOSQ_ERR_SUCCESS);
    for (int i = 0; i < 100 && !broker_sent("service//1", CONTROL_TOPIC, before); i++)
        broker_tick();
    p = broker_sent("service//1", CONTROL_TOPIC, before);
    assert_non_null(p);
    return p->body;
}

void world_start(struct world *w)
{
    assert_int_equal(broker_start(w->config), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_connect(&w->service), MOSQ_ERR_SUCCESS);
    (void)world_command(w, "{\"command\":\"device.create\",\"deviceId\":\"dev\"}");
    assert_int_equal(broker_connect(&w->device), MOSQ_ERR_SUCCESS);
    assert_int_equal(broker_subscribe(&w->device, RES "#", 0), MOSQ_ERR_SUCCESS);
    broker_tick();
    broker_forget();
}

int world_patch(struct world *w, const char *rid, const char *body)
{
    char topic[128];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/PATCH/properties/reported/?$rid=%s", rid);
    return broker_publish(&w->device, topic, body, NULL);
}

int world_get(struct world *w)
{
    return broker_publish(&w->device, "$iothub/twin/GET/?$rid=g", "", NULL);
}

struct mosquitto world_through(const struct world *w, const char *user_name)
{
    struct mosquitto c = w->device;

    c.username = user_name;
    c.address = GATEWAY;
    return c;
}

int world_report(struct mosquitto *c, const char *text)
{
    return broker_publish(c, FRONT_DOOR_REPORTS, text, NULL);
}
