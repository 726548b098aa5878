/* mode_cs.c - the real C# agent. It was read and not run: what its JSON library makes of odd values is derived.
 * source: facts S-24 to S-32 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "duration_cs.h"
#include "mode.h"

/* A whole number from zero to 32 bits. Text that looks like one will do; a fraction is rounded, halves to even. */
static enum rc cs_size(const cJSON *item, int64_t least, int64_t most, int64_t *out)
{
    const char *text = cJSON_GetStringValue(item);
    double rounded;

    (void)least;
    (void)most;
    if (text)
        return str_to_number(str_from(text), UINT32_MAX, out) ? RC_INVALID : RC_OK;
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return RC_INVALID;
    rounded = nearbyint(item->valuedouble);
    if (rounded < 0 || rounded > (double)UINT32_MAX)
        return RC_INVALID;
    *out = (int64_t)rounded;
    return RC_OK;
}

/* Text will do here, too. */
static enum rc cs_flag(const cJSON *item, int64_t *out)
{
    struct str text = str_from(cJSON_GetStringValue(item));

    *out = cJSON_IsTrue(item) || str_is_nocase(text, "true");
    return cJSON_IsBool(item) || *out || str_is_nocase(text, "false") ? RC_OK : RC_INVALID;
}

static const char *const cs_words[] = {
    [PRIORITY_OFF] = "Off", [PRIORITY_LOW] = "Low", [PRIORITY_HIGH] = "High", [PRIORITY_OPERATIONAL] = "Operational"};

/* The word in any letter case, or its number. */
static enum rc cs_priority(const cJSON *item, int64_t *out)
{
    struct str text = str_from(cJSON_GetStringValue(item));

    if (cJSON_IsNumber(item))
        return json_integer(item, PRIORITY_OFF, PRIORITY_OPERATIONAL, out) ? RC_INVALID : RC_OK;
    for (int i = PRIORITY_OFF; i <= PRIORITY_OPERATIONAL; i++) {
        if (str_is_nocase(text, cs_words[i])) {
            *out = i;
            return RC_OK;
        }
    }
    return RC_INVALID;
}

static enum rc cs_duration(struct str text, int64_t *ms, char spelling[CONFIG_DURATION_MAX + 1])
{
    if (duration_cs_parse(text, ms))
        return RC_INVALID;
    duration_cs_print(*ms, spelling, CONFIG_DURATION_MAX + 1);
    return RC_OK;
}

static void cs_period_text(int64_t ms, char out[CONFIG_DURATION_MAX + 1])
{
    duration_cs_clock(ms, out, CONFIG_DURATION_MAX + 1);
}

/* The base properties, as the C# agent's own object has them: names begin with a capital letter, periods are
 * TimeSpans. Which they are and how they are spelt is not known for certain. */
static char *cs_used(const struct config *c, const char *object_name)
{
    static const enum config_id base[] = {CONFIG_HIGH_FREQUENCY, CONFIG_LOW_FREQUENCY, CONFIG_SNAPSHOT_FREQUENCY,
                                          CONFIG_CACHE_BYTES, CONFIG_MESSAGE_BYTES};
    cJSON *root = cJSON_CreateObject();
    char name[64], period[CONFIG_DURATION_MAX + 1], *text = NULL;
    bool ok = root != NULL;

    (void)object_name;
    for (size_t i = 0; ok && i < sizeof base / sizeof *base; i++) {
        (void)snprintf(name, sizeof name, "%s", config_name(base[i]));
        name[0] = (char)(name[0] - 'a' + 'A');
        cs_period_text(config_number(c, base[i]), period);
        ok = c->value[base[i]].text ? cJSON_AddStringToObject(root, name, period) != NULL
                                    : cJSON_AddNumberToObject(root, name, (double)config_number(c, base[i])) != NULL;
    }
    if (ok)
        text = json_print(root);
    cJSON_Delete(root);
    return text;
}

/* source: facts S-32 */
static void cs_bag(const struct config *c, bool is_high, struct buf *out)
{
    const char *id = c->value[CONFIG_HUB_RESOURCE_ID].text;

    buf_format(out, "MessagePriority=%s&HubResourceId=", is_high ? "High" : "Low");
    buf_percent(out, str_from(id));
    buf_text(out, "&%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1/");
}

/* By the wall clock: when that is put back, nothing is due until it has caught up. source: facts S-31 */
static bool cs_is_over(struct instant since, struct instant now, int64_t period_ms)
{
    return now.wall_ms - since.wall_ms >= period_ms;
}

static bool cs_refusal_ends(int connack)
{
    return connack != 0;
}

#define CS_ENTRY(id, name, type, value) CONFIG_##id,
static const enum config_id cs_known[] = {CONFIG_LIST(CS_ENTRY)};
#undef CS_ENTRY

static const enum config_id cs_findings[] = {CONFIG_MESSAGE_BYTES, CONFIG_CACHE_BYTES, CONFIG_HIGH_FREQUENCY};

const struct mode mode_legacy_cs = {
    .name = "legacy-cs",
    .known = cs_known,
    .known_count = CONFIG_OPERATIONAL, /* all but the C agent's own */
    .leading_count = CONFIG_OPERATIONAL,
    .preset = {CONFIG_HUB_RESOURCE_ID, ""},
    .priority_words = cs_words,
    .size = cs_size,
    .flag = cs_flag,
    .priority = cs_priority,
    .duration = cs_duration,
    .number_as_duration = "PT0S",
    .findings = cs_findings,
    .mismatch_name = "RemoteConfiguration",
    .used = cs_used,
    .period_text = cs_period_text,
    .print = json_print,
    .takes_at_once = true,
    .reads_once = true,
    .reads_strictly = true,
    .shrugs_at_no_object = true,
    .tells_latest = true,
    .agent_version = "0.0.5.0",
    .form = {.time = EVENT_TIME_BARE, .is_utf16 = true},
    .queues = {.share = {[QUEUE_HIGH] = 50, [QUEUE_LOW] = 50, [QUEUE_OPERATIONAL] = 10}, .drops_oldest = true},
    .message = {.sums_events = true},
    .bag = cs_bag,
    .tells_as_printed = true,
    .connections = {.tells_local = true},
    .ticks = true,
    .is_over = cs_is_over,
    .has_runs = true,
    .sends_one = true,
    .counts_failed = true,
    .small_size = 8192,
    .tells_operational_drops = true,
    .operational_is_fixed = true,
    .must_start_clean = true,
    .refusal_ends = cs_refusal_ends,
    .refused_subcode = FAILED_UNAUTHORIZED,
    .no_network_is_timeout = true,
    .ends_well = true,
};
