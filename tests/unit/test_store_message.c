/* test_store_message.c - messages and feedback on disk: there after a commit, not there without one, gone with their identity; and a file of
 * the format that knew none. */
#include <signal.h>
#include <sys/resource.h>

#include "store_internal.h"
#include "store_world.h"

#define US INT64_C(1000000)

static int setup(void **state)
{
    static struct store_world w;
    struct identity *i = store_model("d"), *m = store_model("d/m");

    store_world_init(&w);
    assert_int_equal(store_world_open(&w), RC_OK);
    assert_int_equal(store_create(w.s, i), RC_OK);
    assert_int_equal(store_create(w.s, m), RC_OK);
    assert_int_equal(store_commit(w.s), RC_OK);
    identity_free(i);
    identity_free(m);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    store_world_done(*state);
    return 0;
}

static void reopen(struct store_world *w)
{
    store_world_close(w);
    assert_int_equal(store_world_open(w), RC_OK);
}

static void put(struct store_world *w, const char *id, uint64_t number, int64_t expires_s, const char *body)
{
    struct out o = {.kind = OUT_MESSAGE, .tag = number, .at_us = STORE_DAY_US, .body_len = strlen(body)};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    o.expires_us = STORE_DAY_US + expires_s * US;
    o.doc = strdup(
        "{\"ack\":\"full\",\"system\":{\"to\":\"/devices/d/messages/deviceBound\"},\"properties\":{\"a\":null}}");
    o.body = strdup(body);
    assert_int_equal(store_append(w->s, &o), RC_OK);
    free(o.doc);
    free(o.body);
}

static void take(struct store_world *w, const char *id, uint64_t number)
{
    struct out o = {.kind = OUT_MESSAGE_GONE, .tag = number};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    assert_int_equal(store_append(w->s, &o), RC_OK);
}

static void tell(struct store_world *w, const char *id, uint64_t number, int64_t at_s)
{
    struct out o = {.kind = OUT_FEEDBACK, .tag = number, .at_us = STORE_DAY_US + at_s * US, .body_len = 2};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    o.body = strdup("{}");
    assert_int_equal(store_append(w->s, &o), RC_OK);
    free(o.body);
}

static void commit(struct store_world *w)
{
    assert_int_equal(store_commit(w->s), RC_OK);
}

/* "1:a 3:c": numbers and bodies of what waits; the identity's own count must agree. */
static const char *waiting(struct store_world *w, const char *id)
{
    static char text[256];
    struct unreadable damaged;
    struct messages q;
    struct identity *i;
    size_t len = 0;

    assert_int_equal(store_load(w->s, str_from(id), false, &i), RC_OK);
    assert_int_equal(store_load_messages(w->s, str_from(id), &q, &damaged), RC_OK);
    assert_int_equal(damaged.n, 0);
    assert_int_equal(q.count, i->messages.count);
    assert_int_equal(i->messages.n, 0); /* none is read before somebody asks */
    assert_true(messages_are_valid(&q));
    text[0] = '\0';
    for (const struct message *m = q.first; m; m = m->next)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d:%s", len ? " " : "", (int)m->number, m->body);
    messages_drop(&q);
    identity_free(i);
    return text;
}

static struct message_state state_of(struct store_world *w)
{
    struct message_state s;

    assert_int_equal(store_message_state(w->s, &s), RC_OK);
    return s;
}

static void what_was_committed_is_there_in_order_after_a_restart(void **state)
{
    static const enum durability each[] = {DURABILITY_MEMORY, DURABILITY_PROCESS, DURABILITY_POWER};
    struct store_world *w = *state;

    for (size_t n = 0; n < COUNT(each); n++) {
        uint64_t first = 10 * n;

        w->options.durability = each[n];
        reopen(w);
        put(w, "d", first + 1, 60, "a");
        put(w, "d/m", first + 2, 60, "");
        put(w, "d", first + 3, 60, "c");
        commit(w);
        reopen(w);
        assert_int_equal(state_of(w).next_expiry_us, STORE_DAY_US + 60 * US);
        take(w, "d", first + 1);
        commit(w);
        reopen(w);
        assert_int_equal(strlen(waiting(w, "d")), n ? 4 : 3);
        take(w, "d", first + 3);
        take(w, "d/m", first + 2);
        commit(w);
        assert_string_equal(waiting(w, "d"), "");
        assert_string_equal(waiting(w, "d/m"), "");
    }
}

