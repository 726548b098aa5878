/* model.c - see model.h. */
#include "model.h"

#include <openssl/evp.h>

#include "test.h"

/* --- life ------------------------------------------------------------------------------------------------------------- */

void model_init(struct model *m, int64_t world_s, int64_t mono_s)
{
    memset(m, 0, sizeof *m);
    m->world_s = world_s;
    m->mono_s = mono_s;
    m->listens = true;
}

static void forget_missed(struct person *p)
{
    for (size_t n = 0; n < p->n_missed; n++)
        tree_free(p->missed[n]);
    p->n_missed = 0;
}

static void forget_twin(struct person *p)
{
    forget_missed(p);
    tree_free(p->tags);
    tree_free(p->desired);
    tree_free(p->reported);
    p->tags = p->desired = p->reported = NULL;
}

void model_done(struct model *m)
{
    for (size_t n = 0; n < WHO; n++)
        forget_twin(&m->at[n]);
}

void model_copy(struct model *to, const struct model *from)
{
    *to = *from;
    for (size_t n = 0; n < WHO; n++) {
        struct person *p = &to->at[n];

        p->tags = tree_copy(p->tags);
        p->desired = tree_copy(p->desired);
        p->reported = tree_copy(p->reported);
        for (size_t k = 0; k < p->n_missed; k++)
            p->missed[k] = tree_copy(p->missed[k]);
    }
}

int64_t model_now_s(const struct model *m)
{
    return m->is_frozen ? m->frozen_s : m->world_s + m->offset_s;
}

/* --- what is said ----------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void event(struct model *m, const char *whom, const char *fmt, ...)
{
    va_list args;

    if (!m->listens)
        return;
    (void)fprintf(m->says, "event %s ", whom);
    va_start(args, fmt);
    (void)vfprintf(m->says, fmt, args);
    va_end(args);
    (void)fputc('\n', m->says);
}

static void verdict(struct model *m, const char *word)
{
    (void)fprintf(m->says, "verdict %s\n", word);
}

static void answer(struct model *m, uint64_t ticket, int status, const char *code)
{
    (void)fprintf(m->says, "answer %llu %d%s%s\n", (unsigned long long)ticket, status, code[0] ? " " : "", code);
}

static void print_versioned(FILE *to, const struct tree *section, int64_t version)
{
    struct tree *copy = tree_copy(section);
    char text[24];
    struct tree *end;

    (void)snprintf(text, sizeof text, "%lld", (long long)version);
    end = tree_read(text);
    end->name = copy_exact("$version", sizeof "$version");
    end->next = copy->first;
    copy->first = end;
    tree_print(to, copy);
    tree_free(copy);
}

static void print_note(struct model *m, size_t who, const struct tree *note, int64_t version)
{
    (void)fprintf(m->says, "to %s qos%d $iothub/twin/PATCH/properties/desired/?$version=%lld ", who_names[who],
                  m->at[who].subscribed[CLASS_DESIRED] - 1, (long long)version);
    print_versioned(m->says, note, version);
    (void)fputc('\n', m->says);
}

/* 404001 or 404010. returns false when it is there */
static bool is_missing(struct model *m, size_t who, uint64_t ticket)
{
    if (m->at[who].exists)
        return false;
    answer(m, ticket, 404, m->at[device_of(who)].exists ? "404010" : "404001"); /* facts T-25 */
    return true;
}

/* --- calls ------------------------------------------------------------------------------------------------------------ */

static void remove_call(struct model *m, size_t nth)
{
    m->n_calls--;
    memmove(&m->calls[nth], &m->calls[nth + 1], (m->n_calls - nth) * sizeof m->calls[0]);
}

static void fail_call(struct model *m, size_t nth, int status, const char *code)
{
    event(m, who_names[m->calls[nth].who], "method-answer %s", code);
    answer(m, m->calls[nth].ticket, status, code);
    remove_call(m, nth);
}

/* Facts M-40: calls that were sent are lost with the connection; those that wait go on waiting. all: those too. */
static void fail_calls_of(struct model *m, size_t who, bool all, int status, const char *code)
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
    event(m, who_names[c->who], "method true");
    (void)fprintf(m->says, "to %s qos0 $iothub/methods/POST/m/?$rid=* {\"n\":1}\n", who_names[c->who]); /* facts M-23 */
}

