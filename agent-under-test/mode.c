/* mode.c - the mode of the documents, and finding one. */
#include "mode.h"

#include <stdio.h>
#include <string.h>

#include "duration.h"

/* As documented: whole numbers within bounds, durations kept as they were written. */

static enum rc documented_duration(struct str text, int64_t *ms, char spelling[CONFIG_DURATION_MAX + 1])
{
    if (text.len > CONFIG_DURATION_MAX || duration_parse(text, ms) || *ms < CONFIG_PERIOD_MIN)
        return RC_INVALID;
    (void)snprintf(spelling, CONFIG_DURATION_MAX + 1, "%.*s", STR_ARG(text));
    return RC_OK;
}

static const char *const documented_words[] = {
    [PRIORITY_OFF] = "Off", [PRIORITY_LOW] = "Low", [PRIORITY_HIGH] = "High"};

enum rc mode_strict_flag(const cJSON *item, int64_t *out)
{
    *out = cJSON_IsTrue(item);
    return cJSON_IsBool(item) ? RC_OK : RC_INVALID;
}

enum rc mode_strict_priority(const cJSON *item, int64_t *out)
{
    struct str text = str_from(cJSON_GetStringValue(item));

    for (int i = PRIORITY_OFF; i <= PRIORITY_HIGH; i++) {
        if (str_is_nocase(text, documented_words[i])) {
            *out = i;
            return RC_OK;
        }
    }
    return RC_INVALID;
}

static const enum config_id documented_findings[] = {CONFIG_CACHE_BYTES, CONFIG_MESSAGE_BYTES, CONFIG_HIGH_FREQUENCY};

/* The property that only the C agent knows comes last in the table. */
#define MODE_ENTRY(id, name, type, value) CONFIG_##id,
static const enum config_id documented_known[] = {CONFIG_LIST(MODE_ENTRY)};
#undef MODE_ENTRY

/* source: facts S-13 */
static void documented_bag(const struct config *c, bool is_high, struct buf *out)
{
    (void)c;
    (void)is_high;
    buf_text(out, "%24.ct=application%2Fjson&%24.ce=utf-8&%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1");
}

static bool documented_is_over(struct instant since, struct instant now, int64_t period_ms)
{
    return now.mono_ms - since.mono_ms >= period_ms;
}

const struct mode mode_documented = {
    .name = "documented",
    .known = documented_known,
    .known_count = CONFIG_OPERATIONAL,
    .leading_count = CONFIG_OPERATIONAL,
    .priority_words = documented_words,
    .reports_unset = true,
    .size = json_integer,
    .flag = mode_strict_flag,
    .priority = mode_strict_priority,
    .duration = documented_duration,
    .findings = documented_findings,
    .print = json_print,
    .keeps_desired = true,
    .reports_refusal = true,
    .insists = true,
    .agent_version = SECURITY_AGENT_VERSION,
    .queues = {.overhead = EVENT_OVERHEAD, .holds_under_way = true},
    .bag = documented_bag,
    .connections = {.tells_local = true},
    .tells_hardware = true,
    .is_over = documented_is_over,
    .small_size = 4096,
    .refused_subcode = FAILED_UNAUTHORIZED,
};

const struct mode *mode_find(const char *name)
{
    static const struct mode *const modes[] = {&mode_documented, &mode_legacy_c, &mode_legacy_cs};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i]->name, name) == 0)
            return modes[i];
    return NULL;
}
