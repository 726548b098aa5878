/* test_store.c - does the store keep store.h's promises while nothing breaks? See test_store_crash.c and test_store_damage.c for when it does. */
#include "store_internal.h"
#include "store_world.h"

static int setup(void **state)
{
    struct store_world *w = malloc(sizeof *w);

    assert_non_null(w);
    store_world_init(w);
    *state = w;
    return store_world_open(w) ? -1 : 0;
}

static int teardown(void **state)
{
    struct store_world *w = *state;

    store_world_done(w);
    free(w);
    return 0;
}

static void reopen(struct store_world *w)
{
    store_world_close(w);
    assert_int_equal(store_world_open(w), RC_OK);
}

/* A created identity that is committed. */
static struct identity *born(struct store *s, const char *id)
{
    struct identity *i = store_model(id);

    assert_int_equal(store_create(s, i), RC_OK);
    assert_int_equal(store_commit(s), RC_OK);
    return i;
}

static void write_one(struct store *s, struct identity *i, enum change_kind change, const char *body)
{
    assert_int_equal(store_write(s, i, change, body, i->twin->version), RC_OK);
}

/* n reported patches, committed in groups of 10. */
static void report(struct store *s, struct identity *i, int n)
{
    for (int k = 0; k < n; k++) {
        char body[64];

        (void)snprintf(body, sizeof body, "{\"k%d\":%d, \"last\" : %d.50}", k % 7, k, k);
        write_one(s, i, CHANGE_REPORTED, body);
        if (k % 10 == 9)
            assert_int_equal(store_commit(s), RC_OK);
    }
    assert_int_equal(store_commit(s), RC_OK);
}

static int64_t number(struct store *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t n;

    assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* --- identities and twins ------------------------------------------------------------------------------------- */

static void an_identity_comes_back_as_it_was_created(void **state)
{
    struct store_world *w = *state;
    struct identity *device = born(w->s, "edge-1"), *module = born(w->s, "edge-1/azureiotsecurity");

    assert_stored(w->s, device);
    assert_int_equal(store_count(w->s), 2);
    reopen(w);
    assert_stored(w->s, device);
    assert_stored(w->s, module);
    assert_int_equal(store_count(w->s), 2);
    identity_free(device);
    identity_free(module);
}

/* Numbers keep their text, blanks in a patch do not matter, arrays replace, null removes: all as the hub folded it. */
static void a_twin_is_the_fold_of_its_rows(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d");

    write_one(w->s, i, CHANGE_REPORTED, " { \"a\" : 1.50 , \"b\":{\"c\":[1,{\"d\":null}]} } ");
    write_one(w->s, i, CHANGE_PATCHED, "{\"tags\":{\"site\":\"x\"},\"desired\":{\"speed\":{\"max\":3}}}");
    assert_int_equal(store_commit(w->s), RC_OK);
    assert_stored(w->s, i);
    write_one(w->s, i, CHANGE_REPORTED, "{\"a\":null,\"\\u00e9\":\"\\n\"}");
    write_one(w->s, i, CHANGE_REPLACED, "{\"desired\":{\"speed\":{\"min\":1}}}");
    write_one(w->s, i, CHANGE_PATCHED, "{\"tags\":{\"site\":\"y\"}}");
    assert_stored(w->s, i); /* a turn sees its own rows */
    assert_int_equal(store_commit(w->s), RC_OK);
    reopen(w);
    assert_stored(w->s, i);
    identity_free(i);
}

static void a_snapshot_changes_nothing_that_is_loaded(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *other = born(w->s, "other");

    report(w->s, i, 200);
    report(w->s, other, 3);
    assert_stored(w->s, i);
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT upto FROM snapshot WHERE identity = 1"),
                     201 + 1); /* two creations, 200 rows */
    assert_stored(w->s, i);
    report(w->s, i, 5);
    assert_stored(w->s, i);
    assert_stored(w->s, other);
    reopen(w);
    assert_stored(w->s, i);
    assert_stored(w->s, other);
    identity_free(i);
    identity_free(other);
}

