/* report_tap.c - the report as TAP 14. See report.h.
 *
 * Values in a YAML block are written as JSON, which YAML 1.2 contains: nothing that an agent says can end the block.
 */
#include "report.h"

/* A description or a reason: one line, in which '#' begins no directive. */
static void add_plain(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '#' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, (unsigned char)*text < 0x20 || *text == 0x7F ? ' ' : *text);
    }
}

static void add_yaml(struct buf *out, const char *key, const cJSON *value)
{
    if (!value)
        return;
    buf_addf(out, "  %s: ", key);
    json_print(out, value);
    buf_add_char(out, '\n');
}

/* What explains a red one, under the names that TAP consumers know where there are such. */
static void add_failure(struct buf *out, const cJSON *result)
{
    static const char *const members[] = {"step", "nearest", "nearestContent", "differences", "hints", "output"};
    const cJSON *failure = json_get(result, "failure");

    add_yaml(out, "message", json_get(failure, "message"));
    buf_addf(out, "  severity: %s\n", strcmp(json_get_text(result, "verdict"), "failed") == 0 ? "fail" : "error");
    buf_add(out, STR("  at:\n  "));
    add_yaml(out, "file", json_get(result, "file"));
    if (json_get(failure, "line")) {
        buf_add(out, STR("  "));
        add_yaml(out, "line", json_get(failure, "line"));
        buf_add(out, STR("  "));
        add_yaml(out, "column", json_get(failure, "column"));
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        add_yaml(out, members[i], json_get(failure, members[i]));
}

static void add_point(struct buf *out, const cJSON *result, unsigned number)
{
    const char *verdict = json_get_text(result, "verdict");
    bool is_red = strcmp(verdict, "failed") == 0 || strcmp(verdict, "error") == 0;

    buf_addf(out, "%s %u - ", is_red ? "not ok" : "ok", number);
    add_plain(out, json_get_text(result, "name"));
    if (strcmp(verdict, "skipped") == 0) {
        buf_add(out, STR(" # SKIP "));
        add_plain(out, json_get_text(json_get(result, "failure"), "message"));
    }
    buf_add(out, STR("\n  ---\n"));
    add_yaml(out, "duration_ms", json_get(result, "ms"));
    if (is_red)
        add_failure(out, result);
    buf_add(out, STR("  ...\n"));
}

void report_tap(struct buf *out, const cJSON *results, int64_t us)
{
    struct report_counts n = report_count(results);
    const cJSON *result;
    unsigned number = 0;

    (void)us; /* TAP has no place for it */
    buf_addf(out, "TAP version 14\n1..%u\n", n.passed + n.failed + n.errors + n.skipped);
    cJSON_ArrayForEach(result, results)
    {
        add_point(out, result, ++number);
    }
    if (n.skipped) /* else a run that was cut short would count as green */
        buf_add(out, STR("Bail out! interrupted\n"));
}
