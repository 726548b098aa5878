/* test_store_crash.c - what is left when the process is killed, the disk is full, a write fails, or memory runs out?
 *
 * Writing goes through a file system of ours that fails from the n-th operation on (SQLite calls it a VFS); SQLite's own memory
 * through an allocator that does the same; ours through fail_alloc.h.
 */
#include <signal.h>
#include <sys/wait.h>

#include "fail_alloc.h"
#include "store_internal.h"
#include "store_world.h"
#include "twin_feed.h"

/* --- failing on purpose --------------------------------------------------------------------------------------- */

static struct {
    long left;     /* operations that still succeed */
    int code;      /* what the others return */
    bool recovers; /* only one of them fails */
    unsigned hit;  /* how many did */
} fault = {.left = LONG_MAX};

static void fault_after(long n, int code, bool recovers)
{
    fault.left = n;
    fault.code = code;
    fault.recovers = recovers;
    fault.hit = 0;
}

static void fault_never(void)
{
    fault.left = LONG_MAX;
}

static bool fault_now(void)
{
    if (fault.left == LONG_MAX || fault.left-- > 0)
        return false;
    fault.hit++;
    if (fault.recovers)
        fault_never();
    return true;
}

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* right behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct shim_file *)(void *)f)->real;
}
static int shim_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}
static int shim_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}
static int shim_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    return fault_now() ? fault.code : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return fault_now() ? SQLITE_IOERR_TRUNCATE : real_of(f)->pMethods->xTruncate(real_of(f), size);
}
static int shim_sync(sqlite3_file *f, int flags)
{
    return fault_now() ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static int shim_lock(sqlite3_file *f, int how)
{
    return real_of(f)->pMethods->xLock(real_of(f), how);
}
static int shim_unlock(sqlite3_file *f, int how)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), how);
}
static int shim_check(sqlite3_file *f, int *is_locked)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), is_locked);
}
static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int shim_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int shim_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

/* Version 1: no shared memory, no mapping. A store needs neither. */
static const sqlite3_io_methods shim_methods = {
    .iVersion = 1,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
};

static sqlite3_vfs *real_vfs, shim_vfs;

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct shim_file *f = (struct shim_file *)(void *)file;
    int code;

    (void)vfs;
    f->real = (sqlite3_file *)(void *)(f + 1);
    code = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    f->base.pMethods = f->real->pMethods ? &shim_methods : NULL;
    return code;
}

/* SQLite's allocator, the same way. */
static sqlite3_mem_methods real_memory;
static long memory_left = LONG_MAX;

static void *memory_malloc(int n)
{
    return memory_left-- > 0 ? real_memory.xMalloc(n) : NULL;
}
static void *memory_realloc(void *p, int n)
{
    return memory_left-- > 0 ? real_memory.xRealloc(p, n) : NULL;
}

static int install(void **state)
{
    sqlite3_mem_methods memory;

    (void)state;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    memory = real_memory;
    memory.xMalloc = memory_malloc;
    memory.xRealloc = memory_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), SQLITE_OK);
    real_vfs = sqlite3_vfs_find(NULL);
    assert_non_null(real_vfs);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "failing";
    shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    return sqlite3_vfs_register(&shim_vfs, 1);
}

/* --- a model that knows what was acknowledged ------------------------------------------------------------------ */

