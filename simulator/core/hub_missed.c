/* hub_missed.c - desired changes that a kept session missed. The hub of today forgets them (facts M-33); an older one (profile gw-v1) keeps them,
 * and delivers them when the device is back (facts M-47).
 *
 * What is kept belongs to the identity's document, so that it lasts as the change itself does: one notification for each change, the oldest
 * first, as each would have been.
 */
#include "hub_internal.h"

bool hub_keeps_missed(const struct hub *h, const struct identity *i)
{
    return h->options.profile.personality == PROFILE_GW_V1 && !i->conn && i->subscribed[FILTER_TWIN_DESIRED] &&
           i->subscribed[FILTER_SESSION] != SESSION_CLEAN;
}

void hub_missed_keep(struct hub *h, struct identity *i, struct str note, struct now now, struct outbox *out)
{
    cJSON *tree = NULL;
    enum rc rc = json_read(note, &tree, NULL);

    if (!rc && !i->missed)
        i->missed = cJSON_CreateArray();
    if (rc || !i->missed || !cJSON_AddItemToArray(i->missed, tree)) {
        cJSON_Delete(tree);
        out->rc = RC_NOMEM; /* it is our own text: it can be read */
        return;
    }
    while (cJSON_GetArraySize(i->missed) > HUB_MISSED_MAX)
        cJSON_DeleteItemFromArray(i->missed, 0);
    hub_account(h, i);
    hub_store_document(i, CHANGE_UPDATED, now, out);
}

static void deliver(struct hub *h, struct identity *i, const cJSON *note, struct now now, struct outbox *out)
{
    int64_t version = 0;
    struct buf text, *b;

    buf_init(&text, 0);
    json_print(&text, note);
    if (json_get_i64(note, "$version", &version))
        version = 0;
    if (!buf_ok(&text)) {
        out->rc = RC_NOMEM;
        return;
    }
    b = event_begin(h, "desired", i, i->conn, now);
    json_put_i64(b, "version", version);
    if (!b->rc)
        hub_put_note(b, "patch", buf_view(&text), version);
    json_put_bool(b, "replace", false);
    json_put_bool(b, "delivered", true);
    json_put_bool(b, "missed", true);
    event_send(h, out);
    hub_notify(h, i, version, &text, now, out);
    buf_done(&text);
}

void hub_missed_settle(struct hub *h, struct identity *i, struct now now, struct outbox *out)
{
    cJSON *missed = i->missed;

    if (!missed)
        return;
    i->missed = NULL;
    hub_account(h, i);
    hub_store_document(i, CHANGE_UPDATED, now, out);
    for (const cJSON *note = missed->child; note; note = note->next) /* a clean session is subscribed to nothing yet */
        if (i->conn && i->subscribed[FILTER_TWIN_DESIRED] && h->options.profile.personality == PROFILE_GW_V1)
            deliver(h, i, note, now, out);
    cJSON_Delete(missed);
}
