/* verb_replay.c - twinsim replay: a recording happens again, and where does it differ? */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "draft.h"
#include "iso_time.h"
#include "match.h"
#include "preflight.h"
#include "report.h"
#include "show.h"
#include "verbs.h"

#define ENTRY_SHORT 600u

static int read_options(struct cli *c, struct run_options *o, struct replay_plan *plan)
{
    const char *timeout = cli_text(c, "timeout"), *pace = cli_text(c, "pace");

    *plan = (struct replay_plan){.keeps_pace = pace && strcmp(pace, "recorded") == 0};
    *o = (struct run_options){.agent = cli_text(c, "agent"),
                              .ca_dir = cli_text(c, "ca"),
                              .jobs = 1,
                              .replay = plan,
                              .keep = cli_flag(c, "keep")};
    if (timeout && (duration_read(str_from(timeout), &o->timeout_us) || o->timeout_us == 0))
        return cli_fail(c, CLI_USAGE, "--timeout wants a duration such as 30s or PT1M, not '%s'", timeout);
    return CLI_OK;
}

/* ---- the scenario that does it again ---- */

/* Through a file, as every scenario is read: so what a recording holds is checked as what a person writes is. */
static enum rc read_draft(const struct draft *draft, struct problems *problems, struct scenario **out)
{
    char path[] = "/tmp/twinsim-replay-XXXXXX";
    struct buf text;
    enum rc rc = RC_OK;
    int fd = mkstemp(path);

    if (fd < 0)
        return RC_IO;
    buf_init(&text, (size_t)512 << 20);
    draft_print(draft, NULL, &text);
    for (struct str rest = buf_view(&text); rest.len && !rc;) {
        ssize_t n = write(fd, rest.at, rest.len);

        if (n <= 0 && errno != EINTR)
            rc = RC_IO;
        rest = str_skip(rest, n > 0 ? (size_t)n : 0);
    }
    if (!rc)
        rc = text.rc;
    buf_done(&text);
    (void)close(fd);
    if (!rc)
        rc = scenario_read(path, 0, problems, out);
    (void)unlink(path);
    return rc;
}

static int make_scenario(struct cli *c, const struct recording *rec, struct draft *draft, struct scenario **out)
{
    char why[WHY_MAX] = "";
    struct problems problems;
    char *file, *dir;
    int code = CLI_OK;
    enum rc rc = draft_make(rec, false, draft, why, sizeof why);

    if (rc)
        return cli_fail(c, CLI_FILE, "%s", why);
    problems_init(&problems);
    rc = read_draft(draft, &problems, out);
    if (rc == RC_SYNTAX) {
        struct str lines = buf_view(&problems.lines), first = str_cut(&lines, '\n');

        for (int i = 0; i < 3; i++) /* its place in a file that nobody sees */
            (void)str_cut(&first, ':');
        code = cli_fail(c, CLI_FILE, "%s: it holds what no scenario may:%.*s", rec->file, STR_FMT(first));
    } else if (rc) {
        code = cli_fail(c, CLI_FILE, "%s: it cannot be replayed: %s", rec->file,
                        rc == RC_IO ? strerror(errno) : rc_text(rc));
    }
    problems_done(&problems);
    if (code)
        return code;
    assert(*out); /* it was read */
    file = strdup(rec->file);
    dir = strdup(json_get_text(rec->header, "dir"));
    if (file && dir) { /* messages and ${dir} mean what they meant */
        free((*out)->file);
        free((*out)->dir);
        (*out)->file = file;
        (*out)->dir = dir;
        return CLI_OK;
    }
    free(file);
    free(dir);
    return cli_no_memory(c);
}

/* ---- what comes out ---- */

static void add_entry(struct buf *out, const char *mark, const cJSON *entry)
{
    if (!entry)
        return;
    buf_addf(out, "    %s ", mark);
    match_print_short(out, entry, ENTRY_SHORT);
    buf_add_char(out, '\n');
}

/* The difference with what stands around it. */
static void print_difference(struct buf *out, const struct recording *rec, const cJSON *d)
{
    const cJSON *line;
    int64_t offset_us, number;

    if (json_get_i64(d, "line", &number) == RC_OK && json_get_i64(d, "offset_us", &offset_us) == RC_OK)
        buf_addf(out, "  %s:%lld: recorded after %.3f s\n", rec->file, (long long)number, (double)offset_us / 1e6);
    add_entry(out, " ", json_get(d, "before"));
    add_entry(out, "-", json_get(d, "expected"));
    add_entry(out, "+", json_get(d, "got"));
    add_entry(out, " ", json_get(d, "after"));
    cJSON_ArrayForEach(line, json_get(d, "differences"))
    {
        buf_addf(out, "  %s\n", line->valuestring);
    }
}

static void print_texts(struct buf *out, const cJSON *list)
{
    const cJSON *text;

    cJSON_ArrayForEach(text, list)
    {
        buf_addf(out, "  %s\n", text->valuestring);
    }
}

