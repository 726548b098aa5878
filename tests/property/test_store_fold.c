/* test_store_fold.c - does the store give back what was last committed, whatever was done to it and however it ended?
 *
 * Random changes go to identities in memory and, as rows, into a store; commits, undone turns and upkeep come at random. Each life is
 * a process of its own, which ends by closing the store, by leaving without a word, or by being killed. Then the store is opened
 * again: every identity must print byte for byte as the one in memory did at the last commit, and history must hold; the check of the
 * directory must find nothing.
 * Seeded (seed.h); a failure prints the seed of its life.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "seed.h"
#include "store_check.h"
#include "store_internal.h"
#include "store_world.h"

#define IDS       6u
#define TEXT_MAX  16384u
#define LIVES     4u
#define TURNS_MAX 60u

static const char *const ids[IDS] = {"d", "d/m", "d/n", "e", "e/m", "f-g.h"};

/* What the last commit left: written by the life, read by its parent. */
struct committed {
    struct {
        bool is_there;
        char text[TEXT_MAX];
        unsigned char subscribed[FILTER_CLASSES];
        int64_t version;
    } of[IDS];
    uint64_t seed;
    unsigned turns;
    char failure[256];
};

static uint64_t seed;
static struct committed *last; /* shared with the life */

static size_t pick(size_t below)
{
    return seed_random(&seed, below);
}

/* In a life, cmocka cannot be told: leave a message and end. */
static void must(bool is_so, const char *what, const char *detail)
{
    if (is_so)
        return;
    (void)snprintf(last->failure, sizeof last->failure, "%s: %s", what, detail);
    _exit(1);
}

/* --- changes nobody thought of ---------------------------------------------------------------------------------- */

static void add_object(struct buf *b, unsigned depth)
{
    static const char *const leaves[] = {"1",    "-0",   "1.50",         "1e3", "true", "\"x\"", "\"\\n\xE2\x82\xAC\"",
                                         "null", "null", "[1,{\"a\":2}]"};
    size_t n = pick(4);

    buf_add(b, pick(4) ? STR("{") : STR(" { "));
    for (size_t k = 0; k < n; k++) {
        buf_addf(b, "%s\"k%zu\":", k ? "," : "", pick(6) + (k << 3)); /* no key twice */
        if (depth < 3 && pick(3) == 0)
            add_object(b, depth + 1);
        else
            buf_add(b, str_from(leaves[pick(COUNT(leaves))]));
    }
    buf_add_char(b, '}');
}

static char *random_body(enum change_kind kind)
{
    struct buf b;

    buf_init(&b, 0);
    if (kind == CHANGE_REPORTED) {
        add_object(&b, 0);
    } else {
        size_t parts = 1 + pick(3);

        buf_add_char(&b, '{');
        if (parts & 1) {
            buf_add(&b, STR("\"tags\":"));
            add_object(&b, 1);
        }
        if (parts & 2) {
            buf_add(&b, parts & 1 ? STR(",\"desired\":") : STR("\"desired\":"));
            add_object(&b, 0);
        }
        buf_add_char(&b, '}');
    }
    must(buf_ok(&b), "body", "no memory");
    return buf_take(&b, NULL);
}

/* Would the hub let it pass? Only such changes become rows. */
static bool is_acceptable(const struct identity *i, enum change_kind kind, const char *body)
{
    struct refusal why;
    cJSON *tree = NULL;
    bool is_ok;

    must(json_read(str_from(body), &tree, NULL) == RC_OK, "body", body);
    is_ok = kind == CHANGE_REPORTED ? twin_check_reported(i->twin, tree, &why)
                                    : twin_check_service(i->twin, json_get(tree, "tags"), json_get(tree, "desired"),
                                                         kind == CHANGE_REPLACED, &why);
    cJSON_Delete(tree);
    return is_ok;
}

static void change_twin(struct store *s, struct identity *i)
{
    static const enum change_kind kinds[] = {CHANGE_REPORTED, CHANGE_REPORTED, CHANGE_PATCHED, CHANGE_REPLACED};
    enum change_kind kind = kinds[pick(COUNT(kinds))];
    char *body = random_body(kind);

    if (is_acceptable(i, kind, body))
        must(store_write(s, i, kind, body, (int64_t)pick(1000)) == RC_OK, "append", body);
    free(body);
}

