/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "remove_tree.h"

static char folder[PATH_MAX / 2];

/* There is no cmocka test around us to jump back to. */
__attribute__((constructor)) static void a_failed_assert_aborts(void)
{
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static void folder_remove(void)
{
    remove_tree(folder);
}

const char *fuzz_path(const char *name)
{
    static char path[PATH_MAX];
    const char *tmp = getenv("TMPDIR");

    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "%s/twinsim-fuzz-XXXXXX", tmp ? tmp : "/tmp");
        assert_non_null(mkdtemp(folder));
        assert_int_equal(atexit(folder_remove), 0);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

const char *fuzz_file(const char *name, struct str text)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    return path;
}
