/* messages.c - what the store alone knows of messages reaches the hub: whose have expired, when the next will, and how much feedback there is. */
#include "plugin.h"

#include <inttypes.h>
#include <mosquitto.h>

#define DUE_US    1000 /* how long whoever is due may be looked for in one turn */
#define RETRY_US  1000000
#define DUE_BYTES (64u * 1024) /* of their ids */

void messages_refresh(struct plugin *pl, bool is_committed)
{
    struct message_state state;
    int64_t now_us = turn_now(pl).us;
    enum rc rc = store_message_state(pl->store, &state);

    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: the messages that wait cannot be read: %s", rc_text(rc));
        return;
    }
    pl->due_from_us = INT64_MIN;
    if (!is_committed && state.next_expiry_us < now_us + RETRY_US)
        state.next_expiry_us = now_us + RETRY_US; /* what cannot be stored is not tried again at once */
    hub_set_message_state(pl->hub, &state);
}

void messages_turn_end(struct plugin *pl, bool is_committed)
{
    bool is_news = !is_committed;

    for (size_t n = 0; n < pl->out.len && !is_news; n++) {
        const struct out *o = &pl->out.at[n];

        is_news = o->kind == OUT_FEEDBACK_GONE || (o->kind == OUT_STORE && o->change == CHANGE_DELETED);
    }
    if (is_news)
        messages_refresh(pl, is_committed);
}

/* Whose messages are due, gathered before anything is changed. */
struct due {
    struct buf ids; /* each with a NUL behind */
    int64_t last_us, until_mono_us;
    bool is_cut;
};

static bool due_add(void *arg, struct str id, int64_t expires_us)
{
    struct due *d = arg;

    /* Where to go on is said by the instant alone, so one instant is never cut in two. */
    if (d->ids.len && expires_us > d->last_us && (d->ids.len > DUE_BYTES || clock_now().mono_us >= d->until_mono_us)) {
        d->is_cut = true;
        d->last_us = expires_us;
        return false;
    }
    buf_add(&d->ids, id);
    buf_add_char(&d->ids, '\0');
    d->last_us = expires_us;
    return true;
}

static void expire(struct plugin *pl, struct str id)
{
    struct request r = {.kind = REQUEST_EXPIRE, .client_id = id};

    (void)decide(pl, &r);
}

void messages_expire_due(struct plugin *pl, struct now now)
{
    struct due d = {.until_mono_us = now.mono_us + DUE_US};
    int64_t next_us;
    struct str rest;
    enum rc rc;

    if (hub_next_expiry(pl->hub) > now.us)
        return;
    buf_init(&d.ids, 0);
    rc = store_due(pl->store, pl->due_from_us, now.us, due_add, &d);
    if (!rc)
        rc = d.ids.rc;
    pl->due_from_us = d.is_cut ? d.last_us : INT64_MIN;
    next_us = d.last_us;
    if (!rc && !d.is_cut)
        rc = store_next_expiry(pl->store, now.us, &next_us);
    /* What is on its way is looked at here in vain; the end of its connection makes it due again. */
    hub_set_next_expiry(pl->hub, rc ? now.us + RETRY_US : next_us);
    if (rc)
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: whose messages expire cannot be read: %s", rc_text(rc));
    for (rest = buf_view(&d.ids); !rc && rest.len;)
        expire(pl, str_cut(&rest, '\0'));
    buf_done(&d.ids);
}