static int setup(void **state)
{
    struct store_world *w = malloc(sizeof *w);

    assert_non_null(w);
    store_world_init(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct store_world *w = *state;

    fault_never();
    memory_left = LONG_MAX;
    fail_alloc_never();
    store_world_done(w);
    free(w);
    return 0;
}

static void open_as(struct store_world *w, enum durability durability)
{
    store_world_close(w);
    w->options.durability = durability;
    w->options.fold_rows = 4;
    w->options.history = 6;
    if (store_world_open(w))
        fail_msg("%s", w->why);
}

static char *stored(struct store *s, const char *id)
{
    struct identity *i = NULL;
    char *text;

    if (store_load(s, str_from(id), true, &i))
        fail_msg("%s: %s (%s)", id, store_error(s), store_is_healthy(s) ? "healthy" : "not healthy");
    text = store_print(i, true);
    identity_free(i);
    return text;
}

/* Turn k: a patch for d, and in every third one a module is made or removed. Says whether it was acknowledged. */
static bool turn(struct store *s, struct identity *d, struct identity *m, int k)
{
    char body[64];
    bool is_good;

    (void)snprintf(body, sizeof body, "{\"k%d\":%d}", k % 5, k);
    is_good = store_write(s, d, CHANGE_REPORTED, body, k) == RC_OK;
    if (k % 6 == 3)
        is_good = store_create(s, m) == RC_OK && is_good;
    else if (k % 6 == 0)
        is_good = store_delete(s, m->id) == RC_OK && is_good;
    if (store_commit(s))
        return false;
    assert_true(is_good); /* a commit never hides a failed append */
    return true;
}

/* Is a child's work there after it was killed? The child says what was acknowledged through a pipe. */
static void run_and_kill(struct store_world *w, enum durability durability, int turns, bool rests, char *last,
                         size_t size)
{
    int pipes[2], status;
    size_t got = 0;
    ssize_t n;
    pid_t child;

    store_world_close(w);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct identity *d = store_model("d"), *m = store_model("d/m");
        char *text;

        open_as(w, durability);
        if (store_create(w->s, d) || store_commit(w->s))
            _exit(3);
        for (int k = 1; k <= turns; k++) {
            if (!turn(w->s, d, m, k))
                _exit(4);
            if (rests)
                (void)store_idle(w->s);
        }
        text = store_print(d, true);
        if (write(pipes[1], text, strlen(text)) != (ssize_t)strlen(text))
            _exit(5);
        (void)store_write(w->s, d, CHANGE_REPORTED, "{\"not\":\"committed\"}", 1);
        (void)raise(SIGKILL);
    }
    (void)close(pipes[1]);
    while (got < size - 1 && (n = read(pipes[0], last + got, size - 1 - got)) > 0)
        got += (size_t)n;
    last[got] = '\0';
    (void)close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    static const enum durability all[] = {DURABILITY_PROCESS, DURABILITY_POWER};

    (void)state;
    for (size_t k = 0; k < COUNT(all); k++)
        for (int rests = 0; rests < 2; rests++) {
            static char last[65536];
            struct store_world w;
            char *have;

            store_world_init(&w);
            run_and_kill(&w, all[k], 100, rests, last, sizeof last);
            open_as(&w, all[k]);
            have = stored(w.s, "d");
            assert_string_equal(have, last);
            free(have);
            assert_int_equal(store_count(w.s), 2); /* the module was made once more in turn 99 */
            store_rest(w.s);
            have = stored(w.s, "d");
            assert_string_equal(have, last);
            free(have);
            store_world_done(&w);
        }
}

