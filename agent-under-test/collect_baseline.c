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

static bool result_take(const cJSON *result, cJSON *payload)
{
    const char *verdict = json_text(result, "result");
    cJSON *entry;
    bool ok;

    if (!verdict || str_is_nocase(str_from(verdict), "pass"))
        return true;
    entry = cJSON_CreateObject();
    ok = entry != NULL;
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++) {
        const char *text = json_text(result, members[i][0]);
        ok = cJSON_AddStringToObject(entry, members[i][1], text ? text : "") != NULL;
    }
    ok = ok && cJSON_AddItemToArray(payload, entry);
    if (!ok)
        cJSON_Delete(entry);
    return ok;
}

/* Run the tool once and append what it found. */
static enum rc results_take(const char *const *arguments, int64_t limit_ms, cJSON *payload)
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
        if (!rc && !result_take(result, payload))
            rc = RC_NOMEM;
    }
    cJSON_Delete(root);
    buf_done(&text);
    return rc == RC_LIMIT ? RC_IO : rc;
}

enum rc collect_baseline(const struct collect_roots *roots, const struct collect_custom *custom, cJSON **payload)
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
    rc = results_take(plain, roots->tool_limit_ms, found);
    if (!rc && custom)
        rc = results_take(further, roots->tool_limit_ms, found);
    if (rc)
        cJSON_Delete(found);
    else
        *payload = found;
    return rc;
}
