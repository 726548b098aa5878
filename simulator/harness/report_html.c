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

/* Where a text begins in another, or the length of the other. */
static size_t find_text(struct str text, struct str part)
{
    const char *at = text.len ? memmem(text.at, text.len, part.at, part.len) : NULL;

    return at ? (size_t)(at - text.at) : text.len;
}

/* ---- what explains a red one ---- */

/* "a.b: expected 1, got 2" as three cells, or as one when it says something else. */
static void add_difference(struct buf *out, struct str line)
{
    const struct str expected = STR("expected "), got = STR(", got ");
    size_t e = find_text(line, expected), g;
    struct str place = str_first(line, e), rest = str_skip(line, e + expected.len);

    g = find_text(rest, got);
    if (e >= line.len || g >= rest.len) {
        buf_add(out, STR("<tr><td colspan=\"3\">"));
        html_add(out, line);
    } else {
        while (place.len && strchr(": .", place.at[place.len - 1]))
            place.len--;
        buf_add(out, STR("<tr><th scope=\"row\">"));
        html_add(out, place.len ? place : STR("(the whole)"));
        buf_add(out, STR("</th><td class=\"want\">"));
        html_add(out, str_first(rest, g));
        buf_add(out, STR("</td><td class=\"got\">"));
        html_add(out, str_skip(rest, g + got.len));
    }
    buf_add(out, STR("</td></tr>"));
}

static void add_differences(struct buf *out, const cJSON *differences)
{
    const cJSON *line;

    if (!cJSON_GetArraySize(differences))
        return;
    buf_add(out, STR("<dt>difference</dt><dd><div class=\"wide\"><table class=\"differences\"><thead><tr><th "
                     "scope=\"col\">at</th>"
                     "<th scope=\"col\">expected</th><th scope=\"col\">got</th></tr></thead><tbody>"));
    cJSON_ArrayForEach(line, differences)
    {
        add_difference(out, str_from(line->valuestring));
    }
    buf_add(out, STR("</tbody></table></div></dd>"));
}

static void add_term(struct buf *out, const char *term, const char *before, const char *text, const char *after)
{
    if (!text || !*text)
        return;
    buf_addf(out, "<dt>%s</dt><dd>%s", term, before);
    html_add(out, str_from(text));
    buf_addf(out, "%s</dd>", after);
}

static void add_texts(struct buf *out, const char *term, const cJSON *texts)
{
    const cJSON *text;

    if (!cJSON_GetArraySize(texts))
        return;
    buf_addf(out, "<dt>%s</dt><dd><ul>", term);
    cJSON_ArrayForEach(text, texts)
    {
        buf_add(out, STR("<li>"));
        html_add(out, str_from(text->valuestring));
        buf_add(out, STR("</li>"));
    }
    buf_add(out, STR("</ul></dd>"));
}

static void add_failure(struct buf *out, const cJSON *result)
{
    const cJSON *failure = json_get(result, "failure");
    const char *step = json_get_text(failure, "step"), *output = json_get_text(failure, "output");
    const char *nearest = json_get_text(failure, "nearest");
    int64_t line = 1, column = 1;

    if (!failure)
        return;
    if (json_get_i64(failure, "line", &line) || json_get_i64(failure, "column", &column))
        line = column = 1;
    buf_add(out, STR("<div class=\"why\"><p class=\"place\">"));
    html_add(out, str_from(json_get_text(result, "file")));
    buf_addf(out, ":%lld:%lld</p><dl>", (long long)line, (long long)column);
    add_term(out, "step", "<code>", step ? step : "outside of the steps", "</code>");
    add_term(out, "outcome", "<strong class=\"outcome\">", json_get_text(failure, "message"), "</strong>");
    add_differences(out, json_get(failure, "differences"));
    if (nearest) {
        add_term(out, json_get(failure, "differences") ? "nearest event" : "it was", "", nearest, "");
        add_term(out, "which held", "<code class=\"held\">", json_get_text(failure, "nearestContent"), "</code>");
    }
    add_texts(out, "also", json_get(failure, "hints"));
    add_term(out, "the agent's last words", "<pre class=\"output\" tabindex=\"0\">", output, "</pre>");
    buf_add(out, STR("</dl></div>\n"));
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

    buf_addf(out, "<article id=\"s%u\" class=\"%s\"><details%s><summary><h2>", number, verdict,
             is_red(result) ? " open" : "");
    add_mark(out, verdict);
    buf_add(out, STR(" <span class=\"name\">"));
    html_add(out, str_from(json_get_text(result, "name")));
    buf_add(out, STR("</span></h2> <span class=\"faint file\">"));
    html_add(out, str_from(json_get_text(result, "file")));
    buf_add(out, STR("</span> <span class=\"faint\">"));
    add_seconds(out, result);
    buf_add(out, STR("</span></summary>\n"));
    add_failure(out, result);
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

static void add_list(struct buf *out, const cJSON *results)
{
    const cJSON *result;
    unsigned number = 0;

    buf_add(out, STR("<nav aria-label=\"Scenarios\"><ol>\n"));
    cJSON_ArrayForEach(result, results)
    {
        const char *verdict = json_get_text(result, "verdict");

        buf_addf(out, "<li class=\"%s\"><a href=\"#s%u\">", verdict, ++number);
        add_mark(out, verdict);
        buf_add(out, STR(" <span class=\"name\">"));
        html_add(out, str_from(json_get_text(result, "name")));
        buf_add(out, STR("</span></a> <span class=\"faint\">"));
        add_seconds(out, result);
        buf_add(out, STR("</span></li>\n"));
    }
    buf_add(out, STR("</ol></nav>\n"));
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
    const cJSON *result;
    unsigned number = 0;

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
        cJSON_ArrayForEach(result, results)
        {
            add_scenario(out, result, ++number);
        }
}

void report_html(struct buf *out, const cJSON *results, int64_t us)
{
    struct str rest = str_of((const char *)page_html, page_html_len);

    while (rest.len) {
        size_t at = find_text(rest, STR("{{")), end;

        buf_add(out, str_first(rest, at));
        rest = str_skip(rest, at + 2);
        end = find_text(rest, STR("}}"));
        add_place(out, str_first(rest, end), results, us);
        rest = str_skip(rest, end + 2);
    }
}
