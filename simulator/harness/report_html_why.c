/* report_html_why.c - what explains a red scenario, as plain markup. See report_html.h. */
#include "report_html.h"

size_t html_find(struct str text, struct str part)
{
    const char *at = text.len ? memmem(text.at, text.len, part.at, part.len) : NULL;

    return at ? (size_t)(at - text.at) : text.len;
}

/* "a.b: expected 1, got 2" as three cells, or as one when it says something else. */
static void add_difference(struct buf *out, struct str line)
{
    const struct str expected = STR("expected "), got = STR(", got ");
    size_t e = html_find(line, expected), g;
    struct str place = str_first(line, e), rest = str_skip(line, e + expected.len);

    g = html_find(rest, got);
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

void html_add_failure(struct buf *out, const cJSON *result)
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