static void change_document(struct store *s, struct identity *i)
{
    bool has_status = !ident_is_module(identity_ident(i)); /* modules are always enabled */

    i->tag++;
    i->is_enabled = !has_status || pick(2);
    free(i->status_reason);
    i->status_reason = has_status && pick(2) ? str_dup(STR("because \"of\" \xC3\xA9")) : NULL;
    must(store_update(s, i) == RC_OK, "update", i->id);
}

static void change(struct store *s, struct identity *of[IDS])
{
    size_t k = pick(IDS);
    struct identity **i = &of[k];

    if (!*i) {
        *i = store_model(ids[k]);
        must(store_create(s, *i) == RC_OK, "create", ids[k]);
        return;
    }
    switch (pick(12)) {
    case 0:
        if (pick(3))
            return;
        must(store_delete(s, ids[k]) == RC_OK, "delete", ids[k]);
        identity_free(*i);
        *i = NULL;
        return;
    case 1:
        change_document(s, *i);
        return;
    case 2:
        (*i)->subscribed[pick(FILTER_CLASSES)] = (unsigned char)pick(3);
        must(store_subscribe(s, *i) == RC_OK, "subscribe", ids[k]);
        return;
    default:
        change_twin(s, *i);
    }
}

/* --- a life ----------------------------------------------------------------------------------------------------- */

static void remember(struct identity *of[IDS])
{
    for (size_t k = 0; k < IDS; k++) {
        last->of[k].is_there = of[k] != NULL;
        if (of[k]) {
            char *text = store_print(of[k], true);

            must(strlen(text) < TEXT_MAX, "text", "too long");
            memcpy(last->of[k].text, text, strlen(text) + 1);
            memcpy(last->of[k].subscribed, of[k]->subscribed, sizeof of[k]->subscribed);
            last->of[k].version = of[k]->twin->version;
            free(text);
        }
    }
}

/* Load what there is, and compare it with what was remembered. Half of them in two steps, as an evicted twin comes back. */
static void load(struct store *s, struct identity *of[IDS])
{
    int64_t n = 0;

    for (size_t k = 0; k < IDS; k++) {
        enum rc rc = store_load(s, str_from(ids[k]), true, &of[k]);
        char *text;

        n += last->of[k].is_there;
        must(rc == (last->of[k].is_there ? RC_OK : RC_NOT_FOUND), "load", ids[k]);
        if (rc)
            continue;
        text = store_print(of[k], true);
        must(strcmp(text, last->of[k].text) == 0, "differs", text);
        must(memcmp(of[k]->subscribed, last->of[k].subscribed, sizeof of[k]->subscribed) == 0, "subscriptions", ids[k]);
        free(text);
    }
    must(store_count(s) == n, "count", "differs");
}

static void forget(struct identity *of[IDS])
{
    for (size_t k = 0; k < IDS; k++) {
        identity_free(of[k]);
        of[k] = NULL;
    }
}

/* Every row of the journal is in the index or in the tail: none is lost, none is left over. */
static void check_index(struct store *s)
{
    sqlite3_stmt *q = NULL;

    must(sqlite3_prepare_v2(s->db, "SELECT (SELECT count(*) FROM journal) - (SELECT count(*) FROM journal_index)", -1,
                            &q, NULL) == SQLITE_OK &&
             sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int64(q, 0) == (int64_t)s->tail.len,
         "index", "rows are missing or left over");
    (void)sqlite3_finalize(q);
}

/* The newest `history` versions are there, in order. */
static void check_history(struct store *s)
{
    for (size_t k = 0; k < IDS; k++) {
        struct journal_row *rows = NULL;
        size_t n = 0;
        int64_t version = last->of[k].version;

        if (!last->of[k].is_there)
            continue;
        must(store_history(s, str_from(ids[k]), 0, 1000, &rows, &n) == RC_OK, "history", ids[k]);
        for (size_t r = 0; r < n; r++) {
            if (rows[r].kind == CHANGE_UPDATED)
                continue;
            must(rows[r].version == version || (r && rows[r].version == version - 1), "history",
                 "a version is missing");
            version = rows[r].version; /* an empty patch is a row, too */
        }
        must(version == 2 || last->of[k].version - version + 1 >= s->history, "history", "is too short");
        store_rows_free(rows, n);
    }
}

