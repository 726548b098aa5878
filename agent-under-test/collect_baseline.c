/* collect_baseline.c - OSBaseline: what a program of the user's finds wrong with the system's settings. */
#include <string.h>

#include "buf.h"
#include "collect.h"
#include "tool.h"

/* Members of a result, and what the event calls them. source: facts S-33 */
static const char *const members[][2] = {{"description", "Description"},
                                         {"cceid", "CceId"},
                                         {"result", "Result"},
                                         {"error_text", "Error"},
                                         {"severity", "Severity"}};

/* The words that the published form has; the last of each stands for any other. */
static const char *const verdicts[] = {"Pass", "Fail", "Err"};
static const char *const severities[] = {"Critical", "Important", "Warning", "Informational"};

/* The published word for one of the tool's. */
static const char *word_of(const char *const *words, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (str_is_nocase(str_from(text), words[i]))
            return words[i];
    return words[n - 1];
}

/* What the event says of a member of the result. */
static const char *text_of(const cJSON *result, const char *name, bool is_as_printed)
{
    const char *text = json_text(result, name);

    if (!is_as_printed && strcmp(name, "result") == 0)
        return word_of(verdicts, sizeof verdicts / sizeof *verdicts, text);
    if (!is_as_printed && strcmp(name, "severity") == 0)
        return word_of(severities, sizeof severities / sizeof *severities, text);
    return text ? text : "";
}

static bool result_take(const cJSON *result, bool is_as_printed, cJSON *payload)
{
    const char *verdict = json_text(result, "result");
    cJSON *entry;
    bool ok;

    if (!verdict || str_is_nocase(str_from(verdict), "pass"))
        return true;
    entry = cJSON_CreateObject();
    ok = entry != NULL;
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++)
        ok = cJSON_AddStringToObject(entry, members[i][1], text_of(result, members[i][0], is_as_printed)) != NULL;
    ok = ok && cJSON_AddItemToArray(payload, entry);
    if (!ok)
        cJSON_Delete(entry);
    return ok;
}

/* Run the tool once and append what it found. */
static enum rc results_take(const char *const *arguments, int64_t limit_ms, bool is_as_printed, cJSON *payload)
{
    const cJSON *result, *results;
    cJSON *root = NULL;
    struct buf text;
    enum rc rc = tool_run(arguments, limit_ms, &text);

    if (!rc)
        rc = json_parse(buf_str(&text), &root);
    results = json_find(root, "results");
    if (!rc && !cJSON_IsArray(results))
        rc = RC_SYNTAX;
    cJSON_ArrayForEach(result, results)
    {
        if (!rc && !result_take(result, is_as_printed, payload))
            rc = RC_NOMEM;
    }
    cJSON_Delete(root);
    buf_done(&text);
    return rc == RC_LIMIT ? RC_IO : rc;
}

enum rc collect_baseline(const struct collect_roots *roots, const struct collect_custom *custom, bool is_as_printed,
                         cJSON **payload)
{
    const char *const plain[] = {roots->baseline_tool, "audit", NULL};
    const char *const further[] = {roots->baseline_tool,
                                   "audit",
                                   "--custom-checks-file",
                                   custom ? custom->path : NULL,
                                   "--custom-checks-hash",
                                   custom ? custom->hash : NULL,
                                   NULL};
    cJSON *found;
    enum rc rc;

    if (!roots->baseline_tool || !*roots->baseline_tool)
        return RC_NOT_FOUND;
    found = cJSON_CreateArray();
    if (!found)
        return RC_NOMEM;
    rc = results_take(plain, roots->tool_limit_ms, is_as_printed, found);
    if (!rc && custom)
        rc = results_take(further, roots->tool_limit_ms, is_as_printed, found);
    if (rc)
        cJSON_Delete(found);
    else
        *payload = found;
    return rc;
}
