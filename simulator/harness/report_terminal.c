/* report_terminal.c - see report.h. */
#include "report.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "utf8.h"

#define GREEN        "\033[32m"
#define RED          "\033[31m"
#define YELLOW       "\033[33m"
#define FAINT        "\033[2m"
#define PLAIN        "\033[0m"
#define OUTPUT_LINES 20u

void terminal_init(struct terminal *t, FILE *out, bool quiet, unsigned jobs, struct scenario *const *scenarios,
                   size_t count)
{
    const char *no_colour = getenv("NO_COLOR"), *ci = getenv("CI"), *term = getenv("TERM");
    bool is_screen = isatty(fileno(out)) == 1 && !(term && strcmp(term, "dumb") == 0);
    bool in_ci = ci && ci[0] && strcmp(ci, "false") != 0;

    *t = (struct terminal){.out = out,
                           .has_colour = is_screen && !(no_colour && no_colour[0]),
                           .is_live = is_screen && !in_ci && !quiet,
                           .is_quiet = quiet || in_ci,
                           .is_one = jobs <= 1,
                           .scenarios = scenarios,
                           .count = count};
}

static const char *colour(const struct terminal *t, const char *code)
{
    return t->has_colour ? code : "";
}

static bool is_verdict(const cJSON *node, enum verdict v)
{
    const char *text = json_get_text(node, "verdict");

    return text && strcmp(text, verdict_text(v)) == 0;
}

/* A text of ours or an agent's on the screen: no control byte of it is obeyed. */
static void print_plain(FILE *out, const char *text)
{
    for (struct str rest = str_from(text); rest.len;) {
        size_t n = rest.at[0] == '\n' || rest.at[0] == '\t' ? 0 : utf8_control_len(rest);

        (void)fputc(n ? '?' : rest.at[0], out);
        rest = str_skip(rest, n ? n : 1);
    }
}

static double seconds(const cJSON *node)
{
    const cJSON *ms = json_get(node, "ms");

    return ms ? ms->valuedouble / 1000 : 0;
}

static void print_step(struct terminal *t, const cJSON *step)
{
    bool good = is_verdict(step, VERDICT_PASSED), is_cut_short = is_verdict(step, VERDICT_SKIPPED);

    (void)fprintf(t->out, "    %s%s%s  %s%7.3f s%s  ",
                  colour(t, good           ? GREEN
                            : is_cut_short ? YELLOW
                                           : RED),
                  good           ? "ok "
                  : is_cut_short ? "cut"
                                 : "RED",
                  colour(t, PLAIN), colour(t, FAINT), seconds(step), colour(t, PLAIN));
    print_plain(t->out, json_get_text(step, "text"));
    (void)fputc('\n', t->out);
}

/* ---- the last line of a screen: what is running now ---- */

/* The name of a file without its folders. */
static const char *short_name(const char *file)
{
    const char *slash = strrchr(file, '/');

    return slash ? slash + 1 : file;
}

static size_t columns_of(FILE *out)
{
    struct winsize size;

    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static void clear_running(struct terminal *t)
{
    if (t->is_live)
        (void)fputs("\r\033[K", t->out);
}

/* Never longer than the screen is wide: a line that wraps cannot be taken back. */
static void show_running(struct terminal *t)
{
    size_t room = columns_of(t->out) - 1, used = 0;
    struct buf line;

    if (!t->is_live || !t->n_running)
        return;
    buf_init(&line, 0);
    if (t->is_one)
        buf_addf(&line, "    ...             %s", t->running[0].step);
    else
        buf_addf(&line, "%zu of %zu done, running:", t->done, t->count);
    for (size_t i = 0; !t->is_one && i < t->n_running; i++)
        buf_addf(&line, "%s %s%s%s", i ? " |" : "", short_name(t->scenarios[t->running[i].index]->file),
                 t->running[i].step[0] ? ": " : "", t->running[i].step);
    for (size_t i = 0; i < line.len; i++) {
        bool begins = ((unsigned char)line.at[i] & 0xC0) != 0x80; /* a character, not a further byte of one */

        if (begins && used == room)
            break;
        used += begins;
        (void)fputc((unsigned char)line.at[i] < 0x20 ? '?' : line.at[i], t->out);
    }
    buf_done(&line);
}

static struct running *find_running(struct terminal *t, size_t index)
{
    for (size_t i = 0; i < t->n_running; i++)
        if (t->running[i].index == index)
            return &t->running[i];
    return NULL;
}

static void end_running(struct terminal *t, size_t index)
{
    struct running *r = find_running(t, index);

    if (r) /* in their order, so that the line does not jump more than it must */
        memmove(r, r + 1, (size_t)(t->running + --t->n_running - r) * sizeof *r);
}

/* ---- told by the run ---- */

static void on_start(void *arg, size_t index)
{
    struct terminal *t = arg;

    clear_running(t);
    if (t->n_running < RUNNING_MAX)
        t->running[t->n_running++] = (struct running){.index = index, .step = ""};
    if (!t->is_quiet && t->is_one) {
        print_plain(t->out, t->scenarios[index]->name);
        (void)fprintf(t->out, "\n  %s", colour(t, FAINT));
        print_plain(t->out, t->scenarios[index]->file);
        (void)fprintf(t->out, "%s\n", colour(t, PLAIN));
    }
    show_running(t);
    (void)fflush(t->out);
}

static void on_step(void *arg, size_t index, const cJSON *step)
{
    struct terminal *t = arg;
    struct running *running = find_running(t, index);
    const char *text = json_get_text(step, "text");
    bool is_over = json_get(step, "verdict") != NULL;

    if (t->is_quiet)
        return;
    clear_running(t);
    if (running && !is_over)
        (void)snprintf(running->step, sizeof running->step, "%.*s",
                       STR_FMT(utf8_first(str_from(text), sizeof running->step - 1)));
    if (is_over && t->is_one)
        print_step(t, step);
    show_running(t);
    (void)fflush(t->out);
}

/* ---- what explains a red one ---- */

/* Every line of a text behind a prefix; of very many the last ones. */
static void add_lines(struct buf *out, const char *prefix, struct str text, unsigned max)
{
    struct str count = text, line;
    unsigned lines = 0;

    while (count.at) {
        (void)str_cut(&count, '\n');
        lines++;
    }
    while (text.at) {
        line = str_cut(&text, '\n');
        if (lines-- > max)
            continue;
        buf_addf(out, "%s%.*s\n", prefix, STR_FMT(line));
    }
}

static void add_list(struct buf *out, const char *prefix, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        add_lines(out, prefix, str_from(item->valuestring), UINT32_MAX);
    }
}

