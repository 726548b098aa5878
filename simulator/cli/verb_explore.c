/* verb_explore.c - twinsim explore: random histories, until an agent breaks a law; that one is made small. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "explore.h"
#include "files.h"
#include "preflight.h"
#include "report.h"
#include "security_model.h"
#include "verbs.h"

#define US_PER_S      INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_S)
#define LINE_EVERY_US (15 * US_PER_S) /* of progress, where there is no screen */

static int read_model(struct cli *c, struct model **model)
{
    const char *file = cli_text(c, "model");
    struct problems problems;
    int code = CLI_OK;
    enum rc rc;

    problems_init(&problems);
    rc = file ? model_read_file(file, &problems, model)
              : model_read("security-agent.json", str_of(security_model, security_model_len), &problems, model);
    if (rc == RC_NOMEM)
        code = cli_no_memory(c);
    else if (rc)
        code = CLI_FILE;
    if (problems.lines.at)
        (void)fputs(problems.lines.at, stderr);
    problems_done(&problems);
    return code;
}

/* ---- progress ---- */

struct meter {
    bool is_screen;
    int64_t told_us;
};

static void print_progress(const struct explore_progress *p)
{
    double s = (double)p->us / (double)US_PER_S;

    if (p->is_shrinking)
        (void)fprintf(stderr, "making it smaller: %u steps, %u candidates tried, %.0f s", p->steps, p->tried, s);
    else
        (void)fprintf(stderr, "%" PRIu64 " histories, %" PRIu64 " changes, %.0f s, %.0f a minute", p->histories,
                      p->changes, s, s > 0 ? (double)p->histories * 60 / s : 0);
}

static void on_progress(void *arg, const struct explore_progress *p)
{
    struct meter *m = arg;

    if (m->is_screen) {
        (void)fputs("\r\033[K", stderr);
        print_progress(p);
    } else if (p->us - m->told_us >= LINE_EVERY_US) {
        m->told_us = p->us;
        print_progress(p);
        (void)fputc('\n', stderr);
    }
    (void)fflush(stderr);
}

/* ---- what came out ---- */

static void print_count(uint64_t count, const char *what)
{
    if (count)
        (void)fprintf(stderr, "%" PRIu64 " %s\n", count, what);
}

/* Of a run that says nothing about the agent: why. */
static void print_error(const cJSON *result)
{
    const char *message = json_get_text(json_get(result, "failure"), "message");

    if (message)
        (void)fprintf(stderr, "the last of them: %s\n", message);
}

/* The scenario to standard output, or to a file. */
static int write_found(struct cli *c, const struct explore_options *o, const struct explore_result *r)
{
    const char *path = cli_text(c, "out"), *agent = cli_text(c, "agent");
    struct buf text;
    enum rc rc;

    buf_init(&text, 0);
    explore_print(o, r->law, r->index, &r->smallest, &text);
    rc = text.rc;
    if (!rc && path)
        rc = report_write(path, buf_view(&text));
    else if (!rc)
        (void)fputs(text.at, stdout);
    buf_done(&text);
    if (rc)
        return cli_fail(c, CLI_FILE, "%s cannot be written: %s", path ? path : "the scenario",
                        rc == RC_IO ? strerror(errno) : rc_text(rc));
    (void)fprintf(stderr, "run it again: twinsim run %s%s%s%s\n", path ? path : "FILE", agent ? " --agent '" : "",
                  agent ? agent : "", agent ? "'" : "");
    return CLI_NO;
}

static int tell_found(struct cli *c, const struct explore_options *o, const struct explore_result *r)
{
    const char *path = cli_text(c, "out");
    struct buf why;

    (void)fprintf(stderr, "not so: %s (history %" PRIu64 ")\n", law_text(r->law), r->index);
    if (r->repeats && r->failed == 0)
        (void)fprintf(stderr, "seen once, and in none of %u more runs; not made smaller\n", r->repeats);
    else if (r->failed < r->repeats)
        (void)fprintf(stderr, "not always so: %u of %u runs\n", r->failed, r->repeats);
    buf_init(&why, 0);
    if (law_versions_go_back(o->model, r->last, &why) && buf_ok(&why))
        (void)fprintf(stderr, "%s\n", why.at);
    buf_done(&why);
    if (r->is_judged_here)
        (void)fputs("only explore sees it, in the events: the scenario may pass\n", stderr);
    buf_init(&why, 0);
    if (json_set(r->last, "file", json_str(str_from(path ? path : "FILE"))))
        return cli_no_memory(c);
    report_failure(&why, r->last);
    if (why.at)
        (void)fputs(why.at, stderr);
    buf_done(&why);
    return write_found(c, o, r);
}

