/* test_hub_stateful.c - random lives of devices and services with a real hub on the real store, against a model by the book.
 * Do the laws hold for what nobody thought of?
 *
 *   test_hub_stateful              TWINSIM_STORIES stories (default 150), from seed TWINSIM_SEED on
 *   test_hub_stateful FILE|DIR...  these stories (stateful/story.h), each step told before it is done
 *
 * Each story is played in a process of its own or with others, where a failed assertion, a leak or a fault of the sanitizers ends it. One
 * that fails is made short (stateful/shrink.h), shown, and written to TWINSIM_STORY (default hub-SEED.story), to be played again.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remove_tree.h"
#include "seed.h"
#include "shrink.h"
#include "stage.h"
#include "test.h"

#define STORIES_USUAL 150u
#define AT_ONCE       50u  /* stories that share a process */
#define STORY_SECONDS 60u  /* how long one may take, and those that share its process after it */
#define SHRINK_TRIES  600u /* half a minute */

/* --- in processes of their own ---------------------------------------------------------------------------------------- */

/* Play one in a fresh folder, which goes when all went well; else its parent removes it. */
static void play(const struct story *s, const char *folder, bool is_told)
{
    char dir[256];

    (void)snprintf(dir, sizeof dir, "%s/hub", folder);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)alarm(STORY_SECONDS);
    stage_play(s, dir, is_told);
    remove_tree(dir);
}

static bool has_ended_well(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Folders in memory, where there is such a place. */
static char *folder_new(char path[64])
{
    (void)snprintf(path, 64, "%s/twinsim-story-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static pid_t begin_child(bool is_silent)
{
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        if (is_silent && (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)))
            _exit(2);
    }
    return child;
}

static bool plays_well(const struct story *s, bool is_silent)
{
    char folder[64];
    pid_t child;
    bool is_good;

    (void)folder_new(folder);
    child = begin_child(is_silent);
    if (child == 0) {
        struct story mine;

        story_copy(&mine, s);
        play(&mine, folder, !is_silent);
        story_done(&mine);
        exit(0); /* not _exit: a leak is a failure, too */
    }
    is_good = has_ended_well(child);
    remove_tree(folder);
    return is_good;
}

static bool fails_alone(void *arg, const struct story *s)
{
    (void)arg;
    return !plays_well(s, true);
}

/* --- stories by their seeds ------------------------------------------------------------------------------------------- */

static void make(struct story *s, uint64_t seed)
{
    story_make(s, seed, 12 + (size_t)(seed * 7 % 49));
}

/* Play those of seeds from..to. *at says which is being played. */
static bool play_some(uint64_t from, uint64_t to, uint64_t *at)
{
    char folder[64];
    pid_t child;
    bool is_good;

    (void)folder_new(folder);
    child = begin_child(true);
    if (child == 0) {
        for (*at = from; *at < to; ++*at) {
            struct story s;

            make(&s, *at);
            play(&s, folder, false);
            story_done(&s);
        }
        exit(0);
    }
    is_good = has_ended_well(child);
    remove_tree(folder);
    return is_good;
}

static void show_failure(uint64_t seed)
{
    const char *path = getenv("TWINSIM_STORY");
    struct story s;
    char usual[64];
    size_t length;
    FILE *file;

    make(&s, seed);
    length = s.n;
    story_shrink(&s, fails_alone, NULL, SHRINK_TRIES);
    (void)snprintf(usual, sizeof usual, "hub-%llu.story", (unsigned long long)seed);
    file = fopen(path ? path : usual, "w");
    assert_non_null(file);
    (void)fprintf(file, "# seed %llu, made short from %zu steps\n", (unsigned long long)seed, length);
    story_print(file, &s);
    assert_int_equal(fclose(file), 0);
    print_error("the story of seed %llu fails; %zu steps are enough (%s):\n", (unsigned long long)seed, s.n,
                path ? path : usual);
    (void)plays_well(&s, false); /* once more, aloud */
    story_done(&s);
}

static void a_hub_does_what_the_book_says_whatever_happens(void **state)
{
    uint64_t first = seed_first(), end = first + seed_number("TWINSIM_STORIES", STORIES_USUAL);
    uint64_t *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(at != MAP_FAILED);
    for (uint64_t from = first; from < end; from += AT_ONCE) {
        uint64_t to = end - from < AT_ONCE ? end : from + AT_ONCE, seed;

        if (play_some(from, to, at))
            continue;
        /* The one that was being played; or, when it does well alone (and for a leak, which is told at the end), whichever does not. */
        seed = *at;
        if (seed == to || play_some(seed, seed + 1, at))
            for (seed = from; seed < to && play_some(seed, seed + 1, at); seed++)
                ;
        if (seed == to)
            print_error("seeds %llu to %llu fail in one process, each alone does well\n", (unsigned long long)from,
                        (unsigned long long)to - 1);
        else
            show_failure(seed);
        fail();
    }
    (void)munmap(at, sizeof *at);
}

/* --- stories as texts ------------------------------------------------------------------------------------------------- */

static void a_story_reads_as_it_was_written(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 100; seed++) {
        struct story s, again;
        char *one = NULL, *two = NULL;
        size_t len;
        FILE *to = open_memstream(&one, &len), *from;
        const char *why;
        unsigned line;

        assert_non_null(to);
        make(&s, seed);
        story_print(to, &s);
        assert_int_equal(fclose(to), 0);
        from = fmemopen(one, len, "r");
        assert_non_null(from);
        assert_true(story_read(from, &again, &why, &line));
        assert_int_equal(fclose(from), 0);
        to = open_memstream(&two, &len);
        assert_non_null(to);
        story_print(to, &again);
        assert_int_equal(fclose(to), 0);
        assert_string_equal(one, two);
        free(one);
        free(two);
        story_done(&s);
        story_done(&again);
    }
}