void report_failure(struct buf *out, const cJSON *result)
{
    const cJSON *failure = json_get(result, "failure");
    const char *step = json_get_text(failure, "step"), *nearest = json_get_text(failure, "nearest");
    const char *content = json_get_text(failure, "nearestContent"), *output = json_get_text(failure, "output");
    int64_t line = 1, column = 1, bytes = 0;

    if (!failure)
        return;
    if (json_get_i64(failure, "line", &line) || json_get_i64(failure, "column", &column))
        line = column = 1;
    buf_addf(out, "  %s:%lld:%lld: %s\n", json_get_text(result, "file"), (long long)line, (long long)column,
             step ? step : "outside of the steps");
    add_lines(out, "    ", str_from(json_get_text(failure, "message")), 40);
    if (nearest)
        buf_addf(out, "    %s: %s\n", json_get(failure, "differences") ? "the nearest" : "it was", nearest);
    add_list(out, "      ", json_get(failure, "differences"));
    if (content)
        buf_addf(out, "      %s\n", content);
    add_list(out, "    ", json_get(failure, "hints"));
    if (json_get_i64(failure, "outputBytes", &bytes) == RC_OK) {
        buf_addf(out, "    the agent wrote %lld bytes%s\n", (long long)bytes, bytes ? "; the last:" : "");
        if (bytes)
            add_lines(out, "      | ", str_from(output), OUTPUT_LINES);
    }
}

static void on_done(void *arg, size_t index, const cJSON *result)
{
    struct terminal *t = arg;
    bool good = is_verdict(result, VERDICT_PASSED), skipped = is_verdict(result, VERDICT_SKIPPED);
    const char *work = json_get_text(result, "work"), *file = json_get_text(result, "file");
    const cJSON *step, *note;

    clear_running(t);
    end_running(t, index);
    t->done++;
    (void)fprintf(t->out, "%s%s%s%7.3f s  ",
                  colour(t, good      ? GREEN
                            : skipped ? YELLOW
                                      : RED),
                  good      ? "PASSED "
                  : skipped ? "SKIPPED"
                            : (is_verdict(result, VERDICT_ERROR) ? "ERROR  " : "FAILED "),
                  colour(t, PLAIN), seconds(result));
    print_plain(t->out, file ? file : "");
    if (!t->is_one || t->is_quiet) {
        (void)fputs(": ", t->out);
        print_plain(t->out, json_get_text(result, "name"));
    }
    (void)fputc('\n', t->out);
    if (!t->is_quiet && !t->is_one)
        cJSON_ArrayForEach(step, json_get(result, "steps"))
        {
            print_step(t, step);
        }
    if (!good) {
        struct buf text;

        buf_init(&text, 0);
        report_failure(&text, result);
        if (text.at)
            print_plain(t->out, text.at);
        buf_done(&text);
    }
    cJSON_ArrayForEach(note, json_get(result, "notes"))
    {
        (void)fputs("  note: ", t->out);
        print_plain(t->out, note->valuestring);
        (void)fputc('\n', t->out);
    }
    if (work)
        (void)fprintf(t->out, "  kept: %s\n", work);
    if (!t->is_quiet)
        (void)fputc('\n', t->out);
    show_running(t);
    (void)fflush(t->out);
}

struct run_listener terminal_listener(struct terminal *t)
{
    return (struct run_listener){.arg = t, .on_start = on_start, .on_step = on_step, .on_done = on_done};
}

struct report_counts report_count(const cJSON *results)
{
    struct report_counts counts = {0};
    const cJSON *result;

    cJSON_ArrayForEach(result, results)
    {
        counts.passed += is_verdict(result, VERDICT_PASSED);
        counts.failed += is_verdict(result, VERDICT_FAILED);
        counts.errors += is_verdict(result, VERDICT_ERROR);
        counts.skipped += is_verdict(result, VERDICT_SKIPPED);
    }
    return counts;
}

void terminal_sum(struct terminal *t, const cJSON *results, int64_t us)
{
    struct report_counts n = report_count(results);
    bool good = n.failed + n.errors + n.skipped == 0;

    (void)fprintf(t->out, "%s%u passed, %u failed, %u errors, %u skipped%s in %.1f s\n", colour(t, good ? GREEN : RED),
                  n.passed, n.failed, n.errors, n.skipped, colour(t, PLAIN), (double)us / 1e6);
    (void)fflush(t->out);
}