static int tell(struct cli *c, const struct recording *rec, const cJSON *result, bool hub_lost)
{
    const cJSON *failure = json_get(result, "failure"), *difference = json_get(failure, "replay");
    const char *verdict = json_get_text(result, "verdict"), *message = json_get_text(failure, "message");
    const char *output = json_get_text(failure, "output");
    bool is_same = verdict && strcmp(verdict, "passed") == 0;
    const char *word = is_same ? "same" : verdict && strcmp(verdict, "failed") == 0 ? "differs" : "error";
    struct buf out;
    int code = is_same ? CLI_OK : hub_lost ? CLI_HUB : CLI_NO;

    buf_init(&out, 0);
    if (c->json) {
        buf_addf(&out, "{\"verdict\":\"%s\",\"file\":", word);
        json_print_string(&out, str_from(rec->file));
        buf_add(&out, STR(",\"message\":"));
        json_print_string(&out, str_from(message));
        buf_add(&out, STR(",\"difference\":"));
        if (difference)
            json_print(&out, difference);
        else
            buf_add(&out, STR("null"));
        buf_add(&out, STR("}\n"));
    } else {
        buf_addf(&out, "%s  %s%s%s\n", word, rec->file, message ? ": " : "", message ? message : "");
        if (difference)
            print_difference(&out, rec, difference);
        if (!is_same)
            print_texts(&out, json_get(failure, "hints"));
        for (struct str rest = str_from(is_same ? NULL : output); rest.len;) {
            struct str line = str_cut(&rest, '\n');

            buf_addf(&out, "  | %.*s\n", STR_FMT(line));
        }
        print_texts(&out, json_get(result, "notes"));
    }
    show_plain(buf_view(&out)); /* no control character of an agent's is obeyed */
    buf_done(&out);
    return code;
}

static void no_start(void *arg, size_t index)
{
    (void)arg;
    (void)index;
}

static void no_done(void *arg, size_t index, const cJSON *result)
{
    (void)arg;
    (void)index;
    (void)result;
}

static int replay(struct cli *c, struct run_options *o, const struct recording *rec, struct scenario *s)
{
    struct terminal terminal;
    struct run_listener listener;
    cJSON *results = NULL;
    bool hub_lost = false, is_quiet = c->json || cli_flag(c, "quiet") || isatty(STDOUT_FILENO) != 1;
    int code;

    terminal_init(&terminal, stdout, is_quiet, 1, &s, 1);
    listener = terminal_listener(&terminal);
    listener.on_start = no_start;
    listener.on_done = no_done; /* said here */
    if (run_all(o, &s, 1, &listener, &results, &hub_lost))
        return cli_no_memory(c);
    code = tell(c, rec, results->child, hub_lost);
    cJSON_Delete(results);
    return code;
}

static int run(struct cli *c)
{
    char why[WHY_MAX] = "";
    struct replay_plan plan;
    struct run_options o;
    struct recording *rec = NULL;
    struct scenario *s = NULL;
    struct draft draft = {0};
    int code = read_options(c, &o, &plan);
    enum rc rc;

    if (!code)
        code = preflight_agent(c);
    if (code)
        return code;
    rc = recording_read(c->operands[0], cli_flag(c, "cut"), &rec, why, sizeof why);
    if (rc)
        return cli_fail(c, CLI_FILE, "%s%s", why, rc == RC_CORRUPT ? "; --cut takes what there is" : "");
    if (rec->count == 0)
        code =
            cli_fail(c, CLI_FILE, "%s: nothing stands behind its first line, so there is nothing to replay", rec->file);
    else
        code = make_scenario(c, rec, &draft, &s);
    if (!code) {
        plan.recording = rec;
        plan.items = draft.items;
        o.seed = json_get_text(rec->header, "seed");
        code = replay(c, &o, rec, s);
    }
    if (s)
        scenario_free(s);
    draft_done(&draft);
    recording_free(rec);
    return code;
}

static const struct option_spec options[] = {
    {.name = "agent", .value = "CMD", .help = "run this instead of the recorded agent; split into words, no shell"},
    {.name = "pace",
     .value = "PACE",
     .choices = "fast|recorded",
     .help = "do each thing as soon as what was recorded before it has been seen (the default), or no earlier than "
             "recorded"},
    {.name = "timeout",
     .value = "DURATION",
     .help = "the time limit; default: three times what was recorded, and a minute"},
    {.name = "cut", .help = "also a recording that was not written to its end: what is whole of it"},
    {.name = "keep", .help = "leave the folder and say where it is"},
    {.name = "quiet", .help = "no progress; the default when the output is no terminal"},
    {.name = "ca", .value = "DIR", .help = "the certificate authority's folder; default: the user's"},
    OPTIONS_END,
};

const struct verb verb_replay = {
    .name = "replay",
    .operands = "RECORDING",
    .min = 1,
    .max = 1,
    .summary = "Let a recording happen again, and say where the agent first does something else",
    .text =
        "A hub is started with the recorded identities, the agent as it was recorded, and everything that was done is "
        "done "
        "again, each when the agent has done what it had done before. The agent's side of the normalised timeline is "
        "compared while it goes. 'same' ends with 0; 'differs' shows the first difference and ends with 1.",
    .examples = "twinsim replay rec/my-scenario.jsonl\n"
                "twinsim replay bug-report.jsonl --agent ./my-agent --pace recorded",
    .options = options,
    .has_json = true,
    .run = run,
};
