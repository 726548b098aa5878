/* service.c - see service.h. libmosquitto without threads: whoever waits drives it. */
#include "service.h"

#include <assert.h>
#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hub.h"
#include "service_internal.h"

#define LISTEN_MS 5000
#define TURN_MAX  1000u /* packets of one turn, so that a flood leaves time for the caller */

int64_t service_mono_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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
    service_deal(s);
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
    int64_t end = service_mono_ms() + LISTEN_MS;
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
        int64_t left = end - service_mono_ms();

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
    int64_t end = service_mono_ms() + timeout_ms;
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
        int64_t left = end - service_mono_ms();

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
    struct posted **at = service_posted(s, correlation);

    if (!*at || !(*at)->is_answered)
        return false;
    *status = (*at)->status;
    *body = (*at)->body;
    (*at)->body = NULL;
    posted_free(at);
    return true;
}
