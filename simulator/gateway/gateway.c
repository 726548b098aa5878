/* gateway.c - see gateway.h. */
#include "gateway.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"

#define EXIT_GONE      1
#define BACKLOG        4096
#define OTHER_FDS      64u /* that are no client's */
#define CLIENTS_WISHED 5000u
#define PAUSE_MS       100  /* without newcomers, when descriptors ran out */
#define TRIM_AFTER     256u /* connections that came or went: then what they needed meanwhile goes back to the system */
#define TRIM_IN_S      1
#define DISPATCH_US    2000 /* timers are looked at at least so often while many sockets are ready */
#define DISPATCH_MAX   512
#define HEAP_SLACK                                                                                                     \
    (4 * 1024 * 1024) /* bytes that stay ours at the heap's end: else each record's buffer asks the system anew */

int64_t clock_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void log_line(const char *fmt, ...)
{
    char line[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "twinsim-gateway: %s\n", line);
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

static void leave(struct gateway *gw)
{
    link_stop(&gw->link);
    (void)event_base_loopbreak(gw->base);
}

/* Nobody comes in any more; all who are in are told to the hub as ended. */
static void stop(struct gateway *gw, int status)
{
    static const struct timeval limit = {FRONT_DOOR_STOP_S, 0};
    struct conn *c, *next;

    if (gw->is_stopping)
        return;
    gw->is_stopping = true;
    gw->status = status;
    for (size_t i = 0; i < OPTIONS_LISTEN_MAX; i++)
        if (gw->listeners[i])
            (void)evconnlistener_disable(gw->listeners[i]);
    for (c = TAILQ_FIRST(&gw->conns); c; c = next) {
        next = TAILQ_NEXT(c, all);
        if (c->state == CONN_OPEN)
            conn_end(c, ENDED_SHUTDOWN, NULL);
        else if (c->state == CONN_ENDING)
            conn_wind_down(c); /* it need not linger any more */
        else
            conn_bury(c);
    }
    if (gw->n_conns == 0)
        leave(gw);
    else
        (void)evtimer_add(&gw->limit, &limit);
}

static void on_limit(evutil_socket_t unused, short what, void *arg)
{
    (void)unused;
    (void)what;
    leave(arg);
}

static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    stop(arg, 0);
}

static void on_trim(evutil_socket_t unused, short what, void *arg)
{
    (void)unused;
    (void)what;
    (void)arg;
    (void)malloc_trim(0);
}

/* Handshakes need twice the memory that a connection keeps, and the last of many lies anywhere. */
static void count_change(struct gateway *gw)
{
    static const struct timeval soon = {TRIM_IN_S, 0};

    if (++gw->n_changes < TRIM_AFTER || gw->is_stopping)
        return;
    gw->n_changes = 0;
    (void)evtimer_add(&gw->trim, &soon);
}

void gateway_conn_shaken(struct gateway *gw)
{
    count_change(gw);
}

void gateway_conn_freed(struct gateway *gw)
{
    gw->n_conns--;
    count_change(gw);
    if (gw->is_stopping && gw->n_conns == 0)
        leave(gw);
}

/* --- the session with the broker -------------------------------------------------------------------------------------------- */

void gateway_link_up(struct gateway *gw)
{
    int fd = gw->options->ready_fd;

    if (gw->is_ready) {
        log_line("the broker is back");
        return;
    }
    gw->is_ready = true;
    if (fd < 0)
        return;
    if (write(fd, "ready\n", 6) != 6)
        log_line("nobody reads that the gateway is ready: %s", strerror(errno));
    (void)close(fd);
}

void gateway_link_lost(struct gateway *gw)
{
    if (!gw->is_stopping)
        log_line("the broker has gone; waiting for it");
}

void gateway_link_gone(struct gateway *gw, const char *why)
{
    if (gw->is_stopping)
        return;
    log_line("the broker cannot be reached at %s: %s", gw->options->broker, why);
    stop(gw, EXIT_GONE);
}

/* --- newcomers -------------------------------------------------------------------------------------------------------------- */

