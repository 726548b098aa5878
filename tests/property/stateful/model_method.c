/* model_method.c - calls of methods: which are under way, what a device answers, and who gives up when. */
#include "model_internal.h"

static void remove_call(struct model *m, size_t nth)
{
    m->n_calls--;
    memmove(&m->calls[nth], &m->calls[nth + 1], (m->n_calls - nth) * sizeof m->calls[0]);
}

void fail_call(struct model *m, size_t nth, int status, const char *code)
{
    say_event(m, who_names[m->calls[nth].who], "method-answer %s", code);
    say_answer(m, m->calls[nth].ticket, status, code);
    remove_call(m, nth);
}

/* Facts M-40: calls that were sent are lost with the connection; those that wait go on waiting. */
void fail_calls_of(struct model *m, size_t who, bool all, int status, const char *code)
{
    for (size_t n = 0; n < m->n_calls;)
        if (m->calls[n].who == who && (all || m->calls[n].is_sent))
            fail_call(m, n, status, code);
        else
            n++;
}

static bool is_listening(const struct person *p)
{
    return p->conn && p->subscribed[CLASS_METHODS];
}

static void send_call(struct model *m, struct call *c)
{
    c->is_sent = c->is_new = true;
    c->due_s = m->mono_s + c->answer_s;
    say_event(m, who_names[c->who], "method true");
    (void)fprintf(m->says, "to %s qos0 $iothub/methods/POST/m/?$rid=* {\"n\":1}\n", who_names[c->who]); /* facts M-23 */
}

void send_waiting(struct model *m, size_t who)
{
    for (size_t n = 0; n < m->n_calls && is_listening(&m->at[who]); n++)
        if (m->calls[n].who == who && !m->calls[n].is_sent)
            send_call(m, &m->calls[n]);
}

const struct call *model_call_of(const struct model *m, size_t who, bool is_others)
{
    for (size_t n = 0; n < m->n_calls; n++)
        if ((m->calls[n].who != who) == is_others && m->calls[n].is_sent && m->calls[n].rid[0])
            return &m->calls[n];
    return NULL;
}

bool model_learns_rid(struct model *m, size_t who, const char *rid)
{
    for (size_t n = 0; n < m->n_calls; n++)
        if (m->calls[n].who == who && m->calls[n].is_new) {
            m->calls[n].is_new = false;
            (void)snprintf(m->calls[n].rid, sizeof m->calls[n].rid, "%s", rid);
            return true;
        }
    return false;
}

void step_invoke(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];
    struct call c = {.ticket = ticket, .who = s->who, .answer_s = s->b ? 5 : 30, .due_s = m->mono_s + 10};

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    if (!is_listening(p) && s->a == 0) { /* facts M-25 */
        say_event(m, who_names[s->who], "method false");
        say_event(m, who_names[s->who], "method-answer 404103");
        say_answer(m, ticket, 404, "404103");
        return;
    }
    m->calls[m->n_calls++] = c;
    if (is_listening(p))
        send_call(m, &m->calls[m->n_calls - 1]);
}

void step_answer(struct model *m, const struct step *s)
{
    const struct call *c = s->a == 0 ? model_call_of(m, s->who, false) : NULL;
    size_t nth = c ? (size_t)(c - m->calls) : 0;

    say_verdict(m, "done");
    if (!c) { /* facts M-36 */
        say_event(m, who_names[s->who], "method-answer unwaited");
    } else if (s->b == 2) { /* facts M-37 */
        fail_call(m, nth, 502, "502000");
    } else { /* facts M-24 */
        say_event(m, who_names[s->who], "method-answer %d", s->b ? 503 : 299);
        (void)fprintf(m->says, "answer %llu 200 {\"payload\":{\"ok\":1},\"status\":%d}\n",
                      (unsigned long long)c->ticket, s->b ? 503 : 299);
        remove_call(m, nth);
    }
}

/* Facts M-25. */
void give_up_calls(struct model *m)
{
    for (size_t n = 0; n < m->n_calls;) {
        const struct call *c = &m->calls[n];

        if (c->due_s > m->mono_s) {
            n++;
            continue;
        }
        if (!c->is_sent)
            say_event(m, who_names[c->who], "method false");
        fail_call(m, n, c->is_sent ? 504 : 404, c->is_sent ? "504101" : "404103");
    }
}
