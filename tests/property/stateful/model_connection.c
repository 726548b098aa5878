/* model_connection.c - connections: who is let in, what they subscribe to, and how they end. */
#include "model_internal.h"

void end_connection(struct model *m, size_t who, const char *why, bool is_closed_by_hub)
{
    struct person *p = &m->at[who];

    if (!p->conn)
        return;
    say_event(m, who_names[who], "disconnected %s", why);
    if (p->has_will && strcmp(why, "client") != 0) { /* facts M-20 */
        say_event(m, who_names[who], "telemetry will");
        (void)fprintf(m->says, "will %s {\"gone\":1}\n", who_names[who]);
    }
    p->has_will = false;
    fail_calls_of(m, who, false, 404, "404104");
    if (is_closed_by_hub)
        (void)fprintf(m->says, "close %s\n", who_names[who]);
    model_loses(m, who);
}

void model_loses(struct model *m, size_t who)
{
    struct person *p = &m->at[who];

    p->ghost = p->conn;
    p->conn = 0;
    p->has_will = false;
    lose_letters(p);
}

void violate(struct model *m, size_t who)
{
    say_verdict(m, "close");
    say_event(m, who_names[who], "violation");
    end_connection(m, who, "error", false);
}

int64_t token_end_s(const struct model *m, const struct step *s)
{
    char word[16];

    (void)step_b(s, word);
    return m->world_s + (strcmp(word, "short") == 0 ? 100 : strcmp(word, "expired") == 0 ? -10 : 3600);
}

const char *token_key(const struct model *m, const struct step *s)
{
    static const char wrong[] = "bm90IGFueWJvZHkncyBrZXk=";
    const struct person *p = &m->at[s->who];
    const char *key = p->key[0];
    char word[16];

    (void)step_b(s, word);
    if (strcmp(word, "secondary") == 0)
        key = p->key[1];
    else if (strcmp(word, "older") == 0)
        key = p->older;
    else if (strcmp(word, "parents") == 0)
        key = m->at[device_of(s->who)].key[0];
    return key[0] ? key : wrong;
}

void step_connect(struct model *m, const struct step *s, uint64_t conn)
{
    struct person *p = &m->at[s->who];
    int64_t ends_s = token_end_s(m, s);
    const char *key = token_key(m, s);
    char word[16];
    bool is_clean = strcmp(step_a(s, word), "clean") == 0, is_present;

    if (!p->exists || !p->is_enabled || !m->at[device_of(s->who)].is_enabled ||
        (strcmp(key, p->key[0]) != 0 && strcmp(key, p->key[1]) != 0) || model_now_s(m) > ends_s ||
        strcmp(word, "badwill") == 0) { /* facts M-06, M-20, A-04, A-08, A-09, A-11 */
        say_verdict(m, "close");
        say_event(m, p->exists ? who_names[s->who] : "hub", "refused");
        return;
    }
    say_verdict(m, "accept");
    end_connection(m, s->who, "takeover", false); /* facts M-08 */
    p->conn = conn;
    p->token_ends_s = ends_s;
    is_present = !is_clean && p->has_session; /* facts M-10, M-11 */
    if (strcmp(word, "plain") != 0)           /* it comes through the gateway */
        (void)fprintf(m->says, "hello %s %s\n", who_names[s->who], is_present ? "present" : "fresh");
    if (!is_present)
        memset(p->subscribed, 0, sizeof p->subscribed);
    p->has_session = !is_clean;
    p->has_will = strcmp(word, "will") == 0;
    p->has_gateway = strcmp(word, "plain") != 0;
    say_event(m, who_names[s->who], "connected");
    for (size_t n = 0; n < p->n_missed && is_present && m->is_older && p->subscribed[CLASS_DESIRED]; n++) {
        say_event(m, who_names[s->who], "desired %lld", (long long)p->missed_version[n]);
        say_note(m, s->who, p->missed[n], p->missed_version[n]);
    }
    forget_missed(p);
    send_waiting(m, s->who);
    deliver_letters(m, s->who); /* facts M-10 */
}

void step_subscribe(struct model *m, const struct step *s)
{
    if (s->a == CLASSES) {
        violate(m, s->who);
        return;
    }
    say_verdict(m, "accept");
    m->at[s->who].subscribed[s->a] = s->b ? 2 : 1; /* facts M-13 */
    say_event(m, who_names[s->who], "subscribed");
    send_waiting(m, s->who);
    deliver_letters(m, s->who);
}

void step_unsubscribe(struct model *m, const struct step *s)
{
    int *held = &m->at[s->who].subscribed[s->a];

    say_verdict(m, "accept");
    if (*held)
        say_event(m, who_names[s->who], "unsubscribed");
    *held = 0;
}

void step_leave(struct model *m, const struct step *s)
{
    say_verdict(m, "accept");
    end_connection(m, s->who, s->kind == STEP_LEAVE ? "client" : "lost", false);
}

void step_ghost(struct model *m, const struct step *s)
{
    say_verdict(m, s->a == 0 ? "accept" : "close");
}

void step_tell(struct model *m, const struct step *s)
{
    if (s->a) {
        violate(m, s->who);
        return;
    }
    say_verdict(m, "accept");
    say_event(m, who_names[s->who], "telemetry");
}

void step_fault(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    say_event(m, who_names[s->who], "fault"); /* also when there was nothing to cut */
    end_connection(m, s->who, "fault", true);
    say_answer(m, ticket, 200, "");
}

void end_expired(struct model *m)
{
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].conn && model_now_s(m) > m->at[n].token_ends_s) /* facts A-10 */
            end_connection(m, n, "token", true);
}
