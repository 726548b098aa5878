/* hub_mail.c - messages and feedback in the world's store: a list of what happened to them, folded whenever somebody asks. See hub_world.h. */
#include "hub_mail.h"

#include "world_store.h"

#include <stdio.h>

void mail_record(struct world *w, const struct out *o)
{
    struct mail *e;

    if (o->kind == OUT_SUBSCRIBED || (o->kind == OUT_STORE && o->change != CHANGE_DELETED))
        return;
    if (w->n_mail == w->cap_mail) {
        w->cap_mail = w->cap_mail ? w->cap_mail * 2 : 64;
        w->mail = realloc(w->mail, w->cap_mail * sizeof *w->mail);
        assert_non_null(w->mail);
    }
    e = &w->mail[w->n_mail++];
    *e = (struct mail){.kind = o->kind, .number = o->tag, .at_us = o->at_us, .expires_us = o->expires_us};
    (void)snprintf(e->id, sizeof e->id, "%s", o->to);
    if (o->kind == OUT_MESSAGE) {
        assert_non_null(o->doc);
        e->doc = copy_exact(o->doc, strlen(o->doc) + 1);
    }
    if (o->kind == OUT_MESSAGE || o->kind == OUT_FEEDBACK) {
        assert_non_null(o->body);
        assert_int_equal(o->body[o->body_len], '\0');
        e->body = copy_exact(o->body, o->body_len + 1);
        e->body_len = o->body_len;
    }
}

void mail_undo(struct world *w, size_t to)
{
    while (w->n_mail > to) {
        struct mail *e = &w->mail[--w->n_mail];

        free(e->doc);
        free(e->body);
    }
}

/* Is that message or record still there, after all that came behind it? */
static bool is_there(const struct world *w, size_t at)
{
    const struct mail *e = &w->mail[at];

    for (size_t n = at + 1; n < w->n_mail; n++) {
        const struct mail *later = &w->mail[n];

        if (later->kind == OUT_STORE && strcmp(later->id, e->id) == 0)
            return false;
        if (later->kind == OUT_MESSAGE_GONE && e->kind == OUT_MESSAGE && later->number == e->number) {
            assert_string_equal(later->id, e->id);
            return false;
        }
        if (later->kind == OUT_FEEDBACK_GONE && e->kind == OUT_FEEDBACK &&
            (e->number <= later->number || e->at_us <= later->at_us))
            return false;
    }
    return true;
}

void mail_load(const struct world *w, struct str id, struct messages *out)
{
    *out = (struct messages){0};
    for (size_t n = 0; n < w->n_mail; n++) {
        const struct mail *e = &w->mail[n];
        struct message *m = NULL;

        if (e->kind != OUT_MESSAGE || !str_eq(str_from(e->id), id) || !is_there(w, n))
            continue;
        assert_int_equal(message_load(str_from(e->doc), str_of(e->body, e->body_len), &m), RC_OK);
        m->number = e->number;
        m->enqueued_us = e->at_us;
        m->expires_us = e->expires_us;
        messages_push(out, m);
    }
    assert_true(messages_are_valid(out));
}

size_t mail_count(const struct world *w, struct str id)
{
    struct messages q;
    size_t n;

    mail_load(w, id, &q);
    n = q.n;
    messages_drop(&q);
    return n;
}

void mail_load_feedback(const struct world *w, struct request *r)
{
    r->feedback = calloc(FEEDBACK_BATCH, sizeof *r->feedback);
    assert_non_null(r->feedback);
    for (size_t n = 0; n < w->n_mail && r->n_feedback < FEEDBACK_BATCH; n++)
        if (w->mail[n].kind == OUT_FEEDBACK && is_there(w, n))
            r->feedback[r->n_feedback++] = (struct feedback_row){w->mail[n].number, w->mail[n].at_us, w->mail[n].body};
}

void mail_tell_state(struct world *w)
{
    struct message_state s = {.next_expiry_us = INT64_MAX, .oldest_feedback_us = INT64_MAX};

    if (w->store) {
        world_store_state(w->store, &s);
        hub_set_message_state(w->hub, &s);
        return;
    }
    for (size_t n = 0; n < w->n_mail; n++) {
        const struct mail *e = &w->mail[n];

        if (e->number > s.last_number)
            s.last_number = e->number;
        if (!is_there(w, n))
            continue;
        if (e->kind == OUT_MESSAGE && e->expires_us < s.next_expiry_us)
            s.next_expiry_us = e->expires_us;
        if (e->kind == OUT_FEEDBACK) {
            s.feedback++;
            if (e->at_us < s.oldest_feedback_us)
                s.oldest_feedback_us = e->at_us;
        }
    }
    hub_set_message_state(w->hub, &s);
}

bool mail_has_news(const struct world *w)
{
    for (size_t n = 0; n < w->out.len; n++) {
        const struct out *o = &w->out.at[n];

        if (o->kind == OUT_FEEDBACK_GONE || (o->kind == OUT_STORE && o->change == CHANGE_DELETED))
            return true;
    }
    return false;
}

static void expire_one(struct world *w, const char *id)
{
    struct request r = {.kind = REQUEST_EXPIRE, .client_id = str_from(id)};

    (void)world_decide(w, &r);
}

static void expire_stored(struct world *w, int64_t now_us)
{
    char ids[256][IDENT_TEXT_MAX];
    int64_t next_us;
    size_t n = world_store_due(w->store, now_us, &next_us, COUNT(ids), ids);

    hub_set_next_expiry(w->hub, next_us);
    for (size_t k = 0; k < n; k++)
        expire_one(w, ids[k]);
}

void mail_expire(struct world *w)
{
    int64_t now_us = hub_now(w->hub, w->now).us, next_us = INT64_MAX;
    size_t n_mail = w->n_mail;

    if (hub_next_expiry(w->hub) > now_us)
        return;
    if (w->store) {
        expire_stored(w, now_us);
        return;
    }
    for (size_t n = 0; n < n_mail; n++)
        if (w->mail[n].kind == OUT_MESSAGE && is_there(w, n) && w->mail[n].expires_us > now_us &&
            w->mail[n].expires_us < next_us)
            next_us = w->mail[n].expires_us;
    hub_set_next_expiry(w->hub, next_us);
    for (size_t n = 0; n < n_mail; n++)
        if (w->mail[n].kind == OUT_MESSAGE && is_there(w, n) && w->mail[n].expires_us <= now_us) {
            char id[IDENT_TEXT_MAX];

            (void)snprintf(id, sizeof id, "%s", w->mail[n].id); /* the list may move */
            expire_one(w, id);
        }
}