static int explore_and_tell(struct cli *c, const struct explore_options *o)
{
    struct meter meter = {.is_screen = isatty(STDERR_FILENO) == 1};
    struct explore_listener listener = {&meter, on_progress};
    struct explore_result r;
    int code = CLI_OK;
    enum rc rc = explore(o, &listener, &r);

    if (meter.is_screen)
        (void)fputs("\r\033[K", stderr);
    if (rc == RC_CORRUPT)
        return cli_fail(c, CLI_FILE, "the model makes scenarios that are not valid, as told above");
    if (rc)
        return cli_fail(c, CLI_HUB, "the histories cannot be run: %s", rc == RC_IO ? strerror(errno) : rc_text(rc));
    if (r.is_interrupted)
        (void)fputs("interrupted; so far:\n", stderr);
    (void)fprintf(stderr, "%" PRIu64 " histories, %" PRIu64 " changes, %.1f s, seed %" PRIu64 "\n",
                  r.progress.histories, r.progress.changes, (double)r.progress.us / (double)US_PER_S, o->seed);
    print_count(r.progress.spoiled, "runs went another way than planned");
    print_count(r.progress.errors, "runs without a verdict: the hub or the harness failed");
    if (r.progress.spoiled + r.progress.errors)
        print_error(r.error);
    if (r.law)
        code = tell_found(c, o, &r);
    else if (r.hub_lost)
        code = CLI_HUB;
    else if (r.progress.histories == r.progress.spoiled + r.progress.errors)
        code = cli_fail(c, CLI_NO, "no history was judged");
    else
        (void)fputs("no law was broken\n", stderr);
    explore_result_done(&r);
    return code;
}

/* Print one history and run nothing. */
static int show(struct cli *c, const struct explore_options *o)
{
    struct history h;
    struct buf text;
    enum rc rc = history_make(o->model, o->seed, o->first, o->max_steps, &h);

    buf_init(&text, 0);
    if (!rc) {
        explore_print(o, LAW_NONE, o->first, &h, &text);
        rc = text.rc;
        history_done(&h);
    }
    if (!rc)
        (void)fputs(text.at, stdout);
    buf_done(&text);
    return rc ? cli_no_memory(c) : CLI_OK;
}

static int run(struct cli *c)
{
    struct model *model = NULL;
    struct explore_options o = {.agent = cli_text(c, "agent"),
                                .ca_dir = cli_text(c, "ca"),
                                .seed = (uint64_t)cli_number(c, "seed", 1),
                                .histories = (uint64_t)cli_number(c, "histories", 0),
                                .limit_us = cli_number(c, "minutes", 2) * US_PER_MINUTE,
                                .shrink_us = cli_number(c, "shrink", 2) * US_PER_MINUTE,
                                .jobs = (unsigned)cli_number(c, "jobs", 2),
                                .max_steps = (unsigned)cli_number(c, "steps", 20)};
    int code = preflight_agent(c);

    if (!code)
        code = preflight_file(c, "out");
    if (!code)
        code = read_model(c, &model);
    if (code)
        return code;
    o.model = model;
    if (cli_text(c, "show")) {
        o.first = (uint64_t)cli_number(c, "show", 0);
        code = show(c, &o);
    } else {
        code = explore_and_tell(c, &o);
    }
    model_free(model);
    return code;
}

static const struct option_spec options[] = {
    {.name = "agent", .value = "CMD", .help = "the agent; split into words, no shell; default: security-agent"},
    {.name = "model", .value = "FILE", .help = "what there is in its twin; default: the security agents' module twin"},
    {.name = "seed",
     .value = "N",
     .help = "the same seed makes the same histories; default 1",
     .min = 0,
     .max = 1L << 62},
    {.name = "minutes", .value = "N", .help = "look for so long; default 2", .min = 1, .max = 100000},
    {.name = "histories",
     .value = "N",
     .help = "and for so many histories; default: any number",
     .min = 1,
     .max = 1L << 40},
    {.name = "steps", .value = "N", .help = "the length of a history, about; default 20", .min = 1, .max = 1000},
    {.name = "jobs", .value = "N", .help = "so many at the same time; default 2", .min = 1, .max = 64},
    {.name = "shrink",
     .value = "N",
     .help = "minutes for making what was found small; 0: as it was found; default 2",
     .min = 0,
     .max = 100000},
    {.name = "out", .value = "FILE", .help = "write the scenario that was found there; default: standard output"},
    {.name = "show",
     .value = "N",
     .help = "print history N of this seed as a scenario, and run nothing",
     .min = 0,
     .max = 1L << 40},
    {.name = "ca", .value = "DIR", .help = "the certificate authority's folder; default: the user's"},
    OPTIONS_END,
};

const struct verb verb_explore = {
    .name = "explore",
    .operands = NULL,
    .min = 0,
    .max = 0,
    .summary = "Look for a history of desired changes, faults and restarts that an agent does not survive",
    .text = "Makes random histories from a model of the agent's twin, runs each as a scenario, and checks what any "
            "agent must do: "
            "report in the end what is desired, never an older version, fall silent then, use no CPU time for nothing, "
            "and not end by itself. "
            "What breaks "
            "such a law is made as small as it can be and printed as a scenario for 'twinsim run'. Ctrl-C prints the "
            "smallest by "
            "then. Ends with 1 when something was found.",
    .examples =
        "twinsim explore\n"
        "twinsim explore --agent './my-agent --verbose' --model my-twin.json --seed 7 --minutes 30 --out found.jsonc\n"
        "twinsim explore --seed 7 --show 12 > history.jsonc",
    .options = options,
    .run = run,
};
