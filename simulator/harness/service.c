/* service.c - see service.h. libmosquitto without threads: whoever waits drives it. */
#include "service.h"

#include <assert.h>
#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "connection_string.h"
#include "hub.h"
#include "sas.h"
#include "why.h"

#define CONNECT_MS 5000
#define LISTEN_MS  5000
#define TURN_MAX   1000u                       /* packets of one turn, so that a flood leaves time for the caller */
#define TOKEN_S    ((int64_t)3650 * 24 * 3600) /* a monitor may run for months */
#define RESPONSE   CONTROL_TOPIC "/response"

struct service {
    struct mosquitto *mosq;
    bool is_connected, is_refused, is_gone;
    int suback; /* message id whose SUBACK is awaited; 0: none */
    bool suback_refused;

    service_event_fn *on_event;
    void *arg;
    bool hears_all;
    int64_t last_seq; /* 0: none yet */
    int64_t last_us;  /* mono_us of the last event */
    uint64_t missed;

    /* Messages that libmosquitto handed over and we have not yet dealt with: handlers run outside of its loop, so they may command. */
    struct packet {
        struct packet *next;
        bool is_response, is_hub_event;
        cJSON *doc;
    } * first, **last;

    /* The one command whose answer is awaited. */
    const char *awaited_text; /* correlationData; NULL: none */
    int status;
    cJSON *body;
    uint64_t commands;

    /* Commands that somebody asks for later (service_post). */
    struct posted {
        struct posted *next;
        char *correlation;
        bool is_answered;
        int status;
        cJSON *body;
    } * posted;
};

static int64_t mono_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

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

static void on_message(struct mosquitto *mosq, void *arg, const struct mosquitto_message *m)
{
    struct service *s = arg;
    struct packet *kept;
    cJSON *doc = NULL;

    (void)mosq;
    if (m->payloadlen <= 0 || json_read(str_of(m->payload, (size_t)m->payloadlen), &doc, NULL))
        return; /* telemetry that is no JSON, or not for us; a lost event shows in seq */
    kept = calloc(1, sizeof *kept);
    if (!kept) {
        cJSON_Delete(doc);
        return;
    }
    kept->is_response = strcmp(m->topic, RESPONSE) == 0;
    kept->is_hub_event = str_starts(str_from(m->topic), STR(HUB_EVENTS_ROOT));
    kept->doc = doc;
    *s->last = kept;
    s->last = &kept->next;
}

static struct posted **find_posted(struct service *s, const char *correlation)
{
    struct posted **at = &s->posted;

    while (*at && strcmp((*at)->correlation, correlation) != 0)
        at = &(*at)->next;
    return at;
}

/* The answer to one that was posted, perhaps. */
static void keep_response(struct service *s, cJSON *response, int status)
{
    const char *about = json_get_text(response, "correlationData");
    struct posted *p = about ? *find_posted(s, about) : NULL;

    if (!p || p->is_answered)
        return;
    p->is_answered = true;
    p->status = status;
    p->body = cJSON_DetachItemViaPointer(response, json_get(response, "body"));
}

static void deal_with_response(struct service *s, cJSON *doc)
{
    cJSON *one;

    cJSON_ArrayForEach(one, json_get(doc, "responses"))
    {
        const char *about = json_get_text(one, "correlationData");
        int64_t status = 0;

        if (json_get_i64(one, "status", &status))
            continue;
        if (!s->awaited_text || !about || strcmp(about, s->awaited_text) != 0) {
            keep_response(s, one, (int)status);
            continue;
        }
        s->awaited_text = NULL;
        s->status = (int)status;
        s->body = cJSON_DetachItemViaPointer(one, json_get(one, "body"));
    }
}

static void deal_with_event(struct service *s, const cJSON *event)
{
    int64_t seq = 0;

    if (json_get_i64(event, "mono_us", &s->last_us))
        s->last_us = 0;
    if (s->hears_all && !json_get_i64(event, "seq", &seq)) {
        if (s->last_seq && seq > s->last_seq + 1)
            s->missed += (uint64_t)(seq - s->last_seq - 1);
        s->last_seq = seq;
    }
    if (s->on_event)
        s->on_event(s->arg, event);
}