static void send_waiting(struct model *m, size_t who)
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

static void step_invoke(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];
    struct call c = {.ticket = ticket, .who = s->who, .answer_s = s->b ? 5 : 30, .due_s = m->mono_s + 10};

    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    if (!is_listening(p) && s->a == 0) { /* facts M-25 */
        event(m, who_names[s->who], "method false");
        event(m, who_names[s->who], "method-answer 404103");
        answer(m, ticket, 404, "404103");
        return;
    }
    m->calls[m->n_calls++] = c;
    if (is_listening(p))
        send_call(m, &m->calls[m->n_calls - 1]);
}

static void step_answer(struct model *m, const struct step *s)
{
    const struct call *c = s->a == 0 ? model_call_of(m, s->who, false) : NULL;
    size_t nth = c ? (size_t)(c - m->calls) : 0;

    verdict(m, "done");
    if (!c) { /* facts M-36 */
        event(m, who_names[s->who], "method-answer unwaited");
    } else if (s->b == 2) { /* facts M-37 */
        fail_call(m, nth, 502, "502000");
    } else { /* facts M-24 */
        event(m, who_names[s->who], "method-answer %d", s->b ? 503 : 299);
        (void)fprintf(m->says, "answer %llu 200 {\"payload\":{\"ok\":1},\"status\":%d}\n",
                      (unsigned long long)c->ticket, s->b ? 503 : 299);
        remove_call(m, nth);
    }
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

#define OUT_AT_ONCE 16u /* facts M-43 */

static void settle(struct model *m, size_t who, size_t nth, const char *result, const char *code)
{
    struct person *p = &m->at[who];
    const struct letter *l = &p->letters[nth];
    bool is_good = strcmp(result, "completed") == 0;

    event(m, who_names[who], "message-settled %s", result);
    if (l->ack == 1 || (l->ack == 2 && is_good) || (l->ack == 3 && !is_good)) /* facts M-42 */
        m->feedback[m->n_feedback++] = (struct record_of){who, l->serial, code, model_now_s(m)};
    p->n_letters--;
    memmove(&p->letters[nth], &p->letters[nth + 1], (p->n_letters - nth) * sizeof p->letters[0]);
}

/* Facts L-03, M-21: what is on its way does not. */
static void expire(struct model *m)
{
    for (size_t who = 0; who < WHO; who++)
        for (size_t n = 0; n < m->at[who].n_letters;)
            if (!m->at[who].letters[n].is_out && m->at[who].letters[n].expires_s <= model_now_s(m))
                settle(m, who, n, "expired", "Expired");
            else
                n++;
}

static void deliver(struct model *m, size_t who)
{
    struct person *p = &m->at[who];
    int granted = p->subscribed[CLASS_MESSAGES];
    bool is_told = p->has_gateway && granted == 2; /* somebody tells of its PUBACK */
    size_t out = 0;

    expire(m);
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

static void lose_letters(struct person *p)
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

static void step_send(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    if (p->n_letters == LETTERS_MAX) {
        answer(m, ticket, 403, "403004");
        return;
    }
    p->letters[p->n_letters++] =
        (struct letter){.serial = ticket, .expires_s = model_now_s(m) + (s->a ? 60 : 3600), .ack = s->b};
    event(m, who_names[s->who], "message-queued");
    answer(m, ticket, 200, "");
    deliver(m, s->who);
}

static void step_puback(struct model *m, const struct step *s)
{
    struct person *p = &m->at[s->who];
    uint64_t number = acknowledged(m, s);

    verdict(m, "done");
    for (size_t n = 0; n < p->n_letters && s->a != 3; n++) /* an older connection's completes nothing */
        if (p->letters[n].is_out && p->letters[n].number == number) {
            settle(m, s->who, n, "completed", "Success");
            deliver(m, s->who);
            return;
        }
}

static void step_purge(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200 %zu\n", (unsigned long long)ticket, p->n_letters);
    while (p->n_letters)
        settle(m, s->who, 0, "purged", "Purged");
}

static void step_mail(struct model *m, const struct step *s, uint64_t ticket)
{
    const struct person *p = &m->at[s->who];

    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200", (unsigned long long)ticket);
    for (size_t n = 0; n < p->n_letters; n++)
        (void)fprintf(m->says, " m%llu%s", (unsigned long long)p->letters[n].serial,
                      p->letters[n].is_out ? ":out" : "");
    (void)fputc('\n', m->says);
}

/* Facts M-42: 64 together, or 15 s after the oldest. */
static void step_feedback(struct model *m, uint64_t ticket)
{
    size_t n = m->n_feedback < 64 ? m->n_feedback : 64;

    verdict(m, "done");
    answer(m, ticket, 200, "");
    if (n < 64 && (n == 0 || m->feedback[0].at_s + 15 > model_now_s(m)))
        return;
    for (size_t k = 0; k < n; k++)
        (void)fprintf(m->says, "record m%llu %s\n", (unsigned long long)m->feedback[k].serial, m->feedback[k].code);
    m->n_feedback -= n;
    memmove(m->feedback, m->feedback + n, m->n_feedback * sizeof m->feedback[0]);
    m->is_feedback_told = false;
}

/* What nobody fetched in an hour (gone: WHO), or is about whoever is no more. */
static void forget_feedback(struct model *m, size_t gone)
{
    size_t kept = 0;

    for (size_t n = 0; n < m->n_feedback; n++)
        if (gone == WHO ? m->feedback[n].at_s + 3600 > model_now_s(m) : m->feedback[n].who != gone)
            m->feedback[kept++] = m->feedback[n];
    m->n_feedback = kept;
    if (!kept)
        m->is_feedback_told = false;
}

/* The end of a turn: what nobody fetched is forgotten; or, once a batch is ready, that is told. */
static void tick_feedback(struct model *m)
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
    event(m, "hub", "feedback");
    m->is_feedback_told = true;
}

/* --- connections ------------------------------------------------------------------------------------------------------ */

static void end_connection(struct model *m, size_t who, const char *why, bool is_closed_by_hub)
{
    struct person *p = &m->at[who];

    if (!p->conn)
        return;
    event(m, who_names[who], "disconnected %s", why);
    if (p->has_will && strcmp(why, "client") != 0) { /* facts M-20 */
        event(m, who_names[who], "telemetry will");
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

/* It did what closes its connection (facts M-14, M-15); the client's end follows. */
static void violate(struct model *m, size_t who)
{
    verdict(m, "close");
    event(m, who_names[who], "violation");
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

static void step_connect(struct model *m, const struct step *s, uint64_t conn)
{
    struct person *p = &m->at[s->who];
    int64_t ends_s = token_end_s(m, s);
    const char *key = token_key(m, s);
    char word[16];
    bool is_clean = strcmp(step_a(s, word), "clean") == 0, is_present;

    if (!p->exists || !p->is_enabled || !m->at[device_of(s->who)].is_enabled ||
        (strcmp(key, p->key[0]) != 0 && strcmp(key, p->key[1]) != 0) || model_now_s(m) > ends_s ||
        strcmp(word, "badwill") == 0) { /* facts M-06, M-20, A-04, A-08, A-09, A-11 */
        verdict(m, "close");
        event(m, p->exists ? who_names[s->who] : "hub", "refused");
        return;
    }
    verdict(m, "accept");
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
    event(m, who_names[s->who], "connected");
    for (size_t n = 0; n < p->n_missed && is_present && m->is_older && p->subscribed[CLASS_DESIRED]; n++) {
        event(m, who_names[s->who], "desired %lld", (long long)p->missed_version[n]);
        print_note(m, s->who, p->missed[n], p->missed_version[n]);
    }
    forget_missed(p);
    send_waiting(m, s->who);
    deliver(m, s->who); /* facts M-10 */
}

static void step_subscribe(struct model *m, const struct step *s)
{
    if (s->a == CLASSES) {
        violate(m, s->who);
        return;
    }
    verdict(m, "accept");
    m->at[s->who].subscribed[s->a] = s->b ? 2 : 1; /* facts M-13 */
    event(m, who_names[s->who], "subscribed");
    send_waiting(m, s->who);
    deliver(m, s->who);
}

static void step_unsubscribe(struct model *m, const struct step *s)
{
    int *held = &m->at[s->who].subscribed[s->a];

    verdict(m, "accept");
    if (*held)
        event(m, who_names[s->who], "unsubscribed");
    *held = 0;
}

static void end_expired(struct model *m)
{
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].conn && model_now_s(m) > m->at[n].token_ends_s) /* facts A-10 */
            end_connection(m, n, "token", true);
}

/* --- identities ------------------------------------------------------------------------------------------------------- */

static void note_row(struct person *p, const char *kind)
{
    p->rows[p->n_rows++] = (struct row){p->version, p->desired_version, p->reported_version, kind};
}

/* Facts T-14, T-19: as far as these stories go. */
static bool is_good(const struct tree *t)
{
    for (const struct tree *m = t ? t->first : NULL; m; m = m->next)
        if (strpbrk(m->name, " .$") || (m->leaf && m->leaf[0] == '[' && strstr(m->leaf, "null")) || !is_good(m))
            return false;
    return true;
}

/* A section of a service's write: not submitted, null, or a good object. */
static bool is_good_section(const struct tree *given)
{
    return !given || tree_is_null(given) || (!given->leaf && is_good(given));
}

static void step_create(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];
    struct tree *given, *tags, *desired;
    int64_t now_s = model_now_s(m);

    verdict(m, "done");
    if (p->exists) {
        answer(m, ticket, 409, is_module(s->who) ? "409301" : "409001");
        return;
    }
    if (!m->at[device_of(s->who)].exists && is_module(s->who)) {
        answer(m, ticket, 404, "404001");
        return;
    }
    given = s->json ? tree_read(s->json) : tree_object();
    tags = tree_get(given, "tags");
    desired = tree_get(given, "desired");
    if (!is_good_section(tags) || !is_good_section(desired)) {
        answer(m, ticket, 400, "400*");
        tree_free(given);
        return;
    }
    memset(p, 0, sizeof *p);
    p->exists = p->is_enabled = true;
    p->desired = tree_object();
    p->reported = tree_object();
    p->etag = p->desired_version = p->reported_version = 1; /* facts T-01, T-26 */
    p->version = 2;
    if (tags) {
        p->tags = tree_object();
        tree_merge(p->tags, tags, now_s, 0);
    }
    tree_stamp(p->reported, now_s, 0);
    tree_stamp(p->desired, now_s, 0);
    if (desired && desired->first)
        tree_merge(p->desired, desired, now_s, 1);
    tree_free(given);
    note_row(p, "created");
    event(m, who_names[s->who], "created");
    answer(m, ticket, 200, "");
}

static void remove_one(struct model *m, size_t who)
{
    struct person *p = &m->at[who];
    uint64_t ghost;

    if (!p->exists)
        return;
    event(m, who_names[who], "deleted");
    fail_calls_of(m, who, true, 404, is_module(who) ? "404010" : "404001");
    end_connection(m, who, "identity", true);
    ghost = p->ghost;
    forget_feedback(m, who);
    forget_twin(p);
    memset(p, 0, sizeof *p);
    p->ghost = ghost;
}

static void step_delete(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    for (size_t n = 0; n < WHO && !is_module(s->who); n++)
        if (n != s->who && device_of(n) == s->who)
            remove_one(m, n);
    remove_one(m, s->who);
    answer(m, ticket, 200, "");
}

static void step_status(struct model *m, const struct step *s, uint64_t ticket)
{
    size_t device = device_of(s->who);

    verdict(m, "done");
    if (is_missing(m, device, ticket))
        return;
    m->at[device].is_enabled = s->kind == STEP_ENABLE;
    event(m, who_names[device], "updated");
    for (size_t n = 0; n < WHO; n++)
        if (device_of(n) == device && s->kind == STEP_DISABLE) /* facts A-11 */
            end_connection(m, n, "identity", true);
    answer(m, ticket, 200, "");
}

static void step_renew(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    event(m, who_names[s->who], "updated");
    answer(m, ticket, 200, "");
}

bool model_learns_keys(struct model *m, const struct step *s, const char *primary, const char *secondary)
{
    struct person *p = &m->at[s->who];
    const char *told[2] = {primary, secondary};
    bool is_right = strcmp(primary, secondary) != 0;

    for (unsigned k = 0; k < 2; k++) {
        bool is_new = s->kind == STEP_RENEW && (s->a == k || s->a == 2);
        const char *was = s->kind == STEP_RENEW && s->a == 3 ? p->key[1 - k] : p->key[k];

        if (s->kind != STEP_CREATE && is_new == (strcmp(told[k], was) == 0))
            is_right = false;
        if (is_new)
            memcpy(p->older, p->key[k], sizeof p->older);
    }
    (void)snprintf(p->key[0], KEY_TEXT, "%s", primary);
    (void)snprintf(p->key[1], KEY_TEXT, "%s", secondary);
    return is_right;
}

/* Exported, and put in the place of what was exported: the same again, but nobody is connected and nothing subscribed. */
static void step_move(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    verdict(m, "done");
    event(m, who_names[s->who], "deleted");
    fail_calls_of(m, s->who, true, 404, is_module(s->who) ? "404010" : "404001");
    end_connection(m, s->who, "identity", true);
    memset(p->subscribed, 0, sizeof p->subscribed);
    p->has_session = false;
    p->n_letters = 0;
    forget_missed(p);
    forget_feedback(m, s->who);
    p->n_rows = 0;
    note_row(p, "created");
    event(m, who_names[s->who], "created");
    answer(m, ticket, 200, "");
}

/* --- twins ------------------------------------------------------------------------------------------------------------ */

static void step_get(struct model *m, const struct step *s)
{
    const struct person *p = &m->at[s->who];

    if (s->a) {
        violate(m, s->who);
        return;
    }
    verdict(m, "done");
    event(m, who_names[s->who], "twin-get 200");
    if (!p->subscribed[CLASS_TWIN]) /* facts M-35 */
        return;
    (void)fprintf(m->says, "to %s qos%d $iothub/twin/res/200/?$rid=g%%2f+%%20 {\"desired\":", who_names[s->who],
                  p->subscribed[CLASS_TWIN] - 1); /* facts M-26 */
    print_versioned(m->says, p->desired, p->desired_version);
    (void)fputs(",\"reported\":", m->says);
    print_versioned(m->says, p->reported, p->reported_version);
    (void)fputs("}\n", m->says);
}

int64_t expected_version(const struct model *m, const struct step *s)
{
    return s->b == 0 ? -1 : m->at[s->who].reported_version + (s->b == 2 ? -1 : s->b == 3 ? 1 : 0);
}

static void step_report(struct model *m, const struct step *s)
{
    struct person *p = &m->at[s->who];
    struct tree *patch = tree_read(s->json);
    /* facts M-28, M-29, T-19; whatever is wrong with it comes before its version */
    int status = !is_good(patch) ? 400 : s->b > 1 ? 412 : 204;

    verdict(m, "done");
    if (status == 204) { /* facts T-02 */
        p->version++;
        p->reported_version++;
        tree_merge(p->reported, patch, model_now_s(m), 0);
        note_row(p, "reported");
    }
    event(m, who_names[s->who], "reported %d", status);
    if (p->subscribed[CLASS_TWIN] && s->a == 0) {
        (void)fprintf(m->says, "to %s qos%d $iothub/twin/res/%d/?$rid=p", who_names[s->who],
                      p->subscribed[CLASS_TWIN] - 1, status);
        if (status == 204)
            (void)fprintf(m->says, "&$version=%lld -\n", (long long)p->reported_version); /* facts M-27 */
        else
            (void)fprintf(m->says, " error %s\n", status == 412 ? "412001" : "400*");
    }
    tree_free(patch);
}

/* Put a submitted section in: given NULL (a PUT without it), a null, or an object. */
static void put_section(struct tree **section, const struct tree *given, bool replace, int64_t now_s, int64_t version)
{
    if (replace || tree_is_null(given) || !*section) {
        tree_free(*section);
        *section = tree_object();
        tree_stamp(*section, now_s, version);
    }
    if (given && !given->leaf)
        tree_merge(*section, given, now_s, version);
}

/* Keep a note; takes it over. */
static void miss(struct person *p, struct tree *note)
{
    if (p->n_missed == MISSED_MAX) {
        tree_free(p->missed[0]);
        p->n_missed--;
        memmove(p->missed, p->missed + 1, p->n_missed * sizeof p->missed[0]);
        memmove(p->missed_version, p->missed_version + 1, p->n_missed * sizeof p->missed_version[0]);
    }
    p->missed_version[p->n_missed] = p->desired_version;
    p->missed[p->n_missed++] = note;
}

static void notify(struct model *m, const struct step *s, const struct tree *before, const struct tree *given)
{
    struct person *p = &m->at[s->who];
    bool replace = s->kind == STEP_REPLACE || tree_is_null(given);
    struct tree *note;

    event(m, who_names[s->who], "desired %lld", (long long)p->desired_version);
    note = replace ? tree_difference(before, p->desired) : tree_copy(given); /* facts M-31, M-32 */
    if (p->conn && p->subscribed[CLASS_DESIRED]) {
        print_note(m, s->who, note, p->desired_version);
    } else if (m->is_older && !p->conn && p->subscribed[CLASS_DESIRED] && p->has_session) { /* facts M-47, else M-33 */
        miss(p, note);
        return;
    }
    tree_free(note);
}

/* {} in a PATCH is no write; null clears, and is one. */
static bool is_write(const struct tree *given)
{
    return given && (tree_is_null(given) || given->first);
}

static void write_twin(struct model *m, const struct step *s, const struct tree *tags, const struct tree *desired)
{
    struct person *p = &m->at[s->who];
    bool replace = s->kind == STEP_REPLACE;
    bool writes_tags = replace || is_write(tags), writes_desired = replace || is_write(desired);
    struct tree *before = tree_copy(p->desired);

    if (writes_tags || writes_desired) { /* facts T-03 to T-05 */
        p->version++;
        p->etag++;
        p->desired_version += writes_desired;
    }
    if (writes_tags && (tags || p->tags))
        put_section(&p->tags, tags, replace, model_now_s(m), 0);
    if (writes_desired)
        put_section(&p->desired, desired, replace, model_now_s(m), p->desired_version);
    if (writes_tags || writes_desired)
        note_row(p, replace ? "replaced" : "patched");
    if (writes_tags)
        event(m, who_names[s->who], "tags");
    if (writes_desired)
        notify(m, s, before, desired);
    tree_free(before);
}

static void step_write(struct model *m, const struct step *s, uint64_t ticket)
{
    struct tree *given = tree_read(s->json);
    const struct tree *tags = tree_get(given, "tags"), *desired = tree_get(given, "desired");
    char word[16];

    verdict(m, "done");
    if (is_missing(m, s->who, ticket)) {
    } else if (strcmp(step_a(s, word), "stale") == 0) { /* facts T-23 */
        answer(m, ticket, 412, "412001");
    } else if (!is_good_section(tags) || !is_good_section(desired)) { /* facts T-20 */
        answer(m, ticket, 400, "400*");
    } else {
        write_twin(m, s, tags, desired);
        answer(m, ticket, 200, "");
    }
    tree_free(given);
}

void etag_text(int64_t etag, char out[16])
{
    unsigned char bytes[8], text[16];

    for (int n = 7; n >= 0; n--, etag >>= 8)
        bytes[n] = (unsigned char)(etag & 0xff);
    (void)EVP_EncodeBlock(text, bytes, sizeof bytes);
    (void)snprintf(out, 16, "%s", (char *)text);
}

/* --- the world -------------------------------------------------------------------------------------------------------- */

int64_t seconds_of(const struct step *s)
{
    char word[16];

    return strtoll(step_a(s, word), NULL, 10);
}

static void step_pass(struct model *m, const struct step *s)
{
    m->world_s += seconds_of(s);
    m->mono_s += seconds_of(s);
    expire(m);
    for (size_t n = 0; n < m->n_calls;) {
        const struct call *c = &m->calls[n];

        if (c->due_s > m->mono_s) {
            n++;
            continue;
        }
        if (!c->is_sent)
            event(m, who_names[c->who], "method false");
        fail_call(m, n, c->is_sent ? 504 : 404, c->is_sent ? "504101" : "404103"); /* facts M-25 */
    }
    end_expired(m);
    tick_feedback(m);
}

static void step_clock(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    event(m, "hub", "clock");
    answer(m, ticket, 200, "");
    if (s->kind == STEP_ADVANCE) {
        m->offset_s += seconds_of(s);
        m->frozen_s += seconds_of(s);
        end_expired(m);
    } else if (s->kind == STEP_FREEZE && !m->is_frozen) {
        m->frozen_s = model_now_s(m);
        m->frozen_mono_s = m->mono_s;
        m->is_frozen = true;
    } else if (s->kind == STEP_RESUME && m->is_frozen) {
        m->offset_s -= m->mono_s - m->frozen_mono_s;
        m->is_frozen = false;
    }
}

static void begin_anew(struct model *m)
{
    m->is_feedback_told = false;
    for (size_t n = 0; n < WHO; n++) {
        model_loses(m, n);
        m->at[n].ghost = 0;
    }
    m->n_calls = 0;
    m->offset_s = 0;
    m->is_frozen = false;
}

/* It tells every end itself, before it goes. */
static void step_stop(struct model *m)
{
    while (m->n_calls)
        fail_call(m, 0, 503, "503001");
    event(m, "hub", "hub-stopping");
    for (size_t n = 0; n < WHO; n++)
        end_connection(m, n, "shutdown", false);
    begin_anew(m);
}

static void step_history(struct model *m, const struct step *s, uint64_t ticket)
{
    const struct person *p = &m->at[s->who];

    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200", (unsigned long long)ticket);
    for (size_t n = p->n_rows, shown = 0; n-- > 0 && shown < (s->a ? 2 : HISTORY_MIN);)
        if (s->a == 0 || p->rows[n].version < p->version) {
            (void)fprintf(m->says, " %s:%lld:%lld:%lld", p->rows[n].kind, (long long)p->rows[n].version,
                          (long long)p->rows[n].desired_version, (long long)p->rows[n].reported_version);
            shown++;
        }
    (void)fputc('\n', m->says);
}

static void step_list(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    if (s->a && is_missing(m, 0, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200", (unsigned long long)ticket);
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].exists && is_module(n) == (s->a == 1) && (!s->a || device_of(n) == 0))
            (void)fprintf(m->says, " %s", who_names[n]);
    (void)fputc('\n', m->says);
}

/* Facts. */
static void step_query(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    answer(m, ticket, 200, "");
    for (size_t n = 0; n < WHO; n++) {
        const struct person *p = &m->at[n];

        if (p->exists && is_module(n) == (s->a == 1) && (s->a != 2 || tree_get(p->desired, "a")) &&
            (s->a != 3 || tree_get(p->tags, "a")))
            (void)fprintf(m->says, "row %s %lld\n", who_names[n], (long long)p->version);
    }
}

static void step_fault(struct model *m, const struct step *s, uint64_t ticket)
{
    verdict(m, "done");
    if (is_missing(m, s->who, ticket))
        return;
    event(m, who_names[s->who], "fault"); /* also when there was nothing to cut */
    end_connection(m, s->who, "fault", true);
    answer(m, ticket, 200, "");
}

static void step_ghost(struct model *m, const struct step *s)
{
    verdict(m, s->a == 0 ? "accept" : "close");
}

bool model_is_moot(const struct model *m, const struct step *s)
{
    switch (s->kind) {
    case STEP_LEAVE:
    case STEP_CUT:
    case STEP_SUBSCRIBE:
    case STEP_UNSUBSCRIBE:
    case STEP_GET:
    case STEP_REPORT:
    case STEP_TELL:
    case STEP_ANSWER:
        return !m->at[s->who].conn;
    case STEP_GHOST:
        return !m->at[s->who].ghost;
    case STEP_PUBACK:
        return s->a == 3 ? !m->at[s->who].ghost : !m->at[s->who].conn;
    case STEP_MOVE:
        return !m->at[s->who].exists;
    default:
        return false;
    }
}

static void do_step(struct model *m, const struct step *s, uint64_t conn, uint64_t ticket)
{
    switch (s->kind) {
    case STEP_CREATE:
        step_create(m, s, ticket);
        break;
    case STEP_DELETE:
        step_delete(m, s, ticket);
        break;
    case STEP_ENABLE:
    case STEP_DISABLE:
        step_status(m, s, ticket);
        break;
    case STEP_RENEW:
        step_renew(m, s, ticket);
        break;
    case STEP_MOVE:
        step_move(m, s, ticket);
        break;
    case STEP_CONNECT:
        step_connect(m, s, conn);
        break;
    case STEP_LEAVE:
    case STEP_CUT:
        verdict(m, "accept");
        end_connection(m, s->who, s->kind == STEP_LEAVE ? "client" : "lost", false);
        break;
    case STEP_GHOST:
        step_ghost(m, s);
        break;
    case STEP_SUBSCRIBE:
        step_subscribe(m, s);
        break;
    case STEP_UNSUBSCRIBE:
        step_unsubscribe(m, s);
        break;
    case STEP_GET:
        step_get(m, s);
        break;
    case STEP_REPORT:
        step_report(m, s);
        break;
    case STEP_TELL:
        if (s->a) {
            violate(m, s->who);
        } else {
            verdict(m, "accept");
            event(m, who_names[s->who], "telemetry");
        }
        break;
    case STEP_UPDATE:
    case STEP_REPLACE:
        step_write(m, s, ticket);
        break;
    case STEP_INVOKE:
        step_invoke(m, s, ticket);
        break;
    case STEP_ANSWER:
        step_answer(m, s);
        break;
    case STEP_SEND:
        step_send(m, s, ticket);
        break;
    case STEP_FLOOD:
        for (uint64_t n = 0; n < FLOOD; n++)
            step_send(m, s, ticket + n);
        break;
    case STEP_PUBACK:
        step_puback(m, s);
        break;
    case STEP_PURGE:
        step_purge(m, s, ticket);
        break;
    case STEP_MAIL:
        step_mail(m, s, ticket);
        break;
    case STEP_FEEDBACK:
        step_feedback(m, ticket);
        break;
    case STEP_HISTORY:
        step_history(m, s, ticket);
        break;
    case STEP_FAULT:
        step_fault(m, s, ticket);
        break;
    case STEP_LIST:
        step_list(m, s, ticket);
        break;
    case STEP_QUERY:
        step_query(m, s, ticket);
        break;
    case STEP_PASS:
        step_pass(m, s);
        break;
    case STEP_ADVANCE:
    case STEP_FREEZE:
    case STEP_RESUME:
        step_clock(m, s, ticket);
        break;
    case STEP_LISTEN:
        m->listens = s->a == 0;
        break;
    case STEP_STOP:
        step_stop(m);
        break;
    case STEP_RESTART:
        m->is_older = s->b == 1;
        begin_anew(m);
        break;
    case STEP_IDLE:
    case STEP_KINDS:
        break;
    }
}

void model_step(struct model *m, const struct step *s, uint64_t conn, uint64_t ticket)
{
    if (model_is_moot(m, s))
        return;
    expire(m); /* what came back in a turn that failed */
    do_step(m, s, conn, ticket);
    expire(m);
    tick_feedback(m);
}

/* --- what is shown ---------------------------------------------------------------------------------------------------- */

void model_print(FILE *to, const struct model *m, size_t who)
{
    const struct person *p = &m->at[who];
    char etag[16];

    if (!p->exists) {
        (void)fprintf(to, "%s is not there\n", who_names[who]);
        return;
    }
    etag_text(p->etag, etag);
    (void)fprintf(to, "%s %s %s, %zu messages\nkeys %s %s\netag %s version %lld\ntags ", who_names[who],
                  p->is_enabled ? "enabled" : "disabled", p->conn ? "Connected" : "Disconnected", p->n_letters,
                  p->key[0], p->key[1], etag, (long long)p->version);
    if (p->tags)
        tree_print(to, p->tags);
    (void)fputs("\ndesired ", to);
    print_versioned(to, p->desired, p->desired_version);
    (void)fputc(' ', to);
    tree_print_stamps(to, p->desired);
    (void)fputs("\nreported ", to);
    print_versioned(to, p->reported, p->reported_version);
    (void)fputc(' ', to);
    tree_print_stamps(to, p->reported);
    (void)fputc('\n', to);
}
