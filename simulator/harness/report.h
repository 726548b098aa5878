/* report.h - what came out of a run, for people and for machines. Reads results as run.h describes them; runs nothing. */
#ifndef TWINSIM_REPORT_H
#define TWINSIM_REPORT_H

#include <stdio.h>

#include "run.h"

#define RUNNING_MAX   64u  /* scenarios that are shown as running; of more than that the first */
#define RUNNING_SHORT 120u /* bytes of a step */

/* The live report: a line a step as it is done, a line a scenario, and for a red one all that explains it. */
struct terminal {
    FILE *out;
    bool has_colour;
    bool is_live;  /* a screen: what is running now is shown in its last line until it is done */
    bool is_quiet; /* a line a scenario, no steps */
    bool is_one;   /* one scenario at a time, so steps can be shown as they come */
    struct scenario *const *scenarios;
    size_t count, done;
    struct running {
        size_t index;
        char step[RUNNING_SHORT]; /* what it does now; empty: being set up */
    } running[RUNNING_MAX];
    size_t n_running;
};

/* How it looks on that stream: colour and live on a screen (colour not with NO_COLOR), quiet in CI or when asked. */
void terminal_init(struct terminal *t, FILE *out, bool quiet, unsigned jobs, struct scenario *const *scenarios,
                   size_t count);
/* The functions that run_all tells; its arg is the terminal. */
struct run_listener terminal_listener(struct terminal *t);
/* The last lines: how many of what, in how long. */
void terminal_sum(struct terminal *t, const cJSON *results, int64_t us);
/* What explains one red result, as the live report prints it. Appends. */
void report_failure(struct buf *out, const cJSON *result);

struct report_counts {
    unsigned passed, failed, errors, skipped;
};
struct report_counts report_count(const cJSON *results);

/* JUnit's XML as the usual consumers read it. Appends. */
void report_junit(struct buf *out, const cJSON *results, int64_t us);
/* TAP 14: a test point a scenario, and all that explains a red one as its YAML block. Appends. */
void report_tap(struct buf *out, const cJSON *results, int64_t us);
/* One page of HTML that needs nothing else: verdicts and what explains a red one as plain markup, and for each scenario a picture of
 * time, its messages and its twins, drawn by the page's own script from results made with run_options.events. Appends. */
void report_html(struct buf *out, const cJSON *results, int64_t us);
/* {"twinsim":version,"passed":n,...,"scenarios":[results]}. Appends. */
void report_json(struct buf *out, const cJSON *results, int64_t us);

#endif
