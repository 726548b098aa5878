/* report_html.c - the report as one page for people. See report.h.
 *
 * What must be seen without a click and without a script is written here as plain markup: the list of scenarios, and what explains
 * a red one. The pictures are drawn by html/page.js from one block of JSON a scenario. The page loads nothing, and its
 * Content-Security-Policy lets nothing run but our own script, named by its hash.
 */
#include "report.h"

#include <openssl/evp.h>

#include "html_files.h"
#include "report_html.h"

#define PAGE_MAX_GREEN ((size_t)24 << 20) /* bytes of page up to which the events of what passed are told */
#define PAGE_MAX       ((size_t)64 << 20) /* and those of what did not */

static const struct {
    const char *verdict, *mark, *word;
} looks[] = {
    {"passed", "\xE2\x9C\x93", "passed"},  /* check mark */
    {"failed", "\xE2\x9C\x97", "failed"},  /* ballot cross */
    {"error", "!", "error"},               /* */
    {"skipped", "\xE2\x80\x93", "skipped"} /* dash */
};

/* How a verdict looks: a shape and a word, so that nobody needs the colour. */
static void add_mark(struct buf *out, const char *verdict)
{
    size_t i = 0;

    while (i < 2 && strcmp(looks[i].verdict, verdict) != 0)
        i++;
    if (strcmp(verdict, "skipped") == 0)
        i = 3;
    buf_addf(out, "<span class=\"mark %s\"><span aria-hidden=\"true\">%s</span> %s</span>", looks[i].verdict,
             looks[i].mark, looks[i].word);
}

static bool is_red(const cJSON *result)
{
    const char *verdict = json_get_text(result, "verdict");

    return strcmp(verdict, "failed") == 0 || strcmp(verdict, "error") == 0;
}

static void add_seconds(struct buf *out, const cJSON *node)
{
    const cJSON *ms = json_get(node, "ms");

    buf_addf(out, "%.3f s", ms ? ms->valuedouble / 1000 : 0);
}

/* ---- a scenario ---- */

static void add_steps(struct buf *out, const cJSON *result)
{
    const cJSON *step;

    buf_add(out, STR("<ol class=\"steps\">"));
    cJSON_ArrayForEach(step, json_get(result, "steps"))
    {
        const char *verdict = json_get_text(step, "verdict");

        buf_add(out, STR("<li>"));
        add_mark(out, verdict ? verdict : "skipped");
        buf_add(out, STR(" <code>"));
        html_add(out, str_from(json_get_text(step, "text")));
        buf_add(out, STR("</code> <span class=\"faint\">"));
        add_seconds(out, step);
        buf_add(out, STR("</span></li>"));
    }
    buf_add(out, STR("</ol>\n"));
}

static void add_data(struct buf *out, const cJSON *result)
{
    struct buf data;

    if (!json_get(result, "events"))
        return;
    buf_init(&data, PAGE_MAX);
    html_add_data(&data, result, true);
    if (!buf_ok(&data) || out->len + data.len > (is_red(result) ? PAGE_MAX : PAGE_MAX_GREEN)) {
        buf_done(&data);
        buf_init(&data, PAGE_MAX);
        html_add_data(&data, result, false);
    }
    buf_add(out, STR("<script type=\"application/json\">"));
    buf_add(out, buf_view(&data));
    buf_add(out, STR("</script>\n"));
    if (!buf_ok(&data))
        out->rc = data.rc;
    buf_done(&data);
}

static void add_scenario(struct buf *out, const cJSON *result, unsigned number)
{
    const char *verdict = json_get_text(result, "verdict");
    const cJSON *notes = json_get(result, "notes"), *note;

    buf_addf(out, "<article id=\"s%u\" class=\"%s\"><details%s><summary><h3>", number, verdict,
             is_red(result) ? " open" : "");
    add_mark(out, verdict);
    buf_add(out, STR(" <span class=\"name\">"));
    html_add(out, str_from(json_get_text(result, "name")));
    buf_add(out, STR("</span></h3> <span class=\"faint file\">"));
    html_add(out, str_from(json_get_text(result, "file")));
    buf_add(out, STR("</span> <span class=\"faint\">"));
    add_seconds(out, result);
    buf_add(out, STR("</span></summary>\n"));
    html_add_failure(out, result);
    cJSON_ArrayForEach(note, notes)
    {
        buf_add(out, STR("<p class=\"note\">note: "));
        html_add(out, str_from(note->valuestring));
        buf_add(out, STR("</p>\n"));
    }
    add_steps(out, result);
    add_data(out, result);
    buf_add(out, STR("</details></article>\n"));
}

/* ---- the list: what is red first, then what was skipped, then what passed ---- */

static const struct group {
    const char *id, *title;
    const char *verdicts[2];
} groups[] = {
    {"red", "What is red", {"failed", "error"}},
    {"skipped", "What was skipped", {"skipped", "skipped"}},
    {"passed", "What passed", {"passed", "passed"}},
};

static bool is_in(const struct group *g, const cJSON *result)
{
    const char *verdict = json_get_text(result, "verdict");

    return strcmp(verdict, g->verdicts[0]) == 0 || strcmp(verdict, g->verdicts[1]) == 0;
}

static unsigned count_in(const struct group *g, const cJSON *results)
{
    const cJSON *result;
    unsigned n = 0;

    cJSON_ArrayForEach(result, results)
    {
        n += is_in(g, result);
    }
    return n;
}

