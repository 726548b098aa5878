/* messages.c - what the store alone knows of messages reaches the hub: whose have expired, when the next will, and how much feedback there is. */
#include "plugin.h"

#include <inttypes.h>
#include <mosquitto.h>

#define DUE_MAX  64u /* identities that are looked at in one turn: at most so many are loaded */
#define RETRY_US 1000000

static const struct due_place the_first = {INT64_MIN, 0};

void messages_refresh(struct plugin *pl, bool is_committed)
{
    struct message_state state;
    int64_t now_us = turn_now(pl).us;
    enum rc rc = store_message_state(pl->store, &state);

    if (rc) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: the messages that wait cannot be read: %s", rc_text(rc));
        return;
    }
    pl->due_from = the_first;
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
    size_t n;
    char last[IDENT_TEXT_MAX]; /* of several messages of one, in a row, one will do */
    struct due_place place;
    bool is_cut;
};

static bool due_add(void *arg, struct str id, struct due_place at)
{
    struct due *d = arg;
    bool is_same = str_eq(str_from(d->last), id);

    d->is_cut = !is_same && d->n == DUE_MAX;
    if (d->is_cut)
        return false;
    d->place = at;
    if (is_same)
        return true;
    d->n++;
    memcpy(d->last, id.at, id.len);
    d->last[id.len] = '\0';
    buf_add(&d->ids, id);
    buf_add_char(&d->ids, '\0');
    return true;
}

static void expire(struct plugin *pl, struct str id)
{
    struct request r = {.kind = REQUEST_EXPIRE, .client_id = id};

    (void)decide(pl, &r);
}

void messages_expire_due(struct plugin *pl, struct now now)
{
    struct due d = {.n = 0};
    int64_t next_us = now.us; /* cut: the next turn goes on */
    struct str rest;
    enum rc rc;

    if (hub_next_expiry(pl->hub) > now.us)
        return;
    pl->is_due_anew =
        pl->due_from.expires_us != INT64_MIN && (pl->is_due_anew || hub_next_expiry(pl->hub) < pl->due_told_us);
    buf_init(&d.ids, 0);
    rc = store_due(pl->store, pl->due_from, now.us, due_add, &d);
    if (!rc)
        rc = d.ids.rc;
    pl->due_from = d.is_cut ? d.place : the_first;
    if (!rc && !d.is_cut && !pl->is_due_anew)
        rc = store_next_expiry(pl->store, now.us, &next_us);
    /* What is on its way is looked at here in vain; the end of its connection makes it due again. */
    pl->due_told_us = rc ? now.us + RETRY_US : next_us;
    hub_set_next_expiry(pl->hub, pl->due_told_us);
    if (rc)
        mosquitto_log_printf(MOSQ_LOG_ERR, "twinsim: whose messages expire cannot be read: %s", rc_text(rc));
    for (rest = buf_view(&d.ids); !rc && rest.len;)
        expire(pl, str_cut(&rest, '\0'));
    buf_done(&d.ids);
}