static void what_was_not_committed_never_happened(void **state)
{
    struct store_world *w = *state;

    put(w, "d", 1, 60, "a");
    tell(w, "d", 2, 0);
    commit(w);
    take(w, "d", 1);
    put(w, "d", 3, 60, "b");
    tell(w, "d", 4, 0);
    store_rollback(w->s);
    assert_string_equal(waiting(w, "d"), "1:a");
    assert_int_equal(state_of(w).feedback, 1);
}

static void a_number_is_never_given_twice(void **state)
{
    struct store_world *w = *state;

    assert_int_equal(state_of(w).last_number, 0);
    put(w, "d", 1, 60, "a");
    put(w, "d", 7, 60, "b");
    take(w, "d", 7);
    commit(w);
    reopen(w);
    assert_int_equal(state_of(w).last_number, 7);
    tell(w, "d", 9, 0);
    commit(w);
    assert_int_equal(state_of(w).last_number, 9);
}

static void a_deleted_identity_takes_its_messages_and_feedback_along(void **state)
{
    struct store_world *w = *state;
    struct identity *i = store_model("d/m");

    put(w, "d/m", 1, 60, "a");
    put(w, "d", 2, 90, "b");
    tell(w, "d/m", 3, 0);
    tell(w, "d", 4, 5);
    commit(w);
    assert_int_equal(store_delete(w->s, "d/m"), RC_OK);
    put(w, "d/m", 5, 60, "late"); /* of the same turn, and nobody's any more */
    tell(w, "d/m", 6, 60);
    assert_int_equal(store_create(w->s, i), RC_OK);
    commit(w);
    assert_string_equal(waiting(w, "d/m"), "");
    assert_string_equal(waiting(w, "d"), "2:b");
    assert_int_equal(state_of(w).feedback, 1);
    assert_int_equal(state_of(w).oldest_feedback_us, STORE_DAY_US + 5 * US);
    assert_int_equal(state_of(w).next_expiry_us, STORE_DAY_US + 90 * US);
    identity_free(i);
}

static void feedback_comes_oldest_first_and_goes_by_number_or_by_age(void **state)
{
    struct store_world *w = *state;
    struct out by_number = {.kind = OUT_FEEDBACK_GONE, .tag = 2},
               by_age = {.kind = OUT_FEEDBACK_GONE, .at_us = STORE_DAY_US + 30 * US};
    struct feedback_row *rows;
    size_t n;

    for (uint64_t k = 1; k <= 4; k++)
        tell(w, "d", k, (int64_t)k * 10);
    commit(w);
    assert_int_equal(store_append(w->s, &by_number), RC_OK);
    commit(w);
    assert_int_equal(store_feedback(w->s, 1, &rows, &n), RC_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].number, 3);
    assert_int_equal(rows[0].at_us, STORE_DAY_US + 30 * US);
    assert_string_equal(rows[0].text, "{}");
    store_feedback_free(rows, n);
    assert_int_equal(store_append(w->s, &by_age), RC_OK);
    commit(w);
    assert_int_equal(state_of(w).feedback, 1);
}

static void old_feedback_goes_in_slices(void **state)
{
    struct store_world *w = *state;
    struct out by_age = {.kind = OUT_FEEDBACK_GONE, .at_us = STORE_DAY_US + 400 * US};

    for (int k = 1; k <= (int)STORE_FORGET_MAX + 44; k++)
        tell(w, "d", (uint64_t)k, 401 - k); /* the oldest has the highest number */
    commit(w);
    assert_int_equal(store_append(w->s, &by_age), RC_OK);
    commit(w);
    assert_int_equal(state_of(w).feedback, 44);
    assert_int_equal(state_of(w).oldest_feedback_us, STORE_DAY_US + 357 * US);
    assert_int_equal(store_append(w->s, &by_age), RC_OK);
    commit(w);
    assert_int_equal(state_of(w).feedback, 0);
    assert_true(state_of(w).oldest_feedback_us == INT64_MAX);
}

