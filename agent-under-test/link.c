/* link.c - libmosquitto, spoken to in one place. */
#include "link.h"

#include <errno.h>
#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topic.h"

#define CLIENT_ID_MAX (2 * SETTINGS_ID_MAX + 2)

struct link {
    struct mosquitto *mosq;
    const struct settings *settings;
    struct agent *agent;
    const struct log *log;
    link_clock *clock;
    bool is_open;     /* between connect and agent_on_lost */
    bool is_answered; /* CONNACK came */
    bool is_muted;    /* dropped: libmosquitto's farewell is nobody's business */
};

/* Report the end of a connection, once. */
static void lost(struct link *l, const char *reason)
{
    if (!l->is_open)
        return;
    l->is_open = false;
    if (!l->is_muted)
        agent_on_lost(l->agent, reason, l->clock());
}

static void on_connect(struct mosquitto *mosq, void *context, int code)
{
    struct link *l = context;

    (void)mosq;
    l->is_answered = true;
    agent_on_connack(l->agent, code, l->clock());
}

static void on_subscribe(struct mosquitto *mosq, void *context, int mid, int count, const int *granted)
{
    struct link *l = context;

    (void)mosq;
    (void)mid;
    agent_on_suback(l->agent, granted, count > 0 ? (size_t)count : 0, l->clock());
}

static void on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *m)
{
    struct link *l = context;

    (void)mosq;
    agent_on_message(l->agent, str_from(m->topic), str_of(m->payload, (size_t)m->payloadlen), l->clock());
}

/* Also called when a QoS 0 message has left, sometimes with libmosquitto's locks held: nothing may be published in
 * here. The agent knows its QoS 1 messages by their ids. */
static void on_publish(struct mosquitto *mosq, void *context, int mid)
{
    struct link *l = context;

    (void)mosq;
    agent_on_puback(l->agent, mid);
}

static void on_disconnect(struct mosquitto *mosq, void *context, int rc)
{
    (void)mosq;
    lost(context, rc ? mosquitto_strerror(rc) : "closed");
}

/* libmosquitto says why TLS failed only here. Its other lines name every packet: too much, and none of them new. */
static void on_log(struct mosquitto *mosq, void *context, int level, const char *text)
{
    struct link *l = context;

    (void)mosq;
    if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING)
        log_line(l->log, SEVERITY_WARNING, "link detail=\"%s\"", text);
}

static enum rc wire_connect(void *context, const char *user_name, const char *password)
{
    struct link *l = context;
    int rc = mosquitto_username_pw_set(l->mosq, user_name, password);

    l->is_muted = l->is_answered = false;
    if (!rc)
        rc = mosquitto_connect_async(l->mosq, settings_target(l->settings), (int)l->settings->port,
                                     (int)l->settings->keep_alive_s);
    if (rc) {
        log_line(l->log, SEVERITY_WARNING, "link detail=\"%s\"",
                 rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
        return RC_NET;
    }
    l->is_open = true;
    return RC_OK;
}

static enum rc wire_subscribe(void *context, unsigned topics)
{
    struct link *l = context;
    char answers[] = TOPIC_FILTER_ANSWERS, desired[] = TOPIC_FILTER_DESIRED;
    char *filters[WIRE_SUBSCRIPTIONS];
    int n = 0;

    if (topics & WIRE_ANSWERS)
        filters[n++] = answers;
    if (topics & WIRE_DESIRED)
        filters[n++] = desired;
    return mosquitto_subscribe_multiple(l->mosq, NULL, n, filters, 1, 0, NULL) ? RC_NET : RC_OK;
}

static enum rc wire_publish(void *context, const char *topic, struct str body, int qos, int *mid)
{
    struct link *l = context;
    int rc = mosquitto_publish(l->mosq, mid, topic, (int)body.len, body.at, qos, false);