static void a_line_that_is_no_step_is_told(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {{"dance d0", "there is no such step"},
               {"create d7", "there is nobody of that name"},
               {"connect d0 often", "there is no such choice"},
               {"connect d0 keep", "there is no such choice"},
               {"get d0 rid {\"a\":1}", "something stands behind the step"},
               {"update d0 any", "a JSON object is missing"},
               {"restart tight today !", "a step of this kind cannot fail"}};

    (void)state;
    for (size_t n = 0; n < COUNT(bad); n++) {
        char text[128];
        struct story s;
        const char *why;
        unsigned line;
        FILE *from;

        (void)snprintf(text, sizeof text, "# a comment\n\ncreate d0\n%s\n", bad[n].text);
        from = fmemopen(text, strlen(text), "r");
        assert_non_null(from);
        assert_false(story_read(from, &s, &why, &line));
        assert_string_equal(why, bad[n].why);
        assert_int_equal(line, 4);
        assert_int_equal(fclose(from), 0);
    }
}

/* As if a hub fell over a null behind a restart. */
static bool a_null_was_written_after_a_restart(void *arg, const struct story *s)
{
    bool was_restarted = false;

    (void)arg;
    for (size_t n = 0; n < s->n; n++) {
        was_restarted = was_restarted || s->at[n].kind == STEP_RESTART;
        if (was_restarted && s->at[n].kind == STEP_REPORT && strstr(s->at[n].json, "\"b\":null"))
            return true;
    }
    return false;
}

static void a_story_that_fails_is_made_short_and_plain(void **state)
{
    size_t found = 0;

    (void)state;
    for (uint64_t seed = 1; seed < 400; seed++) {
        char *text = NULL;
        struct story s;
        size_t len;
        FILE *to;

        make(&s, seed);
        if (a_null_was_written_after_a_restart(NULL, &s)) {
            story_shrink(&s, a_null_was_written_after_a_restart, NULL, SHRINK_TRIES);
            to = open_memstream(&text, &len);
            assert_non_null(to);
            story_print(to, &s);
            assert_int_equal(fclose(to), 0);
            assert_string_equal(text, "restart roomy today\nreport d0 rid any {\"b\":null}\n");
            free(text);
            found++;
        }
        story_done(&s);
    }
    assert_true(found > 5);
}

/* --- stories in files ------------------------------------------------------------------------------------------------- */

static bool replay(const char *path)
{
    struct story s;
    const char *why;
    unsigned line;
    bool is_good;
    FILE *from = fopen(path, "r");

    if (!from) {
        perror(path);
        return false;
    }
    is_good = story_read(from, &s, &why, &line);
    (void)fclose(from);
    if (!is_good) {
        (void)fprintf(stderr, "%s:%u: %s\n", path, line, why);
        return false;
    }
    (void)printf("%s\n", path);
    is_good = plays_well(&s, false);
    (void)printf("%s: %s\n", path, is_good ? "as the book says" : "FAILED");
    story_done(&s);
    return is_good;
}

static int is_story(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');

    return end && strcmp(end, ".story") == 0;
}

/* Returns how many failed; one when there is none. */
static int replay_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_story, alphasort), failed = n <= 0;

    for (int k = 0; k < n; k++) {
        char file[4096];

        (void)snprintf(file, sizeof file, "%s/%s", path, entries[k]->d_name);
        failed += !replay(file);
        free(entries[k]);
    }
    if (n >= 0)
        free(entries);
    return failed;
}

static int replay_all(char **paths)
{
    int failed = 0;

    for (; *paths; paths++) {
        struct stat st;

        failed += stat(*paths, &st) == 0 && S_ISDIR(st.st_mode) ? replay_folder(*paths) : !replay(*paths);
    }
    return failed > 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_reads_as_it_was_written),
        cmocka_unit_test(a_line_that_is_no_step_is_told),
        cmocka_unit_test(a_story_that_fails_is_made_short_and_plain),
        cmocka_unit_test(a_hub_does_what_the_book_says_whatever_happens),
    };

    if (argc > 1)
        return replay_all(argv + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
