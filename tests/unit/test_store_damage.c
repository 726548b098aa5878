/* test_store_damage.c - is a file that is damaged, or not ours, noticed at the door and left byte for byte as it was?
 *
 * And when the damage lies where nobody looked (a large file, a row changed by hand): is it said when it is met, and nothing made up?
 */
#include <fcntl.h>

#include "store_internal.h"
#include "store_world.h"

/* A copy of every file but the lock, to compare with later. */
struct copy {
    char path[512];
    char *bytes;
    size_t len;
};

struct copies {
    struct copy at[8];
    size_t len;
};

static char *read_file(const char *path, size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    char *bytes;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    assert_int_equal(close(fd), 0);
    *len = (size_t)st.st_size;
    return bytes;
}

static void copy_one(void *arg, const char *path)
{
    struct copies *c = arg;
    struct copy *to = &c->at[c->len];

    if (strstr(path, STORE_LOCK))
        return;
    assert_true(c->len < COUNT(c->at));
    (void)snprintf(to->path, sizeof to->path, "%s", path);
    to->bytes = read_file(path, &to->len);
    c->len++;
}

static void assert_untouched(const struct store_world *w, struct copies *before)
{
    struct copies now = {.len = 0};

    store_world_files(w, copy_one, &now);
    assert_int_equal(now.len, before->len); /* no file more, none fewer */
    for (size_t k = 0; k < before->len; k++) {
        size_t len;
        char *bytes = read_file(before->at[k].path, &len);

        assert_int_equal(len, before->at[k].len);
        assert_memory_equal(bytes, before->at[k].bytes, len);
        free(bytes);
        free(before->at[k].bytes);
        free(now.at[k].bytes);
    }
}

/* A directory with a database of some ten pages, closed cleanly. */
static int setup(void **state)
{
    struct store_world *w = malloc(sizeof *w);
    struct identity *i = store_model("d"), *module = store_model("d/m");

    assert_non_null(w);
    store_world_init(w);
    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_create(w->s, i), RC_OK);
    assert_int_equal(store_create(w->s, module), RC_OK);
    for (int k = 0; k < 300; k++)
        assert_int_equal(
            store_write(w->s, k % 3 ? i : module, CHANGE_REPORTED, "{\"some\":\"value of a few bytes\"}", k), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    store_rest(w->s);
    store_world_close(w);
    identity_free(i);
    identity_free(module);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct store_world *w = *state;

    store_world_done(w);
    free(w);
    return 0;
}

static void database(const struct store_world *w, const char *suffix, char path[512])
{
    (void)snprintf(path, 512, "%s/%s%s", w->dir, STORE_FILE, suffix);
}

static void put(const struct store_world *w, const char *suffix, off_t at, const void *bytes, size_t len)
{
    char path[512];
    int fd;

    database(w, suffix, path);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    assert_int_equal(close(fd), 0);
}

static void cut(const struct store_world *w, off_t size)
{
    char path[512];

    database(w, "", path);
    assert_int_equal(truncate(path, size), 0);
}