    switch (rc) {
    case MOSQ_ERR_SUCCESS:
        return RC_OK;
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_ERRNO:
    case MOSQ_ERR_TLS:
        /* A QoS 1 message that cannot be sent now is kept, and sent on the next connection. */
        return qos > 0 ? RC_OK : RC_NET;
    default:
        return RC_NET;
    }
}

static void wire_disconnect(void *context)
{
    struct link *l = context;

    if (mosquitto_disconnect(l->mosq))
        lost(l, "closed");
}

static void wire_drop(void *context)
{
    struct link *l = context;

    l->is_muted = true;
    l->is_open = false;
    if (mosquitto_socket(l->mosq) >= 0)
        (void)shutdown(mosquitto_socket(l->mosq), SHUT_RDWR); /* the next connect closes it */
}

struct wire link_wire(struct link *l)
{
    return (struct wire){.link = l,
                         .connect = wire_connect,
                         .subscribe = wire_subscribe,
                         .publish = wire_publish,
                         .disconnect = wire_disconnect,
                         .drop = wire_drop};
}

/* Trust: the given authorities or the system's, the whole chain and the name, TLS 1.2 or newer. */
static int trust_set(struct link *l)
{
    const char *ca = l->settings->ca_file;
    int rc;

    if (*ca)
        rc = mosquitto_tls_set(l->mosq, ca, NULL, NULL, NULL, NULL);
    else
        rc = mosquitto_int_option(l->mosq, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    return rc ? rc : mosquitto_tls_opts_set(l->mosq, 1, "tlsv1.2", NULL); /* a minimum. source: facts S-14 */
}

struct link *link_new(const struct settings *settings, struct agent *agent, const struct log *log, link_clock *clock)
{
    struct link *l = calloc(1, sizeof *l);
    char client_id[CLIENT_ID_MAX];
    int rc = MOSQ_ERR_NOMEM;

    if (mosquitto_lib_init() || !l)
        goto done;
    *l = (struct link){.settings = settings, .agent = agent, .log = log, .clock = clock};
    (void)snprintf(client_id, sizeof client_id, "%s/%s", settings->device_id, settings->module_id);
    l->mosq = mosquitto_new(client_id, false, l);
    if (!l->mosq)
        goto done;
    rc = trust_set(l);
    if (!rc)
        rc = mosquitto_int_option(l->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(l->mosq, on_connect);
    mosquitto_subscribe_callback_set(l->mosq, on_subscribe);
    mosquitto_message_callback_set(l->mosq, on_message);
    mosquitto_publish_callback_set(l->mosq, on_publish);
    mosquitto_disconnect_callback_set(l->mosq, on_disconnect);
    mosquitto_log_callback_set(l->mosq, on_log);

done:
    if (!rc)
        return l;
    log_line(log, SEVERITY_ERROR, "link detail=\"%s\"", mosquitto_strerror(rc));
    link_free(l);
    return NULL;
}

void link_free(struct link *l)
{
    if (l && l->mosq)
        mosquitto_destroy(l->mosq);
    free(l);
    (void)mosquitto_lib_cleanup();
}

int link_socket(const struct link *l)
{
    return l->is_open ? mosquitto_socket(l->mosq) : -1;
}

bool link_wants_write(const struct link *l)
{
    return mosquitto_want_write(l->mosq);
}

/* Has the other end gone, with nothing left to read? */
static bool is_hung_up(int socket)
{
    char byte;
    ssize_t n = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void link_service(struct link *l, bool is_readable, bool is_writable, bool is_broken)
{
    int rc = MOSQ_ERR_SUCCESS;

    if (!l->is_open)
        return;
    if (is_readable || is_broken)
        rc = mosquitto_loop_read(l->mosq, 1);
    /* During the handshake libmosquitto takes a reset connection for one that is not ready yet, and would be called
     * again at once, for ever. */
    if (!rc && is_broken && !l->is_answered)
        rc = MOSQ_ERR_CONN_LOST;
    if (!rc && l->is_open && is_writable)
        rc = mosquitto_loop_write(l->mosq, 1);
    if (!rc && l->is_open)
        rc = mosquitto_loop_misc(l->mosq);
    /* Not every failure goes through on_disconnect: a TLS handshake that fails does not. */
    if (rc || (l->is_open && mosquitto_socket(l->mosq) < 0))
        lost(l, rc ? mosquitto_strerror(rc) : "closed");
    /* And a connection that is refused before its handshake libmosquitto would read for ever. */
    else if (is_readable && l->is_open && is_hung_up(mosquitto_socket(l->mosq)))
        lost(l, "refused or closed");
}