static void documents_are_current_without_folding(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *got = NULL;

    i->is_enabled = false;
    i->status_reason = str_dup(STR("lost"));
    i->tag = 99;
    assert_int_equal(store_update(w->s, i), RC_OK);
    report(w->s, i, 3);
    assert_stored(w->s, i);
    reopen(w);
    assert_stored(w->s, i);
    assert_int_equal(store_load(w->s, STR("d"), false, &got), RC_OK);
    assert_null(got->twin);
    assert_false(got->is_enabled);
    identity_free(got);
    assert_int_equal(store_load(w->s, STR("d"), true, &got), RC_OK);
    assert_int_equal(got->twin->version, i->twin->version);
    identity_free(got);
    identity_free(i);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct store_world *w = *state;
    struct identity *got = NULL, *i = born(w->s, "d");
    struct journal_row *rows = NULL;
    size_t n = 0;

    assert_int_equal(store_load(w->s, STR("e"), true, &got), RC_NOT_FOUND);
    assert_int_equal(store_load(w->s, STR("d/m"), true, &got), RC_NOT_FOUND);
    assert_int_equal(store_load(w->s, STR(""), true, &got), RC_NOT_FOUND);
    assert_int_equal(store_load(w->s, STR("D"), true, &got), RC_NOT_FOUND); /* ids are told apart by case */
    assert_int_equal(store_history(w->s, STR("e"), 0, 10, &rows, &n), RC_NOT_FOUND);
    assert_null(got);
    assert_null(rows);
    identity_free(i);
}