/* memory: nothing was promised for a kill, a clean stop keeps all; and what is left is whole. */
static void memory_keeps_a_clean_stop_only(void **state)
{
    struct store_world *w = *state;
    static char last[65536];
    struct identity *got = NULL, *d, *m;

    run_and_kill(w, DURABILITY_MEMORY, 50, true, last, sizeof last);
    open_as(w, DURABILITY_MEMORY);
    assert_int_equal(store_load(w->s, STR("d"), true, &got), RC_NOT_FOUND);
    assert_int_equal(store_count(w->s), 0);
    d = store_model("d");
    m = store_model("d/m");
    assert_int_equal(store_create(w->s, d), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    for (int k = 1; k <= 50; k++) {
        assert_true(turn(w->s, d, m, k));
        (void)store_idle(w->s);
    }
    assert_stored(w->s, d);
    open_as(w, DURABILITY_PROCESS);
    assert_stored(w->s, d);
    identity_free(d);
    identity_free(m);
}

/* memory: the log does not grow for ever; every so often all of it is made to last. */
static void memory_is_committed_every_so_often(void **state)
{
    struct store_world *w = *state;
    struct identity *d = store_model("d");

    open_as(w, DURABILITY_MEMORY);
    assert_int_equal(store_create(w->s, d), RC_OK);
    for (unsigned k = 0; k < STORE_LONG_ROWS + 10; k++) {
        assert_int_equal(store_write(w->s, d, CHANGE_REPORTED, "{\"a\":1}", 1), RC_OK);
        assert_int_equal(store_commit(w->s), RC_OK);
    }
    assert_true(w->s->lasting_changes < 100);
    assert_true(w->s->wal_pages > 0);
    assert_stored(w->s, d);
    identity_free(d);
}

/* --- a disk that is full, and one that fails ------------------------------------------------------------------- */

static void a_full_disk_refuses_turns_until_there_is_room(void **state)
{
    static const enum durability all[] = {DURABILITY_PROCESS, DURABILITY_POWER};
    struct store_world *w = *state;
    struct identity *d = store_model("d"), *m = store_model("d/m");

    open_as(w, DURABILITY_PROCESS);
    assert_int_equal(store_create(w->s, d), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    for (size_t k = 0; k < COUNT(all); k++) {
        char *before, *after;

        open_as(w, all[k]);
        before = stored(w->s, "d");
        fault_after(0, SQLITE_FULL, false);
        assert_false(turn(w->s, d, m, 1));
        assert_true(fault.hit > 0);
        assert_true(store_is_healthy(w->s)); /* a restart would not help */
        assert_false(store_takes_changes(w->s));
        assert_true(*store_error(w->s));
        fault_never();
        after = stored(w->s, "d");
        assert_string_equal(after, before);
        free(before);
        free(after);
        identity_free(d);
        assert_int_equal(store_load(w->s, STR("d"), true, &d), RC_OK);
        assert_true(turn(w->s, d, m, 1));
        assert_true(store_takes_changes(w->s));
        assert_stored(w->s, d);
    }
    identity_free(d);
    identity_free(m);
}

static void a_write_error_is_not_got_over_without_a_restart(void **state)
{
    struct store_world *w = *state;
    struct identity *d = store_model("d"), *m = store_model("d/m");

    open_as(w, DURABILITY_PROCESS);
    assert_int_equal(store_create(w->s, d), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    fault_after(0, SQLITE_IOERR_WRITE, true);
    assert_false(turn(w->s, d, m, 1));
    assert_int_equal(fault.hit, 1);
    assert_false(store_is_healthy(w->s));
    assert_false(turn(w->s, d, m, 1)); /* though the disk would take it */
    assert_false(store_idle(w->s));
    identity_free(d);
    open_as(w, DURABILITY_PROCESS);
    assert_true(store_is_healthy(w->s));
    assert_int_equal(store_load(w->s, STR("d"), true, &d), RC_OK);
    assert_int_equal(d->twin->version, 2);
    assert_true(turn(w->s, d, m, 1));
    identity_free(d);
    identity_free(m);
}

/* Upkeep that fails in the middle of removing old rows begins again, and loses none on the way. */
static void trimming_that_fails_is_begun_again(void **state)
{
    struct store_world *w = *state;
    struct identity *models[5];
    unsigned failures = 0, interrupted = 0;
    sqlite3_stmt *q = NULL;
    bool goes_on = true;

    open_as(w, DURABILITY_PROCESS);
    for (size_t k = 0; k < COUNT(models); k++) {
        char id[8];

        (void)snprintf(id, sizeof id, "d%zu", k);
        models[k] = store_model(id);
        assert_int_equal(store_create(w->s, models[k]), RC_OK);
    }
    for (int n = 0; n < 1000; n++)
        for (size_t k = 0; k < COUNT(models); k++)
            assert_int_equal(store_write(w->s, models[k], CHANGE_REPORTED, "{\"a\":1}", n), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    fault_after(0, SQLITE_FULL, true);
    for (long k = 1; goes_on; k++) { /* one write fails here and there: while indexing, folding, gathering, removing */
        assert_true(k < 10000);
        goes_on = store_idle(w->s);
        if (fault.hit) {
            goes_on = true;
            interrupted += w->s->heads.first[QUEUE_TRIM] != NULL;
            failures++;
            fault_after((long)failures * 31 % 257, SQLITE_FULL, true);
        }
    }
    fault_never();
    assert_true(failures > 4 && interrupted > 0);
    store_rest(w->s);
    assert_int_equal(sqlite3_prepare_v2(w->s->db,
                                        "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM journal_index)",
                                        -1, &q, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(q, 0), COUNT(models) * 6); /* history */
    assert_int_equal(sqlite3_column_int64(q, 1), COUNT(models) * 6);
    (void)sqlite3_finalize(q);
    for (size_t k = 0; k < COUNT(models); k++) {
        assert_stored(w->s, models[k]);
        identity_free(models[k]);
    }
}

/* What a run under failures came to: the acknowledged state, as text. */
struct outcome {
    char *d;
    int64_t count;
    bool has_module;
};

static struct outcome observe(struct store *s)
{
    struct identity *m = NULL;
    struct outcome o = {stored(s, "d"), store_count(s), false};

    o.has_module = store_load(s, STR("d/m"), true, &m) == RC_OK;
    identity_free(m);
    return o;
}

static void assert_outcome(struct store *s, const struct outcome *want)
{
    struct outcome have = observe(s);

    assert_string_equal(have.d, want->d);
    assert_int_equal(have.count, want->count);
    assert_int_equal(have.has_module, want->has_module);
    free(have.d);
}

/* What the hub hands the store in turn k, made before anything fails. The module is created or deleted in every third one. */
struct turn {
    struct out patch, module;
    char body[64];
};

static void make_turn(struct turn *t, struct identity *d, const struct identity *m, int k, bool has_module)
{
    int64_t at_us = STORE_DAY_US + k;
    cJSON *tree = NULL;

    (void)snprintf(t->body, sizeof t->body, "{\"k%d\":%d}", k % 5, k);
    assert_int_equal(json_read(str_from(t->body), &tree, NULL), RC_OK);
    assert_int_equal(identity_fold(d, CHANGE_REPORTED, at_us, tree), RC_OK);
    cJSON_Delete(tree);
    t->patch = store_entry(d, CHANGE_REPORTED, at_us);
    t->patch.body = t->body;
    t->patch.body_len = strlen(t->body);
    t->module = store_entry(m, has_module ? CHANGE_DELETED : CHANGE_CREATED, at_us);
    t->module.body = t->module.doc = store_print(m, false);
    t->module.body_len = strlen(t->module.body);
    t->module.twin = twin_text(m->twin);
}

/* memory alone: SQLite gave up the long transaction. No turn is promised any more, but what is left must be whole. */
static void assert_whole(struct store_world *w)
{
    struct identity *d = NULL;
    enum rc rc;

    assert_false(store_is_healthy(w->s));
    open_as(w, DURABILITY_PROCESS);
    rc = store_load(w->s, STR("d"), true, &d);
    assert_true(rc == RC_OK || rc == RC_NOT_FOUND);
    assert_true(store_count(w->s) >= (rc == RC_OK));
    identity_free(d);
}

/* Run 24 turns with upkeep in between while something fails. After each refused turn, what is loaded is what the last acknowledged
 * one left; the model then starts again from there, as the hub's cache does. Closed and opened again, it still is. */
static void run_with_failures(struct store_world *w, enum durability durability, void (*arm)(long n),
                              void (*disarm)(void), long n)
{
    struct identity *d = store_model("d"), *m = store_model("d/m");
    struct outcome good;
    bool goes_on = true;

    open_as(w, durability);
    assert_int_equal(store_create(w->s, d), RC_OK);
    assert_int_equal(store_commit(w->s), RC_OK);
    good = observe(w->s);
    for (int k = 1; k <= 24 && goes_on; k++) {
        struct turn t;
        bool is_good;

        make_turn(&t, d, m, k, good.has_module);
        arm(k < 3             ? LONG_MAX
            : n > 4 * (k - 3) ? n - 4 * (k - 3)
            : k % 2           ? 0
                              : LONG_MAX); /* ever earlier; some are good */
        is_good = store_append(w->s, &t.patch) == RC_OK;
        is_good = (k % 3 || store_append(w->s, &t.module) == RC_OK) && is_good;
        if (store_commit(w->s)) {
            disarm();
            identity_free(d);
            d = NULL;
            goes_on = durability != DURABILITY_MEMORY || store_is_healthy(w->s);
            if (goes_on) {
                assert_outcome(w->s, &good);
                assert_int_equal(store_load(w->s, STR("d"), true, &d), RC_OK);
            }
        } else {
            assert_true(is_good); /* a commit never hides a failed append */
            (void)store_idle(w->s);
            disarm();
            goes_on = durability != DURABILITY_MEMORY || store_is_healthy(w->s);
            if (goes_on) {
                bool had_module = good.has_module;

                free(good.d);
                good = observe(w->s);
                assert_int_equal(good.has_module, k % 3 ? had_module : !had_module);
                assert_int_equal(good.count, 1 + good.has_module);
                assert_stored(w->s, d);
            }
        }
        free(t.module.doc);
        free(t.module.twin);
    }
    if (goes_on) {
        assert_outcome(w->s, &good);
        open_as(w, DURABILITY_PROCESS);
        assert_outcome(w->s, &good);
        store_rest(w->s);
        assert_outcome(w->s, &good);
    } else {
        assert_whole(w);
    }
    free(good.d);
    identity_free(d);
    identity_free(m);
}

static void each_of(void (*arm)(long n), void (*disarm)(void), enum durability durability, long upto)
{
    for (long n = 0; n < upto; n++) {
        struct store_world w;

        store_world_init(&w);
        run_with_failures(&w, durability, arm, disarm, n);
        store_world_done(&w);
    }
}

static void arm_full(long n)
{
    fault_after(n, SQLITE_FULL, false);
}
static void arm_error(long n)
{
    fault_after(n, SQLITE_IOERR_WRITE, true);
}
static void arm_memory(long n)
{
    memory_left = n;
}
static void disarm_memory(void)
{
    memory_left = LONG_MAX;
}
static void arm_ours(long n)
{
    fail_alloc_after(n);
}

static void a_turn_cut_by_a_full_disk_leaves_the_one_before(void **state)
{
    (void)state;
    each_of(arm_full, fault_never, DURABILITY_PROCESS, 24);
    each_of(arm_full, fault_never, DURABILITY_POWER, 8);
}

static void a_turn_cut_by_a_failing_write_leaves_the_one_before(void **state)
{
    (void)state;
    each_of(arm_error, fault_never, DURABILITY_PROCESS, 24);
    each_of(arm_error, fault_never, DURABILITY_POWER, 8);
}

static void a_turn_cut_by_lack_of_memory_leaves_the_one_before(void **state)
{
    (void)state;
    each_of(arm_memory, disarm_memory, DURABILITY_PROCESS, 32);
    each_of(arm_memory, disarm_memory, DURABILITY_MEMORY, 32);
    each_of(arm_ours, fail_alloc_never, DURABILITY_PROCESS, 32);
    each_of(arm_ours, fail_alloc_never, DURABILITY_MEMORY, 32);
}

/* Opening, too: each write that fails while a store is made or opened gives a reason, and the next try finds nothing half made. */
static void a_birth_that_fails_is_begun_again(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        bool was_clean = false;

        for (long n = 0; !was_clean; n += 1 + n / 40) { /* every one at first, then here and there */
            struct store_world w;
            enum rc rc;

            assert_true(n < 5000);
            store_world_init(&w);
            w.options.durability = DURABILITY_PROCESS;
            if (how == 0)
                fault_after(n, SQLITE_FULL, false);
            else if (how == 1)
                arm_memory(n);
            else
                arm_ours(n);
            rc = store_world_open(&w);
            was_clean = rc == RC_OK;
            fault_never();
            disarm_memory();
            fail_alloc_never();
            if (rc) {
                assert_null(w.s);
                assert_true(*w.why);
                assert_int_not_equal(rc, RC_BUSY);
                assert_int_equal(store_world_open(&w), RC_OK);
            }
            assert_int_equal(store_count(w.s), 0);
            store_world_done(&w);
        }
    }
}

#define CRASH_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CRASH_TEST(what_was_acknowledged_survives_kill_9),
        CRASH_TEST(memory_keeps_a_clean_stop_only),
        CRASH_TEST(memory_is_committed_every_so_often),
        CRASH_TEST(a_full_disk_refuses_turns_until_there_is_room),
        CRASH_TEST(a_write_error_is_not_got_over_without_a_restart),
        CRASH_TEST(trimming_that_fails_is_begun_again),
        CRASH_TEST(a_turn_cut_by_a_full_disk_leaves_the_one_before),
        CRASH_TEST(a_turn_cut_by_a_failing_write_leaves_the_one_before),
        CRASH_TEST(a_turn_cut_by_lack_of_memory_leaves_the_one_before),
        CRASH_TEST(a_birth_that_fails_is_begun_again),
    };

    return cmocka_run_group_tests(tests, install, NULL);
}
