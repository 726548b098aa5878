/* model.c - see model.h: its life, the world's clocks, and what becomes of a step. */
#include "model_internal.h"

void model_init(struct model *m, int64_t world_s, int64_t mono_s)
{
    memset(m, 0, sizeof *m);
    m->world_s = world_s;
    m->mono_s = mono_s;
    m->listens = true;
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

int64_t seconds_of(const struct step *s)
{
    char word[16];

    return strtoll(step_a(s, word), NULL, 10);
}

static void step_pass(struct model *m, const struct step *s)
{
    m->world_s += seconds_of(s);
    m->mono_s += seconds_of(s);
    expire_letters(m);
    give_up_calls(m);
    end_expired(m);
    tick_feedback(m);
}

static void step_clock(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    say_event(m, "hub", "clock");
    say_answer(m, ticket, 200, "");
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
    say_event(m, "hub", "hub-stopping");
    for (size_t n = 0; n < WHO; n++)
        end_connection(m, n, "shutdown", false);
    begin_anew(m);
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
        step_leave(m, s);
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
        step_tell(m, s);
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
    /* What came back in a turn that failed; but with an identity its messages go, and nothing is told of them. */
    if (s->kind != STEP_DELETE && s->kind != STEP_MOVE)
        expire_letters(m);
    do_step(m, s, conn, ticket);
    expire_letters(m);
    tick_feedback(m);
}

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
