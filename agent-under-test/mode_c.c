/* mode_c.c - the real C agent. source: facts S-18 to S-23 */
#include <math.h>

#include "duration_c.h"
#include "mode.h"

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

static const enum config_id c_findings[] = {CONFIG_CACHE_BYTES, CONFIG_MESSAGE_BYTES, CONFIG_HIGH_FREQUENCY};

/* Bad credentials. What the hub says to a wrong key is 5, which the C agent takes for a passing trouble. */
static bool c_refusal_ends(int connack)
{
    return connack == 2 || connack == 4;
}

/* source: facts S-13, S-32 */
static void c_bag(const struct config *c, bool is_high, struct buf *out)
{
    (void)c;
    (void)is_high;
    buf_text(out, "%24.ce=application%2fjson&%24.ifid=urn%3aazureiot%3aSecurity%3aSecurityAgent%3a1");
}

/* Whole seconds of the wall clock, more than the period, their difference cut to 32 bits without a sign: when the
 * clock is put back, every period is over. source: facts S-31 */
static bool c_is_over(struct instant since, struct instant now, int64_t period_ms)
{
    return (uint32_t)(now.wall_ms / 1000 - since.wall_ms / 1000) > period_ms / 1000;
}

const struct mode mode_legacy_c = {
    .name = "legacy-c",
    .known = c_known,
    .known_count = sizeof c_known / sizeof *c_known,
    .leading_count = 8,
    .preset = {CONFIG_CACHE_BYTES, "10485760"},
    .priority_words = c_words,
    .sizes_are_signed = true,
    .size = cut_size,
    .flag = mode_strict_flag,
    .priority = mode_strict_priority,
    .duration = c_duration,
    .findings = c_findings,
    .mismatch_name = "TwinConfiguration",
    .used = config_whole_text,
    .print = json_print_escaped,
    .takes_any_status = true,
    .reports_refusal = true,
    .subscribes_late = true,
    .wants_200 = true,
    .tells_latest = true,
    .tells_good_news = true,
    .agent_version = "0.0.5",
    .form = {.time = EVENT_TIME_ALWAYS_Z},
    .queues = {.overhead = EVENT_OVERHEAD},
    .message = {.sums_events = true, .lets_it_block = true},
    .bag = c_bag,
    .tells_as_printed = true,
    .connections = {.port_is_number = true},
    .tells_every_socket = true,
    .hits_are_numbers = true,
    .ticks = true,
    .is_over = c_is_over,
    .sends_one = true,
    .memory_leads_high = true,
    .counts_handed = true,
    .small_size = 4096,
    .refusal_ends = c_refusal_ends,
    .refused_subcode = FAILED_OTHER,
    .ends_well = true,
};