/* It is looked at in turns of the broker, however much there is. */
static void the_state_of_feedback_is_told_without_reading_it(void **state)
{
    struct store_world *w = *state;
    sqlite3_stmt *sql = w->s->sql[SQL_FEEDBACK_STATE];

    for (uint64_t k = 1; k <= 1000; k++)
        tell(w, "d", k, (int64_t)k);
    commit(w);
    (void)sqlite3_stmt_status(sql, SQLITE_STMTSTATUS_VM_STEP, 1);
    assert_int_equal(state_of(w).feedback, 1000);
    assert_true(sqlite3_stmt_status(sql, SQLITE_STMTSTATUS_VM_STEP, 1) < 100);
}

/* --- whose time is over ------------------------------------------------------------------------------------------ */

struct due {
    char text[128];
    size_t left; /* so many more are wanted */
};

static bool due_add(void *arg, struct str id, struct due_place at)
{
    struct due *d = arg;
    size_t len = strlen(d->text);

    (void)snprintf(d->text + len, sizeof d->text - len, "%.*s@%d ", STR_FMT(id),
                   (int)((at.expires_us - STORE_DAY_US) / US));
    return --d->left > 0;
}

static void who_is_due_is_told_in_the_order_of_time(void **state)
{
    struct store_world *w = *state;
    struct due d = {.left = 9};
    int64_t next;

    put(w, "d", 1, 30, "a");
    put(w, "d/m", 2, 10, "b");
    put(w, "d", 3, 20, "c");
    put(w, "d", 4, 40, "d");
    put(w, "d/m", 5, 40, "e");
    commit(w);
    assert_int_equal(store_due(w->s, (struct due_place){INT64_MIN, 0}, STORE_DAY_US + 30 * US, due_add, &d), RC_OK);
    assert_string_equal(d.text, "d/m@10 d@20 d@30 ");
    d = (struct due){.left = 1};
    assert_int_equal(
        store_due(w->s, (struct due_place){STORE_DAY_US + 10 * US, 2}, STORE_DAY_US + 30 * US, due_add, &d), RC_OK);
    assert_string_equal(d.text, "d@20 ");
    d = (struct due){.left = 9}; /* one instant may be cut in two */
    assert_int_equal(
        store_due(w->s, (struct due_place){STORE_DAY_US + 40 * US, 4}, STORE_DAY_US + 50 * US, due_add, &d), RC_OK);
    assert_string_equal(d.text, "d/m@40 ");
    assert_int_equal(store_next_expiry(w->s, STORE_DAY_US + 30 * US, &next), RC_OK);
    assert_int_equal(next, STORE_DAY_US + 40 * US);
    assert_int_equal(store_next_expiry(w->s, next, &next), RC_OK);
    assert_true(next == INT64_MAX);
}

/* --- other files --------------------------------------------------------------------------------------------------- */

static void with_database(const struct store_world *w, const char *sql)
{
    char path[128];
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_file_of_the_first_format_gets_what_it_lacks_and_keeps_what_it_has(void **state)
{
    struct store_world *w = *state;
    struct identity *i = store_model("d");

    store_world_close(w);
    with_database(w, "DROP TABLE message; DROP TABLE feedback; PRAGMA user_version = 1;");
    for (int round = 0; round < 2; round++) { /* once is enough */
        assert_int_equal(store_world_open(w), RC_OK);
        assert_stored(w->s, i);
        assert_int_equal(store_count(w->s), 2);
        store_world_close(w);
    }
    assert_int_equal(store_world_open(w), RC_OK);
    put(w, "d", 1, 60, "a");
    commit(w);
    assert_string_equal(waiting(w, "d"), "1:a");
    identity_free(i);
}

/* A process that dies while it adds the tables leaves a file of the first format. */
static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    struct store_world *w = *state;

    store_world_close(w);
    with_database(w, "DROP TABLE message; DROP TABLE feedback; CREATE TABLE feedback(x); PRAGMA user_version = 1;");
    assert_int_not_equal(store_world_open(w), RC_OK);
    assert_non_null(strstr(w->why, "format"));
    with_database(w, "DROP TABLE feedback; SELECT * FROM identity;");
    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_count(w->s), 2);
}

