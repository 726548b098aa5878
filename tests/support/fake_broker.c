/* fake_broker.c - see fake_broker.h. */
#include "fake_broker.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stdarg.h>
#include <stdio.h>

#include "rc.h"
#include "test.h"

/* The test makes the plugin's allocations fail, not ours. */
void *__real_malloc(size_t n);

struct broker broker;

static struct {
    MOSQ_FUNC_generic_callback call;
    void *userdata;
} callbacks[16], controls[4]; /* CONTROL has one a topic */
static char control_topics[4][64];
static size_t n_controls;

/* Not one byte to spare, so that the address sanitizer sees a read past the end. */
static char *exact(const char *bytes, size_t len)
{
    char *copy = __real_malloc(len ? len : 1);

    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static char *keep(const void *bytes, size_t len)
{
    char *copy = __real_malloc(len + 1);

    assert_non_null(copy);
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

/* --- what the plugin calls ------------------------------------------------------------------------------------ */

int mosquitto_callback_register(mosquitto_plugin_id_t *identifier, int event, MOSQ_FUNC_generic_callback cb_func,
                                const void *event_data, void *userdata)
{
    (void)identifier;
    if (event == broker.refuse_event)
        return MOSQ_ERR_NOT_SUPPORTED;
    if (event == MOSQ_EVT_CONTROL) {
        assert_true(n_controls < COUNT(controls) && strlen(event_data) < sizeof control_topics[0]);
        (void)snprintf(control_topics[n_controls], sizeof control_topics[0], "%s", (const char *)event_data);
        controls[n_controls].call = cb_func;
        controls[n_controls++].userdata = userdata;
        return MOSQ_ERR_SUCCESS;
    }
    callbacks[event].call = cb_func;
    callbacks[event].userdata = userdata;
    return MOSQ_ERR_SUCCESS;
}

void mosquitto_log_printf(int level, const char *fmt, ...) PRINTF_LIKE(2, 3);
void mosquitto_log_printf(int level, const char *fmt, ...)
{
    size_t at = strlen(broker.log);
    va_list args;

    (void)level;
    va_start(args, fmt);
    (void)vsnprintf(broker.log + at, sizeof broker.log - at, fmt, args);
    va_end(args);
}

int mosquitto_broker_publish(const char *clientid, const char *topic, int payloadlen, void *payload, int qos,
                             bool retain, mosquitto_property *properties)
{
    struct published *p = &broker.out[broker.n_out];

    assert_true(payloadlen >= 0 && (payloadlen == 0 || payload) && qos >= 0 && qos <= 1 && !retain && !properties);
    assert_true(broker.n_out < COUNT(broker.out));
    if (broker.refuse_publish)
        return MOSQ_ERR_NOMEM;
    p->to = clientid ? keep(clientid, strlen(clientid)) : NULL;
    p->topic = keep(topic, strlen(topic));
    p->body = keep(payload, (size_t)payloadlen);
    p->len = (size_t)payloadlen;
    p->qos = qos;
    broker.n_out++;
    free(payload);
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_kick_client_by_clientid(const char *clientid, bool with_will)
{
    assert_true(with_will && broker.n_kicked < COUNT(broker.kicked));
    broker.kicked[broker.n_kicked++] = keep(clientid, strlen(clientid));
    if (broker.stored && strcmp(broker.stored->id, clientid) == 0)
        broker.stored_answer = broker_subscribe(broker.stored, broker.stored_filter, 1);
    return MOSQ_ERR_SUCCESS;
}

const char *mosquitto_client_id(const struct mosquitto *client)
{
    return client->id;
}
bool mosquitto_client_clean_session(const struct mosquitto *client)
{
    return client->clean;
}
int mosquitto_client_keepalive(const struct mosquitto *client)
{
    (void)client;
    return 60;
}
const char *mosquitto_client_address(const struct mosquitto *client)
{
    return client->address ? client->address : "127.0.0.1";
}
int mosquitto_client_protocol_version(const struct mosquitto *client)
{
    return client->protocol;
}

/* --- what the test calls -------------------------------------------------------------------------------------- */

int broker_start(const char *config)
{
    static const int versions[] = {2, 3, 4, 5};
    char key[] = "config", value[4096];
    struct mosquitto_opt option = {key, value};

    n_controls = 0;
    (void)snprintf(value, sizeof value, "%s", config);
    assert_int_equal(mosquitto_plugin_version(COUNT(versions), versions), 5);
    return mosquitto_plugin_init(NULL, &broker.plugin, &option, 1);
}

void broker_forget(void)
{
    for (size_t i = 0; i < broker.n_out; i++) {
        free(broker.out[i].to);
        free(broker.out[i].topic);
        free(broker.out[i].body);
    }
    for (size_t i = 0; i < broker.n_kicked; i++)
        free(broker.kicked[i]);
    broker.n_out = broker.n_kicked = 0;
    broker.log[0] = '\0';
}

void broker_stop(void)
{
    (void)mosquitto_plugin_cleanup(broker.plugin, NULL, 0);
    broker_forget();
    memset(&broker, 0, sizeof broker);
    memset(callbacks, 0, sizeof callbacks);
    n_controls = 0;
}

static int call(int event, void *data)
{
    return callbacks[event].call(event, data, callbacks[event].userdata);
}

int broker_connect(struct mosquitto *c)
{
    struct mosquitto_evt_basic_auth ev = {.client = c};
    char user[1024], password[1024];
    int rc;

    (void)snprintf(user, sizeof user, "%s", c->username ? c->username : "");
    (void)snprintf(password, sizeof password, "%s", c->password ? c->password : "");
    ev.username = c->username ? user : NULL;
    ev.password = c->password ? password : NULL;
    rc = call(MOSQ_EVT_BASIC_AUTH, &ev);
    assert_true(rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_AUTH || rc == MOSQ_ERR_CONN_LOST);
    return rc;
}

static int check(struct mosquitto *c, int access, const char *topic, const char *body, int qos, bool retain)
{
    size_t len = body ? strlen(body) : 0;
    char *payload = exact(body, len); /* a will's payload has no NUL behind it */
    struct mosquitto_evt_acl_check ev = {.client = c, .topic = topic, .payload = payload, .access = access};
    int rc;

    ev.payloadlen = (uint32_t)len;
    ev.qos = (uint8_t)qos;
    ev.retain = retain;
    rc = call(MOSQ_EVT_ACL_CHECK, &ev);
    assert_true(rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_ACL_DENIED || rc == MOSQ_ERR_AUTH);
    free(payload);
    return rc;
}

int broker_subscribe(struct mosquitto *c, const char *filter, int qos)
{
    return check(c, MOSQ_ACL_SUBSCRIBE, filter, NULL, qos, false);
}

int broker_read(struct mosquitto *c, const char *topic)
{
    int rc = check(c, MOSQ_ACL_READ, topic, "x", 0, false);

    assert_int_not_equal(rc, MOSQ_ERR_AUTH); /* would hit the sender */
    return rc;
}

int broker_write(struct mosquitto *c, const char *topic, const char *body)
{
    return check(c, MOSQ_ACL_WRITE, topic, body, 0, false);
}

int broker_publish(struct mosquitto *c, const char *topic, const char *body, bool *retain)
{
    bool kept = retain && *retain;
    int rc = check(c, MOSQ_ACL_WRITE, topic, body, 0, kept);
    char text[1024];
    size_t len = strlen(body);
    char *payload;

    if (rc)
        return rc;
    payload = exact(body, len);
    if (strncmp(topic, "$CONTROL/", 9) == 0) {
        struct mosquitto_evt_control ev = {.client = c, .topic = topic, .payload = payload};

        ev.payloadlen = (uint32_t)len;
        for (size_t i = 0; i < COUNT(controls) && i < n_controls; i++)
            if (strcmp(control_topics[i], topic) == 0)
                rc = controls[i].call(MOSQ_EVT_CONTROL, &ev, controls[i].userdata);
        assert_int_equal(rc, MOSQ_ERR_SUCCESS); /* all else would close */
    } else {
        struct mosquitto_evt_message ev = {.client = c, .topic = text, .payload = payload, .retain = kept};

        (void)snprintf(text, sizeof text, "%s", topic);
        ev.payloadlen = (uint32_t)len;
        rc = call(MOSQ_EVT_MESSAGE, &ev);
        if (retain)
            *retain = ev.retain;
    }
    free(payload);
    return rc;
}

void broker_disconnect(struct mosquitto *c)
{
    struct mosquitto_evt_disconnect ev = {.client = c, .reason = -1};

    assert_int_equal(call(MOSQ_EVT_DISCONNECT, &ev), MOSQ_ERR_SUCCESS);
}

void broker_reload(void)
{
    struct mosquitto_evt_reload ev = {.option_count = 0};

    assert_int_equal(call(MOSQ_EVT_RELOAD, &ev), MOSQ_ERR_PLUGIN_DEFER);
}

void broker_tick(void)
{
    struct mosquitto_evt_tick ev = {.now_s = 0};

    assert_int_equal(call(MOSQ_EVT_TICK, &ev), MOSQ_ERR_SUCCESS);
}

const struct published *broker_sent(const char *to, const char *topic, size_t n)
{
    for (size_t i = 0; i < broker.n_out; i++) {
        const struct published *p = &broker.out[i];
        bool is_same = to ? p->to && strcmp(p->to, to) == 0 : !p->to;

        if (is_same && strncmp(p->topic, topic, strlen(topic)) == 0 && n-- == 0)
            return p;
    }
    return NULL;
}
