/* model_identity.c - identities: made, changed, moved, deleted, listed. */
#include "model_internal.h"

void step_create(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];
    struct tree *given, *tags, *desired;
    int64_t now_s = model_now_s(m);

    say_verdict(m, "done");
    if (p->exists) {
        say_answer(m, ticket, 409, is_module(s->who) ? "409301" : "409001");
        return;
    }
    if (!m->at[device_of(s->who)].exists && is_module(s->who)) {
        say_answer(m, ticket, 404, "404001");
        return;
    }
    given = s->json ? tree_read(s->json) : tree_object();
    tags = tree_get(given, "tags");
    desired = tree_get(given, "desired");
    if (!is_good_section(tags) || !is_good_section(desired)) {
        say_answer(m, ticket, 400, "400*");
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
    say_event(m, who_names[s->who], "created");
    say_answer(m, ticket, 200, "");
}

static void remove_one(struct model *m, size_t who)
{
    struct person *p = &m->at[who];
    uint64_t ghost;

    if (!p->exists)
        return;
    say_event(m, who_names[who], "deleted");
    fail_calls_of(m, who, true, 404, is_module(who) ? "404010" : "404001");
    end_connection(m, who, "identity", true);
    ghost = p->ghost;
    forget_feedback(m, who);
    forget_twin(p);
    memset(p, 0, sizeof *p);
    p->ghost = ghost;
}

void step_delete(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    for (size_t n = 0; n < WHO && !is_module(s->who); n++)
        if (n != s->who && device_of(n) == s->who)
            remove_one(m, n);
    remove_one(m, s->who);
    say_answer(m, ticket, 200, "");
}

void step_status(struct model *m, const struct step *s, uint64_t ticket)
{
    size_t device = device_of(s->who);

    say_verdict(m, "done");
    if (say_missing(m, device, ticket))
        return;
    m->at[device].is_enabled = s->kind == STEP_ENABLE;
    say_event(m, who_names[device], "updated");
    for (size_t n = 0; n < WHO; n++)
        if (device_of(n) == device && s->kind == STEP_DISABLE) /* facts A-11 */
            end_connection(m, n, "identity", true);
    say_answer(m, ticket, 200, "");
}

void step_renew(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
        return;
    say_event(m, who_names[s->who], "updated");
    say_answer(m, ticket, 200, "");
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
void step_move(struct model *m, const struct step *s, uint64_t ticket)
{
    struct person *p = &m->at[s->who];

    say_verdict(m, "done");
    say_event(m, who_names[s->who], "deleted");
    fail_calls_of(m, s->who, true, 404, is_module(s->who) ? "404010" : "404001");
    end_connection(m, s->who, "identity", true);
    memset(p->subscribed, 0, sizeof p->subscribed);
    p->has_session = false;
    p->n_letters = 0;
    forget_missed(p);
    forget_feedback(m, s->who);
    p->n_rows = 0;
    note_row(p, "created");
    say_event(m, who_names[s->who], "created");
    say_answer(m, ticket, 200, "");
}

void step_list(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    if (s->a && say_missing(m, 0, ticket))
        return;
    (void)fprintf(m->says, "answer %llu 200", (unsigned long long)ticket);
    for (size_t n = 0; n < WHO; n++)
        if (m->at[n].exists && is_module(n) == (s->a == 1) && (!s->a || device_of(n) == 0))
            (void)fprintf(m->says, " %s", who_names[n]);
    (void)fputc('\n', m->says);
}
