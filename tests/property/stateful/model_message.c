/* model_message.c - messages from the cloud: the queue, what is on its way, how each ends, and the records of feedback on them. */
#include "model_internal.h"

#define OUT_AT_ONCE 16u /* facts M-43 */

static void settle(struct model *m, size_t who, size_t nth, const char *result, const char *code)
{
    struct person *p = &m->at[who];
    const struct letter *l = &p->letters[nth];
    bool is_good = strcmp(result, "completed") == 0;

    say_event(m, who_names[who], "message-settled %s", result);
    if (l->ack == 1 || (l->ack == 2 && is_good) || (l->ack == 3 && !is_good)) /* facts M-42 */
        m->feedback[m->n_feedback++] = (struct record_of){who, l->serial, code, model_now_s(m)};
    p->n_letters--;
    memmove(&p->letters[nth], &p->letters[nth + 1], (p->n_letters - nth) * sizeof p->letters[0]);
}

/* Facts L-03, M-21: what is on its way does not. */
void expire_letters(struct model *m)
{
    for (size_t who = 0; who < WHO; who++)
        for (size_t n = 0; n < m->at[who].n_letters;)
            if (!m->at[who].letters[n].is_out && m->at[who].letters[n].expires_s <= model_now_s(m))
                settle(m, who, n, "expired", "Expired");
            else
                n++;
}

void deliver_letters(struct model *m, size_t who)
{
    struct person *p = &m->at[who];
    int granted = p->subscribed[CLASS_MESSAGES];
    bool is_told = p->has_gateway && granted == 2; /* somebody tells of its PUBACK */
    size_t out = 0;

    expire_letters(m);
    for (size_t n = 0; n < p->n_letters; n++)
        out += p->letters[n].is_out;
    for (size_t n = 0; p->conn && granted && n < p->n_letters && out < OUT_AT_ONCE;) {
        struct letter *l = &p->letters[n];

        if (l->is_out) {
            n++;
            continue;
        }
        (void)fprintf(m->says, "to %s qos%d%s devicebound m%llu\n", who_names[who], granted - 1, is_told ? " tag" : "",
                      (unsigned long long)l->serial);
        l->is_out = is_told;
        out += is_told;
        if (!is_told)
            settle(m, who, n, "completed", "Success");
    }
}

void lose_letters(struct person *p)
{
    for (size_t n = 0; n < p->n_letters; n++) {
        p->letters[n].was_out |= p->letters[n].is_out;
        p->letters[n].is_out = false;
    }
}

const struct letter *model_letter(const struct model *m, uint64_t serial)
{
    for (size_t who = 0; who < WHO; who++)
        for (size_t n = 0; n < m->at[who].n_letters; n++)
            if (m->at[who].letters[n].serial == serial)
                return &m->at[who].letters[n];
    return NULL;
}

void model_learns_number(struct model *m, uint64_t serial, uint64_t number)
{
    for (size_t who = 0; who < WHO; who++)
        for (size_t n = 0; n < m->at[who].n_letters; n++)
            if (m->at[who].letters[n].serial == serial)
                m->at[who].letters[n].number = number;
}

uint64_t acknowledged(const struct model *m, const struct step *s)
{
    const struct person *p = &m->at[s->who];
    uint64_t number = 999999; /* nobody's */

    for (size_t n = 0; n < p->n_letters && s->a != 2; n++)
        if (p->letters[n].is_out && (number == 999999 || s->a == 1))
            number = p->letters[n].number;
    return number;
}

void step_send(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    if (p->n_letters == LETTERS_MAX) {
        say_answer(m, ticket, 403, "403004");
        return;
    }
    p->letters[p->n_letters++] =
        (struct letter){.serial = ticket, .expires_s = model_now_s(m) + (s->a ? 60 : 3600), .ack = s->b};
    say_event(m, who_names[s->who], "message-queued");
    say_answer(m, ticket, 200, "");
    deliver_letters(m, s->who);
}

void step_puback(struct model *m, const struct step *s)
{
    struct person *p = &m->at[s->who];
    uint64_t number = acknowledged(m, s);

    say_verdict(m, "done");
    for (size_t n = 0; n < p->n_letters && s->a != 3; n++) /* an older connection's completes nothing */
        if (p->letters[n].is_out && p->letters[n].number == number) {
            settle(m, s->who, n, "completed", "Success");
            deliver_letters(m, s->who);
            return;
        }
}

void step_purge(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200 %zu\n", (unsigned long long)ticket, p->n_letters);
    while (p->n_letters)
        settle(m, s->who, 0, "purged", "Purged");
}

void step_mail(struct model *m, const struct step *s, uint64_t ticket)
{
    const struct person *p = &m->at[s->who];

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200", (unsigned long long)ticket);
    for (size_t n = 0; n < p->n_letters; n++)
        (void)fprintf(m->says, " m%llu%s", (unsigned long long)p->letters[n].serial,
                      p->letters[n].is_out ? ":out" : "");
    (void)fputc('\n', m->says);
}

/* Facts M-42: 64 together, or 15 s after the oldest. */
void step_feedback(struct model *m, uint64_t ticket)
{
    size_t n = m->n_feedback < 64 ? m->n_feedback : 64;

    say_verdict(m, "done");
    say_answer(m, ticket, 200, "");
    if (n < 64 && (n == 0 || m->feedback[0].at_s + 15 > model_now_s(m)))
        return;
    for (size_t k = 0; k < n; k++)
        (void)fprintf(m->says, "record m%llu %s\n", (unsigned long long)m->feedback[k].serial, m->feedback[k].code);
    m->n_feedback -= n;
    memmove(m->feedback, m->feedback + n, m->n_feedback * sizeof m->feedback[0]);
    m->is_feedback_told = false;
}

void forget_feedback(struct model *m, size_t gone)
{
    size_t kept = 0;

    for (size_t n = 0; n < m->n_feedback; n++)
        if (gone == WHO ? m->feedback[n].at_s + 3600 > model_now_s(m) : m->feedback[n].who != gone)
            m->feedback[kept++] = m->feedback[n];
    m->n_feedback = kept;
    if (!kept)
        m->is_feedback_told = false;
}

/* What nobody fetched is forgotten; or, once a batch is ready, that is told. */
void tick_feedback(struct model *m)
{
    size_t before = m->n_feedback;
    int64_t oldest_s = INT64_MAX;

    forget_feedback(m, WHO);
    for (size_t n = 0; n < m->n_feedback; n++)
        oldest_s = m->feedback[n].at_s < oldest_s ? m->feedback[n].at_s : oldest_s;
    if (m->n_feedback < before) /* what is left is another batch */
        m->is_feedback_told = false;
    if (m->n_feedback < before || !m->n_feedback || m->is_feedback_told ||
        (m->n_feedback < 64 && oldest_s + 15 > model_now_s(m)))
        return;
    say_event(m, "hub", "feedback");
    m->is_feedback_told = true;
}