static void subscriptions_outlive_a_restart_and_end_with_the_identity(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d");

    i->subscribed[FILTER_TWIN_RES] = 2;
    i->subscribed[FILTER_METHODS] = 1;
    assert_int_equal(store_subscribe(w->s, i), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    reopen(w);
    assert_stored(w->s, i);
    assert_int_equal(store_delete(w->s, "d"), RC_OK);
    assert_int_equal(store_subscribe(w->s, i),
                     RC_OK); /* its connection ends after it: nothing to write to, no failure */
    memset(i->subscribed, 0, sizeof i->subscribed);
    assert_int_equal(store_create(w->s, i), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    assert_stored(w->s, i);
    identity_free(i);
}

/* --- lists ---------------------------------------------------------------------------------------------------- */

static void collect(void *arg, struct str id)
{
    struct buf *b = arg;

    buf_add(b, id);
    buf_add_char(b, ' ');
}

static void assert_list(struct store *s, const char *device, const char *after, unsigned top, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    buf_add(&b, STR(""));
    assert_int_equal(store_list(s, str_from(device), str_from(after), top, collect, &b), RC_OK);
    assert_string_equal(b.len ? b.at : "", want);
    buf_done(&b);
}

static void assert_all_modules(struct store *s, const char *after, unsigned top, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    buf_add(&b, STR(""));
    assert_int_equal(store_list_modules(s, str_from(after), top, collect, &b), RC_OK);
    assert_string_equal(b.len ? b.at : "", want);
    buf_done(&b);
}

static void lists_are_in_byte_order_and_continue_behind_an_id(void **state)
{
    static const char *const ids[] = {"b", "a.b", "a", "a-b", "B", "a/m", "a/M", "a/z", "a-b/m", "b/x", "a$", "#"};
    struct store_world *w = *state;
    struct buf b;

    for (size_t k = 0; k < COUNT(ids); k++)
        identity_free(born(w->s, ids[k]));
    assert_list(w->s, "", "", 100, "# B a a$ a-b a.b b ");
    assert_list(w->s, "", "", 3, "# B a ");
    assert_list(w->s, "", "a", 2, "a$ a-b ");
    assert_list(w->s, "", "a/zzz", 9, "b "); /* '/' stands behind '.' and '-' */
    assert_list(w->s, "", "b", 9, "");
    assert_list(w->s, "a", "", 9, "a/M a/m a/z ");
    assert_list(w->s, "a", "", 2, "a/M a/m ");
    assert_list(w->s, "a", "a/M", 9, "a/m a/z ");
    assert_list(w->s, "a", "a/z", 9, "");
    assert_list(w->s, "a", "a", 9, "a/M a/m a/z ");
    assert_list(w->s, "a", "a-b/m", 9, "a/M a/m a/z ");
    assert_list(w->s, "a", "a0", 9, "");
    assert_list(w->s, "a", "b", 9, "");
    assert_list(w->s, "a.b", "", 9, "");
    assert_list(w->s, "nobody", "", 9, "");
    assert_all_modules(w->s, "", 9, "a/M a/m a/z a-b/m b/x ");
    assert_all_modules(w->s, "a/m", 2, "a/z a-b/m ");
    assert_all_modules(w->s, "a/zz", 1, "a-b/m ");
    assert_all_modules(w->s, "a", 1, "a/M ");
    assert_all_modules(w->s, "b/x", 9, "");
    buf_init(&b, 0);
    assert_int_equal(store_modules(w->s, STR("a"), collect, &b), RC_OK);
    assert_string_equal(b.at, "a/M a/m a/z ");
    buf_done(&b);
}

/* --- history -------------------------------------------------------------------------------------------------- */

/* Versions of the rows got, newest first, as one text. */
static void assert_history(struct store *s, const char *id, int64_t before, unsigned top, const char *want)
{
    struct journal_row *rows = NULL;
    size_t n = 0;
    struct buf b;

    buf_init(&b, 0);
    assert_int_equal(store_history(s, str_from(id), before, top, &rows, &n), RC_OK);
    for (size_t k = 0; k < n; k++)
        buf_addf(&b, "%s%lld ", rows[k].kind == CHANGE_REPORTED ? "" : change_kind_name(rows[k].kind),
                 (long long)rows[k].version);
    assert_string_equal(b.len ? b.at : "", want);
    buf_done(&b);
    store_rows_free(rows, n);
}

static void history_is_newest_first_and_continues_below_a_version(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *other = born(w->s, "e");
    struct journal_row *rows = NULL;
    size_t n = 0;

    report(w->s, i, 3);
    report(w->s, other, 2);
    assert_int_equal(store_update(w->s, i), RC_OK); /* keys and status are not the twin's history */
    report(w->s, i, 2);
    for (int round = 0; round < 3; round++) { /* all in the tail; read in again; all in the index */
        assert_history(w->s, "d", 0, 10, "7 6 5 4 3 created2 ");
        assert_history(w->s, "d", 0, 2, "7 6 ");
        assert_history(w->s, "d", 6, 2, "5 4 ");
        assert_history(w->s, "d", 3, 9, "created2 ");
        assert_history(w->s, "d", 2, 9, "");
        assert_history(w->s, "d", 0, 0, "");
        assert_history(w->s, "e", 0, 9, "4 3 created2 ");
        if (round == 0)
            reopen(w);
        else
            store_rest(w->s); /* a store just opened looks for the dead, and indexes for that */
    }
    assert_int_equal(w->s->tail.len, 0);
    report(w->s, i, 1);
    assert_history(w->s, "d", 0, 3, "8 7 6 "); /* one in the tail, the others in the index */
    assert_int_equal(store_history(w->s, STR("d"), 0, 1, &rows, &n), RC_OK);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].body, "{\"k0\":0, \"last\" : 0.50}"); /* as the device sent it */
    assert_int_equal(rows[0].at_us, STORE_DAY_US + 7 * 1000000);
    assert_int_equal(rows[0].desired_version, 1);
    assert_int_equal(rows[0].reported_version, 7);
    store_rows_free(rows, n);
    identity_free(i);
    identity_free(other);
}

