/* mode.c - the two modes as data. */
#include "mode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "duration_c.h"

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

/* The property that only the C agent knows comes last in the table. */
#define MODE_ENTRY(id, name, type, value) CONFIG_##id,
static const enum config_id documented_known[] = {CONFIG_LIST(MODE_ENTRY)};
#undef MODE_ENTRY

const struct mode mode_documented = {
    .name = "documented",
    .known = documented_known,
    .known_count = CONFIG_OPERATIONAL,
    .leading_count = CONFIG_OPERATIONAL,
    .cache_preset = "2560000",
    .priority_words = documented_words,
    .reports_unset = true,
    .names_each_mismatch = true,
    .size = json_integer,
    .duration = documented_duration,
    .print = json_print,
    .keeps_desired = true,
    .insists = true,
};

/* As in the C agent. source: facts S-20 */

/* Any number: cut to a signed 32-bit integer and then used as an unsigned one. What does not fit becomes the smallest
 * one, as on x86. */
static enum rc cut_size(const cJSON *item, int64_t least, int64_t most, int64_t *out)
{
    int32_t cut = INT32_MIN;

    (void)least;
    (void)most;
    if (!cJSON_IsNumber(item))
        return RC_INVALID;
    if (item->valuedouble > (double)INT32_MIN && item->valuedouble < (double)INT32_MAX + 1)
        cut = (int32_t)trunc(item->valuedouble);
    *out = (uint32_t)cut;
    return RC_OK;
}

static enum rc c_duration(struct str text, int64_t *ms, char spelling[CONFIG_DURATION_MAX + 1])
{
    if (duration_c_parse(text, ms))
        return RC_INVALID;
    duration_c_print(*ms, spelling, CONFIG_DURATION_MAX + 1);
    return RC_OK;
}

static const char *const c_words[] = {[PRIORITY_OFF] = "off", [PRIORITY_LOW] = "low", [PRIORITY_HIGH] = "high"};

/* Base properties, priorities, aggregation. */
static const enum config_id c_known[] = {
    CONFIG_CACHE_BYTES,
    CONFIG_MESSAGE_BYTES,
    CONFIG_HIGH_FREQUENCY,
    CONFIG_LOW_FREQUENCY,
    CONFIG_SNAPSHOT_FREQUENCY,
    CONFIG_BASELINE_CHECKS,
    CONFIG_BASELINE_PATH,
    CONFIG_BASELINE_HASH,
    CONFIG_OS_BASELINE,
    CONFIG_CONNECTION_CREATE,
    CONFIG_DIAGNOSTIC,
    CONFIG_FIREWALL_CONFIGURATION,
    CONFIG_LISTENING_PORTS,
    CONFIG_LOCAL_USERS,
    CONFIG_LOGIN,
    CONFIG_OPERATIONAL,
    CONFIG_PROCESS_CREATE,
    CONFIG_SYSTEM_INFORMATION,
    CONFIG_PROCESS_CREATE_AGGREGATED,
    CONFIG_PROCESS_CREATE_INTERVAL,
    CONFIG_CONNECTION_CREATE_AGGREGATED,
    CONFIG_CONNECTION_CREATE_INTERVAL,
};

const struct mode mode_legacy_c = {
    .name = "legacy-c",
    .known = c_known,
    .known_count = sizeof c_known / sizeof *c_known,
    .leading_count = 8,
    .cache_preset = "10485760",
    .priority_words = c_words,
    .size = cut_size,
    .duration = c_duration,
    .print = json_print_escaped,
    .subscribes_late = true,
    .wants_200 = true,
    .tells_latest = true,
};

const struct mode *mode_find(const char *name)
{
    static const struct mode *const modes[] = {&mode_documented, &mode_legacy_c};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i]->name, name) == 0)
            return modes[i];
    return NULL;
}
