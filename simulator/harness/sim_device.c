/* sim_device.c - see sim_device.h. libmosquitto without threads, as in service.c. */
#include "sim_device.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP_ALIVE_S 240 /* as the Azure SDKs */
#define TURN_MAX     100u
#define API_VERSION  "2021-04-12"
#define METHODS      "$iothub/methods/POST/"
#define RID_MARK     "/?$rid="

struct sim_device {
    struct mosquitto *mosq;
    char id[IDENT_TEXT_MAX];
    enum sim_device_state state;
    bool had_session;
    bool withholds, is_deaf; /* deaf: nothing is read any more */
    unsigned waiting;        /* acknowledgements to come */
    struct method {
        struct method *next;
        char *name, *payload;
        size_t payload_len;
        int status;
    } * methods;
};

static void on_connect(struct mosquitto *mosq, void *arg, int code, int flags)
{
    struct sim_device *d = arg;

    (void)mosq;
    d->state = code == 0 ? SIM_DEVICE_CONNECTED : SIM_DEVICE_REFUSED;
    d->had_session = (flags & 1) != 0;
    d->is_deaf = d->withholds && d->had_session; /* messages may stand right behind */
}

static void on_disconnect(struct mosquitto *mosq, void *arg, int code)
{
    struct sim_device *d = arg;

    (void)mosq;
    (void)code;
    if (d->state != SIM_DEVICE_REFUSED)
        d->state = SIM_DEVICE_GONE;
}

static void on_publish(struct mosquitto *mosq, void *arg, int id)
{
    struct sim_device *d = arg;

    (void)mosq;
    (void)id;
    if (d->waiting)
        d->waiting--;
}

static void on_subscribe(struct mosquitto *mosq, void *arg, int id, int n, const int *granted)
{
    struct sim_device *d = arg;

    (void)n;
    (void)granted;
    on_publish(mosq, arg, id);
    d->is_deaf = d->withholds;
}

/* METHODS name RID_MARK rid (facts M-23): the method of that name, and the rid. NULL: none */
static const struct method *method_called(const struct sim_device *d, struct str topic, struct str *rid)
{
    const struct method *m = d->methods;
    struct str name;

    if (!str_starts(topic, STR(METHODS)))
        return NULL;
    topic = str_skip(topic, sizeof METHODS - 1);
    name = str_first(topic, str_find(topic, '/'));
    topic = str_skip(topic, name.len);
    if (!str_starts(topic, STR(RID_MARK)))
        return NULL;
    *rid = str_skip(topic, sizeof RID_MARK - 1);
    while (m && !str_eq(str_from(m->name), name))
        m = m->next;
    return m;
}

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *message)
{
    struct sim_device *d = arg;
    struct str rid;
    const struct method *m = method_called(d, str_from(message->topic), &rid);
    char topic[256];

    (void)mosq;
    if (!m || (size_t)snprintf(topic, sizeof topic, "$iothub/methods/res/%d" RID_MARK "%.*s", m->status,
                               STR_FMT(rid)) >= sizeof topic)
        return;
    if (sim_device_publish(d, topic, str_of(m->payload, m->payload_len)))
        d->state = SIM_DEVICE_GONE; /* it cannot do what it was told to */
}

/* User name and password as the SDKs make them (facts M-03, A-01). */
static enum rc make_login(const struct sim_device_options *o, const char *id, struct buf *user, struct buf *password)
{
    buf_addf(user, "%s/%s/?api-version=" API_VERSION, o->host, id);
    sas_token_make(password, str_from(o->host), &o->id, STR(""), o->key, o->expires_s);
    return user->rc ? user->rc : password->rc;
}

static enum rc dial(struct sim_device *d, const struct sim_device_options *o)
{
    struct buf user, password;
    enum rc rc;

    buf_init(&user, 4096);
    buf_init(&password, 4096);
    rc = make_login(o, d->id, &user, &password);
    if (!rc && (mosquitto_tls_set(d->mosq, o->ca_file, NULL, NULL, NULL, NULL) ||
                mosquitto_username_pw_set(d->mosq, user.at, password.at) ||
                mosquitto_int_option(d->mosq, MOSQ_OPT_TCP_NODELAY, 1) ||
                mosquitto_connect(d->mosq, o->host, o->port, KEEP_ALIVE_S)))
        rc = RC_IO;
    if (password.at)
        explicit_bzero(password.at, password.len);
    buf_done(&password);
    buf_done(&user);
    return rc;
}

enum rc sim_device_new(const struct sim_device_options *options, struct sim_device **out)
{
    struct sim_device *d = calloc(1, sizeof *d);
    enum rc rc;

