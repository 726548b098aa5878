/* shrink.c - see shrink.h. */
#include "shrink.h"

#include "test.h"
#include "tree.h"

struct shrinking {
    struct story *s;
    shrink_fn *fails;
    void *arg;
    unsigned left; /* tries */
};

/* Take the candidate over if it fails, too; it is done with in any case. */
static bool try_it(struct shrinking *sh, struct story *candidate)
{
    if (sh->left > 0 && sh->left-- && sh->fails(sh->arg, candidate)) {
        story_done(sh->s);
        *sh->s = *candidate;
        return true;
    }
    story_done(candidate);
    return false;
}

static bool leave_out(struct shrinking *sh, size_t at, size_t len)
{
    struct story candidate;

    story_copy(&candidate, sh->s);
    for (size_t n = at; n < at + len; n++)
        free(candidate.at[n].json);
    memmove(&candidate.at[at], &candidate.at[at + len], (candidate.n - at - len) * sizeof candidate.at[0]);
    candidate.n -= len;
    return try_it(sh, &candidate);
}

static bool shorten(struct shrinking *sh)
{
    bool is_shorter = false;

    for (size_t len = sh->s->n / 2; len > 0; len /= 2)
        for (size_t at = 0; at + len <= sh->s->n;)
            if (leave_out(sh, at, len))
                is_shorter = true;
            else
                at += len;
    return is_shorter;
}

/* The same story with another step there. */
static bool put_step(struct shrinking *sh, size_t at, struct step step, char *json)
{
    struct story candidate;

    story_copy(&candidate, sh->s);
    free(candidate.at[at].json);
    step.json = json;
    candidate.at[at] = step;
    return try_it(sh, &candidate);
}

static char *json_copy(const struct step *s)
{
    return s->json ? copy_exact(s->json, strlen(s->json) + 1) : NULL;
}

/* Its JSON with one node less, or its members in its place, or made a leaf. */
static bool prune(struct shrinking *sh, size_t at)
{
    static bool (*const edits[])(struct tree *, size_t) = {tree_drop_nth, tree_lift_nth, tree_flatten_nth};
    bool is_plainer = false;
    size_t nth = 0, size = SIZE_MAX;

    while (sh->s->at[at].json && sh->left && nth < size) {
        bool has_changed = false;

        for (size_t n = 0; n < COUNT(edits) && !has_changed; n++) {
            struct tree *t = tree_read(sh->s->at[at].json);

            size = tree_size(t);
            if (edits[n](t, nth))
                has_changed = put_step(sh, at, sh->s->at[at], tree_text(t));
            tree_free(t);
        }
        is_plainer = is_plainer || has_changed;
        nth += !has_changed;
    }
    return is_plainer;
}

static bool make_plainer(struct shrinking *sh, size_t at)
{
    struct step now = sh->s->at[at], plain = now;
    bool is_plainer = false;

    plain.fails = false;
    if (now.fails)
        is_plainer |= put_step(sh, at, plain, json_copy(&now));
    plain = now = sh->s->at[at];
    plain.a = 0;
    if (now.a)
        is_plainer |= put_step(sh, at, plain, json_copy(&now));
    plain = now = sh->s->at[at];
    plain.b = 0;
    if (now.b)
        is_plainer |= put_step(sh, at, plain, json_copy(&now));
    now = sh->s->at[at];
    if (now.kind == STEP_CREATE && now.json)
        is_plainer |= put_step(sh, at, now, NULL);
    return prune(sh, at) || is_plainer;
}

/* Everybody of one name gets another: modules devices, all the first. */
static bool rename_all(struct shrinking *sh, unsigned from, unsigned to)
{
    struct story candidate;
    bool is_there = false;

    story_copy(&candidate, sh->s);
    for (size_t n = 0; n < candidate.n; n++)
        if (step_has_who(candidate.at[n].kind) && candidate.at[n].who == from) {
            candidate.at[n].who = to;
            is_there = true;
        }
    if (is_there)
        return try_it(sh, &candidate);
    story_done(&candidate);
    return false;
}

void story_shrink(struct story *s, shrink_fn *fails, void *arg, unsigned most)
{
    struct shrinking sh = {s, fails, arg, most};
    bool goes_on = true;

    while (goes_on && sh.left) {
        goes_on = shorten(&sh);
        for (unsigned from = WHO; from-- > 1;)
            for (unsigned to = 0; to < from; to++)
                if (rename_all(&sh, from, to)) {
                    goes_on = true;
                    break;
                }
        for (size_t n = 0; n < s->n; n++)
            goes_on |= make_plainer(&sh, n);
    }
}
