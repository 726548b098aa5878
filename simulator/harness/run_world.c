/* run_world.c - the hub and the agent of one scenario, and the one place that waits. */
#include "run_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "descendants.h"
#include "files.h"
#include "iso_time.h"
#include "vars.h"

#define GONE_MS 500 /* for the last events of a hub that has ended */

int64_t run_now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t run_deadline(const struct run *r, int64_t within_us)
{
    int64_t own = run_now_us() + within_us;

    return own < r->deadline_us ? own : r->deadline_us;
}

/* ---- waiting ---- */

static void on_event(void *arg, const cJSON *event)
{
    struct run *r = arg;
    int64_t seq;

    r->happened++;
    if (json_get_i64(event, "seq", &seq) == RC_OK && seq > r->last_seq)
        r->last_seq = seq;
    if (json_get(event, "seq")) /* the hub's own: a recording tells all by these */
        record_event(r, event);
    if (!r->timeline_rc)
        r->timeline_rc = timeline_add(&r->timeline, event, run_now_us());
}

static enum verdict events_missed(struct run *r)
{
    r->events_lost = true;
    return run_error(
        r, "the harness was too slow: %llu events missed; what it saw is not the whole truth, so there is no verdict",
        (unsigned long long)service_missed(r->service));
}

static enum verdict lose_hub(struct run *r)
{
    service_free(r->service);
    r->service = NULL;
    r->hub_lost = true;
    return run_error(r, "the hub was lost: %s ended (%s); the end of its log:\n%s", hub_process_ended_name(r->hub),
                     hub_process_ending(r->hub), hub_process_last_words(r->hub));
}

static enum verdict check_hub(struct run *r)
{
    if (r->service && hub_process_has_ended(r->hub))
        return lose_hub(r);
    if (r->timeline_rc)
        return run_error(r, "more events than a scenario may cause (%u events or %zu MB)", TIMELINE_MAX,
                         TIMELINE_BYTES_MAX >> 20);
    if (r->service && service_missed(r->service))
        return events_missed(r);
    return VERDICT_PASSED;
}

static enum verdict deal_with_service(struct run *r)
{
    if (service_turn(r->service) == RC_OK)
        return VERDICT_PASSED;
    (void)poll(&(struct pollfd){hub_process_fd(r->hub), POLLIN, 0}, 1,
               GONE_MS); /* a socket closes before its process is gone */
    if (hub_process_has_ended(r->hub))
        return lose_hub(r);
    service_free(r->service);
    r->service = NULL;
    r->events_lost = true;
    return run_error(r, "the hub closed the event stream; the harness was too slow, or the hub's log says why");
}

static void collect_orphans(const struct run *r)
{
    pid_t ours[HUB_PROCESS_PIDS + 1 + AGENTS_MAX + PARALLEL_MAX];
    size_t n = hub_process_pids(r->hub, ours);

    ours[n++] = r->main.exec.pid;
    for (size_t i = 0; i < r->n_agents; i++)
        ours[n++] = r->agents[i].process.pid;
    for (size_t i = 0; i < r->n_group; i++)
        ours[n++] = r->group[i].exec.pid;
    descendants_collect(ours, n);
}

#define FDS_MAX (3u + 2u * (AGENTS_MAX + 1u + PARALLEL_MAX) + RUN_DEVICES_MAX)

static size_t add_process(struct pollfd *fds, size_t n, const struct agent_process *p)
{
    fds[n] = (struct pollfd){p->out, POLLIN, 0};
    fds[n + 1] = (struct pollfd){p->pid ? p->pidfd : -1, POLLIN, 0};
    return n + 2;
}

