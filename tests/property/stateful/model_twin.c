/* model_twin.c - twins: what a device reads and reports, what a service writes and looks at. */
#include "model_internal.h"

#include <openssl/evp.h>

void forget_missed(struct person *p)
{
    for (size_t n = 0; n < p->n_missed; n++)
        tree_free(p->missed[n]);
    p->n_missed = 0;
}

void forget_twin(struct person *p)
{
    forget_missed(p);
    tree_free(p->tags);
    tree_free(p->desired);
    tree_free(p->reported);
    p->tags = p->desired = p->reported = NULL;
}

void note_row(struct person *p, const char *kind)
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

bool is_good_section(const struct tree *given)
{
    return !given || tree_is_null(given) || (!given->leaf && is_good(given));
}

void step_get(struct model *m, const struct step *s)
{
    const struct person *p = &m->at[s->who];

    if (s->a) {
        violate(m, s->who);
        return;
    }
    say_verdict(m, "done");
    say_event(m, who_names[s->who], "twin-get 200");
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

void step_report(struct model *m, const struct step *s)
{
    struct person *p = &m->at[s->who];
    struct tree *patch = tree_read(s->json);
    /* facts M-28, M-29, T-19; whatever is wrong with it comes before its version */
    int status = !is_good(patch) ? 400 : s->b > 1 ? 412 : 204;

    say_verdict(m, "done");
    if (status == 204) { /* facts T-02 */
        p->version++;
        p->reported_version++;
        tree_merge(p->reported, patch, model_now_s(m), 0);
        note_row(p, "reported");
    }
    say_event(m, who_names[s->who], "reported %d", status);
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

    say_event(m, who_names[s->who], "desired %lld", (long long)p->desired_version);
    note = replace ? tree_difference(before, p->desired) : tree_copy(given); /* facts M-31, M-32 */
    if (p->conn && p->subscribed[CLASS_DESIRED]) {
        say_note(m, s->who, note, p->desired_version);
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
        say_event(m, who_names[s->who], "tags");
    if (writes_desired)
        notify(m, s, before, desired);
    tree_free(before);
}

void step_write(struct model *m, const struct step *s, uint64_t ticket)
{
    struct tree *given = tree_read(s->json);
    const struct tree *tags = tree_get(given, "tags"), *desired = tree_get(given, "desired");
    char word[16];

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket)) {
    } else if (strcmp(step_a(s, word), "stale") == 0) { /* facts T-23 */
        say_answer(m, ticket, 412, "412001");
    } else if (!is_good_section(tags) || !is_good_section(desired)) { /* facts T-20 */
        say_answer(m, ticket, 400, "400*");
    } else {
        write_twin(m, s, tags, desired);
        say_answer(m, ticket, 200, "");
    }
    tree_free(given);
}

void step_history(struct model *m, const struct step *s, uint64_t ticket)
{
    const struct person *p = &m->at[s->who];

    say_verdict(m, "done");
    if (say_missing(m, s->who, ticket))
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

/* Facts. */
void step_query(struct model *m, const struct step *s, uint64_t ticket)
{
    say_verdict(m, "done");
    say_answer(m, ticket, 200, "");
    for (size_t n = 0; n < WHO; n++) {
        const struct person *p = &m->at[n];

        if (p->exists && is_module(n) == (s->a == 1) && (s->a != 2 || tree_get(p->desired, "a")) &&
            (s->a != 3 || tree_get(p->tags, "a")))
            (void)fprintf(m->says, "row %s %lld\n", who_names[n], (long long)p->version);
    }
}

void etag_text(int64_t etag, char out[16])
{
    unsigned char bytes[8], text[16];

    for (int n = 7; n >= 0; n--, etag >>= 8)
        bytes[n] = (unsigned char)(etag & 0xff);
    (void)EVP_EncodeBlock(text, bytes, sizeof bytes);
    (void)snprintf(out, 16, "%s", (char *)text);
}