static void old_rows_go_when_idle_and_the_last_versions_stay(void **state)
{
    struct store_world *w = *state;
    struct identity *i, *quiet;

    store_world_close(w);
    w->options.history = 10;
    w->options.fold_rows = 8;
    assert_int_equal(store_world_open(w), RC_OK);
    i = born(w->s, "d");
    quiet = born(w->s, "quiet");
    report(w->s, i, 100);
    assert_history(
        w->s, "d", 93, 99, /* nothing goes before it is idle */
        "92 91 90 89 88 87 86 85 84 83 82 81 80 79 78 77 76 75 74 73 72 71 70 69 68 67 66 65 64 63 62 61 60 59 58 "
        "57 56 55 54 53 52 51 50 49 48 47 46 45 44 43 42 41 40 39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 "
        "22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 created2 ");
    store_rest(w->s);
    assert_history(w->s, "d", 0, 99, "102 101 100 99 98 97 96 95 94 93 ");
    assert_history(w->s, "quiet", 0, 99, "created2 ");
    report(w->s, i, 7); /* one row short of a snapshot */
    store_rest(w->s);
    assert_history(w->s, "d", 0, 99, "109 108 107 106 105 104 103 102 101 100 99 98 97 96 95 94 93 ");
    assert_stored(w->s, i);
    report(w->s, i, 1);
    store_rest(w->s);
    assert_history(w->s, "d", 0, 99, "110 109 108 107 106 105 104 103 102 101 ");
    reopen(w);
    assert_stored(w->s, i);
    assert_stored(w->s, quiet);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal"), 11);
    identity_free(i);
    identity_free(quiet);
}

/* A device that reconnects for ever writes documents, and no version rises. */
static void rows_without_a_version_do_not_pile_up(void **state)
{
    struct store_world *w = *state;
    struct identity *i;

    store_world_close(w);
    w->options.history = 10;
    w->options.fold_rows = 8;
    assert_int_equal(store_world_open(w), RC_OK);
    i = born(w->s, "d");
    report(w->s, i, 5);
    for (int k = 0; k < 300; k++) {
        i->tag = 1000 + k;
        assert_int_equal(store_update(w->s, i), RC_OK);
        assert_int_equal(store_commit(w->s), RC_OK);
    }
    store_rest(w->s);
    assert_true(number(w->s, "SELECT count(*) FROM journal") <= 4 * 10);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal"), number(w->s, "SELECT count(*) FROM journal_index"));
    assert_stored(w->s, i);
    reopen(w);
    assert_stored(w->s, i);
    identity_free(i);
}

/* Between a snapshot and the removal of old rows more rows may come than history holds: they are all that says what came after. */
static void rows_behind_the_snapshot_stay_whatever_history_holds(void **state)
{
    struct store_world *w = *state;
    struct identity *i;

    store_world_close(w);
    w->options.history = 1;
    w->options.fold_rows = 64;
    assert_int_equal(store_world_open(w), RC_OK);
    i = born(w->s, "d");
    report(w->s, i, 64);
    assert_int_equal(step_fold(w->s, INT64_MAX), RC_OK); /* and upkeep stops here for the time being */
    assert_int_equal(number(w->s, "SELECT upto FROM snapshot"), 65);
    report(w->s, i, 60);
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT upto FROM snapshot"), 65);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal WHERE id > 65"), 60);
    assert_true(number(w->s, "SELECT count(*) FROM journal WHERE id <= 65") <= 1);
    assert_stored(w->s, i);
    reopen(w);
    assert_stored(w->s, i);
    identity_free(i);
}

/* --- deleting ------------------------------------------------------------------------------------------------- */

static void nothing_of_a_deleted_identity_is_seen_again(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *kept = born(w->s, "e"), *got = NULL;
    int64_t first;

    report(w->s, i, 300);
    report(w->s, kept, 5);
    assert_int_equal(store_load(w->s, STR("d"), false, &got), RC_OK);
    first = got->row;
    identity_free(got);
    got = NULL;
    assert_int_equal(store_delete(w->s, "d"), RC_OK);
    assert_int_equal(store_load(w->s, STR("d"), false, &got), RC_NOT_FOUND); /* in the turn that did it */
    assert_int_equal(store_commit(w->s), RC_OK);
    assert_int_equal(store_count(w->s), 1);
    assert_int_equal(store_load(w->s, STR("d"), false, &got), RC_NOT_FOUND);
    assert_list(w->s, "", "", 9, "e ");
    identity_free(i);
    i = born(w->s, "d");
    assert_history(w->s, "d", 0, 99, "created2 ");
    assert_stored(w->s, i);
    assert_int_equal(store_load(w->s, STR("d"), false, &got), RC_OK);
    assert_int_not_equal(got->row, first);
    identity_free(got);
    reopen(w); /* the rows still to be removed are not forgotten */
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal"), 1 + 6);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal_index"), 1 + 6);
    assert_int_equal(number(w->s, "SELECT count(*) FROM dead"), 0);
    assert_int_equal(number(w->s, "SELECT count(*) FROM snapshot"), 2);
    assert_stored(w->s, i);
    assert_stored(w->s, kept);
    assert_history(w->s, "e", 0, 99, "7 6 5 4 3 created2 ");
    identity_free(i);
    identity_free(kept);
}