/* Where to go: each red one, and the groups of the others. */
static void add_list(struct buf *out, const cJSON *results)
{
    const cJSON *result;
    unsigned number = 0;

    buf_add(out, STR("<nav aria-label=\"Scenarios\"><ol>\n"));
    cJSON_ArrayForEach(result, results)
    {
        number++;
        if (!is_in(&groups[0], result))
            continue;
        buf_addf(out, "<li><a href=\"#s%u\">", number);
        add_mark(out, json_get_text(result, "verdict"));
        buf_add(out, STR(" <span class=\"name\">"));
        html_add(out, str_from(json_get_text(result, "name")));
        buf_add(out, STR("</span></a> <span class=\"faint\">"));
        add_seconds(out, result);
        buf_add(out, STR("</span></li>\n"));
    }
    for (size_t i = 1; i < sizeof groups / sizeof groups[0]; i++) {
        unsigned n = count_in(&groups[i], results);

        if (!n)
            continue;
        buf_addf(out, "<li><a href=\"#%s\">", groups[i].id);
        add_mark(out, groups[i].verdicts[0]);
        buf_addf(out, " <span class=\"name\">%u scenario%s</span></a></li>\n", n, n == 1 ? "" : "s");
    }
    buf_add(out, STR("</ol></nav>\n"));
}

static void add_group(struct buf *out, const struct group *g, const cJSON *results)
{
    const cJSON *result;
    unsigned number = 0;

    if (!count_in(g, results))
        return;
    buf_addf(out, "<section id=\"%s\"><h2>%s</h2>\n", g->id, g->title);
    cJSON_ArrayForEach(result, results)
    {
        number++;
        if (is_in(g, result))
            add_scenario(out, result, number);
    }
    buf_add(out, STR("</section>\n"));
}

/* ---- the page ---- */

/* "4 scenarios: 2 passed, 1 failed, 1 error" */
static void add_counts(struct buf *out, const struct report_counts *n)
{
    unsigned all = n->passed + n->failed + n->errors + n->skipped;

    buf_addf(out, "%u scenario%s: %u passed", all, all == 1 ? "" : "s", n->passed);
    if (n->failed)
        buf_addf(out, ", %u failed", n->failed);
    if (n->errors)
        buf_addf(out, ", %u error%s", n->errors, n->errors == 1 ? "" : "s");
    if (n->skipped)
        buf_addf(out, ", %u skipped", n->skipped);
}

/* The hub's time of the first event of all, if there is one. */
static const char *time_of(const cJSON *results)
{
    const cJSON *result;
    const char *time = NULL;

    cJSON_ArrayForEach(result, results)
    {
        const cJSON *events = json_get(result, "events");

        if (!time && events && events->child)
            time = json_get_text(events->child, "time");
    }
    return time;
}

static void add_head(struct buf *out, const cJSON *results, int64_t us)
{
    struct report_counts n = report_count(results);
    const char *verdict = n.failed ? "failed" : n.errors ? "error" : n.skipped ? "skipped" : "passed";
    const char *time = time_of(results);

    buf_add(out, STR("<header><h1>"));
    add_mark(out, verdict);
    buf_add(out, STR(" "));
    add_counts(out, &n);
    buf_addf(out, "</h1><p class=\"faint\">twinsim %s, %.1f s", TWINSIM_VERSION, (double)us / 1e6);
    if (time) {
        buf_add(out, STR(", begun "));
        html_add(out, str_from(time));
    }
    buf_add(out, STR("</p></header>\n"));
}

/* 'sha256-...' of a script or style, as the policy names what it lets in. */
static void add_hash(struct buf *out, struct str text)
{
    unsigned char digest[32], base64[45];

    if (EVP_Digest(text.at, text.len, digest, NULL, EVP_sha256(), NULL) != 1) {
        out->rc = RC_NOMEM;
        return;
    }
    (void)EVP_EncodeBlock(base64, digest, sizeof digest);
    buf_addf(out, "'sha256-%s'", (const char *)base64);
}

static void add_place(struct buf *out, struct str name, const cJSON *results, int64_t us)
{
    struct str style = str_of((const char *)page_css, page_css_len);
    struct str script = str_of((const char *)page_js, page_js_len);
    struct report_counts n = report_count(results);

    if (str_eq(name, STR("style-hash")))
        add_hash(out, style);
    else if (str_eq(name, STR("script-hash")))
        add_hash(out, script);
    else if (str_eq(name, STR("style")))
        buf_add(out, style);
    else if (str_eq(name, STR("script")))
        buf_add(out, script);
    else if (str_eq(name, STR("title")))
        add_counts(out, &n);
    else if (str_eq(name, STR("head")))
        add_head(out, results, us);
    else if (str_eq(name, STR("list")) && cJSON_GetArraySize(results) > 1)
        add_list(out, results);
    else if (str_eq(name, STR("scenarios")))
        for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
            add_group(out, &groups[i], results);
}

void report_html(struct buf *out, const cJSON *results, int64_t us)
{
    struct str rest = str_of((const char *)page_html, page_html_len);

    while (rest.len) {
        size_t at = html_find(rest, STR("{{")), end;

        buf_add(out, str_first(rest, at));
        rest = str_skip(rest, at + 2);
        end = html_find(rest, STR("}}"));
        add_place(out, str_first(rest, end), results, us);
        rest = str_skip(rest, end + 2);
    }
}