/* The log is committed, and the file takes its first pages and one more: what was overwritten is whole in the log alone. */
static void a_disk_that_fills_up_behind_a_migration_costs_nothing(void **state)
{
    struct store_world *w = *state;
    struct identity *i = store_model("d");
    void (*was)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, full;
    char path[128];
    struct stat st;
    enum rc rc;

    store_world_close(w);
    with_database(w, "CREATE TABLE filler(x); INSERT INTO filler VALUES(zeroblob(300000));" /* the log has room */
                     "DROP TABLE message; DROP TABLE feedback; PRAGMA user_version = 1; VACUUM;");
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    full = (struct rlimit){.rlim_cur = (rlim_t)st.st_size + 4096, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    rc = store_world_open(w);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, was);
    assert_int_equal(rc, RC_IO);
    assert_non_null(strstr(w->why, "format"));
    rc = store_world_open(w);
    if (rc)
        fail_msg("%s", w->why);
    assert_stored(w->s, i);
    assert_int_equal(store_count(w->s), 2);
    put(w, "d", 1, 60, "a");
    commit(w);
    reopen(w);
    assert_string_equal(waiting(w, "d"), "1:a");
    identity_free(i);
}

static int rows_of(struct store_world *w, const char *where)
{
    char sql[128];
    sqlite3_stmt *q;
    int n;

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM message WHERE %s", where);
    assert_int_equal(sqlite3_prepare_v2(w->s->db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    n = sqlite3_column_int(q, 0);
    (void)sqlite3_finalize(q);
    return n;
}

static void a_damaged_message_hides_no_other_and_can_be_set_aside(void **state)
{
    static const char *const damage[] = {"doc = '{\"ack\":\"loud\"}'", "doc = '{'", "doc = x'00'", "doc = ''",
                                         "body = zeroblob(65537)",     "doc = 7"};
    struct store_world *w = *state;
    struct out aside = {.kind = OUT_MESSAGE_GONE, .to = "d", .tag = 2, .is_damaged = true};
    struct unreadable damaged;
    struct messages q;

    for (size_t k = 0; k < COUNT(damage); k++) {
        char sql[128];

        aside.tag = 10 * k + 2;
        put(w, "d", aside.tag - 1, 60, "a");
        put(w, "d", aside.tag, 30, "b");
        put(w, "d", aside.tag + 1, 60, "c");
        commit(w);
        store_world_close(w);
        (void)snprintf(sql, sizeof sql, "UPDATE message SET %s WHERE id = %d;", damage[k], (int)aside.tag);
        with_database(w, sql);
        assert_int_equal(store_world_open(w), RC_OK);
        assert_int_equal(store_load_messages(w->s, STR("d"), &q, &damaged), RC_OK);
        assert_int_equal(q.count, 2);
        messages_drop(&q);
        assert_int_equal(damaged.n, 1);
        assert_int_equal(damaged.number[0], aside.tag);
        assert_non_null(strstr(store_error(w->s), "message"));
        assert_int_equal(store_append(w->s, &aside), RC_OK);
        commit(w);
        reopen(w);
        assert_int_equal(rows_of(w, "identity < 0"), (int)k + 1); /* for whoever wants to look at it */
        assert_int_equal(state_of(w).next_expiry_us, STORE_DAY_US + 60 * US);
        assert_int_equal(strlen(waiting(w, "d")), k ? 9 : 7);
        take(w, "d", aside.tag - 1);
        take(w, "d", aside.tag + 1);
        commit(w);
        assert_string_equal(waiting(w, "d"), "");
    }
    assert_int_equal(store_delete(w->s, "d/m"), RC_OK);
    assert_int_equal(store_delete(w->s, "d"), RC_OK);
    commit(w);
    assert_int_equal(rows_of(w, "true"), 0);
}

int main(void)
{
#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(what_was_committed_is_there_in_order_after_a_restart),
        STORE_TEST(what_was_not_committed_never_happened),
        STORE_TEST(a_number_is_never_given_twice),
        STORE_TEST(a_deleted_identity_takes_its_messages_and_feedback_along),
        STORE_TEST(feedback_comes_oldest_first_and_goes_by_number_or_by_age),
        STORE_TEST(old_feedback_goes_in_slices),
        STORE_TEST(the_state_of_feedback_is_told_without_reading_it),
        STORE_TEST(who_is_due_is_told_in_the_order_of_time),
        STORE_TEST(a_file_of_the_first_format_gets_what_it_lacks_and_keeps_what_it_has),
        STORE_TEST(a_migration_that_fails_leaves_the_file_as_it_was),
        STORE_TEST(a_disk_that_fills_up_behind_a_migration_costs_nothing),
        STORE_TEST(a_damaged_message_hides_no_other_and_can_be_set_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