/* As if nobody listened: the peer sees a reset. */
static void turn_away(evutil_socket_t fd)
{
    static const struct linger at_once = {1, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(fd);
}

static void peer_name(const struct sockaddr *address, char out[PEER_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;

        (void)evutil_inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        (void)snprintf(out, PEER_MAX, "[%s]:%u", host, (unsigned)ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;

        (void)evutil_inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        (void)snprintf(out, PEER_MAX, "%s:%u", host, (unsigned)ntohs(in->sin_port));
    }
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len, void *arg)
{
    struct gateway *gw = arg;
    char peer[PEER_MAX];
    int one = 1, kernel = BOUND_KERNEL;

    (void)listener;
    (void)len;
    if (!gw->link.is_up || gw->n_conns >= gw->max_conns) {
        turn_away(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kernel, sizeof kernel);
    peer_name(address, peer);
    conn_accept(gw, fd, peer);
}

/* Descriptors ran out: listening on would spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    static const struct timeval pause = {0, PAUSE_MS * 1000};
    struct gateway *gw = arg;

    (void)listener;
    log_line("a connection cannot be accepted: %s", strerror(errno));
    for (size_t i = 0; i < OPTIONS_LISTEN_MAX; i++)
        if (gw->listeners[i])
            (void)evconnlistener_disable(gw->listeners[i]);
    (void)evtimer_add(&gw->pause, &pause);
}

static void on_pause_over(evutil_socket_t unused, short what, void *arg)
{
    struct gateway *gw = arg;

    (void)unused;
    (void)what;
    for (size_t i = 0; i < OPTIONS_LISTEN_MAX && !gw->is_stopping; i++)
        if (gw->listeners[i])
            (void)evconnlistener_enable(gw->listeners[i]);
}

static enum rc listen_at(struct gateway *gw, size_t i)
{
    struct sockaddr_storage at;
    int len = sizeof at;

    if (evutil_parse_sockaddr_port(gw->options->listen[i], (struct sockaddr *)&at, &len)) {
        log_line("--listen %s: that is no numeric address with a port", gw->options->listen[i]);
        return RC_SYNTAX;
    }
    gw->listeners[i] = evconnlistener_new_bind(gw->base, on_accept, gw,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                               BACKLOG, (const struct sockaddr *)&at, len);
    if (!gw->listeners[i]) {
        log_line("cannot listen at %s: %s", gw->options->listen[i], strerror(errno));
        return RC_IO;
    }
    evconnlistener_set_error_cb(gw->listeners[i], on_accept_error);
    return RC_OK;
}

/* --- the whole -------------------------------------------------------------------------------------------------------------- */

static void on_reload_signal(evutil_socket_t number, short what, void *arg)
{
    struct gateway *gw = arg;
    const struct options *o = gw->options;

    (void)number;
    (void)what;
    if (tls_load(&gw->tls, o->cert, o->key, o->ca, gw->why))
        log_line("the certificate stays as it was: %s", gw->why);
    else
        log_line("the certificate was loaded again");
}

/* Two descriptors a client. */
static void raise_limits(struct gateway *gw)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (getrlimit(RLIMIT_NOFILE, &files))
        files.rlim_cur = 1024;
    gw->max_conns = files.rlim_cur > 2u * OTHER_FDS ? (size_t)(files.rlim_cur - OTHER_FDS) / 2 : OTHER_FDS / 2;
    if (gw->max_conns < CLIENTS_WISHED)
        log_line("only %zu clients fit: the limit of open files (ulimit -Hn) is %llu", gw->max_conns,
                 (unsigned long long)files.rlim_cur);
}

static struct event_base *base_new(void)
{
    static const struct timeval interval = {0, DISPATCH_US};
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK) == 0 &&
        event_config_set_max_dispatch_interval(config, &interval, DISPATCH_MAX, 0) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

static enum rc gateway_open(struct gateway *gw)
{
    const struct options *o = gw->options;

    gw->base = base_new();
    if (!gw->base) {
        log_line("out of memory");
        return RC_NOMEM;
    }
    turns_init(&gw->turns, gw->base);
    link_init(&gw->link, gw);
    (void)evsignal_assign(&gw->on_term, gw->base, SIGTERM, on_stop_signal, gw);
    (void)evsignal_assign(&gw->on_int, gw->base, SIGINT, on_stop_signal, gw);
    (void)evsignal_assign(&gw->on_hup, gw->base, SIGHUP, on_reload_signal, gw);
    (void)evtimer_assign(&gw->pause, gw->base, on_pause_over, gw);
    (void)evtimer_assign(&gw->limit, gw->base, on_limit, gw);
    (void)evtimer_assign(&gw->trim, gw->base, on_trim, gw);
    if (event_add(&gw->on_term, NULL) || event_add(&gw->on_int, NULL) || event_add(&gw->on_hup, NULL))
        return RC_NOMEM;
    if (tls_load(&gw->tls, o->cert, o->key, o->ca, gw->why)) {
        log_line("%s", gw->why);
        return RC_IO;
    }
    for (size_t i = 0; i < o->n_listen; i++) {
        enum rc rc = listen_at(gw, i);

        if (rc)
            return rc;
    }
    return RC_OK;
}

static void gateway_close(struct gateway *gw)
{
    struct conn *c, *next;

    if (!gw->base)
        return;
    gw->is_stopping = true;
    for (c = TAILQ_FIRST(&gw->conns); c; c = next) {
        next = TAILQ_NEXT(c, all);
        conn_bury(c);
    }
    turns_done(&gw->turns);
    link_done(&gw->link);
    for (size_t i = 0; i < OPTIONS_LISTEN_MAX; i++)
        if (gw->listeners[i])
            evconnlistener_free(gw->listeners[i]);
    (void)event_del(&gw->on_term);
    (void)event_del(&gw->on_int);
    (void)event_del(&gw->on_hup);
    (void)event_del(&gw->pause);
    (void)event_del(&gw->limit);
    (void)event_del(&gw->trim);
    event_base_free(gw->base);
    tls_done(&gw->tls);
    buf_done(&gw->stage);
}

int gateway_run(const struct options *options)
{
    struct gateway *gw = calloc(1, sizeof *gw);
    int status;

    if (!gw) {
        log_line("out of memory");
        return EXIT_GONE;
    }
    gw->options = options;
    gw->status = EXIT_GONE;
    TAILQ_INIT(&gw->conns);
    buf_init(&gw->stage, 2 * (BOUND_TO_CLIENT + BOUND_BROKER_PACKET));
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_SLACK);
    raise_limits(gw);
    if (gateway_open(gw) == RC_OK) {
        link_start(&gw->link);
        if (event_base_dispatch(gw->base) < 0)
            log_line("the loop has failed: %s", strerror(errno));
    }
    gateway_close(gw);
    status = gw->status;
    free(gw);
    return status;
}