/* Row numbers must not come back: the index and the snapshots would take a new row for one they have. */
static void numbers_of_removed_rows_are_not_used_again(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d");
    int64_t next;

    report(w->s, i, 20);
    assert_int_equal(store_delete(w->s, "d"), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal"), 0);
    next = w->s->next_id;
    reopen(w);
    assert_int_equal(w->s->next_id, next);
    identity_free(i);
    i = born(w->s, "d");
    report(w->s, i, 2);
    assert_stored(w->s, i);
    assert_history(w->s, "d", 0, 99, "4 3 created2 ");
    identity_free(i);
}

/* --- turns ---------------------------------------------------------------------------------------------------- */

static void a_turn_with_a_failed_append_leaves_no_trace(void **state)
{
    static const enum durability all[] = {DURABILITY_MEMORY, DURABILITY_PROCESS, DURABILITY_POWER};
    struct store_world *w = *state;

    for (size_t k = 0; k < COUNT(all); k++) {
        char id[16];
        struct identity *i, *ghost = store_model("ghost"), *unborn = store_model("unborn"), *got = NULL;
        char *before;

        store_world_close(w);
        w->options.durability = all[k];
        assert_int_equal(store_world_open(w), RC_OK);
        (void)snprintf(id, sizeof id, "d%zu", k);
        i = born(w->s, id);
        report(w->s, i, 12);
        before = store_print(i, true);
        write_one(w->s, i, CHANGE_REPORTED, "{\"x\":1}");
        assert_int_equal(store_create(w->s, unborn), RC_OK);
        assert_int_equal(store_write(w->s, ghost, CHANGE_REPORTED, "{\"x\":1}", 0), RC_NOT_FOUND);
        assert_int_equal(store_write(w->s, i, CHANGE_REPORTED, "{\"y\":1}", 0), RC_IO); /* the turn is lost already */
        assert_int_equal(store_commit(w->s), RC_IO);
        assert_true(store_is_healthy(w->s));
        assert_int_equal(store_count(w->s), (int64_t)k + 1);
        assert_int_equal(store_load(w->s, STR("unborn"), false, &got), RC_NOT_FOUND);
        identity_free(i);
        assert_int_equal(store_load(w->s, str_from(id), true, &i), RC_OK);
        got = i;
        {
            char *after = store_print(got, true);

            assert_string_equal(after, before);
            free(after);
        }
        report(w->s, i, 3); /* and the next turn is a good one */
        assert_stored(w->s, i);
        store_rest(w->s);
        reopen(w);
        assert_stored(w->s, i);
        free(before);
        identity_free(i);
        identity_free(ghost);
        identity_free(unborn);
    }
}

static void a_turn_can_be_undone(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *kept;

    report(w->s, i, 4);
    assert_int_equal(store_load(w->s, STR("d"), true, &kept), RC_OK);
    report(w->s, i, 0);
    write_one(w->s, i, CHANGE_REPORTED, "{\"x\":1}");
    assert_int_equal(store_delete(w->s, "d"), RC_OK);
    store_rollback(w->s);
    assert_int_equal(store_count(w->s), 1);
    assert_stored(w->s, kept);
    assert_history(w->s, "d", 0, 2, "6 5 ");
    store_rollback(w->s); /* nothing is open: nothing happens */
    assert_int_equal(store_commit(w->s), RC_OK);
    assert_stored(w->s, kept);
    identity_free(kept);
    identity_free(i);
}

static void an_identity_is_created_once(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d"), *module = store_model("d/m");

    report(w->s, i, 2);
    assert_int_equal(store_create(w->s, module), RC_OK);
    assert_int_not_equal(store_create(w->s, i), RC_OK);
    assert_int_equal(store_commit(w->s), RC_IO);
    assert_true(*store_error(w->s));
    assert_int_equal(store_count(w->s), 1);
    assert_stored(w->s, i);
    identity_free(i);
    identity_free(module);
}

/* --- upkeep --------------------------------------------------------------------------------------------------- */

static const struct twin *lend(void *arg, struct str id)
{
    struct identity **lent = arg;

    assert_true(str_eq(id, STR("d")) || str_eq(id, STR("e/m")));
    return *lent && str_eq(id, identity_id(*lent)) ? (*lent)->twin : NULL;
}

/* The hub's own twin is taken, but never one that is elsewhere than the journal says. */
static void a_lent_twin_becomes_the_snapshot_only_if_it_is_current(void **state)
{
    struct store_world *w = *state;
    struct identity *i, *stale, *lent = NULL;

    store_world_close(w);
    w->options.twin_of = lend;
    w->options.arg = &lent;
    assert_int_equal(store_world_open(w), RC_OK);
    i = born(w->s, "d");
    report(w->s, i, 70);
    assert_int_equal(store_load(w->s, STR("d"), true, &stale), RC_OK);
    write_one(w->s, i, CHANGE_PATCHED, "{\"tags\":{\"a\":1}}"); /* raises the version, and no section's */
    assert_int_equal(store_commit(w->s), RC_OK);
    lent = stale;
    store_rest(w->s);
    assert_stored(w->s, i);
    report(w->s, i, 70);
    lent = i;
    twin_free(stale->twin);
    stale->twin = NULL;
    store_rest(w->s);
    assert_stored(w->s, i);
    assert_int_equal(number(w->s, "SELECT upto FROM snapshot"), 142);
    assert_int_equal(number(w->s, "SELECT twin ->> '$.version' FROM snapshot"), i->twin->version);
    /* That it was taken, not folded: the row it would have been folded from may be nonsense. */
    report(w->s, i, 70);
    assert_int_equal(sqlite3_exec(w->s->db, "UPDATE journal SET body = '!' WHERE id = 150", NULL, NULL, NULL),
                     SQLITE_OK);
    store_rest(w->s);
    assert_stored(w->s, i);
    identity_free(stale);
    identity_free(i);
}

/* Under a load that never pauses: what must stay small stays small with a slice whenever the store asks for one. */
static void a_constant_load_keeps_log_and_tail_bounded(void **state)
{
    struct store_world *w = *state;
    struct identity *models[8];
    char path[128];
    struct stat st;

    for (size_t k = 0; k < COUNT(models); k++) {
        char id[16];

        (void)snprintf(id, sizeof id, "dev-%zu", k);
        models[k] = born(w->s, id);
    }
    for (int round = 0; round < 3000; round++) {
        for (size_t k = 0; k < COUNT(models); k++)
            write_one(w->s, models[k], CHANGE_REPORTED, "{\"a\":1}");
        assert_int_equal(store_commit(w->s), RC_OK);
        if (store_is_pressed(w->s))
            (void)store_idle(w->s);
        assert_true(w->s->tail.len < 2 * STORE_TAIL_PRESSED);
        assert_true(w->s->wal_pages < 2 * STORE_WAL_PRESSED);
        for (size_t k = 0; k < COUNT(models); k++) {
            const struct head *h = head_find(w->s, (int64_t)k + 1);

            assert_true(!h || h->weight < 2 * STORE_OVERDUE * w->s->fold_rows); /* so loading is never long */
        }
    }
    (void)snprintf(path, sizeof path, "%s/%s-wal", w->dir, STORE_FILE);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 16 * 1024 * 1024);
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT count(*) FROM journal"), 8 * 1000);
    for (size_t k = 0; k < COUNT(models); k++) {
        assert_stored(w->s, models[k]);
        identity_free(models[k]);
    }
}