/* All that may wake us; the first is the signals'. returns how many */
static size_t gather(const struct run *r, struct pollfd *fds)
{
    short write = r->service && service_wants_write(r->service) ? POLLOUT : 0;
    size_t n = 3;

    fds[0] = (struct pollfd){r->signal_fd, POLLIN, 0};
    fds[1] = (struct pollfd){r->service ? service_fd(r->service) : -1, (short)(POLLIN | write), 0};
    fds[2] = (struct pollfd){r->service ? hub_process_fd(r->hub) : -1, POLLIN, 0};
    n = add_process(fds, n, &r->main.exec);
    for (size_t i = 0; i < r->n_agents; i++)
        n = add_process(fds, n, &r->agents[i].process);
    for (size_t i = 0; i < r->n_group; i++)
        n = add_process(fds, n, &r->group[i].exec);
    for (size_t i = 0; i < r->n_devices; i++) {
        short wanted = (short)((sim_device_wants_read(r->devices[i]) ? POLLIN : 0) |
                               (sim_device_wants_write(r->devices[i]) ? POLLOUT : 0));

        fds[n++] = (struct pollfd){wanted ? sim_device_fd(r->devices[i]) : -1, wanted, 0};
    }
    return n;
}

enum verdict run_turn(struct run *r, int64_t until_us)
{
    struct pollfd fds[FDS_MAX];
    int64_t over_us = run_agents_over_us(r), now_us = run_now_us(), left_us;
    int ms;
    enum verdict v = VERDICT_PASSED;

    if (over_us > now_us && over_us < until_us)
        until_us = over_us; /* then it is clear that nothing more will come */
    left_us = until_us - now_us;
    ms = left_us <= 0 ? 0 : left_us > US_PER_S ? 1000 : (int)((left_us + 999) / 1000);
    if (poll(fds, gather(r, fds), ms) < 0 && errno != EINTR)
        return run_error(r, "cannot wait: %s", strerror(errno));
    if (fds[0].revents) {
        struct signalfd_siginfo taken;

        (void)!read(r->signal_fd, &taken, sizeof taken); /* so that cleaning up can wait */
        r->is_interrupted = true;
        return run_error(r, "interrupted");
    }
    r->happened++;
    for (size_t i = 0; i < r->n_agents; i++)
        run_agent_turn(r, &r->agents[i]);
    agent_process_read(&r->main.exec);
    for (size_t i = 0; i < r->n_group; i++)
        agent_process_read(&r->group[i].exec);
    collect_orphans(r);
    run_devices_turn(r);
    if (r->service)
        v = deal_with_service(r);
    return v ? v : check_hub(r);
}

enum verdict run_catch_up(struct run *r)
{
    return run_turn(r, 0);
}

/* ---- the hub ---- */

static bool member_us(const cJSON *object, const char *name, int64_t *out_us)
{
    const char *text = json_get_text(object, name);

    return text && duration_read(str_from(text), out_us) == RC_OK;
}

/* How many events the hub counts until now. */
static enum verdict count_events(struct run *r, int64_t *count)
{
    cJSON *command = cJSON_CreateObject(), *body = NULL;
    int64_t seq = 0;
    int status = 0;
    enum verdict v;

    if (!command || json_set(command, "command", json_str(STR("hub.status")))) {
        cJSON_Delete(command);
        return run_no_memory(r);
    }
    v = run_command(r, command, &status, &body);
    if (!v && (status >= 300 || json_get_i64(body, "seq", &seq)))
        v = run_error(r, "the hub does not say how many events there were");
    if (!v && seq > *count)
        *count = seq;
    cJSON_Delete(body);
    return v;
}

/* Does any step name a source of events in the service's own shape? They are built only for who listens. */
static bool wants_hub_events(const struct scenario *s)
{
    static const char *const sources[] = {HUB_EVENT_SOURCES};

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (s->text.len && strstr(s->text.at, sources[i]))
            return true;
        for (size_t n = 0; n < s->n_includes; n++)
            if (s->includes[n].text.len && strstr(s->includes[n].text.at, sources[i]))
                return true;
    }
    return false;
}

static enum verdict listen_to_hub(struct run *r)
{
    char why[WHY_MAX] = "";

    if (service_connect(hub_process_file(r->hub), &r->service, why, sizeof why)) {
        r->hub_lost = true;
        return run_error(r, "%s", why);
    }
    if (service_listen(r->service, STR(""), on_event, r) ||
        (wants_hub_events(r->s) && service_listen_hub_events(r->service, STR(""), on_event, r))) {
        r->hub_lost = true;
        return run_error(r, "the hub does not let us listen to its events");
    }
    return count_events(r, &r->last_seq);
}