/* What makes it one of a line of events: kind, whom it concerns, when. */
static cJSON *head_of(const struct service *s, const cJSON *event)
{
    static const char *const names[][2] = {{"kind", "iothub-message-source"},
                                           {"device", "iothub-connection-device-id"},
                                           {"module", "iothub-connection-module-id"}};
    const cJSON *system = json_get(event, "systemProperties");
    cJSON *head = cJSON_CreateObject();
    enum rc rc = head ? json_set(head, "mono_us", json_i64(s->last_us)) : RC_NOMEM;

    for (size_t i = 0; !rc && i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_get_text(system, names[i][1]);

        if (text)
            rc = json_set(head, names[i][0], json_str(str_from(text)));
    }
    if (!rc)
        return head;
    cJSON_Delete(head);
    return NULL;
}

static void deal_with_hub_event(struct service *s, cJSON *event)
{
    cJSON *head = head_of(s, event);
    enum rc rc = head ? RC_OK : RC_NOMEM;

    while (!rc && event->child) {
        cJSON *member = cJSON_DetachItemViaPointer(event, event->child);

        rc = json_set(head, member->string, cJSON_Duplicate(member, true));
        cJSON_Delete(member);
    }
    if (!rc && s->on_event)
        s->on_event(s->arg, head);
    cJSON_Delete(head);
}

static void deal_with_messages(struct service *s)
{
    struct packet *m;

    while ((m = s->first) != NULL) {
        s->first = m->next;
        if (!s->first)
            s->last = &s->first;
        if (m->is_response)
            deal_with_response(s, m->doc);
        else if (m->is_hub_event)
            deal_with_hub_event(s, m->doc);
        else
            deal_with_event(s, m->doc);
        cJSON_Delete(m->doc);
        free(m);
    }
}

static bool is_readable(int fd)
{
    struct pollfd wait = {fd, POLLIN, 0};

    return poll(&wait, 1, 0) > 0;
}

enum rc service_turn(struct service *s)
{
    int code = MOSQ_ERR_SUCCESS;

    if (s->is_gone)
        return RC_IO;
    /* libmosquitto reads one QoS 0 packet a call. */
    for (unsigned i = 0; i < TURN_MAX && !code && !s->is_gone && is_readable(mosquitto_socket(s->mosq)); i++)
        code = mosquitto_loop_read(s->mosq, 1);
    if (!code && mosquitto_want_write(s->mosq))
        code = mosquitto_loop_write(s->mosq, 1);
    if (!code)
        code = mosquitto_loop_misc(s->mosq);
    if (code)
        s->is_gone = true;
    deal_with_messages(s);
    return s->is_gone ? RC_IO : RC_OK;
}

enum rc service_wait(struct service *s, int timeout_ms)
{
    struct pollfd wait = {service_fd(s), POLLIN, 0};

    if (s->is_gone)
        return RC_IO;
    if (service_wants_write(s))
        wait.events |= POLLOUT;
    if (poll(&wait, 1, timeout_ms) < 0 && errno != EINTR)
        return RC_IO;
    return service_turn(s);
}

int service_fd(const struct service *s)
{
    return s->is_gone ? -1 : mosquitto_socket(s->mosq);
}

bool service_wants_write(const struct service *s)
{
    return !s->is_gone && mosquitto_want_write(s->mosq);
}

