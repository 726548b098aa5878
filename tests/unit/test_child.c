/* test_child.c - does child.h leave nothing behind? */
#include "test.h"

#include <dirent.h>

#include "child.h"

static size_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static void a_child_that_is_stopped_before_it_was_ready_leaves_no_descriptor(void **state)
{
    static const struct child_start starts[] = {
        {.name = "stays", .args = {"/bin/cat", "/dev/zero"}, .log = "/dev/null", .inherit = -1},
        {.name = "ends", .args = {"/bin/true"}, .log = "/dev/null", .inherit = -1},
        {.name = "is told a number", .args = {"/bin/true", "N"}, .ready_arg = 1, .log = "/dev/null", .inherit = -1},
    };
    struct child c;
    char why[256];

    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        size_t before = open_descriptors();

        assert_int_equal(child_spawn(&starts[i], &c, why, sizeof why), RC_OK);
        child_stop(&c, 5000, NULL);
        assert_true(child_has_ended(&c));
        assert_int_equal(open_descriptors(), before);
        child_stop(&c, 5000, NULL); /* again: nothing happens */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_is_stopped_before_it_was_ready_leaves_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