static struct identity **lent;
static const struct twin *lend(void *arg, struct str id)
{
    (void)arg;
    for (size_t k = 0; lent && k < IDS; k++)
        if (lent[k] && str_eq(id, identity_id(lent[k])))
            return lent[k]->twin;
    return NULL;
}

static _Noreturn void live(struct store_world *w, size_t end)
{
    struct identity *of[IDS] = {NULL};
    size_t turns = pick(TURNS_MAX);

    w->options.twin_of = pick(2) ? lend : NULL;
    must(store_world_open(w) == RC_OK, "open", w->why);
    load(w->s, of);
    lent = of;
    for (size_t t = 0; t < turns; t++) {
        for (size_t n = pick(12); n; n--)
            change(w->s, of);
        if (pick(8) == 0) {
            store_rollback(w->s);
            forget(of);
            load(w->s, of);
        } else {
            must(store_commit(w->s) == RC_OK, "commit", store_error(w->s));
            remember(of);
            last->turns++;
        }
        for (size_t n = pick(4); n; n--)
            (void)store_idle(w->s);
        if (pick(10) == 0) {
            forget(of);
            load(w->s, of);
            check_history(w->s);
            check_index(w->s);
        }
    }
    last->seed = seed;
    if (end == 0) {
        store_world_close(w);
        _exit(0);
    }
    for (size_t n = pick(12); n; n--)
        change(w->s, of); /* never committed */
    if (end == 1)
        _exit(0);
    (void)raise(SIGKILL);
    _exit(2);
}

/* Modules come and go here without their device; a hub does not allow that. */
static void note_problem(void *arg, const struct store_problem *p)
{
    if (strcmp(p->what, "its device is not there") != 0)
        (void)snprintf(arg, sizeof last->failure, "the check finds in %s %s row %lld: %s", p->id, p->table,
                       (long long)p->row, p->what);
}

static void check_what_is_left(const struct store_world *w)
{
    struct store_census census;

    if (store_check(w->dir, note_problem, last->failure, &census, last->failure, sizeof last->failure) &&
        !*last->failure)
        (void)snprintf(last->failure, sizeof last->failure, "the check cannot say why it fails");
}

static void lives(unsigned round)
{
    struct store_world w;
    uint64_t began = seed;

    store_world_init(&w);
    w.options.history = (unsigned)(3 + pick(40));
    w.options.fold_rows = (unsigned)(2 + pick(20));
    w.options.durability = pick(4) ? DURABILITY_PROCESS : DURABILITY_MEMORY;
    memset(last, 0, sizeof *last);
    last->seed = seed;
    for (unsigned life = 0; life <= LIVES; life++) {
        /* memory promises nothing to those that do not close. */
        size_t end = w.options.durability == DURABILITY_MEMORY ? 0 : pick(3);
        int status = 0;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            live(&w, end);
        assert_int_equal(waitpid(child, &status, 0), child);
        seed = last->seed;
        if (!*last->failure)
            check_what_is_left(&w);
        if (*last->failure || (WIFEXITED(status) && WEXITSTATUS(status)) ||
            (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
            fail_msg("round %u, life %u, TWINSIM_SEED=%llu TWINSIM_ROUNDS=1: %s", round, life,
                     (unsigned long long)began, *last->failure ? last->failure : "ended badly");
    }
    store_world_done(&w);
}

static void what_was_committed_comes_back_however_the_store_ended(void **state)
{
    uint64_t rounds = seed_rounds(15);
    unsigned turns = 0;

    (void)state;
    seed = seed_first(); /* a life goes on where the one before it ended: it is the state itself */
    assert_int_not_equal(seed, 0);
    last = mmap(NULL, sizeof *last, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(last != MAP_FAILED);
    for (unsigned round = 0; round < rounds; round++) {
        lives(round);
        turns += last->turns;
    }
    assert_true(turns > rounds); /* something happened */
    assert_int_equal(munmap(last, sizeof *last), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_committed_comes_back_however_the_store_ended)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
