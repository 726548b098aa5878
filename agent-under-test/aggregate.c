/* aggregate.c - groups of equal payloads. */
#include "aggregate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void aggregate_init(struct aggregate *a)
{
    *a = (struct aggregate){0};
}

static void groups_free(struct aggregate *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->groups[i].text);
    free(a->groups);
    a->groups = NULL;
    a->count = 0;
}

void aggregate_done(struct aggregate *a)
{
    groups_free(a);
    aggregate_init(a);
}

static struct aggregate_group *find(const struct aggregate *a, const char *text)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->groups[i].text, text) == 0)
            return &a->groups[i];
    return NULL;
}

bool aggregate_add(struct aggregate *a, const cJSON *entry, int64_t wall_ms)
{
    char *text = json_print(entry);
    struct aggregate_group *group = text ? find(a, text) : NULL, *more;

    if (group) {
        group->hits++;
        group->last_ms = wall_ms;
        free(text);
        return true;
    }
    more = text && a->count < AGGREGATE_MOST ? realloc(a->groups, (a->count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(text);
        return false;
    }
    a->groups = more;
    a->groups[a->count++] = (struct aggregate_group){text, 1, wall_ms, wall_ms};
    return true;
}

/* Add what an aggregated event tells besides. */
static bool details_add(cJSON *entry, const struct aggregate_group *group, const struct aggregate_form *form)
{
    static const char *const names[] = {"StartTimeLocal", "StartTimeUtc", "EndTimeLocal", "EndTimeUtc"};
    cJSON *extra = cJSON_GetObjectItemCaseSensitive(entry, "ExtraDetails");
    char text[32];
    bool ok;

    if (!extra)
        extra = cJSON_AddObjectToObject(entry, "ExtraDetails");
    (void)snprintf(text, sizeof text, "%" PRIu64, group->hits);
    if (form->hits_are_numbers)
        ok = cJSON_AddNumberToObject(extra, "HitCount", (double)group->hits) != NULL;
    else
        ok = cJSON_AddStringToObject(extra, "HitCount", text) != NULL;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
        event_time(form->time, i < 2 ? group->first_ms : group->last_ms, i % 2 == 0, text);
        ok = cJSON_AddStringToObject(extra, names[i], text) != NULL;
    }
    return ok;
}

/* Make a group's payload; NULL without memory. */
static cJSON *payload_new(const struct aggregate_group *group, const struct aggregate_form *form)
{
    cJSON *payload = cJSON_CreateArray(), *entry = cJSON_Parse(group->text);

    if (payload && entry && details_add(entry, group, form) && cJSON_AddItemToArray(payload, entry))
        return payload;
    cJSON_Delete(entry);
    cJSON_Delete(payload);
    return NULL;
}

void aggregate_flush(struct aggregate *a, const struct aggregate_form *form, event_sink *emit, void *context)
{
    for (size_t i = 0; i < a->count; i++)
        emit(context, EVENT_AGGREGATED, payload_new(&a->groups[i], form));
    groups_free(a);
}
