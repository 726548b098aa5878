/* test_store_check.c - does the check call a sound directory sound, and name whose row is wrong when one is? */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "store_check.h"
#include "store_internal.h"
#include "store_world.h"

#define HISTORY 30u

/* What was found, a line each: whose|where|row|what. */
struct found {
    struct buf text;
    struct store_census census;
};

static void note(void *arg, const struct store_problem *p)
{
    struct found *f = arg;

    buf_addf(&f->text, "%s|%s|%lld|%s\n", p->id, p->table, (long long)p->row, p->what);
}

static enum rc check(const struct store_world *w, struct found *f, char why[256])
{
    memset(f, 0, sizeof *f);
    buf_init(&f->text, 0);
    why[0] = '\0';
    return store_check(w->dir, note, f, &f->census, why, 256);
}

static int64_t count_lines(const char *text)
{
    int64_t n = 0;

    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

static void assert_found(const struct store_world *w, const char *damage, const char *lines)
{
    struct found f;
    char why[256];

    assert_int_equal(check(w, &f, why), RC_OK);
    if (strcmp(f.text.at ? f.text.at : "", lines) != 0)
        fail_msg("%s:\n%s", damage, f.text.at);
    assert_int_equal(f.census.problems, count_lines(lines));
    buf_done(&f.text);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n;

    assert_true(in && out);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static void assert_same_file(const char *a, const char *b)
{
    FILE *one = fopen(a, "rb"), *other = fopen(b, "rb");
    int x, y;

    assert_true(one && other);
    do {
        x = getc(one);
        y = getc(other);
        assert_int_equal(x, y);
    } while (x != EOF);
    assert_int_equal(fclose(one), 0);
    assert_int_equal(fclose(other), 0);
}

/* --- a directory in which something of everything has happened ------------------------------------------------- */

static void put_message(struct store *s, const char *id, uint64_t number)
{
    struct out o = {.kind = OUT_MESSAGE, .tag = number, .at_us = STORE_DAY_US, .expires_us = STORE_DAY_US + 1000};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    o.doc = strdup("{\"ack\":\"full\",\"system\":{\"to\":\"/devices/d/messages/deviceBound\"},\"properties\":{}}");
    o.body = strdup("hello");
    o.body_len = 5;
    assert_int_equal(store_append(s, &o), RC_OK);
    free(o.doc);
    free(o.body);
}

static void put_feedback(struct store *s, const char *id, uint64_t number)
{
    struct out o = {.kind = OUT_FEEDBACK, .tag = number, .at_us = STORE_DAY_US, .body_len = 2};

    (void)snprintf(o.to, sizeof o.to, "%s", id);
    o.body = strdup("{}");
    assert_int_equal(store_append(s, &o), RC_OK);
    free(o.body);
}

/* Rows 1..3 create; 4..43 change d, 44 its document: folded and trimmed; 45..64 change d/m: folded, and none trimmed; e is deleted. */
static void live(struct store_world *w, struct identity *d, struct identity *m, struct identity *e)
{
    assert_int_equal(store_create(w->s, d), RC_OK);
    assert_int_equal(store_create(w->s, m), RC_OK);
    assert_int_equal(store_create(w->s, e), RC_OK);
    for (int k = 0; k < 40; k++)
        assert_int_equal(store_write(w->s, d, CHANGE_REPORTED, k % 2 ? "{\"x\":1}" : "{\"x\":2}", k), RC_OK);
    d->tag++;
    assert_int_equal(store_update(w->s, d), RC_OK);
    assert_int_equal(store_write(w->s, m, CHANGE_PATCHED, "{\"desired\":{\"y\":1}}", 50), RC_OK);
    assert_int_equal(store_write(w->s, m, CHANGE_PATCHED, "{\"tags\":{\"t\":1}}", 51), RC_OK);
    assert_int_equal(store_write(w->s, m, CHANGE_REPLACED, "{\"desired\":{\"z\":1}}", 52), RC_OK);
    for (int k = 0; k < 17; k++)
        assert_int_equal(store_write(w->s, m, CHANGE_REPORTED, k % 2 ? "{\"x\":1}" : "{\"x\":2}", k), RC_OK);
    put_message(w->s, "d", 1);
    put_message(w->s, "d", 2);
    put_feedback(w->s, "d/m", 3);
    assert_int_equal(store_delete(w->s, "e"), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
}

/* Behind the upkeep: rows that only the end of the journal knows. */
static void live_on(struct store_world *w, struct identity *d, struct identity *m)
{
    assert_int_equal(store_write(w->s, d, CHANGE_REPORTED, "{\"late\":1}", 60), RC_OK); /* 65 */
    assert_int_equal(store_write(w->s, m, CHANGE_REPORTED, "{\"late\":2}", 61), RC_OK); /* 66 */
    assert_int_equal(store_write(w->s, d, CHANGE_REPORTED, "{\"late\":3}", 62), RC_OK); /* 67 */
    assert_int_equal(store_commit(w->s), RC_OK);
}

static int setup(void **state)
{
    static struct store_world w;
    struct identity *d = store_model("d"), *m = store_model("d/m"), *e = store_model("e");

    store_world_init(&w);
    w.options.durability = DURABILITY_PROCESS;
    w.options.history = HISTORY;
    w.options.fold_rows = 16;
    assert_int_equal(store_world_open(&w), RC_OK);
    live(&w, d, m, e);
    store_rest(w.s);
    live_on(&w, d, m);
    store_world_close(&w);
    identity_free(d);
    identity_free(m);
    identity_free(e);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    store_world_done(*state);
    return 0;
}

static void change_by_hand(const struct store_world *w, const char *sql)
{
    char path[512];
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- sound ------------------------------------------------------------------------------------------------------ */

static void a_sound_directory_has_no_problems(void **state)
{
    struct found f;
    char why[256];

    assert_int_equal(check(*state, &f, why), RC_OK);
    assert_string_equal(f.text.at ? f.text.at : "", "");
    assert_int_equal(f.census.problems, 0);
    assert_int_equal(f.census.identities, 2);
    assert_int_equal(f.census.messages, 2);
    assert_int_equal(f.census.feedback, 1);
    assert_in_range(f.census.rows, HISTORY, 66);
    buf_done(&f.text);
}

static void what_a_killed_hub_left_is_looked_through_with_its_log(void **state)
{
    struct store_world *w = *state;
    struct identity *d = NULL;
    pid_t pid = fork();
    int status;

    if (pid == 0) { /* ends without closing: the last changes are in the log alone */
        if (store_world_open(w) || store_load(w->s, STR("d"), true, &d) ||
            store_write(w->s, d, CHANGE_REPORTED, "{\"log\":1}", 70) || store_commit(w->s))
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_found(w, "nothing", "");
    assert_int_equal(store_world_open(w), RC_OK); /* and the log is still there for the next hub */
    assert_int_equal(store_load(w->s, STR("d"), true, &d), RC_OK);
    assert_int_equal(d->twin->version, 2 + 40 + 2 + 1);
    identity_free(d);
}

static void a_file_of_the_format_without_messages_is_looked_through_and_stays_one(void **state)
{
    struct store_world *w = *state;
    sqlite3_stmt *format = NULL;
    char path[512];
    sqlite3 *db = NULL;

    change_by_hand(w, "DROP TABLE message; DROP TABLE feedback; PRAGMA user_version = 1");
    assert_found(w, "nothing", "");
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &format, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(format), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(format, 0), 1);
    assert_int_equal(sqlite3_finalize(format), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "SELECT * FROM message", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- damaged ---------------------------------------------------------------------------------------------------- */

/* Well-formed to SQLite, nonsense to a hub. Undone after each. */
static const struct {
    const char *sql, *lines;
} damages[] = {
    {"UPDATE hub SET identities = 7", "|hub|0|its count of identities is wrong\n"},
    {"DELETE FROM hub", "|hub|0|there is one row, not 0\n"},
    {"UPDATE identity SET doc = '[]' WHERE row = 1", "d|identity|1|an identity's document is damaged\n"},
    {"UPDATE identity SET doc = replace(doc, '\"d\"', '\"e\"') WHERE row = 1",
     "d|identity|1|an identity's name is damaged\n"},
    {"UPDATE identity SET device = 'x y' WHERE row = 2", "|identity|2|its device is not there\n"
                                                         "|identity|2|an identity's name is damaged\n"},
    {"UPDATE identity SET device = 'e' WHERE row = 1", "d/m|identity|2|its device is not there\n"
                                                       "e|identity|1|an identity's name is damaged\n"},
    {"INSERT INTO journal VALUES(68, 99, 2, 0, 1, 1, 1, '{}')", "|journal|68|it is nobody's\n"},
    {"INSERT INTO dead VALUES(2)", "d/m|dead|2|it is to be removed, and still there\n"},
    {"DELETE FROM snapshot WHERE identity = 1", "d|snapshot|1|a twin (it has no snapshot) is damaged\n"},
    {"UPDATE snapshot SET twin = '{' WHERE identity = 2", "d/m|snapshot|2|a twin's snapshot is damaged\n"},
    {"UPDATE snapshot SET twin = replace(twin, '\"z\"', '\"Z\"') WHERE identity = 2",
     "d/m|snapshot|2|it is not the twin that the rows up to journal row 64 give\n"},
    {"UPDATE snapshot SET upto = upto + 1 WHERE identity = 1",
     "d|snapshot|1|it stands behind journal row 45, which is not one of its rows\n"},
    {"UPDATE snapshot SET twin = (SELECT twin FROM snapshot WHERE identity = 2) WHERE identity = 1",
     "d|snapshot|1|its version is 22, but that of journal row 44, its last, is 42\n"
     "d|journal|65|the change cannot be applied to the twin, or not with version 43 as its end\n"},
    {"INSERT INTO snapshot VALUES(99, 1, '{}')", "|snapshot|99|it is nobody's\n"},
    {"UPDATE journal SET body = '{' WHERE id = 46", "d/m|journal|46|its text is no JSON\n"},
    {"UPDATE journal SET kind = 77 WHERE id = 46", "d/m|journal|46|it is of no kind that can be (77)\n"},
    {"UPDATE journal SET kind = 5 WHERE id = 46", "d/m|journal|46|it is of no kind that can be (5)\n"},
    {"UPDATE journal SET kind = 0 WHERE id = 46", "d/m|journal|46|it creates an identity that is there\n"},
    {"UPDATE journal SET version = version + 1 WHERE id = 46",
     "d/m|journal|46|the index does not know it\n"
     "d/m|journal|46|version 5 (desired 2, reported 1) cannot follow version 3 (2, 1)\n"},
    {"UPDATE journal SET body = '{\"desired\":{\"z\":2}}' WHERE id = 47",
     "d/m|snapshot|2|it is not the twin that the rows up to journal row 64 give\n"},
    {"UPDATE journal SET body = '[]' WHERE id = 67",
     "d|journal|67|the change cannot be applied to the twin, or not with version 44 as its end\n"},
    {"DELETE FROM journal WHERE id = 42; DELETE FROM journal_index WHERE id = 42",
     "d|journal|43|version 42 (desired 1, reported 41) cannot follow version 40 (1, 39)\n"},
    {"DELETE FROM journal WHERE id = 42",
     "d|journal_index|42|the journal has no such row\n"
     "d|journal|43|version 42 (desired 1, reported 41) cannot follow version 40 (1, 39)\n"},
    {"DELETE FROM journal_index WHERE id = 42",
     "d|journal|42|the index does not know it\n"
     "d|journal|43|version 42 (desired 1, reported 41) cannot follow version 40 (1, 39)\n"},
    {"UPDATE journal_index SET version = 3 WHERE id = 42", "d|journal|42|the index does not know it\n"},
    {"INSERT INTO journal_index VALUES(1, 67, 40)",
     "d|journal_index|67|it is ahead of what the index is said to reach\n"},
    {"DELETE FROM journal WHERE id = 66", "d|journal|67|a row before it is missing: no hub starts\n"},
    {"UPDATE journal SET identity = 99 WHERE id = 67", "|journal|67|it is nobody's\n"},
    {"UPDATE message SET doc = '{' WHERE id = 2", "d|message|2|it cannot be read\n"},
    {"UPDATE message SET identity = 99 WHERE id = 2", "|message|2|it is nobody's\n"},
    {"UPDATE message SET identity = -99 WHERE id = 2", "|message|2|it is nobody's\n"},
    {"UPDATE message SET identity = -identity WHERE id = 2", "d|message|2|it could not be read, and is set aside\n"},
    {"UPDATE feedback SET doc = 'x'", "d/m|feedback|3|it cannot be read\n"},
    {"UPDATE feedback SET identity = 99", "|feedback|3|it is nobody's\n"},
};

static void each_damage_is_named_with_its_identity_and_row(void **state)
{
    struct store_world *w = *state;
    char path[512], keep[520];

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    (void)snprintf(keep, sizeof keep, "%s/keep", w->dir);
    copy_file(path, keep);
    for (size_t k = 0; k < COUNT(damages); k++) {
        change_by_hand(w, damages[k].sql);
        assert_found(w, damages[k].sql, damages[k].lines);
        copy_file(keep, path);
    }
    assert_found(w, "nothing", "");
}

/* Every page is overwritten in turn, at its head. */
static void a_page_of_rubbish_is_a_problem_and_nothing_is_written(void **state)
{
    struct store_world *w = *state;
    char path[512], keep[520], hurt[520], rubbish[64];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    (void)snprintf(keep, sizeof keep, "%s/keep", w->dir);
    (void)snprintf(hurt, sizeof hurt, "%s/hurt", w->dir);
    copy_file(path, keep);
    memset(rubbish, 0xA5, sizeof rubbish);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size; at += 4096) {
        int fd = open(path, O_WRONLY);
        struct found f;
        char why[256];
        enum rc rc;

        assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, at), sizeof rubbish);
        assert_int_equal(close(fd), 0);
        copy_file(path, hurt);
        rc = check(w, &f, why);
        assert_true(rc == RC_CORRUPT ? *why != '\0' : rc == RC_OK && f.census.problems > 0);
        assert_int_equal(count_lines(f.text.at), f.census.problems); /* one each */
        buf_done(&f.text);
        assert_same_file(path, hurt);
        copy_file(keep, path);
    }
    assert_found(w, "nothing", "");
}

static void without_a_table_it_cannot_be_opened(void **state)
{
    struct found f;
    char why[256];

    change_by_hand(*state, "DROP TABLE snapshot");
    assert_int_equal(check(*state, &f, why), RC_CORRUPT);
    assert_non_null(strstr(why, "snapshot"));
    buf_done(&f.text);
}

/* --- not to be looked at ---------------------------------------------------------------------------------------- */

static void a_directory_in_use_is_left_alone(void **state)
{
    struct store_world *w = *state;
    struct found f;
    char why[256];

    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(check(w, &f, why), RC_BUSY);
    assert_non_null(strstr(why, w->dir));
    assert_int_equal(store_count(w->s), 2);
    buf_done(&f.text);
}

static void count_file(void *arg, const char *path)
{
    (void)path;
    ++*(size_t *)arg;
}

static void a_directory_without_a_database_stays_as_it_is(void **state)
{
    struct store_world empty;
    struct found f;
    char why[256];
    size_t files = 0;

    (void)state;
    store_world_init(&empty);
    assert_int_equal(check(&empty, &f, why), RC_NOT_FOUND);
    assert_non_null(strstr(why, empty.dir));
    store_world_files(&empty, count_file, &files);
    assert_int_equal(files, 0);
    store_world_done(&empty);
}

static void a_log_without_its_database_is_not_called_a_new_directory(void **state)
{
    struct store_world *w = *state;
    char path[512], log[520];
    struct found f;
    char why[256];

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    (void)snprintf(log, sizeof log, "%s-wal", path);
    assert_int_equal(rename(path, log), 0); /* bytes, of whatever kind */
    assert_int_equal(check(w, &f, why), RC_CORRUPT);
    assert_non_null(strstr(why, "stands there without its database"));
    assert_int_equal(access(log, F_OK), 0);
}

/* A link to itself: a stand-in for what may not be read, since root may read everything. */
static void a_database_that_cannot_be_reached_is_not_called_missing(void **state)
{
    struct store_world *w = *state;
    struct found f;
    char path[512], why[256];

    (void)snprintf(path, sizeof path, "%s/%s", w->dir, STORE_FILE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(STORE_FILE, path), 0);
    assert_int_equal(check(w, &f, why), RC_IO);
    assert_non_null(strstr(why, "cannot open"));
    assert_non_null(strstr(why, path));
}

#define CHECK_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_TEST(a_sound_directory_has_no_problems),
        CHECK_TEST(what_a_killed_hub_left_is_looked_through_with_its_log),
        CHECK_TEST(a_file_of_the_format_without_messages_is_looked_through_and_stays_one),
        CHECK_TEST(each_damage_is_named_with_its_identity_and_row),
        CHECK_TEST(a_page_of_rubbish_is_a_problem_and_nothing_is_written),
        CHECK_TEST(without_a_table_it_cannot_be_opened),
        CHECK_TEST(a_directory_in_use_is_left_alone),
        CHECK_TEST(a_directory_without_a_database_stays_as_it_is),
        CHECK_TEST(a_log_without_its_database_is_not_called_a_new_directory),
        CHECK_TEST(a_database_that_cannot_be_reached_is_not_called_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