/* Half a megabyte of one identity's rows is as much work to fold as many small ones. */
static void large_rows_bring_a_snapshot_sooner(void **state)
{
    struct store_world *w = *state;
    struct identity *i = born(w->s, "d");
    struct buf b;

    buf_init(&b, 0);
    buf_add(&b, STR("{\"gone\":{\"x\":null"));
    for (int k = 0; k < 25000; k++)
        buf_addf(&b, ",\"k%05d\":null", k);
    buf_add(&b, STR("}}"));
    assert_true(buf_ok(&b));
    write_one(w->s, i, CHANGE_REPORTED, b.at);
    write_one(w->s, i, CHANGE_REPORTED, "{\"a\":1}");
    assert_int_equal(store_commit(w->s), RC_OK);
    store_rest(w->s);
    assert_int_equal(number(w->s, "SELECT upto FROM snapshot"), 3);
    assert_stored(w->s, i);
    buf_done(&b);
    identity_free(i);
}

/* --- the directory -------------------------------------------------------------------------------------------- */

static void a_second_store_on_the_directory_is_refused_and_told_by_whom(void **state)
{
    struct store_world *w = *state, second = *w;
    char pid[32];

    (void)snprintf(pid, sizeof pid, "process %ld:", (long)getpid());
    assert_int_equal(store_world_open(&second), RC_BUSY);
    assert_non_null(strstr(second.why, w->dir));
    assert_non_null(strstr(second.why, pid));
    store_world_close(w);
    assert_int_equal(store_world_open(&second), RC_OK);
    store_world_close(&second);
    assert_int_equal(store_world_open(w), RC_OK);
}

