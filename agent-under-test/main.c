/* main.c - the process: command line, signals, clock, and the loop that feeds the agent. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "link.h"
#include "options.h"

#define EXIT_USAGE   2
#define PATH_BYTES   4096
#define HEARTBEAT_MS 1000 /* libmosquitto looks after the keep-alive when called this often */

static struct instant clock_now(void)
{
    struct timespec mono = {0}, wall = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    return (struct instant){.mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
                            .wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000};
}

static void log_failure(const struct log *log, const struct failure *f)
{
    log_line(log, SEVERITY_ERROR, "start code=\"%s\" subcode=\"%s\" detail=\"%s\"", failure_code_text(f->code),
             failure_subcode_text(f->subcode), f->detail);
}

/* The file beside the program, when there is one; else NULL. */
static const char *config_beside_program(char path[PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_BYTES - sizeof SETTINGS_FILE_NAME - 1);
    char *slash;

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    memcpy(slash + 1, SETTINGS_FILE_NAME, sizeof SETTINGS_FILE_NAME);
    return access(path, F_OK) == 0 ? path : NULL;
}

/* Block the signals that end us and read them as events instead. */
static int signals_open(void)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN); /* a peer that is gone is told by the write */
    if (sigemptyset(&set) || sigaddset(&set, SIGTERM) || sigaddset(&set, SIGINT) || sigprocmask(SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* How long poll may sleep. */
static int sleep_ms(const struct agent *agent, const struct link *link, struct instant now)
{
    int64_t ms = agent_due(agent) - now.mono_ms;

    if (link_socket(link) >= 0 && ms > HEARTBEAT_MS)
        ms = HEARTBEAT_MS;
    if (ms < 0)
        ms = 0;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Feed the agent until it is over. */
static bool loop(struct agent *agent, struct link *link, int signals)
{
    struct signalfd_siginfo info;

    while (agent_tick(agent, clock_now()), !agent_is_over(agent)) {
        struct pollfd fds[2] = {{.fd = signals, .events = POLLIN}, {.fd = link_socket(link), .events = POLLIN}};
        if (fds[1].fd >= 0 && link_wants_write(link))
            fds[1].events |= POLLOUT;
        if (poll(fds, 2, sleep_ms(agent, link, clock_now())) < 0 && errno != EINTR)
            return false;
        while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
            agent_stop(agent, clock_now());
        if (fds[1].fd >= 0)
            link_service(link, (fds[1].revents & POLLIN) != 0, (fds[1].revents & POLLOUT) != 0,
                         (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0);
    }
    return true;
}

/* Tell what all of it took. */
static void log_footprint(const struct log *log)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_SELF, &usage);
    log_line(log, SEVERITY_INFO, "footprint peak_kb=%ld cpu_ms=%" PRId64, usage.ru_maxrss,
             (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                 (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
}

static int run(const struct settings *settings, const struct log *log)
{
    const struct collect_roots roots = {.root = settings->root,
                                        .firewall_tool = settings->firewall_tool,
                                        .baseline_tool = settings->baseline_tool,
                                        .tool_limit_ms = settings->tool_limit_ms};
    int signals = signals_open(), status = EXIT_FAILURE;
    struct agent agent = {0};
    struct link *link = NULL;
    struct wire wire;

    if (signals < 0)
        goto done;
    link = link_new(settings, &agent, log, clock_now);
    if (!link)
        goto done;
    wire = link_wire(link);
    if (agent_init(&agent, settings, &roots, &wire, log, clock_now())) {
        log_line(log, SEVERITY_ERROR, "start detail=\"out of memory\"");
    } else if (loop(&agent, link, signals)) {
        status = agent_ended_well(&agent) ? EXIT_SUCCESS : EXIT_FAILURE;
        if (agent.has_failed)
            log_failure(log, &agent.failure);
    }
    agent_done(&agent);
    log_footprint(log);

done:
    link_free(link);
    if (signals >= 0)
        (void)close(signals);
    return status;
}

int main(int argc, char **argv)
{
    struct log log = {.to = stderr, .least = SEVERITY_INFO};
    struct settings_source source = {.environment = (const char *const *)environ};
    struct options options;
    struct settings settings;
    struct failure failure;
    char beside[PATH_BYTES];
    const char *culprit = "";
    int status;

    if (options_parse(argc, (const char *const *)argv, &options, &culprit)) {
        (void)fprintf(stderr, "security-agent: %s: unknown, or without its value; --help lists the options\n", culprit);
        return EXIT_USAGE;
    }
    if (options.wants_help) {
        options_help();
        return EXIT_SUCCESS;
    }
    if (options.wants_version) {
        (void)puts("security-agent " SECURITY_AGENT_VERSION);
        return EXIT_SUCCESS;
    }
    source.config_path = options.config_path ? options.config_path : config_beside_program(beside);
    source.ca_path = options.ca_path;
    if (!settings_load(&source, &settings, &failure)) {
        log_failure(&log, &failure);
        return EXIT_FAILURE;
    }
    log.least = (enum severity)settings.log_severity;
    log_line(&log, SEVERITY_INFO, "start version=" SECURITY_AGENT_VERSION " source=\"%s\"",
             source.config_path ? source.config_path : "connection string");
    status = run(&settings, &log);
    settings_done(&settings);
    return status;
}
