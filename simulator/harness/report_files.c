/* report_files.c - reports for machines: JUnit's XML and JSON. See report.h.
 *
 * The XML holds only what every usual reader of JUnit's takes (facts C-23): some refuse a whole report for one unknown attribute. So the place
 * in the file stands in the text of a failure.
 */
#include "report.h"

/* XML text: markup escaped, and what XML 1.0 cannot hold replaced. JSON has seen to it that the rest is UTF-8. */
static void add_xml(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            buf_add(out, STR("&amp;"));
        else if (c == '<')
            buf_add(out, STR("&lt;"));
        else if (c == '>')
            buf_add(out, STR("&gt;"));
        else if (c == '"')
            buf_add(out, STR("&quot;"));
        else if (c == '\n' || c == '\t')
            buf_addf(out, "&#%u;", c);
        else if (c < 0x20 || c == 0x7F)
            buf_add(out, STR("\xEF\xBF\xBD"));
        else if (c == 0xEF && (unsigned char)text[1] == 0xBF && (unsigned char)text[2] >= 0xBE) {
            buf_add(out, STR("\xEF\xBF\xBD")); /* U+FFFE and U+FFFF */
            text += 2;
        } else
            buf_add_char(out, (char)c);
    }
}

static void add_attribute(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, " %s=\"", name);
    add_xml(out, value);
    buf_add_char(out, '"');
}

/* "fixtures/scenarios/config/01-x.jsonc" -> "fixtures.scenarios.config.01-x": readers show a package for each folder, a class for
 * each file, and the rows of its table as its cases. */
static void add_class(struct buf *out, const char *file)
{
    struct str rest = str_from(file);
    struct buf name;

    buf_init(&name, 0);
    while (rest.len) {
        struct str part = str_cut(&rest, '/');

        if (str_eq(part, STR("")) || str_eq(part, STR(".")) || str_eq(part, STR("..")))
            continue;
        if (!rest.len && str_ends(part, STR(".jsonc")))
            part.len -= strlen(".jsonc");
        else if (!rest.len && str_ends(part, STR(".json")))
            part.len -= strlen(".json");
        if (name.len)
            buf_add_char(&name, '.');
        for (size_t i = 0; i < part.len; i++)
            buf_add_char(&name, part.at[i] == '.' ? '_' : part.at[i]);
    }
    add_attribute(out, "classname", name.len ? name.at : "scenarios");
    buf_done(&name);
}

static void add_case(struct buf *out, const cJSON *result)
{
    const cJSON *failure = json_get(result, "failure"), *ms = json_get(result, "ms"), *step;
    const char *verdict = json_get_text(result, "verdict"), *message = json_get_text(failure, "message");

    buf_add(out, STR("  <testcase"));
    add_class(out, json_get_text(result, "file"));
    add_attribute(out, "name", json_get_text(result, "name"));
    buf_addf(out, " time=\"%.3f\">\n", ms ? ms->valuedouble / 1000 : 0);
    if (strcmp(verdict, "failed") == 0 || strcmp(verdict, "error") == 0) {
        const char *tag = strcmp(verdict, "failed") == 0 ? "failure" : "error";
        struct buf text;

        buf_init(&text, 0);
        report_failure(&text, result);
        buf_addf(out, "    <%s type=\"%s\"", tag, verdict);
        add_attribute(out, "message", message);
        buf_add_char(out, '>');
        add_xml(out, text.at);
        buf_addf(out, "</%s>\n", tag);
        buf_done(&text);
    } else if (strcmp(verdict, "skipped") == 0) {
        buf_add(out, STR("    <skipped"));
        add_attribute(out, "message", message ? message : "");
        buf_add(out, STR("/>\n"));
    }
    buf_add(out, STR("    <system-out>"));
    cJSON_ArrayForEach(step, json_get(result, "steps"))
    {
        add_xml(out, json_get_text(step, "verdict"));
        add_xml(out, "  ");
        add_xml(out, json_get_text(step, "text"));
        add_xml(out, "\n");
    }
    buf_add(out, STR("</system-out>\n  </testcase>\n"));
}

void report_junit(struct buf *out, const cJSON *results, int64_t us)
{
    struct report_counts n = report_count(results);
    unsigned all = n.passed + n.failed + n.errors + n.skipped;
    const cJSON *result;

    buf_add(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    buf_addf(out, "<testsuites tests=\"%u\" failures=\"%u\" errors=\"%u\" time=\"%.3f\">\n", all, n.failed, n.errors,
             (double)us / 1e6);
    buf_addf(out,
             "<testsuite name=\"twinsim\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
             all, n.failed, n.errors, n.skipped, (double)us / 1e6);
    cJSON_ArrayForEach(result, results)
    {
        add_case(out, result);
    }
    buf_add(out, STR("</testsuite>\n</testsuites>\n"));
}

void report_json(struct buf *out, const cJSON *results, int64_t us)
{
    struct report_counts n = report_count(results);

    buf_addf(out,
             "{\"twinsim\":\"%s\",\"passed\":%u,\"failed\":%u,\"errors\":%u,\"skipped\":%u,\"ms\":%lld,\"scenarios\":",
             TWINSIM_VERSION, n.passed, n.failed, n.errors, n.skipped, (long long)(us / 1000));
    json_print(out, results);
    buf_add(out, STR("}\n"));
}