    if (!d)
        return RC_NOMEM;
    (void)mosquitto_lib_init();
    (void)ident_print(options->id, d->id);
    d->withholds = options->withholds;
    d->mosq = mosquitto_new(d->id, options->is_clean, d);
    rc = d->mosq ? RC_OK : RC_NOMEM;
    if (!rc) {
        mosquitto_connect_with_flags_callback_set(d->mosq, on_connect);
        mosquitto_disconnect_callback_set(d->mosq, on_disconnect);
        mosquitto_publish_callback_set(d->mosq, on_publish);
        mosquitto_subscribe_callback_set(d->mosq, on_subscribe);
        mosquitto_message_callback_set(d->mosq, on_message);
        rc = dial(d, options);
    }
    if (rc)
        sim_device_free(d);
    else
        *out = d;
    return rc;
}

void sim_device_free(struct sim_device *d)
{
    if (!d)
        return;
    mosquitto_destroy(d->mosq);
    (void)mosquitto_lib_cleanup();
    while (d->methods) {
        struct method *m = d->methods;

        d->methods = m->next;
        free(m->name);
        free(m->payload);
        free(m);
    }
    free(d);
}

const char *sim_device_id(const struct sim_device *d)
{
    return d->id;
}

enum sim_device_state sim_device_state(const struct sim_device *d)
{
    return d->state;
}

bool sim_device_had_session(const struct sim_device *d)
{
    return d->had_session;
}

bool sim_device_is_waiting(const struct sim_device *d)
{
    return d->waiting > 0 && d->state == SIM_DEVICE_CONNECTED;
}

static bool is_over(const struct sim_device *d)
{
    return d->state == SIM_DEVICE_GONE || d->state == SIM_DEVICE_REFUSED;
}

int sim_device_fd(const struct sim_device *d)
{
    return is_over(d) ? -1 : mosquitto_socket(d->mosq);
}

bool sim_device_wants_read(const struct sim_device *d)
{
    return !is_over(d) && !d->is_deaf;
}

bool sim_device_wants_write(const struct sim_device *d)
{
    return !is_over(d) && mosquitto_want_write(d->mosq);
}

static bool is_readable(int fd)
{
    struct pollfd wait = {fd, POLLIN, 0};

    return fd >= 0 && poll(&wait, 1, 0) > 0;
}

void sim_device_turn(struct sim_device *d)
{
    int code = MOSQ_ERR_SUCCESS;

    for (unsigned i = 0; i < TURN_MAX && !code && sim_device_wants_read(d) && is_readable(mosquitto_socket(d->mosq));
         i++)
        code = mosquitto_loop_read(d->mosq, 1);
    if (!code && !is_over(d) && mosquitto_want_write(d->mosq))
        code = mosquitto_loop_write(d->mosq, 1);
    if (!code && !is_over(d))
        code = mosquitto_loop_misc(d->mosq);
    if (code && !is_over(d))
        d->state = SIM_DEVICE_GONE;
}

static enum rc sent(struct sim_device *d, int code)
{
    if (code == MOSQ_ERR_NOMEM)
        return RC_NOMEM;
    if (code == MOSQ_ERR_PAYLOAD_SIZE || code == MOSQ_ERR_OVERSIZE_PACKET || code == MOSQ_ERR_INVAL ||
        code == MOSQ_ERR_MALFORMED_UTF8)
        return RC_LIMIT;
    if (code)
        return RC_IO;
    d->waiting++;
    return RC_OK;
}

enum rc sim_device_subscribe(struct sim_device *d, const char *filter)
{
    return sent(d, d->state == SIM_DEVICE_CONNECTED ? mosquitto_subscribe(d->mosq, NULL, filter, 1) : MOSQ_ERR_NO_CONN);
}

enum rc sim_device_publish(struct sim_device *d, const char *topic, struct str payload)
{
    int code = MOSQ_ERR_NO_CONN;

    if (payload.len > INT32_MAX)
        return RC_LIMIT;
    if (d->state == SIM_DEVICE_CONNECTED)
        code = mosquitto_publish(d->mosq, NULL, topic, (int)payload.len, payload.at, 1, false);
    return sent(d, code);
}

enum rc sim_device_disconnect(struct sim_device *d)
{
    if (d->state != SIM_DEVICE_CONNECTED)
        return RC_IO;
    return mosquitto_disconnect(d->mosq) ? RC_IO : RC_OK;
}

bool sim_device_answers(const struct sim_device *d)
{
    return d->methods != NULL;
}

enum rc sim_device_answer(struct sim_device *d, const char *method, int status, struct str payload)
{
    struct method *m = calloc(1, sizeof *m);

    if (!m)
        return RC_NOMEM;
    m->status = status;
    m->name = str_dup(str_from(method));
    m->payload = str_dup(payload);
    m->payload_len = payload.len;
    if (!m->name || !m->payload) {
        free(m->name);
        free(m->payload);
        free(m);
        return RC_NOMEM;
    }
    m->next = d->methods; /* found before an earlier one of the same name */
    d->methods = m;
    return RC_OK;
}