static void a_directory_that_is_not_there_is_said(void **state)
{
    struct store_world none;

    (void)state;
    memset(&none, 0, sizeof none);
    (void)snprintf(none.dir, sizeof none.dir, "/tmp/twinsim-store-none/x");
    assert_int_equal(store_world_open(&none), RC_IO);
    assert_non_null(strstr(none.why, "/tmp/twinsim-store-none/x"));
}

static void count_files(void *arg, const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* keys are in there */
    ++*(int *)arg;
}

static void the_files_are_for_their_owner_alone_and_a_clean_stop_leaves_one(void **state)
{
    struct store_world *w = *state;
    int n = 0;

    identity_free(born(w->s, "d"));
    store_world_files(w, count_files, &n);
    assert_int_equal(n, 3); /* database, log, lock */
    store_world_close(w);
    n = 0;
    store_world_files(w, count_files, &n);
    assert_int_equal(n, 2);
}

#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(an_identity_comes_back_as_it_was_created),
        STORE_TEST(a_twin_is_the_fold_of_its_rows),
        STORE_TEST(a_snapshot_changes_nothing_that_is_loaded),
        STORE_TEST(documents_are_current_without_folding),
        STORE_TEST(what_is_not_there_is_not_found),
        STORE_TEST(subscriptions_outlive_a_restart_and_end_with_the_identity),
        STORE_TEST(lists_are_in_byte_order_and_continue_behind_an_id),
        STORE_TEST(history_is_newest_first_and_continues_below_a_version),
        STORE_TEST(old_rows_go_when_idle_and_the_last_versions_stay),
        STORE_TEST(rows_without_a_version_do_not_pile_up),
        STORE_TEST(rows_behind_the_snapshot_stay_whatever_history_holds),
        STORE_TEST(nothing_of_a_deleted_identity_is_seen_again),
        STORE_TEST(numbers_of_removed_rows_are_not_used_again),
        STORE_TEST(a_turn_with_a_failed_append_leaves_no_trace),
        STORE_TEST(a_turn_can_be_undone),
        STORE_TEST(an_identity_is_created_once),
        STORE_TEST(a_lent_twin_becomes_the_snapshot_only_if_it_is_current),
        STORE_TEST(a_constant_load_keeps_log_and_tail_bounded),
        STORE_TEST(large_rows_bring_a_snapshot_sooner),
        STORE_TEST(a_second_store_on_the_directory_is_refused_and_told_by_whom),
        cmocka_unit_test(a_directory_that_is_not_there_is_said),
        STORE_TEST(the_files_are_for_their_owner_alone_and_a_clean_stop_leaves_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
