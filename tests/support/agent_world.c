/* agent_world.c - playing hub and clock. */
#include "agent_world.h"

#include <stdio.h>

static void say(struct world *w, const char *what)
{
    size_t n = strlen(w->said);

    (void)snprintf(w->said + n, sizeof w->said - n, "%s;", what);
}

static enum rc fake_connect(void *link, const char *user_name, const char *password)
{
    (void)user_name;
    (void)password;
    say(link, "CONNECT");
    return RC_OK;
}

static enum rc fake_subscribe(void *link, unsigned topics)
{
    static const char *const words[] = {"", "SUBSCRIBE answers", "SUBSCRIBE desired", "SUBSCRIBE both"};

    say(link, words[topics]);
    return RC_OK;
}

static enum rc fake_publish(void *link, const char *topic, struct str body, int qos, int *mid)
{
    struct world *w = link;
    bool is_report = strstr(topic, "/reported/") != NULL;

    if (qos == 1) {
        *mid = ++w->next_mid;
        (void)snprintf(w->topic, sizeof w->topic, "%s", topic);
        (void)snprintf(w->message, sizeof w->message, "%.*s", STR_ARG(body));
    }
    if (is_report)
        (void)snprintf(w->report, sizeof w->report, "%.*s", STR_ARG(body));
    say(w, qos == 1 ? "MESSAGE" : is_report ? "REPORT" : "GET");
    return RC_OK;
}

static void fake_end(void *link)
{
    say(link, "END");
}

struct world *world_new(const char *mode, const char *const *more)
{
    char variable[64];
    const char *environment[16] = {"IOTHUB_DEVICE_CONNECTION_STRING=HostName=hub;DeviceId=d;ModuleId=m;SharedAccessKey="
                                   "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                                   "SECURITY_AGENT_OBJECT_NAME=" OBJECT, "SECURITY_AGENT_TRIGGER_INTERVAL=PT1M",
                                   "SECURITY_AGENT_TWIN_PERIOD=PT0.5S", variable};
    const struct settings_source source = {.environment = environment};
    struct world *w = calloc(1, sizeof *w);
    struct failure failure;
    size_t n = 5;

    (void)snprintf(variable, sizeof variable, "SECURITY_AGENT_MODE=%s", mode);
    for (; more && *more; more++) {
        assert_true(n < COUNT(environment) - 1);
        environment[n++] = *more;
    }
    assert_non_null(w);
    assert_true(settings_load(&source, &w->settings, &failure));
    w->wire = (struct wire){w, fake_connect, fake_subscribe, fake_publish, fake_end, fake_end};
    w->roots = (struct collect_roots){.root = "/no/such"};
    w->now = (struct instant){.mono_ms = 1000000, .wall_ms = INT64_C(1613381402000)};
    assert_int_equal(agent_init(&w->agent, &w->settings, &w->roots, &w->wire, &w->log, w->now), RC_OK);
    return w;
}

void world_free(struct world *w)
{
    agent_done(&w->agent);
    settings_done(&w->settings);
    free(w);
}

void said_is(struct world *w, const char *expected)
{
    assert_string_equal(w->said, expected);
    w->said[0] = '\0';
}

/* Let time pass, waking the agent whenever it wants to be woken. */
void pass(struct world *w, int64_t ms)
{
    int64_t end = w->now.mono_ms + ms;

    for (int64_t due; (due = agent_due(&w->agent)) <= end;) {
        if (due > w->now.mono_ms) {
            w->now.wall_ms += due - w->now.mono_ms;
            w->now.mono_ms = due;
        }
        agent_tick(&w->agent, w->now);
        for (; w->is_obliging && w->acknowledged < w->next_mid; agent_tick(&w->agent, w->now))
            agent_on_puback(&w->agent, ++w->acknowledged);
        if (agent_is_over(&w->agent))
            return;
        assert_true(agent_due(&w->agent) > w->now.mono_ms); /* else the loop would spin */
    }
    w->now.wall_ms += end - w->now.mono_ms;
    w->now.mono_ms = end;
}

void connect_with(struct world *w, size_t subscriptions)
{
    static const int granted[] = {1, 1};

    pass(w, 1000);
    agent_on_connack(&w->agent, 0, w->now);
    agent_on_suback(&w->agent, granted, subscriptions, w->now);
}

void reconnect(struct world *w)
{
    static const int granted[] = {1, 1};

    agent_on_lost(&w->agent, "test", w->now);
    for (int i = 0; i < 10000 && w->agent.session.state != SESSION_CONNECTING; i++)
        pass(w, 10);
    assert_int_equal(w->agent.session.state, SESSION_CONNECTING);
    agent_on_connack(&w->agent, 0, w->now);
    agent_on_suback(&w->agent, granted, session_awaits(&w->agent.session), w->now);
}

void hub_says(struct world *w, const char *topic, const char *body)
{
    agent_on_message(&w->agent, str_from(topic), str_from(body), w->now);
    agent_tick(&w->agent, w->now);
}

void hub_answers(struct world *w, int status, const char *body)
{
    char topic[64];

    (void)snprintf(topic, sizeof topic, "$iothub/twin/res/%d/?$rid=%u", status, w->agent.twin.get.rid);
    hub_says(w, topic, body);
}

void hub_patches(struct world *w, const char *body)
{
    hub_says(w, "$iothub/twin/PATCH/properties/desired/?$version=2", body);
}