static enum verdict start_first(struct run *r)
{
    struct hub_process_options o = {.ca_dir = r->options->ca_dir, .host = r->host};
    char data[PATH_MAX], why[WHY_MAX] = "";
    int64_t skew_us, ttl_us;

    if (loopback_take(8883, r->host, &r->host_lock)) {
        r->hub_lost = true;
        return run_error(r, "no address 127.x.y.z has its port 8883 free");
    }
    if (path_join(data, r->dir, "hub"))
        return run_error(r, "the folder's name is too long: %s", r->dir);
    o.data_dir = data;
    o.durability = json_get_text(r->s->hub, "durability");
    o.profile = json_get_text(r->s->hub, "profile");
    o.fault_messages = cJSON_IsTrue(json_get(r->s->hub, "faultMessages"));
    if (member_us(r->s->hub, "tokenSkew", &skew_us))
        o.token_skew_s = (long)(skew_us / US_PER_S);
    if (member_us(r->s->hub, "messageTtl", &ttl_us))
        o.message_ttl_s = (long)(ttl_us / US_PER_S);
    o.no_gateway = r->options->no_gateway || cJSON_IsFalse(json_get(r->s->hub, "gateway"));
    (void)member_us(r->s->hub, "maxIdle", &o.max_idle_us);
    (void)member_us(r->s->hub, "connectTimeout", &o.connect_timeout_us);
    if (hub_process_start(&o, &r->hub, why, sizeof why)) {
        r->hub_lost = true;
        return run_error(r, "the hub does not start: %s", why);
    }
    return listen_to_hub(r);
}

/* Until we listen, an agent that is quick would do things unseen: so nobody below us moves while the hub comes back. */
enum verdict run_hub_start(struct run *r)
{
    char why[WHY_MAX] = "";
    pid_t hub[HUB_PROCESS_PIDS];
    enum verdict v;

    if (!r->hub)
        return start_first(r);
    if (r->service)
        return VERDICT_PASSED;
    v = record_process(r, "hub", "start", NULL);
    if (v)
        return v;
    (void)descendants_signal(hub, hub_process_pids(r->hub, hub), SIGSTOP); /* gone: none is spared */
    if (hub_process_restart(r->hub, why, sizeof why)) {
        r->hub_lost = true;
        v = run_error(r, "the hub does not start again: %s", why);
    } else {
        v = listen_to_hub(r);
    }
    (void)descendants_signal(hub, hub_process_pids(r->hub, hub), SIGCONT);
    return v;
}

enum verdict run_hub_down(struct run *r, bool kill)
{
    int64_t end_us;
    enum verdict v;

    if (!r->service)
        return VERDICT_PASSED;
    v = run_catch_up(r);
    if (v)
        return v;
    if (kill)
        hub_process_kill(r->hub);
    else
        hub_process_stop(r->hub);
    end_us = run_now_us() + GONE_MS * 1000;
    while (run_now_us() < end_us && service_wait(r->service, GONE_MS) == RC_OK) { /* its last events */
    }
    if (service_missed(r->service))
        v = events_missed(r);
    if (!v) /* here, since what it still told belongs before it */
        v = record_process(r, "hub", kill ? "kill" : "stop", NULL);
    service_free(r->service);
    r->service = NULL;
    r->last_seq = 0;
    return v;
}

enum verdict run_check_seen_all(struct run *r)
{
    int64_t end_us = run_now_us() + 2 * US_PER_S, counted = 0;
    enum verdict v = r->service ? count_events(r, &counted) : VERDICT_PASSED;

    while (!v && r->last_seq < counted) { /* the answer may overtake events that were on their way */
        if (run_now_us() >= end_us) {
            r->events_lost = true;
            return run_error(
                r,
                "the harness was too slow: %lld events missed; what it saw is not the whole truth, so there is "
                "no verdict",
                (long long)(counted - r->last_seq));
        }
        v = run_turn(r, end_us);
    }
    return v;
}
