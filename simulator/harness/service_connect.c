/* service_connect.c - a service client logs in at the hub's own socket. See service.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "connection_string.h"
#include "sas.h"
#include "service_internal.h"
#include "why.h"

#define CONNECT_MS 5000
#define TOKEN_S    ((int64_t)3650 * 24 * 3600) /* a monitor may run for months */

static void on_connect(struct mosquitto *mosq, void *arg, int code)
{
    struct service *s = arg;

    (void)mosq;
    if (code == 0)
        s->is_connected = true;
    else
        s->is_refused = true;
}

static void on_disconnect(struct mosquitto *mosq, void *arg, int code)
{
    struct service *s = arg;

    (void)mosq;
    (void)code;
    s->is_gone = true;
}

static void on_subscribe(struct mosquitto *mosq, void *arg, int id, int n, const int *granted)
{
    struct service *s = arg;

    (void)mosq;
    if (id != s->suback)
        return;
    s->suback = 0;
    for (int i = 0; i < n; i++)
        s->suback_refused = s->suback_refused || granted[i] > 2;
}

/* "service//" and 128 random bits, as a uuid is written. */
static enum rc make_id(char out[64])
{
    unsigned char r[16];

    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        return RC_IO;
    (void)snprintf(out, 64, "service//%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
                   r[2], r[3], r[4], r[5], r[6] & 15u, r[7], r[8] & 15u, r[9], r[10], r[11], r[12], r[13], r[14],
                   r[15]);
    return RC_OK;
}

/* User name and password from the hub's service connection string. */
static enum rc make_login(const struct hub_file *hub, char user[320], struct buf *password)
{
    struct str name = str_first(str_from(hub->hostname), str_find(str_from(hub->hostname), '.'));
    struct connection_string cs;
    struct sas_key key;
    enum rc rc = connection_string_read(str_from(hub->service), &cs);

    if (!rc)
        rc = sas_key_read(cs.key, &key);
    if (rc)
        return rc;
    (void)snprintf(user, 320, "%.*s@sas.root.%.*s", STR_FMT(str_first(cs.key_name, 40)), STR_FMT(name));
    sas_token_make(password, cs.host, NULL, cs.key_name, &key, (int64_t)time(NULL) + TOKEN_S);
    explicit_bzero(&key, sizeof key);
    return password->rc;
}

static enum rc dial(struct service *s, const struct hub_file *hub)
{
    int64_t end = service_mono_ms() + CONNECT_MS;
    char user[320];
    struct buf password;
    enum rc rc;

    buf_init(&password, 4096);
    rc = make_login(hub, user, &password);
    if (!rc && (mosquitto_username_pw_set(s->mosq, user, password.at) || mosquitto_connect(s->mosq, hub->socket, 0, 0)))
        rc = RC_IO;
    if (password.at)
        explicit_bzero(password.at, password.len);
    buf_done(&password);
    while (!rc && !s->is_connected && !s->is_refused) {
        int64_t left = end - service_mono_ms();

        rc = left > 0 ? service_wait(s, (int)left) : RC_TIMEOUT;
    }
    return s->is_refused ? RC_REFUSED : rc;
}

enum rc service_connect(const struct hub_file *hub, struct service **out, char *why, size_t why_size)
{
    struct service *s = calloc(1, sizeof *s);
    char id[64];
    enum rc rc;

    if (!s)
        return why_not(why, why_size, RC_NOMEM, "out of memory");
    s->last = &s->first;
    (void)mosquitto_lib_init();
    rc = make_id(id);
    if (!rc)
        s->mosq = mosquitto_new(id, true, s);
    if (!rc && !s->mosq)
        rc = RC_NOMEM;
    if (!rc) {
        mosquitto_connect_callback_set(s->mosq, on_connect);
        mosquitto_disconnect_callback_set(s->mosq, on_disconnect);
        mosquitto_subscribe_callback_set(s->mosq, on_subscribe);
        mosquitto_message_callback_set(s->mosq, service_keep);
        rc = dial(s, hub);
    }
    if (!rc) {
        *out = s;
        return RC_OK;
    }
    service_free(s);
    switch (rc) {
    case RC_REFUSED:
        return why_not(why, why_size, rc,
                       "the hub on %s refused the service login; its keys may have changed: stop it and start it again",
                       hub->socket);
    case RC_TIMEOUT:
        return why_not(why, why_size, rc, "the hub on %s does not answer; look into broker.log in its data directory",
                       hub->socket);
    case RC_IO:
        return why_not(why, why_size, rc,
                       "the hub's socket %s cannot be reached: %s; look into broker.log in its data directory",
                       hub->socket, errno ? strerror(errno) : "closed");
    default:
        return why_not(why, why_size, rc, "the hub on %s cannot be spoken to: %s", hub->socket, rc_text(rc));
    }
}
