/* verb_run.c - twinsim run: scenarios, and a verdict for each. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "iso_time.h"
#include "preflight.h"
#include "report.h"
#include "scenario_set.h"
#include "verbs.h"

typedef void print_fn(struct buf *out, const cJSON *results, int64_t us);

static const struct {
    const char *option;
    print_fn *print;
} reports[] = {{"junit", report_junit}, {"json", report_json}, {"tap", report_tap}, {"html", report_html}};

static int read_options(struct cli *c, struct run_options *o)
{
    const char *timeout = cli_text(c, "timeout");

    *o = (struct run_options){.agent = cli_text(c, "agent"),
                              .ca_dir = cli_text(c, "ca"),
                              .seed = cli_text(c, "seed"),
                              .jobs = (unsigned)cli_number(c, "jobs", 1),
                              .record = cli_text(c, "record"),
                              .keep = cli_flag(c, "keep"),
                              .no_gateway = str_eq(str_from(cli_text(c, "gateway")), STR("off")),
                              .events = cli_text(c, "html") != NULL};
    if (timeout && (duration_read(str_from(timeout), &o->timeout_us) || o->timeout_us == 0))
        return cli_fail(c, CLI_USAGE, "--timeout wants a duration such as 30s or PT1M, not '%s'", timeout);
    return CLI_OK;
}

/* What would stop the run at its end, or each scenario at its beginning, is told before anything runs. */
static int check_options(struct cli *c, const struct run_options *o)
{
    int code = preflight_agent(c);

    for (size_t i = 0; !code && i < sizeof reports / sizeof reports[0]; i++) {
        const char *path = cli_text(c, reports[i].option);

        code = preflight_file(c, reports[i].option);
        for (size_t k = 0; !code && path && !str_starts(str_from(path), STR("/dev/")) && k < i; k++)
            if (str_eq(str_from(cli_text(c, reports[k].option)), str_from(path)))
                code = cli_fail(c, CLI_USAGE, "--%s and --%s name the same file", reports[k].option, reports[i].option);
    }
    if (!code && o->record && dir_make(o->record))
        code = cli_fail(c, CLI_FILE, "the folder %s cannot be made: %s", o->record, strerror(errno));
    if (!code && o->record && access(o->record, W_OK | X_OK))
        code = cli_fail(c, CLI_FILE, "nothing can be written into the folder %s: %s", o->record, strerror(errno));
    return code;
}

static int64_t now_us(void)
{
    int64_t now = 0;
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) == 0)
        now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    return now;
}

static int write_report(struct cli *c, const char *path, print_fn *print, const cJSON *results, int64_t us)
{
    struct buf text;
    enum rc rc;

    if (!path)
        return CLI_OK;
    buf_init(&text, (size_t)1 << 30);
    print(&text, results, us);
    (void)fflush(stdout); /* the path may lead there, too */
    rc = text.rc ? text.rc : report_write(path, buf_view(&text));
    buf_done(&text);
    if (rc)
        return cli_fail(c, CLI_FILE, "%s cannot be written: %s", path, rc == RC_IO ? strerror(errno) : rc_text(rc));
    return CLI_OK;
}

static int run_set(struct cli *c, const struct run_options *o, const struct scenario_set *set)
{
    struct terminal terminal;
    struct run_listener listener;
    struct report_counts n;
    cJSON *results = NULL;
    bool hub_lost = false;
    int64_t began_us = now_us(), us;
    int code, failed = CLI_OK;
    enum rc rc;

    terminal_init(&terminal, stdout, cli_flag(c, "quiet"), o->jobs, set->at, set->count);
    listener = terminal_listener(&terminal);
    rc = run_all(o, set->at, set->count, &listener, &results, &hub_lost);
    if (rc)
        return cli_fail(c, CLI_HUB, "the scenarios cannot be run: %s", rc_text(rc));
    us = now_us() - began_us;
    terminal_sum(&terminal, results, us);
    n = report_count(results);
    code = hub_lost ? CLI_HUB : n.failed + n.errors + n.skipped ? CLI_NO : CLI_OK;
    for (size_t i = 0; i < sizeof reports / sizeof reports[0];
         i++) { /* one that fails keeps no other from being written */
        int written = write_report(c, cli_text(c, reports[i].option), reports[i].print, results, us);

        failed = failed ? failed : written;
    }
    cJSON_Delete(results);
    return failed ? failed : code;
}

static int run(struct cli *c)
{
    struct run_options o;
    struct scenario_set set = {0};
    int code = read_options(c, &o);

    if (!code)
        code = check_options(c, &o);
    if (!code)
        code = scenario_set_read(c, &set);
    if (!code)
        code = run_set(c, &o, &set);
    scenario_set_done(&set);
    return code;
}

static const struct option_spec options[] = {
    {.name = "agent", .value = "CMD", .help = "run this instead of every scenario's agent; split into words, no shell"},
    {.name = "jobs", .value = "N", .help = "so many scenarios at the same time; default 1", .min = 1, .max = 64},
    {.name = "junit", .value = "FILE", .help = "write a JUnit report"},
    {.name = "json", .value = "FILE", .help = "write a JSON report"},
    {.name = "tap", .value = "FILE", .help = "write a TAP 14 report"},
    {.name = "record",
     .value = "DIR",
     .help = "write a recording of each scenario into this folder (twinsim replay, timeline, scenario from)"},
    {.name = "html",
     .value = "FILE",
     .help = "write a page for people: a picture of time, every message, twins before and after"},
    {.name = "keep", .help = "leave the folder of each scenario and say where it is"},
    {.name = "quiet", .help = "a line a scenario, no steps; the default when CI is set"},
    {.name = "seed", .value = "N", .help = "the text of ${seed}; default 1"},
    {.name = "gateway",
     .value = "on|off",
     .choices = "on|off",
     .help = "whether agents come through the front door; default on, or what the scenario says"},
    {.name = "timeout", .value = "DURATION", .help = "the time limit of each scenario instead of its own"},
    {.name = "ca", .value = "DIR", .help = "the certificate authority's folder; default: the user's"},
    OPTIONS_END,
};

const struct verb verb_run = {
    .name = "run",
    .operands = "SCENARIO|DIR...",
    .min = 1,
    .max = -1,
    .summary = "Run scenarios, each with a hub of its own, and say what the agent did",
    .text = "A folder stands for every *.json and *.jsonc in it and below, but for what lies in 'include' and 'twins'. "
            "Running a "
            "scenario is running a program: its agent. Without --agent and without a command in the scenario that is "
            "security-agent, beside twinsim or on PATH. All files are checked first; a wrong one ends with code 3 and "
            "nothing is run.",
    .examples = "twinsim run fixtures/scenarios\n"
                "twinsim run fixtures/scenarios/patches --agent ./my-agent --jobs 4 --junit out.xml\n"
                "twinsim run scenario.jsonc --agent 'node \"my agent.js\" --host ${host}' --keep",
    .options = options,
    .run = run,
};
