/* run_message.c - the step `message`: a message from the cloud. It waits in the hub; who hears it and how it ends is on the event stream. */
#include "run_internal.h"

#include "iso_time.h"

/* System properties that a sender may give: as events name them, and as the command does. */
static const char *const names[][2] = {{"message-id", "messageId"},
                                       {"correlation-id", "correlationId"},
                                       {"user-id", "userId"},
                                       {"content-type", "contentType"},
                                       {"content-encoding", "contentEncoding"},
                                       {"absolute-expiry-time", "expiryTimeUtc"}};

static enum verdict put(struct run *r, cJSON *command, const char *name, const cJSON *value)
{
    return value && json_set(command, name, cJSON_Duplicate(value, true)) ? run_no_memory(r) : VERDICT_PASSED;
}

static enum verdict put_system(struct run *r, cJSON *command)
{
    enum verdict v = VERDICT_PASSED;
    const cJSON *one;

    cJSON_ArrayForEach(one, json_get(r->lane->node, "system"))
    {
        size_t n = 0;

        while (n < sizeof names / sizeof names[0] && strcmp(names[n][0], one->string) != 0)
            n++;
        if (n == sizeof names / sizeof names[0])
            return run_error(r, "'%s' is none of what a message from the cloud may say", one->string);
        v = put(r, command, names[n][1], one);
        if (v)
            return v;
    }
    return v;
}

/* {"base64":".."} is these bytes, a text itself, all else JSON: as for `send`. */
static enum verdict put_body(struct run *r, cJSON *command)
{
    const cJSON *body = json_get(r->lane->node, "message"), *base64 = json_get(body, "base64");

    if (cJSON_IsString(base64) && !body->child->next)
        return put(r, command, "bodyBase64", base64);
    return put(r, command, "body", body);
}

static enum verdict put_expiry(struct run *r, cJSON *command)
{
    const cJSON *expiry = json_get(r->lane->node, "expiry");
    int64_t us;

    if (!expiry)
        return VERDICT_PASSED;
    if (cJSON_IsString(expiry) && duration_read(str_from(expiry->valuestring), &us) == RC_OK)
        return put(r, command, "timeToLive", expiry);
    return put(r, command, "expiryTimeUtc", expiry);
}

enum verdict run_inject_message(struct run *r)
{
    static const char *const queued[] = {"message-queued", NULL};
    cJSON *command = run_command_new(r, "message.send", run_who(r));
    enum verdict v = command ? VERDICT_PASSED : VERDICT_ERROR;

    if (!v)
        v = put_body(r, command);
    if (!v)
        v = put_system(r, command);
    if (!v)
        v = put(r, command, "properties", json_get(r->lane->node, "properties"));
    if (!v)
        v = put(r, command, "ack", json_get(r->lane->node, "ack"));
    if (!v)
        v = put_expiry(r, command);
    if (!v)
        return run_send(r, command, queued, NULL);
    cJSON_Delete(command);
    return v;
}
