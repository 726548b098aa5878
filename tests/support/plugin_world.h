/* plugin_world.h - a broker with our plugin in it, a device and a service client, for the tests of the adapter.
 *
 * The broker is support/fake_broker.h: it does what the real one does, and the test turns its clock.
 */
#ifndef TWINSIM_PLUGIN_WORLD_H
#define TWINSIM_PLUGIN_WORLD_H

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stdio.h>

#include "fake_broker.h"
#include "plugin.h"
#include "test.h"

#define HOST    "twinsim.azure-devices.test"
#define RES     "$iothub/twin/res/"
#define GATEWAY "/a/hub/gateway.sock"
#define PREFIX  "gw1?clean=0&keepAlive=77&peer=127.0.0.1%3A4711&user=1&cert=none"
#define WILL    "&willTopic=devices%2Fdev%2Fmessages%2Fevents%2F&willQos=1&willRetain=0"
#define NAME    HOST "/dev/?api-version=2021-04-12"

#define INVOKE(name) "{\"command\":\"method.invoke\",\"deviceId\":\"dev\",\"methodName\":\"" name "\"}"

struct world {
    char dir[64], config[128]; /* the hub's files, removed with them; the plugin's configuration */
    char password[1024], service_password[1024];
    struct mosquitto device, service;
};

int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* Start a hub with a device that is connected and hears answers, and a service client. */
void world_start(struct world *w);
/* The plugin that was loaded. */
struct plugin *world_plugin(void);
/* Send a command and turn the clock until its answer is there; returns its text, valid until broker_forget. */
const char *world_command(struct world *w, const char *text);
/* The device reports; returns what the broker is told. */
int world_patch(struct world *w, const char *rid, const char *body);
/* The device asks for its twin, with the rid g; returns what the broker is told. */
int world_get(struct world *w);
/* The device again, as if through the gateway. user_name: with the gateway's words before it */
struct mosquitto world_through(const struct world *w, const char *user_name);
/* The gateway tells something of c; returns what the broker is told. */
int world_report(struct mosquitto *c, const char *text);

#endif