static off_t size_of(const struct store_world *w)
{
    char path[512];
    struct stat st;

    database(w, "", path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* The store says no, says which file and what to do, and touched nothing. */
static void assert_refused(struct store_world *w, const char *because)
{
    struct copies before = {.len = 0};
    char path[512];

    store_world_files(w, copy_one, &before);
    database(w, "", path);
    assert_int_equal(store_world_open(w), RC_CORRUPT);
    assert_null(w->s);
    if (!strstr(w->why, because))
        fail_msg("\"%s\" does not say \"%s\"", w->why, because);
    assert_non_null(strstr(w->why, path));
    assert_non_null(strstr(w->why, "move"));
    assert_untouched(w, &before);
}

static void a_sound_file_opens(void **state)
{
    struct store_world *w = *state;

    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_count(w->s), 2);
}

static void a_text_file_is_no_database(void **state)
{
    struct store_world *w = *state;
    static const char text[] =
        "Dear diary, today I was taken for a database, and I am longer than one hundred bytes, which "
        "is all that is asked of me.\n";

    cut(w, 0);
    put(w, "", 0, text, sizeof text - 1);
    assert_refused(w, "is no database");
}

static void an_empty_file_is_not_taken_for_a_new_one(void **state)
{
    cut(*state, 0);
    assert_refused(*state, "is empty");
}

static void a_few_bytes_are_no_database(void **state)
{
    cut(*state, 99);
    assert_refused(*state, "is cut short");
}

static void a_file_without_its_end_is_cut_short(void **state)
{
    struct store_world *w = *state;

    cut(w, size_of(w) - 4096); /* at a page */
    assert_refused(w, "is cut short");
    cut(w, size_of(w) - 1000); /* within one */
    assert_refused(w, "is cut short");
}

static void a_database_of_somebody_else_is_left_alone(void **state)
{
    put(*state, "", 68, "\0\0\0\1", 4);
    assert_refused(*state, "not one of twinsim's");
}

static void a_database_of_a_newer_twinsim_is_left_alone(void **state)
{
    put(*state, "", 60, (char[]){0, 0, 0, STORE_FORMAT + 1}, 4);
    assert_refused(*state, "newer twinsim");
}

static void a_database_of_no_known_format_is_left_alone(void **state)
{
    put(*state, "", 60, "\0\0\0\0", 4);
    assert_refused(*state, "no known format");
}

static void an_impossible_page_size_is_damage(void **state)
{
    put(*state, "", 16, "\x0f\xff", 2);
    assert_refused(*state, "page size");
}

/* Every page but the first is overwritten in turn: at its head, where the tree is. */
static void a_page_of_rubbish_is_found(void **state)
{
    struct store_world *w = *state;
    off_t pages = size_of(w) / 4096;

    assert_true(pages > 8);
    for (off_t page = 1; page < pages; page++) {
        char was[64], rubbish[64];
        char path[512];
        int fd;

        database(w, "", path);
        fd = open(path, O_RDONLY);
        assert_int_equal(pread(fd, was, sizeof was, page * 4096), sizeof was);
        assert_int_equal(close(fd), 0);
        memset(rubbish, 0xA5, sizeof rubbish);
        put(w, "", page * 4096, rubbish, sizeof rubbish);
        assert_refused(w, "is damaged");
        put(w, "", page * 4096, was, sizeof was);
    }
    a_sound_file_opens(state);
}

static void a_missing_table_is_damage(void **state)
{
    struct store_world *w = *state;
    char path[512];
    sqlite3 *db = NULL;

    database(w, "", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE snapshot", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_refused(w, "snapshot");
}

static void a_hole_in_the_journal_is_damage(void **state)
{
    struct store_world *w = *state;
    char path[512];
    sqlite3 *db = NULL;

    database(w, "", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE hub SET indexed = 100; DELETE FROM journal WHERE id = 200", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_refused(w, "hole");
}

/* The log holds what was acknowledged last; SQLite would delete one that has no database. */
static void a_log_without_its_database_is_not_thrown_away(void **state)
{
    struct store_world *w = *state;
    char path[512];

    database(w, "", path);
    assert_int_equal(unlink(path), 0);
    put(w, "-wal", 0, "changes", 7);
    assert_refused(w, "stands there without its database");
}

/* A link to itself: a stand-in for what may not be read, since root may read everything. */
static void a_database_that_cannot_be_opened_is_not_replaced_by_an_empty_one(void **state)
{
    struct store_world *w = *state;
    char path[512];
    struct stat st;

    database(w, "", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(STORE_FILE, path), 0);
    assert_int_equal(store_world_open(w), RC_IO);
    assert_non_null(strstr(w->why, "cannot open"));
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static void damage_is_found_through_a_log_too(void **state)
{
    struct store_world *w = *state;
    struct copies keep = {.len = 0};
    struct identity *i = NULL;
    char rubbish[64];

    /* As after kill -9: the files as they are while the store is open. */
    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_load(w->s, STR("d"), true, &i), RC_OK);
    assert_int_equal(store_write(w->s, i, CHANGE_REPORTED, "{\"x\":1}", 999), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    store_world_files(w, copy_one, &keep);
    assert_int_equal(keep.len, 2);
    store_world_close(w);
    for (size_t k = 0; k < keep.len; k++) {
        put(w, strstr(keep.at[k].path, "-wal") ? "-wal" : "", 0, keep.at[k].bytes, keep.at[k].len);
        free(keep.at[k].bytes);
    }
    memset(rubbish, 0xA5, sizeof rubbish);
    put(w, "", size_of(w) - 4096, rubbish, sizeof rubbish);
    assert_refused(w, "is damaged");
    identity_free(i);
}

static void change_by_hand(struct store_world *w, const char *sql)
{
    assert_int_equal(sqlite3_exec(w->s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Well-formed to SQLite, nonsense to us: said for the identity concerned, and nobody else suffers. */
static void a_row_that_cannot_be_is_told_apart(void **state)
{
    static const char *const changes[] = {
        "UPDATE snapshot SET twin = '{\"etag\"' WHERE identity = 1",
        "DELETE FROM snapshot WHERE identity = 1",
        "UPDATE identity SET doc = '[]' WHERE row = 1",
        "UPDATE identity SET doc = replace(doc, '\"d\"', '\"e\"') WHERE row = 1",
        "UPDATE snapshot SET twin = (SELECT twin FROM snapshot WHERE identity = 2) WHERE identity = 1",
        "UPDATE journal SET body = '{' WHERE id = (SELECT max(id) FROM journal)",
        "UPDATE journal SET kind = 0 WHERE id = (SELECT max(id) FROM journal)",
        "UPDATE journal SET kind = 77 WHERE id = (SELECT max(id) FROM journal)",
        "UPDATE journal SET version = version + 1 WHERE id = (SELECT max(id) FROM journal)",
    };
    struct store_world *w = *state;
    struct identity *i = NULL, *got = NULL;

    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_load(w->s, STR("d"), true, &i), RC_OK);
    assert_int_equal(store_write(w->s, i, CHANGE_REPORTED, "{\"x\":1}", 999), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    for (size_t k = 0; k < COUNT(changes); k++) {
        change_by_hand(w, "SAVEPOINT test");
        change_by_hand(w, changes[k]);
        assert_int_equal(store_load(w->s, STR("d"), true, &got), RC_CORRUPT);
        assert_true(*store_error(w->s));
        assert_int_equal(store_load(w->s, STR("d/m"), true, &got), RC_OK);
        identity_free(got);
        got = NULL;
        change_by_hand(w, "ROLLBACK TO test; RELEASE test");
        assert_stored(w->s, i);
    }
    identity_free(i);
}

/* Upkeep meets a damaged twin: it gives up on that one, not for ever on all. */
static void upkeep_passes_a_damaged_twin_by(void **state)
{
    struct store_world *w = *state;
    struct identity *i = NULL, *module = NULL;

    assert_int_equal(store_world_open(w), RC_OK);
    assert_int_equal(store_load(w->s, STR("d"), true, &i), RC_OK);
    assert_int_equal(store_load(w->s, STR("d/m"), true, &module), RC_OK);
    for (int k = 0; k < 100; k++) {
        assert_int_equal(store_write(w->s, i, CHANGE_REPORTED, "{\"x\":1}", 999), RC_OK);
        assert_int_equal(store_write(w->s, module, CHANGE_REPORTED, "{\"x\":2}", 999), RC_OK);
    }
    assert_int_equal(store_commit(w->s), RC_OK);
    change_by_hand(w, "UPDATE journal SET body = '{' WHERE id = 303"); /* the device's first new row */
    for (int k = 0; k < 20; k++)
        (void)store_idle(w->s); /* stops at the damage once, then goes on */
    assert_null(w->s->heads.first[QUEUE_FOLD]);
    assert_stored(w->s, module);
    assert_int_equal(store_load(w->s, STR("d"), true, &(struct identity *){NULL}), RC_CORRUPT);
    assert_true(store_is_healthy(w->s));
    identity_free(i);
    identity_free(module);
}

#define DAMAGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DAMAGE_TEST(a_sound_file_opens),
        DAMAGE_TEST(a_text_file_is_no_database),
        DAMAGE_TEST(an_empty_file_is_not_taken_for_a_new_one),
        DAMAGE_TEST(a_few_bytes_are_no_database),
        DAMAGE_TEST(a_file_without_its_end_is_cut_short),
        DAMAGE_TEST(a_database_of_somebody_else_is_left_alone),
        DAMAGE_TEST(a_database_of_a_newer_twinsim_is_left_alone),
        DAMAGE_TEST(a_database_of_no_known_format_is_left_alone),
        DAMAGE_TEST(an_impossible_page_size_is_damage),
        DAMAGE_TEST(a_page_of_rubbish_is_found),
        DAMAGE_TEST(a_missing_table_is_damage),
        DAMAGE_TEST(a_hole_in_the_journal_is_damage),
        DAMAGE_TEST(a_log_without_its_database_is_not_thrown_away),
        DAMAGE_TEST(a_database_that_cannot_be_opened_is_not_replaced_by_an_empty_one),
        DAMAGE_TEST(damage_is_found_through_a_log_too),
        DAMAGE_TEST(a_row_that_cannot_be_is_told_apart),
        DAMAGE_TEST(upkeep_passes_a_damaged_twin_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
