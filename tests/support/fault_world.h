/* fault_world.h - a hub with a device and faults, for the tests of what each fault does. */
#ifndef TWINSIM_FAULT_WORLD_H
#define TWINSIM_FAULT_WORLD_H

#include <stdio.h>

#include "hub_world.h"

#define RES     "$iothub/twin/res/"
#define DESIRED "$iothub/twin/PATCH/properties/desired/?$version="
#define GET     "$iothub/twin/GET/?$rid=g"
#define PATCH   "$iothub/twin/PATCH/properties/reported/?$rid=p"
#define EVENTS  "devices/dev1/messages/events/"
#define MS      INT64_C(1000)

/* dev1, connected and subscribed. */
static inline void begin(struct world *w, struct conn *dev)
{
    world_create(w, "dev1");
    world_twin_client(w, dev, "dev1");
}

/* returns its id */
static inline int64_t add(struct world *w, const char *members)
{
    return json_number(world_ask(w, "fault.add", "%s", members), "id");
}

static inline void pass_us(struct world *w, int64_t us)
{
    w->now.us += us;
    w->now.mono_us += us;
}

/* What struck at that operation, by the event that tells of it. */
static inline const char *injected(struct world *w, const char *operation)
{
    cJSON *event = world_event(w, "fault");

    assert_string_equal(json_word(event, "phase"), "injected");
    assert_string_equal(json_word(event, "operation"), operation);
    return json_word(event, "type");
}

static inline void faults_left(struct world *w, size_t n)
{
    assert_int_equal(cJSON_GetArraySize(json_get(world_ask(w, "fault.list", "%s", ""), "items")), n);
}

static inline void get(struct world *w, struct conn *dev)
{
    assert_int_equal(world_publish(w, dev, GET, ""), HUB_SWALLOW);
}

static inline void patch(struct world *w, struct conn *dev, const char *body)
{
    assert_int_equal(world_publish(w, dev, PATCH, body), HUB_SWALLOW);
}

#endif
