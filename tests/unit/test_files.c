/* test_files.c - whole files, private directories, locks. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/twinsim-files-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"f", "lock", "a/b/c", "a/b", "a"};
    char path[PATH_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        if (path_join(path, dir, names[i]) == RC_OK)
            (void)remove(path);
    return rmdir(dir); /* fails when a temporary file stayed behind */
}

static void paths_are_joined_with_one_slash_or_refused(void **state)
{
    char out[PATH_MAX], longest[PATH_MAX];

    (void)state;
    assert_int_equal(path_join(out, "/a", "b"), RC_OK);
    assert_string_equal(out, "/a/b");
    assert_int_equal(path_join(out, "/", "b"), RC_OK);
    assert_string_equal(out, "/b");
    assert_int_equal(path_join(out, "a/", "b/c"), RC_OK);
    assert_string_equal(out, "a/b/c");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 3] = '\0'; /* with a slash and one letter it just fits */
    assert_int_equal(path_join(out, longest, "y"), RC_OK);
    assert_int_equal(path_join(out, longest, "yz"), RC_LIMIT);
}

static void a_file_is_written_whole_with_its_mode_and_replaced(void **state)
{
    char path[PATH_MAX];
    struct stat st;
    struct buf text;

    (void)state;
    assert_int_equal(path_join(path, dir, "f"), RC_OK);
    assert_int_equal(file_write(path, STR("first, and longer"), 0600, true), RC_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(file_write(path, STR("second"), 0644, false), RC_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    buf_init(&text, 6);
    assert_int_equal(file_read(path, &text), RC_OK);
    assert_string_equal(text.at, "second");
    buf_done(&text);
    buf_init(&text, 5);
    assert_int_equal(file_read(path, &text), RC_LIMIT);
    buf_done(&text);
}

static void a_missing_file_is_told_from_an_unreadable_one(void **state)
{
    char path[PATH_MAX];
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    assert_int_equal(path_join(path, dir, "nothing"), RC_OK);
    assert_int_equal(file_read(path, &text), RC_NOT_FOUND);
    assert_int_equal(file_read(dir, &text), RC_IO);
    assert_int_equal(path_join(path, dir, "nothing/f"), RC_OK);
    assert_int_equal(file_write(path, STR("x"), 0600, false), RC_IO);
    buf_done(&text);
}

/* As a shell's <(...) does, or a fifo whose writer comes a little late: both are whole files to us. */
static void a_pipe_is_read_to_its_end_and_one_without_a_writer_is_an_error(void **state)
{
    char path[PATH_MAX];
    struct buf text;
    pid_t pid;
    int status;

    (void)state;
    buf_init(&text, 0);
    assert_int_equal(path_join(path, dir, "pipe"), RC_OK);
    assert_int_equal(mkfifo(path, 0600), 0);
    errno = 0;
    assert_int_equal(file_read(path, &text), RC_IO);
    assert_int_equal(errno, EPIPE);
    pid = fork();
    if (pid == 0) {
        int fd = open(path, O_WRONLY); /* waits for the reader */
        int unread = 1;

        if (write(fd, "first,", 6) != 6)
            _exit(1);
        while (ioctl(fd, FIONREAD, &unread) == 0 && unread)
            (void)sched_yield(); /* the reader has to wait for the rest */
        _exit(write(fd, " then", 5) != 5);
    }
    assert_int_equal(file_read(path, &text), RC_OK);
    assert_string_equal(text.at, "first, then");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(unlink(path), 0);
    buf_done(&text);
}

static void a_report_goes_through_links_and_replaces_nothing_but_files(void **state)
{
    char path[PATH_MAX], link[PATH_MAX], sub[PATH_MAX];
    struct buf text;
    struct stat st;
    int fd;

    (void)state;
    assert_int_equal(path_join(path, dir, "f"), RC_OK);
    assert_int_equal(path_join(link, dir, "lock"), RC_OK);
    assert_int_equal(symlink("f", link), 0);
    assert_int_equal(report_write(path, STR("one")), RC_OK);
    assert_int_equal(report_check(link), RC_OK);
    assert_int_equal(report_write(link, STR("two")), RC_OK);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlink(link), 0);

    assert_int_equal(mkfifo(link, 0600), 0);
    fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(report_check(link), RC_OK);
    assert_int_equal(report_write(link, STR("three")), RC_OK);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    (void)close(fd);

    buf_init(&text, 0);
    assert_int_equal(file_read(path, &text), RC_OK);
    assert_string_equal(text.at, "two");
    buf_done(&text);

    assert_int_equal(path_join(sub, dir, "a/f"), RC_OK);
    assert_int_equal(report_check(sub), RC_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(report_check(dir), RC_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(report_write(dir, STR("")), RC_IO);
    assert_int_equal(path_join(sub, path, "f"), RC_OK);
    assert_int_equal(report_check(sub), RC_IO);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(path_join(sub, dir, "new"), RC_OK);
    assert_int_equal(report_check(sub), RC_OK);
    assert_int_equal(access(sub, F_OK), -1); /* looking makes nothing */
}

static void a_directory_is_private_and_made_with_its_parents(void **state)
{
    char path[PATH_MAX];
    struct stat st;

    (void)state;
    assert_int_equal(path_join(path, dir, "a/b/c"), RC_OK);
    assert_int_equal(dir_make(path), RC_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(dir_make(path), RC_OK);
    assert_int_equal(path_join(path, dir, "f"), RC_OK);
    assert_int_equal(file_write(path, STR(""), 0600, false), RC_OK);
    assert_int_equal(dir_make(path), RC_IO);
    assert_int_equal(dir_make(""), RC_LIMIT);
}

static void a_lock_has_one_holder_and_asking_does_not_take_it(void **state)
{
    char path[PATH_MAX];
    int first = -1, second = -1;

    (void)state;
    assert_int_equal(path_join(path, dir, "lock"), RC_OK);
    assert_false(lock_is_held(path));
    assert_int_equal(lock_take(path, 0, &first), RC_OK);
    assert_true(lock_is_held(path));
    assert_int_equal(lock_take(path, 20, &second), RC_BUSY);
    assert_int_equal(second, -1);
    (void)close(first);
    assert_false(lock_is_held(path));
    assert_int_equal(lock_take(path, 0, &second), RC_OK);
    (void)close(second);
}

/* So the broker keeps the directory's lock when its `up` was killed. */
static void a_child_that_inherits_a_lock_holds_it_until_it_ends(void **state)
{
    char path[PATH_MAX], byte = 0;
    int lock = -1, stay[2];
    pid_t child;

    (void)state;
    assert_int_equal(path_join(path, dir, "lock"), RC_OK);
    assert_int_equal(lock_take(path, 0, &lock), RC_OK);
    assert_int_equal(pipe(stay), 0);
    child = fork();
    if (child == 0) {
        (void)close(stay[1]);
        (void)!read(stay[0], &byte, 1); /* until the parent lets go */
        _exit(0);
    }
    (void)close(stay[0]);
    (void)close(lock);
    assert_true(lock_is_held(path));
    (void)close(stay[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(lock_is_held(path));
}

static void a_lock_file_that_is_a_link_is_not_followed(void **state)
{
    char path[PATH_MAX], target[PATH_MAX];
    int lock = -1;

    (void)state;
    assert_int_equal(path_join(path, dir, "lock"), RC_OK);
    assert_int_equal(path_join(target, dir, "f"), RC_OK);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(lock_take(path, 0, &lock), RC_IO);
    assert_int_not_equal(access(target, F_OK), 0);
}

static void the_data_home_follows_the_environment(void **state)
{
    char out[PATH_MAX];

    (void)state;
    assert_int_equal(setenv("XDG_DATA_HOME", "/x", 1), 0);
    assert_int_equal(data_home_find(out), RC_OK);
    assert_string_equal(out, "/x/twinsim");
    assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0); /* to be ignored, says the XDG specification */
    assert_int_equal(setenv("HOME", "/h", 1), 0);
    assert_int_equal(data_home_find(out), RC_OK);
    assert_string_equal(out, "/h/.local/share/twinsim");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_with_one_slash_or_refused),
        cmocka_unit_test_setup_teardown(a_file_is_written_whole_with_its_mode_and_replaced, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_missing_file_is_told_from_an_unreadable_one, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_pipe_is_read_to_its_end_and_one_without_a_writer_is_an_error, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_report_goes_through_links_and_replaces_nothing_but_files, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_directory_is_private_and_made_with_its_parents, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_lock_has_one_holder_and_asking_does_not_take_it, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_child_that_inherits_a_lock_holds_it_until_it_ends, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_lock_file_that_is_a_link_is_not_followed, make_dir, remove_dir),
        cmocka_unit_test(the_data_home_follows_the_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
