/* event.c - building events. */
#include "event.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const categories[] = {"Periodic", "Triggered", "Aggregated"};
static const char *const types[] = {"Security", "Operational", "Diagnostic"};

void event_time(enum event_time_style style, int64_t wall_ms, bool is_local, char out[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n;

    if (is_local)
        (void)localtime_r(&seconds, &tm);
    else
        (void)gmtime_r(&seconds, &tm);
    if (style == EVENT_TIME_BARE) {
        (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
        return;
    }
    if (!is_local || style == EVENT_TIME_ALWAYS_Z) {
        (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
        return;
    }
    n = strftime(out, 31, "%Y-%m-%dT%H:%M:%S%z", &tm);
    if (n < 5)
        return;
    memmove(out + n - 1, out + n - 2, 3); /* +0200 -> +02:00 */
    out[n - 2] = ':';
}

size_t event_size(const struct event_form *form, struct str text)
{
    size_t units = 0;

    if (!form->is_utf16)
        return text.len;
    /* A character is one unit, or two when UTF-8 takes four bytes for it. */
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        units += (byte & 0xc0u) != 0x80u;
        units += byte >= 0xf0u;
    }
    return 2 * units;
}

/* A random GUID, version 4. */
static bool guid(char out[40])
{
    unsigned char b[16];

    if (RAND_bytes(b, sizeof b) != 1)
        return false;
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    (void)snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

struct event *event_new(const struct event_form *form, const char *name, enum event_category category,
                        enum event_type type, cJSON *payload, int64_t wall_ms)
{
    char id[40], local[32], utc[32], *text = NULL;
    cJSON *root = cJSON_CreateObject();
    struct event *e = NULL;
    size_t bytes;
    bool is_empty = cJSON_GetArraySize(payload) == 0;

    if (!payload || !root || !guid(id))
        goto done;
    event_time(form->time, wall_ms, true, local);
    event_time(form->time, wall_ms, false, utc);
    if (!cJSON_AddStringToObject(root, "Category", categories[category]) ||
        !cJSON_AddStringToObject(root, "EventType", types[type]) || !cJSON_AddStringToObject(root, "Name", name) ||
        !cJSON_AddStringToObject(root, "PayloadSchemaVersion", "1.0") || !cJSON_AddStringToObject(root, "Id", id) ||
        !cJSON_AddStringToObject(root, "TimestampLocal", local) ||
        !cJSON_AddStringToObject(root, "TimestampUTC", utc) || !cJSON_AddBoolToObject(root, "IsEmpty", is_empty) ||
        !cJSON_AddItemToObject(root, "Payload", payload))
        goto done;
    payload = NULL; /* the root has it now */
    text = json_print(root);
    if (!text)
        goto done;
    bytes = strlen(text);
    e = malloc(sizeof *e + bytes + 1);
    if (!e)
        goto done;
    e->next = NULL;
    e->bytes = bytes;
    e->size = event_size(form, str_of(text, bytes));
    memcpy(e->text, text, bytes + 1);

done:
    free(text);
    cJSON_Delete(payload);
    cJSON_Delete(root);
    return e;
}

void event_free(struct event *e)
{
    free(e);
}