uint64_t service_missed(const struct service *s)
{
    return s->missed;
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
    int64_t end = mono_ms() + CONNECT_MS;
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
        int64_t left = end - mono_ms();

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
        mosquitto_message_callback_set(s->mosq, on_message);
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

static void posted_free(struct posted **at)
{
    struct posted *p = *at;

    *at = p->next;
    cJSON_Delete(p->body);
    free(p->correlation);
    free(p);
}

void service_free(struct service *s)
{
    struct packet *m;

    if (!s)
        return;
    if (s->mosq) {
        if (!s->is_gone)
            (void)mosquitto_disconnect(s->mosq);
        mosquitto_destroy(s->mosq);
    }
    (void)mosquitto_lib_cleanup();
    while ((m = s->first) != NULL) {
        s->first = m->next;
        cJSON_Delete(m->doc);
        free(m);
    }
    while (s->posted)
        posted_free(&s->posted);
    cJSON_Delete(s->body);
    free(s);
}

/* The filter of one identity's events ("+" is the kind; a device's does not hold its modules'), or of all. */
static enum rc make_filter(struct str id, bool hub_events, struct buf *out)
{
    struct ident who;

    buf_add(out, hub_events ? STR(HUB_EVENTS_ROOT) : STR(EVENTS_ROOT));
    if (id.len == 0) {
        buf_add_char(out, '#');
        return out->rc;
    }
    if (ident_read(id, &who))
        return RC_SYNTAX;
    if (!hub_events)
        buf_add(out, STR("events/"));
    buf_add_percent(out, who.device, STR(""));
    if (ident_is_module(who)) {
        buf_add_char(out, '/');
        buf_add_percent(out, who.module, STR(""));
    }
    buf_add(out, STR("/+"));
    return out->rc;
}

static enum rc listen(struct service *s, struct str id, bool hub_events, service_event_fn *on_event, void *arg)
{
    int64_t end = mono_ms() + LISTEN_MS;
    struct buf filter;
    enum rc rc;

    buf_init(&filter, 2048);
    rc = make_filter(id, hub_events, &filter);
    if (!rc && mosquitto_subscribe(s->mosq, &s->suback, filter.at, 0))
        rc = RC_IO;
    buf_done(&filter);
    if (rc)
        return rc;
    s->on_event = on_event;
    s->arg = arg;
    s->hears_all = s->hears_all || (id.len == 0 && !hub_events);
    while (!rc && s->suback) {
        int64_t left = end - mono_ms();

        rc = left > 0 ? service_wait(s, (int)left) : RC_TIMEOUT;
    }
    return !rc && s->suback_refused ? RC_REFUSED : rc;
}

enum rc service_listen(struct service *s, struct str id_or_empty, service_event_fn *on_event, void *arg)
{
    return listen(s, id_or_empty, false, on_event, arg);
}

enum rc service_listen_hub_events(struct service *s, struct str id_or_empty, service_event_fn *on_event, void *arg)
{
    return listen(s, id_or_empty, true, on_event, arg);
}

/* Publish {"commands":[command]}; takes command over. */
static enum rc send_command(struct service *s, cJSON *command)
{
    struct buf text;
    enum rc rc;

    buf_init(&text, 0);
    buf_add(&text, STR("{\"commands\":["));
    json_print(&text, command);
    buf_add(&text, STR("]}"));
    cJSON_Delete(command);
    rc = text.rc;
    if (!rc && (s->is_gone || mosquitto_publish(s->mosq, NULL, CONTROL_TOPIC, (int)text.len, text.at, 0, false)))
        rc = RC_IO;
    buf_done(&text);
    return rc;
}

enum rc service_command(struct service *s, cJSON *command, int timeout_ms, int *status, cJSON **body)
{
    int64_t end = mono_ms() + timeout_ms;
    char correlation[128];
    const char *given = json_get_text(command, "correlationData");
    enum rc rc = RC_OK;

    assert(!s->awaited_text); /* a handler must not command while an answer is awaited */
    if (given && strlen(given) < sizeof correlation) {
        memcpy(correlation, given, strlen(given) + 1);
    } else {
        (void)snprintf(correlation, sizeof correlation, "c%llu", (unsigned long long)++s->commands);
        rc = json_set(command, "correlationData", json_str(str_from(correlation)));
    }
    if (rc) {
        cJSON_Delete(command);
        return rc;
    }
    s->awaited_text = correlation;
    rc = send_command(s, command);
    while (!rc && s->awaited_text) {
        int64_t left = end - mono_ms();

        rc = left > 0 ? service_wait(s, (int)left) : RC_TIMEOUT;
        if (!s->awaited_text)
            rc = RC_OK; /* answered, and gone right after: an answer all the same */
    }
    s->awaited_text = NULL;
    if (!rc) {
        *status = s->status;
        *body = s->body;
        s->body = NULL;
    }
    return rc;
}

enum rc service_post(struct service *s, cJSON *command)
{
    struct posted *p = calloc(1, sizeof *p);

    if (p)
        p->correlation = str_dup(str_from(json_get_text(command, "correlationData")));
    if (!p || !p->correlation) {
        free(p);
        cJSON_Delete(command);
        return RC_NOMEM;
    }
    p->next = s->posted;
    s->posted = p;
    return send_command(s, command);
}

bool service_take(struct service *s, const char *correlation, int *status, cJSON **body)
{
    struct posted **at = find_posted(s, correlation);

    if (!*at || !(*at)->is_answered)
        return false;
    *status = (*at)->status;
    *body = (*at)->body;
    (*at)->body = NULL;
    posted_free(at);
    return true;
}
